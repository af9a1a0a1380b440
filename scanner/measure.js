// Measures a banner as a visitor sees it: by computed style, on the screen that there is. It is a function of page.js;
// what can't be known, such as a colour over a picture, is left out.
((page) => {
  const { walk, visible, parent, rootOf, name, roleOf, labelOf, boxes, checked, locked, leads, clickable, pressable, said, hit } = page

  // Colours are lists of red, green, blue (0 to 255) and opacity; null is unknown.
  const read = (css) => {
    const n = (css.match(/-?[\d.]+(e-?\d+)?%?/g) || []).map((x) => x.endsWith("%") ? parseFloat(x) / 100 : +x)
    if (/^rgba?\(/.test(css)) return [n[0], n[1], n[2], n[3] ?? 1]
    if (/^color\(srgb /.test(css)) return [n[0] * 255, n[1] * 255, n[2] * 255, n[3] ?? 1]
    return css === "transparent" ? [0, 0, 0, 0] : null
  }
  const over = (top, under) => top && under && [0, 1, 2].map((i) => top[i] * top[3] + under[i] * (1 - top[3])).concat(1)
  const hex = (c) => c ? "#" + c.slice(0, 3).map((x) => Math.round(x).toString(16).padStart(2, "0")).join("") : ""
  const light = (c) => [.2126, .7152, .0722].reduce((sum, w, i) => sum + w * ((x) => x <= .04045 ? x / 12.92 : ((x + .055) / 1.055) ** 2.4)(c[i] / 255), 0)
  const contrast = (a, b) => {
    if (!a || !b) return 0
    const [l, d] = [light(a), light(b)].sort((x, y) => y - x)
    return Math.round((l + .05) / (d + .05) * 100) / 100
  }
  const flat = (e) => e.assignedSlot || parent(e)

  // seen is what colour shows at an element once everything from the page's canvas up to it is painted, with a colour of
  // its own last. Nobody can know it through pictures, filters and blending, nor what lies under a box that is laid over
  // the page and isn't opaque.
  const seen = (e, last) => {
    const chain = []
    for (let up = e; up; up = flat(up)) chain.unshift(up)
    const styles = chain.map((c) => getComputedStyle(c))
    let opaqueFrom = -1
    for (let i = chain.length - 1; i >= 0; i--) {
      const s = styles[i], colour = read(s.backgroundColor)
      if (s.backgroundImage !== "none" || s.mixBlendMode !== "normal" || /invert|bright|contrast|hue|gray|sepia|satur|opacity/.test(s.filter) || !colour) return null
      const clear = +s.opacity < 1
      if (colour[3] === 1 && !clear && !styles.slice(0, i).some((a) => +a.opacity < 1)) { opaqueFrom = i; break }
      if (/fixed|absolute/.test(s.position) || chain[i].matches("dialog:modal, :popover-open")) return null
    }
    const paint = (i, under) => {
      if (i === chain.length) return last ? over(last, under) : under
      const inside = paint(i + 1, over(read(styles[i].backgroundColor), under))
      return inside && over([...inside.slice(0, 3), +styles[i].opacity], under)
    }
    return paint(Math.max(opaqueFrom, 0), [255, 255, 255, 1])
  }
  // wording is the innermost element that holds the words of another.
  const wording = (e) => {
    for (const i of [...walk(e), e]) {
      if (Array.from(i.childNodes).some((n) => n.nodeType === 3 && n.data.trim()) && visible(i)) return i
    }
    return e
  }
  const textColours = (e) => {
    const own = read(getComputedStyle(e).color), ground = seen(e)
    return { colour: ground && own && seen(e, own), ground }
  }
  const round = (x) => Math.round(x * 10) / 10
  const onScreen = (e) => {
    const r = e.getBoundingClientRect(), x = r.left + r.width / 2, y = r.top + r.height / 2
    return x >= 0 && y >= 0 && x < innerWidth && y < innerHeight
  }

  // presses are the things to press in a banner, in reading order. Boxes and links to other pages are none.
  const presses = (at) => Array.from(walk(at)).filter((e) => pressable(e) && visible(e) && !(leads(e) && roleOf(e) === "other") && !e.matches("[role=checkbox], [role=switch]")
    && !(parent(e) && parent(e).closest(clickable) && at.contains(parent(e).closest(clickable)) && parent(e).closest(clickable) !== at)).slice(0, 60)
  const button = (e) => {
    const words = wording(e), s = getComputedStyle(words), box = getComputedStyle(e), r = e.getBoundingClientRect()
    const { colour, ground } = textColours(words)
    const face = seen(e), around = flat(e) && seen(flat(e))
    const edge = ["Top", "Right", "Bottom", "Left"].every((side) => parseFloat(box[`border${side}Width`]) >= 1 && !/none|hidden/.test(box[`border${side}Style`]))
    const line = edge && around && over(read(box.borderTopColor), around)
    return {
      role: roleOf(e), label: labelOf(e, ""), tag: e.localName, width: round(r.width), height: round(r.height),
      fontSize: round(parseFloat(s.fontSize)), bold: +s.fontWeight >= 600,
      colour: hex(colour), background: hex(ground), around: hex(around),
      contrast: contrast(colour, ground), stands: Math.max(contrast(face, around), line ? contrast(line, around) : 0), visible: onScreen(e) && hit(e),
    }
  }
  const boxLabel = (e) => {
    const by = (e.getAttribute("aria-labelledby") || "").split(/\s+/).map((id) => id && e.getRootNode().getElementById?.(id)?.textContent || "").join(" ").trim()
    const row = () => { for (let up = parent(e), i = 0; up && i < 3; up = parent(up), i++) if (up.innerText?.trim()) return up.innerText.trim().split("\n")[0]; return "" }
    const own = e.labels?.length ? Array.from(e.labels, (l) => l.innerText.trim()).join(" ").trim() : ""
    return (by || e.getAttribute("aria-label") || own || e.title || row()).replace(/\s+/g, " ").slice(0, 80)
  }

  // Problems.
  const nameless = (e) => !(name(e).trim() || e.getAttribute("aria-labelledby") || e.querySelector("svg title")?.textContent.trim())
  const what = (e) => labelOf(e, "") || e.localName
  const keyless = (e) => e.tabIndex < 0 || e.localName === "a" && !e.hasAttribute("href") && !e.hasAttribute("tabindex")
  const large = (s) => parseFloat(s.fontSize) >= 24 || parseFloat(s.fontSize) >= 18.66 && +s.fontWeight >= 700
  const faint = (at) => {
    const found = new Map()
    for (const e of [...walk(at)].slice(0, 400)) {
      if (!visible(e) || e.disabled || !Array.from(e.childNodes).some((n) => n.nodeType === 3 && n.data.trim())) continue
      const { colour, ground } = textColours(e), c = contrast(colour, ground)
      if (c && c < (large(getComputedStyle(e)) ? 3 : 4.5)) found.set(hex(colour) + hex(ground), { rule: "contrast", element: e.innerText.trim().slice(0, 60), detail: `${c}:1 (${hex(colour)} on ${hex(ground)})` })
    }
    return [...found.values()]
  }
  const roleless = (at) => {
    const near = []
    for (let up = at, i = 0; up && i < 3 && up !== document.body; up = parent(up), i++) near.push(up)
    const sign = "dialog, [role=dialog], [role=alertdialog], [role=region], section, aside, form, [role=alert], [role=status]"
    const is = [...near, ...walk(at)].filter((e) => e.matches(sign))
    const named = (e) => e.getAttribute("aria-label")?.trim() || (e.getAttribute("aria-labelledby") || "").split(/\s+/).some((id) => id && e.getRootNode().getElementById?.(id)) || e.title
    if (is.some((e) => named(e) || /alert|status/.test(e.getAttribute("role") || ""))) return []
    return [{ rule: "role", element: at.localName, detail: is.some((e) => e.matches("dialog, [role]")) ? "no name" : "no role" }]
  }
  // unfocused says whether nothing changes to see when the keyboard reaches an element; null where the browser doesn't
  // let it have the focus.
  const unfocused = async (e) => {
    const look = () => [e, parent(e)].concat([...walk(e)].slice(0, 3)).filter(Boolean).flatMap((i) => ["", "::before", "::after"].map((p) => {
      const s = getComputedStyle(i, p)
      return [s.outlineStyle !== "none" && parseFloat(s.outlineWidth) ? s.outlineStyle + s.outlineColor + s.outlineWidth : "", s.boxShadow, s.borderColor, s.borderWidth, s.backgroundColor, s.backgroundImage, s.color, s.textDecoration, s.transform, s.opacity, s.filter].join()
    })).join("\n")
    const had = e.getRootNode().activeElement
    if (had === e) e.blur()
    const before = look()
    e.focus({ focusVisible: true, preventScroll: true })
    if (!e.matches(":focus")) return null
    await Promise.race([Promise.allSettled(e.getAnimations({ subtree: true }).map((a) => a.finished)), new Promise((done) => setTimeout(done, 400))])
    const same = look() === before
    e.blur()
    if (had && had !== e) had.focus?.({ preventScroll: true })
    return same
  }
  const problems = async (at) => {
    const list = []
    const all = presses(at)
    for (const e of all) {
      const r = e.getBoundingClientRect()
      if (nameless(e)) list.push({ rule: "name", element: e.localName, detail: "no name" })
      if (keyless(e)) list.push({ rule: "keyboard", element: what(e), detail: e.tabIndex < 0 && e.hasAttribute("tabindex") ? `tabindex ${e.tabIndex}` : `a ${e.localName} that takes no focus` })
      else if (all.length <= 12 && await unfocused(e)) list.push({ rule: "focus", element: what(e), detail: "nothing changes to see" })
      if ((r.width < 24 || r.height < 24) && getComputedStyle(e).display !== "inline") list.push({ rule: "target", element: what(e), detail: `${round(r.width)} × ${round(r.height)} px` })
      if (onScreen(e) && !hit(e)) list.push({ rule: "covered", element: what(e), detail: "something lies over it" })
    }
    return [...list, ...faint(at), ...roleless(at)].slice(0, 60)
  }

  const layer = (at) => ({
    buttons: presses(at).map(button),
    links: [...walk(at)].filter((e) => e.localName === "a" && leads(e) && visible(e)).slice(0, 30).map((e) => ({ label: labelOf(e, ""), url: e.href.slice(0, 300) })),
    boxes: boxes(at).map((e) => ({ label: boxLabel(e), checked: checked(e), disabled: locked(e) })),
  })
  const wording5000 = (at) => {
    const slotted = page.own() && at === (page.own().host || page.own()) ? Array.from(at.children, (e) => e.checkVisibility() ? e.innerText : "").join("\n") : ""
    return (said(at) + "\n" + slotted).replace(/[ \t\u00a0]+/g, " ").replace(/\s*\n\s*/g, "\n").trim().slice(0, 5000)
  }

  return {
    measure: async () => {
      const at = page.banner()
      return at ? { text: wording5000(at), ...layer(at), problems: await problems(at) } : null
    },
    layer: () => { const at = page.banner(); return at ? layer(at) : null },
    // wall says whether the page is hidden or can't be scrolled. It is asked of the page itself.
    wall: () => {
      const root = document.scrollingElement || document.documentElement
      const held = [document.documentElement, document.body].some((e) => e && (/hidden|clip/.test(getComputedStyle(e).overflowY) || getComputedStyle(e).position === "fixed"))
      if (held && root.scrollHeight > innerHeight + 50) return true
      if (document.querySelector("dialog:modal")) return true
      let hidden = 0
      for (let i = 0; i < 49; i++) {
        const e = document.elementFromPoint((i % 7 + .5) / 7 * innerWidth, (Math.floor(i / 7) + .5) / 7 * innerHeight)
        for (let up = e; up && up !== document.body; up = parent(up)) if (getComputedStyle(up).position === "fixed") { hidden++; break }
      }
      return hidden > 44
    },
    // cut names the answers that a very small screen has no room for, however one scrolls.
    cut: async () => {
      const at = page.banner()
      const list = []
      for (const e of at ? presses(at) : []) {
        if (!/accept|reject|save/.test(roleOf(e))) continue
        e.scrollIntoView({ block: "center", inline: "center", behavior: "instant" })
        await new Promise((done) => setTimeout(done, 50))
        const r = e.getBoundingClientRect()
        const outside = [r.left < -1 && "left", r.top < -1 && "top", r.right > innerWidth + 1 && "right", r.bottom > innerHeight + 1 && "bottom"].filter(Boolean)
        if (outside.length) list.push({ rule: "cut", element: what(e), detail: `beyond the ${outside.join(" and ")} of ${innerWidth} × ${innerHeight} px` })
      }
      return list
    },
  }
})

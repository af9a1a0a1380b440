// What the scanner asks of a frame, in a world of its own that the page can neither see nor disturb. It is one
// expression; the tables of labels and of words are put in when the program starts, and it is kept in that world.
(() => {
  const labels = {{labels}}
  const soon = (promise) => Promise.race([promise, new Promise((done) => setTimeout(done, 2000, []))]).catch(() => [])
  const keys = (store) => { try { return Object.keys(store()) } catch { return [] } }
  const plain = (s) => (s || "").slice(0, 300).toLowerCase().replace(/[’`´]/g, "'").replace(/[\s\u00ad\u200b]+/g, " ").replace(/^[^\p{L}]+|[^\p{L}]+$/gu, "")

  // known are the labels by role; bare, the same without the word for cookies that many of them carry.
  const known = new Map()
  for (const table of Object.values(labels.languages)) {
    for (const [role, list] of Object.entries(table)) for (const l of list) known.set(l, (known.get(l) || new Set()).add(role))
  }
  const noise = new RegExp(`(^| )(${labels.cookies.join("|")})(?= |$)`, "gu")
  const bare = new Set(["accept", "reject", "settings", "save"])
  const listed = (label, role) => !!known.get(label)?.has(role) || bare.has(role) && !known.has(label) && !!known.get(label.replace(noise, " ").replace(/ +/g, " ").trim())?.has(role)
  // A label may say more than what it means: "Ja tak, det er fint", "Ja, accepter alle". The rest must not take it back.
  const turns = {
    accept: /(^| )(kun|only|nur|endast|bare|kuitenkin|uniquement|solo|sólo|alleen|nej|no|nein|non|nødvendig\S*|nødvändig\S*|necessary|essential|notwendige?|uden|without|ohne|ikke|not|nicht|vælg|settings|indstillinger)( |$)/u,
    reject: /(^| )(ja|yes|oui|si|sí|accept\S*|acceptér|tillad|allow|godkend|einverstanden)( |$)/u,
  }
  const clause = (label, role) => {
    const all = label.split(/[,.;:!–—]+ ?/u).filter((c) => c)
    return all.length > 1 ? all.find((c, i) => listed(c, role) && !all.some((other, k) => k !== i && turns[role].test(other))) || "" : ""
  }
  const has = (label, role) => !!label && (listed(label, role) || role in turns && !known.has(label) && listed(clause(label, role), role))
  const roleOf = (e) => ["reject", "accept", "save", "settings", "dismiss"].find((role) => has(text(e), role)) || "other"

  const visible = (e) => {
    const r = e.getBoundingClientRect()
    return r.width > 1 && r.height > 1 && !e.disabled && e.checkVisibility({ opacityProperty: true, visibilityProperty: true })
  }
  // rootOf gives a shadow root; closed ones are handed in from outside, since no script can see them.
  const closed = new WeakMap()
  const rootOf = (e) => e.shadowRoot || closed.get(e) || null
  // walk gives the elements of a tree and of the shadow roots in it.
  function* walk(root) {
    if (rootOf(root)) yield* walk(rootOf(root))
    for (const e of root.querySelectorAll("*")) {
      yield e
      if (rootOf(e)) yield* walk(rootOf(e))
    }
  }
  const shows = (e) => e.checkVisibility() && e.innerText || ""
  const buttons = "button, [role=button], a, input[type=button], input[type=submit]"
  const clickable = buttons + ", [onclick]"
  const name = (e) => e.innerText || (e.localName === "input" ? e.value : "") || e.getAttribute("aria-label") || e.title || e.querySelector("img[alt]")?.alt || ""
  const text = (e) => plain(name(e))
  const parent = (e) => e.parentElement || (e.getRootNode() instanceof ShadowRoot ? e.getRootNode().host : null)
  // pressable is also what only looks it: a leaf under a hand-shaped pointer.
  const pressable = (e) => e.matches(clickable) || e.childElementCount === 0 && e.textContent.length < 60 && known.has(text(e)) && getComputedStyle(e).cursor === "pointer" && !e.closest(clickable)

  const over = (e) => e.matches("dialog, [role=dialog], [role=alertdialog], [aria-modal=true]") || /fixed|sticky/.test(getComputedStyle(e).position)
  const said = (e) => shows(e) + (rootOf(e) ? Array.from(rootOf(e).children, shows).join(" ") : "")
  // prose is what an element says itself, apart from its buttons and links.
  const prose = (e) => Array.from(e.querySelectorAll(buttons), shows).reduce((words, own) => words.replace(own, " "), said(e)).trim()
  const typed = "textarea, input:not([type]), " + ["text", "email", "tel", "password", "url", "number", "date"].map((t) => `input[type=${t}]`).join()
  const onScreen = (e) => {
    const r = e.getBoundingClientRect()
    return getComputedStyle(e).position !== "fixed" || !r.width || r.right > 0 && r.bottom > 0 && r.left < innerWidth && r.top < innerHeight
  }
  // speaks says whether words are about consent to cookies, and not about a newsletter, an age or a language.
  const consenting = new RegExp(labels.consent.join("|"), "giu"), elsewhere = new RegExp(labels.elsewhere.join("|"), "giu")
  const times = (words, pattern) => (words.match(pattern) || []).length
  const speaks = (words) => times(words, consenting) > times(words, elsewhere)

  // place is the banner that a button belongs to: a known tool's container; else the nearest thing that lies over the
  // page; else the nearest that says something, as long as it is small. Words about cookies further out say nothing
  // about the button, and what a visitor types in is no banner.
  const containers = labels.containers.join()
  const place = (e) => {
    const around = []
    for (let up = parent(e); up && up !== document.documentElement && (up !== document.body || window !== top); up = parent(up)) around.push(up)
    const tool = around.find((up) => up.matches(containers))
    if (tool) return tool
    const telling = around.filter((up) => prose(up).length > 10) // a row of buttons that sticks to the bottom of a dialog isn't
    const above = telling.find(over)
    const near = above || telling[0]
    if (!near || said(near).length > (above ? 12000 : 4000) || !above && near.querySelectorAll(buttons).length > 12 || !onScreen(near)) return null
    const about = above ? said(near) : prose(near) + " " + text(e)
    return speaks(about) && !Array.from(walk(near)).some((i) => i.matches(typed) && visible(i)) ? near : null
  }

  // own is the root of this product's banner, by its documented ids; the host's id alone could be anybody's.
  const own = () => {
    const host = document.querySelector("#samtykke")
    const root = host && (rootOf(host) || host)
    return root && root.querySelector("#banner, #dialog, #reopen") ? root : null
  }
  const ownOne = (root, role) => {
    const banner = root.querySelector("#banner")
    const inside = banner && visible(banner) && ((root.host || root).querySelector("#" + role) || banner.querySelector("#" + role))
    const e = role === "reopen" || role === "save" ? root.querySelector("#" + role) : inside
    return e && visible(e) ? e : null
  }
  // labelled are the elements that can be pressed and carry a label.
  const labelled = () => {
    const list = []
    for (const e of walk(document)) {
      if (!e.matches(clickable) && (e.childElementCount || e.textContent.length > 60)) continue
      const label = text(e)
      if (label && label.length < 80 && pressable(e)) list.push({ e, label })
    }
    return list
  }
  // heads says whether a button is the heading of one choice: it unfolds, or stands alone beside a switch.
  const heads = (e) => {
    const row = parent(e), count = (what) => row ? row.querySelectorAll(what).length : 0
    return e.hasAttribute("aria-expanded") || count("input[type=checkbox], [role=switch]") === 1 && count(buttons) - count("button[role=switch]") === 1
  }
  // find gives the element that plays a part: accept, reject, settings, save, dismiss, reopen or withdraw. Nothing else is
  // ever pressed. A label that stands several times in one banner answers for one purpose each, and not for all; and a
  // choice's heading or label, such as "Nødvendige", answers nothing.
  const find = (role, among = labelled()) => {
    const root = own()
    if (root && (role !== "settings" || ownOne(root, "choose"))) return ownOne(root, role === "settings" ? "choose" : role)
    const anywhere = role === "reopen" || role === "withdraw"
    const found = []
    for (const { e, label } of among) {
      if (!has(label, role) || !visible(e)) continue
      if (anywhere) return e
      if (e.closest("label") || role !== "settings" && heads(e)) continue
      const at = place(e)
      if (at) found.push({ e, at, label })
    }
    return found.find((f) => found.every((g) => g === f || g.at !== f.at || g.label !== f.label || f.e.contains(g.e) || g.e.contains(f.e)))?.e || null
  }
  const labelOf = (e, otherwise) => e ? (name(e).trim() || otherwise).replace(/\s+/g, " ").slice(0, 60) : ""
  // banner is the place of whatever can be answered.
  const banner = (among = labelled()) => {
    const root = own()
    if (root) return ["#banner", "#dialog"].some((id) => root.querySelector(id) && visible(root.querySelector(id))) ? root.host || root : null
    for (const role of ["accept", "reject", "save", "dismiss"]) {
      const e = find(role, among)
      if (e) return place(e)
    }
    return null
  }

  // other is a button of the banner whose label is in no table. A link to another page is none.
  const leads = (e) => e.localName === "a" && !/^(#|javascript:|$)/i.test(e.getAttribute("href") || "")
  const other = (at) => {
    if (own()) return null
    return at ? Array.from(walk(at)).find((e) => e.matches(clickable) && !leads(e) && visible(e) && text(e) && roleOf(e) === "other" && !known.has(text(e))) : null
  }
  // hit says whether a click in the middle of an element would reach it, and not something that lies over it.
  const hit = (e) => {
    const r = e.getClientRects()[0]
    let at = r && e.getRootNode().elementFromPoint(r.left + r.width / 2, r.top + r.height / 2)
    return !!at && (e.contains(at) || (e.labels ? Array.from(e.labels).some((l) => l.contains(at)) : false))
  }
  // steady waits until an element has stopped moving, for a second and a half at most.
  const steady = async (e) => {
    const at = () => { const r = e.getBoundingClientRect(); return [r.left, r.top, r.width, r.height].map(Math.round).join() }
    for (let was = "", still = 0, i = 0; still < 2 && i < 50; i++) {
      const now = at()
      still = now === was ? still + 1 : 0
      was = now
      await new Promise((done) => setTimeout(done, 30))
    }
    return visible(e)
  }

  // suspect is something on the screen that has nothing in it, so that what one sees may be in a closed shadow root.
  const asked = new WeakSet()
  const suspect = () => {
    for (let i = 0; i < 49; i++) {
      let e = document.elementFromPoint((i % 7 + .5) / 7 * innerWidth, (Math.floor(i / 7) + .5) / 7 * innerHeight)
      while (e && e.shadowRoot) { const inner = e.shadowRoot.elementFromPoint((i % 7 + .5) / 7 * innerWidth, (Math.floor(i / 7) + .5) / 7 * innerHeight); if (!inner || inner === e) break; e = inner }
      if (!e || asked.has(e) || rootOf(e) || e === document.body || e === document.documentElement) continue
      if (!e.localName.includes("-") && (e.childElementCount || e.textContent.trim() || !/^(div|span|section|aside|article|footer|header|main|nav|p)$/.test(e.localName))) continue
      asked.add(e)
      return e
    }
    return null
  }

  // boxes are the choices that are shown: also those whose own mark is hidden behind a drawn one.
  const switches = "input[type=checkbox], input[type=radio], [role=switch], [role=checkbox], [role=menuitemcheckbox]"
  const boxes = (at) => Array.from(walk(at)).filter((e) => e.matches(switches) && (visible(e) || e.labels && Array.from(e.labels).some(visible) || parent(e) && visible(parent(e)))).slice(0, 100)
  const checked = (e) => e.localName === "input" ? e.checked : e.getAttribute("aria-checked") === "true"
  const locked = (e) => !!e.disabled || e.getAttribute("aria-disabled") === "true"
  const tried = new WeakSet()
  // ticked is a choice of the banner that is on and could be off.
  const ticked = () => {
    const at = banner()
    return at && boxes(at).find((e) => e.type !== "radio" && checked(e) && !locked(e) && !tried.has(e)) || null
  }

  // reopener is a way to change one's mind that is not inside the banner: by its label, by a known tool's mark, or by
  // words that are about both consent and changing it.
  const changes = new RegExp(labels.change.join("|"), "iu")
  const reopener = () => {
    const at = banner()
    const outside = (e) => visible(e) && !(at && (at.contains(e) || at === rootOf(e)))
    const sure = find("withdraw") || find("reopen")
    if (sure && outside(sure)) return sure
    for (const e of walk(document)) {
      if (e.matches(labels.reopeners.join()) && outside(e)) return e
      const words = e.matches(clickable) ? text(e) : ""
      if (words && words.length < 60 && times(words, consenting) && changes.test(words) && outside(e)) return e
    }
    return null
  }
  // declares is a link to what a site says about its cookies. One that opens the settings is none.
  const declares = () => {
    const at = banner()
    const link = Array.from(walk(document)).find((e) => e.localName === "a" && e.href && leads(e) && visible(e) && !(at && at.contains(e)) &&
      /cookie|kakor|informasjonskaps|eväste|vafrak|süti|бисквит|kolačić|piškot|küpsis|sīkdat|slapuk/i.test(text(e) + " " + decodeURI(e.pathname).slice(0, 200)) && !known.get(text(e))?.has("reopen"))
    return link ? link.href.slice(0, 300) : ""
  }

  // refreshes are the pages that this one goes on to by itself after a while (HTML, 4.2.5.3, http-equiv=refresh).
  const refreshes = () => Array.from(document.querySelectorAll("meta[http-equiv=refresh i]"), (m) => {
    const to = /^\s*[\d.]+\s*[;,]?\s*(?:url\s*=\s*)?["']?([^"']+)/i.exec(m.content)
    return to ? new URL(to[1].trim(), document.baseURI).href : ""
  }).filter((a) => a.startsWith("http"))

  return {
    find, hit, steady, own, banner, place, walk, visible, text, name, labelOf, roleOf, parent, rootOf, said, leads, boxes, checked, locked, clickable, pressable, ticked, plain, onScreen, suspect,
    adopt: (host, root) => { closed.set(host, root) },
    probe: () => {
      const among = labelled(), at = banner(among), label = (role) => labelOf(find(role, among), role)
      return {
        own: !!own(), accept: label("accept"), reject: label("reject"), settings: label("settings"), save: label("save"),
        notice: label("dismiss"), other: labelOf(other(at), ""), choices: at ? boxes(at).length : 0,
      }
    },
    // untick marks what it gave out, so that a switch which doesn't obey is tried once.
    untick: () => {
      const e = ticked()
      if (!e) return null
      tried.add(e)
      return visible(e) ? e : Array.from(e.labels || []).find(visible) || parent(e)
    },
    choices: () => { const at = banner(); return at ? boxes(at).length : 0 },
    left: () => { const at = banner(); return at ? boxes(at).filter((e) => e.type !== "radio" && checked(e) && !locked(e)).length : 0 },
    about: () => ({ lang: document.documentElement.lang.slice(0, 35), reopen: labelOf(reopener(), "icon"), declares: declares() }),
    // idle ends when the timers that are due have fired.
    idle: () => new Promise((done) => setTimeout(done)),
    // prose is what the page says, without the banner.
    prose: () => {
      const body = document.querySelector("main, [role=main]") || document.body, at = banner()
      const words = (body && body.innerText || "").replace(at && shows(at) || "\0", " ")
      return { lang: document.documentElement.lang.slice(0, 35), text: words.replace(/[ \t\u00a0]+/g, " ").replace(/\s*\n\s*/g, "\n").trim().slice(0, 20000) }
    },
    links: () => [...refreshes(), ...Array.from(document.links, (a) => a.href)].slice(0, 1000),
    // exercise provokes what only starts when a visitor reads on or plays a film.
    exercise: async () => {
      const root = document.documentElement, end = root.scrollHeight, step = Math.max(innerHeight, end / 15, 100)
      for (let y = step; y < end; y += step) { // what is passed comes into sight
        scrollTo(0, y)
        await new Promise((done) => { requestAnimationFrame(done); setTimeout(done, 30) })
      }
      scrollTo(0, root.scrollHeight)
      for (const m of document.querySelectorAll("video, audio")) {
        m.muted = true
        m.play().catch(() => {})
      }
    },
    stored: async () => ({
      host: self.origin === "null" ? "" : new URL(self.origin).hostname,
      localStorage: keys(() => localStorage),
      sessionStorage: keys(() => sessionStorage),
      indexedDB: (await soon(self.indexedDB?.databases?.() ?? [])).map((d) => d.name),
      cacheStorage: await soon(self.caches?.keys() ?? []),
      serviceWorker: (await soon(navigator.serviceWorker?.getRegistrations() ?? [])).map((r) => new URL(r.scope).pathname),
    }),
  }
})()

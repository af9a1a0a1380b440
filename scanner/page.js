// What the scanner asks of a frame, in a world of its own that the page can neither see nor disturb. It is one
// expression; the table of labels is put in when the program starts.
(() => {
  const labels = {{labels}}
  const soon = (promise) => Promise.race([promise, new Promise((done) => setTimeout(done, 2000, []))]).catch(() => [])
  const keys = (store) => { try { return Object.keys(store()) } catch { return [] } }
  const plain = (s) => (s || "").toLowerCase().replace(/[\s ]+/g, " ").replace(/^[^\p{L}]+|[^\p{L}]+$/gu, "")

  const visible = (e) => {
    const r = e.getBoundingClientRect()
    return r.width > 1 && r.height > 1 && !e.disabled && e.checkVisibility({ opacityProperty: true, visibilityProperty: true })
  }
  // walk gives the elements of a tree and of the open shadow roots in it.
  function* walk(root) {
    if (root.shadowRoot) yield* walk(root.shadowRoot)
    for (const e of root.querySelectorAll("*")) {
      yield e
      if (e.shadowRoot) yield* walk(e.shadowRoot)
    }
  }
  const shows = (e) => e.checkVisibility() && e.innerText || ""
  const clickable = "button, [role=button], a, input[type=button], input[type=submit]"
  const text = (e) => plain(e.innerText || e.value || e.getAttribute("aria-label") || e.title)
  const parent = (e) => e.parentElement || (e.getRootNode() instanceof ShadowRoot ? e.getRootNode().host : null)

  const over = (e) => e.matches("dialog, [role=dialog], [role=alertdialog], [aria-modal=true]") || /fixed|sticky/.test(getComputedStyle(e).position)
  const said = (e) => shows(e) + (e.shadowRoot ? Array.from(e.shadowRoot.children, shows).join(" ") : "")
  // prose is what an element says itself, apart from its buttons and links.
  const prose = (e) => Array.from(e.querySelectorAll(clickable), shows).reduce((words, own) => words.replace(own, " "), said(e)).trim()
  const typed = "textarea, input:not([type]), " + ["text", "email", "search", "tel", "password", "url", "number"].map((t) => `input[type=${t}]`).join()

  // place is the banner that a button belongs to: a known tool's container; else the nearest thing that lies over the
  // page; else the nearest that says something, as long as it is small. Words about cookies further out say nothing
  // about the button, and what a visitor types in is no banner.
  const place = (e) => {
    const around = []
    for (let up = parent(e); up && up !== document.documentElement && (up !== document.body || window !== top); up = parent(up)) around.push(up)
    const known = around.find((up) => up.matches(labels.containers.join()))
    if (known) return known
    const telling = around.filter((up) => prose(up).length > 10) // a row of buttons that sticks to the bottom of a dialog isn't
    const above = telling.find(over)
    const near = above || telling[0]
    if (!near || said(near).length > (above ? 12000 : 4000) || !above && near.querySelectorAll(clickable).length > 12) return null
    const about = above ? said(near) : prose(near) + " " + text(e)
    return /cookie|samtykke|consent/i.test(about) && !Array.from(walk(near)).some((i) => i.matches(typed) && visible(i)) ? near : null
  }

  // own is the root of this product's banner, by its documented ids; the host's id alone could be anybody's.
  const own = () => {
    const host = document.querySelector("#samtykke")
    const root = host && (host.shadowRoot || host)
    return root && root.querySelector("#banner, #dialog, #reopen") ? root : null
  }
  // find gives the element that plays a part: accept, reject, reopen or withdraw. Nothing else is ever pressed.
  const find = (role) => {
    const root = own()
    if (root) {
      const banner = root.querySelector("#banner")
      const e = role === "reopen" ? root.querySelector("#reopen") : banner && visible(banner) && ((root.host || root).querySelector("#" + role) || banner.querySelector("#" + role))
      return e && visible(e) ? e : null
    }
    const anywhere = role === "reopen" || role === "withdraw"
    for (const e of walk(document)) {
      if (e.matches(clickable) && labels[role].includes(text(e)) && visible(e) && (anywhere || place(e))) return e
    }
    return null
  }
  const labelOf = (e, otherwise) => e ? (e.innerText || e.value || e.getAttribute("aria-label") || e.title || otherwise).trim().slice(0, 60) : ""
  const label = (role) => labelOf(find(role), role)

  // other is a button of the banner whose label is in no table. A link to another page is none.
  const known = Object.values(labels).flat()
  const other = () => {
    const banner = !own() && place(find("accept") || find("dismiss") || document.body)
    const leads = (e) => e.localName === "a" && !/^(#|javascript:|$)/.test(e.getAttribute("href") || "")
    return banner ? Array.from(walk(banner)).find((e) => e.matches(clickable) && !leads(e) && visible(e) && text(e) && !known.includes(text(e))) : null
  }
  // hit says whether a click in the middle of an element would reach it, and not something that lies over it.
  const hit = (e) => {
    const r = e.getClientRects()[0]
    const at = r && e.getRootNode().elementFromPoint(r.left + r.width / 2, r.top + r.height / 2)
    return !!at && e.contains(at)
  }

  return {
    find,
    hit,
    probe: () => ({ own: !!own(), accept: label("accept"), reject: label("reject"), notice: label("dismiss"), other: labelOf(other(), "") }),
    links: () => Array.from(document.links, (a) => a.href).slice(0, 1000),
    // exercise provokes what only starts when a visitor reads on or plays a film.
    exercise: () => {
      scrollTo(0, document.documentElement.scrollHeight)
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

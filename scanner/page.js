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
    for (const e of root.querySelectorAll("*")) {
      yield e
      if (e.shadowRoot) yield* walk(e.shadowRoot)
    }
  }
  const clickable = "button, [role=button], a, input[type=button], input[type=submit]"
  const text = (e) => plain(e.innerText || e.value || e.getAttribute("aria-label") || e.title)
  const parent = (e) => e.parentElement || (e.getRootNode() instanceof ShadowRoot ? e.getRootNode().host : null)

  // asks says whether a button stands in something that talks about cookies or consent, and not just anywhere on
  // a page that does.
  const asks = (e) => {
    for (let up = parent(e), n = 0; up && up !== document.documentElement && n < 12; up = parent(up), n++) {
      if (up === document.body && window === top) return false
      const words = up.innerText || ""
      if (words.length > 12000) return false
      if (/cookie|samtykke|consent|privatliv|privacy|gdpr|sporing|tracking/i.test(words)) return true
    }
    return false
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
      const e = role === "reopen" ? root.querySelector("#reopen") : banner && visible(banner) && banner.querySelector("#" + role)
      return e && visible(e) ? e : null
    }
    for (const e of walk(document)) {
      if (e.matches(clickable) && labels[role].includes(text(e)) && visible(e) && (role === "reopen" || role === "withdraw" || asks(e))) return e
    }
    return null
  }
  const label = (role) => {
    const e = find(role)
    return e ? (e.innerText || e.value || e.getAttribute("aria-label") || e.title || role).trim().slice(0, 60) : ""
  }

  return {
    find,
    probe: () => ({ own: !!own(), accept: label("accept"), reject: label("reject"), notice: label("dismiss") }),
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

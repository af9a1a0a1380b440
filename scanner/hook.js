// Runs in every frame before the page's own scripts and reports who stores what: names and script addresses, never
// a value. Proxies are used since they look like the native functions that they stand for. The reporting function
// has a random name, put in when the program starts, and is taken away before the page can see it.
(() => {
  const send = globalThis["BINDING"]
  if (typeof send !== "function" || !delete globalThis["BINDING"]) return
  const { apply, getOwnPropertyDescriptor: describe, defineProperty: define } = Reflect
  const { stringify } = JSON
  const E = Error
  let host = ""
  try { host = new URL(self.origin).hostname } catch { return } // an opaque origin can store nothing

  // The first address on the stack is the script that calls. A page may have its own idea of what stacks look like;
  // it is put aside meanwhile.
  const caller = () => {
    const limit = E.stackTraceLimit, own = describe(E, "prepareStackTrace")
    E.stackTraceLimit = 12
    if (own) define(E, "prepareStackTrace", { ...own, value: undefined })
    const stack = new E().stack || ""
    E.stackTraceLimit = limit
    if (own) define(E, "prepareStackTrace", own)
    return (/https?:\/\/[^\s)]+?(?=:\d+:\d+)/.exec(stack) || [""])[0]
  }
  const report = (kind, name, line, kept) => send(stringify({ kind, name, line, kept, host, by: caller() }))

  const after = (fn, told) => new Proxy(fn, {
    apply(target, self, args) {
      const result = apply(target, self, args)
      try { told(self, args) } catch { /* a report must never break a page */ }
      return result
    },
  })
  const wrap = (owner, name, told) => {
    const d = owner && describe(owner.prototype, name)
    if (d && typeof d.value === "function") define(owner.prototype, name, { ...d, value: after(d.value, told) })
  }

  const cookie = describe(Document.prototype, "cookie")
  define(Document.prototype, "cookie", {
    ...cookie,
    set: after(cookie.set, (doc, [text]) => {
      if (typeof text !== "string") return
      const end = text.indexOf(";") < 0 ? text.length : text.indexOf(";")
      const at = text.indexOf("=")
      if (at < 0 || at > end) return
      const name = text.slice(0, at).trim()
      const kept = apply(cookie.get, doc, []).split("; ").some((c) => c.startsWith(name + "="))
      report("cookie", name, name + "=" + text.slice(end), kept)
    }),
  })
  wrap(globalThis.CookieStore, "set", (_, [first]) => {
    const o = typeof first === "object" ? first : { name: first }
    const expires = o.expires == null ? "" : ";expires=" + new Date(o.expires).toUTCString()
    report("cookie", o.name, o.name + "=;domain=" + (o.domain || "") + expires, false)
  })
  wrap(globalThis.Storage, "setItem", (store, [name]) => {
    report(store === sessionStorage ? "sessionStorage" : "localStorage", String(name), "", false)
  })
  wrap(globalThis.IDBFactory, "open", (_, [name]) => report("indexedDB", String(name), "", false))
  wrap(globalThis.CacheStorage, "open", (_, [name]) => report("cacheStorage", String(name), "", false))
})()

// Runs in every frame and worker before the page's own scripts and reports who stores what and who asks by what
// browsers can be told apart: names and script addresses, never a value. Proxies are used since they look like the
// native functions that they stand for. The reporting function has a random name, put in when the program starts, and
// is taken away before the page can see it.
(() => {
  const send = globalThis["BINDING"]
  if (typeof send !== "function" || !delete globalThis["BINDING"]) return
  const { apply, getOwnPropertyDescriptor: describe, defineProperty: define } = Reflect
  const { stringify } = JSON
  const E = Error, S = String, D = Date, listen = globalThis.addEventListener
  const on = globalThis.EventTarget.prototype.addEventListener, then = Promise.prototype.then
  const split = S.prototype.split, match = S.prototype.match
  let host = ""
  try { host = new URL(self.origin).hostname } catch { return } // an opaque origin can store nothing

  // The addresses on the stack are the scripts that call, the nearest first. A page may have its own idea of what
  // stacks look like; it is put aside meanwhile.
  const callers = () => {
    const limit = describe(E, "stackTraceLimit"), own = describe(E, "prepareStackTrace")
    define(E, "stackTraceLimit", { value: 25, writable: true, enumerable: true, configurable: true })
    if (own) define(E, "prepareStackTrace", { ...own, value: undefined })
    const stack = new E().stack || ""
    if (limit) define(E, "stackTraceLimit", limit)
    else delete E.stackTraceLimit
    if (own) define(E, "prepareStackTrace", own)
    const found = apply(match, stack, [/https?:\/\/[^\s)]+?(?=:\d+:\d+)/g]) || []
    return found.filter((a, i) => found.indexOf(a) === i).slice(0, 5)
  }
  let left = 3000 // reports, so that no page can flood the scan
  const tell = (what) => { if (left-- > 0) send(stringify(what)) }
  const report = (kind, name, more) => tell({ kind, name, host, stack: callers(), ...more })

  // run calls the native function. Where it throws, the stack is told without the steps that lead through here.
  const step = /\n {4}at (Object\.apply|run) \([^)\n]*\)/g, replace = S.prototype.replace
  const run = (target, self, args) => {
    try { return apply(target, self, args) } catch (e) {
      try {
        const d = e instanceof E && describe(e, "stack")
        if (d && typeof d.value === "string") define(e, "stack", { ...d, value: apply(replace, d.value, [step, ""]) })
        else if (d) e.stack = apply(replace, e.stack, [step, ""])
      } catch { /* it stays as it is */ }
      throw e
    }
  }
  const after = (fn, told) => new Proxy(fn, {
    apply(target, self, args) {
      const result = run(target, self, args)
      try { told(self, args, result) } catch { /* a report must never break a page */ }
      return result
    },
  })
  const wrap = (type, name, told) => {
    const owner = globalThis[type] && globalThis[type].prototype
    const d = owner && describe(owner, name)
    if (d && typeof d.value === "function") define(owner, name, { ...d, value: after(d.value, told) })
  }
  const wrapAccessor = (type, name, part, told) => {
    const owner = globalThis[type] && globalThis[type].prototype
    const d = owner && describe(owner, name)
    if (d && d[part]) define(owner, name, { ...d, [part]: after(d[part], told) })
    return d
  }
  // A promise's outcome is looked at without taking a rejection away from the page: of the page's own promise another
  // is made, whose failure nobody is told of.
  const done = (promise, told) => { apply(then, promise, [told, () => {}]) }

  // A timer that is about to fire keeps the scan on the page. Of several, the last to come is told of; of those that take
  // longer, the first few, since a page that always sets the next one never ends.
  const clock = performance, now = clock.now
  let due = 0, timers = 200, late = 5
  const timed = (_, [, ms]) => {
    if (ms > 1500 && ms <= 3300 && late-- > 0) send(stringify({ timer: +ms }))
    const at = apply(now, clock, []) + +ms
    if (!(ms >= 40 && ms <= 1500) || at <= due + 20 || timers-- <= 0) return
    due = at
    send(stringify({ timer: +ms }))
  }
  for (const name of ["setTimeout", "setInterval"]) {
    const d = describe(globalThis, name)
    if (d) define(globalThis, name, { ...d, value: after(d.value, timed) })
  }

  // What is stored.
  const cookie = globalThis.Document && wrapAccessor("Document", "cookie", "set", (doc, [text]) => {
    if (typeof text !== "string") text = S(text)
    const end = text.indexOf(";") < 0 ? text.length : text.indexOf(";")
    const at = text.indexOf("=")
    if (at < 0 || at > end) return
    const name = text.slice(0, at).trim()
    const kept = apply(split, apply(cookie.get, doc, []), ["; "]).some((c) => c.startsWith(name + "="))
    report("cookie", name, { line: name + "=" + text.slice(end), kept })
    commands()
  })
  wrap("CookieStore", "set", (_, [first], result) => {
    const o = first !== null && typeof first === "object" ? first : { name: first }
    const expires = o.expires == null ? "" : ";expires=" + new D(o.expires).toUTCString()
    const line = S(o.name) + "=;secure;domain=" + (o.domain || "") + ";samesite=" + (o.sameSite || "strict") + (o.partitioned ? ";partitioned" : "") + expires
    const stack = callers()
    done(result, () => tell({ kind: "cookie", name: S(o.name), host, stack, line, kept: true }))
  })
  wrap("CookieStore", "delete", (_, [first], result) => {
    const name = S(first !== null && typeof first === "object" ? first.name : first)
    const stack = callers()
    done(result, () => tell({ kind: "cookie", name, host, stack, line: name + "=;max-age=0" }))
  })
  wrap("Storage", "setItem", (store, [name]) => {
    report(store === sessionStorage ? "sessionStorage" : "localStorage", S(name), { kept: true })
  })
  wrap("Storage", "removeItem", (store, [name]) => {
    report(store === sessionStorage ? "sessionStorage" : "localStorage", S(name), { removes: true })
  })
  wrap("IDBFactory", "open", (_, [name], request) => {
    const stack = callers()
    apply(on, request, ["success", () => tell({ kind: "indexedDB", name: S(name), host, stack, kept: true })])
  })
  wrap("IDBFactory", "deleteDatabase", (_, [name], request) => {
    const stack = callers()
    apply(on, request, ["success", () => tell({ kind: "indexedDB", name: S(name), host, stack, removes: true })])
  })
  wrap("CacheStorage", "open", (_, [name], result) => {
    const stack = callers()
    done(result, () => tell({ kind: "cacheStorage", name: S(name), host, stack, kept: true }))
  })
  wrap("CacheStorage", "delete", (_, [name], result) => {
    const stack = callers()
    done(result, () => tell({ kind: "cacheStorage", name: S(name), host, stack, removes: true }))
  })
  wrap("ServiceWorkerContainer", "register", (_, __, result) => {
    const stack = callers()
    done(result, (r) => tell({ kind: "serviceWorker", name: new URL(r.scope).pathname, host, stack, kept: true }))
  })

  // By what browsers can be told apart. A count is told when it has doubled.
  const counts = new Map()
  const use = (what, more) => {
    const stack = callers()
    const key = what + " " + stack[0]
    const n = (counts.get(key) || 0) + 1
    if (counts.size < 500) counts.set(key, n)
    if ((n & (n - 1)) === 0) tell({ use: what, stack, count: n, ...more })
  }
  const texts = new WeakSet() // canvases with text on them: a picture is no fingerprint
  for (const type of ["CanvasRenderingContext2D", "OffscreenCanvasRenderingContext2D"]) {
    const canvasOf = (context) => context.canvas
    const font = globalThis[type] && describe(globalThis[type].prototype, "font")
    const fonts = new Set()
    wrap(type, "fillText", (context) => { texts.add(canvasOf(context)) })
    wrap(type, "strokeText", (context) => { texts.add(canvasOf(context)) })
    wrap(type, "getImageData", (context) => { if (texts.has(canvasOf(context))) use("canvas") })
    wrap(type, "measureText", (context) => {
      if (fonts.size < 200) fonts.add(apply(font.get, context, []))
      if (fonts.size >= 10) use("fonts")
    })
  }
  const readOut = (canvas) => { if (texts.has(canvas)) use("canvas") }
  wrap("HTMLCanvasElement", "toDataURL", readOut)
  wrap("HTMLCanvasElement", "toBlob", readOut)
  wrap("OffscreenCanvas", "convertToBlob", readOut)
  for (const type of ["WebGLRenderingContext", "WebGL2RenderingContext"]) {
    wrap(type, "getParameter", (_, [name]) => { if (name === 0x9245 || name === 0x9246) use("webgl") }) // maker and model
    wrap(type, "readPixels", () => use("webgl"))
  }
  wrap("OfflineAudioContext", "startRendering", () => use("audio"))
  const checked = new Set()
  wrap("FontFaceSet", "check", (_, [font]) => {
    if (checked.size < 200) checked.add(S(font))
    if (checked.size >= 10) use("fonts")
  })
  wrap("RTCPeerConnection", "createOffer", () => use("webrtc"))
  wrap("MediaDevices", "enumerateDevices", () => use("devices"))
  wrapAccessor("Navigator", "plugins", "get", () => use("devices"))
  wrap("NavigatorUAData", "getHighEntropyValues", () => use("devices"))
  wrap("Navigator", "getBattery", () => use("battery"))

  if (!globalThis.Document) return

  // Links to other sites that are given an id to carry along.
  const carried = /[?&#](gclid|dclid|gbraid|wbraid|fbclid|msclkid|ttclid|twclid|li_fat_id|_ga|_gl|yclid|mc_eid|irclickid|epik)=/gi
  const decorated = (_, [address]) => {
    const names = (apply(match, S(address), [carried]) || []).map((m) => m.slice(1, -1).toLowerCase())
    if (names.length) use("link-decoration", { names })
  }
  wrapAccessor("HTMLAnchorElement", "href", "set", decorated)
  wrapAccessor("HTMLAnchorElement", "search", "set", decorated)

  // Consent commands in Google's layer, in their place among the requests: the layer is read before whatever may send
  // something, and whenever the page changes. Nothing is put in its way.
  const seen = new WeakSet()
  let length = 0
  const commands = () => {
    const d = describe(globalThis, "dataLayer")
    const layer = d && d.value
    if (!layer || typeof layer !== "object" || layer.length === length) return
    for (let i = layer.length < length ? 0 : length; i < layer.length && i < 5000; i++) {
      const entry = layer[i]
      if (entry === null || typeof entry !== "object" || entry[0] !== "consent" || seen.has(entry)) continue
      seen.add(entry)
      tell({ signal: [entry[1], entry[2]] })
    }
    length = layer.length
  }
  const before = (fn) => new Proxy(fn, {
    apply(target, self, args) {
      try { commands() } catch { /* as above */ }
      return run(target, self, args)
    },
  })
  const first = (owner, name, part) => {
    const d = owner && describe(owner, name)
    if (d && typeof d[part] === "function") define(owner, name, { ...d, [part]: before(d[part]) })
  }
  first(globalThis, "fetch", "value")
  first(globalThis.Navigator.prototype, "sendBeacon", "value")
  first(globalThis.XMLHttpRequest.prototype, "send", "value")
  for (const type of ["Script", "Image", "IFrame"]) first(globalThis[`HTML${type}Element`].prototype, "src", "set")
  // A picture is fetched when the script that asked for it is done, and nobody remembers by then which it was.
  let pictures = 300
  const image = wrapAccessor("HTMLImageElement", "src", "set", (element) => {
    if (pictures-- <= 0) return
    const address = apply(image.get, element, [])
    if (address.startsWith("http")) tell({ picture: apply(split, address, ["?"])[0], stack: callers() })
  })
  try {
    new MutationObserver(commands).observe(document, { childList: true, subtree: true })
    for (const name of ["DOMContentLoaded", "load", "click", "pagehide"]) apply(listen, globalThis, [name, () => setTimeout(commands), true])
  } catch { /* a document that can't be watched */ }
})()

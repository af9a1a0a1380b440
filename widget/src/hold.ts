// Holds what a page asks other sites for without having marked it. As the stub it stands in the page itself and holds
// everything from elsewhere until the script is there; in the script it does the same where there is no stub.
// What is held happens later, on the same element or call, with the same arguments.

/** What is held: the address, what lets it happen, and the element that it was for, if any. */
export type Held = [url: URL, go: () => unknown, element?: HTMLElement];

export interface Holding {
  held: Held[]; // in the order of the page
  holds: (url: URL, element?: HTMLElement) => unknown; // whether to hold it now
}

type Any = Record<string, any>;

export function install(w: Any, d: Document): Holding {
  const late = "data-samtykke-src";
  const held: Held[] = [];
  const foreign = (address: any, element?: HTMLElement): URL | false | undefined => {
    try {
      const url = new URL(address, d.baseURI);
      return /^http/.test(url.protocol) && !!state.holds(url, element) && url;
    } catch {
      return; // no address: nothing is asked for
    }
  };
  // Does it now, or later: then the page gets this value meanwhile.
  const when = (address: any, go: () => unknown, meanwhile?: unknown, element?: HTMLElement) => {
    const url = foreign(address, element);
    if (!url) return go();
    held.push([url, go, element]);
    return meanwhile;
  };
  const patch = (object: Any, name: string, by: (plain: (...a: any[]) => any, args: any[], self: any) => unknown) => {
    const plain = object[name];
    if (!plain) return; // pages ask whether the browser has it
    object[name] = function (...args: any[]) {
      return by(plain.bind(this), args, this);
    };
  };
  const state: Holding = { held, holds: (url) => url.host != location.host };
  // Takes from markup the addresses that are to be held: they come when the elements are there. Trusted HTML stays as it is.
  const defuse = (html: any) => html?.replace?.(/(<(?:script|iframe|img)\b[^>]*?\s)src(\s*=\s*["']?([^"'\s>]+))/gi,
    (all: string, before: string, rest: string, address: string) => (foreign(address) ? before + late + rest : all)) ?? html;
  // Has a property set in our way.
  const guard = (proto: any, key: string, by: (set: (value: any) => void, value: any, self: any) => void) => {
    const plain = Object.getOwnPropertyDescriptor(proto, key)!;
    const set = plain.set!;
    plain.set = function (value) {
      by((v) => set.call(this, v), value, this);
    };
    Reflect.defineProperty(proto, key, plain); // where the page has frozen it, it stays
  };
  patch(w, "fetch", (plain, args) => new Promise((done) => when(args[0].url || args[0], () => done(plain(...args)))));
  patch(navigator, "sendBeacon", (plain, args) => when(args[0], () => plain(...args), true));
  const { prototype } = w.XMLHttpRequest;
  patch(prototype, "open", (plain, args, self) => {
    self.samtykke = [args[1]];
    plain(...args);
  });
  patch(prototype, "abort", (plain, _, self) => {
    self.samtykke = self.samtykke?.slice();
    plain();
  });
  patch(prototype, "send", (plain, args, self) => {
    const opened = self.samtykke;
    when(opened?.[0], () => {
      if (self.samtykke == opened) plain(...args); // else it was opened anew or given up meanwhile
    });
  });
  const latest = new WeakMap(); // elements and the address that the page gave them last
  // Held scripts and their type. Meanwhile they have none that runs: without an address they would run their text.
  const kinds = new WeakMap();
  guard(w.HTMLScriptElement.prototype, "type", (set, value, self) => (kinds.has(self) ? kinds.set(self, value) : set(value)));
  for (const type of ["Script", "IFrame", "Image", "Embed", "Media", "Source", "Link"]) {
    const { prototype } = w[`HTML${type}Element`], key = type == "Link" ? "href" : "src";
    guard(prototype, key, (set, value, self) => {
      const { async, rel } = self; // the parser forgets async of a script that it found empty
      latest.set(self, value);
      const go = () => {
        if (latest.get(self) != value) return;
        const kind = kinds.get(self);
        if (kinds.delete(self)) [self.type, self.async] = [kind, async];
        set(value);
      };
      if (/^(canonical|alternate|next|prev)$/i.test(rel)) go(); // asks for nothing
      else if (when(value, go, 1, self) && type == "Script" && !kinds.has(self)) {
        const kind = self.type;
        self.type = "text/plain";
        kinds.set(self, kind);
      }
    });
    patch(prototype, "setAttribute", (plain, args, self) => {
      const name = (args[0] + "").toLowerCase();
      if (name == key || (name == "type" && kinds.has(self))) self[name] = args[1];
      else plain(...args);
    });
    patch(prototype, "setAttributeNS", (plain, args, self) => {
      if (args[1] == key) self[key] = args[2];
      else plain(...args);
    });
  }
  const element = w.Element.prototype;
  for (const key of ["innerHTML", "outerHTML"]) guard(element, key, (set, value) => set(defuse(value)));
  for (const [object, name] of [[d, "write"], [d, "writeln"], [element, "insertAdjacentHTML"], [w.Range.prototype, "createContextualFragment"]]) {
    patch(object, name, (plain, args) => plain(...args.map(defuse)));
  }
  // What the parser makes. It asks here before a script runs, but a frame may have begun to load.
  const suspect = `:is(script,iframe,img)[src]:not([data-samtykke]),[${late}]`;
  const empty = (e: any) => {
    const address = e.getAttribute(late) || (foreign(e.src, e) && e.src);
    if (!address) return;
    e.removeAttribute(late);
    e.removeAttribute("src");
    try {
      e.contentWindow?.stop();
    } catch {
      e.src = "about:blank"; // sandboxed: only another address stops it
      e.removeAttribute("src");
    }
    e.async = e.hasAttribute("async");
    e.src = address;
  };
  new MutationObserver((changes) => {
    for (const { addedNodes } of changes) {
      for (const e of addedNodes as NodeListOf<any>) {
        if (e.matches?.(suspect)) empty(e);
        e.querySelectorAll?.(suspect).forEach(empty);
      }
    }
  }).observe(d, { childList: true, subtree: true });
  return state;
}

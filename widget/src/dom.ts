// The host element and its shadow root: the page's style can't reach in, and ours can't reach out.

import { style } from "./settings";
import { language } from "./words";

type Child = Node | string;

/** Makes an element. Names that aren't properties of it become attributes. */
export function el<K extends keyof HTMLElementTagNameMap>(tag: K, props: object, ...children: Child[]): HTMLElementTagNameMap[K] {
  const e = document.createElement(tag);
  for (const [name, value] of Object.entries(props)) {
    if (name in e) (e as any)[name] = value;
    else e.setAttribute(name, value);
  }
  e.append(...children);
  return e;
}

export const button = (role: string, text: string, onclick: () => void, props = {}) =>
  el("button", { type: "button", "data-role": role, onclick, ...props }, text);

/** A link that leaves the visitor's choice where it is, in a tab of its own. */
export const link = (href: string, text: string) => el("a", { href, target: "_blank", rel: "noopener" }, text);

const host = el("div", { id: "samtykke" });
const root = host.attachShadow({ mode: "open" });
try {
  const sheet = new CSSStyleSheet(); // needs no 'unsafe-inline' of the site's policy (B26)
  sheet.replaceSync(style);
  root.adoptedStyleSheets = [sheet];
} catch {
  root.append(el("style", {}, style)); // Safari before 16.4
}

// Status messages are read out only by an element that was there before them.
const status = el("p", { role: "status" });
root.append(status);
export const say = (text: string) => {
  status.textContent = text;
};

// Frameworks replace the body or the whole page, and scripts in the head run before there is a body. The last place in
// it is the one where frameworks that take over a page expect strangers. At most nine times a second, so that a script
// that insists on removing us doesn't hang the page.
let patience = 9;
const keeper = new MutationObserver(place);
function place() {
  const { body, documentElement } = document;
  keeper.disconnect();
  for (const parent of [document, documentElement, body]) if (parent) keeper.observe(parent, { childList: true });
  if (!body || host.isConnected || !patience) return;
  patience--;
  setTimeout(() => {
    patience++;
    place();
  }, 1e3);
  body.append(host);
}

// The parser may have gone on behind us. Before the page's own deferred scripts start, we are last again; not while the
// focus is here, which a move would lose.
document.addEventListener("readystatechange", () => {
  if (host.isConnected && !root.activeElement) document.body.append(host);
}, { once: true });

/** Puts elements on the page, in the language in use. */
export function mount(...elements: Element[]) {
  host.lang = language;
  root.append(...elements);
  place();
}

/** Fills {name} in a text. */
export const fill = (text: string, values: Record<string, string>) =>
  text.replace(/\{(\w+)\}/g, (_, name: string) => values[name] ?? "");


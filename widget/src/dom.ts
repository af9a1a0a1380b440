// The host element. The text is in its shadow root: the page's style can't reach in, and ours can't reach out. The first
// layer's buttons are the host's own children, shown by a slot: extensions that answer banners for their users look for
// buttons in the page only. There our ::slotted rules are !important, which in a shadow root outranks all of the page's.

import { style } from "./settings";
import { language } from "./words";
import { dress, el } from "./parts";

export const host = el("div", { id: "samtykke" });
let root: ShadowRoot | undefined;
let status: HTMLElement | undefined;

/** Tells those who hear the page. Without a layer there is nothing to tell. */
export const say = (text: string) => {
  if (status) status.textContent = text;
};

let patience = 9;

/**
 * Sees to it that we are on the page. Frameworks replace the body or the whole page, and scripts in the head run before
 * there is a body. The last place in it is the one where frameworks that take over a page expect strangers. At most nine
 * times a second, so that a script that insists on removing us doesn't hang the page.
 */
export function place() {
  if (root && document.body && !host.isConnected && patience) {
    patience--;
    setTimeout(() => {
      patience++;
      place();
    }, 1e3);
    document.body.append(host);
  }
}

// The parser may have gone on behind us. Before the page's own deferred scripts start, we are last again; not while the
// focus is here, which a move would lose.
document.addEventListener("readystatechange", () => {
  if (host.nextSibling && !host.contains(document.activeElement)) document.body.append(host);
}, { once: true });

/** Puts an element on the page, in the language in use. */
export function mount(e: Element) {
  if (!root) dress((root = host.attachShadow({ mode: "open" })), style);
  host.lang = language;
  root.append(e);
  place();
}

/** Puts a layer on the page, and before it the place from which what happens to it is told: else nobody hears it. */
export function mountLayer(layer: Element) {
  if (!status) mount((status = el("p", { role: "status" })));
  mount(layer);
}

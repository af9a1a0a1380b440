// The host element. The text is in its shadow root: the page's style can't reach in, and ours can't reach out. The first
// layer's buttons are the host's own children, shown by a slot: extensions that answer banners for their users look for
// buttons in the page only. There our ::slotted rules are !important, which in a shadow root outranks all of the page's.

import { style } from "./settings";
import { dress, el } from "./parts";
import { language } from "./words";

export const host = el("div", { id: "samtykke" });
const root = host.attachShadow({ mode: "open" });

dress(root, style);

// Status messages are read out only by an element that was there before them.
const status = el("p", { role: "status" });
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
  if (host.nextSibling && !host.contains(document.activeElement)) document.body.append(host);
}, { once: true });

/** Puts an element on the page, in the language in use. */
export function mount(e: Element) {
  host.lang = language;
  root.append(e);
  place();
}

/** Puts a layer on the page, and with it the place from which what happens to it is told. */
export function mountLayer(layer: Element) {
  mount(status);
  mount(layer);
}

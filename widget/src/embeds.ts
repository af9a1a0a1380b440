// What stands in the place of a held frame, film or post until the visitor wants to see it (K4). A chunk of its own, fetched
// when a page has such a place. A held frame has an empty document of this page's own origin: the placeholder is built
// in there, so that it has exactly the frame's size, and the page's style doesn't reach it.

import type { Kit } from "./banner";
import { held, needs } from "./markup";
import { button, categories, el, nameOf } from "./parts";

type Texts = Record<"embed_title" | "embed_text" | "embed_once" | "embed_always", string>;

declare const $EMBED_TEXTS: Texts;
declare const $EMBED_STYLE: string;

// Names for who shows something, by host; whoever isn't here goes by the host itself.
const names: [RegExp, string][] = [
  [/youtu/, "YouTube"], [/vimeo\./, "Vimeo"], [/google\..*\/maps|maps\.google/, "Google Maps"], [/facebook\./, "Facebook"],
  [/instagram\./, "Instagram"], [/(^|\/|\.)(x|twitter)\.com/, "X (Twitter)"], [/tiktok\./, "TikTok"], [/linkedin\./, "LinkedIn"],
  [/pinterest\./, "Pinterest"], [/spotify\./, "Spotify"], [/soundcloud\./, "SoundCloud"], [/dailymotion\./, "Dailymotion"],
];

function providerOf(e: HTMLElement): string {
  const { hostname, pathname } = el("a", { href: e.dataset.src || "" }); // a URL would throw at what is no address
  return e.dataset.embed || e.dataset.vendor || names.find(([host]) => host.test(hostname + pathname))?.[1] || hostname.replace(/^www\./, "");
}

// What waits for granted categories only is released when it comes into the page: so it comes anew, as necessary.
function release(e: HTMLElement) {
  for (const waiting of [e, ...e.querySelectorAll<HTMLElement>(held)]) waiting.dataset.category = "necessary";
  e.parentNode?.insertBefore(e, e.nextSibling);
}

/** Puts a placeholder in the place of an element that waits, if it is large enough to be seen. */
export function place(e: HTMLElement, kit: () => Kit) {
  const [act, , , , , , , words, later, language] = kit();
  const given = () => kit()[10] as string[];
  const refusals = () => kit()[13].filter((r) => !wanted.some((c) => r == c + "/" + e.dataset.vendor));
  const texts = (later ?? $EMBED_TEXTS) as Texts;
  const { width, height } = e.getBoundingClientRect();
  const own = e instanceof HTMLIFrameElement;
  if (e.dataset.held || (own && (width < 100 || height < 50))) return; // nobody sees a smaller one
  e.dataset.held = "1";
  const provider = providerOf(e);
  const fill = (text: string, category = "") => text.replaceAll("{provider}", provider).replace("{category}", category);
  const frame = own ? e : el("iframe", {});
  const title = frame.title;
  const wanted = needs(e) ?? [];
  // A category that isn't asked about can't be granted: then there is nothing to offer but to see it once.
  const named = wanted.map((c) => categories.findIndex((k) => k == c));
  const restore = () => {
    frame.title = title;
    delete e.dataset.held;
    document.removeEventListener("samtykke:change", follow);
    if (own) return;
    frame.remove();
    e.hidden = false;
  };
  // The blocker gives a granted element its address; what stood in its place goes.
  const follow = () => {
    if (wanted.every((c) => c == "necessary" || (given().includes(c) && !kit()[13].includes(c + "/" + e.dataset.vendor)))) restore();
  };
  const once = () => {
    restore();
    release(e);
  };
  const always = () => act("custom", [...given(), ...wanted], "placeholder", refusals());
  const fillFrame = () => {
    const inside = frame.contentDocument;
    if (!inside?.body || inside.body.firstChild || !e.dataset.held) return; // sandboxed, or filled already
    const { CSSStyleSheet } = frame.contentWindow as unknown as typeof globalThis;
    const sheet = new CSSStyleSheet();
    sheet.replaceSync($EMBED_STYLE);
    inside.adoptedStyleSheets = [sheet];
    inside.documentElement.lang = language;
    inside.body.append(el("main", {},
      el("h2", {}, fill(texts.embed_title)),
      el("p", {}, fill(texts.embed_text)),
      el("div", {},
        button("once", texts.embed_once, once),
        ...(named.every((i) => i > 0)
          ? [button("always", fill(texts.embed_always, named.map((i) => nameOf(words, i)).join(", ")), always)] : []))));
  };
  frame.title = fill(texts.embed_title);
  if (!own) {
    e.before(frame);
    const { style } = frame;
    [style.border, style.width, style.height, style.maxWidth] = ["0", `${width > 100 ? width : 480}px`, `${height > 50 ? height : 270}px`, "100%"];
    e.hidden = true;
  }
  document.addEventListener("samtykke:change", follow);
  frame.addEventListener("load", fillFrame); // Firefox replaces the empty document once
  fillFrame();
}

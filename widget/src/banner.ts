// The first layer, the permanent button, and the way to the second layer: what is on the screen.

import { onWaiting } from "./blocker";
import { explain } from "./guard";
import { afterPaint, answered, decide, emit, given, objects, refused } from "./choice";
import { host, mount, mountLayer, say } from "./dom";
import { button, categories, el, link, nameOf, present, purposeOf } from "./parts";
import { base } from "./send";
import { asked, declarationURL, privacyURL, site } from "./settings";
import { read, type Action, type Method } from "./store";
import { file, language, later, withWords, words } from "./words";

let banner: HTMLElement | undefined;
let reopen: HTMLElement | undefined;
let dismissed = false; // a modal first layer was left: no choice, and not again on this page

const asks = () => !($MODAL && dismissed) && !answered && !objects();
export const declaration = () => declarationURL || base + "/d/" + site + "/" + language;

/** Shows what fits the state: the banner while there is a question, then the permanent button. */
export function render() {
  if (!asks()) leave();
  withWords(() => {
    if (asks()) ask();
    else if ($FLOATS && !reopen) mount((reopen = button("reopen", words[$W.reopen]!, open)));
  });
}

function leave() {
  if (!banner) return;
  banner.remove();
  banner = undefined;
  host.replaceChildren();
  if (!$MODAL) document.documentElement.style.scrollPaddingBottom = "";
}

// A grant is the visitor's: a script alone can't give one, not by clicking our buttons either (K13). A browser that
// can't tell is believed.
function byVisitor(): boolean {
  const active = navigator.userActivation?.isActive ?? true;
  if (!active) console.warn("samtykke: only visitors grant");
  return active;
}

/** Carries out a choice and takes the layers away. What grants something new must be the visitor's own doing. */
export function act(action: Action, wanted: readonly string[], method: Method, refusing?: string[]) {
  const more = asked.some((c) => wanted.includes(c) && !given.includes(c)) ||
    ($VENDORS && refused.some((r) => wanted.includes(r.split("/")[0]!) && !refusing?.includes(r)));
  if (more && !byVisitor()) return;
  decide(action, wanted, method, refusing);
  close();
  leave();
  afterPaint(() => {
    render();
    withWords(() => say(words[$W.saved]!));
  });
}

function ask() {
  if (banner) return;
  const [before, after] = words[$W.intro]!.split("{third_parties}");
  const box = el($MODAL ? "dialog" : "section", { id: "banner", "aria-labelledby": "title" },
    el("div", { className: "text" },
      el("h2", { id: "title" }, words[$W.title]!),
      el("p", {}, before!, link(declaration(), words[$W.third_parties]!), after!),
      el("p", {},
        ...categories.flatMap((_, i) => [el("b", {}, nameOf(words, i)), ` – ${purposeOf(words, i)}\n`])),
      el("p", {}, words[$W.withdraw_hint] + " ", link(declaration(), words[$W.declaration]!),
        ...(privacyURL ? [" · ", link(privacyURL, words[$W.privacy]!)] : []))),
    el("slot", {}),
    ...($MODAL ? [button("leave", words[$W.leave]!, () => (box as HTMLDialogElement).close())] : []));
  // Siblings of one look (B2–B4).
  host.append(
    button("accept", words[$W.accept]!, () => act("accept_all", asked, "banner")),
    button("reject", words[$W.reject]!, () => act("reject_all", [], "banner")),
    button("choose", words[$W.choose]!, open));
  mountLayer((banner = box));
  if ($MODAL) cover(box as HTMLDialogElement);
  else addEventListener("keydown", leaveRoom, true);
}

// A modal layer would keep the visitor from reading the very pages that it links to (B11): there it is none.
function cover(box: HTMLDialogElement) {
  const here = (url: string) => url.split(/[?#]/)[0] == location.href.split(/[?#]/)[0];
  if (here(privacyURL) || here(declaration())) box.open = true;
  else if (box.isConnected) present(box);
  else document.addEventListener("DOMContentLoaded", () => box.isConnected && present(box)); // the tag was in the head, not async
  box.onclose = () => {
    dismissed = true;
    render();
  };
}

// What the keyboard brings the focus to must not hide behind the banner (WCAG 2.4.11). Who doesn't use one has no need.
// Without a banner that is no length, and ignored.
function leaveRoom() {
  document.documentElement.style.scrollPaddingBottom = banner?.offsetHeight + "px";
}

/** What the chunks need of this script: they are compiled apart and know nothing of its state. */
const kit = () => [
  act, emit, mountLayer, read, file, base, declaration(), words, later, language, given, answered, objects(), refused, ...($AUTO ? [explain] : []),
] as const;
export type Kit = ReturnType<typeof kit>;

// Placeholders are fetched when a page has a place for one. Without them it stays empty.
onWaiting((e) => withWords(() => void import(file("embeds.js")).then((m: typeof import("./embeds")) => m.place(e, kit), () => {})));

let dialog: HTMLDialogElement | undefined;
let opening = false;

/**
 * Opens the second layer with the stored state; everything is off where there is none (B12, B22). Its code comes by a
 * request when it is first needed. If that fails, the first layer is there to say no with (B30).
 */
export function open() {
  if (opening || dialog?.open) return;
  opening = true;
  withWords(async () => {
    try {
      const panel = (await import(file("panel.js"))) as typeof import("./panel");
      dialog = panel.show(kit());
    } catch {
      ask();
    }
    opening = false;
  });
}

/** Closes the second layer. That is no choice (B15). */
export function close() {
  dialog?.close();
}

// The two layers and the permanent button: what is on the screen.

import { answered, decide, emit, given, objects } from "./choice";
import { button, el, fill, link, mount, say } from "./dom";
import { base } from "./send";
import { asked, declarationURL, privacyURL, site } from "./settings";
import { read, type Action, type Method } from "./store";
import { language, withWords, words } from "./words";

let banner: HTMLElement | undefined;
let dialog: HTMLDialogElement | undefined;
let reopen: HTMLElement | undefined;
let dismissed = false; // a modal first layer was left: no choice, and not again on this page

const asks = () => !answered && !objects && !dismissed;
const categories = ["necessary", ...asked] as const; // the same in both layers (B13)
export const declaration = () => declarationURL || `${base}/d/${site}/${language}`;

/** Shows what fits the state: the banner while there is a question, then the permanent button. */
export function render() {
  if (!asks()) {
    banner?.remove();
    banner = undefined;
  }
  withWords(() => {
    if (asks()) {
      if (!banner) ask();
    } else if ($FLOATS && !reopen) mount((reopen = button("reopen", words.reopen, open, { id: "reopen" })));
  });
}

// A grant is the visitor's: a script alone can't give one, not by clicking our buttons either (K13). A browser that
// can't tell is believed.
function byVisitor(): boolean {
  const active = navigator.userActivation?.isActive ?? true;
  if (!active) console.warn("samtykke: only a visitor's click or key press can grant");
  return active;
}

/** Carries out a choice and takes the layers away. What grants something new must be the visitor's own doing. */
export function act(action: Action, wanted: readonly string[], method: Method) {
  if (asked.some((c) => wanted.includes(c) && !given.includes(c)) && !byVisitor()) return;
  decide(action, wanted, method);
  close();
  render();
  withWords(() => say(words.saved));
}

// Three siblings of one look (B2–B4). The first layer's carry the ids.
const choices = (method: Method, third: HTMLElement, ids: boolean) =>
  el("div", { className: "buttons" },
    button("accept", words.accept, () => act("accept_all", asked, method), ids && { id: "accept" }),
    button("reject", words.reject, () => act("reject_all", [], method), ids && { id: "reject" }),
    third);

const links = () => [link(declaration(), words.declaration), ...(privacyURL ? [" · ", link(privacyURL, words.privacy)] : [])];

// A modal layer opens with the focus on its heading, so that it is read from there. Only such a one may take it.
function present(box: HTMLDialogElement) {
  Object.assign(box.querySelector("h2")!, { tabIndex: -1, autofocus: true });
  box.showModal();
}

function ask() {
  const [before, after] = words.intro.split("{third_parties}");
  const rows = categories.map((c) => el("li", {}, el("b", {}, words[`${c}_name`] + ":"), " ", words[`${c}_purpose`]));
  const box = el($MODAL ? "dialog" : "section", { id: "banner", "aria-labelledby": "title" },
    el("div", { className: "text" },
      el("h2", { id: "title" }, words.title),
      el("p", {}, before!, link(declaration(), words.third_parties), after!),
      el("ul", {}, ...rows),
      el("p", {}, words.withdraw_hint, " ", ...links())),
    choices("banner", button("choose", words.choose, open, { id: "choose" }), true),
    ...($MODAL ? [button("leave", words.leave, () => (box as HTMLDialogElement).close(), { id: "leave" })] : []));
  mount((banner = box));
  if ($MODAL) cover(box as HTMLDialogElement);
  else leaveRoom(box);
}

// A modal layer would keep the visitor from reading the very pages that it links to (B11): there it is none.
function cover(box: HTMLDialogElement) {
  const here = (url: string) => url.split(/[?#]/)[0] == location.href.split(/[?#]/)[0];
  if (here(privacyURL) || here(declaration())) box.open = true;
  else present(box);
  box.onclose = () => {
    dismissed = true;
    render();
  };
}

// What has the keyboard's focus must not hide behind the banner (WCAG 2.4.11).
function leaveRoom(box: HTMLElement) {
  new ResizeObserver(() => {
    const height = box.offsetHeight;
    document.documentElement.style.scrollPaddingBottom = height ? height + "px" : "";
  }).observe(box);
}

/** Opens the second layer with the stored state; everything is off where there is none (B12, B22). */
export function open() {
  withWords(() => {
    if (!dialog?.open) detail();
  });
}

/** Closes the second layer. That is no choice (B15). */
export function close() {
  dialog?.close();
}

function detail() {
  const switches = categories.map((c) => el("input", {
    type: "checkbox", role: "switch", name: c, disabled: c == "necessary",
    checked: c == "necessary" || given.includes(c), "aria-describedby": c,
  }));
  const rows = categories.map((c, i) => el("li", {},
    el("label", {}, words[`${c}_name`], switches[i]!),
    el("p", { id: c }, words[`${c}_purpose`], c == "necessary" ? " " + words.always_on : "")));
  const save = () => act("custom", switches.filter((s) => s.checked).map((s) => s.name), "dialog");
  const box = el("dialog", { id: "dialog", "aria-labelledby": "heading" },
    el("div", { className: "text" },
      button("close", "×", close, { id: "close", "aria-label": words.close, title: words.close }),
      el("h2", { id: "heading" }, words.dialog_title),
      el("ul", {}, ...rows),
      el("p", {}, ...links()),
      ...receipt()),
    choices("dialog", button("save", words.save, save, { id: "save" }), false));
  box.onclose = () => {
    box.remove();
    emit("close");
  };
  mount((dialog = box));
  present(box);
  emit("open");
}

// The visitor's own proof (B23).
function receipt(): HTMLElement[] {
  const choice = read();
  if (!answered || !choice) return [];
  const date = new Date(choice.time).toLocaleString(language, { dateStyle: "long", timeStyle: "short" });
  return [el("small", {}, fill(words.record, { date, id: choice.visitor }))];
}

// The second layer: a switch for each category, what is behind each of them, and the visitor's own record. A chunk of
// its own, fetched when it is first opened.

import type { Kit } from "./banner";
import { button, categories, dress, el, link, nameOf, present, purposeOf } from "./parts";
import { asked, privacyURL } from "./settings";

type Texts = Record<"save" | "close" | "dialog_title" | "always_on" | "record", string>;

declare const $PANEL_TEXTS: Texts;
declare const $PANEL_STYLE: string;

/** Fills {name} in a text. */
const fill = (text: string, values: Record<string, string>) =>
  text.replace(/\{(\w+)\}/g, (_, name: string) => values[name] ?? "");

let dressed = false;

/** Opens the second layer. */
export function show(...[act, emit, mountLayer, read, declaration, first, later, language, given, answered]: Kit): HTMLDialogElement {
  const words = (later ?? $PANEL_TEXTS) as Texts;
  const switches = categories.map((c) => el("input", {
    type: "checkbox", role: "switch", name: c, disabled: c == "necessary",
    checked: c == "necessary" || given.includes(c), "aria-describedby": c,
  }));
  const rows = categories.map((c, i) => el("li", {},
    el("label", {}, nameOf(first, i), switches[i]!),
    el("p", { id: c }, purposeOf(first, i), c == "necessary" ? " " + words.always_on : "")));
  // A browser that doesn't know the language would write the date in its own.
  const known = Intl.DateTimeFormat.supportedLocalesOf(language)[0];
  const when = (time: number | string) =>
    new Date(time).toLocaleString(known ?? "da", { dateStyle: known ? "long" : "short", timeStyle: "short" });
  // The visitor's own proof (B23).
  const receipt = () => {
    const choice = read();
    if (!answered || !choice) return [];
    const date = when(choice.time);
    return [el("small", {}, fill(words.record, { date, id: choice.visitor }))];
  };
  const save = () => act("custom", switches.filter((s) => s.checked).map((s) => s.name), "dialog");
  const box = el("dialog", { id: "dialog", "aria-labelledby": "heading" },
    el("div", { className: "text" },
      button("close", "×", () => box.close(), { id: "close", "aria-label": words.close, title: words.close }),
      el("h2", { id: "heading" }, words.dialog_title),
      el("ul", {}, ...rows),
      el("p", {}, link(declaration, first[$W.declaration]!), ...(privacyURL ? [" · ", link(privacyURL, first[$W.privacy]!)] : [])),
      ...receipt()),
    el("div", { className: "buttons" },
      button("accept", first[$W.accept]!, () => act("accept_all", asked, "dialog")),
      button("reject", first[$W.reject]!, () => act("reject_all", [], "dialog")),
      button("save", words.save, save, { id: "save" })));
  box.onclose = () => {
    box.remove();
    emit("close");
  };
  mountLayer(box);
  if (!dressed) dress(box.getRootNode() as ShadowRoot, $PANEL_STYLE);
  dressed = true;
  present(box);
  emit("open");
  return box;
}

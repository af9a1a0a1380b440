// The second layer: a switch for each category, what is behind each of them, and the visitor's own record. A chunk of
// its own, fetched when it is first opened.

import type { Kit } from "./banner";
import { button, categories, dress, el, link, nameOf, present, purposeOf } from "./parts";
import { asked, privacyURL, sharedDomain, site } from "./settings";
import type { Action } from "./store";

type Texts = Record<
  | "save" | "close" | "dialog_title" | "always_on" | "record" | "details" | "no_items" | "unavailable" | "signal" | "history"
  | `said_${Action}` | "withdraw" | "receipt" | "rights" | "erase" | "erase_warning" | "erase_confirm" | "erased" | "locked",
  string
>;

// What is used of the declaration's data and of the visitor's history, as the server sends them.
interface Item {
  name: string;
  provider: string;
  purpose: string;
  purpose_language: string;
  lifetime: string;
}
interface Declared {
  categories: { category: string; items: Item[] }[];
}
interface History {
  acts: { action: Action; at: string; categories: Record<string, boolean> }[];
}

declare const $PANEL_TEXTS: Texts;
declare const $PANEL_STYLE: string;
declare const $PANEL_VENDORS: Record<string, string[]>; // category -> providers that can be refused
declare const $VERSION: number; // of the notice, which is that of the declaration

/** Fills {name} in a text. */
const fill = (text: string, values: Record<string, string>) =>
  text.replace(/\{(\w+)\}/g, (_, name: string) => values[name] ?? "");

async function ask<T>(url: string, options?: RequestInit): Promise<T> {
  const answer = await fetch(url, { credentials: "omit", ...options });
  if (!answer.ok) throw answer.status;
  return (answer.status == 204 ? undefined : await answer.json()) as T;
}

let dressed = false;
let debugs = false;

/** Opens the second layer. */
export function show([
  act, emit, mountLayer, read, file, base, declaration, first, later, language, given, answered, objects, refused, explain,
]: Kit): HTMLDialogElement | undefined {
  // Here and not in the script, where it would cost every visitor some bytes (docs/widget.md).
  if (location.hash == "#samtykke=debug" && !debugs) {
    debugs = true;
    void import(file("debug.js")).then((m: typeof import("./debug")) => explain?.(m));
    return;
  }
  const words = (later ?? $PANEL_TEXTS) as Texts;
  // A browser that doesn't know the language would write dates in its own.
  const known = Intl.DateTimeFormat.supportedLocalesOf(language)[0];
  const when = (time: number | string) =>
    new Date(time).toLocaleString(known ?? "da", { dateStyle: known ? "long" : "short", timeStyle: "short" });

  // Opens to what is fetched only then, once. Where it can't be had, it says so and tries again the next time.
  function unfolding(summary: string, fetched: () => Promise<Node[]>, ...before: Node[]) {
    const body = el("div", { ariaLive: "polite" });
    const box = el("details", {}, el("summary", {}, summary), ...before, body);
    let done = false;
    box.ontoggle = async () => {
      if (done || !box.open) return;
      done = true;
      body.replaceChildren(...await fetched().catch(() => {
        done = false;
        return [words.unavailable];
      }));
    };
    return box;
  }

  let declared: Promise<Declared> | undefined;
  async function itemsOf(category: string): Promise<Node[]> {
    declared ??= ask<Declared>(`${base}/d/${site}/${$VERSION}/${language}.json`);
    declared.catch(() => (declared = undefined));
    const items = (await declared).categories.find((c) => c.category == category)?.items ?? [];
    const list = el("ul", {}, ...items.map(({ name, provider, purpose, purpose_language, lifetime }) => el("li", {},
      el("b", {}, name), ` · ${provider} · ${lifetime}`, el("p", { lang: purpose_language || language }, purpose))));
    return [items[0] ? list : el("p", {}, words.no_items)];
  }

  const switches = categories.map((c) => el("input", {
    type: "checkbox", role: "switch", name: c, disabled: c == "necessary",
    checked: c == "necessary" || given.includes(c), "aria-describedby": c,
  }));
  // A provider's switch follows its category's: it says no to one within a yes, never yes within a no (B12).
  const single = categories.map((c, i) => ($VENDORS && $PANEL_VENDORS[c] || []).map((provider) => {
    const of = switches[i]!;
    const s = el("input", { type: "checkbox", role: "switch", name: `${c}/${provider}` });
    const follow = () => Object.assign(s, { checked: of.checked, disabled: !of.checked });
    of.addEventListener("change", follow);
    follow();
    if (refused.includes(s.name)) s.checked = false;
    return s;
  }));
  const rows = categories.map((c, i) => el("li", {},
    el("label", {}, nameOf(first, i), switches[i]!),
    el("p", { id: c }, purposeOf(first, i), c == "necessary" ? " " + words.always_on : ""),
    unfolding(words.details, () => itemsOf(c), ...single[i]!.map((s) => el("label", {}, s.name.slice(c.length + 1), s)))));

  // The visitor's own record: id, date, history, a copy of it, withdrawal, erasure (B23).
  function own(): Node[] {
    const choice = read();
    if (!answered || !choice) return objects ? [el("p", {}, words.signal)] : [];
    const mine = `${base}/v1/sites/${site}/visitors/${choice.visitor}`;
    const said = ({ action, categories: c }: History["acts"][0]) =>
      fill(words[`said_${action}`], { categories: categories.flatMap((k, i) => (c[k] ? nameOf(first, i) : [])).join(", ") });
    const history = unfolding(words.history, async () => {
      const { acts } = await ask<History>(mine);
      return [el("ul", {}, ...acts.map((a) => el("li", {}, `${when(a.at)}: ${said(a)}`)))];
    });
    const told = el("p", { role: "status" });
    const trying = (work: () => Promise<unknown>) => () => {
      told.textContent = "";
      work().catch(() => (told.textContent = words.unavailable));
    };
    const copy = async () => {
      const url = URL.createObjectURL(new Blob([JSON.stringify(await ask(mine), null, 2)], { type: "application/json" }));
      el("a", { href: url, download: `samtykke-${choice.visitor}.json` }).click();
    };
    // The page starts anew afterwards: that is what stops what runs, and the question comes again.
    const erase = async () => {
      const done = await ask<{ locked: number } | null>(mine, { method: "DELETE" }); // locked, where the law forbids erasing
      if ($CLEANS) await import(file("clean.js")).then((m: typeof import("./clean")) => m.clean([], []), () => {});
      document.cookie = "samtykke=;max-age=0;path=/";
      if ($SHARED) document.cookie = "samtykke=;max-age=0;path=/;domain=" + sharedDomain;
      told.textContent = done?.locked ? words.locked : words.erased;
      box.onclose = () => location.reload();
      box.querySelectorAll(".buttons,.own,details").forEach((e) => e.remove());
    };
    const warning = el("p", { hidden: true }, words.erase_warning + " ", button("erase-confirm", words.erase_confirm, trying(erase)));
    return [
      el("small", {}, fill(words.record, { date: when(choice.time), id: choice.visitor })),
      history,
      el("div", { className: "own" },
        ...(given[0] ? [button("withdraw", words.withdraw, () => act("withdraw", [], "dialog"))] : []),
        button("receipt", words.receipt, trying(copy)),
        button("erase", words.erase, () => (warning.hidden = !warning.hidden))),
      warning, told,
      // Receipts and restriction are there. What is behind the # stays in the browser.
      el("p", {}, link(`${base}/d/${site}/${language}/rights#id=${choice.visitor}`, words.rights)),
    ];
  }

  const save = () => act("custom", switches.filter((s) => s.checked).map((s) => s.name), "dialog",
    single.flat().filter((s) => !s.checked).map((s) => s.name));
  const box = el("dialog", { id: "dialog", "aria-labelledby": "heading" },
    el("div", { className: "text" },
      button("close", "×", () => box.close(), { "aria-label": words.close, title: words.close }),
      el("h2", { id: "heading" }, words.dialog_title),
      el("ul", {}, ...rows),
      el("p", {}, link(declaration, first[$W.declaration]!), ...(privacyURL ? [" · ", link(privacyURL, first[$W.privacy]!)] : [])),
      ...own()),
    el("div", { className: "buttons" },
      button("accept", first[$W.accept]!, () => act("accept_all", asked, "dialog")),
      button("reject", first[$W.reject]!, () => act("reject_all", [], "dialog")),
      button("save", words.save, save)));
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

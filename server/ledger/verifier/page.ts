// The page: takes a file, has it checked, and says what came of it in words. It writes text only, never markup.
import { BadKey, OldBrowser, parseKey, type Key } from "./note";
import { isReceipt, MAX_RECEIPT, NeedsKey, verifyReceipt, type Receipt } from "./receipt";
import { BadEarlier, Fault, verifyExport, type Result } from "./verify";
import { preferred, say, type Language, type Words } from "./words";

type Word = keyof Words;

/** A row of facts: what it is, what it says, and a remark. */
type Row = [name: Word, value: string, remark?: string];

/** What is shown of a check, made anew in each language. */
type Verdict = { state: "good" | "bad" | "unsure"; title: string; text: string; rows: Row[] };

/** One of the fields is filled in wrongly. */
class BadField extends Error {
  constructor(readonly field: HTMLTextAreaElement, readonly code: Word, readonly args: string[] = []) {
    super(code);
  }
}

/** A check that nobody waits for any more, since another file came. */
class Superseded extends Error {}

const $ = <T extends HTMLElement>(id: string): T => document.getElementById(id) as T;

const form = $<HTMLFormElement>("form");
const input = $<HTMLInputElement>("file");
const keyField = $<HTMLTextAreaElement>("key");
const earlierField = $<HTMLTextAreaElement>("earlier");
const busy = $("busy");
const bar = $<HTMLProgressElement>("progress");
const result = $("result");

let language: Language = preferred(navigator.languages);
let file: File | null = null;
let checks = 0;
/** Says anew what is on the page besides its fixed words. */
let tell = (): void => {};

const t = (key: Word, ...args: (string | number)[]): string => say(language, key, ...args);

function speak(): void {
  document.documentElement.lang = language;
  document.title = t("title");
  $("languages").setAttribute("aria-label", t("languages"));
  for (const e of document.querySelectorAll<HTMLElement>("[data-word]")) e.textContent = t(e.dataset.word as Word);
  for (const b of document.querySelectorAll("nav button")) b.setAttribute("aria-pressed", String(b.getAttribute("lang") === language));
  tell();
}

const number = (n: number): string => n.toLocaleString(language);

/** A moment as people write it, in UTC, to which the files refer. */
function moment(at: string | number): string {
  const time = new Date(at);
  if (isNaN(time.getTime())) return String(at);
  return time.toLocaleString(language, { dateStyle: "long", timeStyle: "medium", timeZone: "UTC" }) + " UTC";
}

const sentence = (s: string): string => s.charAt(0).toLocaleUpperCase(language) + s.slice(1) + (s.endsWith(".") ? "" : ".");

function ofExport(r: Result): Verdict {
  const rows: Row[] = [
    ["log", r.checkpoint.origin],
    ["records", number(r.records)],
    ["removed", number(r.removed), r.removed > 0 ? t("removedText") : ""],
    ["covers", t("coversText", number(r.from), number(r.to - 1), number(r.checkpoint.size))],
    ["signed", moment(r.checkpoint.at)],
    ["usedKey", r.key, t(r.known ? "keyKnown" : "keySelf")],
  ];
  if (earlierField.value.trim()) rows.push(["earlierRow", t(r.earlier > 0 ? "earlierAgrees" : "earlierUnmet")]);
  if (!r.known) return { state: "unsure", title: t("selfTitle"), text: t("self"), rows };
  return { state: "good", title: t("good"), text: t("goodExport", moment(r.checkpoint.at), number(r.from), number(r.to - 1)), rows };
}

function ofReceipt(r: Receipt): Verdict {
  const { record: c, checkpoint } = r;
  const named = (given: boolean): string => {
    const names = Object.keys(c.categories).filter((k) => c.categories[k] === given);
    return names.map((k) => (k === "preferences" || k === "statistics" || k === "marketing" ? t(k) : k)).join(", ") || t("none");
  };
  const acts: readonly Word[] = ["accept_all", "reject_all", "custom", "withdraw"];
  const act = acts.find((a) => a === c.action);
  const rows: Row[] = [
    ["site", c.site],
    ["act", act ? t(act) : c.action],
    ["yes", named(true)],
    ["no", named(false)],
    ...(c.refused ? ([["refused", c.refused.join(", ")]] satisfies Row[]) : []),
    ["when", moment(c.at)],
    ["until", moment(c.valid_until)],
    ["visitor", c.visitor],
    ["id", c.id],
    ["notice", c.notice],
    ["place", number(r.seq)],
  ];
  if (checkpoint) rows.push(["signed", moment(checkpoint.at)]);
  rows.push(["usedKey", r.key]);
  if (!checkpoint) return { state: "unsure", title: t("pending"), text: t("pendingText"), rows };
  return { state: "good", title: t("goodReceipt"), text: t("goodReceiptText", moment(checkpoint.at)), rows };
}

function ofError(e: unknown): Verdict {
  if (e instanceof Fault) {
    const times: Partial<Record<Word, number>> = { shorter: 1, forked: 1 };
    const what = sentence(t(e.code, ...e.args.map((a, i) => (times[e.code] === i ? moment(a) : a))));
    const rows: Row[] = [["what", what]];
    if (e.line > 0 && e.entry >= 0) rows.unshift(["where", t("lineEntry", e.line, e.entry)]);
    else if (e.line > 0) rows.unshift(["where", t("lineOnly", e.line)]);
    else if (e.entry >= 0) rows.unshift(["where", t("entryOnly", e.entry)]);
    return { state: "bad", title: t("bad"), text: t("badText"), rows };
  }
  const unsure = (title: Word, text: string): Verdict => ({ state: "unsure", title: t(title), text, rows: [] });
  if (e instanceof NeedsKey) return unsure("needsKeyTitle", t("needsKey", e.kid));
  if (e instanceof OldBrowser) return unsure("oldTitle", t("old"));
  if (e instanceof BadField) return unsure("fieldTitle", t("fieldText"));
  return unsure("unreadTitle", t("unread", e instanceof Error ? e.message : String(e)));
}

/** The public keys in the field: one a line. */
async function keysGiven(): Promise<Key[]> {
  const lines = keyField.value.split(/\s+/).filter(Boolean);
  return Promise.all(
    lines.map((line) =>
      parseKey(line).catch((e: unknown) => {
        throw e instanceof BadKey ? new BadField(keyField, "keyBad") : e;
      }),
    ),
  );
}

/** The earlier checkpoint as it was signed, though it was pasted with more or fewer line ends around it. */
function earlierGiven(): string {
  const text = earlierField.value.replace(/\r\n?/g, "\n").trim();
  return text && text + "\n";
}

async function check(f: File, progress: (share: number) => void): Promise<() => Verdict> {
  const keys = await keysGiven();
  const begin = f.size <= MAX_RECEIPT ? await f.text() : "";
  if (isReceipt(begin) || f.name.endsWith(".jwt")) {
    const receipt = await verifyReceipt(begin, keys);
    return () => ofReceipt(receipt);
  }
  try {
    const proven = await verifyExport(f, { keys, earlier: earlierGiven() }, (bytes) => progress(bytes / f.size));
    return () => ofExport(proven);
  } catch (e) {
    throw e instanceof BadEarlier ? new BadField(earlierField, e.code, e.args) : e;
  }
}

async function run(): Promise<void> {
  const f = file;
  if (!f) return;
  const mine = ++checks;
  let share = 0;
  const percent = (): void => {
    bar.value = Math.floor(share * 100);
    bar.textContent = t("progress", bar.value);
  };
  tell = () => {
    $("busy-text").textContent = t("busy", f.name);
    percent();
  };
  complain(null);
  result.hidden = true;
  busy.hidden = false;
  document.body.dataset.state = "busy";
  tell();
  let verdict: () => Verdict;
  let error: unknown = null;
  try {
    verdict = await check(f, (now) => {
      if (mine !== checks) throw new Superseded();
      share = now;
      percent();
    });
  } catch (e) {
    error = e;
    verdict = () => ofError(e);
  }
  if (mine !== checks) return;
  busy.hidden = true;
  tell = () => {
    complain(error);
    show(verdict(), f.name);
  };
  tell();
  $("again").hidden = result.hidden = false;
  mark(verdict().state, error);
  (error instanceof BadField ? error.field : $("verdict")).focus();
}

/** Says at a field what is wrong with it. */
function complain(e: unknown): void {
  for (const field of [keyField, earlierField]) {
    const mine = e instanceof BadField && e.field === field;
    field.setAttribute("aria-invalid", String(mine));
    $(field.id + "-error").textContent = mine ? t(e.code, ...e.args) : "";
  }
}

function show(v: Verdict, name: string): void {
  result.className = v.state;
  $("verdict").textContent = v.title;
  $("meaning").textContent = v.text;
  $("limits").hidden = v.state !== "good";
  const rows: Row[] = [["file", name], ...v.rows];
  $("facts").replaceChildren(
    ...rows.map(([word, value, remark]) => {
      const row = document.createElement("div");
      const dt = document.createElement("dt");
      const dd = document.createElement("dd");
      dt.textContent = t(word);
      dd.textContent = value;
      dd.dataset.fact = word;
      if (remark) dd.appendChild(document.createElement("small")).textContent = remark;
      row.append(dt, dd);
      return row;
    }),
  );
}

/** Leaves what came of the check where programs find it, in any language. */
function mark(state: string, e: unknown): void {
  const { dataset } = document.body;
  dataset.code = e instanceof Fault || e instanceof BadField ? e.code : "";
  dataset.line = e instanceof Fault ? String(e.line) : "";
  dataset.entry = e instanceof Fault ? String(e.entry) : "";
  dataset.state = state;
}

function take(files: FileList | null | undefined): void {
  if (!files?.[0]) return;
  file = files[0];
  void run();
}

for (const b of document.querySelectorAll("nav button")) {
  b.addEventListener("click", () => {
    language = b.getAttribute("lang") as Language;
    speak();
  });
}
input.addEventListener("change", () => {
  take(input.files);
  input.value = ""; // so that the same file can be chosen again
});
form.addEventListener("submit", (e) => {
  e.preventDefault();
  void run();
});
// The whole page takes what is dropped: a file dropped beside the box would otherwise replace the page.
addEventListener("dragover", (e) => {
  e.preventDefault();
  document.body.classList.add("over");
});
addEventListener("dragleave", (e) => {
  if (!e.relatedTarget) document.body.classList.remove("over");
});
addEventListener("drop", (e) => {
  e.preventDefault();
  document.body.classList.remove("over");
  take(e.dataTransfer?.files);
});
speak();

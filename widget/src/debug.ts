// Tells a developer in the console what the script knows and does: on a page that is opened with #samtykke=debug, or whose
// tag has data-debug. A chunk of its own. It looks on from outside, so that the page goes on as it would without.

import type { Held } from "./hold";
import { held as marked, needs } from "./markup";
import { asked, lifetime, site, terms, type Category } from "./settings";
import { cookies, initials, read, type Act } from "./store";

declare const $VERSION: number; // of the notice

type Row = Record<string, unknown>;

// This file's own address names the server and the notice: …/s/SITE/NOTICE.debug.js
const [, base, notice] = /^(.*)\/s\/[^/]+\/(\w+)\.debug\.js/.exec(import.meta.url) ?? [];
const api = window.samtykke!;

function print(title: string, rows: Row[]) {
  console.groupCollapsed("samtykke: " + title);
  if (rows[0]) console.table(rows);
  console.groupEnd();
}

// What happens together is told together.
const news = new Map<string, Row[]>();
function tell(title: string, row: Row) {
  if (!news.size) setTimeout(flush);
  news.set(title, [...(news.get(title) ?? []), row]);
}
function flush() {
  const all = [...news];
  news.clear();
  for (const [title, rows] of all) print(`${rows.length} ${title}`, rows);
}

const list = (categories: readonly string[]) => categories.join(", ") || "nothing";
const granted = () => list(Object.entries(api.consent).flatMap(([c, yes]) => (yes && c != "necessary" ? c : [])));
const spelled = (letters = "") => list(asked.filter((c) => letters.includes(c[0]!)));

// --- The stored choice

/** Says whether a stored choice counts, by the rules of store.ts, and otherwise why not. */
function verdict([version, owner, visitor, time, its, categories]: string[], newest: boolean): string {
  if (version != "samtykke=1" || visitor?.length != 36) return "no: it is cut off, or of another format";
  if (owner != site) return `no: it is of the site ${owner}`;
  if (!newest) return "no: there is a newer one";
  if (its != terms) return `no: it was given under terms ${its}, this notice has terms ${terms}`;
  if (categories != initials(asked)) return "no: other categories were asked about";
  if (Date.now() - parseInt(time!, 36) >= lifetime) return `no: it is older than ${lifetime / 864e5} days`;
  return "yes";
}

function choices(): Row[] {
  const newest = read();
  const rows = cookies().filter((c) => c.startsWith("samtykke=")).map((cookie) => {
    const fields = cookie.split(":"), [, owner, visitor, time, its, categories, given] = fields;
    const isNewest = !newest || parseInt(time!, 36) >= newest.time;
    const { acts = [], refused } = newest && isNewest && owner == site ? newest : {};
    return {
      counts: verdict(fields, isNewest), granted: spelled(given), asked: spelled(categories),
      ...(refused && { "refused providers": list(refused) }),
      time: time && new Date(parseInt(time, 36)).toLocaleString(), terms: its, visitor,
      "waiting to be sent": acts.length,
    };
  });
  if (rows[0]) return rows;
  return [{ counts: api.answered ? "yes: kept for this page only, since the browser refuses cookies" : "none is stored: the banner asks, unless the browser objects" }];
}

const { globalPrivacyControl, doNotTrack } = navigator as { globalPrivacyControl?: boolean; doNotTrack?: string | null };
print("debug", [{
  site, notice: $VERSION, hash: notice, terms, server: base, language: document.querySelector<HTMLElement>("#samtykke")?.lang ?? "nothing shown yet",
  asked: list(asked), granted: granted(), answered: api.answered,
  "Global Privacy Control": $GPC ? !!globalPrivacyControl : "not looked at", "Do Not Track": $DNT ? doNotTrack == "1" : "not looked at",
  "automatic blocking": $AUTO,
}]);
print("stored choice", choices());

// --- Elements that are marked

type Seen = { row: Row; wanted: string[]; isFirst: boolean };
const seen = new WeakMap<Element, Seen>(); // that waited when they were first seen
const parked = ["cookieblockSrc", "src", "srcset", "href"];

const waits = (e: HTMLElement) => e instanceof HTMLScriptElement
  ? e.type == "text/plain"
  : !!e.dataset.held || parked.some((name) => e.dataset[name] != null);

function about(e: HTMLElement): Row {
  const address = parked.map((name) => e.dataset[name]).find((url) => url != null) ?? e.getAttribute("src") ?? e.getAttribute("href");
  const text = (e.dataset.embed || e.textContent!).trim().replace(/\s+/g, " ");
  return { element: e.localName + (e.id && "#" + e.id), category: list(needs(e) ?? []), address: address ?? text.slice(0, 60) };
}

// What an element is still waiting for. What nobody can grant is what a developer most often looks for.
function state(e: HTMLElement): string {
  if (!waits(e)) return "released";
  const wanted = needs(e) ?? [];
  if (!wanted[0]) return "never: it names no category";
  if (wanted.includes("unclassified")) return "never: nobody has classified the host";
  const unknown = wanted.filter((c) => !["necessary", ...asked].includes(c.replace("!", "")));
  if (unknown[0]) return `never: this banner doesn't ask about ${list(unknown)}`;
  const missing = wanted.filter((c) => c[0] != "!" && !api.consent[c as Category]);
  if (missing[0]) return "waits for " + list(missing);
  return document.readyState == "loading" ? "waits until the page is parsed" : "waits for its turn";
}

// What lets something go: the choice just made, which waits to be sent, or one from before.
let last = "the stored one";
function choice(): string {
  const act = read()?.acts.at(-1);
  if (act) last = `${act.action} by ${act.method}`;
  return "choice: " + last;
}

function follow(e: HTMLElement) {
  const known = seen.get(e);
  if (!known && waits(e)) {
    seen.set(e, { row: about(e), wanted: needs(e) ?? [], isFirst: true });
    if (reported) tell("held", { ...about(e), state: state(e) });
  } else if (known?.isFirst && !waits(e)) released(e, known);
}

function released(now: HTMLElement, known: Seen) {
  known.isFirst = false;
  const isNecessary = known.wanted.every((c) => c == "necessary");
  // A placeholder makes what is to be seen once necessary.
  const by = isNecessary ? "necessary" : now.dataset.category == "necessary" ? "placeholder, once" : choice();
  tell("released", { ...known.row, by });
}

const all = (root: ParentNode) => root.querySelectorAll<HTMLElement>(marked);
let reported = false;
all(document).forEach(follow);
new MutationObserver((changes) => {
  for (const { type, target, addedNodes, removedNodes: [old] } of changes) {
    if (type == "attributes") {
      if ((target as HTMLElement).matches(marked)) follow(target as HTMLElement);
      continue;
    }
    // A script that may run is replaced by one that does.
    const known = seen.get(old as Element), [next] = addedNodes;
    if (known?.isFirst && old instanceof HTMLScriptElement && next instanceof HTMLScriptElement) released(next, known);
    for (const node of addedNodes) {
      if (!(node instanceof HTMLElement)) continue;
      if (node.matches(marked)) follow(node);
      all(node).forEach(follow);
    }
  }
}).observe(document, {
  childList: true, subtree: true, attributes: true, attributeFilter: ["data-cookieblock-src", "data-src", "data-srcset", "data-href", "data-held", "data-category"],
});

function report() {
  reported = true;
  const rows = [...all(document)].map((e) => ({ ...about(e), state: state(e) }));
  print(`${rows.length} marked elements`, rows);
}
if (document.readyState == "loading") document.addEventListener("DOMContentLoaded", () => setTimeout(report));
else report();

// --- What is held without being marked

/** Tells of the requests that automatic blocking holds, of those that come, and of what lets them go. */
export function watchRequests(list: Held[], categoryOf: (url: URL) => string | undefined) {
  if (!$AUTO) return;
  const known = new WeakSet<Held>();
  const row = ([url, , e]: Held): Row => ({
    request: e?.localName ?? "fetch, XMLHttpRequest or beacon", host: url.host, category: categoryOf(url) ?? "unknown", address: url.href,
    state: categoryOf(url) ? "waits for " + categoryOf(url) : "never: nobody has classified the host",
  });
  // What the short list of hosts lacks, the long one may have. The guard looks there too, and makes of frames what is marked:
  // nothing is said of a host before.
  const ready = import(import.meta.url.replace("debug.js", "hosts.js")).catch(() => {}).then(() => new Promise((done) => setTimeout(done)));
  const meet = (entry: Held) => {
    if (known.has(entry)) return;
    known.add(entry);
    const go = entry[1];
    entry[1] = () => {
      const { state: _, ...what } = row(entry);
      tell("requests released", { ...what, by: what.category == "necessary" ? "necessary" : choice() });
      return go();
    };
    void ready.then(() => list.includes(entry) && tell("requests held", row(entry)));
  };
  list.forEach(meet);
  list.push = (...entries) => {
    entries.forEach(meet);
    return Array.prototype.push.apply(list, entries);
  };
}

// --- Choices, and acts on their way to the server

document.addEventListener("samtykke:change", () => {
  last = "made in another tab";
  print(choice(), choices());
});

const kept = "kept, sent again at the next view", dropped = "refused, not sent again";
const meanings: Record<number, string> = { 201: "recorded", 400: dropped, 409: dropped, 413: dropped, 422: dropped };

const plain = window.fetch;
window.fetch = (...args) => {
  const answer = plain(...args);
  if (args[0] == `${base}/v1/sites/${site}/consents`) void sent(JSON.parse(args[1]!.body as string) as Act, answer);
  return answer;
};

async function sent(act: Act, answer: Promise<Response>) {
  const { action, method, categories, refused = [], cleared = [], remaining = [] } = act;
  let said = "no answer: " + kept, message = "the network, the page's connect-src, or a host that isn't one of the site's domains";
  try {
    const copy = (await answer).clone();
    said = `${copy.status}: ${meanings[copy.status] ?? kept}`;
    message = await copy.text();
  } catch {
    // As said above.
  }
  print("act sent: " + said, [{
    action, method, granted: list(Object.keys(categories).filter((c) => categories[c])), "refused providers": list(refused),
    "names cleared": list(cleared), "names that are still there": list(remaining), message,
  }]);
}

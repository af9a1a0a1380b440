// Automatic blocking: what the page asks other sites for waits until the category of their host is granted. What nobody
// has classified waits for ever (K12); what comes from the site itself is never touched.

import { install, type Holding } from "./hold";
import { exempt, held, needs } from "./markup";
import { base } from "./send";
import { sharedDomain, type Category } from "./settings";
import { file } from "./words";

declare const $PROVIDERS: Record<string, string>; // host -> provider, where single ones can be refused
declare const $HOSTS: Record<string, string>; // host -> category: what the owner says, and what was declared

let holding: Holding;
let hosts: Record<string, string>;
let given: Category[] = [];
let consider: (e: HTMLElement) => void;
let refused: string[] = []; // category/provider
let asked: Promise<void> | undefined; // for the long list
let learned = false;
const marked = new WeakMap<HTMLElement, string>(); // frames and the host that we marked them for

function categoryOf({ hostname }: URL): string | undefined {
  const own = [location.hostname.replace(/^www\.(?=.*\.)/, ""), new URL(base).hostname, ...(sharedDomain ? [sharedDomain] : [])];
  if (own.some((o) => ("." + hostname).endsWith("." + o))) return "necessary";
  return lookUp(hosts, hostname);
}

// A host counts with all under it.
function lookUp(table: Record<string, string>, hostname: string): string | undefined {
  for (let host = hostname; host; host = host.replace(/^[^.]*\.?/, "")) if (table[host]) return table[host];
  return;
}

const allowed = (category?: string) => category == "necessary" || given.includes(category as Category);
const may = (url: URL, category = categoryOf(url)) =>
  allowed(category) && !($VENDORS && refused.includes(category + "/" + lookUp($PROVIDERS, url.hostname)));

// What isn't known here may be known at all: the long list is fetched when a host is met that the short one lacks.
function learn() {
  asked ??= import(file("hosts.js")).then((m: typeof import("./hosts")) => m.add(hosts), () => {}).then(() => {
    learned = true;
    sweep();
  });
}

/** Lets happen what is granted by now, in the order of the page. */
export function sweep() {
  for (const entry of holding.held.splice(0)) {
    if (exempt(entry[2]) || may(entry[0])) {
      try {
        entry[1]();
      } catch {
        // The page has given it up meanwhile.
      }
    } else holding.held.push(entry);
  }
  mark();
}

// A frame becomes one that is marked, so that the blocker releases it and a placeholder stands in its place.
function mark() {
  for (const entry of holding.held.splice(0)) {
    const [url, , e] = entry, category = categoryOf(url);
    if (e instanceof HTMLIFrameElement && (category || learned)) {
      e.dataset.src = url.href;
      if (!e.dataset.category) marked.set(e, url.hostname);
      e.dataset.category ??= category ?? "unclassified";
      if ($VENDORS) e.dataset.vendor ??= lookUp($PROVIDERS, url.hostname) ?? "";
      if (e.isConnected) consider(e);
      continue;
    }
    holding.held.push(entry);
    if (!category) learn();
  }
}

/** Takes over from the stub, or starts where there is none. What it marks goes to the blocker. */
export function watch(blocker: typeof consider) {
  const stub = (window as { samtykke?: Partial<Holding> }).samtykke;
  holding = stub?.held ? (stub as Holding) : install(window, document);
  hosts = { __proto__: null as never, ...$HOSTS };
  consider = blocker;
  holding.holds = (url, e) => {
    // What we have marked was for one host.
    if (e && marked.has(e) && marked.get(e) != url.hostname) {
      marked.delete(e);
      delete e.dataset.category;
      delete e.dataset.vendor;
    }
    // What the page has marked, or the visitor has asked for, is the blocker's business.
    if (e?.matches?.(held) && needs(e)?.every((c) => allowed(c) && !($VENDORS && refused.includes(c + "/" + e.dataset.vendor)))) return false;
    if (exempt(e) || may(url)) return false;
    queueMicrotask(mark);
    return true;
  };
}

/** Says whose hosts are held even where their category is granted. */
export function spare(providers: string[]) {
  refused = providers;
}

/** Says what may happen from now on. */
export function allow(categories: Category[]) {
  given = categories;
}

/** Shows a developer what is held, and how hosts are classified. */
export function explain(debug: typeof import("./debug")) {
  debug.watchRequests(holding.held, categoryOf);
}

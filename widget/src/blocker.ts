// Releases held elements: <script type="text/plain" data-category="statistics">, <iframe data-src data-category>.
// What is marked never runs without us, so there is nothing to block; nothing that was released is taken back.

import { allow, spare, sweep, watch } from "./guard";
import { held, needs } from "./markup";
import { place } from "./dom";
import type { Category } from "./settings";

let decided: boolean; // whether there is a choice
let given: Category[] = [];
let refused: string[] = []; // category/provider

// A name with ! before it is vanilla-cookieconsent's way to say: only if the visitor has chosen otherwise.
const allowed = (e: HTMLElement) => needs(e)?.every((c) => $VANILLA && c[0] == "!"
  ? decided && c != "!necessary" && !given.includes(c.slice(1) as Category)
  : c == "necessary" || (!($VENDORS && refused.includes(c + "/" + e.dataset.vendor)) && given.includes(c as Category)));

// Under Trusted Types an address or a text becomes a script only through a policy. The site must allow ours by name.
type Policy = { createScriptURL(s: string): string; createScript(s: string): string };
let policy: Policy | undefined;
function trust(text: string, as: keyof Policy): string {
  try {
    const same = (s: string) => s;
    policy ??= (window as any).trustedTypes.createPolicy("samtykke", { createScriptURL: same, createScript: same }) as Policy;
    return policy[as](text);
  } catch {
    return text; // The browser has no such types, or the site's policy doesn't know ours.
  }
}

const queue: HTMLScriptElement[] = [];
let running = 0; // classic external scripts on their way, which an inline script has to wait for

const isAsync = (s: Element) => s.hasAttribute("async"); // the property is true for every held script
const isModule = (s: HTMLElement) => s.dataset.type == "module";
const isLate = (s: HTMLScriptElement) => +(s.defer || isModule(s));
const source = (s: HTMLScriptElement) => s.dataset.src || s.getAttribute("src");
export const address = (url: string) => trust(url, "createScriptURL");

/** Runs the queue in document order, as a parser would: an inline script waits for those before it. */
function runScripts() {
  for (let old; (old = queue[0]); ) {
    if (!source(old) && running && !isModule(old)) return; // goes on when the last one has loaded
    queue.shift(); // first: what runs now may come back here
    if (old.isConnected && allowed(old)) run(old); // one that the page took away would never tell that it has loaded
  }
  if ($COOKIEBOT && !running) {
    const tell = waiting;
    waiting = undefined;
    tell?.();
  }
}

let waiting: (() => void) | undefined;

/** Calls tell once, when all that may run now has run. Scripts with async are waited for by nobody. */
export function whenRun(tell: () => void) {
  waiting = tell;
  if (document.readyState != "loading") runScripts(); // else release does
}

function run(old: HTMLScriptElement) {
  const src = source(old);
  const script = document.createElement("script");
  for (const a of old.attributes) {
    // A copy, since the parser lets names through that setAttribute refuses.
    if (!/^(type|src|data-src|nonce)$/.test(a.name)) script.setAttributeNode(a.cloneNode() as Attr);
  }
  script.type = old.dataset.type || "";
  script.nonce = old.nonce;
  script.async = isAsync(old); // made by a script, it would otherwise run whenever it arrives
  try {
    if (src) script.src = address(src);
    else script.text = trust(old.text, "createScript");
  } catch {
    return; // The browser takes no address or text from us.
  }
  // Only what the browser takes for a classic script fires load or error.
  if (src && !script.async && !script.noModule && /^$|script$/i.test(script.type)) {
    running++;
    for (const event of ["load", "error"]) {
      script.addEventListener(event, () => {
        running--;
        runScripts();
      });
    }
  }
  old.replaceWith(script);
}

// Cookiebot has two names for the address that waits.
function unpark(e: HTMLElement) {
  const url = e.dataset.cookieblockSrc;
  if (url == null) return;
  e.dataset.src = url;
  delete e.dataset.cookieblockSrc;
}

function show(e: HTMLElement) {
  for (const name of ["srcset", "src", "href"]) {
    const url = e.dataset[name];
    if (url == null) continue;
    e.removeAttribute("data-" + name);
    e.setAttribute(name, address(url));
    (e.parentNode as Partial<HTMLMediaElement> | null)?.load?.(); // a player looks at a late <source> only when it loads anew
  }
}

// What is shown in the place of what a visitor would see.
let placehold: (e: HTMLElement) => void;

function releaseIn(elements: Iterable<HTMLElement>) {
  const scripts: HTMLScriptElement[] = [];
  for (const e of elements) {
    if ($COOKIEBOT) unpark(e);
    if (!allowed(e)) {
      if (e.matches("[data-embed],iframe,video")) placehold(e);
    } else if (!(e instanceof HTMLScriptElement)) show(e);
    else if (e.type != "text/plain") continue;
    else if (isAsync(e)) run(e); // waits for nobody
    else scripts.push(e);
  }
  queue.push(...scripts.sort((a, b) => isLate(a) - isLate(b)));
  runScripts();
}

// A second copy of the script does nothing.
if ($AUTO && !(window as { samtykke?: Partial<Samtykke> }).samtykke?.withdraw) watch((e) => releaseIn([e]));

let parsed = false;
const watcher = new MutationObserver((changes) => {
  place();
  if (!parsed) return;
  const found: HTMLElement[] = [];
  for (const { addedNodes } of changes) {
    for (const node of addedNodes) {
      if (!(node instanceof HTMLElement)) continue;
      if (node.matches(held)) found.push(node);
      found.push(...node.querySelectorAll<HTMLElement>(held));
    }
  }
  if (found[0]) releaseIn(found);
});

/** Says what may run from now on. A withdrawal holds at once, a grant with the next release. */
export function permit(categories: Category[]) {
  given = categories;
  if ($AUTO) allow(categories);
}

/** Says which providers may not run even where their category may. */
export function refuse(providers: string[]) {
  refused = providers;
  if ($AUTO) spare(providers);
}

/** Says whether there is a choice: what waits for a refusal doesn't run before. */
export function settle(chosen: boolean) {
  decided = chosen;
}

/** Says who shows something in the place of an element that waits. */
export function onWaiting(show: typeof placehold) {
  placehold = show;
}

/**
 * Lets everything run that now waits only for granted categories, and from now on whatever is added later. Waits
 * for the document to be parsed: before that, an inline script may be there by half.
 */
export function release() {
  if ($AUTO) sweep();
  watcher.observe(document, { childList: true, subtree: true }); // a second time changes nothing
  if (document.readyState == "loading") {
    document.addEventListener("DOMContentLoaded", release);
    return;
  }
  parsed = true;
  releaseIn(document.querySelectorAll<HTMLElement>(held));
}

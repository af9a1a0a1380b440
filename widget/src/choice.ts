// What the visitor has decided, and what follows from it.

import { signal } from "./signals";
import { asked, notice, type Category } from "./settings";
import { cookies, granted, keep, read, replace, uuid, type Act, type Action, type Method } from "./store";
import { file, language } from "./words";
import { permit, refuse, release, settle } from "./blocker";
import { takeOver } from "./imported";
import { send } from "./send";

/** What is granted now. Nothing without a choice that still counts. */
export let given: Category[] = [];
/** The providers that are refused within what is granted, as category/provider. */
export let refused: string[] = [];
/** Whether there is such a choice. */
export let answered = false;

/**
 * A browser that objects, by Do Not Track or Global Privacy Control, is a no until the visitor says otherwise: nobody is
 * asked, nothing is stored (B29).
 */
export const objects = () => ($DNT && navigator.doNotTrack == "1") ||
  ($GPC && (navigator as { globalPrivacyControl?: unknown }).globalPrivacyControl === true);

/** The state of every category, as pages read it. */
export const consent = () => ({
  necessary: true,
  preferences: given.includes("preferences"),
  statistics: given.includes("statistics"),
  marketing: given.includes("marketing"),
});

/** Tells the page. Whoever listens may be slow or throw; neither harms us. */
export const emit = (event: string) => document.dispatchEvent(new CustomEvent("samtykke:" + event, { detail: consent() }));

/** The click's own frame is for the visitor: the banner goes first, all else follows. Hidden pages have no frames. */
export function afterPaint(work: () => unknown) {
  if (document.hidden) setTimeout(work);
  else requestAnimationFrame(() => setTimeout(work));
}

function apply() {
  if ($SIGNALS) signal("update", consent());
  release();
}

// Clears what isn't granted, and writes into act what went and what is still there. The code comes only where there is
// something that it might have to clear; the first cookie is our own.
async function clean(act?: Act) {
  try {
    if ((given.length < asked.length || ($VENDORS && refused[0])) && (cookies()[1] || localStorage.length + sessionStorage.length)) {
      ((await import(file("clean.js"))) as typeof import("./clean")).clean(given, refused, act);
    }
  } catch {
    // The browser refuses storage: then nothing is in it. Or the code can't be had: then the next view tries again.
  }
}

/** Takes over the stored choice, also one made in another tab. Says whether it differs from what was known. */
export function recall(choice = read()): boolean {
  const before = answered + "" + given + refused;
  const stored = granted(choice);
  answered = !!stored;
  if ($VENDORS) refuse((refused = (stored && choice!.refused) ?? []));
  permit((given = stored ?? []));
  if ($VANILLA) settle(answered);
  return answered + "" + given + refused != before;
}

/** Starts the page from the stored choice. Defaults come first of all, before any tag (K8). */
export function begin() {
  if ($SIGNALS) signal("default", consent());
  let choice = read(); // once: asking for cookies waits for the browser
  if ($IMPORT && !objects() && !choice) {
    takeOver();
    choice = read();
  }
  recall(choice);
  if (answered) {
    apply();
    if ($CLEANS) afterPaint(() => clean()); // what came back since
  } else release(); // elements marked as necessary only
  if (choice?.acts[0]) void send();
}

/** Follows a choice that was made elsewhere. */
export function follow() {
  apply();
  emit("change");
}

/** Decides: stored before anything else happens, applied whatever the server says (B30). */
export function decide(action: Action, wanted: readonly string[], method: Method, refusing: string[] = []) {
  given = asked.filter((c) => wanted.includes(c));
  answered = true;
  if ($VENDORS) {
    refused = refusing.filter((r) => given.includes(r.split("/")[0] as Category));
    // More than the record and the cookie hold is a no to the whole category.
    if (refused.length > 60 || encodeURIComponent(JSON.stringify(refused)).length > 1500) {
      given = given.filter((c) => !refused.some((r) => r.startsWith(c + "/")));
      refused = [];
    }
    refuse(refused);
  }
  const act: Act = {
    id: uuid(), visitor: read()?.visitor ?? uuid(), notice, action, language, method,
    categories: Object.fromEntries(asked.map((c) => [c, given.includes(c)])),
  };
  if ($VENDORS && refused[0]) act.refused = refused;
  keep(given, act);
  permit(given);
  if ($VANILLA) settle(true);
  afterPaint(async () => {
    follow();
    if ($CLEANS) {
      await clean(act);
      replace(act.id, act);
    }
    void send();
  });
}

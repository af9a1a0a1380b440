// The stored choice: one cookie, written only after a choice (B24). docs/widget.md describes its format.

import { asked, lifetime, sharedDomain, site, terms, type Category } from "./settings";

export type Action = "accept_all" | "reject_all" | "custom" | "withdraw";
export type Method = "banner" | "dialog" | "declaration" | "placeholder" | "api" | "import";

/** One act of consent as the server takes it. */
export interface Act {
  id: string;
  visitor: string;
  notice: string;
  action: Action;
  categories: Record<string, boolean>;
  language: string;
  method: Method;
  refused?: string[]; // single providers within granted categories, as category/provider
  cleared?: string[];
  remaining?: string[];
}

export interface Choice {
  visitor: string;
  time: number; // ms
  terms: string;
  asked: string; // initials of categories
  given: string;
  acts: Act[]; // not yet acknowledged by the server, oldest first
  refused?: string[];
}

/** Categories as the cookie spells them. */
export const initials = (categories: Category[]) => categories.map((c) => c[0]).join("");

// What counts on this page where the browser refuses cookies.
let memory: Choice | undefined;

/** All cookies that the page can see, as name=value. None where the page may not look. */
export function cookies(): string[] {
  try {
    return document.cookie.split("; ");
  } catch {
    return [];
  }
}

// The site is named, since a parent domain's cookies are seen by every site under it: another's answer is none here.
function parse(cookie: string): Choice | undefined {
  const [version, owner, visitor, at, terms, asked, given, acts, refused] = cookie.split(":") as [string, ...string[]];
  const time = parseInt(at!, 36);
  // A clock may be set back a little. A time far ahead was a wrong clock's, and would count for years.
  if (version != "samtykke=1" || owner != site || visitor?.length != 36 || !(time - Date.now() < 864e5)) return;
  try {
    return {
      visitor, time, terms: terms!, asked: asked!, given: given!,
      acts: [...(acts! && JSON.parse(decodeURIComponent(acts!)))],
      ...($VENDORS && refused && { refused: [...JSON.parse(decodeURIComponent(refused))] }),
    };
  } catch {
    return; // cut off, or not what we write: as if there were none
  }
}

/** The newest stored choice, whether it still counts or not. A host may see two: its own and its parent's. */
export function read(): Choice | undefined {
  let newest = memory;
  for (const cookie of cookies()) {
    const choice = parse(cookie);
    if (choice && !(newest && newest.time > choice.time)) newest = choice;
  }
  return newest;
}

/** What a stored choice grants, or undefined if it doesn't count any more: asked for something else, or too old (B19). */
export function granted(choice: Choice | undefined): Category[] | undefined {
  if (choice && choice.terms == terms && choice.asked == initials(asked) && Date.now() - choice.time < lifetime) {
    return asked.filter((c) => choice.given.includes(c[0]!));
  }
  return;
}

// A cookie holds 4 kB. The newest acts matter most; a last one that is still too long loses its lists of names.
function encode(acts: Act[]): string {
  if (!acts[0]) return "";
  const text = encodeURIComponent(JSON.stringify(acts));
  if (text.length < ($VENDORS ? 2300 : 3e3)) return text; // the refused providers stand in the cookie once more
  return encode(acts[1] ? acts.slice(1) : [{ ...acts[0], cleared: undefined, remaining: undefined }]);
}

// Writes a choice, or only spells it.
function write(c: Choice, spelled?: boolean) {
  const host = location.hostname;
  const age = Math.floor((c.time + lifetime - Date.now()) / 1e3);
  const value = [
    1, site, c.visitor, c.time.toString(36), c.terms, c.asked, c.given, encode(c.acts),
    ...($VENDORS && c.refused?.[0] ? [encodeURIComponent(JSON.stringify(c.refused))] : []),
  ].join(":");
  if ($FIRST_PARTY && spelled) return value;
  try {
    document.cookie = `samtykke=${value};path=/;samesite=lax;max-age=${age}` +
      (location.protocol == "https:" ? ";secure" : "") +
      ($SHARED && ("." + host).endsWith("." + sharedDomain) ? ";domain=" + sharedDomain : "");
  } catch {
    // Cookies are refused: the choice lives in memory.
  }
  return;
}

/** Stores a choice with the act that made it, behind the acts that still wait. */
export function keep(given: Category[], act: Act) {
  write((memory = {
    visitor: act.visitor, time: Date.now(), terms, asked: initials(asked), given: initials(given),
    acts: [...(read()?.acts ?? []), act],
    ...($VENDORS && { refused: act.refused }),
  }));
}

/** Stores a choice as it was made elsewhere. */
export const restore = (choice: Choice) => write((memory = choice));

/** The choice as the cookie would hold it if no act waited any more. */
export const settled = () => write({ ...read()!, acts: [] }, true)!;

/** Puts act in the place of the waiting act of the same id; without act, that one is done with. */
export function replace(id: string, act?: Act) {
  const choice = read(); // anew: another tab may have written meanwhile
  if (!choice) return;
  // An answer that has set the cookie itself has done this: what a script writes is kept for a shorter time.
  if ($FIRST_PARTY && !choice.acts[0]) return void (memory = choice);
  memory = { ...choice, acts: choice.acts.flatMap((a) => (a.id != id ? a : act ?? [])) };
  // A cookie that the visitor has deleted meanwhile doesn't come back.
  if (cookies().some(parse)) write(memory);
}

/** A random UUID of version 7. crypto.randomUUID makes version 4 only, and only on https. */
export function uuid(): string {
  // Not Array.from: old libraries put their own in its place.
  const random = [...crypto.getRandomValues(new Uint8Array(10))].map((b) => (b + 256).toString(16).slice(1)).join("");
  return (Date.now().toString(16).padStart(12, "0") + random).replace(/(.{8})(.{4}).(...).(...)/, "$1-$2-7$3-8$4-");
}

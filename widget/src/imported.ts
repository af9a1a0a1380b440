// The choice that a visitor made while the site had Cookiebot: taken over once, so that nobody is asked anew for the same.
// Compiled in only where the owner vouches that it is the same controller asking for the same (docs/coming-from.md).

import { asked, lifetime, notice, terms } from "./settings";
import { cookies, initials, restore, uuid } from "./store";
import { language } from "./words";

/**
 * Reads one cookie: {stamp:'…',necessary:true,preferences:false,…,method:'explicit',ver:1,utc:1700000000000,region:'dk'} with
 * quotes and commas escaped. Whatever isn't written just so, or isn't the visitor's own answer, or is too old, is none.
 */
function answer(cookie: string) {
  if (cookie.length > 4096) return;
  let text;
  try {
    text = decodeURIComponent(cookie);
  } catch {
    return;
  }
  const [, list] = /^CookieConsent=\{(.*)\}$/.exec(text) ?? [];
  const fields = new Map<string, string>();
  for (const field of list?.split(",") ?? []) {
    const [, name, value] = /^(\w+):('[^']*'|true|false|\d{1,15})$/.exec(field) ?? [];
    if (!name || fields.has(name)) return;
    fields.set(name, value!);
  }
  const says = (name: string) => fields.get(name);
  const time = +says("utc")!, age = Date.now() - time;
  // A stamp of -1 means that nobody was asked: the visitor seemed to be where no consent is needed.
  if (says("necessary") != "true" || says("method") != "'explicit'" || !/^'(?!-1')[^']/.test(says("stamp")!)) return;
  if (!asked.every((c) => /^(true|false)$/.test(says(c)!)) || !(time > 0 && age >= 0 && age < lifetime)) return;
  return { time, given: asked.filter((c) => says(c) == "true") };
}

/** Takes over the newest answer that Cookiebot's cookie holds, and the cookie away: it would outlive a withdrawal here. */
export function takeOver() {
  const [newest] = cookies().flatMap((c) => answer(c) ?? []).sort((a, b) => b.time - a.time);
  if (!newest) return;
  const { time, given } = newest, visitor = uuid();
  restore({
    visitor, time, terms, asked: initials(asked), given: initials(given),
    acts: [{
      id: uuid(), visitor, notice, language, method: "import",
      action: given.length == asked.length ? "accept_all" : given[0] ? "custom" : "reject_all",
      categories: Object.fromEntries(asked.map((c) => [c, given.includes(c)])),
    }],
  });
  const labels = location.hostname.split(".");
  for (const domain of ["", ...labels.map((_, i) => ";domain=" + labels.slice(i).join("."))]) {
    document.cookie = "CookieConsent=;max-age=0;path=/" + domain;
  }
}

// The words of the page's language. Another language than the default comes by one request, whole or not at all (B21).

import { languages, notice, site, texts } from "./settings";
import { base, tagLanguage } from "./send";

/** The address of a file that was frozen with the notice. */
export const file = (name: string) => base + "/s/" + site + "/" + notice + "." + name;

export let language = languages[0]!;
export let words = texts;
/** The words of what is fetched later, where they are not the default language's. */
export let later: Record<string, string> | undefined;
let wanted = language;
let coming: Promise<void> | undefined;

if ($TRANSLATED) {
  wanted = (tagLanguage || document.documentElement.lang || navigator.language).slice(0, 2).toLowerCase();
  if (/n[no]/.test(wanted)) wanted = "nb"; // Norwegian
}

async function translate() {
  const answer = await fetch(file(wanted + ".json"), { credentials: "omit" });
  if (!answer.ok) return;
  ({ first: words, later } = (await answer.json()) as { first: string[]; later: Record<string, string> });
  language = wanted;
}

/** Calls show once the words are there: at once in the default language, and also if the others can't be had. */
export function withWords(show: () => void) {
  if ($TRANSLATED && wanted != language && languages.includes(wanted)) void (coming ??= translate().catch(() => {})).then(show);
  else show();
}

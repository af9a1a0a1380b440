// The words of the page's language. Another language than the default comes by one request, whole or not at all (B21).

import { languages, notice, site, texts, type Texts } from "./settings";
import { base, tagLanguage } from "./send";

const wanted = (tagLanguage || document.documentElement.lang || navigator.language).slice(0, 2).toLowerCase();

export let language = languages[0]!;
export let words = texts;
let coming: Promise<void> | undefined;

async function translate() {
  const answer = await fetch(`${base}/s/${site}/${notice}.${wanted}.json`, { credentials: "omit" });
  if (!answer.ok) return;
  words = (await answer.json()) as Texts;
  language = wanted;
}

/** Calls show once the words are there: at once in the default language, and also if the others can't be had. */
export function withWords(show: () => void) {
  if (wanted == languages[0] || !languages.includes(wanted)) return show();
  coming ??= translate().catch(() => {});
  void coming.then(show);
}

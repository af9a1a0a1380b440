// How a page says what an element waits for: by our own attribute, or by that of another tool where the site wants it read.

// What vanilla-cookieconsent's and klaro's own examples call a category, and what the owner says that a name is here.
const meanings: Record<string, string | null> | undefined = $VANILLA || $KLARO ? {
  __proto__: null,
  analytics: "statistics", functionality: "preferences", functional: "preferences",
  ads: "marketing", advertising: "marketing", advertisement: "marketing", targeting: "marketing",
  ...$SERVICES,
} : undefined;

/** Says whether the page asks to leave an element alone (Cookiebot's "ignore"): then it isn't held unmarked either. */
export const exempt = (e: Element | undefined) => $COOKIEBOT && !!e?.matches?.("[data-cookieconsent=ignore i]");

// What another tool's markup names. Our own attribute says it alone where it stands beside theirs.
function meant({ dataset: { category, cookieconsent, name, service } }: HTMLElement) {
  const said = (category ?? ($COOKIEBOT ? cookieconsent?.toLowerCase() : undefined) ?? ($KLARO ? name : undefined)) || "";
  const names = said.match(/[^\s,]+/g);
  if (!meanings || !names) return names;
  // A service adds to its element's category what the owner says that it is; the sign of a refused one stays.
  return [...names, ...($VANILLA && meanings[service!] ? [service!] : [])]
    .map((name) => name.replace(/[^!]+/, (word) => meanings[word] ?? word));
}

/** Finds everything that may have to wait. What Cookiebot's markup says to ignore is nobody's to hold or to release. */
export const held =
  "[data-category]" +
  ($COOKIEBOT ? ",[data-cookieconsent]:not([data-cookieconsent=ignore i])" : "") +
  ($KLARO ? ",script[type='text/plain'][data-name],[data-name][data-src],[data-name][data-href]" : "");

/** The categories that an element names, all of which it needs (K9). None where it names nothing, which is never granted (K12). */
export const needs = (e: HTMLElement): string[] | null => {
  if ($COOKIEBOT || $VANILLA || $KLARO) return meant(e);
  return e.dataset.category!.match(/[^\s,]+/g);
};

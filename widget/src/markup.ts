// How a page says what an element waits for.

/** Finds everything that may have to wait. */
export const held = "[data-category]";

/** The categories that an element names, all of which it needs (K9). None where it names nothing, which is never granted (K12). */
export const needs = (e: HTMLElement): string[] | null => e.dataset.category!.match(/[^\s,]+/g);

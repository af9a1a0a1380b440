// What both layers are made of. Compiled into each of them: it holds no state.

import { asked } from "./settings";

type Child = Node | string;

/** Makes an element. Names that aren't properties of it become attributes. */
export function el<K extends keyof HTMLElementTagNameMap>(tag: K, props: object, ...children: Child[]): HTMLElementTagNameMap[K] {
  const e = document.createElement(tag);
  for (const name in props) {
    const value = props[name as never];
    if (name in e) e[name as never] = value;
    else e.setAttribute(name, value);
  }
  e.append(...children);
  return e;
}

/** Makes a button with a stable name, for tests and for extensions that answer banners. */
export const button = (id: string, text: string, onclick: () => void, props = {}) =>
  el("button", { id, "data-role": id, onclick, ...props }, text);

/** A link that leaves the visitor's choice where it is, in a tab of its own. */
export const link = (href: string, text: string) => el("a", { href, target: "_blank" }, text);

/** Adds a stylesheet to a shadow root in a way that needs no 'unsafe-inline' of the site's policy (B26). */
export function dress(root: ShadowRoot, css: string) {
  try {
    const sheet = new CSSStyleSheet();
    sheet.replaceSync(css);
    root.adoptedStyleSheets = [...root.adoptedStyleSheets, sheet];
  } catch {
    root.append(el("style", {}, css)); // browsers before 2023
  }
}

/** A modal layer opens with the focus on its heading, so that it is read from there. Only such a one may take it. */
export function present(box: HTMLDialogElement) {
  Object.assign(box.querySelector("h2")!, { tabIndex: -1, autofocus: true });
  box.showModal();
}

/** The categories, in the order of both layers (B13). */
export const categories = ["necessary", ...asked] as const;
/** The name of the i-th category, and what it is for. */
export const nameOf = (words: string[], i: number) => words[$W.categories + 2 * i]!;
export const purposeOf = (words: string[], i: number) => words[$W.categories + 2 * i + 1]!;

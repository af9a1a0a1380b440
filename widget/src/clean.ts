// Removes what was declared for categories that are not granted: first-party cookies and storage (K10). A chunk of its
// own, fetched when there is something that may have to go.

import type { Category } from "./settings";
import type { Act } from "./store";

// Regular expressions of names; the provider only where single ones can be refused.
type Row = [category: string, cookies: string, local: string, session: string, provider?: string];
declare const $CLEAN: Row[];

type Shelf = { names(): string[]; remove(name: string): void };

const cookieShelf: Shelf = {
  names: () => document.cookie.split("; ").map((c) => c.split("=")[0]!),
  // A cookie goes only if its domain and path are named exactly, and a page can't read them: try all it may have.
  remove(name) {
    const labels = location.hostname.split(".");
    const domains = ["", ...labels.map((_, i) => ";domain=" + labels.slice(i).join("."))];
    const folders = location.pathname.split("/");
    const paths = folders.flatMap((_, i) => {
      const path = folders.slice(0, i + 1).join("/");
      return [path, path + "/"];
    });
    const secure = location.protocol == "https:" ? ";secure" : "";
    for (const domain of domains) {
      for (const path of paths) document.cookie = `${name}=;max-age=0;path=${path || "/"}${domain}${secure}`;
    }
  },
};

const storageShelf = (open: () => Storage): Shelf => ({
  names: () => Object.keys(open()),
  remove: (name) => open().removeItem(name),
});

const shelves = () => [cookieShelf, storageShelf(() => localStorage), storageShelf(() => sessionStorage)];

function declared(name: string, kind: number, of: (row: Row) => boolean): boolean {
  return $CLEAN.some((row) => of(row) && RegExp(`^(?:${row[kind + 1]})$`).test(name));
}

/** Clears what is not granted, and writes into act the names that went and those that are still there. */
export function clean(given: Category[], refused: string[], act: Partial<Act> = {}) {
  const cleared: string[] = [], remaining: string[] = [];
  const isKept = ([c, , , , provider]: Row) =>
    c == "necessary" || (given.includes(c as Category) && !refused.includes(c + "/" + provider));
  shelves().forEach((shelf, kind) => {
    const lost = () => shelf.names().filter((name) => name && name != "samtykke" &&
      declared(name, kind, (row) => !isKept(row)) && !declared(name, kind, isKept));
    try {
      const before = lost();
      before.forEach(shelf.remove);
      const after = lost();
      remaining.push(...after);
      cleared.push(...before.filter((name) => !after.includes(name)));
    } catch {
      // The browser refuses this storage: then nothing is in it.
    }
  });
  if (cleared[0]) act.cleared = fit(cleared);
  if (remaining[0]) act.remaining = fit(remaining);
}

// What the server takes: 60 names of 100 bytes.
const fit = (names: string[]) => names.filter((n) => /^[ -~]{1,100}$/.test(n)).slice(0, 60);

// The hosts of all known vendors by category: a chunk of its own, fetched when a page asks for a host that its script
// doesn't know.

declare const $KNOWN_HOSTS: Record<string, string>; // category -> hosts, with spaces between them

/** Adds them to a table of hosts. What is in it already outranks them. */
export function add(hosts: Record<string, string>) {
  for (const [category, list] of Object.entries($KNOWN_HOSTS)) for (const host of list.split(" ")) hosts[host] ??= category;
}

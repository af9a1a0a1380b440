// The preview follows what is typed, and its choices don't reload the page. Without this script a button and links do the same.

export {};

const form = document.querySelector<HTMLFormElement>("#draft")!;
const attempt = document.querySelector<HTMLButtonElement>("#try"); // not there for who may only read
const screen = document.querySelector<HTMLElement>(".screen > div")!;
const address = new URL(screen.querySelector("iframe")!.src);

let tries = 0;

/**
 * Loads the preview anew. A new frame is laid below the old one until it is there: no flicker, and no entry in the history
 * that Back would have to pass.
 */
function show() {
  const old = [...screen.querySelectorAll("iframe")];
  const next = old[0]!.cloneNode() as HTMLIFrameElement;
  for (const frame of old.slice(1)) frame.remove();
  next.name = "preview" + ++tries; // browsers keep the name that a frame began with
  next.removeAttribute("src");
  screen.append(next);
  // The first event may be the empty page's.
  const done = () => {
    old[0]!.remove();
    next.removeEventListener("load", done);
  };
  if (attempt) {
    attempt.setAttribute("formaction", address.pathname + address.search);
    attempt.setAttribute("formtarget", next.name);
    form.requestSubmit(attempt);
  } else next.src = address.href;
  next.addEventListener("load", done);
}

let timer = 0;
function soon() {
  clearTimeout(timer);
  timer = setTimeout(show, 400);
}
form.addEventListener("input", soon);
form.addEventListener("change", soon);

for (const list of document.querySelectorAll<HTMLElement>("[data-choice]")) {
  list.addEventListener("click", (event) => {
    const link = (event.target as Element).closest<HTMLAnchorElement>("a");
    if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    const name = list.dataset.choice!, value = link.dataset.value!;
    for (const other of list.querySelectorAll("a")) other.removeAttribute("aria-current");
    link.setAttribute("aria-current", "true");
    // Wherever the page leads from here, it keeps what is looked at.
    for (const a of document.querySelectorAll<HTMLAnchorElement>(".pills a, [data-choice] a, .tongues a")) {
      if (a.closest("[data-choice]") !== list) a.href = changed(a.href, name, value);
    }
    form.action = changed(form.action, name, value);
    history.replaceState(null, "", changed(location.href, name, value));
    if (name === "width") {
      screen.parentElement!.className = "screen " + value;
      return;
    }
    address.searchParams.set(name, value);
    document.querySelector<HTMLAnchorElement>(".look p a")!.href = address.href;
    show();
  });
}

function changed(href: string, name: string, value: string) {
  const url = new URL(href);
  url.searchParams.set(name, value);
  return url.href;
}

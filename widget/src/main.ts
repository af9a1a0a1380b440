// The entry: starts the page from the stored choice, shows what fits, and gives the page its API.

/// <reference path="../samtykke.d.ts" />

import { asked } from "./settings";
import { read } from "./store";
import { imitate } from "./cookiebot";
import { act, close, declaration, open, render } from "./banner";
import { answered, begin, consent, emit, follow, given, recall, refused } from "./choice";

type Listener = Parameters<Samtykke["on"]>[1];

function save(wishes: Record<string, boolean>) {
  act("custom", asked.filter((c) => wishes[c] ?? given.includes(c)), "api", ...($VENDORS ? [refused] : []));
}

// A link on the page says how it was done; a script may have anything to say.
function withdraw(method?: unknown) {
  act(answered ? "withdraw" : "reject_all", [], method == "declaration" ? "declaration" : "api");
}

const api = {
  get consent() {
    return consent() as SamtykkeConsent;
  },
  get id() {
    return read()?.visitor;
  },
  get answered() {
    return answered;
  },
  open,
  close,
  save,
  withdraw,
  acceptAll: () => act("accept_all", asked, "api"),
  rejectAll: () => act("reject_all", [], "api"),
  declaration: () => location.assign(declaration()),
  on(event: string, listener: Listener) {
    if (event == "ready") listener(consent() as SamtykkeConsent); // whoever has the API comes after it
    else document.addEventListener("samtykke:" + event, (e) => listener((e as CustomEvent<SamtykkeConsent>).detail));
  },
} satisfies Samtykke;

export type Api = typeof api;

function start() {
  window.samtykke = api;
  begin();
  render();
  if ($COOKIEBOT) imitate(api);
  document.addEventListener("click", (e) => {
    const link = (e.target as Element).closest?.<HTMLElement>("[data-samtykke]");
    const does = (api as Record<string, unknown>)[link?.dataset.samtykke!];
    if (typeof does == "function") {
      e.preventDefault();
      does("declaration");
    }
  });
  if (/^#samtykke=/.test(location.hash)) open(); // #samtykke=debug too: panel.ts
  const refresh = () => {
    if (!recall()) return;
    follow();
    render();
  };
  // Back from the page cache or a window beside this one; answered in another tab.
  addEventListener("focus", refresh);
  document.addEventListener("visibilitychange", refresh);
  emit("ready");
}

// A second copy of the script does nothing. The name alone may also be an element's id.
if (typeof (window as { samtykke?: Partial<typeof api> }).samtykke?.withdraw != "function") start();

// The entry: starts the page from the stored choice, shows what fits, and gives the page its API.

import { answered, begin, consent, emit, follow, given, recall } from "./choice";
import { act, close, declaration, open, render } from "./layers";
import { asked } from "./settings";
import { read, type Method } from "./store";

type Listener = (state: object) => void;

function save(wishes: Record<string, boolean>) {
  act("custom", asked.filter((c) => wishes[c] ?? given.includes(c)), "api");
}

function withdraw(method: Method = "api") {
  act(answered ? "withdraw" : "reject_all", [], method);
}

const api = {
  get consent() {
    return consent();
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
  acceptAll: () => act("accept_all", asked, "api"),
  rejectAll: () => act("reject_all", [], "api"),
  withdraw: () => withdraw(),
  on(event: string, listener: Listener) {
    if (event == "ready") listener(consent()); // whoever has the API comes after it
    else document.addEventListener("samtykke:" + event, (e) => listener((e as CustomEvent<object>).detail));
  },
};

const links: Record<string, () => void> = {
  open,
  withdraw: () => withdraw("declaration"),
  declaration: () => location.assign(declaration()),
};

function start() {
  Object.defineProperty(window, "samtykke", { value: api, configurable: true, writable: true });
  begin();
  render();
  document.addEventListener("click", (e) => {
    const link = (e.target as Element).closest?.<HTMLElement>("[data-samtykke]");
    const follow = links[link?.dataset.samtykke ?? ""];
    if (!follow) return;
    e.preventDefault();
    follow();
  });
  if (/^#samtykke=(open|withdraw)$/.test(location.hash)) open();
  const refresh = () => {
    if (!recall()) return;
    follow();
    render();
  };
  addEventListener("pageshow", refresh); // back from the page cache
  document.addEventListener("visibilitychange", refresh); // answered in another tab
  emit("ready");
}

// A second copy of the script does nothing. The name alone may also be an element's id.
if (typeof (window as { samtykke?: Partial<typeof api> }).samtykke?.withdraw != "function") start();

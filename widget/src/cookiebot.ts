// Cookiebot's interface, for pages that were written for it: the object, its events and callbacks, the tag manager's events
// and the classes that show and hide. docs/coming-from.md says what each does here. What it is like: the developer pages at
// https://www.cookiebot.com/en/developer/ and https://support.cookiebot.com/hc/en-us/articles/4417455460114.

import { address, release, whenRun } from "./blocker";
import { answered, given } from "./choice";
import { host } from "./dom";
import type { Api } from "./main";
import { el } from "./parts";
import { withWords } from "./words";

const optional = ["preferences", "statistics", "marketing"] as const;

// Listeners and callbacks of the page may throw: the browser reports that, and we go on.
function tell(event: string) {
  for (const name of ["Cookiebot", "CookieConsent"]) {
    const callback = (window as any)[`${name}Callback_${event}`];
    if (typeof callback == "function") addEventListener(name + event, callback, { once: true });
    dispatchEvent(new Event(name + event));
  }
}

// The rules for .cookieconsent-optin-… and -optout-…, also for several categories in one name, which are needed all. On an
// element with several classes one refusal hides what is for a yes, and shows what is for a no: hence the order.
function rules(): string {
  const sets = optional.reduce<string[][]>((sets, c) => [...sets, ...sets.map((s) => [...s, c])], [[]]);
  const parts = ["", "", "", ""];
  for (const set of sets) {
    const granted = set[0] ? set.every((c) => (given as string[]).includes(c)) : !!given[0];
    const name = ["", ...set].join("-");
    parts[granted ? 0 : 2] += `.cookieconsent-optin${name}{display:${granted ? "revert" : "none"}}`;
    parts[granted ? 1 : 3] += `.cookieconsent-optout${name}{display:${granted ? "none" : "revert"}}`;
  }
  return parts.join("");
}

/** Gives the page Cookiebot's interface to our own. */
export function imitate(api: Api) {
  // A constructed sheet needs no 'unsafe-inline' of the site's policy (B26); Safari before 16.4 has none.
  let style: (css: string) => void;
  try {
    const sheet = new CSSStyleSheet();
    document.adoptedStyleSheets = [...document.adoptedStyleSheets, sheet];
    style = (css) => sheet.replaceSync(css);
  } catch {
    const sheet = el("style", {});
    document.head.append(sheet);
    style = (css) => (sheet.textContent = css);
  }

  const layer = (name: string) => host.shadowRoot!.querySelector<HTMLDialogElement>("#" + name);
  const isVisible = () => ["banner", "dialog"].some((name) => layer(name)?.getClientRects()[0]);
  const told = () => {
    tell("OnDialogInit");
    tell("OnDialogDisplay");
  };
  const state = {}; // one object for good: pages keep hold of it

  const cookiebot = {
    get consent() {
      return Object.assign(state, api.consent, { stamp: api.id ?? "0", method: answered ? "explicit" : null });
    },
    get consented() {
      return answered && !!given[0];
    },
    get declined() {
      return answered && !given[0];
    },
    get hasResponse() {
      return answered;
    },
    doNotTrack: navigator.doNotTrack == "1",
    regulations: { gdprApplies: true, ccpaApplies: false, lgpdApplies: false },
    dialog: {
      get visible() {
        return isVisible();
      },
    },
    show() {
      const banner = layer("banner");
      if (banner) banner.style.display = "";
      else api.open();
    },
    // That is no choice: the next page asks again (B15).
    hide() {
      api.close();
      const banner = layer("banner");
      if (banner?.open) banner.close();
      else if (banner) banner.style.display = "none";
    },
    renew: () => api.open(),
    withdraw: () => api.withdraw(),
    submitCustomConsent: (preferences: unknown, statistics: unknown, marketing: unknown) =>
      api.save({ preferences: !!preferences, statistics: !!statistics, marketing: !!marketing }),
    // It would grant everything without a question (K13).
    setOutOfRegion: () => console.warn("samtykke: only the visitor can grant"),
    runScripts: release,
    getScript(url: string, async: unknown = true, onload: (() => void) | null = null) {
      document.head.append(el("script", { async: !!async, onload, src: address(url) }));
    },
    getDomainUrlParam: (name: string) => new URLSearchParams(location.search).get(name),
  };
  // The name may be taken by <script id="Cookiebot">; the older one by another tool.
  const names = window as { Cookiebot?: unknown; CookieConsent?: unknown };
  names.Cookiebot = cookiebot;
  names.CookieConsent ??= cookiebot;

  function respond() {
    const layer = (window.dataLayer ??= []);
    for (const c of optional) if (given.includes(c)) layer.push({ event: "cookie_consent_" + c });
    layer.push({ event: "cookie_consent_update" });
    tell(given[0] ? "OnAccept" : "OnDecline");
    whenRun(() => {
      tell("OnTagsExecuted");
      tell("OnConsentReady");
    });
  }

  // Pages register their listeners after the tag, so nothing is told before they are parsed.
  let started = false;
  const start = () => withWords(() => {
    started = true;
    tell("OnLoad");
    if (answered) respond();
    else if (isVisible()) told();
  });
  style(rules());
  if (document.readyState == "loading") document.addEventListener("DOMContentLoaded", start);
  else setTimeout(start);
  api.on("open", told);
  api.on("change", () => {
    style(rules());
    if (started && answered) respond();
  });
}

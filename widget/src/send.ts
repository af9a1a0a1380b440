// Acts on their way to the server. What is not acknowledged stays in the cookie and goes again at the next view (B30).

import { fallbackBase, site } from "./settings";
import { read, replace, settled } from "./store";

const script = document.currentScript as HTMLScriptElement | null;
const path = $COOKIEBOT && script?.src.includes("/uc.js") ? "/uc.js" : "/s/" + site;

/**
 * The server's address: where the script came from, so that a moved or proxied server works; else the compiled one. An
 * element of the page may own the name of the running script, and can't tell.
 */
export const base = script?.tagName == "SCRIPT" && script.src.includes(path) ? script.src.split(path)[0]! : fallbackBase;
export const tagLanguage = !$TRANSLATED ? "" : $COOKIEBOT
  ? script && (script.dataset.lang || script.dataset.culture || /[?&]culture=(\w+)/.exec(script.src)?.[1])
  : script?.dataset.lang;

let sending = false;

/** Sends the waiting acts in their order and stops at the first one that can't be delivered now. */
export async function send() {
  if (sending) return;
  sending = true;
  try {
    for (let act; (act = read()?.acts[0]); ) {
      // A plain string body is text/plain: no preflight request.
      const { status } = await fetch(base + "/v1/sites/" + site + "/consents", {
        method: "POST", body: JSON.stringify(act), keepalive: true, credentials: "omit",
        // Served by the site itself, the answer to the last act sets the cookie.
        ...($FIRST_PARTY && new URL(base).origin == location.origin && !read()!.acts[1] &&
          { credentials: "same-origin" as const, headers: { "Samtykke-Keep": settled() } }),
      });
      // Taken, or refused by the server for what the act says. Any other answer may be another's, or pass.
      if (![201, 400, 409, 413, 422].includes(status)) break;
      replace(act.id);
    }
  } catch {
    // No network.
  }
  sending = false;
}

// What the visitor has decided, and what follows from it.

import { announce, signal } from "./signals";
import { clean } from "./clean";
import { asked, notice, type Category } from "./settings";
import { granted, keep, read, replace, uuid, type Act, type Action, type Method } from "./store";
import { language } from "./words";
import { permit, release } from "./blocker";
import { send } from "./send";

/** What is granted now. Nothing without a choice that still counts. */
export let given: Category[] = [];
/** Whether there is such a choice. */
export let answered = false;

/** Global Privacy Control is a no until the visitor says otherwise: nobody is asked, nothing is stored (B29). */
export const objects = $GPC && (navigator as { globalPrivacyControl?: unknown }).globalPrivacyControl === true;

/** The state of every category, as pages read it. */
export const consent = () =>
  Object.fromEntries(["necessary", "preferences", "statistics", "marketing"].map((c) => [c, c == "necessary" || given.includes(c as Category)]));

/** Tells the page. Whoever listens may be slow or throw; neither harms us. */
export const emit = (event: string) => document.dispatchEvent(new CustomEvent("samtykke:" + event, { detail: consent() }));

// The click's own frame is for the visitor: the banner goes first, all else follows. Hidden pages have no frames.
function afterPaint(work: () => void) {
  if (document.hidden) setTimeout(work);
  else requestAnimationFrame(() => setTimeout(work));
}

function apply() {
  if ($CONSENT_MODE) {
    signal("update", given);
    announce(consent());
  }
  release();
}

/** Takes over the stored choice, also one made in another tab. Says whether it differs from what was known. */
export function recall(): boolean {
  const before = answered + "" + given;
  const stored = granted(read());
  answered = !!stored;
  permit((given = stored ?? []));
  return answered + "" + given != before;
}

/** Starts the page from the stored choice. Defaults come first of all, before any tag (K8). */
export function begin() {
  if ($CONSENT_MODE) signal("default", []);
  recall();
  if (answered) {
    apply();
    if ($CLEANS) afterPaint(() => clean(given)); // what came back since
  } else release(); // elements marked as necessary only
  if (read()?.acts[0]) void send();
}

/** Follows a choice that was made elsewhere. */
export function follow() {
  apply();
  emit("change");
}

/** Decides: stored before anything else happens, applied whatever the server says (B30). */
export function decide(action: Action, wanted: readonly string[], method: Method) {
  given = asked.filter((c) => wanted.includes(c));
  answered = true;
  const act: Act = {
    id: uuid(), visitor: read()?.visitor ?? uuid(), notice, action, language, method,
    categories: Object.fromEntries(asked.map((c) => [c, given.includes(c)])),
  };
  keep(given, act);
  permit(given);
  afterPaint(() => {
    if ($CLEANS) {
      const [cleared, remaining] = clean(given);
      if (cleared[0]) act.cleared = fit(cleared);
      if (remaining[0]) act.remaining = fit(remaining);
      if (cleared[0] || remaining[0]) replace(act.id, act);
    }
    apply();
    emit("change");
    void send();
  });
}

// What the server takes: 60 names of 100 bytes.
const fit = (names: string[]) => names.filter((n) => /^[ -~]{1,100}$/.test(n)).slice(0, 60);

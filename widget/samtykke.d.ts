// The types of window.samtykke and of its events. Copy this file into your project, or name it in one of yours:
// /// <reference path="samtykke.d.ts" />
// docs/widget.md describes the interface; the banner's own script is checked against this file.

/** What can be granted. Necessary always is. */
type SamtykkeCategory = "necessary" | "preferences" | "statistics" | "marketing";

/** What is granted now. A category that the banner doesn't ask about is never granted. */
type SamtykkeConsent = Record<SamtykkeCategory, boolean>;

/** What the page can listen to. */
type SamtykkeEvent = "ready" | "change" | "open" | "close";

/** The banner's interface to the page's own scripts. */
interface Samtykke {
  /** What is granted now: a new object at each reading. */
  readonly consent: SamtykkeConsent;

  /** The visitor's random id, by which the proof of a choice is found. Undefined before the first choice. */
  readonly id: string | undefined;

  /** Whether there is a choice that counts. */
  readonly answered: boolean;

  /** Opens the second layer with the stored choice. */
  open(): void;

  /** Closes the second layer. That is no choice. */
  close(): void;

  /**
   * Stores a choice. What isn't named stays as it is. What it grants anew, it grants on the visitor's own click or key
   * press only; otherwise it stores nothing and warns in the console.
   */
  save(wishes: Partial<SamtykkeConsent>): void;

  /** Takes the consent back. Before the first choice it refuses. Needs no click. */
  withdraw(): void;

  /** Grants all that the banner asks about, on the visitor's own click or key press only. */
  acceptAll(): void;

  /** Refuses all but what is necessary. Needs no click. */
  rejectAll(): void;

  /** Goes to the cookie declaration. */
  declaration(): void;

  /**
   * Calls a listener at each event, with what is granted then. "ready" calls it at once: whoever has this object comes
   * after the start. There is no way to stop listening; for that, listen on document.
   */
  on(event: SamtykkeEvent, listener: (consent: SamtykkeConsent) => void): void;
}

interface Window {
  /** Undefined until the banner's script has run, and where it can't be had. */
  samtykke?: Samtykke;
}

interface DocumentEventMap {
  /** The script has started, and the stored choice is known. Once a page. */
  "samtykke:ready": CustomEvent<SamtykkeConsent>;
  /** There is a new choice, made here or in another tab. */
  "samtykke:change": CustomEvent<SamtykkeConsent>;
  /** The second layer was opened. */
  "samtykke:open": CustomEvent<SamtykkeConsent>;
  /** The second layer was closed, with or without a choice. */
  "samtykke:close": CustomEvent<SamtykkeConsent>;
}

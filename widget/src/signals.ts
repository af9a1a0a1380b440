// Google Consent Mode v2, basic: everything denied until the visitor says otherwise (K8).

import type { Category } from "./settings";

declare global {
  interface Window {
    dataLayer?: unknown[];
  }
}

const layer = () => (window.dataLayer ??= []);

// Google's tags tell a command from other entries by its being an arguments object.
function gtag(..._: unknown[]) {
  layer().push(arguments);
}

/** Tells Google's tags what is granted, and the tag manager that it changed. */
export function signal(command: "default" | "update", given: Category[]) {
  const state = (c: Category) => (given.includes(c) ? "granted" : "denied");
  const [preferences, statistics, marketing] = [state("preferences"), state("statistics"), state("marketing")];
  gtag("consent", command, {
    ad_storage: marketing, ad_user_data: marketing, ad_personalization: marketing, analytics_storage: statistics,
    functionality_storage: preferences, personalization_storage: preferences, security_storage: "granted",
    ...(command == "default" && { wait_for_update: 500 }),
  });
}

/** Adds the event that tag managers trigger on. */
export function announce(consent: object) {
  layer().push({ event: "samtykke_update", samtykke: consent });
}

// Tells other tools of the choice, each through the interface that it documents: at first that nothing is granted, before
// any tag (K8), then the stored choice, and each new one. docs/signals.md says what a page has to do itself. A tool that throws
// harms neither the others nor us, and a site that doesn't use one has nothing of it in its script.

/** Whether each category is granted: necessary, preferences, statistics and marketing, in this order. */
type Consent = Record<string, boolean>;

// What tools leave in the page, or find there if we were first.
declare global {
  interface Window {
    dataLayer?: unknown[];
    uetq?: { push(...command: unknown[]): void };
    clarity?: { (...command: unknown[]): void; q?: unknown[] };
    fbq?(...command: unknown[]): void;
    _paq?: unknown[];
    ttq?: unknown[];
    wp_consent_type?: string;
    wp_has_consent(category: string): boolean;
    wp_set_consent(category: string, state: string): void;
    Shopify?: {
      customerPrivacy?: CustomerPrivacy;
      loadFeatures(features: object[], done: () => void): void;
    };
  }
}

interface CustomerPrivacy {
  currentVisitorConsent(): Record<string, string>; // yes, no, or empty
  setTrackingConsent(consent: Consent, done: () => void): void;
}

function attempt(tell: () => void) {
  try {
    tell();
  } catch {
    // Its own affair.
  }
}

/** Tells every tool what is granted: as "default" once, before anything is known of the visitor, then as "update". */
export function signal(command: "default" | "update", consent: Consent) {
  const isDefault = command == "default";
  const [necessary, preferences, statistics, marketing] = Object.values(consent).map((c) => (c ? "granted" : "denied"));
  if ($CONSENT_MODE) {
    // https://developers.google.com/tag-platform/security/guides/consent
    attempt(() => {
      const layer = (window.dataLayer ??= []);
      // Google's tags tell a command from other entries by its being an arguments object.
      const gtag: (...command: unknown[]) => void = function () {
        layer.push(arguments);
      };
      gtag("consent", command, {
        ad_storage: marketing, ad_user_data: marketing, ad_personalization: marketing, analytics_storage: statistics,
        functionality_storage: preferences, personalization_storage: preferences, security_storage: necessary,
        ...(isDefault && { wait_for_update: 500 }),
      });
      if ($ADS_REDACTION && isDefault) gtag("set", "ads_data_redaction", true);
      if ($URL_PASSTHROUGH && isDefault) gtag("set", "url_passthrough", true);
      if (!isDefault) layer.push({ event: "samtykke_update", samtykke: consent }); // tag managers trigger on it
    });
  }
  // https://help.ads.microsoft.com/apex/index/3/en/60119
  if ($UET) attempt(() => (window.uetq ??= []).push("consent", command, { ad_storage: marketing }));
  if ($CLARITY) {
    // https://learn.microsoft.com/en-us/clarity/setup-and-installation/clarity-consent-api-v2; the queue is that of its own snippet.
    attempt(() => {
      const clarity = (window.clarity ??= function () {
        (window.clarity!.q ??= []).push(arguments);
      });
      clarity("consentv2", { ad_Storage: marketing, analytics_Storage: statistics });
    });
  }
  if ($MATOMO) attempt(() => matomo(consent, isDefault));
  if ($TIKTOK) attempt(() => tiktok(consent, isDefault));
  if ($WORDPRESS && isDefault) {
    window.wp_consent_type = "optin";
    document.dispatchEvent(new CustomEvent("wp_consent_type_defined"));
  }
  if ($META || $WORDPRESS || $SHOPIFY) later(consent, isDefault);
}

let measures = false;

// https://developer.matomo.org/guides/tracking-consent. Forgetting leaves a cookie that lasts for decades, so it is only for
// who takes a consent back: without one, Matomo is waiting anyway.
function matomo({ statistics }: Consent, isDefault: boolean) {
  const tell = (method: string) => (window._paq ??= []).push([method]);
  if (isDefault) tell("requireConsent");
  if (statistics) tell("setConsentGiven");
  else if (measures) tell("forgetConsentGiven");
  measures = statistics!;
}

// https://business-api.tiktok.com/portal/docs/pixel-cookie-consent-mode/v1.3. The base code fills the array that it finds;
// from then on it wants calls.
function tiktok({ marketing }: Consent, isDefault: boolean) {
  const method = isDefault ? "holdConsent" : marketing ? "grantConsent" : "revokeConsent";
  const ttq: any = (window.ttq ??= []);
  if (ttq[method]) ttq[method]();
  else ttq.push([method]);
}

let latest: Consent;

// Some tools have no queue to leave a message in: they are there when their own script has run. They are told when the page
// has loaded and what was held has been released, and only what counts then.
function later(consent: Consent, isDefault: boolean) {
  latest = consent;
  const tell = () => setTimeout(() => {
    if (latest != consent) return;
    // https://developers.facebook.com/docs/meta-pixel/implementation/gdpr
    if ($META) attempt(() => window.fbq?.("consent", consent.marketing ? "grant" : "revoke"));
    if ($WORDPRESS) attempt(() => wordpress(consent, isDefault));
    if ($SHOPIFY) attempt(() => shopify(isDefault));
  });
  if (document.readyState == "complete") tell();
  else addEventListener("load", tell);
}

// https://github.com/WordPress/wp-consent-level-api. It stores what it is told, so nothing is told before a choice; but what
// an earlier one allowed is taken back where that one counts no longer.
function wordpress({ preferences, statistics, marketing }: Consent, isDefault: boolean) {
  const states = { functional: true, preferences, statistics, "statistics-anonymous": statistics, marketing };
  for (const [category, granted] of Object.entries(states)) {
    if (!isDefault || (!granted && window.wp_has_consent(category))) window.wp_set_consent(category, granted ? "allow" : "deny");
  }
}

// https://shopify.dev/docs/api/customer-privacy. The shop remembers what it was told, and each telling is a request: so only
// what differs is told. Before a choice that is an earlier yes which counts no longer, and nothing is loaded for it.
function shopify(isDefault: boolean) {
  const shop = window.Shopify!;
  const tell = () => {
    const { preferences, statistics: analytics, marketing } = latest;
    const wanted = { preferences, analytics, marketing } as Consent;
    const api = shop.customerPrivacy!, known = api.currentVisitorConsent();
    const isKnown = (name: string) => (isDefault ? known[name] != "yes" : known[name] == (wanted[name] ? "yes" : "no"));
    if (!Object.keys(wanted).every(isKnown)) api.setTrackingConsent({ ...wanted, sale_of_data: marketing! }, () => {});
  };
  if (shop.customerPrivacy) tell();
  else if (!isDefault) shop.loadFeatures([{ name: "consent-tracking-api", version: "0.1" }], () => attempt(tell));
}

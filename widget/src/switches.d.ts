// The switches that are set when a site's bundle is compiled. They are used by name wherever they matter, so that the
// compiler sees them in the place and leaves out the code behind a switch that is off.

declare const $TRANSLATED: boolean; // there are languages besides the default
declare const $MODAL: boolean; // the first layer is a modal dialog
declare const $FLOATS: boolean; // the permanent button is wanted
declare const $SIGNALS: boolean; // some tool is told of the choice
declare const $CONSENT_MODE: boolean; // Google Consent Mode
declare const $ADS_REDACTION: boolean; // Consent Mode: ads_data_redaction
declare const $URL_PASSTHROUGH: boolean; // Consent Mode: url_passthrough
declare const $UET: boolean; // Microsoft Universal Event Tracking
declare const $CLARITY: boolean; // Microsoft Clarity
declare const $META: boolean; // Meta's pixel
declare const $MATOMO: boolean;
declare const $TIKTOK: boolean;
declare const $WORDPRESS: boolean; // the WP Consent API
declare const $SHOPIFY: boolean; // Shopify's customer privacy API
declare const $GPC: boolean; // Global Privacy Control counts as a no
declare const $DNT: boolean; // so does Do Not Track
declare const $AUTO: boolean; // what is loaded from other sites is held unmarked
declare const $COOKIEBOT: boolean; // Cookiebot's markup and interface
declare const $VANILLA: boolean; // vanilla-cookieconsent's markup
declare const $KLARO: boolean; // klaro's markup
declare const $IMPORT: boolean; // Cookiebot's cookie is taken over
declare const $SERVICES: Record<string, string>; // what other tools' markup names, and its category here
declare const $VENDORS: boolean; // single providers can be refused
declare const $CLEANS: boolean; // something is declared that can be cleared
declare const $FIRST_PARTY: boolean; // the site serves the script under its own address
declare const $SHARED: boolean; // the choice is shared by the hosts of a domain

/**
 * Where a text of the first layer stands in the list of words: the server replaces each $W.name by its index. The names and
 * purposes of the categories follow from $W.categories on, in pairs, in the order shown.
 */
declare const $W: Record<
  | "title" | "intro" | "third_parties" | "withdraw_hint" | "declaration" | "privacy" | "accept" | "reject" | "choose"
  | "leave" | "reopen" | "saved" | "categories",
  number
>;

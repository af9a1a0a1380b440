// The switches that are set when a site's bundle is compiled. They are used by name wherever they matter, so that the
// compiler sees them in the place and leaves out the code behind a switch that is off.

declare const $MODAL: boolean; // the first layer is a modal dialog
declare const $FLOATS: boolean; // the permanent button is wanted
declare const $CONSENT_MODE: boolean; // Google Consent Mode
declare const $GPC: boolean; // Global Privacy Control counts as a no
declare const $CLEANS: boolean; // something is declared that can be cleared
declare const $SHARED: boolean; // the choice is shared by the hosts of a domain

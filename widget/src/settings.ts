// What the server knows when it compiles a site's files: each $NAME is replaced by its value. The notice's hash stands
// in the script as one variable, since the server looks for exactly one place to write it. The switches are in switches.d.ts.

export type Category = "preferences" | "statistics" | "marketing";

declare const $SITE: string;
declare const $BASE: string;
declare const $NOTICE: string;
declare const $TERMS: string;
declare const $DAYS: number;
declare const $DOMAIN: string;
declare const $ASKED: Category[];
declare const $LANGUAGES: string[];
declare const $TEXTS: string[];
declare const $PRIVACY: string;
declare const $DECLARATION: string;
declare const $STYLE: string;

export const site = $SITE;
export const fallbackBase = $BASE; // where the server is, if the script's own address doesn't tell
export const notice = $NOTICE;
export const terms = $TERMS; // a number, as the cookie spells it
export const lifetime = $DAYS * 864e5; // of a choice, ms
export const sharedDomain = $DOMAIN; // empty: the choice counts on this host only
export const asked = $ASKED; // the optional categories, in the order shown
export const languages = $LANGUAGES; // the default first
export const texts = $TEXTS; // of the default language
export const privacyURL = $PRIVACY;
export const declarationURL = $DECLARATION; // empty: the hosted one
export const style = $STYLE;

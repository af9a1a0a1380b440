// Tælleren's script, as a shop loads it: one id for the visitor, one for the visit, the path taken through the
// pages, and a pixel that tells Tælleren. Tælleren is invented for the demo.
(() => {
  "use strict";
  const account = "4711";
  const origin = new URL(document.currentScript.src).origin;

  const read = (name) => document.cookie.split("; ").find((c) => c.startsWith(name + "="))?.slice(name.length + 1);
  const write = (name, value, seconds) => {
    document.cookie = `${name}=${value}; path=/; max-age=${seconds}; SameSite=Lax`;
    return value;
  };
  const random = () => Array.from(crypto.getRandomValues(new Uint8Array(12)), (b) => b.toString(16).padStart(2, "0")).join("");

  const visitor = write("_tl_id", read("_tl_id") ?? random(), 395 * 24 * 60 * 60);
  const visit = write(`_tl_ses.${account}`, read(`_tl_ses.${account}`) ?? random(), 30 * 60);

  const trail = (sessionStorage.getItem("tl_sti") ?? "").split(" ").filter(Boolean).concat(location.pathname).slice(-20);
  sessionStorage.setItem("tl_sti", trail.join(" "));

  new Image().src = `${origin}/maal.gif?${new URLSearchParams({ konto: account, id: visitor, besoeg: visit, side: location.pathname })}`;
  window.taelleren = { account };
})();

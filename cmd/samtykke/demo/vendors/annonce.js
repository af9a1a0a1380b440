// Annoncekompagniet's script, as a shop loads it: it remembers the click that brought the visitor and tells
// Annoncekompagniet by a pixel. Annoncekompagniet is invented for the demo.
(() => {
  "use strict";
  const origin = new URL(document.currentScript.src).origin;
  const known = document.cookie.split("; ").find((c) => c.startsWith("_ak_klik="))?.slice("_ak_klik=".length);
  const click = known ?? `${Date.now()}.${crypto.getRandomValues(new Uint32Array(1))[0]}`;
  document.cookie = `_ak_klik=${click}; path=/; max-age=${90 * 24 * 60 * 60}; SameSite=Lax`;
  new Image().src = `${origin}/p.gif?${new URLSearchParams({ klik: click, side: location.pathname })}`;
  window.annoncekompagniet = { click };
})();

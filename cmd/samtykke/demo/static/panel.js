// The demo panel: shows what is in the browser now and which vendors were loaded. It reads and never stores.
(() => {
  "use strict";
  const panel = document.getElementById("demo");
  const cookieNames = () => document.cookie.split("; ").map((c) => c.split("=")[0]);
  const stored = {
    cookie: cookieNames,
    localStorage: () => Object.keys(localStorage),
    sessionStorage: () => Object.keys(sessionStorage),
  };

  // A browser that forbids storage throws when asked for it: then there is nothing.
  const names = (kind) => {
    try {
      return stored[kind]();
    } catch {
      return [];
    }
  };
  const fits = (pattern, name) => (pattern.endsWith("*") ? name.startsWith(pattern.slice(0, -1)) : name === pattern);

  const isOn = ({ row, kind, name, flag, frame }) => {
    if (row === "item") return names(kind).some((n) => fits(name, n));
    return flag ? flag in window : !!document.querySelector(`iframe[data-vendor="${frame}"][src]`);
  };

  const refresh = () => {
    const sums = { item: 0, vendor: 0 };
    for (const row of panel.querySelectorAll("[data-row]")) {
      const on = isOn(row.dataset);
      row.toggleAttribute("data-on", on);
      sums[row.dataset.row] += on;
    }
    for (const b of panel.querySelectorAll("[data-sum]")) {
      const text = String(sums[b.dataset.sum]);
      if (b.textContent !== text) b.textContent = text;
    }
  };

  // Vendors' scripts store things when they please and tell nobody, so the panel looks again and again.
  refresh();
  setInterval(refresh, 300);
  document.addEventListener("samtykke:change", refresh);
  document.addEventListener("keydown", (e) => {
    if (e.key === "Escape" && panel.contains(e.target)) panel.open = false;
  });
})();

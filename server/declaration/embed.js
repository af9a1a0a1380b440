// Shows the cookie declaration on the site's own page, inside <div id="samtykke-declaration"> or else right after this
// script. It is built in the page's light DOM and inherits the page's looks; links with data-samtykke are handled in
// place by the banner's script. It stores nothing and works under a strict Content-Security-Policy.
(() => {
  const script = document.currentScript;
  if (!script || !script.src) return; // as a module there is no telling where we come from
  const source = new URL(script.src);
  // Under Cookiebot's address the server says which site it is, and a page asks for a language in Cookiebot's way.
  const { site, lang, culture } = script.dataset;
  const hosted = source.origin + (site ? "/d/" + site : source.pathname.replace(/\/embed\.js$/, ""));
  const pageLanguage = lang || culture || source.searchParams.get("culture") || document.documentElement.lang;

  // Everything is under :where(), so that any rule of the page's own wins.
  const css = `
:where(.samtykke-declaration) { container-type: inline-size; overflow-wrap: break-word; }
:where(.samtykke-declaration) :where(section) { margin-block: 2em; }
:where(.samtykke-declaration) :where(table) { width: 100%; border-collapse: collapse; }
:where(.samtykke-declaration) :where(caption) { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }
:where(.samtykke-declaration) :where(th, td) { padding: .6em 1em .6em 0; text-align: start; vertical-align: top; border-bottom: 1px solid color-mix(in srgb, currentcolor 25%, transparent); }
:where(.samtykke-declaration) :where(tbody th) { width: 22%; }
:where(.samtykke-declaration) :where(tbody td:nth-child(2)) { width: 28%; }
:where(.samtykke-declaration) :where(td:last-child) { width: 18%; padding-inline-end: 0; }
:where(.samtykke-declaration) :where(code) { overflow-wrap: anywhere; }
:where(.samtykke-declaration) :where(small) { display: block; font-size: .9em; font-weight: 400; }
:where(.samtykke-declaration) :where(dt) { font-weight: 600; }
:where(.samtykke-declaration) :where(dd) { display: flex; flex-wrap: wrap; gap: 0 1em; margin: 0 0 .6em; }
:where(.samtykke-declaration) :where(p > a) { margin-inline-end: .75em; }
@container (width <= 40em) {
  :where(.samtykke-declaration) :where(thead) { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }
  :where(.samtykke-declaration) :where(table, tbody, tr, tbody th, td) { display: block; }
  :where(.samtykke-declaration) :where(tbody th, tbody td) { width: auto; padding: .15em 0; border: 0; }
  :where(.samtykke-declaration) :where(tr) { padding-block: .75em; border-top: 1px solid color-mix(in srgb, currentcolor 25%, transparent); }
  :where(.samtykke-declaration td)::before { content: attr(data-label); display: block; font-size: .9em; font-weight: 600; }
}`;

  function el(name, attributes, ...children) {
    const e = document.createElement(name);
    for (const [k, v] of Object.entries(attributes)) if (v) e.setAttribute(k, v);
    e.append(...children.filter((c) => c || c === 0));
    return e;
  }

  const link = ({ text, url }) => el("a", { href: new URL(url, source).href }, text);
  const paragraph = (text) => el("p", {}, text);
  // A text in another language than the page's says so.
  const inLanguage = (d, text, lang) => el("span", { lang: lang == d.language ? "" : lang }, text);

  function item(d, i, withPurpose) {
    const w = d.words;
    const small = (...parts) => el("small", {}, ...parts);
    const country = [w.country, " ", i.country_name, i.outside_eea && " (", i.outside_eea && el("strong", {}, w.outside_eea), i.outside_eea && ")"];
    // The roles keep this a table for screen readers where narrow pages turn rows into blocks.
    const cell = (label, ...parts) => el("td", { role: "cell", "data-label": label }, ...parts);
    return el("tr", { role: "row" },
      el("th", { scope: "row", role: "rowheader" }, el("code", {}, i.name), small(i.kind_name)),
      cell(w.column_provider, i.provider, small(i.party_name), i.joint_controller && small(w.joint), i.host && small(w.host, " ", i.host), i.country && small(...country)),
      withPurpose && cell(w.column_purpose, inLanguage(d, i.purpose, i.purpose_language),
        i.reason && small(w.reason, " ", inLanguage(d, i.reason, i.reason_language))),
      cell(w.column_lifetime, i.lifetime));
  }

  function table(d, c) {
    const w = d.words;
    const heads = [w.column_name, w.column_provider, c.legal_basis && w.column_purpose, w.column_lifetime].filter(Boolean);
    return el("table", { role: "table" },
      el("caption", {}, c.name),
      el("thead", { role: "rowgroup" }, el("tr", { role: "row" }, ...heads.map((h) => el("th", { scope: "col", role: "columnheader" }, h)))),
      el("tbody", { role: "rowgroup" }, ...c.items.map((i) => item(d, i, c.legal_basis))));
  }

  const category = (d, c) => el("section", {},
    el("h2", {}, c.name),
    paragraph(c.description),
    c.legal_basis && el("p", {}, el("strong", {}, d.words.basis), " ", c.legal_basis),
    c.items.length ? table(d, c) : paragraph(d.words.empty));

  const section = (s) => el("section", {},
    el("h2", {}, s.heading),
    ...s.paragraphs.map(paragraph),
    s.facts && el("dl", {}, ...s.facts.flatMap((f) => [
      el("dt", {}, f.label),
      el("dd", {}, f.text, f.text && " ", ...(f.links ?? []).map(link)),
    ])));

  // The banner's script may come later than this one, or never; an element can also own the name.
  const banner = () => (typeof window.samtykke?.withdraw == "function" ? window.samtykke : undefined);

  // When the choice was made is told by the server's record of it.
  async function chosenAt(history) {
    try {
      const { acts } = await (await fetch(history, { credentials: "omit" })).json();
      return acts.map((a) => a.at).sort().pop();
    } catch {
      return undefined; // not told is better than wrong
    }
  }

  async function state(d, box, justNow) {
    const api = banner();
    if (!api) return;
    const w = d.words;
    if (!api.answered) return box.replaceChildren(paragraph(w.state_unanswered));
    const names = d.categories.filter((c) => c.legal_basis && c.category != "necessary" && api.consent[c.category]).map((c) => c.name);
    const history = source.origin + "/v1/sites/" + d.site + "/visitors/" + api.id;
    const known = paragraph(names.length ? w.state_given.replace("{names}", names.join(", ")) : w.state_none);
    box.replaceChildren(known, el("p", {}, w.state_id, " ", el("code", {}, api.id)), el("p", {}, link({ text: w.state_history, url: history })));
    const at = justNow ? Date.now() : await chosenAt(history);
    if (!at || !known.isConnected) return;
    // A browser without the language would write the date in its own.
    const spoken = Intl.DateTimeFormat.supportedLocalesOf(d.language)[0];
    const date = new Date(at).toLocaleString(spoken ?? "da", { dateStyle: spoken ? "long" : "short", timeStyle: "short" });
    known.append(" " + w.state_date.replace("{date}", date));
  }

  function build(d, root) {
    const box = el("div", { role: "status" });
    const actions = d.actions.map((a) => el("a", { href: a.url, "data-samtykke": a.act }, a.text));
    root.lang = d.language;
    root.replaceChildren(
      ...d.intro.map(paragraph),
      el("section", {}, el("h2", {}, d.words.choice_title), box, el("p", {}, ...actions.flatMap((a) => [a, " "]))),
      ...d.categories.map((c) => category(d, c)),
      ...d.sections.map(section));
    for (const event of ["ready", "change"]) document.addEventListener("samtykke:" + event, () => state(d, box, event == "change"));
    state(d, box);
  }

  function style() {
    const sheet = new CSSStyleSheet();
    sheet.replaceSync(css);
    document.adoptedStyleSheets = [...document.adoptedStyleSheets, sheet];
  }

  const parsed = new Promise((done) => {
    if (document.readyState != "loading") done();
    else document.addEventListener("DOMContentLoaded", done, { once: true });
  });

  async function start() {
    // * means: no wish, so the site's own default.
    const answer = fetch(hosted + ".json", { credentials: "omit", headers: { "Accept-Language": pageLanguage || "*" } })
      .then((r) => (r.ok ? r.json() : undefined), () => undefined);
    await parsed;
    let root = document.getElementById("samtykke-declaration");
    if (!root) script.after((root = el("div", { id: "samtykke-declaration" })));
    if (root.classList.contains("samtykke-declaration")) return; // a second copy of this script
    root.classList.add("samtykke-declaration");
    const d = await answer;
    if (d) {
      style();
      build(d, root);
    } else if (!root.firstChild) {
      root.append(link({ text: "Cookiedeklaration / Cookie declaration", url: hosted }));
    }
  }
  start();
})();

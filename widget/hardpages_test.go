package widget

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/page"

	"samtykke/browsertest"
	"samtykke/consent"
)

// hard is a page that is given as it is, with the script in its head.
func (w *world) hard(head, body string) {
	w.t.Helper()
	w.tab.Go("about:blank")
	w.forget()
	w.tab.Go(w.page("/", `<!doctype html><html lang=en><head><meta charset=utf-8><title>Shop</title>`+head+tag+`</head><body>`+body+`</body></html>`))
	w.tab.Wait(shown)
}

// grants presses through both layers, and waits until the held script has run and the act has arrived.
func (w *world) grants() {
	w.t.Helper()
	before := len(w.arrived(0))
	w.want(`window.log`, "undefined")
	w.press("#choose")
	w.press("#dialog [name=statistics]")
	w.press("#save")
	w.tab.Wait(`window.log == "ran"`)
	if act := w.arrived(before + 1)[before]; act.Categories.Given != consent.SetOf(consent.Statistics) || act.Method != consent.ByDialog {
		w.t.Errorf("the act is %+v", act)
	}
	w.tab.Wait(ui + `.querySelector("#reopen")`)
}

// B26: the banner works under policies and on pages that are hard on strangers: it asks, opens the second layer in
// another language, releases what is held, and reports.
func TestHard_PagesAreAsked(t *testing.T) {
	ran := held("statistics", "nonce=abc", logged("ran"))
	const report = `<script nonce=abc>bad = []; document.addEventListener("securitypolicyviolation", e => bad.push(e.violatedDirective + " " + e.blockedURI))</script>`
	const strict = "object-src 'none'; base-uri 'none'; style-src 'none'; connect-src http://cmp.example; require-trusted-types-for 'script'; trusted-types samtykke; "
	trusted := strings.Replace(tag, "async", "async nonce=abc", 1)
	pages := map[string]struct {
		header map[string]string
		html   string
	}{
		"strict-dynamic": {
			map[string]string{"Content-Security-Policy": strict + "script-src 'nonce-abc' 'strict-dynamic'"},
			`<!doctype html><html lang=en><head><title>Shop</title>` + report + trusted + `</head><body><p>Shop` + ran,
		},
		"nonce and host": {
			map[string]string{"Content-Security-Policy": strict + "script-src 'nonce-abc' http://cmp.example"},
			`<!doctype html><html lang=en><head><title>Shop</title>` + report + trusted + `</head><body><p>Shop` + ran,
		},
		"quirks mode": {nil, `<html lang=en><title>Shop</title>` + tag + `<body><p>Shop` + ran},
		"base":        {nil, `<!doctype html><html lang=en><head><base href="http://vendor.example/deep/" target=_blank><title>Shop</title>` + tag + `</head><body><p>Shop` + ran},
		"rtl":         {nil, `<!doctype html><html lang=en dir=rtl><head><title>Shop</title>` + tag + `</head><body><p>Shop` + ran},
		"frozen": {nil, `<!doctype html><html lang=en><head><title>Shop</title><script>
			for (const c of [Object, Function, Array, String, RegExp, Promise, Map, Set, Date, Node, Element, HTMLElement, HTMLScriptElement, Document, EventTarget, ShadowRoot, MutationObserver, CSSStyleSheet])
				{ Object.freeze(c.prototype); Object.freeze(c) }
			Object.freeze(JSON); Object.freeze(Reflect); Object.freeze(Math)</script>` + tag + `</head><body><p>Shop` + ran},
		"names": {nil, `<!doctype html><html lang=en><head><title>Shop</title>` + tag + `</head><body><form id=samtykke-form name=forms><input name=id><input name=remove><input name=append><p>Shop` + ran + `</form>`},
	}
	w := open(t, shopContent(t))
	for name, p := range pages {
		t.Log(name)
		w.set(func() {
			w.header = http.Header{}
			for k, v := range p.header {
				w.header.Set(k, v)
			}
		})
		w.tab.Go("about:blank")
		w.forget()
		w.tab.Go(w.page("/", p.html))
		w.tab.Wait(shown)
		w.want(ui+`.querySelector("#title").textContent`, "May we use cookies?")
		w.want(`getComputedStyle(`+shown+`).direction + getComputedStyle(document.querySelector("#samtykke")).position`, "ltrfixed")
		w.grants()
		w.want(`window.bad?.join() ?? ""`, "")
		w.settled()
	}
}

// secure opens a world whose shop and server are secure contexts, as they are on https.
func secure(t *testing.T) *world {
	return openWith(t, shopContent(t), map[string]any{"unsafely-treat-insecure-origin-as-secure": shop + ",http://cmp.example"})
}

// B26: on a page that is isolated from other origins, which loads only what says that it may be loaded. Our server says so
// of its scripts; where something between takes that away, as here, crossorigin on the tag is enough.
func TestHard_CrossOriginIsolation(t *testing.T) {
	w := secure(t)
	w.set(func() {
		w.header.Set("Cross-Origin-Opener-Policy", "same-origin")
		w.header.Set("Cross-Origin-Embedder-Policy", "require-corp")
	})
	w.tab.Go(w.page("/", `<!doctype html><html lang=en><head><title>Shop</title>`+strings.Replace(tag, "async", "async crossorigin", 1)+`</head><body><p>Shop`+held("statistics", "", logged("ran"))))
	w.tab.Wait(shown)
	w.want(`crossOriginIsolated`, "true")
	w.grants()
}

// B18, B24: several tabs share one choice: what is decided in one shows in the other when it is looked at.
func TestHard_SeveralTabs(t *testing.T) {
	w := secure(t)
	tabs := []*browsertest.Tab{w.tab, w.browser.Tab()}
	look := func(i int) {
		w.tab = tabs[i]
		call(w, page.BringToFront, cdp.Empty{})
		w.tab.Eval(`document.dispatchEvent(new Event("visibilitychange"))`, nil) // without a window every tab is always visible
	}
	for i := range tabs {
		look(i)
		w.visit(fmt.Sprint("/", i), "da", held("statistics", "", logged("ran")))
		w.tab.Wait(shown)
	}
	w.press("#accept")
	w.settled()
	look(0)
	w.tab.Wait(`samtykke.consent.statistics && window.log == "ran" && !` + shown)
	w.tab.Eval(`samtykke.withdraw()`, nil)
	w.settled()
	look(1)
	w.tab.Wait(`samtykke.answered && !samtykke.consent.statistics`)
	if acts := w.arrived(2); len(acts) != 2 || acts[0].Visitor != acts[1].Visitor {
		t.Errorf("acts %+v, want two of one visitor", acts)
	}
}

// B26: a page that comes back from the browser's cache of whole pages follows what was decided meanwhile.
func TestHard_BackForwardCache(t *testing.T) {
	w := open(t, shopContent(t))
	body := held("statistics", "", logged("ran")) + `<script>onpageshow = e => window.restored = e.persisted</script>`
	w.visit("/", "da", body)
	w.tab.Wait(shown)
	w.tab.Eval(`window.mark = 1`, nil)
	w.visit("/2", "da", body)
	w.press("#accept")
	w.settled()
	w.tab.Eval(`history.back()`, nil)
	w.tab.Wait(`location.pathname === "/" && document.readyState === "complete" && window.log == "ran"`)
	w.want(`[window.mark, window.restored, samtykke.consent.statistics, !!`+shown+`]`, "1,true,true,false")
}

// B20, B26: a page that is made ready before anybody looks at it stores and sends nothing; once it is looked at, it follows what
// was decided meanwhile, or asks. Chromium doesn't prerender what a test drives, so the page is told that it is.
func TestHard_Prerendering(t *testing.T) {
	const early = `<script>ready = true; for (const [name, value] of [["prerendering", () => ready], ["hidden", () => ready], ["visibilityState", () => ready ? "hidden" : "visible"]])
		Object.defineProperty(document, name, { get: value })</script>`
	const activate = `ready = false; for (const e of ["prerenderingchange", "visibilitychange"]) document.dispatchEvent(new Event(e)); 0`
	w := open(t, shopContent(t))
	for _, decided := range []bool{false, true} {
		w.hard(early, held("statistics", "", logged("ran")))
		w.want(`document.prerendering + document.cookie + samtykke.answered + window.log`, "truefalseundefined")
		if decided { // on the page that the visitor was reading
			w.tab.Eval(`document.cookie = "samtykke=1:`+testSite+`:0190a1b2-c3d4-7e5f-8a6b-0123456789ab:" + Date.now().toString(36) + ":3:psm:s:;path=/"`, nil)
			w.tab.Eval(activate, nil)
			w.tab.Wait(`!` + shown + ` && window.log == "ran"`)
			continue
		}
		if acts := w.arrived(0); len(acts) > 0 {
			t.Errorf("sent %+v before anybody looked", acts)
		}
		w.tab.Eval(activate, nil)
		w.grants()
	}
}

// B26: a sandboxed frame without an origin has neither cookies nor storage. The choice counts in it, and nothing throws.
func TestHard_SandboxWithoutOrigin(t *testing.T) {
	w := open(t, shopContent(t))
	w.set(func() { w.header.Set("Content-Security-Policy", "sandbox allow-scripts") })
	w.hard("", held("statistics", "", logged("ran")))
	w.want(`(() => { try { return document.cookie } catch (e) { return e.name } })() + (() => { try { return localStorage.length } catch (e) { return e.name } })() + origin`, "SecurityErrorSecurityErrornull")
	w.grants()
	w.want(`samtykke.answered + " " + samtykke.consent.statistics`, "true true")
}

// B26, B30: where the script can't be had, the page works and nothing that is held runs, ever.
func TestHard_WithoutTheScript(t *testing.T) {
	w := open(t, shopContent(t))
	w.tab.Go(w.page("/", `<!doctype html><html lang=da><head><title>Shop</title>`+strings.ReplaceAll(tag, "cmp.example", "nowhere.example")+`</head><body><button id=buy onclick="bought=1">Køb</button>`+
		held("statistics", "", logged("ran"))+held("marketing", `src="http://vendor.example/a.js"`, "")+`<iframe data-src="http://vendor.example/frame" data-category="marketing"></iframe><a href="#x" data-samtykke=open>Skift samtykke</a>`))
	w.tab.Click("#buy")
	w.tab.Wait(`window.bought && document.readyState === "complete"`)
	w.tab.Click("[data-samtykke]")
	w.tab.Wait(`location.hash === "#x"`)
	w.want(`[window.log, window.samtykke, document.cookie, document.querySelector("#samtykke")]`, ",,,")
	if v := w.vendors(); len(v) > 0 {
		t.Errorf("asked of the vendor: %q", v)
	}
}

// B30: the server is gone after the script has come: the second layer can't be fetched, a refusal counts all the same and is
// sent when the server is back; nothing was granted meanwhile.
func TestHard_ServerGone(t *testing.T) {
	w := open(t, shopContent(t))
	w.visit("/", "da", held("statistics", "", logged("ran")))
	w.tab.Wait(shown)
	w.set(func() { w.lost, w.answers = true, []int{down, down} })
	w.press("#choose")
	w.tab.Wait(`performance.getEntriesByType("resource").some(e => e.name.endsWith("panel.js"))`)
	w.want(`!!`+shown+` + " " + samtykke.answered`, "true false")
	w.press("#reject")
	w.tab.Wait(`samtykke.answered && document.cookie.includes("reject_all")`)
	w.again()
	w.want(`[samtykke.answered, samtykke.consent.statistics, window.log, `+shown+`]`, "true,false,,")
	w.tried()
	w.set(func() { w.lost, w.answers = false, nil })
	w.again()
	if act := w.arrived(1)[0]; act.Action != consent.RejectAll {
		t.Errorf("the act is %+v", act)
	}
	w.settled()
	w.press("#reopen")
	w.tab.Wait(ui + `.querySelector("#dialog")?.open`)
}

// B26: the script pasted twice, once by a tag manager long after, asks once and answers once.
func TestHard_PastedTwice(t *testing.T) {
	w := open(t, shopContent(t))
	w.hard(tag, held("statistics", "", logged("ran"))+tag)
	w.tab.Eval(fmt.Sprintf(`new Promise(r => { const s = document.createElement("script"); s.src = "http://cmp.example/s/%s.js"; s.onload = r; document.body.append(s) })`, testSite), nil)
	w.want(`document.querySelectorAll("div#samtykke").length + " " + dataLayer.filter(e => e[1] === "default").length`, "1 1")
	w.grants()
	if n := len(w.arrived(1)); n != 1 {
		t.Errorf("%d acts, want one", n)
	}
}

package widget

import (
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"samtykke/browsertest"
	"samtykke/consent"
)

// guarded is a notice that blocks automatically: vendor.example is for statistics, video.example for marketing, ads.example is a
// known host for marketing, cdn.example is necessary; nobody knows stranger.example.
func guarded(t testing.TB) consent.Content {
	c := shopContent(t)
	c.Banner.AutoBlock = true
	c.Items = append(c.Items, consent.Item{
		Kind: consent.Cookie, Name: "v", Host: ".vendor.example", Party: consent.ThirdParty, Category: consent.Statistics, Provider: "Vendor",
	})
	c.Banner.Hosts = []consent.HostRule{{Host: "video.example", Category: consent.Marketing}, {Host: "cdn.example", Category: consent.Necessary, Reason: "Serves the shop's own scripts."}}
	c.KnownHosts = map[consent.Category][]string{consent.Marketing: {"ads.example", "more.example"}}
	return c
}

// guardedTag is the tag with the stub before it.
func guardedTag() string {
	return `<script>` + Stub() + `</script><script async data-samtykke src="http://cmp.example/s/` + testSite + `.js"></script>`
}

// visitGuarded opens a page with the stub and the tag at the top.
func (w *world) visitGuarded(head, body string) {
	w.t.Helper()
	w.tab.Go(w.page("/", `<!doctype html><html lang=da><head><meta charset=utf-8><title>Shop</title>`+guardedTag()+head+`</head><body>`+body+`</body></html>`))
	w.tab.Wait(`window.samtykke && samtykke.on`)
}

// elsewhere waits until hosts other than the shop's and ours were asked for n things, and returns host and path, sorted.
func (w *world) elsewhere(n int) []string {
	w.t.Helper()
	var seen []string
	for deadline := time.Now().Add(browsertest.Timeout); ; {
		for _, r := range w.requests() {
			if !strings.HasPrefix(r, "www.shop.example") && !strings.HasPrefix(r, "cmp.example") {
				seen = append(seen, r)
			}
		}
		if len(seen) >= n {
			slices.Sort(seen)
			return seen
		}
		if time.Now().After(deadline) {
			w.t.Fatalf("%d things were asked for elsewhere, want %d: %q", len(seen), n, seen)
		}
		w.tab.Eval(`new Promise(requestAnimationFrame)`, nil)
	}
}

// allOf is every way of asking for something of these hosts.
func allOf(hosts ...string) []string {
	var all []string
	for _, host := range hosts {
		for _, way := range []string{"attribute.js", "beacon", "dynamic.js", "fetch", "frame", "image", "inner", "markup", "pixel", "style.css", "xhr"} {
			all = append(all, host+"/"+way)
		}
	}
	slices.Sort(all)
	return all
}

// every way in which scripts ask another site for something, with % for the host.
const ways = `
	function everything(host) {
		const u = "http://" + host + "/";
		const s = document.createElement("script"); s.src = u + "dynamic.js"; document.head.append(s);
		const a = document.createElement("script"); a.setAttribute("src", u + "attribute.js"); document.head.append(a);
		new Image().src = u + "image";
		fetch(u + "fetch", {mode: "no-cors"}).catch(() => {});
		const x = new XMLHttpRequest; x.open("GET", u + "xhr"); x.onerror = () => {}; x.send();
		navigator.sendBeacon(u + "beacon", "x");
		const f = document.createElement("iframe"); f.src = u + "frame"; document.body.append(f);
		const l = document.createElement("link"); l.rel = "stylesheet"; l.href = u + "style.css"; document.head.append(l);
		document.body.insertAdjacentHTML("beforeend", "<iframe src=" + u + "markup></iframe><img alt='' src='" + u + "pixel'>");
		const d = document.createElement("div"); d.innerHTML = '<img alt="" src="' + u + 'inner">'; document.body.append(d);
	}`

// K1, K7, K9, K12: whatever scripts ask of other sites waits for its own category, and what nobody knows for ever.
func TestGuard_HoldsWhatScriptsAskFor(t *testing.T) {
	w := open(t, guarded(t))
	w.visitGuarded(``, `<script>`+ways+`;for (const h of ["vendor.example", "video.example", "sub.ads.example", "stranger.example", "cdn.example", "static.shop.example"]) everything(h)</script>`)
	w.tab.Wait(shown)
	// What is the site's own, or listed as necessary, comes at once; the rest in its turn.
	same(t, w.elsewhere(22), allOf("cdn.example", "static.shop.example"))
	w.press("#choose")
	w.press("[name=statistics]")
	w.press("#save")
	same(t, w.elsewhere(11), allOf("vendor.example"))
	w.tab.Wait(`document.querySelectorAll("iframe[data-category=marketing]").length === 4`)
	w.press("#reopen")
	w.press("#dialog [data-role=accept]")
	same(t, w.elsewhere(22), allOf("video.example", "sub.ads.example"))
	w.want(`document.querySelectorAll("iframe[data-category=unclassified]").length`, "2")
	w.want(`[...new Set(log)].sort()`, `attribute.js,dynamic.js`)
}

func same(t *testing.T, got, want []string) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// Scripts that the parser meets, also by document.write, don't run; they run in their order once they may.
func TestGuard_HoldsWhatTheParserMeets(t *testing.T) {
	w := open(t, guarded(t))
	w.visitGuarded(
		`<script src="http://vendor.example/one.js"></script><script>document.write('<script src="http://vendor.example/two.js"><\/script>')</script>`,
		`<script src="http://vendor.example/three.js"></script><script src="/own.js"></script><h1>Butik</h1>`)
	w.set(func() { w.pages["/own.js"] = "" })
	w.tab.Wait(shown)
	w.want(`window.log ?? "nothing"`, "nothing")
	w.press("#accept")
	w.tab.Wait(`window.log?.length === 3`)
	w.want(`log`, "one.js,two.js,three.js")
}

// The limits, so that nobody believes otherwise: what the browser fetches ahead of the parser, frames and images in the
// page's own markup, and what a worker imports are not, or not surely, held before they are asked for. None of it runs.
func TestGuard_ItsLimits(t *testing.T) {
	w := open(t, guarded(t))
	w.set(func() {
		w.pages["/worker.js"] = `try { importScripts("http://vendor.example/imported.js") } catch {} postMessage(1)`
	})
	w.visitGuarded(`<script src="http://vendor.example/ahead.js"></script>`, `<script>window.done = new Promise(r => new Worker("/worker.js").onmessage = r)</script>`)
	w.tab.Eval(`done.then(() => 1)`, nil)
	if seen := w.elsewhere(1); !slices.Contains(seen, "vendor.example/imported.js") {
		t.Errorf("asked for %q: a worker's import is held now: say so in docs/blocking.md", seen)
	}
	w.want(`window.log ?? "nothing"`, "nothing")
}

// Without the stub, the tag without async does the same from its place on.
func TestGuard_WorksWithoutTheStub(t *testing.T) {
	w := open(t, guarded(t))
	w.tab.Go(w.page("/", `<!doctype html><html lang=da><head><title>Shop</title><script src="http://cmp.example/s/`+testSite+`.js"></script></head><body><script>`+ways+`;everything("vendor.example")</script></body></html>`))
	w.tab.Wait(shown)
	if seen := w.elsewhere(0); len(seen) > 0 {
		t.Errorf("asked for %q before a choice", seen)
	}
	w.press("#accept")
	w.tab.Wait(`window.log?.length === 2`)
}

// K4: a held frame has a placeholder like a marked one; of an unknown host it can be seen once.
func TestGuard_PutsPlaceholders(t *testing.T) {
	w := open(t, guarded(t))
	w.visitGuarded(``, `<main></main>`)
	w.tab.Wait(shown)
	w.tab.Eval(`for (const [id, host] of [["film", "video.example"], ["odd", "stranger.example"]]) {
		const f = document.createElement("iframe"); f.id = id; f.width = 400; f.height = 300; document.querySelector("main").append(f); f.src = "http://" + host + "/film";
	}`, nil)
	w.tab.Wait(inFrame("film", "#always"))
	w.tab.Wait(inFrame("odd", "#once"))
	w.want(inFrame("odd", "#always")+` ?? "none"`, "none")
	w.pressIn("odd", "#once")
	w.tab.Wait(`odd.src === "http://stranger.example/film"`)
	w.pressIn("film", "#always")
	w.tab.Wait(`film.src === "http://video.example/film"`)
}

// B26: the stub stands in the page, so a strict policy must name it; its hash is published.
func TestStub_IsNamedByItsHash(t *testing.T) {
	sum := sha256.Sum256([]byte(Stub()))
	if want := fmt.Sprintf("'sha256-%s'", base64.StdEncoding.EncodeToString(sum[:])); StubHash() != want {
		t.Errorf("%s, want %s", StubHash(), want)
	}
	if n := brotliSize([]byte(Stub())); n > 1200 || strings.Contains(Stub(), "</script") {
		t.Errorf("the stub has %d bytes in brotli", n)
	}
	w := open(t, guarded(t))
	w.header.Set("Content-Security-Policy", "script-src "+StubHash()+" http://cmp.example; connect-src http://cmp.example")
	w.visitGuarded(``, `<p>x`)
	w.tab.Wait(shown)
}

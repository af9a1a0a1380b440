package server_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"

	"samtykke/browsertest"
	"samtykke/server"
)

// declarationShots is a folder for pictures of what the tests look at; empty: none.
var declarationShots = os.Getenv("SAMTYKKE_SHOTS")

// declarationWorld is a shop's own pages and the server, each under its own host name, and a browser that sees both.
type declarationWorld struct {
	*shop
	*browsertest.Tab
	t       testing.TB
	reports chan string // violations of the shop's Content-Security-Policy
	down    atomic.Bool // the server can't be reached
}

// strictPolicy lets the shop's pages run our scripts and talk to us, and do nothing else.
const strictPolicy = "default-src 'none'; script-src http://cmp.example; connect-src http://cmp.example; style-src 'none'; " +
	"require-trusted-types-for 'script'; trusted-types samtykke; report-uri /csp"

const (
	tagBanner = `<script async src="http://cmp.example/s/fjordfletvaerk.js"></script>`
	tagEmbed  = `<script async src="http://cmp.example/d/fjordfletvaerk/embed.js"></script>`
	embedded  = `document.querySelector("#samtykke-declaration").innerText`
)

// openDeclaration starts a browser; pages are the shop's, by path.
func openDeclaration(t *testing.T, pages map[string]string) *declarationWorld {
	t.Helper()
	w := &declarationWorld{t: t, reports: make(chan string, 100), shop: declaredShop(t, func(c *server.Config) { c.BaseURL = "http://cmp.example" })}
	cmp := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if w.down.Load() && strings.Contains(r.URL.Path, ".json") {
			rw.WriteHeader(http.StatusBadGateway)
			return
		}
		w.shop.ServeHTTP(rw, r)
	}))
	site := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/csp" {
			report, _ := io.ReadAll(r.Body)
			w.reports <- string(report)
			return
		}
		rw.Header().Set("Content-Type", "text/html; charset=utf-8")
		rw.Header().Set("Content-Security-Policy", strictPolicy)
		io.WriteString(rw, pages[r.URL.Path])
	}))
	t.Cleanup(cmp.Close)
	t.Cleanup(site.Close)
	hosts := map[string]string{"cmp.example": strings.TrimPrefix(cmp.URL, "http://"), "www.fjordfletvaerk.example": strings.TrimPrefix(site.URL, "http://")}
	w.Tab = browsertest.Open(t, browsertest.Options{Hosts: hosts}).Tab()
	return w
}

func (w *declarationWorld) look(width int64, scheme string) {
	w.t.Helper()
	w.Do(chromedp.EmulateViewport(width, 900))
	features := []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}}
	if _, err := chromedp.Call(w.Ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: features}); err != nil {
		w.t.Fatal(err)
	}
}

// picture keeps the whole page as a PNG where pictures are wanted.
func (w *declarationWorld) picture(name string) {
	w.t.Helper()
	if declarationShots == "" {
		return
	}
	png, err := chromedp.Run(w.Ctx, chromedp.FullScreenshot(100))
	if err != nil {
		w.t.Fatal(err)
	}
	if err := os.WriteFile(declarationShots+"/"+name+".png", png, 0o600); err != nil {
		w.t.Fatal(err)
	}
}

// accessible fails on every finding of axe, and where the page is wider than the screen.
func (w *declarationWorld) accessible(name string) {
	w.t.Helper()
	axe, err := os.ReadFile("../node_modules/axe-core/axe.min.js")
	if err != nil {
		w.t.Fatalf("axe-core is missing: run npm ci (%v)", err)
	}
	w.Eval(string(axe)+";0", nil)
	var found []string
	w.Eval(`axe.run().then(r=>r.violations.flatMap(v=>v.nodes.map(n=>v.id+" "+n.html+" "+n.failureSummary)))`, &found)
	for _, f := range found {
		w.t.Errorf("%s: %s", name, f)
	}
	var over float64
	if w.Eval("document.documentElement.scrollWidth-innerWidth", &over); over > 0 {
		w.t.Errorf("%s: %v px wider than the screen", name, over)
	}
}

// D10: the hosted page is accessible and fits, in both languages, light and dark, wide and narrow.
func TestDeclaration_IsAccessible(t *testing.T) {
	w := openDeclaration(t, nil)
	for _, path := range []string{"da", "en", "2/da", "de"} {
		for _, scheme := range []string{"light", "dark"} {
			for _, width := range []int64{1280, 390, 320} {
				name := fmt.Sprintf("hosted-%s-%s-%d", strings.ReplaceAll(path, "/", "-"), scheme, width)
				w.look(width, scheme)
				w.Go("http://cmp.example/d/fjordfletvaerk/" + path)
				w.accessible(name)
				w.picture(name)
			}
		}
	}
}

func shopPage(lang, body string) string {
	return `<!doctype html><html lang="` + lang + `"><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>Cookies</title>` +
		body + `</html>`
}

// D4: in the shop's own page, under a strict policy, the links act in place and the visitor's choice is told.
func TestDeclarationEmbed_ActsInPlace(t *testing.T) {
	w := openDeclaration(t, map[string]string{
		"/cookies": shopPage("da", tagBanner+`<main><h1>Cookies</h1><div id="samtykke-declaration"></div></main>`+tagEmbed),
	})
	w.look(1280, "light")
	w.Go("http://www.fjordfletvaerk.example/cookies")
	w.Wait(embedded + `.includes("Du har ikke truffet et valg endnu")`)
	var stored string
	if w.Eval(`document.cookie+JSON.stringify(localStorage)+JSON.stringify(sessionStorage)`, &stored); stored != "{}{}" {
		t.Errorf("stored without a choice: %s", stored)
	}
	w.follow("open")
	const layers = `document.querySelector("#samtykke").shadowRoot`
	w.ClickIn(layers + `.querySelector("#dialog[open] [name=statistics]")`)
	w.ClickIn(layers + `.querySelector("#dialog #save")`)
	w.Wait(embedded + `.includes("Du har sagt ja til: Statistik. Du valgte ")&&` + embedded + `.includes(samtykke.id)`)
	w.recorded(1)
	w.Do(chromedp.Reload())
	w.Wait(embedded + `.includes("Du har sagt ja til: Statistik. Du valgte 22. november 2026")`) // the server's own time
	var acts int
	w.Eval(`fetch(document.querySelector("#samtykke-declaration [href*=visitors]").href).then(r=>r.json()).then(h=>h.acts.length)`, &acts)
	if acts != 1 {
		t.Errorf("the link tells %d acts", acts)
	}
	w.follow("withdraw")
	w.Wait(embedded + `.includes("Du har sagt nej til alt andet end det nødvendige.")&&!samtykke.consent.statistics`)
	w.recorded(2)
	for len(w.reports) > 0 {
		t.Errorf("the page's policy is violated: %s", <-w.reports)
	}
}

// follow clicks one of the embed's links, scrolled to where the banner doesn't lie on it.
func (w *declarationWorld) follow(act string) {
	w.t.Helper()
	link := `document.querySelector("#samtykke-declaration [data-samtykke=` + act + `]")`
	w.Eval(link+`.scrollIntoView({block:"start"})`, nil)
	w.ClickIn(link)
}

// recorded waits until so many acts are on disk.
func (w *declarationWorld) recorded(n int) {
	w.t.Helper()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.After(browsertest.Timeout); len(w.records(w.t)) != n; {
		select {
		case <-tick.C:
		case <-deadline:
			w.t.Fatalf("%d records, want %d", len(w.records(w.t)), n)
		}
	}
}

// The embed says what the page says: same items, same sections, in the language of the page around it.
func TestDeclarationEmbed_SaysWhatThePageSays(t *testing.T) {
	here := `<main><h1>Cookies</h1><div id="samtykke-declaration"></div></main>`
	w := openDeclaration(t, map[string]string{
		"/da": shopPage("da-DK", tagEmbed+here), "/en": shopPage("en", here+tagEmbed), "/de": shopPage("de", here+tagEmbed), "/none": strings.Replace(shopPage("", here+tagEmbed), ` lang=""`, "", 1),
		"/override": shopPage("da", here+strings.Replace(tagEmbed, "<script", `<script data-lang="en"`, 1)),
		"/bare":     shopPage("da", `<main><h1>Cookies</h1>`+tagEmbed+`<p id="after">Efter</p></main>`),
		"/twice":    shopPage("da", here+tagEmbed+tagEmbed),
	})
	for path, lang := range map[string]string{"/da": "da", "/en": "en", "/de": "da", "/none": "da", "/override": "en", "/bare": "da", "/twice": "da"} {
		w.Go("http://www.fjordfletvaerk.example" + path)
		w.Wait(`document.querySelector("#samtykke-declaration[lang=` + lang + `] section:last-child")`)
		var got []string
		w.Eval(`[...document.querySelectorAll("#samtykke-declaration :is(h2,p,table,dt,dd)")].map(e=>e.textContent.replace(/\s+/g,""))`, &got)
		said := strings.Join(got, "\n")
		p := w.declarationPage(t, "/d/fjordfletvaerk/"+lang, 200)
		for _, element := range []string{"table", "dt", "dd"} {
			for _, e := range p.all(element) {
				if text := strings.ReplaceAll(e.text(), " ", ""); !strings.Contains(said, text) {
					t.Errorf("%s: the embed lacks <%s> %s", path, element, text)
				}
			}
		}
		if want, have := len(p.all("table")), strings.Count(said, "samtykkeCookie"); have != 1 || want != 5 {
			t.Errorf("%s: %d tables, shown %d times", path, want, have)
		}
	}
	w.Go("http://www.fjordfletvaerk.example/bare")
	w.Wait(`document.querySelector("script + #samtykke-declaration + #after")`)
	// Without the banner the links still lead to where it is.
	w.Wait(`document.querySelector("[data-samtykke=withdraw]").href=="https://fjordfletvaerk.example/#samtykke=withdraw"`)
}

// An embed that can't reach the server leaves a link behind, and what the page had put there stands.
func TestDeclarationEmbed_WhenTheServerIsDown(t *testing.T) {
	w := openDeclaration(t, map[string]string{
		"/empty": shopPage("da", `<div id="samtykke-declaration"></div>`+tagEmbed),
		"/own":   shopPage("da", `<div id="samtykke-declaration"><a href="/kopi">Kopi</a></div>`+tagEmbed),
	})
	w.down.Store(true)
	w.Go("http://www.fjordfletvaerk.example/empty")
	w.Wait(`document.querySelector("#samtykke-declaration a").href=="http://cmp.example/d/fjordfletvaerk"`)
	w.Go("http://www.fjordfletvaerk.example/own")
	w.Wait(embedded + `=="Kopi"`)
}

// The embed is accessible in the page's own looks, also where its column is narrow.
func TestDeclarationEmbed_IsAccessible(t *testing.T) {
	content := `<main><h1>Cookies</h1><div id="samtykke-declaration"></div></main>` + tagEmbed + tagBanner
	w := openDeclaration(t, map[string]string{
		"/light": shopPage("da", `<body bgcolor="#faf6f0" text="#2b2118" link="#7a2e0e">`+content),
		"/dark":  shopPage("da", `<body bgcolor="#191512" text="#e8dfd4" link="#f0b48a">`+content),
	})
	for _, scheme := range []string{"light", "dark"} {
		for _, width := range []int64{1280, 390, 320} {
			name := fmt.Sprintf("embed-%s-%d", scheme, width)
			w.look(width, scheme)
			w.Go("http://www.fjordfletvaerk.example/" + scheme)
			w.Wait(embedded + `.includes("Du har ikke truffet et valg endnu")`)
			w.accessible(name)
			w.picture(name)
		}
	}
}

package widget

import (
	"regexp"
	"testing"

	"github.com/chromedp/cdproto/emulation"
)

// B17: no default text promotes, steers or promises.
func TestTexts_DontPersuade(t *testing.T) {
	persuasion := regexp.MustCompile(`(?i)bedre oplevelse|bedst mulige|fantastisk|desværre|gå ikke glip|better experience|best possible|improve your|sorry|unfortunately|miss out|we value|besseres|bestmögliche|leider|meilleure expérience|optimal|beste ervaring|mejor experiencia|migliore esperienza|bättre upplevelse|bedre opplevelse|betri upplifun|parempi kokemus`)
	for _, lang := range Languages() {
		texts, _ := Texts(lang)
		for key, words := range texts {
			if found := persuasion.FindString(words); found != "" {
				t.Errorf("%s.%s says %q", lang, key, found)
			}
		}
	}
}

// B27, K1: without script nothing that is marked loads, and the page is there.
func TestLaw_NothingLoadsWithoutScript(t *testing.T) {
	w := open(t, shopContent(t))
	call(w, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true})
	w.tab.Go(w.page("/", `<!doctype html><html lang=da><head><title>Shop</title>`+tag+`</head><body><h1>Butik</h1>
		<script type="text/plain" data-category=statistics src="http://vendor.example/a.js"></script>
		<iframe data-category=marketing data-src="http://vendor.example/frame"></iframe>
		<img alt="" data-category=marketing data-src="http://vendor.example/pixel"></body></html>`))
	call(w, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{})
	w.want(`document.querySelector("h1").textContent + document.cookie`, "Butik")
	if seen := w.elsewhere(0); len(seen) > 0 {
		t.Errorf("asked for %q", seen)
	}
}

// K6, K14: what is marked waits whatever it is and wherever it comes from: hints and style sheets for other hosts, and a tracker
// that the site serves from its own host.
func TestLaw_MarkedLinksAndOwnHostsWait(t *testing.T) {
	w := open(t, shopContent(t))
	w.set(func() { w.pages["/proxied.js"] = `(window.log ??= []).push("proxied")` })
	w.visit("/", "da", `<link id=hint rel=preconnect data-category=marketing data-href="http://vendor.example">
		<link id=style rel=stylesheet data-category=marketing data-href="http://vendor.example/style.css">
		<script type="text/plain" data-category=marketing src="/proxied.js"></script>`)
	w.tab.Wait(shown)
	w.want(`hint.href + style.href + (window.log ?? "")`, "")
	if seen := w.elsewhere(0); len(seen) > 0 {
		t.Errorf("asked for %q before a choice", seen)
	}
	w.press("#accept")
	same(t, w.elsewhere(1), []string{"vendor.example/style.css"})
	w.tab.Wait(`window.log?.[0] === "proxied" && hint.href`)
}

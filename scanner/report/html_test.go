package report

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"

	"samtykke/browsertest"
	"samtykke/consent"
	"samtykke/scanner/evidence"
	"samtykke/scanner/evidence/evidencetest"
	"samtykke/scanner/judgement"
)

// longReport is a report with every part and with names as pages like to make them.
func longReport(t testing.TB) judgement.Report {
	r := decided(t)
	long := strings.Repeat("en_meget_lang_", 20)
	r.Items = append(r.Items, judgement.Item{
		Kind: consent.LocalStorage, Name: long, Host: strings.Repeat("lang.", 20) + "example", Party: consent.ThirdParty, States: []string{evidence.StateAccept, evidence.StateWithdraw},
		LeftBehind: true, Category: consent.Unclassified, SetBy: "https://" + long + ".example/" + long, FirstSeen: judgement.Sighting{State: evidence.StateAccept, Device: evidence.Mobile, Page: evidencetest.Shop + long},
	})
	for range 20 {
		r.Findings[1].Evidence = append(r.Findings[1].Evidence, consent.Text{"da": long, "en": long})
	}
	r.Pages[1].Error, r.States[3].Done, r.Scope.NotVisited = "HTTP status 500", false, 12
	r.States[0].Refused = []string{"router.example"}
	return r
}

// H12, D10: the page asks for nothing, axe finds nothing, and it is no wider than the screen: both languages, large and
// small, light and dark.
func TestHTML_ReadsWellEverywhere(t *testing.T) {
	axe, err := os.ReadFile("../../node_modules/axe-core/axe.min.js")
	if err != nil {
		t.Fatalf("axe-core is missing: run npm ci (%v)", err)
	}
	r := longReport(t)
	pages := map[string][]byte{}
	for _, lang := range []string{"da", "en"} {
		var b bytes.Buffer
		if err := HTML(&b, &r, lang); err != nil {
			t.Fatal(err)
		}
		pages["/"+lang] = b.Bytes()
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		page, ok := pages[q.URL.Path]
		if !ok {
			if q.URL.Path != "/favicon.ico" { // browsers ask for it by themselves
				t.Errorf("the page asks for %s", q.URL.Path)
			}
			http.NotFound(w, q)
			return
		}
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		_, _ = w.Write(page)
	}))
	t.Cleanup(server.Close)
	tab := browsertest.Open(t, browsertest.Options{}).Tab()
	for path := range pages {
		for _, width := range []int64{1280, 390} {
			for _, scheme := range []string{"light", "dark"} {
				if _, err := chromedp.Call(tab.Ctx, emulation.SetDeviceMetricsOverride, emulation.SetDeviceMetricsOverrideParams{Width: width, Height: 900, DeviceScaleFactor: 1}); err != nil {
					t.Fatal(err)
				}
				if _, err := chromedp.Call(tab.Ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}}}); err != nil {
					t.Fatal(err)
				}
				tab.Go(server.URL + path)
				var found []string
				tab.Eval(string(axe)+`;document.querySelectorAll("details").forEach(d=>d.open=true);
					axe.run().then(r=>r.violations.flatMap(v=>v.nodes.map(n=>v.id+" "+n.html+" "+n.failureSummary)))`, &found)
				for _, f := range found {
					t.Errorf("%s, %d px, %s: %s", path, width, scheme, f)
				}
				var over float64
				if tab.Eval("document.documentElement.scrollWidth-innerWidth", &over); over > 0 {
					t.Errorf("%s: %v px wider than %d px", path, over, width)
				}
			}
		}
	}
}

func TestHTML_SaysEverything(t *testing.T) {
	r := longReport(t)
	for lang, wanted := range map[string][]string{
		"da": {
			`<html lang="da">`, "<title>Scanning af shop.example</title>", "Der sættes cookies, som ikke er nødvendige", "Accepterede fund: 1", "Aftalt (til og med 2027-01-31)",
			`src="data:image/png;base64,`, "Skærmbillede af banneret på mobil", "Ændret siden den tidligere rapport", "Meta Platforms Ireland Limited", "ikke nået", "HTTP status 500",
			"12 kendte sider, som ikke blev besøgt", "router.example", "22-11-2026 kl. 09.00.00 UTC", "Chrome/1", "linjer mere",
		},
		"en": {`<html lang="en">`, "<title>Scan of shop.example</title>", "What the scan did not see", "Accepted findings: 1", "2026-11-22 09:00:00 UTC"},
	} {
		var b bytes.Buffer
		if err := HTML(&b, &r, lang); err != nil {
			t.Fatal(err)
		}
		for _, want := range wanted {
			if !strings.Contains(b.String(), want) {
				t.Errorf("%s: no %q", lang, want)
			}
		}
	}
}

// Whatever a page puts into names stays text, and what is no picture isn't shown as one.
func TestHTML_KeepsNamesHarmless(t *testing.T) {
	r := recorded()
	const evil = `"><script>alert(1)</script><img src=x onerror=alert(1)>`
	r.URL, r.Tool, r.Browser = "https://shop.example/"+evil, evil, evil
	r.Items[0].Name, r.Items[0].Provider, r.Items[0].SetBy = evil, evil, "javascript:alert(1)"
	r.Findings[0].Evidence = []consent.Text{{"da": evil}}
	r.Pictures = []evidence.Picture{{State: evidence.StateNone, Device: evil, Layer: evil, Page: evil, PNG: []byte("<svg onload=alert(1)>")}}
	var b bytes.Buffer
	if err := HTML(&b, &r, "da"); err != nil {
		t.Fatal(err)
	}
	if s := b.String(); strings.Contains(s, "<script") || strings.Contains(s, "<img") || strings.Contains(s, "<svg") || strings.Contains(s, `href="javascript`) {
		t.Error("a name became more than text")
	}
}

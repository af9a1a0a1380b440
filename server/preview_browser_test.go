package server_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"

	"samtykke/browsertest"
	"samtykke/consent"
)

const previewPath = "/sites/" + siteID + "/preview?lang=da"

// H5: the draft's own banner, in each language and layer, in a page that can fetch nothing: no press becomes a record.
func TestPreview_ShowsTheDraftAndRecordsNothing(t *testing.T) {
	d := newDesk(t)
	d.enter(consent.Auditor)
	d.site.Banner.Texts = map[string]map[string]string{"da": {"title": "Kager </script><b>?"}, "en": {"title": "Biscuits?"}}
	d.check(d.db.UpdateSite(t.Context(), d.site))
	before := len(d.everything())
	for lang, title := range map[string]string{"da": "Kager </script><b>?", "en": "Biscuits?"} {
		d.Go("http://cmp.example/sites/" + siteID + "/preview?lang=" + lang)
		d.Wait(firstShown + `?.querySelector("h2").textContent === ` + quoted(title) + ` && self.origin === "null"`)
		d.Go("http://cmp.example/sites/" + siteID + "/preview?layer=2&lang=" + lang)
		d.Wait(secondShown)
		d.Eval(secondShown+`.querySelectorAll("details").forEach((e)=>e.open=true)`, nil)
		d.Wait(secondShown + `.innerText.includes("_tl_id")`) // the draft's declaration
	}
	d.ClickIn(secondShown + `.querySelector("#accept")`)
	d.Wait(`samtykke.answered && !` + secondShown)
	d.Go("http://cmp.example/sites/" + siteID + "/preview?layer=link")
	d.Wait(`document.getElementById("samtykke").shadowRoot.getElementById("reopen")`)
	if after := len(d.everything()); after != before {
		t.Errorf("%d records became %d", before, after)
	}
}

// H5: the preview may run its own script and nothing else, and only the dashboard may frame it.
func TestPreview_IsSandboxed(t *testing.T) {
	o := newOffice(t).furnish()
	a := o.get(consent.Auditor, previewPath).wants(t, http.StatusOK)
	policy := a.Header().Get("Content-Security-Policy")
	for _, directive := range []string{"sandbox allow-scripts;", "default-src 'none'", "form-action 'none'", "frame-ancestors 'self'", "base-uri 'none'"} {
		if !strings.Contains(policy, directive) {
			t.Errorf("%q lacks %q", policy, directive)
		}
	}
	for _, loose := range []string{"unsafe", "connect-src", "http", "allow-same-origin"} {
		if strings.Contains(policy, loose) {
			t.Errorf("%q has %q", policy, loose)
		}
	}
	if again := o.get(consent.Auditor, previewPath).Header().Get("Content-Security-Policy"); again == policy {
		t.Error("the nonce is the same twice")
	}
	page := o.get(consent.Auditor, editorPath("look")).wants(t, http.StatusOK)
	frame := page.all("iframe")[0]
	if attrOf(frame, "sandbox") != "allow-scripts" || !strings.Contains(page.Header().Get("Content-Security-Policy"), "; script-src 'self'; frame-src 'self'") {
		t.Errorf("%v %s", frame.Attr, page.Header().Get("Content-Security-Policy"))
	}
}

// What is typed shows without being stored; what the law refuses shows as the reason why (H13).
func TestPreview_ShowsWhatIsTyped(t *testing.T) {
	o := newOffice(t)
	path := previewPath + "&section=texts"
	if got := o.post(consent.Editor, path, "texts.da.title", "Kager?").wants(t, http.StatusOK).Body.String(); !strings.Contains(got, "<h1>Kager?</h1>") { // for browsers without script
		t.Error("what was typed isn't shown")
	}
	if got := o.post(consent.Editor, path, "texts.da.accept", "OK").wants(t, http.StatusBadRequest).words("li"); got != "Teksten skal sige, hvad knappen gør (ikke “OK”)." {
		t.Errorf("refused: %q", got)
	}
	if o.stored().Banner.Texts != nil {
		t.Error("a preview was stored")
	}
}

// The preview follows what is typed, and what is looked at is kept; without script a button does it.
func TestEditor_PreviewFollows(t *testing.T) {
	o := newOffice(t).furnish()
	shown := make(chan string, 20) // titles of the previews that were asked for
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "/preview") && r.Method == http.MethodPost {
			shown <- r.PostFormValue("texts.da.title")
		}
		o.ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	d := &desk{o, browsertest.Open(t, browsertest.Options{Hosts: map[string]string{"cmp.example": strings.TrimPrefix(server.URL, "http://")}}).Tab()}
	wait := func(title string) {
		t.Helper()
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		for {
			select {
			case got := <-shown:
				if got == title {
					return
				}
			case <-ctx.Done():
				t.Fatalf("no preview of %q", title)
			}
		}
	}
	d.enter(consent.Editor)
	d.Do(chromedp.EmulateViewport(1280, 900))
	d.Go("http://cmp.example" + editorPath("texts"))
	d.Do(chromedp.SendKeys(chromedp.CSS("#texts-da-title"), "Kager?"))
	wait("Kager?")
	d.Wait(`document.querySelectorAll(".screen iframe").length === 1`)
	d.Wait(`document.activeElement.id === "texts-da-title" && !document.querySelector(".done")`)
	d.Click(`[data-choice=width] [data-value=mobile]`)
	d.Wait(`document.querySelector(".screen.mobile") && location.search.includes("width=mobile") && document.querySelector("#texts-da-title").value === "Kager?"`)
	if got := d.stored().Banner.Texts; got != nil {
		t.Errorf("stored %v", got)
	}
	_, err := chromedp.Call(d.Ctx, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true})
	d.check(err)
	d.Go("http://cmp.example" + editorPath("texts"))
	d.Do(chromedp.SendKeys(chromedp.CSS("#texts-da-title"), "Kiks?"))
	d.Click("#try")
	wait("Kiks?")
	d.Wait(`location.search.includes("section=texts") && document.querySelector("#texts-da-title").value === "Kiks?"`)
}

// D12: sorting by single keys, which count only in the list, and are saved by the same form.
func TestItems_AreSortedByKeys(t *testing.T) {
	d := newDesk(t)
	d.enter(consent.Editor)
	d.Go("http://cmp.example/sites/" + siteID + "/declaration")
	d.Do(chromedp.Focus(chromedp.CSS(".pick input")))
	d.Do(chromedp.KeyEvent("3"), chromedp.KeyEvent("k"))
	d.Wait(`document.querySelector(".tally").textContent.includes("xq7_*") && document.querySelector(".chosen")`)
	d.Click(`button[value=classify]`)
	d.Wait(`document.querySelector(".done")`)
	items, err := d.db.Items(t.Context(), siteID)
	d.check(err)
	for _, i := range items {
		if i.Name == "xq7_*" && i.Category != consent.Statistics {
			t.Errorf("%s is %s", i.Name, i.Category)
		}
	}
	// Necessary without a reason is refused; what was chosen stays, and the field for the reason is there.
	d.Do(chromedp.Focus(chromedp.CSS(".group.statistics .pick input")))
	d.Wait(`document.querySelector(".why-necessary").checkVisibility() === false`)
	d.Do(chromedp.KeyEvent("1"))
	d.Wait(`document.querySelector(".why-necessary").checkVisibility()`)
	d.Click(`button[value=classify]`)
	d.Wait(`document.querySelector("#bulk .why") && document.querySelector(".chosen") && document.querySelectorAll("[name=as]").length === 1`)
	for _, lang := range d.site.Banner.Languages {
		d.Do(chromedp.SendKeys(chromedp.CSS("#bulk-reason-"+lang), "Butikken"))
	}
	d.Click(`button[value=classify]`)
	d.Wait(`document.querySelector(".done")`)
}

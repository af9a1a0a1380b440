package server_test

import (
	"bytes"
	"context"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
	"github.com/google/uuid"

	"samtykke/consent"
	"samtykke/server"
	"samtykke/server/receipt"
	"samtykke/server/store"
	"samtykke/server/store/storetest"
)

// use sends a form of the page of rights, as a browser without a script does.
func (s *shop) use(lang, visitor, do string, more ...string) *httptest.ResponseRecorder {
	v := url.Values{"visitor": {visitor}, "do": {do}}
	for i := 0; i < len(more); i += 2 {
		v.Set(more[i], more[i+1])
	}
	return s.do("POST", "/d/"+s.site.ID+"/"+lang+"/rights", []byte(v.Encode()), "Content-Type", "application/x-www-form-urlencoded", "Accept", "text/html")
}

// R13, T5, GDPR art. 15–20: everything that a visitor may do works by plain forms, and the page says what became of it.
func TestRightsPage_DoesWhatVisitorsAsk(t *testing.T) {
	s := declaredShop(t)
	mine, other := s.visitor(t)
	again := s.act(func(a *consent.Act) {
		a.Visitor, a.Action, a.Categories = mine[0].Visitor, consent.AcceptAll, consent.AllOf(s.notice.Content.Banner.Asked())
	})
	if w := s.post(again); w.Code != http.StatusCreated {
		t.Fatalf("%d %s", w.Code, w.Body)
	}
	visitor := mine[0].Visitor.String()
	wants := func(w *httptest.ResponseRecorder, words ...string) {
		t.Helper()
		if w.Code != http.StatusOK || w.Header().Get("Cache-Control") != "no-store" {
			t.Errorf("%d %v", w.Code, w.Header())
		}
		for _, word := range words {
			if !strings.Contains(w.Body.String(), word) {
				t.Errorf("the page lacks %q:\n%s", word, w.Body)
			}
		}
	}
	wants(s.use("da", visitor, ""), "Du sagde ja til alt: ", "Du trak dit samtykke tilbage.", "22. november 2026 kl. 10.30", `href="/d/fjordfletvaerk/3/da"`, "Svaret blev givet i banneret.")
	wants(s.use("en", visitor, ""), `<html lang="en">`, "You said yes to everything: ", "22 November 2026 at 10:30")

	w := s.use("da", visitor, "copy")
	wants(w, again.ID.String(), mine[0].ID.String())
	if strings.Contains(w.Body.String(), other.ID.String()) || !strings.HasPrefix(w.Header().Get("Content-Disposition"), "attachment") {
		t.Errorf("%v %s", w.Header(), w.Body)
	}
	keys, err := s.db.Keys(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	w = s.use("da", visitor, "receipt", "act", again.ID.String(), "format", "jwt")
	if v, err := receipt.Verify(w.Body.String(), []string{keys[0].Public()}); err != nil || v.Record.ID != again.ID {
		t.Errorf("the receipt: %v", err)
	}

	wants(s.use("da", visitor, "withdraw"), "Det er registreret, at du har trukket dit samtykke tilbage.", "cookiedeklarationen eller på denne side")
	acts, err := s.db.Visitor(context.Background(), s.site.ID, mine[0].Visitor)
	if err != nil || len(acts) != 4 || acts[3].Action != consent.Withdraw || acts[3].Method != consent.ByDeclaration || acts[3].Notice != again.Notice {
		t.Fatalf("%+v, %v", acts, err)
	}
	if w := s.use("da", visitor, "withdraw"); strings.Contains(w.Body.String(), "Det er registreret") || len(s.history(t, visitor)) != 4 {
		t.Error("withdrawing what is withdrawn adds an act")
	}

	wants(s.use("da", visitor, "restrict"), "Brugen af dine registreringer er nu begrænset.", "Begrænset: opbevares, men bruges ikke.", "Ophæv begrænsningen")
	wants(s.use("da", visitor, "release"), "Begrænsningen er ophævet.")
	wants(s.use("da", visitor, "erase"), "Sæt kryds ved, at du vil slette", "Du sagde ja til alt")
	wants(s.use("da", visitor, "erase", "confirm", "yes"), "Dine registreringer er slettet.")
	if left := s.history(t, visitor); len(left) != 0 {
		t.Errorf("%d acts are left", len(left))
	}
	s.nowhere(t, mine[0].Visitor)
	s.verifies(t, 1)
}

// T5: an erasure under a legal hold says that it waits.
func TestRightsPage_TellsOfALegalHold(t *testing.T) {
	s := declaredShop(t)
	mine, _ := s.visitor(t)
	hold := store.Hold{Reason: "Klagesag", Person: "Ea Holm", From: storetest.Day, Review: storetest.Day.AddDate(0, 3, 0)}
	if _, err := s.db.AddHold(context.Background(), s.site.ID, hold); err != nil {
		t.Fatal(err)
	}
	w := s.use("da", mine[0].Visitor.String(), "erase", "confirm", "yes")
	if body := w.Body.String(); !strings.Contains(body, "må ikke slettes endnu") || strings.Contains(body, `value="erase"`) || strings.Contains(body, "Klagesag") {
		t.Errorf("%d %s", w.Code, body)
	}
}

// R15: an unknown id, one that is none and one of another site look alike, whatever is asked.
func TestRightsPage_UnknownAndWrongLookAlike(t *testing.T) {
	s := declaredShop(t)
	mine, _ := s.visitor(t)
	visitor := mine[0].Visitor.String()
	other, _ := storetest.Site(t, s.db, "nordlysoglim")
	if _, err := s.Publish(context.Background(), other.ID, publishing); err != nil {
		t.Fatal(err)
	}
	for _, do := range []string{"", "copy", "withdraw", "restrict", "release", "nonsense"} {
		plain := func(id string) string { return strings.ReplaceAll(s.use("da", id, do).Body.String(), id, "ID") }
		unknown := plain(uuid.NewString())
		if wrong := strings.ReplaceAll(plain("not-an-id"), uuid.Nil.String(), "ID"); do != "copy" && wrong != unknown || do == "copy" && !strings.Contains(wrong, `"acts": []`) {
			t.Errorf("%q: unknown %s\nwrong %s", do, unknown, wrong)
		}
	}
	mineElsewhere := url.Values{"visitor": {visitor}, "do": {"erase"}, "confirm": {"yes"}}
	w := s.do("POST", "/d/"+other.ID+"/da/rights", []byte(mineElsewhere.Encode()), "Content-Type", "application/x-www-form-urlencoded")
	if w.Code != http.StatusOK || len(s.history(t, visitor)) != 2 {
		t.Errorf("another site's page erased: %d", w.Code)
	}
}

var publishing = server.Publishing{Author: "test", Reason: "Compiled", Material: true}

// R6, R13: the id is in no address and in no log line; the page loads nothing from anybody else.
func TestRightsPage_KeepsTheIDToItself(t *testing.T) {
	var log bytes.Buffer
	s := declaredShop(t, func(c *server.Config) { c.Log = logTo(&log) })
	mine, _ := s.visitor(t)
	visitor := mine[0].Visitor.String()
	w := s.use("da", visitor, "")
	policy := w.Header().Get("Content-Security-Policy")
	for _, part := range []string{"default-src 'none'", "script-src 'self'", "form-action 'self'", "frame-ancestors 'none'"} {
		if !strings.Contains(policy, part) {
			t.Errorf("policy %q lacks %q", policy, part)
		}
	}
	for _, attribute := range []string{`href="`, `src="`, `action="`} {
		for _, part := range strings.Split(w.Body.String(), attribute)[1:] {
			if address, _, _ := strings.Cut(part, `"`); strings.Contains(address, visitor) {
				t.Errorf("an address has the id: %s", address)
			}
		}
	}
	if strings.Contains(log.String(), visitor) {
		t.Errorf("the log has the id: %s", log.String())
	}
	if w := s.do("GET", "/d/"+s.site.ID+"/da", nil); !strings.Contains(w.Body.String(), `href="/d/fjordfletvaerk/da/rights"`) {
		t.Error("the declaration doesn't lead to the page")
	}
	if w := s.do("GET", "/d/"+s.site.ID+"/xx/rights", nil); w.Code != http.StatusNotFound {
		t.Errorf("a language that isn't there: %d", w.Code)
	}
}

// Too many tries from one address are told to wait, as everywhere.
func TestRightsPage_HasALimit(t *testing.T) {
	s := declaredShop(t, func(c *server.Config) { c.Rate, c.Burst = 0.001, 3 })
	var last int
	for range 5 {
		last = s.use("da", uuid.NewString(), "").Code
	}
	if last != http.StatusTooManyRequests {
		t.Errorf("the fifth try: %d", last)
	}
}

// The whole way in a browser, by keyboard and without a script: the id, what is recorded, erasure. axe finds nothing (B28).
func TestRightsPage_InABrowser(t *testing.T) {
	w := openDeclaration(t, nil)
	mine, _ := w.visitor(t)
	visitor := mine[0].Visitor.String()
	const page = "http://cmp.example/d/fjordfletvaerk/"

	w.look(390, "light")
	w.Go(page + "da")
	w.Click(`a[href$="/da/rights"]`)
	w.Wait(`document.querySelector("h1").innerText == "Dine rettigheder"`)
	w.accessible("rights")
	w.Go(page + "da/rights#id=" + visitor)
	w.Wait(`document.querySelector("#visitor").value == "` + visitor + `" && !location.hash`)
	w.Do(chromedp.SendKeys(chromedp.CSS("#visitor"), "\r"))
	w.Wait(`document.querySelectorAll(".acts > li").length == 2`)
	w.picture("rights-390")
	w.accessible("own records")
	w.look(1280, "dark")
	w.accessible("own records, wide and dark")
	w.picture("rights-1280")
	w.Click(`[value="restrict"] ~ button`)
	w.Wait(`document.querySelector("[role=status]")?.innerText.includes("begrænset")`)
	w.accessible("restricted")

	if _, err := chromedp.Call(w.Ctx, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true}); err != nil {
		t.Fatal(err)
	}
	w.Go(page + "en/rights")
	w.Do(chromedp.SendKeys(chromedp.CSS("#visitor"), visitor+"\r"))
	w.Wait(`document.querySelectorAll(".acts > li").length == 2`)
	w.Do(chromedp.SendKeys(chromedp.CSS("#confirm"), " "))
	w.Wait(`document.querySelector("#confirm").checked`)
	w.Click(`[aria-labelledby=erase] button`)
	w.Wait(`document.querySelector("[role=status]")?.innerText.includes("erased")`)
	if left := w.history(t, visitor); len(left) != 0 {
		t.Errorf("%d acts are left", len(left))
	}
}

// P6, T7, H7: the site's people use a visitor's rights for the visitor, and keep legal holds; auditors only read.
func TestRightsDesk(t *testing.T) {
	o := newOffice(t).furnish()
	const desk = "/sites/" + siteID + "/rights"
	r := o.records[0]
	visitor := r.Visitor.String()
	says := func(a answer, code int, words ...string) {
		t.Helper()
		a.wants(t, code)
		for _, w := range words {
			if !strings.Contains(a.Body.String(), w) {
				t.Errorf("the page lacks %q:\n%s", w, a.Body)
			}
		}
	}
	says(o.get(consent.Auditor, desk), 200, "Slettespærrer", "Ingen har brugt deres rettigheder endnu.")
	o.post(consent.Auditor, desk, "visitor", visitor, "do", "erase", "confirm", "yes").wants(t, 403)
	o.post(consent.Auditor, desk, "do", "hold", "reason", "x", "person", "y", "review", "2027-01-01").wants(t, 403)
	says(o.post(consent.Editor, desk, "visitor", "nonsense"), 400, "En besøgendes id", "aria-invalid")
	says(o.post(consent.Editor, desk, "visitor", uuid.NewString()), 200, "Der er ikke registreret noget under dette id.")
	says(o.post(consent.Editor, desk, "visitor", visitor), 200, "2 registreringer")
	if a := o.post(consent.Editor, desk, "visitor", visitor, "do", "export"); !strings.Contains(a.Body.String(), r.ID.String()) || a.Header().Get("Content-Type") != "application/json" {
		t.Errorf("%d %s", a.Code, a.Body)
	}
	says(o.post(consent.Editor, desk, "visitor", visitor, "do", "restrict"), 200, "Brugen af registreringerne er begrænset.", "Begrænset")
	record := "/sites/" + siteID + "/consents/" + visitor + "/" + r.ID.String()
	says(o.get(consent.Editor, record), 200, "Begrænset.")
	if body := o.get(consent.Editor, "/sites/"+siteID+"/consents?visitor="+visitor).Body.String(); strings.Contains(body, r.ID.String()) {
		t.Error("the list shows a restricted record (T6)")
	}

	says(o.post(consent.Editor, desk, "do", "hold", "reason", "", "person", "Ea Holm", "review", "2020-01-01"), 400, "Skriv, hvorfor", "Vælg en dag")
	o.post(consent.Editor, desk, "do", "hold", "reason", "Klagesag 17", "person", "Ea Holm", "review", "2027-01-01").leadsTo(t, desk+"?done=hold_set")
	says(o.get(consent.Auditor, desk), 200, "Klagesag 17", "Ea Holm")
	says(o.post(consent.Editor, desk, "visitor", visitor, "do", "erase"), 400, "Sæt kryds")
	says(o.post(consent.Editor, desk, "visitor", visitor, "do", "erase", "confirm", "yes"), 200, "Registreringerne er låst", "2 registreringer afventer sletning.")
	says(o.get(consent.Editor, record), 200, "Afventer sletning.")
	o.now = time.Date(2027, 1, 2, 9, 0, 0, 0, time.UTC)
	o.addSession(consent.Owner)
	holds, err := o.db.Holds(context.Background(), siteID)
	if err != nil || len(holds) != 1 {
		t.Fatal(holds, err)
	}
	says(o.get(consent.Owner, desk), 200, "Skal vurderes igen")
	o.post(consent.Owner, "/sites/"+otherID+"/rights", "do", "end", "hold", "1").wants(t, 404) // R15
	o.post(consent.Owner, desk, "do", "end", "hold", "1").leadsTo(t, desk+"?done=hold_ended")
	o.get(consent.Owner, record).wants(t, 404)
	page := o.get(consent.Owner, desk)
	says(page, 200, "Slettet", "Tidligere slettespærrer")
	if strings.Contains(page.Body.String(), visitor) {
		t.Error("the list of erasures names the visitor")
	}
}

// H12: axe finds nothing on the desk with a visitor and a hold on it, in both languages.
func TestRightsDesk_IsAccessible(t *testing.T) {
	axe, err := os.ReadFile("../node_modules/axe-core/axe.min.js")
	if err != nil {
		t.Fatalf("axe-core is missing: run npm ci (%v)", err)
	}
	d := newDesk(t)
	hold := store.Hold{Reason: "Klagesag", Person: "Ea Holm", From: storetest.Day, Review: storetest.Day.AddDate(0, 3, 0)}
	if _, err := d.db.AddHold(context.Background(), siteID, hold); err != nil {
		t.Fatal(err)
	}
	d.enter(consent.Owner)
	for k, lang := range []string{"da", "en"} {
		d.speak(lang)
		d.look([]int64{320, 1280}[k], []string{"light", "dark"}[k])
		d.Go("http://cmp.example/sites/" + siteID + "/rights")
		d.Do(chromedp.SendKeys(chromedp.CSS("#visitor"), d.records[k].Visitor.String()+"\r"))
		d.Wait(`document.querySelector(".acts")`)
		d.Click(`[value=restrict]`)
		d.Wait(`document.querySelector("[value=release]")`)
		var found []string
		d.Eval(string(axe)+`;document.querySelectorAll("details").forEach(d=>d.open=true);
			axe.run().then(r=>r.violations.flatMap(v=>v.nodes.map(n=>v.id+" "+n.html+" "+n.failureSummary)))`, &found)
		for _, f := range found {
			t.Errorf("%s: %s", lang, f)
		}
		var over float64
		if d.Eval("document.documentElement.scrollWidth-innerWidth", &over); over > 0 {
			t.Errorf("%s: %v px wider than the screen", lang, over)
		}
	}
}

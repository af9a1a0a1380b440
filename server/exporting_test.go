package server_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/browser"
	"github.com/chromedp/chromedp"
	"github.com/google/uuid"

	"samtykke/consent"
	"samtykke/server/store"
	"samtykke/server/store/storetest"
)

// many records so much that it is sent in several parts, by other visitors than furnish has.
func (o *office) many(n int) {
	o.t.Helper()
	notice, err := o.db.CurrentNotice(context.Background(), siteID)
	o.check(err)
	var all []consent.Record
	for k := range n {
		all = append(all, storetest.Record(notice, 5000+k, consent.Actions[k%2]))
	}
	o.record(all...)
}

// halting is a reader who takes the first part and then does something before the rest.
type halting struct {
	*httptest.ResponseRecorder
	then func()
}

func (h *halting) Flush() {
	if then := h.then; then != nil {
		h.then = nil
		then()
	}
}

type howFar struct {
	State       string
	Written, Of int64
}

func (o *office) howFar(role consent.Role, site, id string) (h howFar) {
	o.t.Helper()
	a := o.get(role, "/sites/"+site+"/export/"+id).wants(o.t, http.StatusOK)
	o.check(json.Unmarshal(a.Body.Bytes(), &h))
	return h
}

// take asks for an export; what the reader does then happens after its first part. It says whether the answer was whole.
func (o *office) take(ctx context.Context, file, query string, then func()) (body string, whole bool) {
	o.t.Helper()
	r := httptest.NewRequestWithContext(ctx, http.MethodGet, "/sites/"+siteID+"/consents."+file+"?"+query, nil)
	r.AddCookie(&http.Cookie{Name: "samtykke_session", Value: string(consent.Owner)})
	return o.read(r, then)
}

func (o *office) read(r *http.Request, then func()) (body string, whole bool) {
	w := &halting{httptest.NewRecorder(), then}
	defer func() {
		if p := recover(); p != nil {
			if err, ok := p.(error); !ok || !errors.Is(err, http.ErrAbortHandler) {
				panic(p)
			}
			body, whole = w.Body.String(), false
		}
	}()
	o.ServeHTTP(w, r)
	return w.Body.String(), w.Code == http.StatusOK
}

// entries counts the entries of the site's audit log with a code, and gives the newest's fields.
func (o *office) entries(what string) (n int, newest map[string]any) {
	o.t.Helper()
	page, _, err := o.db.Deeds(context.Background(), store.DeedFilter{Site: siteID, What: what})
	o.check(err)
	if len(page) > 0 {
		newest = page[0].New
	}
	return len(page), newest
}

// An export tells how far it is while it runs, and that it ended; to the person who asked for it and for that site alone.
func TestExport_TellsHowFarItIs(t *testing.T) {
	o := newOffice(t)
	o.many(3000)
	for file, lines := range map[string]int{"csv": 3001, "jsonl": 3000} {
		id := uuid.NewString()
		if got := o.howFar(consent.Owner, siteID, id); got.State != "unknown" {
			t.Errorf("before: %+v", got)
		}
		var during howFar
		body, whole := o.take(t.Context(), file, "export="+id, func() {
			during = o.howFar(consent.Owner, siteID, id)
			for _, other := range []howFar{o.howFar(consent.Editor, siteID, id), o.howFar(consent.Owner, otherID, id)} {
				if other.State != "unknown" {
					t.Errorf("somebody else is told %+v", other)
				}
			}
		})
		if !whole || strings.Count(body, "\n") != lines {
			t.Errorf("%s: whole %v, %d lines", file, whole, strings.Count(body, "\n"))
		}
		if during.State != "running" || during.Written < 100 || during.Written >= 3000 || during.Of != 3000 {
			t.Errorf("%s while it runs: %+v", file, during)
		}
		if got := o.howFar(consent.Owner, siteID, id); got != (howFar{"done", 3000, 3000}) {
			t.Errorf("%s at its end: %+v", file, got)
		}
		a := o.get(consent.Owner, "/sites/"+siteID+"/export?export="+id).wants(t, http.StatusOK)
		if got := a.words("p", "role", "status"); got != "Færdig. Antal registreringer: 3.000." {
			t.Errorf("the page says %q", got)
		}
	}
	if n, _ := o.entries("export"); n != 2 {
		t.Errorf("%d entries about two exports", n)
	}
	if n, _ := o.entries("export_cut"); n != 0 {
		t.Errorf("%d entries about exports that were cut off", n)
	}
}

// Who goes away ends the query; the page and the audit log say that the file isn't complete.
func TestExport_EndsWithItsReader(t *testing.T) {
	o := newOffice(t)
	o.many(4000)
	for _, file := range []string{"csv", "jsonl"} {
		id := uuid.NewString()
		ctx, leave := context.WithCancel(t.Context())
		body, whole := o.take(ctx, file, "export="+id, leave)
		got := o.howFar(consent.Owner, siteID, id)
		if whole || got.State != "cut" || got.Written >= 4000 || strings.Count(body, "\n") >= 4000 {
			t.Errorf("%s: whole %v, %+v, %d lines", file, whole, got, strings.Count(body, "\n"))
		}
		if n, fields := o.entries("export_cut"); n == 0 || fields["format"] != file {
			t.Errorf("%s: %d entries, the newest %v", file, n, fields)
		}
	}
	n, _ := o.entries("export_cut")
	ctx, leave := context.WithCancel(t.Context())
	r := httptest.NewRequestWithContext(ctx, http.MethodGet, "/v1/sites/"+siteID+"/consents.jsonl", nil)
	r.Header.Set("Authorization", "Bearer "+o.newRobot(newContract(t), consent.FirstOrganisation, store.Scopes).secret)
	if _, whole := o.read(r, leave); whole {
		t.Error("a program that leaves gets the whole")
	}
	if now, fields := o.entries("export_cut"); now != n+1 || fields["format"] != "jsonl" {
		t.Errorf("%d entries after %d, the newest %v", now, n, fields)
	}
	o.speak("en")
	if a := o.get(consent.Owner, "/sites/"+siteID+"/audit").wants(t, http.StatusOK); !strings.Contains(a.Body.String(), "Export stopped before its end") {
		t.Error("the audit log doesn't say it")
	}
}

// JSON lines hold what the filter shows: with proofs where it is of time alone.
func TestExport_JSONLinesFollowTheFilter(t *testing.T) {
	o := newOffice(t)
	o.many(20)
	for query, want := range map[string]struct {
		lines  int
		proven bool
	}{"": {20, true}, "action=reject_all": {10, false}, "to=2019-01-01": {0, false}, "from=2026-11-22": {20, true}} {
		body, whole := o.take(t.Context(), "jsonl", query, nil)
		if !whole || strings.Count(body, "\n") != want.lines || strings.Contains(body, `"proof"`) != want.proven {
			t.Errorf("%s: whole %v, %d lines: %.200s", query, whole, strings.Count(body, "\n"), body)
		}
		if strings.Contains(query, "reject") && strings.Contains(body, "accept_all") {
			t.Error("what the filter leaves out was exported")
		}
	}
	o.get(consent.Owner, "/sites/"+siteID+"/consents.jsonl?from=x").wants(t, http.StatusBadRequest)
	o.get(consent.Owner, "/sites/"+siteID+"/export?from=x").wants(t, http.StatusBadRequest)
	o.get(consent.Owner, "/sites/"+siteID+"/export/x").wants(t, http.StatusNotFound)
}

// One person can't make the server remember without end, nor another's exports be forgotten.
func TestExport_RemembersAFew(t *testing.T) {
	o := newOffice(t)
	first, others := uuid.NewString(), uuid.NewString()
	o.get(consent.Editor, "/sites/"+siteID+"/consents.csv?export="+others).wants(t, http.StatusOK)
	o.get(consent.Owner, "/sites/"+siteID+"/consents.csv?export="+first).wants(t, http.StatusOK)
	for range 8 {
		o.get(consent.Owner, "/sites/"+siteID+"/consents.csv?export="+uuid.NewString()).wants(t, http.StatusOK)
	}
	if got := o.howFar(consent.Owner, siteID, first); got.State != "unknown" {
		t.Errorf("the oldest: %+v", got)
	}
	if got := o.howFar(consent.Editor, siteID, others); got.State != "done" {
		t.Errorf("another's: %+v", got)
	}
}

// In the browser: the file arrives by the browser's own download while the page tells how far it is, in both languages.
func TestExport_InTheBrowser(t *testing.T) {
	d := newDesk(t)
	d.many(2500)
	folder := t.TempDir()
	_, err := chromedp.Call(d.Ctx, browser.SetDownloadBehavior, browser.SetDownloadBehaviorParams{
		Behavior: browser.SetDownloadBehaviorBehaviorAllowAndName, DownloadPath: folder,
	})
	d.check(err)
	d.enter(consent.Owner)
	for lang, words := range map[string]string{"da": "Færdig. Antal registreringer: 2.631.", "en": "Finished. Records: 2,631."} {
		d.speak(lang)
		d.Go("http://cmp.example/sites/" + siteID + "/consents")
		d.Click(`.heading a[href*="/export"]`)
		d.Wait(`document.readyState === "complete" && document.getElementById("how") !== null && document.getElementById("follow") === null`) // the script has begun
		for _, form := range []string{"csv", "jsonl"} {
			d.Click(`form[action$="` + form + `"] button`)
			d.Wait(`document.getElementById("how").dataset.state === "done"`)
			var told string
			if d.Eval(`document.querySelector("#how [role=status]").textContent`, &told); told != words {
				t.Errorf("%s: the page says %q", form, told)
			}
		}
	}
	files, err := filepath.Glob(filepath.Join(folder, "*"))
	d.check(err)
	if len(files) != 4 {
		t.Fatalf("%d files", len(files))
	}
	for _, f := range files {
		b, err := os.ReadFile(f)
		d.check(err)
		if n := strings.Count(string(b), "\n"); n != 2631 && n != 2632 {
			t.Errorf("a file of %d lines", n)
		}
	}
}

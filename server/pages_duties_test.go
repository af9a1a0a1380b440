package server_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"samtykke/consent"
	"samtykke/server"
	"samtykke/server/duties"
	"samtykke/server/store"
)

const papersPath = "/sites/" + siteID + "/papers"

// bureau are the fields of an installation that a bureau runs for others.
func bureau(more ...string) []string {
	return append([]string{
		"op", "save", "operator.who", "others", "operator.name", "Bureau Nord ApS", "operator.cvr", "11 22 33 44", "operator.address", "Havnegade 1, 9000 Aalborg",
		"operator.country", "dk", "operator.email", "drift@bureaunord.example", "backups", "some", "backup_days", "30",
	}, more...)
}

func (o *office) hosted() *office {
	o.t.Helper()
	o.post(consent.Owner, "/installation", bureau()...).leadsTo(o.t, "/installation?done=installation_saved")
	return o
}

// accept sends the form of the agreement as the page shows it.
func (o *office) accept(role consent.Role) answer {
	o.t.Helper()
	page := o.get(role, papersPath)
	var seen string
	if hidden := page.all("input", "name", "seen"); len(hidden) > 0 {
		seen = attrOf(hidden[0], "value")
	}
	return o.post(role, papersPath, "seen", seen, "accept.name", "Ida Berg", "accept.confirm", "yes")
}

// P12: nothing is written, and no agreement made up, before it is known who runs the installation; who runs it for itself has
// no processor.
func TestPapers_WaitForWhoRunsIt(t *testing.T) {
	o := newOffice(t).furnish()
	page := o.get(consent.Editor, papersPath).wants(t, http.StatusOK)
	if len(page.all("form", "action", papersPath)) > 0 || len(page.all("a", "href", papersPath+"/agreement/da")) > 0 || len(page.all("a", "href", "/installation")) > 0 {
		t.Error("an untold installation has papers")
	}
	o.get(consent.Owner, papersPath+"/agreement/da").wants(t, http.StatusConflict)
	if list, err := server.Papers(o.Server, &o.site); err != nil || len(list) != 0 {
		t.Errorf("%d papers, %v", len(list), err)
	}

	o.post(consent.Owner, "/installation", "op", "save", "operator.who", "self", "operator.name", "left over").leadsTo(t, "/installation?done=installation_saved")
	page = o.get(consent.Owner, papersPath)
	if len(page.all("form", "action", papersPath)) > 0 || !strings.Contains(page.Body.String(), "driver selv installationen") {
		t.Error("the page asks whoever runs it alone to accept an agreement")
	}
	if doc := o.get(consent.Owner, papersPath+"/agreement/da").wants(t, http.StatusOK).Body.String(); !strings.Contains(doc, "Der er ingen databehandler") && !strings.Contains(doc, "Ingen databehandler") {
		t.Errorf("the agreement doesn't say that there is no processor: %s", clipped(doc))
	}
	o.post(consent.Owner, papersPath, "accept.name", "Ida Berg", "accept.confirm", "yes").wants(t, http.StatusConflict)
}

// P1, P10, P14: every paper opens in both languages, alone, with nothing but its own style.
func TestPapers_OpenInBothLanguages(t *testing.T) {
	o := newOffice(t).furnish().hosted()
	o.post(consent.Owner, "/installation", "op", "add", "sub.name", "Vært GmbH", "sub.country", "de", "sub.task", "Hosting", "sub.since", "2026-12-24").leadsTo(t, "/installation?done=sub_added#subs")
	list := o.get(consent.Auditor, papersPath)
	for _, k := range duties.All() {
		for _, lang := range duties.Languages() {
			path := papersPath + "/" + k.Name + "/" + lang
			if k.Name == "deletion" {
				o.get(consent.Auditor, path).wants(t, http.StatusNotFound)
				continue
			}
			if len(list.all("a", "href", path)) == 0 {
				t.Errorf("%s is not on the page", path)
			}
			a := o.get(consent.Auditor, path).wants(t, http.StatusOK)
			want := "default-src 'none'; style-src '" + duties.StyleHash() + "'; form-action 'none'; frame-ancestors 'none'; base-uri 'none'"
			if got := a.Header().Get("Content-Security-Policy"); got != want || len(a.all("script")) > 0 || attrOf(a.all("html")[0], "lang") != lang {
				t.Errorf("%s: policy %q", path, got)
			}
			if !strings.Contains(a.Body.String(), "Bureau Nord ApS") || !strings.Contains(a.Body.String(), "Fjord &amp; Fletværk ApS") {
				t.Errorf("%s does not name the parties", path)
			}
		}
	}
	// P5, and the settings in force as the instruction (P2): the banner that is published.
	doc := text(o.get(consent.Auditor, papersPath+"/agreement/da").all("main")[0])
	for _, want := range []string{"Vært GmbH", "Tyskland", "24. december 2026", "senest 30 dage", "fjordfletvaerk.example", "24 måneder"} {
		if !strings.Contains(doc, want) {
			t.Errorf("the agreement doesn't say %q", want)
		}
	}
	if strings.Contains(doc, "Der er endnu ikke udgivet et banner") {
		t.Error("the agreement knows no published banner")
	}
	for _, path := range []string{"/agreement/de", "/nothing/da", "/accepted/x"} {
		o.get(consent.Owner, papersPath+path).wants(t, http.StatusNotFound)
	}
	papers, err := server.Papers(o.Server, &o.site)
	if err != nil || len(papers) != 2*(len(duties.All())-1) {
		t.Errorf("%d papers for the inspection pack, %v", len(papers), err)
	}
}

// T1: the papers tell the site's own periods.
func TestPapers_TellTheSitesRetention(t *testing.T) {
	o := newOffice(t).furnish().hosted()
	o.site.Retention = consent.Retention{Consent: 36, Refusal: 6}
	o.check(o.db.UpdateSite(t.Context(), o.site))
	doc := o.get(consent.Owner, papersPath+"/controller-record/da").Body.String()
	if !strings.Contains(doc, "36 måneder") || !strings.Contains(doc, "6 måneder") || strings.Contains(doc, "24 måneder") {
		t.Error("the record doesn't tell the site's periods")
	}
}

// P1: an acceptance names person, e-mail, time and version; the document stays as it was accepted, whatever is changed.
func TestAgreement_IsAcceptedAndKept(t *testing.T) {
	o := newOffice(t).furnish().hosted()
	o.accept(consent.Auditor).wants(t, http.StatusForbidden)
	o.accept(consent.Editor).leadsTo(t, papersPath+"?done=agreement_accepted")
	all, err := o.db.Acceptances(t.Context(), siteID)
	o.check(err)
	if len(all) != 1 || all[0].Email != "editor@fjord.example" || all[0].Name != "Ida Berg" || !all[0].At.Equal(o.now) || all[0].Version != 1 {
		t.Fatalf("accepted: %+v", all)
	}
	kept := fmt.Sprintf("%s/accepted/%d", papersPath, all[0].Num)
	before := o.get(consent.Auditor, kept).wants(t, http.StatusOK).Body.String()
	for _, want := range []string{"Ida Berg", "editor@fjord.example", "Bureau Nord ApS", "22. november 2026"} {
		if !strings.Contains(before, want) {
			t.Errorf("the accepted agreement doesn't say %q", want)
		}
	}
	page := o.get(consent.Owner, papersPath)
	if len(page.all("form", "action", papersPath)) > 0 || len(page.all("span", "class", "flag good")) != 1 {
		t.Error("an accepted agreement is asked for again")
	}
	o.accept(consent.Owner).wants(t, http.StatusConflict) // nothing was seen: the page has no form

	// Its entry stands in the site's audit log (P3).
	if deeds, _, err := o.db.Deeds(t.Context(), store.DeedFilter{Site: siteID, What: "agreement_accepted"}); err != nil || len(deeds) != 1 || deeds[0].Who != "editor@fjord.example" {
		t.Errorf("the audit log has %+v, %v", deeds, err)
	}

	// Another processor: the same words bind somebody else, who is asked anew.
	fields := bureau()
	fields[5] = "Bureau Syd ApS"
	o.post(consent.Owner, "/installation", fields...).leadsTo(t, "/installation?done=installation_saved")
	page = o.get(consent.Owner, papersPath)
	if len(page.all("form", "action", papersPath)) != 1 || !strings.Contains(page.Body.String(), "andre parter") {
		t.Error("an agreement with somebody else counts")
	}
	if doc := o.get(consent.Owner, papersPath+"/agreement/da").Body.String(); strings.Contains(doc, "Ida Berg") {
		t.Error("the agreement shows an acceptance between other parties")
	}
	o.accept(consent.Owner).leadsTo(t, papersPath+"?done=agreement_accepted")
	if after := o.get(consent.Auditor, kept).Body.String(); after != before {
		t.Error("what was accepted has changed")
	}
	o.get(consent.Owner, "/sites/"+otherID+strings.TrimPrefix(kept, "/sites/"+siteID)).wants(t, http.StatusNotFound) // R15
}

// A newer version of the words says so and asks again; the earlier one stays readable.
func TestAgreement_NewWordsAskAgain(t *testing.T) {
	o := newOffice(t).furnish().hosted()
	old := store.Acceptance{
		Site: siteID, Paper: "agreement", Version: 99, Language: "da", Processor: "Bureau Nord ApS, 11223344", Controller: "Fjord & Fletværk ApS, 12345678",
		Name: "Ida Berg", Email: "ida@fjord.example", At: o.now, Style: "sha256-old", HTML: "<!doctype html><title>x</title><p>earlier words",
	}
	o.check(o.db.Accept(t.Context(), old))
	page := o.get(consent.Owner, papersPath)
	if len(page.all("form", "action", papersPath)) != 1 || !strings.Contains(page.Body.String(), "ordlyd er ændret") {
		t.Error("other words count as accepted")
	}
	all, err := o.db.Acceptances(t.Context(), siteID)
	o.check(err)
	a := o.get(consent.Owner, fmt.Sprintf("%s/accepted/%d", papersPath, all[0].Num)).wants(t, http.StatusOK)
	if a.Body.String() != old.HTML || !strings.Contains(a.Header().Get("Content-Security-Policy"), "style-src 'sha256-old'") {
		t.Errorf("the earlier agreement is %q", a.Body)
	}
}

// Nobody accepts what was not read: what changed since the page was opened is refused, and so is a name or a yes that misses.
func TestAgreement_IsAcceptedAsRead(t *testing.T) {
	o := newOffice(t).furnish().hosted()
	seen := attrOf(o.get(consent.Editor, papersPath).all("input", "name", "seen")[0], "value")
	o.post(consent.Editor, papersPath, "seen", seen, "accept.name", "Ida Berg").wants(t, http.StatusBadRequest)
	a := o.post(consent.Editor, papersPath, "seen", seen, "accept.confirm", "yes").wants(t, http.StatusBadRequest)
	if a.words("p", "id", "accept-name-wrong") == "" {
		t.Error("the missing name is not told at its field")
	}
	o.post(consent.Owner, "/installation", "op", "add", "sub.name", "Copies Inc.", "sub.country", "US", "sub.task", "Backup", "sub.since", "2026-11-22").wants(t, http.StatusSeeOther)
	a = o.post(consent.Editor, papersPath, "seen", seen, "accept.name", "Ida Berg", "accept.confirm", "yes").wants(t, http.StatusConflict)
	if !strings.Contains(a.Body.String(), "Aftalen er ændret") || attrOf(a.all("input", "name", "accept.name")[0], "value") != "Ida Berg" {
		t.Error("the page doesn't say that the agreement changed, or forgets what was typed")
	}
	if all, err := o.db.Acceptances(t.Context(), siteID); err != nil || len(all) != 0 {
		t.Errorf("%d acceptances, %v", len(all), err)
	}
}

// P2, P5, P11: what owners tell is checked and kept, and every change stands where each site's controller sees it.
func TestInstallation_IsToldByOwners(t *testing.T) {
	o := newOffice(t).furnish()
	a := o.post(consent.Owner, "/installation", bureau("location", "Danmark")...).wants(t, http.StatusBadRequest)
	if a.words("p", "id", "location-wrong") == "" || attrOf(a.all("input", "name", "operator.name")[0], "value") != "Bureau Nord ApS" {
		t.Error("the country's fault is not told at its field, or what was typed is gone")
	}
	for name, fields := range map[string][]string{
		"nobody":           {"op", "save"},
		"a nameless one":   {"op", "save", "operator.who", "others"},
		"no days":          {"op", "save", "operator.who", "self", "backups", "some"},
		"a nameless sub":   {"op", "add", "sub.country", "DK", "sub.task", "x", "sub.since", "2026-11-22"},
		"a sub of nowhere": {"op", "add", "sub.name", "x", "sub.task", "x", "sub.since", "2026-11-22"},
		"a sub of no day":  {"op", "add", "sub.name", "x", "sub.task", "x", "sub.country", "DK", "sub.since", "i morgen"},
	} {
		if a := o.post(consent.Owner, "/installation", fields...).wants(t, http.StatusBadRequest); len(a.all("div", "class", "problem")) != 1 {
			t.Errorf("%s is refused without a word", name)
		}
	}
	if body, err := o.db.Installation(t.Context()); err != nil || string(body) != "{}" {
		t.Fatalf("what was refused is stored: %s, %v", body, err)
	}

	o.hosted()
	o.post(consent.Owner, "/installation", "op", "add", "sub.name", "Vært GmbH", "sub.cvr", "HRB 1", "sub.country", "de", "sub.task", "Hosting", "sub.since", "2026-11-22").leadsTo(t, "/installation?done=sub_added#subs")
	page := o.get(consent.Owner, "/installation")
	if got := attrOf(page.all("input", "name", "operator.cvr")[0], "value"); got != "11223344" {
		t.Errorf("the number is %q", got)
	}
	id := attrOf(page.all("input", "name", "id")[0], "value")
	o.post(consent.Owner, "/installation", "op", "end", "id", id).leadsTo(t, "/installation?done=sub_ended#subs")
	o.post(consent.Owner, "/installation", "op", "end", "id", id).wants(t, http.StatusNotFound)
	if doc := o.get(consent.Owner, papersPath+"/subprocessors/da").Body.String(); strings.Contains(doc, "Vært GmbH") {
		t.Error("a sub-processor that has ended stands in the register")
	}

	for _, site := range []string{"", siteID, otherID} {
		deeds, _, err := o.db.Deeds(t.Context(), store.DeedFilter{Site: site, What: "settings_changed", Who: "owner@fjord.example"})
		if err != nil || len(deeds) != 3 || deeds[0].Object != "installation" || deeds[0].Old["sub_processors"] == nil || deeds[2].New["operator.name"] != "Bureau Nord ApS" || deeds[2].New["backup_days"] != json.Number("30") {
			t.Errorf("site %q: the audit log has %+v, %v", site, deeds, err)
		}
	}
	o.post(consent.Owner, "/installation", bureau()...).wants(t, http.StatusSeeOther)
	if deeds, _, err := o.db.Deeds(t.Context(), store.DeedFilter{What: "settings_changed"}); err != nil || len(deeds) != 3 {
		t.Errorf("saving it as it was is a change: %d, %v", len(deeds), err)
	}
}

package server_test

import (
	"crypto/sha256"
	"strings"
	"testing"
	"time"

	"samtykke/consent"
	"samtykke/server/store"
	"samtykke/server/store/storetest"
)

// stayLoggedIn gives the owner a session for ten years and returns the name that requests are sent under.
func (o *office) stayLoggedIn() consent.Role {
	o.t.Helper()
	const always = consent.Role("always")
	u, _, err := o.db.UserByEmail(o.t.Context(), "owner@fjord.example")
	o.check(err)
	token := sha256.Sum256([]byte(always))
	later := o.now.AddDate(10, 0, 0) // used then, so that it is never idle
	o.check(o.db.AddSession(o.t.Context(), store.Session{User: u.ID, Token: token[:], At: o.now, Used: later, Expires: later}))
	return always
}

// T1: the months of a site are chosen from 1 to 60; the declaration tells them when they are published.
func TestRetention_MonthsAreTheSites(t *testing.T) {
	o := newOffice(t)
	o.publish("Første udgave")
	page := "/sites/" + siteID + "/retention"
	declared := func() string { return text(o.get(stranger, "/d/"+siteID+"/en").wants(t, 200).doc) }
	if !strings.Contains(declared(), "deleted 24 months after") || !strings.Contains(declared(), "deleted after 12 months") {
		t.Errorf("the declaration does not tell the usual periods: %s", declared())
	}
	for _, bad := range []string{"0", "61", "", "en"} {
		a := o.post(consent.Editor, page, "retention.consent", bad, "retention.refusal", "12").wants(t, 400)
		if a.words("p", "id", "retention-consent-wrong") != "Vælg mellem 1 og 60 måneder." {
			t.Errorf("%q: %s", bad, a.words("main"))
		}
	}
	o.post(consent.Auditor, page, "retention.consent", "6", "retention.refusal", "3").wants(t, 403)
	o.post(consent.Editor, page, "retention.consent", "36", "retention.refusal", "1").leadsTo(t, page+"?done=retention_saved")
	a := o.get(consent.Editor, page).wants(t, 200)
	if got := attrOf(a.all("input", "name", "retention.consent")[0], "value"); got != "36" {
		t.Errorf("the page shows %q months", got)
	}
	if !strings.Contains(a.words("main"), "Deklarationen lover en kortere frist") {
		t.Error("the page does not say that the longer period isn't promised yet")
	}
	if strings.Contains(declared(), "36 months") {
		t.Error("the declaration tells what is not published")
	}
	o.publish("Nye frister")
	if !strings.Contains(declared(), "deleted 36 months after") || !strings.Contains(declared(), "deleted after 1 month.") {
		t.Errorf("the declaration tells %s", declared())
	}
	if strings.Contains(o.get(consent.Editor, page).words("main"), "Deklarationen lover en kortere frist") {
		t.Error("the page still asks to publish")
	}
}

// T2: counting deletes nothing, and both it and the daily purge stand in the report.
func TestRetention_CountsAndReports(t *testing.T) {
	o := newOffice(t)
	o.publish("Første udgave")
	r := storetest.Record(o.notice, 1, consent.RejectAll)
	o.record(r)
	always := o.stayLoggedIn()
	o.now = o.now.AddDate(0, 12, 2)
	page := "/sites/" + siteID + "/retention"
	o.post(always, page, "op", "count").leadsTo(t, page+"?done=purge_counted#purges")
	if p, err := o.db.Consents(t.Context(), store.Filter{Site: siteID}); err != nil || len(p.Records) != 1 {
		t.Fatalf("counting deleted: %v, %v", p, err)
	}
	if _, err := o.db.Purge(t.Context(), store.PurgeRun{Now: o.now.Add(time.Second), Origin: store.ByJob}); err != nil {
		t.Fatal(err)
	}
	rows := o.get(always, page).wants(t, 200).all("tr")
	if len(rows) != 3 || !strings.HasSuffix(text(rows[1]), "Serveren, dagligt 0 1 0") || !strings.HasSuffix(text(rows[2]), "Kun talt En person 0 1 0") {
		for _, r := range rows {
			t.Error(text(r))
		}
	}
}

// T12: the page reminds of the review once a year.
func TestRetention_RemindsOfTheReview(t *testing.T) {
	o := newOffice(t)
	always := o.stayLoggedIn()
	page := "/sites/" + siteID + "/retention"
	due := func(at time.Time) bool {
		o.now = at
		return strings.Contains(o.get(always, page).wants(t, 200).words("section", "aria-labelledby", "review"), "skulle være sket")
	}
	if due(storetest.Day.AddDate(1, 0, -1)) || !due(storetest.Day.AddDate(1, 0, 0)) {
		t.Error("the first review is not due after a year")
	}
	o.post(always, page, "op", "review").leadsTo(t, page+"?done=retention_reviewed#review")
	if due(storetest.Day.AddDate(1, 0, 0)) || due(storetest.Day.AddDate(2, 0, -1)) || !due(storetest.Day.AddDate(2, 0, 0)) {
		t.Error("the next one is not due a year later")
	}
}

// T8: a site is deleted by an owner who types its name, and a certificate says what was.
func TestRetention_ASiteIsDeleted(t *testing.T) {
	o := newOffice(t).furnish()
	page := "/sites/" + siteID + "/delete"
	o.post(consent.Editor, page, "delete.name", o.site.Name).wants(t, 403)
	a := o.get(consent.Owner, page).wants(t, 200)
	for _, address := range []string{"/pack", "/consents.csv", "/audit.jsonl"} {
		if len(a.all("a", "href", "/sites/"+siteID+address)) == 0 {
			t.Errorf("no link to %s", address)
		}
	}
	if said := a.words("main"); strings.Contains(said, "Du får et bevis") || !strings.Contains(said, "Du får intet bevis") || len(a.all("a", "href", "/installation")) != 1 {
		t.Errorf("the page promises a certificate that nobody can write yet: %s", said)
	}
	a = o.post(consent.Owner, page, "delete.name", "Fjord").wants(t, 400)
	if !strings.Contains(a.words("div", "role", "alert"), "Intet er slettet") {
		t.Error(a.words("main"))
	}
	o.get(consent.Owner, "/sites/"+siteID).wants(t, 200)
	o.post(consent.Owner, page, "delete.name", o.site.Name).leadsTo(t, "/?done=site_deleted") // nobody has said who runs the installation
	o.get(consent.Owner, "/sites/"+siteID).wants(t, 404)
	o.get(stranger, "/s/"+siteID+".js").wants(t, 404)
	o.get(stranger, "/d/"+siteID+"/da").wants(t, 404)
	o.get(consent.Owner, "/sites/"+otherID).wants(t, 200)
	deeds, _, err := o.db.Deeds(t.Context(), store.DeedFilter{What: "site_deleted"})
	if err != nil || len(deeds) != 1 || deeds[0].Object != siteID || !strings.Contains(string(deeds[0].Body), `"acts":131`) {
		t.Errorf("the log of actions has %v, %v", deeds, err)
	}
}

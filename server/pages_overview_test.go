package server_test

import (
	"context"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"samtykke/consent"
	"samtykke/server"
	"samtykke/server/store"
	"samtykke/server/store/storetest"
)

// H6: the overview compares, breaks down and says what comes next.
func TestOverview_BreaksDownAndCompares(t *testing.T) {
	o := newOffice(t).furnish()
	a := o.get(consent.Owner, "/sites/"+siteID+"?days=90").wants(t, http.StatusOK)
	card := text(a.all("section", "aria-labelledby", "chart")[0])
	for _, want := range []string{"i forhold til samme tid for en uge siden", "i forhold til de 7 dage før", "Præferencer", "dansk", "Nr. 3"} {
		if !strings.Contains(card, want) {
			t.Errorf("nothing says %q: %s", want, card)
		}
	}
	if got := len(a.all("g")); got != 90 {
		t.Errorf("%d bars for 90 days", got)
	}
	if got := len(o.get(consent.Owner, "/sites/"+siteID+"?days=365").all("g")); got != 53 {
		t.Errorf("%d bars for a year of weeks", got)
	}
	if got := attrOf(o.get(consent.Owner, "/sites/"+siteID+"?days=12").all("a", "aria-current", "true")[0], "href"); got != "?days=30" {
		t.Errorf("an unknown period shows %q", got)
	}
	if got := text(a.all("section", "aria-labelledby", "due")[0]); !strings.Contains(got, "Årlig gennemgang 22. november 2027") || !strings.Contains(got, "Næste valg udløber") {
		t.Errorf("due %q", got)
	}
}

// What shows on the overview is the same before and after days are summed up.
func TestOverview_SummedUpOrNot(t *testing.T) {
	o := newOffice(t).furnish()
	before := o.get(consent.Owner, "/sites/"+siteID).words("table", "class", "numbers")
	o.check(o.db.RollUp(t.Context(), o.now))
	if after := o.get(consent.Owner, "/sites/"+siteID).words("table", "class", "numbers"); after != before || before == "" {
		t.Errorf("before %q, after %q", before, after)
	}
}

// Many sites are found by name and come in pages, the urgent first.
func TestSitesPage_FindsAndTurns(t *testing.T) {
	o := newOffice(t)
	for k := range 30 {
		s := o.site
		s.ID, s.Name = "site"+strings.Repeat(string(rune('a'+k%26)), 6)+string(rune('a'+k/26)), "Havn "+string(rune('A'+k%26))+string(rune('a'+k/26))
		o.check(o.db.AddSite(context.Background(), s, nil))
	}
	o.check(o.db.ChangeAlarms(t.Context(), otherID, o.now, func([]store.Alarm) ([]store.Alarm, []int64) {
		return []store.Alarm{{Kind: store.AlarmReview, Subject: "x"}}, nil
	}))
	a := o.get(consent.Owner, "/").wants(t, http.StatusOK)
	cards := a.all("li", "class", "card site")
	if len(cards) != 24 || !strings.Contains(text(cards[0]), otherID) {
		t.Errorf("%d cards, the first is %q", len(cards), text(cards[0]))
	}
	if got := len(o.get(consent.Owner, attrOf(a.all("a", "rel", "next")[0], "href")).all("li", "class", "card site")); got != 8 {
		t.Errorf("%d cards on the second page", got)
	}
	if got := len(o.get(consent.Owner, "/?find=havn+c").all("li", "class", "card site")); got != 2 {
		t.Errorf("the search found %d", got)
	}
	wellFormed(t, o.get(consent.Owner, "/?find=nothing"), "da")
}

// H10: what nobody asks for by itself is told, once, and solved when its reason is gone.
func TestWatch_RaisesAndSolves(t *testing.T) {
	o := newOffice(t)
	kinds := func() (list []string) {
		o.check(o.Watch(t.Context()))
		alarms, err := o.db.Alarms(t.Context(), siteID)
		o.check(err)
		for _, a := range alarms {
			list = append(list, string(a.Kind)+" "+a.Subject)
		}
		return list
	}
	want := func(want ...string) {
		t.Helper()
		if got := kinds(); strings.Join(got, ",") != strings.Join(want, ",") {
			t.Errorf("alarms %q, want %q", got, want)
		}
	}
	want()
	o.now = o.now.Add(25 * time.Hour)
	want("unscanned 1")
	want("unscanned 1")
	o.check(o.db.SeeAlarm(t.Context(), siteID, 0, "ea@fjord.example", o.now))
	want() // seen is seen
	o.now = storetest.Day.AddDate(1, 0, 1)
	want("review_due 2027-11-22")
	o.site.Reviewed = o.now
	o.check(o.db.UpdateSite(t.Context(), o.site))
	want()
	o.Fail(siteID)
	want("ingest ")
	o.now = o.now.Add(2 * time.Hour)
	want()
}

// The guided start, step by step; each can be skipped and stands on the overview until it is done.
func TestStart_FromTheFirstStepToTheLast(t *testing.T) {
	o := newOffice(t, func(c *server.Config) {
		c.LookupTXT = func(context.Context, string) ([]string, error) { return nil, nil }
		c.Fetch = &http.Client{Transport: onePage(`<script async src="http://cmp.example/s/` + bareID + `.js"></script>`)}
	})
	s := o.site
	s.ID, s.Controller = bareID, consent.Controller{}
	o.check(o.db.AddSite(t.Context(), s, nil))
	here := "/sites/" + bareID + "/start"
	next := func(want string) {
		t.Helper()
		if got := attrOf(o.get(consent.Editor, here).all("li", "class", "card now")[0], "id"); got != want {
			t.Errorf("the step to do is %q, want %q", got, want)
		}
	}
	next("controller")
	o.post(consent.Editor, here, "step", "controller", "op", "skip").leadsTo(t, here)
	next("languages")
	if got := o.get(consent.Editor, "/sites/"+bareID).words("section", "aria-labelledby", "next"); !strings.Contains(got, "Hvem er dataansvarlig?") || !strings.Contains(got, "1 af 7") {
		t.Errorf("the overview says %q", got)
	}
	a := o.post(consent.Editor, here, "step", "controller", "controller.name", "", "controller.phone", "12 34").wants(t, http.StatusBadRequest)
	wellFormed(t, a, "da")
	if attrOf(a.all("input", "name", "controller.name")[0], "aria-invalid") != "true" || attrOf(a.all("input", "name", "controller.phone")[0], "value") != "12 34" {
		t.Error("what is wrong is not told at the field, or what was typed is lost")
	}
	o.post(consent.Editor, here, "step", "controller", "controller.name", "Havn ApS").leadsTo(t, here)
	o.post(consent.Editor, here, "step", "languages").wants(t, http.StatusBadRequest)
	o.post(consent.Editor, here, "step", "languages", "languages", "en").leadsTo(t, here)
	next("tag")
	o.post(consent.Editor, here, "step", "tag").leadsTo(t, here)
	next("check")
	o.post(consent.Editor, here, "step", "check").leadsTo(t, here+"?done=domain_proven")
	next("scan")
	o.post(consent.Editor, here, "step", "scan").wants(t, http.StatusServiceUnavailable) // this server scans nothing
	o.post(consent.Editor, here, "step", "scan", "op", "skip").leadsTo(t, here)
	next("publish")
	o.post(consent.Editor, "/sites/"+bareID+"/notices", "reason", "Første udgave", "material", "yes").leadsTo(t, "/sites/"+bareID+"?done=published")
	if got := o.get(consent.Editor, "/sites/"+bareID).words("section", "aria-labelledby", "next"); !strings.Contains(got, "Første scanning") {
		t.Errorf("what was skipped does not come back: %q", got)
	}
	deeds, _, err := o.db.Deeds(t.Context(), store.DeedFilter{Site: bareID, What: "step_skipped"})
	if err != nil || len(deeds) != 2 || deeds[0].Object != "scan" {
		t.Errorf("deeds %+v, %v", deeds, err)
	}
	o.post(consent.Editor, here, "step", "nothing").wants(t, http.StatusBadRequest)
}

const bareID = "havnogholm"

// onePage answers every request with the same page.
type onePage string

func (p onePage) RoundTrip(r *http.Request) (*http.Response, error) {
	return &http.Response{StatusCode: http.StatusOK, Request: r, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(string(p)))}, nil
}

// T6: what is remembered of days long gone never shows an act that is withheld, on whichever server it was withheld.
func TestOverview_ForgetsWhatIsWithheld(t *testing.T) {
	o := newOffice(t).furnish()
	o.check(o.db.RollUp(t.Context(), o.now))
	other, err := server.New(t.Context(), o.db, server.Config{BaseURL: "http://cmp.example", Now: func() time.Time { return o.now }})
	o.check(err)
	t.Cleanup(other.Close)
	twin := *o
	twin.Server = other
	look := func() (all []string) {
		for _, at := range []*office{o, &twin} {
			for _, path := range []string{"/?days=90", "/sites/" + siteID + "?days=90"} {
				all = append(all, at.get(consent.Owner, path).wants(t, http.StatusOK).words("ul", "class", "legend"))
			}
		}
		return all
	}
	old := o.records[120] // two months ago
	if ago := o.now.Sub(old.At); ago < 30*24*time.Hour || ago > 89*24*time.Hour {
		t.Fatalf("the act is of %s", old.At)
	}
	before := look()
	for _, on := range []bool{true, false} {
		_, err := o.db.Restrict(t.Context(), siteID, old.Visitor, on, o.now)
		o.check(err)
		for i, now := range look() {
			if before[i] == "" || on == (now == before[i]) {
				t.Errorf("withheld %v, page %d: %q, before %q", on, i, now, before[i])
			}
		}
	}
}

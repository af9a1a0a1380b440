package server_test

import (
	"context"
	"net/http"
	"slices"
	"testing"
	"time"

	"samtykke/consent"
	"samtykke/scanner"
	"samtykke/scanner/judgement"
	"samtykke/server"
	"samtykke/server/store"
	"samtykke/server/store/storetest"
)

// The schedule: at a time of the night that is the site's own, once, and never without a proof.
func TestSchedule(t *testing.T) {
	l := newLab(t).prove()
	l.post(consent.Editor, scansPath, "op", "schedule", "scanning.every", "daily", "scanning.pages", "0").wants(t, http.StatusBadRequest)
	l.post(consent.Editor, scansPath, "op", "schedule", "scanning.every", "weekly", "scanning.pages", "40", "scanning.depth", "3").leadsTo(t, scansPath+"?done=schedule_saved")
	if deeds := l.deeds("schedule_changed"); len(deeds) != 1 || deeds[0].New["scanning.every"] != "weekly" {
		t.Errorf("deeds %v", deeds)
	}
	var at []time.Time
	l.scan = func(_ context.Context, o scanner.Options) (judgement.Report, error) {
		at = append(at, l.now)
		if o.Pages != 40 {
			t.Errorf("%d pages", o.Pages)
		}
		return officeScan(), nil
	}
	hours := func(n int) {
		t.Helper()
		for range n {
			l.now = l.now.Add(time.Hour)
			l.check(l.AskDue(t.Context()))
			l.work()
		}
	}
	hours(21 * 24)
	if len(at) != 3 {
		t.Fatalf("%d scans in three weeks", len(at))
	}
	copenhagen, _ := time.LoadLocation("Europe/Copenhagen")
	for i, now := range at {
		if h := now.In(copenhagen).Hour(); h > 5 || i > 0 && now.Sub(at[i-1]) != 7*24*time.Hour {
			t.Errorf("scanned at %s", now.In(copenhagen))
		}
	}
	// The domain is lost: an alarm and no scan; what was proven isn't forgotten. It is back: all is well.
	l.put("fjordfletvaerk.example/", "til salg")
	hours(7 * 24)
	if len(at) != 3 || !slices.Contains(l.alarms(), "domain_lost fjordfletvaerk.example") {
		t.Errorf("%d scans, alarms %q", len(at), l.alarms())
	}
	known, err := l.db.Domains(t.Context(), siteID)
	l.check(err)
	if d := known[siteID+".example"]; d.Proven() || d.Method != store.ProofTag {
		t.Errorf("%+v", d)
	}
	l.put("fjordfletvaerk.example/", server.Tag("http://cmp.example", &l.site))
	hours(7 * 24)
	if len(at) != 4 || slices.Contains(l.alarms(), "domain_lost fjordfletvaerk.example") {
		t.Errorf("%d scans, alarms %q", len(at), l.alarms())
	}
	l.addSession(consent.Editor)
	l.post(consent.Editor, scansPath, "op", "schedule", "scanning.every", "never", "scanning.pages", "40").wants(t, http.StatusSeeOther)
	hours(14 * 24)
	if len(at) != 4 {
		t.Error("it goes on")
	}
}

// Each site has a minute of its own, so that a server with many doesn't scan them all at once.
func TestSchedule_IsSpreadOverTheNight(t *testing.T) {
	minutes := map[int]int{}
	for k := range 1000 {
		site := consent.Site{ID: server.NewSiteID(), Scanning: consent.Scanning{Every: []string{"daily", "weekly", "monthly"}[k%3]}}
		slot, ok := server.LastSlot(&site, storetest.Day)
		if !ok || slot.After(storetest.Day) || storetest.Day.Sub(slot) > 32*24*time.Hour {
			t.Fatalf("%s: %s", site.Scanning.Every, slot)
		}
		minutes[slot.Hour()*60+slot.Minute()]++
	}
	for minute, n := range minutes {
		if minute >= 300 || n > 20 {
			t.Errorf("%d sites at minute %d", n, minute)
		}
	}
	if len(minutes) < 200 {
		t.Errorf("only %d minutes are used", len(minutes))
	}
}

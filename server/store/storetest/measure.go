package storetest

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"samtykke/consent"
	"samtykke/server/store"
)

// measured: what there is, and what waits for a checkpoint.
func measured(t *testing.T, db *store.DB) {
	ctx := context.Background()
	s, n := Site(t, db, "fjordfletvaerk")
	Site(t, db, "nordlysoglim")
	if _, err := db.Append(ctx, []consent.Record{Record(n, 1, consent.AcceptAll), Record(n, 2, consent.RejectAll)}); err != nil {
		t.Fatal(err)
	}
	if _, err := db.AskScan(ctx, store.ScanJob{ID: id(1, 7), Site: s.ID, Origin: store.ScanAsked, By: "ea", AskedAt: Day, Pages: 1}, time.Time{}); err != nil {
		t.Fatal(err)
	}
	m := must[store.Measure](t)(db.Measure(ctx, Day.Add(10*time.Minute)))
	acts := m.Logs["consents"]
	if m.Sites != 2 || acts.Entries != 2 || acts.Unsigned != 2 || acts.Waiting != 8*time.Minute || m.Scans[store.ScanQueued] != 1 || m.Database < 10000 {
		t.Errorf("%+v", m)
	}
	if err := db.SignLogs(ctx, Day.Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	m = must[store.Measure](t)(db.Measure(ctx, Day.Add(time.Hour)))
	if acts = m.Logs["consents"]; acts.Entries != 2 || acts.Unsigned != 0 || acts.Waiting != 0 {
		t.Errorf("signed: %+v", m)
	}
	if !m.Purged.IsZero() {
		t.Errorf("purged %v, never", m.Purged)
	}
	purged := Day.Add(2 * time.Hour)
	for _, run := range []store.PurgeRun{{Now: purged, Origin: store.ByJob}, {Now: purged.Add(time.Hour), Origin: store.ByPerson, Dry: true}} {
		if _, err := db.Purge(ctx, run); err != nil {
			t.Fatal(err)
		}
	}
	if m = must[store.Measure](t)(db.Measure(ctx, purged)); !m.Purged.Equal(purged) {
		t.Errorf("purged %v, want %v: counting alone is no deletion", m.Purged, purged)
	}
}

// siteEdits: of many who edit a site at once nobody's change is lost, and an edit that is refused changes nothing.
func siteEdits(t *testing.T, db *store.DB) {
	ctx := context.Background()
	s, _ := Site(t, db, "fjordfletvaerk")
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			_, err := db.EditSite(ctx, s.ID, func(site consent.Site) (consent.Site, error) {
				site.Banner.Days++
				return site, nil
			}, consent.NewDeed(Day, "ea@fjord.example", "settings_changed", s.ID))
			if err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	now := must[consent.Site](t)(db.Site(ctx, s.ID))
	if now.Banner.Days != s.Banner.Days+8 {
		t.Errorf("%d days, want %d", now.Banner.Days, s.Banner.Days+8)
	}
	page, _, err := db.Deeds(ctx, store.DeedFilter{Site: s.ID})
	if err != nil || len(page) != 8 || len(page[0].New) != 1 {
		t.Errorf("%d deeds, %v: %+v", len(page), err, page)
	}
	refused := errors.New("no")
	if _, err := db.EditSite(ctx, s.ID, func(site consent.Site) (consent.Site, error) { return consent.Site{}, refused }); !errors.Is(err, refused) {
		t.Errorf("error %v", err)
	}
	same(t, must[consent.Site](t)(db.Site(ctx, s.ID)), now)
	_, err = db.EditSite(ctx, "nosuchsite", func(site consent.Site) (consent.Site, error) { return site, nil })
	wantKind(t, err, consent.KindNotFound)
}

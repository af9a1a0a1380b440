package storetest

import (
	"encoding/json"
	"errors"
	"strconv"
	"sync"
	"testing"
	"time"

	"samtykke/consent"
	"samtykke/server/store"
)

// P2, P3: the audit log of a site and of the installation: in order, dense, in the ledger, and nobody else's.
func audit(t *testing.T, db *store.DB) {
	s, _ := Site(t, db, "fjordfletvaerk")
	other, _ := Site(t, db, "nordlysoglim")
	add := func(deeds ...consent.Deed) {
		t.Helper()
		if err := db.Audit(ctx, deeds...); err != nil {
			t.Fatal(err)
		}
	}
	first := consent.NewDeed(Day, "ea@fjord.example", "lookup", s.ID).With("17", nil)
	add(first)
	earlier := consent.NewDeed(Day.Add(-time.Hour), consent.ByCLI, "export", s.ID).With("", map[string]any{"format": "csv"})
	add(earlier, consent.NewDeed(Day, consent.ByJob, "purge", "").With("", map[string]any{"acts": 3}))
	for k := range 70 {
		add(consent.NewDeed(Day.Add(time.Duration(k)*time.Second), "bo@fjord.example", "list", s.ID))
	}
	page, next, err := db.Deeds(ctx, store.DeedFilter{Site: s.ID, Limit: 71})
	if err != nil || len(page) != 71 || next != "1" {
		t.Fatalf("%d entries, then %q, %v", len(page), next, err)
	}
	page, next, err = db.Deeds(ctx, store.DeedFilter{Site: s.ID, After: next})
	if err != nil || len(page) != 1 || next != "" || page[0].Seq != 0 {
		t.Fatalf("%+v, then %q, %v", page, next, err)
	}
	same(t, page[0].Deed, first)
	page, _, err = db.Deeds(ctx, store.DeedFilter{Site: s.ID, What: "export", Who: consent.ByCLI})
	if err != nil || len(page) != 1 || !page[0].At.Equal(Day) { // times in a log don't go back
		t.Errorf("%+v, %v", page, err)
	}
	for name, f := range map[string]store.DeedFilter{
		"another who": {Site: s.ID, What: "export", Who: "ea@fjord.example"}, "another what": {Site: s.ID, What: "erase"}, "another site": {Site: other.ID}, // R15
	} {
		if page, next, err := db.Deeds(ctx, f); len(page) > 0 || next != "" || err != nil {
			t.Errorf("%s: %+v, %q, %v", name, page, next, err)
		}
	}
	page, _, err = db.Deeds(ctx, store.DeedFilter{})
	if err != nil || len(page) != 1 || page[0].New["acts"] != json.Number("3") {
		t.Errorf("the installation's: %+v, %v", page, err)
	}
	_, _, err = db.Deeds(ctx, store.DeedFilter{After: "x"})
	wantKind(t, err, consent.KindInvalid)
	var want int64 = 2
	for e, err := range db.AuditEntries(ctx, s.ID, 2, 60) {
		if err != nil || e.Seq != want {
			t.Fatalf("entry %d at the place of %d, %v", e.Seq, want, err)
		}
		want++
	}
	same(t, want, int64(60))
	from, to, err := db.AuditRange(ctx, s.ID, Day.Add(time.Second), Day.Add(3*time.Second), 72)
	same(t, []any{from, to, err}, []any{int64(3), int64(5), nil})
	wantKind(t, db.Audit(ctx, consent.NewDeed(Day, "x@y.example", "list", "nosuchsite")), consent.KindNotFound)
	if err := db.Audit(ctx, consent.NewDeed(Day, "", "list", s.ID)); err == nil {
		t.Error("nobody did something")
	}
}

// A change and its entry are written together or not at all, and a change that changes nothing is none.
func auditChanges(t *testing.T, db *store.DB) {
	s, _ := Site(t, db, "fjordfletvaerk")
	deeds := func() int {
		t.Helper()
		page, _, err := db.Deeds(ctx, store.DeedFilter{Site: s.ID})
		if err != nil {
			t.Fatal(err)
		}
		return len(page)
	}
	did := func(what string) consent.Deed { return consent.NewDeed(Day, "ea@fjord.example", what, s.ID) }
	changed := s
	changed.Name, changed.Banner.Days = "Fjord", 200
	if err := db.UpdateSite(ctx, changed, consent.NewDeed(Day, "", "settings_changed", s.ID)); err == nil { // nobody
		t.Error("changed without an entry")
	}
	same(t, must[consent.Site](t)(db.Site(ctx, s.ID)), s)
	same(t, deeds(), 0)
	for range 2 {
		if err := db.UpdateSite(ctx, changed, did("settings_changed")); err != nil {
			t.Fatal(err)
		}
	}
	same(t, deeds(), 1)
	page, _, _ := db.Deeds(ctx, store.DeedFilter{Site: s.ID})
	same(t, page[0].Old, map[string]any{"name": s.Name, "banner.days": json.Number(strconv.Itoa(s.Banner.Days))})
	same(t, page[0].New, map[string]any{"name": "Fjord", "banner.days": json.Number("200")})

	refused := errors.New("not like this")
	edit := func([]consent.Item) ([]consent.Item, error) { return nil, refused }
	if err := db.EditItems(ctx, s.ID, edit, did("items_changed")); !errors.Is(err, refused) {
		t.Error(err)
	}
	same(t, deeds(), 1)
	item := consent.Item{Kind: consent.Cookie, Name: "_tl_id", Host: ".fjord.example", Category: consent.Statistics, Party: consent.FirstParty, Purpose: map[string]string{}}
	edit = func([]consent.Item) ([]consent.Item, error) { return []consent.Item{item}, nil }
	if err := db.EditItems(ctx, s.ID, edit, did("items_changed")); err != nil {
		t.Fatal(err)
	}
	item.Category = consent.Marketing
	if err := db.AddScan(ctx, s.ID, store.Scan{At: Day, Report: []byte("{}")}, edit, did("scan_imported")); err != nil {
		t.Fatal(err)
	}
	page, _, _ = db.Deeds(ctx, store.DeedFilter{Site: s.ID, What: "scan_imported"})
	same(t, page[0].Old, map[string]any{"cookie _tl_id fjord.example.category": "statistics"})
	same(t, page[0].New, map[string]any{"cookie _tl_id fjord.example.category": "marketing"})
	key := must[store.SigningKey](t)(db.RotateKey(ctx, time.Now().Add(time.Hour), consent.NewDeed(Day, consent.ByCLI, "key_rotated", "")))
	page, _, _ = db.Deeds(ctx, store.DeedFilter{What: "key_rotated"})
	if len(page) != 1 || page[0].New["key"] != key.Public() || page[0].Old["key"] == nil {
		t.Errorf("%+v", page)
	}
}

// Several people at once: every entry has a number of its own and none is lost.
func auditTogether(t *testing.T, db *store.DB) {
	s, _ := Site(t, db, "fjordfletvaerk")
	var wg sync.WaitGroup
	for w := range 4 {
		wg.Go(func() {
			for k := range 20 {
				site := []string{s.ID, ""}[(w+k)%2]
				if err := db.Audit(ctx, consent.NewDeed(Day, "ea@fjord.example", "list", site)); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	for _, site := range []string{s.ID, ""} {
		var n int64
		for e, err := range db.AuditEntries(ctx, site, 0, 100) {
			if err != nil || e.Seq != n {
				t.Fatalf("entry %d at the place of %d, %v", e.Seq, n, err)
			}
			n++
		}
		same(t, n, int64(40))
	}
}

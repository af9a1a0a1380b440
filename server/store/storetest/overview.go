package storetest

import (
	"slices"
	"testing"
	"time"

	"samtykke/consent"
	"samtykke/server/store"
)

// spread makes acts of a site over days: the k-th is k/4 days after Day; each third is a refusal, each fourth a choice of
// statistics alone, each sixth a withdrawal.
func spread(n consent.Notice, count int) []consent.Record {
	var all []consent.Record
	for k := range count {
		action := consent.AcceptAll
		switch {
		case k%6 == 5:
			action = consent.Withdraw
		case k%3 == 1:
			action = consent.RejectAll
		case k%4 == 2:
			action = consent.Custom
		}
		r := Record(n, k, action)
		if action == consent.Custom {
			r.Categories.Given, r.Language = consent.SetOf(consent.Statistics), "en"
		}
		r.At = Day.AddDate(0, 0, k/4).Add(time.Duration(k) * time.Minute)
		r.ValidUntil = r.At.Add(n.Content.Banner.Validity())
		all = append(all, r)
	}
	return all
}

// What is read is the same before, while and after days are summed up.
func sums(t *testing.T, db *store.DB) {
	s, n := Site(t, db, "fjordfletvaerk")
	other, m := Site(t, db, "nordlysoglim")
	entered(t, db, spread(n, 24)...)
	for _, r := range spread(m, 5) {
		r.ID[0], r.Visitor[0] = 9, 9
		entered(t, db, r)
	}
	both, end := []string{s.ID, other.ID}, Day.AddDate(0, 0, 9)
	before := must[[]store.SiteDay](t)(db.SumsByDay(ctx, both, Day, end))
	each := must[[]store.SiteDay](t)(db.SumsBySite(ctx, both, Day, end))
	if len(before) != 6 || len(each) != 8 {
		t.Fatalf("%d days, %d of both sites", len(before), len(each))
	}
	same(t, before[0], store.SiteDay{Day: Day.Truncate(24 * time.Hour), Sum: store.Sum{
		AcceptAll: 4, RejectAll: 2, Custom: 2, Preferences: 4, Statistics: 6, Marketing: 4,
	}})
	if before[1].Withdraw != 1 || before[1].Acts() != 5 || before[1].Answers() != 4 {
		t.Errorf("second day %+v", before[1])
	}
	for _, now := range []time.Time{Day.AddDate(0, 0, 3), Day.AddDate(0, 0, 3), Day.AddDate(0, 0, 20)} {
		if err := db.RollUp(ctx, now); err != nil {
			t.Fatal(err)
		}
		same(t, must[[]store.SiteDay](t)(db.SumsByDay(ctx, both, Day, end)), before)
		got := must[[]store.SiteDay](t)(db.SumsBySite(ctx, both, Day, end))
		byName := func(a, b store.SiteDay) int {
			if c := a.Day.Compare(b.Day); c != 0 {
				return c
			}
			if a.Site < b.Site {
				return -1
			}
			return 1
		}
		slices.SortFunc(got, byName)
		slices.SortFunc(each, byName)
		same(t, got, each)
	}
	if got := must[[]store.SiteDay](t)(db.SumsByDay(ctx, []string{other.ID}, Day, Day.AddDate(0, 0, 1))); len(got) != 1 || got[0].Acts() != 4 {
		t.Errorf("the other site %+v", got)
	}
	if got := must[[]store.SiteDay](t)(db.SumsByDay(ctx, nil, Day, end)); len(got) != 0 {
		t.Errorf("of no site %+v", got)
	}
	since, err := db.ActsSince(ctx, s.ID, Day, Day.AddDate(0, 0, 1))
	if err != nil || since != 4 {
		t.Errorf("%d acts on the first day, %v", since, err)
	}
}

// Days that are summed up follow when acts are withheld (T6), when they come back, and when counts are coarsened (T9).
func sumsFollow(t *testing.T, db *store.DB) {
	s, n := Site(t, db, "fjordfletvaerk")
	acts := spread(n, 8)
	entered(t, db, acts...)
	later := Day.AddDate(0, 0, 20)
	if err := db.RollUp(ctx, later); err != nil {
		t.Fatal(err)
	}
	sum := func() (all store.Sum) {
		for _, d := range must[[]store.SiteDay](t)(db.SumsByDay(ctx, []string{s.ID}, Day, later)) {
			all.Add(d.Sum)
		}
		return all
	}
	whole := sum()
	if _, err := db.Restrict(ctx, s.ID, acts[0].Visitor, true, later); err != nil {
		t.Fatal(err)
	}
	without := sum()
	if without.AcceptAll != whole.AcceptAll-1 || without.Marketing != whole.Marketing-1 || without.RejectAll != whole.RejectAll {
		t.Errorf("withheld: %+v of %+v", without, whole)
	}
	if _, err := db.Restrict(ctx, s.ID, acts[0].Visitor, false, later); err != nil {
		t.Fatal(err)
	}
	same(t, sum(), whole)
	purged(t, db, s.ID, Day.AddDate(6, 0, 0))
	coarse := sum()
	if coarse.Acts() != whole.Acts() || coarse.Marketing != 0 {
		t.Errorf("coarsened: %+v of %+v", coarse, whole)
	}
}

// A site's mark moves with each act, and its second half only when acts are withheld or come back: what is remembered under it is
// never more than is told (T6).
func marks(t *testing.T, db *store.DB) {
	s, n := Site(t, db, "fjordfletvaerk")
	other, _ := Site(t, db, "nordlysoglim")
	mark := func(site string) store.Mark {
		t.Helper()
		return must[map[string]store.Mark](t)(db.Marks(ctx, []string{s.ID, other.ID}))[site]
	}
	same(t, mark(s.ID), store.Mark{Entries: 0, Removals: -1})
	acts := spread(n, 3)
	entered(t, db, acts...)
	same(t, mark(s.ID), store.Mark{Entries: 3, Removals: -1})
	for k, on := range []bool{true, false} {
		if _, err := db.Restrict(ctx, s.ID, acts[0].Visitor, on, Day.AddDate(0, 0, 20)); err != nil {
			t.Fatal(err)
		}
		same(t, mark(s.ID), store.Mark{Entries: 4 + int64(k), Removals: 3 + int64(k)})
	}
	if _, err := db.EraseVisitor(ctx, s.ID, acts[1].Visitor, Day.AddDate(0, 0, 20)); err != nil {
		t.Fatal(err)
	}
	same(t, mark(s.ID), store.Mark{Entries: 6, Removals: 5})
	same(t, mark(other.ID), store.Mark{Entries: 0, Removals: -1})
}

// How many records an export has is never told too low.
func countedAtMost(t *testing.T, db *store.DB) {
	s, n := Site(t, db, "fjordfletvaerk")
	acts := spread(n, 24)
	entered(t, db, acts...)
	for _, f := range []store.Filter{
		{},
		{Action: consent.RejectAll},
		{Granted: consent.Statistics},
		{Notice: n.Hash},
		{From: Day.AddDate(0, 0, 2)},
		{To: Day.AddDate(0, 0, 2)},
		{From: Day.AddDate(0, 0, 1), To: Day.AddDate(0, 0, 3), Action: consent.AcceptAll},
	} {
		f.Site = s.ID
		most := must[int64](t)(db.CountAtMost(ctx, f))
		f.Limit = 100
		there := must[store.Page](t)(db.Consents(ctx, f))
		if have := int64(len(there.Records)); most < have || most > have+4 { // four a day
			t.Errorf("%+v: at most %d, are %d", f, most, have)
		}
	}
	if n := must[int64](t)(db.CountAtMost(ctx, store.Filter{Site: s.ID, Visitor: acts[0].Visitor})); n != 0 {
		t.Errorf("of a visitor %d", n)
	}
}

func shares(t *testing.T, db *store.DB) {
	s, n := Site(t, db, "fjordfletvaerk")
	entered(t, db, spread(n, 6)...)
	got := must[[]store.Share](t)(db.Shares(ctx, s.ID, Day, Day.AddDate(0, 0, 2)))
	var all int64
	for _, g := range got {
		all += g.N
		if g.Version != 1 || g.Action == consent.Custom && (g.Language != "en" || g.Given != consent.SetOf(consent.Statistics)) {
			t.Errorf("share %+v", g)
		}
	}
	if all != 6 || len(got) != 4 {
		t.Errorf("%d acts in %d shares", all, len(got))
	}
}

func siteHeads(t *testing.T, db *store.DB) {
	s, _ := Site(t, db, "fjordfletvaerk")
	bare := s
	bare.ID = "nordlysoglim"
	if err := db.AddSite(ctx, bare, nil); err != nil {
		t.Fatal(err)
	}
	items := []consent.Item{{Kind: consent.Cookie, Name: "a", Category: consent.Unclassified}, {Kind: consent.Cookie, Name: `"category":"unclassified"`, Category: consent.Marketing}}
	if err := db.EditItems(ctx, s.ID, func([]consent.Item) ([]consent.Item, error) { return items, nil }); err != nil {
		t.Fatal(err)
	}
	for k := range 2 {
		scan := store.Scan{At: Day.AddDate(0, 0, k), Report: []byte("{}"), Summary: []byte(`{"pages":` + string(rune('1'+k)) + `}`)}
		if err := db.AddScan(ctx, s.ID, scan, func(items []consent.Item) ([]consent.Item, error) { return items, nil }); err != nil {
			t.Fatal(err)
		}
	}
	if err := db.ChangeAlarms(ctx, s.ID, Day, func([]store.Alarm) ([]store.Alarm, []int64) {
		return []store.Alarm{{Kind: store.AlarmItem, Subject: "a"}, {Kind: store.AlarmItem, Subject: "b"}}, nil
	}); err != nil {
		t.Fatal(err)
	}
	got := must[map[string]store.SiteHead](t)(db.SiteHeads(ctx, []string{s.ID, bare.ID}))
	same(t, got, map[string]store.SiteHead{
		s.ID:    {Version: 1, ValidFrom: Day, ScannedAt: Day.AddDate(0, 0, 1), Summary: []byte(`{"pages":2}`), Unclassified: 1, Alarms: 2},
		bare.ID: {Summary: []byte{}},
	})
}

func steps(t *testing.T, db *store.DB) {
	s, _ := Site(t, db, "fjordfletvaerk")
	for _, skipped := range []bool{true, false} {
		want := store.Step{Name: "tag", By: "ea@fjord.example", Skipped: skipped, At: Day}
		if err := db.SetStep(ctx, s.ID, want); err != nil {
			t.Fatal(err)
		}
		same(t, must[map[string]store.Step](t)(db.Steps(ctx, s.ID)), map[string]store.Step{"tag": want})
	}
	wantKind(t, db.SetStep(ctx, "nosuchsite", store.Step{Name: "tag", At: Day}), consent.KindNotFound)
}

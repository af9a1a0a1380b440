package storetest

import (
	"testing"
	"time"

	"github.com/google/uuid"

	"samtykke/consent"
	"samtykke/server/store"
)

// purged lets a purge run and returns how many acts it took from the site; a dry run before it must count the same.
func purged(t *testing.T, db *store.DB, site string, now time.Time) int64 {
	t.Helper()
	run := store.PurgeRun{Now: now, Site: site, Origin: store.ByJob, Dry: true}
	would := must[[]store.Purged](t)(db.Purge(ctx, run))
	run.Dry = false
	did := must[[]store.Purged](t)(db.Purge(ctx, run))
	if len(would) != 1 || len(did) != 1 || would[0].Consents != did[0].Consents || would[0].Refusals != did[0].Refusals {
		t.Errorf("at %v a dry run counts %+v, deleted were %+v", now, would, did)
		return -1
	}
	return did[0].Acts()
}

// left are the ids of a site's acts in the order of the log.
func left(t *testing.T, db *store.DB, site string) []uuid.UUID {
	t.Helper()
	ids := []uuid.UUID{}
	for _, r := range must[store.Page](t)(db.Consents(ctx, store.Filter{Site: site, Limit: 1000})).Records {
		ids = append([]uuid.UUID{r.ID}, ids...)
	}
	return ids
}

// by makes an act of a visitor at a time.
func by(n consent.Notice, k int, visitor uuid.UUID, at time.Time, action consent.Action) consent.Record {
	r := Record(n, k, action)
	r.Visitor, r.At, r.ValidUntil = visitor, at, at.Add(n.Content.Banner.Validity())
	return r
}

func entered(t *testing.T, db *store.DB, records ...consent.Record) {
	t.Helper()
	for i, err := range must[[]error](t)(db.Append(ctx, records)) {
		if err != nil {
			t.Fatalf("record %d: %v", i, err)
		}
	}
}

// T1, T2: a consent goes 24 months after it ended, a refusal 12 months after it was made; counts stay (T9).
func purge(t *testing.T, db *store.DB) {
	s, n := Site(t, db, "fjordfletvaerk")
	yes, no := Record(n, 1, consent.AcceptAll), Record(n, 2, consent.RejectAll)
	entered(t, db, yes, no)
	for _, c := range []struct {
		now  time.Time
		gone int64
		left []uuid.UUID
	}{
		{no.At.AddDate(0, 12, 0), 0, []uuid.UUID{yes.ID, no.ID}},
		{no.At.AddDate(0, 12, 0).Add(time.Millisecond), 1, []uuid.UUID{yes.ID}},
		{yes.ValidUntil.AddDate(0, 24, 0), 0, []uuid.UUID{yes.ID}},
		{yes.ValidUntil.AddDate(0, 24, 1), 1, []uuid.UUID{}},
	} {
		if gone := purged(t, db, s.ID, c.now); gone != c.gone {
			t.Errorf("at %v %d were purged, want %d", c.now, gone, c.gone)
		}
		same(t, left(t, db, s.ID), c.left)
	}
	days := must[[]store.DayCount](t)(db.Daily(ctx, s.ID, Day, Day.AddDate(0, 0, 1)))
	same(t, days[0].Counts, map[consent.Action]int64{consent.AcceptAll: 1, consent.RejectAll: 1})
}

// T1: a consent ends when it has expired and what replaced it was made; what ended it stays as long as it does.
func purgeEnded(t *testing.T, db *store.DB) {
	s, n := Site(t, db, "fjordfletvaerk")
	early, late, withdrew := uuid.New(), uuid.New(), uuid.New()
	day := func(months, days int) time.Time { return Day.AddDate(0, months, days) }
	acts := []consent.Record{
		by(n, 0, early, day(0, 0), consent.AcceptAll),    // replaced while it counted: ended when it expired, after 365 days
		by(n, 1, withdrew, day(0, 1), consent.AcceptAll), // withdrawn while it counted
		by(n, 2, withdrew, day(1, 0), consent.Withdraw),
		by(n, 3, late, day(1, 1), consent.AcceptAll), // expired, and replaced three months later
		by(n, 4, early, day(2, 0), consent.AcceptAll),
		by(n, 5, late, day(16, 0), consent.AcceptAll),
		by(n, 6, late, day(30, 0), consent.AcceptAll), // replaces number 5 and not number 3
	}
	entered(t, db, acts...)
	for _, c := range []struct {
		months, days int
		left         []int
	}{
		{30, 0, []int{0, 1, 2, 3, 4, 5, 6}}, // the withdrawal is more than 12 months old, the consent that it ended is there
		{36, 0, []int{0, 1, 2, 3, 4, 5, 6}},
		{36, 1, []int{1, 2, 3, 4, 5, 6}},
		{36, 3, []int{3, 4, 5, 6}},
		{38, 2, []int{3, 5, 6}},
		{40, 0, []int{3, 5, 6}},
		{40, 1, []int{5, 6}},
		{54, 0, []int{5, 6}}, // expired after 28 months, replaced after 30
		{54, 1, []int{6}},
	} {
		purged(t, db, s.ID, day(c.months, c.days))
		var want []uuid.UUID
		for _, i := range c.left {
			want = append(want, acts[i].ID)
		}
		if got := left(t, db, s.ID); len(got) != len(want) {
			t.Errorf("after %d months and %d days %d acts are left, want %v", c.months, c.days, len(got), c.left)
		} else {
			same(t, got, want)
		}
	}
}

// T1: each site has its own months. Those that a notice promised count where they are shorter.
func purgeMonths(t *testing.T, db *store.DB) {
	s, n := Site(t, db, "fjordfletvaerk")
	other, m := Site(t, db, "nordlysoglim")
	entered(t, db, Record(n, 1, consent.AcceptAll), Record(n, 2, consent.RejectAll))
	entered(t, db, Record(m, 3, consent.AcceptAll), Record(m, 4, consent.RejectAll))
	set := func(r consent.Retention) {
		t.Helper()
		s.Retention = r
		if err := s.Validate(); err != nil {
			t.Fatal(err)
		}
		if err := db.UpdateSite(ctx, s); err != nil {
			t.Fatal(err)
		}
	}
	set(consent.Retention{Consent: 60, Refusal: 60})
	if n := purged(t, db, s.ID, Day.AddDate(0, 12, 1)); n != 1 {
		t.Errorf("%d went; the visitors were promised 12 months", n)
	}
	set(consent.Retention{Consent: 1, Refusal: 1})
	if n := purged(t, db, s.ID, Day.AddDate(0, 12, 1)); n != 0 {
		t.Errorf("%d went before the month was over", n)
	}
	if n := purged(t, db, s.ID, Day.AddDate(0, 13, 1)); n != 1 {
		t.Errorf("%d went when the month was over", n)
	}
	same(t, len(left(t, db, other.ID)), 2)
	for _, bad := range []consent.Retention{{Consent: 61}, {Consent: -1}, {Refusal: 61}} {
		s.Retention = bad
		wantKind(t, s.Validate(), consent.KindInvalid)
	}
	second := Notice(s, 2) // a notice that promised the longer time
	second.Content.Retention = consent.Retention{Consent: 30, Refusal: 30}
	set(consent.Retention{Consent: 60, Refusal: 60})
	if err := db.Publish(ctx, second); err != nil {
		t.Fatal(err)
	}
	entered(t, db, by(second, 5, uuid.New(), Day.AddDate(0, 14, 0), consent.RejectAll))
	if n := purged(t, db, s.ID, Day.AddDate(0, 44, 0)); n != 0 {
		t.Errorf("%d went before 30 months were over", n)
	}
	if n := purged(t, db, s.ID, Day.AddDate(0, 44, 1)); n != 1 {
		t.Errorf("%d went after 30 months", n)
	}
}

// T2: purges are in slices of 250 and say so in the ledger; the report names nobody.
func purgeReports(t *testing.T, db *store.DB) {
	s, n := Site(t, db, "fjordfletvaerk")
	var group []consent.Record
	for k := range 1200 {
		group = append(group, by(n, k, id(k, 4), Day.Add(time.Duration(k)*time.Second), consent.Actions[k%2]))
	}
	entered(t, db, group...)
	told := 0
	did := must[[]store.Purged](t)(db.Purge(ctx, store.PurgeRun{Now: Day.AddDate(0, 12, 1), Origin: store.ByCommand, Tell: func(store.Purged) { told++ }}))
	same(t, did, []store.Purged{{Site: s.ID, At: Day.AddDate(0, 12, 1), Origin: store.ByCommand, Refusals: 600}})
	if told != 3 {
		t.Errorf("told %d times of three slices", told)
	}
	dry := must[[]store.Purged](t)(db.Purge(ctx, store.PurgeRun{Now: Day.AddDate(0, 40, 0), Site: s.ID, Origin: store.ByPerson, Dry: true}))
	same(t, dry, []store.Purged{{Site: s.ID, At: Day.AddDate(0, 40, 0), Origin: store.ByPerson, Dry: true, Consents: 600}})
	same(t, must[[]store.Purged](t)(db.Purges(ctx, s.ID, 10)), []store.Purged{dry[0], did[0]})
	removals := 0
	for e, err := range db.Removals(ctx, s.ID, 0, 1<<40) {
		if err != nil || e.Seq < 1200 {
			t.Fatal(e, err)
		}
		removals++
	}
	if removals != 3 {
		t.Errorf("the log has %d entries about what was purged, want 3", removals)
	}
	_, err := db.Purge(ctx, store.PurgeRun{Now: Day, Site: "nosuchsite"})
	wantKind(t, err, consent.KindNotFound)
}

// T1, T7: what is locked goes by the same rules, but not while the site is under a legal hold.
func purgeLocked(t *testing.T, db *store.DB) {
	s, n := Site(t, db, "fjordfletvaerk")
	yes := Record(n, 1, consent.AcceptAll)
	entered(t, db, yes)
	hold := must[store.Hold](t)(db.AddHold(ctx, s.ID, store.Hold{Reason: "A claim", Person: "Ea", From: Day, Review: Day.AddDate(1, 0, 0)}))
	must[store.Restriction](t)(db.Restrict(ctx, s.ID, yes.Visitor, true, Day))
	later := store.PurgeRun{Now: Day.AddDate(0, 40, 0), Origin: store.ByJob}
	if p := must[[]store.Purged](t)(db.Purge(ctx, later)); p[0].Acts() != 0 {
		t.Errorf("under a hold %+v went", p)
	}
	must[int64](t)(db.EndHold(ctx, s.ID, hold.Num, "Ea", Day))
	if p := must[[]store.Purged](t)(db.Purge(ctx, later)); p[0].Consents != 1 || p[0].Locked != 1 {
		t.Errorf("without a hold %+v went", p)
	}
	if acts := must[[]store.OwnAct](t)(db.OwnActs(ctx, s.ID, yes.Visitor)); len(acts) > 0 {
		t.Errorf("%d acts are left", len(acts))
	}
}

// T9: counts outlive the acts; those that few share lose their details.
func purgedCounts(t *testing.T, db *store.DB) {
	s, n := Site(t, db, "fjordfletvaerk")
	var group []consent.Record
	for k := range 9 {
		r := Record(n, k, consent.RejectAll)
		if k > 5 {
			r.Language = []string{"de", "sv", "mt"}[k-6]
		}
		group = append(group, r)
	}
	entered(t, db, group...)
	purged(t, db, s.ID, Day.AddDate(0, 12, 1))
	days := must[[]store.DayCount](t)(db.Daily(ctx, s.ID, Day, Day.AddDate(0, 0, 1)))
	same(t, days[0].Counts, map[consent.Action]int64{consent.RejectAll: 9})
}

// T8: everything of a site goes, and nothing of another's.
func deleteSite(t *testing.T, db *store.DB) {
	s, n := Site(t, db, "fjordfletvaerk")
	other, m := Site(t, db, "nordlysoglim")
	var group []consent.Record
	for k := range 700 {
		group = append(group, Record(n, k, consent.Actions[k%2]))
	}
	entered(t, db, group...)
	kept := Record(m, 1000, consent.AcceptAll)
	entered(t, db, kept)
	if err := db.AddPictures(ctx, n.Hash, []store.Picture{{PictureKey: store.PictureKey{Language: "da", Device: "mobile", Layer: 1}, At: Day, PNG: []byte("png")}}); err != nil {
		t.Fatal(err)
	}
	if err := db.AddScan(ctx, s.ID, store.Scan{At: Day, Report: []byte("{}")}, func(i []consent.Item) ([]consent.Item, error) { return i, nil }); err != nil {
		t.Fatal(err)
	}
	must[store.Restriction](t)(db.Restrict(ctx, s.ID, group[0].Visitor, true, Day))
	must[store.Erasure](t)(db.EraseVisitor(ctx, s.ID, group[1].Visitor, Day))
	purged(t, db, s.ID, Day)
	if err := db.SignLogs(ctx, Day); err != nil {
		t.Fatal(err)
	}
	hold := must[store.Hold](t)(db.AddHold(ctx, s.ID, store.Hold{Reason: "A claim", Person: "Ea", From: Day, Review: Day.AddDate(1, 0, 0)}))
	_, err := db.DeleteSite(ctx, s.ID, Day)
	wantKind(t, err, consent.KindConflict)
	must[int64](t)(db.EndHold(ctx, s.ID, hold.Num, "Ea", Day))

	got := must[store.Deleted](t)(db.DeleteSite(ctx, s.ID, Day))
	same(t, got, store.Deleted{Site: s.ID, At: Day, Acts: 699, Notices: 1, Pictures: 1, Scans: 1, Days: 1})
	_, err = db.DeleteSite(ctx, s.ID, Day)
	wantKind(t, err, consent.KindNotFound)
	// Who still sends acts to it is told so, and others in the same group are not held up.
	errs := must[[]error](t)(db.Append(ctx, []consent.Record{Record(n, 2000, consent.AcceptAll), Record(m, 2001, consent.AcceptAll)}))
	wantKind(t, errs[0], consent.KindNotFound)
	same(t, errs[1], error(nil))
	same(t, left(t, db, other.ID), []uuid.UUID{kept.ID, Record(m, 2001, consent.AcceptAll).ID})
}

package storetest

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"samtykke/consent"
	"samtykke/server/ledger"
	"samtykke/server/store"
)

// visit stores two acts of one visitor and one of somebody else, and returns the first two.
func visit(t *testing.T, db *store.DB) (consent.Site, []consent.Record) {
	s, n := Site(t, db, "fjordfletvaerk")
	yes, no, other := Record(n, 1, consent.AcceptAll), Record(n, 2, consent.Withdraw), Record(n, 3, consent.AcceptAll)
	no.Visitor, no.Cleared = yes.Visitor, []string{"_tl_id"}
	must[[]error](t)(db.Append(ctx, []consent.Record{yes, no, other}))
	return s, []consent.Record{yes, no}
}

// seen is how many acts lists, statistics and exports of a site show.
func seen(t *testing.T, db *store.DB, site string) []int64 {
	t.Helper()
	listed := len(must[store.Page](t)(db.Consents(ctx, store.Filter{Site: site})).Records)
	var counted, exported int64
	for _, day := range must[[]store.DayCount](t)(db.Daily(ctx, site, Day, Day.AddDate(0, 0, 1))) {
		for _, n := range day.Counts {
			counted += n
		}
	}
	for e, err := range db.Entries(ctx, site, 0, 1000) {
		if err != nil {
			t.Fatal(err)
		}
		if e.Removal == nil {
			exported++
		}
	}
	return []int64{int64(listed), counted, exported}
}

func own(t *testing.T, db *store.DB, site string, visitor uuid.UUID) (records []consent.Record, locks []store.Lock) {
	t.Helper()
	for _, a := range must[[]store.OwnAct](t)(db.OwnActs(ctx, site, visitor)) {
		records, locks = append(records, a.Record), append(locks, a.Lock)
	}
	return records, locks
}

// GDPR art. 18, T6: what is restricted is out of lists, statistics and exports and comes back as it was; what is new is recorded.
func restrict(t *testing.T, db *store.DB) {
	s, acts := visit(t, db)
	visitor := acts[0].Visitor
	before := must[[]store.OwnAct](t)(db.OwnActs(ctx, s.ID, visitor))
	other, _ := Site(t, db, "nordlysoglim")
	for _, stranger := range []struct {
		site    string
		visitor uuid.UUID
	}{{other.ID, visitor}, {s.ID, uuid.New()}, {s.ID, uuid.Nil}} { // R15
		same(t, must[store.Restriction](t)(db.Restrict(ctx, stranger.site, stranger.visitor, true, Day)), store.Restriction{})
	}
	same(t, seen(t, db, s.ID), []int64{3, 3, 3})
	same(t, must[store.Restriction](t)(db.Restrict(ctx, s.ID, visitor, true, Day)), store.Restriction{Changed: 2, Restricted: 2})
	same(t, must[store.Restriction](t)(db.Restrict(ctx, s.ID, visitor, true, Day)), store.Restriction{Restricted: 2})
	same(t, seen(t, db, s.ID), []int64{1, 1, 1})
	records, locks := own(t, db, s.ID, visitor)
	same(t, records, acts)
	same(t, locks, []store.Lock{store.Restricted, store.Restricted})
	same(t, must[map[store.Lock]int64](t)(db.LockedCounts(ctx, s.ID)), map[store.Lock]int64{store.Restricted: 2})
	if records, _ := own(t, db, other.ID, visitor); len(records) > 0 {
		t.Error("another site sees the visitor's acts")
	}

	again := acts[1]
	again.ID, again.At = id(50, 7), acts[1].At.Add(time.Hour)
	again.ValidUntil, again.Cleared = acts[1].ValidUntil.Add(time.Hour), nil
	must[[]error](t)(db.Append(ctx, []consent.Record{again}))
	same(t, seen(t, db, s.ID), []int64{2, 2, 2})
	same(t, must[store.Restriction](t)(db.Restrict(ctx, s.ID, visitor, true, Day)), store.Restriction{Changed: 1, Restricted: 3})

	same(t, must[store.Restriction](t)(db.Restrict(ctx, s.ID, visitor, false, Day)), store.Restriction{Changed: 3})
	same(t, seen(t, db, s.ID), []int64{4, 4, 4})
	same(t, must[[]store.OwnAct](t)(db.OwnActs(ctx, s.ID, visitor))[:2], before)
	wantLog(t, db, s.ID, "unlocked 3", "locked 1", "locked 2")
}

// An act that a browser sends again while it is restricted is recorded, and counted once when the restriction ends.
func restrictTwin(t *testing.T, db *store.DB) {
	s, acts := visit(t, db)
	must[store.Restriction](t)(db.Restrict(ctx, s.ID, acts[0].Visitor, true, Day))
	if errs := must[[]error](t)(db.Append(ctx, acts[:1])); errs[0] != nil {
		t.Fatal(errs[0])
	}
	same(t, must[store.Restriction](t)(db.Restrict(ctx, s.ID, acts[0].Visitor, false, Day)), store.Restriction{Changed: 1, Restricted: 1})
	same(t, seen(t, db, s.ID), []int64{3, 3, 3})
}

// T5, T7: under a legal hold erasing means locking, at once without the optional fields; when the last hold ends, what
// waited is erased.
func holds(t *testing.T, db *store.DB) {
	s, n := Site(t, db, "fjordfletvaerk")
	other, _ := Site(t, db, "nordlysoglim")
	a, b, c := Record(n, 1, consent.AcceptAll), Record(n, 2, consent.AcceptAll), Record(n, 3, consent.AcceptAll)
	b.Path, b.Address, b.Visitor = "/kurv", netip.MustParsePrefix("203.0.113.0/24"), a.Visitor
	c.Cleared = []string{"_tl_id"}
	must[[]error](t)(db.Append(ctx, []consent.Record{a, b, c}))

	hold := store.Hold{Reason: "Klagesag 2026-17", Person: "Ea Holm", From: Day, Review: Day.AddDate(0, 6, 0)}
	first := must[store.Hold](t)(db.AddHold(ctx, s.ID, hold))
	second := must[store.Hold](t)(db.AddHold(ctx, s.ID, hold))
	same(t, must[[]store.Hold](t)(db.Holds(ctx, s.ID)), []store.Hold{second, first})
	same(t, len(must[[]store.Hold](t)(db.Holds(ctx, other.ID))), 0)

	must[store.Restriction](t)(db.Restrict(ctx, s.ID, a.Visitor, true, Day))
	same(t, must[store.Erasure](t)(db.EraseVisitor(ctx, s.ID, a.Visitor, Day)), store.Erasure{Locked: 2})
	same(t, must[store.Erasure](t)(db.EraseVisitor(ctx, s.ID, a.Visitor, Day)), store.Erasure{Locked: 2})
	same(t, must[store.Erasure](t)(db.EraseVisitor(ctx, s.ID, c.Visitor, Day)), store.Erasure{Locked: 1})
	same(t, must[store.Erasure](t)(db.EraseVisitor(ctx, s.ID, uuid.New(), Day)), store.Erasure{})
	same(t, seen(t, db, s.ID), []int64{0, 0, 0})
	bare := b
	bare.Path, bare.Address = "", netip.Prefix{}
	records, locks := own(t, db, s.ID, a.Visitor)
	same(t, records, []consent.Record{a, bare})
	same(t, locks, []store.Lock{store.AwaitsErasure, store.AwaitsErasure})
	for k, x := range must[[]store.OwnAct](t)(db.OwnActs(ctx, s.ID, a.Visitor)) {
		if x.Dropped != (k == 1) {
			t.Errorf("act %d: dropped is %v", k, x.Dropped)
		}
	}
	// Whoever asked for erasure can't get the record back into use, nor can anybody else.
	same(t, must[store.Restriction](t)(db.Restrict(ctx, s.ID, a.Visitor, false, Day)), store.Restriction{})

	_, err := db.EndHold(ctx, other.ID, first.Num, "Ea Holm", Day) // R15
	wantKind(t, err, consent.KindNotFound)
	same(t, must[int64](t)(db.EndHold(ctx, s.ID, first.Num, "Ea Holm", Day)), int64(0))
	_, err = db.EndHold(ctx, s.ID, first.Num, "Ea Holm", Day)
	wantKind(t, err, consent.KindNotFound)
	same(t, must[int64](t)(db.EndHold(ctx, s.ID, second.Num, "Ea Holm", Day)), int64(3))
	if records, _ := own(t, db, s.ID, a.Visitor); len(records) > 0 {
		t.Errorf("%d acts are left", len(records))
	}
	same(t, len(must[map[store.Lock]int64](t)(db.LockedCounts(ctx, s.ID))), 0)
	wantLog(t, db, s.ID, "erased 3", "locked 1", "locked 2", "locked 2")
	ended := must[[]store.Hold](t)(db.Holds(ctx, s.ID))
	if ended[0].Ended == nil || !ended[0].Ended.Equal(Day) || ended[0].EndedBy != "Ea Holm" {
		t.Errorf("%+v", ended[0])
	}
}

// What is restricted can still be erased, and optional fields come back with what was only restricted.
func eraseRestricted(t *testing.T, db *store.DB) {
	s, n := Site(t, db, "fjordfletvaerk")
	a, b := Record(n, 1, consent.AcceptAll), Record(n, 2, consent.AcceptAll)
	b.Path = "/kurv"
	must[[]error](t)(db.Append(ctx, []consent.Record{a, b}))
	for _, r := range []consent.Record{a, b} {
		must[store.Restriction](t)(db.Restrict(ctx, s.ID, r.Visitor, true, Day))
	}
	same(t, must[store.Erasure](t)(db.EraseVisitor(ctx, s.ID, a.Visitor, Day)), store.Erasure{Deleted: 1})
	must[store.Restriction](t)(db.Restrict(ctx, s.ID, b.Visitor, false, Day))
	same(t, must[store.Page](t)(db.Consents(ctx, store.Filter{Site: s.ID})).Records, []consent.Record{b})
}

// T7: a hold without a reason, a person or a day of review is none.
func holdsSayWhy(t *testing.T, db *store.DB) {
	s, _ := Site(t, db, "fjordfletvaerk")
	for name, change := range map[string]func(*store.Hold){
		"no reason": func(h *store.Hold) { h.Reason = "" }, "no person": func(h *store.Hold) { h.Person = "" },
		"no review": func(h *store.Hold) { h.Review = time.Time{} }, "review before": func(h *store.Hold) { h.Review = h.From },
		"review too late": func(h *store.Hold) { h.Review = h.From.AddDate(2, 0, 1) }, "long reason": func(h *store.Hold) { h.Reason = strings.Repeat("x", 1001) },
	} {
		h := store.Hold{Reason: "Klagesag", Person: "Ea Holm", From: Day, Review: Day.AddDate(0, 1, 0)}
		change(&h)
		if _, err := db.AddHold(ctx, s.ID, h); consent.KindOf(err) != consent.KindInvalid {
			t.Errorf("%s: %v", name, err)
		}
	}
	same(t, len(must[[]store.Hold](t)(db.Holds(ctx, s.ID))), 0)
}

// wantLog compares what the log tells of visitors' rights, the newest first, and that it names nobody (T5).
func wantLog(t *testing.T, db *store.DB, site string, want ...string) {
	t.Helper()
	var got []string
	for _, u := range must[[]store.RightsUsed](t)(db.RightsLog(ctx, site, 100)) {
		got = append(got, fmt.Sprint(u.Type, " ", u.Acts))
	}
	same(t, got, want)
	for e, err := range db.Removals(ctx, site, 0, 1000) {
		if err != nil {
			t.Fatal(err)
		}
		r, err := ledger.ParseRemoval(e.Removal)
		if err != nil || strings.Contains(string(e.Removal), "visitor") || !slices.Contains([]string{ledger.Erased, ledger.Locked, ledger.Unlocked}, r.Type) {
			t.Errorf("entry %d: %s, %v", e.Seq, e.Removal, err)
		}
	}
}

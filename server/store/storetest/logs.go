package storetest

import (
	"bytes"
	"database/sql"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"samtykke/consent"
	"samtykke/server/ledger"
	"samtykke/server/store"
)

// Logs is the suite of the logs: what every engine's must hold. fresh makes a new, empty database and gives its target; it
// is opened more than once, as several servers do.
func Logs(t *testing.T, fresh func(t *testing.T) string) {
	for name, test := range map[string]func(*testing.T, string){
		"order": logOrder, "repetition": logRepetition, "two servers": logTwoServers, "any record": logAnyRecord, "pages": logPages,
		"erasure": logErasure, "erased while sent again": logEraseAgain, "purge": logPurge, "range": logRange, "checkpoints": logCheckpoints,
		"clock set back": logClockSetBack, "keys": logKeys, "keys of two servers": logKeysTogether, "large groups": logLargeGroups,
	} {
		t.Run(name, func(t *testing.T) { test(t, fresh(t)) })
	}
}

func openStore(t *testing.T, target string) *store.DB {
	t.Helper()
	db := must[*store.DB](t)(store.Open(ctx, target))
	t.Cleanup(func() { db.Close() })
	return db
}

// Raw opens a database behind the store's back.
func Raw(t testing.TB, target string) *sql.DB {
	t.Helper()
	driver, source := "sqlite", target+"?_pragma=busy_timeout(10000)"
	if strings.HasPrefix(target, "postgres") {
		driver, source = "pgx", target
	}
	db, err := sql.Open(driver, source)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}

func appendAll(t *testing.T, db *store.DB, group ...consent.Record) {
	t.Helper()
	for i, err := range must[[]error](t)(db.Append(ctx, group)) {
		if err != nil {
			t.Fatalf("record %d: %v", i, err)
		}
	}
}

func entries(t *testing.T, db *store.DB, site string) []store.Entry {
	t.Helper()
	var out []store.Entry
	for e, err := range db.Entries(ctx, site, 0, 1<<40) {
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, e)
	}
	return out
}

// verified signs a site's log, exports all of it and verifies that; it answers what was proven and the entries that are there.
func verified(t *testing.T, db *store.DB, site string, now time.Time) (ledger.Result, []store.Entry) {
	t.Helper()
	if err := db.SignLogs(ctx, now); err != nil {
		t.Fatal(err)
	}
	log := must[store.Log](t)(db.Log(ctx, site))
	keys := must[[]store.SigningKey](t)(db.Keys(ctx))
	head := ledger.Head{Origin: log.Origin, Checkpoint: log.Checkpoint, Key: keys[len(keys)-1].Public(), To: log.Size}
	for _, k := range keys[1:] {
		head.Rotations = append(head.Rotations, k.Rotation)
	}
	var file bytes.Buffer
	e := must[*ledger.Export](t)(ledger.NewExport(&file, log.Tiles, head, log.Size))
	list := entries(t, db, site)
	for _, x := range list {
		var err error
		if x.Removal != nil {
			err = e.Removal(x.Seq, x.Removal)
		} else {
			err = e.Record(x.Seq, x.Salt, x.Record.AppendCanonical(nil))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := e.Close(log.Size, nil); err != nil {
		t.Fatal(err)
	}
	signed := must[[]string](t)(db.Checkpoints(ctx, site))
	r, err := ledger.VerifyExport(&file, ledger.Options{Keys: []string{keys[0].Public()}, Earlier: signed})
	if err != nil {
		t.Fatalf("the log of %s does not verify: %v", site, err)
	}
	if r.Earlier != len(signed) {
		t.Errorf("%d of %d checkpoints agree", r.Earlier, len(signed))
	}
	return r, list
}

// dense checks that the numbers of a log are each there once and that its times never go back.
func dense(t *testing.T, list []store.Entry) {
	t.Helper()
	var at time.Time
	for i, e := range list {
		if e.Seq != int64(i) || e.Removal == nil && e.Record.At.Before(at) {
			t.Fatalf("entry %d has number %d and time %v after %v", i, e.Seq, e.Record.At, at)
		}
		if e.Removal == nil {
			at = e.Record.At
		}
	}
}

// R10: acts stand in the log as they came; a clock that went back doesn't take the log back, and the act counts as long.
func logOrder(t *testing.T, target string) {
	db := openStore(t, target)
	s, n := Site(t, db, "fjordfletvaerk")
	appendAll(t, db, Record(n, 5, consent.AcceptAll), Record(n, 3, consent.RejectAll))
	appendAll(t, db, Record(n, 4, consent.AcceptAll), Record(n, 9, consent.RejectAll))
	_, list := verified(t, db, s.ID, Day)
	dense(t, list)
	for i, k := range []int{5, 3, 4, 9} {
		want := Record(n, k, consent.Actions[i%2])
		want.At = Day.Add(time.Duration(max(k, 5)) * time.Minute)
		want.ValidUntil = want.At.Add(n.Content.Banner.Validity())
		same(t, list[i].Record, want)
		e := must[store.Entry](t)(db.Salted(ctx, s.ID, want.Visitor, want.ID))
		same(t, e, list[i])
		if len(e.Salt) != ledger.SaltLen {
			t.Errorf("a salt of %d bytes", len(e.Salt))
		}
	}
	_, err := db.Salted(ctx, s.ID, uuid.New(), uuid.New())
	wantKind(t, err, consent.KindNotFound)
}

// R1: what is sent again takes no entry, alone or in a group with others, nor does what is refused.
func logRepetition(t *testing.T, target string) {
	db := openStore(t, target)
	s, n := Site(t, db, "fjordfletvaerk")
	a, b := Record(n, 1, consent.AcceptAll), Record(n, 2, consent.RejectAll)
	other := a
	other.Action, other.Categories = consent.RejectAll, consent.NoneOf(a.Categories.Asked)
	unknown := Record(n, 3, consent.AcceptAll)
	unknown.Notice[0]++
	for range 3 {
		must[[]error](t)(db.Append(ctx, []consent.Record{a, a, other, unknown}))
		must[[]error](t)(db.Append(ctx, []consent.Record{unknown}))
		must[[]error](t)(db.Append(ctx, []consent.Record{b, a, b}))
	}
	r, list := verified(t, db, s.ID, Day)
	dense(t, list)
	if r.Records != 2 || r.Checkpoint.Size != 2 {
		t.Errorf("%+v", r)
	}
}

// Two servers on one database, each with several writers, each group with acts of several sites and some that the other
// sends too: numbers are dense, nothing is lost, nothing is there twice.
func logTwoServers(t *testing.T, target string) {
	one, two := openStore(t, target), openStore(t, target)
	var ns []consent.Notice
	for _, id := range []string{"fjordfletvaerk", "nordlysoglim", "tallerkenogske"} {
		_, n := Site(t, one, id)
		ns = append(ns, n)
	}
	const writers, groups = 3, 12
	var wg sync.WaitGroup
	for w := range 2 * writers {
		db := []*store.DB{one, two}[w%2]
		wg.Go(func() {
			for g := range groups {
				var group []consent.Record
				for k, n := range ns {
					group = append(group, Record(n, 1e6*(k+1)+1000*w+g, consent.AcceptAll), Record(n, 1e6*(k+1)+900_000+g, consent.RejectAll))
				}
				if w%3 == 1 {
					slices.Reverse(group)
				}
				errs, err := db.Append(ctx, group)
				if err != nil || slices.ContainsFunc(errs, func(err error) bool { return err != nil }) {
					t.Error(err, errs)
					return
				}
				if g%4 == w%4 {
					if err := db.SignLogs(ctx, Day); err != nil {
						t.Error(err)
					}
				}
			}
		})
	}
	wg.Wait()
	for k, n := range ns {
		r, list := verified(t, one, n.Site, Day)
		dense(t, list)
		if want := int64(2*writers*groups + groups); r.Records != want {
			t.Errorf("%s has %d records, want %d", n.Site, r.Records, want)
		}
		seen := map[uuid.UUID]int{}
		for _, e := range list {
			seen[e.Record.ID]++
		}
		for w := range 2 * writers {
			for g := range groups {
				if seen[Record(n, 1e6*(k+1)+1000*w+g, consent.AcceptAll).ID] != 1 || seen[Record(n, 1e6*(k+1)+900_000+g, consent.RejectAll).ID] != 1 {
					t.Errorf("%s: group %d of writer %d is not there once", n.Site, g, w)
				}
			}
		}
	}
}

// Whatever a valid record holds, its leaf is that of what is read back.
func logAnyRecord(t *testing.T, target string) {
	db := openStore(t, target)
	s, n := Site(t, db, "fjordfletvaerk")
	odd := []string{`"`, `\`, `\u0000`, "<&>'", "\u2028\u2029", "\U0001F36A", "æøå", "a\u0308", "%00", "{}", `","proof":{`, "\ufeff", "\u00a0", "null"}
	var group []consent.Record
	for k, x := range odd {
		r := Record(n, k, consent.Custom)
		r.Path, r.Cleared, r.Remaining, r.Refused = "/"+x, []string{x, x}, []string{x}, []string{"statistics/" + x}
		r.Categories.Given = consent.SetOf(consent.Statistics)
		r.Address = consent.Truncate(netip.AddrFrom4([4]byte{192, 0, 2, byte(k)}))
		if err := r.Validate(); err != nil {
			t.Fatalf("%q: %v", x, err)
		}
		group = append(group, r)
	}
	appendAll(t, db, group...)
	_, list := verified(t, db, s.ID, Day)
	for i := range group {
		same(t, list[i].Record, group[i])
	}
}

// More entries than fit a page, removals among them: in order, and any part of them.
func logPages(t *testing.T, target string) {
	db := openStore(t, target)
	s, n := Site(t, db, "fjordfletvaerk")
	var group []consent.Record
	for k := range 1100 {
		group = append(group, Record(n, k, consent.AcceptAll))
	}
	appendAll(t, db, group[:1050]...)
	for _, k := range []int{0, 400, 1049} {
		must[store.Erasure](t)(db.EraseVisitor(ctx, s.ID, group[k].Visitor, Day))
	}
	appendAll(t, db, group[1050:]...)
	all := entries(t, db, s.ID)
	if len(all) != 1100 || all[0].Seq != 1 || all[1046].Seq != 1048 || all[1047].Removal == nil || all[1047].Seq != 1050 || all[1099].Seq != 1102 {
		t.Fatalf("%d entries", len(all))
	}
	for _, c := range [][2]int64{{0, 1}, {0, 2}, {5, 5}, {399, 402}, {1000, 1003}, {1040, 1060}, {1050, 1051}, {1102, 2000}, {3000, 4000}} {
		var want, got []store.Entry
		for _, e := range all {
			if e.Seq >= c[0] && e.Seq < c[1] {
				want = append(want, e)
			}
		}
		for e, err := range db.Entries(ctx, s.ID, c[0], c[1]) {
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, e)
		}
		same(t, got, want)
	}
	for range db.Entries(ctx, s.ID, 0, 1<<40) {
		break // whoever stops early leaves nothing open
	}
	for _, err := range db.Entries(ctx, "nosuchsite", 0, 1) {
		wantKind(t, err, consent.KindNotFound)
	}
	r, _ := verified(t, db, s.ID, Day)
	if r.Records != 1097 || r.Removed != 3 {
		t.Errorf("%+v", r)
	}
}

// A time's entries are found by their numbers, also where rows are gone and across many tiles.
func logRange(t *testing.T, target string) {
	db := openStore(t, target)
	s, n := Site(t, db, "fjordfletvaerk")
	var group []consent.Record
	for k := range 800 {
		group = append(group, Record(n, k/3, consent.AcceptAll)) // three in each minute
		group[k].ID, group[k].Visitor = id(k, 7), id(k, 4)
	}
	appendAll(t, db, group...)
	minute := func(k int) time.Time { return Day.Add(time.Duration(k) * time.Minute) }
	for _, c := range []struct {
		from, to   time.Time
		size       int64
		first, end int64
	}{
		{time.Time{}, time.Time{}, 800, 0, 800},
		{time.Time{}, time.Time{}, 700, 0, 700},
		{minute(0), minute(1), 800, 0, 3},
		{minute(1), minute(1), 800, 3, 3},
		{minute(85), minute(86), 800, 255, 258},
		{minute(86).Add(-time.Millisecond), minute(86).Add(time.Millisecond), 800, 258, 261},
		{minute(200), time.Time{}, 800, 600, 800},
		{minute(-5), minute(5), 800, 0, 15},
		{minute(1000), time.Time{}, 800, 800, 800},
		{minute(100), minute(5), 800, 300, 300},
		{minute(100), minute(250), 500, 300, 500},
	} {
		first, end, err := db.Range(ctx, s.ID, c.from, c.to, c.size)
		if err != nil || first != c.first || end != c.end {
			t.Errorf("%v to %v of %d: %d to %d, %v; want %d to %d", c.from, c.to, c.size, first, end, err, c.first, c.end)
		}
	}
	must[store.Erasure](t)(db.EraseVisitor(ctx, s.ID, group[300].Visitor, minute(266)))
	if first, end, err := db.Range(ctx, s.ID, minute(99), minute(101), 801); err != nil || first != 297 || end != 303 {
		t.Errorf("%d to %d, %v", first, end, err)
	}
}

// Groups around the size of a tile and of several: the log that is read anew goes on where it was.
func logLargeGroups(t *testing.T, target string) {
	_, n := Site(t, openStore(t, target), "fjordfletvaerk")
	k := 0
	for _, size := range []int{1, 254, 1, 1, 255, 256, 257, 600} {
		db := openStore(t, target) // it remembers nothing
		var group []consent.Record
		for range size {
			group = append(group, Record(n, k, consent.AcceptAll))
			k++
		}
		appendAll(t, db, group...)
		r, list := verified(t, db, n.Site, Day)
		dense(t, list)
		if r.Records != int64(k) {
			t.Errorf("%d records of %d", r.Records, k)
		}
	}
}

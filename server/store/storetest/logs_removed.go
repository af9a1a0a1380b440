package storetest

import (
	"bytes"
	"database/sql"
	"fmt"
	"strings"
	"sync"
	"testing"

	"samtykke/consent"
	"samtykke/server/store"
)

// T5: erasure leaves numbers, and nothing of whoever was erased; other sites' logs don't change.
func logErasure(t *testing.T, target string) {
	db := openStore(t, target)
	s, n := Site(t, db, "fjordfletvaerk")
	other, m := Site(t, db, "nordlysoglim")
	yes, no, stranger := Record(n, 1, consent.AcceptAll), Record(n, 2, consent.Withdraw), Record(m, 3, consent.AcceptAll)
	no.Visitor, stranger.Visitor = yes.Visitor, yes.Visitor
	appendAll(t, db, yes, Record(n, 10, consent.AcceptAll), no, stranger)
	same(t, must[store.Erasure](t)(db.EraseVisitor(ctx, s.ID, yes.Visitor, Day)), store.Erasure{Deleted: 2})
	same(t, must[store.Erasure](t)(db.EraseVisitor(ctx, s.ID, yes.Visitor, Day)), store.Erasure{}) // says nothing a second time
	r, list := verified(t, db, s.ID, Day)
	if r.Records != 1 || r.Removed != 2 || len(list) != 2 || string(list[1].Removal) != fmt.Sprintf(`{"at":%d,"entries":[[0,0],[2,2]],"type":"erased","v":1}`, Day.UnixMilli()) {
		t.Errorf("%+v, %s", r, list[1].Removal)
	}
	if r, _ := verified(t, db, other.ID, Day); r.Records != 1 || r.Checkpoint.Size != 1 {
		t.Errorf("another site's log changed: %+v", r)
	}
	raw := Raw(t, target)
	for _, table := range []string{"consents", "removals", "tiles", "checkpoints", "logs"} {
		rows := must[*sql.Rows](t)(raw.Query("select * from " + table + " where site in (select num from sites where id = 'fjordfletvaerk')"))
		defer rows.Close()
		cols := must[[]string](t)(rows.Columns())
		for rows.Next() {
			values := make([]any, len(cols))
			for i := range values {
				values[i] = new(any)
			}
			if err := rows.Scan(values...); err != nil {
				t.Fatal(err)
			}
			for i := range values {
				v := *values[i].(*any)
				text := fmt.Sprintf("%s %v", v, v)
				if b, ok := v.([]byte); ok && (bytes.Contains(b, yes.Visitor[:]) || bytes.Contains(b, yes.ID[:])) || strings.Contains(text, yes.Visitor.String()) {
					t.Errorf("%s.%s still holds the visitor", table, cols[i])
				}
			}
		}
	}
}

// A browser sends its act again in the moment in which its visitor is erased: neither fails, and the log verifies.
func logEraseAgain(t *testing.T, target string) {
	one, two := openStore(t, target), openStore(t, target)
	s, n := Site(t, one, "fjordfletvaerk")
	var wg sync.WaitGroup
	for k := range 25 {
		var group []consent.Record // many, so that erasing takes a while
		for i := range 150 {
			group = append(group, Record(n, 10_000*(k+1)+i, consent.AcceptAll))
			group[i].Visitor = group[0].Visitor
		}
		appendAll(t, one, group...)
		r := group[149]
		start := make(chan struct{})
		wg.Go(func() {
			<-start
			if errs, err := one.Append(ctx, []consent.Record{r, Record(n, 1000+k, consent.RejectAll)}); err != nil || errs[0] != nil || errs[1] != nil {
				t.Error("send again:", err, errs)
			}
		})
		wg.Go(func() {
			<-start
			if _, err := two.EraseVisitor(ctx, s.ID, r.Visitor, Day); err != nil {
				t.Error("erase:", err)
			}
		})
		close(start)
		wg.Wait()
	}
	if r, _ := verified(t, one, s.ID, Day); r.Records < 25 {
		t.Errorf("%+v", r)
	}
}

// T1, T2: what is purged in slices is named in the log, across sites and notices.
func logPurge(t *testing.T, target string) {
	db := openStore(t, target)
	s, n := Site(t, db, "fjordfletvaerk")
	other, m := Site(t, db, "nordlysoglim")
	var group []consent.Record
	for k := range 1300 {
		group = append(group, Record(n, k, consent.Actions[k%2])) // every other one is a refusal
	}
	appendAll(t, db, append(group, Record(m, 5000, consent.AcceptAll))...)
	verified(t, db, s.ID, Day)
	purged := func() (n int64) {
		for _, p := range must[[]store.Purged](t)(db.Purge(ctx, store.PurgeRun{Now: Day.AddDate(1, 2, 0), Origin: store.ByCommand})) {
			n += p.Acts()
		}
		return n
	}
	same(t, purged(), int64(650))
	r, list := verified(t, db, s.ID, Day.AddDate(1, 2, 0))
	if r.Records != 650 || r.Removed != 650 || len(list) != 653 {
		t.Errorf("%+v, %d entries", r, len(list))
	}
	same(t, purged(), int64(0))
	if r, _ := verified(t, db, other.ID, Day); r.Records != 1 || r.Checkpoint.Size != 1 {
		t.Errorf("another site's log changed: %+v", r)
	}
}

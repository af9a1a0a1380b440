package store_test

import (
	"bytes"
	"database/sql"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"samtykke/consent"
	"samtykke/server"
	"samtykke/server/ledger"
	"samtykke/server/store"
	"samtykke/server/store/storetest"
)

func rawSQLite(t *testing.T, file string) *sql.DB {
	t.Helper()
	raw, err := sql.Open("sqlite", "file:"+file+"?_busy_timeout=10000")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { raw.Close() })
	return raw
}

func texts(t *testing.T, db *sql.DB, query string, args ...any) (out []string) {
	t.Helper()
	rows, err := db.Query(query, args...)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var s string
		if err := rows.Scan(&s); err != nil {
			t.Fatal(err)
		}
		out = append(out, s)
	}
	return out
}

// known is an act with what is to be gone afterwards.
type known struct {
	consent.Record
	name string // of a cookie
}

// fill stores acts of two sites, one after the other in turn, in groups as they come in.
func fill(t *testing.T, db *store.DB, notices []consent.Notice, acts int) (out []known) {
	t.Helper()
	group := make([]consent.Record, 0, 100)
	for k := range acts {
		n := notices[k%len(notices)]
		r := storetest.Record(n, k, consent.AcceptAll)
		r.Visitor, r.ID = uuid.New(), uuid.Must(uuid.NewV7())
		r.At = storetest.Day.Add(time.Duration(k) * 4 * time.Hour)
		r.ValidUntil = r.At.Add(n.Content.Banner.Validity())
		x := known{r, "kurv_" + strings.ReplaceAll(uuid.NewString(), "-", "")}
		x.Cleared = []string{x.name}
		if k%3 == 0 {
			x.Path = "/" + x.name
		}
		out = append(out, x)
		if group = append(group, x.Record); len(group) == cap(group) {
			errs, err := db.Append(t.Context(), group)
			if err != nil || slices.ContainsFunc(errs, func(err error) bool { return err != nil }) {
				t.Fatal(err, errs)
			}
			group = group[:0]
		}
	}
	return out
}

// found counts the texts that stand in one of the files of a folder, by their last twelve bytes.
func found(t *testing.T, dir string, wanted [][]byte) (n int, where string) {
	t.Helper()
	ends := make(map[[12]byte]bool, len(wanted))
	for _, w := range wanted {
		ends[[12]byte(w[len(w)-12:])] = false
	}
	files, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		b, err := os.ReadFile(filepath.Join(dir, f.Name()))
		if err != nil {
			t.Fatal(err)
		}
		for ; len(b) >= 12; b = b[1:] {
			if seen, ok := ends[[12]byte(b)]; ok && !seen {
				ends[[12]byte(b)], where = true, f.Name()
				n++
			}
		}
	}
	return n, where
}

// T3: the bytes of what is purged and erased are in no file of the data folder, among acts that stay: visitor ids as bytes
// and as text, names of cookies, salts. The ledger still proves what is left.
func TestSQLite_WhatIsDeletedIsGoneFromTheFiles(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "samtykke.db")
	db := open(t, file)
	var notices []consent.Notice
	for _, id := range []string{"fjordfletvaerk", "nordlysoglim"} {
		_, n := storetest.Site(t, db, id)
		notices = append(notices, n)
	}
	acts := fill(t, db, notices, 10000)
	// Two acts in three are over: two years and 365 days after they were made.
	now := acts[6500].ValidUntil.AddDate(0, 24, 0)
	raw := rawSQLite(t, file)
	var gone, erased [][]byte
	for i, a := range acts {
		erase := i >= 9000 && i%2 == 0
		if i >= 6500 && !erase {
			continue
		}
		var salt []byte
		if err := raw.QueryRow("select salt from consents where visitor = $1 and id = $2", a.Visitor[:], a.ID[:]).Scan(&salt); err != nil {
			t.Fatal(err)
		}
		bits := [][]byte{a.Visitor[:], a.ID[:], []byte(a.Visitor.String()), []byte(a.name), salt}
		if gone = append(gone, bits...); erase {
			erased = append(erased, bits...)
		}
	}
	if n, _ := found(t, dir, gone); n < len(gone)/2 {
		t.Fatalf("only %d of %d are there before: the search is broken", n, len(gone))
	}
	purged, err := db.Purge(t.Context(), store.PurgeRun{Now: now, Origin: store.ByJob})
	if err != nil || purged[0].Consents+purged[1].Consents != 6500 {
		t.Fatal(purged, err)
	}
	for i := 9000; i < len(acts); i += 2 {
		if e, err := db.EraseVisitor(t.Context(), acts[i].Site, acts[i].Visitor, now); err != nil || e.Deleted != 1 {
			t.Fatal(e, err)
		}
	}
	if n, _ := found(t, dir, erased); n == 0 {
		t.Error("everything that was erased is gone before the files were tidied: the test proves nothing")
	}
	if err := db.Tidy(t.Context()); err != nil {
		t.Fatal(err)
	}
	if n, where := found(t, dir, gone); n > 0 {
		t.Errorf("%d of %d are still in %s", n, len(gone), where)
	}
	if ok := texts(t, raw, "pragma integrity_check"); !slices.Equal(ok, []string{"ok"}) {
		t.Fatalf("integrity check: %v", ok)
	}
	verified(t, db, "fjordfletvaerk", 1250)
	verified(t, db, "nordlysoglim", 1750)
}

// verified proves a site's log as it is stored. records is how many it must have.
func verified(t *testing.T, db *store.DB, site string, records int64) ledger.Result {
	t.Helper()
	if err := db.SignLogs(t.Context(), time.Now()); err != nil {
		t.Fatal(err)
	}
	keys, err := db.Keys(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	r, err := server.VerifyStored(t.Context(), db, site, []string{keys[0].Public()})
	if err != nil {
		t.Errorf("site %s does not verify any more: %v", site, err)
	}
	if r.Records != records {
		t.Errorf("site %s has %d records, want %d", site, r.Records, records)
	}
	return r
}

// T1: what is over is found along the index of visitors and the numbers of the log, never by a walk through everything for
// each act.
func TestSQLite_PurgeFindsItsWay(t *testing.T) {
	file := filepath.Join(t.TempDir(), "samtykke.db")
	db := open(t, file)
	storetest.Site(t, db, "fjordfletvaerk")
	for _, table := range []string{"consents", "locked"} {
		query, err := store.PurgeStatement(t.Context(), db, "fjordfletvaerk", table, storetest.Day)
		if err != nil {
			t.Fatal(err)
		}
		raw := rawSQLite(t, file)
		rows, err := raw.Query("explain query plan "+query, 1, 0, 10)
		if err != nil {
			t.Fatal(err)
		}
		byRange, byVisitor := 0, 0
		for rows.Next() {
			var a, b, c any
			var step string
			if err := rows.Scan(&a, &b, &c, &step); err != nil {
				t.Fatal(err)
			}
			switch {
			case strings.Contains(step, "SEARCH c USING PRIMARY KEY (site=? AND seq>? AND seq<?)"):
				byRange++
			case strings.Contains(step, table+"_visitor (<expr>=?"):
				byVisitor++
			case strings.HasPrefix(step, "SCAN "+table), strings.HasPrefix(step, "SEARCH "+table):
				t.Errorf("%s: %s", table, step)
			}
		}
		rows.Close()
		if byRange != 1 || byVisitor != 3 {
			t.Errorf("%s: %d by range, %d by visitor", table, byRange, byVisitor)
		}
	}
}

func TestPostgres_PurgeFindsItsWay(t *testing.T) {
	url := storetest.Postgres(t)()
	db := open(t, url)
	_, n := storetest.Site(t, db, "fjordfletvaerk")
	fill(t, db, []consent.Notice{n}, 5000)
	query, err := store.PurgeStatement(t.Context(), db, "fjordfletvaerk", "consents", storetest.Day.AddDate(4, 0, 0))
	if err != nil {
		t.Fatal(err)
	}
	raw, err := sql.Open("pgx", url)
	if err != nil {
		t.Fatal(err)
	}
	defer raw.Close()
	if _, err := raw.Exec("analyze"); err != nil {
		t.Fatal(err)
	}
	query = strings.NewReplacer("$1", "1", "$2", "1000", "$3", "1100").Replace(query)
	plan := strings.Join(texts(t, raw, "explain "+query), "\n")
	if strings.Contains(plan, "Seq Scan on consents") || !strings.Contains(plan, "consents_visitor") || !strings.Contains(plan, "consents_pkey") {
		t.Errorf("plan:\n%s", plan)
	}
}

// T2: a report has no column that could name anybody.
func TestSQLite_ReportsNameNobody(t *testing.T) {
	file := filepath.Join(t.TempDir(), "samtykke.db")
	open(t, file)
	columns := texts(t, rawSQLite(t, file), "select name || ' ' || type from pragma_table_info('purges') order by cid")
	want := []string{"num INTEGER", "site bigint", "at bigint", "origin TEXT", "dry smallint", "consents bigint", "refusals bigint", "locked bigint"}
	if fmt.Sprint(columns) != fmt.Sprint(want) && !slices.EqualFunc(columns, want, strings.EqualFold) {
		t.Errorf("columns %v", columns)
	}
}

// T8: no table keeps a row of a site that was deleted, also those that are made after this test.
func TestSQLite_DeletedSitesLeaveNoRow(t *testing.T) {
	file := filepath.Join(t.TempDir(), "samtykke.db")
	db := open(t, file)
	_, n := storetest.Site(t, db, "fjordfletvaerk")
	storetest.Site(t, db, "nordlysoglim")
	acts := fill(t, db, []consent.Notice{n}, 1000)
	if _, err := db.EraseVisitor(t.Context(), n.Site, acts[0].Visitor, storetest.Day); err != nil {
		t.Fatal(err)
	}
	if err := db.Audit(t.Context(), consent.NewDeed(storetest.Day, "ea@fjord.example", "settings_changed", n.Site)); err != nil {
		t.Fatal(err)
	}
	if err := db.SignLogs(t.Context(), storetest.Day); err != nil {
		t.Fatal(err)
	}
	if _, err := db.DeleteSite(t.Context(), n.Site, storetest.Day); err != nil {
		t.Fatal(err)
	}
	raw := rawSQLite(t, file)
	tables := 0
	for column, parent := range map[string]string{"site": "sites", "notice": "notices"} {
		for _, table := range texts(t, raw, "select m.name from sqlite_schema m join pragma_table_info(m.name) c where m.type = 'table' and c.name = $1 and m.name <> 'acceptances'", column) {
			tables++
			left := texts(t, raw, fmt.Sprintf("select count(*) from %s where %s <> 0 and %s not in (select num from %s)", table, column, column, parent))
			if left[0] != "0" {
				t.Errorf("%s keeps %s rows", table, left[0])
			}
		}
	}
	if tables < 12 {
		t.Errorf("only %d tables: the search is broken", tables)
	}
	known := append(store.SiteTables(), "acceptances") // which stays on purpose
	for _, table := range texts(t, raw, `select m.name from sqlite_schema m join pragma_table_info(m.name) c where m.type = 'table' and c.name in ('site', 'notice')`) {
		if !slices.Contains(known, table) {
			t.Errorf("DeleteSite doesn't know the table %s", table)
		}
	}
	var names [][]byte
	for _, a := range acts {
		names = append(names, a.Visitor[:])
	}
	if n, where := found(t, filepath.Dir(file), names); n > 0 {
		t.Errorf("%d visitors are still in %s", n, where)
	}
}

// T9: small counts lose what could tell who it was.
func TestSQLite_SmallCountsLoseTheirDetails(t *testing.T) {
	file := filepath.Join(t.TempDir(), "samtykke.db")
	db := open(t, file)
	_, n := storetest.Site(t, db, "fjordfletvaerk")
	var group []consent.Record
	for k := range 9 {
		r := storetest.Record(n, k, consent.RejectAll)
		if k > 5 {
			r.Language = []string{"de", "sv", "mt"}[k-6]
		}
		group = append(group, r)
	}
	if _, err := db.Append(t.Context(), group); err != nil {
		t.Fatal(err)
	}
	if _, err := db.Purge(t.Context(), store.PurgeRun{Now: storetest.Day.AddDate(0, 12, 1), Origin: store.ByJob}); err != nil {
		t.Fatal(err)
	}
	got := texts(t, rawSQLite(t, file), "select language || notice || ' ' || n from daily_counts order by 1")
	if !slices.Equal(got, []string{"0 3", "da1 6"}) {
		t.Errorf("counts %v", got)
	}
}

// T10: what was erased, locked, purged or deleted after a backup is so again after it was restored, by new entries in the
// log; the other history's numbers are not taken for those of this one.
func TestSQLite_ARestoredBackupForgetsAgain(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "samtykke.db")
	db := open(t, file)
	_, n := storetest.Site(t, db, "fjordfletvaerk")
	_, m := storetest.Site(t, db, "nordlysoglim")
	acts := fill(t, db, []consent.Notice{n}, 100)
	fill(t, db, []consent.Notice{m}, 100)
	now := storetest.Day.AddDate(0, 1, 0)
	erase := func(db *store.DB, a known, want int64) {
		t.Helper()
		if e, err := db.EraseVisitor(t.Context(), a.Site, a.Visitor, now); err != nil || e.Deleted != want {
			t.Fatal(e, err)
		}
	}
	erase(db, acts[0], 1)
	backup := filepath.Join(t.TempDir(), "copy.db")
	if err := db.Backup(t.Context(), backup); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(backup); err != nil || info.Mode().Perm() != 0o600 {
		t.Error(info, err)
	}

	later := fill(t, db, []consent.Notice{n}, 100)
	erase(db, acts[1], 1)
	erase(db, later[7], 1) // has a number that the restored log gives anew
	for _, on := range []bool{true, false} {
		if _, err := db.Restrict(t.Context(), n.Site, acts[2].Visitor, on, now); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := db.Restrict(t.Context(), n.Site, acts[3].Visitor, true, now); err != nil {
		t.Fatal(err)
	}
	if err := db.SignLogs(t.Context(), now); err != nil {
		t.Fatal(err)
	}
	published, err := db.Log(t.Context(), n.Site)
	if err != nil {
		t.Fatal(err)
	}
	if err := db.Tidy(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := db.DeleteSite(t.Context(), m.Site, now); err != nil {
		t.Fatal(err)
	}
	journal, err := os.ReadFile(filepath.Join(dir, store.JournalName))
	if err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(filepath.Join(dir, store.JournalName)); err != nil || info.Mode().Perm() != 0o600 {
		t.Error(info, err)
	}
	for _, a := range acts {
		if bytes.Contains(journal, []byte(a.Visitor.String())) || bytes.Contains(journal, a.Visitor[:]) {
			t.Fatal("the journal names a visitor")
		}
	}
	db.Close()

	restore := func() *store.DB {
		t.Helper()
		if err := store.Check(t.Context(), backup); err != nil {
			t.Fatal(err)
		}
		b, err := os.ReadFile(backup)
		if err != nil {
			t.Fatal(err)
		}
		name := filepath.Join(t.TempDir(), "samtykke.db")
		if err := os.WriteFile(name, b, 0o600); err != nil {
			t.Fatal(err)
		}
		return open(t, name)
	}
	restored := restore()
	// A line that a crash cut off, and one of another database, do no harm.
	other := strings.ReplaceAll(string(journal), `"lineage":"`, `"lineage":"X`)
	r, err := restored.Reapply(t.Context(), strings.NewReader(other+string(journal)+`{"lineage":`), now)
	if err != nil || r.Sites != 1 || r.Acts != 4 || r.Lines != 6 { // erased 1, locked and unlocked 1, locked 1; nothing of what came later
		t.Errorf("reapplied %+v, %v", r, err)
	}
	for i, want := range []int{0, 0, 1, 0, 1} {
		if found, err := restored.Visitor(t.Context(), n.Site, acts[i].Visitor); err != nil || len(found) != want {
			t.Errorf("act %d: %d, %v", i, len(found), err)
		}
	}
	if own, err := restored.OwnActs(t.Context(), n.Site, acts[3].Visitor); err != nil || len(own) != 1 || own[0].Lock != store.Restricted {
		t.Errorf("restricted: %+v, %v", own, err)
	}
	if _, err := restored.Site(t.Context(), m.Site); consent.KindOf(err) != consent.KindNotFound {
		t.Errorf("the deleted site is back: %v", err)
	}
	got := verified(t, restored, n.Site, 97)
	if got.Checkpoint.Size >= published.Size {
		t.Errorf("the log has %d entries, before it was lost %d", got.Checkpoint.Size, published.Size)
	}
	again := restore()
	if r, err := again.Reapply(t.Context(), nil, now.AddDate(4, 0, 0)); err != nil || len(r.Purged) != 2 || r.Purged[0].Consents+r.Purged[1].Consents != 199 {
		t.Errorf("what is over must go at once: %+v, %v", r, err)
	}
}

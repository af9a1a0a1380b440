package server_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/tlog"

	"samtykke/consent"
	"samtykke/server"
	"samtykke/server/ledger"
	"samtykke/server/store"
	"samtykke/server/store/storetest"
)

// proven is a store with a site whose log has acts and a removal, signed on several days.
type proven struct {
	db     *store.DB
	target string
	notice consent.Notice
	acts   []consent.Record
	key    string
}

func newProven(t *testing.T, target string, acts int) *proven {
	t.Helper()
	db, err := store.Open(t.Context(), target)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	_, n := storetest.Site(t, db, "fjordfletvaerk")
	p := &proven{db: db, target: target, notice: n}
	for k := range acts {
		p.acts = append(p.acts, storetest.Record(n, k, consent.AcceptAll))
	}
	if _, err := db.Append(t.Context(), p.acts); err != nil {
		t.Fatal(err)
	}
	p.sign(t, storetest.Day)
	keys, err := db.Keys(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	p.key = keys[0].Public()
	return p
}

func (p *proven) sign(t *testing.T, now time.Time) {
	t.Helper()
	if err := p.db.SignLogs(t.Context(), now); err != nil {
		t.Fatal(err)
	}
}

func (p *proven) erase(t *testing.T, k int) {
	t.Helper()
	if _, err := p.db.EraseVisitor(t.Context(), p.notice.Site, p.acts[k].Visitor, storetest.Day); err != nil {
		t.Fatal(err)
	}
}

func (p *proven) verify(t *testing.T) (ledger.Result, error) {
	t.Helper()
	return server.VerifyStored(t.Context(), p.db, p.notice.Site, []string{p.key})
}

// export writes the site's records as the command does. Its clock is the machine's: a test that signs for other days does so before.
func (p *proven) export(t *testing.T, f store.Filter, after int64, proofs bool) string {
	t.Helper()
	var b bytes.Buffer
	f.Site = p.notice.Site
	if err := server.ExportJSONL(t.Context(), p.db, f, after, proofs, &b); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func (p *proven) genuine(t *testing.T, file string) ledger.Result {
	t.Helper()
	r, err := ledger.VerifyExport(strings.NewReader(file), ledger.Options{Keys: []string{p.key}})
	if err != nil {
		t.Fatalf("an export does not verify: %v", err)
	}
	return r
}

func newFile(t *testing.T) string { return filepath.Join(t.TempDir(), "samtykke.db") }

func TestVerifyStored_SQLite(t *testing.T) { verifyStored(t, newFile) }

func TestVerifyStored_PostgreSQL(t *testing.T) {
	fresh := storetest.Postgres(t)
	verifyStored(t, func(*testing.T) string { return fresh() })
}

// Whoever changes the database behind the program's back is found out.
func verifyStored(t *testing.T, fresh func(*testing.T) string) {
	p := newProven(t, fresh(t), 40)
	p.erase(t, 7)
	p.sign(t, storetest.Day.AddDate(0, 0, 1))
	if r, err := p.verify(t); err != nil || r.Records != 39 || r.Removed != 1 || r.Earlier != 2 || !r.Known {
		t.Fatalf("untouched: %+v, %v", r, err)
	}
	raw := storetest.Raw(t, p.target)
	for _, c := range []struct {
		name  string
		entry int64
		what  string
		do    string
		undo  string // "": it can't be undone
	}{
		{"time", 12, "was changed", "update consents set at = at + 1 where seq = 12", "update consents set at = at - 1 where seq = 12"},
		{"choice", 12, "was changed", "update consents set given = 0, action = 1 where seq = 12", "update consents set given = (select given from consents where seq = 13), action = 0 where seq = 12"},
		{"language", 0, "was changed", "update consents set language = 'en' where seq = 0", "update consents set language = 'da' where seq = 0"},
		{"method", 39, "was changed", "update consents set method = 1 where seq = 39", "update consents set method = 0 where seq = 39"},
		{"salt", 12, "was changed", "update consents set salt = (select salt from consents where seq = 13) where seq = 12", ""},
	} {
		if _, err := raw.Exec(c.do); err != nil {
			t.Fatal(c.name, err)
		}
		_, err := p.verify(t)
		var f *ledger.Fault
		if !errors.As(err, &f) || f.Entry != c.entry || !strings.Contains(f.What, c.what) {
			t.Errorf("%s: %v", c.name, err)
		}
		if c.undo == "" {
			continue // the last
		}
		if _, err := raw.Exec(c.undo); err != nil {
			t.Fatal(c.name, err)
		}
		if _, err := p.verify(t); err != nil {
			t.Fatalf("%s, put back: %v", c.name, err)
		}
	}
	// What can't be put back, each on a database of its own.
	for _, c := range []struct {
		name, what string
		entry      int64
		do         []string
	}{
		{"a row deleted", "entry 12 is missing, and the log doesn't say", 12, []string{"delete from consents where seq = 12"}},
		{"the last row deleted", "entry 39 is missing", 39, []string{"delete from consents where seq = 39"}},
		{"a row and its place", "", -2, []string{"delete from consents where seq = 39", "update logs set size = 39 where kind = 0 and size > 0", "update checkpoints set size = 39 where kind = 0"}},
		{"rows exchanged", "", -2, []string{"update consents set seq = 100 where seq = 3", "update consents set seq = 3 where seq = 4", "update consents set seq = 4 where seq = 100"}},
		{"a removal changed", "was changed", 40, []string{"update removals set body = replace(body, 'erased', 'purged')"}},
		{"a removal that explains more", "was changed", 40, []string{"delete from consents where seq = 12", "update removals set body = replace(body, '[7,7]', '[7,7],[12,12]')"}},
		{"a removal deleted", "entry 7 is missing", 7, []string{"delete from removals"}},
		{"a tile changed", "", -2, []string{"update tiles set hashes = (select hashes from tiles where kind = 1 and level = 0 limit 1) where kind = 0 and level = 0"}},
		{"the checkpoints deleted", "", -2, []string{"delete from checkpoints where kind = 0"}},
		{"a checkpoint of yesterday changed", "", -2, []string{"update checkpoints set signed = replace(signed, '2026-11-22', '2026-11-21') where kind = 0"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := newProven(t, fresh(t), 40)
			p.erase(t, 7)
			p.sign(t, storetest.Day.AddDate(0, 0, 1))
			raw := storetest.Raw(t, p.target)
			if c.name == "a tile changed" {
				c.do = []string{fmt.Sprintf("update tiles set hashes = %s where kind = 0 and level = 0", blob(p.target, bytes.Repeat([]byte{7}, 41*32)))}
			}
			for _, q := range c.do {
				if res, err := raw.Exec(q); err != nil {
					t.Fatal(err)
				} else if n, _ := res.RowsAffected(); n == 0 {
					t.Fatalf("%s changes nothing", q)
				}
			}
			_, err := p.verify(t)
			var f *ledger.Fault
			if err == nil || c.entry != -2 && (!errors.As(err, &f) || f.Entry != c.entry || !strings.Contains(f.What, c.what)) {
				t.Errorf("%v, want %q at entry %d", err, c.what, c.entry)
			}
		})
	}
}

// blob writes bytes in the engine's SQL.
func blob(target string, b []byte) string {
	if strings.HasPrefix(target, "postgres") {
		return fmt.Sprintf(`'\x%x'`, b)
	}
	return fmt.Sprintf("x'%x'", b)
}

// A site whose every visitor was erased is as genuine as any other.
func TestVerifyStored_OfASiteWithNothingLeft(t *testing.T) {
	p := newProven(t, newFile(t), 2)
	p.erase(t, 0)
	p.erase(t, 1)
	p.sign(t, storetest.Day)
	if r, err := p.verify(t); err != nil || r.Removed != 2 || r.Records != 0 {
		t.Errorf("%+v, %v", r, err)
	}
}

// Exports of a time, of what is behind an entry, and without proofs.
func TestExportJSONL_OfAPart(t *testing.T) {
	p := newProven(t, newFile(t), 60)
	p.erase(t, 20)
	p.erase(t, 45)
	minute := func(k int) time.Time { return storetest.Day.Add(time.Duration(k) * time.Minute) }
	for _, c := range []struct {
		from, to         time.Time
		after            int64
		first, end       int64
		records, removed int64
	}{
		{time.Time{}, time.Time{}, -1, 0, 62, 58, 2},
		{minute(10), minute(30), -1, 10, 30, 19, 1},
		{time.Time{}, minute(20), -1, 0, 21, 20, 1}, // the time of what is gone isn't known
		{minute(30), time.Time{}, -1, 30, 62, 29, 1},
		{time.Time{}, time.Time{}, 49, 50, 62, 10, 0},
		{minute(10), minute(30), 19, 20, 30, 9, 1},
		{minute(10), minute(30), 5, 10, 30, 19, 1},
	} {
		f := store.Filter{From: c.from, To: c.to}
		r := p.genuine(t, p.export(t, f, c.after, true))
		if r.From != c.first || r.To != c.end || r.Records != c.records || r.Removed != c.removed {
			t.Errorf("%+v, want %+v", r, c)
		}
		plain := p.export(t, f, c.after, false)
		if n := strings.Count(plain, "\n"); int64(n) != c.records {
			t.Errorf("%d records without proofs, want %d", n, c.records)
		}
		for line := range strings.Lines(plain) {
			if _, err := consent.ParseCanonical([]byte(strings.TrimSuffix(line, "\n"))); err != nil {
				t.Error(err)
			}
		}
	}
	for _, after := range []int64{61, 62, 1000, 1 << 50} { // nothing new
		if s := p.export(t, store.Filter{}, after, true); s != "" {
			t.Errorf("behind %d: %s", after, s)
		}
	}
}

// eraser erases a visitor in the midst of an export.
type eraser struct {
	bytes.Buffer
	erase func()
}

func (e *eraser) Write(b []byte) (int, error) {
	if e.erase != nil {
		e.erase()
		e.erase = nil
	}
	return e.Buffer.Write(b)
}

// Whoever is erased while an export is being written is missing in it, and it is genuine all the same.
func TestExportJSONL_WhileAVisitorIsErased(t *testing.T) {
	p := newProven(t, newFile(t), 1200)
	out := &eraser{erase: func() { p.erase(t, 1150) }}
	if err := server.ExportJSONL(t.Context(), p.db, store.Filter{Site: p.notice.Site}, -1, true, out); err != nil {
		t.Fatal(err)
	}
	if r := p.genuine(t, out.String()); out.erase != nil || r.Records+r.Removed != 1200 {
		t.Errorf("%+v", r)
	}
}

// A server that died between making a key and signing with it leaves exports that verify.
func TestExportJSONL_AfterARotationThatWasCutShort(t *testing.T) {
	p := newProven(t, newFile(t), 3)
	keys, err := p.db.Keys(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	next := ledger.NewKey(storetest.Day)
	rotation, err := ledger.Rotate(keys[0].Key, next, storetest.Day)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := storetest.Raw(t, p.target).Exec("insert into keys (num, name, private, at, rotation) values (2, $1, $2, 0, $3)", next.Name, next.Private.Seed(), rotation); err != nil {
		t.Fatal(err)
	}
	p.genuine(t, p.export(t, store.Filter{}, -1, true))
}

// Anybody can fetch the newest checkpoint and the proof that the log has only grown since an earlier one.
func TestProofs_ForAnybody(t *testing.T) {
	s := newShop(t)
	address := "/.well-known/samtykke-checkpoint?site=" + s.site.ID
	if w := s.do("GET", address, nil); w.Code != http.StatusNotFound || errorCode(t, w) != "no_checkpoint" {
		t.Errorf("before anything was recorded: %d %s", w.Code, w.Body)
	}
	if w := s.do("GET", "/.well-known/samtykke-checkpoint?site=nosuchsite", nil); w.Code != http.StatusNotFound || errorCode(t, w) != "no_site" {
		t.Errorf("of no site: %d %s", w.Code, w.Body)
	}
	keys, err := s.db.Keys(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	newest := func(text string) ledger.Checkpoint {
		t.Helper()
		c, err := ledger.OpenCheckpoint(text, keys[0].Public())
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	var kept []ledger.Checkpoint
	for range 9 {
		if w := s.post(s.act()); w.Code != http.StatusCreated {
			t.Fatal(w.Code, w.Body)
		}
		if err := s.db.SignLogs(t.Context(), storetest.Day); err != nil {
			t.Fatal(err)
		}
		w := s.do("GET", address, nil)
		if w.Code != http.StatusOK || w.Header().Get("Access-Control-Allow-Origin") != "*" || w.Header().Get("Cache-Control") != "no-store" {
			t.Errorf("%d %v", w.Code, w.Header())
		}
		kept = append(kept, newest(w.Body.String()))
	}
	for i, old := range kept {
		w := s.do("GET", "/v1/sites/"+s.site.ID+"/consistency?from="+strconv.FormatInt(old.Size, 10), nil)
		var a struct {
			From       int64
			Checkpoint string
			Proof      tlog.TreeProof
		}
		if err := json.Unmarshal(w.Body.Bytes(), &a); err != nil || w.Code != http.StatusOK || a.From != int64(i+1) {
			t.Fatalf("%d %s, %v", w.Code, w.Body, err)
		}
		c := newest(a.Checkpoint)
		if err := tlog.CheckTree(a.Proof, c.Size, c.Root, old.Size, old.Root); err != nil || c.Size != 9 {
			t.Errorf("from %d: %v", old.Size, err)
		}
		if forked := old; i < 8 {
			forked.Root[0]++
			if tlog.CheckTree(a.Proof, c.Size, c.Root, forked.Size, forked.Root) == nil {
				t.Errorf("a fork at %d is proven", old.Size)
			}
		}
	}
	for _, from := range []string{"", "0", "-1", "10", "x", "99999999999999999999"} {
		if w := s.do("GET", "/v1/sites/"+s.site.ID+"/consistency?from="+from, nil); w.Code != http.StatusBadRequest || errorCode(t, w) != "bad_size" {
			t.Errorf("from %q: %d %s", from, w.Code, w.Body)
		}
	}
	if !slices.Contains(s.Addresses(), "GET /v1/sites/:site/consistency") {
		t.Error("the address has moved")
	}
}

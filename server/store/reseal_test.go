package store_test

import (
	"bytes"
	"database/sql"
	"path/filepath"
	"testing"

	"samtykke/consent"
	"samtykke/server/store"
	"samtykke/server/store/storetest"
)

func TestSQLite_EveryChangedByteOfANoticeIsSeen(t *testing.T) {
	file := filepath.Join(t.TempDir(), "samtykke.db")
	db := open(t, file)
	raw, err := sql.Open("sqlite", file+"?_pragma=synchronous(off)&_busy_timeout=10000")
	if err != nil {
		t.Fatal(err)
	}
	defer raw.Close()
	changedBytes(t, db, raw, "blob", 1)
}

func TestPostgres_EveryChangedByteOfANoticeIsSeen(t *testing.T) {
	url := storetest.Postgres(t)()
	db := open(t, url)
	raw, err := sql.Open("pgx", url)
	if err != nil {
		t.Fatal(err)
	}
	defer raw.Close()
	changedBytes(t, db, raw, "bytea", 11)
}

// R4, R5: a notice's hash is computed anew from what is stored. Each byte of content, script and files counts, every
// step-th of which is changed here and put back.
func changedBytes(t *testing.T, db *store.DB, raw *sql.DB, blob string, step int) {
	s, _ := storetest.Site(t, db, "fjordfletvaerk")
	n := storetest.Notice(s, 2)
	n.Content.Version, n.Bundle.JS = 2, []byte("/* banner "+consent.NoHash+" */")
	n.Bundle.Files["hosts.js"] = []byte("export const less = 1 < 2")
	var err error
	if n.Hash, err = consent.Seal(n.Content, n.Bundle); err != nil {
		t.Fatal(err)
	}
	n.Bundle.JS = bytes.Replace(n.Bundle.JS, []byte(consent.NoHash), []byte(n.Hash.String()), 1)
	if err := db.Publish(t.Context(), n); err != nil {
		t.Fatal(err)
	}
	intact := func() bool {
		t.Helper()
		now, ok, err := db.Reseal(t.Context(), n.Hash)
		if err != nil {
			t.Fatal(err)
		}
		if ok && now != n.Hash {
			t.Error("intact under another hash")
		}
		return ok
	}
	set := func(column, kind string, to []byte) {
		t.Helper()
		var value any = string(to)
		if kind == blob {
			value = to
		}
		if _, err := raw.Exec("update notices set "+column+" = $1 where version = 2", value); err != nil {
			t.Fatal(err)
		}
	}
	if !intact() {
		t.Fatal("what was just published counts as changed")
	}
	for column, kind := range map[string]string{"content": "text", "script": blob, "files": "text"} {
		var was []byte
		if err := raw.QueryRow("select " + column + " from notices where version = 2").Scan(&was); err != nil {
			t.Fatal(err)
		}
		for i := 0; i < len(was); i += step {
			changed := bytes.Clone(was)
			changed[i] ^= 1
			if set(column, kind, changed); intact() {
				t.Errorf("%s: byte %d, %q for %q, is not seen", column, i, changed[i], was[i])
			}
		}
		// The same JSON in another spelling isn't what was stored either.
		if kind == "text" {
			if set(column, kind, append([]byte(" "), was...)); intact() {
				t.Errorf("%s: white space is not seen", column)
			}
		}
		set(column, kind, was)
	}
	if !intact() {
		t.Error("put back, it still counts as changed")
	}
	if _, err := raw.Exec("update notices set version = 3 where version = 2"); err != nil {
		t.Fatal(err)
	}
	if intact() {
		t.Error("another number is not seen")
	}
}

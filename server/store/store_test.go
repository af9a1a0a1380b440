package store_test

import (
	"context"
	"database/sql"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/google/uuid"

	"samtykke/consent"
	"samtykke/server/store"
	"samtykke/server/store/storetest"
)

func open(t *testing.T, target string) *store.DB {
	t.Helper()
	db, err := store.Open(context.Background(), target)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}

func TestSQLite(t *testing.T) {
	storetest.Run(t, func(t *testing.T) *store.DB { return open(t, filepath.Join(t.TempDir(), "samtykke.db")) })
}

func TestPostgres(t *testing.T) {
	fresh := storetest.Postgres(t)
	storetest.Run(t, func(t *testing.T) *store.DB { return open(t, fresh()) })
	t.Run("start together", func(t *testing.T) { startTogether(t, fresh()) })
}

func TestSQLite_ServersMayStartTogether(t *testing.T) {
	startTogether(t, filepath.Join(t.TempDir(), "samtykke.db"))
}

// startTogether opens an empty database from several sides at once: one migrates, the others wait.
func startTogether(t *testing.T, target string) {
	var wg sync.WaitGroup
	for range 5 {
		wg.Go(func() {
			db, err := store.Open(context.Background(), target)
			if err != nil {
				t.Error(err)
				return
			}
			defer db.Close()
			if _, err := db.Revision(context.Background()); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
}

// A folder that an administrator made may be readable by others; the files in it are not.
func TestSQLite_FilesAreTheOwnersOnly(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	db := open(t, filepath.Join(dir, "samtykke.db"))
	storetest.Site(t, db, "fjordfletvaerk")
	files, err := os.ReadDir(dir)
	if err != nil || len(files) < 3 {
		t.Fatalf("%v %v: the database, its log and its index were expected", files, err)
	}
	for _, f := range files {
		info, err := f.Info()
		if err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s is %v, %v", f.Name(), info.Mode(), err)
		}
	}
}

// A visitor's acts are found along the index on visitors: anybody may ask for them, on a site of any size.
func TestSQLite_VisitorsAreFoundByTheirIndex(t *testing.T) {
	file := filepath.Join(t.TempDir(), "samtykke.db")
	db := open(t, file)
	storetest.Site(t, db, "fjordfletvaerk")
	query, args, err := store.Statement(t.Context(), db, store.Filter{Site: "fjordfletvaerk", Visitor: uuid.New()})
	if err != nil {
		t.Fatal(err)
	}
	raw, err := sql.Open("sqlite", file)
	if err != nil {
		t.Fatal(err)
	}
	defer raw.Close()
	var plan string
	var none any
	err = raw.QueryRow("explain query plan "+query, args...).Scan(&none, &none, &none, &plan)
	if err != nil || !strings.Contains(plan, "consents_visitor (<expr>=?)") {
		t.Errorf("plan %q, %v", plan, err)
	}
}

// A search for what hardly ever fits stops and says how far it came; going on from there finds everything once.
func TestConsents_SearchStopsInTime(t *testing.T) {
	defer store.Examine(100, 30)()
	for name, target := range map[string]string{"sqlite": filepath.Join(t.TempDir(), "samtykke.db"), "postgres": storetest.Postgres(t)()} {
		t.Run(name, func(t *testing.T) {
			db := open(t, target)
			s, n := storetest.Site(t, db, "fjordfletvaerk")
			var group []consent.Record
			for k := range 330 {
				action := consent.AcceptAll
				if k == 3 || k == 4 || k == 200 {
					action = consent.RejectAll
				}
				group = append(group, storetest.Record(n, k, action))
			}
			if _, err := db.Append(t.Context(), group); err != nil {
				t.Fatal(err)
			}
			var found []consent.Record
			f := store.Filter{Site: s.ID, Action: consent.RejectAll, Limit: 2}
			pages := 0
			for ; pages < 10; pages++ {
				p, err := db.Consents(t.Context(), f)
				if err != nil {
					t.Fatal(err)
				}
				found = append(found, p.Records...)
				if f.After = p.Next; p.Next == "" {
					break
				}
				if (len(p.Records) < f.Limit) == p.Searched.IsZero() {
					t.Errorf("%d records, searched to %s", len(p.Records), p.Searched)
				}
			}
			if pages != 2 || len(found) != 3 || found[0].ID != group[200].ID || found[1].ID != group[4].ID || found[2].ID != group[3].ID {
				t.Errorf("%d records on %d pages", len(found), pages+1)
			}
		})
	}
}

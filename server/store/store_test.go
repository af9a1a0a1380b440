package store_test

import (
	"context"
	"os"
	"path/filepath"
	"sync"
	"testing"

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

func TestSQLite_FilesAreTheOwnersOnly(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	open(t, filepath.Join(dir, "samtykke.db"))
	info, err := os.Stat(dir)
	if err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("data folder %v, %v; others can read it", info.Mode(), err)
	}
}

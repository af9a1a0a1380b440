package store_test

import (
	"context"
	"path/filepath"
	"testing"

	"github.com/google/uuid"

	"samtykke/consent"
	"samtykke/server/store"
	"samtykke/server/store/storetest"
)

// BenchmarkAppend writes groups of the size that load makes: new acts, and acts that are there already.
func BenchmarkAppend(b *testing.B) {
	ctx := context.Background()
	db, err := store.Open(ctx, filepath.Join(b.TempDir(), "samtykke.db"))
	if err != nil {
		b.Fatal(err)
	}
	defer db.Close()
	_, n := storetest.Site(b, db, "fjordfletvaerk")
	group := make([]consent.Record, 128)
	fresh := func() {
		for i := range group {
			group[i] = storetest.Record(n, i, consent.Actions[i%2])
			group[i].ID, group[i].Visitor = uuid.Must(uuid.NewV7()), uuid.Must(uuid.NewV7())
		}
	}
	run := func(name string, prepare func()) {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				prepare()
				if _, err := db.Append(ctx, group); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.N*len(group))/b.Elapsed().Seconds(), "acts/s")
		})
	}
	run("new", fresh)
	run("again", func() {})
}

package store_test

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"testing"
	"time"

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
	var group []consent.Record
	fresh := func() { group = groupOf(n, 128) }
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

// BenchmarkLedgerShare writes the same groups with their log and without it, in turns, and reports what part of the time
// the log takes, on both engines.
func BenchmarkLedgerShare(b *testing.B) {
	for name, target := range map[string]string{"sqlite": filepath.Join(b.TempDir(), "samtykke.db"), "postgres": storetest.Postgres(b, "fsync=on")()} {
		b.Run(name, func(b *testing.B) {
			ctx := context.Background()
			db, err := store.Open(ctx, target)
			if err != nil {
				b.Fatal(err)
			}
			defer db.Close()
			_, n := storetest.Site(b, db, fmt.Sprint("logged", b.N))
			_, bare := storetest.Site(b, db, fmt.Sprint("bare", b.N))
			var with, without []time.Duration
			seq := int64(0)
			for b.Loop() {
				start := time.Now()
				if _, err := db.Append(ctx, groupOf(n, 128)); err != nil {
					b.Fatal(err)
				}
				with = append(with, time.Since(start))
				start = time.Now()
				if err := store.AppendBare(ctx, db, groupOf(bare, 128), seq); err != nil {
					b.Fatal(err)
				}
				without = append(without, time.Since(start))
				seq += 128
			}
			slices.Sort(with)
			slices.Sort(without)
			b.ReportMetric(100*(1-float64(without[len(without)/2])/float64(with[len(with)/2])), "%ledger")
		})
	}
}

// groupOf are new acts, as many as load makes a group of.
func groupOf(n consent.Notice, size int) []consent.Record {
	group := make([]consent.Record, size)
	for i := range group {
		group[i] = storetest.Record(n, i, consent.Actions[i%2])
		group[i].ID, group[i].Visitor = uuid.Must(uuid.NewV7()), uuid.Must(uuid.NewV7())
	}
	return group
}

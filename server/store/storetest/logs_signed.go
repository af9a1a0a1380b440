package storetest

import (
	"sync"
	"testing"
	"time"

	"samtykke/consent"
	"samtykke/server/ledger"
	"samtykke/server/store"
)

// One checkpoint a day is kept, the last; a log that hasn't grown isn't signed again.
func logCheckpoints(t *testing.T, target string) {
	db := openStore(t, target)
	s, n := Site(t, db, "fjordfletvaerk")
	_, err := db.Log(ctx, s.ID)
	wantKind(t, err, consent.KindNotFound)
	_, err = db.Log(ctx, "nosuchsite")
	wantKind(t, err, consent.KindNotFound)
	k := 0
	sign := func(now time.Time, acts int) ledger.Checkpoint {
		t.Helper()
		for range acts {
			appendAll(t, db, Record(n, k, consent.AcceptAll))
			k++
		}
		if err := db.SignLogs(ctx, now); err != nil {
			t.Fatal(err)
		}
		log := must[store.Log](t)(db.Log(ctx, s.ID))
		return must[ledger.Checkpoint](t)(ledger.OpenCheckpoint(log.Checkpoint, must[[]store.SigningKey](t)(db.Keys(ctx))[0].Public()))
	}
	for _, c := range []struct {
		hours, acts     int
		size, days, was int
	}{{0, 1, 1, 1, 0}, {1, 2, 3, 1, 1}, {2, 0, 3, 1, 1}, {24, 0, 3, 1, 1}, {25, 1, 4, 2, 25}, {48, 300, 304, 3, 48}} {
		now := Day.Add(time.Duration(c.hours) * time.Hour)
		got := sign(now, c.acts)
		if got.Size != int64(c.size) || got.Origin != "samtykke/fjordfletvaerk" || !got.At.Equal(Day.Add(time.Duration(c.was)*time.Hour)) {
			t.Errorf("after %d hours: %+v", c.hours, got)
		}
		same(t, len(must[[]string](t)(db.Checkpoints(ctx, s.ID))), c.days)
	}
	if r, _ := verified(t, db, s.ID, Day.AddDate(0, 0, 3)); r.Records != 304 {
		t.Errorf("%+v", r)
	}
}

// A clock that was wrong and is set back doesn't hide what came since from checkpoints, nor does it look like a log cut off.
func logClockSetBack(t *testing.T, target string) {
	db := openStore(t, target)
	s, n := Site(t, db, "fjordfletvaerk")
	appendAll(t, db, Record(n, 1, consent.AcceptAll))
	if err := db.SignLogs(ctx, Day.AddDate(4, 0, 0)); err != nil {
		t.Fatal(err)
	}
	appendAll(t, db, Record(n, 2, consent.AcceptAll))
	if err := db.SignLogs(ctx, Day); err != nil {
		t.Fatal(err)
	}
	same(t, must[store.Log](t)(db.Log(ctx, s.ID)).Size, int64(2))
	verified(t, db, s.ID, Day)
}

// Keys hand over to each other, and what is new is signed with the newest.
func logKeys(t *testing.T, target string) {
	db := openStore(t, target)
	s, n := Site(t, db, "fjordfletvaerk")
	appendAll(t, db, Record(n, 1, consent.AcceptAll))
	verified(t, db, s.ID, Day)
	first := must[[]store.SigningKey](t)(db.Keys(ctx))
	if len(first) != 1 || first[0].Rotation != "" {
		t.Fatalf("%d keys", len(first))
	}
	now := time.Now()
	for k := range 2 {
		next := must[store.SigningKey](t)(db.RotateKey(ctx, now.Add(time.Duration(k+1)*time.Hour)))
		log := must[store.Log](t)(db.Log(ctx, s.ID))
		if _, err := ledger.OpenCheckpoint(log.Checkpoint, next.Public()); err != nil {
			t.Errorf("the newest checkpoint isn't signed with the newest key: %v", err)
		}
	}
	_, err := db.RotateKey(ctx, now.Add(2*time.Hour))
	wantKind(t, err, consent.KindInvalid) // names tell keys apart by the second
	keys := must[[]store.SigningKey](t)(openStore(t, target).Keys(ctx))
	if len(keys) != 3 || keys[0].Public() != first[0].Public() {
		t.Fatalf("%d keys", len(keys))
	}
	appendAll(t, db, Record(n, 2, consent.AcceptAll))
	if r, _ := verified(t, db, s.ID, now.Add(72*time.Hour)); r.Key != keys[2].Public() || !r.Known || r.Records != 2 {
		t.Errorf("%+v", r)
	}
}

// Two servers that start on a new database have one key, and of two that rotate at once one does.
func logKeysTogether(t *testing.T, target string) {
	openStore(t, target)
	var wg sync.WaitGroup
	var mu sync.Mutex
	keys, rotated := map[string]bool{}, 0
	now := time.Now().Add(time.Hour)
	for range 4 {
		db := openStore(t, target)
		wg.Go(func() {
			list, err := db.Keys(ctx)
			if err != nil {
				t.Error(err)
				return
			}
			_, err = db.RotateKey(ctx, now)
			if err != nil && consent.KindOf(err) != consent.KindConflict && consent.KindOf(err) != consent.KindInvalid {
				t.Error(err)
			}
			mu.Lock()
			defer mu.Unlock()
			keys[list[0].Public()] = true
			if err == nil {
				rotated++
			}
		})
	}
	wg.Wait()
	if len(keys) != 1 || rotated != 1 || len(must[[]store.SigningKey](t)(openStore(t, target).Keys(ctx))) != 2 {
		t.Errorf("%d first keys, %d rotations", len(keys), rotated)
	}
}

package ledger

import (
	"bytes"
	"slices"
	"testing"
)

// FuzzVerifyExport: nothing panics or hangs, and what verifies is one of the exports that were signed, byte for byte.
func FuzzVerifyExport(f *testing.F) {
	plain, locked := newMemory(5), newMemory(4)
	locked.remove(Locked, 1)
	locked.remove(Unlocked, 1)
	locked.add(1)
	valid := [][]byte{
		smallFile(f, 0), smallFile(f, 2), plain.all(f), plain.export(f, 2, 3, 5), newMemory(1).all(f), locked.all(f), newMemory(20).export(f, 3, 20, 20, func(h *Head) { h.Most = 2 }),
	}
	for _, file := range valid {
		f.Add(file)
		records, proofs := split(f, file)
		slices.Reverse(records)
		f.Add(join(f, records, proofs))
	}
	f.Fuzz(func(t *testing.T, file []byte) {
		r, err := verify(file, trusting())
		if err != nil && err.Error() == "" {
			t.Error("a fault without words")
		}
		if err == nil && !slices.ContainsFunc(valid, func(v []byte) bool { return bytes.Equal(v, file) }) {
			t.Errorf("a changed file verifies: %+v", r)
		}
		_, _ = verify(file, Options{}) // further inside, with whatever key
	})
}

// FuzzOpenCheckpoint: what opens is what was signed, byte for byte; and nothing panics with whatever key.
func FuzzOpenCheckpoint(f *testing.F) {
	l := newMemory(3)
	signed := l.signed(f, 3)
	rotation, err := Rotate(testKey(0), testKey(1), day)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(signed, testKey(0).Public())
	f.Add(signed+signed, testKey(1).Public())
	f.Add(rotation, "samtykke+00000000+AA")
	f.Fuzz(func(t *testing.T, s, key string) {
		if c, err := OpenCheckpoint(s, testKey(0).Public()); err == nil && (s != signed || c != l.checkpoint(t, 3)) {
			t.Errorf("%q opens", s)
		}
		if _, err := OpenCheckpoint(signed, key); err == nil && key != testKey(0).Public() {
			t.Errorf("opens with the key %q", key)
		}
		_, _ = OpenCheckpoint(s, key)
		_, _, _ = trust([]string{key}, testKey(0).Public(), []string{s})
		_, _, _ = trust(nil, testKey(0).Public(), []string{s, rotation})
	})
}

// FuzzParseRemoval: what is read has one spelling, and what it explains is finite.
func FuzzParseRemoval(f *testing.F) {
	for _, why := range []string{Erased, Purged, Locked, Unlocked} {
		r := NewRemoval(why, day, []int64{1, 2, 3, 9})
		f.Add(r.Canonical())
	}
	f.Add([]byte(`{"at":0,"entries":[[0,9223372036854775807]],"type":"erased","v":1}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		r, err := ParseRemoval(b)
		if err != nil {
			return
		}
		if !bytes.Equal(r.Canonical(), b) {
			t.Errorf("%s is another spelling of %s", b, r.Canonical())
		}
		if !r.behind(1 << 40) {
			return // no place in a log
		}
		var x removed
		x.add(&r)
		if n := x.unexplained([][2]int64{{0, 3}, {7, 1 << 41}}); n < 0 || n > 1<<40 {
			t.Errorf("%s explains everything", b)
		}
	})
}

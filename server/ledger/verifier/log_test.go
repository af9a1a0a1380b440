package verifier_test

import (
	"bytes"
	"crypto/ed25519"
	"fmt"
	"testing"
	"time"

	"github.com/google/uuid"

	"samtykke/consent"
	"samtykke/server/ledger"
)

var start = time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC)

func keyOf(name string, seed byte) ledger.Key {
	return ledger.Key{Name: name, Private: ed25519.NewKeyFromSeed(bytes.Repeat([]byte{seed}, ed25519.SeedSize))}
}

var (
	key      = keyOf("samtykke-20260101T000000", 1)
	otherKey = keyOf("samtykke-20260101T000000", 2) // same name, another key
	nextKey  = keyOf("samtykke-20270101T000000", 3)
)

// entry is what a log holds: a record with its salt, or a removal, which has none.
type entry struct {
	salt, bytes []byte
	hidden      bool
}

// testLog is a log in memory.
type testLog struct {
	t       testing.TB
	edge    *ledger.Edge
	hashes  map[[2]int64][]byte
	entries []entry
}

func newLog(t testing.TB) *testLog {
	t.Helper()
	edge, err := ledger.NewEdge(0, nil)
	if err != nil {
		t.Fatal(err)
	}
	return &testLog{t: t, edge: edge, hashes: map[[2]int64][]byte{}}
}

func (l *testLog) add(e entry) {
	for _, tile := range l.edge.Append([]ledger.Hash{ledger.Leaf(e.salt, e.bytes)}) {
		l.hashes[[2]int64{tile.Level, tile.Index}] = tile.Hashes
	}
	l.entries = append(l.entries, e)
}

func (l *testLog) tiles(level, index int64) ([]byte, error) {
	b, ok := l.hashes[[2]int64{level, index}]
	if !ok {
		return nil, fmt.Errorf("no tile %d of level %d", index, level)
	}
	return b, nil
}

// recordOf is the n-th act, the same each time.
func recordOf(n int) consent.Record {
	id := func(version byte, kind byte) (u uuid.UUID) {
		copy(u[:], fmt.Sprintf("%c%015d", kind, n))
		u[6], u[8] = version<<4|u[6]&15, 0x80|u[8]&0x3f
		return u
	}
	at := start.Add(time.Duration(n) * time.Minute)
	r := consent.Record{
		Act: consent.Act{
			ID: id(7, 'i'), Visitor: id(4, 'v'), Notice: consent.Hash{1, 2, 3}, Action: consent.Custom, Language: "da", Method: consent.ByBanner,
			Categories: consent.Choices{Asked: consent.SetOf(consent.Statistics, consent.Marketing), Given: consent.SetOf(consent.Statistics)},
		},
		Site: "fjordfletvaerk", At: at, ValidUntil: at.Add(365 * 24 * time.Hour),
	}
	if n%3 == 2 {
		r.Refused = []string{"statistics/Tællelys A/S"}
	}
	if n%3 == 0 {
		r.Cleared = []string{`_kø<&>"\`, "\u2028"}
	}
	return r
}

// records adds acts.
func (l *testLog) records(n int) {
	l.t.Helper()
	for range n {
		r := recordOf(len(l.entries))
		salt := []byte(fmt.Sprintf("salt%012d", len(l.entries)))
		l.add(entry{salt: salt, bytes: r.AppendCanonical(nil)})
	}
}

// remove adds the entry that says why others are gone, and hides them.
func (l *testLog) remove(why string, numbers ...int64) {
	for _, n := range numbers {
		l.entries[n].hidden = why != ledger.Unlocked
	}
	r := ledger.NewRemoval(why, start, numbers)
	l.add(entry{bytes: r.Canonical()})
}

func (l *testLog) sign(keys ...ledger.Key) string {
	l.t.Helper()
	c := ledger.Checkpoint{Origin: ledger.Origin("fjordfletvaerk"), Size: l.edge.Size, Root: l.edge.Root(), At: start.Add(24 * time.Hour)}
	s, err := c.Sign(keys...)
	if err != nil {
		l.t.Fatal(err)
	}
	return s
}

// export writes the entries from one number to another, exclusive.
func (l *testLog) export(from, to int64, k ledger.Key, rotations ...string) []byte {
	l.t.Helper()
	var out bytes.Buffer
	size := l.edge.Size
	e, err := ledger.NewExport(&out, l.tiles, ledger.Head{
		Origin: ledger.Origin("fjordfletvaerk"), Checkpoint: l.sign(k), Key: k.Public(), Rotations: rotations, From: from, To: to,
	}, size)
	if err != nil {
		l.t.Fatal(err)
	}
	var later []ledger.Later
	for i, x := range l.entries {
		n := int64(i)
		switch removal := x.salt == nil; {
		case n < from || x.hidden:
		case n >= to && removal:
			later = append(later, ledger.Later{Seq: n, Removal: string(x.bytes)})
		case n >= to:
		case removal:
			err = e.Removal(n, x.bytes)
		default:
			err = e.Record(n, x.salt, x.bytes)
		}
		if err != nil {
			l.t.Fatal(err)
		}
	}
	if err := e.Close(size, later); err != nil {
		l.t.Fatal(err)
	}
	return out.Bytes()
}

// shortLog is a log of 60 acts with everything that can happen to them.
func shortLog(t testing.TB) *testLog {
	l := newLog(t)
	l.records(30)
	l.remove(ledger.Erased, 3, 4, 5, 17)
	l.records(10)
	l.remove(ledger.Locked, 20, 21)
	l.remove(ledger.Locked, 35)
	l.remove(ledger.Unlocked, 35)
	l.records(20)
	l.remove(ledger.Purged, 0, 45, 46)
	return l
}

// longLog is one of which an export's head can't name each leaf.
func longLog(t testing.TB) *testLog {
	l := newLog(t)
	l.records(1500)
	l.remove(ledger.Purged, 100, 101, 102, 103, 104, 105, 106, 107, 108, 900)
	l.records(300)
	return l
}

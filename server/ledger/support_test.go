package ledger

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/tlog"
)

// day is when everything here happens.
var day = time.Date(2026, 11, 22, 9, 30, 0, 0, time.UTC)

// testKey is the k-th of some keys that are always the same.
func testKey(k int) Key {
	seed := sha256.Sum256(fmt.Append(nil, "key", k))
	return Key{fmt.Sprintf("samtykke-test%d", k), ed25519.NewKeyFromSeed(seed[:])}
}

// entry is what a store keeps of an entry of a log.
type entry struct {
	salt, text []byte
	removal    bool
	gone       bool
}

// memory is a log with its store, in memory.
type memory struct {
	origin  string
	seed    string // what its records and salts are made of
	edge    Edge
	stored  map[[2]int64][]byte
	entries []entry
	keys    []Key // the last one signs
}

func newMemory(records int) *memory {
	l := &memory{origin: "samtykke/fjordfletvaerk", stored: map[[2]int64][]byte{}, keys: []Key{testKey(0)}}
	l.add(records)
	return l
}

func (l *memory) size() int64 { return l.edge.Size }

// record is the text of the k-th entry: with everything that may stand in a string.
func (l *memory) record(k int64) []byte {
	return fmt.Appendf(nil, `{"action":"accept_all","id":"%s%06d","path":"/om \"os\",\\\"proof\\\":{/%c","v":1}`, l.seed, k, 'æ'+rune(k%64))
}

func (l *memory) put(es ...entry) {
	leaves := make([]Hash, len(es))
	for i, e := range es {
		leaves[i] = Leaf(e.salt, e.text)
	}
	for _, t := range l.edge.Append(leaves) {
		l.stored[[2]int64{t.Level, t.Index}] = t.Hashes
	}
	l.entries = append(l.entries, es...)
}

func (l *memory) add(records int) {
	es := make([]entry, records)
	for i := range es {
		k := l.size() + int64(i)
		salt := sha256.Sum256(fmt.Append(nil, "salt", l.seed, k))
		es[i] = entry{salt: salt[:SaltLen], text: l.record(k)}
	}
	l.put(es...)
}

// remove says in the log that entries are gone, and forgets those that are.
func (l *memory) remove(why string, numbers ...int64) {
	for _, n := range numbers {
		l.entries[n].gone = why != Unlocked
	}
	r := NewRemoval(why, day, numbers)
	l.put(entry{text: r.Canonical(), removal: true})
}

func (l *memory) tiles() Tiles {
	return func(level, index int64) ([]byte, error) { return l.stored[[2]int64{level, index}], nil }
}

func (l *memory) checkpoint(t testing.TB, size int64) Checkpoint {
	t.Helper()
	root, err := tlog.TreeHash(size, l.tiles())
	if err != nil {
		t.Fatal(err)
	}
	return Checkpoint{Origin: l.origin, Size: size, Root: root, At: day}
}

func (l *memory) signed(t testing.TB, size int64) string {
	t.Helper()
	c := l.checkpoint(t, size)
	s, err := c.Sign(l.keys[len(l.keys)-1])
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// rotate takes another key.
func (l *memory) rotate() { l.keys = append(l.keys, testKey(len(l.keys))) }

func (l *memory) head(t testing.TB, from, to, size int64) Head {
	t.Helper()
	h := Head{Origin: l.origin, Checkpoint: l.signed(t, size), Key: l.keys[len(l.keys)-1].Public(), From: from, To: to}
	for i := range l.keys[1:] {
		r, err := Rotate(l.keys[i], l.keys[i+1], day)
		if err != nil {
			t.Fatal(err)
		}
		h.Rotations = append(h.Rotations, r)
	}
	return h
}

// export writes the entries of a range as the program does.
func (l *memory) export(t testing.TB, from, to, size int64, change ...func(*Head)) []byte {
	t.Helper()
	h := l.head(t, from, to, size)
	for _, c := range change {
		c(&h)
	}
	var out bytes.Buffer
	e, err := NewExport(&out, l.tiles(), h, size)
	if err != nil {
		t.Fatal(err)
	}
	var later []Later
	for n := from; n < size; n++ {
		x := &l.entries[n]
		switch {
		case x.removal && n < to:
			err = e.Removal(n, x.text)
		case x.removal:
			later = append(later, Later{Seq: n, Removal: string(x.text)})
		case n < to && !x.gone:
			err = e.Record(n, x.salt, x.text)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := e.Close(size, later); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func (l *memory) all(t testing.TB) []byte { t.Helper(); return l.export(t, 0, l.size(), l.size()) }

// trusting are options with the first key of the logs here.
func trusting(earlier ...string) Options {
	return Options{Keys: []string{testKey(0).Public()}, Earlier: earlier}
}

func verify(file []byte, o Options) (Result, error) { return VerifyExport(bytes.NewReader(file), o) }

func mustVerify(t testing.TB, file []byte, o Options) Result {
	t.Helper()
	r, err := verify(file, o)
	if err != nil {
		t.Fatalf("an untouched export does not verify: %v", err)
	}
	return r
}

// wantFault checks that a file is refused for what is said, at this line and entry; line or entry -2: wherever.
func wantFault(t *testing.T, file []byte, o Options, line, entry int64, what string) {
	t.Helper()
	_, err := verify(file, o)
	var f *Fault
	if !errors.As(err, &f) {
		t.Errorf("error %v, want a fault with %q", err, what)
		return
	}
	if line != -2 && f.Line != line || entry != -2 && f.Entry != entry || !strings.Contains(f.What, what) {
		t.Errorf("line %d, entry %d, %q; want %d, %d, %q", f.Line, f.Entry, f.What, line, entry, what)
	}
}

// split takes an export apart.
func split(t testing.TB, file []byte) (records []string, proofs []proof) {
	t.Helper()
	for line := range strings.Lines(string(file)) {
		record, raw, ok := strings.Cut(strings.TrimSuffix(line, "}\n"), Separator)
		p, err := parseProof([]byte(raw))
		if !ok || err != nil {
			t.Fatalf("%s: %v", line, err)
		}
		records, proofs = append(records, record+"}"), append(proofs, p)
	}
	return records, proofs
}

// join is the way back.
func join(t testing.TB, records []string, proofs []proof) []byte {
	t.Helper()
	var out []byte
	for i := range records {
		b, err := json.Marshal(&proofs[i])
		if err != nil {
			t.Fatal(err)
		}
		out = fmt.Appendf(out, "%s%s%s}\n", records[i][:len(records[i])-1], Separator, b)
	}
	return out
}

// lines are a file's, each with its end.
func lines(file []byte) [][]byte {
	all := bytes.SplitAfter(file, []byte("\n"))
	return all[:len(all)-1]
}

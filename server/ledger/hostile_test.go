package ledger

import (
	"bytes"
	"math"
	"slices"
	"strings"
	"testing"
)

// Whoever writes a file may sign it with a key of his own: no number in it makes verifying panic, endless or large.
func TestVerifyExport_SurvivesHostileFiles(t *testing.T) {
	t.Run("a removal of all numbers there are", func(t *testing.T) {
		l := newMemory(3)
		r := Removal{At: 1, Entries: [][2]int64{{0, math.MaxInt64}}, Type: Erased, V: 1}
		l.put(entry{text: r.Canonical(), removal: true})
		l.entries[1].gone = true
		wantFault(t, l.all(t), Options{}, -2, 3, "was changed")
	})
	t.Run("gaps over all numbers there are", func(t *testing.T) {
		l := newMemory(5)
		l.entries[2].gone = true
		for _, to := range []int64{1 << 40, math.MaxInt64, -1, math.MinInt64} {
			records, proofs := split(t, l.all(t))
			proofs[2].Before[0].To = to
			for _, seq := range []int64{3, to} {
				proofs[2].Seq = seq
				wantFault(t, join(t, records, proofs), Options{}, 3, -2, "")
			}
			records, proofs = split(t, l.all(t))
			proofs[3].After = []gap{{To: to, Nodes: []Hash{{}}}}
			wantFault(t, join(t, records, proofs), Options{}, 4, -2, "")
			proofs[3].After, proofs[3].Seq = nil, to
			wantFault(t, join(t, records, proofs), Options{}, 4, -2, "")
		}
	})
	t.Run("a log of all numbers there are", func(t *testing.T) {
		l := newMemory(1)
		for _, c := range []struct {
			size, from, to int64
			most           int
		}{
			{math.MaxInt64, 0, math.MaxInt64, 0},
			{math.MaxInt64, 0, math.MaxInt64, 62},
			{math.MaxInt64, 0, math.MaxInt64, 54},
			{math.MaxInt64, math.MaxInt64 - 1, math.MaxInt64, 0},
			{math.MaxInt64, 0, 1, 62},
			{1 << 62, 0, 1 << 62, 62},
			{1 << 62, 1, 512, 0},
			{0, 0, 0, 0},
			{0, 0, 1, 0},
			{1, math.MinInt64, 1, 62},
		} {
			h := l.head(t, c.from, c.to, 1)
			forged := Checkpoint{Origin: l.origin, Size: c.size, At: day}
			var err error
			if h.Checkpoint, err = forged.Sign(l.keys[0]); err != nil {
				t.Fatal(err)
			}
			h.Most = c.most
			for _, nodes := range [][]Hash{nil, make([]Hash, 63), make([]Hash, 600)} {
				h.Nodes = nodes
				p := proof{Log: &h, Salt: "BwcHBwcHBwcHBwcHBwcHBw==", Seq: c.from}
				wantFault(t, join(t, []string{`{"v":1}`}, []proof{p}), Options{}, -2, -2, "")
			}
		}
	})
}

// One signed text has one spelling: notes themselves allow for more.
func TestOpenNote_HasOneSpelling(t *testing.T) {
	old, next := testKey(0), testKey(1)
	signed, err := Rotate(old, next, day)
	if err != nil {
		t.Fatal(err)
	}
	keys := []string{old.Public(), next.Public()}
	if _, err := OpenNote(signed, keys); err != nil {
		t.Fatal(err)
	}
	for i := range signed {
		for bit := range 8 {
			b := []byte(signed)
			b[i] ^= 1 << bit
			if _, err := OpenNote(string(b), keys); err == nil {
				t.Errorf("byte %d, bit %d of %q makes no difference", i, bit, signed)
			}
		}
	}
	ls := strings.SplitAfter(signed, "\n")
	n := len(ls) - 1
	stranger, err := Sign(strings.Join(ls[:n-3], ""), old, next, testKey(2))
	if err != nil {
		t.Fatal(err)
	}
	for what, s := range map[string]string{
		"a signature twice":    signed + ls[n-1],
		"signatures swapped":   strings.Join(slices.Concat(ls[:n-2], ls[n-1:n], ls[n-2:n-1]), ""),
		"a signature left out": strings.Join(ls[:n-1], ""),
		"a stranger's too":     stranger,
		"a carriage return":    strings.ReplaceAll(signed, "\n", "\r\n"),
		"very long":            strings.Repeat("x\n", maxNote) + signed,
		"nothing":              "",
	} {
		if _, err := OpenNote(s, keys); err == nil {
			t.Errorf("opens with %s", what)
		}
	}
	for _, keys := range [][]string{nil, {old.Public()}, {next.Public(), old.Public()}, {old.Public(), old.Public()}, {"", ""}, {strings.ToUpper(old.Public()), next.Public()}} {
		if _, err := OpenNote(signed, keys); err == nil {
			t.Errorf("opens with the keys %q", keys)
		}
	}
}

// A checkpoint is five lines and nothing else, even if the right key signed it.
func TestOpenCheckpoint_RefusesOtherTexts(t *testing.T) {
	k := testKey(0)
	const root = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="
	good := "samtykke/fjordfletvaerk\n12\n" + root + "\n2026-11-22T09:30:00.000Z\n"
	open := func(text string) error {
		t.Helper()
		s, err := Sign(text, k)
		if err != nil {
			t.Fatal(err)
		}
		c, err := OpenCheckpoint(s, k.Public())
		if err == nil && c.text() != text {
			t.Errorf("%q is read as %q", text, c.text())
		}
		return err
	}
	if err := open(good); err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{
		"x\n", strings.Replace(good, "12", "+12", 1), strings.Replace(good, "12", "-1", 1), strings.Replace(good, "12", "012", 1),
		strings.Replace(good, "12", "9223372036854775808", 1), strings.Replace(good, ".000Z", "Z", 1), strings.Replace(good, ".000Z", ".000+00:00", 1),
		strings.Replace(good, "AAA=", "AAB=", 1), good + "more\n", strings.TrimPrefix(good, "samtykke/fjordfletvaerk"),
		"samtykke key rotation\n" + k.Public() + "\n" + k.Public() + "\n2026-11-22T09:30:00.000Z\n",
	} {
		if open(text) == nil {
			t.Errorf("%q passes for a checkpoint", text)
		}
	}
}

// Whoever has only the leaf can't guess the entry: salts are fresh, and another salt is another leaf.
func TestNewSalts_AreFresh(t *testing.T) {
	b := NewSalts(1000)
	seen := map[[SaltLen]byte]bool{}
	for s := range slices.Chunk(b, SaltLen) {
		seen[[SaltLen]byte(s)] = true
	}
	if len(b) != 1000*SaltLen || len(seen) != 1000 || bytes.Equal(NewSalts(1), NewSalts(1)) {
		t.Errorf("%d salts, %d bytes", len(seen), len(b))
	}
	if Leaf(b[:SaltLen], []byte("{}")) == Leaf(b[SaltLen:2*SaltLen], []byte("{}")) {
		t.Error("two salts give one leaf")
	}
}

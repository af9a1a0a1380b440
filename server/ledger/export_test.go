package ledger

import (
	"bytes"
	"io"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// Whatever the size, the range, the removals within it and behind it, and the size of the blocks: what is exported verifies,
// with what it has and what it doesn't; also against checkpoints that were kept.
func TestVerifyExport_OfAnyExport(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		l := newMemory(rapid.IntRange(1, 300).Draw(r, "records"))
		if rapid.IntRange(0, 9).Draw(r, "large") == 0 {
			l.add(900)
		}
		for range rapid.IntRange(0, 6).Draw(r, "removals") {
			var numbers []int64
			for n := range l.entries {
				if !l.entries[n].removal && !l.entries[n].gone && rapid.IntRange(0, 19).Draw(r, "remove") == 0 {
					numbers = append(numbers, int64(n))
				}
			}
			if len(numbers) > 0 {
				l.remove(rapid.SampledFrom([]string{Erased, Purged, Locked}).Draw(r, "why"), numbers...)
			}
			l.add(rapid.IntRange(0, 40).Draw(r, "more"))
		}
		for range rapid.IntRange(0, 2).Draw(r, "rotations") {
			l.rotate()
		}
		size := l.size()
		from := rapid.Int64Range(0, size-1).Draw(r, "from")
		to := rapid.Int64Range(from+1, size).Draw(r, "to")
		most := rapid.IntRange(0, 8).Draw(r, "most")
		file := l.export(t, from, to, size, func(h *Head) { h.Most = most })
		var shown, gone int64
		for _, e := range l.entries[from:to] {
			if e.removal {
				continue
			} else if e.gone {
				gone++
			} else {
				shown++
			}
		}
		if shown == 0 {
			if len(file) > 0 {
				r.Fatalf("a file of nothing: %s", file)
			}
			return
		}
		kept := rapid.Int64Range(1, size).Draw(r, "kept")
		got, err := verify(file, trusting(l.signed(t, kept)))
		if err != nil {
			r.Fatalf("%d to %d of %d: %v", from, to, size, err)
		}
		if got.Records != shown || got.Removed != gone || got.From != from || got.To != to || got.Checkpoint != l.checkpoint(t, size) || !got.Known {
			r.Fatalf("%+v, want %d records, %d removed", got, shown, gone)
		}
		if seen := got.Earlier == 1; !seen && most == 0 && kept >= from && kept <= to && size <= maxBlocks {
			r.Fatalf("the checkpoint of %d entries was not compared", kept)
		}
	})
}

// B: the file itself decides nothing about trust.
func TestVerifyExport_SaysWhetherTheKeyIsKnown(t *testing.T) {
	l := newMemory(3)
	file := l.all(t)
	if r := mustVerify(t, file, Options{}); r.Known || r.Key != testKey(0).Public() {
		t.Errorf("%+v", r)
	}
	if r := mustVerify(t, file, trusting()); !r.Known {
		t.Errorf("%+v", r)
	}
	wantFault(t, file, Options{Keys: []string{testKey(1).Public()}}, 1, -1, "the key")
}

func TestVerifyExport_ReadsPlainFiles(t *testing.T) {
	for name, c := range map[string]struct{ file, what string }{
		"nothing":           {"", "the file is empty"},
		"an empty line":     {"\n", "no record with a proof"},
		"no proof":          {"{\"v\":1}\n", "no record with a proof"},
		"no head":           {`{"v":1,"proof":{"salt":"AAAAAAAAAAAAAAAAAAAAAA==","seq":0}}` + "\n", "begins with the line"},
		"an empty proof":    {`{"v":1,"proof":{}}` + "\n", ""},
		"only a separator":  {Separator + "\n", ""},
		"a separator and }": {Separator + "}\n", ""},
		"a very long line":  {strings.Repeat("x", maxLine+1<<20) + "\n", "too long"},
		"an endless line":   {strings.Repeat("x", maxLine+1<<20), "too long"},
	} {
		t.Run(name, func(t *testing.T) { wantFault(t, []byte(c.file), Options{}, -2, -2, c.what) })
	}
}

// A record may hold anything; where its proof begins is never in doubt, also where removals have proofs of their own.
func TestVerifyExport_FindsTheProof(t *testing.T) {
	l := newMemory(4)
	l.put(entry{salt: bytes.Repeat([]byte{7}, SaltLen), text: []byte(`{"a":"x,\"proof\":{","b":"{\"salt\":\"","v":1}`)})
	l.remove(Erased, 2)
	mustVerify(t, l.all(t), trusting())
	if r := mustVerify(t, l.export(t, 0, 5, l.size()), trusting()); r.Records != 4 || r.Removed != 1 {
		t.Errorf("%+v", r)
	}
}

// What was exported can be read again, however many removals follow on its range.
func TestVerifyExport_OfManyLaterRemovals(t *testing.T) {
	const n = 9000
	l := newMemory(n + 1)
	for k := range int64(n) {
		l.remove(Erased, k)
	}
	file := l.export(t, 0, n+1, l.size())
	if r := mustVerify(t, file, trusting()); r.Records != 1 || r.Removed != n {
		t.Errorf("%+v", r)
	}
}

func TestExport_RefusesWhatIsOutOfOrder(t *testing.T) {
	l := newMemory(5)
	e, err := NewExport(io.Discard, l.tiles(), l.head(t, 1, 4, 5), 5)
	if err != nil {
		t.Fatal(err)
	}
	put := func(n int64) error { return e.Record(n, l.entries[n].salt, l.entries[n].text) }
	if put(0) == nil || put(4) == nil {
		t.Error("takes what is outside of the range")
	}
	if err := put(2); err != nil {
		t.Error(err)
	}
	if put(2) == nil || put(1) == nil || e.Removal(1, l.entries[1].text) == nil {
		t.Error("takes an entry twice or going back")
	}
}

// Every checkpoint of an honest log is met in an export of all of it; one of a fork of the log never agrees, wherever it
// parted; one of a longer log shows that this one was cut off.
func TestVerifyExport_ComparesEarlierCheckpoints(t *testing.T) {
	l := newMemory(40)
	l.remove(Erased, 3, 4, 5, 30)
	l.add(20)
	fork := newMemory(17)
	fork.seed = "another"
	fork.add(50)
	all := l.all(t)
	var kept []string
	for size := int64(1); size <= l.size(); size++ {
		kept = append(kept, l.signed(t, size))
		earlier := fork.signed(t, size)
		if size <= 17 {
			mustVerify(t, all, trusting(earlier))
			continue
		}
		wantFault(t, all, trusting(earlier), -2, -1, "the log was forked")
	}
	if r := mustVerify(t, all, trusting(kept...)); r.Earlier != len(kept) {
		t.Errorf("%d of %d were met", r.Earlier, len(kept))
	}
	short := newMemory(40).all(t)
	wantFault(t, short, trusting(kept[40]), -2, -1, "the log was cut off: it had 41 entries on 2026-11-22T09:30:00.000Z and has 40 now")
	other := newMemory(10)
	other.origin = "samtykke/nordlysoglim"
	if _, err := verify(all, trusting(other.signed(t, 5))); err == nil || !strings.Contains(err.Error(), "of another log, samtykke/nordlysoglim") {
		t.Errorf("the checkpoint of another log: %v", err)
	}
	forged, err := new(l.checkpoint(t, 5)).Sign(testKey(9))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := verify(all, trusting(forged)); err == nil || !strings.Contains(err.Error(), "earlier checkpoint") {
		t.Errorf("a checkpoint that somebody else signed: %v", err)
	}
}

// Keys hand over to each other; what doesn't hang together isn't trusted.
func TestVerifyExport_FollowsRotations(t *testing.T) {
	l := newMemory(5)
	before := l.signed(t, 3)
	l.rotate()
	l.rotate()
	rotations := l.head(t, 0, 5, 5).Rotations
	by := func(keys ...int) (o Options) {
		for _, k := range keys {
			o.Keys = append(o.Keys, testKey(k).Public())
		}
		return o
	}
	stranger, err := Rotate(testKey(8), testKey(2), day)
	if err != nil {
		t.Fatal(err)
	}
	halfSigned, err := Sign("samtykke key rotation\n"+testKey(0).Public()+"\n"+testKey(2).Public()+"\n2026-11-22T09:30:00.000Z\n", testKey(2))
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		rotations []string
		options   Options
		ok        bool
	}{
		"the first key":               {rotations, by(0), true},
		"the one between":             {rotations, by(1), true},
		"the newest":                  {rotations, by(2), true},
		"the newest alone":            {nil, by(2), true},
		"none":                        {rotations, by(), true},
		"a stranger's":                {rotations, by(8), false},
		"a chain without its begin":   {rotations[1:], by(0), false},
		"a chain without its end":     {rotations[:1], by(0), false},
		"a chain without its end, 2":  {rotations[:1], by(), false},
		"backwards":                   {[]string{rotations[1], rotations[0]}, by(0), false},
		"handed over by a stranger":   {[]string{stranger}, by(0), false},
		"signed by the next one only": {[]string{halfSigned}, by(0), false},
		"no rotation at all":          {[]string{before}, by(0), false},
	} {
		t.Run(name, func(t *testing.T) {
			file := l.export(t, 0, 5, 5, func(h *Head) { h.Rotations = c.rotations })
			if r, err := verify(file, c.options); (err == nil) != c.ok || c.ok && r.Known != (len(c.options.Keys) > 0) {
				t.Errorf("%+v, %v", r, err)
			}
		})
	}
	// A checkpoint that was kept before the keys changed still counts, whichever of them is known.
	for k := range 3 {
		o := by(k)
		o.Earlier = []string{before}
		if r, err := verify(l.all(t), o); err != nil || r.Earlier != 1 {
			t.Errorf("with key %d: %+v, %v", k, r, err)
		}
	}
}

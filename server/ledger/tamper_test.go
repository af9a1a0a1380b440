package ledger

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

// small is a log with everything that an export can have: removals within and behind the range, and two rotations.
func small() *memory {
	l := newMemory(9)
	l.remove(Erased, 2, 5)
	l.add(3)
	l.remove(Purged, 6)
	l.add(2)
	l.remove(Locked, 12)
	l.rotate()
	l.rotate()
	return l
}

// smallFile is its export up to the last removal, with blocks of 2^most entries.
func smallFile(t testing.TB, most int) []byte {
	l := small()
	return l.export(t, 1, 16, l.size(), func(h *Head) { h.Most = most })
}

// placed says whether a fault names the line that was changed, or the block of that many entries that it belongs to.
func placed(err error, line, block int64) bool {
	var f *Fault
	if !errors.As(err, &f) {
		return false
	}
	return f.Line == line || strings.Contains(f.What, "one of the entries") && f.Line > line && f.Line <= line+block
}

// Every byte of a file matters, in every way of changing it; and the line is named that was changed.
func TestVerifyExport_EveryByteMatters(t *testing.T) {
	for _, most := range []int{0, 2} {
		t.Run(fmt.Sprintf("blocks of 2^%d", most), func(t *testing.T) {
			t.Parallel()
			file := smallFile(t, most)
			mustVerify(t, file, trusting())
			line := int64(1)
			for i := range file {
				for _, x := range []byte{1, 0x20, 0x80} {
					if most > 0 && (i+int(x))%5 > 0 {
						continue // a sample is enough where blocks differ
					}
					mutated := bytes.Clone(file)
					mutated[i] ^= x
					options := []Options{trusting()}
					if line == 1 && x != 0x80 {
						options = append(options, Options{}) // it isn't a matter of the key that is known either
					}
					for _, o := range options {
						_, err := verify(mutated, o)
						var f *Fault
						grown := line == 1 && errors.As(err, &f) && strings.Contains(f.What, "missing") // the range's end was changed
						if !grown && !placed(err, line, int64(1)<<most) {
							t.Errorf("%v; line %d was changed", err, line)
						}
					}
				}
				if file[i] == '\n' {
					line++
				}
				if t.Failed() {
					t.Fatalf("byte %d, %q", i, file[max(0, i-40):min(len(file), i+40)])
				}
			}
		})
	}
}

// Nothing can be put in, left out or cut off, anywhere.
func TestVerifyExport_EveryLengthMatters(t *testing.T) {
	file := smallFile(t, 0)
	for i := 0; i < len(file); i += 7 {
		for _, mutated := range [][]byte{
			slices.Delete(bytes.Clone(file), i, i+1), file[:i], file[i+1:],
			slices.Insert(bytes.Clone(file), i, file[i]), slices.Insert(bytes.Clone(file), i, ' '),
		} {
			if _, err := verify(mutated, trusting()); err == nil && !bytes.Equal(mutated, file) {
				t.Fatalf("verifies with a change at byte %d, %q", i, file[max(0, i-40):min(len(file), i+40)])
			}
		}
	}
}

// Exports of more than 512 entries have blocks: single random changes all over a long one are found, in the line of the
// change or, where nothing but a hash was changed, in the block.
func TestVerifyExport_FindsChangesInLongFiles(t *testing.T) {
	l := newMemory(1400)
	l.remove(Purged, 3, 4, 5, 6, 7, 100, 512, 513, 1399)
	l.add(120)
	l.remove(Erased, 1450)
	file := l.export(t, 0, 1500, l.size())
	mustVerify(t, file, trusting())
	_, proofs := split(t, file)
	block := int64(1) << proofs[0].Log.Most
	head := len(lines(file)[0])
	random := rand.New(rand.NewPCG(3, 4))
	for k := range 220 {
		i := head + random.IntN(len(file)-head)
		if k%10 == 0 {
			i = random.IntN(head)
		}
		mutated := bytes.Clone(file)
		mutated[i] ^= 1 << random.IntN(8)
		line := int64(1 + bytes.Count(file[:i], []byte("\n")))
		_, err := verify(mutated, trusting())
		if !placed(err, line, block) {
			t.Fatalf("%v; line %d was changed at byte %d, %q", err, line, i, file[max(0, i-40):min(len(file), i+40)])
		}
	}
}

// A line whose record, salt and leaf were changed to fit each other is found by the block, to one in so many entries.
func TestVerifyExport_NamesTheBlock(t *testing.T) {
	l := newMemory(1500)
	records, proofs := split(t, l.all(t))
	block := int64(1) << proofs[0].Log.Most
	for _, n := range []int64{0, 1, 2, 700, 1498, 1499} {
		records, proofs := slices.Clone(records), slices.Clone(proofs)
		records[n] = strings.Replace(records[n], "accept_all", "reject_all", 1)
		leaf := Leaf(l.entries[n].salt, []byte(records[n]))
		proofs[n].Leaf = base64.StdEncoding.EncodeToString(leaf[:])
		_, err := verify(join(t, records, proofs), trusting())
		var f *Fault
		if !errors.As(err, &f) || f.Line < n+1 || f.Line > n+block || f.Entry < n-block || f.Entry > n+block || !strings.Contains(f.What, "was changed") {
			t.Errorf("entry %d: %v", n, err)
		}
	}
}

// Lines dropped, doubled, swapped, moved, taken from another log or another export; at the line and the entry where it shows.
func TestVerifyExport_FindsChangedLines(t *testing.T) {
	plain, grown := newMemory(40), newMemory(60)
	other := newMemory(0)
	other.seed, other.origin = "another", "samtykke/nordlysoglim"
	other.add(40)
	file, foreign, longer := lines(plain.all(t)), lines(other.all(t)), lines(grown.all(t))
	check := func(line, entry int64, what string, changed ...[]byte) {
		t.Helper()
		wantFault(t, slices.Concat(changed...), trusting(), line, entry, what)
	}
	mustVerify(t, slices.Concat(file...), trusting())
	n := int64(len(file))
	for k := range n {
		if k > 0 && k < n-1 {
			check(k+1, k+1, fmt.Sprintf("what is before it is missing: entries %d to %d", k, k), append(slices.Clone(file[:k]), file[k+1:]...)...)
		}
		if k > 0 {
			if doubled := slices.Insert(slices.Clone(file), int(k), file[k]); k < n-1 {
				check(k+2, k, "there twice", doubled...)
			} else {
				check(k+2, -1, "more behind the end", doubled...)
			}
			check(0, k, fmt.Sprintf("the end is missing: entries %d to %d", k, n-1), file[:k]...)
			check(k+1, k, "was changed", slices.Concat(file[:k], [][]byte{foreign[k]}, file[k+1:])...)
		}
		if k > 0 && k < n-1 {
			swapped := slices.Clone(file)
			swapped[k], swapped[k+1] = swapped[k+1], swapped[k]
			check(k+1, k+1, "what is before it is missing", swapped...)
		}
		if k > 1 {
			moved := slices.Insert(slices.Delete(slices.Clone(file), int(k), int(k)+1), 1, file[k])
			check(2, k, "what is before it is missing", moved...)
		}
	}
	check(1, -1, "begins with the line", file[1:]...)
	check(2, -1, "has it once", append([][]byte{file[0], file[0]}, file[1:]...)...)
	// The end of one export on the head of another, the other way round, and one behind the other.
	check(0, 40, "the end is missing", append(longer[:1:1], file[1:]...)...)
	check(41, -1, "more behind the end", append(file[:1:1], longer[1:]...)...)
	check(41, -1, "more behind the end", append(slices.Clone(file), longer...)...)
	check(2, 1, "was changed", append(foreign[:1:1], file[1:]...)...)
}

// proofChange is a change of what an export's lines say beside the records.
type proofChange struct {
	what        string
	line, entry int64
	change      func(l *memory, records []string, proofs []proof)
}

// What the proofs say was changed, in ways that fit the format.
func TestVerifyExport_FindsChangedProofs(t *testing.T) {
	// Lines 1 to 8 are entries 1, 3, 4, 7, 8, 10, 11, 14; 9 and 13 are removals within the range, 16 is one behind it.
	gapOf := func(l *memory, n int64) gap {
		return gap{To: n + 1, Nodes: []Hash{Leaf(l.entries[n].salt, l.entries[n].text)}}
	}
	removalOf := func(why string, entries ...int64) string {
		r := NewRemoval(why, day, entries)
		return string(r.Canonical())
	}
	for name, c := range map[string]proofChange{
		"from":         {"what is before it is missing: entries 0 to 0", 1, 1, func(_ *memory, _ []string, p []proof) { p[0].Log.From = 0 }},
		"to":           {"the tree", 1, -1, func(_ *memory, _ []string, p []proof) { p[0].Log.To-- }},
		"empty range":  {"the range", 1, -1, func(_ *memory, _ []string, p []proof) { p[0].Log.To = p[0].Log.From }},
		"before all":   {"the range", 1, -1, func(_ *memory, _ []string, p []proof) { p[0].Log.From = -1 }},
		"behind all":   {"the range", 1, -1, func(_ *memory, _ []string, p []proof) { p[0].Log.To = 18 }},
		"blocks":       {"the tree has another number", 1, -1, func(_ *memory, _ []string, p []proof) { p[0].Log.Most = 3 }},
		"no blocks":    {"the range", 1, -1, func(_ *memory, _ []string, p []proof) { p[0].Log.Most = -1 }},
		"large blocks": {"the range", 1, -1, func(_ *memory, _ []string, p []proof) { p[0].Log.Most = 63 }},
		"origin":       {"of another log", 1, -1, func(_ *memory, _ []string, p []proof) { p[0].Log.Origin = "samtykke/nordlysoglim" }},
		"a node":       {"the hashes of the tree", 1, -1, func(_ *memory, _ []string, p []proof) { p[0].Log.Nodes[3][0]++ }},
		"a node more":  {"another number", 1, -1, func(_ *memory, _ []string, p []proof) { p[0].Log.Nodes = append(p[0].Log.Nodes, Hash{}) }},
		"nodes swapped": {"the hashes of the tree", 1, -1, func(_ *memory, _ []string, p []proof) {
			p[0].Log.Nodes[2], p[0].Log.Nodes[3] = p[0].Log.Nodes[3], p[0].Log.Nodes[2]
		}},
		"another's signature": {"no valid signature", 1, -1, func(l *memory, _ []string, p []proof) {
			c := l.checkpoint(t, l.size())
			p[0].Log.Checkpoint, _ = c.Sign(testKey(7))
		}},
		"an earlier checkpoint": {"the range", 1, -1, func(l *memory, _ []string, p []proof) { p[0].Log.Checkpoint = l.signed(t, 10) }},
		"another checkpoint":    {"the tree", 1, -1, func(l *memory, _ []string, p []proof) { p[0].Log.Checkpoint = l.signed(t, 15) }},
		"another's log, signed by another": {"the key", 1, -1, func(l *memory, _ []string, p []proof) {
			c := l.checkpoint(t, l.size())
			p[0].Log.Checkpoint, _ = c.Sign(testKey(7))
			p[0].Log.Key, p[0].Log.Rotations = testKey(7).Public(), nil
		}},
		"seq":               {"what is before it is missing: entries 3 to 3", 2, 4, func(_ *memory, _ []string, p []proof) { p[1].Seq++ }},
		"salts swapped":     {"was changed", 4, 7, func(_ *memory, _ []string, p []proof) { p[3].Salt, p[4].Salt = p[4].Salt, p[3].Salt }},
		"no salt":           {"the salt", 4, 7, func(_ *memory, _ []string, p []proof) { p[3].Salt = "" }},
		"a short salt":      {"the salt", 4, 7, func(_ *memory, _ []string, p []proof) { p[3].Salt = p[3].Salt[4:] }},
		"a leaf for nobody": {"was changed", 4, 7, func(_ *memory, _ []string, p []proof) { p[3].Leaf = p[3].Salt }},
		"a gap's hash":      {"was changed", 2, 2, func(_ *memory, _ []string, p []proof) { p[1].Before[0].Nodes[0][5]++ }},
		"a gap's end":       {"the hashes of entries that are not shown", 4, 5, func(_ *memory, _ []string, p []proof) { p[3].Before[0].To-- }},
		"no gap":            {"what is before it is missing: entries 2 to 2", 2, 3, func(_ *memory, _ []string, p []proof) { p[1].Before = nil }},
		"a gap twice":       {"overlap", 2, 3, func(_ *memory, _ []string, p []proof) { p[1].Before = append(p[1].Before, p[1].Before[0]) }},
		"a gap over everything": {"", 2, -2, func(_ *memory, _ []string, p []proof) {
			p[1].Before[0].To, p[1].Seq = 1<<60, 1<<60
		}},
		"a removal's text": {"was changed", 6, 9, func(_ *memory, _ []string, p []proof) {
			p[5].Before[0].Removal = strings.Replace(p[5].Before[0].Removal, Erased, Purged, 1)
		}},
		"a removal for more": {"was changed", 6, 9, func(_ *memory, _ []string, p []proof) { p[5].Before[0].Removal = removalOf(Erased, 2, 3, 5) }},
		"a removal as a gap": {"entry 2 is missing", 0, 2, func(l *memory, _ []string, p []proof) { p[5].Before[0] = gapOf(l, 9) }},
		"a removal left out": {"what is before it is missing", 6, 10, func(_ *memory, _ []string, p []proof) { p[5].Before = nil }},
		"a forged removal in a record's place": {"was changed", 4, 7, func(_ *memory, r []string, p []proof) {
			p[4].Before = append(p[3].Before, gap{To: 8, Removal: removalOf(Erased, 3)})
			copy(r[3:], r[4:])
			copy(p[3:], p[4:])
			p[len(p)-1] = proof{Seq: -1}
		}},
		"the end left out": {"the end is missing", 0, 15, func(_ *memory, _ []string, p []proof) {
			p[len(p)-1].After = nil
			p[len(p)-1].Later = nil
			p[0].Log.To++
		}},
		"a later one left out":    {"entry 12 is missing", 0, 12, func(_ *memory, _ []string, p []proof) { p[len(p)-1].Later = nil }},
		"a later one forged":      {"is not in the log", 8, 16, func(_ *memory, _ []string, p []proof) { p[len(p)-1].Later[0].Removal = removalOf(Erased, 4, 12) }},
		"a later one elsewhere":   {"is not in the log", 8, 17, func(_ *memory, _ []string, p []proof) { p[len(p)-1].Later[0].Seq++ }},
		"a later one of the past": {"was changed", -2, 13, func(_ *memory, _ []string, p []proof) { p[len(p)-1].Later[0].Seq = 13 }},
		"a later one's proof":     {"is not in the log", 8, 16, func(_ *memory, _ []string, p []proof) { p[len(p)-1].Later[0].Proof[0][1]++ }},
		"a later one's proof cut": {"is not in the log", 8, 16, func(_ *memory, _ []string, p []proof) { p[len(p)-1].Later[0].Proof = nil }},
		"a later one twice": {"was changed", 8, 16, func(_ *memory, _ []string, p []proof) {
			p[len(p)-1].Later = append(p[len(p)-1].Later, p[len(p)-1].Later[0])
		}},
		"a later one early": {"the end is missing", 2, 4, func(_ *memory, _ []string, p []proof) { p[1].Later = p[len(p)-1].Later }},
	} {
		t.Run(name, func(t *testing.T) {
			l := small()
			records, proofs := split(t, l.export(t, 1, 15, l.size()))
			mustVerify(t, join(t, records, proofs), trusting())
			c.change(l, records, proofs)
			if proofs[len(proofs)-1].Seq == -1 {
				records, proofs = records[:len(records)-1], proofs[:len(proofs)-1]
			}
			wantFault(t, join(t, records, proofs), trusting(), c.line, c.entry, c.what)
		})
	}
}

// A row that was deleted behind the log's back, and shown as one that the log took out: no removal explains it.
func TestVerifyExport_RefusesARecordDisguisedAsRemoved(t *testing.T) {
	for _, most := range []int{0, 3} {
		l := newMemory(30)
		l.remove(Erased, 4, 5, 6, 20)
		l.add(3)
		for n := range l.entries {
			if x := &l.entries[n]; !x.removal && !x.gone {
				x.gone = true
				file := l.export(t, 0, l.size(), l.size(), func(h *Head) { h.Most = most })
				wantFault(t, file, trusting(), 0, int64(n), fmt.Sprintf("entry %d is missing, and the log doesn't say", n))
				x.gone = false
			}
		}
		mustVerify(t, l.all(t), trusting())
	}
}

// The other way round: a removal's entry is no record, so that what it says can't be hidden.
func TestVerifyExport_RefusesARemovalAsARecord(t *testing.T) {
	l := newMemory(5)
	l.remove(Locked, 2)
	l.remove(Unlocked, 2)
	l.add(1)
	l.entries[2].gone = true // the lock is over, and yet it is not shown
	wantFault(t, l.all(t), trusting(), 0, 2, "entry 2 is missing")
	for n := range int64(7) {
		if x := &l.entries[n]; x.removal {
			l.entries[n] = entry{salt: make([]byte, SaltLen), text: x.text}
			wantFault(t, l.all(t), trusting(), -2, n, "")
			l.entries[n] = entry{text: x.text, removal: true}
		}
	}
}

// A lock covers what was locked until just that is unlocked, also where it is unlocked in parts.
func TestVerifyExport_LocksEndInParts(t *testing.T) {
	for name, unlocked := range map[string][]int64{"all": {3, 4, 5, 6}, "the middle": {4, 5}, "the begin": {3}, "the end": {6}, "more": {2, 3, 4, 5, 6, 7}} {
		t.Run(name, func(t *testing.T) {
			l := newMemory(10)
			l.remove(Locked, 3, 4, 5, 6)
			l.remove(Unlocked, unlocked...)
			mustVerify(t, l.all(t), trusting())
			for _, n := range unlocked {
				l.entries[n].gone = true
				wantFault(t, l.all(t), trusting(), 0, n, fmt.Sprintf("entry %d is missing", n))
				l.entries[n].gone = false
			}
		})
	}
}

// Nothing is said to be gone before it was there: such an entry would explain anything that is dropped later.
func TestVerifyExport_RefusesRemovalsAheadOfTime(t *testing.T) {
	within, behind := newMemory(3), newMemory(8)
	r := NewRemoval(Purged, day, []int64{5, 6, 7})
	within.put(entry{text: r.Canonical(), removal: true})
	within.add(5)
	within.entries[6].gone = true
	wantFault(t, within.all(t), trusting(), -2, 3, "was changed")
	r = NewRemoval(Purged, day, []int64{2, 8})
	behind.put(entry{text: r.Canonical(), removal: true})
	behind.entries[2].gone = true
	wantFault(t, behind.export(t, 0, 8, 9), trusting(), -2, 8, "was changed")
}

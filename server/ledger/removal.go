package ledger

import (
	"bytes"
	"encoding/json"
	"errors"
	"slices"
	"time"
)

// Removal is the entry that says why entries of the log can't be shown: they were deleted for good, or are withheld. It
// names them by their numbers in the log, which say nothing about anyone (T2, T5).
type Removal struct {
	At      int64      `json:"at"`      // milliseconds UTC
	Entries [][2]int64 `json:"entries"` // ranges, both ends included, ascending
	Type    string     `json:"type"`    // Erased, Purged, Locked or Unlocked
	V       int        `json:"v"`
}

// Why entries can't be shown.
const (
	Erased   = "erased"   // the visitor asked for it
	Purged   = "purged"   // their time was over
	Locked   = "locked"   // the visitor's wish for erasure or restriction meets a legal hold, or nothing but a wish
	Unlocked = "unlocked" // a lock is over
)

// NewRemoval is the entry for these numbers, in any order.
func NewRemoval(why string, at time.Time, numbers []int64) Removal {
	r := Removal{At: at.UnixMilli(), Type: why, V: 1}
	for _, n := range slices.Sorted(slices.Values(numbers)) {
		if last := len(r.Entries) - 1; last >= 0 && n <= r.Entries[last][1]+1 {
			r.Entries[last][1] = n
			continue
		}
		r.Entries = append(r.Entries, [2]int64{n, n})
	}
	return r
}

// Canonical is the one encoding that is hashed, without a salt.
func (r *Removal) Canonical() []byte {
	b, err := json.Marshal(r)
	if err != nil {
		panic(err) // numbers and a word
	}
	return b
}

var errRemoval = errors.New("not an entry about removed entries")

// ParseRemoval reads what Canonical wrote and nothing else.
func ParseRemoval(b []byte) (Removal, error) {
	var r Removal
	if err := json.Unmarshal(b, &r); err != nil || r.V != 1 || !slices.Contains([]string{Erased, Purged, Locked, Unlocked}, r.Type) {
		return r, errRemoval
	}
	for i, e := range r.Entries {
		if e[0] < 0 || e[1] < e[0] || i > 0 && e[0] <= r.Entries[i-1][1] {
			return r, errRemoval
		}
	}
	if !bytes.Equal(r.Canonical(), b) {
		return r, errRemoval
	}
	return r, nil
}

// behind says whether it is about entries before its own number only: nothing can be said to be gone before it was there.
func (r *Removal) behind(seq int64) bool {
	return len(r.Entries) == 0 || r.Entries[len(r.Entries)-1][1] < seq
}

// touches says whether it is about an entry from inclusive to exclusive.
func (r *Removal) touches(from, to int64) bool {
	return slices.ContainsFunc(r.Entries, func(e [2]int64) bool { return e[0] < to && e[1] >= from })
}

// removed collects what removals explain: ranges of numbers, in any order.
type removed struct{ gone, locked [][2]int64 }

func (x *removed) add(r *Removal) {
	for _, e := range r.Entries {
		switch r.Type {
		case Locked:
			x.locked = append(x.locked, e)
		case Unlocked:
			x.locked = without(x.locked, e)
		default:
			x.gone = append(x.gone, e)
		}
	}
}

// without takes a range out of others.
func without(ranges [][2]int64, out [2]int64) [][2]int64 {
	var left [][2]int64
	for _, r := range ranges {
		if before := [2]int64{r[0], min(r[1], out[0]-1)}; before[0] <= before[1] {
			left = append(left, before)
		}
		if after := [2]int64{max(r[0], out[1]+1), r[1]}; after[0] <= after[1] {
			left = append(left, after)
		}
	}
	return left
}

// unexplained is the first number of the gaps, which ascend, that no removal explains, or -1.
func (x *removed) unexplained(gaps [][2]int64) int64 {
	x.gone = append(x.gone, x.locked...)
	slices.SortFunc(x.gone, func(a, b [2]int64) int { return int(max(-1, min(1, a[0]-b[0]))) })
	i := 0
	var end int64 = -1 // everything known up to here has been looked at
	for _, g := range gaps {
		for n := g[0]; n <= g[1]; {
			for i < len(x.gone) && x.gone[i][0] <= n {
				end = max(end, x.gone[i][1])
				i++
			}
			if end < n {
				return n
			}
			n = end + 1
		}
	}
	return -1
}

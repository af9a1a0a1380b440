package cookiedb

import (
	"fmt"
	"math"
	"strings"
)

const folds = 10

// fold of a vendor: always the same, whoever else is there.
func fold(vendor string) int {
	h := uint32(2166136261)
	for i := range len(vendor) {
		h = (h ^ uint32(vendor[i])) * 16777619
	}
	return int(h>>8) % folds
}

// measured is what cross-validation found.
type measured struct {
	confused [classes][classes]int // by the truth, then by the answer
	sure     map[string]*tally     // by answer and confidence
	loss     float64
}

type tally struct{ n, right int }

// CrossValidate trains without a tenth of the vendors at a time, asks for their items, and tells how well the answers
// fit. A name that others use too would be no proof, so such names are left out of the training as well.
func CrossValidate(t Tables, examples []Example) string {
	all := prepare(t, examples)
	found := measured{sure: map[string]*tally{}}
	for k := range folds {
		held := map[string]bool{}
		for i := range examples {
			if fold(examples[i].Vendor) == k {
				held[examples[i].Name] = true
			}
		}
		var train, asked []prepared
		for i := range examples {
			switch {
			case fold(examples[i].Vendor) == k:
				asked = append(asked, all[i])
			case !held[examples[i].Name]:
				train = append(train, all[i])
			}
		}
		m := readModel(quantise(fit(train)))
		for _, e := range asked {
			found.note(e.class, m.probabilities(e.hasher))
		}
	}
	return found.String()
}

func (f *measured) note(truth int, p [classes]float64) {
	best := likeliest(p)
	f.confused[truth][best]++
	f.loss -= math.Log(max(p[truth], 1e-9))
	key := fmt.Sprintf("%s %.1f", classOrder[best], p[best])
	t := f.sure[key]
	if t == nil {
		t = &tally{}
		f.sure[key] = t
	}
	t.n++
	if truth == best {
		t.right++
	}
}

func (f *measured) String() string {
	var b strings.Builder
	n, right, f1 := 0, 0, 0.0
	for c := range classes {
		row, column := 0, 0
		for d := range classes {
			row += f.confused[c][d]
			column += f.confused[d][c]
		}
		n, right = n+row, right+f.confused[c][c]
		f1 += 2 * float64(f.confused[c][c]) / float64(max(1, row+column)) / classes
		fmt.Fprintf(&b, "%-12s answered as %v %v\n", classOrder[c], classOrder, f.confused[c])
	}
	total := float64(max(1, n))
	fmt.Fprintf(&b, "%d asked, accuracy %.3f, macro-F1 %.3f, log loss %.3f\n", n, float64(right)/total, f1, f.loss/total)
	for _, key := range sortedKeys(f.sure) {
		t := f.sure[key]
		fmt.Fprintf(&b, "%-16s %5d, right %.2f\n", key, t.n, float64(t.right)/float64(t.n))
	}
	return b.String()
}

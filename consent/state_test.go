package consent

import (
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestStateOf(t *testing.T) {
	at := sample().At
	yes := sample(func(r *Record) { r.Action, r.Categories = AcceptAll, AllOf(r.Categories.Asked) })
	no := sample(func(r *Record) {
		r.Action, r.Categories, r.At = Withdraw, NoneOf(r.Categories.Asked), at.Add(time.Hour)
	})
	for name, c := range map[string]struct {
		records []Record
		at      time.Time
		want    State
	}{
		"never asked":             {nil, at, State{}},
		"accepted":                {[]Record{yes}, at, State{true, yes.Categories.Given, yes.At, yes.ValidUntil}},
		"before the act":          {[]Record{yes}, at.Add(-time.Second), State{}},
		"withdrawn":               {[]Record{yes, no}, at.Add(2 * time.Hour), State{true, 0, no.At, no.ValidUntil}},
		"not yet withdrawn":       {[]Record{yes, no}, at.Add(time.Minute), State{true, yes.Categories.Given, yes.At, yes.ValidUntil}},
		"expired unlocks nothing": {[]Record{yes}, yes.ValidUntil, State{}}, // T4
	} {
		if got := StateOf(c.records, c.at); got != c.want {
			t.Errorf("%s: %+v, want %+v", name, got, c.want)
		}
	}
}

// Neither the order nor the repetition of acts matters, and only what some valid act grants is ever granted.
func TestStateOf_Properties(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		acts := rapid.SliceOfN(records("fjordfletvaerk"), 0, 8).Draw(t, "acts")
		now := time.UnixMilli(rapid.Int64Range(0, 100).Draw(t, "now") * 1000)
		want := StateOf(acts, now)

		shuffled := rapid.Permutation(acts).Draw(t, "order")
		if got := StateOf(append(shuffled, acts...), now); got != want {
			t.Fatalf("order or repetition changed %+v to %+v", want, got)
		}
		if want.Given != 0 && !slices.ContainsFunc(acts, func(r Record) bool {
			return r.Categories.Given == want.Given && !r.At.After(now) && now.Before(r.ValidUntil)
		}) {
			t.Fatalf("granted %v, which no act that counts grants", want.Given)
		}
		withdrawal := records("fjordfletvaerk").Draw(t, "withdrawal")
		withdrawal.Action, withdrawal.Categories = Withdraw, NoneOf(withdrawal.Categories.Asked)
		withdrawal.At, withdrawal.ValidUntil = now.Add(time.Millisecond), now.Add(time.Hour)
		if got := StateOf(append(acts, withdrawal), now.Add(time.Second)); got.Given != 0 && !slices.ContainsFunc(acts, func(r Record) bool { return r.At.After(now) }) {
			t.Fatalf("after a withdrawal %v is granted", got.Given)
		}
	})
}

package recording

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"samtykke/consent"
	"samtykke/scanner/evidence"
	"samtykke/scanner/judgement"
)

// A page that never stops costs no other page its evidence, and a tab that has recorded much still records what is new.
func TestRecorder_LosesOnlyRepetitions(t *testing.T) {
	r := New(evidence.StateNone, func() time.Time { return noon })
	send := func(page, url string, n int) {
		r.Begin(page)
		for i := range n {
			r.request(asked{id: fmt.Sprint(page, url, i), url: url, kind: "Fetch"})
			r.write(evidence.Write{Kind: consent.LocalStorage, Name: url, Host: "shop.dk", By: page})
		}
	}
	send("https://shop.dk/vild", "https://a.dk/x", 2*maxOnPage)
	if n := len(r.state.Requests); n != maxOnPage || len(r.state.Writes) != maxOnPage {
		t.Errorf("%d requests and %d writes of one page", n, len(r.state.Writes))
	}
	for i := range 10 {
		send(fmt.Sprint("https://shop.dk/", i), fmt.Sprintf("https://b%d.dk/x", i%3), 1000)
	}
	send("https://shop.dk/sidst", "https://sidst.dk/x", 100)
	s := r.Evidence()
	for _, host := range []string{"a.dk", "b0.dk", "b1.dk", "b2.dk", "sidst.dk"} {
		called := slices.ContainsFunc(s.Requests, func(c evidence.Call) bool { return evidence.HostOf(c.URL) == host })
		wrote := slices.ContainsFunc(s.Writes, func(w evidence.Write) bool { return evidence.HostOf(w.Name) == host })
		if !called || !wrote {
			t.Errorf("%s: called %v, wrote %v", host, called, wrote)
		}
	}
	if n := len(s.Requests); n > maxCalls+10 || len(s.Writes) > maxCalls+20 {
		t.Errorf("%d requests and %d writes are kept", n, len(s.Writes))
	}
}

// Snapshots hold each cookie once, and the last holds all; what they say together is the same as if all held all.
func TestRecorder_ThinsSnapshots(t *testing.T) {
	c := func(name string, life time.Duration) evidence.Stored {
		return evidence.Stored{Kind: consent.Cookie, Name: name, Host: "shop.dk", Path: "/", Lifetime: life}
	}
	took := [][]evidence.Stored{
		{c("a", 0), c("b", time.Hour)},
		{c("a", 0), c("b", 50*time.Minute), {Kind: consent.LocalStorage, Name: "l", Host: "shop.dk"}},
		{c("b", 2*time.Hour), c("c", 0), {Kind: consent.LocalStorage, Name: "l", Host: "shop.dk"}},
		{c("b", time.Hour), c("c", 0)},
	}
	clock := noon
	r := New(evidence.StateReject, func() time.Time { clock = clock.Add(time.Second); return clock })
	whole := evidence.State{State: evidence.StateReject, Done: true}
	for i, items := range took {
		r.Begin(fmt.Sprint("https://shop.dk/", i))
		if i == 2 {
			r.Answered()
		}
		whole.Snapshots = append(whole.Snapshots, evidence.Snapshot{
			Page: r.page, At: clock.Add(time.Second), After: i >= 2, Hosts: []string{"shop.dk"}, Items: slices.Clone(items),
		})
		r.Snapshot(evidence.Snapshot{Hosts: []string{"shop.dk"}, Items: items})
	}
	thin := r.Evidence()
	thin.Done = true
	var sizes []int
	for _, s := range thin.Snapshots {
		sizes = append(sizes, len(s.Items))
	}
	if !slices.Equal(sizes, []int{2, 1, 3, 2}) {
		t.Errorf("snapshots of %v", sizes)
	}
	items := func(s evidence.State) string {
		return fmt.Sprintf("%+v", judgement.Items(&evidence.Site{URL: "https://shop.dk/", States: []evidence.State{s}}, nil))
	}
	if a, b := items(thin), items(whole); a != b {
		t.Errorf("thin\n%s\nwhole\n%s", a, b)
	}
}

package judgement

import (
	"slices"
	"testing"
	"time"

	"samtykke/consent"
	"samtykke/scanner/cookiedb"
	"samtykke/scanner/evidence"
)

func stored(name string) evidence.Stored {
	return evidence.Stored{Kind: consent.Cookie, Name: name, Host: "shop.dk", Path: "/", Lifetime: time.Hour}
}

// seenIn is a state in which cookies were seen on a page.
func seenIn(state, device, page string, at time.Time, names ...string) evidence.State {
	s := evidence.State{State: state, Device: device, Done: true, Snapshots: []evidence.Snapshot{{Page: page, At: at}}}
	for _, n := range names {
		s.Snapshots[0].Items = append(s.Snapshots[0].Items, stored(n))
	}
	return s
}

// An item tells on which screens and in which states it was found, and when it was first seen; what only a phone or only
// a browser with Global Privacy Control gets is listed as well.
func TestItems_TellsWhereAndWhenFirst(t *testing.T) {
	e := evidence.Site{URL: "https://shop.dk/", States: []evidence.State{
		seenIn(evidence.StateNone, evidence.Desktop, "https://shop.dk/", noon.Add(time.Minute), "both", "desk"),
		seenIn(evidence.StateReject, evidence.Desktop, "https://shop.dk/", noon.Add(2*time.Minute)),
		{State: evidence.StateAccept, Device: evidence.Desktop},
		{State: evidence.StateWithdraw, Device: evidence.Desktop},
		seenIn(evidence.StateGPC, evidence.Desktop, "https://shop.dk/om", noon.Add(3*time.Minute), "both", "gpc"),
	}}
	e.Phone = seenIn(evidence.StateNone, evidence.Mobile, "https://shop.dk/vare/1", noon, "both", "phone")
	e.States[0].Writes = []evidence.Write{{Kind: consent.Cookie, Name: "both", Host: "shop.dk", By: "https://shop.dk/a.js", Page: "https://shop.dk/om", At: noon.Add(time.Second), Kept: true, Lifetime: time.Hour}}
	want := map[string]Item{
		"both":  {States: []string{evidence.StateNone, evidence.StateGPC}, Devices: []string{evidence.Desktop, evidence.Mobile}, FirstSeen: Sighting{evidence.StateNone, evidence.Desktop, "https://shop.dk/om", noon.Add(time.Second)}},
		"desk":  {States: []string{evidence.StateNone}, Devices: []string{evidence.Desktop}, FirstSeen: Sighting{evidence.StateNone, evidence.Desktop, "https://shop.dk/", noon.Add(time.Minute)}},
		"gpc":   {States: []string{evidence.StateGPC}, Devices: []string{evidence.Desktop}, FirstSeen: Sighting{evidence.StateGPC, evidence.Desktop, "https://shop.dk/om", noon.Add(3 * time.Minute)}},
		"phone": {States: []string{evidence.StateNone}, Devices: []string{evidence.Mobile}, FirstSeen: Sighting{evidence.StateNone, evidence.Mobile, "https://shop.dk/vare/1", noon}},
	}
	items := Items(&e, nil)
	if len(items) != len(want) {
		t.Errorf("%d items", len(items))
	}
	for _, it := range items {
		w := want[it.Name]
		if !slices.Equal(it.States, w.States) || !slices.Equal(it.Devices, w.Devices) || it.FirstSeen != w.FirstSeen {
			t.Errorf("%s: %v on %v, first %+v; want %+v", it.Name, it.States, it.Devices, it.FirstSeen, w)
		}
	}
}

// The knowledge of a name outranks the declaration, the declaration outranks every guess, and a guess that nobody trusts
// is none. What the value looked like, and how it was set, are part of what the guess goes by.
func TestItem_ClassifiesInTheOrderOfTrust(t *testing.T) {
	declared := []consent.Item{
		{Kind: consent.Cookie, Name: "_ga", Category: consent.Necessary},
		{Kind: consent.Cookie, Name: "qwxz", Category: consent.Preferences, Provider: "Shop ApS"},
		{Kind: consent.LocalStorage, Name: "tracker", Category: consent.Necessary},
	}
	for _, c := range []struct {
		it     Item
		source string
		want   consent.Category
	}{
		{Item{Kind: consent.Cookie, Name: "_ga", Host: "shop.dk", Party: consent.FirstParty}, "", consent.Statistics},
		{Item{Kind: consent.Cookie, Name: "qwxz", Host: "shop.dk", Party: consent.FirstParty}, "declaration", consent.Preferences},
		{Item{Kind: consent.LocalStorage, Name: "tracker", Host: "shop.dk", Party: consent.FirstParty}, "declaration", consent.Necessary},
	} {
		c.it.classify(declared)
		if c.it.Category != c.want || c.source != "" && c.it.Source != c.source || c.it.Purpose == nil && c.source == "" {
			t.Errorf("%s: %s by %s, want %s", c.it.Name, c.it.Category, c.it.Source, c.want)
		}
	}
	full := Item{
		Kind: consent.Cookie, Name: "x", Host: ".shop.dk", Party: consent.FirstParty, LifetimeS: 86400, HTTPOnly: true, Secure: true, SameSite: "Lax", Shape: "uuid/64",
	}
	if got, want := full.features(), (cookiedb.Features{Name: "x", Host: ".shop.dk", Party: consent.FirstParty, Days: 1, HTTPOnly: true, Secure: true, SameSite: "Lax", Shape: "uuid/64"}); got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
	for _, name := range []string{"a", "b1", "zz", "session", "cart"} {
		it := Item{Kind: consent.Cookie, Name: name, Host: "shop.dk", Party: consent.FirstParty}
		it.classify(nil)
		if it.Confidence < cookiedb.Trusted && it.Category != consent.Unclassified {
			t.Errorf("%s is %s with a confidence of %v", name, it.Category, it.Confidence)
		}
	}
}

// What the declaration says of a host counts where the knowledge is silent: one category for all that it stores, and
// necessary only with a reason.
func TestCollectRequests_KnowsDeclaredHosts(t *testing.T) {
	entry := func(host string, cat consent.Category, reason string) consent.Item {
		return consent.Item{Kind: consent.Cookie, Name: "x", Host: host, Category: cat, Reason: map[string]string{"da": reason}}
	}
	declared := []consent.Item{
		entry("lager.example", consent.Necessary, "Kassen viser, hvad der er på lager."), entry("uden.example", consent.Necessary, ""),
		entry(".tal.example", consent.Statistics, ""), entry("to.example", consent.Statistics, ""), entry("to.example", consent.Marketing, ""),
		entry("doubleclick.net", consent.Necessary, "Vi vil gerne."),
	}
	s := evidence.State{State: evidence.StateNone, Done: true}
	for _, host := range []string{"lager.example", "a.lager.example", "uden.example", "tal.example", "to.example", "andet.example", "stats.g.doubleclick.net", "xlager.example"} {
		s.Requests = append(s.Requests, evidence.Call{URL: "https://" + host + "/x", Type: "fetch"})
	}
	got := map[string]consent.Category{}
	for _, r := range collectRequests(&evidence.Site{URL: "https://shop.dk/", States: []evidence.State{s}}, declared) {
		got[r.Host] = r.Category
	}
	for host, want := range map[string]consent.Category{
		"lager.example": consent.Necessary, "a.lager.example": consent.Necessary, "uden.example": consent.Unclassified, "tal.example": consent.Statistics,
		"to.example": consent.Unclassified, "andet.example": consent.Unclassified, "stats.g.doubleclick.net": consent.Marketing, "xlager.example": consent.Unclassified,
	} {
		if got[host] != want {
			t.Errorf("%s: %q, want %q", host, got[host], want)
		}
	}
}

// Where a name says nothing, whose script set it does; but never that it is necessary, and never against the name.
func TestItem_IsKnownByItsSetter(t *testing.T) {
	const nobody = "qk7-zz" // the model has no idea
	for _, c := range []struct {
		name, by string
		want     consent.Category
	}{
		{nobody, "https://static.hotjar.com/c/hotjar-1.js", consent.Statistics},
		{nobody, "https://js.stripe.com/v3/", consent.Unclassified},
		{nobody, "https://shop.dk/a.js", consent.Unclassified},
		{"_fbp", "https://static.hotjar.com/c/hotjar-1.js", consent.Marketing},
	} {
		it := Item{Kind: consent.Cookie, Name: c.name, Host: "shop.dk", Party: consent.FirstParty, SetBy: c.by, LifetimeS: 30 * 86400}
		if it.classify(nil); it.Category != c.want {
			t.Errorf("%s by %s: %s (%s, %.2f), want %s", c.name, c.by, it.Category, it.Source, it.Confidence, c.want)
		}
	}
}

var noon = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

package judgement

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"samtykke/consent"
	"samtykke/scanner/evidence"
	"samtykke/scanner/evidence/evidencetest"
)

// reportOf is the report of the good site with changes.
func reportOf(changes ...evidencetest.Change) Report {
	e := evidencetest.Good()
	for _, c := range changes {
		c(&e, nil)
	}
	return NewReport(e, Options{})
}

// summary is what Diff says, in English.
func summary(c Changes) []string {
	var lines []string
	for _, l := range c.Summary() {
		lines = append(lines, l.In("en"))
	}
	return lines
}

func TestDiff_TellsWhatChanged(t *testing.T) {
	hotjar := evidencetest.Request(2, "https://static.hotjar.com/c/x.js", true)
	unlike := func(state int) evidencetest.Change {
		return func(e *evidence.Site, _ *[]consent.Item) { e.States[state].Done = false }
	}
	for name, c := range map[string]struct {
		old, now []evidencetest.Change
		want     []string
	}{
		"nothing":                            {nil, nil, nil},
		"a cookie":                           {nil, []evidencetest.Change{evidencetest.Store(2, fbp)}, []string{"New: cookie _fbp, shop.example (marketing)"}},
		"one less":                           {[]evidencetest.Change{evidencetest.Store(2, fbp)}, nil, []string{"Not seen this time: cookie _fbp, shop.example (marketing)"}},
		"an id in a name is the same cookie": {[]evidencetest.Change{evidencetest.Store(2, evidencetest.Cookie("_hjSession_12345", "shop.example", evidencetest.Day))}, []evidencetest.Change{evidencetest.Store(2, evidencetest.Cookie("_hjSession_67890", "shop.example", evidencetest.Day))}, nil},
		"a lifetime that ran for a minute":   {[]evidencetest.Change{evidencetest.Store(2, evidencetest.Cookie("_fbp", "shop.example", 90*evidencetest.Day))}, []evidencetest.Change{evidencetest.Store(2, evidencetest.Cookie("_fbp", "shop.example", 89*evidencetest.Day))}, nil},
		"another lifetime": {
			[]evidencetest.Change{evidencetest.Store(2, fbp)},
			[]evidencetest.Change{evidencetest.Store(2, evidencetest.Cookie("_fbp", ".shop.example", 180*evidencetest.Day))},
			[]string{"Changed: cookie _fbp, shop.example; lifetime 90 days → 180 days"},
		},
		"another state": {
			[]evidencetest.Change{evidencetest.Store(2, fbp)},
			[]evidencetest.Change{evidencetest.Store(2, fbp), evidencetest.Store(1, fbp)},
			[]string{
				"New finding (critical): Something that is not necessary was stored or in use after the visitor had refused everything.",
				"Changed: cookie _fbp, shop.example; after acceptance → after refusal, after acceptance",
			},
		},
		"a host":        {nil, []evidencetest.Change{hotjar}, []string{"New third party: static.hotjar.com (statistics)"}},
		"one less host": {[]evidencetest.Change{hotjar}, nil, []string{"Third party not contacted this time: static.hotjar.com (statistics)"}},
		"a finding that grows": {
			[]evidencetest.Change{evidencetest.Store(0, evidencetest.Cookie("qq1", "shop.example", evidencetest.Day))},
			[]evidencetest.Change{evidencetest.Store(0, evidencetest.Cookie("qq1", "shop.example", evidencetest.Day)), evidencetest.Store(0, evidencetest.Cookie("qq2", "shop.example", evidencetest.Day))},
			[]string{
				"A finding that has grown (high): Cookies that are not necessary are set before the visitor has answered. cookie qq2 shop.example",
				"A finding that has grown (high): Something is stored that is unclassified. cookie qq2 shop.example",
				"New: cookie qq2, shop.example (unclassified)",
			},
		},
		"a finding less": {[]evidencetest.Change{evidencetest.WithVisit(1, 1, func(v *evidence.Visit) { v.Declares = "" })}, nil, []string{"No longer found: Some pages have no visible link that leads to the cookie declaration."}},
		"a state that was not reached tells nothing": {
			nil,
			[]evidencetest.Change{unlike(2), unlike(3)},
			[]string{"The state “after acceptance” was reached last time and not this time", "The state “after withdrawal” was reached last time and not this time"},
		},
	} {
		d := Diff(reportOf(c.old...), reportOf(c.now...))
		if diff := cmp.Diff(c.want, summary(d)); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
		if d.Empty() != (len(c.want) == 0) {
			t.Errorf("%s: Empty is %v", name, d.Empty())
		}
	}
}

func TestDiff_SaysItInDanish(t *testing.T) {
	d := Diff(reportOf(), reportOf(evidencetest.Store(2, evidence.Stored{Kind: consent.LocalStorage, Name: "ukendt", Host: "shop.example", Lifetime: consent.Persistent})))
	lines := d.Summary()
	if got := lines[len(lines)-1].In("da"); got != "Ny: localStorage ukendt, shop.example (ikke klassificeret)" {
		t.Errorf("%q", got)
	}
}

// Reports from before findings named their subjects compare by code alone.
func TestDiff_ReadsOldReports(t *testing.T) {
	old, now := reportOf(evidencetest.Store(0, fbp)), reportOf(evidencetest.Store(0, fbp), evidencetest.Store(0, evidencetest.Cookie("_hjid", "shop.example", evidencetest.Day)))
	for i := range old.Findings {
		old.Findings[i].Subjects, old.Findings[i].Key = nil, ""
	}
	if d := Diff(old, now); len(d.NewFindings)+len(d.GoneFindings) > 0 || len(d.NewItems) != 1 {
		t.Errorf("%+v", d)
	}
	if d := Diff(Report{}, Report{}); !d.Empty() {
		t.Errorf("%+v", d)
	}
}

func TestDiff_BoundsItsSummary(t *testing.T) {
	var many []evidencetest.Change
	for i := range 200 {
		many = append(many, evidencetest.Store(2, evidencetest.Cookie(fmt.Sprintf("qq%dq", i), "shop.example", evidencetest.Day)))
	}
	d := Diff(reportOf(), reportOf(many...))
	if lines := summary(d); len(lines) != maxEvidence+1 || !strings.HasPrefix(lines[maxEvidence], "… and ") || len(d.NewItems) != 200 {
		t.Errorf("%d lines, %d items", len(lines), len(d.NewItems))
	}
}

// The same reports give the same changes, a report doesn't differ from itself, and what is new one way is gone the other.
func TestDiff_HoldsForAnyReports(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b := NewReport(evidencetest.Any(t), Options{}), NewReport(evidencetest.Any(t), Options{})
		d := Diff(a, b)
		if diff := cmp.Diff(d, Diff(a, b)); diff != "" {
			t.Fatal(diff)
		}
		if same := Diff(a, a); !same.Empty() {
			t.Fatalf("%+v", same)
		}
		back := Diff(b, a)
		for _, gone := range d.GoneItems {
			if !slices.ContainsFunc(back.NewItems, func(r ItemRef) bool { return cmp.Equal(r, gone) }) {
				t.Fatalf("%+v is gone and not new the other way", gone)
			}
		}
		if _, err := json.Marshal(d); err != nil {
			t.Fatal(err)
		}
		d.Summary()
	})
}

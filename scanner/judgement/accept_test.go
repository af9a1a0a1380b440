package judgement

import (
	"strings"
	"testing"

	"samtykke/consent"
	"samtykke/scanner/evidence/evidencetest"
)

func TestAccept_HoldsForWhatItIsAbout(t *testing.T) {
	r := NewReport(evidencetest.Eventful(), Options{})
	r.FinishedAt = evidencetest.SeenAt
	key := r.Findings[0].Key
	for name, c := range map[string]struct {
		a     Acceptance
		holds bool
	}{
		"for good":     {Acceptance{Key: key, Reason: "x"}, true},
		"last day":     {Acceptance{Key: key, Reason: "x", Until: "2026-11-22"}, true},
		"ran out":      {Acceptance{Key: key, Reason: "x", Until: "2026-11-21"}, false},
		"another":      {Acceptance{Key: r.Findings[0].Code + "-0000000000000000", Reason: "x"}, false},
		"only by code": {Acceptance{Key: r.Findings[0].Code, Reason: "x"}, false},
	} {
		idle := r.Accept([]Acceptance{c.a})
		if (len(idle) == 0) != c.holds || (len(r.Open()) == len(r.Findings)) == c.holds {
			t.Errorf("%s: idle %v, %d of %d open", name, idle, len(r.Open()), len(r.Findings))
		}
	}
	var all []Acceptance
	for _, f := range r.Findings {
		all = append(all, Acceptance{Key: f.Key, Reason: "x"})
	}
	if r.Accept(all); r.Fails(consent.Info) {
		t.Error("accepted findings fail")
	}
	if r.Accept(nil); !r.Fails(consent.Critical) || r.Fails("") {
		t.Error("open findings don't fail, or fail without a limit")
	}
}

func TestReadAccepted_Refuses(t *testing.T) {
	for _, bad := range []string{`{}`, `[{"key":"a"}]`, `[{"reason":"a"}]`, `[{"key":"a","reason":"b","until":"soon"}]`, `x`} {
		if list, err := ReadAccepted(strings.NewReader(bad)); err == nil {
			t.Errorf("%s: %v", bad, list)
		}
	}
	if list, err := ReadAccepted(strings.NewReader(`[{"key":"a","reason":"b","until":"2027-01-31"}]`)); err != nil || len(list) != 1 {
		t.Errorf("%v %v", list, err)
	}
}

func TestCompare_RefusesAnotherSite(t *testing.T) {
	r := NewReport(evidencetest.Eventful(), Options{})
	r.FinishedAt = evidencetest.SeenAt
	if err := r.Compare(Report{URL: "https://other.example/"}); err == nil || r.Changes != nil {
		t.Error("another site's report was compared")
	}
	if err := r.Compare(Report{URL: "https://www.shop.example/da"}); err != nil {
		t.Error(err)
	}
}

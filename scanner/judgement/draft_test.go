package judgement

import (
	"fmt"
	"testing"
	"time"

	"samtykke/consent"
	"samtykke/scanner/evidence/evidencetest"
	"samtykke/scanner/spoken"
)

func TestReport_DraftIsADeclaration(t *testing.T) {
	r := NewReport(evidencetest.Eventful(), Options{})
	var lines []string
	for _, d := range r.Draft() {
		if err := d.Validate(); err != nil {
			t.Errorf("%s: %v", d.Name, err)
		}
		if d.Category != consent.Unclassified && (d.Purpose["da"] == "" || d.Purpose["en"] == "") {
			t.Errorf("%s has no purpose", d.Name)
		}
		if (d.Category == consent.Necessary) != (d.Reason["da"] != "") {
			t.Errorf("%s: reason %q", d.Name, d.Reason)
		}
		lines = append(lines, fmt.Sprintf("%s %s %s %s %s", d.Category, d.Name, d.Host, spoken.Lasting(d.Lifetime).In("en"), d.Provider))
	}
	evidencetest.Equal(t, "draft", lines, []string{
		"necessary CookieConsent shop.example 365 days Usercentrics A/S",
		"necessary PHPSESSID shop.example until the browser closes ",
		"statistics _ga .shop.example 395 days Google Ireland Limited",
		"statistics _hjSession_* shop.example 30 minutes Hotjar Limited",
		"marketing _fbp .shop.example 90 days Meta Platforms Ireland Limited",
		"unclassified opgave_* shop.example 90 days ",
	})
}

// A declaration drafted from a scan covers the same scan (S6, S7, S11).
func TestReport_DraftCoversTheScan(t *testing.T) {
	e := evidencetest.Good()
	evidencetest.Store(2, evidencetest.Cookie("_hjSession_12345", "shop.example", 30*time.Minute))(&e, nil)
	r := NewReport(e, Options{})
	if f := judgeWith(e, r.Draft()); len(f) > 0 {
		t.Errorf("%+v", f)
	}
}

func TestGeneralise_KeepsWhatNamesMean(t *testing.T) {
	for name, want := range map[string]string{
		"session":              "session",
		"_xy_1a2b3c4d5e6f7a8b": "_xy_*",
		"id_3f2504e0-4f89-11d3-9a0c-0305e82c3301_v": "id_*_v",
		"12345678":    "12345678",
		"consent2026": "consent2026",
		"_h1":         "_h1",
	} {
		if got := generalise(name); got != want {
			t.Errorf("%s became %s, want %s", name, got, want)
		}
	}
}

package scanner

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"samtykke/consent"
)

// recorded is a report with something in every list.
func recorded() Report {
	e := goodEvidence()
	store(0, cookie("_fbp", ".shop.example", 90*day))(&e, nil)
	store(2, cookie("_hjSession_12345", "shop.example", 30*time.Minute))(&e, nil)
	store(2, cookie("opgave_12345678", "shop.example", 29*time.Minute+58*time.Second))(&e, nil)
	store(2, cookie("opgave_99999999", "shop.example", 89*day+23*time.Hour+59*time.Minute+59*time.Second))(&e, nil)
	request(0, "https://cdn.example/x.js?id=1", false)(&e, nil)
	r := newReport(e, JudgeOptions{})
	r.Browser = "Chrome/1"
	r.StartedAt = time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC)
	r.FinishedAt = r.StartedAt.Add(time.Minute)
	return r
}

func TestReport_ReadsItsOwnJSON(t *testing.T) {
	r := recorded()
	data, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	again, err := ReadReport(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(r, again); diff != "" {
		t.Error(diff)
	}
}

func TestReadReport_Refuses(t *testing.T) {
	good, _ := json.Marshal(recorded())
	for name, c := range map[string]struct{ old, new, code string }{
		"no JSON":          {`{"url"`, `"url"`, "bad_report"},
		"no address":       {`"https://shop.example/","started_at"`, `"","started_at"`, "bad_report"},
		"times":            {`"finished_at":"2026`, `"finished_at":"2025`, "bad_report"},
		"unknown kind":     {`"kind":"cookie"`, `"kind":"crumb"`, "bad_report"},
		"unknown state":    {`"states":["none"`, `"states":["dream"`, "bad_report"},
		"unknown category": {`"category":"marketing"`, `"category":"fun"`, "bad_report"},
		"unknown severity": {`"severity":"critical"`, `"severity":"awful"`, "bad_report"},
		"empty name":       {`"name":"_fbp"`, `"name":""`, "bad_report"},
		"long name":        {`"name":"_fbp"`, `"name":"` + strings.Repeat("x", 1000) + `"`, "bad_report"},
		"confidence":       {`"confidence":`, `"confidence":7`, "bad_report"},
		"endless lifetime": {`"lifetime_s":7776000`, `"lifetime_s":9223372036854775807`, "bad_report"},
		"too large":        {`"browser":"`, `"browser":"` + strings.Repeat("x", MaxReport), "report_too_large"},
	} {
		bad := bytes.Replace(good, []byte(c.old), []byte(c.new), 1)
		if bytes.Equal(bad, good) {
			t.Fatalf("%s: %q isn't in the report", name, c.old)
		}
		_, err := ReadReport(bytes.NewReader(bad))
		var e *consent.Error
		if !errors.As(err, &e) || e.Code != c.code {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func FuzzReadReport(f *testing.F) {
	good, err := json.Marshal(recorded())
	if err != nil {
		f.Fatal(err)
	}
	f.Add(good)
	f.Add([]byte(`{}`))
	f.Add([]byte(`{"url":"http://x/","started_at":"2026-01-01T00:00:00Z","finished_at":"2026-01-01T00:00:00Z","items":[{"kind":"cookie","name":"*a","party":"first","category":"necessary","lifetime_s":-2}]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		r, err := ReadReport(bytes.NewReader(data))
		if err != nil {
			return
		}
		for _, d := range r.Draft() {
			if err := d.Validate(); err != nil {
				t.Errorf("draft of an accepted report: %v", err)
			}
		}
		r.WriteText(&bytes.Buffer{}, TextOptions{})
		out, err := json.Marshal(r)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := ReadReport(bytes.NewReader(out)); err != nil {
			t.Errorf("not readable any more: %v", err)
		}
	})
}

func TestReport_DraftIsADeclaration(t *testing.T) {
	r := recorded()
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
		lines = append(lines, fmt.Sprintf("%s %s %s %s %s", d.Category, d.Name, d.Host, inWords(d.Lifetime), d.Provider))
	}
	equal(t, "draft", lines, []string{
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
	e := goodEvidence()
	store(2, cookie("_hjSession_12345", "shop.example", 30*time.Minute))(&e, nil)
	r := newReport(e, JudgeOptions{})
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

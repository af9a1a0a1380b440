package report

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"samtykke/consent"
	"samtykke/scanner/evidence/evidencetest"
	"samtykke/scanner/judgement"
)

// recorded is a report with something in every list.
func recorded() judgement.Report {
	r := judgement.NewReport(evidencetest.Eventful(), judgement.Options{})
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
	again, err := Read(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(r, again); diff != "" {
		t.Error(diff)
	}
}

func TestRead_Refuses(t *testing.T) {
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
		"too large":        {`"browser":"`, `"browser":"` + strings.Repeat("x", MaxBytes), "report_too_large"},
	} {
		bad := bytes.Replace(good, []byte(c.old), []byte(c.new), 1)
		if bytes.Equal(bad, good) {
			t.Fatalf("%s: %q isn't in the report", name, c.old)
		}
		_, err := Read(bytes.NewReader(bad))
		var e *consent.Error
		if !errors.As(err, &e) || e.Code != c.code {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func FuzzRead(f *testing.F) {
	good, err := json.Marshal(recorded())
	if err != nil {
		f.Fatal(err)
	}
	f.Add(good)
	f.Add([]byte(`{}`))
	f.Add([]byte(`{"url":"http://x/","started_at":"2026-01-01T00:00:00Z","finished_at":"2026-01-01T00:00:00Z","items":[{"kind":"cookie","name":"*a","party":"first","category":"necessary","lifetime_s":-2}]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		r, err := Read(bytes.NewReader(data))
		if err != nil {
			return
		}
		for _, d := range r.Draft() {
			if err := d.Validate(); err != nil {
				t.Errorf("draft of an accepted report: %v", err)
			}
		}
		Text(&bytes.Buffer{}, &r, TextOptions{})
		out, err := json.Marshal(r)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := Read(bytes.NewReader(out)); err != nil {
			t.Errorf("not readable any more: %v", err)
		}
	})
}

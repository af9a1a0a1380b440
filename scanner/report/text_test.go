package report

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"io"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"

	"samtykke/consent"
	"samtykke/scanner/evidence"
	"samtykke/scanner/evidence/evidencetest"
	"samtykke/scanner/judgement"
	"samtykke/scanner/spoken"
)

// writers are the forms of a report.
func writers(r *judgement.Report) map[string]func(io.Writer) error {
	return map[string]func(io.Writer) error{
		"text":  func(w io.Writer) error { Text(w, r, TextOptions{}); return nil },
		"html":  func(w io.Writer) error { return HTML(w, r, "da") },
		"sarif": func(w io.Writer) error { return SARIF(w, r, "da") },
		"junit": func(w io.Writer) error { return JUnit(w, r, "en") },
	}
}

func TestText_SaysEverything(t *testing.T) {
	r := recorded()
	r.Pages[1].Error = "HTTP status 500"
	r.Scope.NotVisited, r.Scope.Pages = 7, 2
	r.States[3].Done = false
	for lang, wanted := range map[string][]string{
		"en": {
			"https://shop.example/\n2026-11-22 09:00:00 UTC, Chrome/1\n", "  ✓ before an answer             2 page loads      reached\n",
			"  ✓ after refusal                2 page loads      reached with Afvis alle\n", "  – after withdrawal             2 page loads      not reached\n",
			"\nCRITICAL  cookie-before-consent (S1)\n", "    before an answer, desktop: cookie _fbp (shop.example, marketing) on https://shop.example/\n",
			"Stored in the browser: 7\n", "before  no  yes  withdrawn  GPC\n", "  unclassified (1)\n",
			"    _fbp  shop.example              ●       ·   ·    ?          ·    90 days, Meta Platforms Ireland Limited\n",
			"    cdn.example       ●       ·   ·    ?          ·    1 × unclassified\n",
			"Pages that could not be read: 1\n  https://shop.example/om (before an answer): HTTP status 500\n",
			"The state “after withdrawal” was not reached: the banner could not be answered.", "7 known pages were not visited: the limit was 2",
			"Nothing was compared with a cookie declaration.",
		},
		"da": {"KRITISK  cookie-before-consent (S1)\n", "Fund: ", "Gemt i browseren: 7\n", "før  nej  ja  fortrudt  GPC\n", "Hvad scanningen ikke så\n"},
	} {
		var b strings.Builder
		Text(&b, &r, TextOptions{Language: lang})
		for _, want := range wanted {
			if !strings.Contains(b.String(), want) {
				t.Errorf("no %q in\n%s", want, b.String())
			}
		}
		if strings.Contains(b.String(), "\x1b") || strings.Contains(b.String(), "lawful") {
			t.Errorf("%s", b.String())
		}
	}
	empty := judgement.Report{URL: evidencetest.Shop}
	var b strings.Builder
	if Text(&b, &empty, TextOptions{}); !strings.Contains(b.String(), "No findings on the pages that were visited.") {
		t.Errorf("%s", b.String())
	}
}

// No page can play with the terminal, and no line is wider than it.
func TestText_FitsTheTerminal(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		r := judgement.NewReport(evidencetest.Any(rt), judgement.Options{})
		r.URL, r.Tool = rapid.String().Draw(rt, "url"), "\x1b]0;x\a"
		width := rapid.IntRange(60, 200).Draw(rt, "width")
		var b strings.Builder
		Text(&b, &r, TextOptions{Width: width})
		if strings.ContainsAny(b.String(), "\x1b\a\r\u202e") {
			rt.Fatalf("%q", b.String())
		}
		_, list, _ := strings.Cut(b.String(), "\nStored in the browser")
		for line := range strings.SplitSeq(list, "\n") {
			if n := utf8.RuneCountInString(line); n > width {
				rt.Fatalf("%d letters in %d columns: %q", n, width, line)
			}
		}
	})
}

// What SARIF 2.1.0 requires (oasis-open.org, sarif-v2.1.0, 3.13 to 3.49), and what code scanning asks for beyond that.
func TestSARIF_HasWhatTheStandardRequires(t *testing.T) {
	r := decided(t)
	var b bytes.Buffer
	if err := SARIF(&b, &r, "en"); err != nil {
		t.Fatal(err)
	}
	var log struct {
		Version string
		Schema  string `json:"$schema"`
		Runs    []struct {
			Tool struct {
				Driver struct {
					Name  string
					Rules []sarifRule
				}
			}
			Results     []sarifResult
			Invocations []struct{ ExecutionSuccessful *bool }
		}
	}
	if err := json.Unmarshal(b.Bytes(), &log); err != nil {
		t.Fatal(err)
	}
	if log.Version != "2.1.0" || log.Schema == "" || len(log.Runs) != 1 {
		t.Fatalf("%+v", log)
	}
	run := log.Runs[0]
	if run.Tool.Driver.Name == "" || len(run.Tool.Driver.Rules) != len(judgement.Verdicts) || len(run.Results) != len(r.Findings) || run.Invocations[0].ExecutionSuccessful == nil {
		t.Errorf("%d rules, %d results", len(run.Tool.Driver.Rules), len(run.Results))
	}
	levels := []string{"error", "warning", "note"}
	ids := map[string]bool{}
	for _, rule := range run.Tool.Driver.Rules {
		if rule.ID == "" || ids[rule.ID] || rule.Short.Text == "" || rule.Full.Text == "" || rule.Help.Text == "" || !slices.Contains(levels, rule.Default.Level) || strings.Contains(rule.Name, "-") {
			t.Errorf("rule %+v", rule)
		}
		ids[rule.ID] = true
	}
	prints := map[string]bool{}
	for i, res := range run.Results {
		f := &r.Findings[i]
		if run.Tool.Driver.Rules[res.Index].ID != res.Rule || res.Rule != f.Code || !slices.Contains(levels, res.Level) || res.Message.Text == "" || res.Fingerprints[fingerprint] != f.Key || prints[f.Key] {
			t.Errorf("result %+v", res)
		}
		prints[f.Key] = true
		if len(res.Locations) == 0 || (len(res.Suppressions) == 1) != (i == 0) || !slices.Contains([]string{"new", "updated", "unchanged"}, res.Baseline) {
			t.Errorf("result %+v", res)
		}
		for _, l := range res.Locations {
			if l.Physical.Artifact.URI == "" || strings.Contains(l.Physical.Artifact.URI, "://") || strings.HasPrefix(l.Physical.Artifact.URI, "/") || l.Physical.Region["startLine"] < 1 || l.Logical[0].Name == "" {
				t.Errorf("location %+v", l)
			}
		}
	}
	first := run.Results[0].Locations[0]
	if first.Physical.Artifact.URI != "shop.example/" || first.Logical[0].Full != "https://shop.example/#none" || first.Logical[1].Name != evidence.StateNone || run.Results[0].Level != "error" {
		t.Errorf("%+v", first)
	}
}

// Each rule is a test once; what could not be judged is skipped and says why, and what was accepted as well.
func TestJUnit_TellsWhatWasJudged(t *testing.T) {
	r := decided(t)
	r.States[3].Done = false
	var b bytes.Buffer
	if err := JUnit(&b, &r, "en"); err != nil {
		t.Fatal(err)
	}
	var root junitRoot
	var suites struct {
		Suites []struct {
			Tests    int         `xml:"tests,attr"`
			Failures int         `xml:"failures,attr"`
			Skipped  int         `xml:"skipped,attr"`
			Cases    []junitCase `xml:"testcase"`
		} `xml:"testsuite"`
	}
	if err := xml.Unmarshal(b.Bytes(), &root); err != nil {
		t.Fatal(err)
	}
	if err := xml.Unmarshal(b.Bytes(), &suites); err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	for _, s := range suites.Suites {
		failures, skipped := 0, 0
		for _, c := range s.Cases {
			if _, twice := got[c.Name]; twice {
				t.Errorf("%s is there twice", c.Name)
			}
			got[c.Name] = "passed"
			switch {
			case c.Failure != nil:
				failures++
				got[c.Name] = "failed: " + c.Failure.Type
			case c.Skipped != nil:
				skipped++
				got[c.Name] = "skipped: " + c.Skipped.Why
			}
		}
		if len(s.Cases) != s.Tests || failures != s.Failures || skipped != s.Skipped {
			t.Errorf("wrong sums %+v", s)
		}
	}
	if len(got) != len(judgement.Verdicts) || root.Tests != len(judgement.Verdicts) {
		t.Errorf("%d tests for %d rules", len(got), len(judgement.Verdicts))
	}
	for code, want := range map[string]string{
		"cookie-before-consent":             "skipped: Accepted: " + decision(&r.Accepted[0]).In("en"),
		"thirdparty-request-before-consent": "failed: high",
		"still-active-after-withdraw":       "skipped: The state “after withdrawal” was not reached.",
		"undeclared":                        "skipped: Nothing was compared with a cookie declaration.",
		"set-after-reject":                  "passed",
	} {
		if got[code] != want {
			t.Errorf("%s: %q, want %q", code, got[code], want)
		}
	}
}

// A rule that its documentation says to need something is skipped without that.
func TestNeeds_AreThoseOfTheVerdicts(t *testing.T) {
	r := judgement.NewReport(evidence.Site{URL: evidencetest.Shop}, judgement.Options{})
	for _, v := range judgement.Verdicts {
		if unjudged(&r, v.Code) == (spoken.Words{}) {
			t.Errorf("%s counts as judged where nothing was seen", v.Code)
		}
		for sign, need := range map[string]string{
			"Needs the declaration": needDeclaration, "Needs a refusal": evidence.StateReject, "Needs a withdrawal": evidence.StateWithdraw, "Needs an answer": needAnswer, "Needs an acceptance": evidence.StateAccept,
		} {
			if strings.Contains(v.Limits, sign) && !slices.Contains(needs[v.Code], need) {
				t.Errorf("%s: %s", v.Code, v.Limits)
			}
		}
	}
	for code := range needs {
		if !slices.ContainsFunc(judgement.Verdicts, func(v judgement.Verdict) bool { return v.Code == code }) {
			t.Errorf("%s is no rule", code)
		}
	}
}

// Whatever pages say, all forms can be written and read again, and Danish and English say the same.
func TestReport_FormsAreWellFormed(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		r := judgement.NewReport(evidencetest.Any(rt), judgement.Options{})
		for name, write := range writers(&r) {
			var b bytes.Buffer
			if err := write(&b); err != nil {
				rt.Fatalf("%s: %v", name, err)
			}
			switch name {
			case "sarif":
				if !json.Valid(b.Bytes()) {
					rt.Fatalf("%s", b.String())
				}
			case "junit":
				if err := xml.Unmarshal(b.Bytes(), new(junitRoot)); err != nil {
					rt.Fatalf("%v\n%s", err, b.String())
				}
			case "html":
				if strings.Contains(strings.ToLower(b.String()), "<script") {
					rt.Fatal("a script")
				}
			}
		}
	})
}

func TestReport_CountsOnlyOpenFindings(t *testing.T) {
	r := decided(t)
	n := 0
	for _, c := range countsOf(&r) {
		n += c.Count
	}
	if n != len(r.Findings)-1 || countsOf(&r)[0].Severity != consent.Critical {
		t.Errorf("%+v", countsOf(&r))
	}
}

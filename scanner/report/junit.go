package report

import (
	"encoding/xml"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode/utf8"

	"samtykke/consent"
	"samtykke/scanner/evidence"
	"samtykke/scanner/judgement"
	"samtykke/scanner/spoken"
)

// The parts of JUnit's XML that are written.
type (
	junitRoot struct {
		XMLName  xml.Name `xml:"testsuites"`
		Name     string   `xml:"name,attr"`
		Tests    int      `xml:"tests,attr"`
		Failures int      `xml:"failures,attr"`
		Skipped  int      `xml:"skipped,attr"`
		Time     string   `xml:"time,attr"`
		Suites   []junitSuite
	}
	junitSuite struct {
		XMLName  xml.Name `xml:"testsuite"`
		Name     string   `xml:"name,attr"`
		Tests    int      `xml:"tests,attr"`
		Failures int      `xml:"failures,attr"`
		Errors   int      `xml:"errors,attr"`
		Skipped  int      `xml:"skipped,attr"`
		Time     string   `xml:"time,attr"`
		At       string   `xml:"timestamp,attr"`
		Host     string   `xml:"hostname,attr"`
		Cases    []junitCase
	}
	junitCase struct {
		XMLName xml.Name      `xml:"testcase"`
		Name    string        `xml:"name,attr"`
		Class   string        `xml:"classname,attr"`
		Time    string        `xml:"time,attr"`
		Skipped *junitSkipped `xml:"skipped"`
		Failure *junitFailure `xml:"failure"`
		Out     string        `xml:"system-out,omitempty"`
	}
	junitSkipped struct {
		Why string `xml:"message,attr"`
	}
	junitFailure struct {
		Message string `xml:"message,attr"`
		Type    string `xml:"type,attr"`
		Text    string `xml:",chardata"`
	}
)

// needs are what a rule can't be judged without: a state, or one of the words below. A rule that isn't named needs the
// state none.
var needs = map[string][]string{
	"set-after-reject": {evidence.StateReject}, "reprompt-after-reject": {evidence.StateReject}, "still-active-after-withdraw": {evidence.StateWithdraw},
	"gpc-ignored": {evidence.StateGPC}, "consent-mode-no-update": {evidence.StateAccept}, "consent-mode-no-wait": {evidence.StateAccept},
	"undeclared": {needDeclaration}, "declared-not-seen": {needDeclaration, evidence.StateAccept}, "misclassified-necessary": {needDeclaration},
	"lifetime-mismatch": {needDeclaration}, "third-party-unlabelled": {needDeclaration}, "third-country-transfer-untold": {needDeclaration},
	"no-reject-first-layer": {needBanner}, "pre-ticked": {needBanner}, "all-or-nothing": {needBanner}, "cookie-wall": {needBanner},
	"banner-missing-on-subpage": {needBanner}, "reject-not-equal": {needBanner}, "reject-unreadable": {needBanner},
	"a11y-name": {needBanner}, "a11y-keyboard": {needBanner}, "a11y-focus": {needBanner}, "a11y-target": {needBanner},
	"a11y-contrast": {needBanner}, "a11y-covered": {needBanner}, "a11y-role": {needBanner},
	"purposes-missing-first-layer": {needBanner}, "third-parties-missing-first-layer": {needBanner}, "language-mismatch": {needBanner},
	"no-withdraw-link": {needAnswer}, "no-declaration-link": {needAnswer},
}

const (
	needDeclaration = "declaration"
	needBanner      = "banner"
	needAnswer      = "answer"
)

// unjudged says why a rule could not be judged; nothing where it could.
func unjudged(r *judgement.Report, code string) spoken.Words {
	reached := r.Reached()
	list := needs[code]
	if list == nil {
		list = []string{evidence.StateNone}
	}
	for _, n := range list {
		switch {
		case n == needDeclaration && !r.Scope.Declared:
			return spoken.Words{"Der blev ikke sammenlignet med en cookieerklæring.", "Nothing was compared with a cookie declaration."}
		case n == needBanner && !bannerSeen(r):
			return spoken.Words{"Der blev ikke set noget banner.", "No banner was seen."}
		case n == needAnswer && !reached[evidence.StateReject] && !reached[evidence.StateAccept]:
			return spoken.Words{"Banneret blev ikke besvaret.", "The banner was not answered."}
		case evidence.StateOrder(n) >= 0 && !reached[n]:
			return spoken.Say("Tilstanden “%s” blev ikke nået.", "The state “%s” was not reached.", spoken.Called(n))
		}
	}
	return spoken.Words{}
}

// JUnit writes each rule as a test: failed where there is a finding, skipped where it could not be judged or its
// finding was accepted. A finding that is only for information fails nothing.
func JUnit(w io.Writer, r *judgement.Report, language string) error {
	root := junitRoot{Name: xmlText("Samtykke, " + r.URL), Time: fmt.Sprintf("%.3f", r.FinishedAt.Sub(r.StartedAt).Seconds())}
	known := map[string]bool{}
	for _, theme := range judgement.Themes {
		s := suite(r, theme.Name.In(language))
		for i := range theme.Verdicts {
			v := &theme.Verdicts[i]
			known[v.Code] = true
			s.add(testCase(r, v.Code, theme.ID, v.Title, language))
		}
		root.add(s)
	}
	rest := suite(r, spoken.Words{"Andet", "Other"}.In(language)) // of a report that another version wrote
	for _, f := range r.Findings {
		if !known[f.Code] {
			known[f.Code] = true
			rest.add(testCase(r, f.Code, "other", spoken.Words{consent.Text(f.Title).In("da"), consent.Text(f.Title).In("en")}, language))
		}
	}
	if len(rest.Cases) > 0 {
		root.add(rest)
	}
	if _, err := io.WriteString(w, xml.Header); err != nil {
		return err
	}
	enc := xml.NewEncoder(w)
	enc.Indent("", "  ")
	if err := enc.Encode(root); err != nil {
		return err
	}
	_, err := io.WriteString(w, "\n")
	return err
}

func suite(r *judgement.Report, name string) junitSuite {
	return junitSuite{Name: name, Time: "0", At: r.StartedAt.UTC().Format("2006-01-02T15:04:05"), Host: xmlText(evidence.HostOf(r.URL))}
}

func (s *junitSuite) add(c junitCase) {
	s.Cases = append(s.Cases, c)
	s.Tests++
	if c.Failure != nil {
		s.Failures++
	}
	if c.Skipped != nil {
		s.Skipped++
	}
}

func (t *junitRoot) add(s junitSuite) {
	t.Suites = append(t.Suites, s)
	t.Tests, t.Failures, t.Skipped = t.Tests+s.Tests, t.Failures+s.Failures, t.Skipped+s.Skipped
}

func testCase(r *judgement.Report, code, class string, title spoken.Words, language string) junitCase {
	c := junitCase{Name: xmlText(code), Class: "samtykke." + class, Time: "0"}
	f := judgement.FindCode(r.Findings, code)
	if f == nil {
		if why := unjudged(r, code); why != (spoken.Words{}) {
			c.Skipped = &junitSkipped{why.In(language)}
		}
		return c
	}
	text := []string{consent.Text(f.Title).In(language)}
	for _, line := range f.Evidence {
		text = append(text, line.In(language))
	}
	all := xmlText(strings.Join(append(text, consent.Text(f.Advice).In(language)), "\n"))
	switch a := r.Acceptance(f); {
	case a != nil:
		c.Skipped, c.Out = &junitSkipped{xmlText(spoken.Say("Accepteret: %s", "Accepted: %s", decision(a)).In(language))}, all
	case f.Severity == consent.Info:
		c.Out = all
	default:
		c.Failure = &junitFailure{
			Message: xmlText(spoken.Called(f.Severity).In(language) + ", " + f.Requirement + ": " + title.In(language)), Type: string(f.Severity), Text: all,
		}
	}
	return c
}

// xmlText leaves out what XML can't hold.
func xmlText(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' && !slices.Contains([]rune{'\n', '\t'}, r) || r == utf8.RuneError || r == '\uFFFE' || r == '\uFFFF' {
			return '\uFFFD'
		}
		return r
	}, s)
}

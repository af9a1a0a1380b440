package scanner

import (
	"encoding/xml"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode/utf8"

	"samtykke/consent"
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

// themes are the rules as people look for them.
var themes = []struct {
	id       string
	name     words
	verdicts []verdict
}{
	{"storage", words{"Det, der gemmes", "What is stored"}, storedVerdicts},
	{"requests", words{"Det, der sendes", "What is sent"}, sentVerdicts},
	{"declaration", words{"Erklæringen", "The declaration"}, declaredVerdicts},
	{"banner", words{"Banneret", "The banner"}, bannerVerdicts},
	{"look", words{"Bannerets udseende og tilgængelighed", "The banner's look and accessibility"}, lookVerdicts},
	{"texts", words{"Tekster og links", "Texts and links"}, textVerdicts},
	{"consent-mode", words{"Google Consent Mode", "Google Consent Mode"}, consentModeVerdicts},
}

// needs are what a rule can't be judged without: a state, or one of the words below. A rule that isn't named needs the
// state none.
var needs = map[string][]string{
	"set-after-reject": {StateReject}, "reprompt-after-reject": {StateReject}, "still-active-after-withdraw": {StateWithdraw},
	"gpc-ignored": {StateGPC}, "consent-mode-no-update": {StateAccept}, "consent-mode-no-wait": {StateAccept},
	"undeclared": {needDeclaration}, "declared-not-seen": {needDeclaration, StateAccept}, "misclassified-necessary": {needDeclaration},
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
func (r *Report) unjudged(code string) words {
	reached := r.reachedStates()
	list := needs[code]
	if list == nil {
		list = []string{StateNone}
	}
	for _, n := range list {
		switch {
		case n == needDeclaration && !r.Scope.Declared:
			return words{"Der blev ikke sammenlignet med en cookieerklæring.", "Nothing was compared with a cookie declaration."}
		case n == needBanner && !r.bannerSeen():
			return words{"Der blev ikke set noget banner.", "No banner was seen."}
		case n == needAnswer && !reached[StateReject] && !reached[StateAccept]:
			return words{"Banneret blev ikke besvaret.", "The banner was not answered."}
		case stateOrder(n) >= 0 && !reached[n]:
			return say("Tilstanden “%s” blev ikke nået.", "The state “%s” was not reached.", called(n))
		}
	}
	return words{}
}

// WriteJUnit writes each rule as a test: failed where there is a finding, skipped where it could not be judged or its
// finding was accepted. A finding that is only for information fails nothing.
func (r *Report) WriteJUnit(w io.Writer, language string) error {
	root := junitRoot{Name: xmlText("Samtykke, " + r.URL), Time: fmt.Sprintf("%.3f", r.FinishedAt.Sub(r.StartedAt).Seconds())}
	known := map[string]bool{}
	for _, theme := range themes {
		s := r.suite(theme.name.in(language))
		for i := range theme.verdicts {
			v := &theme.verdicts[i]
			known[v.code] = true
			s.add(r.testCase(v.code, theme.id, v.title, language))
		}
		root.add(s)
	}
	rest := r.suite(words{"Andet", "Other"}.in(language)) // of a report that another version wrote
	for _, f := range r.Findings {
		if !known[f.Code] {
			known[f.Code] = true
			rest.add(r.testCase(f.Code, "other", words{consent.Text(f.Title).In("da"), consent.Text(f.Title).In("en")}, language))
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

func (r *Report) suite(name string) junitSuite {
	return junitSuite{Name: name, Time: "0", At: r.StartedAt.UTC().Format("2006-01-02T15:04:05"), Host: xmlText(hostOf(r.URL))}
}

func (s *junitSuite) add(c junitCase) {
	s.Cases = append(s.Cases, c)
	s.Tests++
	s.Failures += one(c.Failure != nil)
	s.Skipped += one(c.Skipped != nil)
}

func (t *junitRoot) add(s junitSuite) {
	t.Suites = append(t.Suites, s)
	t.Tests, t.Failures, t.Skipped = t.Tests+s.Tests, t.Failures+s.Failures, t.Skipped+s.Skipped
}

func (r *Report) testCase(code, class string, title words, language string) junitCase {
	c := junitCase{Name: xmlText(code), Class: "samtykke." + class, Time: "0"}
	f := findCode(r.Findings, code)
	if f == nil {
		if why := r.unjudged(code); why != (words{}) {
			c.Skipped = &junitSkipped{why.in(language)}
		}
		return c
	}
	text := []string{consent.Text(f.Title).In(language)}
	for _, line := range f.Evidence {
		text = append(text, line.In(language))
	}
	all := xmlText(strings.Join(append(text, consent.Text(f.Advice).In(language)), "\n"))
	switch a := r.acceptance(f); {
	case a != nil:
		c.Skipped, c.Out = &junitSkipped{xmlText(say("Accepteret: %s", "Accepted: %s", a.words()).in(language))}, all
	case f.Severity == consent.Info:
		c.Out = all
	default:
		c.Failure = &junitFailure{
			Message: xmlText(called(f.Severity).in(language) + ", " + f.Requirement + ": " + title.in(language)), Type: string(f.Severity), Text: all,
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

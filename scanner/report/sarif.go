package report

import (
	"encoding/json"
	"io"
	"net/url"
	"slices"
	"strings"

	"samtykke/consent"
	"samtykke/scanner/evidence"
	"samtykke/scanner/judgement"
	"samtykke/scanner/spoken"
)

// The parts of SARIF 2.1.0 that are written.
type (
	sarifText struct {
		Text string `json:"text"`
	}
	sarifRule struct {
		ID         string         `json:"id"`
		Name       string         `json:"name"`
		Short      sarifText      `json:"shortDescription"`
		Full       sarifText      `json:"fullDescription"`
		Help       sarifText      `json:"help"`
		Default    sarifLevel     `json:"defaultConfiguration"`
		Properties map[string]any `json:"properties"`
	}
	sarifLevel struct {
		Level string `json:"level"`
	}
	sarifPlace struct {
		Physical sarifPhysical  `json:"physicalLocation"`
		Logical  []sarifLogical `json:"logicalLocations"`
	}
	sarifPhysical struct {
		Artifact sarifArtifact  `json:"artifactLocation"`
		Region   map[string]int `json:"region"`
	}
	sarifArtifact struct {
		URI string `json:"uri"`
	}
	sarifLogical struct {
		Name string `json:"name"`
		Full string `json:"fullyQualifiedName"`
		Kind string `json:"kind"`
	}
	sarifSuppression struct {
		Kind   string `json:"kind"`
		Status string `json:"status"`
		Why    string `json:"justification"`
	}
	sarifResult struct {
		Rule         string             `json:"ruleId"`
		Index        int                `json:"ruleIndex"`
		Level        string             `json:"level"`
		Message      sarifText          `json:"message"`
		Locations    []sarifPlace       `json:"locations"`
		Fingerprints map[string]string  `json:"partialFingerprints"`
		Baseline     string             `json:"baselineState,omitempty"`
		Suppressions []sarifSuppression `json:"suppressions,omitempty"`
		Properties   map[string]any     `json:"properties"`
	}
)

// sarifLevels are the levels of the severities; SARIF has three.
var sarifLevels = map[consent.Severity]string{
	consent.Critical: "error", consent.High: "error", consent.Medium: "warning", consent.Low: "note", consent.Info: "note",
}

// fingerprint is what a result's key is called among its fingerprints; its number is raised when keys change their meaning.
const fingerprint = "samtykkeFindingKey/v1"

// SARIF writes the findings as SARIF 2.1.0: every rule, and a result for each finding. Where it was found are the
// pages and states that its evidence names; accepted findings are suppressed.
func SARIF(w io.Writer, r *judgement.Report, language string) error {
	rules, at := sarifRules(language), map[string]int{}
	for i := range rules {
		at[rules[i].ID] = i
	}
	results := []sarifResult{}
	for i := range r.Findings {
		f := &r.Findings[i]
		if _, known := at[f.Code]; !known { // of a report that another version wrote
			at[f.Code] = len(rules)
			rules = append(rules, unknownRule(f, language))
		}
		results = append(results, sarifResultOf(r, f, at[f.Code], language))
	}
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	return enc.Encode(map[string]any{
		"$schema": "https://json.schemastore.org/sarif-2.1.0.json", "version": "2.1.0",
		"runs": []any{map[string]any{
			"tool":              map[string]any{"driver": map[string]any{"name": "Samtykke", "rules": rules}},
			"automationDetails": map[string]any{"id": "samtykke/" + evidence.HostOf(r.URL) + "/"},
			"language":          map[bool]string{true: "da-DK", false: "en-US"}[language == "da"],
			"columnKind":        "unicodeCodePoints",
			"invocations": []any{map[string]any{
				"executionSuccessful": true, "startTimeUtc": r.StartedAt.UTC(), "endTimeUtc": r.FinishedAt.UTC(), "toolExecutionNotifications": sarifGaps(r, language),
			}},
			"results": results,
		}},
	})
}

func sarifRules(language string) []sarifRule {
	rules := []sarifRule{}
	for i := range judgement.Verdicts {
		v := &judgement.Verdicts[i]
		help := v.Advice.In(language)
		if v.Limits != "" && language != "da" { // the measures are told in English
			help += "\n\nLimits: " + v.Limits
		}
		full := v.Title.In(language)
		if language != "da" {
			full = v.When
		}
		rules = append(rules, sarifRule{
			ID: v.Code, Name: ruleName(v.Code), Short: sarifText{v.Title.In(language)}, Full: sarifText{full}, Help: sarifText{help},
			Default: sarifLevel{sarifLevels[v.Severity]}, Properties: map[string]any{"tags": []string{"privacy", v.Requirement}, "severity": v.Severity},
		})
	}
	return rules
}

// ruleName is a code as a name without hyphens.
func ruleName(code string) string {
	var name strings.Builder
	for part := range strings.SplitSeq(code, "-") {
		if part != "" {
			name.WriteString(strings.ToUpper(part[:1]) + part[1:])
		}
	}
	return name.String()
}

func unknownRule(f *consent.Finding, language string) sarifRule {
	title := sarifText{consent.Text(f.Title).In(language)}
	return sarifRule{
		ID: f.Code, Name: ruleName(f.Code), Short: title, Full: title, Help: sarifText{consent.Text(f.Advice).In(language)}, Default: sarifLevel{sarifLevels[f.Severity]},
		Properties: map[string]any{"tags": []string{"privacy", f.Requirement}, "severity": f.Severity},
	}
}

func sarifResultOf(r *judgement.Report, f *consent.Finding, rule int, language string) sarifResult {
	message := []string{consent.Text(f.Title).In(language)}
	for _, line := range f.Evidence {
		message = append(message, "- "+line.In(language))
	}
	res := sarifResult{
		Rule: f.Code, Index: rule, Level: sarifLevels[f.Severity], Message: sarifText{strings.Join(append(message, "", consent.Text(f.Advice).In(language)), "\n")},
		Locations: placesOf(r, f), Fingerprints: map[string]string{fingerprint: f.Key}, Properties: map[string]any{"severity": f.Severity, "subjects": f.Subjects},
	}
	if f.Key == "" {
		res.Fingerprints[fingerprint] = f.Code
	}
	if r.Changes != nil {
		res.Baseline = "unchanged"
		if i := slices.IndexFunc(r.Changes.NewFindings, func(d judgement.FindingDiff) bool { return d.Code == f.Code }); i >= 0 {
			res.Baseline = "updated"
			if r.Changes.NewFindings[i].Was == "" {
				res.Baseline = "new"
			}
		}
	}
	if a := r.Acceptance(f); a != nil {
		res.Suppressions = []sarifSuppression{{"external", "accepted", decision(a).In(language)}}
	}
	return res
}

// maxPlaces bounds the places of a result.
const maxPlaces = 10

// placesOf are the pages and states that the evidence of a finding names, in the order of the visits; the start page where
// it names none. Code scanning takes only relative addresses for files, so that a page's is told without its scheme.
func placesOf(r *judgement.Report, f *consent.Finding) []sarifPlace {
	var all []sarifPlace
	seen := map[judgement.Page]bool{}
	for _, p := range r.Pages {
		at := judgement.Page{URL: p.URL, State: p.State, Device: p.Device}
		if seen[at] || len(all) == maxPlaces {
			continue
		}
		if slices.ContainsFunc(f.Evidence, func(line consent.Text) bool { return namesPage(line.In("en"), &at) }) {
			seen[at] = true
			all = append(all, sarifAt(p.URL, p.State))
		}
	}
	if len(all) == 0 {
		all = append(all, sarifAt(r.URL, ""))
	}
	return all
}

// namesPage says whether a line of evidence is about a page in a state. Its head tells the state, except where that can
// only be the one before an answer.
func namesPage(line string, p *judgement.Page) bool {
	for _, end := range []string{",", ":", " ", ""} {
		at := strings.Index(line, p.URL+end)
		if at < 0 || end == "" && !strings.HasSuffix(line, p.URL) {
			continue
		}
		return spokenOf(p.State, line) || p.State == evidence.StateNone && !slices.ContainsFunc(evidence.States, func(s string) bool { return spokenOf(s, line) })
	}
	return false
}

// spokenOf says whether a line begins with a state, in words or, as in reports of older versions, by its name.
func spokenOf(state, line string) bool {
	return strings.HasPrefix(line, spoken.Called(state).In("en")) || strings.HasPrefix(line, state)
}

func sarifAt(address, state string) sarifPlace {
	path := "page"
	if u, err := url.Parse(address); err == nil && u.Hostname() != "" {
		path = (&url.URL{Path: u.Hostname() + "/" + strings.TrimPrefix(u.Path, "/")}).EscapedPath()
	}
	p := sarifPlace{Physical: sarifPhysical{sarifArtifact{path}, map[string]int{"startLine": 1}}, Logical: []sarifLogical{{address, address, "resource"}}}
	if state != "" {
		p.Logical[0].Full = address + "#" + state
		p.Logical = append(p.Logical, sarifLogical{state, state, "namespace"})
	}
	return p
}

// sarifGaps tell what the scan did not see, so that nobody takes silence for a clean bill.
func sarifGaps(r *judgement.Report, language string) []any {
	all := []any{}
	for _, g := range gapsOf(r) {
		all = append(all, map[string]any{"level": "note", "message": sarifText{g.In(language)}})
	}
	return all
}

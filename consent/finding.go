package consent

import (
	"cmp"
	"encoding/json"
	"slices"
)

// Severity orders findings.
type Severity string

// The severities, worst first.
const (
	Critical Severity = "critical"
	High     Severity = "high"
	Medium   Severity = "medium"
	Low      Severity = "low"
	Info     Severity = "info"
)

// Severities lists the severities, worst first.
func Severities() []Severity { return []Severity{Critical, High, Medium, Low, Info} }

// AtLeast says whether s is as bad as limit or worse. An unknown severity is never.
func (s Severity) AtLeast(limit Severity) bool {
	a, b := s.rank(), limit.rank()
	return a >= 0 && b >= 0 && a <= b
}

func (s Severity) rank() int {
	for i, k := range Severities() {
		if k == s {
			return i
		}
	}
	return -1
}

// Text is the same words in several languages, by their two letters.
type Text map[string]string

// In gives the words in a language, else in English, else in Danish.
func (t Text) In(lang string) string { return cmp.Or(t[lang], t["en"], t["da"]) }

// UnmarshalJSON also reads a plain string, since the evidence of older reports is English only.
func (t *Text) UnmarshalJSON(data []byte) error {
	var plain string
	if json.Unmarshal(data, &plain) == nil {
		*t = Text{"en": plain}
		return nil
	}
	return json.Unmarshal(data, (*map[string]string)(t))
}

// Finding is something that a scan saw and that the owner should look at. It is evidence, never a verdict on
// lawfulness.
type Finding struct {
	Code        string            `json:"code"` // stable, such as cookie-before-consent
	Severity    Severity          `json:"severity"`
	Requirement string            `json:"requirement"` // the rule it comes from, such as S1
	Title       map[string]string `json:"title"`       // language, one sentence: what was seen
	Advice      map[string]string `json:"advice"`      // language, what to do
	Evidence    []Text            `json:"evidence"`    // where: state, device, page, name, host, time
	Subjects    []string          `json:"subjects"`    // what it is about, the same words in every scan; sorted, each once
	Key         string            `json:"key"`         // code and a hash of the subjects: the same as long as it is about the same
}

// Covers says whether a decision about f still stands for a later finding: that one has the same code, is no worse, and
// is about nothing that f wasn't about.
func (f *Finding) Covers(later *Finding) bool {
	if f.Code != later.Code || !f.Severity.AtLeast(later.Severity) {
		return false
	}
	return !slices.ContainsFunc(later.Subjects, func(s string) bool { return !slices.Contains(f.Subjects, s) })
}

package wording

import (
	_ "embed"
	"encoding/json"
	"regexp"
	"strings"
	"sync"

	"samtykke/scanner/evidence"
	"samtykke/scanner/spoken"
)

// phrase is something that a text may say, and what that means.
type phrase struct {
	pattern *regexp.Regexp
	unless  *regexp.Regexp // near it, takes it back; nil: nothing does
	Means   spoken.Words
}

// phraseTable is what texts are looked through for.
type phraseTable struct {
	Implied  []phrase // consent from going on
	Outdated []phrase
	Steering map[string][]phrase // by language: promises, praise and regret, which push towards an answer (law B17)
}

//go:embed phrases.json
var phraseData []byte

// Phrases are what texts are looked through for.
var Phrases = sync.OnceValue(func() (t phraseTable) {
	var raw struct {
		Implied  map[string][]string
		Steering map[string][]string
		Veto     []string
		Outdated []struct{ Pattern, Unless, DA, EN string }
	}
	if err := json.Unmarshal(phraseData, &raw); err != nil {
		panic(err) // embedded at build time and covered by a test
	}
	veto := regexp.MustCompile(`(?i)` + strings.Join(raw.Veto, "|"))
	for _, lang := range []string{"da", "en", "sv", "nb", "de"} {
		for _, p := range raw.Implied[lang] {
			t.Implied = append(t.Implied, phrase{pattern: regexp.MustCompile(`(?i)` + p), unless: veto})
		}
	}
	t.Steering = map[string][]phrase{}
	for lang, patterns := range raw.Steering {
		for _, p := range patterns {
			t.Steering[lang] = append(t.Steering[lang], phrase{pattern: regexp.MustCompile(`(?i)` + p)})
		}
	}
	for _, o := range raw.Outdated {
		p := phrase{pattern: regexp.MustCompile(`(?i)` + o.Pattern), Means: spoken.Words{o.DA, o.EN}}
		if o.Unless != "" {
			p.unless = regexp.MustCompile(`(?i)` + o.Unless)
		}
		t.Outdated = append(t.Outdated, p)
	}
	return t
})

// Nearby is how much of the text around a phrase can take it back, in bytes.
const Nearby = 120

// Find gives the words in a text that the phrase is about, in one line; "" where there are none.
func (p *phrase) Find(text string, around int) string {
	for _, at := range p.pattern.FindAllStringIndex(text, 20) {
		from, to := max(0, at[0]-around), min(len(text), at[1]+around)
		if p.unless == nil || !p.unless.MatchString(text[from:to]) {
			return evidence.Clip(strings.Join(strings.Fields(text[at[0]:at[1]]), " "), 200)
		}
	}
	return ""
}

package scanner

import (
	_ "embed"
	"encoding/json"
	"regexp"
	"slices"
	"strings"
	"sync"
)

// phrase is something that a text may say, and what that means.
type phrase struct {
	pattern *regexp.Regexp
	unless  *regexp.Regexp // near it, takes it back; nil: nothing does
	means   words
}

// phraseTable is what texts are looked through for.
type phraseTable struct {
	implied  []phrase // consent from going on
	outdated []phrase
}

//go:embed phrases.json
var phraseData []byte

var phrases = sync.OnceValue(func() (t phraseTable) {
	var raw struct {
		Implied  map[string][]string
		Veto     []string
		Outdated []struct{ Pattern, Unless, DA, EN string }
	}
	if err := json.Unmarshal(phraseData, &raw); err != nil {
		panic(err) // embedded at build time and covered by a test
	}
	veto := regexp.MustCompile(`(?i)` + strings.Join(raw.Veto, "|"))
	for _, lang := range []string{"da", "en", "sv", "nb", "de"} {
		for _, p := range raw.Implied[lang] {
			t.implied = append(t.implied, phrase{pattern: regexp.MustCompile(`(?i)` + p), unless: veto})
		}
	}
	for _, o := range raw.Outdated {
		p := phrase{pattern: regexp.MustCompile(`(?i)` + o.Pattern), means: words{o.DA, o.EN}}
		if o.Unless != "" {
			p.unless = regexp.MustCompile(`(?i)` + o.Unless)
		}
		t.outdated = append(t.outdated, p)
	}
	return t
})

// nearby is how much of the text around a phrase can take it back, in bytes.
const nearby = 120

// find gives the words in a text that the phrase is about, in one line; "" where there are none.
func (p *phrase) find(text string, around int) string {
	for _, at := range p.pattern.FindAllStringIndex(text, 20) {
		from, to := max(0, at[0]-around), min(len(text), at[1]+around)
		if p.unless == nil || !p.unless.MatchString(text[from:to]) {
			return clip(strings.Join(strings.Fields(text[at[0]:at[1]]), " "), 200)
		}
	}
	return ""
}

// writing is a text of the site, and where it stands.
type writing struct {
	where words
	text  string
}

// writings are the texts that were read: the banners' and those about cookies and privacy.
func (c *scene) writings() []writing {
	var all []writing
	for _, b := range c.banners(func(b *Banner) bool { return b.Text != "" }) {
		w := say("banneret (%s)", "the banner (%s)", b.where())
		if !slices.ContainsFunc(all, func(o writing) bool { return o.text == b.Text }) {
			all = append(all, writing{w, b.Text})
		}
	}
	for _, t := range c.e.Texts {
		all = append(all, writing{words{t.URL, t.URL}, t.Text})
	}
	return all
}

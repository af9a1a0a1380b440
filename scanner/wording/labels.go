package wording

import (
	_ "embed"
	"encoding/json"
	"slices"
	"strings"
	"sync"
)

// LabelsJSON is the table of labels as it is embedded, for scripts that look for buttons themselves.
//
//go:embed labels.json
var LabelsJSON string

// roles are what a button can be known to do, in the order in which a scan asks.
var roles = []string{"reject", "accept", "save", "settings", "dismiss"}

// labels are the words by which buttons are known: language, role, labels in lower case.
var labels = sync.OnceValue(func() map[string]map[string][]string {
	var table struct {
		Languages map[string]map[string][]string
	}
	if err := json.Unmarshal([]byte(LabelsJSON), &table); err != nil {
		panic("labels.json: " + err.Error()) // embedded at build time and covered by a test
	}
	return table.Languages
})

// Role says what visitors take a button's label for, in a language: accept, reject, settings, save or dismiss; ""
// where the words are of no known kind.
func Role(label, lang string) string {
	label = strings.Join(strings.Fields(strings.ToLower(strings.Trim(label, " .,!"))), " ")
	for _, role := range roles {
		if slices.Contains(labels()[lang][role], label) {
			return role
		}
	}
	return ""
}

// ImpliedConsent gives the words by which a text takes going on for consent; "" where there are none (law S20).
func ImpliedConsent(text string) string {
	for i := range Phrases().Implied {
		if found := Phrases().Implied[i].Find(text, 0); found != "" {
			return found
		}
	}
	return ""
}

// Steers gives the words by which a text in a language promises, praises or regrets something to get an answer; "" where
// there are none (law B17).
func Steers(text, lang string) string {
	for i := range Phrases().Steering[lang] {
		if found := Phrases().Steering[lang][i].Find(text, 0); found != "" {
			return found
		}
	}
	return ""
}

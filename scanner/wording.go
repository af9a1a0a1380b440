package scanner

import (
	"encoding/json"
	"slices"
	"strings"
	"sync"
)

// Whoever words a banner is judged by the tables that a scan judges by, before anybody is asked with it.

// roles are what a button can be known to do, in the order in which a scan asks.
var roles = []string{"reject", "accept", "save", "settings", "dismiss"}

// labels are the words by which buttons are known: language, role, labels in lower case.
var labels = sync.OnceValue(func() map[string]map[string][]string {
	var table struct {
		Languages map[string]map[string][]string
	}
	if err := json.Unmarshal([]byte(labelsJSON), &table); err != nil {
		panic("labels.json: " + err.Error()) // embedded at build time and covered by a test
	}
	return table.Languages
})

// LabelMeans says what visitors take a button's label for, in a language: accept, reject, settings, save or dismiss; ""
// where the words are of no known kind.
func LabelMeans(label, lang string) string {
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
	for i := range phrases().implied {
		if found := phrases().implied[i].find(text, 0); found != "" {
			return found
		}
	}
	return ""
}

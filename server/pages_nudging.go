package server

import (
	"slices"
	"strings"
	"unicode"

	"samtykke/scanner/wording"
)

// meansOther are the roles that the label of a button must not be known for (B6): a refusal that reads like a yes, a yes that
// reads like a way to close.
var meansOther = map[string][]string{
	"accept": {"reject", "save", "settings", "dismiss"},
	"reject": {"accept", "save", "settings", "dismiss"},
	"choose": {"accept", "reject", "save", "dismiss"},
	"save":   {"accept", "reject", "settings", "dismiss"},
}

// nudging says which of a banner's words push visitors or hide what a button does (B4 to B6, B17), by the tables that the scanner
// judges any site by. The keys are those of the texts.
func nudging(texts map[string]string, lang string) map[string]string {
	wrong := map[string]string{}
	for key, words := range texts {
		if found := wording.ImpliedConsent(words); found != "" {
			wrong[key] = "Going on is no consent: leave out “" + found + "”."
		} else if found = wording.Steers(words, lang); found != "" {
			wrong[key] = "The banner must not persuade anybody: leave out “" + found + "”."
		}
	}
	for key, others := range meansOther {
		switch words := texts[key]; {
		case slices.Contains(others, wording.Role(words, lang)):
			wrong[key] = "Visitors know these words from another kind of button. Say what this one does."
		case strings.ContainsFunc(words, unicode.IsSymbol):
			wrong[key] = "A button has words alone: a symbol makes it look unlike the others."
		case shouts(words) != shouts(texts["reject"]) && key == "accept":
			wrong[key] = "Write both buttons in the same way: capitals make one of them stand out."
		}
	}
	return wrong
}

// shouts says whether words are in capitals throughout. Scripts without capitals never are.
func shouts(words string) bool {
	letters := 0
	for _, r := range words {
		if unicode.IsLower(r) {
			return false
		}
		if unicode.IsUpper(r) {
			letters++
		}
	}
	return letters > 3
}

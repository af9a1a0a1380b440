package judgement

import (
	"slices"

	"samtykke/consent"
	"samtykke/scanner/spoken"
)

// Verdict is one rule: what it is called, how bad it is, and its words.
type Verdict struct {
	Code        string // never changes its meaning
	Severity    consent.Severity
	Requirement string
	judge       judge
	Title       spoken.Words // what was seen, in one sentence
	Advice      spoken.Words // what to do
	When        string       // what is measured, for docs/findings.md
	Limits      string       // what the measure can't tell, for docs/findings.md
}

// Theme is a group of rules, as people look for them.
type Theme struct {
	ID       string
	Name     spoken.Words
	Verdicts []Verdict
}

// Themes are tried in this order.
var Themes = []Theme{
	{"storage", spoken.Words{"Det, der gemmes", "What is stored"}, storedVerdicts},
	{"requests", spoken.Words{"Det, der sendes", "What is sent"}, sentVerdicts},
	{"declaration", spoken.Words{"Erklæringen", "The declaration"}, declaredVerdicts},
	{"banner", spoken.Words{"Banneret", "The banner"}, bannerVerdicts},
	{"look", spoken.Words{"Bannerets udseende og tilgængelighed", "The banner's look and accessibility"}, lookVerdicts},
	{"texts", spoken.Words{"Tekster og links", "Texts and links"}, textVerdicts},
	{"consent-mode", spoken.Words{"Google Consent Mode", "Google Consent Mode"}, consentModeVerdicts},
}

// Verdicts are the rules of all themes.
var Verdicts = slices.Concat(
	storedVerdicts, sentVerdicts, declaredVerdicts, bannerVerdicts, lookVerdicts, textVerdicts, consentModeVerdicts,
)

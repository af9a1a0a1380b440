package scanner

import (
	"slices"

	"samtykke/consent"
)

// verdict is one rule: what it is called, how bad it is, and its words.
type verdict struct {
	code        string // never changes its meaning
	severity    consent.Severity
	requirement string
	judge       judge
	title       words  // what was seen, in one sentence
	advice      words  // what to do
	when        string // what is measured, for docs/findings.md
	limits      string // what the measure can't tell, for docs/findings.md
}

// verdicts are tried in this order.
var verdicts = slices.Concat(
	storedVerdicts, sentVerdicts, declaredVerdicts, bannerVerdicts, lookVerdicts, textVerdicts, consentModeVerdicts,
)

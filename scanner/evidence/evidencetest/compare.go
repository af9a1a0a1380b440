package evidencetest

import (
	"slices"
	"strings"
	"testing"

	"samtykke/consent"
)

// Codes are those of findings, sorted.
func Codes(findings []consent.Finding) []string {
	var list []string
	for _, f := range findings {
		list = append(list, f.Code)
	}
	slices.Sort(list)
	return list
}

// Equal fails the test where two lists differ, and shows both a line an entry.
func Equal(t *testing.T, what string, got, want []string) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("%s:\n got  %s\n want %s", what, strings.Join(got, "\n      "), strings.Join(want, "\n      "))
	}
}

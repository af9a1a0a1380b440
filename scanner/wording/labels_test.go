package wording

import (
	"testing"
)

// B6, S20: what a banner is judged by before it is published is what it is judged by afterwards.
func TestWording_IsKnown(t *testing.T) {
	for label, want := range map[string]string{"Accepter alle": "accept", " AFVIS  alle!": "reject", "Kun nødvendige": "reject", "Hurra": ""} {
		if got := Role(label, "da"); got != want {
			t.Errorf("%q means %q, want %q", label, got, want)
		}
	}
	if got := ImpliedConsent("Ved at fortsætte på siden accepterer du cookies."); got == "" {
		t.Error("implied consent isn't seen")
	}
	if got := ImpliedConsent("Klik på knappen, hvis du siger ja."); got != "" {
		t.Errorf("%q is taken for implied consent", got)
	}
}

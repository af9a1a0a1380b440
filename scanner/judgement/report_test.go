package judgement

import (
	"testing"

	"samtykke/scanner/evidence/evidencetest"
)

func TestMonths(t *testing.T) {
	if Months(13) != DefaultLifetimeLimit || Months(12) != 366*evidencetest.Day || Months(1) != 31*evidencetest.Day {
		t.Errorf("%v %v %v", Months(13), Months(12), Months(1))
	}
}

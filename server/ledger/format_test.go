package ledger

import (
	"bytes"
	"os"
	"testing"
)

// The format of an export, of checkpoints and rotations doesn't change: files that people keep must verify for ever. Whoever
// writes a verifier of his own (docs/ledger.md) may try it with these.
func TestExport_FormatStays(t *testing.T) {
	for name, most := range map[string]int{"testdata/export.jsonl": 0, "testdata/blocks.jsonl": 2} {
		want, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if got := smallFile(t, most); !bytes.Equal(got, want) {
			t.Errorf("%s is written otherwise:\n%s", name, got)
		}
		if r := mustVerify(t, want, trusting(small().signed(t, 5))); r.Records != 9 || r.Removed != 4 || r.Earlier != 1 {
			t.Errorf("%+v", r)
		}
	}
}

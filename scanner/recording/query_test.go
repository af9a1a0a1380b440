package recording

import (
	"strings"
	"testing"
)

func TestReadQuery_NamesWhatIsKnownToCarryAnID(t *testing.T) {
	names, values := readQuery("https://t.example/?GCLID=1&url=https%3A%2F%2Fshop.dk%2F&ref=forside&_gl=2;uid=3&gclid=4#fbclid=5")
	if got := strings.Join(names, " "); got != "_gl gclid url" || len(values) != 6 {
		t.Errorf("%q of %q", got, values)
	}
}

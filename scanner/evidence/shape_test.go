package evidence

import (
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestShape_TellsTheLook(t *testing.T) {
	for value, want := range map[string]string{
		"": "empty/1", "1": "boolean/1", "ja": "boolean/2", "1763812800": "timestamp/16", "1763812800123": "timestamp/16", "2026-11-22T12:00:00Z": "timestamp/32",
		"42": "number/2", "6ba7b810-9dad-11d1-80b4-00c04fd430c8": "uuid/64", "da-DK": "language/8", "0123456789abcdef0123456789abcdef": "hex/32",
		`{"a":1}`: "json/8", "%7B%22a%22%3A1%7D": "json/32", "https://shop.dk/": "url/16", "https%3A%2F%2Fshop.dk": "url/32",
		"eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl": "token/64", "c2FtdHlra2Ugc2FtdHlra2U9": "base64/32",
		"GA1.1.123456789.1763812800": "id/32", "fb.1.1763812800123.987654321": "id/32", "accepted": "word/8", "a=1|b=2": "code/8", "hej, du der": "text/16",
		strings.Repeat("x", 5000): "text/1024",
	} {
		if got := Shape(value); got != want {
			t.Errorf("%q: %s, want %s", Clip(value, 40), got, want)
		}
	}
}

// A shape is one of few: nobody can be told by it.
func TestShape_IsOneOfFew(t *testing.T) {
	known := map[string]bool{}
	for _, l := range looks {
		known[l.name] = true
	}
	rapid.Check(t, func(t *rapid.T) {
		look, size, ok := strings.Cut(Shape(rapid.String().Draw(t, "value")), "/")
		if !ok || !known[look] || len(size) > 4 {
			t.Fatalf("%s/%s", look, size)
		}
	})
}

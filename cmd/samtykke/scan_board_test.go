package main

import (
	"strings"
	"testing"
	"unicode/utf8"

	"samtykke/scanner"
)

// The board has a line for each state and screen, no wider than the terminal, and nothing of a page's plays with it.
func TestBoard_ShowsEachState(t *testing.T) {
	b := &board{language: "da", tidy: true}
	b.note(scanner.Progress{State: "none", Device: "desktop", URL: "https://shop.dk/", Visited: 1, Pages: 5})
	b.note(scanner.Progress{State: "none", Device: "mobile", URL: "https://shop.dk/\x1b[2J" + strings.Repeat("x", 200), Pages: 5})
	b.note(scanner.Progress{State: "none", Device: "desktop", Note: "measure the banner", Visited: 5, Pages: 5})
	lines := b.lines(80)
	if len(lines) != 2 || lines[0] != "  før svar         ━━━━━━━━━━  5/5  https://shop.dk/ measure the banner" {
		t.Errorf("%q", lines)
	}
	if n := utf8.RuneCountInString(lines[1]); n != 79 || strings.Contains(lines[1], "\x1b") || !strings.HasPrefix(lines[1], "  før svar, mobil  ──────────  0/5  ") {
		t.Errorf("%d %q", n, lines[1])
	}
}

package main

import (
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"samtykke/scanner"
	"samtykke/scanner/evidence"
	"samtykke/scanner/spoken"
)

// board shows on a terminal how far a scan is: a line a state, drawn over as it goes on.
type board struct {
	w        io.Writer
	language string
	steps    []scanner.Progress // the last of each state and screen, in the order of their beginning
	drawn    int                // lines on the terminal
	tidy     bool               // without colours
}

func newBoard(w io.Writer, language string) *board {
	return &board{w: w, language: language, tidy: os.Getenv("NO_COLOR") != ""}
}

// tell is what a scan reports its steps to; nil in a pipe, which stays silent.
func (b *board) tell() func(scanner.Progress) {
	if columns(b.w) == 0 {
		return nil
	}
	return func(p scanner.Progress) {
		b.note(p)
		b.draw()
	}
}

func (b *board) note(p scanner.Progress) {
	i := slices.IndexFunc(b.steps, func(q scanner.Progress) bool { return q.State == p.State && q.Device == p.Device })
	if i < 0 {
		b.steps = append(b.steps, p)
		return
	}
	if p.URL == "" {
		p.URL = b.steps[i].URL
	}
	b.steps[i] = p
}

func (b *board) draw() {
	b.clear()
	for _, line := range b.lines(columns(b.w)) {
		fmt.Fprintln(b.w, line)
		b.drawn++
	}
}

// clear takes the lines off the terminal again.
func (b *board) clear() {
	if b.drawn > 0 {
		fmt.Fprintf(b.w, "\x1b[%dA\x1b[J", b.drawn)
		b.drawn = 0
	}
}

// bar is how many cells show the pages.
const bar = 10

func (b *board) lines(width int) []string {
	long := 0
	for _, p := range b.steps {
		long = max(long, utf8.RuneCountInString(b.name(p)))
	}
	var all []string
	for _, p := range b.steps {
		name := b.name(p)
		pages := max(p.Pages, p.Visited, 1)
		full := min(p.Visited*bar/pages, bar)
		head := fmt.Sprintf("  %s%s  ", name, strings.Repeat(" ", long-utf8.RuneCountInString(name)))
		cells := strings.Repeat("━", full)
		rest := strings.Repeat("─", bar-full)
		tail := []rune(fmt.Sprintf("  %d/%d  %s", p.Visited, pages, visible(strings.TrimSpace(p.URL+" "+p.Note))))
		if room := width - 1 - utf8.RuneCountInString(head) - bar; room > 0 && len(tail) > room {
			tail = append(tail[:room-1], '…')
		}
		if !b.tidy {
			cells = "\x1b[32m" + cells + "\x1b[0m\x1b[2m" + rest + "\x1b[0m"
			rest = ""
		}
		all = append(all, head+cells+rest+string(tail))
	}
	return all
}

func (b *board) name(p scanner.Progress) string {
	name := spoken.Word(p.State, b.language)
	if p.Device == evidence.Mobile {
		name += ", " + spoken.Word(p.Device, b.language)
	}
	return name
}

// visible leaves out what would play with the terminal.
func visible(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) {
			return -1
		}
		return r
	}, s)
}

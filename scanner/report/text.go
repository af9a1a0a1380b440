// Package report writes the report of a scan as text, HTML, SARIF, JUnit and HAR, and reads one that was written as JSON.
package report

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"samtykke/consent"
	"samtykke/scanner/evidence"
	"samtykke/scanner/judgement"
	"samtykke/scanner/spoken"
)

// TextOptions say how a report is written for a terminal.
type TextOptions struct {
	Language string // da; everything else is English
	Width    int    // columns; 0: lines are as long as they are
	Colour   bool
}

// Text writes the summary for a terminal: what was reached, findings, items, third parties, and what was not seen.
func Text(w io.Writer, r *judgement.Report, o TextOptions) {
	t := &textWriter{w: w, o: o}
	t.heading(r)
	t.findings(r)
	t.items(r)
	t.vendors(r)
	t.unread(r)
	t.changes(r)
	t.accepted(r)
	t.section(spoken.Say("Hvad scanningen ikke så", "What the scan did not see"))
	for _, g := range gapsOf(r) {
		t.wrapped("  · ", "    ", plain, t.in(g))
	}
}

// style is how letters look on a terminal.
type style string

const (
	plain  style = ""
	strong style = "1"
	faint  style = "2"
	red    style = "31"
	alarm  style = "1;31"
	yellow style = "33"
	green  style = "32"
	blue   style = "36"
)

var severityStyles = map[consent.Severity]style{consent.Critical: alarm, consent.High: red, consent.Medium: yellow, consent.Low: blue, consent.Info: faint}

type textWriter struct {
	w io.Writer
	o TextOptions
}

func (t *textWriter) in(w spoken.Words) string { return printable(w.In(t.o.Language)) }

// printable takes out what a page may have put into a name to play with the terminal.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) || r == utf8.RuneError {
			return '\uFFFD'
		}
		return r
	}, s)
}

func (t *textWriter) dye(s style, text string) string {
	if !t.o.Colour || s == plain || text == "" {
		return text
	}
	return "\x1b[" + string(s) + "m" + text + "\x1b[0m"
}

func (t *textWriter) line(text string) { fmt.Fprintln(t.w, strings.TrimRight(text, " ")) }

func (t *textWriter) section(title spoken.Words) {
	t.line("")
	t.line(t.dye(strong, t.in(title)))
}

// wrapped writes a text that goes on in the next line, between words where it can.
func (t *textWriter) wrapped(first, next string, s style, text string) {
	room := 1 << 30
	if t.o.Width > 0 {
		room = max(t.o.Width-utf8.RuneCountInString(next), 20)
	}
	lead := first
	for _, l := range wrap(printable(text), room) {
		t.line(lead + t.dye(s, l))
		lead = next
	}
}

// wrap breaks a text into lines of so many letters; what has no blank is broken where it must.
func wrap(text string, room int) []string {
	var all []string
	line, length := "", 0
	for _, word := range strings.Fields(text) {
		n := utf8.RuneCountInString(word)
		if length > 0 && length+1+n > room {
			all = append(all, line)
			line, length = "", 0
		}
		for n > room {
			cut := []rune(word)
			all = append(all, string(cut[:room]))
			word, n = string(cut[room:]), n-room
		}
		if length > 0 {
			line, length = line+" ", length+1
		}
		line, length = line+word, length+n
	}
	if line != "" {
		all = append(all, line)
	}
	return all
}

// fit makes a text exactly so long, with a mark where something was cut off.
func fit(text string, length int) string {
	runes := []rune(text)
	if len(runes) > length {
		return string(runes[:length-1]) + "…"
	}
	return text + strings.Repeat(" ", length-len(runes))
}

func (t *textWriter) heading(r *judgement.Report) {
	t.line(t.dye(strong, printable(r.URL)))
	t.line(t.dye(faint, t.in(spoken.Say("%s, %s", "%s, %s", spoken.Moment(r.StartedAt), r.Browser))))
	t.line("")
	long := 0
	for _, s := range r.States {
		long = max(long, utf8.RuneCountInString(t.in(stateName(&s))))
	}
	for _, s := range r.States {
		mark, colour, how := "✓", green, spoken.Words{"nået", "reached"}
		switch {
		case !s.Done && s.Pages == 0:
			mark, colour, how = "–", yellow, spoken.Words{"ikke besøgt", "not visited"}
		case !s.Done:
			mark, colour, how = "–", yellow, spoken.Words{"ikke nået", "not reached"}
		case s.Tool != "":
			how = spoken.Say("nået med %s", "reached with %s", s.Tool)
		}
		pages := spoken.Say("%d sidevisninger", "%d page loads", s.Pages)
		if s.Pages == 1 {
			pages = spoken.Words{"1 sidevisning", "1 page load"}
		}
		t.line("  " + t.dye(colour, mark) + " " + fit(t.in(stateName(&s)), long) + "  " + fit(t.in(pages), 16) + "  " + t.in(how))
	}
}

// stateName is the state, and the screen where it isn't the usual one.
func stateName(s *judgement.StateResult) spoken.Words {
	if s.Device == evidence.Mobile {
		return spoken.Where(s.State, evidence.Mobile)
	}
	return spoken.Called(s.State)
}

func (t *textWriter) findings(r *judgement.Report) {
	open := r.Open()
	if len(open) == 0 {
		t.line("")
		t.line(t.dye(green, t.in(spoken.Words{"Ingen fund på de sider, der blev besøgt.", "No findings on the pages that were visited."})))
		return
	}
	var parts []string
	for _, c := range countsOf(r) {
		if c.Count > 0 {
			parts = append(parts, fmt.Sprintf("%s: %d", t.in(spoken.Called(c.Severity)), c.Count))
		}
	}
	t.section(spoken.Say("Fund: %d – %s", "Findings: %d – %s", len(open), strings.Join(parts, ", ")))
	for i := range open {
		t.finding(&open[i])
	}
}

// shownEvidence is how many lines of evidence a terminal gets; the other outputs have the rest.
const shownEvidence = 6

func (t *textWriter) finding(f *consent.Finding) {
	t.line("")
	s := severityStyles[f.Severity]
	t.line(t.dye(s, strings.ToUpper(t.in(spoken.Called(f.Severity)))) + "  " + printable(f.Code) + " " + t.dye(faint, "("+printable(f.Requirement)+")"))
	t.wrapped("  ", "  ", strong, consent.Text(f.Title).In(t.o.Language))
	for i, line := range f.Evidence {
		if more := len(f.Evidence) - shownEvidence; i == shownEvidence && more > 1 {
			t.wrapped("    ", "    ", faint, t.in(spoken.Say("… og %d linjer mere", "… and %d more lines", more)))
			break
		}
		t.wrapped("    ", "      ", plain, line.In(t.o.Language))
	}
	t.wrapped("  → ", "    ", plain, consent.Text(f.Advice).In(t.o.Language))
	if f.Key != "" {
		t.line("  " + t.dye(faint, printable(f.Key)))
	}
}

// heads name the states above the columns of a table.
var heads = map[string]spoken.Words{
	evidence.StateNone: {"før", "before"}, evidence.StateReject: {"nej", "no"}, evidence.StateAccept: {"ja", "yes"}, evidence.StateWithdraw: {"fortrudt", "withdrawn"}, evidence.StateGPC: {"GPC", "GPC"},
}

// table is a list with the states as columns.
type table struct {
	t       *textWriter
	columns []string
	reached map[string]bool
	name    int // letters of the first column
}

func (t *textWriter) table(r *judgement.Report, names []string) *table {
	b := &table{t: t, columns: columnsOf(r), reached: r.Reached()}
	for _, n := range names {
		b.name = max(b.name, utf8.RuneCountInString(n))
	}
	if t.o.Width > 0 {
		b.name = min(b.name, max(t.o.Width-4-b.width()-22, 20))
	}
	return b
}

func (b *table) width() (n int) {
	for _, c := range b.columns {
		n += utf8.RuneCountInString(b.t.in(heads[c])) + 2
	}
	return n
}

func (b *table) head() {
	line := strings.Repeat(" ", b.name+4)
	for _, c := range b.columns {
		line += b.t.in(heads[c]) + "  "
	}
	b.t.line(b.t.dye(faint, strings.TrimRight(line, " ")))
}

func (b *table) row(name string, mark func(state string) string, rest string) {
	line := "    " + fit(name, b.name-1) + " "
	for _, c := range b.columns {
		m := mark(c)
		switch {
		case !b.reached[c]:
			m = "?"
		case m == "":
			m = "·"
		}
		line += m + strings.Repeat(" ", utf8.RuneCountInString(b.t.in(heads[c]))+1)
	}
	if b.t.o.Width > 0 {
		room := b.t.o.Width - utf8.RuneCountInString(line)
		if room < 4 {
			rest = ""
		} else if utf8.RuneCountInString(rest) > room {
			rest = fit(rest, room)
		}
	}
	b.t.line(line + b.t.dye(faint, rest))
}

// label is an item as a table names it.
func (t *textWriter) label(it *judgement.Item) string {
	name := it.Name
	if it.Kind != consent.Cookie {
		name += " (" + t.in(spoken.Called(it.Kind)) + ")"
	}
	return printable(name + "  " + strings.TrimPrefix(it.Host, "."))
}

func (t *textWriter) items(r *judgement.Report) {
	t.section(spoken.Say("Gemt i browseren: %d", "Stored in the browser: %d", len(r.Items)))
	if len(r.Items) == 0 {
		return
	}
	var names []string
	for i := range r.Items {
		names = append(names, t.label(&r.Items[i])+"  ")
	}
	b := t.table(r, names)
	b.head()
	tried, left := false, false
	for _, g := range groupsOf(r) {
		s := plain
		if g.Category == consent.Unclassified {
			s = yellow
		}
		t.line("  " + t.dye(s, fmt.Sprintf("%s (%d)", t.in(spoken.Called(g.Category)), len(g.Items))))
		for i := range g.Items {
			it := &g.Items[i]
			tried, left = tried || it.Tried, left || it.LeftBehind
			about := t.in(spoken.Say("%s", "%s", spoken.Lasting(it.Lifetime())))
			if it.Provider != "" {
				about += ", " + printable(it.Provider)
			}
			b.row(t.label(it), func(state string) string { return mark(it, state) }, about)
		}
	}
	legend := spoken.Say("%s gemt", "%s stored", markStored)
	if tried {
		legend = legend.And(spoken.Say(", %s forsøgt, afvist af browseren", ", %s tried, refused by the browser", markTried))
	}
	if left {
		legend = legend.And(spoken.Say(", %s efterladt", ", %s left behind", markLeft))
	}
	if slices.ContainsFunc(b.columns, func(c string) bool { return !b.reached[c] }) {
		legend = legend.And(spoken.Words{", ? ikke nået", ", ? not reached"})
	}
	t.wrapped("  ", "  ", faint, t.in(legend))
}

func (t *textWriter) vendors(r *judgement.Report) {
	rows := vendorsOf(r)
	if len(rows) == 0 {
		return
	}
	t.section(spoken.Say("Forespørgsler til tredjeparter – modtagere: %d", "Requests to third parties – receivers: %d", len(rows)))
	var names []string
	label := func(v *vendorRow) string {
		if v.Vendor == "" {
			return printable(v.Hosts[0])
		}
		return printable(v.Vendor)
	}
	for i := range rows {
		names = append(names, label(&rows[i])+"  ")
	}
	b := t.table(r, names)
	b.head()
	for i := range rows {
		v := &rows[i]
		about := fmt.Sprintf("%d × %s", v.Count, t.in(spoken.Called(v.Category)))
		if v.Vendor != "" {
			about += ": " + printable(strings.Join(v.Hosts, ", "))
		}
		b.row(label(v), func(state string) string {
			if slices.Contains(v.States, state) {
				return markStored
			}
			return ""
		}, about)
	}
}

func (t *textWriter) unread(r *judgement.Report) {
	pages := unreadOf(r)
	if len(pages) == 0 {
		return
	}
	t.section(spoken.Say("Sider, der ikke kunne læses: %d", "Pages that could not be read: %d", len(pages)))
	for _, p := range pages {
		t.wrapped("  ", "    ", plain, t.in(spoken.Say("%s (%s): %s", "%s (%s): %s", p.URL, spoken.Joined(p.States), p.Error)))
	}
}

func (t *textWriter) changes(r *judgement.Report) {
	if r.Changes == nil {
		return
	}
	t.section(spoken.Words{"Ændret siden den tidligere rapport", "Changed since the older report"})
	if r.Changes.Empty() {
		t.line("  " + t.in(spoken.Words{"Intet.", "Nothing."}))
	}
	for _, line := range r.Changes.Summary() {
		t.wrapped("  · ", "    ", plain, line.In(t.o.Language))
	}
}

func (t *textWriter) accepted(r *judgement.Report) {
	if len(r.Accepted) == 0 {
		return
	}
	t.section(spoken.Say("Accepterede fund: %d", "Accepted findings: %d", len(r.Accepted)))
	for _, a := range r.Accepted {
		t.wrapped("  · ", "    ", plain, t.in(decision(&a)))
	}
}

// decision tell of a decision.
func decision(a *judgement.Acceptance) spoken.Words {
	w := spoken.Say("%s: %s", "%s: %s", a.Key, a.Reason)
	if a.Until != "" {
		w = w.And(spoken.Say(" (til og med %s)", " (until %s)", a.Until))
	}
	return w
}

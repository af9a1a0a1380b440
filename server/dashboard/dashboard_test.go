package dashboard

import (
	"regexp"
	"strings"
	"testing"
	"text/template/parse"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"samtykke/consent"
)

var verb = regexp.MustCompile(`%[0-9]*[a-z]`)

// H12: both languages say the same things, with the same arguments; nothing is empty or copied over by mistake.
func TestTexts_AreTheSameInBothLanguages(t *testing.T) {
	da, en := For("da").texts, For("en").texts
	alike := 0
	for key, words := range da {
		other, ok := en[key]
		switch {
		case !ok:
			t.Errorf("%s is missing in English", key)
		case strings.TrimSpace(words) == "" || strings.TrimSpace(other) == "":
			t.Errorf("%s is empty", key)
		case cmp.Diff(verb.FindAllString(words, -1), verb.FindAllString(other, -1)) != "":
			t.Errorf("%s has other arguments: %q, %q", key, words, other)
		}
		if words == other && len(words) > 25 {
			alike++
		}
	}
	if len(en) != len(da) || alike > 0 {
		t.Errorf("%d texts in Danish, %d in English, %d alike", len(da), len(en), alike)
	}
}

// Every text that a template names is there, and the ones whose keys are put together are there for each value.
func TestTexts_HoldWhatThePagesSay(t *testing.T) {
	used := map[string]bool{}
	for _, page := range pages()["da"] {
		for _, tmpl := range page.Templates() {
			if tmpl.Tree != nil {
				keys(tmpl.Tree.Root, used)
			}
		}
	}
	for _, prefix := range []string{"action", "record.action"} {
		for _, a := range consent.Actions {
			used[prefix+"."+string(a)] = true
		}
	}
	for _, prefix := range []string{"method", "record.method"} {
		for _, m := range consent.Methods {
			used[prefix+"."+string(m)] = true
		}
	}
	for _, c := range append(consent.Categories(), consent.Unclassified) {
		used["category."+string(c)], used["items.about."+string(c)] = true, true
	}
	for _, s := range consent.Severities() {
		used["severity."+string(s)] = true
	}
	for _, u := range Units() {
		used["unit."+u] = true
	}
	for _, tab := range tabs() {
		used["tab."+tab.Key] = true
		for _, page := range tab.Pages {
			used["tab."+page.Key] = true
		}
	}
	for _, page := range Pages() {
		used[page+".title"] = true
	}
	for key := range used {
		if w := For("da"); !w.Has(key) && !w.Has(key+".one") {
			t.Errorf("no text %q", key)
		}
	}
	if len(used) < 200 {
		t.Errorf("found only %d keys: the search is broken", len(used))
	}
}

// keys collects the constant first arguments of t and n in a template.
func keys(node parse.Node, used map[string]bool) {
	switch n := node.(type) {
	case *parse.ListNode:
		if n != nil {
			for _, c := range n.Nodes {
				keys(c, used)
			}
		}
	case *parse.ActionNode:
		keys(n.Pipe, used)
	case *parse.IfNode:
		branch(&n.BranchNode, used)
	case *parse.WithNode:
		branch(&n.BranchNode, used)
	case *parse.RangeNode:
		branch(&n.BranchNode, used)
	case *parse.TemplateNode:
		keys(n.Pipe, used)
	case *parse.PipeNode:
		if n != nil {
			for _, c := range n.Cmds {
				keys(c, used)
			}
		}
	case *parse.CommandNode:
		if f, ok := n.Args[0].(*parse.IdentifierNode); ok && len(n.Args) > 1 && (f.Ident == "t" || f.Ident == "n") {
			if s, ok := n.Args[1].(*parse.StringNode); ok {
				used[s.Text] = true
			}
		}
		for _, a := range n.Args {
			keys(a, used)
		}
	}
}

func branch(n *parse.BranchNode, used map[string]bool) {
	keys(n.Pipe, used)
	keys(n.List, used)
	keys(n.ElseList, used)
}

func TestWords_WriteDatesAndNumbers(t *testing.T) {
	summer, winter := time.Date(2026, 7, 1, 12, 5, 9, 0, time.UTC), time.Date(2026, 11, 22, 23, 30, 0, 0, time.UTC)
	da, en := For("da"), For("en")
	for got, want := range map[string]string{
		da.Moment(summer): "1. juli 2026 kl. 14.05", en.Moment(summer): "1 July 2026, 14:05",
		da.Moment(winter): "23. november 2026 kl. 00.30", en.Moment(winter): "23 November 2026, 00:30",
		da.Short(summer): "1. juli 2026 kl. 14.05.09", en.Short(winter): "23 Nov 2026, 00:30:00",
		da.Day(winter): "22. november 2026", da.DayShort(winter): "22. nov.", en.DayShort(winter): "22 Nov",
		da.Number(1234567): "1.234.567", en.Number(1234567): "1,234,567", da.Number(-1234): "-1.234", da.Number(999): "999", da.Number(-999): "-999",
		da.Share(2, 3): "67\u00a0%", en.Share(1, 3): "33%", da.Share(0, 0): "–", en.Share(5, 5): "100%",
		da.Lifetime(0): "Session (slettes, når browseren lukkes)", da.Lifetime(consent.Persistent): "Indtil den slettes",
		da.Lifetime(390 * 24 * time.Hour): "13 måneder", en.Lifetime(730 * 24 * time.Hour): "2 years", da.Lifetime(365 * 24 * time.Hour): "1 år",
		da.Lifetime(24 * time.Hour): "1 dag", da.Lifetime(30 * time.Minute): "30 minutter", en.Lifetime(400 * 24 * time.Hour): "400 days",
		string(en.element(winter, "<x>")): `<time datetime="2026-11-22T23:30:00.000Z" title="2026-11-22 23:30:00 UTC">&lt;x&gt;</time>`,
	} {
		if got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

// What the editor shows of a lifetime means that lifetime when it is saved.
func TestLifetime_RoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d := time.Duration(rapid.Int64Range(0, int64(maxLifetime/time.Second)).Draw(t, "seconds")) * time.Second
		count, unit := SplitLifetime(d)
		if back, ok := JoinLifetime(For("en").T("%d"), unit); ok && unit != "session" {
			t.Fatalf("a count that is no number gives %v", back)
		}
		if back, ok := JoinLifetime(strings.ReplaceAll(For("en").Number(count), ",", ""), unit); !ok || back != d {
			t.Fatalf("%v became %d %s, and that %v", d, count, unit, back)
		}
	})
	for _, wrong := range [][2]string{{"0", "days"}, {"-1", "days"}, {"101", "years"}, {"1.5", "days"}, {"9999999999999999999", "seconds"}, {"1", "weeks"}, {"", "days"}} {
		if d, ok := JoinLifetime(wrong[0], wrong[1]); ok {
			t.Errorf("%v gives %v", wrong, d)
		}
	}
}

// The pieces of a bar stand on each other without gaps, within the box, in proportion.
func TestChart_StacksInProportion(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		days := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) DayCounts {
			d := DayCounts{Counts: map[consent.Action]int64{}}
			for _, a := range consent.Actions {
				d.Counts[a] = rapid.Int64Range(0, 5000).Draw(t, string(a))
			}
			return d
		}), 1, 40).Draw(t, "days")
		c := NewChart(days)
		for i, b := range c.Bars {
			var sum int64
			for _, n := range days[i].Counts {
				sum += n
			}
			bottom := c.Height
			for _, p := range b.Parts {
				if want := c.Height * float64(days[i].Counts[p.Action]) / float64(c.Max); p.Height < want-0.01 || p.Height > want+0.01 {
					t.Fatalf("%s is %v high, want %v", p.Action, p.Height, want)
				}
				if top := p.Y + p.Height; top < bottom-0.03 || top > bottom+0.03 || p.Y < -0.01 || p.X < 0 || p.X+p.Width > c.Width {
					t.Fatalf("%+v does not stand on %v", p, bottom)
				}
				bottom = p.Y
			}
			if b.Sum != sum || sum > c.Max || c.Half*2 != c.Max {
				t.Fatalf("sum %d of %d, scale %d and %d", b.Sum, sum, c.Half, c.Max)
			}
		}
	})
	if c := NewChart(nil); len(c.Bars) != 0 || c.Max != 2 {
		t.Errorf("empty chart %+v", c)
	}
}

// Package judgement says what the evidence of a scan means: items, requests, findings, the difference to an older scan, and a
// draft of the declaration. All of it are pure functions; it neither collects anything nor writes it out.
package judgement

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"time"

	"samtykke/consent"
	"samtykke/scanner/evidence"
	"samtykke/scanner/spoken"
)

// Options say what the evidence is compared with.
type Options struct {
	Declaration   []consent.Item // what the site declares; nil: not known, empty: nothing
	LifetimeLimit time.Duration  // how long a cookie may last; default DefaultLifetimeLimit
}

// Judge says what in the evidence the owner should look at. It is a pure function: the same evidence and the same
// options give the same findings, worst first. Nothing is concluded from a state that was not reached, nor from
// what nobody looked for.
func Judge(e evidence.Site, o Options) []consent.Finding {
	c := newScene(&e, o)
	findings := []consent.Finding{}
	for i := range Verdicts {
		v := &Verdicts[i]
		severity, facts := v.judge(c)
		if len(facts) == 0 {
			continue
		}
		subjects := subjectsOf(facts)
		findings = append(findings, consent.Finding{
			Code: v.Code, Severity: cmp.Or(severity, v.Severity), Requirement: v.Requirement,
			Title: v.Title.Both(), Advice: v.Advice.Both(), Evidence: lines(facts),
			Subjects: cut(subjects), Key: findingKey(v.Code, subjects),
		})
	}
	slices.SortStableFunc(findings, func(a, b consent.Finding) int { return rank(a.Severity) - rank(b.Severity) })
	return findings
}

func rank(s consent.Severity) int { return slices.Index(consent.Severities(), s) }

// fact is one thing that a verdict found. The subject names it with the same words in every scan, so without times,
// pages and ids; the words tell where it was seen.
type fact struct {
	subject string
	spoken.Words
}

// What a page can make long is bounded; the items and requests of the report hold the rest.
const (
	maxEvidence = 50  // lines of a finding
	maxSubjects = 500 // of a finding
	maxLinks    = 4   // addresses of what led to something
)

// lines are the facts as a report holds them, each once.
func lines(facts []fact) []consent.Text {
	seen := map[spoken.Words]bool{}
	var all []consent.Text
	for _, f := range facts {
		if seen[f.Words] {
			continue
		}
		seen[f.Words] = true
		if len(seen) <= maxEvidence {
			all = append(all, f.Text())
		}
	}
	if more := len(seen) - maxEvidence; more > 0 {
		all = append(all, spoken.Say("… og %d mere", "… and %d more", more).Text())
	}
	return all
}

func subjectsOf(facts []fact) []string {
	all := []string{}
	for _, f := range facts {
		if f.subject != "" {
			all = append(all, evidence.Clip(f.subject, 500))
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// cut bounds a list of subjects. How many were left out is told in the last, so that a longer list is never taken for
// the same.
func cut(subjects []string) []string {
	if len(subjects) <= maxSubjects {
		return subjects
	}
	return append(subjects[:maxSubjects-1:maxSubjects-1], fmt.Sprintf("… and %d more", len(subjects)-maxSubjects+1))
}

// findingKey names a finding by what it is about.
func findingKey(code string, subjects []string) string {
	if len(subjects) == 0 {
		return code
	}
	sum := sha256.Sum256([]byte(strings.Join(subjects, "\n")))
	return code + "-" + hex.EncodeToString(sum[:8])
}

// scene is what the verdicts look at.
type scene struct {
	e        *evidence.Site
	o        Options
	declared []consent.Item
	items    []Item
	requests []Request
	banner   map[string]bool // hosts of this product's banner
	set      map[place]trace // where a thing was first set or seen in a state
	asked    map[place]trace // where an address was first called in a state
}

// place is one thing in one state; of a call, name is the address and host the page.
type place struct {
	state string
	evidence.Key
}

// trace tells when and how something happened.
type trace struct {
	device string
	page   string
	at     time.Time
	by     string
	chain  []string
}

func newScene(e *evidence.Site, o Options) *scene {
	c := &scene{
		e: e, o: o, declared: o.Declaration, items: Items(e, o.Declaration), requests: collectRequests(e, o.Declaration), banner: consentHosts(e),
		set: map[place]trace{}, asked: map[place]trace{},
	}
	for _, s := range c.reached() {
		c.trace(s)
	}
	return c
}

func (c *scene) trace(s *evidence.State) {
	keep := func(in map[place]trace, k evidence.Key, t trace) {
		at := place{s.State, k}
		if _, known := in[at]; !known {
			t.device = s.Screen()
			in[at] = t
		}
	}
	for _, w := range s.Writes {
		if window(s, w.After) && !w.Removes {
			keep(c.set, w.Key(), trace{page: w.Page, at: w.At, by: w.By, chain: slices.Concat(w.Stack, w.Chain)})
		}
	}
	for _, snap := range s.Snapshots {
		for _, st := range snap.Items {
			if window(s, snap.After) {
				keep(c.set, st.Key(), trace{page: snap.Page, at: snap.At})
			}
		}
	}
	for _, r := range s.Requests {
		if window(s, r.After) {
			keep(c.asked, evidence.Key{Name: r.URL, Host: r.Page}, trace{page: r.Page, at: r.At, by: r.Initiator, chain: r.Chain})
		}
	}
}

// window says whether something counts by when it happened: after a refusal or a withdrawal, only what came later.
func window(s *evidence.State, after bool) bool {
	return after || s.State != evidence.StateReject && s.State != evidence.StateWithdraw
}

// reached lists the states that were reached, or those of them that are named, the small screen last.
func (c *scene) reached(states ...string) []*evidence.State {
	var all []*evidence.State
	for s := range c.e.Reached() {
		if len(states) == 0 || slices.Contains(states, s.State) {
			all = append(all, s)
		}
	}
	return all
}

// sees says whether a state was reached.
func (c *scene) sees(state string) bool { return len(c.reached(state)) > 0 }

// A judge returns a fact for each thing that it found, and a severity where it differs from the usual.
type judge func(*scene) (consent.Severity, []fact)

func where(s *evidence.State) spoken.Words { return spoken.Where(s.State, s.Screen()) }

// line tells of an item in a state: what, where, by whom, when.
func (c *scene) line(it *Item, state string) spoken.Words {
	t, known := c.set[place{state, it.key()}]
	if !known && len(it.Pages) > 0 {
		t.page = it.Pages[0]
	}
	t.by = cmp.Or(t.by, it.SetBy)
	what := spoken.Say("%s: %s %s (%s, %s)", "%s: %s %s (%s, %s)", spoken.Where(state, t.device), spoken.Called(it.Kind), it.Name, strings.TrimPrefix(it.Host, "."), spoken.Called(it.Category))
	if it.Tried {
		what = what.And(spoken.Words{", afvist af browseren", ", refused by the browser"})
	}
	return what.And(t.tail(spoken.Words{", sat af ", ", set by "}))
}

func (it *Item) key() evidence.Key { return evidence.KeyOf(it.Kind, it.Name, it.Host) }

// tail tells the page, who did it and what led to that, and the time.
func (t trace) tail(by spoken.Words) spoken.Words {
	var w spoken.Words
	if t.page != "" {
		w = spoken.Say(" på %s", " on %s", t.page)
	}
	if chain := t.links(); chain != "" {
		w = w.And(by).And(spoken.Words{chain, chain})
	}
	if !t.at.IsZero() {
		w = w.And(spoken.Say(", %s", ", %s", spoken.Moment(t.at)))
	}
	return w
}

// links is the chain as text, the nearest first, without the page itself and repetitions.
func (t trace) links() string {
	var all []string
	for _, l := range append([]string{t.by}, t.chain...) {
		if l != "" && !slices.Contains(all, l) {
			all = append(all, l)
		}
	}
	if len(all) == 1 && all[0] == t.page {
		return ""
	}
	if len(all) > maxLinks {
		all = append(all[:maxLinks:maxLinks], "…")
	}
	return strings.Join(all, " ← ")
}

// subject names an item as the declaration would: what varies in names doesn't make it another.
func (it *Item) subject() string {
	d := it.draft()
	return strings.TrimSpace(string(it.Kind) + " " + d.Name + " " + strings.TrimPrefix(it.Host, "."))
}

func (c *scene) itemFact(it *Item, state string) fact { return fact{it.subject(), c.line(it, state)} }

func (c *scene) requestFact(r *Request) fact {
	t := c.asked[place{r.State, evidence.Key{Name: r.URL, Host: r.Page}}]
	t.page, t.by, t.chain = r.Page, r.Initiator, r.Chain
	what := spoken.Say("%s: %s %s (%s)", "%s: %s %s (%s)", spoken.Where(r.State, r.Device), r.Type, r.URL, spoken.Called(r.Category))
	return fact{"request " + r.Host, what.And(t.tail(spoken.Words{", foranlediget af ", ", caused by "}))}
}

// each collects a fact for every item that has something to say.
func (c *scene) each(say func(*Item) (fact, bool)) []fact {
	var facts []fact
	for i := range c.items {
		if f, found := say(&c.items[i]); found {
			facts = append(facts, f)
		}
	}
	return facts
}

// first is the state that an item is shown in.
func (it *Item) first() string {
	if len(it.States) == 0 {
		return evidence.StateNone
	}
	return it.States[0]
}

// calls are the requests to third parties that are not necessary, one fact a host and page.
func (c *scene) calls(match func(*Request) bool) (known bool, facts []fact) {
	type spot struct{ state, host, page string }
	seen := map[spot]bool{}
	for i := range c.requests {
		r := &c.requests[i]
		if r.Category == consent.Necessary || !match(r) {
			continue
		}
		known = known || r.Category.Optional()
		if at := (spot{r.State, r.Host, r.Page}); !seen[at] {
			seen[at] = true
			facts = append(facts, c.requestFact(r))
		}
	}
	return known, facts
}

// worst is critical where something known to be optional is among the facts; only unclassified ones are high.
func worst(known bool) consent.Severity {
	if known {
		return consent.Critical
	}
	return consent.High
}

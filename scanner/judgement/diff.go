package judgement

import (
	"cmp"
	"maps"
	"slices"

	"samtykke/consent"
	"samtykke/scanner/evidence"
	"samtykke/scanner/spoken"
)

// Changes are what differs between two scans of a site. What only a state tells that the newer scan didn't reach is
// not counted as gone.
type Changes struct {
	NewItems     []ItemRef     `json:"new_items"`
	GoneItems    []ItemRef     `json:"gone_items"`
	ChangedItems []ItemChange  `json:"changed_items"`
	NewHosts     []HostRef     `json:"new_hosts"` // of requests to third parties
	GoneHosts    []HostRef     `json:"gone_hosts"`
	NewFindings  []FindingDiff `json:"new_findings"` // and those that got worse or are about more
	GoneFindings []FindingDiff `json:"gone_findings"`
	Lost         []string      `json:"lost"` // states that were reached before and are not now
}

// ItemRef names an item as a declaration does: what varies in names is *.
type ItemRef struct {
	Kind      consent.ItemKind `json:"kind"`
	Name      string           `json:"name"`
	Host      string           `json:"host"`
	Category  consent.Category `json:"category"`
	LifetimeS int64            `json:"lifetime_s"` // the longest; -1: until removed
	States    []string         `json:"states"`
}

// ItemChange is an item that is in both scans with another category, lifetime or other states.
type ItemChange struct {
	Old ItemRef `json:"old"`
	New ItemRef `json:"new"`
}

// HostRef is a third party's host and the states in which it is contacted.
type HostRef struct {
	Host     string           `json:"host"`
	Vendor   string           `json:"vendor"`
	Category consent.Category `json:"category"`
	States   []string         `json:"states"`
}

// FindingDiff is a finding that came, went or changed.
type FindingDiff struct {
	Code     string            `json:"code"`
	Severity consent.Severity  `json:"severity"` // of the newer scan; of the older where it is gone
	Was      consent.Severity  `json:"was"`      // in the older scan; "" where it is new
	Title    map[string]string `json:"title"`
	Subjects []string          `json:"subjects"` // that came, or went
}

// Empty says whether nothing changed.
func (c *Changes) Empty() bool {
	return len(c.NewItems)+len(c.GoneItems)+len(c.ChangedItems)+len(c.NewHosts)+len(c.GoneHosts)+len(c.NewFindings)+len(c.GoneFindings)+len(c.Lost) == 0
}

// Diff compares two reports of the same site, the older first. The same reports give the same changes, sorted.
func Diff(old, now Report) Changes {
	c := Changes{
		NewItems: []ItemRef{}, GoneItems: []ItemRef{}, ChangedItems: []ItemChange{}, NewHosts: []HostRef{}, GoneHosts: []HostRef{},
		NewFindings: []FindingDiff{}, GoneFindings: []FindingDiff{}, Lost: []string{},
	}
	c.items(&old, &now)
	c.hosts(&old, &now)
	c.findings(&old, &now)
	reached := now.Reached()
	for _, s := range evidence.States {
		if old.Reached()[s] && !reached[s] {
			c.Lost = append(c.Lost, s)
		}
	}
	return c
}

// Reached says of each state whether it was reached, on any screen.
func (r *Report) Reached() map[string]bool {
	all := map[string]bool{}
	for _, s := range r.States {
		all[s.State] = all[s.State] || s.Done
	}
	return all
}

// seen keeps of a list of states those that the report reached too: only these can be compared.
func (r *Report) seen(list []string) []string {
	reached := r.Reached()
	return slices.DeleteFunc(slices.Clone(list), func(s string) bool { return !reached[s] })
}

// refs are a report's items by what a declaration would call them.
func (r *Report) refs() map[evidence.Key]ItemRef {
	all := map[evidence.Key]ItemRef{}
	for i := range r.Items {
		it := &r.Items[i]
		k := evidence.KeyOf(it.Kind, it.draft().Name, it.Host)
		ref, known := all[k]
		if !known {
			ref = ItemRef{Kind: it.Kind, Name: k.Name, Host: k.Host, Category: it.Category, LifetimeS: it.LifetimeS, States: []string{}}
		}
		if ref.LifetimeS >= 0 && (it.LifetimeS < 0 || it.LifetimeS > ref.LifetimeS) {
			ref.LifetimeS = it.LifetimeS
		}
		ref.States = evidence.Ordered(ref.States, it.States)
		all[k] = ref
	}
	return all
}

func (c *Changes) items(old, now *Report) {
	before, after := old.refs(), now.refs()
	for k, ref := range after {
		was, known := before[k]
		switch {
		case !known:
			c.NewItems = append(c.NewItems, ref)
		case was.Category != ref.Category || differs(was.LifetimeS, ref.LifetimeS) || !slices.Equal(now.seen(was.States), old.seen(ref.States)):
			c.ChangedItems = append(c.ChangedItems, ItemChange{was, ref})
		}
	}
	for k, ref := range before {
		if _, known := after[k]; !known && len(now.seen(ref.States)) > 0 {
			c.GoneItems = append(c.GoneItems, ref)
		}
	}
	slices.SortFunc(c.NewItems, compareRefs)
	slices.SortFunc(c.GoneItems, compareRefs)
	slices.SortFunc(c.ChangedItems, func(a, b ItemChange) int { return compareRefs(a.New, b.New) })
}

// differs grants a fiftieth and a minute, since a lifetime that the browser tells has run for a while.
func differs(a, b int64) bool {
	if a <= 0 || b <= 0 {
		return a != b
	}
	return max(a, b)-min(a, b) > max(a, b)/50+60
}

func compareRefs(a, b ItemRef) int {
	return cmp.Or(CategoryOrder(a.Category)-CategoryOrder(b.Category), cmp.Compare(a.Name, b.Name), cmp.Compare(a.Host, b.Host), cmp.Compare(a.Kind, b.Kind))
}

// hostRefs are the third parties' hosts of a report.
func (r *Report) hostRefs() map[string]HostRef {
	all := map[string]HostRef{}
	for _, q := range r.Requests {
		ref, known := all[q.Host]
		if !known {
			ref = HostRef{Host: q.Host, Vendor: q.Vendor, Category: q.Category}
		}
		ref.States = evidence.Ordered(ref.States, []string{q.State})
		all[q.Host] = ref
	}
	return all
}

func (c *Changes) hosts(old, now *Report) {
	before, after := old.hostRefs(), now.hostRefs()
	for _, host := range slices.Sorted(maps.Keys(after)) {
		if _, known := before[host]; !known {
			c.NewHosts = append(c.NewHosts, after[host])
		}
	}
	for _, host := range slices.Sorted(maps.Keys(before)) {
		if _, known := after[host]; !known && len(now.seen(before[host].States)) > 0 {
			c.GoneHosts = append(c.GoneHosts, before[host])
		}
	}
}

// findings compares by code. Reports from before findings named their subjects tell only whether a code is there.
func (c *Changes) findings(old, now *Report) {
	for i := range now.Findings {
		f := &now.Findings[i]
		was := FindCode(old.Findings, f.Code)
		switch {
		case was == nil:
			c.NewFindings = append(c.NewFindings, FindingDiff{f.Code, f.Severity, "", f.Title, minus(f.Subjects, nil)})
		case len(was.Subjects) > 0 && !was.Covers(f) || !was.Severity.AtLeast(f.Severity):
			c.NewFindings = append(c.NewFindings, FindingDiff{f.Code, f.Severity, was.Severity, f.Title, minus(f.Subjects, was.Subjects)})
		}
	}
	for i := range old.Findings {
		f := &old.Findings[i]
		still := FindCode(now.Findings, f.Code)
		if still == nil {
			c.GoneFindings = append(c.GoneFindings, FindingDiff{f.Code, f.Severity, f.Severity, f.Title, minus(f.Subjects, nil)})
		}
	}
}

// FindCode gives the finding with a code; nil where there is none.
func FindCode(list []consent.Finding, code string) *consent.Finding {
	for i := range list {
		if list[i].Code == code {
			return &list[i]
		}
	}
	return nil
}

// minus is what of a isn't in b; never nil, so that JSON has a list.
func minus(a, b []string) []string {
	all := []string{}
	for _, s := range a {
		if !slices.Contains(b, s) {
			all = append(all, s)
		}
	}
	return all
}

// Summary tells the changes in lines, the weightiest first, at most fifty and one that counts the rest.
func (c *Changes) Summary() []consent.Text {
	var facts []fact
	add := func(w spoken.Words) { facts = append(facts, fact{"", w}) }
	for _, s := range c.Lost {
		add(spoken.Say("Tilstanden “%s” blev nået sidst, men ikke denne gang", "The state “%s” was reached last time and not this time", spoken.Called(s)))
	}
	for _, f := range c.NewFindings {
		title := spoken.Words{f.Title["da"], f.Title["en"]}
		if f.Was == "" {
			add(spoken.Say("Nyt fund (%s): %s", "New finding (%s): %s", spoken.Called(f.Severity), title))
		} else {
			add(spoken.Say("Fund med mere i end sidst (%s): %s %s", "A finding that has grown (%s): %s %s", spoken.Called(f.Severity), title, listed(f.Subjects)))
		}
	}
	for _, f := range c.GoneFindings {
		add(spoken.Say("Ikke længere fundet: %s", "No longer found: %s", spoken.Words{f.Title["da"], f.Title["en"]}))
	}
	for _, it := range c.NewItems {
		add(spoken.Say("Ny: %s (%s)", "New: %s (%s)", it.words(), spoken.Called(it.Category)))
	}
	for _, it := range c.GoneItems {
		add(spoken.Say("Ikke set denne gang: %s (%s)", "Not seen this time: %s (%s)", it.words(), spoken.Called(it.Category)))
	}
	for _, ch := range c.ChangedItems {
		add(ch.words())
	}
	for _, h := range c.NewHosts {
		add(spoken.Say("Ny tredjepart: %s (%s)", "New third party: %s (%s)", h.Host, spoken.Called(h.Category)))
	}
	for _, h := range c.GoneHosts {
		add(spoken.Say("Tredjepart ikke kontaktet denne gang: %s (%s)", "Third party not contacted this time: %s (%s)", h.Host, spoken.Called(h.Category)))
	}
	return lines(facts)
}

func (r *ItemRef) words() spoken.Words {
	return spoken.Say("%s %s, %s", "%s %s, %s", spoken.Called(r.Kind), r.Name, r.Host)
}

func (r *ItemRef) lasting() spoken.Lasting {
	it := Item{LifetimeS: r.LifetimeS}
	return spoken.Lasting(it.Lifetime())
}

func (ch *ItemChange) words() spoken.Words {
	w := spoken.Say("Ændret: %s", "Changed: %s", ch.New.words())
	if ch.Old.Category != ch.New.Category {
		w = w.And(spoken.Say("; kategori %s → %s", "; category %s → %s", spoken.Called(ch.Old.Category), spoken.Called(ch.New.Category)))
	}
	if differs(ch.Old.LifetimeS, ch.New.LifetimeS) {
		w = w.And(spoken.Say("; varighed %s → %s", "; lifetime %s → %s", ch.Old.lasting(), ch.New.lasting()))
	}
	if !slices.Equal(ch.Old.States, ch.New.States) {
		w = w.And(spoken.Say("; %s → %s", "; %s → %s", spoken.Joined(ch.Old.States), spoken.Joined(ch.New.States)))
	}
	return w
}

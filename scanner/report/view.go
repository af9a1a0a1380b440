package report

import (
	"cmp"
	"slices"
	"strings"

	"samtykke/consent"
	"samtykke/scanner/evidence"
	"samtykke/scanner/judgement"
	"samtykke/scanner/spoken"
)

// itemGroup is what is stored for one purpose.
type itemGroup struct {
	Category consent.Category
	Items    []judgement.Item
}

// groupsOf are the items by category, in the order in which categories are shown and unclassified ones first, since
// somebody must sort them.
func groupsOf(r *judgement.Report) []itemGroup {
	var all []itemGroup
	for _, c := range append([]consent.Category{consent.Unclassified}, consent.Categories()...) {
		g := itemGroup{Category: c}
		for _, it := range r.Items {
			if it.Category == c {
				g.Items = append(g.Items, it)
			}
		}
		if len(g.Items) > 0 {
			all = append(all, g)
		}
	}
	return all
}

// vendorRow is a third party that pages asked for something.
type vendorRow struct {
	Vendor   string // "" where nobody knows
	Category consent.Category
	Hosts    []string // sorted
	States   []string
	Count    int
	Pixels   int // of them beacons and pictures too small to be looked at
}

// vendorsOf sums requests up by who gets them; of who isn't known, by host. The worst to know nothing of come first.
func vendorsOf(r *judgement.Report) []vendorRow {
	at := map[string]int{}
	var all []vendorRow
	for _, q := range r.Requests {
		name := string(q.Category) + " " + cmp.Or(q.Vendor, q.Host)
		i, known := at[name]
		if !known {
			i = len(all)
			at[name] = i
			all = append(all, vendorRow{Vendor: q.Vendor, Category: q.Category})
		}
		v := &all[i]
		v.Count += q.Count
		if q.Pixel {
			v.Pixels += q.Count
		}
		if at, known := slices.BinarySearch(v.Hosts, q.Host); !known {
			v.Hosts = slices.Insert(v.Hosts, at, q.Host)
		}
		v.States = evidence.Ordered(v.States, []string{q.State})
	}
	slices.SortStableFunc(all, func(a, b vendorRow) int {
		return cmp.Or(judgement.CategoryOrder(b.Category)-judgement.CategoryOrder(a.Category), cmp.Compare(strings.ToLower(a.Vendor), strings.ToLower(b.Vendor)), cmp.Compare(a.Hosts[0], b.Hosts[0]))
	})
	return all
}

// unreadPage is a page that could not be read, and where.
type unreadPage struct {
	URL, Error string
	States     []string
}

func unreadOf(r *judgement.Report) []unreadPage {
	var all []unreadPage
	for _, p := range r.Pages {
		if p.Error == "" {
			continue
		}
		i := slices.IndexFunc(all, func(u unreadPage) bool { return u.URL == p.URL && u.Error == p.Error })
		if i < 0 {
			i, all = len(all), append(all, unreadPage{URL: p.URL, Error: p.Error})
		}
		all[i].States = evidence.Ordered(all[i].States, []string{p.State})
	}
	return all
}

// pageRow is a page in all states.
type pageRow struct {
	URL    string
	States []string
	Banner bool // one asked for consent, before an answer
}

func pageRowsOf(r *judgement.Report) []pageRow {
	at := map[string]int{}
	var all []pageRow
	for _, p := range r.Pages {
		i, known := at[p.URL]
		if !known {
			i = len(all)
			at[p.URL], all = i, append(all, pageRow{URL: p.URL})
		}
		all[i].States = evidence.Ordered(all[i].States, []string{p.State})
		all[i].Banner = all[i].Banner || p.Banner && p.State == evidence.StateNone
	}
	return all
}

// severityCount is how many open findings are that bad.
type severityCount struct {
	Severity consent.Severity
	Count    int
}

func countsOf(r *judgement.Report) []severityCount {
	var all []severityCount
	open := r.Open()
	for _, s := range consent.Severities() {
		n := 0
		for _, f := range open {
			if f.Severity == s {
				n++
			}
		}
		all = append(all, severityCount{s, n})
	}
	return all
}

// columnsOf are the states that a table shows: those that the report knows of.
func columnsOf(r *judgement.Report) []string {
	var all []string
	for _, s := range r.States {
		all = evidence.Ordered(all, []string{s.State})
	}
	return all
}

// mark is what a table's cell says of an item in a state.
func mark(it *judgement.Item, state string) string {
	switch {
	case !slices.Contains(it.States, state):
		return ""
	case it.Tried:
		return markTried
	case state == evidence.StateWithdraw && it.LeftBehind:
		return markLeft
	}
	return markStored
}

// The marks of tables. They differ in shape, so that they can be told apart without colours.
const (
	markStored = "●"
	markTried  = "○"
	markLeft   = "◐"
)

func bannerSeen(r *judgement.Report) bool {
	return slices.ContainsFunc(r.Pages, func(p judgement.Page) bool { return p.Banner })
}

// gapsOf are what the scan did not see, for whoever might take silence for a clean bill.
func gapsOf(r *judgement.Report) []spoken.Words {
	var all []spoken.Words
	reached := r.Reached()
	asked := bannerSeen(r)
	for _, s := range columnsOf(r) {
		switch {
		case reached[s]:
		case asked:
			all = append(all, spoken.Say("Tilstanden “%s” blev ikke nået: Banneret kunne ikke besvares. Om den siges der intet.",
				"The state “%s” was not reached: the banner could not be answered. Nothing is said about it.", spoken.Called(s)))
		default:
			all = append(all, spoken.Say("Tilstanden “%s” blev ikke besøgt, da der ikke blev fundet et banner at svare på.",
				"The state “%s” was not visited, since no banner was found that could be answered.", spoken.Called(s)))
		}
	}
	if n := r.Scope.NotVisited; n > 0 {
		all = append(all, spoken.Say("Der var %d kendte sider, som ikke blev besøgt: Grænsen var %d i hver tilstand.", "%d known pages were not visited: the limit was %d in each state.", n, r.Scope.Pages))
	}
	if n := r.Scope.Depth; n > 0 {
		all = append(all, spoken.Say("Sider mere end %d links fra startsiden blev ikke besøgt.", "Pages more than %d links away from the start page were not visited.", n))
	}
	if n := len(unreadOf(r)); n > 0 {
		all = append(all, spoken.Say("Sider, der ikke kunne læses: %d.", "Pages that could not be read: %d.", n))
	}
	for _, s := range r.States {
		for _, h := range s.Refused {
			if w := spoken.Say("Scanningen blev nægtet adgang til %s, som er på denne maskine eller et privat netværk.", "The scan was refused access to %s, which is on this machine or a private network.", h); !slices.Contains(all, w) {
				all = append(all, w)
			}
		}
	}
	if r.Scope.Device != "" {
		all = append(all, spoken.Say("Sitet blev kun set på %s.", "The site was seen on %s only.", spoken.Called(r.Scope.Device)))
	}
	if !r.Scope.Declared {
		all = append(all, spoken.Words{"Der blev ikke sammenlignet med en cookieerklæring.", "Nothing was compared with a cookie declaration."})
	}
	return append(all, spoken.Words{
		"En scanning ser kun det, den besøger: ikke sider bag login, ikke formularer, og ikke hvad sitet gør en anden dag eller set fra et andet sted.",
		"A scan sees only what it visits: no pages behind a login, no forms, and not what the site does on another day or seen from elsewhere.",
	})
}

package judgement

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"samtykke/consent"
	"samtykke/scanner/cookiedb"
	"samtykke/scanner/evidence"
)

// Items lists everything that was stored or refused in the states that were reached, sorted.
func Items(e *evidence.Site, declared []consent.Item) []Item {
	found := map[evidence.Key]*Item{}
	for s := range e.Reached() {
		for k, p := range presentIn(s) {
			if !counts(s, p) {
				continue
			}
			it := found[k]
			if it == nil {
				it = &Item{Kind: k.Kind, Name: k.Name, Party: e.Party(k.Host), Tried: true, LifetimeS: -2, Pages: []string{}, Devices: []string{}}
				found[k] = it
			}
			it.merge(s, p)
		}
	}
	items := make([]Item, 0, len(found))
	for _, it := range found {
		it.classify(declared)
		it.LeftBehind = it.LeftBehind && it.Category != consent.Necessary
		items = append(items, *it)
	}
	slices.SortFunc(items, compareItems)
	return items
}

func compareItems(a, b Item) int {
	return cmp.Or(cmp.Compare(a.Party, b.Party), cmp.Compare(strings.TrimPrefix(a.Host, "."), strings.TrimPrefix(b.Host, ".")),
		cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Name, b.Name))
}

// merge adds what one state says. Attributes come from wherever the browser really kept the thing.
func (it *Item) merge(s *evidence.State, p *presence) {
	if len(it.States) == 0 {
		it.FirstSeen = p.first
		it.FirstSeen.State, it.FirstSeen.Device = s.State, s.Screen()
	}
	if !slices.Contains(it.States, s.State) {
		it.States = append(it.States, s.State)
	}
	if !slices.Contains(it.Devices, s.Screen()) {
		it.Devices = append(it.Devices, s.Screen())
	}
	if it.Host == "" || it.Tried && p.kept {
		it.Host, it.Path, it.HTTPOnly, it.Secure = p.Host, p.Path, p.HTTPOnly, p.Secure
		it.SameSite, it.Partitioned = p.SameSite, p.Partitioned
	}
	it.Tried = it.Tried && !p.kept
	if it.SetBy == "" {
		it.SetBy, it.Stack, it.Chain = p.by, p.stack, p.chain
	}
	it.Shape = cmp.Or(it.Shape, p.Shape)
	it.LifetimeS = max(it.LifetimeS, p.seconds())
	for _, page := range p.pages {
		if !slices.Contains(it.Pages, page) && len(it.Pages) < 10 {
			it.Pages = append(it.Pages, page)
		}
	}
	if s.State == evidence.StateWithdraw {
		it.SetAgain, it.LeftBehind = p.after, p.end && !p.after
	}
}

// classify fills in what is known. What the knowledge says of a name outranks the declaration, so that a tracker
// declared necessary is still seen as one; the declaration outranks a guess, and the host's word, which is one.
func (it *Item) classify(declared []consent.Item) {
	m := it.known()
	if d := findDeclared(declared, it); d != nil && d.Category != consent.Unclassified && m.Pattern == "" {
		it.Category, it.Confidence, it.Source = d.Category, 1, "declaration"
		it.Provider, it.Country, it.Purpose = d.Provider, d.Country, maps.Clone(d.Purpose)
		it.Vendor = m.Vendor
		return
	}
	if m.Confidence < cookiedb.Trusted { // the owner is asked instead
		m.Category, m.Confidence = consent.Unclassified, 0
	}
	it.Category, it.Confidence, it.Source = m.Category, m.Confidence, m.Source
	it.Vendor, it.Provider, it.Country, it.Purpose = m.Vendor, m.Provider, m.Country, maps.Clone(m.Purpose)
	if it.Purpose == nil {
		it.Purpose = map[string]string{}
	}
}

// known is what there is to say about an item. Where its name says little, whoever's script or answer set it does.
func (it *Item) known() cookiedb.Match {
	m := cookiedb.Decide(it.Kind, it.features())
	if m.Confidence >= cookiedb.Trusted {
		return m
	}
	if setter, ok := cookiedb.Host(evidence.HostOf(it.SetBy)); ok && setter.Category.Optional() {
		setter.Confidence, setter.Pattern = bySetter, ""
		return setter
	}
	return m
}

// bySetter is how sure an item's category is that is known by its setter alone: a tag manager's or library's host serves
// scripts of many purposes.
const bySetter = 0.6

// features are what the knowledge goes by.
func (it *Item) features() cookiedb.Features {
	return cookiedb.Features{
		Name: it.Name, Host: it.Host, Party: it.Party, Days: float64(it.LifetimeS) / 86400,
		HTTPOnly: it.HTTPOnly, Secure: it.Secure, SameSite: it.SameSite, Shape: it.Shape,
	}
}

func findDeclared(declared []consent.Item, it *Item) *consent.Item {
	for i := range declared {
		d := &declared[i]
		if d.Kind == it.Kind && d.Matches(it.Name) && sameHost(d.Host, it.Host) {
			return d
		}
	}
	return nil
}

// sameHost compares hosts as a declaration means them: www.shop.dk and .shop.dk are one, and no host is any.
func sameHost(a, b string) bool {
	a, b = strings.TrimPrefix(a, "."), strings.TrimPrefix(b, ".")
	return a == "" || a == b || strings.HasSuffix(a, "."+b) || strings.HasSuffix(b, "."+a)
}

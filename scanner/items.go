package scanner

import (
	"cmp"
	"maps"
	"net/netip"
	"regexp"
	"slices"
	"strings"
	"time"

	"golang.org/x/net/publicsuffix"

	"samtykke/consent"
	"samtykke/scanner/cookiedb"
)

var states = []string{StateNone, StateReject, StateAccept, StateWithdraw}

func stateOrder(s string) int { return slices.Index(states, s) }

// siteOf is the registrable domain of a host, or the host itself where there is none: an address, or a name that
// is a public suffix. Every name under .localhost is a site of its own.
func siteOf(host string) string {
	host = strings.ToLower(strings.Trim(host, "."))
	if _, err := netip.ParseAddr(strings.Trim(host, "[]")); err == nil {
		return host
	}
	if site, err := publicsuffix.EffectiveTLDPlusOne(host); err == nil {
		return site
	}
	return host
}

func (e *Evidence) party(host string) string {
	if siteOf(host) == siteOf(hostOf(e.URL)) {
		return consent.FirstParty
	}
	return consent.ThirdParty
}

func (e *Evidence) state(name string) *StateEvidence {
	for i := range e.States {
		if e.States[i].State == name {
			return &e.States[i]
		}
	}
	return &StateEvidence{State: name}
}

// presence is what one state says about one thing.
type presence struct {
	Stored
	known    bool // it was found in the browser, so Stored is complete
	end      bool // it was there when the state ended
	after    bool // it was set after the answer
	kept     bool // the browser kept it at some moment
	by       string
	asked    time.Duration // lifetime that the site asked for
	hasAsked bool
	pages    []string
}

// present brings together what a state's writes and snapshots say.
func (s *StateEvidence) present() map[key]*presence {
	all := map[key]*presence{}
	get := func(k key, host string) *presence {
		p := all[k]
		if p == nil {
			p = &presence{Stored: Stored{Kind: k.kind, Name: k.name, Host: host, Path: "/"}}
			all[k] = p
		}
		return p
	}
	for i, snap := range s.Snapshots {
		for _, st := range snap.Items {
			get(st.key(), st.Host).found(st, snap, i == len(s.Snapshots)-1)
		}
	}
	removed := s.removed()
	for _, w := range s.Writes {
		k := w.key()
		proof := w.Refused != "" || w.Kept && !removed[k]
		if !w.Removes && (proof || all[k] != nil && all[k].known) {
			get(k, w.Host).written(w)
		}
	}
	s.markOtherStorage(all)
	return all
}

// removed lists what was written and taken away again before anybody looked: scripts that probe whether storing
// works, or for which domain, do so.
func (s *StateEvidence) removed() map[key]bool {
	gone := map[key]bool{}
	for _, w := range s.Writes {
		gone[w.key()] = w.Removes
	}
	for _, snap := range s.Snapshots {
		for _, st := range snap.Items {
			delete(gone, st.key())
		}
	}
	return gone
}

func (p *presence) written(w Write) {
	p.kept = p.kept || w.Refused == ""
	p.after = p.after || w.After
	if p.by == "" {
		p.by = w.By
	}
	if w.Kind == consent.Cookie && !w.Unclear && (!p.hasAsked || w.Lifetime > p.asked) {
		p.asked, p.hasAsked = w.Lifetime, true
	}
	p.on(w.Page)
}

func (p *presence) found(st Stored, snap Snapshot, last bool) {
	if !p.known {
		p.on(snap.Page)
		p.after = snap.After // whether or not anybody saw it being set, it wasn't there before
	}
	if !p.known || st.Lifetime > p.Lifetime {
		p.Stored = st
	}
	p.known, p.kept = true, true
	p.end = p.end || last
}

func (p *presence) on(page string) {
	if page != "" && !slices.Contains(p.pages, page) && len(p.pages) < 10 {
		p.pages = append(p.pages, page)
	}
}

// markOtherStorage decides what was there at the end besides cookies. A host's storage is only visible while a
// frame of the host is open, and nobody but the host can empty it: what was last seen there is there still.
func (s *StateEvidence) markOtherStorage(all map[key]*presence) {
	last := map[string]map[key]bool{}
	for _, snap := range s.Snapshots {
		for _, h := range snap.Hosts {
			last[h] = map[key]bool{}
		}
		for _, st := range snap.Items {
			if st.Kind != consent.Cookie && last[st.Host] != nil {
				last[st.Host][st.key()] = true
			}
		}
	}
	for k, p := range all {
		if k.kind != consent.Cookie && last[k.host] != nil {
			p.end = last[k.host][k]
		}
	}
}

// counts says whether a thing counts as present in the state. Nobody answered in none, and everything was allowed
// in accept, so whatever was seen counts; after a refusal or a withdrawal, what was set since or stayed to the end.
func (s *StateEvidence) counts(p *presence) bool {
	if s.State == StateNone || s.State == StateAccept {
		return true
	}
	return p.after || p.end
}

// collectItems lists everything that was stored or refused in the states that were reached, sorted.
func collectItems(e *Evidence, declared []consent.Item) []Item {
	found := map[key]*Item{}
	for i := range e.States {
		s := &e.States[i]
		if !s.Done {
			continue
		}
		for k, p := range s.present() {
			if !s.counts(p) {
				continue
			}
			it := found[k]
			if it == nil {
				it = &Item{Kind: k.kind, Name: k.name, Party: e.party(k.host), Tried: true, LifetimeS: -2, Pages: []string{}}
				found[k] = it
			}
			it.merge(s.State, p)
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
func (it *Item) merge(state string, p *presence) {
	it.States = append(it.States, state)
	if it.Host == "" || it.Tried && p.kept {
		it.Host, it.Path, it.HTTPOnly, it.Secure = p.Host, p.Path, p.HTTPOnly, p.Secure
		it.SameSite, it.Partitioned = p.SameSite, p.Partitioned
	}
	it.Tried = it.Tried && !p.kept
	it.SetBy = cmp.Or(it.SetBy, p.by)
	it.LifetimeS = max(it.LifetimeS, p.seconds())
	for _, page := range p.pages {
		if !slices.Contains(it.Pages, page) && len(it.Pages) < 10 {
			it.Pages = append(it.Pages, page)
		}
	}
	if state == StateWithdraw {
		it.SetAgain, it.LeftBehind = p.after, p.end && !p.after
	}
}

// seconds is the lifetime: what the site asked for where that was seen, since it is exact, else what was left.
func (p *presence) seconds() int64 {
	life := p.Lifetime
	if p.hasAsked {
		life = p.asked
	}
	if life < 0 {
		return -1
	}
	return int64(life.Round(time.Second) / time.Second)
}

// classify fills in what is known. What the knowledge names outranks the declaration, so that a tracker declared
// necessary is still seen as one; the declaration outranks a guess.
func (it *Item) classify(declared []consent.Item) {
	m, known := cookiedb.Lookup(it.Kind, it.Name, it.Host)
	if d := findDeclared(declared, it); d != nil && d.Category != consent.Unclassified && (!known || m.Pattern == "") {
		it.Category, it.Confidence, it.Source = d.Category, 1, "declaration"
		it.Provider, it.Country, it.Purpose = d.Provider, d.Country, maps.Clone(d.Purpose)
		it.Vendor = m.Vendor
		return
	}
	if !known && it.Kind == consent.Cookie {
		m = cookiedb.Classify(it.Name, it.Host, it.Party, float64(it.LifetimeS)/86400)
	}
	if m.Confidence < trusted {
		m.Category, m.Confidence = consent.Unclassified, 0
	}
	it.Category, it.Confidence, it.Source = m.Category, m.Confidence, m.Source
	it.Vendor, it.Provider, it.Country, it.Purpose = m.Vendor, m.Provider, m.Country, maps.Clone(m.Purpose)
	if it.Purpose == nil {
		it.Purpose = map[string]string{}
	}
}

// trusted is the confidence below which a guess is not worth showing: the owner is asked instead.
const trusted = 0.5

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

func (it *Item) lifetime() time.Duration {
	if it.LifetimeS < 0 {
		return consent.Persistent
	}
	return time.Duration(min(it.LifetimeS, maxLifetime)) * time.Second
}

func (it *Item) declared() consent.Item {
	return consent.Item{
		Kind: it.Kind, Name: it.Name, Host: it.Host, Party: it.Party, Category: it.Category, Provider: it.Provider,
		Country: it.Country, Lifetime: it.lifetime(), Purpose: it.Purpose,
	}
}

// Draft turns what was found into a declaration for the owner to complete: names that vary are generalised, what
// is known of them is filled in, and what nobody knows stays Unclassified. Sorted; each entry once, with the
// longest lifetime that was seen.
func (r *Report) Draft() []consent.Item {
	entries := map[key]*consent.Item{}
	for i := range r.Items {
		d := r.Items[i].draft()
		k := key{d.Kind, d.Name, strings.TrimPrefix(d.Host, ".")}
		if old := entries[k]; old == nil {
			entries[k] = &d
		} else if old.Lifetime != consent.Persistent && (d.Lifetime > old.Lifetime || d.Lifetime == consent.Persistent) {
			old.Lifetime = d.Lifetime
		}
	}
	list := make([]consent.Item, 0, len(entries))
	for _, d := range entries {
		list = append(list, *d)
	}
	slices.SortFunc(list, func(a, b consent.Item) int {
		return cmp.Or(categoryOrder(a.Category)-categoryOrder(b.Category), cmp.Compare(a.Party, b.Party), cmp.Compare(a.Host, b.Host),
			cmp.Compare(a.Name, b.Name), cmp.Compare(a.Kind, b.Kind))
	})
	return list
}

func categoryOrder(c consent.Category) int {
	if i := slices.Index(consent.Categories(), c); i >= 0 {
		return i
	}
	return len(consent.Categories())
}

func (it *Item) draft() consent.Item {
	d := it.declared()
	d.Purpose = maps.Clone(d.Purpose)
	d.Lifetime = roundLifetime(d.Lifetime)
	if m, ok := cookiedb.Lookup(it.Kind, it.Name, it.Host); ok && m.Pattern != "" {
		d.Name = m.Pattern
		if d.Category == consent.Necessary {
			d.Reason = maps.Clone(m.Reason)
		}
		return d
	}
	d.Name = generalise(it.Name)
	return d
}

var varying = regexp.MustCompile(`(?i)[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}|[0-9a-f]{16,}|[0-9]{5,}`)

// generalise puts a * where a name holds what looks like an id, unless nothing else would be left of it.
func generalise(name string) string {
	general := varying.ReplaceAllString(name, "*")
	if len(strings.Trim(general, "*._- ")) < 2 {
		return name
	}
	return general
}

// roundLifetime undoes the seconds that pass between setting and looking: up to the next whole day, hour or minute
// when that is near, as a person would state it.
func roundLifetime(d time.Duration) time.Duration {
	for _, unit := range []time.Duration{24 * time.Hour, time.Hour, time.Minute} {
		if up := (d + unit - 1).Truncate(unit); d > 0 && d >= unit && up-d < unit/50+time.Minute {
			return up
		}
	}
	return d
}

// collectRequests lists the requests to third parties in the states that were reached, like ones counted together, in
// the order of appearance. After
// a refusal or a withdrawal only those count that came later; what came before is told by the states none and accept.
func collectRequests(e *Evidence) []Request {
	banner := e.consentHosts()
	places := map[Request]int{}
	list := []Request{}
	for i := range e.States {
		s := &e.States[i]
		if !s.Done {
			continue
		}
		answered := s.State == StateReject || s.State == StateWithdraw
		for _, c := range s.Requests {
			host := hostOf(c.URL)
			if host == "" || e.party(host) == consent.FirstParty || answered && !c.After {
				continue
			}
			r := Request{URL: c.URL, Host: host, Type: c.Type, Initiator: c.Initiator, Page: c.Page, State: s.State}
			if at, ok := places[r]; ok {
				list[at].Count++
				continue
			}
			places[r] = len(list)
			r.Count = 1
			r.Category, r.Vendor = consent.Unclassified, ""
			if m, ok := cookiedb.Host(host); ok {
				r.Category, r.Vendor = m.Category, m.Vendor
			} else if banner[host] {
				r.Category, r.Vendor = consent.Necessary, "Samtykke"
			}
			list = append(list, r)
		}
	}
	return list
}

// consentHosts are the hosts that served this product's banner: visitors must reach it before they can answer.
func (e *Evidence) consentHosts() map[string]bool {
	hosts := map[string]bool{}
	for i := range e.States {
		for _, c := range e.States[i].Requests {
			if c.Consent {
				hosts[hostOf(c.URL)] = true
			}
		}
	}
	return hosts
}

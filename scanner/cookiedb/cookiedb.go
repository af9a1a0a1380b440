// Package cookiedb knows cookies and vendors: who sets a name, for which purpose, for how long. The knowledge is
// data, one file a vendor's product in vendors/; Lookup answers from it and Classify guesses where it is silent.
package cookiedb

import (
	"cmp"
	"embed"
	"encoding/json"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"sync"
	"time"

	"samtykke/consent"
)

// Match is what is known or believed about one name.
type Match struct {
	Category   consent.Category
	Vendor     string            // the product, as people know it
	Provider   string            // legal name of the company behind it; empty for software that a site runs itself
	Country    string            // where the provider takes the data, as far as it says; ISO 3166 alpha-2
	Pattern    string            // the known name, with * where it varies; empty where only the host is known
	Purpose    map[string]string // da and en; empty where only the host is known
	Reason     map[string]string // necessary only: why the service can't do without it
	Lifetime   time.Duration     // as documented, in the terms of consent.Item; only meaningful with Pattern
	Confidence float64           // 0 to 1
	Source     string            // the page that says so, or "rule: …" for a guess
}

// Vendor is one file of knowledge.
type Vendor struct {
	Vendor   string           `json:"vendor"`
	Provider string           `json:"provider,omitempty"`
	Country  string           `json:"country,omitempty"`
	Category consent.Category `json:"category"`         // of being contacted at all: what a request to its hosts is for
	Common   bool             `json:"common,omitempty"` // met on so many sites that every blocker should know its hosts
	Site     string           `json:"site,omitempty"`
	Hosts    []string         `json:"hosts,omitempty"` // each with its subdomains
	Source   string           `json:"source"`          // where the facts are from
	Items    []Known          `json:"items"`
}

// Known is one name that a vendor stores.
type Known struct {
	Kind     consent.ItemKind  `json:"kind,omitempty"` // default cookie
	Name     string            `json:"name"`           // exact, or with * for any run of characters
	Host     string            `json:"host,omitempty"` // only under this host, for names too common to stand alone
	Category consent.Category  `json:"category"`
	Lifetime string            `json:"lifetime"` // "session", "persistent", or a number with s, m, h or d
	Purpose  map[string]string `json:"purpose"`
	Reason   map[string]string `json:"reason,omitempty"`
}

//go:embed vendors/*.json
var files embed.FS

// entry is one Known with its vendor, ready to be matched.
type entry struct {
	Known
	vendor *Vendor
	life   time.Duration
}

// index finds candidates without walking through everything: by exact name, and for patterns by the characters before
// their *, of which every pattern must have at least one.
type index struct {
	exact    map[string][]*entry
	patterns map[string][]*entry // by up to headLength characters, most specific first
	hosts    map[string]*Vendor
}

var load = sync.OnceValue(func() *index {
	vendors, err := Vendors()
	if err != nil {
		panic(err) // embedded at build time and covered by a test
	}
	x := &index{exact: map[string][]*entry{}, patterns: map[string][]*entry{}, hosts: map[string]*Vendor{}}
	for i := range vendors {
		x.add(&vendors[i])
	}
	for _, list := range x.patterns {
		slices.SortStableFunc(list, func(a, b *entry) int { return cmp.Compare(specificity(b), specificity(a)) })
	}
	return x
})

// headLength is by how many characters patterns are found; a pattern with fewer is found by those.
const headLength = 4

// head is what patterns are found by.
func head(pattern string) string {
	fixed, _, _ := strings.Cut(pattern, "*")
	return fixed[:min(headLength, len(fixed))]
}

// specificity orders patterns: more fixed characters say more, and a host says more than any name.
func specificity(e *entry) int {
	n := len(strings.ReplaceAll(e.Name, "*", ""))
	if e.Host != "" {
		n += 1000
	}
	return n
}

func (x *index) add(v *Vendor) {
	for _, h := range v.Hosts {
		x.hosts[h] = v
	}
	for _, k := range v.Items {
		if k.Kind == "" {
			k.Kind = consent.Cookie
		}
		life, _ := ParseLifetime(k.Lifetime)
		e := &entry{Known: k, vendor: v, life: life}
		if strings.Contains(k.Name, "*") {
			x.patterns[head(k.Name)] = append(x.patterns[head(k.Name)], e)
		} else {
			x.exact[k.Name] = append(x.exact[k.Name], e)
		}
	}
}

// Vendors reads every file of knowledge, sorted by file name.
func Vendors() ([]Vendor, error) {
	names, err := fs.Glob(files, "vendors/*.json")
	if err != nil {
		return nil, err
	}
	vendors := make([]Vendor, len(names))
	for i, name := range names {
		data, err := files.ReadFile(name)
		if err != nil {
			return nil, err
		}
		if err := json.Unmarshal(data, &vendors[i]); err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
	}
	return vendors, nil
}

// ParseLifetime reads "session", "persistent", "30m", "24h", "395d" or "10s" into the terms of consent.Item.
func ParseLifetime(s string) (time.Duration, error) {
	switch s {
	case "session":
		return 0, nil
	case "persistent":
		return consent.Persistent, nil
	}
	var n int64
	var unit string
	if _, err := fmt.Sscanf(s, "%d%s", &n, &unit); err != nil || n <= 0 {
		return 0, fmt.Errorf("lifetime %q is none of session, persistent, 10s, 30m, 24h, 395d", s)
	}
	units := map[string]time.Duration{"s": time.Second, "m": time.Minute, "h": time.Hour, "d": 24 * time.Hour}
	if units[unit] == 0 {
		return 0, fmt.Errorf("lifetime %q has an unknown unit", s)
	}
	return time.Duration(n) * units[unit], nil
}

// Lookup says what is known of a name of this kind on this host. The order is: exact name on a known host, exact
// name, pattern on a known host, pattern (most specific first), and at last the host alone. That a host is necessary
// doesn't make everything necessary that is stored for it, so such a host alone is no answer.
func Lookup(kind consent.ItemKind, name, host string) (Match, bool) {
	host = plainHost(host)
	if m, ok := lookupName(kind, name, host); ok {
		return m, true
	}
	if m, ok := Host(host); ok && m.Category != consent.Necessary {
		return m, true
	}
	return Match{}, false
}

// lookupName is Lookup without the host's own answer.
func lookupName(kind consent.ItemKind, name, host string) (Match, bool) {
	x := load()
	owner := x.owner(host)
	if e := best(x.exact[name], kind, name, host, owner); e != nil {
		return e.match(owner), true
	}
	var found *entry
	for n := min(headLength, len(name)); n > 0; n-- {
		e := best(x.patterns[name[:n]], kind, name, host, owner)
		if e != nil && (found == nil || owner != found.vendor && (owner == e.vendor || specificity(e) > specificity(found))) {
			found = e
		}
	}
	if found != nil {
		return found.match(owner), true
	}
	return Match{}, false
}

// Host says whose a host is and for which purpose it is contacted.
func Host(host string) (Match, bool) {
	v := load().owner(plainHost(host))
	if v == nil {
		return Match{}, false
	}
	return Match{
		Category: v.Category, Vendor: v.Vendor, Provider: v.Provider, Country: v.Country, Confidence: 0.8, Source: v.Source,
	}, true
}

func plainHost(h string) string { return strings.ToLower(strings.Trim(h, ".")) }

// owner finds the vendor of the nearest known parent of host.
func (x *index) owner(host string) *Vendor {
	for host != "" {
		if v := x.hosts[host]; v != nil {
			return v
		}
		_, host, _ = strings.Cut(host, ".")
	}
	return nil
}

// best picks from a list that is sorted by specificity: the owner of the host first, then whoever comes first.
func best(list []*entry, kind consent.ItemKind, name, host string, owner *Vendor) *entry {
	var found *entry
	for _, e := range list {
		if e.Kind != kind || !underHost(host, e.Host) || !consent.MatchName(e.Name, name) {
			continue
		}
		if owner != nil && e.vendor == owner {
			return e
		}
		if found == nil {
			found = e
		}
	}
	return found
}

func underHost(host, parent string) bool {
	return parent == "" || host == parent || strings.HasSuffix(host, "."+parent)
}

func (e *entry) match(owner *Vendor) Match {
	m := Match{
		Category: e.Category, Vendor: e.vendor.Vendor, Provider: e.vendor.Provider, Country: e.vendor.Country, Pattern: e.Name,
		Purpose: e.Purpose, Reason: e.Reason, Lifetime: e.life, Confidence: 0.95, Source: e.vendor.Source,
	}
	switch {
	case owner == e.vendor:
		m.Confidence = 1
	case strings.Contains(e.Name, "*") && len(e.Name) < 5:
		m.Confidence = 0.7 // a short pattern may well be somebody else's
	}
	return m
}

// Hosts lists the common vendors' hosts by what a request to them is for, sorted: every visitor downloads the list. A site
// learns the others from its scans, by its declaration. Those of necessary services are not in it: which of them a site
// can't do without, and why, its owner says.
func Hosts() map[consent.Category][]string {
	all := map[consent.Category][]string{}
	for host, v := range load().hosts {
		if v.Common && v.Category.Optional() {
			all[v.Category] = append(all[v.Category], host)
		}
	}
	for _, hosts := range all {
		slices.Sort(hosts)
	}
	return all
}

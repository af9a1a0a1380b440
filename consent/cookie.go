package consent

import (
	"strings"
	"time"
)

// ItemKind is the technology behind an Item: the Cookie Order covers them all (law § 3; EDPB 2/2023).
type ItemKind string

// The kinds of storage that are declared and scanned for.
const (
	Cookie         ItemKind = "cookie"
	LocalStorage   ItemKind = "localStorage"
	SessionStorage ItemKind = "sessionStorage"
	IndexedDB      ItemKind = "indexedDB"
	CacheStorage   ItemKind = "cacheStorage"
	ServiceWorker  ItemKind = "serviceWorker"
)

// Valid says whether k is a known kind.
func (k ItemKind) Valid() bool {
	switch k {
	case Cookie, LocalStorage, SessionStorage, IndexedDB, CacheStorage, ServiceWorker:
		return true
	}
	return false
}

// Item is one thing that a site stores in the visitor's browser, as the cookie declaration lists it (D1).
type Item struct {
	Kind     ItemKind `json:"kind"`
	Name     string   `json:"name"` // exact, or with * for any run of characters
	Host     string   `json:"host"` // who it is set for: "shop.dk", ".doubleclick.net"
	Party    string   `json:"party"`
	Category Category `json:"category"`
	Provider string   `json:"provider"`          // legal name of who is behind it
	Country  string   `json:"country,omitempty"` // where the provider takes the data, ISO 3166 alpha-2
	// JointController says that site and provider decide together what the data are used for, as with social plugins (GDPR 26).
	JointController bool              `json:"joint_controller,omitempty"`
	Lifetime        time.Duration     `json:"lifetime_ns"`      // 0: until the browser closes; Persistent: until removed
	Purpose         map[string]string `json:"purpose"`          // language, one plain sentence
	Reason          map[string]string `json:"reason,omitempty"` // necessary only: why the requested service can't do without (TF I)
}

// Persistent is the lifetime of storage that stays until somebody removes it.
const Persistent time.Duration = -1

// First and third party, seen from the site.
const (
	FirstParty = "first"
	ThirdParty = "third"
)

// Validate checks what a declaration must be able to show.
func (i *Item) Validate() error {
	var f fields
	f.add(!i.Kind.Valid(), "kind", "The kind is cookie, localStorage, sessionStorage, indexedDB, cacheStorage or serviceWorker.")
	f.add(i.Name == "" || len(i.Name) > 200, "name", "Give a name of at most 200 characters.")
	f.add(strings.Trim(i.Name, "*") == "", "name", "The name can't be * alone: it would stand for everything.")
	f.add(len(i.Host) > 253, "host", "A host has at most 253 characters.")
	f.add(i.Party != FirstParty && i.Party != ThirdParty, "party", "The party is first or third.")
	f.add(!i.Category.Valid(), "category", "Choose a category.")
	f.add(len(i.Provider) > 200, "provider", "At most 200 characters.")
	f.add(i.Country != "" && len(i.Country) != 2, "country", "A country is two letters, such as DK.")
	f.add(i.Lifetime < Persistent, "lifetime", "A lifetime can't be negative.")
	for _, texts := range []map[string]string{i.Purpose, i.Reason} {
		for lang, t := range texts {
			f.add(len(lang) != 2 || len(t) > 1000, "purpose", "A purpose has at most 1000 characters.")
		}
	}
	return f.err("bad_item", "The entry is not right yet.")
}

// Matches says whether the item's pattern covers name.
func (i *Item) Matches(name string) bool { return MatchName(i.Name, name) }

// MatchName compares a name with a pattern in which * stands for any run of characters, also none.
func MatchName(pattern, name string) bool {
	head, rest, wild := strings.Cut(pattern, "*")
	if !wild {
		return pattern == name
	}
	if !strings.HasPrefix(name, head) {
		return false
	}
	name = name[len(head):]
	for {
		part, next, more := strings.Cut(rest, "*")
		if !more {
			return strings.HasSuffix(name, part)
		}
		at := strings.Index(name, part)
		if at < 0 {
			return false
		}
		name, rest = name[at+len(part):], next
	}
}

package judgement

import (
	"cmp"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"

	"samtykke/consent"
	"samtykke/scanner/cookiedb"
	"samtykke/scanner/evidence"
)

// Lifetime is how long the item lasts, in the terms of consent.Item.
func (it *Item) Lifetime() time.Duration {
	if it.LifetimeS < 0 {
		return consent.Persistent
	}
	return time.Duration(min(it.LifetimeS, MaxLifetime)) * time.Second
}

// Declared is the item as a declaration would hold it, word for word.
func (it *Item) Declared() consent.Item {
	return consent.Item{
		Kind: it.Kind, Name: it.Name, Host: it.Host, Party: it.Party, Category: it.Category, Provider: it.Provider,
		Country: it.Country, Lifetime: it.Lifetime(), Purpose: it.Purpose,
	}
}

// Draft turns what was found into a declaration for the owner to complete: names that vary are generalised, what
// is known of them is filled in, and what nobody knows stays Unclassified. Sorted; each entry once, with the
// longest lifetime that was seen.
func (r *Report) Draft() []consent.Item {
	entries := map[evidence.Key]*consent.Item{}
	for i := range r.Items {
		d := r.Items[i].draft()
		k := evidence.KeyOf(d.Kind, d.Name, d.Host)
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
		return cmp.Or(CategoryOrder(a.Category)-CategoryOrder(b.Category), cmp.Compare(a.Party, b.Party), cmp.Compare(a.Host, b.Host),
			cmp.Compare(a.Name, b.Name), cmp.Compare(a.Kind, b.Kind))
	})
	return list
}

// CategoryOrder is a category's place among those that are shown, unclassified last.
func CategoryOrder(c consent.Category) int {
	if i := slices.Index(consent.Categories(), c); i >= 0 {
		return i
	}
	return len(consent.Categories())
}

func (it *Item) draft() consent.Item {
	d := it.Declared()
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

// MaxLifetime is more than any browser keeps, and little enough to fit a time.Duration.
const MaxLifetime = 1 << 33

package evidence

import (
	"cmp"
	"iter"
	"net/netip"
	"reflect"
	"slices"
	"strings"

	"golang.org/x/net/publicsuffix"

	"samtykke/consent"
)

// States are the states of consent in the order in which they are shown.
var States = []string{StateNone, StateReject, StateAccept, StateWithdraw, StateGPC}

// StateOrder is a state's place among States; -1 where it is none.
func StateOrder(s string) int { return slices.Index(States, s) }

// Ordered puts states together in their order.
func Ordered(a, b []string) []string {
	all := slices.Concat(a, b)
	slices.SortFunc(all, func(x, y string) int { return cmp.Or(StateOrder(x)-StateOrder(y), cmp.Compare(x, y)) })
	return slices.Compact(all)
}

// SiteOf is the registrable domain of a host, or the host itself where there is none: an address, or a name that
// is a public suffix. Every name under .localhost is a site of its own.
func SiteOf(host string) string {
	host = strings.ToLower(strings.Trim(host, "."))
	if _, err := netip.ParseAddr(strings.Trim(host, "[]")); err == nil {
		return host
	}
	if site, err := publicsuffix.EffectiveTLDPlusOne(host); err == nil {
		return site
	}
	return host
}

// Party says whether a host belongs to the site: consent.FirstParty or consent.ThirdParty.
func (e *Site) Party(host string) string {
	if SiteOf(host) == SiteOf(HostOf(e.URL)) {
		return consent.FirstParty
	}
	return consent.ThirdParty
}

// State gives the evidence of a state; an empty one where there is none.
func (e *Site) State(name string) *State {
	for i := range e.States {
		if e.States[i].State == name {
			return &e.States[i]
		}
	}
	return &State{State: name}
}

// Reached gives the states that were reached, the one on a small screen last.
func (e *Site) Reached() iter.Seq[*State] {
	return func(yield func(*State) bool) {
		for i := range e.States {
			if e.States[i].Done && !yield(&e.States[i]) {
				return
			}
		}
		if e.Phone.Done {
			yield(&e.Phone)
		}
	}
}

// Screen is the screen of a state; Desktop where nothing else is said.
func (s *State) Screen() string { return cmp.Or(s.Device, Desktop) }

// Join appends every list of one piece of evidence to another's. It goes by the type, so that no list that is added
// to the evidence can be forgotten here.
func Join(all *State, part State) {
	to, from := reflect.ValueOf(all).Elem(), reflect.ValueOf(part)
	for i := range to.NumField() {
		if f := to.Field(i); f.Kind() == reflect.Slice {
			f.Set(reflect.AppendSlice(f, from.Field(i)))
		}
	}
}

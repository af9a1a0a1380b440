package judgement

import (
	"slices"
	"strings"

	"samtykke/consent"
	"samtykke/scanner/cookiedb"
	"samtykke/scanner/evidence"
)

// collectRequests lists the requests to third parties in the states that were reached, like ones counted together, in
// the order of appearance. After a refusal or a withdrawal only those count that came later; what came before is told by
// the states none and accept.
func collectRequests(e *evidence.Site, declared []consent.Item) []Request {
	banner := consentHosts(e)
	places := map[like]int{}
	list := []Request{}
	for s := range e.Reached() {
		answered := s.State == evidence.StateReject || s.State == evidence.StateWithdraw
		for _, c := range s.Requests {
			host := evidence.HostOf(c.URL)
			if host == "" || e.Party(host) == consent.FirstParty || answered && !c.After {
				continue
			}
			k := like{c.URL, c.Type, c.Initiator, c.Page, s.State, s.Screen()}
			at, known := places[k]
			if !known {
				at = len(list)
				places[k] = at
				list = append(list, newRequest(&c, s, banner, declared))
			}
			list[at].count(&c)
		}
	}
	return list
}

// like is what requests that are counted together have in common.
type like struct{ url, kind, initiator, page, state, device string }

func newRequest(c *evidence.Call, s *evidence.State, banner map[string]bool, declared []consent.Item) Request {
	r := Request{
		URL: c.URL, Host: evidence.HostOf(c.URL), Type: c.Type, Initiator: c.Initiator, Page: c.Page, State: s.State, Device: s.Screen(),
		Chain: c.Chain, Params: []string{}, Carries: []string{}, Category: consent.Unclassified,
	}
	if m, ok := cookiedb.Host(r.Host); ok {
		r.Category, r.Vendor = m.Category, m.Vendor
	} else if banner[r.Host] {
		r.Category, r.Vendor = consent.Necessary, "Samtykke"
	} else if d := declaredHost(declared, r.Host); d != nil {
		r.Category = d.Category
	}
	return r
}

// declaredHost is the entry by which a declaration says what a host is for: all that it stores has one category. What is
// declared necessary counts with a reason only. It is asked where the knowledge is silent, so that no tracker is declared
// away.
func declaredHost(declared []consent.Item, host string) *consent.Item {
	var found *consent.Item
	for i := range declared {
		d := &declared[i]
		at := strings.TrimPrefix(d.Host, ".")
		switch {
		case at == "" || host != at && !strings.HasSuffix(host, "."+at):
		case d.Category == consent.Necessary && d.Reason["da"] == "" && d.Reason["en"] == "", !slices.Contains(consent.Categories(), d.Category):
			return nil
		case found != nil && found.Category != d.Category:
			return nil
		default:
			found = d
		}
	}
	return found
}

func (r *Request) count(c *evidence.Call) {
	r.Count++
	r.Pixel = r.Pixel || c.Pixel
	r.Params, r.Carries = union(r.Params, c.Params), union(r.Carries, c.Carries)
}

// union adds to a sorted list what it lacks.
func union(list, more []string) []string {
	for _, m := range more {
		if at, ok := slices.BinarySearch(list, m); !ok {
			list = slices.Insert(list, at, m)
		}
	}
	return list
}

// consentHosts are the hosts that served this product's banner: visitors must reach it before they can answer.
func consentHosts(e *evidence.Site) map[string]bool {
	hosts := map[string]bool{}
	for i := range e.States {
		for _, c := range e.States[i].Requests {
			if c.Consent {
				hosts[evidence.HostOf(c.URL)] = true
			}
		}
	}
	return hosts
}

package cookiedb

import (
	"slices"
	"strings"

	"samtykke/consent"
)

// Trusted is the confidence below which an answer is no more than a guess: Decide still tells it, and a report that
// people act on says unclassified instead.
const Trusted = 0.5

// From what confidence the model may say necessary: of a name with a word for it, and of one without.
const (
	likely  = 0.7
	certain = 0.9
	weakly  = 0.45 // what is told of a name with a word that may mean it
)

// Classify answers for a cookie of which only name, host, party and lifetime in days are known; negative days are not
// known.
func Classify(name, domain, party string, expiresDays float64) Match {
	return Decide(consent.Cookie, Features{Name: name, Host: domain, Party: party, Days: expiresDays})
}

// Decide gives the best answer that there is, with its source and its confidence. It asks, in this order: the vendors'
// own files by name, the Open Cookie Database, the advertisers' disclosures, the host (our own files, then
// third-party-web), and at last a model that has learnt from all of them. Only what the vendors' own files say of a name
// has a Pattern.
func Decide(kind consent.ItemKind, f Features) Match {
	f.Host = plainHost(f.Host)
	if m, ok := lookupName(kind, f.Name, f.Host); ok {
		return m
	}
	known, storage := shared(), kind != consent.Cookie
	if x, worth := known.ocd.find(f.Name, f.Host, storage); worth > 0 {
		return Match{Category: x.category, Vendor: x.vendor, Provider: x.provider, Confidence: worth, Source: SourceOCD}
	}
	if x, worth := known.tcf.find(f.Name, f.Host, storage); worth > 0 {
		return Match{Category: x.category, Vendor: x.vendor, Confidence: worth, Source: SourceTCF}
	}
	host, _ := Host(f.Host)
	if host.Category.Optional() {
		return host
	}
	o, _ := known.owner(f.Host)
	if o.category.Optional() && host.Vendor == "" {
		return Match{Category: o.category, Provider: o.company, Confidence: o.worth, Source: SourceHosts}
	}
	m := f.guess(known)
	m.Vendor, m.Provider, m.Country = host.Vendor, host.Provider, host.Country
	if host.Vendor == "" {
		m.Provider = o.company
	}
	return m
}

// guess asks the model. A wrong necessary lets something run that must wait for a yes, so it is only said where the
// name has a word for it and it is likely, or where there is hardly any doubt; else the next best is the answer, with what
// little confidence is left for it. Words that vendors use for their own ends too make it a guess that nobody trusts.
func (f *Features) guess(known *community) Match {
	s := spelling(f.Name)
	about := meant(s)
	p := f.weigh(trained().probabilities(f.hashes(known, s, about)), about)
	strong := slices.ContainsFunc(about, func(c string) bool { return evidence[c] })
	weak := !strong && slices.ContainsFunc(about, func(c string) bool { return ambiguous[c] })
	switch {
	case p[0] < likely || p[0] < certain && !strong && !weak:
		p[0] = 0
	case weak:
		return Match{Category: consent.Necessary, Confidence: weakly, Source: SourceModel}
	}
	best := likeliest(p)
	return Match{Category: classOrder[best], Confidence: p[best], Source: SourceModel}
}

// Concepts that name something that a service can't do without, and those that often do: a session may be a visit that is
// measured, and a customer an audience.
var (
	evidence  = set("security balancing consent")
	ambiguous = set("session login cart")
)

// hints weigh what the tables that the model learns from don't know: odds by class, in classOrder. They are
// judgements, not measured.
var hints = []struct {
	fits func(f *Features) bool
	odds [classes]float64
}{
	// Measuring scripts must read what they stored; a login must not be read.
	{func(f *Features) bool { return f.HTTPOnly && f.Party == consent.FirstParty }, [classes]float64{2, 1, 0.5, 0.7}},
	{func(f *Features) bool { return f.looks("language") }, [classes]float64{1, 5, 0.5, 0.5}},
	{func(f *Features) bool { return f.looks("boolean") }, [classes]float64{1, 2, 1, 0.5}},
	{func(f *Features) bool { return f.looks("uuid", "hex", "id", "base64") }, [classes]float64{0.8, 0.4, 1.5, 1.5}},
	{func(f *Features) bool { return f.looks("token") }, [classes]float64{2, 0.5, 0.7, 0.7}},
}

// looks says whether the value has one of these looks.
func (f *Features) looks(like ...string) bool {
	look, _, _ := strings.Cut(f.Shape, "/")
	return slices.Contains(like, look)
}

// conventions are what a word commonly means in the name of a site's own cookie, as odds in classOrder. The tables are
// full of vendors' names, in which a session is a visit that is measured; on a site of its own it is a login.
var conventions = map[string][classes]float64{
	"security": {6, 1, 1, 0.5}, "balancing": {5, 1, 1, 0.5}, "consent": {4, 1, 0.5, 0.5}, "session": {3, 1, 1, 0.5},
	"login": {3, 1, 0.7, 0.7}, "cart": {4, 1, 0.7, 0.5},
	"language": {1, 4, 0.7, 0.5}, "region": {1, 2, 1, 1}, "look": {1, 3, 1, 0.5}, "dismissed": {1, 3, 0.7, 0.7}, "recent": {1, 3, 1, 1},
	"player": {1, 3, 1, 0.7}, "chat": {1, 3, 0.7, 0.7}, "settings": {1, 2, 0.7, 0.7}, "form": {1, 2, 1, 1}, "agegate": {1, 3, 0.5, 0.5},
	"measuring": {0.5, 0.7, 3, 1}, "experiment": {0.5, 1, 4, 0.7}, "performance": {1, 1, 3, 0.5}, "recording": {0.5, 1, 4, 0.7},
	"origin":      {0.5, 0.5, 2, 2},
	"advertising": {0.5, 0.5, 0.5, 4}, "click": {0.5, 0.5, 1, 4}, "affiliate": {0.5, 0.5, 0.5, 5}, "bidding": {0.5, 0.5, 0.5, 3},
	"targeting": {0.5, 0.7, 1, 3}, "capping": {0.5, 1, 1, 3}, "sync": {0.5, 0.5, 0.7, 4}, "identity": {0.7, 0.5, 1.3, 1.5},
	"probe": {1, 3, 1, 0.5}, "technical": {1.5, 1.5, 1, 0.5}, "optout": {2, 1, 0.7, 0.7},
}

// weigh multiplies the model's answer with the odds of everything else that is known.
func (f *Features) weigh(p [classes]float64, about []string) [classes]float64 {
	times := func(odds [classes]float64) {
		for c := range p {
			p[c] *= odds[c]
		}
	}
	if f.Party == consent.FirstParty {
		for _, concept := range about {
			if odds, ok := conventions[concept]; ok {
				times(odds)
			}
		}
	}
	for i := range hints {
		if hints[i].fits(f) {
			times(hints[i].odds)
		}
	}
	sum := p[0] + p[1] + p[2] + p[3]
	for c := range p {
		p[c] /= sum
	}
	return p
}

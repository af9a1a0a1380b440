package judgement

import (
	"cmp"
	"slices"
	"time"

	"samtykke/consent"
	"samtykke/scanner/evidence"
)

// presence is what one state says about one thing.
type presence struct {
	evidence.Stored
	known    bool // it was found in the browser, so Stored is complete
	end      bool // it was there when the state ended
	after    bool // it was set after the answer
	kept     bool // the browser kept it at some moment
	by       string
	asked    time.Duration // lifetime that the site asked for
	hasAsked bool
	pages    []string
	stack    []string // scripts that led to it
	chain    []string // what led to the request that set it
	first    Sighting
}

// presentIn brings together what a state's writes and snapshots say.
func presentIn(s *evidence.State) map[evidence.Key]*presence {
	all := map[evidence.Key]*presence{}
	get := func(k evidence.Key, host string) *presence {
		p := all[k]
		if p == nil {
			p = &presence{Stored: evidence.Stored{Kind: k.Kind, Name: k.Name, Host: host, Path: "/"}}
			all[k] = p
		}
		return p
	}
	told := told(s)
	for i, snap := range s.Snapshots {
		for _, st := range snap.Items {
			get(st.Key(), st.Host).found(st, snap, i == len(s.Snapshots)-1, told[st.Key()])
		}
	}
	removed := removed(s)
	for _, w := range s.Writes {
		k := w.Key()
		proof := w.Refused != "" || w.Kept && !removed[k] && !ignored(s, w)
		if !w.Removes && (proof || all[k] != nil && all[k].known) {
			get(k, w.Host).written(w)
		}
	}
	markOtherStorage(s, all)
	return all
}

// ignored says that the browser paid no heed to a header: it came with an answer to a request without credentials, so that
// the next look at all cookies finds nothing of it, though it was to last longer than any look is away.
func ignored(s *evidence.State, w evidence.Write) bool {
	lasts := w.Lifetime == 0 || w.Lifetime > 5*time.Minute
	return w.Header && lasts && slices.ContainsFunc(s.Snapshots, func(snap evidence.Snapshot) bool { return snap.At.After(w.At) })
}

// removed lists what was written and taken away again before anybody looked: scripts that probe whether storing
// works, or for which domain, do so.
func removed(s *evidence.State) map[evidence.Key]bool {
	gone := map[evidence.Key]bool{}
	for _, w := range s.Writes {
		gone[w.Key()] = w.Removes
	}
	for _, snap := range s.Snapshots {
		for _, st := range snap.Items {
			delete(gone, st.Key())
		}
	}
	return gone
}

func (p *presence) written(w evidence.Write) {
	p.kept = p.kept || w.Refused == ""
	p.after = p.after || w.After
	if p.by == "" || len(p.stack)+len(p.chain) == 0 && w.By == p.by {
		p.by, p.stack, p.chain = w.By, w.Stack, w.Chain
	}
	p.Shape = cmp.Or(p.Shape, w.Shape)
	if !p.known { // only the browser knows better
		p.HTTPOnly, p.Secure, p.SameSite, p.Partitioned = w.HTTPOnly, w.Secure, w.SameSite, w.Partitioned
	}
	p.seen(w.Page, w.At)
	if w.Kind == consent.Cookie && !w.Unclear && (!p.hasAsked || w.Lifetime > p.asked) {
		p.asked, p.hasAsked = w.Lifetime, true
	}
	p.on(w.Page)
}

// seen keeps the earliest sighting.
func (p *presence) seen(page string, at time.Time) {
	if p.first.Page == "" || at.Before(p.first.At) {
		p.first.Page, p.first.At = page, at
	}
}

// told lists what is known from a write. Several tabs may be open: only the write tells on which page it was.
func told(s *evidence.State) map[evidence.Key]bool {
	told := map[evidence.Key]bool{}
	for _, w := range s.Writes {
		told[w.Key()] = told[w.Key()] || !w.Removes && w.Refused == ""
	}
	return told
}

func (p *presence) found(st evidence.Stored, snap evidence.Snapshot, last, told bool) {
	if !told {
		p.seen(snap.Page, snap.At)
	}
	if !p.known {
		if !told {
			p.on(snap.Page)
		}
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
// frame of the host is open, and nobody but the host can empty it: what was last seen there is there still, and so is
// what was stored where nobody could look. Every tab has a sessionStorage of its own; what one held, it holds.
func markOtherStorage(s *evidence.State, all map[evidence.Key]*presence) {
	last := map[string]map[evidence.Key]bool{}
	for _, snap := range s.Snapshots {
		for _, h := range snap.Hosts {
			last[h] = map[evidence.Key]bool{}
		}
		for _, st := range snap.Items {
			if st.Kind != consent.Cookie && last[st.Host] != nil {
				last[st.Host][st.Key()] = true
			}
		}
	}
	gone := map[evidence.Key]bool{}
	for _, w := range s.Writes {
		gone[w.Key()] = w.Removes
	}
	for k, p := range all {
		switch {
		case k.Kind == consent.Cookie:
		case k.Kind == consent.SessionStorage || last[k.Host] == nil:
			p.end = p.kept && !gone[k]
		default:
			p.end = last[k.Host][k]
		}
	}
}

// counts says whether a thing counts as present in the state. Nobody answered in none and gpc, and everything was allowed
// in accept, so whatever was seen counts; after a refusal or a withdrawal, what was set since or stayed to the end.
func counts(s *evidence.State, p *presence) bool {
	if s.State == evidence.StateReject || s.State == evidence.StateWithdraw {
		return p.after || p.end
	}
	return true
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

package recording

import (
	"slices"
	"strings"
	"time"

	"samtykke/consent"
	"samtykke/scanner/evidence"
)

// Bounds on what a page that never stops can cost, and on what a scan of many pages may keep. A tab that has recorded a
// lot goes on with what it hasn't met yet, so that a long scan loses repetitions and nothing else.
const (
	maxOnPage  = 2000 // requests, and writes, of one page
	maxCalls   = 5000 // requests, and writes, of a tab, after which only new ones count
	maxNew     = 5000 // and so many of these
	maxSignals = 500
	maxUses    = 500
	maxChain   = 10
	maxStack   = 5
)

// known is what a tab has recorded, as far as its bounds need it. The lists are made when the bounds are reached.
type known struct {
	calls   map[kindOfCall]bool
	writes  map[kindOfWrite]bool
	cookies map[held]time.Duration // the longest lifetime
}

type kindOfCall struct{ url, kind string }

type kindOfWrite struct {
	evidence.Key
	by             string
	removes, after bool
}

// held is a cookie apart from what is left of its lifetime.
type held struct {
	evidence.Stored
	after bool
}

func (r *Recorder) roomForCall(url, kind string) bool {
	n := len(r.state.Requests)
	if n < maxCalls {
		return n-r.start.calls < maxOnPage
	}
	if n-r.start.calls >= maxOnPage || n >= maxCalls+maxNew {
		return false
	}
	if r.known.calls == nil {
		r.known.calls = map[kindOfCall]bool{}
		for _, c := range r.state.Requests {
			r.known.calls[kindOfCall{c.URL, c.Type}] = true
		}
	}
	k := kindOfCall{url, strings.ToLower(kind)}
	old := r.known.calls[k]
	r.known.calls[k] = true
	return !old
}

func (r *Recorder) roomForWrite(w *evidence.Write) bool {
	n := len(r.state.Writes)
	if n < maxCalls {
		return n-r.start.writes < maxOnPage
	}
	if n-r.start.writes >= maxOnPage || n >= maxCalls+maxNew {
		return false
	}
	kind := func(w *evidence.Write) kindOfWrite {
		return kindOfWrite{w.Key(), evidence.PlainURL(w.By), w.Removes, w.After}
	}
	if r.known.writes == nil {
		r.known.writes = map[kindOfWrite]bool{}
		for i := range r.state.Writes {
			r.known.writes[kind(&r.state.Writes[i])] = true
		}
	}
	k := kind(w)
	old := r.known.writes[k]
	r.known.writes[k] = true
	return !old
}

// thin leaves out of the newest snapshot the cookies that earlier ones have told of already. It comes when there is a
// newer one: the last of a tab is whole, since it tells what stayed.
func (r *Recorder) thin() {
	n := len(r.state.Snapshots)
	if n == 0 {
		return
	}
	if r.known.cookies == nil {
		r.known.cookies = map[held]time.Duration{}
	}
	s := &r.state.Snapshots[n-1]
	s.Items = slices.Clone(slices.DeleteFunc(s.Items, func(st evidence.Stored) bool {
		if st.Kind != consent.Cookie {
			return false
		}
		k := held{st, s.After}
		k.Lifetime = 0
		longest, old := r.known.cookies[k]
		if old && st.Lifetime <= longest {
			return true
		}
		if len(r.known.cookies) < maxCalls || old {
			r.known.cookies[k] = st.Lifetime
		}
		return false
	}))
}

package scanner

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"samtykke/consent"
	"samtykke/scanner/evidence"
	"samtykke/scanner/frontier"
	"samtykke/scanner/recording"
)

// stay is what the tabs of one state have in common: the profile, and what was recorded.
type stay struct {
	*profile
	ctx   context.Context // of the scan
	phone bool            // the extra look of a phone: two pages, nobody answers

	mu     sync.Mutex
	recs   []*recording.Recorder
	visits []placed
	barred []string // hosts where a visit ended that may not be looked at
	begun  int      // pages that were begun

	untouched atomic.Bool // the start page is being watched, and nothing may be scrolled or played

	calm  atomic.Bool // the first tab saw no banner any more since the answer
	alone atomic.Bool // and yet another tab did, since the answer is in sessionStorage
}

// placed is a visit with its place among all of the state.
type placed struct {
	at int
	evidence.Visit
}

// newTab opens a tab whose recorder counts towards the evidence.
func (s *stay) newTab(after bool) (*tab, error) {
	rec := recording.New(evidence.StateNone, s.o.Now)
	if after {
		rec.Answered()
	}
	t, err := s.profile.newTab(rec)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.recs = append(s.recs, rec)
	return t, nil
}

// discard forgets what a tab recorded.
func (s *stay) discard(rec *recording.Recorder) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.recs = slices.DeleteFunc(s.recs, func(r *recording.Recorder) bool { return r == rec })
}

// place gives the next visit its place.
func (s *stay) place() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.begun++
	return s.begun
}

func (s *stay) visited(at int, v evidence.Visit) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.visits = append(s.visits, placed{at, v})
}

func (s *stay) count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.visits)
}

// gathered brings together what all tabs recorded, in the order in which it happened.
func (s *stay) gathered(state string) evidence.State {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := evidence.State{}
	for _, r := range s.recs {
		evidence.Join(&all, r.Evidence())
	}
	all.State, all.Visits = state, nil
	slices.SortFunc(s.visits, func(a, b placed) int { return cmp.Compare(a.at, b.at) })
	for _, v := range s.visits {
		all.Visits = append(all.Visits, v.Visit)
	}
	all.Writes = withoutEchoes(all.Writes)
	for i := range all.Snapshots {
		all.Snapshots[i].Items = slices.DeleteFunc(all.Snapshots[i].Items, s.isBarred)
	}
	slices.SortStableFunc(all.Writes, func(a, b evidence.Write) int { return a.At.Compare(b.At) })
	slices.SortStableFunc(all.Snapshots, func(a, b evidence.Snapshot) int { return a.At.Compare(b.At) })
	slices.SortStableFunc(all.Requests, func(a, b evidence.Call) int { return a.At.Compare(b.At) })
	all.Refused = slices.Compact(slices.Sorted(slices.Values(all.Refused)))
	return all
}

// bar keeps a host out of the evidence, for what other tabs saw of it before it was cleared.
func (s *stay) bar(host string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.barred = append(s.barred, host)
}

func (s *stay) isBarred(st evidence.Stored) bool {
	return slices.Contains(s.barred, strings.TrimPrefix(st.Host, "."))
}

// echo is the time within which tabs tell of one and the same change.
const echo = 2 * time.Second

// withoutEchoes leaves out what a tab was told of another's doing: a change of localStorage is reported in every tab
// of the host, but only where it was made is it known by which script.
func withoutEchoes(writes []evidence.Write) []evidence.Write {
	known := map[evidence.Key][]time.Time{}
	for _, w := range writes {
		if w.Kind == consent.LocalStorage && w.By != "" {
			known[w.Key()] = append(known[w.Key()], w.At)
		}
	}
	return slices.DeleteFunc(writes, func(w evidence.Write) bool {
		return w.Kind == consent.LocalStorage && w.By == "" && !w.Removes && slices.ContainsFunc(known[w.Key()], func(at time.Time) bool {
			return at.Sub(w.At).Abs() < echo
		})
	})
}

// share visits the pages that a frontier gives, in this tab and in as many more as are to spare. What this tab has
// to do before is done while the others begin.
func (v *visitor) share(f *frontier.Queue, before ...func()) {
	var helpers sync.WaitGroup
	defer helpers.Wait()
	for _, do := range before {
		v.summon(f, &helpers)
		do()
	}
	for v.alive() {
		v.summon(f, &helpers)
		page, ok := f.Next()
		if !ok {
			return
		}
		f.Visited(page, v.linksOf(v.visit(page)))
	}
}

// summon opens further tabs while there are pages to take and tabs to spare.
func (v *visitor) summon(f *frontier.Queue, helpers *sync.WaitGroup) {
	for n := f.Ready() - 1; n > 0 && !v.stay.alone.Load() && v.alive() && v.crawl.tabs.spare(); n-- {
		after := v.tab.rec.IsAfter()
		helpers.Go(func() {
			defer v.crawl.tabs.give()
			t, err := v.stay.newTab(after)
			if err != nil {
				return
			}
			h := &visitor{crawl: v.crawl, stay: v.stay, tab: t, state: v.state, helper: true}
			defer func() { h.tab.end() }()
			h.help(f)
		})
	}
}

// help visits pages until there are none, or until another state needs the tab more.
func (v *visitor) help(f *frontier.Queue) {
	for first := true; v.alive() && v.crawl.tabs.waiting.Load() == 0; first = false {
		page, ok := f.Next()
		if !ok {
			return
		}
		at := v.stay.place()
		visit := v.load(page)
		if first && visit.Banner.Seen && v.stay.calm.Load() {
			v.stay.alone.Store(true)
			v.stay.discard(v.tab.rec)
			f.GiveBack(page)
			return
		}
		v.stay.visited(at, visit)
		f.Visited(page, v.linksOf(visit))
	}
}

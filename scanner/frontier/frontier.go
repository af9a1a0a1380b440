// Package frontier knows which pages of a site are still to be visited: those that links, sitemaps and robots.txt tell of, chosen
// so that a few pages show a lot of the site.
package frontier

import (
	"slices"
	"sync"

	"samtykke/scanner/evidence"
)

// Queue decides which pages are visited, and hands them out. It is used by several tabs at once.
type Queue struct {
	mu       sync.Mutex
	changed  *sync.Cond
	most     int    // pages in all
	depth    int    // links away from the start page; 0: no limit
	host     string // of the start page; its pages come first
	allowed  func(page string) bool
	Told     func(chosen []string) // is called when a page is chosen
	chosen   []string              // handed out or to be handed out, in order
	taken    int                   // how many of chosen were handed out
	busy     int                   // how many of those are not visited yet
	away     map[string]int        // how many links a page is away from the start page
	seen     map[string]bool       // by canonical
	shapes   map[string]int        // how many were chosen, by shape
	sections map[string]int
	found    []candidate // not chosen yet, in the order of their appearance
}

// candidate is a page that might be visited.
type candidate struct {
	page, shape, section string
	away                 int
	deep, elsewhere      bool // elsewhere: on another host of the site
}

// maxFound bounds how many candidates wait. perShape is how many pages are visited whose addresses only differ in a
// date or in the value of a parameter: calendars and filters have no end.
const (
	maxFound = 20000
	perShape = 10
)

// New begins with a site's host: at most so many pages, at most so many links away; 0: no limit.
func New(host string, most, depth int) *Queue {
	f := &Queue{
		most: most, depth: depth, host: host, allowed: func(string) bool { return true }, Told: func([]string) {},
		away: map[string]int{}, seen: map[string]bool{}, shapes: map[string]int{}, sections: map[string]int{},
	}
	f.changed = sync.NewCond(&f.mu)
	return f
}

// Fixed hands out just these pages.
func Fixed(pages []string) *Queue {
	f := New("", len(pages), 0)
	f.chosen = slices.Clone(pages)
	return f
}

// Next gives a page to visit. It waits while another tab may still find one.
func (f *Queue) Next() (string, bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for {
		if f.taken < len(f.chosen) || f.choose() {
			page := f.chosen[f.taken]
			f.taken++
			f.busy++
			return page, true
		}
		if f.busy == 0 || len(f.chosen) >= f.most {
			return "", false
		}
		f.changed.Wait()
	}
}

// Ready says how many pages could be taken now.
func (f *Queue) Ready() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.chosen) - f.taken + min(len(f.found), f.most-len(f.chosen))
}

// Visited tells what a page that was handed out has led to.
func (f *Queue) Visited(page string, links []string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.busy--
	f.add(links, f.away[page]+1)
	f.changed.Broadcast()
}

// GiveBack returns a page that was handed out and not visited.
func (f *Queue) GiveBack(page string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.busy--
	f.taken--
	i := slices.Index(f.chosen, page)
	f.chosen = append(slices.Delete(f.chosen, i, i+1), page)
	f.changed.Broadcast()
}

// Begin takes what is known at first: the start page, which is handed out already, and what an earlier run has chosen.
func (f *Queue) Begin(pages []string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, p := range pages {
		f.seen[canonical(p)] = true
		f.take(newCandidate(p, 0, f.host))
	}
	f.taken, f.busy = 1, 1
}

// Hints adds pages that the site tells of in other ways than by a link.
func (f *Queue) Hints(pages []string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.add(pages, 1)
	f.changed.Broadcast()
}

func (f *Queue) add(links []string, away int) {
	if f.depth > 0 && away > f.depth {
		return
	}
	for _, link := range links {
		link = plainPage(link)
		if c := canonical(link); !f.seen[c] && len(f.found) < maxFound && f.allowed(link) {
			f.seen[c] = true
			f.found = append(f.found, newCandidate(link, away, f.host))
		}
	}
}

func newCandidate(page string, away int, host string) candidate {
	return candidate{page: page, shape: shape(page), section: section(page), away: away, deep: IsDeep(page), elsewhere: evidence.HostOf(page) != host}
}

// choose takes the page that promises most: of the start page's host, of a kind and a section of which little was
// visited, near the start page, first mentioned. The last place is kept for a page deep in the site, such as a
// product, where one is known: visitors arrive there as well.
func (f *Queue) choose() bool {
	if len(f.chosen) >= f.most {
		return false
	}
	wantDeep := len(f.chosen) == f.most-1 && !slices.ContainsFunc(f.chosen, IsDeep)
	best, least := -1, [5]int{}
	for i, c := range f.found {
		if endless(c.shape) && f.shapes[c.shape] >= perShape {
			continue
		}
		rank := [...]int{one(wantDeep && !c.deep), one(c.elsewhere), f.shapes[c.shape], f.sections[c.section], c.away}
		if best < 0 || slices.Compare(rank[:], least[:]) < 0 {
			best, least = i, rank
		}
	}
	if best < 0 {
		return false
	}
	c := f.found[best]
	f.found = slices.Delete(f.found, best, best+1)
	f.take(c)
	f.Told(f.chosen)
	return true
}

func one(yes bool) int {
	if yes {
		return 1
	}
	return 0
}

func (f *Queue) take(c candidate) {
	f.away[c.page] = c.away
	f.shapes[c.shape]++
	f.sections[c.section]++
	f.chosen = append(f.chosen, c.page)
}

// Restrict leaves out what the site doesn't want to be visited. The start page and what was chosen stay.
func (f *Queue) Restrict(allowed func(page string) bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.allowed = allowed
	f.found = slices.DeleteFunc(f.found, func(c candidate) bool { return !allowed(c.page) })
}

// Left says how many pages are known that were not chosen.
func (f *Queue) Left() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.found)
}

package scanner

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"samtykke/consent"
	"samtykke/scanner/evidence"
	"samtykke/scanner/frontier"
)

// visitor walks through the site in one state, in one tab.
type visitor struct {
	*crawl
	*stay
	tab    *tab
	state  string
	helper bool   // an additional tab, that only visits pages
	looks  bool   // it only looks closely at what the state none has found
	done   bool   // the state was reached
	tool   string // with what
}

// tell reports a step.
func (v *visitor) tell(page, note string) {
	device, visited := v.device(), 0
	if v.stay != nil {
		device, visited = v.stay.manner.device, v.stay.count()
	}
	v.crawl.mu.Lock()
	known := len(v.pages)
	v.crawl.mu.Unlock()
	v.o.Progress(Progress{State: v.state, Device: device, URL: page, Visited: visited, Pages: known, Note: note})
}

// alive says whether the scan goes on and there is a browser to do it with.
func (v *visitor) alive() bool { return v.stay.profile.ctx.Err() == nil && v.stay.ctx.Err() == nil }

// walk goes through the state from the first page to the last. The only error is a start page that nothing
// answers for.
func (v *visitor) walk() error {
	if v.looks {
		v.look()
		return nil
	}
	first := v.visit(v.pages[0])
	switch {
	case v.state == evidence.StateNone && !v.stay.phone:
		return v.discover(first)
	case v.stay.phone:
		v.done = first.Status != 0
		v.linger()
		v.visitEach(v.phonePages())
	case v.state == evidence.StateGPC:
		v.done = first.Status != 0
		v.share(frontier.Fixed(v.pages[1:]))
	default:
		v.answerAndVisit()
	}
	v.leave()
	if v.stay.phone && v.stay.asked() {
		v.inspect()
	}
	return nil
}

func (v *visitor) answerAndVisit() {
	role := "accept"
	if v.state == evidence.StateReject {
		role = "reject"
		v.tab.rec.Answered()
	}
	if !v.answer(role) {
		v.tell("", "the banner could not be answered")
		return
	}
	v.done = true
	v.visitAll()
	if v.state == evidence.StateWithdraw {
		v.done = v.withdraw(v.tool == "samtykke")
	}
}

// discover visits the pages that the start page leads to, and decides thereby what the other states visit. While the
// first tab stays on the start page, untouched, others already go on.
func (v *visitor) discover(first evidence.Visit) error {
	if first.Status == 0 {
		if !v.alive() {
			return nil
		}
		return &consent.Error{Kind: consent.KindUnavailable, Code: "unreachable", Message: "The start page could not be loaded: " + first.Error}
	}
	v.evidence.URL = first.Final
	v.done = true
	f := frontier.New(evidence.HostOf(first.Final), v.o.Pages, v.o.Depth)
	f.Begin(v.pages)
	f.Told = v.chose
	f.Visited(v.pages[0], v.linksOf(first))
	v.wayfind(f)
	v.stay.untouched.Store(true)
	v.share(f, func() {
		v.linger()
		v.stay.untouched.Store(false)
		v.tab.exercise()
		_ = v.settle()
		v.tab.snapshot()
	})
	v.evidence.NotVisited = f.Left()
	v.leave()
	return nil
}

// chose keeps the pages that were chosen, for the other states and for another try.
func (v *visitor) chose(pages []string) {
	v.crawl.mu.Lock()
	defer v.crawl.mu.Unlock()
	v.pages = slices.Clone(pages)
	_ = v.save() // it is only a help: when it can't be kept, the end of the state tells
}

// visit loads a page and keeps what there is then.
func (v *visitor) visit(address string) evidence.Visit {
	at := v.stay.place()
	visit := v.load(address)
	v.stay.visited(at, visit)
	return visit
}

// load loads a page, lets it settle, and records what there is then. It is scrolled and played, to see what only starts
// then; but the start page is first left alone for a while, and as long as nobody has touched that, no other page is.
func (v *visitor) load(address string) evidence.Visit {
	v.tell(address, "")
	if v.tab.ctx.Err() != nil {
		v.replace()
	}
	v.pace.wait(v.stay.ctx, address)
	err := v.tab.open(address)
	if err == nil {
		if !v.watching(address) && v.until(v.o.PageTimeout/2, v.tab.rec.IsLoaded) {
			v.until(v.o.Wait+v.o.PageTimeout, func() bool { return !v.stay.untouched.Load() })
			v.tab.exercise()
		}
		spun := v.tab.halt()
		if err = v.settle(); (v.tab.halt() || spun) && err == nil {
			err = errors.New("a script of the page came to no end")
		}
	}
	visit := v.tab.rec.Visit()
	if refused := v.refused(visit); refused != nil {
		err, visit = refused, evidence.Visit{URL: visit.URL, After: visit.After}
	}
	switch {
	case v.tab.crashed.Load():
		err = errors.New("the page crashed its tab")
		v.replace()
	case visit.Status != 0:
		if err != nil && !v.tab.responds() {
			v.replace()
			break
		}
		visit.Banner = v.tab.banner()
		v.tab.about(&visit)
	}
	v.tab.snapshot()
	return v.worded(visit, err)
}

// watching says whether the page is to be left alone at first.
func (v *visitor) watching(address string) bool {
	v.crawl.mu.Lock()
	defer v.crawl.mu.Unlock()
	return v.state == evidence.StateNone && !v.helper && address == v.pages[0]
}

// refused says why the page where a visit ended may not be looked at, and forgets all of it. A redirect may lead to
// where no scan may start.
func (v *visitor) refused(visit evidence.Visit) error {
	if visit.Final == "" {
		return nil
	}
	err := v.refuse(v.tab.ctx, evidence.HostOf(visit.Final))
	if err != nil {
		v.tab.stop()
		v.tab.rec.Drop()
		_ = v.tab.open("about:blank")
		v.tab.clear(visit.Final)
		v.bar(evidence.HostOf(visit.Final))
	}
	var told *consent.Error
	if errors.As(err, &told) {
		return errors.New(told.Message)
	}
	return err
}

// replace opens a new tab in the place of one that is of no more use. Everything stored is still there.
func (v *visitor) replace() {
	if !v.alive() {
		return
	}
	v.tab.end()
	if t, err := v.stay.profile.newTab(v.tab.rec); err == nil {
		v.tab = t
	}
}

// leave ends the last page, so that what it stores when it is left is seen as well.
func (v *visitor) leave() {
	if v.tab.ctx.Err() == nil {
		v.tab.leave()
		_ = v.settle()
		v.tab.snapshot()
	}
}

func (v *visitor) linksOf(visit evidence.Visit) []string {
	if visit.Status == 0 || visit.Error != "" && visit.Status < 400 {
		return nil
	}
	return slices.DeleteFunc(frontier.Links(visit.Final, v.tab.links()), func(p string) bool { return p == visit.Final })
}

// visitAll visits the pages that the state none has chosen, the start page first and alone.
func (v *visitor) visitAll() {
	if !v.alive() {
		return
	}
	again := v.visit(v.pages[0])
	v.stay.calm.Store(again.Status != 0 && !again.Banner.Seen)
	v.share(frontier.Fixed(v.pages[1:]))
}

// visitEach visits pages in this tab.
func (v *visitor) visitEach(pages []string) {
	for _, page := range pages {
		if v.alive() {
			v.visit(page)
		}
	}
}

// phonePages is one page below the start page, a deep one where there is one.
func (v *visitor) phonePages() []string {
	rest := v.pages[1:]
	if i := slices.IndexFunc(rest, frontier.IsDeep); i >= 0 {
		return rest[i : i+1]
	}
	return rest[:min(1, len(rest))]
}

// worded puts into words how a load went.
func (v *visitor) worded(visit evidence.Visit, err error) evidence.Visit {
	switch {
	case err != nil:
		visit.Error = err.Error()
	case visit.Status >= 400:
		visit.Error = fmt.Sprintf("HTTP status %d", visit.Status)
	}
	if visit.Error != "" {
		v.tell(visit.URL, visit.Error)
	}
	return visit
}

// wayfind asks the site itself which pages it has and which it wants to be left alone. A site that doesn't say is
// walked by its links only.
func (v *visitor) wayfind(f *frontier.Queue) {
	ctx, cancel := context.WithTimeout(v.stay.ctx, frontier.WayTimeout)
	defer cancel()
	client, root := v.o.guard.Client(), frontier.OriginOf(v.evidence.URL)
	if text, err := frontier.Fetch(ctx, client, root+"/robots.txt", frontier.MaxRobots); err == nil {
		v.robots = frontier.ReadRobots(text)
	}
	if v.o.Rate <= 0 {
		v.pace.slow(v.robots.Delay)
	}
	f.Restrict(v.robots.Allows)
	f.Hints(frontier.SitemapPages(ctx, client, v.evidence.URL, v.robots.Sitemaps))
}

package scanner

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"samtykke/consent"
)

// visitor walks through the site in one state.
type visitor struct {
	*crawl
	tab   *tab
	state string
	done  bool   // the state was reached
	tool  string // with what
}

func (v *visitor) tell(what string) { v.o.Progress(v.state + ": " + what) }

// walk goes through the state from the first page to the last. The only error is a start page that nothing
// answers for.
func (v *visitor) walk() error {
	first := v.visit(v.pages[0])
	if v.state == StateNone {
		if first.Status == 0 {
			return &consent.Error{Kind: consent.KindUnavailable, Code: "unreachable", Message: "The start page could not be loaded: " + first.Error}
		}
		v.evidence.URL, v.version = first.Final, v.tab.version()
		v.done = true
		v.linger()
		v.discover(first)
		return nil
	}
	role, label := "accept", first.Banner.Accept
	if v.state == StateReject {
		role, label = "reject", first.Banner.Reject
		v.tab.rec.answered()
	}
	if label == "" || !v.answer(role) {
		v.tell("the banner could not be answered")
		return nil
	}
	if v.done, v.tool = true, label; first.Banner.Own {
		v.tool = "samtykke"
	}
	v.visitAll()
	if v.state == StateWithdraw {
		v.done = v.withdraw(first.Banner.Own)
	}
	return nil
}

// visit loads a page, lets it settle, and records what there is then. Where a yes is given or taken back, the page is
// also scrolled and played, to see what only starts then.
func (v *visitor) visit(address string) Visit {
	v.tell(address)
	err := v.tab.open(address)
	if err == nil {
		allowed := v.state == StateAccept || v.state == StateWithdraw
		if allowed && v.until(v.o.PageTimeout/2, v.tab.rec.isLoaded) {
			v.tab.exercise()
		}
		err = v.settle()
	}
	visit := v.tab.rec.visit()
	if refused := v.refused(visit); refused != nil {
		err, visit = refused, Visit{URL: visit.URL, After: visit.After}
	}
	switch {
	case err != nil:
		visit.Error = err.Error()
		v.tell(address + ": " + visit.Error)
	case visit.Status >= 400:
		visit.Error = fmt.Sprintf("HTTP status %d", visit.Status)
	}
	if visit.Status != 0 {
		visit.Banner = v.tab.banner()
		v.tab.snapshot()
	}
	v.tab.rec.visited(visit)
	return visit
}

// refused says why the page where a visit ended may not be looked at, and forgets all of it. A redirect may lead to
// where no scan may start.
func (v *visitor) refused(visit Visit) error {
	if visit.Final == "" {
		return nil
	}
	err := v.refuse(v.tab.ctx, hostOf(visit.Final))
	if err != nil {
		v.tab.stop()
		v.tab.rec.drop()
		_ = v.tab.open("about:blank")
		v.tab.clear(visit.Final)
	}
	var told *consent.Error
	if errors.As(err, &told) {
		return errors.New(told.Message)
	}
	return err
}

// discover visits the pages that the start page leads to, and decides thereby what the other states visit.
func (v *visitor) discover(first Visit) {
	found := v.linksOf(first)
	for len(v.pages) < v.o.Pages && v.tab.ctx.Err() == nil {
		next := nextPage(v.pages, found, v.o.Pages)
		if next == "" {
			return
		}
		v.pages = append(v.pages, next)
		found = append(found, v.linksOf(v.visit(next))...)
	}
}

func (v *visitor) linksOf(visit Visit) []string {
	if visit.Status == 0 {
		return nil
	}
	return slices.DeleteFunc(pageLinks(visit.Final, v.tab.links()), func(p string) bool { return p == visit.Final })
}

// visitAll visits the pages that the state none has chosen.
func (v *visitor) visitAll() {
	for _, page := range v.pages {
		if v.tab.ctx.Err() == nil {
			v.visit(page)
		}
	}
}

// linger stays on the start page for five times the quiet, since some scripts wait before they store.
func (v *visitor) linger() {
	v.until(5*v.o.Quiet, func() bool { return false })
	_ = v.settle()
	v.tab.snapshot()
}

// answer presses a button of the banner and waits until the banner is gone and the page quiet. A banner may still be
// sliding in. A button that led to another page was only an answer if the banner stays away from where it was.
func (v *visitor) answer(role string) bool {
	at := v.tab.address()
	if !v.until(v.o.PageTimeout/4, func() bool { return v.tab.press(role) }) ||
		!v.until(v.o.PageTimeout, func() bool { return !v.tab.banner().Seen }) {
		return false
	}
	_ = v.settle()
	if v.tab.address() != at {
		if back := v.visit(v.pages[0]); back.Status == 0 || back.Banner.Seen {
			return false
		}
	}
	v.tab.snapshot()
	return true
}

// withdraw takes the consent back on the start page and then visits the pages anew. What the old page still does
// until it is left doesn't count, so the new window opens on an empty page.
func (v *visitor) withdraw(own bool) bool {
	v.tell("withdraw the consent")
	v.visit(v.pages[0])
	if own && !v.tab.withdrawOwn() || !own && !v.reopenAndReject() {
		v.tell("the consent could not be withdrawn")
		return false
	}
	_ = v.settle()
	v.tab.snapshot()
	_ = v.tab.open("about:blank")
	_ = v.settle()
	v.tab.rec.answered()
	v.visitAll()
	return true
}

// reopenAndReject withdraws where the tool is not ours: by a button that says so, or by opening the banner again
// and refusing.
func (v *visitor) reopenAndReject() bool {
	at := v.tab.address()
	if v.tab.press("withdraw") {
		_ = v.settle()
		if v.tab.banner().Seen {
			return v.answer("reject")
		}
		return v.tab.address() == at // another page may only tell how to
	}
	if !v.tab.press("reopen") {
		return false
	}
	if !v.until(v.o.PageTimeout/2, func() bool { return v.tab.banner().Reject != "" }) {
		return false
	}
	return v.answer("reject")
}

// settle waits until the page has loaded and its network is quiet.
func (v *visitor) settle() error {
	if v.until(v.o.PageTimeout, func() bool { return v.tab.rec.quiet(v.o.Quiet) }) {
		return nil
	}
	if err := v.tab.ctx.Err(); err != nil {
		return err
	}
	v.tab.stop()
	return fmt.Errorf("still loading after %s", v.o.PageTimeout)
}

// until waits for a condition and says whether it came true in time.
func (v *visitor) until(limit time.Duration, come func() bool) bool {
	deadline := time.NewTimer(limit)
	defer deadline.Stop()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for !come() {
		select {
		case <-tick.C:
		case <-deadline.C:
			return false
		case <-v.tab.ctx.Done():
			return false
		}
	}
	return true
}

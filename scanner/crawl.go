// Package scanner visits a website in a real browser, in each state of consent, and tells what the site stores and
// requests in it. It first collects evidence and then judges it by pure functions; it says what it found, never
// what is lawful. It knows no database and serves no HTTP.
package scanner

import (
	"context"
	"fmt"
	"net/url"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"samtykke/consent"
)

// Options say how to scan. The zero value scans five pages of a public site.
type Options struct {
	Pages        int               // at most this many pages in each state; default 5
	Browser      string            // path of Chromium; empty: looked for on the PATH
	MapHosts     map[string]string // host name to address, instead of asking the DNS
	AllowPrivate bool              // this machine and private networks may be scanned
	Declaration  []consent.Item    // what the site declares; nil: not known
	Progress     func(string)      // is told in plain words what goes on; may be nil
	Quiet        time.Duration     // a page is done when its network has rested for so long; default 1 s
	PageTimeout  time.Duration     // a page gets no longer than this; default 20 s
	Now          func() time.Time  // the clock, safe for use by several goroutines; default time.Now
}

func (o *Options) defaults() {
	if o.Pages <= 0 {
		o.Pages = 5
	}
	if o.Quiet <= 0 {
		o.Quiet = time.Second
	}
	if o.PageTimeout <= 0 {
		o.PageTimeout = 20 * time.Second
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	tell, alone := o.Progress, new(sync.Mutex) // states are visited side by side
	o.Progress = func(line string) {
		alone.Lock()
		defer alone.Unlock()
		if tell != nil {
			tell(line)
		}
	}
}

// Scan visits the site of a web address in the states none, reject, accept and withdraw, each in a fresh browser
// profile, and reports what it found. A page that fails or hangs is named in the report and doesn't stop the scan;
// only a start page that can't be reached at all does. Errors for people are consent.Error with the codes bad_url,
// private_address, no_browser, browser_failed and unreachable.
func Scan(ctx context.Context, address string, o Options) (Report, error) {
	o.defaults()
	start, err := parseStart(address)
	if err != nil {
		return Report{}, err
	}
	refuse := func(ctx context.Context, host string) error { return checkPublic(ctx, host, o.MapHosts) }
	if o.AllowPrivate {
		refuse = func(context.Context, string) error { return nil }
	}
	if err := refuse(ctx, start.Hostname()); err != nil {
		return Report{}, err
	}
	program, err := findBrowser(o.Browser)
	if err != nil {
		return Report{}, err
	}
	began := o.Now()
	c := &crawl{o: &o, refuse: refuse, program: program, start: start, pages: []string{start.String()}}
	if err := c.run(ctx); err != nil {
		return Report{}, err
	}
	r := newReport(c.evidence, o.Declaration)
	r.Browser, r.StartedAt, r.FinishedAt = c.version, began.UTC(), o.Now().UTC()
	return r, nil
}

// crawl is a scan in progress. The state none fills in pages, version and the address; after it they only are read.
type crawl struct {
	o        *Options
	refuse   func(ctx context.Context, host string) error // why a host may not be visited; nil where it may
	program  string
	start    *url.URL
	pages    []string // to visit in each state; grows in the first
	version  string
	evidence Evidence
}

// run visits the state none first, since it finds the pages, and then the others, two at a time: they mostly wait.
func (c *crawl) run(ctx context.Context) error {
	c.evidence.States = make([]StateEvidence, len(states))
	for i, state := range states {
		c.evidence.States[i].State = state
	}
	if err := c.visitIn(ctx, StateNone); err != nil || !c.bannerSeen() {
		return err
	}
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(2)
	for _, state := range []string{StateWithdraw, StateAccept, StateReject} { // the longest first
		g.Go(func() error { return c.visitIn(ctx, state) })
	}
	return g.Wait()
}

// bannerSeen says whether there is anything to answer. Without a banner the other states would all be like none.
func (c *crawl) bannerSeen() bool {
	return slices.ContainsFunc(c.evidence.state(StateNone).Visits, func(v Visit) bool { return v.Banner.Seen })
}

// visitIn collects the evidence of one state.
func (c *crawl) visitIn(ctx context.Context, state string) error {
	rec := newRecorder(state, c.o.Now)
	t, closeTab, err := openTab(ctx, c.program, c.o, rec)
	if err != nil {
		return err
	}
	defer closeTab()
	v := &visitor{crawl: c, tab: t, state: state}
	err = v.walk()
	switch {
	case ctx.Err() != nil:
		return fmt.Errorf("scan: %w", ctx.Err())
	case t.ctx.Err() != nil:
		return &consent.Error{Kind: consent.KindUnavailable, Code: "browser_failed", Message: "Chromium ended before the scan did."}
	case err != nil:
		return err
	}
	s := rec.evidence()
	s.Done, s.Tool = v.done, v.tool
	c.evidence.States[stateOrder(state)] = s
	return nil
}

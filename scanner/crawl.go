// Package scanner visits a website in a real browser, in each state of consent, and tells what the site stores and
// requests in it. It first collects evidence and then judges it by pure functions; it says what it found, never
// what is lawful. It knows no database and serves no HTTP.
package scanner

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"samtykke/consent"
)

// Options say how to scan. The zero value scans five pages of a public site.
type Options struct {
	Pages         int               // at most this many pages in each state; default 5
	Depth         int               // at most this many links away from the start page; 0: no limit
	Tabs          int               // at most this many open at once over all states, 1 to 4; default 4
	Rate          time.Duration     // between the loads of two pages of one host; 0: as the site's robots.txt asks
	Device        string            // Desktop or Mobile alone; "": everything on Desktop, and what a phone sees before the answer
	Resume        string            // path of a file that keeps the progress, so that an interrupted scan goes on; "" for none
	Browser       string            // path of Chromium; empty: looked for on the PATH
	RunAs         string            // user that runs the browser, where we are root; "": whoever we are
	MapHosts      map[string]string // host name to address, instead of asking the DNS
	AllowPrivate  bool              // this machine and private networks may be scanned
	HAR           bool              // the requests are kept for WriteHAR as well
	Declaration   []consent.Item    // what the site declares; nil: not known
	LifetimeLimit time.Duration     // how long a cookie may last before that is a finding; default DefaultLifetimeLimit
	Progress      func(Progress)    // is told what goes on, one call at a time; may be nil
	Quiet         time.Duration     // a page is done when its network has rested for so long and no timer is due; default 250 ms
	Wait          time.Duration     // the start page is watched for so long before anybody touches it; default 5 s
	PageTimeout   time.Duration     // a page gets no longer than this; default 20 s
	Now           func() time.Time  // the clock, safe for use by several goroutines; default time.Now

	guard *guard // of this scan; made by defaults
}

// maxTabs is the most tabs that are open at once.
const maxTabs = 4

func (o *Options) defaults() {
	if o.Pages <= 0 {
		o.Pages = 5
	}
	if o.Tabs <= 0 || o.Tabs > maxTabs {
		o.Tabs = maxTabs
	}
	if o.Quiet <= 0 {
		o.Quiet = 250 * time.Millisecond
	}
	if o.Wait <= 0 {
		o.Wait = 5 * time.Second
	}
	if o.PageTimeout <= 0 {
		o.PageTimeout = 20 * time.Second
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.guard == nil {
		o.guard = newGuard(o)
	}
	tell, alone := o.Progress, new(sync.Mutex) // states are visited side by side
	o.Progress = func(p Progress) {
		alone.Lock()
		defer alone.Unlock()
		if tell != nil {
			tell(p)
		}
	}
}

// Progress is one step of a scan.
type Progress struct {
	State   string // which is being visited
	Device  string // Desktop or Mobile
	URL     string // of the page; "" when the step is about the state
	Visited int    // pages done in this state
	Pages   int    // pages known so far
	Note    string // what is worth telling, in plain English; "" when the page is just visited
}

// String is the step as a line for a terminal.
func (p Progress) String() string {
	return strings.TrimSuffix(strings.Join(strings.Fields(p.State+": "+p.URL+" "+p.Note), " "), ":")
}

// Scan visits the site of a web address in the states none, reject, accept, withdraw and gpc, each in a fresh browser
// profile, and reports what it found. A page that fails or hangs is named in the report and doesn't stop the scan;
// only a start page that can't be reached at all does. Errors for people are consent.Error with the codes bad_url,
// private_address, no_browser, browser_failed, unreachable and bad_resume.
func Scan(ctx context.Context, address string, o Options) (Report, error) {
	o.defaults()
	start, err := parseStart(address)
	if err != nil {
		return Report{}, err
	}
	if err := o.guard.refuseStart(ctx, start); err != nil {
		return Report{}, err
	}
	program, err := findBrowser(o.Browser)
	if err != nil {
		return Report{}, err
	}
	began := o.Now()
	c := &crawl{o: &o, refuse: o.guard.refuse, program: program, start: start, pages: []string{start.String()}}
	c.pace.slow(o.Rate)
	if err := c.resume(); err != nil {
		return Report{}, err
	}
	if err := c.run(ctx); err != nil {
		return Report{}, err
	}
	r := newReport(c.evidence, JudgeOptions{Declaration: o.Declaration, LifetimeLimit: o.LifetimeLimit})
	r.Scope.Pages, r.Scope.Depth, r.Scope.Device = o.Pages, o.Depth, o.Device
	r.Browser, r.StartedAt, r.FinishedAt = c.version, began.UTC(), o.Now().UTC()
	return r, nil
}

// crawl is a scan in progress. The state none fills in pages and the address; after it they only are read.
type crawl struct {
	o        *Options
	refuse   func(ctx context.Context, host string) error // why a host may not be visited; nil where it may
	program  string
	start    *url.URL
	robots   robots
	tabs     *pool
	pace     pacer
	pages    []string // to visit in each state
	version  string
	evidence Evidence

	mu      sync.Mutex // guards what follows, and pages while the state none is visited
	browser *chromium
	done    []string // states that are finished
}

// The names under which what is no state of its own is kept among the states that are done: the visit of a phone, and the
// close look at the banner and at what the site says of its cookies.
const (
	phone = "phone"
	look  = "look"
)

// run visits the state none first, since it finds the pages, and then the others side by side, as far as tabs are free.
func (c *crawl) run(ctx context.Context) error {
	defer c.quit()
	if c.tabs == nil {
		c.tabs = newPool(c.o.Tabs)
	}
	if c.evidence.States == nil {
		c.evidence.States = make([]StateEvidence, len(states))
	}
	for i, state := range states {
		c.evidence.States[i].State, c.evidence.States[i].Device = state, c.device()
	}
	if err := c.complete(ctx, StateNone); err != nil {
		return err
	}
	rest := []string{StateGPC}
	if c.bannerSeen() {
		rest = []string{StateWithdraw, StateAccept, StateReject, StateGPC} // the longest first
	}
	if c.o.Device == "" {
		rest = append(rest, phone)
	}
	rest = append(rest, look)
	g, ctx := errgroup.WithContext(ctx)
	for _, state := range rest {
		g.Go(func() error { return c.complete(ctx, state) })
	}
	if err := g.Wait(); err != nil {
		return err
	}
	return c.forgetProgress()
}

// device is the screen of all states.
func (c *crawl) device() string { return cmp.Or(c.o.Device, Desktop) }

// bannerSeen says whether there is anything to answer. Without a banner the answers would all be like none.
func (c *crawl) bannerSeen() bool {
	return slices.ContainsFunc(c.evidence.state(StateNone).Visits, func(v Visit) bool { return v.Banner.Seen })
}

// attempts is how often a state is begun when the browser ends in the middle of it.
const attempts = 3

// complete collects the evidence of one state and keeps it, unless that was done before.
func (c *crawl) complete(ctx context.Context, state string) error {
	if c.isDone(state) {
		return nil
	}
	if err := c.tabs.take(ctx); err != nil {
		return fmt.Errorf("scan: %w", err)
	}
	defer c.tabs.give()
	for n := 1; ; n++ {
		s, err := c.visitIn(ctx, state)
		switch {
		case ctx.Err() != nil:
			return fmt.Errorf("scan: %w", ctx.Err())
		case errors.Is(err, errEnded) && n < attempts:
			c.o.Progress(Progress{State: state, Device: s.Device, Note: "the browser ended; the state begins anew"})
			continue
		case errors.Is(err, errEnded):
			return &consent.Error{Kind: consent.KindUnavailable, Code: "browser_failed", Message: "Chromium ended before the scan did."}
		case err != nil:
			return err
		}
		return c.keep(state, s)
	}
}

func (c *crawl) isDone(state string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Contains(c.done, state)
}

// errEnded is that the browser ended while it was needed.
var errEnded = errors.New("the browser has ended")

// keep puts the evidence of a state in its place.
func (c *crawl) keep(state string, s StateEvidence) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch state {
	case phone:
		c.evidence.Phone = s
	case look:
		c.evidence.state(StateNone).lookedAt(s)
	default:
		c.evidence.States[stateOrder(state)] = s
	}
	c.done = append(c.done, state)
	return c.save()
}

// chromium gives the one browser, and starts it, or starts it again, where there is none.
func (c *crawl) chromium(ctx context.Context) (*chromium, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.browser != nil && c.browser.ctx.Err() == nil {
		return c.browser, nil
	}
	if c.browser != nil {
		c.browser.close()
	}
	b, err := startChromium(ctx, c.program, c.o)
	if err != nil {
		return nil, err
	}
	c.browser, c.version = b, b.version
	return b, nil
}

func (c *crawl) quit() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.browser != nil {
		c.browser.close()
	}
}

// visitIn collects the evidence of one state, in a fresh profile.
func (c *crawl) visitIn(ctx context.Context, state string) (StateEvidence, error) {
	m := manner{device: c.device(), gpc: state == StateGPC}
	looks := state == look
	switch state {
	case phone:
		m.device, state = Mobile, StateNone
	case look:
		state = StateNone
	}
	lost := StateEvidence{State: state, Device: m.device}
	b, err := c.chromium(ctx)
	if err != nil {
		return lost, err
	}
	p, err := b.newProfile(m)
	if err != nil {
		return lost, endedOr(b, err)
	}
	defer p.forget()
	v := &visitor{crawl: c, state: state, stay: &stay{profile: p, ctx: ctx, phone: c.device() != m.device}, looks: looks}
	if v.tab, err = v.newTab(false); err != nil {
		return lost, endedOr(b, err)
	}
	defer func() { v.tab.end() }()
	err = v.walk()
	if b.ctx.Err() != nil {
		return lost, errEnded
	}
	s := v.stay.gathered(state)
	s.Device, s.Done, s.Tool, s.Refused = m.device, v.done, v.tool, p.way.refusals()
	return s, err
}

// endedOr tells a browser that has ended from one that refuses.
func endedOr(b *chromium, err error) error {
	if b.ctx.Err() != nil {
		return errEnded
	}
	return err
}

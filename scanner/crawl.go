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

	"golang.org/x/sync/errgroup"

	"samtykke/consent"
	"samtykke/scanner/evidence"
	"samtykke/scanner/frontier"
)

// crawl is a scan in progress. The state none fills in pages and the address; after it they only are read.
type crawl struct {
	o        *Options
	refuse   func(ctx context.Context, host string) error // why a host may not be visited; nil where it may
	program  string
	start    *url.URL
	robots   frontier.Robots
	tabs     *pool
	pace     pacer
	pages    []string // to visit in each state
	version  string
	evidence evidence.Site

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
		c.evidence.States = make([]evidence.State, len(evidence.States))
	}
	for i, state := range evidence.States {
		c.evidence.States[i].State, c.evidence.States[i].Device = state, c.device()
	}
	if err := c.complete(ctx, evidence.StateNone); err != nil {
		return err
	}
	rest := []string{evidence.StateGPC}
	if c.bannerSeen() {
		rest = []string{evidence.StateWithdraw, evidence.StateAccept, evidence.StateReject, evidence.StateGPC} // the longest first
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
func (c *crawl) device() string { return cmp.Or(c.o.Device, evidence.Desktop) }

// bannerSeen says whether there is anything to answer. Without a banner the answers would all be like none.
func (c *crawl) bannerSeen() bool {
	return slices.ContainsFunc(c.evidence.State(evidence.StateNone).Visits, func(v evidence.Visit) bool { return v.Banner.Seen })
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
func (c *crawl) keep(state string, s evidence.State) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch state {
	case phone:
		c.evidence.Phone = s
	case look:
		lookedAt(c.evidence.State(evidence.StateNone), s)
	default:
		c.evidence.States[evidence.StateOrder(state)] = s
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
func (c *crawl) visitIn(ctx context.Context, state string) (evidence.State, error) {
	m := manner{device: c.device(), gpc: state == evidence.StateGPC}
	looks := state == look
	switch state {
	case phone:
		m.device, state = evidence.Mobile, evidence.StateNone
	case look:
		state = evidence.StateNone
	}
	lost := evidence.State{State: state, Device: m.device}
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
	s.Device, s.Done, s.Tool, s.Refused = m.device, v.done, v.tool, p.way.Refusals()
	return s, err
}

// endedOr tells a browser that has ended from one that refuses.
func endedOr(b *chromium, err error) error {
	if b.ctx.Err() != nil {
		return errEnded
	}
	return err
}

// parseStart wants a web address such as a person would type; https:// is added where there is no scheme.
func parseStart(raw string) (*url.URL, error) {
	raw = strings.TrimSpace(raw)
	if raw != "" && !strings.Contains(raw, "://") {
		raw = "https://" + raw
	}
	u, err := url.Parse(raw)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "" || u.User != nil || len(raw) > 2000 {
		return nil, consent.Invalid("bad_url", "Give a web address to scan, such as https://shop.dk/.")
	}
	if u.Path == "" {
		u.Path = "/"
	}
	u.Fragment, u.RawFragment = "", ""
	return u, nil
}

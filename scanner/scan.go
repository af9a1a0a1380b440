// Package scanner visits a website in a real browser, in each state of consent, and tells what the site stores and
// requests in it. It collects evidence; what that means is said by judgement, which Scan alone calls. It says what it
// found, never what is lawful. It knows no database and serves no HTTP.
package scanner

import (
	"context"
	"strings"
	"sync"
	"time"

	"samtykke/consent"
	"samtykke/scanner/guard"
	"samtykke/scanner/judgement"
)

// Options say how to scan. The zero value scans five pages of a public site.
type Options struct {
	Pages         int               // at most this many pages in each state; default 5
	Depth         int               // at most this many links away from the start page; 0: no limit
	Tabs          int               // at most this many open at once over all states, 1 to 4; default 4
	Rate          time.Duration     // between the loads of two pages of one host; 0: as the site's robots.txt asks
	Device        string            // evidence.Desktop or Mobile alone; "": everything on Desktop, and what a phone sees before the answer
	Resume        string            // path of a file that keeps the progress, so that an interrupted scan goes on; "" for none
	Browser       string            // path of Chromium; empty: looked for on the PATH
	RunAs         string            // user that runs the browser, where we are root; "": whoever we are
	MapHosts      map[string]string // host name to address, instead of asking the DNS
	AllowPrivate  bool              // this machine and private networks may be scanned
	HAR           bool              // the requests are kept for report.HAR as well
	Declaration   []consent.Item    // what the site declares; nil: not known
	LifetimeLimit time.Duration     // how long a cookie may last before that is a finding; default judgement.DefaultLifetimeLimit
	Progress      func(Progress)    // is told what goes on, one call at a time; may be nil
	Quiet         time.Duration     // a page is done when its network has rested for so long and no timer is due; default 250 ms
	Wait          time.Duration     // the start page is watched for so long before anybody touches it; default 5 s
	PageTimeout   time.Duration     // a page gets no longer than this; default 20 s
	Now           func() time.Time  // the clock, safe for use by several goroutines; default time.Now

	guard *guard.Gate // of this scan; made by defaults
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
		o.guard = guard.New(o.AllowPrivate, o.MapHosts, o.Pages)
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
	Device  string // evidence.Desktop or Mobile
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
func Scan(ctx context.Context, address string, o Options) (judgement.Report, error) {
	o.defaults()
	start, err := parseStart(address)
	if err != nil {
		return judgement.Report{}, err
	}
	if err := o.guard.RefuseStart(ctx, start); err != nil {
		return judgement.Report{}, err
	}
	program, err := findBrowser(o.Browser)
	if err != nil {
		return judgement.Report{}, err
	}
	began := o.Now()
	c := &crawl{o: &o, refuse: o.guard.Refuse, program: program, start: start, pages: []string{start.String()}}
	c.pace.slow(o.Rate)
	if err := c.resume(); err != nil {
		return judgement.Report{}, err
	}
	if err := c.run(ctx); err != nil {
		return judgement.Report{}, err
	}
	r := judgement.NewReport(c.evidence, judgement.Options{Declaration: o.Declaration, LifetimeLimit: o.LifetimeLimit})
	r.Scope.Pages, r.Scope.Depth, r.Scope.Device = o.Pages, o.Depth, o.Device
	r.Browser, r.StartedAt, r.FinishedAt = c.version, began.UTC(), o.Now().UTC()
	return r, nil
}

package scanner

import (
	"net/url"
	"strings"
	"sync"
	"time"

	"samtykke/consent"
)

// The states of consent in which a site is visited, each in a profile of its own.
const (
	StateNone     = "none"     // nobody answers
	StateReject   = "reject"   // everything is refused
	StateAccept   = "accept"   // everything is accepted
	StateWithdraw = "withdraw" // everything is accepted, then withdrawn
)

// Evidence is what a scan recorded, before anybody judges it. It holds names, hosts and times, never a value.
type Evidence struct {
	URL    string // where the start page ended up
	States []StateEvidence
}

// StateEvidence is what was recorded in one state. Everything marked After came after the visitor's answer; in the
// state withdraw, after the withdrawal and on a freshly loaded page.
type StateEvidence struct {
	State     string
	Done      bool   // the state was reached; without it the rest is what was seen on the way
	Tool      string // "samtykke", or the label that was pressed; "" where nothing could be
	Visits    []Visit
	Writes    []Write
	Snapshots []Snapshot // in the order in which they were taken
	Requests  []Call
}

// Visit is one page load.
type Visit struct {
	URL    string
	Final  string // where redirects led; "" where nothing answered
	Status int    // HTTP status of the document; 0 where nothing answered
	HTML   bool
	Error  string // why the page could not be read; "" when all went well
	After  bool
	Banner Banner
}

// Banner is what asked for consent on a page, as far as it was recognised.
type Banner struct {
	Seen   bool
	Own    bool   // this product's
	Accept string // label of the button; "" where there was none
	Reject string
	Other  string // label of a further button that nobody knows; "" where there was none
}

// Write is one attempt to store something: a Set-Cookie header, or a call in a page.
type Write struct {
	Kind     consent.ItemKind
	Name     string
	Host     string // for whom
	By       string // address of the response or of the script
	Page     string
	After    bool
	Lifetime time.Duration // in the terms of consent.Item
	Unclear  bool          // its date could not be read: only the browser knows the lifetime
	Removes  bool          // it deletes
	Kept     bool          // the browser kept it, as far as could be seen at once
	Refused  string        // why the browser refused it
}

// Snapshot is what the browser held at one moment. Cookies are complete; the rest is known for the hosts whose
// frames were open.
type Snapshot struct {
	Page  string
	After bool
	Hosts []string // whose other storage could be read
	Items []Stored
}

// Stored is one thing in the browser.
type Stored struct {
	Kind        consent.ItemKind
	Name        string
	Host        string
	Path        string
	Lifetime    time.Duration // what is left of it, in the terms of consent.Item
	HTTPOnly    bool
	Secure      bool
	SameSite    string
	Partitioned bool
}

// Call is one request to the network.
type Call struct {
	URL       string // without query and fragment
	Type      string // as the browser's network tools call it, in lower case
	Initiator string // address of the script or page that caused it
	Page      string
	After     bool
	Consent   bool // the response says that it is this product's banner
}

// key identifies what a declaration has one entry for.
type key struct {
	kind consent.ItemKind
	name string
	host string // without a leading dot
}

func (s Stored) key() key { return key{s.Kind, s.Name, strings.TrimPrefix(s.Host, ".")} }
func (w Write) key() key  { return key{w.Kind, w.Name, strings.TrimPrefix(w.Host, ".")} }

// plainURL drops what may name a person: user, query and fragment.
func plainURL(raw string) string {
	u, err := url.Parse(raw)
	if err != nil {
		return clip(raw, 300)
	}
	u.User, u.RawQuery, u.ForceQuery, u.Fragment, u.RawFragment = nil, "", false, "", ""
	return clip(u.String(), 300)
}

func hostOf(raw string) string {
	u, err := url.Parse(raw)
	if err != nil {
		return ""
	}
	return strings.ToLower(u.Hostname())
}

func clip(s string, n int) string {
	if len(s) <= n {
		return s
	}
	return strings.ToValidUTF8(s[:n], "") + "…"
}

// maxCalls bounds what a page that never stops requesting can cost.
const maxCalls = 5000

// recorder collects the evidence of one state. The browser's events and the crawl use it from several goroutines.
type recorder struct {
	mu     sync.Mutex
	now    func() time.Time
	page   string
	after  bool
	loaded bool
	status int
	final  string
	html   bool
	open   map[string]time.Time // requests in flight, since when
	hops   map[string][]hop     // by request
	extras map[string][]extra
	active time.Time // when a request last started or ended
	state  StateEvidence
	writes int // how many of state.Writes came before the current page
	calls  int // and of state.Requests
}

// hop is one address of a request; a redirected request has several. told says that the browser will report, or
// has reported, the raw headers of its response.
type hop struct {
	url, page string
	after     bool
	told      bool
	call      int // place in state.Requests
}

// extra is the part of a response that Chromium reports apart from it, in its own time.
type extra struct {
	lines   []string          // Set-Cookie
	refused map[string]string // line, why
}

func newRecorder(state string, now func() time.Time) *recorder {
	return &recorder{
		now: now, state: StateEvidence{State: state}, open: map[string]time.Time{}, hops: map[string][]hop{}, extras: map[string][]extra{},
	}
}

// begin starts a page. What was still in flight for the page before no longer keeps anybody waiting.
func (r *recorder) begin(page string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.flush()
	r.page, r.loaded, r.status, r.final, r.html, r.active = page, false, 0, "", false, time.Now()
	r.writes, r.calls = len(r.state.Writes), len(r.state.Requests)
	clear(r.open)
}

// drop forgets what was recorded on the current page.
func (r *recorder) drop() {
	r.mu.Lock()
	defer r.mu.Unlock()
	clear(r.extras)
	clear(r.hops)
	r.state.Writes, r.state.Requests = r.state.Writes[:r.writes], r.state.Requests[:r.calls]
}

// answered opens the window of evidence that follows the visitor's answer.
func (r *recorder) answered() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.after = true
}

// request notes that a request goes out, and, when it is a redirect, how the hop before ended.
func (r *recorder) request(id, rawURL, kind, initiator string, redirectTold bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !strings.HasPrefix(rawURL, "http") && !strings.HasPrefix(rawURL, "ws") {
		return
	}
	if n := len(r.hops[id]); n > 0 {
		r.hops[id][n-1].told = redirectTold
	}
	h := hop{url: plainURL(rawURL), page: r.page, after: r.after, told: true, call: -1}
	if len(r.state.Requests) < maxCalls {
		h.call = len(r.state.Requests)
		r.state.Requests = append(r.state.Requests, Call{
			URL: h.url, Type: strings.ToLower(kind), Initiator: plainURL(initiator), Page: r.page, After: r.after,
		})
	}
	r.hops[id] = append(r.hops[id], h)
	r.active = time.Now()
	if kind != "EventSource" && kind != "WebSocket" { // they stay open for ever
		r.open[id] = r.active
	}
}

// response notes the headers that a request was answered with.
func (r *recorder) response(id string, told, ours bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if n := len(r.hops[id]); n > 0 {
		h := &r.hops[id][n-1]
		h.told = told
		if ours && h.call >= 0 {
			r.state.Requests[h.call].Consent = true
		}
	}
}

func (r *recorder) document(rawURL string, status int, mime string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.final, r.status, r.html = rawURL, status, strings.Contains(mime, "html")
}

func (r *recorder) rawHeaders(id string, e extra) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.extras[id] = append(r.extras[id], e)
}

func (r *recorder) finished(id string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if _, ok := r.open[id]; ok {
		delete(r.open, id)
		r.active = time.Now()
	}
}

func (r *recorder) load() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.loaded, r.active = true, time.Now()
}

func (r *recorder) isLoaded() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.loaded
}

// touch counts as a sign of life: quiet starts anew.
func (r *recorder) touch() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.active = time.Now()
}

func (r *recorder) write(w Write) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if w.Name == "" || len(r.state.Writes) >= maxCalls {
		return
	}
	w.Name, w.By, w.Page, w.After = clip(w.Name, 200), plainURL(w.By), r.page, r.after
	r.state.Writes = append(r.state.Writes, w)
}

func (r *recorder) snapshot(s Snapshot) {
	r.mu.Lock()
	defer r.mu.Unlock()
	s.Page, s.After = r.page, r.after
	r.state.Snapshots = append(r.state.Snapshots, s)
}

// quiet says whether the page has loaded and the network has rested for d. A request that has hung for five times
// as long doesn't count as work.
func (r *recorder) quiet(d time.Duration) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	now := time.Now()
	if !r.loaded || now.Sub(r.active) < d {
		return false
	}
	for _, since := range r.open {
		if now.Sub(since) < 5*d {
			return false
		}
	}
	return true
}

// visit says how the document of the current page was answered.
func (r *recorder) visit() Visit {
	r.mu.Lock()
	defer r.mu.Unlock()
	return Visit{URL: clip(r.page, 300), Final: r.final, Status: r.status, HTML: r.html, After: r.after}
}

func (r *recorder) visited(v Visit) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.state.Visits = append(r.state.Visits, v)
}

// flush turns the Set-Cookie headers that came in into writes: the n-th report of headers belongs to the n-th hop
// that has one. It runs when a page is done, since headers may be reported before or after their response.
func (r *recorder) flush() {
	for id, extras := range r.extras {
		var told []hop
		for _, h := range r.hops[id] {
			if h.told {
				told = append(told, h)
			}
		}
		for i, e := range extras {
			if i < len(told) {
				r.headerWrites(told[i], e)
			}
		}
	}
	clear(r.extras)
	clear(r.hops)
}

func (r *recorder) headerWrites(h hop, e extra) {
	for _, line := range e.lines {
		w := readSetCookie(line, hostOf(h.url), r.now())
		w.By, w.Page, w.After, w.Refused = h.url, h.page, h.after, e.refused[line]
		w.Kept = w.Refused == "" && !w.Removes
		if w.Name != "" && len(r.state.Writes) < maxCalls {
			r.state.Writes = append(r.state.Writes, w)
		}
	}
}

// evidence ends the recording.
func (r *recorder) evidence() StateEvidence {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.flush()
	return r.state
}

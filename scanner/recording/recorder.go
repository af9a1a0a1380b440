// Package recording turns what the browser tells into evidence: its events become visits, requests, writes and signals, within
// bounds, and values are forgotten on the way. It asks the browser nothing.
package recording

import (
	"cmp"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/chromedp/cdproto/network"

	"samtykke/scanner/evidence"
)

// Recorder collects the evidence of one state. The browser's events and the crawl use it from several goroutines.
type Recorder struct {
	mu      sync.Mutex
	now     func() time.Time
	page    string
	after   bool
	loaded  bool
	status  int
	final   string
	html    bool
	order   int                  // of the last thing that happened on the page
	open    map[string]time.Time // requests in flight, since when
	hops    map[string][]hop     // by request
	extras  map[string][]extra
	silent  map[string]evidence.Call // requests of which only the headers were told so far
	fetched map[string]int           // address of a script or document, to the request that brought it
	asked   map[string][]string      // address of a picture, to the scripts that have just asked for it
	active  time.Time                // when a request last started or ended
	state   evidence.State
	start   marks // where the current page began
	left    left  // the page before
	ids     *identifiers
	known   known
	har     *harLog // nil: not asked for
	pace            // when the page is done
}

// marks are how much of the evidence there was at some moment.
type marks struct{ writes, calls, uses, signals int }

// left is a page that was left: what it sends on the way out is still its own.
type left struct {
	page, final string
	after       bool
}

// hop is one address of a request; a redirected request has several. told says that the browser will report, or
// has reported, the raw headers of its response.
type hop struct {
	url, page string
	after     bool
	told      bool
	call      int // place in state.Requests; -1: too many
	size      int // bytes of the answer so far
	mime      string
	cached    bool
}

// New records in a state, by a clock.
func New(state string, now func() time.Time) *Recorder {
	return &Recorder{
		now: now, state: evidence.State{State: state}, open: map[string]time.Time{}, hops: map[string][]hop{}, extras: map[string][]extra{}, silent: map[string]evidence.Call{},
		fetched: map[string]int{}, asked: map[string][]string{}, ids: newIdentifiers(),
	}
}

// Begin starts a page. What was still in flight for the page before no longer keeps anybody waiting.
func (r *Recorder) Begin(page string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.flush(false)
	r.left = left{r.page, evidence.PlainURL(r.final), r.after}
	r.page, r.loaded, r.status, r.final, r.html, r.active = page, false, 0, "", false, time.Now()
	r.order, r.start, r.pace = 0, r.marks(), pace{}
	clear(r.open)
	clear(r.fetched)
	clear(r.asked)
}

func (r *Recorder) marks() marks {
	return marks{len(r.state.Writes), len(r.state.Requests), len(r.state.Uses), len(r.state.Signals)}
}

// Drop forgets what was recorded on the current page.
func (r *Recorder) Drop() {
	r.mu.Lock()
	defer r.mu.Unlock()
	clear(r.extras)
	clear(r.silent)
	clear(r.hops)
	clear(r.fetched)
	r.ids.pending, r.known.calls, r.known.writes = nil, nil, nil
	s := &r.state
	s.Writes, s.Requests, s.Uses, s.Signals = s.Writes[:r.start.writes], s.Requests[:r.start.calls], s.Uses[:r.start.uses], s.Signals[:r.start.signals]
	r.har.drop(r.page)
}

// Answered opens the window of evidence that follows the visitor's answer.
func (r *Recorder) Answered() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.after = true
}

// request notes that a request goes out, and, when it is a redirect, how the hop before ended.
func (r *Recorder) request(a asked) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !strings.HasPrefix(a.url, "http") && !strings.HasPrefix(a.url, "ws") {
		return
	}
	delete(r.silent, a.id)
	r.requested = r.requested || a.kind == "Document"
	h := hop{url: evidence.PlainURL(a.url), page: r.page, after: r.after, told: true, call: -1}
	if by := r.asked[h.url]; a.kind == "Image" && len(a.stack) == 0 && len(by) > 0 {
		a.stack, a.initiator = by, by[0]
	}
	if a.kind == "Ping" && r.left.final != "" && evidence.PlainURL(a.document) == r.left.final && r.left.final != evidence.PlainURL(r.final) {
		h.page, h.after = r.left.page, r.left.after
	}
	if n := len(r.hops[a.id]); n > 0 {
		before := &r.hops[a.id][n-1]
		before.told = a.hopTold
		if before.call >= 0 {
			r.state.Requests[before.call].Status = a.hopStatus
		}
	}
	if r.roomForCall(h.url, a.kind) {
		h.call = len(r.state.Requests)
		r.order++
		params, values := readQuery(a.url)
		r.ids.sent(h.call, values)
		r.state.Requests = append(r.state.Requests, evidence.Call{
			URL: h.url, Params: params, Type: strings.ToLower(a.kind), Pixel: a.kind == "Ping", Method: cmp.Or(a.method, "GET"),
			Initiator: evidence.PlainURL(a.initiator), Chain: r.chain(a, h.url), Page: h.page, At: r.now(), Order: r.order, After: h.after,
		})
		if a.kind == "Script" || a.kind == "Document" || a.kind == "Stylesheet" {
			r.fetched[h.url] = h.call
		}
	}
	r.hops[a.id] = append(r.hops[a.id], h)
	r.active = time.Now()
	if a.kind != "EventSource" && a.kind != "WebSocket" { // they stay open for ever
		r.open[a.id] = r.active
	}
}

// unannounced notes the headers of a request. Of a beacon that a page sends while it is torn down, they are all that the
// browser tells; so they only name its host.
func (r *Recorder) unannounced(id string, headers network.Headers) {
	r.mu.Lock()
	defer r.mu.Unlock()
	get := func(name string) (value string) {
		for k, v := range headers {
			if text, ok := v.(string); ok && strings.EqualFold(k, name) {
				value = text
			}
		}
		return value
	}
	host := cmp.Or(get("Host"), get(":authority"))
	if host == "" || len(r.hops[id]) > 0 || len(r.silent) >= maxCalls || get("Sec-Fetch-Dest") != "empty" { // told of secure addresses only
		return
	}
	r.silent[id] = evidence.Call{
		URL: evidence.PlainURL("https://" + host + "/"), Type: "ping", Pixel: true, Method: "POST",
		Initiator: evidence.PlainURL(get("Referer")), Page: r.page, At: r.now(), After: r.after,
	}
}

// askedFor notes that scripts have asked for a picture.
func (r *Recorder) askedFor(address string, stack []string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.asked) < maxCalls {
		r.asked[evidence.PlainURL(address)] = stack
	}
}

// chain tells what led to a request: the address that redirected to it, or the scripts and the frame that asked for
// it, and what had led to those.
func (r *Recorder) chain(a asked, self string) []string {
	var list []string
	add := func(addresses ...string) {
		for _, u := range addresses {
			u = evidence.PlainURL(u)
			if strings.HasPrefix(u, "http") && u != self && !slices.Contains(list, u) && len(list) < maxChain {
				list = append(list, u)
			}
		}
	}
	if n := len(r.hops[a.id]); n > 0 {
		before := r.hops[a.id][n-1]
		add(before.url)
		if before.call >= 0 {
			add(r.state.Requests[before.call].Chain...)
		}
		return list
	}
	add(a.stack...)
	add(a.initiator, a.document)
	for i := 0; i < len(list); i++ {
		if at, ok := r.fetched[list[i]]; ok {
			add(r.state.Requests[at].Chain...)
		}
	}
	return list
}

// last gives the newest hop of a request; nil where none is known.
func (r *Recorder) last(id string) *hop {
	if n := len(r.hops[id]); n > 0 {
		return &r.hops[id][n-1]
	}
	return nil
}

// response notes the headers that a request was answered with.
func (r *Recorder) response(id string, a reply) {
	r.mu.Lock()
	defer r.mu.Unlock()
	h := r.last(id)
	if h == nil {
		return
	}
	h.told, h.mime, h.cached = a.told, a.mime, h.cached || a.cached
	if h.call >= 0 {
		c := &r.state.Requests[h.call]
		c.Status, c.Consent = a.status, c.Consent || a.ours
	}
}

// received counts the bytes of an answer.
func (r *Recorder) received(id string, n int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if h := r.last(id); h != nil {
		h.size += n
	}
}

// Document notes the response that became the page.
func (r *Recorder) Document(rawURL string, status int, mime string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.final, r.status, r.html = rawURL, status, strings.Contains(mime, "html")
}

func (r *Recorder) rawHeaders(id string, e extra) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.extras) < maxCalls {
		r.extras[id] = append(r.extras[id], e)
	}
}

// smallest is the size in bytes that a picture worth looking at has at least. A transparent pixel takes 35 to 95.
const smallest = 100

func (r *Recorder) finished(id string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if h := r.last(id); h != nil && h.call >= 0 {
		c := &r.state.Requests[h.call]
		empty := h.size == 0 && (c.Status != 204 && h.cached || c.Status == 0)
		if c.Type == "image" && h.size < smallest && !empty && !strings.Contains(h.mime, "svg") && c.Status < 400 {
			c.Pixel = true
		}
	}
	if _, ok := r.open[id]; ok {
		delete(r.open, id)
		r.active = time.Now()
	}
}

// Pixels marks pictures that the page itself knows to be too small to be looked at.
func (r *Recorder) Pixels(addresses []string) {
	small := map[string]bool{}
	for _, a := range addresses {
		small[evidence.PlainURL(a)] = true
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for i := r.start.calls; i < len(r.state.Requests); i++ {
		if c := &r.state.Requests[i]; c.Type == "image" && small[c.URL] {
			c.Pixel = true
		}
	}
}

// IsLoaded says whether the page has loaded.
func (r *Recorder) IsLoaded() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.loaded
}

// Touch counts as a sign of life: quiet starts anew.
func (r *Recorder) Touch() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.active = time.Now()
}

func (r *Recorder) write(w evidence.Write) {
	r.mu.Lock()
	defer r.mu.Unlock()
	w.Name, w.By, w.Page, w.After, w.At = evidence.Clip(w.Name, 200), evidence.PlainURL(w.By), r.page, r.after, r.now()
	if w.Name == "" || !r.roomForWrite(&w) {
		return
	}
	for i, s := range w.Stack[:min(len(w.Stack), maxStack)] {
		w.Stack[i] = evidence.PlainURL(s)
	}
	w.Stack = slices.Clip(w.Stack[:min(len(w.Stack), maxStack)])
	r.state.Writes = append(r.state.Writes, w)
}

// cleared notes that all of a host's storage was removed.
func (r *Recorder) cleared(w evidence.Write) {
	r.mu.Lock()
	names := map[string]bool{}
	for _, o := range r.state.Writes {
		if o.Kind == w.Kind && o.Host == w.Host {
			names[o.Name] = !o.Removes
		}
	}
	r.mu.Unlock()
	for _, name := range slices.Sorted(maps.Keys(names)) {
		if names[name] {
			w.Name, w.Kept, w.Removes, w.Shape = name, false, true, ""
			r.write(w)
		}
	}
}

// At is the current page.
func (r *Recorder) At() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.page
}

// use notes how often a script has asked for something so far.
func (r *Recorder) use(u evidence.Use) {
	r.mu.Lock()
	defer r.mu.Unlock()
	u.By, u.Page, u.After = evidence.PlainURL(u.By), r.page, r.after
	for i := r.start.uses; i < len(r.state.Uses); i++ {
		if o := &r.state.Uses[i]; o.What == u.What && o.By == u.By && o.After == u.After {
			o.Count = max(o.Count, u.Count)
			for _, n := range u.Names {
				if at, ok := slices.BinarySearch(o.Names, n); !ok && len(o.Names) < 20 {
					o.Names = slices.Insert(o.Names, at, n)
				}
			}
			return
		}
	}
	if len(r.state.Uses) < maxUses {
		slices.Sort(u.Names)
		u.Names = slices.Compact(u.Names)
		r.state.Uses = append(r.state.Uses, u)
	}
}

// signal notes a consent command.
func (r *Recorder) signal(s evidence.ConsentSignal) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.state.Signals) < maxSignals {
		r.order++
		s.Page, s.Order, s.After = r.page, r.order, r.after
		r.state.Signals = append(r.state.Signals, s)
	}
}

// Signals takes in all commands that a page's layer holds now, in order; those beyond the ones that were told when they
// came are new.
func (r *Recorder) Signals(all []evidence.ConsentSignal) {
	r.mu.Lock()
	known := len(r.state.Signals) - r.start.signals
	r.mu.Unlock()
	for i := known; i < len(all); i++ {
		r.signal(all[i])
	}
}

// Snapshot keeps what the browser holds now.
func (r *Recorder) Snapshot(s evidence.Snapshot) {
	r.mu.Lock()
	defer r.mu.Unlock()
	s.Page, s.After, s.At = r.page, r.after, r.now()
	r.thin()
	r.state.Snapshots = append(r.state.Snapshots, s)
}

// Visit says how the document of the current page was answered.
func (r *Recorder) Visit() evidence.Visit {
	r.mu.Lock()
	defer r.mu.Unlock()
	return evidence.Visit{URL: evidence.Clip(r.page, 300), Final: r.final, Status: r.status, HTML: r.html, After: r.after}
}

// flush turns the Set-Cookie headers that came in into writes: the n-th report of headers belongs to the n-th hop
// that has one. It runs when a page is done, since headers may be reported before or after their response. What is
// still in flight is kept for later, unless this is the end.
func (r *Recorder) flush(end bool) {
	for id, hops := range r.hops {
		if _, busy := r.open[id]; busy && !end && len(r.hops) < maxCalls {
			continue
		}
		var told []hop
		for _, h := range hops {
			if h.told {
				told = append(told, h)
			}
		}
		for i, e := range r.extras[id] {
			if i < len(told) {
				r.headerWrites(told[i], e)
			}
		}
		delete(r.extras, id)
		delete(r.hops, id)
	}
	if end || len(r.extras) >= maxCalls {
		clear(r.extras)
	}
	for call, names := range r.ids.matches() {
		if call < len(r.state.Requests) {
			r.state.Requests[call].Carries = names
		}
	}
}

func (r *Recorder) headerWrites(h hop, e extra) {
	var chain []string
	if h.call >= 0 {
		c := &r.state.Requests[h.call]
		c.Status, chain = cmp.Or(c.Status, e.status), c.Chain
	}
	for _, line := range e.lines {
		w := readSetCookie(line, evidence.HostOf(h.url), r.now())
		w.Header, w.By, w.Page, w.After, w.Refused, w.Chain, w.At = true, h.url, h.page, h.after, e.refused[line], chain, r.now()
		w.Kept = w.Refused == "" && !w.Removes
		if w.Name != "" && r.roomForWrite(&w) {
			r.state.Writes = append(r.state.Writes, w)
		}
	}
}

// Evidence ends the recording.
func (r *Recorder) Evidence() evidence.State {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.flush(true)
	for _, id := range slices.Sorted(maps.Keys(r.silent)) {
		c := r.silent[id]
		known := slices.ContainsFunc(r.state.Requests, func(o evidence.Call) bool {
			return o.After == c.After && evidence.HostOf(o.URL) == evidence.HostOf(c.URL)
		})
		if !known && r.roomForCall(c.URL, c.Type) {
			r.state.Requests = append(r.state.Requests, c)
		}
	}
	clear(r.silent)
	r.state.HAR = append(r.state.HAR, r.har.exchanges()...)
	return r.state
}

// Pictured keeps a picture with the evidence.
func (r *Recorder) Pictured(p evidence.Picture) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(p.PNG) > 0 && len(r.state.Pictures) < 4 {
		r.state.Pictures = append(r.state.Pictures, p)
	}
}

// IsAfter says whether the visitor has answered.
func (r *Recorder) IsAfter() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.after
}

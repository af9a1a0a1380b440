package scanner

import (
	"encoding/json"
	"io"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/network"
)

// Exchange is one request with its answer, as an HTTP archive tells it: names of headers and of parameters, sizes and
// times, but no body, no value of a parameter, and of headers only the values that can name nobody.
type Exchange struct {
	Page     string
	URL      string // the values in its query are hidden
	Method   string
	Protocol string
	At       time.Time
	Headers  []Header // of the request
	Status   int
	Text     string   // status text
	Answer   []Header // headers of the response
	MIME     string
	Size     int     // bytes of the body
	Sent     int     // bytes over the network, headers included; -1 where they were not told
	Took     float64 // milliseconds, as are the rest; -1 where it is not known
	DNS      float64
	Connect  float64
	TLS      float64
	Send     float64
	Wait     float64
}

// Header is one header. Its value is hidden unless it is known to be harmless.
type Header struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// hidden stands where a value was.
const hidden = "[hidden]"

// harmless are headers whose values say something about the page, and nothing about a visitor.
var harmless = map[string]bool{
	"accept": true, "accept-encoding": true, "accept-language": true, "access-control-allow-credentials": true, "access-control-allow-origin": true,
	"cache-control": true, "content-encoding": true, "content-language": true, "content-length": true, "content-type": true, "date": true,
	"permissions-policy": true, "referrer-policy": true, "sec-gpc": true, "server": true, "strict-transport-security": true, "timing-allow-origin": true,
	"user-agent": true, "vary": true, "x-content-type-options": true, "samtykke-notice": true, "cross-origin-resource-policy": true,
}

// addressed are headers that hold an address, whose query is hidden.
var addressed = map[string]bool{"location": true, "origin": true, "referer": true, "host": true}

// harHeaders sorts headers and hides what may name a person. Of a cookie its name and attributes stay.
func harHeaders(h network.Headers) []Header {
	list := []Header{}
	for _, name := range slices.Sorted(maps.Keys(h)) {
		text, ok := h[name].(string)
		if !ok || len(list) == 100 {
			continue
		}
		for line := range strings.SplitSeq(text, "\n") {
			list = append(list, Header{clip(name, 100), harValue(strings.ToLower(name), line)})
		}
	}
	return list
}

func harValue(name, value string) string {
	switch {
	case harmless[name]:
		return clip(value, 300)
	case addressed[name]:
		return hideQuery(value)
	case name == "set-cookie":
		pair, attributes, more := strings.Cut(value, ";")
		key, _, named := strings.Cut(pair, "=")
		if !named {
			key = "" // a cookie without a name is all value
		}
		if more {
			attributes = ";" + attributes
		}
		return clip(strings.TrimSpace(key)+"="+hidden+attributes, 300)
	}
	return hidden
}

// hideQuery keeps the names of an address's parameters.
func hideQuery(raw string) string {
	head, query, ok := strings.Cut(raw, "?")
	if !ok {
		return plainURL(raw)
	}
	query, _, _ = strings.Cut(query, "#")
	var parts []string
	for part := range strings.SplitSeq(query, "&") {
		name, _, _ := strings.Cut(part, "=")
		if len(parts) < maxParams {
			parts = append(parts, clip(name, 100)+"="+hidden)
		}
	}
	return plainURL(head) + "?" + strings.Join(parts, "&")
}

// harLog collects exchanges. A nil one collects nothing.
type harLog struct {
	mu   sync.Mutex
	list []Exchange
	at   map[string]int // exchange of a request's newest hop
	from map[string]time.Duration
	hops map[string][]int      // exchanges of a request
	sent map[string][][]Header // headers as they went over the network, hop by hop, in their own time
	got  map[string][][]Header
}

// seconds is the browser's own clock, which runs from no particular moment.
func seconds(t cdp.MonotonicTime) time.Duration {
	return time.Duration(float64(t) * float64(time.Second))
}

func newHARLog() *harLog {
	return &harLog{
		at: map[string]int{}, from: map[string]time.Duration{}, hops: map[string][]int{}, sent: map[string][][]Header{}, got: map[string][][]Header{},
	}
}

func (l *harLog) request(e *network.EventRequestWillBeSent, page string, now time.Time) {
	if l == nil || !strings.HasPrefix(e.Request.URL, "http") {
		return
	}
	id := string(e.RequestID)
	if e.RedirectResponse != nil {
		l.response(id, e.RedirectResponse)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.list) >= maxCalls {
		delete(l.at, id)
		return
	}
	l.at[id] = len(l.list)
	l.hops[id] = append(l.hops[id], len(l.list))
	l.from[id] = seconds(e.Timestamp)
	l.list = append(l.list, Exchange{
		Page: page, URL: hideQuery(e.Request.URL), Method: e.Request.Method, At: now, Headers: harHeaders(e.Request.Headers),
		Took: -1, DNS: -1, Connect: -1, TLS: -1, Send: -1, Wait: -1, Sent: -1,
	})
}

func (l *harLog) response(id string, r *network.Response) {
	if l == nil {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	at, ok := l.at[id]
	if !ok {
		return
	}
	x := &l.list[at]
	x.Status, x.Text, x.Protocol, x.MIME, x.Answer = int(r.Status), clip(r.StatusText, 100), r.Protocol, clip(r.MimeType, 100), harHeaders(r.Headers)
	if t := r.Timing; t != nil {
		span := func(from, to float64) float64 {
			if from < 0 || to < from {
				return -1
			}
			return to - from
		}
		x.DNS, x.Connect, x.TLS = span(t.DNSStart, t.DNSEnd), span(t.ConnectStart, t.ConnectEnd), span(t.SslStart, t.SslEnd)
		x.Send, x.Wait = span(t.SendStart, t.SendEnd), span(t.SendEnd, t.ReceiveHeadersEnd)
	}
}

// raw puts in the headers as they went over the network.
func (l *harLog) raw(id string, h network.Headers, answer bool) {
	if l == nil {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if to := l.sent; len(l.sent)+len(l.got) < 2*maxCalls {
		if answer {
			to = l.got
		}
		to[id] = append(to[id], harHeaders(h))
	}
}

func (l *harLog) received(id string, n int) {
	if l == nil {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if at, ok := l.at[id]; ok {
		l.list[at].Size += n
	}
}

func (l *harLog) finished(id string, when time.Duration, sent int) {
	if l == nil {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if at, ok := l.at[id]; ok {
		l.list[at].Took = max(float64(when-l.from[id])/float64(time.Millisecond), 0)
		l.list[at].Sent = sent
		delete(l.at, id)
		delete(l.from, id)
	}
}

func (l *harLog) drop(page string) {
	if l == nil {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	for i := range l.list {
		if l.list[i].Page == page {
			l.list[i].Page = "" // places must stay; exchanges leaves it out
		}
	}
}

func (l *harLog) exchanges() []Exchange {
	if l == nil {
		return nil
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	for id, hops := range l.hops {
		for i, at := range hops {
			if i < len(l.sent[id]) {
				l.list[at].Headers = l.sent[id][i]
			}
			if i < len(l.got[id]) {
				l.list[at].Answer = l.got[id][i]
			}
		}
	}
	return slices.DeleteFunc(slices.Clone(l.list), func(x Exchange) bool { return x.Page == "" })
}

// The parts of an HTTP archive 1.2 (http://www.softwareishard.com/blog/har-12-spec/) that are filled in.
type (
	harPair struct {
		Name    string `json:"name"`
		Value   string `json:"value"`
		Comment string `json:"comment,omitempty"`
	}
	harMaker struct {
		Name    string `json:"name"`
		Version string `json:"version"`
	}
	harPage struct {
		Started string         `json:"startedDateTime"`
		ID      string         `json:"id"`
		Title   string         `json:"title"`
		Timings map[string]any `json:"pageTimings"`
	}
	harRequest struct {
		Method      string    `json:"method"`
		URL         string    `json:"url"`
		Version     string    `json:"httpVersion"`
		Cookies     []harPair `json:"cookies"`
		Headers     []Header  `json:"headers"`
		Query       []harPair `json:"queryString"`
		HeadersSize int       `json:"headersSize"`
		BodySize    int       `json:"bodySize"`
	}
	harContent struct {
		Size int    `json:"size"`
		MIME string `json:"mimeType"`
	}
	harResponse struct {
		Status      int        `json:"status"`
		Text        string     `json:"statusText"`
		Version     string     `json:"httpVersion"`
		Cookies     []harPair  `json:"cookies"`
		Headers     []Header   `json:"headers"`
		Content     harContent `json:"content"`
		Redirect    string     `json:"redirectURL"`
		HeadersSize int        `json:"headersSize"`
		BodySize    int        `json:"bodySize"`
		Transfer    int        `json:"_transferSize"`
	}
	harTimings struct {
		DNS     float64 `json:"dns"`
		Connect float64 `json:"connect"`
		TLS     float64 `json:"ssl"`
		Send    float64 `json:"send"`
		Wait    float64 `json:"wait"`
		Receive float64 `json:"receive"`
	}
	harEntry struct {
		Page     string         `json:"pageref"`
		Started  string         `json:"startedDateTime"`
		Time     float64        `json:"time"`
		Request  harRequest     `json:"request"`
		Response harResponse    `json:"response"`
		Cache    map[string]any `json:"cache"`
		Timings  harTimings     `json:"timings"`
	}
)

// WriteHAR writes what went over the network in the state as an HTTP archive 1.2. It holds no bodies and no values by
// which a visitor could be told apart; "[hidden]" stands for them. The state must have been scanned with Options.HAR.
func (s *StateEvidence) WriteHAR(w io.Writer, browser string) error {
	return writeHAR(w, browser, []StateEvidence{*s})
}

// WriteHAR writes what went over the network in all states as one HTTP archive 1.2, which names the state in the title of
// each page. What it doesn't hold is as for a single state.
func (r *Report) WriteHAR(w io.Writer) error { return writeHAR(w, r.Browser, r.Traffic) }

func writeHAR(w io.Writer, browser string, states []StateEvidence) error {
	pages, entries, names := []harPage{}, []harEntry{}, []string{}
	for _, s := range states {
		names = append(names, s.State+", "+s.device())
		ids := map[string]string{}
		for _, x := range s.HAR {
			if ids[x.Page] == "" {
				ids[x.Page] = "page_" + strconv.Itoa(len(pages)+1)
				title := hideQuery(x.Page)
				if len(states) > 1 {
					title = s.State + ", " + s.device() + ": " + title
				}
				pages = append(pages, harPage{Started: x.At.UTC().Format(time.RFC3339Nano), ID: ids[x.Page], Title: title, Timings: map[string]any{}})
			}
			entries = append(entries, x.entry(ids[x.Page]))
		}
	}
	name, version, _ := strings.Cut(browser, "/")
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	return enc.Encode(map[string]any{"log": map[string]any{
		"version": "1.2", "creator": harMaker{Name: "samtykke", Version: "1"}, "browser": harMaker{Name: name, Version: version},
		"pages": pages, "entries": entries, "comment": "state " + strings.Join(names, "; "),
	}})
}

func (x *Exchange) entry(page string) harEntry {
	e := harEntry{
		Page: page, Started: x.At.UTC().Format(time.RFC3339Nano), Time: max(x.Took, 0), Cache: map[string]any{},
		Request: harRequest{
			Method: x.Method, URL: x.URL, Version: x.Protocol, Cookies: []harPair{}, Headers: x.Headers, Query: []harPair{}, HeadersSize: -1, BodySize: -1,
		},
		Response: harResponse{
			Status: x.Status, Text: x.Text, Version: x.Protocol, Cookies: []harPair{}, Headers: x.Answer, Content: harContent{x.Size, x.MIME},
			HeadersSize: -1, BodySize: -1, Transfer: x.Sent,
		},
		Timings: harTimings{x.DNS, x.Connect, x.TLS, max(x.Send, 0), max(x.Wait, 0), 0},
	}
	if e.Response.Headers == nil {
		e.Response.Headers = []Header{}
	}
	for _, h := range x.Answer {
		switch name, _, _ := strings.Cut(h.Value, "="); strings.ToLower(h.Name) {
		case "set-cookie":
			e.Response.Cookies = append(e.Response.Cookies, harPair{Name: name, Value: hidden})
		case "location":
			e.Response.Redirect = h.Value
		}
	}
	if u, err := url.Parse(x.URL); err == nil {
		for _, name := range slices.Sorted(maps.Keys(u.Query())) {
			e.Request.Query = append(e.Request.Query, harPair{Name: name, Value: hidden})
		}
	}
	spent := max(x.DNS, 0) + max(x.Connect, 0) + e.Timings.Send + e.Timings.Wait
	e.Timings.Receive = max(e.Time-spent, 0)
	e.Time = spent + e.Timings.Receive // as the specification wants it
	return e
}

package recording

import (
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/network"

	"samtykke/scanner/evidence"
)

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
func harHeaders(h network.Headers) []evidence.Header {
	list := []evidence.Header{}
	for _, name := range slices.Sorted(maps.Keys(h)) {
		text, ok := h[name].(string)
		if !ok || len(list) == 100 {
			continue
		}
		for line := range strings.SplitSeq(text, "\n") {
			list = append(list, evidence.Header{Name: evidence.Clip(name, 100), Value: harValue(strings.ToLower(name), line)})
		}
	}
	return list
}

func harValue(name, value string) string {
	switch {
	case harmless[name]:
		return evidence.Clip(value, 300)
	case addressed[name]:
		return evidence.HideQuery(value)
	case name == "set-cookie":
		pair, attributes, more := strings.Cut(value, ";")
		key, _, named := strings.Cut(pair, "=")
		if !named {
			key = "" // a cookie without a name is all value
		}
		if more {
			attributes = ";" + attributes
		}
		return evidence.Clip(strings.TrimSpace(key)+"="+evidence.Hidden+attributes, 300)
	}
	return evidence.Hidden
}

// harLog collects exchanges. A nil one collects nothing.
type harLog struct {
	mu   sync.Mutex
	list []evidence.Exchange
	at   map[string]int // exchange of a request's newest hop
	from map[string]time.Duration
	hops map[string][]int               // exchanges of a request
	sent map[string][][]evidence.Header // headers as they went over the network, hop by hop, in their own time
	got  map[string][][]evidence.Header
}

// seconds is the browser's own clock, which runs from no particular moment.
func seconds(t cdp.MonotonicTime) time.Duration {
	return time.Duration(float64(t) * float64(time.Second))
}

func newHARLog() *harLog {
	return &harLog{
		at: map[string]int{}, from: map[string]time.Duration{}, hops: map[string][]int{}, sent: map[string][][]evidence.Header{}, got: map[string][][]evidence.Header{},
	}
}

// KeepHAR has the exchanges kept as well.
func (r *Recorder) KeepHAR() {
	if r.har == nil {
		r.har = newHARLog()
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
	l.list = append(l.list, evidence.Exchange{
		Page: page, URL: evidence.HideQuery(e.Request.URL), Method: e.Request.Method, At: now, Headers: harHeaders(e.Request.Headers),
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
	x.Status, x.Text, x.Protocol, x.MIME, x.Answer = int(r.Status), evidence.Clip(r.StatusText, 100), r.Protocol, evidence.Clip(r.MimeType, 100), harHeaders(r.Headers)
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

func (l *harLog) exchanges() []evidence.Exchange {
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
	return slices.DeleteFunc(slices.Clone(l.list), func(x evidence.Exchange) bool { return x.Page == "" })
}

package recording

import (
	"strings"

	"github.com/chromedp/cdproto/domstorage"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
)

// extra is the part of a response that Chromium reports apart from it, in its own time.
type extra struct {
	lines   []string          // Set-Cookie
	refused map[string]string // line, why
	status  int
}

// asked is a request as the browser tells of it.
type asked struct {
	id, url, kind, method string
	stack                 []string // scripts, the nearest first
	initiator             string
	document              string
	hopTold               bool // a redirect: raw headers of the hop before are or will be told
	hopStatus             int  // and its status
}

// reply is what a request was answered with.
type reply struct {
	told, ours, cached bool
	status             int
	mime               string
}

// Hear takes in what a page, or a worker of it, stores, sends and gets, as the browser's events tell it.
func (r *Recorder) Hear(ev any) {
	switch e := ev.(type) {
	case *domstorage.EventDomStorageItemAdded:
		r.write(storageWrite(e.StorageID, e.Key, e.NewValue))
	case *domstorage.EventDomStorageItemUpdated:
		r.write(storageWrite(e.StorageID, e.Key, e.NewValue))
	case *domstorage.EventDomStorageItemRemoved:
		w := storageWrite(e.StorageID, e.Key, "")
		w.Kept, w.Removes, w.Shape = false, true, ""
		r.write(w)
	case *domstorage.EventDomStorageItemsCleared:
		r.cleared(storageWrite(e.StorageID, "", ""))
	case *network.EventRequestWillBeSent:
		r.request(askedBy(e))
		r.har.request(e, r.At(), r.now())
	case *network.EventWebSocketCreated:
		a := asked{id: string(e.RequestID), url: e.URL, kind: "WebSocket"}
		if e.Initiator != nil {
			a.stack, a.initiator = scripts(e.Initiator.Stack), e.Initiator.URL
			if len(a.stack) > 0 {
				a.initiator = a.stack[0]
			}
		}
		r.request(a)
	case *network.EventWebSocketHandshakeResponseReceived:
		r.response(string(e.RequestID), reply{told: true, status: int(e.Response.Status)})
		if x := setCookies(e.Response.Headers, nil); len(x.lines) > 0 {
			r.rawHeaders(string(e.RequestID), x)
		}
	case *network.EventResponseReceived:
		r.response(string(e.RequestID), reply{
			told: e.HasExtraInfo, ours: hasHeader(e.Response.Headers, "Samtykke-Notice"), status: int(e.Response.Status),
			mime: e.Response.MimeType, cached: e.Response.FromDiskCache || e.Response.FromPrefetchCache,
		})
		r.har.response(string(e.RequestID), e.Response)
	case *network.EventRequestWillBeSentExtraInfo:
		r.unannounced(string(e.RequestID), e.Headers)
		for _, c := range e.AssociatedCookies {
			r.Learn(c.Cookie.Name, c.Cookie.Value)
		}
		r.har.raw(string(e.RequestID), e.Headers, false)
	case *network.EventResponseReceivedExtraInfo:
		x := setCookies(e.Headers, e.BlockedCookies)
		x.status = int(e.StatusCode)
		r.rawHeaders(string(e.RequestID), x)
		for _, line := range x.lines {
			pair, _, _ := strings.Cut(line, ";")
			name, value, _ := strings.Cut(pair, "=")
			r.Learn(strings.TrimSpace(name), strings.TrimSpace(value))
		}
		r.har.raw(string(e.RequestID), e.Headers, true)
	case *network.EventDataReceived:
		r.received(string(e.RequestID), int(e.DataLength))
		r.har.received(string(e.RequestID), int(e.DataLength))
	case *network.EventLoadingFinished:
		r.finished(string(e.RequestID))
		r.har.finished(string(e.RequestID), seconds(e.Timestamp), int(e.EncodedDataLength))
	case *network.EventLoadingFailed:
		r.finished(string(e.RequestID))
		r.har.finished(string(e.RequestID), seconds(e.Timestamp), -1)
	}
}

// askedBy reads what the browser tells of a request that goes out.
func askedBy(e *network.EventRequestWillBeSent) asked {
	a := asked{
		id: string(e.RequestID), url: e.Request.URL, kind: string(e.Type), method: e.Request.Method, document: e.DocumentURL,
		initiator: e.DocumentURL, hopTold: e.RedirectHasExtraInfo,
	}
	if e.RedirectResponse != nil {
		a.hopStatus = int(e.RedirectResponse.Status)
	}
	if e.Initiator != nil {
		a.stack = scripts(e.Initiator.Stack)
		if e.Initiator.URL != "" {
			a.initiator = e.Initiator.URL
		}
		if len(a.stack) > 0 {
			a.initiator = a.stack[0]
		}
	}
	return a
}

// scripts lists the addresses on a stack, each once, the nearest first.
func scripts(s *runtime.StackTrace) []string {
	var list []string
	for ; s != nil; s = s.Parent {
		for _, f := range s.CallFrames {
			if f.URL != "" && len(list) < maxChain && (len(list) == 0 || list[len(list)-1] != f.URL) {
				list = append(list, f.URL)
			}
		}
	}
	return list
}

func hasHeader(h network.Headers, name string) bool {
	for k := range h {
		if strings.EqualFold(k, name) {
			return true
		}
	}
	return false
}

// nobodyKeeps are refusals that every browser would make; such a cookie exists nowhere.
var nobodyKeeps = map[network.SetCookieBlockedReason]bool{
	network.SetCookieBlockedReasonSyntaxError: true, network.SetCookieBlockedReasonInvalidDomain: true,
	network.SetCookieBlockedReasonInvalidPrefix: true, network.SetCookieBlockedReasonSchemeNotSupported: true,
	network.SetCookieBlockedReasonNameValuePairExceedsMaxSize: true, network.SetCookieBlockedReasonDisallowedCharacter: true,
	network.SetCookieBlockedReasonNoCookieContent: true, network.SetCookieBlockedReasonOverwriteSecure: true,
}

// maxLines bounds the cookies of one response.
const maxLines = 200

func setCookies(headers network.Headers, blocked []*network.BlockedSetCookieWithReason) extra {
	x := extra{refused: map[string]string{}}
	impossible := map[string]bool{}
	for _, b := range blocked {
		for _, reason := range b.BlockedReasons {
			impossible[b.CookieLine] = impossible[b.CookieLine] || nobodyKeeps[reason]
			x.refused[b.CookieLine] = string(reason)
		}
	}
	for k, v := range headers {
		text, ok := v.(string)
		if !ok || !strings.EqualFold(k, "Set-Cookie") {
			continue
		}
		for line := range strings.SplitSeq(text, "\n") {
			if !impossible[line] && len(x.lines) < maxLines {
				x.lines = append(x.lines, line)
			}
		}
	}
	return x
}

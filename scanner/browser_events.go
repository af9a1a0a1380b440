package scanner

import (
	"encoding/json"
	"strings"
	"time"

	"github.com/chromedp/cdproto/domstorage"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/cdproto/target"

	"samtykke/consent"
)

// event hands what the browser tells to the recorder. It runs inside the loop that reads the browser's messages
// and must not call the browser itself.
func (t *tab) event(ev any) {
	switch e := ev.(type) {
	case *network.EventResponseReceived:
		if e.Type == network.ResourceTypeDocument && e.FrameID == t.frame {
			t.rec.document(e.Response.URL, int(e.Response.Status), e.Response.MimeType)
		}
		t.network(ev)
	case *runtime.EventBindingCalled:
		t.reported(e)
	case *domstorage.EventDomStorageItemAdded:
		t.rec.write(storageWrite(e.StorageID, e.Key, e.NewValue))
	case *domstorage.EventDomStorageItemUpdated:
		t.rec.write(storageWrite(e.StorageID, e.Key, e.NewValue))
	case *domstorage.EventDomStorageItemRemoved:
		w := storageWrite(e.StorageID, e.Key, "")
		w.Kept, w.Removes, w.Shape = false, true, ""
		t.rec.write(w)
	case *domstorage.EventDomStorageItemsCleared:
		t.rec.cleared(storageWrite(e.StorageID, "", ""))
	case *target.EventAttachedToTarget, *target.EventTargetCreated, *target.EventReceivedMessageFromTarget:
		t.workers.event(ev, t.workers.page)
	default:
		t.network(ev)
	}
}

// network takes in what a page, or a worker of it, sends and gets.
func (t *tab) network(ev any) {
	switch e := ev.(type) {
	case *network.EventRequestWillBeSent:
		t.rec.request(askedBy(e))
		t.rec.har.request(e, t.rec.at(), t.rec.now())
	case *network.EventWebSocketCreated:
		a := asked{id: string(e.RequestID), url: e.URL, kind: "WebSocket"}
		if e.Initiator != nil {
			a.stack, a.initiator = scripts(e.Initiator.Stack), e.Initiator.URL
			if len(a.stack) > 0 {
				a.initiator = a.stack[0]
			}
		}
		t.rec.request(a)
	case *network.EventWebSocketHandshakeResponseReceived:
		t.rec.response(string(e.RequestID), reply{told: true, status: int(e.Response.Status)})
		if x := setCookies(e.Response.Headers, nil); len(x.lines) > 0 {
			t.rec.rawHeaders(string(e.RequestID), x)
		}
	case *network.EventResponseReceived:
		t.rec.response(string(e.RequestID), reply{
			told: e.HasExtraInfo, ours: hasHeader(e.Response.Headers, "Samtykke-Notice"), status: int(e.Response.Status),
			mime: e.Response.MimeType, cached: e.Response.FromDiskCache || e.Response.FromPrefetchCache,
		})
		t.rec.har.response(string(e.RequestID), e.Response)
	case *network.EventRequestWillBeSentExtraInfo:
		t.rec.unannounced(string(e.RequestID), e.Headers)
		for _, c := range e.AssociatedCookies {
			t.rec.learn(c.Cookie.Name, c.Cookie.Value)
		}
		t.rec.har.raw(string(e.RequestID), e.Headers, false)
	case *network.EventResponseReceivedExtraInfo:
		x := setCookies(e.Headers, e.BlockedCookies)
		x.status = int(e.StatusCode)
		t.rec.rawHeaders(string(e.RequestID), x)
		for _, line := range x.lines {
			pair, _, _ := strings.Cut(line, ";")
			name, value, _ := strings.Cut(pair, "=")
			t.rec.learn(strings.TrimSpace(name), strings.TrimSpace(value))
		}
		t.rec.har.raw(string(e.RequestID), e.Headers, true)
	case *network.EventDataReceived:
		t.rec.received(string(e.RequestID), int(e.DataLength))
		t.rec.har.received(string(e.RequestID), int(e.DataLength))
	case *network.EventLoadingFinished:
		t.rec.finished(string(e.RequestID))
		t.rec.har.finished(string(e.RequestID), seconds(e.Timestamp), int(e.EncodedDataLength))
	case *network.EventLoadingFailed:
		t.rec.finished(string(e.RequestID))
		t.rec.har.finished(string(e.RequestID), seconds(e.Timestamp), -1)
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

// report is what hook.js tells.
type report struct {
	Timer      float64          // milliseconds until it fires
	Kind       consent.ItemKind // something is stored
	Name, Line string
	Host       string
	Stack      []string // scripts, the nearest first
	Kept       bool
	Removes    bool

	Use   string // something tells browsers apart
	Count int
	Names []string

	Signal []json.RawMessage // arguments of a consent command

	Picture string // address of a picture that a script asks for
}

// reported takes in what hook.js tells.
func (t *tab) reported(e *runtime.EventBindingCalled) {
	var m report
	if e.Name != t.binding || len(e.Payload) > 100_000 || json.Unmarshal([]byte(e.Payload), &m) != nil {
		return
	}
	var by string
	if len(m.Stack) > 0 {
		by = m.Stack[0]
	}
	switch {
	case m.Timer > 0:
		t.rec.expect(time.Duration(m.Timer) * time.Millisecond)
	case m.Use != "":
		if uses[m.Use] {
			t.rec.use(Use{What: m.Use, By: by, Count: m.Count, Names: m.Names})
		}
	case m.Picture != "":
		t.rec.askedFor(m.Picture, m.Stack)
	case m.Signal != nil:
		if s, ok := readSignal(m.Signal); ok {
			t.rec.signal(s)
		}
	case m.Kind.Valid():
		w := Write{Kind: m.Kind, Name: m.Name, Host: m.Host}
		if m.Kind == consent.Cookie {
			w = readSetCookie(m.Line, m.Host, t.rec.now())
			w.Shape = ""
		}
		w.By, w.Stack, w.Kept, w.Removes = by, m.Stack, m.Kept, w.Removes || m.Removes
		t.rec.write(w)
	}
}

// uses are the values of Use.What.
var uses = map[string]bool{
	"canvas": true, "webgl": true, "audio": true, "fonts": true, "webrtc": true, "devices": true, "battery": true, "link-decoration": true,
}

// consentSignals are the seven things that Consent Mode knows.
var consentSignals = map[string]bool{
	"ad_storage": true, "ad_user_data": true, "ad_personalization": true, "analytics_storage": true, "functionality_storage": true,
	"personalization_storage": true, "security_storage": true,
}

// readSignal reads a consent command: "consent", what to do, and the values.
func readSignal(args []json.RawMessage) (ConsentSignal, bool) {
	s := ConsentSignal{Values: map[string]string{}}
	var values map[string]any
	if len(args) < 2 || json.Unmarshal(args[0], &s.Command) != nil || json.Unmarshal(args[1], &values) != nil || s.Command != "default" && s.Command != "update" {
		return s, false
	}
	for name, v := range values {
		if text, ok := v.(string); ok && consentSignals[name] && (text == "granted" || text == "denied") {
			s.Values[name] = text
		}
	}
	if wait, ok := values["wait_for_update"].(float64); ok && wait > 0 && wait < 1e6 {
		s.Wait = int(wait)
	}
	return s, true
}

// storageWrite catches what is stored without a call, as in localStorage.name = value.
func storageWrite(id *domstorage.StorageID, name, value string) Write {
	origin, _, _ := strings.Cut(string(id.StorageKey), "^")
	if id.SecurityOrigin != "" {
		origin = id.SecurityOrigin
	}
	w := Write{Kind: consent.SessionStorage, Name: name, Host: hostOf(origin), Kept: true, Shape: valueShape(value)}
	if id.IsLocalStorage {
		w.Kind = consent.LocalStorage
	}
	return w
}

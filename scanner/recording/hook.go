package recording

import (
	"encoding/json"
	"strings"
	"time"

	"github.com/chromedp/cdproto/domstorage"

	"samtykke/consent"
	"samtykke/scanner/evidence"
)

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

// Reported takes in what hook.js tells.
func (r *Recorder) Reported(payload string) {
	var m report
	if len(payload) > 100_000 || json.Unmarshal([]byte(payload), &m) != nil {
		return
	}
	var by string
	if len(m.Stack) > 0 {
		by = m.Stack[0]
	}
	switch {
	case m.Timer > 0:
		r.expect(time.Duration(m.Timer) * time.Millisecond)
	case m.Use != "":
		if uses[m.Use] {
			r.use(evidence.Use{What: m.Use, By: by, Count: m.Count, Names: m.Names})
		}
	case m.Picture != "":
		r.askedFor(m.Picture, m.Stack)
	case m.Signal != nil:
		if s, ok := ReadSignal(m.Signal); ok {
			r.signal(s)
		}
	case m.Kind.Valid():
		w := evidence.Write{Kind: m.Kind, Name: m.Name, Host: m.Host}
		if m.Kind == consent.Cookie {
			w = readSetCookie(m.Line, m.Host, r.now())
			w.Shape = ""
		}
		w.By, w.Stack, w.Kept, w.Removes = by, m.Stack, m.Kept, w.Removes || m.Removes
		r.write(w)
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

// ReadSignal reads a consent command: "consent", what to do, and the values.
func ReadSignal(args []json.RawMessage) (evidence.ConsentSignal, bool) {
	s := evidence.ConsentSignal{Values: map[string]string{}}
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
func storageWrite(id *domstorage.StorageID, name, value string) evidence.Write {
	origin, _, _ := strings.Cut(string(id.StorageKey), "^")
	if id.SecurityOrigin != "" {
		origin = id.SecurityOrigin
	}
	w := evidence.Write{Kind: consent.SessionStorage, Name: name, Host: evidence.HostOf(origin), Kept: true, Shape: evidence.Shape(value)}
	if id.IsLocalStorage {
		w.Kind = consent.LocalStorage
	}
	return w
}

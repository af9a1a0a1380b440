// Package evidence holds what a scan records of a site before anybody judges it: the types that collecting writes and
// judging reads. They hold names, hosts, times and shapes, never a value.
package evidence

import (
	"net/url"
	"strings"
	"time"
	"unique"

	"samtykke/consent"
)

// The states of consent in which a site is visited, each in a profile of its own.
const (
	StateNone     = "none"     // nobody answers
	StateReject   = "reject"   // everything is refused
	StateAccept   = "accept"   // everything is accepted
	StateWithdraw = "withdraw" // everything is accepted, then withdrawn
	StateGPC      = "gpc"      // nobody answers, but the browser sends Global Privacy Control
)

// The screens on which a site is visited.
const (
	Desktop = "desktop"
	Mobile  = "mobile"
)

// Site is what a scan recorded, before anybody judges it. It holds names, hosts and times, never a value.
type Site struct {
	URL    string // where the start page ended up
	States []State
	// Phone is the state none once more, on a small screen: the start page and one page below it.
	Phone State
	Texts []PageText // what the site's cookie declaration and privacy policy say, as far as they were read
	// NotVisited is how many pages of the site were known and not visited, since there are only so many places.
	NotVisited int
}

// PageText is the text of a page about cookies or privacy.
type PageText struct {
	URL    string
	Status int    // HTTP status; 0 where nothing answered
	Lang   string // as the document says; "" where it doesn't
	Text   string // at most 20,000 characters
}

// State is what was recorded in one state. Everything marked After came after the visitor's answer; in the
// state withdraw, after the withdrawal and on a freshly loaded page.
type State struct {
	State     string
	Device    string // Desktop or Mobile
	Done      bool   // the state was reached; without it the rest is what was seen on the way
	Tool      string // "samtykke", the name of a rule, or the label that was pressed; "" where nothing could be
	Visits    []Visit
	Writes    []Write
	Snapshots []Snapshot // in the order in which they were taken
	Requests  []Call
	Uses      []Use           // of interfaces that tell browsers apart
	Signals   []ConsentSignal // what pages told Google's tags, in order
	Refused   []string        // hosts that the guard let nothing through to, each once
	Pictures  []Picture
	HAR       []Exchange // with Options.HAR; see report.HAR
}

// Visit is one page load.
type Visit struct {
	URL      string
	Final    string // where redirects led; "" where nothing answered
	Status   int    // HTTP status of the document; 0 where nothing answered
	HTML     bool
	Lang     string // the document's language, as it says; "" where it doesn't
	Error    string // why the page could not be read; "" when all went well
	After    bool
	Banner   Banner
	Reopen   string // label of a visible way to change one's mind that is not inside the banner; "" where there is none
	Declares string // address of a visible link to the cookie declaration or policy outside the banner; "" where there is none
	Probed   bool   // Reopen and Declares were looked for
}

// Write is one attempt to store something: a Set-Cookie header, or a call in a page.
type Write struct {
	Kind        consent.ItemKind
	Name        string
	Host        string   // for whom
	Header      bool     // by a Set-Cookie header
	By          string   // address of the response or of the script
	Stack       []string // addresses of the scripts that led to it, the nearest first; at most five
	Chain       []string // of a Set-Cookie header: what led to the request, as in Call
	Page        string
	At          time.Time
	After       bool
	Lifetime    time.Duration // in the terms of consent.Item
	Unclear     bool          // its date could not be read: only the browser knows the lifetime
	Removes     bool          // it deletes
	Kept        bool          // the browser kept it, as far as could be seen at once
	Refused     string        // why the browser refused it
	Shape       string        // what the value looks like, never the value: see Shape
	Secure      bool
	HTTPOnly    bool
	SameSite    string
	Partitioned bool
}

// Snapshot is what the browser held at one moment. Cookies are complete; the rest is known for the hosts whose
// frames were open.
type Snapshot struct {
	Page  string
	At    time.Time
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
	Shape       string // as in Write
}

// Call is one request to the network.
type Call struct {
	URL       string   // without query and fragment
	Params    []string // names in the query that are known to carry an id from site to site, or a page's address; sorted
	Type      string   // as the browser's network tools call it, in lower case
	Carries   []string // names of cookies whose values the query holds; sorted
	Pixel     bool     // a beacon, or a picture too small to be looked at
	Method    string
	Status    int      // 0 where nothing answered
	Initiator string   // address of the script or page that caused it
	Chain     []string // what led to it, the nearest first: scripts, frames, redirects; at most ten
	Page      string
	At        time.Time
	Order     int // its place among everything that happened on the page, with ConsentSignal's
	After     bool
	Consent   bool // the response says that it is this product's banner
}

// Use is that a script asked for something by which browsers can be told apart, or scripts' traces be carried along.
type Use struct {
	What  string // canvas, webgl, audio, fonts, webrtc, devices, battery, link-decoration
	By    string // address of the script
	Page  string
	After bool
	Count int
	Names []string // link-decoration: names of the parameters; fonts: nothing
}

// ConsentSignal is one consent command of Google's Consent Mode, as gtag or dataLayer got it.
type ConsentSignal struct {
	Command string            // default or update
	Values  map[string]string // ad_storage … to granted or denied
	Wait    int               // wait_for_update, in milliseconds
	Page    string
	Order   int
	After   bool
}

// Picture is a screenshot of what asked for consent.
type Picture struct {
	State  string `json:"state"`
	Device string `json:"device"`
	Layer  string `json:"layer"` // first, or second: after the settings were opened
	Page   string `json:"page"`
	PNG    []byte `json:"png"`
}

// Key identifies what a declaration has one entry for.
type Key struct {
	Kind consent.ItemKind
	Name string
	Host string // without a leading dot
}

// KeyOf makes the key of a thing that is stored.
func KeyOf(kind consent.ItemKind, name, host string) Key {
	return Key{kind, name, strings.TrimPrefix(host, ".")}
}

// Key is the entry that a declaration would have for it.
func (s Stored) Key() Key { return KeyOf(s.Kind, s.Name, s.Host) }

// Key is the entry that a declaration would have for it.
func (w Write) Key() Key { return KeyOf(w.Kind, w.Name, w.Host) }

// PlainURL drops what may name a person: user, query and fragment.
func PlainURL(raw string) string {
	u, err := url.Parse(raw)
	if err != nil {
		return Clip(raw, 300)
	}
	u.User, u.RawQuery, u.ForceQuery, u.Fragment, u.RawFragment = nil, "", false, "", ""
	return unique.Make(Clip(u.String(), 300)).Value() // the same few come again and again
}

// HostOf is the host of an address, in lower case; "" where it has none.
func HostOf(raw string) string {
	u, err := url.Parse(raw)
	if err != nil {
		return ""
	}
	return strings.ToLower(u.Hostname())
}

// Clip cuts a text off after so many bytes and marks that it did.
func Clip(s string, n int) string {
	if len(s) <= n {
		return s
	}
	return strings.ToValidUTF8(s[:n], "") + "…"
}

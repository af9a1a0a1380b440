package judgement

import (
	"cmp"
	"time"

	"samtykke/consent"
	"samtykke/scanner/evidence"
)

// Report is the result of a scan. docs/scan.schema.json describes its JSON.
type Report struct {
	URL        string             `json:"url"` // the start page, after redirects
	StartedAt  time.Time          `json:"started_at"`
	FinishedAt time.Time          `json:"finished_at"`
	Browser    string             `json:"browser"` // name and version
	Tool       string             `json:"tool"`    // what answered: "samtykke", the label of a button, or "" where nothing could be
	Scope      Scope              `json:"scope"`
	States     []StateResult      `json:"states"` // the small screen last
	Pages      []Page             `json:"pages"`
	Items      []Item             `json:"items"`
	Requests   []Request          `json:"requests"`
	Findings   []consent.Finding  `json:"findings"`
	Pictures   []evidence.Picture `json:"pictures"`          // of what asked for consent
	Accepted   []Acceptance       `json:"accepted"`          // findings that somebody has decided to live with; see Accept
	Changes    *Changes           `json:"changes,omitempty"` // since an older report; nil: compared with none
	Traffic    []evidence.State   `json:"-"`                 // with Options.HAR: what went over the network; see report.HAR
}

// Scope is how far a scan was to go, and how much it left out.
type Scope struct {
	Pages      int    `json:"pages"`       // at most this many in each state
	Depth      int    `json:"depth"`       // at most this many links away from the start page; 0: no limit
	Device     string `json:"device"`      // desktop or mobile alone; "": all on desktop, and a look on mobile
	Declared   bool   `json:"declared"`    // the site's declaration was known
	LifetimeS  int64  `json:"lifetime_s"`  // how long a cookie may last, in seconds
	NotVisited int    `json:"not_visited"` // pages of the site that were known and not visited
}

// StateResult says whether a state was reached.
type StateResult struct {
	State   string   `json:"state"`
	Device  string   `json:"device"` // desktop or mobile
	Done    bool     `json:"done"`
	Tool    string   `json:"tool"`    // what was pressed to reach it
	Pages   int      `json:"pages"`   // loads of pages in it
	Refused []string `json:"refused"` // private hosts that the guard let nothing through to
}

// Page is one page load.
type Page struct {
	URL    string `json:"url"`
	State  string `json:"state"`
	Device string `json:"device"`
	Status int    `json:"status"` // HTTP status; 0 where nothing answered
	Banner bool   `json:"banner"` // a banner asked for consent
	Error  string `json:"error"`  // why the page could not be read; "" when all went well
}

// Item is one thing that the site, or somebody on it, stores or tried to store in the browser.
type Item struct {
	Kind        consent.ItemKind  `json:"kind"`
	Name        string            `json:"name"`
	Host        string            `json:"host"` // with a leading dot when subdomains get it too
	Path        string            `json:"path"`
	Party       string            `json:"party"`
	States      []string          `json:"states"`      // in which it is stored, in the order none, reject, accept, withdraw
	SetAgain    bool              `json:"set_again"`   // it was set anew after the withdrawal
	LeftBehind  bool              `json:"left_behind"` // not necessary, not set anew, yet still there after the withdrawal
	Tried       bool              `json:"tried"`       // never stored: the browser refused it
	Category    consent.Category  `json:"category"`
	Confidence  float64           `json:"confidence"` // of the category, 0 to 1
	Vendor      string            `json:"vendor"`
	Provider    string            `json:"provider"`
	Country     string            `json:"country"`
	Source      string            `json:"source"` // of the category: a page, "declaration" or "rule: …"
	Purpose     map[string]string `json:"purpose"`
	SetBy       string            `json:"set_by"`     // address of the script or response that set it; "" where it was not seen
	Pages       []string          `json:"pages"`      // where it was set, or first found
	LifetimeS   int64             `json:"lifetime_s"` // seconds; 0: until the browser closes; -1: until removed
	HTTPOnly    bool              `json:"http_only"`
	Secure      bool              `json:"secure"`
	SameSite    string            `json:"same_site"` // Strict, Lax, None, or "" where the site said nothing
	Partitioned bool              `json:"partitioned"`
	FirstSeen   Sighting          `json:"first_seen"`
	Stack       []string          `json:"stack,omitempty"` // scripts that led to it, the nearest first
	Chain       []string          `json:"chain,omitempty"` // what led to the request that set it, the nearest first
	Devices     []string          `json:"devices"`         // desktop, mobile: where it was found
	Shape       string            `json:"-"`               // what its value looks like: see evidence.Shape
}

// Sighting is where something was seen.
type Sighting struct {
	State  string    `json:"state"`
	Device string    `json:"device"`
	Page   string    `json:"page"`
	At     time.Time `json:"at"`
}

// Request is a request to a third party; like ones of the same page and state are counted together.
type Request struct {
	URL       string           `json:"url"` // without query
	Host      string           `json:"host"`
	Type      string           `json:"type"`
	Initiator string           `json:"initiator"`
	Page      string           `json:"page"`
	State     string           `json:"state"` // in reject and withdraw: after the answer
	Device    string           `json:"device"`
	Chain     []string         `json:"chain,omitempty"` // what led to the first of them, the nearest first
	Params    []string         `json:"params"`          // names in the query that carry an id from site to site, or the page's address
	Carries   []string         `json:"carries"`         // cookies whose values the query holds
	Pixel     bool             `json:"pixel"`           // a beacon, or a picture too small to be looked at
	Category  consent.Category `json:"category"`
	Vendor    string           `json:"vendor"`
	Count     int              `json:"count"`
}

// NewReport judges the evidence and lays everything out.
func NewReport(e evidence.Site, o Options) Report {
	r := Report{
		URL: e.URL, States: []StateResult{}, Pages: []Page{}, Items: Items(&e, o.Declaration), Requests: collectRequests(&e, o.Declaration),
		Findings: Judge(e, o), Pictures: []evidence.Picture{}, Accepted: []Acceptance{},
		Scope: Scope{Declared: o.Declaration != nil, LifetimeS: int64(cmp.Or(o.LifetimeLimit, DefaultLifetimeLimit) / time.Second), NotVisited: e.NotVisited},
	}
	for i := range e.States {
		r.add(&e.States[i])
	}
	if len(e.Phone.Visits) > 0 {
		r.add(&e.Phone)
	}
	return r
}

// add lays out what was seen in a state.
func (r *Report) add(s *evidence.State) {
	r.States = append(r.States, StateResult{
		State: s.State, Device: s.Screen(), Done: s.Done, Tool: s.Tool, Pages: len(s.Visits), Refused: append([]string{}, s.Refused...),
	})
	for _, v := range s.Visits {
		r.Pages = append(r.Pages, Page{URL: v.URL, State: s.State, Device: s.Screen(), Status: v.Status, Banner: v.Banner.Seen, Error: v.Error})
	}
	r.Tool = cmp.Or(r.Tool, s.Tool)
	r.Pictures = append(r.Pictures, s.Pictures...)
	if s.HAR != nil {
		r.Traffic = append(r.Traffic, evidence.State{State: s.State, Device: s.Screen(), HAR: s.HAR})
	}
}

// Months is the longest time that so many calendar months can last.
func Months(n int) time.Duration {
	longest := time.Duration(0)
	for start := range 48 { // four years, so that one has a leap day
		from := time.Date(2024, time.Month(1+start), 1, 0, 0, 0, 0, time.UTC)
		longest = max(longest, from.AddDate(0, n, 0).Sub(from))
	}
	return longest
}

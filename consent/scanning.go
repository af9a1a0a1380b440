package consent

import (
	"slices"
	"time"
)

// Scanning says how often the server scans a site by itself, and how far it goes. The zero value: never.
type Scanning struct {
	Every string    `json:"every,omitempty"` // one of ScanEvery
	Pages int       `json:"pages,omitempty"` // at most this many in each state of consent; 0: DefaultScanPages
	Depth int       `json:"depth,omitempty"` // at most this many links away from the start page; 0: any
	Since time.Time `json:"since,omitzero"`  // when Every was set: the schedule begins behind it
}

// ScanEvery lists how often a site can be scanned; "" is never.
var ScanEvery = []string{"", "daily", "weekly", "monthly"}

const (
	DefaultScanPages = 20  // of a scan on the server, where nothing else is said
	MaxScanPages     = 500 // of a scan on the server
	maxScanDepth     = 50
)

// AtMost is how many pages a scan visits in each state.
func (s Scanning) AtMost() int {
	if s.Pages == 0 {
		return DefaultScanPages
	}
	return s.Pages
}

func (s Scanning) check(f *fields) {
	f.add(!slices.Contains(ScanEvery, s.Every), "scanning.every", "Choose how often.")
	f.add(s.Pages < 0 || s.Pages > MaxScanPages, "scanning.pages", "Give a number from 1 to 500.")
	f.add(s.Depth < 0 || s.Depth > maxScanDepth, "scanning.depth", "Give a number from 1 to 50, or nothing.")
}

package scanner

import (
	"regexp"
	"slices"

	"samtykke/scanner/evidence"
)

// aboutCookies matches links of a banner that lead to what a site says of its cookies.
var aboutCookies = regexp.MustCompile(`(?i)cookie|privatliv|privacy|persondata`)

// telling is the page that most pages link to as their cookie declaration; where none does, the one that the banner links
// to; "" where there is neither.
func (c *crawl) telling() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	best, linked := "", map[string]int{}
	visits := c.evidence.State(evidence.StateNone).Visits
	for _, v := range visits {
		if v.Declares != "" {
			if linked[v.Declares]++; linked[v.Declares] > linked[best] {
				best = v.Declares
			}
		}
	}
	if best != "" {
		return best
	}
	for _, v := range visits {
		at := slices.IndexFunc(v.Banner.Links, func(l evidence.Link) bool { return aboutCookies.MatchString(l.Label + " " + l.URL) })
		if at >= 0 {
			return v.Banner.Links[at].URL
		}
	}
	return ""
}

// read keeps what the site says of its cookies, on one page, as a visitor reads it.
func (v *visitor) read() {
	page := v.telling()
	if page == "" || !v.alive() || evidence.HostOf(page) == evidence.HostOf(v.evidence.URL) && !v.robots.Allows(page) {
		return
	}
	v.tell(page, "read what it says of cookies")
	ok := v.fetch(page)
	visit := v.tab.rec.Visit()
	if !ok && visit.Status == 0 {
		return
	}
	t := evidence.PageText{URL: evidence.Clip(page, 300), Status: visit.Status}
	if visit.HTML && visit.Status < 400 {
		_, _ = v.tab.ask(v.tab.frame, "prose()", &t)
	}
	v.crawl.mu.Lock() // other states are being kept meanwhile
	defer v.crawl.mu.Unlock()
	v.evidence.Texts = []evidence.PageText{t}
}

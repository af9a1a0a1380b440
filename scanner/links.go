package scanner

import (
	"net/url"
	"path"
	"regexp"
	"slices"
	"strings"
)

// away matches addresses that may change something or end the visit, by whole words of their path and query: nobody
// wants a scanner to log out, order, or put something in a basket. An address that only holds such a word as part of
// another is followed.
var away = regexp.MustCompile(`(?i)(^|[^\pL\pN])(` + strings.Join([]string{
	`log-?(out|off|ud|af)`, `sign-?(out|off)`, `unsubscribe`, `afmeld`, `frameld`, `cancel`, `annuller`, `delete`, `remove`, `slet`, `fjern`,
	`(add|l(ae|æ)g|tilf(oe|ø)j)[-_]?(to|i|til)[-_]?(cart|basket|bag|kurv|wishlist|oenskeliste|ønskeliste)`, `empty-cart`,
	`(cart|basket|kurv|indkoebskurv|indkøbskurv)/(add|change|update|clear|empty|tilf(oe|ø)j|(ae|æ)ndr|t(oe|ø)m)`,
	`checkout`, `orders?`, `ordre`, `bestil`, `buy`, `k(oe|ø)b`,
}, "|") + `)([^\pL\pN]|$)`)

// changes says whether an address reads as one that does something.
func changes(u *url.URL) bool {
	query, err := url.QueryUnescape(u.RawQuery)
	if err != nil {
		query = u.RawQuery
	}
	return away.MatchString(u.Path + "?" + query)
}

// notPages are the endings of files that a browser would download or show without a page around them.
var notPages = []string{
	".pdf", ".zip", ".gz", ".tar", ".rar", ".7z", ".exe", ".dmg", ".msi", ".doc", ".docx", ".xls", ".xlsx", ".ppt", ".pptx", ".csv", ".json",
	".xml", ".rss", ".ics", ".vcf", ".jpg", ".jpeg", ".png", ".gif", ".webp", ".avif", ".svg", ".ico", ".mp3", ".mp4", ".webm", ".mov", ".css",
	".js", ".woff2", ".txt",
}

// pageLinks picks from the links of a page those that lead to further pages of the same site, in their order and
// each once. Fragments are dropped and queries kept.
func pageLinks(base string, hrefs []string) []string {
	site := siteOf(hostOf(base))
	var pages []string
	for _, raw := range hrefs {
		u, err := url.Parse(raw)
		if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.User != nil || siteOf(u.Hostname()) != site || len(raw) > 2000 {
			continue
		}
		u.Fragment, u.RawFragment = "", ""
		if u.Path == "" {
			u.Path = "/"
		}
		if changes(u) || slices.Contains(notPages, strings.ToLower(path.Ext(u.Path))) {
			continue
		}
		if p := u.String(); !slices.Contains(pages, p) {
			pages = append(pages, p)
		}
	}
	return pages
}

// nextPage chooses from the links found so far, in their order and so breadth first. The last place is kept for a
// page deep in the site, such as a product, where one is known: visitors arrive there as well.
func nextPage(visited, found []string, most int) string {
	next := ""
	for _, p := range found {
		if slices.Contains(visited, p) {
			continue
		}
		if next == "" {
			next = p
		}
		if len(visited) < most-1 || slices.ContainsFunc(visited, isDeep) {
			break
		}
		if isDeep(p) {
			return p
		}
	}
	return next
}

// isDeep says whether an address is at least two levels below the root.
func isDeep(page string) bool {
	u, err := url.Parse(page)
	return err == nil && strings.Count(strings.Trim(u.Path, "/"), "/") >= 1
}

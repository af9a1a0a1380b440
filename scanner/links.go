package scanner

import (
	"net/url"
	"path"
	"regexp"
	"slices"
	"strings"
)

// away matches addresses that would end the visit or change something: nobody wants a scanner to log out, empty a
// basket or order.
var away = regexp.MustCompile(`(?i)(log-?(out|ud|af)|sign-?(out|off)|unsubscribe|afmeld|slet|delete|remove|fjern|add-to-cart|empty-cart)`)

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
		if away.MatchString(u.RequestURI()) || slices.Contains(notPages, strings.ToLower(path.Ext(u.Path))) {
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

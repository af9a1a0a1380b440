package frontier

import (
	"net/url"
	"path"
	"regexp"
	"slices"
	"strings"

	"samtykke/scanner/evidence"
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

// Links picks from the links of a page those that lead to further pages of the same site, in their order and
// each once. Fragments are dropped and queries kept.
func Links(base string, hrefs []string) []string {
	site := evidence.SiteOf(evidence.HostOf(base))
	var pages []string
	for _, raw := range hrefs {
		u, err := url.Parse(raw)
		if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.User != nil || evidence.SiteOf(u.Hostname()) != site || len(raw) > 2000 {
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

// IsDeep says whether an address is at least two levels below the root.
func IsDeep(page string) bool {
	u, err := url.Parse(page)
	return err == nil && strings.Count(strings.Trim(u.Path, "/"), "/") >= 1
}

// carried matches parameters that tell from where a visitor comes, or which visit it is. A page is the same without.
var carried = regexp.MustCompile(`(?i)^(utm_.*|gclid|gclsrc|gbraid|wbraid|dclid|fbclid|msclkid|ttclid|twclid|li_fat_id|igshid|yclid|mc_[ce]id|_ga|_gl|_hs(enc|mi)|hsctatracking|mtm_.*|pk_.*|srsltid|ref|` +
	`phpsessid|jsessionid|aspsessionid.*|cfid|cftoken|sid|session_?id|s_id)$`)

// pathSession is a session id that old servers put in the path.
var pathSession = regexp.MustCompile(`(?i);(jsessionid|sid)=[^/;]*`)

// plainPage is the address of a page without where the visitor comes from.
func plainPage(page string) string {
	u, err := url.Parse(page)
	if err != nil {
		return page
	}
	if pathSession.MatchString(u.Path) {
		u.Path, u.RawPath = pathSession.ReplaceAllString(u.Path, ""), ""
	}
	if u.RawQuery == "" {
		return u.String()
	}
	parts := slices.DeleteFunc(strings.Split(u.RawQuery, "&"), func(p string) bool {
		name, _, _ := strings.Cut(p, "=")
		return carried.MatchString(name)
	})
	u.RawQuery, u.ForceQuery = strings.Join(parts, "&"), false
	return u.String()
}

// canonical is the same for addresses that lead to one page as far as can be told without looking.
func canonical(page string) string {
	u, err := url.Parse(plainPage(page))
	if err != nil {
		return page
	}
	at := strings.TrimSuffix(u.Path, "/")
	for _, index := range []string{"/index.html", "/index.htm", "/index.php", "/default.aspx"} {
		at = strings.TrimSuffix(at, index)
	}
	query := strings.Split(u.RawQuery, "&")
	slices.Sort(query)
	return strings.ToLower(u.Host) + at + "?" + strings.Join(query, "&")
}

// section is the first part of a page's path.
func section(page string) string {
	u, err := url.Parse(page)
	if err != nil {
		return page
	}
	first, _, _ := strings.Cut(strings.Trim(u.Path, "/"), "/")
	return u.Host + "/" + first
}

// shape is what pages of one kind have in common: their path with a # for each part that holds a number, a * for the
// last of several, and the names of their parameters.
func shape(page string) string {
	u, err := url.Parse(page)
	if err != nil {
		return page
	}
	parts := strings.Split(strings.Trim(u.Path, "/"), "/")
	for i, p := range parts {
		switch {
		case strings.ContainsAny(p, "0123456789"):
			parts[i] = "#"
		case i > 0 && i == len(parts)-1:
			parts[i] = "*"
		}
	}
	s := u.Host + "/" + strings.Join(parts, "/")
	if u.RawQuery == "" {
		return s
	}
	var names []string
	for part := range strings.SplitSeq(u.RawQuery, "&") {
		name, _, _ := strings.Cut(part, "=")
		names = append(names, name)
	}
	slices.Sort(names)
	return s + "?" + strings.Join(slices.Compact(names), "&")
}

// endless says whether there may be any number of pages of a shape: parameters, and dates of two numbers or more.
func endless(shape string) bool { return strings.Contains(shape, "?") || strings.Count(shape, "#") > 1 }

package frontier

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/xml"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"samtykke/scanner/evidence"
)

// What is read of the sitemaps of a site, in all.
const (
	maxSitemaps     = 10
	maxSitemapBytes = 10 << 20
	maxHints        = 10000
	WayTimeout      = 8 * time.Second // for robots.txt and all sitemaps together
)

// OriginOf is the scheme and host of an address.
func OriginOf(page string) string {
	u, err := url.Parse(page)
	if err != nil {
		return page
	}
	return u.Scheme + "://" + u.Host
}

// Fetch reads a small file of the site.
func Fetch(ctx context.Context, client *http.Client, address string, most int64) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, err
	}
	req.Header.Set("User-Agent", robotName)
	res, err := client.Do(req)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("status %d", res.StatusCode)
	}
	return readLimited(res.Body, most)
}

// readLimited reads a body, unpacked where it is packed.
func readLimited(body io.Reader, most int64) ([]byte, error) {
	b, err := io.ReadAll(io.LimitReader(body, most))
	if err != nil || !bytes.HasPrefix(b, []byte{0x1f, 0x8b}) {
		return b, err
	}
	z, err := gzip.NewReader(bytes.NewReader(b))
	if err != nil {
		return nil, err
	}
	return io.ReadAll(io.LimitReader(z, most))
}

// SitemapPages lists the pages of the same site that its sitemaps name: those in robots.txt, else /sitemap.xml.
func SitemapPages(ctx context.Context, client *http.Client, start string, named []string) []string {
	site, left := evidence.SiteOf(evidence.HostOf(start)), int64(maxSitemapBytes)
	queue := named
	if len(queue) == 0 {
		queue = []string{OriginOf(start) + "/sitemap.xml"}
	}
	asked := map[string]bool{}
	var pages []string
	for len(queue) > 0 && len(asked) < maxSitemaps && len(pages) < maxHints && left > 0 && ctx.Err() == nil {
		address := strings.TrimSpace(queue[0])
		queue = queue[1:]
		if asked[address] || evidence.SiteOf(evidence.HostOf(address)) != site {
			continue
		}
		asked[address] = true
		text, err := Fetch(ctx, client, address, left)
		if err != nil {
			continue
		}
		left -= int64(len(text))
		found, more := readSitemap(text)
		pages = append(pages, Links(start, found[:min(len(found), maxHints-len(pages))])...)
		queue = append(queue, more[:min(len(more), maxSitemaps)]...)
	}
	return pages
}

// readSitemap gives the pages and further sitemaps that a sitemap names. What can't be read ends it.
func readSitemap(text []byte) (pages, sitemaps []string) {
	d := xml.NewDecoder(bytes.NewReader(text))
	d.Strict = false
	d.CharsetReader = func(_ string, r io.Reader) (io.Reader, error) { return r, nil }
	inside := ""
	for len(pages) < maxHints && len(sitemaps) < maxHints {
		token, err := d.Token()
		if err != nil {
			break
		}
		e, ok := token.(xml.StartElement)
		if !ok {
			continue
		}
		switch e.Name.Local {
		case "url", "sitemap":
			inside = e.Name.Local
		case "loc":
			var loc string
			if d.DecodeElement(&loc, &e) != nil || e.Name.Space != "" && strings.Contains(e.Name.Space, "image") {
				continue
			}
			if loc = strings.TrimSpace(loc); inside == "sitemap" {
				sitemaps = append(sitemaps, loc)
			} else {
				pages = append(pages, loc)
			}
		}
	}
	return pages, sitemaps
}

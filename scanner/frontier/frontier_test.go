package frontier

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"samtykke/scanner/evidence"
	"samtykke/scanner/evidence/evidencetest"
)

// drain gives all pages in the order in which one tab would visit them, where none leads to another.
func drain(f *Queue) []string {
	var got []string
	for {
		page, ok := f.Next()
		if !ok {
			return got
		}
		got = append(got, page)
		f.Visited(page, nil)
	}
}

func begun(most, depth int, start string, links []string) *Queue {
	f := New(evidence.HostOf(start), most, depth)
	f.Begin([]string{start})
	f.Visited(start, links)
	return f
}

// The last place goes to a page deep in the site.
func TestFrontier_KeepsAPlaceForADeepPage(t *testing.T) {
	links := []string{"https://s.dk/a", "https://s.dk/b", "https://s.dk/c", "https://s.dk/vare/1", "https://s.dk/vare/2"}
	evidencetest.Equal(t, "pages", drain(begun(4, 0, "https://s.dk/", links)), []string{"https://s.dk/a", "https://s.dk/b", "https://s.dk/vare/1"})
	evidencetest.Equal(t, "pages below a deep one", drain(begun(2, 0, "https://s.dk/vare/1", links)), []string{"https://s.dk/a"})
	evidencetest.Equal(t, "pages that there are", drain(begun(9, 0, "https://s.dk/a", links[:2])), []string{"https://s.dk/b"})
}

// Every section gets a visit before any gets a second, and the start page's host comes before the site's others.
func TestFrontier_SpreadsOverTheSite(t *testing.T) {
	evidencetest.Equal(t, "pages", drain(begun(9, 0, "https://s.dk/", []string{
		"https://en.s.dk/", "https://s.dk/vare/x", "https://s.dk/vare/y", "https://s.dk/vare/z", "https://s.dk/blog/nyt", "https://s.dk/om",
	})), []string{"https://s.dk/vare/x", "https://s.dk/blog/nyt", "https://s.dk/om", "https://s.dk/vare/y", "https://s.dk/vare/z", "https://en.s.dk/"})
}

// One page is visited once, however it is linked to.
func TestFrontier_KnowsOnePageByItsNames(t *testing.T) {
	evidencetest.Equal(t, "pages", drain(begun(9, 0, "https://s.dk/", []string{
		"https://s.dk/?utm_source=brev", "https://s.dk/index.html", "https://s.dk/a/?gclid=1&x=2", "https://s.dk/a?x=2", "https://s.dk/a?x=2&PHPSESSID=9",
		"https://s.dk/b;jsessionid=7", "https://s.dk/b/", "http://s.dk/b", "https://s.dk/c?y=1&x=2", "https://s.dk/c?x=2&y=1",
	})), []string{"https://s.dk/a/?x=2", "https://s.dk/b", "https://s.dk/c?y=1&x=2"})
}

// A calendar has no end; the visit of it does.
func TestFrontier_LeavesEndlessPages(t *testing.T) {
	for _, form := range []string{"https://s.dk/kalender/2026/%d", "https://s.dk/kalender?dag=%d", "https://s.dk/vare/%d"} {
		f := begun(100, 0, "https://s.dk/", []string{fmt.Sprintf(form, 0)})
		n := 0
		for page, ok := f.Next(); ok; page, ok = f.Next() {
			n++
			f.Visited(page, []string{fmt.Sprintf(form, n)})
		}
		want := perShape
		if !endless(shape(fmt.Sprintf(form, 0))) {
			want = 99
		}
		if n != want {
			t.Errorf("%s: %d pages, want %d", form, n, want)
		}
	}
}

func TestFrontier_GoesNoDeeperThanAsked(t *testing.T) {
	f := begun(100, 2, "https://s.dk/", []string{"https://s.dk/1"})
	var got []string
	for page, ok := f.Next(); ok; page, ok = f.Next() {
		got = append(got, page)
		f.Visited(page, []string{fmt.Sprintf("https://s.dk/%d", len(got)+1)})
	}
	evidencetest.Equal(t, "pages", got, []string{"https://s.dk/1", "https://s.dk/2"})
}

// Whoever asks for a page while another tab may still find one waits for it.
func TestFrontier_WaitsForWhatOtherTabsFind(t *testing.T) {
	f := begun(9, 0, "https://s.dk/", []string{"https://s.dk/a"})
	page, _ := f.Next()
	second := make(chan string)
	go func() {
		p, _ := f.Next()
		second <- p
	}()
	f.Visited(page, []string{"https://s.dk/b"})
	if got := <-second; got != "https://s.dk/b" {
		t.Errorf("%q", got)
	}
}

func TestRobots_AreReadAsTheStandardSays(t *testing.T) {
	r := ReadRobots([]byte("\ufeffUser-agent: andre\nDisallow: /\n\nUser-Agent: *\nUser-agent: ogs\nDisallow: /lukket # nej\nAllow: /lukket/aaben\n" +
		"Disallow: /*.php$\nDisallow: /s?*q=\nDisallow:\nCrawl-delay: 0.5\nSitemap: https://s.dk/kort.xml\n"))
	for page, want := range map[string]bool{
		"https://s.dk/": true, "https://s.dk/lukket": false, "https://s.dk/lukketid": false, "https://s.dk/lukket/aaben/1": true,
		"https://s.dk/a.php": false, "https://s.dk/a.php?x": true, "https://s.dk/s?a=1&q=2": false, "https://s.dk/s?a=1": true,
	} {
		if got := r.Allows(page); got != want {
			t.Errorf("%s: %v", page, got)
		}
	}
	if r.Delay != 500*time.Millisecond || !slices.Equal(r.Sitemaps, []string{"https://s.dk/kort.xml"}) {
		t.Errorf("%+v", r)
	}
	r = ReadRobots([]byte("User-agent: *\nDisallow: /\n\nUser-agent: samtykke\nDisallow: /a\nCrawl-delay: 600\n"))
	if !r.Allows("https://s.dk/b") || r.Allows("https://s.dk/a") || r.Delay != maxDelay {
		t.Errorf("by name: %+v", r)
	}
}

func FuzzReadRobots(f *testing.F) {
	f.Add("User-agent: *\nDisallow: /*a*$", "https://s.dk/b")
	f.Fuzz(func(_ *testing.T, text, page string) {
		r := ReadRobots([]byte(text))
		r.Allows(page)
	})
}

func TestReadSitemap_ReadsWhatSitesWrite(t *testing.T) {
	pages, more := readSitemap([]byte(`<?xml version="1.0" encoding="ISO-8859-1"?><urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9"
xmlns:image="http://www.google.com/schemas/sitemap-image/1.1"><url><loc> https://s.dk/a?x=1&amp;y=2 </loc><image:image><image:loc>https://s.dk/b.jpg</image:loc></image:image></url>
<url><loc><![CDATA[https://s.dk/c]]></loc></url><url><loc>`))
	evidencetest.Equal(t, "pages", pages, []string{"https://s.dk/a?x=1&y=2", "https://s.dk/c"})
	evidencetest.Equal(t, "sitemaps", more, nil)
	pages, more = readSitemap([]byte(`<sitemapindex><sitemap><loc>https://s.dk/1.xml.gz</loc></sitemap></sitemapindex>`))
	evidencetest.Equal(t, "pages of an index", pages, nil)
	evidencetest.Equal(t, "sitemaps of an index", more, []string{"https://s.dk/1.xml.gz"})
}

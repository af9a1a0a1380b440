package server_test

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"samtykke/browsertest"
	"samtykke/consent"
	"samtykke/server"
	"samtykke/server/store/storetest"
)

const oldID = "3F1C2B7A-0000-4000-8000-1234567890AB"

// addSite publishes one more site; change makes the variants.
func (s *shop) addSite(t testing.TB, id string, change func(*consent.Site)) {
	t.Helper()
	site, _ := storetest.Site(t, s.db, id)
	change(&site)
	if err := s.db.UpdateSite(context.Background(), site); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Publish(context.Background(), id, server.Publishing{Author: "test", Reason: "Compiled", Material: true}); err != nil {
		t.Fatal(err)
	}
}

func likeCookiebot(domains ...string) func(*consent.Site) {
	return func(s *consent.Site) { s.Domains, s.Banner.Markup = domains, []string{"cookiebot"} }
}

// A page that keeps Cookiebot's address gets its own site's script: by Cookiebot's ID, by the page's host, by the site's id; and
// where that isn't clear, none but a comment. It is looked up in memory.
func TestCookiebot_FindsTheSite(t *testing.T) {
	var logged bytes.Buffer
	s := newShop(t, func(c *server.Config) { c.Log = logTo(&logged) })
	s.addSite(t, "kaffebar", likeCookiebot("kaffe.example"))
	s.addSite(t, "kaffeblog", likeCookiebot("blog.kaffe.example", "both.kaffe.example"))
	s.addSite(t, "kaffeklub", likeCookiebot("klub.example", "both.kaffe.example"))
	s.addSite(t, "tehandel", func(s *consent.Site) {
		likeCookiebot("te.example")(s)
		s.Banner.CBID = oldID
	})
	s.addSite(t, "plainsite", func(s *consent.Site) { s.Domains = []string{"plain.example"} })
	tests := map[string]struct{ path, referer, want string }{
		"the ID":                     {"/uc.js?cbid=" + oldID, "", "tehandel"},
		"the ID in other letters":    {"/uc.js?cbid=" + strings.ToLower(oldID), "https://kaffe.example/", "tehandel"},
		"an unknown ID, a host":      {"/uc.js?cbid=00000000-0000", "https://kaffe.example/", "kaffebar"},
		"a host":                     {"/uc.js", "https://kaffe.example/menu?x=1", "kaffebar"},
		"a host with port, in caps":  {"/uc.js", "http://WWW.Kaffe.Example:8080/", "kaffebar"},
		"the nearest domain":         {"/uc.js", "https://en.blog.kaffe.example/", "kaffeblog"},
		"two sites' domain":          {"/uc.js", "https://both.kaffe.example/", ""},
		"two sites' domain, an id":   {"/uc.js?site=kaffeklub", "https://both.kaffe.example/", "kaffeklub"},
		"the site's id":              {"/uc.js?site=kaffebar", "", "kaffebar"},
		"only the end of a name":     {"/uc.js", "https://notkaffe.example/", ""},
		"another domain":             {"/uc.js", "https://stranger.example/", ""},
		"a site without the setting": {"/uc.js", "https://plain.example/", ""},
		"that site's id":             {"/uc.js?site=plainsite", "", ""},
		"no referer":                 {"/uc.js", "", ""},
		"a bad referer":              {"/uc.js", "https://[::", ""},
		"an empty ID":                {"/uc.js?cbid=", "", ""},
	}
	if err := s.db.Close(); err != nil {
		t.Fatal(err)
	}
	for name, tt := range tests {
		w := s.do("GET", tt.path, nil, "Referer", tt.referer)
		h := w.Header()
		if vary := strings.Join(h.Values("Vary"), ", "); !strings.Contains(vary, "Referer") || h.Get("Content-Type") != "text/javascript; charset=utf-8" {
			t.Errorf("%s: headers %v", name, h)
		}
		if tt.want == "" {
			if w.Code != http.StatusNotFound || !strings.HasPrefix(w.Body.String(), "// There is no site") || h.Get("Cache-Control") != "no-store" {
				t.Errorf("%s: %d %s", name, w.Code, w.Body)
			}
			for _, line := range strings.Split(strings.TrimSpace(w.Body.String()), "\n") {
				if !strings.HasPrefix(line, "//") {
					t.Errorf("%s: the answer is more than a comment: %s", name, line)
				}
			}
			continue
		}
		own := s.do("GET", "/s/"+tt.want+".js", nil)
		if w.Code != http.StatusOK || !bytes.Equal(w.Body.Bytes(), own.Body.Bytes()) || h.Get("Samtykke-Notice") != own.Header().Get("Samtykke-Notice") {
			t.Errorf("%s: %d, not the script of %s: %s", name, w.Code, tt.want, h.Get("Samtykke-Notice"))
		}
		if !strings.Contains(strings.Join(h.Values("Vary"), ","), "Accept-Encoding") || h.Get("Access-Control-Allow-Origin") != "*" {
			t.Errorf("%s: headers %v", name, h)
		}
	}
	if strings.Contains(logged.String(), "kaffe") {
		t.Errorf("a page's address was logged:\n%s", logged.String())
	}
}

// The declaration's address too, with Cookiebot's ID before the name or behind it; the setting decides at publishing.
func TestCookiebot_FindsTheDeclaration(t *testing.T) {
	s := newShop(t)
	s.addSite(t, "tehandel", func(s *consent.Site) {
		likeCookiebot("te.example")(s)
		s.Banner.CBID = oldID
	})
	for _, path := range []string{"/" + strings.ToLower(oldID) + "/cd.js", "/cd.js?cbid=" + oldID, "/cd.js?site=tehandel"} {
		if w := s.do("GET", path, nil); w.Code != http.StatusOK || !strings.Contains(w.Body.String(), `"data-site","tehandel"`) {
			t.Errorf("%s: %d", path, w.Code)
		}
	}
	if w := s.do("GET", "/cd.js", nil, "Referer", "https://te.example/cookies"); w.Code != http.StatusOK {
		t.Errorf("by the page: %d", w.Code)
	}
	for _, path := range []string{"/unknown-id/cd.js", "/cd.js"} {
		if w := s.do("GET", path, nil); w.Code != http.StatusNotFound || !strings.HasPrefix(w.Body.String(), "//") {
			t.Errorf("%s: %d %s", path, w.Code, w.Body)
		}
	}
	site, err := s.db.Site(t.Context(), "tehandel")
	if err != nil {
		t.Fatal(err)
	}
	site.Banner.Markup = nil
	if err := s.db.UpdateSite(t.Context(), site); err != nil {
		t.Fatal(err)
	}
	if w := s.do("GET", "/cd.js?site=tehandel", nil); w.Code != http.StatusOK {
		t.Errorf("the draft was taken for the notice: %d", w.Code)
	}
	if _, err := s.Publish(t.Context(), "tehandel", server.Publishing{Author: "test", Reason: "Without"}); err != nil {
		t.Fatal(err)
	}
	if w := s.do("GET", "/cd.js?site=tehandel", nil); w.Code != http.StatusNotFound {
		t.Errorf("after the setting was taken away: %d", w.Code)
	}
}

// The whole way in a browser: a page with Cookiebot's two tags, only their host exchanged, asks in the tag's language, records
// the answer, and shows the declaration where its tag stands.
func TestCookiebot_PageWorksUnchanged(t *testing.T) {
	s := newShop(t, func(c *server.Config) { c.BaseURL = "http://elsewhere.example" })
	s.addSite(t, "tehandel", likeCookiebot("te.example"))
	cmp := httptest.NewServer(s)
	page := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		io.WriteString(w, `<!doctype html><html lang=da><head><title>Te</title>
			<script id="Cookiebot" src="http://cmp.example/uc.js" data-cbid="`+oldID+`" data-culture="EN" type="text/javascript" async></script></head>
			<body><main><p>Before<script id="CookieDeclaration" src="http://cmp.example/`+oldID+`/cd.js" data-culture="en-GB" type="text/javascript" async></script><p id=after>After</main></body></html>`)
	}))
	t.Cleanup(cmp.Close)
	t.Cleanup(page.Close)
	tab := browsertest.Open(t, browsertest.Options{Hosts: map[string]string{
		"cmp.example": strings.TrimPrefix(cmp.URL, "http://"), "www.te.example": strings.TrimPrefix(page.URL, "http://"),
	}}).Tab()
	tab.Go("http://www.te.example/")
	tab.Wait(`document.querySelector("#samtykke #reject")?.textContent == "Reject all"`)
	tab.ClickIn(`document.querySelector("#samtykke #reject")`)
	tab.Wait(`Cookiebot.declined && /samtykke=1:[^;]*:$/.test(document.cookie)`)
	tab.Wait(`document.querySelector("#samtykke-declaration h2")`)
	var lang string
	if tab.Eval(`document.querySelector("#CookieDeclaration + #samtykke-declaration").lang`, &lang); lang != "en" {
		t.Errorf("the declaration's language is %q", lang)
	}
	n, err := s.db.CurrentNotice(t.Context(), "tehandel")
	if err != nil {
		t.Fatal(err)
	}
	s.site.ID = "tehandel"
	if r := s.records(t); len(r) != 1 || r[0].Notice != n.Hash || r[0].Language != "en" || r[0].Action != consent.RejectAll {
		t.Errorf("records %+v", r)
	}
}

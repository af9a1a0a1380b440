package server_test

import (
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"golang.org/x/net/html"

	"samtykke/consent"
	"samtykke/server"
	"samtykke/server/store"
	"samtykke/server/store/storetest"
)

// H4: what shows that a domain is the site's, and what doesn't.
func TestOwnership_IsProvenByTagFileOrDNS(t *testing.T) {
	const front, file = "fjordfletvaerk.example/", "fjordfletvaerk.example/.well-known/samtykke-site.txt"
	tag := `<script async src="https://anden.example/x/s/fjordfletvaerk.js"></script>`
	for name, c := range map[string]struct {
		pages map[string]string
		txt   []string
		want  store.Proof
	}{
		"tag":                        {map[string]string{front: "<title>x</title>" + tag}, nil, store.ProofTag},
		"file":                       {map[string]string{front: "x", file: "samtykke-site=fjordfletvaerk\n"}, nil, store.ProofFile},
		"dns":                        {nil, []string{"v=spf1 -all", "samtykke-site=fjordfletvaerk"}, store.ProofDNS},
		"tag behind www":             {map[string]string{front: "-> http://www.fjordfletvaerk.example/da", "www.fjordfletvaerk.example/da": tag}, nil, store.ProofTag},
		"Cookiebot's tag":            {map[string]string{front: `<script id="Cookiebot" src="/uc.js" data-cbid="01234567-89AB-cdef-0123-456789abcdef"></script>`}, nil, store.ProofTag},
		"nothing":                    {map[string]string{front: "hej"}, []string{"v=spf1 -all"}, ""},
		"another site's tag":         {map[string]string{front: strings.ReplaceAll(tag, siteID, otherID)}, nil, ""},
		"another site's token":       {map[string]string{front: "x", file: "samtykke-site=" + otherID}, []string{"samtykke-site=" + otherID}, ""},
		"in a comment":               {map[string]string{front: "<!-- " + tag + " -->"}, nil, ""},
		"in a text":                  {map[string]string{front: "<textarea>" + tag + "</textarea><p>" + html.EscapeString(tag)}, nil, ""},
		"on another domain":          {map[string]string{front: "-> http://fjordfletvaerk.example.evil.example/", "fjordfletvaerk.example.evil.example/": tag}, nil, ""},
		"file elsewhere":             {map[string]string{front: "x", file: "-> http://evil.example/t", "evil.example/t": "samtykke-site=fjordfletvaerk"}, nil, ""},
		"redirects without an end":   {map[string]string{front: "-> http://fjordfletvaerk.example/"}, nil, ""},
		"far behind the first bytes": {map[string]string{front: strings.Repeat(" ", 1<<20) + tag}, nil, ""},
	} {
		t.Run(name, func(t *testing.T) {
			l := newLab(t)
			l.site.Banner.CBID = "01234567-89ab-cdef-0123-456789abcdef"
			l.check(l.db.UpdateSite(t.Context(), l.site))
			l.pages, l.txt = c.pages, c.txt
			a := l.post(consent.Editor, "/sites/"+siteID+"/domains", "domain", siteID+".example")
			known, err := l.db.Domains(t.Context(), siteID)
			l.check(err)
			d := known[siteID+".example"]
			if d.Method != c.want || d.Proven() != (c.want != "") || d.CheckedAt != storetest.Day {
				t.Errorf("%d, %+v", a.Code, d)
			}
			if c.want == "" {
				wellFormed(t, a.wants(t, http.StatusConflict), "da")
			}
			if deeds := l.deeds("ownership_checked"); len(deeds) != 1 || deeds[0].Object != siteID+".example" || deeds[0].Who != "editor@fjord.example" {
				t.Errorf("deeds %v", deeds)
			}
		})
	}
}

// The server's own way out leads nowhere near itself, also where a domain's name or a redirect does.
func TestOwnership_IsNotLookedForOnThisMachine(t *testing.T) {
	near := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("it was reached") }))
	defer near.Close()
	o := newOffice(t, func(c *server.Config) {
		c.LookupTXT = func(context.Context, string) ([]string, error) { return nil, nil }
	})
	_, port, _ := net.SplitHostPort(near.Listener.Addr().String())
	for _, host := range []string{"127.0.0.1", "localhost", "shop.localhost"} {
		o.site.Domains, o.site.Homepage = []string{host}, "http://"+host+":"+port+"/"
		o.check(o.db.UpdateSite(t.Context(), o.site))
		a := o.post(consent.Editor, "/sites/"+siteID+"/domains", "domain", host).wants(t, http.StatusConflict)
		if got := a.words("div", "class", "problem"); !strings.Contains(got, "der kom intet svar fra "+host) {
			t.Errorf("%q", got)
		}
	}
}

// H4: without a proof nothing is scanned and no schedule is set.
func TestScans_WantAProvenDomain(t *testing.T) {
	l := newLab(t)
	for _, form := range [][]string{{"op", "scan"}, {"op", "schedule", "scanning.every", "daily", "scanning.pages", "9"}} {
		a := l.post(consent.Editor, scansPath, form...).wants(t, http.StatusConflict)
		if got := a.words("div", "class", "problem"); got != "Bekræft først, at domænet hører til hjemmesiden." {
			t.Errorf("%v: %q", form, got)
		}
		wellFormed(t, a, "da")
	}
	l.work()
	if len(l.scanned) > 0 || len(l.deeds("scan_asked")) > 0 {
		t.Error("it was scanned")
	}
	l.site.Homepage = "https://evil.example/"
	l.check(l.db.UpdateSite(t.Context(), l.site))
	l.prove()
	l.post(consent.Editor, scansPath, "op", "scan").wants(t, http.StatusConflict)
}

package server

import (
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/labstack/echo/v4"

	"samtykke/server/declaration"
)

// Pages that come from Cookiebot keep its two addresses, /uc.js and /cd.js, on this server's host. Those don't name the site as
// ours do, so it is found by Cookiebot's own ID or by the page that asks (docs/coming-from.md).

// cookiebotSites finds the sites that understand Cookiebot's markup. A key that two sites share finds none.
type cookiebotSites struct {
	byID     map[string]*cookiebotSite // Cookiebot's, in lower case
	byDomain map[string]*cookiebotSite
	bySite   map[string]*cookiebotSite
}

type cookiebotSite struct {
	*siteEntry
	declaration *asset // the embed that knows its site
}

// newCookiebotSites reads what is published, since that is what the script was compiled for.
func newCookiebotSites(sites map[string]*siteEntry) *cookiebotSites {
	f := &cookiebotSites{map[string]*cookiebotSite{}, map[string]*cookiebotSite{}, map[string]*cookiebotSite{}}
	for id, e := range sites {
		if e.current == nil || !slices.Contains(e.current.Content.Banner.Markup, "cookiebot") {
			continue
		}
		site := &cookiebotSite{e, newAsset(slices.Concat([]byte(`document.currentScript?.setAttribute("data-site","`+id+`");`+"\n"), declaration.Embed), "text/javascript; charset=utf-8")}
		f.bySite[id] = site
		if cbid := e.current.Content.Banner.CBID; cbid != "" {
			share(f.byID, strings.ToLower(cbid), site)
		}
		for _, d := range e.site.Domains {
			share(f.byDomain, d, site)
		}
	}
	return f
}

// share enters a site; nil marks a key that others have too.
func share(m map[string]*cookiebotSite, key string, site *cookiebotSite) {
	if other, taken := m[key]; taken && other != site {
		site = nil
	}
	m[key] = site
}

// find tries Cookiebot's ID, then the page's host and the domains above it, then the site's own id. nil: none.
func (f *cookiebotSites) find(cbid, referer, site string) *cookiebotSite {
	if s := f.byID[strings.ToLower(cbid)]; s != nil {
		return s
	}
	if u, err := url.Parse(referer); err == nil {
		for host := strings.ToLower(strings.TrimSuffix(u.Hostname(), ".")); host != ""; _, host, _ = strings.Cut(host, ".") {
			if s, known := f.byDomain[host]; known {
				if s != nil {
					return s
				}
				break // the nearest domain is several sites'
			}
		}
	}
	return f.bySite[site]
}

const unknownPage = `// There is no site here for this page. Add the page's domain to the site on the dashboard, or write ?site= and the site's id
// behind this address. The site must understand Cookiebot's markup, and be published.
`

// cookiebotSite finds the site of a request, or answers what to do. The page's address is looked at and kept nowhere.
func (s *Server) cookiebotSite(c echo.Context) (*cookiebotSite, error) {
	openToAll(c)
	h := c.Response().Header()
	h.Add("Vary", "Referer")
	cbid := c.Param("cbid")
	if cbid == "" {
		cbid = c.QueryParam("cbid")
	}
	if site := s.catalog.cookiebot.Load().find(cbid, c.Request().Referer(), c.QueryParam("site")); site != nil {
		return site, nil
	}
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	return nil, c.Blob(http.StatusNotFound, "text/javascript; charset=utf-8", []byte(unknownPage))
}

// cookiebotScript serves /uc.js: the very bytes of /s/{site}.js.
func (s *Server) cookiebotScript(c echo.Context) error {
	site, err := s.cookiebotSite(c)
	if site == nil {
		return err
	}
	c.Response().Header().Set("Samtykke-Notice", site.current.Hash.String())
	return site.current.script.serve(c, briefly)
}

// cookiebotDeclaration serves /cd.js and /{cbid}/cd.js: the declaration's embed.
func (s *Server) cookiebotDeclaration(c echo.Context) error {
	site, err := s.cookiebotSite(c)
	if site == nil {
		return err
	}
	return site.declaration.serve(c, briefly)
}

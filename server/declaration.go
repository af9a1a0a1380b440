package server

import (
	"bytes"
	"context"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/labstack/echo/v4"
	"golang.org/x/text/language"

	"samtykke/consent"
	"samtykke/server/declaration"
)

// The declaration's own files. They change only with the program, so the page names the style by its content.
var (
	declarationStyle  = newAsset(declaration.Style, "text/css; charset=utf-8")
	declarationScript = newAsset(declaration.Embed, "text/javascript; charset=utf-8")
)

// declaration serves a site's cookie declaration as it is in force: /d/{site} leads to the language that the browser
// prefers, /d/{site}/da is the page, /d/{site}/da.json the data.
func (s *Server) declaration(c echo.Context) error {
	if c.Param("lang") == "" {
		return s.chooseLanguage(c)
	}
	return s.answerDeclaration(c, 0)
}

// oldDeclaration serves a version by its number, for as long as the notice is kept (D5).
func (s *Server) oldDeclaration(c echo.Context) error {
	version, err := strconv.Atoi(c.Param("version"))
	if err != nil || version < 1 {
		return s.noDeclaration(c, consent.NotFound("no_version", "There is no such version."))
	}
	return s.answerDeclaration(c, version)
}

// declarationEmbed serves the script that shows the declaration on the site's own page. It is the same for every
// site: the script reads the site from its own address.
func (s *Server) declarationEmbed(c echo.Context) error {
	openToAll(c)
	return declarationScript.serve(c, briefly)
}

// declarationCSS serves the page's style.
func (s *Server) declarationCSS(c echo.Context) error { return declarationStyle.serve(c, forEver) }

// chooseLanguage leads /d/{site} and /d/{site}.json to the best language that the site has.
func (s *Server) chooseLanguage(c echo.Context) error {
	site, ext := cutJSON(c.Param("site"))
	e, err := s.catalog.site(c.Request().Context(), site)
	if err != nil {
		return s.noDeclaration(c, err)
	}
	var langs []string
	if e.current != nil {
		langs = declaration.Offered(&e.current.Content.Banner)
	}
	if len(langs) == 0 {
		return s.noDeclaration(c, errNoDeclaration())
	}
	openToAll(c)
	h := c.Response().Header()
	h.Set("Vary", "Accept-Language")
	h.Set("Cache-Control", briefly)
	lang := preferred(c.Request().Header.Get("Accept-Language"), langs)
	return c.Redirect(http.StatusFound, declaration.Path(site, 0, lang)+ext)
}

// answerDeclaration answers with one version, 0 being the one in force, as page or data.
func (s *Server) answerDeclaration(c echo.Context, version int) error {
	lang, ext := cutJSON(c.Param("lang"))
	d, err := s.knownDeclaration(c.Request().Context(), c.Param("site"), version, lang)
	if err != nil {
		return s.noDeclaration(c, err)
	}
	h := c.Response().Header()
	h.Set("Cache-Control", briefly)
	h.Set("Content-Language", lang)
	if ext != "" {
		openToAll(c)
		h.Set("X-Content-Type-Options", "nosniff")
		return c.JSON(http.StatusOK, d)
	}
	var page bytes.Buffer
	if err := d.WritePage(&page, styleURL(c)); err != nil {
		return err
	}
	declarationHeaders(h)
	return c.HTMLBlob(http.StatusOK, page.Bytes())
}

func errNoDeclaration() error {
	return consent.NotFound("not_published", "The website has not published a declaration yet.")
}

// declarationKey names a declaration as it is remembered.
type declarationKey struct {
	site, lang string
	version    int
}

// declarationEntry is a declaration and the revision of the store that it was made at.
type declarationEntry struct {
	revision int64
	declaration.Declaration
}

// knownDeclaration makes a declaration once and remembers it until a site, notice or scan changes.
func (s *Server) knownDeclaration(ctx context.Context, site string, version int, lang string) (declaration.Declaration, error) {
	key, revision := declarationKey{site, lang, version}, s.catalog.revision.Load()
	if known, ok := s.declarations.Load(key); ok && known.(*declarationEntry).revision == revision {
		return known.(*declarationEntry).Declaration, nil
	}
	d, err := s.readDeclaration(ctx, site, version, lang)
	if err == nil {
		s.declarations.Store(key, &declarationEntry{revision, d})
	}
	return d, err
}

func (s *Server) readDeclaration(ctx context.Context, site string, version int, lang string) (d declaration.Declaration, err error) {
	if _, err := s.catalog.site(ctx, site); err != nil {
		return d, err
	}
	notices, err := s.db.Notices(ctx, site)
	if err != nil {
		return d, err
	}
	if len(notices) == 0 {
		return d, errNoDeclaration()
	}
	at := slices.IndexFunc(notices, func(n consent.Notice) bool { return version == 0 || n.Version == version })
	if at < 0 {
		return d, consent.NotFound("no_version", "There is no such version.")
	}
	scanned := notices[at].Content.LastScan
	if at == 0 {
		if scanned, err = s.lastScan(ctx, site, scanned); err != nil {
			return d, err
		}
	}
	return declaration.Of(notices, at, lang, scanned)
}

// lastScan is the newest scan there is: the site may have been scanned since the notice was published (D13).
func (s *Server) lastScan(ctx context.Context, site string, frozen *time.Time) (*time.Time, error) {
	at, err := s.db.LastScanAt(ctx, site)
	if consent.KindOf(err) == consent.KindNotFound {
		return frozen, nil
	}
	return &at, err
}

// noDeclaration tells a person in their own language that there is nothing here; programs get the error.
func (s *Server) noDeclaration(c echo.Context, err error) error {
	if consent.KindOf(err) != consent.KindNotFound || !wantsPage(c) {
		openToAll(c)
		return err
	}
	lang := preferred(c.Request().Header.Get("Accept-Language"), []string{"da", "en"})
	var page bytes.Buffer
	if err := declaration.WriteMissing(&page, lang, styleURL(c)); err != nil {
		return err
	}
	h := c.Response().Header()
	h.Set("Cache-Control", "no-store")
	h.Set("Vary", "Accept, Accept-Language")
	declarationHeaders(h)
	return c.HTMLBlob(http.StatusNotFound, page.Bytes())
}

// styleURL names the style sheet by its content, so that browsers may keep it for ever.
func styleURL(c echo.Context) string {
	return "/d/" + c.Param("site") + "/page.css?v=" + strings.Trim(declarationStyle.etag, `"`)
}

// declarationHeaders lets the page load its style and nothing else.
func declarationHeaders(h http.Header) {
	h.Set("Content-Security-Policy", "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Permissions-Policy", "camera=(), geolocation=(), microphone=()")
}

// cutJSON splits "da.json" into "da" and ".json".
func cutJSON(name string) (base, ext string) {
	if base, ok := strings.CutSuffix(name, ".json"); ok {
		return base, ".json"
	}
	return name, ""
}

// preferred picks of the offered languages the one that Accept-Language likes best, else the first.
func preferred(accept string, offered []string) string {
	wanted, _, err := language.ParseAcceptLanguage(accept)
	if err != nil {
		return offered[0]
	}
	for _, t := range wanted {
		base, _ := t.Base()
		if slices.Contains(offered, base.String()) {
			return base.String()
		}
	}
	return offered[0]
}

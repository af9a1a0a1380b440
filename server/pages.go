package server

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"net/url"
	"slices"
	"sync"

	"github.com/labstack/echo/v4"
	"golang.org/x/text/language"

	"samtykke/consent"
	"samtykke/server/dashboard"
)

// setPageHeaders lets a page of the dashboard load its own style and pictures and nothing else. Nothing of it is
// kept by browsers, and no address of it leaves by a referrer to others.
func setPageHeaders(h http.Header) {
	h.Set("Content-Security-Policy", pagePolicy)
	h.Set("X-Content-Type-Options", "nosniff")
	// Not no-referrer: browsers would then send forms with "Origin: null", and without TLS nothing else tells them
	// from another site's.
	h.Set("Referrer-Policy", "same-origin")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cache-Control", "no-store")
}

func (s *Server) pageHeaders(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		setPageHeaders(c.Response().Header())
		return next(c)
	}
}

// sameOrigin refuses forms that other sites' pages send with the visitor's session (H2).
func (s *Server) sameOrigin(next echo.HandlerFunc) echo.HandlerFunc {
	guard := http.NewCrossOriginProtection()
	if err := guard.AddTrustedOrigin(s.cfg.BaseURL); err != nil {
		// A base URL with a path is no origin. Browsers' own word for it (Sec-Fetch-Site) is enough then.
		s.cfg.Log.Debug("base URL is not an origin")
	}
	return func(c echo.Context) error {
		if guard.Check(c.Request()) != nil {
			return &consent.Error{Kind: consent.KindForbidden, Code: "cross_origin", Message: "This form was sent by another website. Open the dashboard and send it from there."}
		}
		return next(c)
	}
}

var spoken = language.NewMatcher([]language.Tag{language.Danish, language.English})

// languageOf is the language of the pages that one sees: one's own, or the one asked for, or the browser's.
func languageOf(c echo.Context) string {
	if u := userOf(c); u != nil {
		return u.Language
	}
	for _, asked := range []string{c.QueryParam("lang"), c.Request().PostForm.Get("lang")} {
		if slices.Contains(dashboard.Languages(), asked) {
			return asked
		}
	}
	_, i := language.MatchStrings(spoken, c.Request().Header.Get("Accept-Language"))
	return dashboard.Languages()[i]
}

// show answers with a page.
func (s *Server) show(c echo.Context, page string, v dashboard.View) error {
	return s.showAs(c, http.StatusOK, page, v)
}

func (s *Server) showAs(c echo.Context, code int, page string, v dashboard.View) error {
	v.Lang, v.User, v.Style = languageOf(c), userOf(c), "/assets/"+styleName()
	words := dashboard.For(v.Lang)
	if done := c.QueryParam("done"); words.Has("done." + done) {
		v.Done = done
	}
	if v.Title == "" {
		v.Title = words.T(page + ".title")
	}
	v.Here = here(c)
	var b bytes.Buffer
	if err := dashboard.Render(&b, page, v); err != nil {
		return err
	}
	return c.HTMLBlob(code, b.Bytes())
}

// here is the address that shows the page again, for the switch of languages. Some forms go to addresses that
// can't be read; their pages are meant then. "done" has been told once.
func here(c echo.Context) string {
	u := *c.Request().URL
	if c.Request().Method != http.MethodGet {
		switch c.Path() {
		case "/sites":
			return "/sites/new"
		case "/sites/:site/scan":
			return "/sites/" + c.Param("site") + "/declaration"
		case "/sites/:site/editor":
			return u.RequestURI()
		case "/sites/:site/alarms":
			return "/sites/" + c.Param("site")
		}
		return u.Path
	}
	q := u.Query()
	q.Del("done")
	q.Del("lang")
	u = url.URL{Path: u.Path, RawQuery: q.Encode()}
	return u.RequestURI()
}

// errorData is what an error's page tells.
type errorData struct {
	Code   int
	Error  *consent.Error
	Login  bool // logging in may help
	Fields []string
}

// errorPage tells a person what went wrong, in the person's language.
func (s *Server) errorPage(c echo.Context, code int, e *consent.Error) error {
	setPageHeaders(c.Response().Header())
	d := errorData{Code: code, Error: e, Login: code == http.StatusUnauthorized}
	for _, words := range e.Fields {
		d.Fields = append(d.Fields, words)
	}
	slices.Sort(d.Fields)
	return s.showAs(c, code, "error", dashboard.View{Data: d})
}

// styleSheet is the dashboard's one style sheet, under a name that changes with it.
var styleSheet = sync.OnceValue(func() *asset { return newAsset(dashboard.Style(), "text/css; charset=utf-8") })

var icon = sync.OnceValue(func() *asset { return newAsset(dashboard.Icon(), "image/svg+xml") })

var styleName = sync.OnceValue(func() string {
	sum := sha256.Sum256(styleSheet().raw)
	return "app." + hex.EncodeToString(sum[:6]) + ".css"
})

// assetFile serves what the pages load.
func (s *Server) assetFile(c echo.Context) error {
	switch c.Param("file") {
	case styleName():
		return styleSheet().serve(c, forEver)
	case "icon.svg":
		return icon().serve(c, briefly)
	}
	if c.Param("file") == proofScript().name {
		return proofScript().serve(c, forEver)
	}
	for _, sc := range scripts() {
		if c.Param("file") == sc.name {
			return sc.serve(c, forEver)
		}
	}
	return echo.ErrNotFound
}

package server

import (
	"bytes"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/labstack/echo/v4"

	"samtykke/consent"
	"samtykke/server/dashboard"
	"samtykke/server/declaration"
	"samtykke/server/store"
)

var (
	rightsStyle  = newAsset(declaration.RightsStyle, "text/css; charset=utf-8")
	rightsScript = newAsset(declaration.RightsScript, "text/javascript; charset=utf-8")
)

func (s *Server) rightsCSS(c echo.Context) error { return rightsStyle.serve(c, forEver) }
func (s *Server) rightsJS(c echo.Context) error  { return rightsScript.serve(c, forEver) }

// rightsPage shows where a visitor uses the rights of the GDPR. The id is typed in, or filled in by the page's script from
// behind the #: it never is in an address that a server sees.
func (s *Server) rightsPage(c echo.Context) error {
	e, err := s.rightsSite(c)
	if err != nil {
		return s.noDeclaration(c, err)
	}
	return s.showRights(c, e, "", "", nil)
}

// rightsSite finds the site of the page in a language that its declaration has, or in the page's own.
func (s *Server) rightsSite(c echo.Context) (*siteEntry, error) {
	e, err := s.catalog.site(c.Request().Context(), c.Param("site"))
	if err != nil {
		return nil, err
	}
	if e.current == nil {
		return nil, errNoDeclaration()
	}
	lang := c.Param("lang")
	if lang != "da" && lang != "en" && !slices.Contains(declaration.Offered(&e.current.Content.Banner), lang) {
		return nil, errNoDeclaration()
	}
	return e, nil
}

// useRights does what a visitor asks for on the page. Whoever knows the id is the visitor; no cookie stands for anyone, so
// that no other site's form can do anything in somebody's name.
func (s *Server) useRights(c echo.Context) error {
	e, err := s.rightsSite(c)
	if err != nil {
		return s.noDeclaration(c, err)
	}
	if err := s.acts.allow(c, e.site.ID); err != nil {
		return err
	}
	f, err := readForm(c)
	if err != nil {
		return err
	}
	typed := f.Get("visitor")
	visitor, err := uuid.Parse(typed)
	if err != nil {
		visitor = uuid.Nil // nobody
	}
	ctx, site, now := c.Request().Context(), e.site.ID, s.cfg.Now()
	told := ""
	switch f.Get("do") {
	case "copy":
		h, err := s.historyOf(ctx, site, visitor)
		if err != nil {
			return err
		}
		noStore(c)
		return sendJSON(c, "samtykke-"+visitor.String()+".json", h)
	case "receipt":
		noStore(c)
		return s.sendReceipt(c, e, visitor, f.Get("act"), f.Get("format"))
	case "withdraw":
		if told, err = s.withdrawFor(c, e, visitor, now); err != nil {
			return err
		}
	case "restrict", "release":
		done, err := s.db.Restrict(ctx, site, visitor, f.Get("do") == "restrict", now, s.deed(c, "restrict", site))
		if err != nil {
			return err
		}
		if done.Changed > 0 {
			told = "done_" + f.Get("do")
		}
	case "erase":
		if told, err = s.eraseFor(c, site, visitor, f.Get("confirm") == "yes"); err != nil {
			return err
		}
	}
	acts, err := s.db.OwnActs(ctx, site, visitor)
	if err != nil {
		return err
	}
	if told == "" && len(acts) == 0 {
		told = "none"
	}
	return s.showRights(c, e, typed, told, acts)
}

// eraseFor erases what is kept of a visitor once that was confirmed, and says what became of it.
func (s *Server) eraseFor(c echo.Context, site string, visitor uuid.UUID, confirmed bool) (told string, err error) {
	if !confirmed {
		return "erase_missing", nil
	}
	done, err := s.db.EraseVisitor(c.Request().Context(), site, visitor, s.cfg.Now(), s.deed(c, "erase", site))
	switch {
	case done.Locked > 0:
		told = "done_lock"
	case done.Deleted > 0:
		told = "done_erase"
	}
	return told, err
}

// withdrawFor records that a visitor withdraws, where there is something to withdraw: an act like one that the banner sends,
// under the notice of the visitor's newest one.
func (s *Server) withdrawFor(c echo.Context, e *siteEntry, visitor uuid.UUID, now time.Time) (told string, err error) {
	ctx := c.Request().Context()
	acts, err := s.db.OwnActs(ctx, e.site.ID, visitor)
	if err != nil || !grants(acts, now) {
		return "", err
	}
	last := acts[len(acts)-1].Record
	n, err := s.catalog.notice(ctx, e.site.ID, last.Notice)
	if err != nil {
		return "", err
	}
	id, err := uuid.NewV7()
	if err != nil {
		return "", err
	}
	at := now.UTC().Truncate(time.Millisecond)
	r := consent.Record{
		Act: consent.Act{
			ID: id, Visitor: visitor, Notice: last.Notice, Action: consent.Withdraw, Method: consent.ByDeclaration, Language: last.Language,
			Categories: consent.NoneOf(n.Content.Banner.Asked()),
		},
		Site: e.site.ID, At: at, ValidUntil: at.Add(n.Content.Banner.Validity()),
	}
	if err := r.Validate(); err != nil {
		return "", err
	}
	return "done_withdraw", s.ingest.add(r, deviceClass(c.Request().Header))
}

// grants says whether a visitor's acts, withheld or not, grant anything now.
func grants(acts []store.OwnAct, now time.Time) bool {
	records := make([]consent.Record, len(acts))
	for i := range acts {
		records[i] = acts[i].Record
	}
	// Times in a log don't go back, so that an act of this very moment may bear a slightly later one.
	return len(acts) > 0 && consent.StateOf(records, later(now, records[len(records)-1].At)).Given != 0
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

func noStore(c echo.Context) { c.Response().Header().Set("Cache-Control", "no-store") }

// showRights answers with the page. acts come oldest first; the page has the newest first.
func (s *Server) showRights(c echo.Context, e *siteEntry, typed, told string, acts []store.OwnAct) error {
	content := &e.current.Content
	p := declaration.Rights{
		Site: e.site.ID, SiteName: content.SiteName, Homepage: content.Homepage, Asked: c.Param("lang"), Visitor: typed, Told: told,
		Zone: dashboard.Zone, Now: s.cfg.Now(), Style: styleURL(c),
		OwnStyle: "/d/" + e.site.ID + "/rights.css?v=" + strings.Trim(rightsStyle.etag, `"`),
		Script:   "/d/" + e.site.ID + "/rights.js?v=" + strings.Trim(rightsScript.etag, `"`),
	}
	for _, a := range slices.Backward(acts) {
		n, err := s.catalog.notice(c.Request().Context(), e.site.ID, a.Record.Notice)
		if err != nil {
			return err
		}
		p.Acts = append(p.Acts, declaration.RightsAct{Record: a.Record, Content: &n.Content, Lock: string(a.Lock), Provable: !a.Dropped})
		p.Can.Restrict = p.Can.Restrict || a.Lock == ""
		p.Can.Release = p.Can.Release || a.Lock == store.Restricted
		p.Can.Erase = p.Can.Erase || a.Lock != store.AwaitsErasure
	}
	p.Can.Withdraw = grants(acts, p.Now)
	var page bytes.Buffer
	if err := p.Write(&page); err != nil {
		return err
	}
	h := c.Response().Header()
	declarationHeaders(h)
	h.Set("Content-Security-Policy", "default-src 'none'; style-src 'self'; script-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'")
	noStore(c)
	return c.HTMLBlob(http.StatusOK, page.Bytes())
}

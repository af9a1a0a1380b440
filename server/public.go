package server

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/labstack/echo/v4"

	"samtykke/consent"
)

// maxAct is the most bytes that an act of consent may have.
const maxAct = 16 << 10

// currentBundle serves /s/{site}.js: the script of the newest notice.
func (s *Server) currentBundle(c echo.Context) error {
	id, ok := strings.CutSuffix(c.Param("file"), ".js")
	if !ok {
		return echo.ErrNotFound
	}
	e, err := s.catalog.site(c.Request().Context(), id)
	if err != nil {
		return err
	}
	if e.current == nil {
		return consent.NotFound("not_published", "The website has not published a banner yet.")
	}
	c.Response().Header().Set("Samtykke-Notice", e.current.Hash.String())
	openToAll(c)
	return e.current.script.serve(c, briefly)
}

// frozenFile serves /s/{site}/{hash}.js and what goes with it, such as /s/{site}/{hash}.en.json: the very bytes of a
// notice, for ever.
func (s *Server) frozenFile(c echo.Context) error {
	hex, name, _ := strings.Cut(c.Param("file"), ".")
	hash, err := consent.ParseHash(hex)
	if err != nil {
		return echo.ErrNotFound
	}
	n, err := s.catalog.notice(c.Request().Context(), c.Param("site"), hash)
	if err != nil {
		return err
	}
	a := n.files[name]
	if name == "js" {
		a = n.script
	}
	if a == nil {
		return consent.NotFound("no_file", "The notice has no such file.")
	}
	openToAll(c)
	return a.serve(c, forEver)
}

// openToAll lets any page read the answer: it is the same for everyone.
func openToAll(c echo.Context) {
	h := c.Response().Header()
	h.Set("Access-Control-Allow-Origin", "*")
	h.Set("Cross-Origin-Resource-Policy", "cross-origin")
	h.Set("Timing-Allow-Origin", "*")
}

// allowOrigin lets the site's own pages, and no others, send and read (R11).
func (s *Server) allowOrigin(c echo.Context) (*siteEntry, error) {
	e, err := s.catalog.site(c.Request().Context(), c.Param("site"))
	if err != nil {
		return nil, err
	}
	h := c.Response().Header()
	h.Set("Vary", "Origin")
	origin := c.Request().Header.Get("Origin")
	if !e.site.AllowsOrigin(origin) {
		return nil, &consent.Error{Kind: consent.KindForbidden, Code: "foreign_origin", Message: "Only pages on the website's own domains may do this. Add the domain to the website on the dashboard."}
	}
	h.Set("Access-Control-Allow-Origin", origin)
	return e, nil
}

// preflight answers the browser's question before a request that isn't simple.
func (s *Server) preflight(c echo.Context) error {
	if _, err := s.allowOrigin(c); err != nil {
		return err
	}
	h := c.Response().Header()
	h.Set("Access-Control-Allow-Methods", "GET, POST, DELETE")
	h.Set("Access-Control-Allow-Headers", "Content-Type")
	h.Set("Access-Control-Max-Age", "86400")
	return c.NoContent(http.StatusNoContent)
}

// recorded is the answer to an act: it is on disk. Times are the first arrival's and stand in the visitor's history.
type recorded struct {
	ID uuid.UUID `json:"id"`
}

// recordConsent takes one act of consent and answers 201 when it is on disk.
func (s *Server) recordConsent(c echo.Context) error {
	e, err := s.allowOrigin(c)
	if err != nil {
		return err
	}
	if err := s.acts.allow(c, e.site.ID); err != nil {
		return err
	}
	act, err := readAct(c)
	if err != nil {
		return err
	}
	if err := act.Validate(); err != nil {
		return err
	}
	n, err := s.catalog.notice(c.Request().Context(), e.site.ID, act.Notice)
	if err != nil {
		return err
	}
	if err := act.CheckAgainst(&n.Content); err != nil {
		return err
	}
	act.Path = "" // kept only where an owner asks for it, which no site can yet
	at := s.cfg.Now().UTC().Truncate(time.Millisecond)
	r := consent.Record{Act: act, Site: e.site.ID, At: at, ValidUntil: at.Add(n.Content.Banner.Validity())}
	if err := s.ingest.add(r, deviceClass(c.Request().Header)); err != nil {
		return err
	}
	if n.Content.Banner.FirstParty {
		keepChoice(c, &r, n.Content.Banner.Domain)
	}
	return c.JSON(http.StatusCreated, recorded{act.ID})
}

// readAct reads the body as JSON, whatever simple type it is sent as: a browser asks no preflight for text/plain.
func readAct(c echo.Context) (act consent.Act, err error) {
	r := c.Request()
	kind, _, _ := strings.Cut(r.Header.Get("Content-Type"), ";")
	if kind = strings.TrimSpace(kind); kind != "application/json" && kind != "text/plain" {
		return act, consent.Invalid("bad_content_type", "Send JSON, as application/json or text/plain.")
	}
	body, err := io.ReadAll(http.MaxBytesReader(c.Response(), r.Body, maxAct))
	if err != nil {
		var tooLarge *http.MaxBytesError
		if errors.As(err, &tooLarge) {
			return act, err
		}
		return act, consent.Invalid("unreadable", "The body could not be read.")
	}
	return decodeAct(body)
}

// decodeAct wants exactly one JSON object with known fields.
func decodeAct(body []byte) (act consent.Act, err error) {
	d := json.NewDecoder(bytes.NewReader(body))
	d.DisallowUnknownFields()
	if err := d.Decode(&act); err != nil {
		return act, &consent.Error{Kind: consent.KindInvalid, Code: "bad_json", Message: "The body is not the JSON of an act of consent.", Fields: map[string]string{"body": short(err.Error())}}
	}
	if d.More() || d.InputOffset() < int64(len(bytes.TrimRight(body, " \t\r\n"))) {
		return act, consent.Invalid("bad_json", "The body holds more than one act.")
	}
	return act, nil
}

// short keeps an error's words from growing with what a stranger sent.
func short(s string) string {
	if len(s) > 200 {
		return strings.ToValidUTF8(s[:200], "") + "…"
	}
	return s
}

// ready says whether this server can do its work: a load balancer asks it.
func (s *Server) ready(c echo.Context) error {
	if err := s.db.Ping(c.Request().Context()); err != nil {
		s.cfg.Log.Error("not ready", slog.Any("error", err))
		return &consent.Error{Kind: consent.KindUnavailable, Code: "not_ready", Message: "The database can't be reached."}
	}
	return c.String(http.StatusOK, "ready\n")
}

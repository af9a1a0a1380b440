package server

import (
	"context"
	"encoding/json"
	"net/http"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/labstack/echo/v4"

	"samtykke/consent"
	"samtykke/server/declaration"
	"samtykke/server/receipt"
	"samtykke/server/store"
)

// history is what a visitor may see by the visitor id, which only that browser and this server know (R13, B23).
type history struct {
	Acts []visitorAct `json:"acts"`
}

type visitorAct struct {
	consent.Act
	At          time.Time  `json:"at"`
	ValidUntil  time.Time  `json:"valid_until"`
	Version     int        `json:"version"`           // of the notice, which is that of the declaration
	Declaration string     `json:"declaration"`       // what was shown
	Receipt     string     `json:"receipt,omitempty"` // none where the act can't be proven any more
	Lock        store.Lock `json:"lock,omitempty"`    // why the site can't see it in its lists
}

// ownVisitor finds the site and the visitor of a visitor's own request; the visitor's id is the secret. An id that can't be
// one is answered like one that nobody has.
func (s *Server) ownVisitor(c echo.Context) (*siteEntry, uuid.UUID, error) {
	e, err := s.catalog.site(c.Request().Context(), c.Param("site"))
	if err != nil {
		return nil, uuid.Nil, err
	}
	if c.Request().Header.Get("Origin") != "" {
		if _, err := s.allowOrigin(c); err != nil {
			return nil, uuid.Nil, err
		}
	}
	if err := s.acts.allow(c, e.site.ID); err != nil {
		return nil, uuid.Nil, err
	}
	c.Response().Header().Set("Cache-Control", "no-store")
	visitor, _ := uuid.Parse(c.Param("visitor"))
	return e, visitor, nil
}

// visitorHistory shows a visitor's own acts. An unknown id looks the same as one without acts.
func (s *Server) visitorHistory(c echo.Context) error {
	e, visitor, err := s.ownVisitor(c)
	if err != nil {
		return err
	}
	h, err := s.historyOf(c.Request().Context(), e.site.ID, visitor)
	if err != nil {
		return err
	}
	return c.JSON(http.StatusOK, h)
}

// historyOf is everything that is kept of a visitor, as the visitor may have it: readable by people and by programs, so that
// it can be taken elsewhere (GDPR art. 15 and 20).
func (s *Server) historyOf(ctx context.Context, site string, visitor uuid.UUID) (history, error) {
	acts, err := s.db.OwnActs(ctx, site, visitor)
	if err != nil {
		return history{}, err
	}
	h := history{Acts: []visitorAct{}}
	for i := range acts {
		a := &acts[i]
		n, err := s.catalog.notice(ctx, site, a.Record.Notice)
		if err != nil {
			return history{}, err
		}
		v := visitorAct{
			Act: a.Record.Act, At: a.Record.At, ValidUntil: a.Record.ValidUntil, Version: n.Version, Lock: a.Lock,
			Declaration: s.cfg.BaseURL + declaration.Path(site, n.Version, a.Record.Language),
		}
		if !a.Dropped {
			v.Receipt = s.cfg.BaseURL + "/v1/sites/" + site + "/visitors/" + visitor.String() + "/acts/" + v.ID.String() + "/receipt"
		}
		h.Acts = append(h.Acts, v)
	}
	return h, nil
}

// erasure is the answer to a visitor's wish for erasure: how many acts are gone, and how many are withheld instead, since
// the site is under a legal hold.
type erasure struct {
	Deleted int64 `json:"deleted"`
	Locked  int64 `json:"locked"`
}

// eraseVisitor deletes a visitor's own acts, or locks them under a legal hold (T5).
func (s *Server) eraseVisitor(c echo.Context) error {
	e, visitor, err := s.ownVisitor(c)
	if err != nil {
		return err
	}
	done, err := s.db.EraseVisitor(c.Request().Context(), e.site.ID, visitor, s.cfg.Now(), s.deed(c, "erase", e.site.ID))
	if err != nil {
		return err
	}
	return c.JSON(http.StatusOK, erasure(done))
}

// restriction says how many acts are restricted now, and how many of them this request changed.
type restriction struct {
	Changed    int64 `json:"changed"`
	Restricted int64 `json:"restricted"`
}

// restrictVisitor takes a visitor's own acts out of the owner's sight, or puts them back (GDPR art. 18).
func (s *Server) restrictVisitor(c echo.Context) error {
	e, visitor, err := s.ownVisitor(c)
	if err != nil {
		return err
	}
	var wish struct {
		Restrict *bool `json:"restrict"`
	}
	d := json.NewDecoder(http.MaxBytesReader(c.Response(), c.Request().Body, maxAct))
	d.DisallowUnknownFields()
	if err := d.Decode(&wish); err != nil || wish.Restrict == nil || d.More() {
		return consent.Invalid("bad_json", `Send {"restrict":true} or {"restrict":false}.`)
	}
	done, err := s.db.Restrict(c.Request().Context(), e.site.ID, visitor, *wish.Restrict, s.cfg.Now(), s.deed(c, "restrict", e.site.ID))
	if err != nil {
		return err
	}
	return c.JSON(http.StatusOK, restriction(done))
}

// visitorReceipt is the receipt of one of a visitor's own acts.
func (s *Server) visitorReceipt(c echo.Context) error {
	e, visitor, err := s.ownVisitor(c)
	if err != nil {
		return err
	}
	return s.sendReceipt(c, e, visitor, c.Param("act"), c.QueryParam("format"))
}

// sendReceipt answers with a receipt as a file.
func (s *Server) sendReceipt(c echo.Context, e *siteEntry, visitor uuid.UUID, act, format string) error {
	id, err := uuid.Parse(act)
	if err != nil {
		id = uuid.Nil // as one that nobody has
	}
	src, err := s.receiptSource(c.Request().Context(), &e.site, visitor, id)
	if err != nil {
		return err
	}
	name := "samtykke-" + id.String()
	switch format {
	case "", "jwt":
		keys, err := s.db.Keys(c.Request().Context())
		if err != nil {
			return err
		}
		token, err := receipt.Sign(src, keys[len(keys)-1].Key, s.cfg.Now())
		if err != nil {
			return err
		}
		return sendFile(c, name+".jwt", "application/jwt", []byte(token))
	case "ts27560":
		return sendJSON(c, name+".ts27560.json", receipt.TS27560(src))
	case "kantara":
		return sendJSON(c, name+".kantara.json", receipt.Kantara(src))
	}
	return consent.Invalid("bad_format", "The formats are jwt, ts27560 and kantara.")
}

// receiptSource gathers what a receipt of an act is made of.
func (s *Server) receiptSource(ctx context.Context, site *consent.Site, visitor, id uuid.UUID) (src receipt.Source, err error) {
	at, err := s.locate(ctx, site.ID, visitor, id)
	if err != nil {
		return src, err
	}
	n, err := s.catalog.notice(ctx, site.ID, at.Record.Notice)
	if err != nil {
		return src, err
	}
	return receipt.Source{
		Record: at.Record, Notice: n.Notice, Issuer: s.cfg.BaseURL, Seq: at.Seq, Salt: at.Salt, Checkpoint: at.Checkpoint, Proof: at.Proof,
		KeptUntil: site.Retention.Until(&at.Record),
	}, nil
}

// sendFile answers with something to keep.
func sendFile(c echo.Context, name, kind string, body []byte) error {
	h := c.Response().Header()
	h.Set("Content-Disposition", `attachment; filename="`+name+`"`)
	h.Set("X-Content-Type-Options", "nosniff")
	return c.Blob(http.StatusOK, kind, body)
}

func sendJSON(c echo.Context, name string, v any) error {
	body, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return err
	}
	return sendFile(c, name, "application/json", append(body, '\n'))
}

// jwks shows the public keys behind receipts, the present one and all before it.
func (s *Server) jwks(c echo.Context) error {
	keys, err := s.db.Keys(c.Request().Context())
	if err != nil {
		return err
	}
	var public []string
	for _, k := range slices.Backward(keys) {
		public = append(public, k.Public())
	}
	set, err := receipt.JWKS(public)
	if err != nil {
		return err
	}
	openToAll(c)
	c.Response().Header().Set("Cache-Control", briefly)
	return c.Blob(http.StatusOK, "application/jwk-set+json", set)
}

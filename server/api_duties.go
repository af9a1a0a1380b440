package server

import (
	"net/http"
	"strconv"
	"time"

	"github.com/google/uuid"
	"github.com/labstack/echo/v4"

	"samtykke/consent"
	"samtykke/server/dashboard"
	"samtykke/server/store"
)

// apiVisitor reads whose rights are used. The id comes in the body: addresses get into logs.
func apiVisitor(c echo.Context) (visitor uuid.UUID, restrict *bool, err error) {
	var in struct {
		Visitor  string `json:"visitor"`
		Restrict *bool  `json:"restrict"`
	}
	if err := readJSON(c, &in); err != nil {
		return visitor, nil, err
	}
	if visitor, err = uuid.Parse(in.Visitor); err != nil {
		err = wrongField("bad_visitor", "The visitor's id is not right.", "visitor", "A visitor's id looks like 0198c2f1-7a52-7cc3-9d41-5b1f3a6e2c90.")
	}
	return visitor, in.Restrict, err
}

// apiLookUp is everything that is kept of a visitor.
func (s *Server) apiLookUp(c echo.Context) error {
	visitor, _, err := apiVisitor(c)
	if err != nil {
		return err
	}
	site := siteOf(c).ID
	h, err := s.historyOf(c.Request().Context(), site, visitor)
	if err != nil {
		return err
	}
	if err := s.did(c, s.deed(c, "lookup", site).With("", map[string]any{"filter.visitor": true, "shown": len(h.Acts)})); err != nil {
		return err
	}
	return c.JSON(http.StatusOK, h)
}

// apiErase deletes a visitor's acts, or withholds them under a legal hold.
func (s *Server) apiErase(c echo.Context) error {
	visitor, _, err := apiVisitor(c)
	if err != nil {
		return err
	}
	site := siteOf(c).ID
	done, err := s.db.EraseVisitor(c.Request().Context(), site, visitor, s.cfg.Now(), s.deed(c, "erase", site))
	if err != nil {
		return err
	}
	return c.JSON(http.StatusOK, erasure(done))
}

// apiRestrict takes a visitor's acts out of sight, or puts them back.
func (s *Server) apiRestrict(c echo.Context) error {
	visitor, restrict, err := apiVisitor(c)
	if err != nil {
		return err
	}
	if restrict == nil {
		return wrongField("bad_json", "The body is not the JSON that belongs here.", "restrict", "Say true or false.")
	}
	site := siteOf(c).ID
	done, err := s.db.Restrict(c.Request().Context(), site, visitor, *restrict, s.cfg.Now(), s.deed(c, "restrict", site))
	if err != nil {
		return err
	}
	return c.JSON(http.StatusOK, restriction(done))
}

type apiHold struct {
	ID      int64      `json:"id"`
	Reason  string     `json:"reason"`
	Person  string     `json:"person"`
	From    time.Time  `json:"from"`
	Review  string     `json:"review"`
	Ended   *time.Time `json:"ended,omitempty"`
	EndedBy string     `json:"ended_by,omitempty"`
}

func newAPIHold(h *store.Hold) apiHold {
	return apiHold{h.Num, h.Reason, h.Person, h.From, h.Review.In(dashboard.Zone).Format(time.DateOnly), h.Ended, h.EndedBy}
}

func (s *Server) apiHolds(c echo.Context) error {
	holds, err := s.db.Holds(c.Request().Context(), siteOf(c).ID)
	if err != nil {
		return err
	}
	return listPage(c, holds, func(h *store.Hold) string { return strconv.FormatInt(h.Num, 10) }, func(h *store.Hold) (apiHold, error) { return newAPIHold(h), nil })
}

func (s *Server) apiAddHold(c echo.Context) error {
	var in struct{ Reason, Person, Review string }
	if err := readJSON(c, &in); err != nil {
		return err
	}
	review, _ := readDay(in.Review) // what is no day is refused as one that isn't in time
	site, ctx := siteOf(c).ID, c.Request().Context()
	deed := s.deed(c, "hold_set", site).With("", map[string]any{"reason": in.Reason, "person": in.Person, "review": in.Review})
	h, err := s.db.AddHold(ctx, site, store.Hold{Reason: in.Reason, Person: in.Person, From: s.cfg.Now(), Review: review}, deed)
	if err != nil {
		return err
	}
	return c.JSON(http.StatusCreated, newAPIHold(&h))
}

// apiEndHold ends a legal hold. What awaited erasure is erased then.
func (s *Server) apiEndHold(c echo.Context) error {
	num, err := strconv.ParseInt(c.Param("hold"), 10, 64)
	if err != nil {
		return consent.NotFound("no_hold", "There is no such legal hold, or it has ended.")
	}
	site := siteOf(c).ID
	erased, err := s.db.EndHold(c.Request().Context(), site, num, whoOf(c), s.cfg.Now(), s.deed(c, "hold_ended", site).With(c.Param("hold"), nil))
	if err != nil {
		return err
	}
	return c.JSON(http.StatusOK, map[string]int64{"erased": erased})
}

type apiPurge struct {
	At       time.Time         `json:"at"`
	Origin   store.PurgeOrigin `json:"origin"`
	Dry      bool              `json:"dry"`
	Consents int64             `json:"consents"`
	Refusals int64             `json:"refusals"`
	Locked   int64             `json:"locked"`
}

func newAPIPurge(p *store.Purged) apiPurge {
	return apiPurge{p.At, p.Origin, p.Dry, p.Consents, p.Refusals, p.Locked}
}

// apiRetention says how long a site's acts are kept, what the declaration promises, and what was deleted.
func (s *Server) apiRetention(c echo.Context) error {
	site := siteOf(c)
	d, err := s.retentionData(c.Request().Context(), site)
	if err != nil {
		return err
	}
	out := struct {
		Months    consent.Retention  `json:"months"`
		Published *consent.Retention `json:"published,omitempty"`
		Reviewed  *time.Time         `json:"reviewed,omitempty"`
		ReviewDue time.Time          `json:"review_due"`
		Purges    []apiPurge         `json:"purges"`
	}{site.Retention.Months(), d.Published, d.Reviewed, d.Due, []apiPurge{}}
	for i := range d.Purges {
		out.Purges = append(out.Purges, newAPIPurge(&d.Purges[i]))
	}
	return c.JSON(http.StatusOK, out)
}

// apiCountRetention counts what the next purge would delete, and deletes nothing.
func (s *Server) apiCountRetention(c echo.Context) error {
	run := store.PurgeRun{Now: s.cfg.Now(), Site: siteOf(c).ID, Origin: store.ByPerson, Dry: true}
	all, err := s.db.Purge(c.Request().Context(), run)
	if err != nil {
		return err
	}
	p := store.Purged{At: run.Now.UTC().Truncate(time.Millisecond), Origin: run.Origin, Dry: true}
	if len(all) > 0 {
		p = all[0]
	}
	return c.JSON(http.StatusOK, newAPIPurge(&p))
}

// apiReview notes that somebody has looked again at how long things are kept.
func (s *Server) apiReview(c echo.Context) error {
	id := siteOf(c).ID
	site, err := s.db.EditSite(c.Request().Context(), id, func(site consent.Site) (consent.Site, error) {
		site.Reviewed = s.cfg.Now().UTC().Truncate(time.Millisecond)
		return site, nil
	}, s.deed(c, "retention_reviewed", id))
	if err != nil {
		return err
	}
	return c.JSON(http.StatusOK, map[string]time.Time{"reviewed": site.Reviewed, "review_due": site.ReviewDue()})
}

// apiPack sends the inspection pack.
func (s *Server) apiPack(c echo.Context) error {
	values := trimmed(c.QueryParams())
	q, err := readInspection(siteOf(c).ID, &dashboard.Form{Values: values})
	if err != nil {
		return err
	}
	if err := s.exported(c, q.Site, "pack", values); err != nil {
		return err
	}
	q.By, q.PDF = whoOf(c), true
	f, err := s.packed(c, q)
	if err != nil {
		return err
	}
	defer f.Close()
	return s.sendPack(c, q, f)
}

type apiDeed struct {
	Seq    int64          `json:"seq"`
	At     time.Time      `json:"at"`
	Who    string         `json:"who"`
	What   string         `json:"what"`
	Object string         `json:"object,omitempty"`
	Old    map[string]any `json:"old,omitempty"`
	New    map[string]any `json:"new,omitempty"`
}

// apiAudit is a page of a site's audit log, the newest first.
func (s *Server) apiAudit(c echo.Context) error {
	q := c.QueryParams()
	limit, err := pageLimit(q)
	if err != nil {
		return err
	}
	f := store.DeedFilter{Site: siteOf(c).ID, What: q.Get("what"), Who: q.Get("who"), After: q.Get("after"), Limit: limit}
	page, next, err := s.db.Deeds(c.Request().Context(), f)
	if err != nil {
		return err
	}
	l := listing[apiDeed]{Results: []apiDeed{}, Next: next}
	for _, e := range page {
		l.Results = append(l.Results, apiDeed{e.Seq, e.At, e.Who, e.What, e.Object, e.Old, e.New})
	}
	return c.JSON(http.StatusOK, l)
}

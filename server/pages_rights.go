package server

import (
	"net/http"
	"net/url"
	"slices"
	"strconv"

	"github.com/google/uuid"
	"github.com/labstack/echo/v4"

	"samtykke/consent"
	"samtykke/server/dashboard"
	"samtykke/server/store"
)

// rightsDesk is the page on which a site's people use a visitor's rights on the visitor's behalf (P6) and keep legal holds.
type rightsDesk struct {
	Asked  bool // a visitor was looked for
	Acts   []ownRow
	Can    struct{ Restrict, Release, Erase bool }
	Holds  []store.Hold // those in force
	Ended  []store.Hold
	Locked map[store.Lock]int64
	Log    []store.RightsUsed
	Late   map[int64]bool // holds whose day of review has passed, by number
	Hold   *dashboard.Form
}

// ownRow is a visitor's act with the version of its notice.
type ownRow struct {
	consentRow
	Lock store.Lock
}

// rightsLogLength is how many uses of rights the page shows.
const rightsLogLength = 50

func (s *Server) rightsDeskPage(c echo.Context) error {
	v, err := s.siteView(c, "rights")
	if err != nil {
		return err
	}
	v.Form = &dashboard.Form{}
	return s.showDesk(c, http.StatusOK, v, &rightsDesk{})
}

// showDesk reads the rest of the page and shows it.
func (s *Server) showDesk(c echo.Context, code int, v dashboard.View, d *rightsDesk) error {
	ctx := c.Request().Context()
	holds, err := s.db.Holds(ctx, v.Site.ID)
	if err != nil {
		return err
	}
	d.Late = map[int64]bool{}
	for _, h := range holds {
		h.From, h.Review = h.From.In(dashboard.Zone), h.Review.In(dashboard.Zone) // the days that people chose
		if h.Ended != nil {
			*h.Ended = h.Ended.In(dashboard.Zone)
			d.Ended = append(d.Ended, h)
			continue
		}
		d.Holds = append(d.Holds, h)
		d.Late[h.Num] = !s.cfg.Now().Before(h.Review)
	}
	if d.Locked, err = s.db.LockedCounts(ctx, v.Site.ID); err != nil {
		return err
	}
	if d.Log, err = s.db.RightsLog(ctx, v.Site.ID, rightsLogLength); err != nil {
		return err
	}
	if d.Hold == nil {
		d.Hold = &dashboard.Form{Prefix: "hold-", Values: url.Values{"person": {v.Site.Controller.Name}}}
		if u := userOf(c); u != nil {
			d.Hold.Values.Set("person", u.Email)
		}
	}
	v.Data = d
	return s.showAs(c, code, "rights", v)
}

// useRightsDesk does what one of the page's forms asks for. Visitors' ids come in forms only: addresses get into logs.
func (s *Server) useRightsDesk(c echo.Context) error {
	v, err := s.siteView(c, "rights")
	if err != nil {
		return err
	}
	if v.Form, err = readForm(c); err != nil {
		return err
	}
	switch v.Form.Get("do") {
	case "hold":
		return s.addHold(c, v)
	case "end":
		return s.endHold(c, v)
	}
	visitor, err := uuid.Parse(v.Form.Get("visitor"))
	if err != nil {
		return s.deskProblem(c, v, &rightsDesk{}, v.Form, wrongField("bad_visitor", "The visitor's id is not right.", "visitor",
			"A visitor's id looks like 0198c2f1-7a52-7cc3-9d41-5b1f3a6e2c90."))
	}
	ctx, site, now := c.Request().Context(), v.Site.ID, s.cfg.Now()
	switch v.Form.Get("do") {
	case "export":
		h, err := s.historyOf(ctx, site, visitor)
		if err != nil {
			return err
		}
		if err := s.exported(c, site, "visitor", url.Values{"visitor": {"one"}}); err != nil {
			return err
		}
		return sendJSON(c, "samtykke-"+visitor.String()+".json", h)
	case "restrict", "release":
		done, err := s.db.Restrict(ctx, site, visitor, v.Form.Get("do") == "restrict", now, s.deed(c, "restrict", site))
		if err != nil {
			return err
		}
		if done.Changed > 0 {
			v.Done = "visitor_" + v.Form.Get("do")
		}
	case "erase":
		if v.Form.Get("confirm") != "yes" {
			e := wrongField("not_confirmed", "The visitor's records were not erased.", "confirm", "Tick that the records are to be erased.")
			v.Form.Message, v.Form.Errors = e.Message, e.Fields
			break
		}
		done, err := s.db.EraseVisitor(ctx, site, visitor, now, s.deed(c, "erase", site))
		switch {
		case err != nil:
			return err
		case done.Locked > 0:
			v.Done = "visitor_locked"
		case done.Deleted > 0:
			v.Done = "visitor_erased"
		}
	}
	d, err := s.deskVisitor(c, site, visitor)
	if err != nil {
		return err
	}
	code := http.StatusOK
	if v.Form.Errors != nil {
		code = http.StatusBadRequest
	}
	return s.showDesk(c, code, v, d)
}

// deskVisitor looks a visitor up, and logs that somebody did (H7).
func (s *Server) deskVisitor(c echo.Context, site string, visitor uuid.UUID) (*rightsDesk, error) {
	ctx, d := c.Request().Context(), &rightsDesk{Asked: true}
	acts, err := s.db.OwnActs(ctx, site, visitor)
	if err != nil {
		return nil, err
	}
	heads, err := s.db.NoticeHeads(ctx, site)
	if err != nil {
		return nil, err
	}
	for _, a := range slices.Backward(acts) {
		d.Acts = append(d.Acts, ownRow{withVersions([]consent.Record{a.Record}, heads)[0], a.Lock})
		d.Can.Restrict = d.Can.Restrict || a.Lock == ""
		d.Can.Release = d.Can.Release || a.Lock == store.Restricted
		d.Can.Erase = d.Can.Erase || a.Lock != store.AwaitsErasure
	}
	return d, s.did(c, s.deed(c, "lookup", site).With("", map[string]any{"filter.visitor": true, "shown": len(acts)}))
}

// deskProblem shows the page with what is wrong with one of its forms.
func (s *Server) deskProblem(c echo.Context, v dashboard.View, d *rightsDesk, f *dashboard.Form, err error) error {
	e, code := asError(err)
	if code == http.StatusInternalServerError {
		return err
	}
	f.Message, f.Errors = e.Message, e.Fields
	return s.showDesk(c, code, v, d)
}

func (s *Server) addHold(c echo.Context, v dashboard.View) error {
	f := v.Form
	f.Prefix = "hold-"
	now := s.cfg.Now()
	review, _ := readDay(f.Get("review")) // what is no day is refused as one that isn't in time
	h := store.Hold{Reason: f.Get("reason"), Person: f.Get("person"), From: now, Review: review}
	deed := s.deed(c, "hold_set", v.Site.ID).With("", map[string]any{"reason": h.Reason, "person": h.Person, "review": f.Get("review")})
	if _, err := s.db.AddHold(c.Request().Context(), v.Site.ID, h, deed); err != nil {
		v.Form = &dashboard.Form{}
		return s.deskProblem(c, v, &rightsDesk{Hold: f}, f, err)
	}
	return seeOther(c, "/sites/"+v.Site.ID+"/rights?done=hold_set")
}

func (s *Server) endHold(c echo.Context, v dashboard.View) error {
	num, err := strconv.ParseInt(v.Form.Get("hold"), 10, 64)
	if err != nil {
		return consent.NotFound("no_hold", "There is no such legal hold, or it has ended.")
	}
	deed := s.deed(c, "hold_ended", v.Site.ID).With(v.Form.Get("hold"), nil)
	if _, err := s.db.EndHold(c.Request().Context(), v.Site.ID, num, userOf(c).Email, s.cfg.Now(), deed); err != nil {
		return err
	}
	return seeOther(c, "/sites/"+v.Site.ID+"/rights?done=hold_ended")
}

package server

import (
	"context"
	"slices"
	"time"

	"github.com/labstack/echo/v4"

	"samtykke/consent"
	"samtykke/server/dashboard"
)

// organisationsData is the page of whoever runs the installation. It counts and names no site.
type organisationsData struct {
	Rows []organisationRow
	New  *invited
	Add  *dashboard.Form
	Open string // the organisation whose form is open
}

type organisationRow struct {
	consent.Organisation
	Sites, People, Owners int
	Form                  *dashboard.Form
}

func (s *Server) organisationsPage(c echo.Context) error {
	return s.showOrganisations(c, &dashboard.Form{}, nil, nil)
}

func (s *Server) organisationRows(ctx context.Context) (rows []organisationRow, err error) {
	orgs, err := s.db.Organisations(ctx)
	for _, o := range orgs {
		r := organisationRow{Organisation: o, Form: &dashboard.Form{Prefix: o.ID + "-"}}
		sites, err := s.db.SitesOf(ctx, o.ID)
		if err != nil {
			return nil, err
		}
		people, err := s.db.People(ctx, o.ID)
		if err != nil {
			return nil, err
		}
		r.Sites, r.People = len(sites), len(people)
		for i := range people {
			r.Owners += index(people[i].Role == consent.Owner)
		}
		rows = append(rows, r)
	}
	return rows, err
}

func (s *Server) showOrganisations(c echo.Context, f *dashboard.Form, added *invited, failed error) error {
	d := organisationsData{New: added, Add: f}
	var err error
	if d.Rows, err = s.organisationRows(c.Request().Context()); err != nil {
		return err
	}
	v := dashboard.View{Admin: "organisations", Form: f, Data: &d}
	if failed == nil {
		return s.show(c, "organisations", v)
	}
	if i := slices.IndexFunc(d.Rows, func(r organisationRow) bool { return r.ID == f.Get("organisation") }); i >= 0 {
		d.Open, f.Prefix, d.Rows[i].Form, d.Add = d.Rows[i].ID, d.Rows[i].Form.Prefix, f, &dashboard.Form{}
	}
	return s.again(c, "organisations", v, failed)
}

// changeOrganisations adds an organisation with an invitation for its first owner, or invites another owner: the one way in for
// an organisation that has lost its people.
func (s *Server) changeOrganisations(c echo.Context) error {
	f, err := readForm(c)
	if err != nil {
		return err
	}
	ctx := c.Request().Context()
	org := consent.Organisation{ID: NewSiteID(), Name: f.Get("org.name"), CreatedAt: s.cfg.Now().UTC().Truncate(time.Millisecond)}
	if id := f.Get("organisation"); id != "" {
		if org, err = s.db.Organisation(ctx, id); err != nil {
			return err
		}
	} else {
		person := consent.User{Email: cleanEmail(f.Get("email")), Language: "da"}
		if err := together(org.Validate(), person.Validate()); err != nil {
			return s.showOrganisations(c, f, nil, err)
		}
		if err := s.db.AddOrganisation(ctx, org, s.deed(c, "organisation_added", "").With(org.ID, map[string]any{"name": org.Name})); err != nil {
			return err
		}
	}
	added, err := s.invite(c, f.Get("email"), consent.Member{Org: org, Role: consent.Owner})
	if err != nil {
		return s.showOrganisations(c, f, nil, err)
	}
	return s.showOrganisations(c, &dashboard.Form{}, added, nil)
}

package server

import (
	"slices"
	"strconv"

	"github.com/labstack/echo/v4"

	"samtykke/consent"
	"samtykke/server/dashboard"
	"samtykke/server/store"
)

// peopleData is the page of an organisation's people.
type peopleData struct {
	Org         consent.Organisation
	Sites       []consent.Site
	People      []personRow
	Invitations []store.Invitation
	Invite      *dashboard.Form
	Name        *dashboard.Form
	Open        int64 // the person whose form is open; 0: nobody's
	New         *invited
	May         bool
}

type personRow struct {
	store.Person
	Form  *dashboard.Form
	Names []string // of the only sites
	Me    bool
}

func (s *Server) peoplePage(c echo.Context) error {
	d, err := s.peopleData(c)
	if err != nil {
		return err
	}
	return s.show(c, "people", dashboard.View{Form: &dashboard.Form{}, Data: d})
}

func (s *Server) peopleData(c echo.Context) (*peopleData, error) {
	ctx, u := c.Request().Context(), userOf(c)
	d := &peopleData{May: u.Role == consent.Owner}
	var err error
	if d.Org, err = s.db.Organisation(ctx, c.Param("org")); err != nil {
		return nil, err
	}
	if d.Sites, err = s.db.SitesOf(ctx, d.Org.ID); err != nil {
		return nil, err
	}
	people, err := s.db.People(ctx, d.Org.ID)
	if err != nil {
		return nil, err
	}
	for _, p := range people {
		row := personRow{Person: p, Me: p.ID == u.ID}
		row.Form = memberForm(consent.Member{Role: p.Role, Sites: p.Sites}, "p"+strconv.FormatInt(p.ID, 10)+"-")
		for i := range d.Sites {
			if slices.Contains(p.Sites, d.Sites[i].ID) {
				row.Names = append(row.Names, d.Sites[i].Name)
			}
		}
		d.People = append(d.People, row)
	}
	d.Invite = memberForm(consent.Member{Role: consent.Editor}, "new-")
	d.Name = &dashboard.Form{Values: map[string][]string{"org.name": {d.Org.Name}, "org.totp": {map[bool]string{true: "yes"}[d.Org.TOTP]}}}
	d.Invitations, err = s.db.Invitations(ctx, d.Org.ID, s.cfg.Now())
	return d, err
}

// changePeople does one of the things that owners do with their organisation's people.
func (s *Server) changePeople(c echo.Context) error {
	f, err := readForm(c)
	if err != nil {
		return err
	}
	d, err := s.peopleData(c)
	if err != nil {
		return err
	}
	here := "/organisations/" + d.Org.ID + "/people"
	var done string
	switch f.Get("op") {
	case "invite":
		f.Prefix = "new-"
		m, wrong := readMember(f, d.Org, d.Sites)
		if wrong == nil {
			d.New, err = s.invite(c, f.Get("email"), m)
		} else {
			err = together(wrong, (&consent.User{Email: cleanEmail(f.Get("email")), Language: "da"}).Validate())
		}
		if err != nil {
			d.Invite = f
			return s.again(c, "people", dashboard.View{Form: f, Data: d}, err)
		}
		if fresh, err := s.peopleData(c); err == nil {
			fresh.New, d = d.New, fresh
		}
		return s.show(c, "people", dashboard.View{Form: &dashboard.Form{}, Data: d})
	case "withdraw":
		done, err = "withdrawn", s.withdrawInvitation(c, d, f.Get("invitation"))
	case "organisation":
		done, err = "organisation", s.changeOrganisation(c, d.Org, f)
		if consent.KindOf(err) == consent.KindInvalid {
			d.Name = f
			return s.again(c, "people", dashboard.View{Form: f, Data: d}, err)
		}
	default:
		return s.changePerson(c, d, f)
	}
	if err != nil {
		return err
	}
	return seeOther(c, here+"?done="+done)
}

func (s *Server) withdrawInvitation(c echo.Context, d *peopleData, num string) error {
	i := slices.IndexFunc(d.Invitations, func(i store.Invitation) bool { return strconv.FormatInt(i.Num, 10) == num })
	if i < 0 {
		return nil // it was used, or it has ended
	}
	in := d.Invitations[i]
	return s.endInvitation(c, &in)
}

func (s *Server) endInvitation(c echo.Context, in *store.Invitation) error {
	deeds, err := orgDeeds(c.Request().Context(), s.db, in.Member, s.deed(c, "invitation_withdrawn", "").With(in.Email, nil))
	if err != nil {
		return err
	}
	return s.db.WithdrawInvitation(c.Request().Context(), in.Org.ID, in.Num, deeds...)
}

// changeOrganisation saves the name, and whether a second factor must be. Who turns that on has one already.
func (s *Server) changeOrganisation(c echo.Context, org consent.Organisation, f *dashboard.Form) error {
	was := org
	org.Name, org.TOTP = f.Get("org.name"), f.Get("org.totp") == "yes"
	if err := org.Validate(); err != nil {
		return err
	}
	if org.TOTP && !was.TOTP && !userOf(c).TOTP {
		return wrongField("bad_organisation", "The organisation's details are not right yet.", "org.totp", "Add a second factor to your own login first.")
	}
	return s.saveOrganisation(c, was, org)
}

func (s *Server) saveOrganisation(c echo.Context, was, org consent.Organisation) error {
	deed := s.deed(c, "organisation_changed", "").With(org.ID, nil)
	if err := deed.Changed(map[string]any{"name": was.Name, "totp": was.TOTP}, map[string]any{"name": org.Name, "totp": org.TOTP}); err != nil {
		return err
	}
	deeds, err := orgDeeds(c.Request().Context(), s.db, consent.Member{Org: org}, deed)
	if err != nil {
		return err
	}
	return s.db.UpdateOrganisation(c.Request().Context(), org, deeds...)
}

// changePerson gives a person other rights, takes them all, or takes the second factor away. The person's sessions end.
func (s *Server) changePerson(c echo.Context, d *peopleData, f *dashboard.Form) error {
	i := slices.IndexFunc(d.People, func(p personRow) bool { return strconv.FormatInt(p.ID, 10) == f.Get("person") })
	if i < 0 {
		return consent.NotFound("no_member", "There is no such person here.")
	}
	p := &d.People[i]
	done, err := s.editPerson(c, d, p, f)
	if err != nil {
		f.Prefix, d.Open = p.Form.Prefix, p.ID
		if f.Get("op") == "rights" {
			p.Form = f
		} else {
			p.Form.Message = "" // the message stands above the page
		}
		return s.again(c, "people", dashboard.View{Form: f, Data: d}, err)
	}
	if p.Me {
		if err := s.startSession(c, *userOf(c)); err != nil {
			return err
		}
		return seeOther(c, "/account?done="+done)
	}
	return seeOther(c, "/organisations/"+d.Org.ID+"/people?done="+done)
}

func (s *Server) editPerson(c echo.Context, d *peopleData, p *personRow, f *dashboard.Form) (done string, err error) {
	ctx := c.Request().Context()
	was := consent.Member{Org: d.Org, Role: p.Role, Sites: p.Sites}
	switch f.Get("op") {
	case "rights":
		m, err := readMember(f, d.Org, d.Sites)
		if err != nil {
			return "", err
		}
		return "rights", s.setMember(c, &p.Person, was, m)
	case "remove":
		return "removed", s.removeMember(c, &p.Person, was)
	case "reset_totp":
		// The login may be others' too: what protects them isn't this owner's to take away.
		u, _, err := s.db.UserByEmail(ctx, p.Email)
		if err != nil {
			return "", err
		}
		if len(u.Members) != 1 || u.Admin {
			return "", forbidden("administrator_only", "Only whoever runs the installation can reset this person's second factor.")
		}
		deeds, err := orgDeeds(ctx, s.db, was, s.deed(c, "totp_reset", "").With(p.Email, nil))
		if err != nil {
			return "", err
		}
		return "totp_reset", s.db.SetTOTP(ctx, p.ID, nil, 0, nil, deeds...)
	}
	return "", consent.Invalid("unreadable", "The body could not be read.")
}

// setMember gives a person other rights in an organisation.
func (s *Server) setMember(c echo.Context, p *store.Person, was, m consent.Member) error {
	ctx, deed := c.Request().Context(), s.deed(c, "user_role_changed", "").With(p.Email, nil)
	if err := deed.Changed(memberFields(was), memberFields(m)); err != nil {
		return err
	}
	deeds, err := orgDeeds(ctx, s.db, union(was, m), deed)
	if err != nil {
		return err
	}
	return s.db.SetMember(ctx, p.ID, m, deeds...)
}

// removeMember takes a person out of an organisation.
func (s *Server) removeMember(c echo.Context, p *store.Person, was consent.Member) error {
	ctx := c.Request().Context()
	deeds, err := orgDeeds(ctx, s.db, was, s.deed(c, "user_removed", "").With(p.Email, map[string]any{"organisation": was.Org.ID}))
	if err != nil {
		return err
	}
	return s.db.RemoveMember(ctx, p.ID, was.Org.ID, deeds...)
}

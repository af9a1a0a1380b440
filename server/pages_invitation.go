package server

import (
	"time"

	"github.com/labstack/echo/v4"

	"samtykke/consent"
	"samtykke/server/dashboard"
	"samtykke/server/store"
)

// invitationData is what the person who was invited sees.
type invitationData struct {
	store.Invitation
	Path  string
	Known bool // there is a login with the e-mail
	Me    bool // and it is the one that is logged in
}

// invitation finds what the link is for. Whoever is logged in is known on the page.
func (s *Server) invitation(c echo.Context) (*invitationData, error) {
	ctx := c.Request().Context()
	if err := s.findUser(c); err != nil && consent.KindOf(err) != consent.KindNotFound {
		return nil, err
	}
	i, err := s.db.Invitation(ctx, hashToken(c.Param("token")), s.cfg.Now())
	if err != nil {
		return nil, err
	}
	d := &invitationData{Invitation: i, Path: "/invitation/" + c.Param("token")}
	_, _, err = s.db.UserByEmail(ctx, i.Email)
	if d.Known = err == nil; err != nil && consent.KindOf(err) != consent.KindNotFound {
		return nil, err
	}
	u := userOf(c)
	d.Me = u != nil && u.Email == i.Email
	return d, nil
}

func (s *Server) invitationPage(c echo.Context) error {
	d, err := s.invitation(c)
	if err != nil {
		return err
	}
	return s.show(c, "invitation", dashboard.View{Form: &dashboard.Form{}, Data: d})
}

// acceptInvitation makes the person a member: who has a login must be in with it, who has none makes one.
func (s *Server) acceptInvitation(c echo.Context) error {
	f, err := readForm(c)
	if err != nil {
		return err
	}
	d, err := s.invitation(c)
	if err != nil {
		return err
	}
	if d.Known && !d.Me {
		return s.again(c, "invitation", dashboard.View{Form: f, Data: d}, &consent.Error{Kind: consent.KindForbidden, Code: "log_in_first", Message: "Log in first."})
	}
	ctx := c.Request().Context()
	u, hash := consent.User{
		Email: d.Email, Name: f.Get("person.name"), Language: languageOf(c), CreatedAt: s.cfg.Now().UTC().Truncate(time.Millisecond),
	}, ""
	if d.Me {
		u = *userOf(c)
	} else {
		if err := together(u.Validate(), newPassword(u, f)); err != nil {
			f.Values.Del("password")
			f.Values.Del("repeat")
			return s.again(c, "invitation", dashboard.View{Form: f, Data: d}, err)
		}
		hash = HashPassword(f.Get("password"))
	}
	deeds, err := orgDeeds(ctx, s.db, d.Member, consent.NewDeed(s.cfg.Now(), u.Email, "user_added", "").With(u.Email, memberFields(d.Member)))
	if err != nil {
		return err
	}
	if u, err = s.db.Join(ctx, d.Invitation, u, hash, deeds...); err != nil {
		return err
	}
	if err := s.startSession(c, u, consent.NewDeed(s.cfg.Now(), u.Email, "login", "")); err != nil {
		return err
	}
	return seeOther(c, "/?done=joined")
}

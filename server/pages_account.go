package server

import (
	"encoding/hex"

	"github.com/labstack/echo/v4"

	"samtykke/consent"
	"samtykke/server/dashboard"
)

// accountData is what one sees of one's own login.
type accountData struct {
	Sessions []accountSession
	Others   int // sessions but this one
	Codes    int // that stand in for the second factor
}

type accountSession struct {
	ID, Device, Address string
	Times               [2]string // since when, and when it was last used, as the page writes them
	Here                bool
}

func (s *Server) accountPage(c echo.Context) error {
	u := userOf(c)
	f := &dashboard.Form{Values: map[string][]string{"person.name": {u.Name}, "lang": {u.Language}, "colours": {themeOf(u)}}}
	return s.showAccount(c, f, nil)
}

func themeOf(u *consent.User) string {
	if u.Theme == "" {
		return "auto"
	}
	return u.Theme
}

func (s *Server) showAccount(c echo.Context, f *dashboard.Form, failed error) error {
	ctx, u := c.Request().Context(), userOf(c)
	list, err := s.db.Sessions(ctx, u.ID, s.cfg.Now())
	if err != nil {
		return err
	}
	var d accountData
	words := dashboard.For(languageOf(c))
	here := hex.EncodeToString(sessionOf(c).Token)
	for _, l := range list {
		a := accountSession{ID: hex.EncodeToString(l.Token), Device: l.Device, Address: l.Address, Times: [2]string{words.Moment(l.At), words.Moment(l.Used)}}
		a.Here = a.ID == here
		d.Others += index(!a.Here)
		d.Sessions = append(d.Sessions, a)
	}
	if d.Codes, err = s.db.Recovery(ctx, u.ID); err != nil {
		return err
	}
	v := dashboard.View{Form: f, Data: d}
	if failed != nil {
		return s.again(c, "account", v, failed)
	}
	return s.show(c, "account", v)
}

// changeAccount saves one's name, language and colours, or ends sessions of one's own.
func (s *Server) changeAccount(c echo.Context) error {
	f, err := readForm(c)
	if err != nil {
		return err
	}
	ctx, u := c.Request().Context(), *userOf(c)
	ended := s.deed(c, "sessions_ended", "").With(u.Email, nil)
	switch f.Get("op") {
	case "end":
		token, err := hex.DecodeString(f.Get("session"))
		if err == nil {
			err = s.db.EndOwnSession(ctx, u.ID, token, ended)
		}
		if err != nil && consent.KindOf(err) != consent.KindNotFound { // it has ended by itself
			return consent.Invalid("unreadable", "The body could not be read.")
		}
		return seeOther(c, "/account?done=session_ended#sessions")
	case "end_others":
		if err := s.db.EndSessions(ctx, u.ID, sessionOf(c).Token, ended); err != nil {
			return err
		}
		return seeOther(c, "/account?done=sessions_ended#sessions")
	}
	u.Name, u.Language, u.Theme = f.Get("person.name"), f.Get("lang"), f.Get("colours")
	if u.Theme == "auto" {
		u.Theme = ""
	}
	if err := u.Validate(); err != nil {
		return s.showAccount(c, f, err)
	}
	if err := s.db.SetProfile(ctx, u); err != nil {
		return err
	}
	return seeOther(c, "/account?done=account")
}

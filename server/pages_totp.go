package server

import (
	"context"
	"html/template"
	"net/url"
	"strconv"
	"strings"

	"github.com/labstack/echo/v4"

	"samtykke/consent"
	"samtykke/server/dashboard"
)

// totpData is the page of one's own second factor.
type totpData struct {
	Secret string   // that is offered; empty where there is a second factor already
	Groups []string // the same as people type it
	QR     template.HTML
	Codes  []string // new ones, which are shown once
	Left   int
	Must   bool // an organisation wants it
}

func (s *Server) totpPage(c echo.Context) error {
	return s.showTOTP(c, &dashboard.Form{}, totpData{}, nil)
}

func (s *Server) showTOTP(c echo.Context, f *dashboard.Form, d totpData, failed error) error {
	u := userOf(c)
	d.Must = u.MustTOTP()
	var err error
	switch {
	case u.TOTP:
		if d.Left, err = s.db.Recovery(c.Request().Context(), u.ID); err != nil {
			return err
		}
	default:
		if _, ok := readTOTP(f.Get("secret")); !ok {
			f.Values = url.Values{"secret": {newTOTP()}}
		}
		d.Secret = f.Get("secret")
		for i := 0; i < len(d.Secret); i += 4 {
			d.Groups = append(d.Groups, d.Secret[i:min(i+4, len(d.Secret))])
		}
		if d.QR, err = qrPicture(totpURI(d.Secret, u.Email, s.host()), dashboard.For(languageOf(c)).T("totp.qr")); err != nil {
			return err
		}
	}
	v := dashboard.View{Form: f, Data: d}
	if failed != nil {
		return s.again(c, "totp", v, failed)
	}
	return s.show(c, "totp", v)
}

// qrPicture is the code as a picture in the page. Its colours are fixed: cameras need dark on light.
func qrPicture(text, label string) (template.HTML, error) {
	path, width, err := qrPath(text)
	if err != nil {
		return "", err
	}
	n := strconv.Itoa(width)
	return template.HTML(`<svg class="qr" role="img" aria-label="` + template.HTMLEscapeString(label) + `" viewBox="0 0 ` + n + ` ` + n +
		`" shape-rendering="crispEdges"><rect width="` + n + `" height="` + n + `" fill="#fff"/><path fill="#000" d="` + path + `"/></svg>`), nil
}

func (s *Server) host() string {
	u, err := url.Parse(s.cfg.BaseURL)
	if err != nil {
		return "" // CleanBase has parsed it
	}
	return u.Host
}

// changeTOTP adds a second factor, takes it away, or makes new codes that stand in for it. Each wants a code of now.
func (s *Server) changeTOTP(c echo.Context) error {
	f, err := readForm(c)
	if err != nil {
		return err
	}
	ctx, u := c.Request().Context(), *userOf(c)
	op := f.Get("op")
	if (op == "on") == u.TOTP { // another tab was faster
		return seeOther(c, "/account/totp")
	}
	codes, hashes := newRecovery()
	switch op {
	case "on":
		secret, ok := readTOTP(f.Get("secret"))
		step, fits := matchTOTP(secret, digits(f.Get("code")), s.cfg.Now())
		if !ok || !fits {
			return s.showTOTP(c, f, totpData{}, errCode())
		}
		if err := s.db.SetTOTP(ctx, u.ID, secret, step, hashes, s.deed(c, "totp_on", "").With(u.Email, nil)); err != nil {
			return err
		}
		if err := s.startSession(c, u); err != nil { // all others have ended
			return err
		}
		userOf(c).TOTP = true
	case "codes":
		if err := s.useCode(c, u, f.Get("code")); err != nil {
			return s.showTOTP(c, f, totpData{}, err)
		}
		if err := s.db.SetRecovery(ctx, u.ID, hashes, s.deed(c, "recovery_codes_made", "").With(u.Email, nil)); err != nil {
			return err
		}
	case "off":
		if u.MustTOTP() {
			return s.showTOTP(c, f, totpData{}, &consent.Error{Kind: consent.KindForbidden, Code: "totp_wanted", Message: "Your organisation wants a second factor."})
		}
		if err := s.useCode(c, u, f.Get("code")); err != nil {
			return s.showTOTP(c, f, totpData{}, err)
		}
		if err := s.db.SetTOTP(ctx, u.ID, nil, 0, nil, s.deed(c, "totp_off", "").With(u.Email, nil)); err != nil {
			return err
		}
		if err := s.startSession(c, u); err != nil {
			return err
		}
		return seeOther(c, "/account?done=totp_off")
	default:
		return consent.Invalid("unreadable", "The body could not be read.")
	}
	return s.showTOTP(c, &dashboard.Form{}, totpData{Codes: codes}, nil)
}

func errCode() error {
	return wrongField("bad_code", "The code is wrong.", "code", "The code is wrong or has been used. Wait for the next one.")
}

// digits drops the spaces that apps show in codes.
func digits(code string) string { return strings.ReplaceAll(code, " ", "") }

// useCode takes a code of the second factor, or one that stands in for it: each is good for once. Who guesses waits longer
// and longer.
func (s *Server) useCode(c echo.Context, u consent.User, code string) error {
	key := "second factor " + strconv.FormatInt(u.ID, 10)
	if err := s.backoff.allow(key, s.cfg.Now()); err != nil {
		return err
	}
	ok, err := s.codeFits(c.Request().Context(), u, code)
	switch {
	case err != nil:
		return err
	case !ok:
		s.backoff.failed(key, s.cfg.Now())
		return errCode()
	}
	s.backoff.right(key)
	return nil
}

func (s *Server) codeFits(ctx context.Context, u consent.User, code string) (bool, error) {
	if len(code) > 40 {
		return false, nil
	}
	if strings.Contains(code, "-") {
		return s.db.UseRecovery(ctx, u.ID, hashToken(strings.ToLower(code)))
	}
	secret, _, err := s.db.TOTP(ctx, u.ID)
	if err != nil || secret == nil {
		return false, err
	}
	step, ok := matchTOTP(secret, digits(code), s.cfg.Now())
	if !ok {
		return false, nil
	}
	return s.db.UseStep(ctx, u.ID, step)
}

// codePage asks for the second factor after the password.
func (s *Server) codePage(c echo.Context) error {
	session, _, err := s.sessionUser(c)
	if err != nil || !session.Half {
		return seeOther(c, "/login")
	}
	return s.show(c, "code", dashboard.View{Form: &dashboard.Form{}, Data: loginData{localPath(c.QueryParam("next")), c.QueryParam("lang")}})
}

func (s *Server) checkCode(c echo.Context) error {
	f, err := readForm(c)
	if err != nil {
		return err
	}
	session, u, err := s.sessionUser(c)
	if consent.KindOf(err) == consent.KindNotFound || err == nil && !session.Half {
		return seeOther(c, "/login")
	}
	if err != nil {
		return err
	}
	next := localPath(f.Get("next"))
	if err := s.useCode(c, u, f.Get("code")); err != nil {
		if consent.KindOf(err) == consent.KindInvalid {
			if err := s.loginFailed(c, u.Email); err != nil {
				return err
			}
		}
		f.Values.Del("code")
		return s.again(c, "code", dashboard.View{Form: f, Data: loginData{next, f.Get("lang")}}, err)
	}
	if err := s.startSession(c, u, consent.NewDeed(s.cfg.Now(), u.Email, "login", "")); err != nil {
		return err
	}
	return seeOther(c, next)
}

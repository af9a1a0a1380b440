package server

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"samtykke/consent"
	"samtykke/server/dashboard"
	"samtykke/server/store"
)

// How often one address, and one e-mail from wherever, may try to log in. An e-mail's share is ten times that of an
// address, so that nobody locks its owner out from a single one.
const (
	loginsPerSecond = 0.1
	loginBurst      = 10
	emailsPerSecond = 1
	emailBurst      = 100
)

// allowLogin counts an attempt against the address and against the e-mail. Who tries many passwords from many
// addresses slows the owner of that e-mail down too; that is the lesser evil.
func (s *Server) allowLogin(c echo.Context, email string) error {
	if err := s.logins.allow(c, "login"); err != nil || s.emails.store == nil {
		return err
	}
	if ok, err := s.emails.store.Allow(email); err != nil || ok {
		return err
	}
	return errTooManyLogins()
}

func (s *Server) cookieName() string {
	if s.cfg.secure() {
		return "__Host-samtykke_session" // the browser then refuses it from other hosts and without TLS
	}
	return "samtykke_session"
}

func (s *Server) setSession(c echo.Context, token string, seconds int) {
	c.SetCookie(&http.Cookie{
		Name: s.cookieName(), Value: token, Path: "/", MaxAge: seconds, HttpOnly: true, Secure: s.cfg.secure(), SameSite: http.SameSiteLaxMode,
	})
}

func (s *Server) session(c echo.Context) string {
	cookie, err := c.Cookie(s.cookieName())
	if err != nil {
		return ""
	}
	return cookie.Value
}

// sessionUser finds who is logged in; NotFound where nobody is.
func (s *Server) sessionUser(c echo.Context) (store.Session, consent.User, error) {
	token := s.session(c)
	if token == "" {
		return store.Session{}, consent.User{}, consent.NotFound("no_session", "Nobody is logged in.")
	}
	return s.db.Session(c.Request().Context(), hashToken(token), s.cfg.Now())
}

// askLogin sends a reader to the login and back afterwards. What was sent in a form can't be kept.
func (s *Server) askLogin(c echo.Context) error {
	if c.Request().Method != http.MethodGet {
		return &consent.Error{Kind: consent.KindUnauthorized, Code: "logged_out", Message: "You are not logged in any more. Log in and send the form again."}
	}
	to := "/login"
	if here := c.Request().URL.RequestURI(); here != "/" {
		to += "?next=" + url.QueryEscape(here)
	}
	return seeOther(c, to)
}

func seeOther(c echo.Context, to string) error { return c.Redirect(http.StatusSeeOther, to) }

// localPath keeps a redirect on this server: "/" where next could lead elsewhere.
func localPath(next string) string {
	u, err := url.Parse(next)
	if err != nil || u.Scheme != "" || u.Host != "" || u.User != nil || !strings.HasPrefix(next, "/") || strings.HasPrefix(next, "//") || strings.ContainsAny(next, "\\\r\n\t") {
		return "/"
	}
	return next
}

// loginData is what the login page carries along: where to go afterwards, and the language where one was chosen.
type loginData struct{ Next, Lang string }

func (s *Server) loginPage(c echo.Context) error {
	next := localPath(c.QueryParam("next"))
	if s.findUser(c) == nil {
		return seeOther(c, next)
	}
	return s.show(c, "login", dashboard.View{Form: &dashboard.Form{}, Data: loginData{next, c.QueryParam("lang")}})
}

func (s *Server) login(c echo.Context) error {
	f, err := readForm(c)
	if err != nil {
		return err
	}
	email := cleanEmail(f.Get("email"))
	u, err := s.tryLogin(c, email, f.Get("password"))
	if err != nil {
		if consent.KindOf(err) == consent.KindUnauthorized {
			if err := s.loginFailed(c, email); err != nil {
				return err
			}
		}
		f.Values.Del("password")
		return s.again(c, "login", dashboard.View{Form: f, Data: loginData{localPath(f.Get("next")), f.Get("lang")}}, err)
	}
	next := localPath(f.Get("next"))
	if u.TOTP {
		if err := s.startHalf(c, u); err != nil {
			return err
		}
		next = "/login/code?next=" + url.QueryEscape(next)
	} else if err := s.startSession(c, u, consent.NewDeed(s.cfg.Now(), u.Email, "login", "")); err != nil {
		return err
	}
	// Who chose a language on the way in keeps it, and so does who is here for the first time.
	if f.Get("lang") != "" || u.MustChange {
		if err := s.setLanguage(c.Request().Context(), u, languageOf(c)); err != nil {
			return err
		}
	}
	return seeOther(c, next)
}

func (s *Server) tryLogin(c echo.Context, email, password string) (consent.User, error) {
	if len(email) > 200 || len(password) > 200 {
		return consent.User{}, errLogin()
	}
	if err := s.allowLogin(c, email); err != nil {
		return consent.User{}, err
	}
	key := email + " " + network(c.RealIP())
	if err := s.backoff.allow(key, s.cfg.Now()); err != nil {
		return consent.User{}, err
	}
	u, err := s.authenticate(c.Request().Context(), email, password)
	switch {
	case err == nil:
		s.backoff.right(key)
	case consent.KindOf(err) == consent.KindUnauthorized:
		s.backoff.failed(key, s.cfg.Now())
	}
	return u, err
}

// startSession logs a user in under a new token; the one before, which somebody may have seen, ends.
func (s *Server) startSession(c echo.Context, u consent.User, deeds ...consent.Deed) error {
	return s.beginSession(c, u, sessionLasts, false, deeds...)
}

// startHalf begins a session that is good for nothing but the second factor.
func (s *Server) startHalf(c echo.Context, u consent.User) error {
	return s.beginSession(c, u, halfLasts, true)
}

func (s *Server) beginSession(c echo.Context, u consent.User, lasts time.Duration, half bool, deeds ...consent.Deed) error {
	ctx := c.Request().Context()
	if old := s.session(c); old != "" {
		if err := s.db.EndSession(ctx, hashToken(old)); err != nil {
			return err
		}
	}
	token, now := newSecret(), s.cfg.Now()
	err := s.db.AddSession(ctx, store.Session{
		User: u.ID, Token: hashToken(token), At: now, Expires: now.Add(lasts), Half: half,
		Device: deviceOf(c.Request().UserAgent()), Address: c.RealIP(),
	}, deeds...)
	if err != nil {
		return err
	}
	s.setSession(c, token, int(lasts.Seconds()))
	return nil
}

func (s *Server) logout(c echo.Context) error {
	if err := s.db.EndSession(c.Request().Context(), hashToken(s.session(c)), s.deed(c, "logout", "")); err != nil {
		return err
	}
	s.setSession(c, "", -1)
	return seeOther(c, "/login?done=logged_out")
}

func (s *Server) passwordPage(c echo.Context) error {
	return s.show(c, "password", dashboard.View{Form: &dashboard.Form{}})
}

// changePassword ends all sessions of the user and starts a new one here.
func (s *Server) changePassword(c echo.Context) error {
	f, err := readForm(c)
	if err != nil {
		return err
	}
	u, ctx := *userOf(c), c.Request().Context()
	if err := s.checkNewPassword(c, u, f); err != nil {
		f.Values = url.Values{}
		return s.again(c, "password", dashboard.View{Form: f}, err)
	}
	if err := s.db.SetPassword(ctx, u.ID, HashPassword(f.Get("password")), false, s.deed(c, "password_changed", "")); err != nil {
		return err
	}
	if err := s.startSession(c, u); err != nil {
		return err
	}
	return seeOther(c, "/?done=password")
}

// checkNewPassword wants the present password again, but not the one-time password that was typed a moment ago.
func (s *Server) checkNewPassword(c echo.Context, u consent.User, f *dashboard.Form) error {
	if !u.MustChange {
		_, err := s.tryLogin(c, u.Email, f.Get("present"))
		if consent.KindOf(err) == consent.KindUnauthorized {
			return wrongField("bad_password", "Choose another password.", "present", "This is not your present password.")
		}
		if err != nil {
			return err
		}
	}
	if err := newPassword(u, f); err != nil {
		return err
	}
	return s.mustDiffer(c.Request().Context(), u, f.Get("password"))
}

// newPassword checks a password that somebody chose, typed twice.
func newPassword(u consent.User, f *dashboard.Form) error {
	p := f.Get("password")
	if name, _, _ := strings.Cut(u.Email, "@"); strings.EqualFold(p, u.Email) || strings.EqualFold(p, name) {
		return wrongField("bad_password", "Choose another password.", "password", "The password can't be your e-mail.")
	}
	if err := consent.CheckPassword(p); err != nil {
		return err
	}
	if p != f.Get("repeat") {
		return wrongField("bad_password", "Choose another password.", "repeat", "The two passwords differ.")
	}
	return nil
}

// mustDiffer refuses the password that the user has already: a one-time password must not stay.
func (s *Server) mustDiffer(ctx context.Context, u consent.User, password string) error {
	_, err := s.authenticate(ctx, u.Email, password)
	switch {
	case err == nil:
		return wrongField("bad_password", "Choose another password.", "password", "Choose a password other than the present one.")
	case consent.KindOf(err) == consent.KindUnauthorized:
		return nil
	}
	return err
}

func (s *Server) changeLanguage(c echo.Context) error {
	f, err := readForm(c)
	if err != nil {
		return err
	}
	if err := s.setLanguage(c.Request().Context(), *userOf(c), f.Get("lang")); err != nil {
		return err
	}
	return seeOther(c, localPath(f.Get("next")))
}

func (s *Server) setLanguage(ctx context.Context, u consent.User, lang string) error {
	u.Language = lang
	if err := u.Validate(); err != nil {
		return err
	}
	return s.db.SetLanguage(ctx, u.ID, lang)
}

package server

import (
	"crypto/rand"
	"encoding/base64"
	"strings"

	"github.com/labstack/echo/v4"

	"samtykke/consent"
	"samtykke/server/store"
)

// tokenPrefix begins every token, so that tools that look for lost secrets know one.
const tokenPrefix = "smt_"

// newSecret makes what a link or a token holds: 32 random bytes. Only its hash is stored.
func newSecret() string {
	raw := make([]byte, 32)
	rand.Read(raw) //nolint:errcheck // it never fails
	return base64.RawURLEncoding.EncodeToString(raw)
}

// tokenKey is where withToken keeps the token for the handlers.
const tokenKey = "token"

// tokenOf is what the program that asks logged in with.
func tokenOf(c echo.Context) (store.Token, error) {
	if t, ok := c.Get(tokenKey).(*store.Token); ok {
		return *t, nil
	}
	return store.Token{}, errToken()
}

func errToken() error {
	return &consent.Error{Kind: consent.KindUnauthorized, Code: "bad_token", Message: "Send a token that is valid: Authorization: Bearer smt_…"}
}

// withToken is the one place that lets programs in: those of a token that is for what the route needs, and only to its sites.
func (s *Server) withToken(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		kind, secret, _ := strings.Cut(c.Request().Header.Get("Authorization"), " ")
		if !strings.EqualFold(kind, "Bearer") || !strings.HasPrefix(secret, tokenPrefix) {
			return s.unauthorized(c)
		}
		ctx := c.Request().Context()
		t, err := s.db.Token(ctx, hashToken(secret), s.cfg.Now())
		if consent.KindOf(err) == consent.KindNotFound {
			return s.unauthorized(c)
		}
		if err != nil {
			return err
		}
		n := needOf(c.Request().Method, c.Path())
		if site := c.Param("site"); site != "" {
			org, err := s.db.OrganisationOf(ctx, site)
			if err != nil {
				return err
			}
			if org.ID != t.Org.ID || !t.May(site) {
				return noSite()
			}
		}
		if n.scope == "" || !t.Has(n.scope) {
			return forbidden("scope", "The token is not for this.")
		}
		if n.whole && !t.Whole() {
			return forbidden("token_limited", "The token is for some of the organisation's websites only.")
		}
		c.Set(tokenKey, &t)
		return next(c)
	}
}

func (s *Server) unauthorized(c echo.Context) error {
	c.Response().Header().Set("WWW-Authenticate", "Bearer")
	return errToken()
}

package server

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"samtykke/consent"
	"samtykke/server/dashboard"
	"samtykke/server/store"
)

// tokensData is the page of an organisation's tokens.
type tokensData struct {
	Org    consent.Organisation
	Sites  []consent.Site
	Tokens []tokenRow
	New    string // the secret of one that was made just now
}

type tokenRow struct {
	store.Token
	Names   []string // of the only sites
	Expired bool
}

const maxTokens = 100

func (s *Server) tokensPage(c echo.Context) error {
	return s.showTokens(c, tokenForm(), "", nil)
}

func tokenForm() *dashboard.Form {
	return &dashboard.Form{Values: map[string][]string{"scopes": {string(store.ScopeRead)}, "limit": {everySite}, "token.days": {"365"}}}
}

// tokenDays are how long a token may last.
var tokenDays = []string{"30", "90", "365"}

func (s *Server) showTokens(c echo.Context, f *dashboard.Form, secret string, failed error) error {
	ctx := c.Request().Context()
	d := tokensData{New: secret}
	var err error
	if d.Org, err = s.db.Organisation(ctx, c.Param("org")); err != nil {
		return err
	}
	if d.Sites, err = s.db.SitesOf(ctx, d.Org.ID); err != nil {
		return err
	}
	tokens, err := s.db.Tokens(ctx, d.Org.ID)
	if err != nil {
		return err
	}
	for _, t := range tokens {
		row := tokenRow{Token: t, Expired: !s.cfg.Now().Before(t.Expires)}
		for i := range d.Sites {
			if slices.Contains(t.Sites, d.Sites[i].ID) {
				row.Names = append(row.Names, d.Sites[i].Name)
			}
		}
		d.Tokens = append(d.Tokens, row)
	}
	v := dashboard.View{Form: f, Data: d}
	if failed != nil {
		return s.again(c, "tokens", v, failed)
	}
	return s.show(c, "tokens", v)
}

// changeTokens makes a token, whose secret is shown once, or ends one.
func (s *Server) changeTokens(c echo.Context) error {
	f, err := readForm(c)
	if err != nil {
		return err
	}
	ctx := c.Request().Context()
	org, err := s.db.Organisation(ctx, c.Param("org"))
	if err != nil {
		return err
	}
	sites, err := s.db.SitesOf(ctx, org.ID)
	if err != nil {
		return err
	}
	tokens, err := s.db.Tokens(ctx, org.ID)
	if err != nil {
		return err
	}
	if f.Get("op") == "revoke" {
		i := slices.IndexFunc(tokens, func(t store.Token) bool { return strconv.FormatInt(t.Num, 10) == f.Get("token") })
		if i >= 0 { // else it is gone
			if err := s.revokeToken(c, &tokens[i]); err != nil {
				return err
			}
		}
		return seeOther(c, "/organisations/"+org.ID+"/tokens?done=token_revoked")
	}
	t := store.Token{
		Org: org, Name: f.Get("token.name"), Sites: readLimit(f, sites), By: userOf(c).Email, At: s.cfg.Now().UTC().Truncate(time.Millisecond),
	}
	if err := fillToken(&t, f, tokens); err != nil {
		return s.showTokens(c, f, "", err)
	}
	secret, err := s.makeToken(c, &t)
	if err != nil {
		return err
	}
	return s.showTokens(c, tokenForm(), secret, nil)
}

// makeToken stores a token and returns its secret, which is shown once.
func (s *Server) makeToken(c echo.Context, t *store.Token) (secret string, err error) {
	ctx := c.Request().Context()
	scopes := make([]string, len(t.Scopes))
	for i := range t.Scopes {
		scopes[i] = string(t.Scopes[i])
	}
	fields := map[string]any{"organisation": t.Org.ID, "scopes": scopes, "expires": t.Expires.Format(time.DateOnly)}
	if t.Sites != nil {
		fields["sites"] = t.Sites
	}
	deeds, err := orgDeeds(ctx, s.db, consent.Member{Org: t.Org, Sites: t.Sites}, s.deed(c, "token_made", "").With(t.Name, fields))
	if err != nil {
		return "", err
	}
	secret = tokenPrefix + newSecret()
	return secret, s.db.AddToken(ctx, *t, hashToken(secret), deeds...)
}

func (s *Server) revokeToken(c echo.Context, t *store.Token) error {
	deeds, err := orgDeeds(c.Request().Context(), s.db, consent.Member{Org: t.Org, Sites: t.Sites}, s.deed(c, "token_revoked", "").With(t.Name, nil))
	if err != nil {
		return err
	}
	return s.db.RevokeToken(c.Request().Context(), t.Org.ID, t.Num, deeds...)
}

// fillToken takes over what was chosen.
func fillToken(t *store.Token, f *dashboard.Form, others []store.Token) error {
	wrong := map[string]string{}
	if t.Name == "" || len(t.Name) > 100 || strings.ContainsFunc(t.Name, func(r rune) bool { return r < ' ' }) {
		wrong["token.name"] = "Give the token a name, of at most 100 characters."
	}
	if slices.ContainsFunc(others, func(o store.Token) bool { return o.Name == t.Name }) {
		wrong["token.name"] = "There is a token with this name."
	}
	if len(others) >= maxTokens {
		wrong["token.name"] = "There are too many tokens. Revoke some first."
	}
	for _, scope := range store.Scopes {
		if f.Has("scopes", string(scope)) {
			t.Scopes = append(t.Scopes, scope)
		}
	}
	if len(t.Scopes) == 0 {
		wrong["scopes"] = "Choose what the token is for."
	}
	if t.Sites != nil && len(t.Sites) == 0 {
		wrong["limit"] = "Choose at least one website."
	}
	days := f.Get("token.days")
	if !slices.Contains(tokenDays, days) {
		wrong["token.days"] = "Choose how long the token is to last."
	}
	n, _ := strconv.Atoi(days)
	t.Expires = t.At.AddDate(0, 0, n)
	if len(wrong) == 0 {
		return nil
	}
	return &consent.Error{Kind: consent.KindInvalid, Code: "bad_new_token", Message: "The token is not right yet.", Fields: wrong}
}

package server

import (
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"time"

	"github.com/labstack/echo/v4"

	"samtykke/consent"
	"samtykke/server/dashboard"
	"samtykke/server/store"
)

// What a token does to the organisation that it belongs to. It gives nobody more than it has itself: no role and no token that
// could do what it can't.

func errBeyond(fields map[string]string) error {
	return &consent.Error{Kind: consent.KindForbidden, Code: "beyond_token", Message: "A token can't give what it doesn't have itself.", Fields: fields}
}

// apiOrganisation is what a program sets of its organisation.
type apiOrganisation struct {
	Name string `json:"name"`
	TOTP bool   `json:"totp"` // its people need a second factor
}

// ownOrganisation is the token's organisation as it is now.
func (s *Server) ownOrganisation(c echo.Context) (consent.Organisation, error) {
	t, err := tokenOf(c)
	if err != nil {
		return consent.Organisation{}, err
	}
	return s.db.Organisation(c.Request().Context(), t.Org.ID)
}

func (s *Server) apiReadOrganisation(c echo.Context) error {
	org, err := s.ownOrganisation(c)
	if err != nil {
		return err
	}
	return s.answerOrganisation(c, org)
}

func (s *Server) answerOrganisation(c echo.Context, org consent.Organisation) error {
	a := apiOrganisation{org.Name, org.TOTP}
	return withETag(c, http.StatusOK, a, struct {
		ID string `json:"id"`
		apiOrganisation
	}{org.ID, a})
}

// apiChangeOrganisation replaces the organisation's details.
func (s *Server) apiChangeOrganisation(c echo.Context) error {
	var in apiOrganisation
	if err := readJSON(c, &in); err != nil {
		return err
	}
	was, err := s.ownOrganisation(c)
	if err != nil {
		return err
	}
	if err := ifMatch(c, apiOrganisation{was.Name, was.TOTP}); err != nil {
		return err
	}
	org := was
	org.Name, org.TOTP = in.Name, in.TOTP
	if err := org.Validate(); err != nil {
		return renamed(err, map[string]string{"org.name": "name"})
	}
	if err := s.saveOrganisation(c, was, org); err != nil {
		return err
	}
	return s.answerOrganisation(c, org)
}

// renamed gives an error of a form the names that the fields have in JSON.
func renamed(err error, names map[string]string) error {
	var e *consent.Error
	if !errors.As(err, &e) || e.Fields == nil {
		return err
	}
	out := *e
	out.Fields = map[string]string{}
	for field, words := range e.Fields {
		if names[field] != "" {
			field = names[field]
		}
		out.Fields[field] = words
	}
	return &out
}

// apiRights is what somebody may do. No sites: every one.
type apiRights struct {
	Role  consent.Role `json:"role"`
	Sites []string     `json:"sites,omitempty"`
}

// member reads rights for the token's organisation: known sites, and no more than the token has.
func (s *Server) member(c echo.Context, in apiRights) (m consent.Member, err error) {
	t, err := tokenOf(c)
	if err != nil {
		return m, err
	}
	sites, err := s.db.SitesOf(c.Request().Context(), t.Org.ID)
	if err != nil {
		return m, err
	}
	m = consent.Member{Org: t.Org, Role: in.Role, Sites: in.Sites}
	if err := together(m.Validate(), knownSites(in.Sites, sites)); err != nil {
		return m, renamed(err, map[string]string{"limit": "sites"})
	}
	if !t.Covers(m.Role) {
		return m, errBeyond(nil)
	}
	return m, nil
}

// knownSites refuses ids that aren't the organisation's.
func knownSites(ids []string, sites []consent.Site) error {
	for _, id := range ids {
		if !slices.ContainsFunc(sites, func(site consent.Site) bool { return site.ID == id }) {
			return wrongField("unknown_site", "The organisation has no such website.", "sites", "The organisation has no such website.")
		}
	}
	return nil
}

type apiPerson struct {
	ID    int64  `json:"id"`
	Email string `json:"email"`
	Name  string `json:"name,omitempty"`
	apiRights
	TOTP bool       `json:"totp"` // has a second factor
	Seen *time.Time `json:"seen,omitempty"`
}

func (s *Server) apiPeople(c echo.Context) error {
	t, err := tokenOf(c)
	if err != nil {
		return err
	}
	people, err := s.db.People(c.Request().Context(), t.Org.ID)
	if err != nil {
		return err
	}
	return listPage(c, people, func(p *store.Person) string { return strconv.FormatInt(p.ID, 10) }, func(p *store.Person) (apiPerson, error) {
		return apiPerson{p.ID, p.Email, p.Name, apiRights{p.Role, p.Sites}, p.TOTP, moment(p.Used)}, nil
	})
}

// person is whom the address names. The token must have what the person has: who has less changes nobody who has more.
func (s *Server) person(c echo.Context) (p store.Person, was consent.Member, err error) {
	t, err := tokenOf(c)
	if err != nil {
		return p, was, err
	}
	people, err := s.db.People(c.Request().Context(), t.Org.ID)
	if err != nil {
		return p, was, err
	}
	i := slices.IndexFunc(people, func(p store.Person) bool { return strconv.FormatInt(p.ID, 10) == c.Param("person") })
	if i < 0 {
		return p, was, consent.NotFound("no_member", "There is no such person here.")
	}
	p = people[i]
	if !t.Covers(p.Role) {
		return p, was, errBeyond(nil)
	}
	return p, consent.Member{Org: t.Org, Role: p.Role, Sites: p.Sites}, nil
}

// apiChangePerson gives a person other rights. The person's sessions end.
func (s *Server) apiChangePerson(c echo.Context) error {
	var in apiRights
	if err := readJSON(c, &in); err != nil {
		return err
	}
	m, err := s.member(c, in)
	if err != nil {
		return err
	}
	p, was, err := s.person(c)
	if err != nil {
		return err
	}
	if err := s.setMember(c, &p, was, m); err != nil {
		return err
	}
	return c.NoContent(http.StatusNoContent)
}

// apiRemovePerson takes a person out of the organisation.
func (s *Server) apiRemovePerson(c echo.Context) error {
	p, was, err := s.person(c)
	if err != nil {
		return err
	}
	if err := s.removeMember(c, &p, was); err != nil {
		return err
	}
	return c.NoContent(http.StatusNoContent)
}

type apiInvitation struct {
	ID    int64  `json:"id"`
	Email string `json:"email"`
	apiRights
	By      string    `json:"by"`
	At      time.Time `json:"at"`
	Expires time.Time `json:"expires"`
}

func newAPIInvitation(i *store.Invitation) apiInvitation {
	return apiInvitation{i.Num, i.Email, apiRights{i.Role, i.Sites}, i.By, i.At, i.Expires}
}

// invitations are those of the token's organisation that are open.
func (s *Server) invitations(c echo.Context) ([]store.Invitation, error) {
	t, err := tokenOf(c)
	if err != nil {
		return nil, err
	}
	return s.db.Invitations(c.Request().Context(), t.Org.ID, s.cfg.Now())
}

func (s *Server) apiInvitations(c echo.Context) error {
	open, err := s.invitations(c)
	if err != nil {
		return err
	}
	return listPage(c, open, func(i *store.Invitation) string { return strconv.FormatInt(i.Num, 10) }, func(i *store.Invitation) (apiInvitation, error) {
		return newAPIInvitation(i), nil
	})
}

// apiInvite invites somebody. The link is in this answer alone, and in the letter where the server sends one. An earlier
// invitation of the same person ends.
func (s *Server) apiInvite(c echo.Context) error {
	var in struct {
		Email string `json:"email"`
		apiRights
	}
	if err := readJSON(c, &in); err != nil {
		return err
	}
	m, err := s.member(c, in.apiRights)
	if err != nil {
		return err
	}
	made, err := s.invite(c, in.Email, m)
	if err != nil {
		return err
	}
	open, err := s.invitations(c)
	if err != nil {
		return err
	}
	i := slices.IndexFunc(open, func(i store.Invitation) bool { return i.Email == made.Email })
	if i < 0 {
		return consent.NotFound("no_invitation", "The invitation has been used, has ended, or was withdrawn. Ask for a new one.")
	}
	return c.JSON(http.StatusCreated, struct {
		apiInvitation
		Link   string `json:"link"`
		Mailed bool   `json:"mailed"`
	}{newAPIInvitation(&open[i]), made.Link, made.Mailed})
}

func (s *Server) apiWithdrawInvitation(c echo.Context) error {
	open, err := s.invitations(c)
	if err != nil {
		return err
	}
	i := slices.IndexFunc(open, func(i store.Invitation) bool { return strconv.FormatInt(i.Num, 10) == c.Param("invitation") })
	if i < 0 {
		return consent.NotFound("no_invitation", "The invitation has been used, has ended, or was withdrawn. Ask for a new one.")
	}
	if err := s.endInvitation(c, &open[i]); err != nil {
		return err
	}
	return c.NoContent(http.StatusNoContent)
}

type apiToken struct {
	ID      int64         `json:"id"`
	Name    string        `json:"name"`
	Scopes  []store.Scope `json:"scopes"`
	Sites   []string      `json:"sites,omitempty"` // none: every one
	By      string        `json:"by"`
	At      time.Time     `json:"at"`
	Expires time.Time     `json:"expires"`
	Used    *time.Time    `json:"used,omitempty"`
	Own     bool          `json:"own"` // it is the one that asks
}

// tokens are those of the token's organisation, with the one that asks.
func (s *Server) tokens(c echo.Context) (mine store.Token, all []store.Token, err error) {
	if mine, err = tokenOf(c); err != nil {
		return mine, nil, err
	}
	all, err = s.db.Tokens(c.Request().Context(), mine.Org.ID)
	return mine, all, err
}

func newAPIToken(t, mine *store.Token) apiToken {
	return apiToken{t.Num, t.Name, t.Scopes, t.Sites, t.By, t.At, t.Expires, moment(t.Used), t.Num == mine.Num}
}

func (s *Server) apiTokens(c echo.Context) error {
	mine, all, err := s.tokens(c)
	if err != nil {
		return err
	}
	return listPage(c, all, func(t *store.Token) string { return strconv.FormatInt(t.Num, 10) }, func(t *store.Token) (apiToken, error) {
		return newAPIToken(t, &mine), nil
	})
}

// apiMakeToken makes a token that has no more scopes and lasts no longer than the one that asks.
func (s *Server) apiMakeToken(c echo.Context) error {
	var in struct {
		Name   string   `json:"name"`
		Scopes []string `json:"scopes"`
		Sites  []string `json:"sites"`
		Days   int      `json:"days"`
	}
	if err := readJSON(c, &in); err != nil {
		return err
	}
	mine, all, err := s.tokens(c)
	if err != nil {
		return err
	}
	sites, err := s.db.SitesOf(c.Request().Context(), mine.Org.ID)
	if err != nil {
		return err
	}
	for _, scope := range in.Scopes {
		if !slices.Contains(store.Scopes, store.Scope(scope)) {
			return wrongField("bad_new_token", "The token is not right yet.", "scopes", "Choose what the token is for.")
		}
	}
	t := store.Token{Org: mine.Org, Name: in.Name, Sites: in.Sites, By: whoOf(c), At: s.cfg.Now().UTC().Truncate(time.Millisecond)}
	f := &dashboard.Form{Values: url.Values{"scopes": in.Scopes, "token.days": {strconv.Itoa(in.Days)}}}
	if err := together(fillToken(&t, f, all), knownSites(in.Sites, sites)); err != nil {
		return renamed(err, map[string]string{"token.name": "name", "token.days": "days", "limit": "sites"})
	}
	wrong := map[string]string{}
	if slices.ContainsFunc(t.Scopes, func(scope store.Scope) bool { return !mine.Has(scope) }) {
		wrong["scopes"] = "Choose scopes that this token has."
	}
	if t.Expires.After(mine.Expires) {
		wrong["days"] = "Choose an end that isn't after this token's own."
	}
	if len(wrong) > 0 {
		return errBeyond(wrong)
	}
	secret, err := s.makeToken(c, &t)
	if err != nil {
		return err
	}
	if _, all, err = s.tokens(c); err != nil {
		return err
	}
	made := all[slices.IndexFunc(all, func(o store.Token) bool { return o.Name == t.Name })]
	return c.JSON(http.StatusCreated, struct {
		apiToken
		Token string `json:"token"`
	}{newAPIToken(&made, &mine), secret})
}

// apiRevokeToken ends a token, also the one that asks.
func (s *Server) apiRevokeToken(c echo.Context) error {
	_, all, err := s.tokens(c)
	if err != nil {
		return err
	}
	i := slices.IndexFunc(all, func(t store.Token) bool { return strconv.FormatInt(t.Num, 10) == c.Param("token") })
	if i < 0 {
		return consent.NotFound("no_token", "There is no such token.")
	}
	if err := s.revokeToken(c, &all[i]); err != nil {
		return err
	}
	return c.NoContent(http.StatusNoContent)
}

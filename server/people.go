package server

import (
	"context"
	"log/slog"
	"slices"
	"time"

	"github.com/labstack/echo/v4"

	"samtykke/consent"
	"samtykke/server/dashboard"
	"samtykke/server/store"
)

// memberFields is what a deed says of what somebody may do.
func memberFields(m consent.Member) map[string]any {
	out := map[string]any{"organisation": m.Org.ID, "role": string(m.Role)}
	if m.Sites != nil {
		out["sites"] = m.Sites
	}
	return out
}

// orgDeeds are the entries about what is done to an organisation's people: one in the installation's log, and one in the log of
// each site that it concerns, where the controller sees it (P3).
func orgDeeds(ctx context.Context, db *store.DB, m consent.Member, d consent.Deed) ([]consent.Deed, error) {
	deeds := []consent.Deed{d}
	sites, err := db.SitesOf(ctx, m.Org.ID)
	for i := range sites {
		if m.May(sites[i].ID) {
			d.Site = sites[i].ID
			deeds = append(deeds, d)
		}
	}
	return deeds, err
}

// memberForm shows what somebody may do in a form's fields.
func memberForm(m consent.Member, prefix string) *dashboard.Form {
	f := &dashboard.Form{Prefix: prefix, Values: map[string][]string{"role": {string(m.Role)}, "limit": {everySite}, "sites": m.Sites}}
	if m.Sites != nil {
		f.Values.Set("limit", someSites)
	}
	return f
}

// What the forms offer for sites.
const (
	everySite = "every"
	someSites = "some"
)

// readLimit reads the sites that were chosen; nil for every one.
func readLimit(f *dashboard.Form, sites []consent.Site) []string {
	if f.Get("limit") == everySite {
		return nil
	}
	chosen := []string{}
	for i := range sites {
		if f.Has("sites", sites[i].ID) {
			chosen = append(chosen, sites[i].ID)
		}
	}
	return chosen
}

func readMember(f *dashboard.Form, org consent.Organisation, sites []consent.Site) (consent.Member, error) {
	m := consent.Member{Org: org, Role: consent.Role(f.Get("role")), Sites: readLimit(f, sites)}
	return m, m.Validate()
}

// union is a member of every site of both.
func union(a, b consent.Member) consent.Member {
	if a.Sites == nil || b.Sites == nil {
		a.Sites = nil
	} else {
		a.Sites = append(slices.Clone(a.Sites), b.Sites...)
	}
	return a
}

// invitationLasts is how long a link may wait.
const invitationLasts = 7 * 24 * time.Hour

// invited is what is shown once of a new invitation.
type invited struct {
	Email, Link string
	Mailed      bool
	Failed      bool // the letter was refused
}

// invite stores an invitation, sends its link where it can, and returns it: it is shown once.
func (s *Server) invite(c echo.Context, email string, m consent.Member) (*invited, error) {
	ctx, now := c.Request().Context(), s.cfg.Now().UTC().Truncate(time.Millisecond)
	u := consent.User{Email: cleanEmail(email), Language: languageOf(c)}
	if err := together(u.Validate(), m.Validate()); err != nil {
		return nil, err
	}
	deeds, err := orgDeeds(ctx, s.db, m, s.deed(c, "invited", "").With(u.Email, memberFields(m)))
	if err != nil {
		return nil, err
	}
	secret := newSecret()
	i := store.Invitation{Member: m, Email: u.Email, By: whoOf(c), At: now, Expires: now.Add(invitationLasts)}
	if err := s.db.Invite(ctx, i, hashToken(secret), deeds...); err != nil {
		return nil, err
	}
	d := &invited{Email: u.Email, Link: s.cfg.BaseURL + "/invitation/" + secret}
	if s.cfg.Mail == nil {
		return d, nil
	}
	words := dashboard.For(u.Language)
	name := orgName(m.Org, words)
	err = s.cfg.Mail(ctx, Letter{To: u.Email, Subject: words.T("letter.subject", name), Body: words.T("letter.body", i.By, name, d.Link, words.Moment(i.Expires))})
	if err != nil {
		d.Failed = true
		s.cfg.Log.Error("a letter was not sent", slog.Any("error", err))
	}
	d.Mailed = err == nil
	return d, nil
}

func orgName(o consent.Organisation, words *dashboard.Words) string {
	if o.Name == "" {
		return words.T("org.first")
	}
	return o.Name
}

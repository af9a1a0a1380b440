package server

import (
	"context"
	"net/http"
	"slices"
	"strings"

	"github.com/labstack/echo/v4"

	"samtykke/consent"
	"samtykke/server/dashboard"
	"samtykke/server/store"
)

// need is what a route asks of whoever asks. The zero need lets nobody in.
type need struct {
	own   bool         // any login, for what is its own alone
	early bool         // also before a one-time password is changed and a second factor is there that must be
	admin bool         // whoever runs the installation
	role  consent.Role // in the organisation of the route's site, or of its :org; of routes with neither in any
	scope store.Scope  // what a token must be for
	whole bool         // a token for every site of its organisation
}

var (
	ownEarly = need{own: true, early: true}
	own      = need{own: true}
	admins   = need{admin: true}
	owners   = need{role: consent.Owner}

	wholeRead = need{scope: store.ScopeRead, whole: true}
	managing  = need{scope: store.ScopeManage, whole: true}
)

// needs says what the routes ask. A site's own routes stand here only where they ask more than others: its pages are read by
// auditors and changed by editors. A route that is neither isn't for anybody.
var needs = map[string]need{
	"POST /logout": ownEarly, "GET /password": ownEarly, "POST /password": ownEarly, "POST /language": ownEarly,
	"GET /account/totp": ownEarly, "POST /account/totp": ownEarly,
	"GET /account": own, "POST /account": own, "GET /": own,
	"GET /sites/new": {role: consent.Auditor}, "POST /sites": {role: consent.Editor},
	"GET /sites/:site/delete": owners, "POST /sites/:site/delete": owners,
	"GET /organisations/:org/people": {role: consent.Auditor}, "POST /organisations/:org/people": owners,
	"GET /organisations/:org/tokens": owners, "POST /organisations/:org/tokens": owners,
	"GET /organisations": admins, "POST /organisations": admins,
	"GET /audit": admins, "GET /audit.jsonl": admins, "GET /installation/status": admins, "POST /installation/status": admins, "GET /installation": admins, "POST /installation": admins,
	"GET /v1/sites": {scope: store.ScopeRead}, "GET /v1/overview": {scope: store.ScopeRead},
	"POST /v1/sites": {scope: store.ScopeWrite, whole: true}, "DELETE /v1/sites/:site": {scope: store.ScopeManage},
	"GET /v1/organisation": wholeRead, "PUT /v1/organisation": managing,
	"GET /v1/people": wholeRead, "PUT /v1/people/:person": managing, "DELETE /v1/people/:person": managing,
	"GET /v1/invitations": wholeRead, "POST /v1/invitations": managing, "DELETE /v1/invitations/:invitation": managing,
	"GET /v1/tokens": managing, "POST /v1/tokens": managing, "DELETE /v1/tokens/:token": managing,
	"POST /v1/sites/:site/rights/lookup": {scope: store.ScopeRead},
	"POST /v1/sites/:site/scans":         {scope: store.ScopeScans}, "DELETE /v1/sites/:site/scans/:scan": {scope: store.ScopeScans},
	"GET /v1/sites/:site/consents.jsonl": {scope: store.ScopeExport}, "GET /v1/sites/:site/consents.csv": {scope: store.ScopeExport},
	"GET /v1/sites/:site/consents/:visitor/:id/receipt": {scope: store.ScopeExport},
	"GET /v1/sites/:site/pack.zip":                      {scope: store.ScopeExport}, "GET /v1/sites/:site/audit.jsonl": {scope: store.ScopeExport},
}

// needOf finds what a route asks.
func needOf(method, path string) need {
	if n, ok := needs[method+" "+path]; ok {
		return n
	}
	rest, ofSite := strings.CutPrefix(strings.TrimPrefix(path, "/v1"), "/sites/:site")
	switch {
	case !ofSite || rest != "" && rest[0] != '/':
		return need{}
	case method == http.MethodGet:
		return need{role: consent.Auditor, scope: store.ScopeRead}
	}
	return need{role: consent.Editor, scope: store.ScopeWrite}
}

// userKey is where loggedIn keeps the user for the handlers, sessionKey the session.
const (
	userKey    = "user"
	sessionKey = "session"
)

// userOf is who is logged in; nil on pages before the login.
func userOf(c echo.Context) *consent.User {
	u, _ := c.Get(userKey).(*consent.User)
	return u
}

// sessionOf is the session of who is logged in.
func sessionOf(c echo.Context) store.Session {
	s, _ := c.Get(sessionKey).(store.Session)
	return s
}

// loggedIn is the one place that lets people in (H1): nobody without a session, nobody on with a password that the program gave
// or without a second factor where one must be, and everybody only to what the route needs.
func (s *Server) loggedIn(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		err := s.findUser(c)
		switch {
		case c.Path() == "/*": // unknown addresses come here too, and are nobody's
			return next(c)
		case consent.KindOf(err) == consent.KindNotFound:
			return s.askLogin(c)
		case err != nil:
			return err
		}
		u, n := userOf(c), needOf(c.Request().Method, c.Path())
		switch {
		case u.MustChange && !n.early:
			return seeOther(c, "/password")
		case u.MustTOTP() && !u.TOTP && !n.early:
			return seeOther(c, "/account/totp")
		}
		if err := s.admit(c, u, n); err != nil {
			return err
		}
		return next(c)
	}
}

// findUser puts who is logged in where userOf finds it; NotFound where nobody is, or not wholly.
func (s *Server) findUser(c echo.Context) error {
	session, u, err := s.sessionUser(c)
	if err != nil {
		return err
	}
	if session.Half {
		return consent.NotFound("no_session", "Nobody is logged in.")
	}
	u.Role = u.Strongest()
	c.Set(userKey, &u)
	c.Set(sessionKey, session)
	return nil
}

// admit lets a user go on to a route, with the role that the user has there. What belongs to others is not there.
func (s *Server) admit(c echo.Context, u *consent.User, n need) error {
	switch {
	case n.own:
		return nil
	case n.admin && !u.Admin:
		return forbidden("administrator_only", "Only whoever runs the installation may see and change this.")
	case n.admin:
		return nil
	case c.Param("site") != "":
		org, err := s.db.OrganisationOf(c.Request().Context(), c.Param("site"))
		if err != nil {
			return err
		}
		m := u.Member(org.ID)
		if m == nil || !m.May(c.Param("site")) {
			return noSite()
		}
		u.Role = m.Role
	case c.Param("org") != "":
		m := u.Member(c.Param("org"))
		if m == nil {
			return noOrganisation()
		}
		if u.Role = m.Role; !m.Whole() {
			return forbidden("whole_organisation", "Your login is for some of the organisation's websites only.")
		}
	}
	switch {
	case n.role != "" && u.Role.Covers(n.role):
		return nil
	case n.role == consent.Editor:
		return forbidden("read_only", "Your login may read, but not change anything.")
	case n.role == consent.Owner:
		return forbidden("owners_only", "Only owners may see and change this.")
	}
	return forbidden("no_access", "Your login is not for this.")
}

func forbidden(code, message string) error {
	return &consent.Error{Kind: consent.KindForbidden, Code: code, Message: message}
}

func noSite() error { return consent.NotFound("no_site", "There is no such website.") }

func noOrganisation() error {
	return consent.NotFound("no_organisation", "There is no such organisation.")
}

// sitesOf lists the sites that the user may see, in the order of the organisations.
func (s *Server) sitesOf(ctx context.Context, u *consent.User) (all []consent.Site, err error) {
	for i := range u.Members {
		m := &u.Members[i]
		sites, err := s.db.SitesOf(ctx, m.Org.ID)
		if err != nil {
			return nil, err
		}
		all = append(all, slices.DeleteFunc(sites, func(site consent.Site) bool { return !m.May(site.ID) })...)
	}
	return all, nil
}

// mayAddTo lists the organisations in which the user may add sites.
func mayAddTo(u *consent.User) (list []consent.Organisation) {
	for i := range u.Members {
		if m := &u.Members[i]; m.Whole() && m.Role.Covers(consent.Editor) {
			list = append(list, m.Org)
		}
	}
	return list
}

// newSiteOrg is the organisation that a new site is to belong to: the one that was chosen, or the only one.
func newSiteOrg(u *consent.User, f *dashboard.Form) (string, error) {
	list := mayAddTo(u)
	i := slices.IndexFunc(list, func(o consent.Organisation) bool { return o.ID == f.Get("org") })
	switch {
	case i >= 0:
		return list[i].ID, nil
	case len(list) == 1 && f.Get("org") == "":
		return list[0].ID, nil
	case len(list) == 0:
		return "", forbidden("read_only", "Your login may read, but not change anything.")
	}
	return "", wrongField("bad_site", "The website's details are not right yet.", "org", "Choose the organisation.")
}

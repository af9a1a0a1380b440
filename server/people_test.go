package server_test

import (
	"bytes"
	"crypto/sha256"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"samtykke/consent"
	"samtykke/server/store"
)

// Who else there is, beside the people of the first organisation.
const (
	foreigner = consent.Role("foreigner") // owns another organisation
	limited   = consent.Role("limited")   // edits another site of the same organisation
	expired   = consent.Role("expired")   // owned this one yesterday
	halfway   = consent.Role("halfway")   // owns it, but for the second factor
	admin     = consent.Role("admin")     // runs the installation and is nobody's member
)

const foreignOrg = "nordlysorg"

// crowd adds them, each with a session whose token is the name.
func (o *office) crowd() *office {
	o.t.Helper()
	ctx := o.t.Context()
	nord, first := consent.Organisation{ID: foreignOrg, Name: "Nordlys ApS", CreatedAt: o.now}, consent.Organisation{ID: consent.FirstOrganisation}
	o.check(o.db.AddOrganisation(ctx, nord))
	for name, members := range map[consent.Role][]consent.Member{
		foreigner: {{Org: nord, Role: consent.Owner}}, limited: {{Org: first, Role: consent.Editor, Sites: []string{otherID}}},
		expired: {{Org: first, Role: consent.Owner}}, halfway: {{Org: first, Role: consent.Owner}}, admin: nil,
	} {
		u, err := o.db.AddUser(ctx, consent.User{Email: string(name) + "@fjord.example", Language: "da", CreatedAt: o.now, Members: members, Admin: name == admin}, passwordHash())
		o.check(err)
		token := sha256.Sum256([]byte(name))
		s := store.Session{User: u.ID, Token: token[:], At: o.now, Expires: o.now.Add(time.Hour), Half: name == halfway}
		if name == expired {
			s.At, s.Expires = o.now.Add(-time.Hour), o.now.Add(-time.Second)
		}
		o.check(o.db.AddSession(ctx, s))
	}
	return o
}

// H1, H3, the bar of the dashboard: everybody who has no business with a site or an organisation, against every route that the
// server has, with ids that are there. Routes that are for everybody stand in the list; whatever else there is, now or later,
// is tried without anybody having to think of it.
func TestRoutes_LetNobodyElseIn(t *testing.T) {
	o := newOffice(t).furnish().crowd()
	paths := o.realPaths()
	secrets := []string{o.records[0].Visitor.String(), "Kurvevej", "Fjord &amp; Fletværk ApS", o.notice.Hash.String(), "auditor@fjord.example"}
	tried := 0
	for _, route := range o.Addresses() {
		method, pattern, _ := strings.Cut(route, " ")
		if method == "echo_route_not_found" || isPublic(method, pattern) {
			continue
		}
		own := slices.Contains([]string{"/", "/account", "/account/totp", "/password", "/language", "/logout", "/sites/new", "/sites"}, pattern)
		for _, who := range []consent.Role{stranger, foreigner, limited, expired, halfway, admin, consent.Auditor} {
			if who == consent.Auditor && (method == http.MethodGet || own) {
				continue // reads
			}
			path := paths(pattern)
			if who == limited && strings.Contains(pattern, ":org") {
				path = strings.ReplaceAll(pattern, ":org", consent.FirstOrganisation)
			}
			tried++
			r := httptest.NewRequest(method, path, strings.NewReader(""))
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			a := o.send(who, r)
			in := a.Code < 300
			login := strings.HasPrefix(a.Header().Get("Location"), "/login")
			switch {
			case strings.HasPrefix(pattern, "/v1/"): // a session opens nothing there
				if a.Code != http.StatusUnauthorized {
					t.Errorf("%s %s: %d", who, route, a.Code)
				}
			case who == stranger || who == expired || who == halfway:
				if !login && a.Code != http.StatusUnauthorized {
					t.Errorf("%s %s: %d", who, route, a.Code)
				}
			case own: // everybody's own; it must show nothing of others
			case who == admin && needsAdmin(pattern):
			case strings.Contains(pattern, ":site") && who != consent.Auditor && a.Code != http.StatusNotFound:
				t.Errorf("%s %s: %d, want 404 as for a site that is not there", who, route, a.Code)
			case in || a.Code == http.StatusSeeOther:
				t.Errorf("%s %s: %d to %q", who, route, a.Code, a.Header().Get("Location"))
			}
			for _, secret := range secrets {
				if who != consent.Auditor && !strings.Contains(path, secret) && bytes.Contains(a.Body.Bytes(), []byte(secret)) && !(who == limited && !own) && pattern != "/audit" && pattern != "/audit.jsonl" {
					t.Errorf("%s %s shows %q", who, route, secret)
				}
			}
			if who == consent.Auditor || method == http.MethodPost {
				continue
			}
			if none := o.send(who, httptest.NewRequest(method, strings.ReplaceAll(path, siteID, "nosuchsite"), nil)); strings.Contains(pattern, ":site") && none.Code != a.Code {
				t.Errorf("%s %s: %d, and %d where there is no such site", who, route, a.Code, none.Code)
			}
			if pattern == "/logout" {
				t.Fatal("logout by GET")
			}
		}
		if pattern == "/logout" || pattern == "/account" || pattern == "/password" { // sessions may have ended
			for _, who := range []consent.Role{foreigner, limited, admin, consent.Auditor} {
				o.revive(who)
			}
		}
	}
	if tried < 300 {
		t.Errorf("only %d tries: the search is broken", tried)
	}
	for _, who := range []consent.Role{foreigner, limited} {
		if a := o.get(who, "/"); strings.Contains(a.Body.String(), siteID) {
			t.Errorf("%s sees the site in the list", who)
		}
	}
	o.get(limited, "/sites/"+otherID).wants(t, http.StatusOK)
	o.get(limited, "/sites/"+otherID+"/delete").wants(t, http.StatusForbidden)
}

func needsAdmin(pattern string) bool {
	return slices.Contains([]string{"/organisations", "/audit", "/audit.jsonl", "/installation", "/installation/status"}, pattern)
}

// revive logs somebody in again.
func (o *office) revive(who consent.Role) {
	o.t.Helper()
	u, _, err := o.db.UserByEmail(o.t.Context(), string(who)+"@fjord.example")
	o.check(err)
	token := sha256.Sum256([]byte(who))
	o.check(o.db.EndSession(o.t.Context(), token[:]))
	o.check(o.db.AddSession(o.t.Context(), store.Session{User: u.ID, Token: token[:], At: o.now, Expires: o.now.Add(time.Hour)}))
}

// isPublic says which routes are for everybody: what visitors reach, what proves, what machines ask, and the ways in.
func isPublic(method, pattern string) bool {
	for _, p := range []string{"/s/", "/d/", "/assets/", "/.well-known/", "/invitation/"} {
		if strings.HasPrefix(pattern, p) {
			return true
		}
	}
	return slices.Contains([]string{
		"/healthz", "/readyz", "/uc.js", "/cd.js", "/:cbid/cd.js", "/verify", "/openapi.yaml", "/login", "/login/code", "/v1/sites/:site/consistency",
		"/v1/sites/:site/visitors/:visitor", "/v1/sites/:site/visitors/:visitor/restrict", "/v1/sites/:site/visitors/:visitor/acts/:act/receipt",
	}, pattern) || pattern == "/v1/sites/:site/consents" && method != http.MethodGet || method == http.MethodOptions
}

// realPaths fills a route's pattern with what is there.
func (o *office) realPaths() func(pattern string) string {
	o.t.Helper()
	r := o.records[0]
	scan := o.scanPath()
	fill := strings.NewReplacer(":site", siteID, ":org", consent.FirstOrganisation, ":visitor", r.Visitor.String(), ":id", r.ID.String(), ":version", "3", ":num", "1",
		":act", r.ID.String(), ":scan", scan[strings.LastIndex(scan, "/")+1:], ":paper", "measures", ":lang", "da", ":file", "report.json", ":section", "texts",
		":notice", o.notice.Hash.String(), ":seq", "1", ":key", "unclassified", ":layer", "1", ":format", "csv")
	return func(pattern string) string { return anyID.ReplaceAllString(fill.Replace(pattern), "1") }
}

// anyID stands for what routes name beside sites, organisations and records.
var anyID = regexp.MustCompile(`:[a-z]+`)

// H1: other rights count at once, and the person is logged out everywhere; the last owner stays.
func TestPeople_ChangeRights(t *testing.T) {
	o := newOffice(t)
	people := "/organisations/" + consent.FirstOrganisation + "/people"
	editor, _, err := o.db.UserByEmail(t.Context(), "editor@fjord.example")
	o.check(err)
	me, _, err := o.db.UserByEmail(t.Context(), owner)
	o.check(err)
	o.post(consent.Owner, people, "op", "rights", "person", idText(editor.ID), "role", "auditor", "limit", "some", "sites", otherID).leadsTo(t, people+"?done=rights")
	o.get(consent.Editor, "/").leadsTo(t, "/login")
	d := o.last(t, siteID, "user_role_changed", owner)
	if d.Old["role"] != "editor" || d.New["role"] != "auditor" || d.Object != editor.Email {
		t.Errorf("%+v", d)
	}
	o.revive(consent.Editor)
	o.get(consent.Editor, "/sites/"+siteID).wants(t, http.StatusNotFound)
	o.post(consent.Editor, "/sites/"+otherID+"/settings").wants(t, http.StatusForbidden)
	for op, want := range map[string]string{"rights": "409", "remove": "409"} {
		a := o.post(consent.Owner, people, "op", op, "person", idText(me.ID), "role", "auditor", "limit", "every").wants(t, http.StatusConflict)
		if !strings.Contains(text(a.doc), "eneste ejer") {
			t.Errorf("%s: %s", want, text(a.doc))
		}
	}
	if got := o.post(consent.Owner, people, "op", "rights", "person", idText(editor.ID), "role", "editor", "limit", "some").wants(t, http.StatusBadRequest).words("p", "class", "why"); got != "Vælg mindst én hjemmeside." {
		t.Errorf("why %q", got)
	}
	o.post(consent.Owner, people, "op", "remove", "person", idText(editor.ID)).leadsTo(t, people+"?done=removed")
	o.revive(consent.Editor)
	o.get(consent.Editor, "/sites/"+otherID).wants(t, http.StatusNotFound)
	o.get(consent.Editor, "/").wants(t, http.StatusOK)
}

// H3: whoever runs the installation makes organisations, and sees none of their sites.
func TestOrganisations_AreMadeByTheAdministrator(t *testing.T) {
	o := newOffice(t).furnish().crowd()
	a := o.post(admin, "/organisations", "org.name", "Sydvest A/S", "email", "syd@vest.example").wants(t, http.StatusOK)
	link := regexp.MustCompile(`/invitation/[\w-]{43}`).FindString(a.Body.String())
	session := o.post(stranger, link, "password", "fire fisk i en fjord", "repeat", "fire fisk i en fjord").Result().Cookies()[0]
	r := httptest.NewRequest(http.MethodPost, "/sites", strings.NewReader(url.Values{"name": {"Syd"}, "domains": {"syd.example"}}.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.AddCookie(session)
	added := o.send(stranger, r)
	at, _, _ := strings.Cut(added.Header().Get("Location"), "?")
	at = strings.Join(strings.Split(at, "/")[:3], "/")
	if added.Code != http.StatusSeeOther || !strings.HasPrefix(at, "/sites/") {
		t.Fatalf("%d %q", added.Code, at)
	}
	for _, who := range []consent.Role{admin, consent.Owner, foreigner} {
		o.get(who, at).wants(t, http.StatusNotFound)
	}
	for why, fields := range map[string][]string{
		"Angiv organisationens navn med højst 200 tegn.": {"email", "a@b.example"},
		"Skriv en e-mailadresse.":                        {"org.name", "X", "email", "nobody"},
	} {
		a := o.post(admin, "/organisations", fields...).wants(t, http.StatusBadRequest)
		if got := a.words("p", "class", "why"); got != why {
			t.Errorf("%q, want %q", got, why)
		}
	}
	if a := o.get(admin, "/organisations").wants(t, http.StatusOK); strings.Contains(text(a.doc), "Kurvevej") || !strings.Contains(text(a.doc), "Sydvest A/S") {
		t.Error(text(a.doc))
	}
}

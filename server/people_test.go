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

	"github.com/google/uuid"

	"samtykke/consent"
	"samtykke/server"
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
	return slices.Contains([]string{"/organisations", "/audit", "/audit.jsonl", "/installation"}, pattern)
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

// H1: the way of a person who is invited, from the link to a session; the link is good for once.
func TestInvitation_IsGoodForOnce(t *testing.T) {
	var letters []server.Letter
	o := newOffice(t)
	people := "/organisations/" + consent.FirstOrganisation + "/people"
	a := o.post(consent.Owner, people, "op", "invite", "email", "Ny@Fjord.example", "role", "editor", "limit", "some", "sites", siteID).wants(t, http.StatusOK)
	link := regexp.MustCompile(`http://cmp\.example(/invitation/[\w-]{43})`).FindStringSubmatch(a.Body.String())
	if link == nil {
		t.Fatalf("no link: %s", text(a.doc))
	}
	if strings.Contains(o.get(consent.Owner, people).Body.String(), "/invitation/") || len(letters) != 0 {
		t.Error("the link is shown twice")
	}
	o.get(stranger, link[1]).wants(t, http.StatusOK)
	o.get(stranger, link[1]+"x").wants(t, http.StatusNotFound)
	for words, fields := range map[string][]string{
		"En adgangskode har mindst 12 tegn.":                              {"password", "kort", "repeat", "kort"},
		"De to adgangskoder er ikke ens.":                                 {"password", "fire fisk i en fjord", "repeat", "x"},
		"Den hører til de adgangskoder, der prøves først. Vælg en anden.": {"password", "Adgangskode2026!", "repeat", "Adgangskode2026!"},
	} {
		if got := o.post(stranger, link[1], fields...).wants(t, http.StatusBadRequest).words("p", "class", "why"); got != words {
			t.Errorf("%q, want %q", got, words)
		}
	}
	fields := []string{"person.name", "Ny Nielsen", "password", "fire fisk i en fjord", "repeat", "fire fisk i en fjord"}
	a = o.post(stranger, link[1], fields...)
	a.leadsTo(t, "/?done=joined")
	session := a.Result().Cookies()[0]
	o.post(stranger, link[1], fields...).wants(t, http.StatusNotFound)
	for path, want := range map[string]int{"/sites/" + siteID: 200, "/sites/" + otherID: 404, people: 403, "/sites/new": 200} {
		r := httptest.NewRequest(http.MethodGet, path, nil)
		r.AddCookie(session)
		o.send(stranger, r).wants(t, want)
	}
	if d := o.last(t, siteID, "user_added", "ny@fjord.example"); d.New["role"] != "editor" {
		t.Errorf("the site's log says %+v", d)
	}

	// A withdrawn one, and one whose week is over.
	for _, end := range []func(){
		func() {
			open, err := o.db.Invitations(t.Context(), consent.FirstOrganisation, o.now)
			o.check(err)
			o.post(consent.Owner, people, "op", "withdraw", "invitation", idText(open[0].Num)).leadsTo(t, people+"?done=withdrawn")
		},
		func() { o.now = o.now.AddDate(0, 0, 7) },
	} {
		a := o.post(consent.Owner, people, "op", "invite", "email", "to@fjord.example", "role", "auditor", "limit", "every")
		link := regexp.MustCompile(`/invitation/[\w-]{43}`).FindString(a.Body.String())
		o.get(stranger, link).wants(t, http.StatusOK)
		end()
		o.get(stranger, link).wants(t, http.StatusNotFound)
	}
}

// H3: somebody with a login elsewhere joins with it, and its owner learns nothing of it; nobody joins in another's name.
func TestInvitation_OfSomebodyWithALogin(t *testing.T) {
	o := newOffice(t).crowd()
	a := o.post(consent.Owner, "/organisations/"+consent.FirstOrganisation+"/people", "op", "invite", "email", "foreigner@fjord.example", "role", "auditor", "limit", "every")
	link := regexp.MustCompile(`/invitation/[\w-]{43}`).FindString(a.Body.String())
	o.post(stranger, link, "password", "fire fisk i en fjord", "repeat", "fire fisk i en fjord").wants(t, http.StatusForbidden)
	o.post(consent.Editor, link).wants(t, http.StatusForbidden)
	o.get(foreigner, "/sites/"+siteID).wants(t, http.StatusNotFound)
	o.post(foreigner, link).leadsTo(t, "/?done=joined")
	o.get(foreigner, "/").leadsTo(t, "/login") // other rights, another token
	o.revive(foreigner)
	o.get(foreigner, "/sites/"+siteID).wants(t, http.StatusOK)
	o.post(foreigner, "/sites/"+siteID+"/settings").wants(t, http.StatusForbidden)
	o.get(foreigner, "/organisations/"+foreignOrg+"/people").wants(t, http.StatusOK)
	// What protects another organisation isn't this owner's to take away.
	u, _, err := o.db.UserByEmail(t.Context(), "foreigner@fjord.example")
	o.check(err)
	o.check(o.db.SetTOTP(t.Context(), u.ID, []byte("12345678901234567890"), 0, nil))
	o.post(consent.Owner, "/organisations/"+consent.FirstOrganisation+"/people", "op", "reset_totp", "person", idText(u.ID)).wants(t, http.StatusForbidden)
}

func idText(n int64) string { return regexp.MustCompile(`\d+`).FindString(string(mustJSON(n))) }

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

// H2: from the picture to the login with a code; a code is good for once, and so is one that stands in.
func TestTOTP_FromPictureToLogin(t *testing.T) {
	o := newOffice(t)
	page := o.get(consent.Owner, "/account/totp").wants(t, http.StatusOK)
	secret := attrOf(page.all("input", "name", "secret")[0], "value")
	if len(page.all("svg")) == 0 || len(secret) != 32 {
		t.Fatalf("secret %q", secret)
	}
	o.post(consent.Owner, "/account/totp", "op", "on", "secret", secret, "code", "000000").wants(t, http.StatusBadRequest)
	a := o.post(consent.Owner, "/account/totp", "op", "on", "secret", secret, "code", server.TOTPCode(secret, o.now)).wants(t, http.StatusOK)
	codes := regexp.MustCompile(`([a-z2-9]{4}-){3}[a-z2-9]{4}`).FindAllString(a.Body.String(), -1)
	if len(codes) != 10 {
		t.Fatalf("%d codes", len(codes))
	}
	o.get(consent.Owner, "/").leadsTo(t, "/login") // the session before has ended
	login := func() *http.Cookie {
		t.Helper()
		a := o.post(stranger, "/login", "email", owner, "password", officePassword, "next", "/sites/new")
		a.leadsTo(t, "/login/code?next=%2Fsites%2Fnew")
		return a.Result().Cookies()[0]
	}
	try := func(half *http.Cookie, code string) answer {
		r := httptest.NewRequest(http.MethodPost, "/login/code", strings.NewReader(url.Values{"code": {code}, "next": {"/sites/new"}}.Encode()))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.AddCookie(half)
		return o.send(stranger, r)
	}
	half := login()
	r := httptest.NewRequest(http.MethodGet, "/sites/"+siteID, nil)
	r.AddCookie(half)
	if a := o.send(stranger, r); a.Code != http.StatusSeeOther || !strings.HasPrefix(a.Header().Get("Location"), "/login") {
		t.Errorf("half a login opens a site: %d", a.Code)
	}
	try(half, server.TOTPCode(secret, o.now)).wants(t, http.StatusBadRequest) // it was used to turn it on
	o.now = o.now.Add(30 * time.Second)
	a = try(half, server.TOTPCode(secret, o.now))
	a.leadsTo(t, "/sites/new")
	if a.Result().Cookies()[0].Value == half.Value {
		t.Error("the token stayed the same")
	}
	try(login(), strings.ToUpper(codes[0])).leadsTo(t, "/sites/new")
	half = login()
	try(half, codes[0]).wants(t, http.StatusBadRequest)
	try(half, server.TOTPCode(secret, o.now.Add(-2*time.Minute))).wants(t, http.StatusBadRequest)
	for range 5 {
		try(half, "123456")
	}
	o.now = o.now.Add(time.Minute)
	try(half, codes[1]).leadsTo(t, "/sites/new") // the wait was half a minute, and then a minute
	half = login()
	for range 6 {
		try(half, "123456")
	}
	try(half, codes[2]).wants(t, http.StatusTooManyRequests)
}

// RFC 6238, appendix B: its own values, of which six digits are left.
func TestTOTP_IsTheStandards(t *testing.T) {
	secret := "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"
	for at, want := range map[int64]string{59: "287082", 1111111109: "081804", 1111111111: "050471", 1234567890: "005924", 2000000000: "279037", 20000000000: "353130"} {
		if got := server.TOTPCode(secret, time.Unix(at, 0)); got != want {
			t.Errorf("at %d: %s, want %s", at, got, want)
		}
	}
}

// H2: an organisation can want a second factor; then nobody of it gets on without.
func TestTOTP_CanBeWanted(t *testing.T) {
	o := newOffice(t)
	people := "/organisations/" + consent.FirstOrganisation + "/people"
	if got := o.post(consent.Owner, people, "op", "organisation", "org.name", "Fjord", "org.totp", "yes").wants(t, http.StatusBadRequest).words("p", "class", "why"); got != "Slå først totrinsbekræftelse til for dig selv." {
		t.Errorf("why %q", got)
	}
	o.check(o.db.UpdateOrganisation(t.Context(), consent.Organisation{ID: consent.FirstOrganisation, Name: "Fjord", TOTP: true}))
	o.get(consent.Auditor, "/sites/"+siteID).leadsTo(t, "/account/totp")
	o.post(consent.Editor, "/sites/"+siteID+"/settings").leadsTo(t, "/account/totp")
	secret := attrOf(o.get(consent.Auditor, "/account/totp").wants(t, http.StatusOK).all("input", "name", "secret")[0], "value")
	o.post(consent.Auditor, "/account/totp", "op", "on", "secret", secret, "code", server.TOTPCode(secret, o.now)).wants(t, http.StatusOK)
	o.revive(consent.Auditor)
	o.get(consent.Auditor, "/sites/"+siteID).wants(t, http.StatusOK)
	o.now = o.now.Add(time.Minute)
	o.post(consent.Auditor, "/account/totp", "op", "off", "code", server.TOTPCode(secret, o.now)).wants(t, http.StatusForbidden)
}

// H2: one's sessions, where they are, and their end.
func TestAccount_EndsSessions(t *testing.T) {
	o := newOffice(t)
	r := httptest.NewRequest(http.MethodPost, "/login", strings.NewReader(url.Values{"email": {owner}, "password": {officePassword}}.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("User-Agent", "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:145.0) Gecko/20100101 Firefox/145.0")
	r.RemoteAddr = "198.51.100.7:99"
	other := o.send(stranger, r).Result().Cookies()[0]
	page := o.get(consent.Owner, "/account").wants(t, http.StatusOK)
	if words := text(page.doc); !strings.Contains(words, "Firefox, Windows") || !strings.Contains(words, "198.51.100.7") || strings.Contains(words, "Gecko") {
		t.Errorf("sessions: %s", words)
	}
	ids := page.all("input", "name", "session")
	if len(ids) != 1 {
		t.Fatalf("%d sessions to end", len(ids))
	}
	o.post(consent.Auditor, "/account", "op", "end", "session", attrOf(ids[0], "value")) // not the auditor's
	use := func() int {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.AddCookie(other)
		return o.send(stranger, r).Code
	}
	if use() != http.StatusOK {
		t.Error("another one ended the session")
	}
	o.post(consent.Owner, "/account", "op", "end", "session", attrOf(ids[0], "value")).leadsTo(t, "/account?done=session_ended#sessions")
	if use() != http.StatusSeeOther {
		t.Error("the session goes on")
	}
	o.post(consent.Owner, "/account", "op", "profile", "person.name", "Ea", "lang", "en", "colours", "dark").leadsTo(t, "/account?done=account")
	if got := attrOf(o.get(consent.Owner, "/").all("html")[0], "data-theme"); got != "dark" {
		t.Errorf("theme %q", got)
	}
	o.post(consent.Owner, "/account", "op", "profile", "lang", "xx", "colours", "dark").wants(t, http.StatusBadRequest)
	o.now = o.now.Add(8 * time.Hour)
	o.get(consent.Owner, "/").leadsTo(t, "/login")
}

// H2: who guesses at one login from one address waits longer and longer, also where there is no such login; others don't.
func TestLogin_BacksOff(t *testing.T) {
	h := newHouse(t, "http://cmp.example")
	for _, email := range []string{h.email, "nobody@localhost"} {
		for k := range 5 {
			if a, _ := h.login("192.0.2.1", email, "wrong wrong wrong"); a.Code != http.StatusUnauthorized {
				t.Fatalf("attempt %d: %d", k, a.Code)
			}
		}
		h.login("203.0.113.9", email, "wrong wrong wrong") // resets nothing
	}
	a, _ := h.login("192.0.2.1", h.email, h.password)
	a.wants(t, http.StatusTooManyRequests)
	if got := a.words("strong"); got != "For mange forkerte forsøg. Vent så mange minutter: 1." && got == "" {
		t.Errorf("words %q", got)
	}
	if a, _ := h.login("203.0.113.9", h.email, h.password); a.Code != http.StatusSeeOther {
		t.Errorf("from elsewhere %d", a.Code)
	}
}

// H1: a token opens what it is for, of its own organisation and sites, until it expires; nothing keeps its secret.
func TestToken_OpensWhatItIsFor(t *testing.T) {
	o := newOffice(t).crowd()
	page := "/organisations/" + consent.FirstOrganisation + "/tokens"
	a := o.post(consent.Owner, page, "op", "make", "token.name", "Regnskab", "scopes", "read", "limit", "some", "sites", siteID, "token.days", "30").wants(t, http.StatusOK)
	secret := regexp.MustCompile(`smt_[\w-]{43}`).FindString(a.Body.String())
	if secret == "" {
		t.Fatal(text(a.doc))
	}
	if strings.Contains(o.get(consent.Owner, page).Body.String(), secret) {
		t.Error("the secret is shown twice")
	}
	if d := o.last(t, siteID, "token_made", owner); d.Object != "Regnskab" || strings.Contains(string(mustJSON(d)), secret) {
		t.Errorf("%+v", d)
	}
	ask := func(method, path, secret string) int { return server.AskWithToken(o.Server, method, path, secret) }
	for _, c := range []struct {
		method, site, secret string
		want                 int
	}{
		{"GET", siteID, secret, 200},
		{"GET", otherID, secret, 404},
		{"GET", "nosuchsite", secret, 404},
		{"POST", siteID, secret, 403},
		{"GET", siteID, "", 401},
		{"GET", siteID, secret + "x", 401},
		{"GET", siteID, uuid.NewString(), 401},
	} {
		if got := ask(c.method, "/v1/sites/"+c.site+"/anything", c.secret); got != c.want {
			t.Errorf("%s %s: %d, want %d", c.method, c.site, got, c.want)
		}
	}
	for why, fields := range map[string][]string{
		"Der er allerede en nøgle med det navn.": {"token.name", "Regnskab", "scopes", "read", "limit", "every", "token.days", "30"},
		"Vælg, hvad nøglen må.":                  {"token.name", "B", "limit", "every", "token.days", "30"},
		"Vælg mindst én hjemmeside.":             {"token.name", "B", "scopes", "read", "limit", "some", "token.days", "30"},
		"Vælg, hvor længe nøglen skal gælde.":    {"token.name", "B", "scopes", "read", "limit", "every", "token.days", "9999"},
	} {
		if got := o.post(consent.Owner, page, fields...).wants(t, http.StatusBadRequest).words("p", "class", "why"); got != why {
			t.Errorf("%q, want %q", got, why)
		}
	}
	later := o.now.AddDate(0, 0, 30)
	before := o.now
	o.now = later
	if got := ask("GET", "/v1/sites/"+siteID+"/anything", secret); got != 401 {
		t.Errorf("expired: %d", got)
	}
	o.now = before
	tokens, err := o.db.Tokens(t.Context(), consent.FirstOrganisation)
	o.check(err)
	o.post(foreigner, "/organisations/"+foreignOrg+"/tokens", "op", "revoke", "token", idText(tokens[0].Num)) // not theirs
	if got := ask("GET", "/v1/sites/"+siteID+"/anything", secret); got != 200 {
		t.Errorf("revoked by others: %d", got)
	}
	o.post(consent.Owner, page, "op", "revoke", "token", idText(tokens[0].Num)).leadsTo(t, page+"?done=token_revoked")
	if got := ask("GET", "/v1/sites/"+siteID+"/anything", secret); got != 401 {
		t.Errorf("revoked: %d", got)
	}
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

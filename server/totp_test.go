package server_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"samtykke/consent"
	"samtykke/server"
)

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

package server_test

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/html"

	"samtykke/consent"
	"samtykke/server"
	"samtykke/server/store"
	"samtykke/server/store/storetest"
)

// H2: argon2id in PHC form, a salt of its own each time.
func TestHashPassword_IsArgon2id(t *testing.T) {
	hash := server.HashPassword("rød grød med fløde")
	if !regexp.MustCompile(`^\$argon2id\$v=19\$m=19456,t=2,p=1\$[A-Za-z0-9+/]{22}\$[A-Za-z0-9+/]{43}$`).MatchString(hash) {
		t.Errorf("hash %q", hash)
	}
	if hash == server.HashPassword("rød grød med fløde") {
		t.Error("the same salt twice")
	}
	for password, want := range map[string]bool{"rød grød med fløde": true, "rød grød med flød": false, "": false} {
		if got, err := server.CheckPassword(hash, password); got != want || err != nil {
			t.Errorf("%q: %v, %v", password, got, err)
		}
	}
	for _, broken := range []string{"", "no password", strings.Replace(hash, "argon2id", "argon2i", 1), strings.Replace(hash, "p=1", "p=0", 1), strings.Replace(hash, "t=2", "t=0", 1), hash[:60], hash + "$x"} {
		if ok, err := server.CheckPassword(broken, "rød grød med fløde"); ok || err == nil {
			t.Errorf("%q: %v, %v", broken, ok, err)
		}
	}
}

func TestNewPassword_IsReadableAndRandom(t *testing.T) {
	seen := map[string]bool{}
	for range 200 {
		p := server.NewPassword()
		if seen[p] || !regexp.MustCompile(`^([a-km-np-z2-9]{4}-){3}[a-km-np-z2-9]{4}$`).MatchString(p) {
			t.Fatalf("password %q", p)
		}
		if id := server.NewSiteID(); seen[id] || !consent.ValidSiteID(id) || len(id) != 10 {
			t.Fatalf("id %q", id)
		} else {
			seen[id] = true
		}
		seen[p] = true
	}
}

// house is a server with nobody but its first owner.
type house struct {
	*office
	email, password, dir string
}

func newHouse(t *testing.T, base string) *house {
	t.Helper()
	h := &house{office: &office{t: t, now: storetest.Day}, dir: t.TempDir()}
	var err error
	h.db, err = store.Open(t.Context(), filepath.Join(h.dir, "samtykke.db"))
	h.check(err)
	t.Cleanup(func() { h.db.Close() })
	var created bool
	h.email, h.password, created, err = server.FirstOwner(t.Context(), h.db, h.now)
	h.check(err)
	if !created {
		t.Fatal("no owner")
	}
	h.Server, err = server.New(t.Context(), h.db, server.Config{BaseURL: base, Now: func() time.Time { return h.now }})
	h.check(err)
	t.Cleanup(h.Close)
	return h
}

// login sends the form of the login as an address and gives the session's cookie, nil where there is none.
func (h *house) login(address, email, password string) (answer, *http.Cookie) {
	h.t.Helper()
	a := h.form(address, nil, "/login", "email", email, "password", password, "next", "/sites/new")
	for _, c := range a.Result().Cookies() {
		if c.MaxAge > 0 {
			return a, c
		}
	}
	return a, nil
}

func (h *house) form(address string, session *http.Cookie, path string, fields ...string) answer {
	v := url.Values{}
	for i := 0; i < len(fields); i += 2 {
		v.Add(fields[i], fields[i+1])
	}
	r := httptest.NewRequest(http.MethodPost, path, strings.NewReader(v.Encode()))
	r.RemoteAddr = address + ":4711"
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if session != nil {
		r.AddCookie(session)
	}
	return h.send(stranger, r)
}

func (h *house) page(session *http.Cookie, path string) answer {
	r := httptest.NewRequest(http.MethodGet, path, nil)
	r.AddCookie(session)
	return h.send(stranger, r)
}

func TestFirstOwner_IsMadeOnce(t *testing.T) {
	h := newHouse(t, "http://cmp.example")
	if email, password, created, err := server.FirstOwner(t.Context(), h.db, h.now); created || email != "" || password != "" || err != nil {
		t.Errorf("a second owner %q %v %v", email, created, err)
	}
	_, err := server.CreateUser(t.Context(), h.db, " "+strings.ToUpper(h.email), consent.Member{Role: consent.Auditor}, false, h.now)
	if consent.KindOf(err) != consent.KindConflict {
		t.Errorf("the same e-mail in capitals: %v", err)
	}
	_, err = server.CreateUser(t.Context(), h.db, "nobody", consent.Member{Role: consent.Auditor}, false, h.now)
	if consent.KindOf(err) != consent.KindInvalid {
		t.Errorf("no e-mail: %v", err)
	}
}

// H1, H2: the whole way from the one-time password to the first page.
func TestLogin_FromOneTimePasswordToTheSites(t *testing.T) {
	h := newHouse(t, "http://cmp.example")
	a, session := h.login("192.0.2.1", strings.ToUpper(h.email)+" ", h.password)
	a.leadsTo(t, "/sites/new")
	if session == nil || !session.HttpOnly || session.SameSite != http.SameSiteLaxMode || session.Path != "/" || session.MaxAge != 7*24*3600 || session.Secure {
		t.Fatalf("cookie %v", session)
	}
	h.page(session, "/sites/new").leadsTo(t, "/password")
	h.form("192.0.2.1", session, "/sites", "name", "x").leadsTo(t, "/password")
	h.page(session, "/password").wants(t, http.StatusOK)

	const own = "tre fisk i en fjord"
	for words, fields := range map[string][]string{
		"En adgangskode har mindst 12 tegn.":           {"password", "kort", "repeat", "kort"},
		"De to adgangskoder er ikke ens.":              {"password", own, "repeat", own + "e"},
		"Vælg en anden adgangskode end den nuværende.": {"password", h.password, "repeat", h.password},
		"Adgangskoden kan ikke være din e-mail.":       {"password", h.email, "repeat", h.email},
		"En adgangskode har højst 200 tegn.":           {"password", strings.Repeat("x", 201), "repeat", strings.Repeat("x", 201)},
	} {
		a := h.form("192.0.2.1", session, "/password", fields...).wants(t, http.StatusBadRequest)
		if got := a.words("p", "class", "why"); got != words {
			t.Errorf("%v: %q, want %q", fields, got, words)
		}
	}
	a = h.form("192.0.2.1", session, "/password", "password", own, "repeat", own)
	a.leadsTo(t, "/?done=password")
	next := a.Result().Cookies()[0]
	h.page(next, "/?done=password").wants(t, http.StatusOK)
	h.page(session, "/").leadsTo(t, "/login") // the old session has ended
	if a, c := h.login("192.0.2.2", h.email, h.password); a.Code != http.StatusUnauthorized || c != nil {
		t.Errorf("the one-time password works again: %d", a.Code)
	}

	// A second change wants the present password.
	h.form("192.0.2.1", next, "/password", "present", "wrong", "password", own+"2", "repeat", own+"2").wants(t, http.StatusBadRequest)
	h.form("192.0.2.1", next, "/password", "present", own, "password", own+"2", "repeat", own+"2").leadsTo(t, "/?done=password")
}

// Unknown e-mail and wrong password look alike, and both cost a hash.
func TestLogin_TellsNobodyWhoHasALogin(t *testing.T) {
	h := newHouse(t, "http://cmp.example")
	var pages []string
	for _, email := range []string{h.email, "nobody@localhost"} {
		a, c := h.login("192.0.2.1", email, "wrong wrong wrong")
		a.wants(t, http.StatusUnauthorized)
		if c != nil {
			t.Error("a session for nobody")
		}
		if strings.Contains(a.Body.String(), "wrong wrong wrong") {
			t.Error("the page shows the password")
		}
		pages = append(pages, strings.ReplaceAll(a.Body.String(), email, "…"))
	}
	if pages[0] != pages[1] {
		t.Error("the pages differ")
	}
}

// The time of the answer tells nothing either: the least of three for an unknown e-mail is no fraction of a known's.
func TestLogin_TakesAsLongForNobody(t *testing.T) {
	h := newHouse(t, "http://cmp.example")
	least := func(email string) time.Duration {
		best := time.Hour
		for range 3 {
			start := time.Now()
			h.login("192.0.2.1", email, "wrong wrong wrong")
			best = min(best, time.Since(start))
		}
		return best
	}
	known, unknown := least(h.email), least("nobody@localhost")
	if unknown < known/3 {
		t.Errorf("%v for an unknown e-mail, %v for a known one", unknown, known)
	}
}

// H2: guessing is slowed down by address and, from wherever, by e-mail.
func TestLogin_IsLimited(t *testing.T) {
	h := newHouse(t, "http://cmp.example")
	for k := range server.LoginBurst {
		if a, _ := h.login("192.0.2.1", fmt.Sprintf("guess%d@localhost", k), "x"); a.Code != http.StatusUnauthorized {
			t.Fatalf("attempt %d: %d", k, a.Code)
		}
	}
	a, _ := h.login("192.0.2.1", h.email, h.password)
	a.wants(t, http.StatusTooManyRequests)
	if a.Header().Get("Retry-After") == "" {
		t.Error("no Retry-After")
	}
	limited := false
	for k := 0; k < 3*server.EmailBurst && !limited; k++ {
		a, _ := h.login(fmt.Sprintf("198.51.%d.%d", k/200, k%200), h.email, "x")
		limited = a.Code == http.StatusTooManyRequests
	}
	if !limited {
		t.Error("an e-mail can be guessed at without end from many addresses")
	}
}

// One address that guesses as much as it may doesn't lock the owner of the e-mail out.
func TestLogin_OneAddressLocksNobodyOut(t *testing.T) {
	h := newHouse(t, "http://cmp.example")
	for range 2 * server.LoginBurst {
		h.login("192.0.2.1", h.email, "x")
	}
	if a, _ := h.login("203.0.113.9", h.email, h.password); a.Code != http.StatusSeeOther {
		t.Errorf("the owner got %d", a.Code)
	}
}

// H2: sessions end by themselves and by logging out.
func TestSession_Ends(t *testing.T) {
	o := newOffice(t)
	o.get(consent.Owner, "/").wants(t, http.StatusOK)
	o.now = o.now.Add(time.Hour)
	o.get(consent.Owner, "/sites/"+siteID+"/consents?action=withdraw").leadsTo(t, "/login?next=%2Fsites%2Ffjordfletvaerk%2Fconsents%3Faction%3Dwithdraw")
	o.now = o.now.Add(-time.Minute)
	a := o.post(consent.Owner, "/logout")
	a.leadsTo(t, "/login?done=logged_out")
	if c := a.Result().Cookies(); len(c) != 1 || c[0].MaxAge >= 0 {
		t.Errorf("cookies %v", c)
	}
	o.get(consent.Owner, "/").leadsTo(t, "/login")
	o.get(consent.Editor, "/").wants(t, http.StatusOK)
}

// H2, H11: over TLS the cookie is bound to this very host; the database holds neither token nor password; no other
// cookie is set.
func TestSession_IsKeptAsAHash(t *testing.T) {
	h := newHouse(t, "https://cmp.example")
	a, session := h.login("192.0.2.1", h.email, h.password)
	if session == nil || session.Name != "__Host-samtykke_session" || !session.Secure || session.Domain != "" || len(a.Result().Cookies()) != 1 {
		t.Fatalf("cookie %v", session)
	}
	h.page(session, "/password").wants(t, http.StatusOK)
	files, err := filepath.Glob(h.dir + "/*")
	h.check(err)
	for _, f := range files {
		b, err := os.ReadFile(f)
		h.check(err)
		if bytes.Contains(b, []byte(session.Value)) || bytes.Contains(b, []byte(h.password)) {
			t.Errorf("%s holds a secret", f)
		}
	}
	if len(files) == 0 {
		t.Error("no files")
	}
}

// H2: a form that another site's page sends changes nothing.
func TestForms_OfOtherSitesAreRefused(t *testing.T) {
	o := newOffice(t)
	for name, headers := range map[string][]string{
		"fetch metadata": {"Sec-Fetch-Site", "cross-site"}, "a sibling": {"Sec-Fetch-Site", "same-site"},
		"origin": {"Origin", "https://evil.example"}, "no origin": {"Origin", "null"},
	} {
		r := httptest.NewRequest(http.MethodPost, "http://cmp.example/language", strings.NewReader("lang=en"))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		if a := o.send(consent.Owner, r, headers...); a.Code != http.StatusForbidden {
			t.Errorf("%s: %d", name, a.Code)
		}
	}
	if u, _, err := o.db.UserByEmail(context.Background(), "owner@fjord.example"); err != nil || u.Language != "da" {
		t.Errorf("language %q, %v", u.Language, err)
	}
	r := httptest.NewRequest(http.MethodPost, "http://10.0.0.7:8080/language", strings.NewReader("lang=en")) // behind a proxy
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	o.send(consent.Owner, r, "Origin", "http://cmp.example").leadsTo(t, "/")
}

func TestLocalPath_StaysHere(t *testing.T) {
	for next, want := range map[string]string{
		"/sites/abc?from=2026-11-22": "/sites/abc?from=2026-11-22", "": "/", "//evil.example": "/", "https://evil.example/": "/",
		`/\evil.example`: "/", `\\evil.example`: "/", "javascript:alert(1)": "/", "/\t/evil.example": "/", "evil.example": "/", "///evil.example": "/",
		"/%0d%0aSet-Cookie:x": "/%0d%0aSet-Cookie:x",
	} {
		if got := server.LocalPath(next); got != want {
			t.Errorf("%q leads to %q, want %q", next, got, want)
		}
	}
	o := newOffice(t)
	o.post(consent.Owner, "/language", "lang", "en", "next", "https://evil.example/").leadsTo(t, "/")
	o.get(consent.Owner, "/login?next=//evil.example").leadsTo(t, "/")
}

// H12: before the login the browser's language counts, or what the link asks for; then one's own.
func TestLanguage_IsTheReaders(t *testing.T) {
	o := newOffice(t)
	for path, want := range map[string]string{"/login": "da", "/login?lang=en": "en", "/login?lang=xx": "da"} {
		if got := attrOf(o.get(stranger, path).all("html")[0], "lang"); got != want {
			t.Errorf("%s in %q, want %q", path, got, want)
		}
	}
	for accept, want := range map[string]string{"en-GB,en;q=0.9,da;q=0.5": "en", "da-DK": "da", "de": "da", "nb": "da", "": "da"} {
		if got := attrOf(o.get(stranger, "/login", "Accept-Language", accept).all("html")[0], "lang"); got != want {
			t.Errorf("Accept-Language %q: %q, want %q", accept, got, want)
		}
	}
	a := o.get(stranger, "/login?next=%2Fsites%2Fnew", "Accept-Language", "da")
	other := a.find(func(n *html.Node) bool { return n.Data == "a" && attrOf(n, "hreflang") == "en" })
	if len(other) != 1 || attrOf(other[0], "href") != "/login?lang=en&next=%2Fsites%2Fnew" {
		t.Errorf("the way to English: %v", other)
	}
	o.post(consent.Owner, "/language", "lang", "en", "next", "/sites/new").leadsTo(t, "/sites/new")
	if got := o.get(consent.Owner, "/", "Accept-Language", "da").words("h1"); got != "Websites" {
		t.Errorf("heading %q", got)
	}
	o.post(consent.Owner, "/language", "lang", "xx").wants(t, http.StatusBadRequest)

	for _, c := range [][2]string{{"", "en"}, {"da", "da"}} { // Owner chose English a moment ago
		r := httptest.NewRequest(http.MethodPost, "/login", strings.NewReader(url.Values{"email": {"owner@fjord.example"}, "password": {officePassword}, "lang": {c[0]}}.Encode()))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		o.send(stranger, r, "Accept-Language", "da").leadsTo(t, "/")
		if u, _, err := o.db.UserByEmail(t.Context(), "owner@fjord.example"); err != nil || u.Language != c[1] {
			t.Errorf("after a login with language %q: %q, %v", c[0], u.Language, err)
		}
	}
}

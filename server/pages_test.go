package server_test

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/net/html"

	"samtykke/consent"
	"samtykke/server/store/storetest"
)

// H1: who may do what. Every route of the dashboard stands in the table.
func TestPages_WhoMayDoWhat(t *testing.T) {
	const in, no, back, login = http.StatusOK, http.StatusForbidden, http.StatusSeeOther, http.StatusUnauthorized
	record := "/sites/" + siteID + "/consents/%s"
	o := newOffice(t).furnish()
	scan := o.scanPath()
	routes := []struct {
		route, path                      string // path: where it differs from the pattern
		form                             []string
		stranger, auditor, editor, owner int
	}{
		{"GET /login", "", nil, in, back, back, back},
		{"GET /password", "", nil, back, in, in, in},
		{"GET /login/code", "", nil, back, back, back, back},
		{"POST /login/code", "", nil, back, back, back, back},
		{"GET /invitation/:token", "", nil, 404, 404, 404, 404},
		{"POST /invitation/:token", "", nil, 404, 404, 404, 404},
		{"GET /account", "", nil, back, in, in, in},
		{"POST /account", "", nil, login, 400, 400, 400},
		{"GET /account/totp", "", nil, back, in, in, in},
		{"POST /account/totp", "", nil, login, back, back, back},
		{"GET /organisations", "", nil, back, no, no, in}, // the owner runs the installation, too
		{"POST /organisations", "", nil, login, no, no, 400},
		{"GET /organisations/:org/people", "/organisations/first/people", nil, back, in, in, in},
		{"POST /organisations/:org/people", "/organisations/first/people", []string{"op", "invite"}, login, no, no, 400},
		{"GET /organisations/:org/tokens", "/organisations/first/tokens", nil, back, no, no, in},
		{"POST /organisations/:org/tokens", "/organisations/first/tokens", nil, login, no, no, 400},
		{"GET /", "", nil, back, in, in, in},
		{"GET /sites/new", "", nil, back, in, in, in},
		{"GET /sites/:site", "", nil, back, in, in, in},
		{"GET /sites/:site/start", "", nil, back, in, in, in},
		{"POST /sites/:site/start", "", []string{"step", "tag", "op", "skip"}, login, no, back, back},
		{"GET /sites/:site/consents", "", nil, back, in, in, in},
		{"GET /sites/:site/consents.csv", "", nil, back, in, in, in},
		{"GET /sites/:site/consents.jsonl", "", nil, back, in, in, in},
		{"GET /sites/:site/export", "", nil, back, in, in, in},
		{"GET /sites/:site/export/:export", "/sites/" + siteID + "/export/0198c2f1-7a52-7cc3-9d41-5b1f3a6e2c90", nil, back, in, in, in},
		{"GET /sites/:site/consents/:visitor/:id", record, nil, back, in, in, in},
		{"GET /sites/:site/consents/:visitor/:id/receipt", record + "/receipt", nil, back, in, in, in},
		{"GET /audit", "", nil, back, no, no, in},
		{"GET /audit.jsonl", "", nil, back, no, no, in},
		{"GET /sites/:site/audit", "", nil, back, in, in, in},
		{"GET /sites/:site/audit.jsonl", "", nil, back, in, in, in},
		{"GET /sites/:site/pack", "", nil, back, in, in, in},
		{"GET /sites/:site/pack.zip", "", nil, back, 400, 400, 400},
		{"GET /sites/:site/rights", "", nil, back, in, in, in},
		{"POST /sites/:site/rights", "", nil, login, no, 400, 400},
		{"GET /sites/:site/settings", "", nil, back, in, in, in},
		{"GET /sites/:site/retention", "", nil, back, in, in, in},
		{"POST /sites/:site/retention", "", []string{"op", "review"}, login, no, back, back},
		{"GET /sites/:site/delete", "", nil, back, no, no, in},
		{"POST /sites/:site/delete", "", nil, login, no, no, 400},
		{"GET /sites/:site/editor", "", nil, back, in, in, in},
		{"GET /sites/:site/preview", "", nil, back, in, in, in},
		{"POST /sites/:site/preview", "/sites/" + siteID + "/preview?section=texts&lang=da", nil, login, no, in, in},
		{"GET /sites/:site/preview/:lang", "/sites/" + siteID + "/preview/da", nil, back, in, in, in},
		{"GET /sites/:site/declaration", "", nil, back, in, in, in},
		{"GET /sites/:site/scans", "", nil, back, in, in, in},
		{"POST /sites/:site/scans", "", []string{"op", "scan"}, login, no, 503, 503},
		{"GET /sites/:site/scans/:scan", scan, nil, back, in, in, in},
		{"POST /sites/:site/scans/:scan", scan, nil, login, no, 400, 400},
		{"GET /sites/:site/scans/:scan/:file", scan + "/report.json", nil, back, in, in, in},
		{"GET /sites/:site/domains", "", nil, back, in, in, in},
		{"POST /sites/:site/domains", "", nil, login, no, 404, 404},
		{"POST /sites/:site/alarms", "", nil, login, no, 404, 404},
		{"GET /sites/:site/notices", "", nil, back, in, in, in},
		{"GET /sites/:site/notices/:version", "/sites/" + siteID + "/notices/3", nil, back, in, in, in},
		{"GET /sites/:site/notices/:version/replay", "/sites/" + siteID + "/notices/3/replay", nil, back, in, in, in},
		{"GET /sites/:site/notices/:version/pictures/:file", "/sites/" + siteID + "/notices/3/pictures/da-desktop-1.png", nil, back, 404, 404, 404},
		{"POST /sites/:site/notices/:version/pictures", "/sites/" + siteID + "/notices/3/pictures", nil, login, no, 503, 503},
		{"GET /sites/:site/papers", "", nil, back, in, in, in},
		{"GET /sites/:site/papers/:paper/:lang", "/sites/" + siteID + "/papers/measures/da", nil, back, 409, 409, 409},
		{"GET /sites/:site/papers/accepted/:num", "/sites/" + siteID + "/papers/accepted/1", nil, back, 404, 404, 404},
		{"POST /sites/:site/papers", "", nil, login, no, 400, 400},
		{"GET /installation/status", "", nil, back, no, no, in},
		{"POST /installation/status", "", nil, login, no, no, 503},
		{"GET /installation", "", nil, back, no, no, in},
		{"POST /installation", "", nil, login, no, no, 400},
		{"POST /language", "", []string{"lang", "da"}, login, back, back, back},
		{"POST /password", "", []string{"password", "short"}, login, 400, 400, 400},
		{"POST /sites", "", []string{"name", "Ny", "domains", "ny.example"}, login, no, back, back},
		{"POST /sites/:site/settings", "", nil, login, no, 400, 400},
		{"POST /sites/:site/editor", "", nil, login, no, back, back},
		{"POST /sites/:site/notices/:version/return", "/sites/" + siteID + "/notices/2/return", nil, login, no, back, back},
		{"POST /sites/:site/declaration", "", nil, login, no, 400, 400},
		{"POST /sites/:site/scan", "", nil, login, no, 400, 400},
		{"POST /sites/:site/notices", "", []string{"reason", "Rettet", "confirm", "yes"}, login, no, back, back},
		{"POST /login", "", []string{"email", "x", "password", "y"}, login, login, login, login},
		{"POST /logout", "", nil, login, back, back, back},
	}
	r := o.records[0]
	var tested []string
	for _, c := range routes {
		tested = append(tested, c.route)
		method, path, _ := strings.Cut(c.route, " ")
		if c.path != "" {
			path = strings.ReplaceAll(c.path, "%s", r.Visitor.String()+"/"+r.ID.String())
		}
		path = strings.ReplaceAll(path, ":site", siteID)
		for role, want := range map[consent.Role]int{stranger: c.stranger, consent.Auditor: c.auditor, consent.Editor: c.editor, consent.Owner: c.owner} {
			t.Run(c.route+" "+string(role), func(t *testing.T) {
				var a answer
				if method == http.MethodGet {
					a = o.get(role, path)
				} else {
					a = o.post(role, path, c.form...)
				}
				a.wants(t, want)
				if role == stranger && want == back && !strings.HasPrefix(a.Header().Get("Location"), "/login") {
					t.Errorf("a stranger is sent to %q", a.Header().Get("Location"))
				}
			})
		}
	}
	slices.Sort(tested)
	if d := cmp.Diff(dashboardRoutes(o), tested); d != "" {
		t.Errorf("the table and the server differ:\n%s", d)
	}
}

// dashboardRoutes lists the routes that aren't for everybody.
func dashboardRoutes(o *office) []string {
	var list []string
	for _, a := range o.Addresses() {
		path := a[strings.Index(a, " ")+1:]
		public := strings.HasPrefix(a, "echo_route_not_found")
		for _, p := range []string{"/s/", "/v1/", "/d/", "/healthz", "/readyz", "/openapi.yaml", "/assets/", "/uc.js", "/cd.js", "/:cbid/cd.js", "/verify", "/.well-known/"} {
			public = public || strings.HasPrefix(path, p)
		}
		if !public {
			list = append(list, a)
		}
	}
	return list
}

// Each page: one heading, a title and a language; every element closed; no id twice; every field labelled; every
// text there; no script and no style but the sheet (H12, B26's sister for the dashboard).
func TestPages_AreWellFormed(t *testing.T) {
	o := newOffice(t).furnish()
	for _, lang := range []string{"da", "en"} {
		o.speak(lang)
		for _, path := range append(o.pages(), "/login?lang="+lang) {
			role := consent.Owner
			if strings.HasPrefix(path, "/login") {
				role = stranger
			}
			t.Run(lang+" "+path, func(t *testing.T) { wellFormed(t, o.get(role, path), lang) })
		}
	}
}

// speak sets the language of every user.
func (o *office) speak(lang string) {
	o.t.Helper()
	users, err := o.db.Users(context.Background())
	o.check(err)
	for _, u := range users {
		o.check(o.db.SetLanguage(context.Background(), u.ID, lang))
	}
}

func wellFormed(t *testing.T, a answer, lang string) {
	t.Helper()
	body := a.Body.String()
	balanced(t, a.Body.Bytes())
	if i := strings.Index(body, "⟦"); i >= 0 {
		t.Errorf("missing text %.60s", body[i:])
	}
	if strings.Contains(body, "%!") {
		t.Error("a text's arguments don't fit")
	}
	if got := attrOf(a.all("html")[0], "lang"); got != lang {
		t.Errorf("lang %q", got)
	}
	if n := len(a.all("h1")); n != 1 {
		t.Errorf("%d headings of the first rank", n)
	}
	inline := func(n *html.Node) bool {
		return n.Data == "script" && (n.FirstChild != nil || !strings.HasPrefix(attrOf(n, "src"), "/assets/"))
	}
	if len(a.find(inline)) > 0 || len(a.all("style")) > 0 || len(a.find(func(n *html.Node) bool { return attrOf(n, "style") != "" })) > 0 {
		t.Error("script or style in the page")
	}
	ids, labelled := map[string]bool{}, map[string]bool{}
	for _, n := range a.find(func(n *html.Node) bool { return true }) {
		if id := attrOf(n, "id"); id != "" && ids[id] {
			t.Errorf("id %q twice", id)
		} else {
			ids[id] = true
		}
		if n.Data == "label" {
			labelled[attrOf(n, "for")] = true
		}
	}
	for _, n := range a.find(func(n *html.Node) bool { return n.Data == "input" || n.Data == "select" || n.Data == "textarea" }) {
		if attrOf(n, "type") != "hidden" && !labelled[attrOf(n, "id")] && n.Parent.Data != "label" {
			t.Errorf("field %q has no label", attrOf(n, "name"))
		}
		for _, id := range strings.Fields(attrOf(n, "aria-describedby")) {
			if !ids[id] {
				t.Errorf("field %q is described by %q, which is not there", attrOf(n, "name"), id)
			}
		}
	}
}

// balanced fails where an element isn't closed in its place, which a browser would repair silently.
func balanced(t *testing.T, page []byte) {
	t.Helper()
	void := map[string]bool{"meta": true, "link": true, "input": true, "img": true, "br": true, "hr": true}
	z := html.NewTokenizer(bytes.NewReader(page))
	var open []string
	for {
		kind := z.Next()
		token := z.Token()
		switch {
		case kind == html.ErrorToken:
			if z.Err() != io.EOF || len(open) > 0 {
				t.Errorf("%v, open: %v", z.Err(), open)
			}
			return
		case kind == html.StartTagToken && !void[token.Data]:
			open = append(open, token.Data)
		case kind == html.EndTagToken:
			if len(open) == 0 || open[len(open)-1] != token.Data {
				t.Fatalf("</%s> closes %v", token.Data, open)
			}
			open = open[:len(open)-1]
		}
	}
}

func TestPages_Headers(t *testing.T) {
	o := newOffice(t)
	for _, path := range []string{"/login", "/", "/nowhere", "/sites/" + siteID} {
		h := o.get(consent.Owner, path).Header()
		for name, want := range map[string]string{
			"X-Content-Type-Options": "nosniff", "Referrer-Policy": "same-origin", "Cache-Control": "no-store",
			"Content-Security-Policy": "default-src 'none'; style-src 'self'; img-src 'self' data:; form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
		} {
			if h.Get(name) != want {
				t.Errorf("%s: %s %q", path, name, h.Get(name))
			}
		}
	}
	page := o.get(consent.Owner, "/")
	sheet := attrOf(page.all("link", "rel", "stylesheet")[0], "href")
	css := o.get(stranger, sheet).wants(t, http.StatusOK)
	if css.Header().Get("Content-Type") != "text/css; charset=utf-8" || !strings.Contains(css.Header().Get("Cache-Control"), "immutable") || css.Body.Len() < 1000 {
		t.Errorf("style sheet %v", css.Header())
	}
	o.get(stranger, "/assets/icon.svg").wants(t, http.StatusOK)
	o.get(stranger, "/assets/app.000000000000.css").wants(t, http.StatusNotFound)
}

func TestForms_AreLimited(t *testing.T) {
	o := newOffice(t)
	o.post(consent.Owner, "/sites", "name", strings.Repeat("x", 1<<20)).wants(t, http.StatusRequestEntityTooLarge)
	o.post(stranger, "/login", "email", strings.Repeat("x", 1<<20)).wants(t, http.StatusRequestEntityTooLarge)
}

func TestErrorPage_SpeaksTheReadersLanguage(t *testing.T) {
	o := newOffice(t)
	for lang, want := range map[string]string{"da": "Siden findes ikke.", "en": "There is no such page."} {
		if got := o.get(stranger, "/nowhere?lang="+lang).wants(t, http.StatusNotFound).words("h1"); got != want {
			t.Errorf("heading %q", got)
		}
	}
	if got := o.get(consent.Owner, "/sites/nosuchsite").wants(t, http.StatusNotFound).words("h1"); got != "Den hjemmeside findes ikke." {
		t.Errorf("heading %q", got)
	}
}

// R15: what belongs to one site never shows on another's pages.
func TestPages_KeepSitesApart(t *testing.T) {
	o := newOffice(t).furnish()
	r := o.records[0]
	base := "/sites/" + otherID
	for _, path := range []string{base, base + "/consents", base + "/consents.csv", base + "/declaration", base + "/notices", base + "/settings"} {
		a := o.get(consent.Owner, path).wants(t, http.StatusOK)
		for _, secret := range []string{r.Visitor.String(), r.ID.String(), o.notice.Hash.String(), siteID, "Kurvevej"} {
			if strings.Contains(a.Body.String(), secret) {
				t.Errorf("%s shows %s", path, secret)
			}
		}
	}
	o.get(consent.Owner, base+"/consents/"+r.Visitor.String()+"/"+r.ID.String()).wants(t, http.StatusNotFound)
	o.get(consent.Owner, base+"/notices/3").wants(t, http.StatusNotFound)
	if a := o.get(consent.Owner, base+"/consents?visitor="+r.Visitor.String()).wants(t, http.StatusOK); len(a.all("table")) != 0 {
		t.Error("the visitor's acts show on another site")
	}
	o.get(consent.Owner, base+"/consents?notice=3").wants(t, http.StatusBadRequest)
}

func TestSitesPage_ShowsWhereEachStands(t *testing.T) {
	o := newOffice(t)
	if got := len(o.get(consent.Owner, "/").all("li", "class", "card site")); got != 2 {
		t.Errorf("%d sites", got)
	}
	var group []consent.Record
	for k, action := range []consent.Action{consent.AcceptAll, consent.AcceptAll, consent.RejectAll, consent.Withdraw} {
		n, err := o.db.CurrentNotice(t.Context(), siteID)
		o.check(err)
		r := storetest.Record(n, k, action)
		r.At = storetest.Day.AddDate(0, 0, -k/2*6) // two today, two six days ago
		r.ValidUntil = r.At.Add(n.Content.Banner.Validity())
		group = append(group, r)
	}
	o.record(group...)
	a := o.get(consent.Owner, "/")
	card := a.all("li", "class", "card site")[0]
	if got := text(card); !strings.Contains(got, "Valg i dag 2 Valg på 7 dage 4 Accepterede alle 67 %") || !strings.Contains(got, "Udgivet Nr. 1") || !strings.Contains(got, "Senest scannet Aldrig") {
		t.Errorf("card %q", got)
	}
}

func TestSitesPage_WithoutSitesSaysWhatToDo(t *testing.T) {
	o := emptyOffice(t)
	a := o.get(consent.Owner, "/").wants(t, http.StatusOK)
	if a.words("h2") != "Tilføj din første hjemmeside" || len(a.all("a", "href", "/sites/new")) != 1 {
		t.Error("no way to the first site")
	}
	if len(o.get(consent.Auditor, "/").all("a", "href", "/sites/new")) != 0 {
		t.Error("an auditor is offered what is refused")
	}
}

// The tag to paste, the state and a chart that says its numbers in a table too.
func TestSitePage_TellsTheState(t *testing.T) {
	o := newOffice(t).furnish()
	a := o.get(consent.Owner, "/sites/"+siteID).wants(t, http.StatusOK)
	if got := a.words("pre", "class", "tag"); got != `<script async src="http://cmp.example/s/fjordfletvaerk.js"></script>` {
		t.Errorf("tag %q", got)
	}
	if got := text(a.all("section", "aria-labelledby", "state")[0]); !strings.Contains(got, "Nr. 3") || strings.Contains(got, "Kladden er ændret") || !strings.Contains(got, "1 post er ikke klassificeret.") {
		t.Errorf("state %q", got)
	}
	table := a.all("table", "class", "numbers")[0]
	rows := 0
	for n := range table.Descendants() {
		if n.Type == html.ElementNode && n.Data == "tr" {
			rows++
		}
	}
	if rows != 31 || len(a.all("g")) != 30 {
		t.Errorf("%d rows, %d bars", rows, len(a.all("g")))
	}
	if got := text(table); !strings.Contains(got, "22. november 2026 7 1 2 1 11") {
		t.Errorf("table %.300q", got)
	}
	scan := text(a.all("section", "aria-labelledby", "scan")[0])
	if worst, next := strings.Index(scan, "Kritisk"), strings.Index(scan, "Høj"); worst < 0 || next < worst {
		t.Errorf("findings %q", scan)
	}
	o.site.Name = "Fjord og Fletværk"
	o.check(o.db.UpdateSite(t.Context(), o.site))
	if got := text(o.get(consent.Owner, "/sites/"+siteID).all("section", "aria-labelledby", "state")[0]); !strings.Contains(got, "Kladden er ændret") {
		t.Errorf("state %q", got)
	}
}

func TestAddSite_FromFormToTag(t *testing.T) {
	o := newOffice(t)
	form := []string{"name", " Smørrebrød\t", "domains", "https://Smørrebrød.example/menu\r\nwww.smoer.example", "controller.name", "Smør ApS", "controller.cvr", "12 34 56 78", "controller.address", "Torvet 1\r\n8000 Aarhus", "privacy_url", "https://smoer.example/p"}
	a := o.post(consent.Editor, "/sites", form...)
	id, ok := strings.CutPrefix(a.Header().Get("Location"), "/sites/")
	id, done, _ := strings.Cut(id, "/start?")
	if !ok || done != "done=site_added" || !consent.ValidSiteID(id) {
		t.Fatalf("%d to %q", a.Code, a.Header().Get("Location"))
	}
	s, err := o.db.Site(t.Context(), id)
	o.check(err)
	if d := cmp.Diff([]string{"xn--smrrebrd-64af.example", "www.smoer.example"}, s.Domains); d != "" {
		t.Error(d)
	}
	if s.Name != "Smørrebrød" || s.Controller.Address != "Torvet 1\n8000 Aarhus" || s.Controller.CVR != "12345678" || s.Banner.PrivacyURL != "https://smoer.example/p" || s.Banner.Days != 365 {
		t.Errorf("site %+v", s)
	}
	if items, err := o.db.Items(t.Context(), id); err != nil || len(items) != 1 || items[0].Name != "samtykke" { // B24
		t.Errorf("items %v, %v", items, err)
	}
	a = o.get(consent.Editor, a.Header().Get("Location"))
	if a.words("p", "role", "status") == "" || !strings.Contains(a.words("pre", "class", "tag"), "/s/"+id+".js") {
		t.Error("no tag in the guided start")
	}

	a = o.post(consent.Editor, "/sites", "name", "", "domains", "not a domain!", "controller.cvr", "1", "privacy_url", "ftp://x", "controller.phone", "12 34").wants(t, http.StatusBadRequest)
	want := []string{"Et CVR-nummer har otte cifre.", "not er ikke et domænenavn som eksempel.dk.", "Giv hjemmesiden et navn på højst 100 tegn.", "Adressen skal begynde med https:// eller http://."}
	for _, w := range want {
		if !strings.Contains(text(a.all("main")[0]), w) {
			t.Errorf("nothing says %q: %s", w, text(a.all("div", "class", "problem")[0]))
		}
	}
	if got := attrOf(a.all("input", "name", "controller.phone")[0], "value"); got != "12 34" {
		t.Errorf("the telephone became %q", got)
	}
	if in := a.all("input", "name", "controller.cvr")[0]; attrOf(in, "aria-invalid") != "true" || !strings.Contains(attrOf(in, "aria-describedby"), "controller-cvr-wrong") {
		t.Error("the wrong field isn't marked")
	}
	if !strings.HasPrefix(a.words("title"), "Fejl: ") {
		t.Errorf("title %q", a.words("title"))
	}
	wellFormed(t, a, "da")
}

// emptyOffice has people and no site.
func emptyOffice(t *testing.T) *office {
	h := newHouse(t, "http://cmp.example")
	for _, role := range []consent.Role{consent.Owner, consent.Auditor} {
		h.addUser(role, "da")
	}
	return h.office
}

// Unknown addresses of programs are not found, logged in or not; nobody is sent to a login.
func TestUnknownAddresses_AreNotFound(t *testing.T) {
	o := newOffice(t)
	for _, path := range []string{"/nowhere", "/v1/nowhere", "/sites/x/y/z/a"} {
		for _, role := range []consent.Role{stranger, consent.Owner} {
			o.get(role, path).wants(t, http.StatusNotFound)
		}
	}
}

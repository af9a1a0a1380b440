package server_test

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/html"

	"samtykke/consent"
	"samtykke/server"
	"samtykke/server/store"
	"samtykke/server/store/storetest"
)

// notWalked are the addresses of the dashboard that are no pages of it, with what they are instead.
var notWalked = map[string]string{
	"GET /login": "a door", "GET /login/code": "a door", "GET /invitation/:token": "a door", // TestPages_AreAccessible opens them itself
	"GET /audit.jsonl": "a file", "GET /sites/:site/audit.jsonl": "a file", "GET /sites/:site/consents.csv": "a file", "GET /sites/:site/consents.jsonl": "a file", "GET /sites/:site/pack.zip": "a file",
	"GET /sites/:site/consents/:visitor/:id/receipt": "a file", "GET /sites/:site/notices/:version/pictures/:file": "a file", "GET /sites/:site/scans/:scan/:file": "a file",
	"GET /sites/:site/export/:export": "data",
	"GET /sites/:site/preview":        "the banner", "GET /sites/:site/preview/:lang": "the declaration", "GET /sites/:site/notices/:version/replay": "the banner",
	"GET /sites/:site/papers/:paper/:lang": "a document", "GET /sites/:site/papers/accepted/:num": "a document",
}

// Every page is among those that the other tests walk: no new one escapes axe and the look at its HTML (H12).
func TestPages_AreAllWalked(t *testing.T) {
	o := newOffice(t).furnish()
	pages := o.pages()
	for _, route := range dashboardRoutes(o) {
		path, get := strings.CutPrefix(route, http.MethodGet+" ")
		if !get || notWalked[route] != "" {
			continue
		}
		pattern := regexp.MustCompile("^" + regexp.MustCompile(`:\w+`).ReplaceAllString(regexp.QuoteMeta(path), `[^/?]+`) + `(\?.*)?$`)
		if !slices.ContainsFunc(pages, pattern.MatchString) {
			t.Errorf("no test walks %s", path)
		}
	}
}

// What a browser fetches stays small, compressed as it is served: the page to log in 20 kB, the first one after it 60 kB, with
// style, script and pictures, and with as many sites as it shows at once.
func TestPages_AreSmall(t *testing.T) {
	o := newOffice(t).furnish()
	for i := range 40 {
		storetest.Site(t, o.db, "site"+string(rune('a'+i/10))+string(rune('a'+i%10)))
	}
	for _, c := range []struct {
		path  string
		role  consent.Role
		limit int
	}{{"/login", stranger, 20_000}, {"/", consent.Owner, 60_000}} {
		loaded := map[string]int{}
		fetch := func(path string) answer {
			a := o.get(c.role, path, "Accept-Encoding", "gzip, deflate, br").wants(t, http.StatusOK)
			loaded[path] = a.Body.Len()
			return a
		}
		fetch(c.path)
		for _, path := range loads(o.get(c.role, c.path).doc) {
			fetch(path)
		}
		sum := 0
		for _, n := range loaded {
			sum += n
		}
		t.Logf("%s: %d bytes, %v", c.path, sum, loaded)
		if sum > c.limit || len(loaded) < 3 {
			t.Errorf("%s loads %d bytes, at most %d may be: %v", c.path, sum, c.limit, loaded)
		}
	}
}

// loads lists what a browser fetches with a page.
func loads(page *html.Node) (list []string) {
	for n := range page.Descendants() {
		switch n.Data {
		case "link":
			list = append(list, attrOf(n, "href"))
		case "script", "img", "iframe":
			list = append(list, attrOf(n, "src"))
		}
	}
	return slices.DeleteFunc(list, func(path string) bool { return path == "" })
}

// The page of the status tells an administrator what the server knows of itself.
func TestStatus_TellsHowTheInstallationIs(t *testing.T) {
	o := newOffice(t, func(c *server.Config) { c.Version = "1.2.3" }).furnish()
	o.speak("en")
	page := func() string { return text(o.get(consent.Owner, "/installation/status").wants(t, http.StatusOK).doc) }
	said := page()
	for _, words := range []string{"1.2.3", "http://cmp.example", "Not HTTPS", "SQLite", "kB", "None yet", "Not stated", "--metrics-listen", "There is no mail server."} {
		if !strings.Contains(said, words) {
			t.Errorf("no %q in %s", words, said)
		}
	}
	if strings.Contains(said, "All signed") { // nobody has signed anything in this server
		t.Errorf("signed: %s", said)
	}
	o.check(o.db.SignLogs(t.Context(), o.now))
	o.purgeNow(t)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	o.check(err)
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- o.ServeMetrics(ctx, l) }()
	a, err := http.Get("http://" + l.Addr().String() + "/metrics") // it answers: the address is known
	o.check(err)
	a.Body.Close()
	said = page()
	for _, words := range []string{"All signed", "http://" + l.Addr().String() + "/metrics"} {
		if !strings.Contains(said, words) {
			t.Errorf("no %q in %s", words, said)
		}
	}
	if strings.Contains(said, "None yet") {
		t.Errorf("no deletion in %s", said)
	}
	o.now = o.now.Add(48 * time.Hour)
	o.revive(consent.Owner)
	if said = page(); !strings.Contains(said, "Deletion is late") {
		t.Errorf("two days later: %s", said)
	}
	stop()
	o.check(<-ended)
}

func (o *office) purgeNow(t *testing.T) {
	t.Helper()
	_, err := o.db.Purge(t.Context(), store.PurgeRun{Now: o.now, Origin: store.ByJob})
	o.check(err)
}

// A test letter goes to whoever asks for it, to nobody else; where it fails the mail server's answer is told.
func TestStatus_SendsATestLetter(t *testing.T) {
	var sent []server.Letter
	var fails error
	o := newOffice(t, func(c *server.Config) {
		c.Mail = func(_ context.Context, l server.Letter) error { sent = append(sent, l); return fails }
	})
	o.post(consent.Owner, "/installation/status", "to", "stranger@example.com").leadsTo(t, "/installation/status?done=mail_sent#mail")
	if len(sent) != 1 || sent[0].To != owner || !strings.Contains(sent[0].Body, "http://cmp.example") {
		t.Errorf("%+v", sent)
	}
	fails = errors.New("550 no such mailbox")
	a := o.post(consent.Owner, "/installation/status").wants(t, http.StatusServiceUnavailable)
	if said := text(a.doc); !strings.Contains(said, "Brevet blev ikke sendt: 550 no such mailbox") {
		t.Error(said)
	}
	r := httptest.NewRequest(http.MethodPost, "/installation/status", nil)
	r.Header.Set("Sec-Fetch-Site", "cross-site")
	o.send(consent.Owner, r).wants(t, http.StatusForbidden)
	if len(sent) != 2 {
		t.Errorf("%d letters", len(sent))
	}
}

// The installation's audit log says what was done in words, not as it is stored: whose details, which organisation, which day.
func TestAudit_SpeaksWords(t *testing.T) {
	o := newOffice(t)
	o.speak("en")
	o.check(o.db.UpdateOrganisation(t.Context(), consent.Organisation{ID: consent.FirstOrganisation, Name: "Fjord & Co"}))
	o.post(consent.Owner, "/installation", "op", "save", "operator.who", "others", "operator.name", "Driftshuset", "operator.cvr", "12345678", "operator.address", "Havnegade 1",
		"operator.country", "DK", "operator.email", "drift@huset.example", "backups", "none").leadsTo(t, "/installation?done=installation_saved")
	o.post(consent.Owner, "/installation", "op", "add", "sub.name", "Serverrum", "sub.country", "DK", "sub.task", "Hosting", "sub.since", "2026-01-02").leadsTo(t, "/installation?done=sub_added#subs")
	o.post(consent.Owner, "/organisations/first/people", "op", "invite", "email", "jens@fjord.example", "role", "editor", "limit", "every").wants(t, http.StatusOK)
	for path, all := range map[string][]string{
		"/audit":                      {"Who runs the installation", "Address Havnegade 1", "Company: Serverrum", "Used from: 2 January 2026", "Organisation Fjord & Co", "Role Editor"},
		"/sites/" + siteID + "/audit": {"Who runs the installation", "Company: Serverrum"},
	} {
		said := text(o.get(consent.Owner, path).wants(t, http.StatusOK).doc)
		for _, words := range all {
			if !strings.Contains(said, words) {
				t.Errorf("%s: no %q in %s", path, words, said)
			}
		}
		if strings.Contains(said, "publication no. installation") || strings.Contains(said, `{"`) {
			t.Errorf("%s: %s", path, said)
		}
	}
}

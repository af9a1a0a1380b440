package server_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/net/html"

	"samtykke/consent"
	"samtykke/scanner/evidence"
	"samtykke/scanner/judgement"
	"samtykke/server"
	"samtykke/server/store"
	"samtykke/server/store/storetest"
)

// office is a server with two sites and a login for each role, as the people who run it meet it.
type office struct {
	*server.Server
	t           testing.TB
	db          *store.DB
	now         time.Time // the server's clock
	site, other consent.Site
	notice      consent.Notice // the site's newest
	records     []consent.Record
}

const (
	stranger = consent.Role("stranger")
	siteID   = "fjordfletvaerk"
	otherID  = "nordlysoglim"
)

// newOffice opens the server and stores two sites with a notice each. A session's token is the role's name.
func newOffice(t testing.TB, change ...func(*server.Config)) *office {
	t.Helper()
	db, err := store.Open(t.Context(), filepath.Join(t.TempDir(), "samtykke.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	o := &office{t: t, db: db, now: storetest.Day}
	o.site, _ = storetest.Site(t, db, siteID)
	o.other, _ = storetest.Site(t, db, otherID)
	for _, role := range []consent.Role{consent.Owner, consent.Editor, consent.Auditor} {
		o.addUser(role, "da")
	}
	cfg := server.Config{BaseURL: "http://cmp.example", Now: func() time.Time { return o.now }}
	for _, c := range change {
		c(&cfg)
	}
	if o.Server, err = server.New(t.Context(), db, cfg); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(o.Close)
	return o
}

// officePassword is everybody's.
const officePassword = "alle mine kurve"

var passwordHash = sync.OnceValue(func() string { return server.HashPassword(officePassword) })

func (o *office) addUser(role consent.Role, lang string) {
	o.t.Helper()
	ctx := context.Background()
	u := consent.User{
		Email: string(role) + "@fjord.example", Language: lang, CreatedAt: o.now, Admin: role == consent.Owner,
		Members: []consent.Member{{Org: consent.Organisation{ID: consent.FirstOrganisation}, Role: role}},
	}
	_, err := o.db.AddUser(ctx, u, passwordHash())
	o.check(err)
	o.addSession(role)
}

// addSession logs somebody in for an hour.
func (o *office) addSession(role consent.Role) {
	o.t.Helper()
	u, _, err := o.db.UserByEmail(context.Background(), string(role)+"@fjord.example")
	o.check(err)
	token := sha256.Sum256([]byte(role))
	o.check(o.db.AddSession(context.Background(), store.Session{User: u.ID, Token: token[:], At: o.now, Expires: o.now.Add(time.Hour)}))
}

// furnish gives the site a declaration, a scan, three notices and a month of consents.
func (o *office) furnish() *office {
	o.t.Helper()
	ctx := context.Background()
	o.site.Banner.PrivacyURL = "https://fjordfletvaerk.example/privatliv"
	o.site.Controller = consent.Controller{Name: "Fjord & Fletværk ApS", CVR: "12345678", Address: "Kurvevej 4, 8000 Aarhus C", Email: "hej@fjord.example", Phone: "12 34 56 78"}
	o.check(o.db.UpdateSite(ctx, o.site))
	o.check(o.db.EditItems(ctx, siteID, declare(officeItems(&o.site))))
	o.check(o.db.AddScan(ctx, siteID, store.Scan{At: storetest.Day.Add(-26 * time.Hour), Report: mustJSON(officeScan())}, keepItems))
	o.publish("Første udgave med banner og deklaration")
	o.publish("Ny udbyder af statistik")
	for k := range 130 {
		r := storetest.Record(o.notice, k, actionOf(k))
		r.At = storetest.Day.Add(-time.Duration(k*k/4) * 151 * time.Second * 10)
		r.ValidUntil = r.At.Add(o.notice.Content.Banner.Validity())
		if r.Action == consent.Custom {
			r.Categories.Given = consent.SetOf(consent.Statistics)
			r.Method = consent.ByDialog
		}
		o.records = append(o.records, r)
	}
	last := storetest.Record(o.notice, 999, consent.Withdraw)
	last.Visitor, last.At = o.records[0].Visitor, storetest.Day.Add(-time.Second)
	last.ValidUntil = last.At.Add(o.notice.Content.Banner.Validity())
	last.Cleared, last.Remaining, last.Method = []string{"_tl_id"}, []string{"IDE"}, consent.ByDeclaration
	o.records = append(o.records, last)
	o.record(o.records...)
	return o
}

func actionOf(k int) consent.Action {
	switch {
	case k%5 == 3:
		return consent.RejectAll
	case k%7 == 5:
		return consent.Custom
	case k%31 == 30:
		return consent.Withdraw
	}
	return consent.AcceptAll
}

func officeItems(s *consent.Site) []consent.Item {
	da := func(da, en string) map[string]string { return map[string]string{"da": da, "en": en} }
	return append(server.OwnItems(s),
		consent.Item{Kind: consent.LocalStorage, Name: "kurv", Host: "fjordfletvaerk.example", Party: consent.FirstParty, Category: consent.Necessary, Provider: "Fjord & Fletværk ApS", Lifetime: consent.Persistent, Purpose: da("Husker varerne i kurven.", "Remembers the goods in the basket."), Reason: da("Uden den kan du ikke købe noget.", "Without it you can’t buy anything.")},
		consent.Item{Kind: consent.Cookie, Name: "_tl_id", Host: ".fjordfletvaerk.example", Party: consent.FirstParty, Category: consent.Statistics, Provider: "Tællelys A/S", Country: "DK", Lifetime: 390 * 24 * time.Hour, Purpose: da("Tæller besøg.", "Counts visits.")},
		consent.Item{Kind: consent.Cookie, Name: "IDE", Host: ".vendor.example", Party: consent.ThirdParty, Category: consent.Marketing, Provider: "Annoncehuset Inc.", Country: "US", Lifetime: 390 * 24 * time.Hour, Purpose: da("Viser annoncer, der passer til det, du har set.", "Shows ads that fit what you have seen.")},
		consent.Item{Kind: consent.Cookie, Name: "xq7_*", Host: "fjordfletvaerk.example", Party: consent.FirstParty, Category: consent.Unclassified, Lifetime: 0, Purpose: map[string]string{}},
	)
}

// onePixel is the smallest picture.
var onePixel, _ = base64.StdEncoding.DecodeString("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==")

func officeScan() judgement.Report {
	at := storetest.Day.Add(-26 * time.Hour)
	return judgement.Report{
		URL: "https://fjordfletvaerk.example/", StartedAt: at.Add(-time.Minute), FinishedAt: at, Browser: "Chromium 156",
		Pages: []judgement.Page{{URL: "https://fjordfletvaerk.example/", State: "none", Status: 200}},
		Items: []judgement.Item{
			{Kind: consent.Cookie, Name: "_tl_id", Host: ".fjordfletvaerk.example", Party: consent.FirstParty, States: []string{"accept"}, Category: consent.Statistics, Confidence: 1, LifetimeS: 33696000},
			{Kind: consent.Cookie, Name: "ny_maaler", Host: "fjordfletvaerk.example", Party: consent.FirstParty, States: []string{"accept"}, Category: consent.Unclassified, LifetimeS: 86400},
		},
		Pictures: []evidence.Picture{{State: "none", Device: "mobile", Layer: "first", Page: "https://fjordfletvaerk.example/", PNG: onePixel}},
		Findings: []consent.Finding{
			{
				Code: "unclassified", Severity: consent.High, Requirement: "S8", Evidence: []consent.Text{{"da": "cookie xq7_41 (fjordfletvaerk.example)", "en": "cookie xq7_41 (fjordfletvaerk.example)"}},
				Title: map[string]string{"da": "1 cookie er ikke klassificeret.", "en": "1 cookie is unclassified."}, Advice: map[string]string{"da": "Find ud af, hvad den bruges til, og vælg en kategori.", "en": "Find out what it is for and choose a category."},
			},
			{
				Code: "cookie-before-consent", Severity: consent.Critical, Requirement: "S1", Evidence: []consent.Text{{"da": "før svar: cookie _tl_id på https://fjordfletvaerk.example/", "en": "before an answer: cookie _tl_id on https://fjordfletvaerk.example/"}},
				Title: map[string]string{"da": "Der blev sat en cookie, før den besøgende havde valgt.", "en": "A cookie was set before the visitor had chosen."}, Advice: map[string]string{"da": "Mærk scriptet, så det venter på samtykke.", "en": "Mark the script so that it waits for consent."},
			},
		},
	}
}

func (o *office) publish(reason string) {
	o.t.Helper()
	var err error
	o.notice, err = o.Publish(context.Background(), siteID, server.Publishing{Author: "editor@fjord.example", Reason: reason, Material: true})
	o.check(err)
}

func (o *office) record(records ...consent.Record) {
	o.t.Helper()
	records = slices.SortedStableFunc(slices.Values(records), func(a, b consent.Record) int { return a.At.Compare(b.At) }) // as they arrive
	errs, err := o.db.Append(context.Background(), records)
	o.check(err)
	for _, err := range errs {
		o.check(err)
	}
}

func (o *office) check(err error) {
	o.t.Helper()
	if err != nil {
		o.t.Fatal(err)
	}
}

// answer is what the server said, with its page taken apart.
type answer struct {
	*httptest.ResponseRecorder
	doc *html.Node
}

// get asks for a page as somebody with a role.
func (o *office) get(role consent.Role, path string, headers ...string) answer {
	o.t.Helper()
	return o.send(role, httptest.NewRequest(http.MethodGet, path, nil), headers...)
}

// post sends a form as somebody with a role. Fields are name, value, name, value.
func (o *office) post(role consent.Role, path string, fields ...string) answer {
	o.t.Helper()
	v := url.Values{}
	for i := 0; i < len(fields); i += 2 {
		v.Add(fields[i], fields[i+1])
	}
	r := httptest.NewRequest(http.MethodPost, path, strings.NewReader(v.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	return o.send(role, r)
}

func (o *office) send(role consent.Role, r *http.Request, headers ...string) answer {
	o.t.Helper()
	r.Header.Set("Accept", "text/html")
	if role != stranger {
		r.AddCookie(&http.Cookie{Name: "samtykke_session", Value: string(role)})
	}
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	o.ServeHTTP(w, r)
	a := answer{ResponseRecorder: w}
	if strings.HasPrefix(w.Header().Get("Content-Type"), "text/html") {
		var err error
		a.doc, err = html.Parse(bytes.NewReader(w.Body.Bytes()))
		o.check(err)
	}
	return a
}

// find lists the elements that a function picks, in the page's order.
func (a answer) find(pick func(*html.Node) bool) []*html.Node {
	var found []*html.Node
	if a.doc == nil {
		return nil
	}
	for n := range a.doc.Descendants() {
		if n.Type == html.ElementNode && pick(n) {
			found = append(found, n)
		}
	}
	return found
}

// all lists the elements of a tag with these attributes: name, value, name, value.
func (a answer) all(tag string, attrs ...string) []*html.Node {
	return a.find(func(n *html.Node) bool {
		for i := 0; i < len(attrs); i += 2 {
			if attrOf(n, attrs[i]) != attrs[i+1] {
				return false
			}
		}
		return n.Data == tag
	})
}

func attrOf(n *html.Node, name string) string {
	for _, a := range n.Attr {
		if a.Key == name {
			return a.Val
		}
	}
	return ""
}

// text is an element's words with single spaces.
func text(n *html.Node) string {
	var b strings.Builder
	for d := range n.Descendants() {
		if d.Type == html.TextNode {
			b.WriteString(d.Data + " ")
		}
	}
	return strings.Join(strings.Fields(b.String()), " ")
}

// words is the text of the first element of a tag with these attributes, "" where there is none.
func (a answer) words(tag string, attrs ...string) string {
	found := a.all(tag, attrs...)
	if len(found) == 0 {
		return ""
	}
	return text(found[0])
}

func (a answer) wants(t testing.TB, code int) answer {
	t.Helper()
	if a.Code != code {
		t.Errorf("status %d, want %d: %s", a.Code, code, clipped(a.Body.String()))
	}
	return a
}

func (a answer) leadsTo(t testing.TB, address string) {
	t.Helper()
	if a.Code != http.StatusSeeOther || a.Header().Get("Location") != address {
		t.Errorf("status %d to %q, want 303 to %q: %s", a.Code, a.Header().Get("Location"), address, clipped(a.Body.String()))
	}
}

func clipped(s string) string { return fmt.Sprintf("%.600s", s) }

// scanPath is the page of the newest scan.
func (o *office) scanPath() string {
	o.t.Helper()
	scan, err := o.db.LastScan(context.Background(), siteID)
	o.check(err)
	return "/sites/" + siteID + "/scans/" + scan.ID.String()
}

// pages is every page of a furnished office.
func (o *office) pages() []string {
	r := o.records[0]
	return []string{
		"/", "/password", "/account", "/account/totp", "/organisations", "/organisations/first/people", "/organisations/first/tokens", "/sites/new", "/sites/" + siteID, "/sites/" + siteID + "?days=365", "/sites/" + siteID + "/start", "/sites/" + siteID + "/consents", "/sites/" + siteID + "/consents?from=x&visitor=y", "/sites/" + siteID + "/export?action=accept_all&from=2026-11-01", "/sites/" + siteID + "/export?export=" + r.ID.String(),
		"/sites/" + siteID + "/consents/" + r.Visitor.String() + "/" + r.ID.String(), "/sites/" + siteID + "/settings", "/sites/" + siteID + "/retention", "/sites/" + siteID + "/delete", "/sites/" + siteID + "/editor", "/sites/" + siteID + "/editor?section=look&lang=en", "/sites/" + siteID + "/editor?section=asks",
		"/sites/" + siteID + "/editor?section=signals", "/sites/" + siteID + "/editor?section=blocking", "/sites/" + siteID + "/pack", "/sites/" + siteID + "/rights", "/installation/status",
		"/sites/" + siteID + "/declaration", "/sites/" + siteID + "/scans", o.scanPath(), "/sites/" + siteID + "/domains", "/sites/" + siteID + "/notices", "/sites/" + siteID + "/notices/3", "/sites/" + siteID + "/audit", "/audit", "/sites/" + siteID + "/papers", "/installation", "/nowhere",
	}
}

package server_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/html"

	"samtykke/consent"
	"samtykke/server"
	"samtykke/server/declaration"
	"samtykke/server/store"
	"samtykke/server/store/storetest"
	"samtykke/widget"
)

// declaredItems is one of everything that a declaration can hold.
func declaredItems() []consent.Item {
	both := func(da, en string) map[string]string { return map[string]string{"da": da, "en": en} }
	return []consent.Item{
		{
			Kind: consent.Cookie, Name: "kurv", Host: "www.fjordfletvaerk.example", Party: consent.FirstParty, Category: consent.Necessary,
			Provider: "Fjord & Fletværk ApS", Country: "DK",
			Purpose: both("Husker, hvad du har lagt i kurven.", "Remembers what you have put in the basket."),
			Reason:  both("Uden den kan du ikke købe noget.", "Without it you can’t buy anything."),
		},
		{
			Kind: consent.LocalStorage, Name: "udseende", Host: "www.fjordfletvaerk.example", Party: consent.FirstParty, Category: consent.Preferences,
			Lifetime: consent.Persistent, Purpose: both("Husker, om du vil se siden lys eller mørk.", "Remembers whether you want the site light or dark."),
		},
		{
			Kind: consent.Cookie, Name: "_ga_*", Host: ".fjordfletvaerk.example", Party: consent.FirstParty, Category: consent.Statistics,
			Provider: "Google Ireland Limited", Country: "US", Lifetime: 395 * 24 * time.Hour,
			Purpose: both("Skelner besøgende fra hinanden, så besøg kan tælles.", "Tells visitors apart so that visits can be counted."),
		},
		{
			Kind: consent.Cookie, Name: "IDE", Host: ".doubleclick.net", Party: consent.ThirdParty, Category: consent.Marketing,
			Provider: "Google Ireland Limited", Country: "US", Lifetime: 390 * 24 * time.Hour,
			Purpose: both("Viser annoncer, der passer til det, du har set på nettet.", "Shows ads that fit what you have looked at online."),
		},
		{
			Kind: consent.SessionStorage, Name: "x_<script>alert(1)</script>", Host: "widget.example", Party: consent.ThirdParty,
			Category: consent.Unclassified, Purpose: both("Et gæt.", "A guess."),
		},
	}
}

// declaredShop is a shop whose third notice has a full declaration.
func declaredShop(t testing.TB, change ...func(*server.Config)) *shop {
	t.Helper()
	s := newShop(t, change...)
	ctx := context.Background()
	s.site.Controller = consent.Controller{
		Name: "Fjord & Fletværk ApS", CVR: "12345678", Address: "Havnegade 1, 8000 Aarhus C", Email: "hej@fjordfletvaerk.example",
		Phone: "+45 12 34 56 78", DPO: "dpo@fjordfletvaerk.example",
	}
	if err := s.db.UpdateSite(ctx, s.site); err != nil {
		t.Fatal(err)
	}
	if err := s.db.EditItems(ctx, s.site.ID, declare(declaredItems())); err != nil {
		t.Fatal(err)
	}
	n, err := s.Publish(ctx, s.site.ID, server.Publishing{Author: "ea@fjord.example", Reason: "What only the owner shall read", Material: true})
	if err != nil {
		t.Fatal(err)
	}
	s.notice = n
	return s
}

// document is a parsed answer, or an element of it.
type document struct {
	*html.Node
	t testing.TB
}

func (s *shop) declarationPage(t testing.TB, path string, code int) document {
	t.Helper()
	w := s.do("GET", path, nil, "Accept", "text/html")
	if w.Code != code || w.Header().Get("Content-Type") != "text/html; charset=UTF-8" {
		t.Fatalf("%s: %d %v", path, w.Code, w.Header())
	}
	n, err := html.Parse(w.Body)
	if err != nil {
		t.Fatal(err)
	}
	return document{n, t}
}

func (p document) attr(key string) string {
	for _, a := range p.Attr {
		if a.Key == key {
			return a.Val
		}
	}
	return ""
}

// all finds every element of a name, or every element with an id ("#id").
func (p document) all(name string) (found []document) {
	for n := range p.Descendants() {
		e := document{n, p.t}
		if n.Type == html.ElementNode && (n.Data == name || strings.HasPrefix(name, "#") && e.attr("id") == name[1:]) {
			found = append(found, e)
		}
	}
	return found
}

func (p document) one(name string) document {
	p.t.Helper()
	found := p.all(name)
	if len(found) != 1 {
		p.t.Fatalf("%d × %s", len(found), name)
	}
	return found[0]
}

// section is the part of the page whose heading has this id.
func (p document) section(id string) document {
	p.t.Helper()
	return document{p.one("#" + id).Parent, p.t}
}

// text is what a person reads, white space collapsed.
func (p document) text() string {
	var b strings.Builder
	for n := range p.Descendants() {
		if n.Type == html.TextNode {
			b.WriteString(n.Data + " ")
		}
	}
	return strings.Join(strings.Fields(b.String()), " ")
}

func (p document) says(wanted ...string) {
	p.t.Helper()
	text := p.text()
	for _, w := range wanted {
		if !strings.Contains(text, w) {
			p.t.Errorf("%q is missing in: %s", w, text)
		}
	}
}

// D10: a page that needs no script, in the language that was asked for, with headings in order and real tables.
func TestDeclaration_IsARealPage(t *testing.T) {
	s := declaredShop(t)
	for _, lang := range []string{"da", "en"} {
		p := s.declarationPage(t, "/d/fjordfletvaerk/"+lang, 200)
		if got := p.one("html").attr("lang"); got != lang {
			t.Errorf("lang=%q", got)
		}
		p.one("h1")
		p.one("main")
		if len(p.all("script")) > 0 || len(p.all("style")) > 0 {
			t.Error("the page has script or inline style")
		}
		ids := map[string]bool{}
		for n := range p.Descendants() {
			e := document{n, t}
			if id := e.attr("id"); id != "" && ids[id] {
				t.Errorf("the id %s stands twice", id)
			} else {
				ids[id] = true
			}
			if e.attr("style") != "" || strings.Contains(e.attr("href"), "ZgotmplZ") {
				t.Errorf("<%s %v>", n.Data, n.Attr)
			}
		}
		tables := p.all("table")
		if len(tables) != 5 {
			t.Errorf("%d tables", len(tables))
		}
		for _, table := range tables {
			if table.one("caption").text() == "" {
				t.Error("a table has no caption")
			}
			for _, th := range table.all("th") {
				if scope := th.attr("scope"); (scope != "col" && scope != "row") || th.text() == "" {
					t.Errorf("th scope=%q %q", scope, th.text())
				}
			}
		}
	}
}

// D1, D2, D3: everything about every item, under its category, in words.
func TestDeclaration_ListsEveryItem(t *testing.T) {
	s := declaredShop(t)
	da := s.declarationPage(t, "/d/fjordfletvaerk/da", 200)
	da.section("necessary").says("Nødvendige", "Cookiebekendtgørelsens § 4", "samtykke", "1 år", "kurv", "Cookie", "Fjord & Fletværk ApS", "Førstepart",
		"Domæne: www.fjordfletvaerk.example", "Land: Danmark", "Husker, hvad du har lagt i kurven.", "Derfor er det nødvendigt: Uden den kan du ikke købe noget.",
		"Session (slettes, når du lukker browseren)")
	da.section("preferences").says("udseende", "Lokalt lager (localStorage)", "Indtil det bliver slettet")
	da.section("statistics").says("cookiebekendtgørelsens § 3", "artikel 6, stk. 1, litra a", "_ga_*", "Google Ireland Limited", "Land: USA ( uden for EU/EØS )", "13 måneder")
	da.section("marketing").says("IDE", "Tredjepart", "Domæne: .doubleclick.net", "sociale medier")
	da.section("transfers").says("USA", "Google Ireland Limited", "GDPR kapitel V")
	en := s.declarationPage(t, "/d/fjordfletvaerk/en", 200)
	en.section("necessary").says("Section 4 of the Danish Cookie Order", "Remembers what you have put in the basket.", "Session (deleted when you close the browser)")
	en.section("statistics").says("section 3", "Article 6(1)(a)", "13 months", "United States ( outside the EU/EEA )")
	en.section("preferences").says("Until it is deleted")
}

// D12: what nobody has sorted stands last, without a purpose, and is said to be blocked. Its name is only text.
func TestDeclaration_ShowsTheUnclassified(t *testing.T) {
	s := declaredShop(t)
	p := s.declarationPage(t, "/d/fjordfletvaerk/da", 200)
	u := p.section("unclassified")
	u.says("Ikke klassificeret", "blokeret", "x_<script>alert(1)</script>", "Udbyderen er ikke oplyst.")
	if text := u.text(); strings.Contains(text, "gæt") || strings.Contains(text, "Formål") || strings.Contains(text, "Retsgrundlag") {
		t.Errorf("a purpose is shown: %s", text)
	}
	tables := p.all("table")
	if last := tables[len(tables)-1]; last.one("caption").text() != "Ikke klassificeret" {
		t.Error("unclassified doesn't stand last")
	}
}

// D6, D7, D8, D9, R14: who answers, what rights there are, what is kept and how long, and how to delete.
func TestDeclaration_TellsTheRest(t *testing.T) {
	s := declaredShop(t)
	da := s.declarationPage(t, "/d/fjordfletvaerk/da", 200)
	da.section("controller").says("Dataansvarlig", "Fjord & Fletværk ApS", "12345678", "Havnegade 1, 8000 Aarhus C", "hej@fjordfletvaerk.example", "+45 12 34 56 78", "dpo@fjordfletvaerk.example")
	da.section("rights").says("indsigt", "berigtigelse", "sletning", "begrænsning", "dataportabilitet", "indsigelse", "berører ikke lovligheden")
	da.section("complaint").says("Datatilsynet", "Carl Jacobsens Vej 35, 2500 Valby", "33 19 32 00", "Digitaliseringsstyrelsen", "Landgreven 4, 1301 København K")
	da.section("log").says("artikel 6, stk. 1, litra c, jf. artikel 7, stk. 1", "24 måneder", "12 måneder", "samtykke-id")
	da.section("browser").says("Slet cookies i din browser", "Ctrl + Skift + Delete")
	en := s.declarationPage(t, "/d/fjordfletvaerk/en", 200)
	en.section("log").says("Article 6(1)(c), cf. Article 7(1)", "24 months", "12 months")
	en.section("complaint").says("Datatilsynet", "Digitaliseringsstyrelsen")
	hrefs := map[string]bool{}
	for _, a := range da.all("a") {
		hrefs[a.attr("href")] = true
	}
	for _, want := range []string{"mailto:hej@fjordfletvaerk.example", "tel:+4512345678", "tel:+4533193200", "mailto:dt@datatilsynet.dk", "https://www.digst.dk/"} {
		if !hrefs[want] {
			t.Errorf("no link to %s", want)
		}
	}
}

// D4: the hosted page's links lead to where the banner can open.
func TestDeclaration_LinksToTheBanner(t *testing.T) {
	p := declaredShop(t).declarationPage(t, "/d/fjordfletvaerk/da", 200)
	links := p.section("choice").all("a")
	for i, want := range []string{"#samtykke=open Skift dit samtykke", "#samtykke=withdraw Træk dit samtykke tilbage"} {
		if got := links[i].attr("href") + " " + links[i].text(); got != "https://fjordfletvaerk.example/"+want {
			t.Errorf("%q", got)
		}
	}
}

// D5: every version stays at an address of its own and says since when and until when it was in force.
func TestDeclaration_KeepsOldVersions(t *testing.T) {
	s := declaredShop(t)
	now := s.declarationPage(t, "/d/fjordfletvaerk/da", 200)
	now.says("Version 3, gældende fra 22. november 2026.")
	now.section("versions").says("Version 3", "Tilføjet: kurv, udseende, _ga_*, IDE", "Version 2", "Ingen tilføjet eller fjernet.", "Version 1")
	for _, a := range now.section("versions").all("a") {
		s.declarationPage(t, a.attr("href"), 200)
	}
	old := s.declarationPage(t, "/d/fjordfletvaerk/2/en", 200)
	old.says("This is an earlier version.", "Version 2, valid from 22 November 2026 to 22 November 2026.")
	if link := old.all("a")[4]; link.text() != "Read the version in force" || link.attr("href") != "/d/fjordfletvaerk/3/en" {
		t.Errorf("%s leads to %s", link.text(), link.attr("href"))
	}
	if len(old.section("necessary").all("tr")) != 2 {
		t.Error("the old version shows the new list")
	}
	if text := now.text() + old.text(); strings.Contains(text, "owner shall read") || strings.Contains(text, "ea@fjord") {
		t.Error("the owner's own words are public")
	}
}

// D13: when the site was last scanned, also after the notice was published; or that it never was.
func TestDeclaration_TellsTheLastScan(t *testing.T) {
	s := declaredShop(t)
	s.declarationPage(t, "/d/fjordfletvaerk/da", 200).says("Hjemmesiden er endnu ikke scannet.")
	scan := store.Scan{At: time.Date(2026, 12, 1, 4, 0, 0, 0, time.UTC), Report: []byte(`{}`)}
	if err := s.db.AddScan(context.Background(), s.site.ID, scan, keepItems); err != nil {
		t.Fatal(err)
	}
	s.reopen(t) // as another server, or this one seconds later
	s.declarationPage(t, "/d/fjordfletvaerk/da", 200).says("Hjemmesiden er senest scannet 1. december 2026.")
	s.declarationPage(t, "/d/fjordfletvaerk/en", 200).says("The website was last scanned on 1 December 2026.")
	s.declarationPage(t, "/d/fjordfletvaerk/2/da", 200).says("Hjemmesiden er endnu ikke scannet.")
}

// The data is the same as the page, for any program to read.
func TestDeclaration_AsJSON(t *testing.T) {
	s := declaredShop(t)
	w := s.do("GET", "/d/fjordfletvaerk/da.json", nil, "Origin", "https://elsewhere.example")
	if w.Code != 200 || w.Header().Get("Access-Control-Allow-Origin") != "*" || w.Header().Get("Content-Type") != "application/json" {
		t.Fatalf("%d %v", w.Code, w.Header())
	}
	var got struct {
		Site       string
		Version    int
		ValidFrom  time.Time  `json:"valid_from"`
		ValidUntil *time.Time `json:"valid_until"`
		LastScan   *time.Time `json:"last_scan"`
		Controller struct{ Name, CVR string }
		Categories []struct {
			Category   string
			LegalBasis string `json:"legal_basis"`
			Items      []struct {
				Name            string
				LifetimeSeconds *int64 `json:"lifetime_seconds"`
				Lifetime        string
				OutsideEEA      bool `json:"outside_eea"`
			}
		}
	}
	if err := json.Unmarshal(w.Body.Bytes(), &got); err != nil {
		t.Fatal(err)
	}
	if got.Site != "fjordfletvaerk" || got.Version != 3 || !got.ValidFrom.Equal(storetest.Day) || got.ValidUntil != nil || got.LastScan != nil || got.Controller.CVR != "12345678" {
		t.Errorf("%+v", got)
	}
	var names []string
	for _, c := range got.Categories {
		for _, i := range c.Items {
			seconds := "null"
			if i.LifetimeSeconds != nil {
				seconds = fmt.Sprint(*i.LifetimeSeconds)
			}
			names = append(names, c.Category+" "+i.Name+" "+seconds)
		}
	}
	want := []string{"necessary samtykke 31536000", "necessary kurv 0", "preferences udseende null", "statistics _ga_* 34128000", "marketing IDE 33696000", "unclassified x_<script>alert(1)</script> 0"}
	if !slices.Equal(names, want) {
		t.Errorf("%q", names)
	}
	if old := s.do("GET", "/d/fjordfletvaerk/1/en.json", nil); old.Code != 200 || !strings.Contains(old.Body.String(), `"version":1,`) {
		t.Errorf("%d %s", old.Code, old.Body)
	}
}

func TestDeclaration_ChoosesTheLanguage(t *testing.T) {
	s := declaredShop(t)
	for accept, want := range map[string]string{
		"": "da", "*": "da", "en": "en", "en-GB,en;q=0.9": "en", "de,en;q=0.5,da;q=0.4": "en", "de": "da", "da-DK,da;q=0.9,en;q=0.8": "da", "en;q=0.2,da;q=0.7": "da", ";;;": "da",
	} {
		w := s.do("GET", "/d/fjordfletvaerk", nil, "Accept-Language", accept)
		if w.Code != http.StatusFound || w.Header().Get("Location") != "/d/fjordfletvaerk/"+want || !strings.Contains(strings.Join(w.Header().Values("Vary"), ","), "Accept-Language") {
			t.Errorf("%q: %d %v", accept, w.Code, w.Header())
		}
		if w := s.do("GET", "/d/fjordfletvaerk.json", nil, "Accept-Language", accept); w.Header().Get("Location") != "/d/fjordfletvaerk/"+want+".json" || w.Header().Get("Access-Control-Allow-Origin") != "*" {
			t.Errorf("%q: %d %v", accept, w.Code, w.Header())
		}
	}
}

// Whatever is not there is told to people in their language and to programs as an error.
func TestDeclaration_ThatIsNotThere(t *testing.T) {
	s := declaredShop(t)
	empty := consent.Site{ID: "unpublished", Name: "New", Domains: []string{"new.example"}, CreatedAt: storetest.Day, Banner: consent.DefaultBanner()}
	if err := s.db.AddSite(context.Background(), empty, nil); err != nil {
		t.Fatal(err)
	}
	for path, code := range map[string]string{
		"/d/unpublished": "not_published", "/d/unpublished/da": "not_published", "/d/unpublished/da.json": "not_published", "/d/unpublished.json": "not_published",
		"/d/nobodyhere": "no_site", "/d/nobodyhere/da": "no_site", "/d/fjordfletvaerk/de": "no_language", "/d/fjordfletvaerk/de.json": "no_language",
		"/d/fjordfletvaerk/4/da": "no_version", "/d/fjordfletvaerk/0/da": "no_version", "/d/fjordfletvaerk/x/da": "no_version", "/d/fjordfletvaerk/-1/da": "no_version",
	} {
		if w := s.do("GET", path, nil); w.Code != 404 || errorCode(t, w) != code || w.Header().Get("Access-Control-Allow-Origin") != "*" {
			t.Errorf("%s: %d %s", path, w.Code, w.Body)
		}
		p := s.declarationPage(t, path, 404)
		p.says("Her er ingen cookiedeklaration", "Kontakt hjemmesidens ejer")
	}
	w := s.do("GET", "/d/unpublished", nil, "Accept", "text/html", "Accept-Language", "en")
	if !strings.Contains(w.Body.String(), `<html lang="en">`) || !strings.Contains(w.Body.String(), "There is no cookie declaration here") {
		t.Errorf("%s", w.Body)
	}
}

// The pages may load their style and nothing else, and nobody may frame them. Nothing sets a cookie (H11).
func TestDeclaration_Headers(t *testing.T) {
	s := declaredShop(t)
	for _, path := range []string{"/d/fjordfletvaerk/da", "/d/fjordfletvaerk/1/da", "/d/nobodyhere"} {
		h := s.do("GET", path, nil, "Accept", "text/html").Header()
		csp := h.Get("Content-Security-Policy")
		if !strings.Contains(csp, "default-src 'none'") || !strings.Contains(csp, "frame-ancestors 'none'") || strings.Contains(csp, "unsafe") ||
			h.Get("X-Content-Type-Options") != "nosniff" || h.Get("Referrer-Policy") != "no-referrer" || h.Get("Set-Cookie") != "" {
			t.Errorf("%s: %v", path, h)
		}
	}
	if h := s.do("GET", "/d/fjordfletvaerk/da", nil).Header(); !strings.HasPrefix(h.Get("Cache-Control"), "public, max-age=300") {
		t.Errorf("%v", h)
	}
	for path, want := range map[string]string{"/d/fjordfletvaerk/page.css": "text/css; charset=utf-8", "/d/fjordfletvaerk/embed.js": "text/javascript; charset=utf-8"} {
		if w := s.do("GET", path, nil); w.Code != 200 || w.Header().Get("Content-Type") != want || w.Header().Get("X-Content-Type-Options") != "nosniff" {
			t.Errorf("%s: %d %v", path, w.Code, w.Header())
		}
	}
	if h := s.do("GET", "/d/fjordfletvaerk/embed.js", nil).Header(); h.Get("Cross-Origin-Resource-Policy") != "cross-origin" {
		t.Errorf("%v", h)
	}
}

// Where the banner speaks a language, the declaration does, too (B21).
func TestDeclaration_SpeaksTheBannersLanguages(t *testing.T) {
	b := consent.Banner{Languages: widget.Languages()}
	if got := declaration.Offered(&b); !slices.Equal(got, b.Languages) {
		t.Errorf("the banner speaks %v, the declaration %v", b.Languages, got)
	}
}

// The page is made anew for each request, with all versions read: that must stay cheap.
func BenchmarkDeclaration(b *testing.B) {
	s := declaredShop(b)
	r := httptest.NewRequest("GET", "/d/fjordfletvaerk/da", nil)
	for b.Loop() {
		s.ServeHTTP(httptest.NewRecorder(), r)
	}
}

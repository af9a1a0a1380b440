package server_test

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/net/html"

	"samtykke/consent"
	"samtykke/widget"
)

const settingsPath = "/sites/" + siteID + "/settings"

// editorPath is the editor's section that has a field. "" stands for the first field of each.
func editorPath(section string) string {
	return "/sites/" + siteID + "/editor?section=" + section + "&lang=da"
}

// sections are the fields of each section of the editor, which this test knows on its own.
var sections = map[string][]string{
	"look": {"form", "corner", "theme", "accent", "round", "font"}, "languages": {"languages", "default_language"},
	"asks": {"categories", "per_vendor", "days", "domain", "first_party"}, "blocking": {"auto_block", "hosts"},
	"signals": {"consent_mode", "ads_data_redaction", "url_passthrough", "signals", "gpc", "dnt"}, "elsewhere": {"markup", "services", "import", "cbid"},
}

// pathOf is the page on which a field is edited.
func pathOf(field string) string {
	for section, fields := range sections {
		if slices.Contains(fields, field) {
			return editorPath(section)
		}
	}
	return settingsPath
}

// everything is a banner in which no field of the form has its usual value.
func everything() consent.Banner {
	return consent.Banner{
		Languages: []string{"en", "sv", "da"}, Categories: []consent.Category{consent.Statistics}, PrivacyURL: "https://a.example/p", Declaration: "https://a.example/c", Days: 200,
		Form: "dialog", Corner: "none", Theme: "dark", Accent: "#123abc", Round: "large", Font: "page", Domain: "a.example",
		ConsentMode: true, AdsRedaction: true, URLPassthrough: true, Signals: []string{"uet", "matomo", "shopify"}, GPC: true, DNT: true,
		AutoBlock: true, PerVendor: true, Import: true, FirstParty: true, Markup: []string{"cookiebot", "klaro"}, CBID: "0b1c2d3e-1111-2222-3333-444455556666",
		Hosts: []consent.HostRule{
			{Host: "cdn.example.com", Category: consent.Necessary, Reason: "Leverer vores egne billeder"}, {Host: "tal.example.com", Category: consent.Statistics},
		},
		Services: map[string]consent.Category{"google-analytics": consent.Statistics, "zendesk": consent.Preferences},
		Texts:    map[string]map[string]string{"da": {"title": "Vores <cookies> & dine", "intro": "To\nlinjer"}},
	}
}

// Saving the form as it is shown changes nothing, in both languages: no field is lost on the way, and the texts, which
// have a page of their own, stay.
func TestSettings_RoundTrip(t *testing.T) {
	o := newOffice(t).furnish()
	for name, banner := range map[string]consent.Banner{"everything": everything(), "a new site's": consent.DefaultBanner()} {
		for _, lang := range []string{"da", "en"} {
			t.Run(name+" "+lang, func(t *testing.T) {
				o.speak(lang)
				s := o.site
				s.Domains, s.Homepage, s.Controller.DPO = []string{"a.example", "b.example"}, "https://a.example/start", "Dorthe, dpo@a.example"
				s.Banner = banner
				o.check(o.db.UpdateSite(t.Context(), s))
				o.post(consent.Editor, settingsPath, o.get(consent.Editor, settingsPath).values(settingsPath)...).leadsTo(t, settingsPath+"?done=saved")
				for section := range sections {
					path := editorPath(section)
					o.post(consent.Editor, path, o.get(consent.Editor, path).values(path)...).leadsTo(t, path+"&done=saved")
				}
				if d := cmp.Diff(s, o.stored()); d != "" {
					t.Errorf("(-want +got):\n%s", d)
				}
			})
		}
	}
}

// stored is the site's draft as it is on disk.
func (o *office) stored() consent.Site {
	o.t.Helper()
	s, err := o.db.Site(o.t.Context(), siteID)
	o.check(err)
	return s
}

// Every field of the form arrives in the banner.
func TestSettings_AreTakenOver(t *testing.T) {
	o := newOffice(t)
	forms := map[string][]string{}
	for name, values := range map[string][]string{
		"languages": {"da", "en", "sv", "xx"}, "default_language": {"en"}, "categories": {"statistics"}, "days": {"200"}, "domain": {"A.example"},
		"privacy_url": {"https://a.example/p"}, "declaration_url": {"https://a.example/c"}, "form": {"dialog"}, "corner": {"none"}, "theme": {"dark"},
		"accent": {"#123ABC"}, "round": {"large"}, "font": {"page"}, "consent_mode": {"yes"}, "ads_data_redaction": {"yes"}, "url_passthrough": {"yes"},
		"signals": {"shopify", "uet", "matomo", "none"}, "gpc": {"yes"}, "dnt": {"yes"}, "auto_block": {"yes"}, "per_vendor": {"yes"}, "import": {"yes"}, "first_party": {"yes"},
		"markup": {"cookiebot", "klaro"}, "cbid": {"0B1C2D3E-1111-2222-3333-444455556666"},
		"hosts":    {"\n https://CDN.example.com/x.js  NØDVENDIGE Leverer vores  egne billeder\r\n\r\n*.tal.example.com statistics \n"},
		"services": {"zendesk præferencer\r\ngoogle-analytics Statistik"},
	} {
		path := pathOf(name)
		if forms[path] == nil {
			forms[path] = o.get(consent.Owner, path).values(path)
		}
		forms[path] = with(forms[path], name, values...)
	}
	for path, f := range forms {
		if a := o.post(consent.Owner, path, f...).wants(t, http.StatusSeeOther); !strings.HasSuffix(a.Header().Get("Location"), "done=saved") {
			t.Errorf("%s leads to %s", path, a.Header().Get("Location"))
		}
	}
	want := everything()
	want.Languages, want.Texts = []string{"en", "da", "sv"}, nil
	if d := cmp.Diff(want, o.stored().Banner); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
}

// refuses wants a page that says why beside a field, marks it, and has lost nothing of what was typed. It returns the field.
func (a answer) refuses(t *testing.T, field, typed, why string) *html.Node {
	t.Helper()
	a.wants(t, http.StatusBadRequest)
	if got := a.words("p", "class", "why"); got != why {
		t.Errorf("%q, want %q", got, why)
	}
	in := a.find(func(n *html.Node) bool { return attrOf(n, "name") == field })[0]
	if kind := attrOf(in, "type"); kind != "checkbox" && kind != "radio" {
		if got := attrOf(in, "value") + strings.TrimPrefix(raw(in), "\n"); got != typed || attrOf(in, "aria-invalid") != "true" {
			t.Errorf("field %v %.80q", in.Attr, got)
		}
	}
	wellFormed(t, a, "da")
	return in
}

// H13: the form refuses what the law refuses, says why beside the field, and loses nothing that was typed.
func TestSettings_RefuseWhatTheLawRefuses(t *testing.T) {
	o := newOffice(t)
	for name, c := range map[string]struct {
		field, value, why string
	}{
		"asking often":  {"days", "30", "Et valg gælder mellem 180 dage (ingen skal spørges oftere) og 730 dage."},
		"no number":     {"days", "et år", "Et valg gælder mellem 180 dage (ingen skal spørges oftere) og 730 dage."},
		"colour":        {"accent", "red", "En farve skrives #rrggbb med små bogstaver."},
		"no categories": {"categories", "", "Vælg mindst én kategori; en hjemmeside med kun nødvendige cookies behøver intet banner."},
		"no languages":  {"languages", "", "Vælg mindst ét sprog."},
		"cvr":           {"controller.cvr", "123", "Et CVR-nummer har otte cifre."},
		"corners":       {"round", "egg", "Hjørner er none, large eller tomt for moderate."},
		"cookiebot":     {"cbid", "no id", "Cookiebots id består af 8 til 60 bogstaver, tal og bindestreger."},
	} {
		t.Run(name, func(t *testing.T) {
			path := pathOf(c.field)
			a := o.post(consent.Owner, path, with(o.get(consent.Owner, path).values(path), c.field, c.value)...)
			a.refuses(t, c.field, c.value, c.why)
			if problem := a.all("div", "class", "problem")[0]; !strings.Contains(text(problem), c.why) {
				t.Error("the summary lacks it")
			}
		})
	}
	if s := o.stored(); s.Banner.Days != 365 || s.Banner.Accent != "" {
		t.Errorf("something was stored: %+v", s.Banner)
	}
}

// K1: a host is never held only with a reason. What is wrong with a list of rules is said with the line that it is in.
func TestSettings_RulesNameTheLine(t *testing.T) {
	o := newOffice(t)
	many := strings.Repeat("x", 1)
	for i := range 201 {
		many += "\nh" + strconv.Itoa(i) + ".example statistik"
	}
	for name, c := range map[string]struct {
		field, value, why string
	}{
		"no reason":        {"hosts", "a.example statistik\n\nb.example nødvendige", "Linje 3: Skriv for hver nødvendig vært, hvorfor hjemmesiden ikke kan undvære den."},
		"no category":      {"hosts", "a.example", "Linje 1: Hver vært har en kategori: nødvendige, præferencer, statistik eller marketing."},
		"another category": {"hosts", "a.example marketing\nb.example sjov", "Linje 2: Hver vært har en kategori: nødvendige, præferencer, statistik eller marketing."},
		"unclassified":     {"hosts", "a.example unclassified", "Linje 1: Hver vært har en kategori: nødvendige, præferencer, statistik eller marketing."},
		"no host":          {"hosts", "a.example marketing\n<b> marketing\nc", "Linje 2: Hver vært er et domænenavn, for eksempel cdn.example.com."},
		"twice":            {"hosts", "a.example marketing\nA.example statistik", "Linje 2: Hver vært kan kun nævnes én gang."},
		"long reason":      {"hosts", "a.example nødvendige " + strings.Repeat("x", 501), "Linje 1: En begrundelse har højst 500 tegn."},
		"too many":         {"hosts", strings.TrimPrefix(many, "x\n"), "Linje 201: Højst 200 værter."},
		"spaces":           {"services", "a statistik\ngoogle analytics statistik", "Linje 2: En tjenestes navn har 1 til 100 tegn, uden mellemrum og kommaer."},
		"bare service":     {"services", "analytics", "Linje 1: Hver tjeneste har en kategori: nødvendige, præferencer, statistik eller marketing."},
		"service twice":    {"services", "a statistik\nb marketing\na marketing", "Linje 3: Hver tjeneste kan kun nævnes én gang."},
	} {
		t.Run(name, func(t *testing.T) {
			path := pathOf(c.field)
			o.post(consent.Owner, path, with(o.get(consent.Owner, path).values(path), c.field, c.value)...).refuses(t, c.field, c.value, c.why)
		})
	}
	if s := o.stored(); s.Banner.Hosts != nil || s.Banner.Services != nil {
		t.Errorf("something was stored: %+v", s.Banner)
	}
}

// Every language stands under its own name, the chosen ones first; the default is chosen among them.
func TestSettings_ShowLanguagesByTheirOwnNames(t *testing.T) {
	names := map[string]string{
		"bg": "български", "cs": "čeština", "da": "dansk", "de": "Deutsch", "el": "Ελληνικά", "en": "English", "es": "español", "et": "eesti",
		"fi": "suomi", "fr": "français", "ga": "Gaeilge", "hr": "hrvatski", "hu": "magyar", "is": "íslenska", "it": "italiano", "lt": "lietuvių",
		"lv": "latviešu", "mt": "Malti", "nb": "norsk bokmål", "nl": "Nederlands", "pl": "polski", "pt": "português", "ro": "română",
		"sk": "slovenčina", "sl": "slovenščina", "sv": "svenska",
	}
	o := newOffice(t)
	o.site.Banner.Languages = []string{"sv", "is", "da"}
	o.check(o.db.UpdateSite(t.Context(), o.site))
	a := o.get(consent.Owner, "/sites/"+siteID+"/editor?section=languages&lang=sv")
	var order []string
	for _, label := range a.find(func(n *html.Node) bool {
		return n.Data == "label" && n.FirstChild != nil && attrOf(n.FirstChild, "name") == "languages"
	}) {
		box := label.FirstChild
		lang := attrOf(box, "value")
		if got := text(label); got != names[lang] {
			t.Errorf("%s is called %q, want %q", lang, got, names[lang])
		}
		if has(box, "checked") != slices.Contains(o.site.Banner.Languages, lang) {
			t.Errorf("%s is ticked: %v", lang, has(box, "checked"))
		}
		order = append(order, lang)
	}
	want := strings.Fields("sv is da cs de et en es fr ga hr it lv lt hu mt nl nb pl pt ro sk sl fi el bg")
	if d := cmp.Diff(want, order); d != "" {
		t.Errorf("order (-want +got):\n%s", d)
	}
	slices.Sort(order)
	if d := cmp.Diff(widget.Languages(), order); d != "" {
		t.Errorf("languages (-want +got):\n%s", d)
	}
	if got := a.words("select", "name", "default_language"); got != "svenska íslenska dansk" {
		t.Errorf("default among %q", got)
	}
}

// Every tool that a banner can serve has a box with a name of its own, and the editor leads to all of its sections.
func TestEditor_NamesEveryTool(t *testing.T) {
	o := newOffice(t)
	for field, tools := range map[string][]string{"signals": consent.SignalNames, "markup": consent.MarkupNames} {
		a := o.get(consent.Owner, pathOf(field))
		for _, tool := range tools {
			if boxes := a.all("input", "name", field, "value", tool); len(boxes) != 1 || text(boxes[0].Parent) == "" {
				t.Errorf("%s %s has %d boxes, or no name", field, tool, len(boxes))
			}
		}
	}
	pills := o.get(consent.Owner, editorPath("texts")).all("nav", "class", "pills")[0]
	links := 0
	for n := range pills.Descendants() {
		if n.Data == "a" {
			links++
			o.get(consent.Owner, attrOf(n, "href")).wants(t, http.StatusOK)
		}
	}
	if links != len(sections)+1 {
		t.Errorf("%d links", links)
	}
}

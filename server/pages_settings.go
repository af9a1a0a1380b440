package server

import (
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/labstack/echo/v4"

	"samtykke/consent"
	"samtykke/server/dashboard"
	"samtykke/widget"
)

// ownTexts are the banner's texts that an owner may word differently.
var ownTexts = []string{"title", "intro", "accept", "reject", "choose"}

// settingsData is what the form of settings offers.
type settingsData struct {
	Languages, Texts []string
	Categories       []consent.Category
	Forms            []string
	Corners          []string
	Themes           []string
	Standard         map[string]map[string]string // language, key: the words where the owner has none
}

func newSettingsData() settingsData {
	d := settingsData{
		Languages: widget.Languages(), Texts: ownTexts, Categories: []consent.Category{consent.Preferences, consent.Statistics, consent.Marketing},
		Forms: []string{"box", "bar", "dialog"}, Corners: []string{"left", "right", "none"}, Themes: []string{"auto", "light", "dark"},
		Standard: map[string]map[string]string{},
	}
	for _, lang := range d.Languages {
		d.Standard[lang], _ = widget.Texts(lang)
	}
	return d
}

func (s *Server) settingsPage(c echo.Context) error {
	v, err := s.siteView(c, "settings")
	if err != nil {
		return err
	}
	v.Form, v.Data = settingsForm(v.Site), newSettingsData()
	return s.show(c, "settings", v)
}

// changeSettings stores the details and the banner's draft. Visitors see it when it is published.
func (s *Server) changeSettings(c echo.Context) error {
	f, err := readForm(c)
	if err != nil {
		return err
	}
	v, err := s.siteView(c, "settings")
	if err != nil {
		return err
	}
	site := *v.Site
	fillDetails(&site, f)
	site.Homepage = f.Get("homepage")
	fillBanner(&site.Banner, f)
	if err := together(site.Validate(), site.Banner.Validate()); err != nil {
		v.Form, v.Data = f, newSettingsData()
		return s.again(c, "settings", v, err)
	}
	if err := s.db.UpdateSite(c.Request().Context(), site); err != nil {
		return err
	}
	if err := s.catalog.refresh(c.Request().Context()); err != nil {
		return err
	}
	return seeOther(c, "/sites/"+site.ID+"/settings?done=saved")
}

// settingsForm shows a site in the form's fields.
func settingsForm(s *consent.Site) *dashboard.Form {
	b, k := &s.Banner, &s.Controller
	v := url.Values{}
	for name, value := range map[string]string{
		"name": s.Name, "domains": strings.Join(s.Domains, "\n"), "homepage": s.Homepage, "controller.name": k.Name, "controller.cvr": k.CVR,
		"controller.address": k.Address, "controller.email": k.Email, "controller.phone": k.Phone, "controller.dpo": k.DPO,
		"privacy_url": b.PrivacyURL, "declaration_url": b.Declaration, "days": strconv.Itoa(b.Days), "form": b.Form, "corner": b.Corner,
		"theme": b.Theme, "accent": b.Accent, "domain": b.Domain, "consent_mode": yes(b.ConsentMode), "gpc": yes(b.GPC),
	} {
		v.Set(name, value)
	}
	v["languages"] = b.Languages
	if len(b.Languages) > 0 {
		v.Set("default_language", b.Languages[0])
	}
	for _, c := range b.Categories {
		v.Add("categories", string(c))
	}
	for lang, texts := range b.Texts {
		for key, words := range texts {
			v.Set("texts."+lang+"."+key, words)
		}
	}
	return &dashboard.Form{Values: v}
}

func yes(b bool) string {
	if b {
		return "yes"
	}
	return ""
}

// fillBanner takes over the fields of the form; what the form doesn't show stays.
func fillBanner(b *consent.Banner, f *dashboard.Form) {
	b.Languages = nil
	for _, lang := range widget.Languages() {
		if f.Has("languages", lang) {
			b.Languages = append(b.Languages, lang)
		}
	}
	first := f.Get("default_language")
	slices.SortStableFunc(b.Languages, func(x, y string) int { return index(y == first) - index(x == first) })
	b.Categories = nil
	for _, k := range consent.Categories() {
		if f.Has("categories", string(k)) {
			b.Categories = append(b.Categories, k)
		}
	}
	b.Days, _ = strconv.Atoi(f.Get("days")) // what isn't a number is refused as 0
	b.PrivacyURL, b.Declaration = f.Get("privacy_url"), f.Get("declaration_url")
	b.Form, b.Corner, b.Theme, b.Accent = f.Get("form"), f.Get("corner"), f.Get("theme"), strings.ToLower(f.Get("accent"))
	b.ConsentMode, b.GPC = f.Get("consent_mode") == "yes", f.Get("gpc") == "yes"
	b.Domain = strings.ToLower(f.Get("domain"))
	fillTexts(b, f)
}

func index(b bool) int {
	if b {
		return 1
	}
	return 0
}

// fillTexts keeps the words that differ from the standard ones. An empty field means the standard text.
func fillTexts(b *consent.Banner, f *dashboard.Form) {
	texts := map[string]map[string]string{}
	for lang, own := range b.Texts {
		for key, words := range own {
			if !slices.Contains(ownTexts, key) {
				set(texts, lang, key, words)
			}
		}
	}
	for _, lang := range widget.Languages() {
		standard, _ := widget.Texts(lang)
		for _, key := range ownTexts {
			if words := f.Get("texts." + lang + "." + key); words != "" && words != standard[key] {
				set(texts, lang, key, words)
			}
		}
	}
	if b.Texts = texts; len(texts) == 0 {
		b.Texts = nil
	}
}

func set(texts map[string]map[string]string, lang, key, words string) {
	if texts[lang] == nil {
		texts[lang] = map[string]string{}
	}
	texts[lang][key] = words
}

// compact drops the spaces that people group digits with.
func compact(s string) string { return strings.Join(strings.Fields(s), "") }

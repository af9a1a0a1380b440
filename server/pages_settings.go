package server

import (
	"errors"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/labstack/echo/v4"
	"golang.org/x/text/collate"
	"golang.org/x/text/language"

	"samtykke/consent"
	"samtykke/server/dashboard"
	"samtykke/widget"
)

// toolNames are what the tools of consent.SignalNames and consent.MarkupNames call themselves, alike in every language.
var toolNames = map[string]string{
	"uet": "Microsoft Advertising (UET)", "clarity": "Microsoft Clarity", "meta": "Meta Pixel", "matomo": "Matomo", "tiktok": "TikTok Pixel",
	"wordpress": "WordPress (WP Consent API)", "shopify": "Shopify (Customer Privacy API)",
	"cookiebot": "Cookiebot", "vanilla-cookieconsent": "vanilla-cookieconsent", "klaro": "Klaro",
}

// ticks is a field of boxes whose labels are names and not words: they stand in every language as they are.
type ticks struct {
	Form    *dashboard.Form
	Name    string
	Options []tick
}

// tick is one box of ticks.
type tick struct{ Value, Name, Lang string }

// Signals are the tools that can be told of the choice.
func (editorData) Signals(f *dashboard.Form) ticks { return tools(f, "signals", consent.SignalNames) }

// Markup are the tools whose markup can be understood.
func (editorData) Markup(f *dashboard.Form) ticks { return tools(f, "markup", consent.MarkupNames) }

// Languages are all that the banner can speak: the chosen ones first, as the form has them, the others by name.
func (editorData) Languages(f *dashboard.Form) ticks {
	chosen := chosenLanguages(f)
	var others []string
	for _, lang := range widget.Languages() {
		if !slices.Contains(chosen, lang) {
			others = append(others, lang)
		}
	}
	order := collate.New(language.Und)
	slices.SortFunc(others, func(a, b string) int {
		return order.CompareString(dashboard.LanguageName(a), dashboard.LanguageName(b))
	})
	return ticks{f, "languages", named(slices.Concat(chosen, others))}
}

// Spoken are the languages that the default can be chosen from.
func (editorData) Spoken(f *dashboard.Form) []tick { return named(chosenLanguages(f)) }

// ruleField is a field with one rule a line, and the line that was refused; 0 for none.
type ruleField struct {
	dashboard.Field
	Line int
}

// Rules adds to a field which of its lines was refused.
func (d editorData) Rules(field dashboard.Field) ruleField {
	return ruleField{field, d.Lines[field.Name]}
}

func tools(f *dashboard.Form, field string, names []string) ticks {
	t := ticks{Form: f, Name: field}
	for _, name := range names {
		t.Options = append(t.Options, tick{Value: name, Name: toolNames[name]})
	}
	return t
}

func named(languages []string) []tick {
	list := make([]tick, len(languages))
	for i, lang := range languages {
		list[i] = tick{lang, dashboard.LanguageName(lang), lang}
	}
	return list
}

// chosenLanguages are the ticked languages in the form's order. A stranger's code is left out.
func chosenLanguages(f *dashboard.Form) []string {
	var list []string
	for _, lang := range f.Values["languages"] {
		if slices.Contains(widget.Languages(), lang) && !slices.Contains(list, lang) {
			list = append(list, lang)
		}
	}
	return list
}

// settingsPage shows who a site is and who is behind it. How it asks is the editor's.
func (s *Server) settingsPage(c echo.Context) error {
	v, err := s.siteView(c, "settings")
	if err != nil {
		return err
	}
	v.Form = settingsForm(v.Site, dashboard.For(languageOf(c)))
	return s.show(c, "settings", v)
}

// changeSettings stores the details in the draft. Visitors see them when it is published.
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
	if _, err := fillSection(&site, "who", "", f); err != nil {
		v.Form = f
		return s.again(c, "settings", v, err)
	}
	if err := s.changeSite(c, site, "settings_changed"); err != nil {
		return err
	}
	return seeOther(c, "/sites/"+site.ID+"/settings?done=saved")
}

// changeSite stores a site's draft. what names the change in the audit log.
func (s *Server) changeSite(c echo.Context, site consent.Site, what string) error {
	if err := s.db.UpdateSite(c.Request().Context(), site, s.deed(c, what, site.ID)); err != nil {
		return err
	}
	return s.catalog.refresh(c.Request().Context())
}

// about keeps of an error what concerns some fields: nil where nothing does. An error that isn't about fields stays.
func about(err error, field func(string) bool) error {
	var e *consent.Error
	if !errors.As(err, &e) || len(e.Fields) == 0 {
		return err
	}
	kept := maps.Clone(e.Fields)
	maps.DeleteFunc(kept, func(name, _ string) bool { return !field(name) })
	if len(kept) == 0 {
		return nil
	}
	return &consent.Error{Kind: e.Kind, Code: e.Code, Message: e.Message, Fields: kept}
}

// singles and switches are the banner's fields that the form shows one by one, each under its own name in JSON.
func singles(b *consent.Banner) map[string]*string {
	return map[string]*string{
		"privacy_url": &b.PrivacyURL, "declaration_url": &b.Declaration, "form": &b.Form, "corner": &b.Corner, "theme": &b.Theme,
		"accent": &b.Accent, "round": &b.Round, "font": &b.Font, "domain": &b.Domain, "cbid": &b.CBID,
	}
}

func switches(b *consent.Banner) map[string]*bool {
	return map[string]*bool{
		"consent_mode": &b.ConsentMode, "ads_data_redaction": &b.AdsRedaction, "url_passthrough": &b.URLPassthrough, "gpc": &b.GPC, "dnt": &b.DNT,
		"auto_block": &b.AutoBlock, "per_vendor": &b.PerVendor, "import": &b.Import, "first_party": &b.FirstParty,
	}
}

// usual are the values that the banner leaves empty and that a radio button must have a name for.
var usual = map[string]string{"round": "moderate", "font": "system"}

// lowered are the fields in which capitals mean nothing.
var lowered = []string{"accent", "domain", "cbid"}

// settingsForm shows a site in the form's fields, with categories in the reader's words.
func settingsForm(s *consent.Site, words *dashboard.Words) *dashboard.Form {
	b, k := s.Banner, &s.Controller
	v := url.Values{}
	for name, value := range map[string]string{
		"name": s.Name, "domains": strings.Join(s.Domains, "\n"), "homepage": s.Homepage, "controller.name": k.Name, "controller.cvr": k.CVR,
		"controller.address": k.Address, "controller.email": k.Email, "controller.phone": k.Phone, "controller.dpo": k.DPO, "days": strconv.Itoa(b.Days),
		"hosts": hostLines(b.Hosts, words), "services": serviceLines(b.Services, words),
	} {
		v.Set(name, value)
	}
	for name, value := range singles(&b) {
		if v.Set(name, *value); *value == "" {
			v.Set(name, usual[name])
		}
	}
	for name, on := range switches(&b) {
		if *on {
			v.Set(name, "yes")
		}
	}
	v["languages"], v["signals"], v["markup"] = b.Languages, b.Signals, b.Markup
	if len(b.Languages) > 0 {
		v.Set("default_language", b.Languages[0])
	}
	for _, c := range b.Categories {
		v.Add("categories", string(c))
	}
	return &dashboard.Form{Values: v}
}

// fillBanner takes over the fields of a form that has all of them; what no form shows stays.
func fillBanner(b *consent.Banner, f *dashboard.Form) {
	for name, value := range singles(b) {
		if *value = f.Get(name); slices.Contains(lowered, name) {
			*value = strings.ToLower(*value)
		}
		if *value == usual[name] {
			*value = ""
		}
	}
	for name, on := range switches(b) {
		*on = f.Get(name) == "yes"
	}
	first := f.Get("default_language")
	b.Languages = chosenLanguages(f)
	slices.SortStableFunc(b.Languages, func(x, y string) int { return index(y == first) - index(x == first) })
	b.Categories = nil
	for _, k := range consent.Categories() {
		if f.Has("categories", string(k)) {
			b.Categories = append(b.Categories, k)
		}
	}
	b.Signals, b.Markup = ticked(f, "signals", consent.SignalNames), ticked(f, "markup", consent.MarkupNames)
	b.Days, _ = strconv.Atoi(f.Get("days")) // what isn't a number is refused as 0
}

func index(b bool) int {
	if b {
		return 1
	}
	return 0
}

// ticked are the known values that are ticked.
func ticked(f *dashboard.Form, field string, known []string) []string {
	var list []string
	for _, v := range known {
		if f.Has(field, v) {
			list = append(list, v)
		}
	}
	return list
}

// compact drops the spaces that people group digits with.
func compact(s string) string { return strings.Join(strings.Fields(s), "") }

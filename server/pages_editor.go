package server

import (
	"net/http"
	"net/url"
	"slices"

	"github.com/labstack/echo/v4"

	"samtykke/consent"
	"samtykke/server/dashboard"
	"samtykke/widget"
)

// The editor is one page a section, with the draft's own banner beside it. Each section is a form of its own, so that what is
// wrong in one keeps nothing else from being saved.

// editorSections are the sections of the editor, in its order.
var editorSections = []string{"texts", "look", "languages", "asks", "signals", "blocking", "elsewhere"}

// sectionFields are the fields of each section. Those of "texts" are named by their language; "who" has a page of its own.
var sectionFields = map[string][]string{
	"who": {
		"name", "domains", "homepage", "controller.name", "controller.cvr", "controller.address", "controller.email", "controller.phone",
		"controller.dpo", "privacy_url", "declaration_url",
	},
	"look":      {"form", "corner", "theme", "accent", "round", "font"},
	"languages": {"languages", "default_language"},
	"asks":      {"categories", "per_vendor", "days", "domain", "first_party"},
	"signals":   {"consent_mode", "ads_data_redaction", "url_passthrough", "signals", "gpc", "dnt"},
	"blocking":  {"auto_block", "hosts"},
	"elsewhere": {"markup", "services", "import", "cbid"},
}

// editorData is the editor beside the form's fields.
type editorData struct {
	looking
	Sections []string
	Lines    map[string]int // fields with one rule a line: the line that was refused
	Texts    *textsData     // of the section of texts
	Tongues  []textLanguage
	Changes  int  // how many things differ from what is published
	First    bool // nothing is published yet
}

// looking is which section is edited and what the preview shows of it.
type looking struct {
	Site, Section, Lang, Layer, Width string
}

// readLooking reads an address of the editor. A language that the banner doesn't have is NotFound.
func readLooking(c echo.Context, site *consent.Site) (looking, error) {
	one := func(name string, known ...string) string {
		if v := c.QueryParam(name); slices.Contains(known, v) {
			return v
		}
		return known[0]
	}
	l := looking{
		Site: site.ID, Section: one("section", editorSections...), Layer: one("layer", previewLayers...), Width: one("width", previewWidths...),
		Lang: c.QueryParam("lang"),
	}
	// A language of the banner that the program has no texts in can't be worded either.
	known := slices.DeleteFunc(slices.Clone(site.Banner.Languages), func(l string) bool { return !slices.Contains(widget.Languages(), l) })
	if l.Lang == "" && len(known) > 0 {
		l.Lang = known[0]
	}
	if !slices.Contains(known, l.Lang) {
		return l, consent.NotFound("no_language", "The banner doesn't have this language. Choose it in the settings first.")
	}
	return l, nil
}

// With is the editor's address with one thing changed.
func (l looking) With(name, value string) string {
	switch name {
	case "section":
		l.Section = value
	case "lang":
		l.Lang = value
	case "layer":
		l.Layer = value
	case "width":
		l.Width = value
	}
	return l.Address()
}

// Address is the editor's address for this.
func (l looking) Address() string {
	address := "/sites/" + l.Site + "/editor?section=" + l.Section + "&lang=" + url.QueryEscape(l.Lang)
	if l.Layer != previewLayers[0] {
		address += "&layer=" + l.Layer
	}
	if l.Width != previewWidths[0] {
		address += "&width=" + l.Width
	}
	return address
}

// Preview is the address of the preview.
func (l looking) Preview() string {
	return "/sites/" + l.Site + "/preview?" + url.Values{"section": {l.Section}, "lang": {l.Lang}, "layer": {l.Layer}}.Encode()
}

// Layers and Widths are what can be chosen.
func (l looking) Layers() []string { return previewLayers }
func (l looking) Widths() []string { return previewWidths }

// editorPage shows a section with the stored draft.
func (s *Server) editorPage(c echo.Context) error {
	v, d, err := s.editorView(c)
	if err != nil {
		return err
	}
	v.Form = settingsForm(v.Site, dashboard.For(languageOf(c)))
	if d.Texts != nil {
		v.Form = &dashboard.Form{Values: url.Values{}}
		for key, words := range v.Site.Banner.Texts[d.Lang] {
			v.Form.Values.Set(textField(d.Lang, key), words)
		}
	}
	v.Data = d
	return s.showEditor(c, http.StatusOK, v)
}

// editorView begins the editor's page.
func (s *Server) editorView(c echo.Context) (v dashboard.View, d editorData, err error) {
	if v, err = s.siteView(c, "editor"); err != nil {
		return v, d, err
	}
	d.Sections = editorSections
	if d.looking, err = readLooking(c, v.Site); err != nil {
		return v, d, err
	}
	for _, l := range v.Site.Banner.Languages {
		d.Tongues = append(d.Tongues, textLanguage{l, dashboard.LanguageName(l), len(v.Site.Banner.Texts[l])})
	}
	if d.Section == "texts" {
		texts := newTextsData(v.Site, d.Lang)
		d.Texts = &texts
	}
	changes, err := s.draftChanges(c, v.Site)
	if err != nil {
		return v, d, err
	}
	d.First = changes == nil
	for _, g := range changes {
		d.Changes += len(g.Changes)
	}
	return v, d, nil
}

// showEditor answers with the page, which alone may frame its preview and run the script that follows what is typed.
func (s *Server) showEditor(c echo.Context, code int, v dashboard.View) error {
	v.Script = scriptPath("editor")
	allowScript(c, "; frame-src 'self'")
	return s.showAs(c, code, "editor", v)
}

// changeBanner stores a section of the draft. Visitors see it when it is published.
func (s *Server) changeBanner(c echo.Context) error {
	f, err := readForm(c)
	if err != nil {
		return err
	}
	v, d, err := s.editorView(c)
	if err != nil {
		return err
	}
	site := *v.Site
	if d.Lines, err = fillSection(&site, d.Section, d.Lang, f); err != nil {
		v.Form, v.Data = f, d
		return s.againAs(c, v, err, func(code int, v dashboard.View) error { return s.showEditor(c, code, v) })
	}
	what, done := "settings_changed", "saved"
	if d.Section == "texts" {
		what, done = "texts_changed", "texts_saved"
	}
	if err := s.changeSite(c, site, what); err != nil {
		return err
	}
	if !slices.Contains(site.Banner.Languages, d.Lang) {
		d.Lang = site.Banner.Languages[0] // it was just taken away
	}
	return seeOther(c, d.Address()+"&done="+done)
}

// fillSection puts what a section's form holds into a site. It says what is wrong with those fields, and in which line; what
// may be wrong elsewhere is not this form's affair. Publishing looks at everything.
func fillSection(site *consent.Site, section, lang string, f *dashboard.Form) (lines map[string]int, err error) {
	if section == "texts" {
		site.Banner.Texts = wordedIn(site.Banner.Texts, lang, f)
		return nil, checkWords(site, lang)
	}
	fields := sectionFields[section]
	whole := settingsForm(site, dashboard.For("en")) // the form with all fields, as it is
	for _, name := range fields {
		delete(whole.Values, name)
		if values, ok := f.Values[name]; ok {
			whole.Values[name] = slices.Clone(values)
		}
	}
	fillDetails(site, whole)
	site.Homepage = whole.Get("homepage")
	fillBanner(&site.Banner, whole)
	lines, wrong := fillRules(&site.Banner, whole)
	ours := func(field string) bool { return slices.Contains(fields, field) }
	return lines, together(about(site.Validate(), ours), about(wrong, ours), about(site.Banner.Validate(), ours))
}

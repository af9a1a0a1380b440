package server

import (
	"maps"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"github.com/labstack/echo/v4"

	"samtykke/consent"
	"samtykke/server/dashboard"
	"samtykke/widget"
)

// textGroups are the keys of the banner's texts by where visitors meet them, in the order of the page.
var textGroups = []textGroup{
	{"first", []string{
		"title", "intro", "third_parties_none", "third_parties_one", "third_parties_many", "withdraw_hint", "withdraw_hint_link",
		"declaration", "privacy", "accept", "reject", "choose", "leave", "saved", "reopen",
	}},
	{"second", []string{
		"dialog_title", "always_on", "details", "no_items", "unavailable", "signal", "save", "close",
		"record", "history", "said_accept_all", "said_reject_all", "said_custom", "said_withdraw",
		"withdraw", "receipt", "rights", "erase", "erase_warning", "erase_confirm", "erased", "locked",
	}},
	{"embeds", []string{"embed_title", "embed_text", "embed_once", "embed_always"}},
	{"categories", []string{
		"necessary_name", "necessary_purpose", "preferences_name", "preferences_purpose", "statistics_name", "statistics_purpose",
		"marketing_name", "marketing_purpose",
	}},
}

type textGroup struct {
	Name string
	Keys []string
}

// textsData is the page on which an owner words the banner, one language at a time.
type textsData struct {
	Lang, Name string
	Languages  []textLanguage
	Groups     []wordedGroup
}

// textLanguage is a language of the banner; Own is how many of its texts the owner has worded.
type textLanguage struct {
	Code, Name string
	Own        int
}

// wordedGroup is a textGroup with its fields.
type wordedGroup struct {
	Name   string
	Fields []wordedText
}

// wordedText is one text: its standard words, and which placeholders it must keep and may use.
type wordedText struct {
	Key, Field, Standard string
	Must, May            []string
	Rows                 int // lines that the words need; 0 for a short label
}

func newTextsData(site *consent.Site, lang string) textsData {
	d := textsData{Lang: lang, Name: dashboard.LanguageName(lang)}
	for _, l := range site.Banner.Languages {
		d.Languages = append(d.Languages, textLanguage{l, dashboard.LanguageName(l), len(site.Banner.Texts[l])})
	}
	standard, _ := widget.Texts(lang)
	for _, g := range textGroups {
		group := wordedGroup{Name: g.Name}
		for _, key := range g.Keys {
			group.Fields = append(group.Fields, newWordedText(lang, key, standard[key]))
		}
		d.Groups = append(d.Groups, group)
	}
	return d
}

func newWordedText(lang, key, standard string) wordedText {
	t := wordedText{Key: key, Field: textField(lang, key), Standard: standard, Must: widget.MustName(key)}
	for _, p := range placeholder.FindAllString(standard, -1) {
		if !slices.Contains(t.Must, p) {
			t.May = append(t.May, p)
		}
	}
	if n := len([]rune(standard)); n > 45 {
		t.Rows = 1 + n/60
	}
	return t
}

// placeholder is what the banner fills in.
var placeholder = regexp.MustCompile(`\{[^{}]*\}`)

// textField names the field of a text as the banner's validation does.
func textField(lang, key string) string { return "texts." + lang + "." + key }

func (s *Server) textsPage(c echo.Context) error {
	v, lang, err := s.textsView(c)
	if err != nil {
		return err
	}
	v.Form = &dashboard.Form{Values: url.Values{}}
	for key, words := range v.Site.Banner.Texts[lang] {
		v.Form.Values.Set(textField(lang, key), words)
	}
	return s.show(c, "wording", v)
}

// textsView begins the page of texts, in the language asked for or in the banner's first.
func (s *Server) textsView(c echo.Context) (v dashboard.View, lang string, err error) {
	if v, err = s.siteView(c, ""); err != nil {
		return v, "", err
	}
	// A language of the banner that the program has no texts in can't be worded either.
	known := slices.DeleteFunc(slices.Clone(v.Site.Banner.Languages), func(l string) bool { return !slices.Contains(widget.Languages(), l) })
	if lang = c.QueryParam("lang"); lang == "" && len(known) > 0 {
		lang = known[0]
	}
	if !slices.Contains(known, lang) {
		return v, "", consent.NotFound("no_language", "The banner doesn't have this language. Choose it in the settings first.")
	}
	v.Data = newTextsData(v.Site, lang)
	return v, lang, nil
}

// changeTexts stores an owner's words for one language in the draft. What publishing would refuse of them is refused
// here already (B6, B21, H13).
func (s *Server) changeTexts(c echo.Context) error {
	f, err := readForm(c)
	if err != nil {
		return err
	}
	v, lang, err := s.textsView(c)
	if err != nil {
		return err
	}
	site := *v.Site
	site.Banner.Texts = wordedIn(site.Banner.Texts, lang, f)
	if err := checkWords(&site, lang); err != nil {
		v.Form = f
		return s.again(c, "wording", v, err)
	}
	if err := s.changeSite(c, site, "texts_changed"); err != nil {
		return err
	}
	return seeOther(c, "/sites/"+site.ID+"/texts?lang="+lang+"&done=texts_saved")
}

// wordedIn gives the texts with a form's words for one language. An empty field and the standard words both mean
// the standard text, which then follows the program. What the form doesn't hold stays.
func wordedIn(texts map[string]map[string]string, lang string, f *dashboard.Form) map[string]map[string]string {
	standard, _ := widget.Texts(lang)
	own := maps.Clone(texts[lang])
	if own == nil {
		own = map[string]string{}
	}
	for key := range standard {
		words := f.Get(textField(lang, key))
		switch {
		case !f.Values.Has(textField(lang, key)):
		case words == "" || words == standard[key]:
			delete(own, key)
		default:
			own[key] = words
		}
	}
	all := maps.Clone(texts)
	if all == nil {
		all = map[string]map[string]string{}
	}
	if all[lang] = own; len(own) == 0 {
		delete(all, lang)
	}
	if len(all) == 0 {
		return nil
	}
	return all
}

// checkWords says what is wrong with a site's own words in one language. Other languages have their own page.
func checkWords(site *consent.Site, lang string) error {
	c := content(site, nil)
	here := func(field string) bool { return strings.HasPrefix(field, textField(lang, "")) }
	return together(about(widget.CheckTexts(&c), here), checkShown(c.Texts[lang], lang), about(site.Banner.Validate(), here))
}

// checkShown refuses words that go wrong only beside the standard ones: a placeholder that nothing fills in, which
// visitors would read as it is, and a yes that reads like the standard no (B6).
func checkShown(texts map[string]string, lang string) error {
	standard, _ := widget.Texts(lang)
	wrong := map[string]string{}
	for key, words := range texts {
		known := placeholder.FindAllString(standard[key], -1)
		for _, p := range placeholder.FindAllString(words, -1) {
			if !slices.Contains(known, p) {
				wrong[textField(lang, key)] = "Nothing is filled in for " + p + " in this text."
			}
		}
	}
	if strings.EqualFold(texts["accept"], texts["reject"]) {
		wrong[textField(lang, "reject")] = "Accept and reject need different words."
	}
	if len(wrong) == 0 {
		return nil
	}
	return &consent.Error{Kind: consent.KindInvalid, Code: "bad_texts", Message: "The texts are not right yet.", Fields: wrong}
}

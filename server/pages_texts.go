package server

import (
	"maps"
	"regexp"
	"slices"
	"strings"

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
// visitors would read as it is, and a yes that reads like the standard no; and those that nudge (B4 to B6, B17).
func checkShown(texts map[string]string, lang string) error {
	standard, _ := widget.Texts(lang)
	wrong := map[string]string{}
	for key, why := range nudging(texts, lang) {
		wrong[textField(lang, key)] = why
	}
	for key, words := range texts {
		known := placeholder.FindAllString(standard[key], -1)
		for _, p := range placeholder.FindAllString(words, -1) {
			if !slices.Contains(known, p) {
				wrong[textField(lang, key)] = "Nothing is filled in for " + p + " in this text."
			}
		}
	}
	if strings.EqualFold(texts["accept"], texts["reject"]) {
		delete(wrong, textField(lang, "accept")) // one sentence is enough
		wrong[textField(lang, "reject")] = "Accept and reject need different words."
	}
	if len(wrong) == 0 {
		return nil
	}
	return &consent.Error{Kind: consent.KindInvalid, Code: "bad_texts", Message: "The texts are not right yet.", Fields: wrong}
}

// Package wording knows what is written on banners and pages about cookies: what a button's label stands for, which language a
// text is in, which purposes it names, and phrases that take going on for consent. A scan reads banners by its tables, and the
// editor checks texts by them before they are published.
package wording

import (
	_ "embed"
	"encoding/json"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"samtykke/consent"
)

//go:embed words.json
var wordsJSON []byte

// vocabulary is what texts about cookies are recognised by in one language: common words, and the beginnings of words
// that name a category or those who get data.
type vocabulary struct {
	Common, Necessary, Preferences, Statistics, Marketing, Partners []string
}

// vocabularies are by language.
var vocabularies = func() (v map[string]vocabulary) {
	if err := json.Unmarshal(wordsJSON, &v); err != nil {
		panic("words.json: " + err.Error())
	}
	return v
}()

func (v *vocabulary) of(c consent.Category) []string {
	switch c {
	case consent.Necessary:
		return v.Necessary
	case consent.Preferences:
		return v.Preferences
	case consent.Statistics:
		return v.Statistics
	case consent.Marketing:
		return v.Marketing
	}
	return nil
}

// Understands says whether what texts in a language are about can be told.
func Understands(lang string) bool {
	_, known := vocabularies[lang]
	return known
}

func wordsOf(text string) []string {
	return strings.FieldsFunc(strings.ToLower(text), func(r rune) bool { return !unicode.IsLetter(r) && r != '\'' && r != '-' })
}

// Language says which language a text is in, by its common words; "" where too few of them tell, or where two
// languages could be meant.
func Language(text string) string {
	words := wordsOf(text)
	best, most, second := "", 0, 0
	for lang, v := range vocabularies {
		n := 0
		for _, w := range words {
			if slices.Contains(v.Common, w) {
				n++
			}
		}
		switch {
		case n > most:
			best, most, second = lang, n, most
		case n > second:
			second = n
		}
	}
	if most < 4 || most < len(words)/10 || most*5 < second*6 {
		return ""
	}
	return best
}

// Category says which category a label names; "" where it names none, several, or the opposite of one.
func Category(label, lang string) string {
	label = strings.ToLower(label)
	found := ""
	for _, c := range consent.Categories() {
		if !names(label, lang, c) {
			continue
		}
		if found != "" {
			return ""
		}
		found = string(c)
	}
	return found
}

// names says whether words about a category are in a text, at the beginning of a word, and not denied. Where the
// language isn't known, those of any language count.
func names(text, lang string, c consent.Category) bool {
	for l, v := range vocabularies {
		if lang != "" && l != lang && l != "en" {
			continue
		}
		if slices.ContainsFunc(v.of(c), func(stem string) bool { return begins(text, stem) }) {
			return true
		}
	}
	return false
}

// denials turn the word that follows into its opposite.
var denials = []string{"ikke-", "ikke ", "non-", "non ", "not ", "nicht ", "niet-", "niet ", "icke-", "inte ", "no ", "não ", "ei-", "nem "}

// begins says whether a word of the text begins with a stem.
func begins(text, stem string) bool {
	for from := 0; ; {
		i := strings.Index(text[from:], stem)
		if i < 0 {
			return false
		}
		at := from + i
		last, _ := utf8.DecodeLastRuneInString(text[:at])
		starts := at == 0 || !unicode.IsLetter(last)
		denied := slices.ContainsFunc(denials, func(d string) bool { return strings.HasSuffix(text[:at], d) })
		if starts && !denied {
			return true
		}
		from = at + len(stem)
	}
}

// Purposes are the categories that a text names.
func Purposes(text, lang string) []string {
	text = strings.ToLower(text)
	var found []string
	for _, c := range consent.Categories() {
		if names(text, lang, c) {
			found = append(found, string(c))
		}
	}
	return found
}

// NamesPartners says whether a text speaks of others who get data.
func NamesPartners(text, lang string) bool {
	text = strings.ToLower(text)
	for l, v := range vocabularies {
		if (lang == "" || l == lang || l == "en") && slices.ContainsFunc(v.Partners, func(stem string) bool { return begins(text, stem) }) {
			return true
		}
	}
	return false
}

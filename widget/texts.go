package widget

import (
	"embed"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"samtykke/consent"
)

//go:embed texts/*.json
var textFiles embed.FS

// standard holds the texts that the program brings: language, key, words.
var standard = readTexts()

func readTexts() map[string]map[string]string {
	files, err := textFiles.ReadDir("texts")
	if err != nil {
		panic(err) // embedded: can't happen in a program that was built
	}
	all := map[string]map[string]string{}
	for _, f := range files {
		b, err := textFiles.ReadFile("texts/" + f.Name())
		if err != nil {
			panic(err)
		}
		var t map[string]string
		if err := json.Unmarshal(b, &t); err != nil {
			panic(fmt.Errorf("texts/%s: %w", f.Name(), err))
		}
		all[strings.TrimSuffix(f.Name(), ".json")] = t
	}
	return all
}

// Languages lists the languages with texts of their own, as two-letter codes in alphabetical order.
func Languages() []string { return slices.Sorted(maps.Keys(standard)) }

// Texts returns the standard texts of a language by key, and whether there are any. The map is the caller's own.
//
// Placeholders in braces are filled in by Compile: {controller}, {third_parties}, {count} and {reopen}; and by the
// script: {date}, {id}, {categories}, {category} and {provider}.
func Texts(lang string) (map[string]string, bool) {
	t, ok := standard[lang]
	return maps.Clone(t), ok
}

// mustName are the placeholders that a text can't do without, since the law wants them said on the first layer:
// who asks, and that third parties are in it (B8, B9).
var mustName = map[string][]string{"intro": {"{controller}", "{third_parties}"}, "third_parties_many": {"{count}"}}

// MustName lists the placeholders that the text of a key can't do without, in braces.
func MustName(key string) []string { return slices.Clone(mustName[key]) }

// CheckTexts refuses words that Compile would refuse: a notice's texts that are not complete in each of its languages
// (B21). Whoever lets an owner write texts asks here too, so that the owner learns at once and not at publishing.
func CheckTexts(c *consent.Content) error {
	wrong := map[string]string{}
	for _, lang := range c.Banner.Languages {
		want, ok := standard[lang]
		if !ok {
			wrong["languages"] = "There are no texts in the language " + lang + "."
			continue
		}
		for key := range want {
			field, words := "texts."+lang+"."+key, c.Texts[lang][key]
			if strings.TrimSpace(words) == "" {
				wrong[field] = "This text is missing."
			}
			for _, p := range mustName[key] {
				if !strings.Contains(words, p) {
					wrong[field] = "The text must contain " + p + "."
				}
			}
		}
	}
	if len(wrong) == 0 {
		return nil
	}
	return &consent.Error{Kind: consent.KindInvalid, Code: "bad_texts", Message: "The banner's texts are not complete.", Fields: wrong}
}

// firstKeys and laterKeys are the texts that every first layer has and those that are needed later.
var (
	firstKeys = []string{"title", "intro", "third_parties", "withdraw_hint", "declaration", "accept", "reject", "choose", "saved"}
	laterKeys = []string{
		"save", "close", "dialog_title", "always_on", "record", "details", "no_items", "unavailable", "signal", "history",
		"said_accept_all", "said_reject_all", "said_custom", "said_withdraw", "withdraw", "receipt", "rights", "erase", "erase_warning", "erase_confirm",
		"erased", "locked", "embed_title", "embed_text", "embed_once", "embed_always",
	}
)

// Shown returns what the banner shows in a language, by key, filled in but for {third_parties} in the intro, which the
// script makes a link of the words third_parties. Whoever shows a notice again takes the words from here, so that they
// are the very ones that the visitor saw.
func Shown(c *consent.Content, lang string) map[string]string {
	words := map[string]string{}
	for _, key := range slices.Concat(shownFirst(c), laterKeys) {
		words[key] = word(c, lang, key)
	}
	return words
}

// shownFirst lists the texts of a notice's first layer, in the order in which the script has them: the names and purposes
// of the categories last.
func shownFirst(c *consent.Content) []string {
	keys := slices.Clone(firstKeys)
	if c.Banner.PrivacyURL != "" {
		keys = append(keys, "privacy")
	}
	if c.Banner.Form == "dialog" {
		keys = append(keys, "leave")
	}
	if c.Banner.Corner != "none" {
		keys = append(keys, "reopen")
	}
	for _, cat := range append([]consent.Category{consent.Necessary}, c.Banner.Categories...) {
		keys = append(keys, string(cat)+"_name", string(cat)+"_purpose")
	}
	return keys
}

// word gives one text as it is shown.
func word(c *consent.Content, lang, key string) string {
	t := c.Texts[lang]
	switch key {
	case "intro":
		return strings.ReplaceAll(t[key], "{controller}", controllerOf(c))
	case "third_parties":
		return thirdParties(t, c.ThirdParties())
	case "withdraw_hint":
		if c.Banner.Corner == "none" {
			key = "withdraw_hint_link"
		}
		return strings.ReplaceAll(t[key], "{reopen}", t["reopen"])
	}
	return t[key]
}

// texts are a language's words as the script reads them: a list for the first layer and the rest by key.
type texts struct {
	First []string          `json:"first"`
	Later map[string]string `json:"later"`
}

func textsOf(c *consent.Content, lang string) texts {
	t := texts{Later: map[string]string{}}
	for _, key := range shownFirst(c) {
		t.First = append(t.First, word(c, lang, key))
	}
	for _, key := range laterKeys {
		t.Later[key] = word(c, lang, key)
	}
	return t
}

// pick takes some of the texts.
func pick(all map[string]string, keys ...string) map[string]string {
	some := map[string]string{}
	for _, k := range keys {
		some[k] = all[k]
	}
	return some
}

func controllerOf(c *consent.Content) string {
	if c.Controller.Name != "" {
		return c.Controller.Name
	}
	return c.SiteName
}

func thirdParties(t map[string]string, n int) string {
	switch n {
	case 0:
		return t["third_parties_none"]
	case 1:
		return t["third_parties_one"]
	}
	return strings.ReplaceAll(t["third_parties_many"], "{count}", strconv.Itoa(n))
}

package duties

import (
	"fmt"
	"html/template"
	"strings"
	"time"

	"golang.org/x/text/language"
	"golang.org/x/text/language/display"

	"samtykke/consent"
)

// vocabulary is what one language needs beside the texts.
type vocabulary struct {
	tag        language.Tag
	missing    string // what nobody has told
	eea        string
	date       string // of day, month and year
	clock      string // of date, hour and minute
	months     []string
	month      [2]string // one, several
	categories map[consent.Category]string
}

var vocabularies = map[string]*vocabulary{
	"da": {
		tag: language.Danish, missing: "ikke oplyst", eea: "EU/EØS", date: "%d. %s %d", clock: "%s kl. %02d.%02d (UTC)",
		months: strings.Fields("januar februar marts april maj juni juli august september oktober november december"), month: [2]string{"måned", "måneder"},
		categories: map[consent.Category]string{
			consent.Necessary: "nødvendige", consent.Preferences: "præferencer", consent.Statistics: "statistik", consent.Marketing: "marketing",
		},
	},
	"en": {
		tag: language.BritishEnglish, missing: "not stated", eea: "the EU/EEA", date: "%d %s %d", clock: "%s at %02d:%02d (UTC)",
		months: strings.Fields("January February March April May June July August September October November December"), month: [2]string{"month", "months"},
		categories: map[consent.Category]string{
			consent.Necessary: "necessary", consent.Preferences: "preferences", consent.Statistics: "statistics", consent.Marketing: "marketing",
		},
	},
}

// signals are the names under which the interfaces of consent.SignalNames are known.
var signals = map[string]string{
	"uet": "Microsoft Advertising (UET)", "clarity": "Microsoft Clarity", "meta": "Meta Pixel", "matomo": "Matomo", "tiktok": "TikTok Pixel",
	"wordpress": "WP Consent API", "shopify": "Shopify",
}

func (v *vocabulary) funcs() template.FuncMap {
	return template.FuncMap{
		"given": v.given, "day": v.day, "time": v.time, "months": v.count, "country": v.country, "outside": outside,
		"join": func(s []string) string { return v.given(strings.Join(s, ", ")) }, "languages": v.languages, "categories": v.list, "category": func(c consent.Category) string { return v.categories[c] }, "signals": signalNames,
	}
}

// given is a value, or the words for one that is missing: no blank may look as if there were nothing to know.
func (v *vocabulary) given(s string) string {
	if strings.TrimSpace(s) == "" {
		return v.missing
	}
	return s
}

func (v *vocabulary) day(t time.Time) string {
	if t.IsZero() {
		return v.missing
	}
	t = t.UTC()
	return fmt.Sprintf(v.date, t.Day(), v.months[t.Month()-1], t.Year())
}

func (v *vocabulary) time(t time.Time) string {
	if t.IsZero() {
		return v.missing
	}
	t = t.UTC()
	return fmt.Sprintf(v.clock, v.day(t), t.Hour(), t.Minute())
}

func (v *vocabulary) count(n int) string {
	if n == 1 {
		return "1 " + v.month[0]
	}
	return fmt.Sprintf("%d %s", n, v.month[1])
}

// country names a country; an empty code is the EU/EEA.
func (v *vocabulary) country(code string) string {
	r, err := language.ParseRegion(code)
	if err != nil || code == "EU" {
		return v.eea
	}
	return display.Regions(v.tag).Name(r)
}

func (v *vocabulary) languages(codes []string) string {
	out := make([]string, len(codes))
	for i, c := range codes {
		out[i] = display.Languages(v.tag).Name(language.Make(c))
	}
	return strings.Join(out, ", ")
}

func (v *vocabulary) list(cats []consent.Category) string {
	out := make([]string, len(cats))
	for i, c := range cats {
		out[i] = v.categories[c]
	}
	return strings.Join(out, ", ")
}

func signalNames(names []string) string {
	out := make([]string, len(names))
	for i, n := range names {
		out[i] = signals[n]
	}
	return strings.Join(out, ", ")
}

// eea are the countries of the EU and the EEA. EU stands for all of them.
const eea = " AT BE BG CY CZ DE DK EE ES EU FI FR GR HR HU IE IS IT LI LT LU LV MT NL NO PL PT RO SE SI SK "

// outside says whether a country is outside the EU/EEA, to which a transfer needs a basis (GDPR chapter V).
func outside(code string) bool {
	return code != "" && !strings.Contains(eea, " "+strings.ToUpper(code)+" ")
}

package declaration

import (
	"embed"
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"net/url"
	"strconv"
	"strings"
	"time"

	"golang.org/x/text/feature/plural"
	"golang.org/x/text/language"
	"golang.org/x/text/language/display"

	"samtykke/consent"
)

//go:embed texts/*.json
var textFiles embed.FS

// words is everything that a declaration says in one language.
type words struct {
	text     map[string]string
	months   []string
	sections []Section
	units    map[string]map[string]string // unit, plural category of CLDR: its form after a number
	tag      language.Tag
}

// standard is read once, at start: the files are part of the program, so a broken one is a broken build.
var standard = load()

func load() map[string]*words {
	files, err := textFiles.ReadDir("texts")
	if err != nil {
		panic(err)
	}
	all := map[string]*words{}
	for _, file := range files {
		raw, err := textFiles.ReadFile("texts/" + file.Name())
		if err != nil {
			panic(err)
		}
		var f struct {
			Words    map[string]string
			Months   []string
			Units    map[string]map[string]string
			Sections []Section
		}
		if err := json.Unmarshal(raw, &f); err != nil {
			panic(fmt.Errorf("texts/%s: %w", file.Name(), err))
		}
		lang := strings.TrimSuffix(file.Name(), ".json")
		all[lang] = &words{f.Words, f.Months, f.Sections, f.Units, tagOf(lang)}
	}
	return all
}

// tagOf is the variety of a language that its texts are written in, where the code alone means another one.
func tagOf(lang string) language.Tag {
	if lang == "pt" {
		return language.EuropeanPortuguese
	}
	return language.Make(lang)
}

// Word gives a label in a language, or in Danish where there are no texts in it.
func Word(lang, key string) string {
	if w := standard[lang]; w != nil {
		return w.text[key]
	}
	return standard["da"].text[key]
}

// wordsFor lays the notice's own words for the categories over the standard ones, so that the declaration speaks of
// them as the banner did. What the banner says of the necessary speaks of "here", which is there.
func wordsFor(c *consent.Content, lang string) *words {
	w := *standard[lang]
	w.text = maps.Clone(w.text)
	for _, k := range consent.Categories() {
		keys := []string{string(k) + "_name", string(k) + "_purpose"}
		if !k.Optional() {
			keys = keys[:1]
		}
		for _, key := range keys {
			if own := c.Texts[lang][key]; own != "" {
				w.text[key] = own
			}
		}
	}
	return &w
}

// fill puts values into {placeholders}: name, value, name, value.
func fill(text string, pairs ...string) string {
	for i := 0; i < len(pairs); i += 2 {
		text = strings.ReplaceAll(text, "{"+pairs[i]+"}", pairs[i+1])
	}
	return text
}

// date writes a day in words. Days are UTC, as everywhere else in the record.
func (w *words) date(t time.Time) string {
	t = t.UTC()
	return fill(w.text["date"], "day", strconv.Itoa(t.Day()), "month", w.months[t.Month()-1], "year", strconv.Itoa(t.Year()))
}

const day = 24 * time.Hour

// spans are the units of a lifetime, the longest first; the calendar's are averages.
var spans = []struct {
	name string
	unit time.Duration
}{
	{"year", 8766 * time.Hour}, {"month", 8766 * time.Hour / 12}, {"day", day}, {"hour", time.Hour}, {"minute", time.Minute}, {"second", time.Second},
}

// lifetime says a duration in the longest unit that fits (D2): 395 days are 13 months, 400 days stay 400 days. It may
// overstate by 1.5 % and understate by 2 %, at most a day: months differ by as much, and a scan sees a lifetime
// some seconds after it began.
func (w *words) lifetime(d time.Duration) string {
	for _, s := range spans {
		n := time.Duration(math.Round(float64(d) / float64(s.unit)))
		over := n*s.unit - d
		if n >= 1 && over <= d*3/200 && over >= -min(day, d/50) {
			return w.count(int(n), s.name)
		}
	}
	return w.count(1, "second")
}

// pluralForms are the categories of CLDR by the number that x/text gives them.
var pluralForms = map[plural.Form]string{plural.Zero: "zero", plural.One: "one", plural.Two: "two", plural.Few: "few", plural.Many: "many", plural.Other: "other"}

func (w *words) count(n int, unit string) string {
	form, ok := w.units[unit][pluralForms[plural.Cardinal.MatchPlural(w.tag, n, 0, 0, 0, 0)]]
	if !ok {
		form = w.units[unit]["other"]
	}
	if strings.HasPrefix(form, "-") {
		return strconv.Itoa(n) + form // Maltese ties some forms to the number
	}
	return strconv.Itoa(n) + " " + form
}

func (w *words) itemLifetime(i *consent.Item) string {
	switch {
	case i.Lifetime == consent.Persistent:
		return w.text["lifetime_persistent"]
	case i.Lifetime == 0 && i.Kind == consent.SessionStorage:
		return w.text["lifetime_tab"]
	case i.Lifetime == 0:
		return w.text["lifetime_session"]
	}
	return w.lifetime(i.Lifetime)
}

// eea are the countries of the EU and the EEA, to which the GDPR knows no transfer. EU stands for all of them.
const eea = " AT BE BG CY CZ DE DK EE ES EU FI FR GR HR HU IE IS IT LI LT LU LV MT NL NO PL PT RO SE SI SK "

func outsideEEA(country string) bool {
	return country != "" && !strings.Contains(eea, " "+strings.ToUpper(country)+" ")
}

func countryName(country, lang string) string {
	if country == "" {
		return ""
	}
	region, err := language.ParseRegion(country)
	if err != nil {
		return country
	}
	if name := display.Regions(tagOf(lang)).Name(region); name != "" {
		return name
	}
	return country
}

// hostOf is the host that the site's own cookies are set for.
func hostOf(c *consent.Content) string {
	if c.Banner.Domain != "" {
		return "." + c.Banner.Domain
	}
	u, err := url.Parse(c.Homepage)
	if err != nil {
		return ""
	}
	return u.Hostname()
}

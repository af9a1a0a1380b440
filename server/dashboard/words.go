package dashboard

import (
	"cmp"
	"encoding/json"
	"fmt"
	"html/template"
	"maps"
	"reflect"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/text/language"
	"golang.org/x/text/language/display"
)

// Words writes in one language.
type Words struct {
	Lang  string
	texts map[string]string
	// errors translates the English sentences of errors; a * in one stands for a part that varies.
	errors map[string]string
}

// Languages lists the languages of the dashboard, the default first.
func Languages() []string { return []string{"da", "en"} }

// For gives the words of a language; of Danish where there are none.
func For(lang string) *Words {
	if w := words()[lang]; w != nil {
		return w
	}
	return words()["da"]
}

var words = sync.OnceValue(func() map[string]*Words {
	all := map[string]*Words{}
	for _, lang := range Languages() {
		w := &Words{Lang: lang}
		mustRead("texts/"+lang+".json", &w.texts)
		if lang != "en" {
			mustRead("texts/errors."+lang+".json", &w.errors)
		}
		all[lang] = w
	}
	return all
})

// mustRead reads an embedded file; a broken one can't leave the tests.
func mustRead(file string, out any) {
	b, err := files.ReadFile(file)
	if err == nil {
		err = json.Unmarshal(b, out)
	}
	if err != nil {
		panic(fmt.Sprintf("%s: %v", file, err))
	}
}

// missing marks a text that isn't there, so that tests find it on any page.
const missing = "⟦"

// T is the text of a key with its arguments, as fmt writes them.
func (w *Words) T(key string, args ...any) string {
	text, ok := w.texts[key]
	switch {
	case !ok:
		return missing + key + "⟧"
	case len(args) == 0:
		return text
	}
	return fmt.Sprintf(text, args...)
}

// Has says whether there is a text.
func (w *Words) Has(key string) bool { return w.texts[key] != "" }

// N counts: the text of key.one for one thing, of key.many otherwise, with the number written out in it.
func (w *Words) N(key string, n int64) string {
	if n == 1 {
		return w.T(key + ".one")
	}
	return w.T(key+".many", w.Number(n))
}

// Error translates the sentence of an error. English stands as it is; so does what nobody has translated.
func (w *Words) Error(sentence string) string {
	if t, ok := w.errors[sentence]; ok || w.Lang == "en" {
		if !ok {
			return sentence
		}
		return t
	}
	for _, pattern := range slices.Sorted(maps.Keys(w.errors)) {
		if part, ok := varying(pattern, sentence); ok {
			return strings.Replace(w.errors[pattern], "*", part, 1)
		}
	}
	return sentence
}

func varying(pattern, sentence string) (string, bool) {
	head, tail, ok := strings.Cut(pattern, "*")
	if !ok || len(sentence) < len(head)+len(tail) || !strings.HasPrefix(sentence, head) || !strings.HasSuffix(sentence, tail) {
		return "", false
	}
	return sentence[len(head) : len(sentence)-len(tail)], true
}

// Pick chooses this language's text of a map by language, else any other one.
func (w *Words) Pick(texts map[string]string) string {
	if t := texts[w.Lang]; t != "" {
		return t
	}
	for _, lang := range slices.Sorted(maps.Keys(texts)) {
		if texts[lang] != "" {
			return texts[lang]
		}
	}
	return ""
}

// funcs are what templates may call.
func (w *Words) funcs() template.FuncMap {
	return template.FuncMap{
		"t": w.T, "has": w.Has, "error": w.Error, "pick": w.Pick, "share": w.Share, "lifetime": w.Lifetime, "day": w.Day, "dayshort": w.DayShort,
		"n":      func(key string, n any) string { return w.N(key, reflect.ValueOf(n).Int()) },
		"number": func(n any) string { return w.Number(reflect.ValueOf(n).Int()) },
		"moment": func(t time.Time) template.HTML { return w.element(t, w.Moment(t)) },
		"short":  func(t time.Time) template.HTML { return w.element(t, w.Short(t)) },
		"key":    func(parts ...string) string { return strings.Join(parts, ".") },
		"list":   func(s ...string) []string { return s },
		"things": func(v ...any) []any { return v },
		"both":   func(v ...any) []any { return v },
		"change": w.change, "strip": strip, "percent": percent,
		"input": input, "boxes": boxes, "worded": worded, "entry": entry,
		"other": other, "name": LanguageName, "tongue": w.Language, "initial": initial, "tabs": tabs, "admintabs": adminTabs, "size": w.Size, "stack": Stack, "newest": newest, "ends": ends,
	}
}

// Tab leads to one of a site's pages, or to a group of them.
type Tab struct {
	Key, Path string
	Pages     []Tab // of a group, its first one among them; nil where it is alone
}

// Holds says whether a page is the tab's, or in its group.
func (t Tab) Holds(page string) bool {
	return t.Key == page || slices.ContainsFunc(t.Pages, func(p Tab) bool { return p.Key == page })
}

// tabs are a site's pages as its navigation groups them.
func tabs() []Tab {
	group := func(key string, pages ...Tab) Tab { return Tab{key, pages[0].Path, pages} }
	page := func(key string) Tab { return Tab{Key: key, Path: "/" + key} }
	return []Tab{
		{Key: "overview"},
		group("log", page("consents"), page("pack")),
		group("banner", page("editor"), page("declaration"), page("notices")),
		group("scanning", page("scans"), page("domains")),
		group("requests", page("rights"), page("retention")),
		group("duties", page("papers"), page("audit")),
		page("settings"),
	}
}

// adminTabs are the pages of whoever runs the installation.
func adminTabs() []Tab {
	return []Tab{
		{Key: "status", Path: "/installation/status"},
		{Key: "organisations", Path: "/organisations"},
		{Key: "audit", Path: "/audit"},
		{Key: "installation", Path: "/installation"},
	}
}

// newest turns a chart's days around for the table.
func newest(bars []Bar) []Bar {
	bars = slices.Clone(bars)
	slices.Reverse(bars)
	return bars
}

// ends are the days written under a chart: the first, the middle one and the last.
func ends(bars []Bar) []Bar {
	if len(bars) < 3 {
		return bars
	}
	return []Bar{bars[0], bars[len(bars)/2], bars[len(bars)-1]}
}

// other is the language that the switch in the head offers.
func other(lang string) string {
	if lang == "da" {
		return "en"
	}
	return "da"
}

// Language is what this language calls another one; the code where that isn't known.
func (w *Words) Language(code string) string {
	return cmp.Or(display.Languages(language.Make(w.Lang)).Name(language.Make(code)), code)
}

// LanguageName is what a language calls itself; the code where that isn't known.
func LanguageName(code string) string {
	return cmp.Or(display.Self.Name(language.Make(code)), code)
}

func initial(s string) string {
	for _, r := range s {
		return strings.ToUpper(string(r))
	}
	return ""
}

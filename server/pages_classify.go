package server

import (
	"maps"
	"slices"
	"strings"

	"github.com/labstack/echo/v4"

	"samtykke/consent"
	"samtykke/server/dashboard"
	"samtykke/server/declaration"
)

// classified sorts many entries at once. Ticked entries get the form's category and, where one is named, its provider; what
// was sorted by keys comes as one "as" for each entry: the category, a space and the entry's key. What is necessary without
// consent needs a reason in each of the site's languages: its own, or the form's for all that have none.
func classified(items []consent.Item, f *dashboard.Form, languages []string) (list []consent.Item, done string, err error) {
	wish := map[string]consent.Category{}
	for _, as := range f.Values["as"] {
		category, key, _ := strings.Cut(as, " ")
		wish[key] = consent.Category(category)
	}
	ticked := f.Values["item"]
	for _, key := range ticked {
		wish[key] = consent.Category(f.Get("category"))
	}
	provider := f.Get("provider")
	if len(wish) == 0 {
		return nil, "", wrongField("bad_item", "Nothing was sorted.", "category", "Tick at least one entry.")
	}
	list = slices.Clone(items)
	reason, wrong := inLanguages(f, "reason."), map[string]string{}
	for i := range list {
		it := &list[i]
		key := itemKey(it)
		category, ok := wish[key]
		if !ok {
			continue
		}
		it.Category = category
		if it.Reason = reasons(category, it.Reason, reason); category == consent.Necessary {
			for _, lang := range languages {
				if it.Reason[lang] == "" {
					wrong["reason."+lang] = "Say why the website doesn't work without it."
				}
			}
		}
		if provider != "" && slices.Contains(ticked, key) {
			it.Provider = provider
		}
		if err := it.Validate(); err != nil {
			return nil, "", err
		}
		delete(wish, key)
	}
	if len(wish) > 0 {
		return nil, "", consent.NotFound("no_item", "The entry is not in the declaration any more.")
	}
	if len(wrong) > 0 {
		return nil, "", &consent.Error{Kind: consent.KindInvalid, Code: "bad_item", Message: "Nothing was sorted.", Fields: wrong}
	}
	return list, "items_classified", nil
}

// reasons are why an entry is necessary: its own words, and the form's in the languages in which it has none.
func reasons(category consent.Category, own, given map[string]string) map[string]string {
	if category != consent.Necessary {
		return nil
	}
	all := maps.Clone(given)
	for lang, words := range own {
		if words != "" {
			all[lang] = words
		}
	}
	if len(all) == 0 {
		return nil
	}
	return all
}

// servedDeclaration is where the declaration is found, as visitors have it and as the draft would have it.
type servedDeclaration struct {
	Languages []servedLanguage
	Embed     string // the HTML to paste
}

type servedLanguage struct{ Code, Page, Data, Draft string }

func served(site *consent.Site, base string) servedDeclaration {
	d := servedDeclaration{Embed: `<div id="samtykke-declaration"></div>` + "\n" + `<script async src="` + base + `/d/` + site.ID + `/embed.js"></script>`}
	for _, lang := range declaration.Offered(&site.Banner) {
		at := declaration.Path(site.ID, 0, lang)
		d.Languages = append(d.Languages, servedLanguage{lang, at, at + ".json", "/sites/" + site.ID + "/preview/" + lang})
	}
	return d
}

// showItems answers with the editor of the declaration, whose script sorts by single keys.
func (s *Server) showItems(c echo.Context, code int, v dashboard.View) error {
	v.Script = scriptPath("items")
	allowScript(c, "")
	return s.showAs(c, code, "items", v)
}

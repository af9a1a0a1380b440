package server

import (
	"cmp"
	"encoding/json"
	"maps"
	"slices"
	"strings"

	"github.com/labstack/echo/v4"

	"samtykke/consent"
	"samtykke/server/dashboard"
)

// changeGroup is what differs in one part of a notice.
type changeGroup struct {
	Name    string // banner, texts, controller or items
	Changes []draftChange
}

// draftChange is one thing that the draft has otherwise than what is published, in the reader's words.
type draftChange struct {
	Label    string
	Kind     string // added, removed or changed
	Old, New string
	Lang     string // the language of the values, where they are visitors' words
}

// draftChanges compares a site's draft with what is published: nil where nothing is, empty where nothing differs.
func (s *Server) draftChanges(c echo.Context, site *consent.Site) ([]changeGroup, error) {
	ctx := c.Request().Context()
	n, err := s.currentNotice(ctx, site.ID)
	if err != nil || n == nil {
		return nil, err
	}
	items, err := s.db.Items(ctx, site.ID)
	if err != nil {
		return nil, err
	}
	draft := content(site, items)
	return changesOf(&n.Content, &draft, dashboard.For(languageOf(c)))
}

// changesOf tells how a notice's content would become another.
func changesOf(before, after *consent.Content, words *dashboard.Words) ([]changeGroup, error) {
	var groups []changeGroup
	add := func(name string, changes []draftChange) {
		if len(changes) > 0 {
			groups = append(groups, changeGroup{name, changes})
		}
	}
	settings, err := settingChanges(before, after, words)
	if err != nil {
		return nil, err
	}
	add("banner", settings)
	add("texts", textChanges(before, after, words))
	items, err := itemChanges(before.Items, after.Items, words)
	add("items", items)
	if groups == nil {
		groups = []changeGroup{}
	}
	return groups, err
}

// settingChanges are those of the fields of a form. Words are compared as visitors see them, which is another thing.
func settingChanges(before, after *consent.Content, words *dashboard.Words) ([]draftChange, error) {
	fields := func(c *consent.Content) map[string]any {
		banner := c.Banner
		banner.Texts = nil
		return map[string]any{
			"name": c.SiteName, "homepage": c.Homepage, "controller": c.Controller, "banner": banner, "retention": c.Retention, "known_hosts": c.KnownHosts,
		}
	}
	var d consent.Deed
	if err := d.Changed(fields(before), fields(after)); err != nil {
		return nil, err
	}
	names := maps.Clone(d.Old)
	if names == nil {
		names = map[string]any{}
	}
	maps.Copy(names, d.New)
	var list []draftChange
	told := map[string]bool{}
	for _, name := range slices.Sorted(maps.Keys(names)) {
		if group, _, many := strings.Cut(strings.TrimPrefix(name, "banner."), "."); many && (group == "known_hosts" || group == "services") {
			if label := fieldWords(group, words); !told[group] { // many lines that are one field to people
				told[group] = true
				list = append(list, draftChange{Label: label, Kind: "changed"})
			}
			continue
		}
		change := newChange(cmp.Or(fieldWords(name, words), name), settingWords(name, d.Old[name], words), settingWords(name, d.New[name], words))
		list = append(list, change)
	}
	return list, nil
}

func newChange(label, was, is string) draftChange {
	kind := "changed"
	switch {
	case was == "" && is != "":
		kind = "added"
	case was != "" && is == "":
		kind = "removed"
	}
	return draftChange{Label: label, Kind: kind, Old: was, New: is}
}

// namedValues are the fields whose values have words of their own, with what stands before those.
var namedValues = map[string]string{
	"form": "form.", "corner": "corner.", "theme": "theme.", "round": "round.", "font": "font.", "categories": "category.",
}

// settingWords writes a setting's value as its form does.
func settingWords(name string, v any, words *dashboard.Words) string {
	name = strings.TrimPrefix(name, "banner.")
	if prefix := namedValues[name]; prefix != "" {
		if v == nil {
			v = usual[name]
		}
		return namedIn(v, func(s string) string { return words.T(prefix + s) })
	}
	switch name {
	case "languages":
		return namedIn(v, dashboard.LanguageName)
	case "signals", "markup":
		return namedIn(v, func(s string) string { return toolNames[s] })
	case "hosts":
		var hosts []consent.HostRule
		if b, err := json.Marshal(v); err != nil || json.Unmarshal(b, &hosts) != nil {
			return ""
		}
		return hostLines(hosts, words)
	}
	if _, isSwitch := switches(&consent.Banner{})[name]; isSwitch && v == nil {
		v = false
	}
	return valueWords(name, v, words)
}

// namedIn gives a value, or each of a list, its name.
func namedIn(v any, name func(string) string) string {
	var list []string
	switch v := v.(type) {
	case string:
		if v != "" {
			list = append(list, name(v))
		}
	case []any:
		for _, one := range v {
			if s, ok := one.(string); ok {
				list = append(list, name(s))
			}
		}
	}
	return strings.Join(list, ", ")
}

// textChanges are the words that visitors would see otherwise, also where the program's own have changed. Languages that come
// or go whole are told by the settings.
func textChanges(before, after *consent.Content, words *dashboard.Words) []draftChange {
	var list []draftChange
	for _, lang := range after.Banner.Languages {
		was, is := before.Texts[lang], after.Texts[lang]
		if was == nil {
			continue
		}
		for _, key := range slices.Sorted(maps.Keys(is)) {
			if was[key] != is[key] {
				change := newChange(cmp.Or(fieldWords("texts."+lang+"."+key, words), key), was[key], is[key])
				change.Lang = lang
				list = append(list, change)
			}
		}
	}
	return list
}

// itemChanges are those of the declaration: entries that came, went or are told otherwise.
func itemChanges(before, after []consent.Item, words *dashboard.Words) ([]draftChange, error) {
	was, is := map[string]consent.Item{}, map[string]consent.Item{}
	for _, i := range before {
		was[itemKey(&i)] = i
	}
	for _, i := range after {
		is[itemKey(&i)] = i
	}
	var list []draftChange
	for _, i := range after {
		label := itemLabel(&i, words)
		old, known := was[itemKey(&i)]
		if !known {
			list = append(list, draftChange{Label: label, Kind: "added", New: categoryName(i.Category, words)})
			continue
		}
		var d consent.Deed
		if err := d.Changed(old, i); err != nil {
			return nil, err
		}
		names := maps.Clone(d.Old)
		if names == nil {
			names = map[string]any{}
		}
		maps.Copy(names, d.New)
		for _, name := range slices.Sorted(maps.Keys(names)) {
			change := newChange(label+": "+itemField(name, words), itemWords(name, d.Old[name], &old, words), itemWords(name, d.New[name], &i, words))
			list = append(list, change)
		}
	}
	for _, i := range before {
		if _, stays := is[itemKey(&i)]; !stays {
			list = append(list, draftChange{Label: itemLabel(&i, words), Kind: "removed", Old: categoryName(i.Category, words)})
		}
	}
	return list, nil
}

func itemLabel(i *consent.Item, words *dashboard.Words) string {
	return i.Name + " (" + strings.Trim(words.T("kind."+string(i.Kind))+" · "+i.Host, " ·") + ")"
}

// itemField is what a field of an entry is called in a sentence.
func itemField(name string, words *dashboard.Words) string {
	name, lang, spoken := strings.Cut(name, ".")
	key := map[string]string{"lifetime_ns": "field.lifetime"}[name]
	if key = cmp.Or(key, "field."+name); !words.Has(key) {
		return name
	}
	label := words.T(key)
	if spoken {
		label += " (" + dashboard.LanguageName(lang) + ")"
	}
	return label
}

// itemWords writes an entry's field. A field that isn't there is empty.
func itemWords(name string, v any, i *consent.Item, words *dashboard.Words) string {
	switch {
	case name == "lifetime_ns":
		return words.Lifetime(i.Lifetime)
	case v == nil:
		return ""
	case name == "category":
		return categoryName(i.Category, words)
	case name == "party":
		return words.T("party." + i.Party)
	}
	return valueWords(name, v, words)
}

package declaration

import (
	"maps"
	"slices"
	"strings"

	"samtykke/consent"
)

// Changes is how one published content differs from the one before, as far as visitors are concerned (D5).
type Changes struct {
	Added, Removed                     []string // names of items
	Changed                            []ItemChange
	CategoriesAdded, CategoriesRemoved []consent.Category
	Texts                              []string // languages in which the banner's words differ
}

// ItemChange is an item that stayed and was described differently.
type ItemChange struct {
	Before, After consent.Item
	Fields        []string // of fieldsOf, in its order; never empty
}

// Compare finds the changes. An item is the same as long as its kind, name and host are.
func Compare(before, after *consent.Content) Changes {
	c := Changes{
		Added: missing(after.Items, before.Items), Removed: missing(before.Items, after.Items),
		CategoriesAdded:   without(after.Banner.Categories, before.Banner.Categories),
		CategoriesRemoved: without(before.Banner.Categories, after.Banner.Categories),
	}
	for _, i := range after.Items {
		at := slices.IndexFunc(before.Items, func(o consent.Item) bool { return sameItem(&o, &i) })
		if at < 0 {
			continue
		}
		if fields := fieldsOf(&before.Items[at], &i); len(fields) > 0 {
			c.Changed = append(c.Changed, ItemChange{before.Items[at], i, fields})
		}
	}
	languages := slices.Concat(after.Banner.Languages, without(before.Banner.Languages, after.Banner.Languages))
	for _, lang := range languages {
		if !maps.Equal(before.Texts[lang], after.Texts[lang]) {
			c.Texts = append(c.Texts, lang)
		}
	}
	return c
}

// fieldsOf names what differs of two descriptions of one item.
func fieldsOf(a, b *consent.Item) (fields []string) {
	for _, f := range []struct {
		name    string
		differs bool
	}{
		{"category", a.Category != b.Category},
		{"provider", a.Provider != b.Provider || a.JointController != b.JointController},
		{"country", !strings.EqualFold(a.Country, b.Country)},
		{"lifetime", a.Lifetime != b.Lifetime},
		{"purpose", !maps.Equal(a.Purpose, b.Purpose) || !maps.Equal(a.Reason, b.Reason)},
	} {
		if f.differs {
			fields = append(fields, f.name)
		}
	}
	return fields
}

func sameItem(a, b *consent.Item) bool {
	return a.Kind == b.Kind && a.Name == b.Name && a.Host == b.Host
}

// missing names the items that are in one list and not in the other.
func missing(in, notIn []consent.Item) []string {
	names := []string{}
	for i := range in {
		same := func(o consent.Item) bool { return sameItem(&o, &in[i]) }
		if !slices.ContainsFunc(notIn, same) && !slices.Contains(names, in[i].Name) {
			names = append(names, in[i].Name)
		}
	}
	return names
}

// without lists what is in one list and not in the other.
func without[T comparable](in, notIn []T) []T {
	out := []T{}
	for _, v := range in {
		if !slices.Contains(notIn, v) {
			out = append(out, v)
		}
	}
	return out
}

// tell puts the changed items into words: one Change a field.
func tell(c Changes, before, after *consent.Content, w *words, lang string) []Change {
	out := []Change{}
	for i := range c.Changed {
		was, is := show(&c.Changed[i].Before, before, w, lang), show(&c.Changed[i].After, after, w, lang)
		values := map[string][2]string{
			"category": {w.text[string(c.Changed[i].Before.Category)+"_name"], w.text[string(c.Changed[i].After.Category)+"_name"]},
			"provider": {was.Provider, is.Provider}, "country": {was.CountryName, is.CountryName}, "lifetime": {was.Lifetime, is.Lifetime},
		}
		for _, f := range c.Changed[i].Fields {
			out = append(out, Change{Name: is.Name, Field: f, Before: values[f][0], After: values[f][1]})
		}
	}
	return out
}

// sentence joins changes for reading: "_ga – Varighed: 1 år → 2 år, Formål; IDE – Udbyder: …".
func sentence(changes []Change, w *words) string {
	var b strings.Builder
	for i, c := range changes {
		switch {
		case i == 0:
			b.WriteString(c.Name + " – ")
		case c.Name == changes[i-1].Name && c.Field != changes[i-1].Field:
			b.WriteString(", ")
		default:
			b.WriteString("; " + c.Name + " – ")
		}
		b.WriteString(label(c.Field, w))
		// Some values stand in a sentence of their own, and some differences vanish in words: 390 and 395 days are 13 months.
		if c.Before != c.After && c.Before != "" && c.After != "" {
			b.WriteString(": " + strings.TrimSuffix(c.Before, ".") + " → " + strings.TrimSuffix(c.After, "."))
		}
	}
	return b.String()
}

// label is what a field is called where it stands alone.
func label(field string, w *words) string {
	if field == "country" {
		return strings.TrimRight(w.text["country"], ": \u00a0\u202f")
	}
	return w.text["column_"+field]
}

package declaration

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"samtykke/consent"
)

// counted is a content with one cookie and one category.
func counted(change ...func(*consent.Content)) consent.Content {
	c := consent.Content{
		Banner: consent.Banner{Categories: []consent.Category{consent.Statistics}, Languages: []string{"da", "en"}},
		Texts:  map[string]map[string]string{"da": {"accept": "Accepter alle"}, "en": {"accept": "Accept all"}},
		Items: []consent.Item{{
			Kind: consent.Cookie, Name: "_ga", Host: "shop.example", Party: consent.FirstParty, Category: consent.Statistics, Provider: "Google", Country: "US",
			Lifetime: 390 * day, Purpose: map[string]string{"da": "Tæller besøg."}, Reason: map[string]string{},
		}},
	}
	for _, f := range change {
		f(&c)
	}
	return c
}

// D5: what a version changed, computed from what is stored of it and of the one before.
func TestCompare_FindsWhatChanged(t *testing.T) {
	item := func(change func(*consent.Item)) func(*consent.Content) {
		return func(c *consent.Content) { change(&c.Items[0]) }
	}
	fields := func(c Changes) string {
		var s []string
		for _, i := range c.Changed {
			s = append(s, i.After.Name+" "+strings.Join(i.Fields, " "))
		}
		return fmt.Sprint(c.Added, c.Removed, s, c.CategoriesAdded, c.CategoriesRemoved, c.Texts)
	}
	for name, test := range map[string]struct {
		change func(*consent.Content)
		want   string // added, removed, changed, categories added and removed, languages
	}{
		"nothing":    {func(*consent.Content) {}, "[] [] [] [] [] []"},
		"order":      {func(c *consent.Content) { c.Items = append([]consent.Item{{Name: "a"}}, c.Items...) }, "[a] [] [] [] [] []"},
		"removed":    {func(c *consent.Content) { c.Items = nil }, "[] [_ga] [] [] [] []"},
		"category":   {item(func(i *consent.Item) { i.Category = consent.Marketing }), "[] [] [_ga category] [] [] []"},
		"provider":   {item(func(i *consent.Item) { i.Provider = "Google Ireland" }), "[] [] [_ga provider] [] [] []"},
		"country":    {item(func(i *consent.Item) { i.Country = "IE" }), "[] [] [_ga country] [] [] []"},
		"spelling":   {item(func(i *consent.Item) { i.Country = "us" }), "[] [] [] [] [] []"},
		"lifetime":   {item(func(i *consent.Item) { i.Lifetime = 0 }), "[] [] [_ga lifetime] [] [] []"},
		"purpose":    {item(func(i *consent.Item) { i.Purpose = map[string]string{"da": "Andet."} }), "[] [] [_ga purpose] [] [] []"},
		"reason":     {item(func(i *consent.Item) { i.Reason = map[string]string{"da": "Derfor."} }), "[] [] [_ga purpose] [] [] []"},
		"no reason":  {item(func(i *consent.Item) { i.Reason = nil }), "[] [] [] [] [] []"},
		"two":        {item(func(i *consent.Item) { i.Category, i.Lifetime = consent.Marketing, day }), "[] [] [_ga category lifetime] [] [] []"},
		"other host": {item(func(i *consent.Item) { i.Host = "www.shop.example" }), "[_ga] [_ga] [] [] [] []"},
		"other kind": {item(func(i *consent.Item) { i.Kind = consent.LocalStorage }), "[_ga] [_ga] [] [] [] []"},
		"categories": {func(c *consent.Content) { c.Banner.Categories = []consent.Category{consent.Marketing} }, "[] [] [] [marketing] [statistics] []"},
		"a word": {func(c *consent.Content) {
			c.Texts = map[string]map[string]string{"da": c.Texts["da"], "en": {"accept": "Yes"}}
		}, "[] [] [] [] [] [en]"},
		"a language": {func(c *consent.Content) {
			c.Banner.Languages, c.Texts = []string{"da", "de"}, map[string]map[string]string{"da": c.Texts["da"], "de": {"accept": "Ja"}}
		}, "[] [] [] [] [] [de en]"},
	} {
		before, after := counted(), counted(test.change)
		if got := fields(Compare(&before, &after)); got != test.want {
			t.Errorf("%s: %s, want %s", name, got, test.want)
		}
	}
}

// The way back undoes what the way there did: nothing is lost between the two.
func TestCompare_IsSymmetric(t *testing.T) {
	items := rapid.SliceOfNDistinct(rapid.Custom(func(t *rapid.T) consent.Item {
		return consent.Item{
			Name: rapid.StringMatching("[a-d]").Draw(t, "name"), Category: rapid.SampledFrom(consent.Categories()).Draw(t, "category"),
			Provider: rapid.SampledFrom([]string{"", "A", "B"}).Draw(t, "provider"),
		}
	}), 0, 4, func(i consent.Item) string { return i.Name })
	rapid.Check(t, func(t *rapid.T) {
		a, b := consent.Content{Items: items.Draw(t, "before")}, consent.Content{Items: items.Draw(t, "after")}
		there, back := Compare(&a, &b), Compare(&b, &a)
		if !slices.Equal(there.Added, back.Removed) || !slices.Equal(there.Removed, back.Added) || len(there.Changed) != len(back.Changed) {
			t.Fatalf("%+v and %+v", there, back)
		}
		if len(there.Added)-len(there.Removed) != len(b.Items)-len(a.Items) {
			t.Fatalf("%+v: %d became %d", there, len(a.Items), len(b.Items))
		}
		if same := Compare(&a, &a); len(same.Added)+len(same.Removed)+len(same.Changed) > 0 {
			t.Fatalf("compared with itself: %+v", same)
		}
	})
}

// D5: the list of versions in words.
func TestOf_TellsWhatEachVersionChanged(t *testing.T) {
	ns := notices()
	third := ns[0]
	third.Version, third.Content.Terms = 3, 3
	third.Content.Banner.Categories = []consent.Category{consent.Statistics}
	third.Content.Texts = map[string]map[string]string{"da": {"statistics_name": "Besøg"}}
	third.Content.Items = slices.Clone(third.Content.Items)
	third.Content.Items[0].Purpose = map[string]string{"da": "Kurv."}
	third.Content.Items[1].Lifetime, third.Content.Items[1].Category, third.Content.Items[1].Provider = 390*day, consent.Marketing, "Google LLC"
	ns = append([]consent.Notice{third}, ns...)
	d, err := Of(ns, 0, "da", nil)
	if err != nil {
		t.Fatal(err)
	}
	at := slices.IndexFunc(d.Sections, func(s Section) bool { return s.ID == "versions" })
	want := []string{
		"Gældende fra 6. november 2026. Alle besøgende blev spurgt igen. Ændret: sid – Formål; _ga – Kategori: Besøg → Marketing, Udbyder: Google Ireland, Ltd → Google LLC, " +
			"Varighed: Session (slettes, når du lukker browseren) → 13 måneder. Kategorier, der ikke længere bruges: Præferencer, Marketing. Samtykketeksten er ændret (Dansk).",
		"Gældende fra 6. november 2026. Tidligere valg gjaldt fortsat. Tilføjet: sid, _ga, what. Fjernet: old_one.",
		"Gældende fra 6. februar 2026.",
	}
	for i, f := range d.Sections[at].Facts {
		if f.Text != want[i] {
			t.Errorf("%s\n%q, want\n%q", f.Label, f.Text, want[i])
		}
	}
	if diff := cmp.Diff([]Change{
		{"sid", "purpose", "", ""},
		{"_ga", "category", "Besøg", "Marketing"},
		{"_ga", "provider", "Google Ireland, Ltd.", "Google LLC"},
		{"_ga", "lifetime", "Session (slettes, når du lukker browseren)", "13 måneder"},
	}, d.Versions[0].Changed); diff != "" {
		t.Error(diff)
	}
	if v := d.Versions; !v[0].Material || v[1].Material {
		t.Errorf("%+v", v)
	}
}

// Every language has the words of the list, with the same placeholders.
func TestTexts_TellChangesInEveryLanguage(t *testing.T) {
	if len(standard) != 26 {
		t.Errorf("%d languages", len(standard))
	}
	for lang, w := range standard {
		for key, text := range standard["en"].text {
			if strings.HasPrefix(key, "version_") || strings.HasPrefix(key, "column_") {
				if got := w.text[key]; got == "" || !slices.Equal(placeholder.FindAllString(got, -1), placeholder.FindAllString(text, -1)) {
					t.Errorf("%s: %s %q", lang, key, got)
				}
			}
		}
	}
}

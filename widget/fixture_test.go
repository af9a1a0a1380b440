package widget

import (
	"testing"
	"time"

	"samtykke/consent"
)

const testSite = "shop1234abcd"

// shopContent is a realistic notice: Danish and English, every category, Consent Mode, GPC, a dozen declared items.
func shopContent(t testing.TB) consent.Content {
	t.Helper()
	c := consent.Content{
		Site: testSite, SiteName: "Havnens Kaffe", Homepage: "http://shop.example/",
		Controller: consent.Controller{Name: "Havnens Kaffe ApS"}, Banner: consent.DefaultBanner(), Terms: 3,
		Texts: map[string]map[string]string{}, Items: shopItems(),
	}
	c.Banner.PrivacyURL = "http://shop.example/privatliv"
	for _, lang := range c.Banner.Languages {
		words, ok := Texts(lang)
		if !ok {
			t.Fatalf("no texts in %s", lang)
		}
		c.Texts[lang] = words
	}
	return c
}

func shopItems() []consent.Item {
	item := func(kind consent.ItemKind, name, party string, cat consent.Category, provider string) consent.Item {
		return consent.Item{Kind: kind, Name: name, Party: party, Category: cat, Provider: provider, Lifetime: 24 * time.Hour}
	}
	const first, third = consent.FirstParty, consent.ThirdParty
	return []consent.Item{
		item(consent.Cookie, "samtykke", first, consent.Necessary, "Havnens Kaffe ApS"),
		item(consent.Cookie, "session", first, consent.Necessary, "Havnens Kaffe ApS"),
		item(consent.Cookie, "_gate", first, consent.Necessary, "Havnens Kaffe ApS"),
		item(consent.Cookie, "view", first, consent.Preferences, "Havnens Kaffe ApS"),
		item(consent.LocalStorage, "theme", first, consent.Preferences, "Havnens Kaffe ApS"),
		item(consent.Cookie, "_ga", first, consent.Statistics, "Google LLC"),
		item(consent.Cookie, "_ga_*", first, consent.Statistics, "Google LLC"),
		item(consent.Cookie, "_gat*", first, consent.Statistics, "Google LLC"),
		item(consent.SessionStorage, "visit.*", first, consent.Statistics, "Havnens Kaffe ApS"),
		item(consent.Cookie, "_fbp", first, consent.Marketing, "Meta Platforms Ireland Ltd."),
		item(consent.LocalStorage, "ads", first, consent.Marketing, "Meta Platforms Ireland Ltd."),
		item(consent.Cookie, "IDE", third, consent.Marketing, "Google Ireland Ltd."),
	}
}

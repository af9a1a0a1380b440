package demo

import (
	"time"

	"samtykke/consent"
)

const day = 24 * time.Hour

// The firms behind the items, all invented and all Danish.
const (
	shopkeeper      = "Fjord & Fletværk ApS"
	statisticsFirm  = "Taelleren ApS"
	marketingFirm   = "Annoncekompagniet A/S"
	videoFirm       = "Filmhylden ApS"
	providerCountry = "DK"
)

// Planted is what the shop and its vendors really store: the truth that a scan is measured against. The banner's
// own item is not among it.
func Planted() []consent.Item {
	items := []consent.Item{
		{
			Kind: consent.Cookie, Name: "kurv", Host: shopHost, Category: consent.Necessary, Provider: shopkeeper,
			Purpose: words("Husker, hvad du har lagt i indkøbskurven.", "Remembers what you have put in the cart."),
			Reason: words("Uden den ville kurven være tom på næste side.",
				"Without it the cart would be empty on the next page."),
		},
		{
			Kind: consent.LocalStorage, Name: "visning", Host: shopHost, Category: consent.Preferences, Provider: shopkeeper, Lifetime: consent.Persistent,
			Purpose: words("Husker, om du vil se varerne som gitter eller liste.", "Remembers whether you want to see the products as a grid or a list."),
		},
		{
			Kind: consent.Cookie, Name: "_tl_id", Host: shopHost, Category: consent.Statistics, Provider: statisticsFirm, Lifetime: 395 * day,
			Purpose: words("Genkender din browser fra besøg til besøg, så butikken kan tælle sine besøgende.",
				"Recognises your browser from visit to visit, so that the shop can count its visitors."),
		},
		{
			Kind: consent.Cookie, Name: "_tl_ses.*", Host: shopHost, Category: consent.Statistics, Provider: statisticsFirm, Lifetime: 30 * time.Minute,
			Purpose: words("Samler de sider, du ser, til ét besøg i statistikken.", "Gathers the pages that you see into one visit in the statistics."),
		},
		{
			Kind: consent.SessionStorage, Name: "tl_sti", Host: shopHost, Category: consent.Statistics, Provider: statisticsFirm,
			Purpose: words("Husker rækkefølgen af de sider, du har set under besøget.", "Remembers the order of the pages that you have seen during the visit."),
		},
		{
			Kind: consent.Cookie, Name: "tl_uid", Host: statisticsHost, Category: consent.Statistics, Provider: statisticsFirm, Lifetime: 395 * day,
			Purpose: words("Genkender din browser hos Tælleren, når siderne melder et besøg.", "Recognises your browser at Tælleren when the pages report a visit."),
		},
		{
			Kind: consent.Cookie, Name: "_ak_klik", Host: shopHost, Category: consent.Marketing, Provider: marketingFirm, Lifetime: 90 * day,
			Purpose: words("Husker, hvilken annonce der førte dig til butikken.", "Remembers which advertisement brought you to the shop."),
		},
		{
			Kind: consent.Cookie, Name: "ak_uid", Host: marketingHost, Category: consent.Marketing, Provider: marketingFirm, Lifetime: 365 * day,
			Purpose: words("Genkender din browser på tværs af hjemmesider, så du kan få vist målrettede annoncer.",
				"Recognises your browser across websites, so that you can be shown targeted advertisements."),
		},
		{
			Kind: consent.Cookie, Name: "fh_seer", Host: videoHost, Category: consent.Marketing, Provider: videoFirm, Lifetime: 180 * day,
			Purpose: words("Genkender din browser hos Filmhylden, der bruger dine visninger til at målrette annoncer.",
				"Recognises your browser at Filmhylden, which uses your viewing to target advertisements."),
		},
		{
			Kind: consent.LocalStorage, Name: "fh_kvalitet", Host: videoHost, Category: consent.Marketing, Provider: videoFirm, Lifetime: consent.Persistent,
			Purpose: words("Husker, hvilken billedkvalitet filmene vises i.", "Remembers the picture quality in which films are shown."),
		},
	}
	for i := range items {
		items[i].Country, items[i].Party = providerCountry, consent.ThirdParty
		if items[i].Host == shopHost {
			items[i].Party = consent.FirstParty
		}
	}
	return items
}

func words(da, en string) map[string]string { return map[string]string{"da": da, "en": en} }

// Site is the site to register for the demo, all but its id. Its pages are Danish, with a start page in English.
func Site(port string) consent.Site {
	home := address(shopHost, port) + "/"
	banner := consent.DefaultBanner()
	banner.PrivacyURL, banner.Declaration = home+"privatliv", home+"cookies"
	banner.Accent = "#1d4e57"
	banner.ConsentMode = false // the shop has no tags of Google's
	return consent.Site{
		Name: "Fjord & Fletværk", Domains: []string{shopHost}, Homepage: home, Banner: banner,
		Controller: consent.Controller{
			Name: shopkeeper, CVR: "12345678", Address: "Pilekrogen 7, 9999 Fjordkøbing", Email: "hej@fjordogfletvaerk.example",
		},
	}
}

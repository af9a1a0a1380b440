// Package evidencetest makes evidence for tests: that of a site without a flaw, changes that each spoil one thing in it,
// and any evidence at all.
package evidencetest

import (
	"slices"
	"time"

	"samtykke/consent"
	"samtykke/scanner/evidence"
)

// The pages of the site, a script and an address that everybody knows to count visits, and a day.
const (
	Shop   = "https://shop.example/"
	Second = "https://shop.example/om"
	Day    = 24 * time.Hour

	tracker = "https://www.google-analytics.com/ga.js"
	Collect = "https://www.google-analytics.com/g/collect"
)

// SeenAt is when things are seen.
var SeenAt = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

// Good is the evidence of a site that does everything right, in every state.
func Good() evidence.Site {
	session := Cookie("PHPSESSID", "shop.example", 0)
	answer := Cookie("CookieConsent", "shop.example", 365*Day)
	ga := Cookie("_ga", ".shop.example", 395*Day)
	call := evidence.Call{URL: Collect, Type: "fetch", Page: Shop, After: true, Order: 9}
	accept := evidence.State{
		State: evidence.StateAccept, Device: evidence.Desktop, Done: true, Tool: "Accepter alle", Visits: Visits(true, evidence.Banner{}), Requests: []evidence.Call{call},
		Snapshots: []evidence.Snapshot{Snapshot(true, session, answer, ga)}, Signals: []evidence.ConsentSignal{Denied(Shop, 1, true), Granted(Shop, 2, true)},
	}
	return evidence.Site{
		URL: Shop,
		States: []evidence.State{
			{State: evidence.StateNone, Device: evidence.Desktop, Done: true, Visits: Visits(false, GoodBanner()), Snapshots: []evidence.Snapshot{Snapshot(false, session)}, Signals: []evidence.ConsentSignal{Denied(Shop, 1, false)}},
			{State: evidence.StateReject, Device: evidence.Desktop, Done: true, Tool: "Afvis alle", Visits: Visits(true, evidence.Banner{}), Snapshots: []evidence.Snapshot{Snapshot(true, session, answer)}},
			accept,
			{
				State: evidence.StateWithdraw, Device: evidence.Desktop, Done: true, Tool: "Accepter alle", Visits: Visits(true, evidence.Banner{}),
				Snapshots: []evidence.Snapshot{Snapshot(false, session, answer, ga), Snapshot(true, session, answer)},
			},
			{State: evidence.StateGPC, Device: evidence.Desktop, Done: true, Visits: Visits(false, GoodBanner()), Snapshots: []evidence.Snapshot{Snapshot(false, session)}},
		},
		Phone: evidence.State{State: evidence.StateNone, Device: evidence.Mobile, Done: true, Visits: Visits(false, GoodBanner()), Snapshots: []evidence.Snapshot{Snapshot(false, session)}},
		Texts: []evidence.PageText{{URL: Shop + "cookies", Lang: "da", Text: "Digitaliseringsstyrelsen fører tilsyn med cookies. Ved at klikke på “Accepter alle” samtykker du."}},
	}
}

// GoodBanner is a measured banner without a flaw.
func GoodBanner() evidence.Banner {
	return evidence.Banner{
		Seen: true, Accept: "Accepter alle", Reject: "Afvis alle", Settings: "Tilpas", Lang: "da", Partners: true, Clicks: 1, Opened: true,
		Text:     "Vi og vores partnere bruger cookies til statistik og marketing. Du kan altid trække dit samtykke tilbage.",
		Purposes: []string{"statistics", "marketing"},
		Buttons:  []evidence.Button{goodButton("accept", "Accepter alle"), goodButton("reject", "Afvis alle"), goodButton("settings", "Tilpas")},
		Boxes: []evidence.Box{
			{Label: "Nødvendige", Category: "necessary", Checked: true, Disabled: true}, {Label: "Statistik", Category: "statistics"}, {Label: "Marketing", Category: "marketing"},
		},
	}
}

func goodButton(role, label string) evidence.Button {
	return evidence.Button{
		Role: role, Label: label, Tag: "button", Width: 140, Height: 44, FontSize: 16, Colour: "#ffffff", Background: "#1a1a1a", Around: "#ffffff",
		Contrast: 17.4, Stands: 17.4, Visible: true,
	}
}

// Denied is Consent Mode's default that denies everything optional.
func Denied(page string, order int, after bool) evidence.ConsentSignal {
	values := map[string]string{"security_storage": "granted"}
	for _, s := range append(slices.Clone(evidence.AskedSignals), "functionality_storage", "personalization_storage") {
		values[s] = "denied"
	}
	return evidence.ConsentSignal{Command: "default", Values: values, Wait: 500, Page: page, Order: order, After: after}
}

// Granted is Consent Mode's update after a yes.
func Granted(page string, order int, after bool) evidence.ConsentSignal {
	return evidence.ConsentSignal{Command: "update", Values: map[string]string{"analytics_storage": "granted"}, Page: page, Order: order, After: after}
}

// Cookie is a cookie in the browser, set with care.
func Cookie(name, host string, life time.Duration) evidence.Stored {
	return evidence.Stored{Kind: consent.Cookie, Name: name, Host: host, Path: "/", Lifetime: life, Secure: true, SameSite: "Lax"}
}

// Visits are the loads of the site's pages with a banner.
func Visits(after bool, b evidence.Banner) []evidence.Visit {
	var list []evidence.Visit
	for _, url := range []string{Shop, Second} {
		list = append(list, evidence.Visit{
			URL: url, Final: url, Status: 200, HTML: true, Lang: "da-DK", After: after, Banner: b, Probed: true, Reopen: "Skift samtykke", Declares: Shop + "cookies",
		})
	}
	return list
}

// Snapshot is what the browser held on the start page.
func Snapshot(after bool, items ...evidence.Stored) evidence.Snapshot {
	return evidence.Snapshot{Page: Shop, After: after, Hosts: []string{"shop.example"}, Items: items}
}

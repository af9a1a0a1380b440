package server

import (
	"html"

	"samtykke/consent"
	"samtykke/widget"
)

// Tag is what an owner pastes first in <head>: the script tag, and before it the stub where the banner blocks
// automatically.
func Tag(base string, s *consent.Site) string {
	src := `src="` + html.EscapeString(base) + `/s/` + html.EscapeString(s.ID) + `.js"></script>`
	if s.Banner.AutoBlock {
		return "<script>" + widget.Stub() + "</script>\n<script async data-samtykke " + src
	}
	return "<script async " + src
}

// OwnItems is what the banner itself stores, for the declaration (B24).
func OwnItems(s *consent.Site) []consent.Item {
	return []consent.Item{{
		Kind: consent.Cookie, Name: "samtykke", Host: s.Domains[0], Party: consent.FirstParty, Category: consent.Necessary,
		Provider: s.Controller.Name, Country: "DK", Lifetime: s.Banner.Validity(),
		Purpose: map[string]string{
			"da": "Husker dit valg om cookies, så du ikke bliver spurgt igen på hver side.",
			"en": "Remembers your choice about cookies, so that you aren't asked again on every page.",
		},
		Reason: map[string]string{
			"da": "Uden den kan et nej ikke huskes. Den sættes først, når du har valgt.",
			"en": "Without it a no can't be remembered. It is set only once you have chosen.",
		},
	}}
}

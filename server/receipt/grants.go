package receipt

import (
	"slices"
	"strconv"
	"time"

	"samtykke/consent"
)

// jurisdiction is whose law the product is built for.
const jurisdiction = "DK"

// grant is one category that a record says yes to, with what the notice declared for it.
type grant struct {
	Category
	Items     []consent.Item
	Providers []consent.Item // one item of each third party
}

// grants lists what was consented to. A category that was refused is not among them, nor is what comes from a provider
// that was refused on its own.
func (s *Source) grants() []grant {
	var out []grant
	for _, c := range s.texts().Categories {
		if !s.Record.Categories.Given.Has(c.Category) {
			continue
		}
		g := grant{Category: c}
		for _, i := range s.Notice.Content.Items {
			if i.Category != c.Category || slices.Contains(s.Record.Refused, string(c.Category)+"/"+i.Provider) {
				continue
			}
			g.Items = append(g.Items, i)
			known := slices.ContainsFunc(g.Providers, func(o consent.Item) bool { return o.Provider == i.Provider })
			if i.Provider != "" && i.Provider != s.Notice.Content.Controller.Name && !known {
				g.Providers = append(g.Providers, i)
			}
		}
		out = append(out, g)
	}
	return out
}

// controllerName is who asks. A site whose controller isn't named yet speaks in its own name, as its banner does.
func (s *Source) controllerName() string {
	if name := s.Notice.Content.Controller.Name; name != "" {
		return name
	}
	return s.Notice.Content.SiteName
}

// duration writes a duration as ISO 8601 does: in days where they are whole, else in seconds.
func duration(d time.Duration) string {
	const day = 24 * time.Hour
	if d%day == 0 {
		return "P" + strconv.FormatInt(int64(d/day), 10) + "D"
	}
	return "PT" + strconv.FormatFloat(d.Seconds(), 'f', -1, 64) + "S"
}

// moment writes a time to the millisecond, UTC, as records have it.
func moment(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z") }

// collected says how the consent was obtained, in Danish or else in English.
func (s *Source) collected() string {
	words, ok := collectedBy[s.Record.Language]
	if !ok {
		words = collectedBy["en"]
	}
	return words[s.Record.Method]
}

var collectedBy = map[string]map[consent.Method]string{
	"da": {
		consent.ByBanner:      "Knap i cookiebanneret på hjemmesiden",
		consent.ByDialog:      "Valg i cookiebannerets indstillinger på hjemmesiden",
		consent.ByDeclaration: "Link i cookiedeklarationen eller på hjemmesiden",
		consent.ByPlaceholder: "Knap på den plads, hvor indlejret indhold ville blive vist",
		consent.ByAPI:         "Hjemmesidens egen funktion, betjent af den besøgende",
		consent.BySignal:      "Signal fra den besøgendes browser",
		consent.ByImport:      "Overtaget fra hjemmesidens tidligere samtykkeløsning",
	},
	"en": {
		consent.ByBanner:      "Button in the website’s cookie banner",
		consent.ByDialog:      "Choice in the settings of the website’s cookie banner",
		consent.ByDeclaration: "Link in the cookie declaration or on the website",
		consent.ByPlaceholder: "Button in the place of embedded content",
		consent.ByAPI:         "The website’s own function, used by the visitor",
		consent.BySignal:      "Signal from the visitor’s browser",
		consent.ByImport:      "Taken over from the website’s earlier consent tool",
	},
}

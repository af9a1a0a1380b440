package consent

import (
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

// Banner is how a site asks. The owner edits it as a draft; publishing freezes it into a Notice.
type Banner struct {
	Languages   []string   `json:"languages"`  // two-letter codes, the default first
	Categories  []Category `json:"categories"` // the optional categories in use, in the order of Categories
	PrivacyURL  string     `json:"privacy_url,omitempty"`
	Declaration string     `json:"declaration_url,omitempty"` // the owner's own page; empty: the hosted one
	Days        int        `json:"days"`                      // how long a choice counts, accepted or refused alike (B18); 180 to 730

	Form   string `json:"form"`            // bar, box or dialog
	Corner string `json:"corner"`          // where the permanent link floats: left, right or none (the owner has a link)
	Theme  string `json:"theme"`           // light, dark or auto
	Accent string `json:"accent"`          // #rrggbb: colour of links, focus and all three buttons alike; empty: neutral
	Round  string `json:"round,omitempty"` // corners: none, large, or empty for moderate
	Font   string `json:"font,omitempty"`  // page for that of the page; empty: the system's

	ConsentMode    bool     `json:"consent_mode"`                 // Google Consent Mode v2, basic: all denied before any tag
	AdsRedaction   bool     `json:"ads_data_redaction,omitempty"` // Consent Mode: no ad click identifiers while ads are denied
	URLPassthrough bool     `json:"url_passthrough,omitempty"`    // Consent Mode: pass them on in addresses instead
	Signals        []string `json:"signals,omitempty"`            // who else is told of the choice, of SignalNames
	GPC            bool     `json:"gpc"`                          // Global Privacy Control counts as a refusal until the visitor says otherwise (B29)
	DNT            bool     `json:"dnt,omitempty"`                // so does Do Not Track
	Domain         string   `json:"domain,omitempty"`
	FirstParty     bool     `json:"first_party,omitempty"` // the site serves the script under its own address, where the answer can set the cookie

	AutoBlock bool       `json:"auto_block,omitempty"` // hold what is loaded from other sites also where it isn't marked
	Hosts     []HostRule `json:"hosts,omitempty"`      // what the owner knows of hosts; it outranks what scans have found
	PerVendor bool       `json:"per_vendor,omitempty"` // let visitors say no to single providers within a category

	Markup   []string            `json:"markup,omitempty"`   // other tools whose markup and interface is understood, of MarkupNames
	Services map[string]Category `json:"services,omitempty"` // what that markup calls services or categories, and what they are here
	Import   bool                `json:"import,omitempty"`   // take over a choice that Cookiebot's cookie holds, once
	CBID     string              `json:"cbid,omitempty"`     // Cookiebot's own name of the site, by which /uc.js finds it

	// Texts overrides single texts: language, key, words. Keys are those of widget/texts.
	Texts map[string]map[string]string `json:"texts,omitempty"`
}

// HostRule says what a host and everything under it is loaded for. Necessary means that it is never held, which needs a
// reason (K1).
type HostRule struct {
	Host     string   `json:"host"`
	Category Category `json:"category"`
	Reason   string   `json:"reason,omitempty"`
}

// SignalNames are the interfaces of other tools that can be told of the choice, besides Google Consent Mode.
var SignalNames = []string{"uet", "clarity", "meta", "matomo", "tiktok", "wordpress", "shopify"}

// MarkupNames are the tools whose markup can be understood.
var MarkupNames = []string{"cookiebot", "vanilla-cookieconsent", "klaro"}

// DefaultBanner is what a new site starts with: Danish and English, every category, twelve months.
func DefaultBanner() Banner {
	return Banner{
		Languages: []string{"da", "en"}, Categories: []Category{Preferences, Statistics, Marketing},
		Days: 365, Form: "box", Corner: "left", Theme: "auto", ConsentMode: true, GPC: true,
	}
}

var cookiebotID = regexp.MustCompile(`^[A-Za-z0-9-]{8,60}$`)

var hexColour = regexp.MustCompile(`^#[0-9a-f]{6}$`)

// Validate refuses what can't be shown and what the law refuses (B5, B6, H13): see checkLabels.
func (b *Banner) Validate() error {
	var f fields
	f.add(len(b.Languages) == 0, "languages", "Choose at least one language.")
	f.add(len(b.Categories) == 0, "categories", "Choose at least one category; a website with only necessary cookies needs no banner.")
	for i, c := range b.Categories {
		f.add(!c.Optional() || slices.Contains(b.Categories[:i], c), "categories", "Categories are preferences, statistics and marketing, each once.")
	}
	for i, l := range b.Languages {
		f.add(len(l) != 2 || slices.Contains(b.Languages[:i], l), "languages", "Languages are two-letter codes, each once.")
	}
	f.add(b.PrivacyURL != "" && !isWebAddress(b.PrivacyURL), "privacy_url", "The address must start with https:// or http://.")
	f.add(b.Declaration != "" && !isWebAddress(b.Declaration), "declaration_url", "The address must start with https:// or http://.")
	f.add(b.Days < 180 || b.Days > 730, "days", "A choice counts between 180 days (nobody should be asked more often) and 730 days.")
	f.add(!slices.Contains([]string{"bar", "box", "dialog"}, b.Form), "form", "The form is bar, box or dialog.")
	f.add(!slices.Contains([]string{"left", "right", "none"}, b.Corner), "corner", "The link stands left, right or none.")
	f.add(!slices.Contains([]string{"light", "dark", "auto"}, b.Theme), "theme", "The theme is light, dark or auto.")
	f.add(b.Accent != "" && !hexColour.MatchString(b.Accent), "accent", "A colour is written #rrggbb, in lower case.")
	f.add(!slices.Contains([]string{"", "none", "large"}, b.Round), "round", "Corners are none, large, or empty for moderate.")
	f.add(b.Font != "" && b.Font != "page", "font", "The font is page, or empty for the system's.")
	f.add(b.Domain != "" && !ValidDomain(b.Domain), "domain", "The domain for sharing the choice is a domain name.")
	f.add(!distinct(b.Signals, SignalNames), "signals", "There is no such signal, or it is named twice.")
	f.add(!distinct(b.Markup, MarkupNames), "markup", "There is no such markup, or it is named twice.")
	f.add(b.CBID != "" && !cookiebotID.MatchString(b.CBID), "cbid", "Cookiebot's ID has 8 to 60 letters, digits and hyphens.")
	b.checkHosts(&f)
	b.checkServices(&f)
	b.checkLabels(&f)
	return f.err("bad_banner", "The banner can't be published like this.")
}

// distinct says whether values are all known, each at most once.
func distinct(values, known []string) bool {
	for i, v := range values {
		if !slices.Contains(known, v) || slices.Contains(values[:i], v) {
			return false
		}
	}
	return true
}

// maxRules is how many hosts and how many services an owner can name: they are in every visitor's script.
const maxRules = 200

func (b *Banner) checkHosts(f *fields) {
	f.add(len(b.Hosts) > maxRules, "hosts", "At most 200 hosts.")
	for i, h := range b.Hosts {
		f.add(!ValidDomain(h.Host), "hosts", "Each host is a domain name, such as cdn.example.com.")
		f.add(slices.ContainsFunc(b.Hosts[:i], func(o HostRule) bool { return o.Host == h.Host }), "hosts", "Each host can be named once.")
		f.add(!h.Category.Optional() && h.Category != Necessary, "hosts", "Each host has a category: necessary, preferences, statistics or marketing.")
		f.add(h.Category == Necessary && strings.TrimSpace(h.Reason) == "", "hosts", "Say for each necessary host why the website can't do without it.")
		f.add(len(h.Reason) > 500, "hosts", "A reason has at most 500 characters.")
	}
}

func (b *Banner) checkServices(f *fields) {
	f.add(len(b.Services) > maxRules, "services", "At most 200 services.")
	for name, c := range b.Services {
		f.add(name == "" || len(name) > 100 || strings.ContainsAny(name, " ,"), "services", "A service's name has 1 to 100 characters, without spaces and commas.")
		f.add(!c.Optional() && c != Necessary, "services", "Each service has a category: necessary, preferences, statistics or marketing.")
	}
}

// vague are labels that don't say what the button does (B6): refused for the three buttons.
var vague = []string{"ok", "okay", "got it", "forstået", "jeg forstår", "fortsæt", "continue", "luk", "close", "næste", "next"}

func (b *Banner) checkLabels(f *fields) {
	for lang, texts := range b.Texts {
		for key, words := range texts {
			name := "texts." + clip(lang) + "." + clip(key)
			f.add(strings.TrimSpace(words) == "", name, "A text can't be empty; leave it out to use the standard one.")
			f.add(utf8.RuneCountInString(words) > 1000, name, "At most 1000 characters.")
			plain := strings.ToLower(strings.Trim(words, " .!"))
			isButton := key == "accept" || key == "reject" || key == "choose" || key == "save"
			f.add(isButton && utf8.RuneCountInString(words) > 40, name, "A button's label has at most 40 characters.")
			f.add(isButton && slices.Contains(vague, plain), name, "The label must say what the button does (not “"+clip(words)+"”).")
		}
		a, r := texts["accept"], texts["reject"]
		f.add(a != "" && strings.EqualFold(a, r), "texts."+clip(lang)+".reject", "Accept and reject need different words.")
	}
}

// Validity is how long a choice counts.
func (b *Banner) Validity() time.Duration { return time.Duration(b.Days) * 24 * time.Hour }

// Asked is the set of categories that the banner asks about.
func (b *Banner) Asked() Set { return SetOf(b.Categories...) }

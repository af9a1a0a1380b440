package cookiedb

import (
	"regexp"
	"strings"

	"samtykke/consent"
)

// Classify answers for a cookie of which only name, host, party and lifetime in days are known: from the knowledge
// where there is some, else by a few plain rules with low confidence, else Unclassified. It never guesses necessary
// without a word in the name that says so, since a wrong necessary lets something run that must wait for a yes.
func Classify(name, domain, party string, expiresDays float64) Match {
	if m, ok := Lookup(consent.Cookie, name, domain); ok {
		return m
	}
	for _, r := range rules {
		if r.fits(name, party, expiresDays) {
			return Match{Category: r.category, Confidence: r.confidence, Source: "rule: " + r.says}
		}
	}
	return Match{Category: consent.Unclassified, Source: "unknown"}
}

// rule is one guess. Empty conditions don't count.
type rule struct {
	says       string
	words      *regexp.Regexp // in the name, cut into words
	party      string
	maxDays    float64 // lasts no longer
	category   consent.Category
	confidence float64
}

func (r *rule) fits(name, party string, days float64) bool {
	return (r.words == nil || r.words.MatchString(words(name))) && (r.party == "" || r.party == party) &&
		(r.maxDays == 0 || days <= r.maxDays)
}

// word makes an expression for any of several whole words.
func word(list string) *regexp.Regexp {
	return regexp.MustCompile(`(^| )(` + strings.ReplaceAll(list, " ", "|") + `)( |$)`)
}

// rules are tried in order. Words that mean necessary come first and are few, since most names that sound technical
// are not necessary.
var rules = []rule{
	{"security token", word(`csrf xsrf csrftoken xsrftoken antiforgery requestverificationtoken captcha`), "", 0, consent.Necessary, 0.8},
	{
		"the visitor's answer about cookies",
		word(`consent gdpr ccpa cookieconsent cookieconsents cookiepolicy cookienotice cookiebanner cookielaw cookiesettings cookiebar cookieinfo ` +
			`samtykke euconsent cookieaccept acceptcookies cookies`),
		"", 0, consent.Necessary, 0.6,
	},
	{"load balancing", word(`loadbalancer loadbalance affinity arraffinity serverid bigip bigipserver awselb awsalb haproxy`), "", 0, consent.Necessary, 0.7},
	{
		"advertising by a third party",
		word(`ad ads adid advert adserver campaign gclid fbclid msclkid dclid click clickid clid affiliate aff partner retargeting remarketing audience ` +
			`segment segments dmp bid bidder rtb pixel conversion impression frequency idsync sync cm usermatch match optout uid uids userid muid guid voucher`),
		consent.ThirdParty, 0, consent.Marketing, 0.6,
	},
	{
		"advertising",
		word(`ad ads adid advert campaign gclid fbclid msclkid dclid clickid affiliate aff retargeting remarketing conversion utm pixel partner`),
		"", 0, consent.Marketing, 0.55,
	},
	{
		"measuring",
		word(`analytics stats stat statistics visit visits visitor visitorid pageview pageviews pv hit hits tracking tracker track referer referrer landing ` +
			`landingpage ga gid heatmap abtest experiment variant ab firstvisit lastvisit visited perf rum metrics survey feedback recorder vid counter unique`),
		"", 0, consent.Statistics, 0.5,
	},
	{
		"the visitor's settings",
		word(`lang language locale culture currency country region theme dark font fontsize pref prefs preference preferences settings setting view layout ` +
			`sort timezone tz wishlist favorites favourites recent recently viewed city location popup newsletter dismissed closed hide hidden tooltip volume ` +
			`player chat chatid chatbot messenger store display sidebar`),
		"", 0, consent.Preferences, 0.5,
	},
	{"session or login", word(`session sess sessionid sessid auth login loggedin cart basket kurv checkout`), consent.FirstParty, 1, consent.Necessary, 0.45},
	{"set by somebody else than the site", nil, consent.ThirdParty, 0, consent.Marketing, 0.35},
}

var (
	camel      = regexp.MustCompile(`([a-z0-9])([A-Z])`)
	nonLetters = regexp.MustCompile(`[^a-z]+`)
)

// words cuts a name into lower-case words and adds the undivided name, so that "SessionId", "session_id" and
// "sessionid" are all found by the word sessionid.
func words(name string) string {
	split := nonLetters.ReplaceAllString(strings.ToLower(camel.ReplaceAllString(name, "$1 $2")), " ")
	whole := nonLetters.ReplaceAllString(strings.ToLower(name), "")
	return strings.TrimSpace(split) + " " + whole
}

package cookiedb

import (
	"slices"
	"strings"
	"sync"
)

// concepts are the words by which people name what a cookie is for, in English, Danish, German and French.
var concepts = map[string]string{
	"security": `csrf xsrf csrftoken xsrftoken antiforgery forgery requestverificationtoken captcha recaptcha nonce
		firewall waf botmanager antibot fraud sikkerhed sicherheit securite protection verification verify
		verified waitingroom queue`,
	"balancing": `loadbalancer loadbalance balancer affinity arraffinity serverid bigip bigipserver awselb awsalb
		haproxy sticky stickysession lb route backend upstream servername server servers node cluster
		instance edge proxy lbs`,
	"session": `session sess sessionid sessid sid ses sessiontoken sitzung phpsess jsession aspsession asp`,
	"login": `auth login loggedin logged account sso token oauth oidc jwt signin authentication remember
		rememberme user username member customer anmeldung connexion kunde bruger log state identity idp
		signup register profileid authenticated permission role jwttoken refreshtoken accesstoken refresh`,
	"cart": `cart basket kurv varekurv indkoebskurv warenkorb panier checkout order quote shopping bag items
		purchase payment betaling zahlung paiement shipping delivery`,
	"consent": `consent gdpr ccpa cookieconsent cookiepolicy cookienotice cookiebanner cookielaw cookiesettings
		cookiebar cookieinfo samtykke einwilligung consentement tcf euconsent cookieaccept acceptcookies
		cookieconsents privacy acceptance accepted cookiemessage cookiewarning cookiealert datenschutz
		policy usprivacy gpc cmp functional ccpaconsent agree agreed agreement approve approved dsgvo rgpd
		cookiehint consents terms`,
	"language": `lang language locale sprog langue sprache culture i18n lng locales`,
	"region": `country currency region land valuta waehrung devise store city location geo postcode zip timezone tz
		shop market geolocation countrycode ipcountry vat tax price branch`,
	"look": `theme dark darkmode font fontsize layout view mode sort contrast skin screen width height resolution
		display device grid`,
	"dismissed": `popup modal closed close dismissed dismiss hide hidden seen shown notice banner newsletter tooltip
		alert announcement splash overlay welcome sidebar menu survey modalshown push prompt onboarding tour
		intro skip read`,
	"recent": `wishlist favorites favourites favoritter recent recently viewed compare merkliste history search
		lastsearch last_viewed saved bookmark filter filters`,
	"player": `player volume muted quality video playback autoplay vimeo caption subtitles`,
	"chat":   `chat chatid messenger livechat widget support helpdesk conversation chatbot`,
	"settings": `pref prefs preference preferences settings setting indstillinger einstellungen options config type
		active current state mode toggle collapsed expanded tab`,
	"measuring": `analytics stat stats statistics statistik visit visits visitor visitorid pageview pageviews pv hit
		hits tracking tracker track counter unique besucher visiteur visited firstvisit lastvisit page pages
		scroll new returning start depth activity event events sessions duration engagement user_id entrance
		first`,
	"origin": `referrer referer landing landingpage utm source entry traffic origin medium src ref refer channel
		from`,
	"experiment": `abtest experiment experiments variant variation ab testgroup split exp variants optimize bucket
		abtesting group exposure rollout feature features flag flags`,
	"performance": `perf rum metrics monitoring sampling sample speed sampled latency timing`,
	"recording":   `heatmap recorder replay feedback poll nps recording`,
	"advertising": `ad ads adid advert advertising adserver reklame werbung publicite campaign campaigns promo promotion
		adv`,
	"click":     `gclid fbclid msclkid dclid click clickid clid clicks conversion conversions conv`,
	"affiliate": `affiliate aff partner partners voucher affiliateid referral`,
	"sync":      `sync idsync usersync cookiesync match usermatch cm pixel px matching synced`,
	"identity": `uid uuid guid id userid muid tuid vid cid uids ids gid did pid deviceid clientid fingerprint fp
		tuuid eid anonymous anonymousid viewer ssid visitorguid browserid browser client`,
	"bidding": `bid bids bidder rtb dsp ssp prebid auction adx header floor`,
	"targeting": `retargeting remarketing audience audiences segment segments dmp profile interest interests cohort
		behavior targeting topics aud persona recommendation recommendations personalization`,
	"capping": `frequency cap capping impression impressions imp freq capped`,
	"probe": `test cookietest testcookie check enabled supported probe support loaded has js enable javascript
		debug supports available working`,
	"time": `timestamp ts time last first expiry expires exp date`,
	"technical": `version cache hash build deploy redirect return url returnurl request nocache path context key data
		page_version static`,
	"form":    `form name email phone firstname lastname comment author poll vote answer quiz`,
	"agegate": `age agegate ageverification adult over18`,
	"cookie":  `cookie cookies`,
	"optout":  `optout opt out dnt donottrack`,
}

// vocabulary turns concepts round: a word, the concepts that it belongs to. Long words are also looked for inside
// names whose words aren't parted.
var vocabulary = sync.OnceValue(func() (v struct {
	concepts map[string][]string
	long     []string
},
) {
	v.concepts = map[string][]string{}
	for _, name := range sortedKeys(concepts) {
		for _, w := range strings.Fields(concepts[name]) {
			v.concepts[w] = append(v.concepts[w], name)
		}
	}
	for _, w := range sortedKeys(v.concepts) {
		if len(w) >= 5 {
			v.long = append(v.long, w)
		}
	}
	return v
})

// meant lists what a spelling's words speak of, each once.
func meant(spelling string) []string {
	v := vocabulary()
	var found []string
	add := func(word string) {
		for _, c := range v.concepts[word] {
			if !slices.Contains(found, c) {
				found = append(found, c)
			}
		}
	}
	tokens := strings.FieldsFunc(spelling, func(r rune) bool { return r == '_' || r == '0' || r == '~' })
	for _, t := range tokens {
		add(t)
	}
	whole := strings.Join(tokens, "")
	add(whole)
	for _, w := range v.long {
		if strings.Contains(whole, w) {
			add(w)
		}
	}
	return found
}

package scanner

import (
	"slices"
	"strings"

	"samtykke/consent"
	"samtykke/scanner/cookiedb"
)

// sentVerdicts judge what leaves the browser, and what is read out of it.
var sentVerdicts = []verdict{
	{
		code: "thirdparty-request-before-consent", severity: consent.Critical, requirement: "S3", judge: requestBeforeConsent,
		title: words{
			"Siden henter indhold fra tredjeparter, før den besøgende har svaret.",
			"The page fetches from third parties before the visitor has answered.",
		},
		advice: words{
			"En forespørgsel fortæller tredjeparten, hvem der besøger hvilken side. Hold indholdet tilbage til efter et ja, eller læg det på sitets egen server.",
			"A request tells the third party who visits which page. Hold the content back until a yes, or serve it from the site's own server.",
		},
		when:   "A request to a third party in `none`, other than to a consent tool or another necessary service. Critical for known trackers, else high.",
		limits: "",
	},
	{
		code: "social-plugin-before-marketing", severity: consent.Critical, requirement: "S35", judge: socialPlugin,
		title: words{
			"Indhold fra sociale medier hentes, uden at den besøgende har sagt ja til marketing.",
			"Social media content is fetched though the visitor has not said yes to marketing.",
		},
		advice: words{
			"Vis en pladsholder, og hent først indholdet efter et ja til marketing. Sitet og det sociale medie er fælles dataansvarlige for, hvad der sendes.",
			"Show a placeholder, and fetch the content only after a yes to marketing. The site and the social medium are joint controllers for what is sent.",
		},
		when:   "A known social plug-in is fetched before an answer, after a refusal, after a withdrawal, or with Global Privacy Control.",
		limits: "Plug-ins in `scanner/trackers.json`; a copy on the site's own server is not recognised.",
	},
	{
		code: "tracking-pixel", severity: consent.High, requirement: "S29", judge: trackingPixel,
		title: words{
			"Sporingspixels sender oplysninger om besøget uden samtykke.",
			"Tracking pixels report the visit without consent.",
		},
		advice: words{
			"Lad pixlen vente på sin kategori, også når den sendes gennem sitets egen server.",
			"Let the pixel wait for its category, also where it goes through the site's own server.",
		},
		when:   "A known pixel address is called, or a beacon or tiny picture goes to a third party that is not necessary, before an answer, after a refusal or after a withdrawal.",
		limits: "Unknown pixels on the site's own host are not recognised.",
	},
	{
		code: "url-id", severity: consent.High, requirement: "S29", judge: urlID,
		title: words{
			"Adresser bærer id'er, som genkender den besøgende på tværs af sites, uden samtykke.",
			"Addresses carry ids that recognise the visitor across sites, without consent.",
		},
		advice: words{
			"Send ikke klik-id'er og cookieværdier videre, før der er svaret ja til marketing, og lad ikke scripts tilføje dem til links.",
			"Don't pass on click ids and cookie values before a yes to marketing, and don't let scripts add them to links.",
		},
		when:   "A request to a third party that is not necessary carries a known id parameter or a cookie's value, or a script adds one to links, before an answer, after a refusal or after a withdrawal.",
		limits: "Only names of parameters are recorded. An id under an unknown name is recognised only where it is a cookie's value.",
	},
	{
		code: "fingerprinting-suspected", severity: consent.Medium, requirement: "S28", judge: fingerprinting,
		title: words{
			"Et script aflæser egenskaber, som browsere kan kendes fra hinanden på, uden samtykke.",
			"A script reads what browsers can be told apart by, without consent.",
		},
		advice: words{
			"Find ud af, hvad scriptet bruger aflæsningen til. Tjener den til at genkende besøgende, kræver den samtykke ligesom en cookie.",
			"Find out what the script uses the reading for. If it serves to recognise visitors, it needs consent like a cookie.",
		},
		when:   "Before an answer, after a refusal or after a withdrawal, a script reads sound, fonts, or (a third party's) canvas; or two kinds of canvas, WebGL, WebRTC, devices and battery.",
		limits: "A suspicion: the same interfaces serve games, films and fraud prevention. A site's own script that only reads the canvas is spared, since many test for emoji that way.",
	},
	{
		code: "gpc-ignored", severity: consent.Info, requirement: "S34", judge: gpcIgnored,
		title: words{
			"Browserens signal om ikke at ville spores (Global Privacy Control) ændrer ikke, hvad der sættes og hentes.",
			"The browser's signal against tracking (Global Privacy Control) doesn't change what is set and fetched.",
		},
		advice: words{
			"Behandl signalet som et nej til alt, der ikke er nødvendigt, indtil den besøgende selv siger andet.",
			"Treat the signal as a no to everything that is not necessary, until the visitor says otherwise.",
		},
		when:   "Something known to be optional is stored or contacted though the browser sends `Sec-GPC: 1`.",
		limits: "No European authority has said what the signal means here.",
	},
}

func requestBeforeConsent(c *scene) (consent.Severity, []fact) {
	known, facts := c.calls(func(r *Request) bool { return r.State == StateNone })
	return worst(known), facts
}

// refusing are the states in which nobody has said yes.
var refusing = []string{StateNone, StateReject, StateWithdraw}

// eachCall goes through the requests of the states that were reached, as far as they count in them.
func (c *scene) eachCall(states []string, see func(s *StateEvidence, r *Call)) {
	for _, s := range c.reached(states...) {
		for i := range s.Requests {
			if r := &s.Requests[i]; s.window(r.After) {
				see(s, r)
			}
		}
	}
}

// callFact tells of a request: its subject is what it is known as, or its host.
func (s *StateEvidence) callFact(kind, name string, r *Call, what words) fact {
	t := trace{page: r.Page, at: r.At, by: r.Initiator, chain: r.Chain}
	head := say("%s: %s %s", "%s: %s %s", s.where(), r.Type, r.URL)
	return fact{kind + " " + name, head.and(what).and(t.tail(words{", foranlediget af ", ", caused by "}))}
}

// once says of each state, name and page whether it is new, so that a poll every second is one line.
func once() func(s *StateEvidence, name, page string) bool {
	type spot struct{ state, device, name, page string }
	seen := map[spot]bool{}
	return func(s *StateEvidence, name, page string) bool {
		at := spot{s.State, s.device(), name, page}
		known := seen[at]
		seen[at] = true
		return !known
	}
}

func socialPlugin(c *scene) (_ consent.Severity, facts []fact) {
	fresh := once()
	c.eachCall(append([]string{StateGPC}, refusing...), func(s *StateEvidence, r *Call) {
		name := knownAs(trackers().Social, r.URL)
		if name != "" && c.foreign(r) && fresh(s, name, r.Page) {
			facts = append(facts, s.callFact("plugin", name, r, say(" (%s)", " (%s)", name)))
		}
	})
	return "", facts
}

// foreign says whether a request leaves the site: facebook.com may embed itself.
func (c *scene) foreign(r *Call) bool { return c.e.party(hostOf(r.URL)) == consent.ThirdParty }

// needed says whether a request goes to a service that is necessary, or to this product's banner.
func (c *scene) needed(r *Call) bool {
	m, known := cookiedb.Host(hostOf(r.URL))
	return known && m.Category == consent.Necessary || !known && c.banner[hostOf(r.URL)]
}

func trackingPixel(c *scene) (_ consent.Severity, facts []fact) {
	fresh := once()
	c.eachCall(refusing, func(s *StateEvidence, r *Call) {
		name := knownAs(trackers().Pixels, r.URL)
		if name == "" && r.Pixel && c.foreign(r) && !c.needed(r) {
			name = hostOf(r.URL)
		}
		if name != "" && fresh(s, name, r.Page) {
			facts = append(facts, s.callFact("pixel", name, r, say(" (%s)", " (%s)", name)))
		}
	})
	return "", facts
}

func urlID(c *scene) (_ consent.Severity, facts []fact) {
	fresh := once()
	c.eachCall(refusing, func(s *StateEvidence, r *Call) {
		carried := ids(r.Params)
		if len(carried)+len(r.Carries) == 0 || !c.foreign(r) || c.needed(r) || !fresh(s, hostOf(r.URL), r.Page) {
			return
		}
		var what words
		if len(carried) > 0 {
			what = say(", med %s i adressen", ", with %s in the address", listed(carried))
		}
		if len(r.Carries) > 0 {
			what = what.and(say(", med værdien af cookien %s", ", with the value of the cookie %s", listed(r.Carries)))
		}
		facts = append(facts, s.callFact("id to", hostOf(r.URL), r, what))
	})
	for _, s := range c.reached(refusing...) {
		for _, u := range s.Uses {
			if added := ids(u.Names); u.What == "link-decoration" && len(added) > 0 && s.window(u.After) && fresh(s, "links "+u.By, u.Page) {
				facts = append(facts, fact{"links " + hostOf(u.By), say("%s: %s føjer %s til links på %s", "%s: %s adds %s to links on %s",
					s.where(), u.By, listed(added), u.Page)})
			}
		}
	}
	return "", facts
}

// listed joins at most ten names.
func listed(names []string) string {
	if len(names) > 10 {
		return strings.Join(names[:10], ", ") + " …"
	}
	return strings.Join(names, ", ")
}

// readings are what one script read on the pages of one state.
type readings struct {
	kinds []string
	page  string
}

func fingerprinting(c *scene) (_ consent.Severity, facts []fact) {
	for _, s := range c.reached(refusing...) {
		scripts, order := map[string]*readings{}, []string{}
		for _, u := range s.Uses {
			if u.What == "link-decoration" || !s.window(u.After) {
				continue
			}
			r := scripts[u.By]
			if r == nil {
				r = &readings{page: u.Page}
				scripts[u.By], order = r, append(order, u.By)
			}
			if !slices.Contains(r.kinds, u.What) {
				r.kinds = append(r.kinds, u.What)
			}
		}
		for _, by := range order {
			if r := scripts[by]; c.suspicious(by, r.kinds) {
				slices.Sort(r.kinds)
				facts = append(facts, fact{"script " + hostOf(by), say("%s: %s aflæser %s på %s", "%s: %s reads %s on %s", s.where(), by, strings.Join(r.kinds, ", "), r.page)})
			}
		}
	}
	return "", facts
}

// suspicious weighs what a script reads: sound and fonts are seldom read for anything else, the rest is telling in
// combination.
func (c *scene) suspicious(by string, kinds []string) bool {
	host := hostOf(by)
	if m, known := cookiedb.Host(host); known && m.Category == consent.Necessary {
		return false
	}
	third := host != "" && c.e.party(host) == consent.ThirdParty
	return len(kinds) > 1 || slices.Contains(kinds, "audio") || slices.Contains(kinds, "fonts") || third && slices.Contains(kinds, "canvas")
}

func gpcIgnored(c *scene) (consent.Severity, []fact) {
	facts := c.each(func(it *Item) (fact, bool) {
		return c.itemFact(it, StateGPC), it.Category.Optional() && slices.Contains(it.States, StateGPC)
	})
	_, calls := c.calls(func(r *Request) bool { return r.State == StateGPC && r.Category.Optional() })
	return "", append(facts, calls...)
}

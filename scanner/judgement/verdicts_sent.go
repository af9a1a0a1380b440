package judgement

import (
	"slices"
	"strings"

	"samtykke/consent"
	"samtykke/scanner/cookiedb"
	"samtykke/scanner/evidence"
	"samtykke/scanner/spoken"
)

// sentVerdicts judge what leaves the browser, and what is read out of it.
var sentVerdicts = []Verdict{
	{
		Code: "thirdparty-request-before-consent", Severity: consent.Critical, Requirement: "S3", judge: requestBeforeConsent,
		Title: spoken.Words{
			"Siden henter indhold fra tredjeparter, før den besøgende har svaret.",
			"The page fetches from third parties before the visitor has answered.",
		},
		Advice: spoken.Words{
			"En forespørgsel fortæller tredjeparten, hvem der besøger hvilken side. Hold indholdet tilbage til efter et ja, eller læg det på sitets egen server.",
			"A request tells the third party who visits which page. Hold the content back until a yes, or serve it from the site's own server.",
		},
		When:   "A request to a third party in `none`, other than to a consent tool or another necessary service. Critical for known trackers, else high.",
		Limits: "",
	},
	{
		Code: "social-plugin-before-marketing", Severity: consent.Critical, Requirement: "S35", judge: socialPlugin,
		Title: spoken.Words{
			"Indhold fra sociale medier hentes, uden at den besøgende har sagt ja til marketing.",
			"Social media content is fetched though the visitor has not said yes to marketing.",
		},
		Advice: spoken.Words{
			"Vis en pladsholder, og hent først indholdet efter et ja til marketing. Sitet og det sociale medie er fælles dataansvarlige for, hvad der sendes.",
			"Show a placeholder, and fetch the content only after a yes to marketing. The site and the social medium are joint controllers for what is sent.",
		},
		When:   "A known social plug-in is fetched before an answer, after a refusal, after a withdrawal, or with Global Privacy Control.",
		Limits: "Plug-ins in `scanner/judgement/trackers.json`; a copy on the site's own server is not recognised.",
	},
	{
		Code: "tracking-pixel", Severity: consent.High, Requirement: "S29", judge: trackingPixel,
		Title: spoken.Words{
			"Sporingspixels sender oplysninger om besøget uden samtykke.",
			"Tracking pixels report the visit without consent.",
		},
		Advice: spoken.Words{
			"Lad pixlen vente på sin kategori, også når den sendes gennem sitets egen server.",
			"Let the pixel wait for its category, also where it goes through the site's own server.",
		},
		When:   "A known pixel address is called, or a beacon or tiny picture goes to a third party that is not necessary, before an answer, after a refusal or after a withdrawal.",
		Limits: "Unknown pixels on the site's own host are not recognised.",
	},
	{
		Code: "url-id", Severity: consent.High, Requirement: "S29", judge: urlID,
		Title: spoken.Words{
			"Adresser bærer id'er, som genkender den besøgende på tværs af sites, uden samtykke.",
			"Addresses carry ids that recognise the visitor across sites, without consent.",
		},
		Advice: spoken.Words{
			"Send ikke klik-id'er og cookieværdier videre, før der er svaret ja til marketing, og lad ikke scripts tilføje dem til links.",
			"Don't pass on click ids and cookie values before a yes to marketing, and don't let scripts add them to links.",
		},
		When:   "A request to a third party that is not necessary carries a known id parameter or a cookie's value, or a script adds one to links, before an answer, after a refusal or after a withdrawal.",
		Limits: "Only names of parameters are recorded. An id under an unknown name is recognised only where it is a cookie's value.",
	},
	{
		Code: "fingerprinting-suspected", Severity: consent.Medium, Requirement: "S28", judge: fingerprinting,
		Title: spoken.Words{
			"Et script aflæser egenskaber, som browsere kan kendes fra hinanden på, uden samtykke.",
			"A script reads what browsers can be told apart by, without consent.",
		},
		Advice: spoken.Words{
			"Find ud af, hvad scriptet bruger aflæsningen til. Tjener den til at genkende besøgende, kræver den samtykke ligesom en cookie.",
			"Find out what the script uses the reading for. If it serves to recognise visitors, it needs consent like a cookie.",
		},
		When:   "Before an answer, after a refusal or after a withdrawal, a script reads sound, fonts, or (a third party's) canvas; or two kinds of canvas, WebGL, WebRTC, devices and battery.",
		Limits: "A suspicion: the same interfaces serve games, films and fraud prevention. A site's own script that only reads the canvas is spared, since many test for emoji that way.",
	},
	{
		Code: "gpc-ignored", Severity: consent.Info, Requirement: "S34", judge: gpcIgnored,
		Title: spoken.Words{
			"Browserens signal om ikke at ville spores (Global Privacy Control) ændrer ikke, hvad der sættes og hentes.",
			"The browser's signal against tracking (Global Privacy Control) doesn't change what is set and fetched.",
		},
		Advice: spoken.Words{
			"Behandl signalet som et nej til alt, der ikke er nødvendigt, indtil den besøgende selv siger andet.",
			"Treat the signal as a no to everything that is not necessary, until the visitor says otherwise.",
		},
		When:   "Something known to be optional is stored or contacted though the browser sends `Sec-GPC: 1`.",
		Limits: "No European authority has said what the signal means here.",
	},
}

func requestBeforeConsent(c *scene) (consent.Severity, []fact) {
	known, facts := c.calls(func(r *Request) bool { return r.State == evidence.StateNone })
	return worst(known), facts
}

// refusing are the states in which nobody has said yes.
var refusing = []string{evidence.StateNone, evidence.StateReject, evidence.StateWithdraw}

// eachCall goes through the requests of the states that were reached, as far as they count in them.
func (c *scene) eachCall(states []string, see func(s *evidence.State, r *evidence.Call)) {
	for _, s := range c.reached(states...) {
		for i := range s.Requests {
			if r := &s.Requests[i]; window(s, r.After) {
				see(s, r)
			}
		}
	}
}

// callFact tells of a request: its subject is what it is known as, or its host.
func callFact(s *evidence.State, kind, name string, r *evidence.Call, what spoken.Words) fact {
	t := trace{page: r.Page, at: r.At, by: r.Initiator, chain: r.Chain}
	head := spoken.Say("%s: %s %s", "%s: %s %s", where(s), r.Type, r.URL)
	return fact{kind + " " + name, head.And(what).And(t.tail(spoken.Words{", foranlediget af ", ", caused by "}))}
}

// once says of each state, name and page whether it is new, so that a poll every second is one line.
func once() func(s *evidence.State, name, page string) bool {
	type spot struct{ state, device, name, page string }
	seen := map[spot]bool{}
	return func(s *evidence.State, name, page string) bool {
		at := spot{s.State, s.Screen(), name, page}
		known := seen[at]
		seen[at] = true
		return !known
	}
}

func socialPlugin(c *scene) (_ consent.Severity, facts []fact) {
	fresh := once()
	c.eachCall(append([]string{evidence.StateGPC}, refusing...), func(s *evidence.State, r *evidence.Call) {
		name := knownAs(trackers().Social, r.URL)
		if name != "" && c.foreign(r) && fresh(s, name, r.Page) {
			facts = append(facts, callFact(s, "plugin", name, r, spoken.Say(" (%s)", " (%s)", name)))
		}
	})
	return "", facts
}

// foreign says whether a request leaves the site: facebook.com may embed itself.
func (c *scene) foreign(r *evidence.Call) bool {
	return c.e.Party(evidence.HostOf(r.URL)) == consent.ThirdParty
}

// needed says whether a request goes to a service that is necessary, or to this product's banner.
func (c *scene) needed(r *evidence.Call) bool {
	m, known := cookiedb.Host(evidence.HostOf(r.URL))
	return known && m.Category == consent.Necessary || !known && c.banner[evidence.HostOf(r.URL)]
}

func trackingPixel(c *scene) (_ consent.Severity, facts []fact) {
	fresh := once()
	c.eachCall(refusing, func(s *evidence.State, r *evidence.Call) {
		name := knownAs(trackers().Pixels, r.URL)
		if name == "" && r.Pixel && c.foreign(r) && !c.needed(r) {
			name = evidence.HostOf(r.URL)
		}
		if name != "" && fresh(s, name, r.Page) {
			facts = append(facts, callFact(s, "pixel", name, r, spoken.Say(" (%s)", " (%s)", name)))
		}
	})
	return "", facts
}

func urlID(c *scene) (_ consent.Severity, facts []fact) {
	fresh := once()
	c.eachCall(refusing, func(s *evidence.State, r *evidence.Call) {
		carried := ids(r.Params)
		if len(carried)+len(r.Carries) == 0 || !c.foreign(r) || c.needed(r) || !fresh(s, evidence.HostOf(r.URL), r.Page) {
			return
		}
		var what spoken.Words
		if len(carried) > 0 {
			what = spoken.Say(", med %s i adressen", ", with %s in the address", listed(carried))
		}
		if len(r.Carries) > 0 {
			what = what.And(spoken.Say(", med værdien af cookien %s", ", with the value of the cookie %s", listed(r.Carries)))
		}
		facts = append(facts, callFact(s, "id to", evidence.HostOf(r.URL), r, what))
	})
	for _, s := range c.reached(refusing...) {
		for _, u := range s.Uses {
			if added := ids(u.Names); u.What == "link-decoration" && len(added) > 0 && window(s, u.After) && fresh(s, "links "+u.By, u.Page) {
				facts = append(facts, fact{"links " + evidence.HostOf(u.By), spoken.Say("%s: %s føjer %s til links på %s", "%s: %s adds %s to links on %s",
					where(s), u.By, listed(added), u.Page)})
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
			if u.What == "link-decoration" || !window(s, u.After) {
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
				facts = append(facts, fact{"script " + evidence.HostOf(by), spoken.Say("%s: %s aflæser %s på %s", "%s: %s reads %s on %s", where(s), by, strings.Join(r.kinds, ", "), r.page)})
			}
		}
	}
	return "", facts
}

// suspicious weighs what a script reads: sound and fonts are seldom read for anything else, the rest is telling in
// combination.
func (c *scene) suspicious(by string, kinds []string) bool {
	host := evidence.HostOf(by)
	if m, known := cookiedb.Host(host); known && m.Category == consent.Necessary {
		return false
	}
	third := host != "" && c.e.Party(host) == consent.ThirdParty
	return len(kinds) > 1 || slices.Contains(kinds, "audio") || slices.Contains(kinds, "fonts") || third && slices.Contains(kinds, "canvas")
}

func gpcIgnored(c *scene) (consent.Severity, []fact) {
	facts := c.each(func(it *Item) (fact, bool) {
		return c.itemFact(it, evidence.StateGPC), it.Category.Optional() && slices.Contains(it.States, evidence.StateGPC)
	})
	_, calls := c.calls(func(r *Request) bool { return r.State == evidence.StateGPC && r.Category.Optional() })
	return "", append(facts, calls...)
}

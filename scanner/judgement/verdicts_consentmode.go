package judgement

import (
	"maps"
	"slices"
	"strings"

	"samtykke/consent"
	"samtykke/scanner/evidence"
	"samtykke/scanner/spoken"
)

// consentModeVerdicts judge the order in which Google's tags are told of the choice (Consent Mode v2). Where no
// Google tag and no signal was seen they are silent.
var consentModeVerdicts = []Verdict{
	{
		Code: "consent-mode-missing", Severity: consent.Medium, Requirement: "S27", judge: modeMissing,
		Title: spoken.Words{
			"Googles tags bliver ikke fortalt, hvad de må, før de starter.",
			"Google's tags are not told what they may do before they start.",
		},
		Advice: spoken.Words{
			"Sæt alle syv signaler i gtag('consent', 'default', …) før den første Google-tag: alt afvist undtagen security_storage.",
			"Set all seven signals in gtag('consent', 'default', …) before the first Google tag: all denied but security_storage.",
		},
		When:   "A page calls one of Google's tags and gives no default, or a default without one of the seven signals. Low where only functionality_storage, personalization_storage or security_storage is missing.",
		Limits: "Defaults that are set inside a worker or a sandboxed frame are not seen.",
	},
	{
		Code: "consent-mode-late", Severity: consent.High, Requirement: "S27", judge: modeLate,
		Title: spoken.Words{
			"Googles tags starter, før de får at vide, hvad de må.",
			"Google's tags start before they are told what they may do.",
		},
		Advice: spoken.Words{
			"Flyt gtag('consent', 'default', …) op som det første script på siden, før Google-tags og før banneret.",
			"Move gtag('consent', 'default', …) to the first script of the page, before Google's tags and before the banner.",
		},
		When:   "The first default comes after the first call of a Google tag on the page, or after an update.",
		Limits: "Needs the order of events, which is known for each page by itself.",
	},
	{
		Code: "consent-mode-granted", Severity: consent.High, Requirement: "S27", judge: modeGranted,
		Title: spoken.Words{
			"Googles tags får et ja, som den besøgende ikke har givet.",
			"Google's tags get a yes that the visitor has not given.",
		},
		Advice: spoken.Words{
			"Sæt ad_storage, ad_user_data, ad_personalization og analytics_storage til denied, indtil den besøgende har sagt ja, og igen efter en afvisning eller tilbagetrækning.",
			"Set ad_storage, ad_user_data, ad_personalization and analytics_storage to denied until the visitor has said yes, and again after a refusal or withdrawal.",
		},
		When:   "One of the four signals that Google asks for is granted before an answer, after a refusal or after a withdrawal. A default counts as granted only where no other default on the page denies it, since defaults can be for single regions.",
		Limits: "Regions are not recorded.",
	},
	{
		Code: "consent-mode-advanced", Severity: consent.High, Requirement: "S27", judge: modeAdvanced,
		Title: spoken.Words{
			"Googles tags kører, før den besøgende har svaret, selv om de har fået et nej (advanced mode).",
			"Google's tags run before the visitor has answered, though they were told no (advanced mode).",
		},
		Advice: spoken.Words{
			"Brug basic mode: Hold tags tilbage, til der er svaret ja. Også uden cookies sender de adresse, browser og tidspunkt til Google.",
			"Use basic mode: hold the tags back until there is a yes. Without cookies they still send address, browser and time to Google.",
		},
		When:   "Signals are denied by default, and a Google tag is called all the same before an answer or after a refusal (EDPB 2/2023).",
		Limits: "",
	},
	{
		Code: "consent-mode-no-update", Severity: consent.Medium, Requirement: "S27", judge: modeNoUpdate,
		Title: spoken.Words{
			"Googles tags får ikke at vide, at den besøgende har sagt ja.",
			"Google's tags are not told that the visitor has said yes.",
		},
		Advice: spoken.Words{
			"Kald gtag('consent', 'update', …) ved hvert valg og på hver side, hvor et valg allerede er gemt.",
			"Call gtag('consent', 'update', …) on every choice, and on every page where a choice is stored.",
		},
		When:   "Signals are denied by default, and after everything was accepted no command grants one.",
		Limits: "Needs an acceptance that succeeded.",
	},
	{
		Code: "consent-mode-no-wait", Severity: consent.Low, Requirement: "S27", judge: modeNoWait,
		Title: spoken.Words{
			"Googles tags venter ikke på det gemte valg.",
			"Google's tags don't wait for the stored choice.",
		},
		Advice: spoken.Words{
			"Sæt wait_for_update i standarden, for eksempel til 500 millisekunder, når banneret hentes asynkront.",
			"Set wait_for_update in the default, such as to 500 milliseconds, where the banner loads asynchronously.",
		},
		When:   "After everything was accepted, a Google tag is called before the update of the page, and its default has no wait_for_update.",
		Limits: "Needs the order of events.",
	},
}

// modePage is what one load of a page told Google's tags, and when it called them.
type modePage struct {
	run     *evidence.State
	page    string
	signals []*evidence.ConsentSignal
	calls   []*evidence.Call
	earlier []*evidence.ConsentSignal // defaults from before the answer, where the page gave none after it
}

// modePages groups by page, in the order in which the pages appear. A page that is loaded both before and after the
// answer is two. Order is counted for each page, so nothing is compared across pages.
func (c *scene) modePages(states ...string) []*modePage {
	type load struct {
		run   *evidence.State
		page  string
		after bool
	}
	found := map[load]*modePage{}
	var all []*modePage
	at := func(s *evidence.State, page string, after bool) *modePage {
		k := load{s, page, after}
		if found[k] == nil {
			found[k] = &modePage{run: s, page: page}
			all = append(all, found[k])
		}
		return found[k]
	}
	for _, s := range c.reached(states...) {
		for i := range s.Requests {
			if r := &s.Requests[i]; window(s, r.After) && c.foreign(r) && knownAs(trackers().Google, r.URL) != "" {
				p := at(s, r.Page, r.After)
				p.calls = append(p.calls, r)
			}
		}
		for i := range s.Signals {
			if g := &s.Signals[i]; window(s, g.After) {
				p := at(s, g.Page, g.After)
				p.signals = append(p.signals, g)
			}
		}
	}
	for _, p := range all {
		slices.SortStableFunc(p.signals, func(a, b *evidence.ConsentSignal) int { return a.Order - b.Order })
		slices.SortStableFunc(p.calls, func(a, b *evidence.Call) int { return a.Order - b.Order })
		p.inherit()
	}
	return all
}

// inherit keeps what a page was told before the answer that was given on it.
func (p *modePage) inherit() {
	if p.first("default") != nil {
		return
	}
	for i := range p.run.Signals {
		if s := &p.run.Signals[i]; s.Command == "default" && s.Page == p.page {
			p.earlier = append(p.earlier, s)
		}
	}
}

// first is the first command of a kind; nil where there is none.
func (p *modePage) first(command string) *evidence.ConsentSignal {
	for _, s := range p.signals {
		if s.Command == command {
			return s
		}
	}
	return nil
}

// defaults are the signals that a page gives a default, each with the strictest value: defaults may be for regions.
func (p *modePage) defaults() map[string]string {
	all := map[string]string{}
	for _, s := range slices.Concat(p.earlier, p.signals) {
		if s.Command != "default" {
			continue
		}
		for _, name := range slices.Sorted(maps.Keys(s.Values)) {
			if all[name] != "denied" {
				all[name] = s.Values[name]
			}
		}
	}
	return all
}

// denies says whether one of the asked signals is denied by default.
func (p *modePage) denies() bool {
	d := p.defaults()
	return slices.ContainsFunc(evidence.AskedSignals, func(s string) bool { return d[s] == "denied" })
}

// fact tells of a page; the subject is the page's part in the matter, without state and time.
func (p *modePage) fact(subject string, w spoken.Words) fact {
	return fact{subject, spoken.Say("%s, %s: %s", "%s, %s: %s", where(p.run), p.page, w)}
}

func without(names []string, have map[string]string) []string {
	return slices.DeleteFunc(slices.Clone(names), func(s string) bool { return have[s] != "" })
}

func modeMissing(c *scene) (consent.Severity, []fact) {
	severity := consent.Low
	var facts []fact
	for _, p := range c.modePages() {
		if len(p.calls) == 0 {
			continue
		}
		if p.first("default") == nil && len(p.earlier) == 0 {
			severity = consent.Medium
			facts = append(facts, p.fact("no default", spoken.Say("%s blev kaldt uden nogen standard", "%s was called without any default", p.calls[0].URL)))
			continue
		}
		have := p.defaults()
		asked, other := without(evidence.AskedSignals, have), without(evidence.OtherSignals, have)
		if len(asked) > 0 {
			severity = consent.Medium
		}
		if missing := append(asked, other...); len(missing) > 0 {
			list := strings.Join(missing, ", ")
			facts = append(facts, p.fact("no "+list, spoken.Say("standarden mangler %s", "the default lacks %s", list)))
		}
	}
	return severity, facts
}

func modeLate(c *scene) (_ consent.Severity, facts []fact) {
	for _, p := range c.modePages() {
		d, u := p.first("default"), p.first("update")
		if d == nil || d.Order <= 0 {
			continue
		}
		if len(p.calls) > 0 && p.calls[0].Order > 0 && p.calls[0].Order < d.Order {
			facts = append(facts, p.fact("default after tag", spoken.Say("%s blev kaldt som nr. %d på siden, standarden kom som nr. %d",
				"%s was called as no. %d on the page, the default came as no. %d", p.calls[0].URL, p.calls[0].Order, d.Order)))
		}
		if u != nil && u.Order > 0 && u.Order < d.Order {
			facts = append(facts, p.fact("default after update", spoken.Say("opdateringen kom som nr. %d på siden, standarden som nr. %d",
				"the update came as no. %d on the page, the default as no. %d", u.Order, d.Order)))
		}
	}
	return "", facts
}

func modeGranted(c *scene) (_ consent.Severity, facts []fact) {
	for _, p := range c.modePages(append([]string{evidence.StateGPC}, refusing...)...) {
		given, how := map[string]bool{}, spoken.Words{"standarden", "the default"}
		for name, value := range p.defaults() {
			given[name] = value == "granted"
		}
		for _, s := range p.signals { // in their order: the last word counts
			for name, value := range s.Values {
				if s.Command == "update" {
					given[name] = value == "granted"
				}
				if s.Command == "update" && value == "granted" {
					how = spoken.Words{"en opdatering", "an update"}
				}
			}
		}
		granted := slices.DeleteFunc(slices.Clone(evidence.AskedSignals), func(s string) bool { return !given[s] })
		if len(granted) > 0 {
			list := strings.Join(granted, ", ")
			facts = append(facts, p.fact(list, spoken.Say("%s siger ja til %s", "%s grants %s", how, list)))
		}
	}
	return "", facts
}

func modeAdvanced(c *scene) (_ consent.Severity, facts []fact) {
	for _, p := range c.modePages(evidence.StateNone, evidence.StateReject) {
		if len(p.calls) == 0 || !p.denies() {
			continue
		}
		first := p.calls[0]
		t := trace{page: p.page, by: first.Initiator, chain: first.Chain, at: first.At}
		w := spoken.Say("kald til Googles tags: %d, det første %s", "calls of Google's tags: %d, the first %s", len(p.calls), first.URL)
		if chain := t.links(); chain != "" {
			w = w.And(spoken.Say(", foranlediget af %s", ", caused by %s", chain))
		}
		facts = append(facts, p.fact("tag "+evidence.HostOf(first.URL), w))
	}
	return "", facts
}

func modeNoUpdate(c *scene) (_ consent.Severity, facts []fact) {
	var denied *modePage
	for _, p := range c.modePages(evidence.StateAccept) {
		for _, s := range p.signals {
			for _, name := range evidence.AskedSignals {
				if s.Values[name] == "granted" {
					return "", nil
				}
			}
		}
		if denied == nil && p.denies() {
			denied = p
		}
	}
	if denied == nil {
		return "", nil
	}
	return "", []fact{denied.fact("update", spoken.Words{"standarden siger nej, og intet siger ja efter accepten", "the default says no, and nothing says yes after the acceptance"})}
}

func modeNoWait(c *scene) (_ consent.Severity, facts []fact) {
	for _, p := range c.modePages(evidence.StateAccept) {
		d, u := p.first("default"), p.first("update")
		if d == nil || u == nil || len(p.calls) == 0 || !p.denies() {
			continue
		}
		waits := slices.ContainsFunc(p.signals, func(s *evidence.ConsentSignal) bool { return s.Command == "default" && s.Wait > 0 })
		if call := p.calls[0]; !waits && call.Order > 0 && u.Order > call.Order && d.Order < call.Order {
			facts = append(facts, p.fact("wait_for_update", spoken.Say("%s blev kaldt som nr. %d på siden, opdateringen kom som nr. %d, og standarden venter ikke",
				"%s was called as no. %d on the page, the update came as no. %d, and the default doesn't wait", call.URL, call.Order, u.Order)))
		}
	}
	return "", facts
}

package judgement

import (
	"slices"

	"samtykke/consent"
	"samtykke/scanner/evidence"
	"samtykke/scanner/spoken"
)

// bannerVerdicts judge whether the banner is there and what it lets a visitor do.
var bannerVerdicts = []Verdict{
	{
		Code: "no-banner", Severity: consent.Critical, Requirement: "S13", judge: noBanner,
		Title: spoken.Words{
			"Der blev ikke fundet et banner, selv om sitet bruger noget, som kræver samtykke.",
			"No banner was found, although the site uses something that needs consent.",
		},
		Advice: spoken.Words{
			"Sæt banneret på alle sider, og hold alt tilbage, som ikke er nødvendigt, indtil der er svaret ja.",
			"Put the banner on every page, and hold back everything that is not necessary until there is a yes.",
		},
		When:   "Something needs consent and no banner was found on any page in `none`.",
		Limits: "A banner that doesn't speak of cookies or consent, or only appears elsewhere or later, is not found.",
	},
	{
		Code: "no-reject-first-layer", Severity: consent.Critical, Requirement: "S14", judge: noReject,
		Title: spoken.Words{
			"Ingen knap i bannerets første lag blev genkendt som en afvisning.",
			"No button in the banner's first layer was recognised as a refusal.",
		},
		Advice: spoken.Words{
			"Sæt en knap som “Afvis alle” ved siden af “Accepter alle”, lige så tydelig.",
			"Put a button such as “Reject all” next to “Accept all”, just as prominent.",
		},
		When:   "The first banner in `none` has a button that accepts or dismisses and none that refuses (EDPB's Cookie Banner Taskforce, type A). High where it has a further button of unknown label.",
		Limits: "Refusals in words that `scanner/wording/labels.json` doesn't know.",
	},
	{
		Code: "pre-ticked", Severity: consent.Critical, Requirement: "S17", judge: preTicked,
		Title: spoken.Words{
			"Felter til noget, der ikke er nødvendigt, er krydset af på forhånd.",
			"Boxes for what is not necessary are ticked beforehand.",
		},
		Advice: spoken.Words{
			"Lad alt undtagen det nødvendige være slået fra, også i det andet lag. Et samtykke kræver, at den besøgende selv vælger til.",
			"Leave everything but the necessary off, in the second layer too. Consent takes an active choice.",
		},
		When:   "A box or switch for an optional category is on before anybody touched it (CJEU C-673/17; Taskforce, type B). High where only boxes that name no known category are on.",
		Limits: "Boxes in layers that could be opened. Boxes that name the necessary category are spared.",
	},
	{
		Code: "all-or-nothing", Severity: consent.High, Requirement: "S23", judge: allOrNothing,
		Title: spoken.Words{
			"Den besøgende kan ikke vælge formålene hver for sig.",
			"Visitors can't choose the purposes one by one.",
		},
		Advice: spoken.Words{
			"Giv hvert formål sit eget valg, så et ja til statistik ikke også er et ja til marketing.",
			"Give each purpose a choice of its own, so that a yes to statistics isn't a yes to marketing too.",
		},
		When:   "The site uses two or more optional purposes, and the banner offers fewer than two choices that can be changed, in any layer.",
		Limits: "Silent where the banner has a button to its settings behind which no box was seen: it may not have opened.",
	},
	{
		Code: "cookie-wall", Severity: consent.High, Requirement: "S21", judge: cookieWall,
		Title: spoken.Words{
			"Siden er spærret, indtil den besøgende har svaret, og der er ingen afvisning i det første lag.",
			"The page is barred until the visitor answers, and the first layer has no refusal.",
		},
		Advice: spoken.Words{
			"Lad siden kunne læses uden svar, eller giv en afvisning, der er lige så let som et ja.",
			"Let the page be read without an answer, or offer a refusal that is as easy as a yes.",
		},
		When:   "The page is covered or can't be scrolled until there is an answer, and no button of the first layer refuses.",
		Limits: "Whether a paid alternative is reasonable is not judged.",
	},
	{
		Code: "reprompt-after-reject", Severity: consent.Medium, Requirement: "S24", judge: reprompt,
		Title: spoken.Words{
			"Banneret spørger igen, efter at den besøgende har afvist.",
			"The banner asks again after the visitor has refused.",
		},
		Advice: spoken.Words{
			"Husk et nej lige så længe som et ja.",
			"Remember a no for as long as a yes.",
		},
		When:   "The banner is there again on a page loaded after the refusal.",
		Limits: "Needs a refusal that succeeded. Whether it asks again weeks later is not seen.",
	},
	{
		Code: "banner-missing-on-subpage", Severity: consent.High, Requirement: "S26", judge: missingOnSubpage,
		Title: spoken.Words{
			"Banneret mangler på nogle af siderne.",
			"The banner is missing on some of the pages.",
		},
		Advice: spoken.Words{
			"Besøgende kommer ind på alle sider, ikke kun forsiden. Sæt banneret i den skabelon, som alle sider bruger.",
			"Visitors arrive on any page, not only the front page. Put the banner in the template that all pages use.",
		},
		When:   "In `none` the banner is on one page and not on another that loaded without error.",
		Limits: "",
	},
}

// seenBanner is a banner before anybody answered it, and where.
type seenBanner struct {
	*evidence.Banner
	visit *evidence.Visit
	run   *evidence.State
}

// where is the head of a line about the banner.
func (b *seenBanner) where() spoken.Words {
	return spoken.Say("%s, %s", "%s, %s", spoken.Called(b.run.Screen()), b.visit.URL)
}

// banners are the first banner on each screen that fits.
func (c *scene) banners(fit func(*evidence.Banner) bool) []seenBanner {
	var all []seenBanner
	for _, s := range c.reached(evidence.StateNone) {
		at := slices.IndexFunc(s.Visits, func(v evidence.Visit) bool { return v.Banner.Seen && fit(&v.Banner) })
		if at >= 0 {
			all = append(all, seenBanner{&s.Visits[at].Banner, &s.Visits[at], s})
		}
	}
	return all
}

// measured says whether somebody looked at the banner more closely than for its buttons' labels.
func measured(b *evidence.Banner) bool { return b.Text != "" || len(b.Buttons) > 0 }

func (c *scene) bannerSeen() bool {
	return len(c.banners(func(*evidence.Banner) bool { return true })) > 0
}

func noBanner(c *scene) (consent.Severity, []fact) {
	if !c.sees(evidence.StateNone) || c.bannerSeen() {
		return "", nil
	}
	facts := c.each(func(it *Item) (fact, bool) {
		return c.itemFact(it, it.first()), it.Category != consent.Necessary
	})
	_, calls := c.calls(func(*Request) bool { return true })
	facts = append(facts, calls...)
	for i := range facts {
		facts[i].subject = "" // whatever is used: it is the banner that is missing
	}
	return "", facts
}

// noReject looks at the first banner of each screen. One that nobody can answer at all, such as a closed one, says
// nothing about its buttons.
func noReject(c *scene) (consent.Severity, []fact) {
	severity := consent.High
	var facts []fact
	for _, b := range c.banners(func(*evidence.Banner) bool { return true }) {
		if b.Reject != "" || b.Accept == "" {
			continue
		}
		f := fact{"first layer", spoken.Say("%s: banneret har “%s” og ingen knap, der afviser", "%s: the banner has “%s” and no button that refuses", b.where(), b.Accept)}
		if b.Other != "" {
			f.Words = spoken.Say("%s: banneret har “%s” og “%s”, og ingen knap blev genkendt som en afvisning",
				"%s: the banner has “%s” and “%s”, and no button was recognised as a refusal", b.where(), b.Accept, b.Other)
		} else {
			severity = consent.Critical
		}
		if b.Clicks > 1 {
			f.Words = f.And(spoken.Say("; at afvise tager %d klik", "; refusing takes %d clicks", b.Clicks))
		}
		facts = append(facts, f)
	}
	return severity, facts
}

func preTicked(c *scene) (consent.Severity, []fact) {
	severity := consent.High
	var facts []fact
	for _, b := range c.banners(func(b *evidence.Banner) bool { return len(b.Boxes) > 0 }) {
		for _, box := range b.Boxes {
			known := consent.Category(box.Category).Optional()
			if !box.Checked || box.Category == string(consent.Necessary) || box.Disabled && !known {
				continue
			}
			what := spoken.Words{"uden kendt kategori", "of no known category"}
			if known {
				severity, what = consent.Critical, spoken.Called(box.Category)
			}
			facts = append(facts, fact{"box " + box.Label, spoken.Say("%s: “%s” (%s) er slået til på forhånd", "%s: “%s” (%s) is on beforehand", b.where(), box.Label, what)})
		}
	}
	return severity, facts
}

// purposes are the optional categories that the site was seen to use, in the order in which they are shown, with an
// example of each.
func (c *scene) purposes() ([]consent.Category, map[consent.Category]string) {
	example := map[consent.Category]string{}
	note := func(cat consent.Category, name string) {
		if cat.Optional() && example[cat] == "" {
			example[cat] = name
		}
	}
	for i := range c.items {
		note(c.items[i].Category, string(c.items[i].Kind)+" "+c.items[i].Name)
	}
	for _, r := range c.requests {
		note(r.Category, r.Host)
	}
	used := slices.DeleteFunc(consent.Categories(), func(cat consent.Category) bool { return example[cat] == "" })
	return used, example
}

func allOrNothing(c *scene) (_ consent.Severity, facts []fact) {
	used, _ := c.purposes()
	if len(used) < 2 {
		return "", nil
	}
	for _, b := range c.banners(func(b *evidence.Banner) bool { return measured(b) }) {
		if b.Accept == "" || b.Settings != "" && (!b.Opened || len(b.Boxes) == 0) {
			continue
		}
		free := 0
		for _, box := range b.Boxes {
			if !box.Disabled && box.Category != string(consent.Necessary) {
				free++
			}
		}
		if free < 2 {
			facts = append(facts, fact{"choices", spoken.Say("%s: banneret har %d valg, der kan ændres; sitet bruger %s", "%s: the banner has %d choices that can be changed; the site uses %s",
				b.where(), free, spoken.Joined(used))})
		}
	}
	return "", facts
}

func cookieWall(c *scene) (_ consent.Severity, facts []fact) {
	for _, b := range c.banners(func(b *evidence.Banner) bool { return measured(b) }) {
		if !b.Wall || b.Reject != "" || b.Clicks == 1 {
			continue
		}
		w := spoken.Say("%s: siden kan ikke bruges uden svar", "%s: the page can't be used without an answer", b.where())
		if b.Clicks > 1 {
			w = w.And(spoken.Say("; at afvise tager %d klik", "; refusing takes %d clicks", b.Clicks))
		}
		facts = append(facts, fact{"wall", w})
	}
	return "", facts
}

func reprompt(c *scene) (_ consent.Severity, facts []fact) {
	for _, s := range c.reached(evidence.StateReject) {
		for _, v := range s.Visits {
			if v.After && v.Banner.Seen {
				facts = append(facts, fact{"page " + v.URL, spoken.Say("%s: banneret spørger igen på %s", "%s: the banner asks again on %s", where(s), v.URL)})
			}
		}
	}
	return "", facts
}

// readable says whether a page of the site was seen as a visitor sees it.
func (c *scene) readable(v *evidence.Visit) bool {
	return v.HTML && v.Status == 200 && v.Error == "" && c.e.Party(evidence.HostOf(v.Final)) == consent.FirstParty
}

func missingOnSubpage(c *scene) (_ consent.Severity, facts []fact) {
	for _, s := range c.reached(evidence.StateNone) {
		if !slices.ContainsFunc(s.Visits, func(v evidence.Visit) bool { return v.Banner.Seen }) {
			continue
		}
		for i := range s.Visits {
			if v := &s.Visits[i]; c.readable(v) && !v.Banner.Seen {
				facts = append(facts, fact{"page " + v.URL, spoken.Say("%s: intet banner på %s", "%s: no banner on %s", where(s), v.URL)})
			}
		}
	}
	return "", facts
}

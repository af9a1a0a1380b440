package scanner

import (
	"slices"
	"strings"
	"time"

	"samtykke/consent"
	"samtykke/scanner/cookiedb"
)

// declaredVerdicts compare what was seen with what the site declares. Without a declaration they are silent.
var declaredVerdicts = []verdict{
	{
		code: "undeclared", severity: consent.High, requirement: "S6", judge: undeclared,
		title: words{
			"Der gemmes noget, som ikke står i cookiedeklarationen.",
			"Something is stored that the cookie declaration doesn't list.",
		},
		advice: words{
			"Tilføj det til deklarationen med formål, udbyder og varighed, eller fjern det, der sætter det.",
			"Add it to the declaration with purpose, provider and lifetime, or remove what sets it.",
		},
		when:   "An item has no entry in the declaration.",
		limits: "Needs the declaration.",
	},
	{
		code: "declared-not-seen", severity: consent.Low, requirement: "S7", judge: declaredNotSeen,
		title: words{
			"Deklarationen nævner noget, som scanningen ikke så.",
			"The declaration lists something that the scan did not see.",
		},
		advice: words{
			"Scanningen ser kun de sider, den besøger. Fjern posten, hvis den ikke længere bruges noget sted.",
			"The scan only sees the pages it visits. Remove the entry if it is no longer used anywhere.",
		},
		when:   "An entry of the declaration was not seen in any state.",
		limits: "Needs the declaration and a scan in which everything was accepted. The entry may belong to a page that was not visited.",
	},
	{
		code: "misclassified-necessary", severity: consent.High, requirement: "S9", judge: misclassified,
		title: words{
			"Noget er angivet som nødvendigt uden at være det, eller uden begrundelse.",
			"Something is declared necessary without being so, or without a reason.",
		},
		advice: words{
			"Nødvendigt er kun det, som den tjeneste, den besøgende har bedt om, ikke kan fungere uden. Skift kategori, eller skriv begrundelsen.",
			"Necessary is only what the service that the visitor asked for can't work without. Change the category, or write down the reason.",
		},
		when:   "Declared necessary, though known as something else, or without a reason.",
		limits: "Needs the declaration.",
	},
	{
		code: "lifetime-mismatch", severity: consent.Medium, requirement: "S11", judge: lifetimeMismatch,
		title: words{
			"Noget gemmes længere, end deklarationen siger.",
			"Something is kept for longer than the declaration says.",
		},
		advice: words{
			"Ret varigheden i deklarationen, eller sæt den ned dér, hvor den bestemmes.",
			"Correct the lifetime in the declaration, or shorten it where it is set.",
		},
		when:   "Something lasts longer than declared, by more than a fiftieth and a minute.",
		limits: "Needs the declaration.",
	},
	{
		code: "third-party-unlabelled", severity: consent.High, requirement: "S12", judge: unlabelled,
		title: words{
			"Deklarationen siger ikke, hvem der står bag noget af det, der gemmes.",
			"The declaration doesn't say who is behind some of what is stored.",
		},
		advice: words{
			"Skriv udbyderens navn ud for hver post. Den besøgende skal kunne se, hvem der gemmer eller læser.",
			"Name the provider of each entry. Visitors must be able to see who stores or reads.",
		},
		when:   "A third party's entry, or the entry of an item whose provider is known, names no provider.",
		limits: "Needs the declaration.",
	},
	{
		code: "third-country-transfer-untold", severity: consent.Medium, requirement: "S31", judge: transferUntold,
		title: words{
			"Deklarationen fortæller ikke, at oplysninger kommer uden for EU og EØS.",
			"The declaration doesn't tell that data leaves the EU and the EEA.",
		},
		advice: words{
			"Skriv landet ud for posten, og fortæl i privatlivspolitikken, hvilket grundlag overførslen har.",
			"Give the country of the entry, and tell in the privacy policy on what basis the data is transferred.",
		},
		when:   "The provider of a declared item is known to take the data outside the EU and the EEA, and the entry names no country, or one inside. Low where every such country has an adequacy decision.",
		limits: "Needs the declaration. Countries are as `scanner/cookiedb` knows them. Providers that only are contacted, and store nothing, are not judged.",
	},
}

func undeclared(c *scene) (consent.Severity, []fact) {
	return "", c.each(func(it *Item) (fact, bool) {
		return c.itemFact(it, it.first()), c.declared != nil && findDeclared(c.declared, it) == nil
	})
}

// eachDeclared collects a fact for every entry of the declaration that has something to say.
func (c *scene) eachDeclared(say func(*consent.Item) (words, bool)) []fact {
	var facts []fact
	for i := range c.declared {
		d := &c.declared[i]
		if w, found := say(d); found {
			subject := strings.TrimSpace(string(d.Kind) + " " + d.Name + " " + strings.TrimPrefix(d.Host, "."))
			facts = append(facts, fact{subject, entry(d).and(w)})
		}
	}
	return facts
}

// entry names an entry of the declaration.
func entry(d *consent.Item) words {
	return say("%s %s (%s, %s)", "%s %s (%s, %s)", called(d.Kind), d.Name, strings.TrimPrefix(d.Host, "."), called(d.Category))
}

// declaredNotSeen needs a scan that saw the site with everything allowed; otherwise absence says nothing.
func declaredNotSeen(c *scene) (consent.Severity, []fact) {
	if !c.sees(StateAccept) {
		return "", nil
	}
	return "", c.eachDeclared(func(d *consent.Item) (words, bool) {
		return words{}, !slices.ContainsFunc(c.items, func(it Item) bool {
			return d.Kind == it.Kind && d.Matches(it.Name) && sameHost(d.Host, it.Host)
		})
	})
}

func misclassified(c *scene) (consent.Severity, []fact) {
	return "", c.each(func(it *Item) (fact, bool) {
		d := findDeclared(c.declared, it)
		switch {
		case d == nil || d.Category != consent.Necessary:
			return fact{}, false
		case it.Category.Optional():
			return fact{it.subject(), say("%s %s er angivet som nødvendig; %s kender den som %s", "%s %s is declared necessary; %s knows it as %s",
				called(it.Kind), it.Name, it.Source, called(it.Category))}, true
		}
		return fact{it.subject(), say("%s %s er angivet som nødvendig uden begrundelse", "%s %s is declared necessary without a reason",
			called(it.Kind), it.Name)}, d.Reason["da"] == "" && d.Reason["en"] == ""
	})
}

// lifetimeMismatch grants a fiftieth, since a lifetime is stated in round words and measured in seconds.
func lifetimeMismatch(c *scene) (consent.Severity, []fact) {
	return "", c.each(func(it *Item) (fact, bool) {
		d := findDeclared(c.declared, it)
		if d == nil || d.Lifetime == consent.Persistent {
			return fact{}, false
		}
		seen := it.lifetime()
		return fact{it.subject(), say("%s %s (%s): deklarationen siger %s, målt %s", "%s %s (%s): the declaration says %s, measured %s",
			called(it.Kind), it.Name, it.Host, lasting(d.Lifetime), lasting(seen))}, seen == consent.Persistent || seen > d.Lifetime+d.Lifetime/50+time.Minute
	})
}

// unlabelled also asks for the provider behind the site's own cookies where it is known: a statistics tool that sets
// its cookie in the site's name is still somebody else.
func unlabelled(c *scene) (consent.Severity, []fact) {
	if len(c.reached()) == 0 {
		return "", nil
	}
	return "", c.eachDeclared(func(d *consent.Item) (words, bool) {
		if strings.TrimSpace(d.Provider) != "" {
			return words{}, false
		}
		for i := range c.items {
			it := &c.items[i]
			m, known := cookiedb.Lookup(it.Kind, it.Name, it.Host)
			if known && m.Pattern != "" && m.Provider != "" && findDeclared(c.declared, it) == d {
				return say(": kendt som %s fra %s", ": known as %s by %s", m.Vendor, m.Provider), true
			}
		}
		return words{}, d.Party == consent.ThirdParty
	})
}

func transferUntold(c *scene) (consent.Severity, []fact) {
	severity := consent.Low
	facts := c.each(func(it *Item) (fact, bool) {
		d := findDeclared(c.declared, it)
		m, known := cookiedb.Lookup(it.Kind, it.Name, it.Host)
		if d == nil || !known || !thirdCountry(m.Country) || thirdCountry(d.Country) {
			return fact{}, false
		}
		how := words{"uden en generel tilstrækkelighedsafgørelse", "without a general adequacy decision"}
		switch {
		case m.Country == "US":
			how = words{"kun dækket for virksomheder, der er tilmeldt EU–US Data Privacy Framework", "covered only for companies in the EU–US Data Privacy Framework"}
			severity = consent.Medium
		case slices.Contains(adequate, m.Country):
			how = words{"med en tilstrækkelighedsafgørelse", "with an adequacy decision"}
		default:
			severity = consent.Medium
		}
		told := words{"intet land", "no country"}
		if d.Country != "" {
			told = words{d.Country, d.Country}
		}
		return fact{it.subject(), say("%s %s (%s): %s fører oplysningerne til %s, %s; deklarationen nævner %s", "%s %s (%s): %s takes the data to %s, %s; the declaration names %s",
			called(it.Kind), it.Name, strings.TrimPrefix(it.Host, "."), m.Provider, m.Country, how, told)}, true
	})
	return severity, facts
}

// The European Economic Area, and the countries outside it with an adequacy decision of the Commission (GDPR art. 45)
// for all or most of their companies.
var (
	eea      = strings.Fields("AT BE BG CY CZ DE DK EE ES FI FR GR HR HU IE IS IT LI LT LU LV MT NL NO PL PT RO SE SI SK")
	adequate = strings.Fields("AD AR CA CH FO GB GG IL IM JE JP KR NZ UY")
)

func thirdCountry(code string) bool { return code != "" && !slices.Contains(eea, code) }

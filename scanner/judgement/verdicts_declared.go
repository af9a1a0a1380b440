package judgement

import (
	"slices"
	"strings"
	"time"

	"samtykke/consent"
	"samtykke/scanner/cookiedb"
	"samtykke/scanner/evidence"
	"samtykke/scanner/spoken"
)

// declaredVerdicts compare what was seen with what the site declares. Without a declaration they are silent.
var declaredVerdicts = []Verdict{
	{
		Code: "undeclared", Severity: consent.High, Requirement: "S6", judge: undeclared,
		Title: spoken.Words{
			"Der gemmes noget, som ikke står i cookiedeklarationen.",
			"Something is stored that the cookie declaration doesn't list.",
		},
		Advice: spoken.Words{
			"Tilføj det til deklarationen med formål, udbyder og varighed, eller fjern det, der sætter det.",
			"Add it to the declaration with purpose, provider and lifetime, or remove what sets it.",
		},
		When:   "An item has no entry in the declaration.",
		Limits: "Needs the declaration.",
	},
	{
		Code: "declared-not-seen", Severity: consent.Low, Requirement: "S7", judge: declaredNotSeen,
		Title: spoken.Words{
			"Deklarationen nævner noget, som scanningen ikke så.",
			"The declaration lists something that the scan did not see.",
		},
		Advice: spoken.Words{
			"Scanningen ser kun de sider, den besøger. Fjern posten, hvis den ikke længere bruges noget sted.",
			"The scan only sees the pages it visits. Remove the entry if it is no longer used anywhere.",
		},
		When:   "An entry of the declaration was not seen in any state.",
		Limits: "Needs the declaration and a scan in which everything was accepted. The entry may belong to a page that was not visited.",
	},
	{
		Code: "misclassified-necessary", Severity: consent.High, Requirement: "S9", judge: misclassified,
		Title: spoken.Words{
			"Noget er angivet som nødvendigt uden at være det, eller uden begrundelse.",
			"Something is declared necessary without being so, or without a reason.",
		},
		Advice: spoken.Words{
			"Nødvendigt er kun det, som den tjeneste, den besøgende har bedt om, ikke kan fungere uden. Skift kategori, eller skriv begrundelsen.",
			"Necessary is only what the service that the visitor asked for can't work without. Change the category, or write down the reason.",
		},
		When:   "Declared necessary, though known as something else, or without a reason.",
		Limits: "Needs the declaration.",
	},
	{
		Code: "lifetime-mismatch", Severity: consent.Medium, Requirement: "S11", judge: lifetimeMismatch,
		Title: spoken.Words{
			"Noget gemmes længere, end deklarationen siger.",
			"Something is kept for longer than the declaration says.",
		},
		Advice: spoken.Words{
			"Ret varigheden i deklarationen, eller sæt den ned dér, hvor den bestemmes.",
			"Correct the lifetime in the declaration, or shorten it where it is set.",
		},
		When:   "Something lasts longer than declared, by more than a fiftieth and a minute.",
		Limits: "Needs the declaration.",
	},
	{
		Code: "third-party-unlabelled", Severity: consent.High, Requirement: "S12", judge: unlabelled,
		Title: spoken.Words{
			"Deklarationen siger ikke, hvem der står bag noget af det, der gemmes.",
			"The declaration doesn't say who is behind some of what is stored.",
		},
		Advice: spoken.Words{
			"Skriv udbyderens navn ud for hver post. Den besøgende skal kunne se, hvem der gemmer eller læser.",
			"Name the provider of each entry. Visitors must be able to see who stores or reads.",
		},
		When:   "A third party's entry, or the entry of an item whose provider is known, names no provider.",
		Limits: "Needs the declaration.",
	},
	{
		Code: "third-country-transfer-untold", Severity: consent.Medium, Requirement: "S31", judge: transferUntold,
		Title: spoken.Words{
			"Deklarationen fortæller ikke, at oplysninger kommer uden for EU og EØS.",
			"The declaration doesn't tell that data leaves the EU and the EEA.",
		},
		Advice: spoken.Words{
			"Skriv landet ud for posten, og fortæl i privatlivspolitikken, hvilket grundlag overførslen har.",
			"Give the country of the entry, and tell in the privacy policy on what basis the data is transferred.",
		},
		When:   "The provider of a declared item is known to take the data outside the EU and the EEA, and the entry names no country, or one inside. Low where every such country has an adequacy decision.",
		Limits: "Needs the declaration. Countries are as `scanner/cookiedb` knows them. Providers that only are contacted, and store nothing, are not judged.",
	},
}

func undeclared(c *scene) (consent.Severity, []fact) {
	return "", c.each(func(it *Item) (fact, bool) {
		return c.itemFact(it, it.first()), c.declared != nil && findDeclared(c.declared, it) == nil
	})
}

// eachDeclared collects a fact for every entry of the declaration that has something to say.
func (c *scene) eachDeclared(say func(*consent.Item) (spoken.Words, bool)) []fact {
	var facts []fact
	for i := range c.declared {
		d := &c.declared[i]
		if w, found := say(d); found {
			subject := strings.TrimSpace(string(d.Kind) + " " + d.Name + " " + strings.TrimPrefix(d.Host, "."))
			facts = append(facts, fact{subject, entry(d).And(w)})
		}
	}
	return facts
}

// entry names an entry of the declaration.
func entry(d *consent.Item) spoken.Words {
	return spoken.Say("%s %s (%s, %s)", "%s %s (%s, %s)", spoken.Called(d.Kind), d.Name, strings.TrimPrefix(d.Host, "."), spoken.Called(d.Category))
}

// declaredNotSeen needs a scan that saw the site with everything allowed; otherwise absence says nothing.
func declaredNotSeen(c *scene) (consent.Severity, []fact) {
	if !c.sees(evidence.StateAccept) {
		return "", nil
	}
	return "", c.eachDeclared(func(d *consent.Item) (spoken.Words, bool) {
		return spoken.Words{}, !slices.ContainsFunc(c.items, func(it Item) bool {
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
			return fact{it.subject(), spoken.Say("%s %s er angivet som nødvendig; %s kender den som %s", "%s %s is declared necessary; %s knows it as %s",
				spoken.Called(it.Kind), it.Name, it.Source, spoken.Called(it.Category))}, true
		}
		return fact{it.subject(), spoken.Say("%s %s er angivet som nødvendig uden begrundelse", "%s %s is declared necessary without a reason",
			spoken.Called(it.Kind), it.Name)}, d.Reason["da"] == "" && d.Reason["en"] == ""
	})
}

// lifetimeMismatch grants a fiftieth, since a lifetime is stated in round words and measured in seconds.
func lifetimeMismatch(c *scene) (consent.Severity, []fact) {
	return "", c.each(func(it *Item) (fact, bool) {
		d := findDeclared(c.declared, it)
		if d == nil || d.Lifetime == consent.Persistent {
			return fact{}, false
		}
		seen := it.Lifetime()
		return fact{it.subject(), spoken.Say("%s %s (%s): deklarationen siger %s, målt %s", "%s %s (%s): the declaration says %s, measured %s",
			spoken.Called(it.Kind), it.Name, it.Host, spoken.Lasting(d.Lifetime), spoken.Lasting(seen))}, seen == consent.Persistent || seen > d.Lifetime+d.Lifetime/50+time.Minute
	})
}

// unlabelled also asks for the provider behind the site's own cookies where it is known: a statistics tool that sets
// its cookie in the site's name is still somebody else.
func unlabelled(c *scene) (consent.Severity, []fact) {
	if len(c.reached()) == 0 {
		return "", nil
	}
	return "", c.eachDeclared(func(d *consent.Item) (spoken.Words, bool) {
		if strings.TrimSpace(d.Provider) != "" {
			return spoken.Words{}, false
		}
		for i := range c.items {
			it := &c.items[i]
			m, known := cookiedb.Lookup(it.Kind, it.Name, it.Host)
			if known && m.Pattern != "" && m.Provider != "" && findDeclared(c.declared, it) == d {
				return spoken.Say(": kendt som %s fra %s", ": known as %s by %s", m.Vendor, m.Provider), true
			}
		}
		return spoken.Words{}, d.Party == consent.ThirdParty
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
		how := spoken.Words{"uden en generel tilstrækkelighedsafgørelse", "without a general adequacy decision"}
		switch {
		case m.Country == "US":
			how = spoken.Words{"kun dækket for virksomheder, der er tilmeldt EU–US Data Privacy Framework", "covered only for companies in the EU–US Data Privacy Framework"}
			severity = consent.Medium
		case slices.Contains(adequate, m.Country):
			how = spoken.Words{"med en tilstrækkelighedsafgørelse", "with an adequacy decision"}
		default:
			severity = consent.Medium
		}
		told := spoken.Words{"intet land", "no country"}
		if d.Country != "" {
			told = spoken.Words{d.Country, d.Country}
		}
		return fact{it.subject(), spoken.Say("%s %s (%s): %s fører oplysningerne til %s, %s; deklarationen nævner %s", "%s %s (%s): %s takes the data to %s, %s; the declaration names %s",
			spoken.Called(it.Kind), it.Name, strings.TrimPrefix(it.Host, "."), m.Provider, m.Country, how, told)}, true
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

package judgement

import (
	"slices"
	"strings"
	"time"

	"samtykke/consent"
	"samtykke/scanner/evidence"
	"samtykke/scanner/spoken"
)

// storedVerdicts judge what is kept in the browser, and when.
var storedVerdicts = []Verdict{
	{
		Code: "cookie-before-consent", Severity: consent.Critical, Requirement: "S1", judge: beforeConsent(isCookie),
		Title: spoken.Words{
			"Der sættes cookies, som ikke er nødvendige, før den besøgende har svaret.",
			"Cookies that are not necessary are set before the visitor has answered.",
		},
		Advice: spoken.Words{
			"Mærk de scripts, der sætter dem, med deres kategori, så de først kører efter et ja. Cookies, som serveren selv sætter, må vente på samtykket i serverens kode.",
			"Mark the scripts that set them with their category, so that they only run after a yes. Cookies set by the server itself must wait for consent in the server's code.",
		},
		When:   "A cookie that is not necessary is set, or refused by the browser, in the state `none`. High where only unclassified cookies are concerned.",
		Limits: "Cookies of pages that were not visited, or set later than the scan waited.",
	},
	{
		Code: "storage-before-consent", Severity: consent.Critical, Requirement: "S2", judge: beforeConsent(isStorage),
		Title: spoken.Words{
			"Der gemmes oplysninger i browserens lager, som ikke er nødvendige, før den besøgende har svaret.",
			"Data that is not necessary is kept in the browser's storage before the visitor has answered.",
		},
		Advice: spoken.Words{
			"Reglerne gælder al lagring, ikke kun cookies. Lad de scripts, der gemmer, vente på den kategori, de hører til.",
			"The rules cover all storage, not only cookies. Let the scripts that store wait for the category they belong to.",
		},
		When:   "The same for localStorage, sessionStorage, IndexedDB, Cache Storage and service workers.",
		Limits: "Storage of frames that were gone before anybody looked.",
	},
	{
		Code: "set-after-reject", Severity: consent.Critical, Requirement: "S4", judge: afterReject,
		Title: spoken.Words{
			"Noget, som ikke er nødvendigt, var gemt eller i brug, efter at den besøgende havde afvist alt.",
			"Something that is not necessary was stored or in use after the visitor had refused everything.",
		},
		Advice: spoken.Words{
			"Find det script eller den serverkode, der er nævnt, og lad den respektere afvisningen, også på de næste sider.",
			"Find the script or the server code that is named, and make it respect the refusal, on the following pages too.",
		},
		When:   "Something that is not necessary is set, kept or contacted after the refusal. High where only unclassified things are concerned.",
		Limits: "Needs a refusal that succeeded.",
	},
	{
		Code: "still-active-after-withdraw", Severity: consent.Critical, Requirement: "S5", judge: afterWithdraw,
		Title: spoken.Words{
			"Noget, som ikke er nødvendigt, var stadig i brug, efter at samtykket var trukket tilbage.",
			"Something that is not necessary was still in use after consent had been withdrawn.",
		},
		Advice: spoken.Words{
			"En tilbagetrækning skal virke med det samme: Stop scripts i kategorien, og slet sitets egne cookies og lagrede oplysninger i den.",
			"A withdrawal must work at once: stop the category's scripts, and delete the site's own cookies and stored data in it.",
		},
		When:   "Something that is not necessary is set or contacted after the withdrawal, or is the site's own and was left. High where only unclassified things are concerned.",
		Limits: "Needs a withdrawal that succeeded. What a third party left behind and nobody set again is spared, since only its owner can remove it.",
	},
	{
		Code: "unclassified", Severity: consent.High, Requirement: "S8", judge: unclassified,
		Title: spoken.Words{
			"Der gemmes noget, som ikke er klassificeret.",
			"Something is stored that is unclassified.",
		},
		Advice: spoken.Words{
			"Find ud af, hvad det bruges til, og giv det en kategori og et formål. Indtil da bør det være blokeret.",
			"Find out what it is for, and give it a category and a purpose. Until then it should be blocked.",
		},
		When:   "Neither the knowledge nor the declaration has a category; the first line tells the share of all items.",
		Limits: "",
	},
	{
		Code: "lifetime-too-long", Severity: consent.Medium, Requirement: "S10", judge: tooLong,
		Title: spoken.Words{
			"Cookies varer længere end grænsen.",
			"Cookies last longer than the limit.",
		},
		Advice: spoken.Words{
			"Sæt varigheden ned til det, formålet kræver.",
			"Shorten the lifetime to what the purpose needs.",
		},
		When:   "A cookie lasts longer than the site's limit, 13 months where none is set (the life that CNIL grants audience cookies, 4 July 2025).",
		Limits: "Chromium itself keeps no cookie for more than 400 days; what a site asks for beyond that is seen only where the setting was recorded.",
	},
	{
		Code: "insecure-cookie", Severity: consent.Low, Requirement: "S30", judge: insecure,
		Title: spoken.Words{
			"Cookies sættes uden Secure eller SameSite.",
			"Cookies are set without Secure or SameSite.",
		},
		Advice: spoken.Words{
			"Sæt begge egenskaber, så cookien kun sendes krypteret og ikke følger med fra andre sites uden grund.",
			"Set both attributes, so that the cookie is only sent encrypted and does not come along from other sites without need.",
		},
		When:   "A cookie that is not necessary, or a third party's, lacks Secure or SameSite.",
		Limits: "",
	},
}

func isStorage(it *Item) bool { return it.Kind != consent.Cookie }

func isCookie(it *Item) bool { return it.Kind == consent.Cookie }

func beforeConsent(kind func(*Item) bool) judge {
	return func(c *scene) (consent.Severity, []fact) {
		known, facts := c.present(evidence.StateNone, kind)
		return worst(known), facts
	}
}

// present lists the items of a state that are not necessary, and says whether one of them is known to be optional.
func (c *scene) present(state string, want func(*Item) bool) (known bool, facts []fact) {
	facts = c.each(func(it *Item) (fact, bool) {
		if it.Category == consent.Necessary || !slices.Contains(it.States, state) || !want(it) {
			return fact{}, false
		}
		known = known || it.Category.Optional()
		return c.itemFact(it, state), true
	})
	return known, facts
}

func afterReject(c *scene) (consent.Severity, []fact) {
	called, facts := c.calls(func(r *Request) bool { return r.State == evidence.StateReject })
	stored, more := c.present(evidence.StateReject, func(*Item) bool { return true })
	return worst(called || stored), append(facts, more...)
}

// afterWithdraw spares what a third party left behind and nobody set again: only its owner can remove it, and it
// does nothing as long as nobody asks for it.
func afterWithdraw(c *scene) (consent.Severity, []fact) {
	called, facts := c.calls(func(r *Request) bool { return r.State == evidence.StateWithdraw })
	stored, more := c.present(evidence.StateWithdraw, func(it *Item) bool { return it.SetAgain || it.Party == consent.FirstParty })
	return worst(called || stored), append(facts, more...)
}

func unclassified(c *scene) (consent.Severity, []fact) {
	facts := c.each(func(it *Item) (fact, bool) {
		return c.itemFact(it, it.first()), it.Category == consent.Unclassified
	})
	if len(facts) > 0 {
		share := spoken.Say("%d af %d er ikke klassificeret", "%d of %d are unclassified", len(facts), len(c.items))
		facts = slices.Insert(facts, 0, fact{"", share})
	}
	return "", facts
}

// DefaultLifetimeLimit is 13 months, counted as the longest 13 months can be: the life that CNIL grants audience
// cookies exempt from consent (reaffirmed 4 July 2025), taken as a measure for all.
const DefaultLifetimeLimit = 397 * 24 * time.Hour

func tooLong(c *scene) (consent.Severity, []fact) {
	limit := c.o.LifetimeLimit
	if limit <= 0 {
		limit = DefaultLifetimeLimit
	}
	return "", c.each(func(it *Item) (fact, bool) {
		if it.Kind != consent.Cookie || it.Lifetime() <= limit {
			return fact{}, false
		}
		return fact{it.subject(), spoken.Say("cookie %s (%s) varer %s; grænsen er %s", "cookie %s (%s) lasts %s; the limit is %s",
			it.Name, it.Host, spoken.Lasting(it.Lifetime()), spoken.Lasting(limit))}, true
	})
}

func insecure(c *scene) (consent.Severity, []fact) {
	return "", c.each(func(it *Item) (fact, bool) {
		if it.Kind != consent.Cookie || it.Tried || it.Category == consent.Necessary && it.Party == consent.FirstParty {
			return fact{}, false
		}
		var missing []string
		if !it.Secure {
			missing = append(missing, "Secure")
		}
		if it.SameSite == "" {
			missing = append(missing, "SameSite")
		}
		return fact{it.subject(), spoken.Say("cookie %s (%s) sættes uden %s", "cookie %s (%s) is set without %s",
			it.Name, it.Host, spoken.Say(strings.Join(missing, " og "), strings.Join(missing, " and ")))}, len(missing) > 0
	})
}

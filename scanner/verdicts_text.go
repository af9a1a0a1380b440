package scanner

import (
	"slices"
	"strings"

	"samtykke/consent"
)

// textVerdicts judge what the site says, and whether the visitor finds it again.
var textVerdicts = []verdict{
	{
		code: "no-withdraw-link", severity: consent.High, requirement: "S18", judge: noWithdrawLink,
		title: words{
			"Der er ingen synlig vej til at ændre eller trække samtykket tilbage på nogle af siderne.",
			"Some pages have no visible way to change or withdraw consent.",
		},
		advice: words{
			"Sæt et fast link eller ikon på alle sider, for eksempel “Skift samtykke” i bunden.",
			"Put a permanent link or icon on every page, such as “Change your consent” in the footer.",
		},
		when:   "A page visited after the answer shows no link or button, known by its label, that opens the choices again (Taskforce, type K).",
		limits: "Needs an answer that succeeded. Icons without a name are not recognised.",
	},
	{
		code: "no-declaration-link", severity: consent.High, requirement: "S19", judge: noDeclarationLink,
		title: words{
			"Der er intet synligt link, som fører til cookiedeklarationen, på nogle af siderne.",
			"Some pages have no visible link that leads to the cookie declaration.",
		},
		advice: words{
			"Sæt et tydeligt link på alle sider, for eksempel “Cookiedeklaration” i bunden.",
			"Put a clearly marked link on every page, such as “Cookie declaration” in the footer.",
		},
		when:   "A page visited after the answer shows no link to a cookie declaration or policy, or the page that most of them link to doesn't exist.",
		limits: "Needs an answer that succeeded. Links are known by their label and address.",
	},
	{
		code: "implied-consent-text", severity: consent.High, requirement: "S20", judge: impliedConsent,
		title: words{
			"Teksten siger, at den besøgende samtykker ved at bruge siden.",
			"The text says that visitors consent by using the site.",
		},
		advice: words{
			"Slet sætningen. At fortsætte er ikke et samtykke; det kræver en aktiv handling.",
			"Delete the sentence. Going on is not consent; that takes an active choice.",
		},
		when:   "The banner, or a page about cookies that was read, has one of the phrases in `scanner/phrases.json`, in Danish, English, Swedish, Norwegian or German.",
		limits: "Other wordings and languages.",
	},
	{
		code: "purposes-missing-first-layer", severity: consent.High, requirement: "S22", judge: purposesMissing,
		title: words{
			"Bannerets første lag nævner ikke alle de formål, som sitet bruger.",
			"The banner's first layer doesn't name every purpose that the site uses.",
		},
		advice: words{
			"Nævn hvert formål i en sætning i det første lag, også præferencer.",
			"Name each purpose in a sentence in the first layer, preferences too.",
		},
		when:   "A category that the site was seen to use is not named in the banner's first layer.",
		limits: "Silent where the language of the banner's text isn't one of those in `scanner/words.json`.",
	},
	{
		code: "third-parties-missing-first-layer", severity: consent.High, requirement: "S22", judge: partnersMissing,
		title: words{
			"Bannerets første lag siger ikke, at andre også får oplysninger.",
			"The banner's first layer doesn't say that others get data too.",
		},
		advice: words{
			"Skriv i det første lag, at tredjeparter sætter cookies, og link til, hvem de er.",
			"Say in the first layer that third parties set cookies, and link to who they are.",
		},
		when:   "Third parties store something or are contacted for an optional purpose, and the first layer speaks of no others.",
		limits: "Silent where the language of the banner's text isn't one of those in `scanner/words.json`.",
	},
	{
		code: "language-mismatch", severity: consent.Medium, requirement: "S25", judge: languageMismatch,
		title: words{
			"Banneret er på et andet sprog end siden.",
			"The banner is in another language than the page.",
		},
		advice: words{
			"Vis banneret på sidens sprog, og angiv sidens sprog i html-elementets lang.",
			"Show the banner in the page's language, and state the page's language in the html element's lang.",
		},
		when:   "The language that the page states differs from that of the banner's text.",
		limits: "Danish and Norwegian are taken for one, since short texts don't tell them apart. A page that states the wrong language is reported.",
	},
	{
		code: "outdated-text", severity: consent.Low, requirement: "S32", judge: outdatedText,
		title: words{
			"Teksten henviser til noget, der ikke længere gælder.",
			"The text refers to something that no longer holds.",
		},
		advice: words{
			"Ret teksten. Tilsynet med cookies ligger hos Digitaliseringsstyrelsen, og klager over behandling af personoplysninger går til Datatilsynet.",
			"Correct the text. The Agency for Digital Government supervises cookies; complaints about personal data go to the Danish Data Protection Agency.",
		},
		when:   "The banner, or a page about cookies that was read, names the Danish Business Authority as supervisor, Borgergade 28, the Privacy Shield, or a coming e-Privacy Regulation.",
		limits: "Only the texts that were read.",
	},
}

// afterAnswer goes through the pages that somebody looked at for links after an answer.
func (c *scene) afterAnswer(see func(s *StateEvidence, v *Visit)) {
	for _, s := range c.reached(StateAccept, StateReject) {
		for i := range s.Visits {
			answered := s.Visits[i].After || s.State == StateAccept
			if v := &s.Visits[i]; answered && v.Probed && c.readable(v) && !v.Banner.Seen {
				see(s, v)
			}
		}
	}
}

func noWithdrawLink(c *scene) (_ consent.Severity, facts []fact) {
	c.afterAnswer(func(s *StateEvidence, v *Visit) {
		if v.Reopen == "" {
			facts = append(facts, fact{"page " + v.URL, say("%s: ingen vej tilbage til valgene på %s", "%s: no way back to the choices on %s", s.where(), v.URL)})
		}
	})
	return "", facts
}

func noDeclarationLink(c *scene) (_ consent.Severity, facts []fact) {
	c.afterAnswer(func(s *StateEvidence, v *Visit) {
		if v.Declares == "" {
			facts = append(facts, fact{"page " + v.URL, say("%s: intet link til en cookiedeklaration på %s", "%s: no link to a cookie declaration on %s", s.where(), v.URL)})
		}
	})
	for _, t := range c.e.Texts {
		if t.Status >= 400 {
			facts = append(facts, fact{"page " + t.URL, say("linket fører til %s, som svarer med HTTP-status %d", "the link leads to %s, which answers with HTTP status %d", t.URL, t.Status)})
		}
	}
	return "", facts
}

func impliedConsent(c *scene) (_ consent.Severity, facts []fact) {
	for _, w := range c.writings() {
		for i := range phrases().implied {
			if found := phrases().implied[i].find(w.text, 0); found != "" {
				facts = append(facts, fact{"“" + strings.ToLower(found) + "”", say("%s: “%s”", "%s: “%s”", w.where, found)})
			}
		}
	}
	return "", facts
}

func outdatedText(c *scene) (_ consent.Severity, facts []fact) {
	for _, w := range c.writings() {
		for i := range phrases().outdated {
			if p := &phrases().outdated[i]; p.find(w.text, nearby) != "" {
				facts = append(facts, fact{p.means.en, say("%s %s", "%s %s", w.where, p.means)})
			}
		}
	}
	return "", facts
}

// worded are the banners whose text was understood: its language is one whose words tell what it speaks of.
func (c *scene) worded() []seenBanner {
	return c.banners(func(b *Banner) bool {
		_, known := vocabularies[primary(b.Lang)]
		return b.Text != "" && known
	})
}

func purposesMissing(c *scene) (_ consent.Severity, facts []fact) {
	used, example := c.purposes()
	for _, b := range c.worded() {
		for _, cat := range used {
			if !slices.Contains(b.Purposes, string(cat)) {
				facts = append(facts, fact{"purpose " + string(cat), say("%s: nævner ikke %s, som sitet bruger (%s)", "%s: doesn't name %s, which the site uses (%s)",
					b.where(), called(cat), example[cat])})
			}
		}
	}
	return "", facts
}

// others are third parties that get data for an optional purpose.
func (c *scene) others() []string {
	var hosts []string
	for i := range c.items {
		if it := &c.items[i]; it.Party == consent.ThirdParty && it.Category.Optional() {
			hosts = append(hosts, strings.TrimPrefix(it.Host, "."))
		}
	}
	for _, r := range c.requests {
		if r.Category.Optional() {
			hosts = append(hosts, r.Host)
		}
	}
	slices.Sort(hosts)
	return slices.Compact(hosts)
}

func partnersMissing(c *scene) (_ consent.Severity, facts []fact) {
	others := c.others()
	if len(others) == 0 {
		return "", nil
	}
	for _, b := range c.worded() {
		if !b.Partners {
			facts = append(facts, fact{"partners", say("%s: nævner ingen andre; oplysninger går til %s", "%s: speaks of no others; data goes to %s", b.where(), listed(others))})
		}
	}
	return "", facts
}

// primary is the language of a tag such as da-DK.
func primary(tag string) string {
	lang, _, _ := strings.Cut(strings.ToLower(strings.ReplaceAll(tag, "_", "-")), "-")
	return strings.TrimSpace(lang)
}

func languageMismatch(c *scene) (_ consent.Severity, facts []fact) {
	same := func(a, b string) bool {
		near := []string{"da", "nb", "nn", "no"}
		return a == b || slices.Contains(near, a) && slices.Contains(near, b)
	}
	for _, s := range c.reached(StateNone) {
		for _, v := range s.Visits {
			page, banner := primary(v.Lang), primary(v.Banner.Lang)
			if len(page) != 2 || len(banner) != 2 || !v.Banner.Seen || same(page, banner) {
				continue
			}
			facts = append(facts, fact{"page " + v.URL, say("%s: siden %s er på %s, banneret på %s", "%s: the page %s is in %s, the banner in %s", s.where(), v.URL, page, banner)})
		}
	}
	return "", facts
}

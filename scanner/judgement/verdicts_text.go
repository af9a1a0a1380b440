package judgement

import (
	"slices"
	"strings"

	"samtykke/consent"
	"samtykke/scanner/evidence"
	"samtykke/scanner/spoken"
	"samtykke/scanner/wording"
)

// textVerdicts judge what the site says, and whether the visitor finds it again.
var textVerdicts = []Verdict{
	{
		Code: "no-withdraw-link", Severity: consent.High, Requirement: "S18", judge: noWithdrawLink,
		Title: spoken.Words{
			"Der er ingen synlig vej til at ændre eller trække samtykket tilbage på nogle af siderne.",
			"Some pages have no visible way to change or withdraw consent.",
		},
		Advice: spoken.Words{
			"Sæt et fast link eller ikon på alle sider, for eksempel “Skift samtykke” i bunden.",
			"Put a permanent link or icon on every page, such as “Change your consent” in the footer.",
		},
		When:   "A page visited after the answer shows no link or button, known by its label, that opens the choices again (Taskforce, type K).",
		Limits: "Needs an answer that succeeded. Icons without a name are not recognised.",
	},
	{
		Code: "no-declaration-link", Severity: consent.High, Requirement: "S19", judge: noDeclarationLink,
		Title: spoken.Words{
			"Der er intet synligt link, som fører til cookiedeklarationen, på nogle af siderne.",
			"Some pages have no visible link that leads to the cookie declaration.",
		},
		Advice: spoken.Words{
			"Sæt et tydeligt link på alle sider, for eksempel “Cookiedeklaration” i bunden.",
			"Put a clearly marked link on every page, such as “Cookie declaration” in the footer.",
		},
		When:   "A page visited after the answer shows no link to a cookie declaration or policy, or the page that most of them link to doesn't exist.",
		Limits: "Needs an answer that succeeded. Links are known by their label and address.",
	},
	{
		Code: "implied-consent-text", Severity: consent.High, Requirement: "S20", judge: impliedConsent,
		Title: spoken.Words{
			"Teksten siger, at den besøgende samtykker ved at bruge siden.",
			"The text says that visitors consent by using the site.",
		},
		Advice: spoken.Words{
			"Slet sætningen. At fortsætte er ikke et samtykke; det kræver en aktiv handling.",
			"Delete the sentence. Going on is not consent; that takes an active choice.",
		},
		When:   "The banner, or a page about cookies that was read, has one of the phrases in `scanner/wording/phrases.json`, in Danish, English, Swedish, Norwegian or German.",
		Limits: "Other wordings and languages.",
	},
	{
		Code: "purposes-missing-first-layer", Severity: consent.High, Requirement: "S22", judge: purposesMissing,
		Title: spoken.Words{
			"Bannerets første lag nævner ikke alle de formål, som sitet bruger.",
			"The banner's first layer doesn't name every purpose that the site uses.",
		},
		Advice: spoken.Words{
			"Nævn hvert formål i en sætning i det første lag, også præferencer.",
			"Name each purpose in a sentence in the first layer, preferences too.",
		},
		When:   "A category that the site was seen to use is not named in the banner's first layer.",
		Limits: "Silent where the language of the banner's text isn't one of those in `scanner/wording/words.json`.",
	},
	{
		Code: "third-parties-missing-first-layer", Severity: consent.High, Requirement: "S22", judge: partnersMissing,
		Title: spoken.Words{
			"Bannerets første lag siger ikke, at andre også får oplysninger.",
			"The banner's first layer doesn't say that others get data too.",
		},
		Advice: spoken.Words{
			"Skriv i det første lag, at tredjeparter sætter cookies, og link til, hvem de er.",
			"Say in the first layer that third parties set cookies, and link to who they are.",
		},
		When:   "Third parties store something or are contacted for an optional purpose, and the first layer speaks of no others.",
		Limits: "Silent where the language of the banner's text isn't one of those in `scanner/wording/words.json`.",
	},
	{
		Code: "language-mismatch", Severity: consent.Medium, Requirement: "S25", judge: languageMismatch,
		Title: spoken.Words{
			"Banneret er på et andet sprog end siden.",
			"The banner is in another language than the page.",
		},
		Advice: spoken.Words{
			"Vis banneret på sidens sprog, og angiv sidens sprog i html-elementets lang.",
			"Show the banner in the page's language, and state the page's language in the html element's lang.",
		},
		When:   "The language that the page states differs from that of the banner's text.",
		Limits: "Danish and Norwegian are taken for one, since short texts don't tell them apart. A page that states the wrong language is reported.",
	},
	{
		Code: "outdated-text", Severity: consent.Low, Requirement: "S32", judge: outdatedText,
		Title: spoken.Words{
			"Teksten henviser til noget, der ikke længere gælder.",
			"The text refers to something that no longer holds.",
		},
		Advice: spoken.Words{
			"Ret teksten. Tilsynet med cookies ligger hos Digitaliseringsstyrelsen, og klager over behandling af personoplysninger går til Datatilsynet.",
			"Correct the text. The Agency for Digital Government supervises cookies; complaints about personal data go to the Danish Data Protection Agency.",
		},
		When:   "The banner, or a page about cookies that was read, names the Danish Business Authority as supervisor, Borgergade 28, the Privacy Shield, or a coming e-Privacy Regulation.",
		Limits: "Only the texts that were read.",
	},
}

// afterAnswer goes through the pages that somebody looked at for links after an answer.
func (c *scene) afterAnswer(see func(s *evidence.State, v *evidence.Visit)) {
	for _, s := range c.reached(evidence.StateAccept, evidence.StateReject) {
		for i := range s.Visits {
			answered := s.Visits[i].After || s.State == evidence.StateAccept
			if v := &s.Visits[i]; answered && v.Probed && c.readable(v) && !v.Banner.Seen {
				see(s, v)
			}
		}
	}
}

func noWithdrawLink(c *scene) (_ consent.Severity, facts []fact) {
	c.afterAnswer(func(s *evidence.State, v *evidence.Visit) {
		if v.Reopen == "" {
			facts = append(facts, fact{"page " + v.URL, spoken.Say("%s: ingen vej tilbage til valgene på %s", "%s: no way back to the choices on %s", where(s), v.URL)})
		}
	})
	return "", facts
}

func noDeclarationLink(c *scene) (_ consent.Severity, facts []fact) {
	c.afterAnswer(func(s *evidence.State, v *evidence.Visit) {
		if v.Declares == "" {
			facts = append(facts, fact{"page " + v.URL, spoken.Say("%s: intet link til en cookiedeklaration på %s", "%s: no link to a cookie declaration on %s", where(s), v.URL)})
		}
	})
	for _, t := range c.e.Texts {
		if t.Status >= 400 {
			facts = append(facts, fact{"page " + t.URL, spoken.Say("linket fører til %s, som svarer med HTTP-status %d", "the link leads to %s, which answers with HTTP status %d", t.URL, t.Status)})
		}
	}
	return "", facts
}

func impliedConsent(c *scene) (_ consent.Severity, facts []fact) {
	for _, w := range c.writings() {
		for i := range wording.Phrases().Implied {
			if found := wording.Phrases().Implied[i].Find(w.text, 0); found != "" {
				facts = append(facts, fact{"“" + strings.ToLower(found) + "”", spoken.Say("%s: “%s”", "%s: “%s”", w.where, found)})
			}
		}
	}
	return "", facts
}

func outdatedText(c *scene) (_ consent.Severity, facts []fact) {
	for _, w := range c.writings() {
		for i := range wording.Phrases().Outdated {
			if p := &wording.Phrases().Outdated[i]; p.Find(w.text, wording.Nearby) != "" {
				facts = append(facts, fact{p.Means.In("en"), spoken.Say("%s %s", "%s %s", w.where, p.Means)})
			}
		}
	}
	return "", facts
}

// worded are the banners whose text was understood: its language is one whose words tell what it speaks of.
func (c *scene) worded() []seenBanner {
	return c.banners(func(b *evidence.Banner) bool {
		return b.Text != "" && wording.Understands(primary(b.Lang))
	})
}

func purposesMissing(c *scene) (_ consent.Severity, facts []fact) {
	used, example := c.purposes()
	for _, b := range c.worded() {
		for _, cat := range used {
			if !slices.Contains(b.Purposes, string(cat)) {
				facts = append(facts, fact{"purpose " + string(cat), spoken.Say("%s: nævner ikke %s, som sitet bruger (%s)", "%s: doesn't name %s, which the site uses (%s)",
					b.where(), spoken.Called(cat), example[cat])})
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
			facts = append(facts, fact{"partners", spoken.Say("%s: nævner ingen andre; oplysninger går til %s", "%s: speaks of no others; data goes to %s", b.where(), listed(others))})
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
	for _, s := range c.reached(evidence.StateNone) {
		for _, v := range s.Visits {
			page, banner := primary(v.Lang), primary(v.Banner.Lang)
			if len(page) != 2 || len(banner) != 2 || !v.Banner.Seen || same(page, banner) {
				continue
			}
			facts = append(facts, fact{"page " + v.URL, spoken.Say("%s: siden %s er på %s, banneret på %s", "%s: the page %s is in %s, the banner in %s", where(s), v.URL, page, banner)})
		}
	}
	return "", facts
}

// writing is a text of the site, and where it stands.
type writing struct {
	where spoken.Words
	text  string
}

// writings are the texts that were read: the banners' and those about cookies and privacy.
func (c *scene) writings() []writing {
	var all []writing
	for _, b := range c.banners(func(b *evidence.Banner) bool { return b.Text != "" }) {
		w := spoken.Say("banneret (%s)", "the banner (%s)", b.where())
		if !slices.ContainsFunc(all, func(o writing) bool { return o.text == b.Text }) {
			all = append(all, writing{w, b.Text})
		}
	}
	for _, t := range c.e.Texts {
		all = append(all, writing{spoken.Words{t.URL, t.URL}, t.Text})
	}
	return all
}

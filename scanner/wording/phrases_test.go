package wording

import (
	"testing"
)

// S20 in five languages, and what comes near without meaning it.
func TestPhrases_ImpliedConsent(t *testing.T) {
	for text, want := range map[string]bool{
		"Hvis du klikker videre på siden, accepterer du brugen af cookies.":                        true,
		"Når du bruger vores hjemmeside, accepterer du vores cookies.":                             true,
		"Fortsat brug af sitet betragtes som accept.":                                              true,
		"Du giver samtykke til cookies ved at fortsætte.":                                          true,
		"By continuing to use this website, you consent to our use of cookies.":                    true,
		"By using our site you agree to cookies.":                                                  true,
		"Continued use of the site means acceptance.":                                              true,
		"Genom att fortsätta surfa på vår webbplats godkänner du cookies.":                         true,
		"Ved å bruke nettstedet godtar du informasjonskapsler.":                                    true,
		"Durch die weitere Nutzung der Webseite stimmen Sie der Verwendung von Cookies zu.":        true,
		"Wenn Sie weiter surfen, akzeptieren Sie Cookies.":                                         true,
		"Ved at klikke på “Accepter alle” accepterer du cookies.":                                  false,
		"Du kan fortsætte uden at acceptere.":                                                      false,
		"We use cookies. You can accept or refuse.":                                                false,
		"By clicking “Accept”, you agree.":                                                         false,
		"Vi bruger cookies. Siden kan bruges, uanset hvad du svarer. Du accepterer ved at trykke.": false,
	} {
		found := false
		for i := range Phrases().Implied {
			found = found || Phrases().Implied[i].Find(text, 0) != ""
		}
		if found != want {
			t.Errorf("%q: found %v", text, found)
		}
	}
}

// B17: what promises, praises or regrets is found in the text's own language; what only tells is not.
func TestSteers(t *testing.T) {
	for _, c := range []struct{ lang, text, want string }{
		{"da", "Vi bruger cookies for at give dig en bedre oplevelse.", "bedre oplevelse"},
		{"da", "Gå ikke glip af vores tilbud.", "Gå ikke glip af"},
		{"da", "Hjælp os med at holde siden gratis.", "Hjælp os"},
		{"da", "Få 10 % rabat, når du siger ja.", "Få 10 % rabat"},
		{"da", "Statistik hjælper os med at se, hvilke sider der bliver læst.", ""},
		{"da", "Vi husker de sprog og indstillinger, som du har valgt.", ""},
		{"en", "To give you the best possible experience, we use cookies.", "best possible experience"},
		{"en", "We value your privacy.", "We value"},
		{"en", "Please help us stay free.", "Please help us"},
		{"en", "Cookies that help us count visits.", ""},
		{"en", "Desværre", ""},
		{"de", "Für ein besseres Erlebnis.", "besseres Erlebnis"},
	} {
		if got := Steers(c.text, c.lang); got != c.want {
			t.Errorf("%s %q: %q, want %q", c.lang, c.text, got, c.want)
		}
	}
}

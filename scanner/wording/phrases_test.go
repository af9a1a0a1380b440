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

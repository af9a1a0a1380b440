package consent

import "testing"

// H2: length counts; what everybody tries first is refused; nothing is asked of the mixture.
func TestCheckPassword(t *testing.T) {
	for p, good := range map[string]bool{
		"fire fisk i en fjord": true, "korrekt hest batteri": true, "æøåæblegrødost": true, "zkqvmwtrhplx": true, "3141592653589793": true,
		"kort": false, "elleve tegn": false, "Adgangskode1!": false, "adgangskode2026": false, "P@ssw0rd12345": false, "passwordpassword": false,
		"123456789012": false, "111111111111": false, "abcabcabcabc": false, "qwertyuiopå12": false, "qwertyuiopåas": false, "24-12-1987 12": false, "Samtykke2026!!": false,
		"velkommen hjem": false, "Sommer 2026!!": false,
	} {
		if err := CheckPassword(p); (err == nil) != good {
			t.Errorf("%q: %v", p, err)
		}
	}
}

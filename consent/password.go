package consent

import (
	_ "embed"
	"strings"
	"unicode"
)

// MinPassword is the least length of a password in characters (NIST SP 800-63B: length, no composition rules).
const MinPassword = 12

// maxPassword is what is hashed in reasonable time, in bytes.
const maxPassword = 200

//go:embed passwords.txt
var passwordWords string

// CheckPassword refuses passwords that are too short to be safe, too long to be hashed in reasonable time, or among the first
// that anybody would try.
func CheckPassword(p string) error {
	var f fields
	f.add(len([]rune(p)) < MinPassword, "password", "A password has at least 12 characters.")
	f.add(len(p) > maxPassword, "password", "A password has at most 200 characters.")
	f.add(isCommon(p), "password", "This is among the passwords that are tried first. Choose another one.")
	return f.err("bad_password", "Choose another password.")
}

// isCommon says whether a password is a word that many use, with nothing but digits and signs around it; or a row of the
// keyboard, of the digits or of the alphabet; or a few characters again and again.
func isCommon(p string) bool {
	p = strings.ToLower(p)
	if repeats(p) || runs(p) {
		return true
	}
	core := strings.TrimFunc(p, func(r rune) bool { return !unicode.IsLetter(r) })
	core = strings.NewReplacer("@", "a", "0", "o", "1", "i", "3", "e", "$", "s", "5", "s", " ", "", "-", "", "_", "").Replace(core)
	if core == "" {
		return len([]rune(p)) < 16 // only digits and signs: telephone numbers, dates
	}
	if len(core) >= 6 && runs(core) {
		return true
	}
	for word := range strings.Lines(passwordWords) {
		if word = strings.TrimSpace(word); core == word || core == word+word {
			return true
		}
	}
	return false
}

// repeats says whether p is at most four characters again and again.
func repeats(p string) bool {
	r := []rune(p)
	for n := 1; n <= 4 && n < len(r); n++ {
		i := n
		for i < len(r) && r[i] == r[i-n] {
			i++
		}
		if i == len(r) {
			return true
		}
	}
	return false
}

// rows are what fingers walk along.
const rows = "01234567890123456789 98765432109876543210 abcdefghijklmnopqrstuvwxyzæøå qwertyuiopåasdfghjklæøzxcvbnm 1qaz2wsx3edc4rfv5tgb6yhn 1q2w3e4r5t6y7u8i9o0p"

// runs says whether p is a walk along one of the rows.
func runs(p string) bool { return !strings.Contains(p, " ") && strings.Contains(rows, p) }

// Package spoken says things in Danish and English at once: the evidence and the titles of findings, the program's own words,
// numbers, times and lifetimes.
package spoken

import (
	"cmp"
	"fmt"
	"strconv"
	"strings"
	"time"

	"samtykke/consent"
	"samtykke/scanner/evidence"
)

// Words are the same words in Danish and in English. Evidence is said in both, so that the owner reads it in the
// dashboard's language and a pipeline in English.
type Words [2]string

// speaker is what differs between the languages: words, numbers, times.
type speaker interface{ In(lang string) string }

// In gives the words in a language: da, else English.
func (w Words) In(lang string) string {
	if lang == "da" {
		return w[0]
	}
	return w[1]
}

// MaxLine is how many bytes of a text a report holds.
const MaxLine = 900

// Text is the words as a report holds them, each language bounded: a page may choose names as long as it likes.
func (w Words) Text() consent.Text {
	return consent.Text{"da": evidence.Clip(w[0], MaxLine), "en": evidence.Clip(w[1], MaxLine)}
}

// Both are the words by language.
func (w Words) Both() map[string]string { return map[string]string{"da": w[0], "en": w[1]} }

// Say fills the same values into a sentence of either language.
func Say(da, en string, values ...any) Words {
	fill := func(lang, format string) string {
		own := make([]any, len(values))
		for i, v := range values {
			own[i] = v
			if s, ok := v.(speaker); ok {
				own[i] = s.In(lang)
			}
		}
		return fmt.Sprintf(format, own...)
	}
	return Words{fill("da", da), fill("en", en)}
}

// And puts something behind the words.
func (w Words) And(more Words) Words { return Words{w[0] + more[0], w[1] + more[1]} }

// Decimal is a measured number with one decimal, where it has any.
type Decimal float64

// In writes the number as a language does.
func (d Decimal) In(lang string) string {
	s := strings.TrimSuffix(strconv.FormatFloat(float64(d), 'f', 1, 64), ".0")
	if lang == "da" {
		return strings.Replace(s, ".", ",", 1)
	}
	return s
}

// Moment is a time of day in UTC.
type Moment time.Time

// In writes the time as a language does.
func (m Moment) In(lang string) string {
	t := time.Time(m).UTC()
	if lang == "da" {
		return t.Format("02-01-2006 kl. 15.04.05 UTC")
	}
	return t.Format("2006-01-02 15:04:05 UTC")
}

// Lasting is how long something is kept, in the terms of consent.Item.
type Lasting time.Duration

// units are those in which something lasts, each from twice its length on.
var units = []struct {
	length time.Duration
	words  Words
}{
	{24 * time.Hour, Words{"%d dage", "%d days"}},
	{time.Hour, Words{"%d timer", "%d hours"}},
	{time.Minute, Words{"%d minutter", "%d minutes"}},
}

// In says in a language how long it is.
func (l Lasting) In(lang string) string {
	d := time.Duration(l)
	switch {
	case d < 0:
		return Words{"indtil det fjernes", "until it is removed"}.In(lang)
	case d == 0:
		return Words{"indtil browseren lukkes", "until the browser closes"}.In(lang)
	}
	for _, u := range units {
		if d >= 2*u.length {
			return fmt.Sprintf(u.words.In(lang), d.Round(u.length)/u.length)
		}
	}
	return fmt.Sprintf(Words{"%d sekunder", "%d seconds"}.In(lang), d/time.Second)
}

// names are what the program's own words are called.
var names = map[string]Words{
	evidence.StateNone: {"før svar", "before an answer"}, evidence.StateReject: {"efter afvisning", "after refusal"}, evidence.StateAccept: {"efter accept", "after acceptance"},
	evidence.StateWithdraw: {"efter tilbagetrækning", "after withdrawal"}, evidence.StateGPC: {"med Global Privacy Control", "with Global Privacy Control"},
	evidence.Desktop: {"computer", "desktop"}, evidence.Mobile: {"mobil", "mobile"},
	string(consent.Necessary): {"nødvendig", "necessary"}, string(consent.Preferences): {"præferencer", "preferences"},
	string(consent.Statistics): {"statistik", "statistics"}, string(consent.Marketing): {"marketing", "marketing"},
	string(consent.Unclassified): {"ikke klassificeret", "unclassified"},
	string(consent.IndexedDB):    {"IndexedDB", "IndexedDB"}, string(consent.CacheStorage): {"Cache Storage", "Cache Storage"},
	string(consent.ServiceWorker): {"service worker", "service worker"},
	string(consent.Critical):      {"kritisk", "critical"}, string(consent.High): {"høj", "high"}, string(consent.Medium): {"middel", "medium"},
	string(consent.Low): {"lav", "low"}, string(consent.Info): {"info", "info"},
}

// Called gives a machine's word its name in both languages; an unknown one stays as it is.
func Called[S ~string](word S) Words {
	if w, ok := names[string(word)]; ok {
		return w
	}
	return Words{string(word), string(word)}
}

// Joined lists words with commas.
func Joined[S ~string](list []S) Words {
	var all Words
	for i, s := range list {
		if i > 0 {
			all = all.And(Words{", ", ", "})
		}
		all = all.And(Called(s))
	}
	return all
}

// Word is what a word of the program's, such as StateNone, is called in a language: da, else English.
func Word(word, lang string) string { return Called(word).In(lang) }

// Where is the head of a line: state and screen.
func Where(state, device string) Words {
	return Say("%s, %s", "%s, %s", Called(state), Called(cmp.Or(device, evidence.Desktop)))
}

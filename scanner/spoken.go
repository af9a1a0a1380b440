package scanner

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"samtykke/consent"
)

// words are the same words in Danish and English. Evidence is said in both, so that the owner reads it in the
// dashboard's language and a pipeline in English.
type words struct{ da, en string }

// spoken is what differs between the languages: words, numbers, times.
type spoken interface{ in(lang string) string }

func (w words) in(lang string) string {
	if lang == "da" {
		return w.da
	}
	return w.en
}

// text is the words as a report holds them, each language bounded: a page may choose names as long as it likes.
func (w words) text() consent.Text {
	return consent.Text{"da": clip(w.da, maxLine), "en": clip(w.en, maxLine)}
}

func (w words) both() map[string]string { return map[string]string{"da": w.da, "en": w.en} }

// say fills the same values into a sentence of either language.
func say(da, en string, values ...any) words {
	fill := func(lang, format string) string {
		own := make([]any, len(values))
		for i, v := range values {
			own[i] = v
			if s, ok := v.(spoken); ok {
				own[i] = s.in(lang)
			}
		}
		return fmt.Sprintf(format, own...)
	}
	return words{fill("da", da), fill("en", en)}
}

// and puts something behind the words.
func (w words) and(more words) words { return words{w.da + more.da, w.en + more.en} }

// decimal is a measured number with one decimal, where it has any.
type decimal float64

func (d decimal) in(lang string) string {
	s := strings.TrimSuffix(strconv.FormatFloat(float64(d), 'f', 1, 64), ".0")
	if lang == "da" {
		return strings.Replace(s, ".", ",", 1)
	}
	return s
}

// moment is a time of day in UTC.
type moment time.Time

func (m moment) in(lang string) string {
	t := time.Time(m).UTC()
	if lang == "da" {
		return t.Format("02-01-2006 kl. 15.04.05 UTC")
	}
	return t.Format("2006-01-02 15:04:05 UTC")
}

// lasting is how long something is kept, in the terms of consent.Item.
type lasting time.Duration

func (l lasting) in(lang string) string {
	if lang == "en" {
		return inWords(time.Duration(l))
	}
	d := time.Duration(l)
	switch {
	case d < 0:
		return "indtil det fjernes"
	case d == 0:
		return "indtil browseren lukkes"
	case d >= 48*time.Hour:
		return fmt.Sprintf("%d dage", d.Round(24*time.Hour)/(24*time.Hour))
	case d >= 2*time.Hour:
		return fmt.Sprintf("%d timer", d.Round(time.Hour)/time.Hour)
	case d >= 2*time.Minute:
		return fmt.Sprintf("%d minutter", d.Round(time.Minute)/time.Minute)
	}
	return fmt.Sprintf("%d sekunder", d/time.Second)
}

// inWords says in English how long something lasts.
func inWords(d time.Duration) string {
	switch {
	case d < 0:
		return "until it is removed"
	case d == 0:
		return "until the browser closes"
	case d >= 48*time.Hour:
		return fmt.Sprintf("%d days", d.Round(24*time.Hour)/(24*time.Hour))
	case d >= 2*time.Hour:
		return fmt.Sprintf("%d hours", d.Round(time.Hour)/time.Hour)
	case d >= 2*time.Minute:
		return fmt.Sprintf("%d minutes", d.Round(time.Minute)/time.Minute)
	}
	return fmt.Sprintf("%d seconds", d/time.Second)
}

// machineWords are what the program's own words are called.
var machineWords = map[string]words{
	StateNone: {"før svar", "before an answer"}, StateReject: {"efter afvisning", "after refusal"}, StateAccept: {"efter accept", "after acceptance"},
	StateWithdraw: {"efter tilbagetrækning", "after withdrawal"}, StateGPC: {"med Global Privacy Control", "with Global Privacy Control"},
	Desktop: {"computer", "desktop"}, Mobile: {"mobil", "mobile"},
	string(consent.Necessary): {"nødvendig", "necessary"}, string(consent.Preferences): {"præferencer", "preferences"},
	string(consent.Statistics): {"statistik", "statistics"}, string(consent.Marketing): {"marketing", "marketing"},
	string(consent.Unclassified): {"ikke klassificeret", "unclassified"},
	string(consent.IndexedDB):    {"IndexedDB", "IndexedDB"}, string(consent.CacheStorage): {"Cache Storage", "Cache Storage"},
	string(consent.ServiceWorker): {"service worker", "service worker"},
	string(consent.Critical):      {"kritisk", "critical"}, string(consent.High): {"høj", "high"}, string(consent.Medium): {"middel", "medium"},
	string(consent.Low): {"lav", "low"}, string(consent.Info): {"info", "info"},
}

// called gives a machine's word its name in both languages; an unknown one stays as it is.
func called[S ~string](word S) words {
	if w, ok := machineWords[string(word)]; ok {
		return w
	}
	return words{string(word), string(word)}
}

// joined lists words with commas.
func joined[S ~string](list []S) words {
	var all words
	for i, s := range list {
		if i > 0 {
			all = all.and(words{", ", ", "})
		}
		all = all.and(called(s))
	}
	return all
}

// Word is what a word of the program's, such as StateNone, is called in a language: da, else English.
func Word(word, lang string) string { return called(word).in(lang) }

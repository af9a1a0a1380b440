package server

import (
	"errors"
	"maps"
	"slices"
	"strings"

	"samtykke/consent"
	"samtykke/server/dashboard"
)

// Owners write hosts and services as lines of text, since such lists are pasted more often than typed.

// fillRules reads the fields that hold one rule a line. Where a line is refused, it says which, by field.
func fillRules(b *consent.Banner, f *dashboard.Form) (lines map[string]int, err error) {
	lines, wrong := map[string]int{}, map[string]string{}
	for field, take := range map[string]func([]string) error{"hosts": takeHost(b), "services": takeService(b)} {
		if n, err := readLines(f.Get(field), take); err != nil {
			var e *consent.Error
			if !errors.As(err, &e) {
				return nil, err
			}
			lines[field], wrong[field] = n, e.Message
		}
	}
	if len(wrong) > 0 {
		err = &consent.Error{Kind: consent.KindInvalid, Code: "bad_banner", Message: "The banner can't be published like this.", Fields: wrong}
	}
	return lines, err
}

// readLines gives the words of each line that has some to a function, until one is refused: that is the line it names.
func readLines(text string, take func(words []string) error) (int, error) {
	for i, line := range strings.Split(text, "\n") {
		if words := strings.Fields(line); len(words) > 0 {
			if err := take(words); err != nil {
				return i + 1, err
			}
		}
	}
	return 0, nil
}

// takeHost adds rules such as "cdn.example.com necessary Brings our own pictures." to a banner that has none.
func takeHost(b *consent.Banner) func([]string) error {
	b.Hosts = nil
	return func(words []string) error {
		rule := consent.HostRule{Host: strings.ToLower(words[0])}
		if found := domains(strings.TrimPrefix(words[0], "*.")); len(found) == 1 { // a rule holds for what is under its host anyway
			rule.Host = found[0]
		}
		if len(words) > 1 {
			rule.Category, rule.Reason = categoryOf(words[1]), strings.Join(words[2:], " ")
		}
		b.Hosts = append(b.Hosts, rule)
		return refusal(consent.Banner{Hosts: b.Hosts}, "hosts")
	}
}

// takeService adds rules such as "google-analytics statistics" to a banner that has none.
func takeService(b *consent.Banner) func([]string) error {
	b.Services = nil
	return func(words []string) error {
		if len(words) == 1 {
			words = append(words, "") // the category is missing, not the name
		}
		last := len(words) - 1
		name := strings.Join(words[:last], " ")
		if _, ok := b.Services[name]; ok {
			return consent.Invalid("bad_banner", "Each service can be named once.")
		}
		if b.Services == nil {
			b.Services = map[string]consent.Category{}
		}
		b.Services[name] = categoryOf(words[last])
		return refusal(consent.Banner{Services: b.Services}, "services")
	}
}

// refusal is what a banner's validation says of one field.
func refusal(b consent.Banner, field string) error {
	var e *consent.Error
	if errors.As(b.Validate(), &e) && e.Fields[field] != "" {
		return &consent.Error{Kind: e.Kind, Code: e.Code, Message: e.Fields[field]}
	}
	return nil
}

// categoryOf reads a category as markup names it or as the dashboard does, in any of its languages.
func categoryOf(word string) consent.Category {
	for _, c := range consent.Categories() {
		for _, lang := range dashboard.Languages() {
			if strings.EqualFold(word, string(c)) || strings.EqualFold(word, categoryName(c, dashboard.For(lang))) {
				return c
			}
		}
	}
	return consent.Category(word)
}

// categoryName is how the dashboard names a category within a line.
func categoryName(c consent.Category, words *dashboard.Words) string {
	return strings.ToLower(words.T("category." + string(c)))
}

func hostLines(hosts []consent.HostRule, words *dashboard.Words) string {
	var lines []string
	for _, h := range hosts {
		lines = append(lines, strings.TrimSpace(h.Host+" "+categoryName(h.Category, words)+" "+h.Reason))
	}
	return strings.Join(lines, "\n")
}

func serviceLines(services map[string]consent.Category, words *dashboard.Words) string {
	var lines []string
	for _, name := range slices.Sorted(maps.Keys(services)) {
		lines = append(lines, name+" "+categoryName(services[name], words))
	}
	return strings.Join(lines, "\n")
}

// Package consent is the vocabulary of the product: what a site, a notice, an act of consent and a cookie are,
// which values they may hold, and what state a visitor's acts add up to. It knows no database, no HTTP and no
// browser, so that every other package can speak it.
package consent

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
)

// Category sorts what a site stores or requests by its purpose.
type Category string

// The four purposes of the Danish guidance, and what is not yet sorted. Unclassified is never a purpose that a
// visitor can grant: what is unclassified stays blocked (K12).
const (
	Necessary    Category = "necessary"
	Preferences  Category = "preferences"
	Statistics   Category = "statistics"
	Marketing    Category = "marketing"
	Unclassified Category = "unclassified"
)

// Categories lists the purposes in the order in which they are shown.
func Categories() []Category { return []Category{Necessary, Preferences, Statistics, Marketing} }

// Valid says whether c is one of the four purposes or Unclassified.
func (c Category) Valid() bool { return c == Unclassified || c.bit() != 0 }

// Optional says whether a visitor is asked for c.
func (c Category) Optional() bool { return c.bit() > 1 }

func (c Category) bit() Set {
	switch c {
	case Necessary:
		return 1
	case Preferences:
		return 2
	case Statistics:
		return 4
	case Marketing:
		return 8
	}
	return 0
}

// Set is a set of the four purposes, one bit each in the order of Categories. Its number is stored, so a bit
// never changes its meaning.
type Set uint8

// SetOf collects categories; Unclassified adds nothing.
func SetOf(cs ...Category) Set {
	var s Set
	for _, c := range cs {
		s |= c.bit()
	}
	return s
}

// Has says whether c is in the set.
func (s Set) Has(c Category) bool { return s&c.bit() != 0 }

// List returns the members in the order of Categories.
func (s Set) List() []Category {
	var cs []Category
	for _, c := range Categories() {
		if s.Has(c) {
			cs = append(cs, c)
		}
	}
	return cs
}

// Choices is an explicit yes or no for each category that was asked about. Necessary is never asked.
type Choices struct {
	Asked Set
	Given Set
}

// AllOf answers every asked category with yes.
func AllOf(asked Set) Choices { return Choices{Asked: asked, Given: asked} }

// NoneOf answers every asked category with no.
func NoneOf(asked Set) Choices { return Choices{Asked: asked} }

// Validate wants answers only to optional categories, and a yes only where there was a question.
func (c Choices) Validate() error {
	if c.Asked&^SetOf(Preferences, Statistics, Marketing) != 0 || c.Given&^c.Asked != 0 {
		return Invalid("bad_choices", "The choices name a category that was not asked about.")
	}
	return nil
}

// MarshalJSON writes {"preferences":false,…}: both yes and no are explicit (R2).
func (c Choices) MarshalJSON() ([]byte, error) { return c.append(nil), nil }

// append writes the choices with their keys in alphabetical order, as the canonical record needs them.
func (c Choices) append(b []byte) []byte {
	b = append(b, '{')
	for _, k := range [...]Category{Marketing, Preferences, Statistics} {
		if !c.Asked.Has(k) {
			continue
		}
		if b[len(b)-1] != '{' {
			b = append(b, ',')
		}
		b = append(append(append(b, '"'), k...), `":`...)
		if c.Given.Has(k) {
			b = append(b, "true"...)
		} else {
			b = append(b, "false"...)
		}
	}
	return append(b, '}')
}

// UnmarshalJSON reads what MarshalJSON writes. "necessary":true is tolerated and dropped, since nobody is asked
// for it; any other unknown key is refused, and so is a missing answer (null).
func (c *Choices) UnmarshalJSON(data []byte) error {
	if plain, ok := readPlain(data); ok {
		*c = plain
		return nil
	}
	var m map[Category]*bool
	if err := json.Unmarshal(data, &m); err != nil {
		return fmt.Errorf("choices must be an object of true and false: %w", err)
	}
	*c = Choices{}
	for k, v := range m {
		switch {
		case v == nil:
			return fmt.Errorf("choice %q has no answer", clip(string(k)))
		case k == Necessary && *v:
		case !k.Optional():
			return fmt.Errorf("unknown category %q", clip(string(k)))
		default:
			c.answer(k, *v)
		}
	}
	return nil
}

func (c *Choices) answer(k Category, given bool) {
	c.Asked |= k.bit()
	c.Given &^= k.bit()
	if given {
		c.Given |= k.bit()
	}
}

// readPlain reads choices as browsers send them, without blanks and escapes: every act holds one. It leaves everything else,
// right or wrong, to the library.
func readPlain(data []byte) (c Choices, ok bool) {
	rest, ok := bytes.CutPrefix(data, []byte("{"))
	for ok && len(rest) > 0 && rest[0] == '"' {
		end := bytes.IndexByte(rest[1:], '"') + 1
		if end == 0 || !Category(rest[1:end]).Optional() {
			return c, false
		}
		name := Category(rest[1:end])
		rest = rest[end+1:]
		var given bool
		if rest, given = bytes.CutPrefix(rest, []byte(":true")); !given {
			if rest, ok = bytes.CutPrefix(rest, []byte(":false")); !ok {
				return c, false
			}
		}
		c.answer(name, given)
		if next, more := bytes.CutPrefix(rest, []byte(",")); more {
			rest, ok = next, len(next) > 0 && next[0] == '"'
		}
	}
	return c, ok && string(rest) == "}"
}

// String names what was granted, for logs of tests and for CSV.
func (s Set) String() string {
	var names []string
	for _, c := range s.List() {
		names = append(names, string(c))
	}
	return strings.Join(names, " ")
}

// clip keeps what a stranger sent short enough to be repeated in an error message.
func clip(s string) string {
	if len(s) > 40 {
		return strings.ToValidUTF8(s[:40], "") + "…"
	}
	return s
}

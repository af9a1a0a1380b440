package widget

import (
	"slices"

	"samtykke/consent"
)

// CheckTexts refuses words that Compile would refuse: a notice's texts that are not complete in each of its languages
// (B21). Whoever lets an owner write texts asks here, so that the owner learns at once and not at publishing.
func CheckTexts(c *consent.Content) error { return checkTexts(c) }

// MustName lists the placeholders that the text of a key can't do without, in braces.
func MustName(key string) []string { return slices.Clone(mustName[key]) }

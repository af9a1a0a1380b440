package widget

import (
	"regexp"
	"strings"

	"samtykke/consent"
)

// shelves are the kinds of storage that the script can clear, in the order of its table.
var shelves = []consent.ItemKind{consent.Cookie, consent.LocalStorage, consent.SessionStorage}

// clearable makes the script's table of what it may remove: for each category a regular expression of names for
// each shelf. Only declared first-party items of optional categories are in it, and of the necessary ones those
// that a wildcard of the others could hit, so that the script spares them. Nil if there is nothing to remove.
func clearable(items []consent.Item) [][]string {
	var table [][]string
	for _, cat := range consent.Categories() {
		row, any := []string{string(cat)}, false
		for _, kind := range shelves {
			names := namesOf(items, cat, kind)
			row, any = append(row, strings.Join(names, "|")), any || len(names) > 0
		}
		if any {
			table = append(table, row)
		}
	}
	if len(table) == 1 && table[0][0] == string(consent.Necessary) {
		return nil
	}
	return table
}

func namesOf(items []consent.Item, cat consent.Category, kind consent.ItemKind) []string {
	var names []string
	for _, i := range items {
		if i.Party == consent.FirstParty && i.Category == cat && i.Kind == kind && (cat.Optional() || atRisk(i, items)) {
			names = append(names, strings.ReplaceAll(regexp.QuoteMeta(i.Name), `\*`, ".*"))
		}
	}
	return names
}

// atRisk says whether an optional item's pattern could also hit the necessary item n.
func atRisk(n consent.Item, items []consent.Item) bool {
	for _, i := range items {
		bothWild := strings.Contains(n.Name, "*") && strings.Contains(i.Name, "*")
		if i.Category.Optional() && i.Kind == n.Kind && (bothWild || i.Matches(n.Name) || n.Matches(i.Name)) {
			return true
		}
	}
	return false
}

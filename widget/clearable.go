package widget

import (
	"regexp"
	"slices"
	"strings"

	"samtykke/consent"
)

// shelves are the kinds of storage that the script can clear, in the order of its table.
var shelves = []consent.ItemKind{consent.Cookie, consent.LocalStorage, consent.SessionStorage}

// clearable makes the script's table of what it may remove: for each category a regular expression of names for
// each shelf. Only declared first-party items of optional categories are in it, and of the necessary ones those
// that a wildcard of the others could hit, so that the script spares them. Where visitors can refuse single providers,
// there is a row for each of them, with its name at the end. Nil if there is nothing to remove.
func clearable(items []consent.Item, perVendor bool) [][]string {
	var table [][]string
	for _, cat := range consent.Categories() {
		providers := []string{""}
		if perVendor {
			providers = providersOf(items, cat)
		}
		for _, p := range providers {
			row, any := []string{string(cat)}, false
			for _, kind := range shelves {
				names := namesOf(items, cat, kind, func(i *consent.Item) bool { return !perVendor || i.Provider == p })
				row, any = append(row, strings.Join(names, "|")), any || len(names) > 0
			}
			if perVendor {
				row = append(row, p)
			}
			if any {
				table = append(table, row)
			}
		}
	}
	if !slices.ContainsFunc(table, func(row []string) bool { return row[0] != string(consent.Necessary) }) {
		return nil
	}
	return table
}

// providersOf lists who is behind a category's items, in the order declared.
func providersOf(items []consent.Item, cat consent.Category) []string {
	var names []string
	for _, i := range items {
		if i.Category == cat && !slices.Contains(names, i.Provider) {
			names = append(names, i.Provider)
		}
	}
	return names
}

func namesOf(items []consent.Item, cat consent.Category, kind consent.ItemKind, which func(*consent.Item) bool) []string {
	var names []string
	for _, i := range items {
		if which(&i) && i.Party == consent.FirstParty && i.Category == cat && i.Kind == kind && (cat.Optional() || atRisk(i, items)) {
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

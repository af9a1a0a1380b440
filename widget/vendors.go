package widget

import (
	"strings"

	"samtykke/consent"
)

// refusable lists, by category, the providers that a visitor can refuse within it.
func refusable(c *consent.Content) map[consent.Category][]string {
	lists := map[consent.Category][]string{}
	for _, cat := range c.Banner.Categories {
		lists[cat] = c.Refusable(cat)
	}
	return lists
}

// providerHosts says whose a declared host is. Of several providers it is one in whose category the host counts.
func providerHosts(c *consent.Content) map[string]string {
	categories, hosts := hostsOf(c), map[string]string{}
	for _, i := range c.Items {
		if host := strings.TrimPrefix(i.Host, "."); i.Party == consent.ThirdParty && host != "" && (hosts[host] == "" || i.Category == categories[host]) {
			hosts[host] = i.Provider
		}
	}
	return hosts
}

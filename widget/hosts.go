package widget

import (
	"crypto/sha256"
	"encoding/base64"
	"slices"
	"strings"

	"samtykke/consent"
)

// stub is compiled once: it is the same for every site.
var stub = func() string {
	js, err := build("stub", nil)
	if err != nil {
		panic(err) // embedded sources: a test compiles them
	}
	return strings.TrimSpace(string(js))
}()

// Stub is the script that stands inline before the tag of a site that blocks automatically. It is the same for every site
// and notice, and changes only with the program.
func Stub() string { return stub }

// StubHash names the stub in a Content-Security-Policy: 'sha256-…', quotes included.
func StubHash() string {
	sum := sha256.Sum256([]byte(stub))
	return "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
}

// hostsOf is what a site's script knows of hosts: the owner's rules, and the hosts of declared third-party items. A host
// that has several categories counts as the one that asks most of a visitor.
func hostsOf(c *consent.Content) map[string]consent.Category {
	hosts := map[string]consent.Category{}
	for _, i := range c.Items {
		host := strings.TrimPrefix(i.Host, ".")
		known := i.Category.Optional() || i.Category == consent.Necessary
		if i.Party == consent.ThirdParty && host != "" && known && weight(i.Category) > weight(hosts[host]) {
			hosts[host] = i.Category
		}
	}
	for _, r := range c.Banner.Hosts {
		hosts[r.Host] = r.Category
	}
	return hosts
}

func weight(c consent.Category) int {
	return 1 + slices.Index(consent.Categories(), c)
}

// knownHosts lists the known vendors' hosts by category, with spaces between them.
func knownHosts(c *consent.Content) map[consent.Category]string {
	lists := map[consent.Category]string{}
	for _, k := range []consent.Category{consent.Preferences, consent.Statistics, consent.Marketing} {
		lists[k] = strings.Join(c.KnownHosts[k], " ")
	}
	return lists
}

package judgement

import (
	_ "embed"
	"encoding/json"
	"net/url"
	"slices"
	"strings"
	"sync"

	"samtykke/consent"
)

// service is what an address is known as. A host stands for its subdomains too, and * for any; the path is a pattern
// as consent.MatchName knows it.
type service struct{ Name, Host, Path string }

type trackerTable struct {
	Pixels    []service // what reports a visit or an act
	Social    []service // what shows or shares something of a social medium
	Google    []service // what reads Google's Consent Mode
	Addresses []string  // parameters that carry a page's address, not an id
}

//go:embed trackers.json
var trackerData []byte

var trackers = sync.OnceValue(func() (t trackerTable) {
	if err := json.Unmarshal(trackerData, &t); err != nil {
		panic(err) // embedded at build time and covered by a test
	}
	return t
})

// knownAs names what an address is in a table; "" where it isn't there.
func knownAs(table []service, address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return ""
	}
	host := strings.ToLower(u.Hostname())
	for _, t := range table {
		if (t.Host == "*" || host == t.Host || strings.HasSuffix(host, "."+t.Host)) && consent.MatchName(t.Path, u.Path) {
			return t.Name
		}
	}
	return ""
}

// ids leaves out the parameters that only tell where the visitor is.
func ids(params []string) []string {
	return slices.DeleteFunc(slices.Clone(params), func(p string) bool { return slices.Contains(trackers().Addresses, p) })
}

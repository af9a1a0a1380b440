package evidence

import (
	"testing"
)

func TestSiteOf_FollowsThePublicSuffixes(t *testing.T) {
	for host, want := range map[string]string{
		"www.shop.dk": "shop.dk", "shop.dk": "shop.dk", "a.b.co.uk": "b.co.uk", "shop.localhost": "shop.localhost", "a.shop.localhost": "shop.localhost",
		"localhost": "localhost", "127.0.0.1": "127.0.0.1", "a.github.io": "a.github.io", ".Shop.dk": "shop.dk", "::1": "::1",
	} {
		if got := SiteOf(host); got != want {
			t.Errorf("%s: %s, want %s", host, got, want)
		}
	}
}

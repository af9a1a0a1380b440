package recording

import (
	"testing"

	"github.com/chromedp/cdproto/network"

	"samtykke/scanner/evidence"
)

func TestHARHeaders_HideWhatTheyDoNotKnow(t *testing.T) {
	for name, c := range map[string]struct{ value, want string }{
		"Cookie": {"a=1", evidence.Hidden}, "Set-Cookie": {"a=1; Path=/", "a=" + evidence.Hidden + "; Path=/"}, "set-cookie": {"lonely", "=" + evidence.Hidden},
		"Content-Type": {"text/html", "text/html"}, "Referer": {"https://a.dk/x?id=1#y", "https://a.dk/x?id=" + evidence.Hidden}, "ETag": {"abc", evidence.Hidden}, "If-None-Match": {"abc", evidence.Hidden},
	} {
		if got := harHeaders(network.Headers{name: c.value}); len(got) != 1 || got[0].Value != c.want {
			t.Errorf("%s: %v, want %s", name, got, c.want)
		}
	}
}

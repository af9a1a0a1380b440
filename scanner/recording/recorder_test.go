package recording

import (
	"slices"
	"testing"
	"time"

	"samtykke/scanner/evidence"
)

// Chromium tells the headers of a redirected request hop by hop, in an order of their own.
func TestRecorder_GivesEachHopItsOwnCookies(t *testing.T) {
	r := New(evidence.StateNone, func() time.Time { return noon })
	r.Begin("https://shop.dk/")
	line := func(name string) extra { return extra{lines: []string{name + "=1; Max-Age=60"}} }
	r.rawHeaders("1", line("first"))
	r.request(asked{id: "1", url: "https://a.example/?who=me#x", kind: "Image", initiator: "https://shop.dk/?q=1"})
	r.request(asked{id: "1", url: "https://b.example/", kind: "Image", hopTold: true, hopStatus: 302})
	r.request(asked{id: "1", url: "https://c.example/", kind: "Image"}) // b was answered from the cache: nothing is told of it
	r.rawHeaders("1", line("third"))
	r.response("1", reply{told: true, status: 200})
	r.finished("1")
	s := r.Evidence()
	var got []string
	for _, w := range s.Writes {
		got = append(got, w.Name+" "+w.Host+" "+w.By)
	}
	if want := []string{"first a.example https://a.example/", "third c.example https://c.example/"}; !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
	if c := s.Requests[0]; c.URL != "https://a.example/" || c.Initiator != "https://shop.dk/" {
		t.Errorf("the query stayed: %+v", c)
	}
}

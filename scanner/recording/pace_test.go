package recording

import (
	"testing"
	"time"

	"samtykke/scanner/evidence"
)

// A page rests when it has loaded, its network is quiet and no timer is due; what never ends is not waited for.
func TestRecorder_RestsWhenNothingIsToCome(t *testing.T) {
	const rest = 250 * time.Millisecond
	r := New(evidence.StateNone, time.Now)
	r.Begin("https://shop.dk/")
	rests := func(what string, after time.Duration, want bool) {
		t.Helper()
		if got := r.restedAt(time.Now().Add(after), rest); got != want {
			t.Errorf("%s, %s later: rests %v", what, after, got)
		}
	}
	rests("before the page has loaded", time.Minute, false)
	r.request(asked{id: "0", url: "https://shop.dk/left-behind", kind: "Ping"})
	if r.Requested() {
		t.Error("what the page before sends is taken for the page")
	}
	r.request(asked{id: "page", url: "https://shop.dk/", kind: "Document"})
	r.finished("page")
	r.finished("0")
	if !r.Requested() {
		t.Error("the page was asked for")
	}
	r.Arrived()
	rests("just loaded", 0, false)
	rests("loaded", rest, true)
	r.request(asked{id: "1", url: "https://shop.dk/a", kind: "Fetch"})
	r.request(asked{id: "2", url: "https://shop.dk/stream", kind: "EventSource"})
	r.request(asked{id: "3", url: "data:image/gif;base64,", kind: "Image"})
	rests("a request in flight", time.Second, false)
	rests("a page that never rests", restless+time.Second, true)
	r.finished("1")
	rests("the request is over", 0, false)
	rests("the request is over", rest, true)
	r.expect(time.Second)
	rests("a timer is due", 900*time.Millisecond, false)
	rests("the timer has fired", time.Second+slack+rest, true)
	r.expect(3 * time.Second)
	rests("a timer that takes long is due", 2900*time.Millisecond, false)
	rests("it has fired", 3*time.Second+slack+rest, true)
	r.expect(time.Hour)
	rests("a timer beyond all waiting", farTimer+rest, true)
}

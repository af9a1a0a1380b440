package scanner

import (
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"samtykke/consent"
)

var noon = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

func TestReadSetCookie_ReadsAsBrowsersDo(t *testing.T) {
	for line, want := range map[string]Write{
		"a=1":                   {Name: "a", Host: "shop.dk"},
		" a = 1 ; Path=/":       {Name: "a", Host: "shop.dk"},
		"gdpr[x]=1; Max-Age=60": {Name: "gdpr[x]", Host: "shop.dk", Lifetime: time.Minute},
		"a=b=c; Domain=Shop.DK; Secure; HttpOnly; SameSite=none; Partitioned":             {Name: "a", Host: ".shop.dk", Secure: true, HTTPOnly: true, SameSite: "None", Partitioned: true, Shape: "code/4"},
		"a=1; domain=.shop.dk; max-age=0":                                                 {Name: "a", Host: ".shop.dk", Removes: true},
		"a=1; MAX-AGE=-5":                                                                 {Name: "a", Host: "shop.dk", Removes: true},
		"a=1; max-age=99999999999999":                                                     {Name: "a", Host: "shop.dk", Lifetime: maxLifetime * time.Second},
		"a=1; max-age=x":                                                                  {Name: "a", Host: "shop.dk"},
		"a=1; expires=Thu, 01 Jan 1970 00:00:00 GMT":                                      {Name: "a", Host: "shop.dk", Removes: true},
		"a=1; expires=Sun, 22-Nov-2026 13:00:00 GMT":                                      {Name: "a", Host: "shop.dk", Lifetime: time.Hour},
		"a=1; Expires=Sun, 22 Nov 2026 13:00:00 GMT; Max-Age=10":                          {Name: "a", Host: "shop.dk", Lifetime: 10 * time.Second},
		"a=1; Max-Age=10; Expires=Thu, 01 Jan 1970 00:00:00 GMT":                          {Name: "a", Host: "shop.dk", Lifetime: 10 * time.Second},
		"a=1; Expires=Thu, 01 Jan 1970 00:00:00 GMT; Max-Age=10":                          {Name: "a", Host: "shop.dk", Lifetime: 10 * time.Second},
		"a=1; Expires=Mon Nov 23 2026 12:00:00 GMT+0100 (Central European Standard Time)": {Name: "a", Host: "shop.dk", Lifetime: 24 * time.Hour},
		"a=1; Expires=23-nov-26 12:00:00":                                                 {Name: "a", Host: "shop.dk", Lifetime: 24 * time.Hour},
		"a=1; Expires=in a year":                                                          {Name: "a", Host: "shop.dk", Unclear: true},
		"a=1; Expires=31 Feb 2027 12:00:00":                                               {Name: "a", Host: "shop.dk", Unclear: true},
		"a=1; Expires=in a year; Max-Age=10":                                              {Name: "a", Host: "shop.dk", Lifetime: 10 * time.Second},
		"novalue; Path=/":                                                                 {Name: "", Host: "shop.dk", Shape: "empty/1"},
		"":                                                                                {Name: "", Host: "shop.dk", Shape: "empty/1"},
	} {
		want.Kind = consent.Cookie
		if want.Shape == "" && want.Name != "" {
			want.Shape = "boolean/1"
		}
		if got := readSetCookie(line, "shop.dk", noon); !reflect.DeepEqual(got, want) {
			t.Errorf("%q: %+v, want %+v", line, got, want)
		}
	}
}

func FuzzReadSetCookie(f *testing.F) {
	f.Add("a=secret; Domain=x.dk; Max-Age=1; Expires=Thu, 01 Jan 1970 00:00:00 GMT")
	f.Fuzz(func(t *testing.T, line string) {
		w := readSetCookie(line, "shop.dk", noon)
		if w.Lifetime < 0 || w.Name != strings.TrimSpace(w.Name) {
			t.Errorf("%q: %+v", line, w)
		}
	})
}

// A value may name a person; none gets into the evidence.
func TestReadSetCookie_ForgetsTheValue(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		value := rapid.StringMatching(`SECRET[a-z0-9=]{0,20}`).Draw(t, "value")
		attrs := rapid.SampledFrom([]string{"", "; Path=/", "; Max-Age=5; Domain=shop.dk"}).Draw(t, "attrs")
		w := readSetCookie("name="+value+attrs, "shop.dk", noon)
		if strings.Contains(w.Name+w.Host, "SECRET") {
			t.Fatalf("%+v", w)
		}
	})
}

// Chromium tells the headers of a redirected request hop by hop, in an order of their own.
func TestRecorder_GivesEachHopItsOwnCookies(t *testing.T) {
	r := newRecorder(StateNone, func() time.Time { return noon })
	r.begin("https://shop.dk/")
	line := func(name string) extra { return extra{lines: []string{name + "=1; Max-Age=60"}} }
	r.rawHeaders("1", line("first"))
	r.request(asked{id: "1", url: "https://a.example/?who=me#x", kind: "Image", initiator: "https://shop.dk/?q=1"})
	r.request(asked{id: "1", url: "https://b.example/", kind: "Image", hopTold: true, hopStatus: 302})
	r.request(asked{id: "1", url: "https://c.example/", kind: "Image"}) // b was answered from the cache: nothing is told of it
	r.rawHeaders("1", line("third"))
	r.response("1", reply{told: true, status: 200})
	r.finished("1")
	s := r.evidence()
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

// A page rests when it has loaded, its network is quiet and no timer is due; what never ends is not waited for.
func TestRecorder_RestsWhenNothingIsToCome(t *testing.T) {
	const rest = 250 * time.Millisecond
	r := newRecorder(StateNone, time.Now)
	r.begin("https://shop.dk/")
	rests := func(what string, after time.Duration, want bool) {
		t.Helper()
		if got := r.restedAt(time.Now().Add(after), rest); got != want {
			t.Errorf("%s, %s later: rests %v", what, after, got)
		}
	}
	rests("before the page has loaded", time.Minute, false)
	r.arrived()
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
	r.expect(time.Hour)
	rests("a timer beyond all waiting", lateTimer+rest, true)
}

func TestPageLinks_StayOnTheSite(t *testing.T) {
	got := pageLinks("https://www.shop.dk/start", []string{
		"https://www.shop.dk/a#x", "https://www.shop.dk/a#y", "https://www.shop.dk", "https://shop.dk/b?x=1", "https://en.shop.dk/", "https://other.dk/",
		"mailto:a@shop.dk", "javascript:void(0)", "https://www.shop.dk/logout", "https://www.shop.dk/log-ud", "https://www.shop.dk/pris.PDF",
		"https://me:pw@www.shop.dk/", "://", "https://www.shop.dk/?add-to-cart=5", "https://www.shop.dk/pusletasker",
		"https://www.shop.dk/cart/add?id=4", "https://www.shop.dk/kurv/tilf%C3%B8j/4", "https://www.shop.dk/koeb", "https://www.shop.dk/k%C3%B8b/4",
		"https://www.shop.dk/Checkout/", "https://www.shop.dk/order?id=4", "https://www.shop.dk/konto/slet", "https://www.shop.dk/a?action=unsubscribe",
		"https://www.shop.dk/a?remove_item=4", "https://www.shop.dk/borders", "https://www.shop.dk/kurv", "https://www.shop.dk/koebmand",
	})
	want := []string{
		"https://www.shop.dk/a", "https://www.shop.dk/", "https://shop.dk/b?x=1", "https://en.shop.dk/",
		"https://www.shop.dk/pusletasker", "https://www.shop.dk/borders", "https://www.shop.dk/kurv", "https://www.shop.dk/koebmand",
	}
	if !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}

func TestSiteOf_FollowsThePublicSuffixes(t *testing.T) {
	for host, want := range map[string]string{
		"www.shop.dk": "shop.dk", "shop.dk": "shop.dk", "a.b.co.uk": "b.co.uk", "shop.localhost": "shop.localhost", "a.shop.localhost": "shop.localhost",
		"localhost": "localhost", "127.0.0.1": "127.0.0.1", "a.github.io": "a.github.io", ".Shop.dk": "shop.dk", "::1": "::1",
	} {
		if got := siteOf(host); got != want {
			t.Errorf("%s: %s, want %s", host, got, want)
		}
	}
}

package demo

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"samtykke/consent"
)

const (
	testTag   = `<script async src="http://samtykke.localhost:8080/s/fjordfletv.js"></script>`
	testEmbed = "http://samtykke.localhost:8080/d/fjordfletv/embed.js"
)

func testDemo() http.Handler { return New(Config{Tag: testTag, Embed: testEmbed, Port: ":8080"}) }

// ask sends one request; form, where it isn't nil, makes it a POST.
func ask(h http.Handler, host, path string, form url.Values, cookies ...*http.Cookie) *http.Response {
	r := httptest.NewRequest("GET", path, nil)
	if form != nil {
		r = httptest.NewRequest("POST", path, strings.NewReader(form.Encode()))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	r.Host = host
	for _, c := range cookies {
		r.AddCookie(c)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w.Result()
}

func TestPlanted_IsAValidDeclarationInBothLanguages(t *testing.T) {
	for _, i := range Planted() {
		if err := i.Validate(); err != nil {
			t.Errorf("%s: %v", i.Name, err)
		}
		if i.Purpose["da"] == "" || i.Purpose["en"] == "" || i.Provider == "" || i.Country != "DK" {
			t.Errorf("%s lacks a purpose, provider or country", i.Name)
		}
		if (i.Category == consent.Necessary) != (i.Reason != nil) {
			t.Errorf("%s: only what is necessary has a reason, and always", i.Name)
		}
		if !slices.Contains(Hosts(), i.Host) || (i.Party == consent.FirstParty) != (i.Host == shopHost) {
			t.Errorf("%s: host %s is not of party %s", i.Name, i.Host, i.Party)
		}
	}
}

func TestSite_CanBeRegistered(t *testing.T) {
	s := Site(":8080")
	if err := s.Validate(); err != nil {
		t.Error(err)
	}
	if err := s.Banner.Validate(); err != nil {
		t.Error(err)
	}
	if !s.AllowsOrigin("http://shop.localhost:8080") || s.AllowsOrigin("http://reklame.localhost:8080") {
		t.Error("consents come from the shop and from nowhere else")
	}
	plain := Site("")
	if s.Home() != "http://shop.localhost:8080/" || plain.Home() != "http://shop.localhost/" {
		t.Errorf("homes %q and %q", s.Home(), plain.Home())
	}
}

// setters are the addresses that set a cookie by HTTP.
var setters = map[string]struct{ host, path string }{
	"kurv":    {shopHost, "/"},
	"tl_uid":  {statisticsHost, "/maal.gif?konto=4711"},
	"ak_uid":  {marketingHost, "/p.gif?klik=1"},
	"fh_seer": {videoHost, "/indlejret/fiskekurv"},
}

func TestNew_SetsPlantedCookiesOnce(t *testing.T) {
	h := testDemo()
	for _, item := range Planted() {
		at, byHTTP := setters[item.Name]
		if !byHTTP {
			continue
		}
		set := ask(h, at.host+":8080", at.path, nil).Cookies()
		if len(set) != 1 {
			t.Fatalf("%s%s set %v, not %s alone", at.host, at.path, set, item.Name)
		}
		c := set[0]
		own := item.Party == consent.FirstParty
		want := &http.Cookie{
			Name: item.Name, Path: "/", MaxAge: int(item.Lifetime / time.Second),
			HttpOnly: own, Secure: !own, SameSite: http.SameSiteNoneMode,
		}
		if own {
			want.SameSite = http.SameSiteLaxMode
		}
		got := *c
		got.Value, got.Raw, got.RawExpires = "", "", ""
		if d := cmp.Diff(want, &got); d != "" {
			t.Errorf("%s (-want +got)\n%s", item.Name, d)
		}
		if again := ask(h, at.host, at.path, nil, c).Cookies(); len(again) != 0 {
			t.Errorf("a known visitor got %v", again)
		}
		foreign := &http.Cookie{Name: item.Name, Value: "../../etc"}
		if fresh := ask(h, at.host, at.path, nil, foreign).Cookies(); len(fresh) != 1 || fresh[0].Value == c.Value {
			t.Errorf("an id that was never ours gave %v", fresh)
		}
	}
}

func TestNew_SetsNoCookieElsewhere(t *testing.T) {
	h := testDemo()
	for _, at := range []struct{ host, path string }{
		{shopHost, "/static/shop.css"},
		{shopHost, "/static/fiskekurv.svg"},
		{shopHost, "/favicon.ico"},
		{statisticsHost, "/maaler.js"},
		{statisticsHost, "/favicon.ico"},
		{statisticsHost, "/"},
		{marketingHost, "/annonce.js"},
		{marketingHost, "/"},
		{videoHost, "/"},
		{videoHost, "/favicon.ico"},
		{"other.localhost", "/"},
	} {
		if c := ask(h, at.host, at.path, nil).Cookies(); len(c) != 0 {
			t.Errorf("%s%s set %v", at.host, at.path, c)
		}
	}
}

func TestNew_RefusesWhatIsNotThere(t *testing.T) {
	h := testDemo()
	tests := []struct {
		name, host, path string
		form             url.Values
		want             int
	}{
		{"unknown host", "other.localhost", "/", nil, 404},
		{"no host", "", "/", nil, 404},
		{"unknown page", shopHost, "/findes-ikke", nil, 404},
		{"unknown product", shopHost, "/produkt/guldkurv", nil, 404},
		{"page of another host", shopHost, "/maaler.js", nil, 404},
		{"vendor's start page", statisticsHost, "/", nil, 404},
		{"vendor asked for the shop", videoHost, "/produkter", nil, 404},
		{"folder", shopHost, "/static/", nil, 404},
		{"template", shopHost, "/pages/layout.html", nil, 404},
		{"post to a page", shopHost, "/om", url.Values{}, 405},
		{"post to a vendor", marketingHost, "/p.gif", url.Values{}, 405},
		{"no product", shopHost, "/kurv", url.Values{"antal": {"1"}}, 400},
		{"no number", shopHost, "/produkt/fiskekurv", url.Values{"antal": {"mange"}}, 400},
		{"too many", shopHost, "/produkt/fiskekurv", url.Values{"antal": {"13"}}, 400},
		{"negative", shopHost, "/produkt/fiskekurv", url.Values{"antal": {"-1"}}, 400},
		{"unknown product ordered", shopHost, "/produkt/guldkurv", url.Values{"antal": {"1"}}, 400},
		{"body too large", shopHost, "/produkt/fiskekurv", url.Values{"x": {strings.Repeat("x", maxBody)}, "antal": {"1"}}, 400},
		{"upper-case host with port", "SHOP.localhost:8080", "/", nil, 200},
		{"icon", videoHost, "/favicon.ico", nil, 204},
	}
	for _, tt := range tests {
		if got := ask(h, tt.host, tt.path, tt.form); got.StatusCode != tt.want {
			t.Errorf("%s: %d, want %d", tt.name, got.StatusCode, tt.want)
		}
	}
}

func TestNew_RefusesFormsOfOtherSites(t *testing.T) {
	r := httptest.NewRequest("POST", "/produkt/fiskekurv", bytes.NewBufferString("antal=1"))
	r.Host = shopHost
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Sec-Fetch-Site", "cross-site")
	w := httptest.NewRecorder()
	testDemo().ServeHTTP(w, r)
	if w.Code != http.StatusForbidden {
		t.Errorf("status %d", w.Code)
	}
}

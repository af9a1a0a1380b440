package scanner

import (
	"io"
	"net/http"
	"path"
	"slices"
	"strings"
	"testing"

	"samtykke/consent"
	"samtykke/scanner/evidence"
	"samtykke/scanner/judgement"
	"samtykke/widget"
)

// withOwnBanner adds this product's real banner, compiled as the server does it, to the pages of a site. What sends %s in
// the head gets its tag.
func withOwnBanner(t *testing.T, s site) site {
	t.Helper()
	c := consent.Content{
		Site: "shop1234abcd", SiteName: "Havnens Kaffe", Homepage: "http://shop.localhost/", Controller: consent.Controller{Name: "Havnens Kaffe ApS"},
		Banner: consent.DefaultBanner(), Terms: 3, Texts: map[string]map[string]string{},
		Items: []consent.Item{
			{Kind: consent.Cookie, Name: "samtykke", Party: consent.FirstParty, Category: consent.Necessary, Provider: "Havnens Kaffe ApS"},
			{Kind: consent.Cookie, Name: "_ga", Party: consent.FirstParty, Category: consent.Statistics, Provider: "Google LLC"},
			{Kind: consent.Cookie, Name: "_fbp", Party: consent.FirstParty, Category: consent.Marketing, Provider: "Meta"},
			{Kind: consent.Cookie, Name: "IDE", Party: consent.ThirdParty, Category: consent.Marketing, Provider: "Google LLC"},
		},
	}
	c.Banner.PrivacyURL = "http://shop.localhost/privatliv"
	for _, lang := range c.Banner.Languages {
		c.Texts[lang], _ = widget.Texts(lang)
	}
	b, err := widget.Compile(c, "http://samtykke.example")
	if err != nil {
		t.Fatal(err)
	}
	hash, err := consent.Seal(c, b)
	if err != nil {
		t.Fatal(err)
	}
	serve := func(name string, body []byte) {
		s["samtykke.example/s/shop1234abcd"+name] = func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Samtykke-Notice", hash.String())
			w.Header().Set("Access-Control-Allow-Origin", "*")
			w.Header().Set("Content-Type", map[string]string{".js": "text/javascript", ".json": "application/json"}[path.Ext(name)])
			w.Write(body)
		}
	}
	serve(".js", []byte(strings.Replace(string(b.JS), consent.NoHash, hash.String(), 1)))
	for name, body := range b.Files {
		serve("/"+hash.String()+"."+name, body)
	}
	s["samtykke.example/v1/sites/shop1234abcd/consents"] = func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Access-Control-Allow-Origin", "*")
		w.Header().Set("Access-Control-Allow-Headers", "*")
		w.WriteHeader(http.StatusCreated)
		io.WriteString(w, "{}")
	}
	for at, page := range s {
		if html, ok := page.(string); ok {
			s[at] = func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Type", "text/html; charset=utf-8")
				io.WriteString(w, `<!doctype html><html lang=da><head><meta name=viewport content="width=device-width"><title>x</title><link rel=icon href=data:,>
<script async src="http://samtykke.example/s/shop1234abcd.js"></script></head><body>`+html+`</body></html>`)
			}
		}
	}
	return s
}

// S14 to S17, S20 to S23, S33: this product's own banner is answered in every state, measured in both layers, on a computer
// and on a phone, and there is nothing to say against it.
func TestScan_FindsNothingWrongWithTheOwnBanner(t *testing.T) {
	held := `<script type="text/plain" data-category="statistics">document.cookie="_ga=GA1.1.2.3;max-age=600;path=/;samesite=lax;secure"</script>
<script type="text/plain" data-category="marketing" data-src="http://vendor.localhost/a.js"></script>`
	e := withOwnBanner(t, site{
		"shop.localhost/":        `<h1>Kaffe</h1><a href=/om>Om os</a><a href=/vare/1>Vare</a> <a href=/cookies>Cookies</a>` + held,
		"shop.localhost/om":      `<h1>Om os</h1><a href=/cookies>Cookies</a>` + held,
		"shop.localhost/vare/1":  `<h1>Vare</h1><a href=/cookies>Cookies</a>` + held,
		"shop.localhost/cookies": `<h1>Cookies</h1><p>Her står, hvad vi gemmer.</p><a href=/cookies>Cookies</a>`,
		"vendor.localhost/a.js":  script(`document.cookie="_fbp=fb.1.2.3;max-age=600;path=/;samesite=lax;secure"`),
	}).gather(t)
	for _, state := range evidence.States {
		s := e.State(state)
		if !s.Done || (state == evidence.StateReject || state == evidence.StateAccept || state == evidence.StateWithdraw) && s.Tool != "samtykke" {
			t.Errorf("%s: done %v by %q", state, s.Done, s.Tool)
		}
	}
	for _, s := range []*evidence.State{e.State(evidence.StateNone), &e.Phone} {
		b := s.Visits[0].Banner
		free := slices.DeleteFunc(slices.Clone(b.Boxes), func(x evidence.Box) bool { return x.Disabled })
		if !b.Seen || !b.Own || b.Tool != "samtykke" || b.Clicks != 1 || !b.Opened || len(free) < 3 || len(b.Buttons) < 3 || b.Lang != "da" {
			t.Errorf("%s: %+v", s.Device, b)
		}
		for _, p := range s.Pictures {
			if p.Device != s.Device {
				t.Errorf("a picture from %s says %s", s.Device, p.Device)
			}
		}
		if len(s.Pictures) != 2 {
			t.Errorf("%s: %d pictures", s.Device, len(s.Pictures))
		}
	}
	if len(e.Texts) != 1 || !strings.Contains(e.Texts[0].Text, "hvad vi gemmer") || strings.Contains(e.Texts[0].Text, "Accepter") {
		t.Errorf("read %+v", e.Texts)
	}
	for _, f := range judgement.Judge(*e, judgement.Options{}) {
		about := slices.Contains([]string{"S13", "S14", "S15", "S16", "S17", "S18", "S21", "S22", "S23", "S24", "S25", "S26", "S33"}, f.Requirement)
		if about || f.Severity == consent.Critical {
			t.Errorf("%s %s: %v", f.Requirement, f.Code, f.Evidence)
		}
	}
}

package scanner

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"testing"
	"time"

	"samtykke/consent"
	"samtykke/scanner/evidence"
	"samtykke/scanner/evidence/evidencetest"
	"samtykke/scanner/judgement"
)

func TestScan_RefusesWhatItCantScan(t *testing.T) {
	for _, c := range []struct {
		url  string
		o    Options
		code string
	}{
		{"", Options{}, "bad_url"},
		{"ftp://shop.dk/", Options{}, "bad_url"},
		{"https://user:pass@shop.dk/", Options{}, "bad_url"},
		{"http://localhost:8080/", Options{}, "private_address"},
		{"http://shop.localhost/", Options{}, "private_address"},
		{"http://127.0.0.1/", Options{}, "private_address"},
		{"http://[::1]/", Options{}, "private_address"},
		{"http://[::ffff:10.0.0.1]/", Options{}, "private_address"},
		{"http://192.168.1.1/", Options{}, "private_address"},
		{"http://169.254.169.254/", Options{}, "private_address"},
		{"http://100.64.0.1/", Options{}, "private_address"},
		{"http://0.0.0.0/", Options{}, "private_address"},
		{"http://2130706433/", Options{}, "private_address"},
		{"http://127.1/", Options{}, "private_address"},
		{"http://0177.0.0.1/", Options{}, "private_address"},
		{"http://0x7f.1/", Options{}, "private_address"},
		{"http://127.0x1/", Options{}, "private_address"},
		{"http://2130706433./", Options{}, "private_address"},
		{"http://leads-nowhere.invalid/", Options{}, "unreachable"},
		{"http://shop.example/", Options{MapHosts: map[string]string{"shop.example": "127.0.0.1:1"}}, "unreachable"}, // mapped names may be reached
		{"http://93.184.216.34:25/", Options{}, "bad_url"},
		{"http://93.184.216.34:6379/", Options{}, "bad_url"},
		{"http://127.0.0.1:1/", Options{AllowPrivate: true}, "unreachable"},
		{"http://127.0.0.1:1/", Options{AllowPrivate: true, Browser: "/nowhere/chromium"}, "no_browser"},
		{"http://127.0.0.1:1/", Options{AllowPrivate: true, Browser: "/bin/false"}, "browser_failed"},
	} {
		_, err := Scan(t.Context(), c.url, c.o)
		var e *consent.Error
		if !errors.As(err, &e) || e.Code != c.code {
			t.Errorf("%s: %v, want %s", c.url, err, c.code)
		}
	}
}

// A page that redirects to where no scan may start is named and not looked at.
func TestScan_DropsPagesThatLeadInside(t *testing.T) {
	t.Parallel()
	o := site{
		"shop.localhost/": `<a href=/ud>ud</a><a href=/om>om</a>`,
		"shop.localhost/ud": func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "http://inside.localhost/router", http.StatusFound)
		},
		"shop.localhost/om":       `om`,
		"inside.localhost/router": `<script>localStorage.secret="1";document.cookie="seen=1"</script><img src=/status.gif><a href=http://shop.localhost/hemmelig>x</a>`,
	}.serve(t)
	o.Device = evidence.Desktop
	o.defaults()
	program, err := findBrowser("")
	if err != nil {
		t.Fatal(err)
	}
	start, _ := parseStart("http://shop.localhost/")
	c := &crawl{o: &o, program: program, start: start, pages: []string{start.String()}}
	c.refuse = func(_ context.Context, host string) error {
		if host == "inside.localhost" {
			return &consent.Error{Kind: consent.KindInvalid, Code: "private_address", Message: host + " is on this machine or in a private network."}
		}
		return nil
	}
	if err := c.run(t.Context()); err != nil {
		t.Fatal(err)
	}
	r := judgement.NewReport(c.evidence, judgement.Options{})
	var pages []string
	for _, p := range r.Pages {
		if p.State == evidence.StateGPC || p.Device == evidence.Mobile {
			continue
		}
		pages = append(pages, fmt.Sprintf("%s %d %s", p.URL, p.Status, p.Error))
	}
	evidencetest.Equal(t, "pages", pages, []string{
		"http://shop.localhost/ 200 ",
		"http://shop.localhost/ud 0 inside.localhost is on this machine or in a private network.",
		"http://shop.localhost/om 200 ",
	})
	if len(r.Requests)+len(r.Items) > 0 {
		t.Errorf("%+v %+v", r.Requests, r.Items)
	}
}

// Behind a proxy browsers have fewer connections, all in all. What hangs must not keep the rest waiting.
func TestPassage_HangingRequestsLeaveRoom(t *testing.T) {
	t.Parallel()
	last := make(chan struct{})
	s := site{"shop.localhost/": "", "shop.localhost/last": func(http.ResponseWriter, *http.Request) { close(last) }}
	page := ""
	for i := range 200 {
		host := fmt.Sprintf("h%d.localhost", i/5)
		page += fmt.Sprintf("<script>fetch(`http://%s/%d`,{mode:`no-cors`})</script>", host, i)
		s[fmt.Sprintf("%s/%d", host, i)] = func(_ http.ResponseWriter, r *http.Request) {
			select {
			case <-last:
			case <-r.Context().Done():
			}
		}
	}
	s["shop.localhost/"] = page + `<script>fetch("/last")</script>`
	v := visiting(t, s)
	go func() { _ = v.tab.open("http://shop.localhost/") }()
	select {
	case <-last:
	case <-time.After(15 * time.Second):
		t.Error("200 hanging requests kept another one waiting")
	}
}

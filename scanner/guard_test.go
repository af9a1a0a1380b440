package scanner

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"testing"

	"samtykke/consent"
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
	o.Device = Desktop
	o.defaults()
	program, err := findBrowser("")
	if err != nil {
		t.Fatal(err)
	}
	start, _ := parseStart("http://shop.localhost/")
	c := &crawl{o: &o, program: program, start: start, pages: []string{start.String()}}
	c.refuse = func(_ context.Context, host string) error {
		if host == "inside.localhost" {
			return errPrivate(host)
		}
		return nil
	}
	if err := c.run(t.Context()); err != nil {
		t.Fatal(err)
	}
	r := newReport(c.evidence, JudgeOptions{})
	var pages []string
	for _, p := range r.Pages {
		if p.State == StateGPC || p.Device == Mobile {
			continue
		}
		pages = append(pages, fmt.Sprintf("%s %d %s", p.URL, p.Status, p.Error))
	}
	equal(t, "pages", pages, []string{
		"http://shop.localhost/ 200 ",
		"http://shop.localhost/ud 0 inside.localhost is on this machine or in a private network. Allow private addresses to scan it.",
		"http://shop.localhost/om 200 ",
	})
	if len(r.Requests)+len(r.Items) > 0 {
		t.Errorf("%+v %+v", r.Requests, r.Items)
	}
}

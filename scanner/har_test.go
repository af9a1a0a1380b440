package scanner

import (
	"bytes"
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/network"
)

// An HTTP archive tells everything that was sent but nothing by which a visitor could be told apart.
func TestWriteHAR_HoldsNoSecrets(t *testing.T) {
	s := site{
		"shop.localhost/": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Set-Cookie", "sid=SECRET1; Path=/; HttpOnly")
			answer("text/html", "", `<!doctype html><title>x</title><link rel=icon href=data:,><script>fetch("/api?token=SECRET2&x=1#SECRET3",{headers:{Authorization:"SECRET4"},method:"POST",body:"SECRET5"})</script>`)(w, nil)
		},
		"shop.localhost/api": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("X-Own", "SECRET6")
			w.Header().Set("Location", "/to?id=SECRET7")
			w.WriteHeader(http.StatusFound)
		},
		"shop.localhost/to": script(`"SECRET8"`),
	}.look(t, func(o *Options) { o.HAR = true })
	var buf bytes.Buffer
	if err := s.WriteHAR(&buf, "HeadlessChrome/156.0"); err != nil {
		t.Fatal(err)
	}
	if strings.Contains(buf.String(), "SECRET") {
		t.Errorf("a secret is told: %s", buf.String())
	}
	var h struct {
		Log struct {
			Version string
			Pages   []struct{ ID string }
			Entries []struct {
				Pageref         string
				StartedDateTime string
				Time            float64
				Request         struct {
					Method, URL string
					Headers     []Header
					QueryString []Header
				}
				Response struct {
					Status      int
					RedirectURL string
					Cookies     []Header
					Content     struct{ Size int }
				}
				Timings struct{ Send, Wait, Receive float64 }
			}
		}
	}
	if err := json.Unmarshal(buf.Bytes(), &h); err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, e := range h.Log.Entries {
		got = append(got, e.Request.Method+" "+strings.TrimPrefix(e.Request.URL, "http://shop.localhost"))
		if e.Pageref != h.Log.Pages[0].ID || e.Time < 0 || e.Timings.Wait < 0 || e.StartedDateTime == "" || e.Response.Status == 0 {
			t.Errorf("%+v", e)
		}
	}
	equal(t, "requests", got, []string{"GET /", "POST /api?token=[hidden]&x=[hidden]", "GET /to?id=[hidden]"})
	if h.Log.Version != "1.2" || len(got) == 3 && (h.Log.Entries[1].Response.RedirectURL != "/to?id=[hidden]" || h.Log.Entries[0].Response.Cookies[0].Name != "sid" ||
		len(h.Log.Entries[1].Request.QueryString) != 2 || h.Log.Entries[2].Response.Content.Size == 0) {
		t.Errorf("%s", buf.String())
	}
}

func TestHARHeaders_HideWhatTheyDoNotKnow(t *testing.T) {
	for name, c := range map[string]struct{ value, want string }{
		"Cookie": {"a=1", hidden}, "Set-Cookie": {"a=1; Path=/", "a=" + hidden + "; Path=/"}, "set-cookie": {"lonely", "=" + hidden},
		"Content-Type": {"text/html", "text/html"}, "Referer": {"https://a.dk/x?id=1#y", "https://a.dk/x?id=" + hidden}, "ETag": {"abc", hidden}, "If-None-Match": {"abc", hidden},
	} {
		if got := harHeaders(network.Headers{name: c.value}); len(got) != 1 || got[0].Value != c.want {
			t.Errorf("%s: %v, want %s", name, got, c.want)
		}
	}
}

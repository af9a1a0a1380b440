package scanner

import (
	"bytes"
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"samtykke/scanner/evidence"
	"samtykke/scanner/evidence/evidencetest"
	"samtykke/scanner/judgement"
	"samtykke/scanner/report"
)

// An HTTP archive tells everything that was sent but nothing by which a visitor could be told apart.
func TestHAR_HoldsNoSecrets(t *testing.T) {
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
	r := judgement.Report{Browser: "HeadlessChrome/156.0", Traffic: []evidence.State{s}}
	if err := report.HAR(&buf, &r); err != nil {
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
					Headers     []evidence.Header
					QueryString []evidence.Header
				}
				Response struct {
					Status      int
					RedirectURL string
					Cookies     []evidence.Header
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
	evidencetest.Equal(t, "requests", got, []string{"GET /", "POST /api?token=[hidden]&x=[hidden]", "GET /to?id=[hidden]"})
	if h.Log.Version != "1.2" || len(got) == 3 && (h.Log.Entries[1].Response.RedirectURL != "/to?id=[hidden]" || h.Log.Entries[0].Response.Cookies[0].Name != "sid" ||
		len(h.Log.Entries[1].Request.QueryString) != 2 || h.Log.Entries[2].Response.Content.Size == 0) {
		t.Errorf("%s", buf.String())
	}
}

package server_test

import (
	"bytes"
	"context"
	"io"
	"net"
	"net/http"
	"os"
	"regexp"
	"strings"
	"testing"

	"samtykke/server"
)

// What Prometheus is told: acts by how they ended, requests by class, the log; no site and no visitor. It isn't on the public
// address.
func TestMetrics_TellWhatHappens(t *testing.T) {
	s := newShop(t)
	a := s.act()
	s.post(a)
	s.post(a)
	s.do("POST", "/v1/sites/"+s.site.ID+"/consents", []byte("{}"), "Origin", "https://evil.example", "Content-Type", "text/plain")
	s.do("GET", "/s/"+s.site.ID+".js", nil)
	s.do("GET", "/v1/sites/"+s.site.ID+"/visitors/"+a.Visitor.String(), nil)
	s.do("GET", "/nowhere/at/all", nil)
	s.do("GET", "/v1/sites", nil)

	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- s.ServeMetrics(ctx, l) }()
	res, err := http.Get("http://" + l.Addr().String() + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	text := string(body)
	for _, want := range []string{
		`samtykke_acts_total{result="recorded"} 2`, `samtykke_acts_total{result="foreign_origin"} 1`, `samtykke_group_acts_count 2`,
		`samtykke_group_acts_bucket{le="+Inf"} 2`, `samtykke_commit_seconds_count 2`, `samtykke_http_requests_total{class="consent",status="201"} 2`,
		`samtykke_http_requests_total{class="script",status="200"} 1`, `samtykke_http_requests_total{class="visitor",status="200"} 1`,
		`samtykke_http_requests_total{class="unknown",status="404"} 1`, `samtykke_http_requests_total{class="api",status="401"} 1`,
		`samtykke_log_entries{log="consents"} 1`, `samtykke_log_unsigned_entries{log="consents"} 1`, `samtykke_sites 1`, `samtykke_database_up 1`,
		`samtykke_queue_acts 0`, `samtykke_scans{state="queued"} 0`,
	} {
		if !strings.Contains(text, "\n"+want+"\n") {
			t.Errorf("no %s in\n%s", want, text)
		}
	}
	line := regexp.MustCompile(`^(# (HELP|TYPE) [a-z_]+ .+|[a-z_]+(\{[a-z]+="[^"]+"(,[a-z]+="[^"]+")*\})? [0-9.e+-]+)$`)
	for l := range strings.Lines(text) {
		if l = strings.TrimSuffix(l, "\n"); !line.MatchString(l) {
			t.Errorf("%q is no line of the format", l)
		}
	}
	for _, secret := range []string{s.site.ID, a.Visitor.String(), "192.0.2.1"} {
		if strings.Contains(text, secret) {
			t.Errorf("the metrics hold %s", secret)
		}
	}
	documented, err := os.ReadFile("../docs/operations.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range regexp.MustCompile(`(?m)^# TYPE (samtykke_[a-z_]+)`).FindAllStringSubmatch(text, -1) {
		if !strings.Contains(string(documented), m[1]) {
			t.Errorf("docs/operations.md doesn't tell of %s", m[1])
		}
	}
	for _, name := range regexp.MustCompile("samtykke_[a-z_]+").FindAllString(string(documented), -1) {
		if !strings.Contains(text, "# TYPE "+name+" ") {
			t.Errorf("docs/operations.md tells of %s, which isn't there", name)
		}
	}
	if w := s.do("GET", "/metrics", nil); w.Code != http.StatusNotFound && w.Code != http.StatusSeeOther {
		t.Errorf("the metrics are public: %d", w.Code)
	}
	stop()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

// P8: a request's line names route and status, never who asked or whom about.
func TestRequestLog_NamesNobody(t *testing.T) {
	var log bytes.Buffer
	s := newShop(t, func(c *server.Config) { c.Log, c.LogRequests = logTo(&log), true })
	a := s.act()
	s.post(a)
	s.do("GET", "/v1/sites/"+s.site.ID+"/visitors/"+a.Visitor.String(), nil)
	text := log.String()
	if !strings.Contains(text, "route=/v1/sites/:site/visitors/:visitor method=GET status=200") {
		t.Errorf("no line in %s", text)
	}
	for _, secret := range []string{a.Visitor.String(), a.ID.String(), "192.0.2.1"} {
		if strings.Contains(text, secret) {
			t.Errorf("the log holds %s: %s", secret, text)
		}
	}
}

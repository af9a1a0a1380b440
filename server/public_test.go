package server_test

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"samtykke/consent"
	"samtykke/server"
	"samtykke/server/store"
	"samtykke/server/store/storetest"
)

// shop is a server with one published site, as visitors' browsers meet it.
type shop struct {
	*server.Server
	db     *store.DB
	dir    string
	site   consent.Site
	notice consent.Notice
}

func newShop(t testing.TB, change ...func(*server.Config)) *shop {
	t.Helper()
	dir := t.TempDir()
	db, err := store.Open(context.Background(), filepath.Join(dir, "samtykke.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return openShop(t, db, dir, change...)
}

func openShop(t testing.TB, db *store.DB, dir string, change ...func(*server.Config)) *shop {
	t.Helper()
	site, _ := storetest.Site(t, db, "fjordfletvaerk")
	cfg := server.Config{BaseURL: "https://cmp.example", Now: func() time.Time { return storetest.Day }}
	for _, c := range change {
		c(&cfg)
	}
	s, err := server.New(context.Background(), db, cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	n, err := s.Publish(context.Background(), site.ID, server.Publishing{Author: "test", Reason: "Compiled", Material: true})
	if err != nil {
		t.Fatal(err)
	}
	return &shop{s, db, dir, site, n}
}

// act is a valid act of consent; change makes the variants.
func (s *shop) act(change ...func(*consent.Act)) consent.Act {
	a := consent.Act{
		ID: uuid.Must(uuid.NewV7()), Visitor: uuid.New(), Notice: s.notice.Hash, Action: consent.RejectAll,
		Categories: consent.NoneOf(s.notice.Content.Banner.Asked()), Language: "da", Method: consent.ByBanner,
	}
	for _, c := range change {
		c(&a)
	}
	return a
}

func (s *shop) do(method, path string, body []byte, headers ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, path, bytes.NewReader(body))
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	return w
}

const origin = "https://www.fjordfletvaerk.example"

// post sends an act as the banner does.
func (s *shop) post(a consent.Act) *httptest.ResponseRecorder {
	body, _ := json.Marshal(a)
	return s.postBytes(body)
}

func (s *shop) postBytes(body []byte) *httptest.ResponseRecorder {
	return s.do("POST", "/v1/sites/"+s.site.ID+"/consents", body, "Origin", origin, "Content-Type", "text/plain;charset=UTF-8")
}

func errorCode(t testing.TB, w *httptest.ResponseRecorder) string {
	t.Helper()
	var e struct{ Error consent.Error }
	if err := json.Unmarshal(w.Body.Bytes(), &e); err != nil || e.Error.Message == "" {
		t.Fatalf("not an error: %s", w.Body)
	}
	return e.Error.Code
}

func (s *shop) records(t testing.TB) []consent.Record {
	t.Helper()
	p, err := s.db.Consents(context.Background(), store.Filter{Site: s.site.ID, Limit: 1000})
	if err != nil {
		t.Fatal(err)
	}
	return p.Records
}

// R1, R3: one act gives one record with the server's time; sending it again gives the same answer and no more.
func TestRecordConsent_IsIdempotent(t *testing.T) {
	now := storetest.Day
	s := newShop(t, func(c *server.Config) { c.Now = func() time.Time { return now } })
	a := s.act()
	for range 3 {
		w := s.post(a)
		if w.Code != http.StatusCreated || w.Header().Get("Access-Control-Allow-Origin") != origin || strings.TrimSpace(w.Body.String()) != `{"id":"`+a.ID.String()+`"}` {
			t.Fatalf("%d %s %v", w.Code, w.Body, w.Header())
		}
		now = now.Add(time.Minute) // the first arrival's time stands
	}
	got := s.records(t)
	if len(got) != 1 || got[0].ID != a.ID || !got[0].At.Equal(storetest.Day) || got[0].Site != s.site.ID {
		t.Errorf("%+v", got)
	}
	other := a
	other.Action, other.Categories = consent.AcceptAll, consent.AllOf(a.Categories.Asked)
	if w := s.post(other); w.Code != http.StatusConflict || errorCode(t, w) != "id_reused" {
		t.Errorf("another act under the same id: %d %s", w.Code, w.Body)
	}
}

// R11: what is wrong is refused with a stable code, and nothing of it is written.
func TestRecordConsent_Refuses(t *testing.T) {
	s := newShop(t)
	good, _ := json.Marshal(s.act())
	with := func(change func(*consent.Act)) []byte { b, _ := json.Marshal(s.act(change)); return b }
	path := "/v1/sites/" + s.site.ID + "/consents"
	for name, c := range map[string]struct {
		path, origin, contentType string
		body                      []byte
		status                    int
		code                      string
	}{
		"unknown site":       {"/v1/sites/nosuchsite/consents", origin, "text/plain", good, 404, "no_site"},
		"site id nonsense":   {"/v1/sites/..%2f/consents", origin, "text/plain", good, 404, "no_site"},
		"foreign origin":     {path, "https://evil.example", "text/plain", good, 403, "foreign_origin"},
		"no origin":          {path, "", "text/plain", good, 403, "foreign_origin"},
		"form":               {path, origin, "application/x-www-form-urlencoded", good, 400, "bad_content_type"},
		"not JSON":           {path, origin, "application/json", []byte("{"), 400, "bad_json"},
		"two acts":           {path, origin, "application/json", append(append([]byte{}, good...), good...), 400, "bad_json"},
		"garbage after":      {path, origin, "application/json", append(append([]byte{}, good...), ']'), 400, "bad_json"},
		"unknown field":      {path, origin, "text/plain", bytes.Replace(good, []byte(`{"id"`), []byte(`{"email":"a@b","id"`), 1), 400, "bad_json"},
		"too large":          {path, origin, "text/plain", bytes.Repeat([]byte(" "), 17<<10), 413, "too_large"},
		"unknown notice":     {path, origin, "text/plain", with(func(a *consent.Act) { a.Notice[0]++ }), 404, "no_notice"},
		"fewer categories":   {path, origin, "text/plain", with(func(a *consent.Act) { a.Categories.Asked = consent.SetOf(consent.Statistics) }), 400, "bad_consent"},
		"unknown category":   {path, origin, "text/plain", bytes.Replace(good, []byte(`"marketing"`), []byte(`"fun"`), 1), 400, "bad_json"},
		"language not shown": {path, origin, "text/plain", with(func(a *consent.Act) { a.Language = "sv" }), 400, "bad_consent"},
		"path with a query":  {path, origin, "text/plain", with(func(a *consent.Act) { a.Path = "/?mail=a@b.example" }), 400, "bad_consent"},
		"visitor not random": {path, origin, "text/plain", with(func(a *consent.Act) { a.Visitor = uuid.Nil }), 400, "bad_consent"},
	} {
		w := s.do("POST", c.path, c.body, "Origin", c.origin, "Content-Type", c.contentType)
		if w.Code != c.status || errorCode(t, w) != c.code {
			t.Errorf("%s: %d %s, want %d %s", name, w.Code, w.Body, c.status, c.code)
		}
	}
	if got := s.records(t); len(got) != 0 {
		t.Errorf("refused acts were written: %+v", got)
	}
}

// An older notice stays valid for acts: browsers keep the script for a while.
func TestRecordConsent_TakesOlderNoticesOfTheSite(t *testing.T) {
	s := newShop(t)
	old := s.act()
	if _, err := s.Publish(context.Background(), s.site.ID, server.Publishing{Author: "test", Reason: "Newer", Material: true}); err != nil {
		t.Fatal(err)
	}
	if w := s.post(old); w.Code != http.StatusCreated {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}

func TestRecordConsent_PreflightNamesOnlyTheSitesOwnOrigin(t *testing.T) {
	s := newShop(t)
	w := s.do("OPTIONS", "/v1/sites/"+s.site.ID+"/consents", nil, "Origin", origin, "Access-Control-Request-Method", "POST")
	if w.Code != http.StatusNoContent || w.Header().Get("Access-Control-Allow-Origin") != origin || w.Header().Get("Access-Control-Allow-Headers") != "Content-Type" {
		t.Errorf("%d %v", w.Code, w.Header())
	}
	w = s.do("OPTIONS", "/v1/sites/"+s.site.ID+"/consents", nil, "Origin", "https://evil.example")
	if w.Code != http.StatusForbidden || w.Header().Get("Access-Control-Allow-Origin") != "" {
		t.Errorf("%d %v", w.Code, w.Header())
	}
}

func TestRecordConsent_LimitsTheRatePerAddressAndSite(t *testing.T) {
	s := newShop(t, func(c *server.Config) { c.Rate, c.Burst = 0.001, 3 })
	codes := map[int]int{}
	for range 5 {
		w := s.post(s.act())
		codes[w.Code]++
		if w.Code == http.StatusTooManyRequests && w.Header().Get("Retry-After") == "" {
			t.Error("no Retry-After")
		}
	}
	if codes[201] != 3 || codes[429] != 2 {
		t.Errorf("%v, want three taken and two refused", codes)
	}
	// A stranger can't get a fresh share by inventing an address: X-Forwarded-For counts only from a named proxy.
	body, _ := json.Marshal(s.act())
	w := s.do("POST", "/v1/sites/"+s.site.ID+"/consents", body, "Origin", origin, "Content-Type", "text/plain", "X-Forwarded-For", "198.51.100.9")
	if w.Code != http.StatusTooManyRequests {
		t.Errorf("an invented address got %d", w.Code)
	}
}

// A full queue is refused at once, and taken when there is room again; nothing is granted or lost by it.
func TestRecordConsent_FullQueueIsUnavailable(t *testing.T) {
	s := newShop(t, func(c *server.Config) { c.Rate, c.QueueSize, c.GroupSize = -1, 1, 1 })
	var wg sync.WaitGroup
	var mu sync.Mutex
	codes, taken := map[int]int{}, map[uuid.UUID]bool{}
	for range 64 {
		wg.Go(func() {
			a := s.act()
			w := s.post(a)
			mu.Lock()
			defer mu.Unlock()
			codes[w.Code]++
			taken[a.ID] = w.Code == http.StatusCreated
			if w.Code == http.StatusServiceUnavailable && w.Header().Get("Retry-After") == "" {
				t.Error("no Retry-After")
			}
		})
	}
	wg.Wait()
	if codes[503] == 0 || codes[201]+codes[503] != 64 {
		t.Errorf("answers %v, want some taken and some 503", codes)
	}
	stored := map[uuid.UUID]bool{}
	for _, r := range s.records(t) {
		stored[r.ID] = true
	}
	for id, ok := range taken {
		if ok != stored[id] {
			t.Errorf("act %v: answered 201 %v, stored %v", id, ok, stored[id])
		}
	}
}

// Closing answers what was taken before, and refuses the rest.
func TestServer_CloseDrainsTheQueue(t *testing.T) {
	s := newShop(t, func(c *server.Config) { c.Rate, c.GroupSize = -1, 2 })
	var wg sync.WaitGroup
	var mu sync.Mutex
	taken := 0
	for k := range 40 {
		wg.Go(func() {
			w := s.post(s.act())
			mu.Lock()
			defer mu.Unlock()
			if w.Code == http.StatusCreated {
				taken++
			} else if w.Code != http.StatusServiceUnavailable {
				t.Errorf("%d %s", w.Code, w.Body)
			}
		})
		if k == 20 {
			wg.Go(s.Close)
		}
	}
	wg.Wait()
	if got := s.records(t); len(got) != taken {
		t.Errorf("%d were answered with 201, %d are stored", taken, len(got))
	}
	if w := s.post(s.act()); w.Code != http.StatusServiceUnavailable {
		t.Errorf("after closing: %d", w.Code)
	}
}

// R6, R7: neither the visitor's address nor user agent nor a query string gets into any file or log line.
func TestServer_WritesNoAddressUserAgentOrQuery(t *testing.T) {
	var log bytes.Buffer
	s := newShop(t, func(c *server.Config) { c.Log = logTo(&log); c.TrustedProxies = loopback })
	const ip, ip6, agent, query = "203.0.113.77", "2001:db8:77:88:99::1", "Netscape-Navigator-4.08-of-a-known-visitor", "navn=Ea-Jensen"
	for _, address := range []string{ip, ip6} {
		for _, path := range []string{"/v1/sites/" + s.site.ID + "/consents", "/v1/sites/nosuchsite/consents"} {
			for _, body := range [][]byte{mustJSON(s.act()), []byte(`{"path":"/?` + query + `"}`), []byte("{")} {
				s.do("POST", path+"?"+query, body, "Origin", origin, "Content-Type", "text/plain", "User-Agent", agent,
					"X-Forwarded-For", address, "Referer", origin+"/?"+query)
			}
		}
		s.do("GET", "/v1/sites/"+s.site.ID+"/visitors/"+uuid.NewString()+"?"+query, nil, "User-Agent", agent, "X-Forwarded-For", address)
		s.do("GET", "/s/"+s.site.ID+".js?"+query, nil, "User-Agent", agent, "X-Forwarded-For", address)
	}
	if len(s.records(t)) != 2 {
		t.Fatal("the acts were not recorded: the search below would prove nothing")
	}
	haystack := map[string][]byte{"the log": log.Bytes()}
	files, _ := filepath.Glob(filepath.Join(s.dir, "*"))
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		haystack[f] = b
	}
	if !bytes.Contains(haystack[filepath.Join(s.dir, "samtykke.db-wal")], []byte("fjordfletvaerk")) {
		t.Fatal("the database does not hold what was written: the search below would prove nothing")
	}
	for where, b := range haystack {
		for _, needle := range []string{ip, "203.0.113", ip6, "2001:db8:77", agent, "Netscape", query} {
			if bytes.Contains(b, []byte(needle)) {
				t.Errorf("%s holds %q", where, needle)
			}
		}
	}
}

// HEAD is GET without its body, for monitors and link checkers.
func TestServer_AnswersHead(t *testing.T) {
	s := newShop(t)
	for path, want := range map[string]int{"/healthz": 200, "/readyz": 200, "/s/" + s.site.ID + ".js": 200, "/login": 200, "/nothing": 404} {
		if w := s.do("HEAD", path, nil); w.Code != want {
			t.Errorf("%s: %d, want %d", path, w.Code, want)
		}
	}
}

// A site that another process adds is there at once.
func TestServer_SeesSitesOfOthers(t *testing.T) {
	s := newShop(t)
	other, _ := storetest.Site(t, s.db, "nordlysoglim")
	if w := s.do("GET", "/s/"+other.ID+".js", nil); w.Code != 200 {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}

func FuzzRecordConsent(f *testing.F) {
	s := newShop(f, func(c *server.Config) { c.Rate = -1 })
	f.Add(mustJSON(s.act()))
	f.Add([]byte(`{"id":"01936a7e-2b3c-7d4e-8f50-617283940a1b","categories":{"statistics":null}}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		w := s.postBytes(body)
		if w.Code >= 500 {
			t.Fatalf("%d %s for %q", w.Code, w.Body, body)
		}
		if w.Code != http.StatusCreated && errorCode(t, w) == "" {
			t.Fatalf("%d without a code for %q", w.Code, body)
		}
	})
}

// The same acts and answers on PostgreSQL, from two servers that share it.
func TestRecordConsent_TwoServersOnPostgres(t *testing.T) {
	database := storetest.Postgres(t)()
	var shops [2]*shop
	for i := range shops {
		db, err := store.Open(context.Background(), database)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { db.Close() })
		if i == 0 {
			shops[0] = openShop(t, db, "", func(c *server.Config) { c.Rate = -1 })
			continue
		}
		s, err := server.New(context.Background(), db, server.Config{BaseURL: "https://cmp.example", Rate: -1})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(s.Close)
		shops[1] = &shop{s, db, "", shops[0].site, shops[0].notice}
	}
	var wg sync.WaitGroup
	for range 20 {
		a := shops[0].act()
		for _, s := range shops { // the browser sends it again, and meets the other server
			wg.Go(func() {
				if w := s.post(a); w.Code != http.StatusCreated {
					t.Errorf("%d %s", w.Code, w.Body)
				}
			})
		}
	}
	wg.Wait()
	if n := len(shops[1].records(t)); n != 20 {
		t.Errorf("%d records of 20 acts", n)
	}
	other, _ := storetest.Site(t, shops[0].db, "nordlysoglim")
	if w := shops[1].do("GET", "/s/"+other.ID+".js", nil); w.Code != http.StatusOK {
		t.Errorf("a site that was added elsewhere: %d", w.Code)
	}
}

// Whatever a stranger asks for, the answer is no failure of ours.
func FuzzPublicGet(f *testing.F) {
	s := newShop(f, func(c *server.Config) { c.Rate = -1 })
	for _, path := range []string{
		"/s/fjordfletvaerk.js", "/s/fjordfletvaerk/" + s.notice.Hash.String() + ".en.json", "/d/fjordfletvaerk", "/d/fjordfletvaerk/da.json",
		"/d/fjordfletvaerk/1/en", "/v1/sites/fjordfletvaerk/visitors/3f2b8c1d-9a7e-4b6c-8d5e-0f1a2b3c4d5e", "/login?next=//evil.example", "/assets/app.css",
	} {
		f.Add(path, "da,en;q=0.8", "gzip, br")
	}
	f.Fuzz(func(t *testing.T, path, language, encoding string) {
		u, err := url.ParseRequestURI("/" + strings.TrimPrefix(path, "/"))
		if err != nil || u.Host != "" {
			return
		}
		r := &http.Request{Method: "GET", URL: u, Host: "cmp.example", RemoteAddr: "192.0.2.1:1", Header: http.Header{
			"Accept-Language": {language}, "Accept-Encoding": {encoding}, "If-None-Match": {language}, "Accept": {"text/html"}, "Cookie": {"samtykke_session=" + path},
		}, Body: http.NoBody}
		w := httptest.NewRecorder()
		s.ServeHTTP(w, r.WithContext(t.Context()))
		if w.Code >= 500 {
			t.Fatalf("%d %s for %q", w.Code, w.Body, path)
		}
	})
}

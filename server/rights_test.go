package server_test

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"samtykke/consent"
	"samtykke/server"
	"samtykke/server/receipt"
	"samtykke/server/store"
	"samtykke/server/store/storetest"
)

// told is what a visitor's history says of one act.
type told struct {
	ID                                 uuid.UUID
	Notice, Declaration, Receipt, Lock string
	Version                            int
}

func (s *shop) history(t testing.TB, visitor string) []told {
	t.Helper()
	w := s.do("GET", "/v1/sites/"+s.site.ID+"/visitors/"+visitor, nil)
	var h struct{ Acts []told }
	if err := json.Unmarshal(w.Body.Bytes(), &h); err != nil || w.Code != http.StatusOK {
		t.Fatalf("%d %s", w.Code, w.Body)
	}
	return h.Acts
}

// visitor posts a yes and a later no by one visitor, and a yes by somebody else.
func (s *shop) visitor(t testing.TB) (mine []consent.Act, other consent.Act) {
	t.Helper()
	yes := func(a *consent.Act) {
		a.Action, a.Categories = consent.AcceptAll, consent.AllOf(s.notice.Content.Banner.Asked())
	}
	a, c := s.act(yes), s.act(yes)
	b := s.act(func(b *consent.Act) { b.Visitor, b.Action = a.Visitor, consent.Withdraw })
	for _, x := range []consent.Act{a, b, c} {
		if w := s.post(x); w.Code != http.StatusCreated {
			t.Fatalf("%d %s", w.Code, w.Body)
		}
	}
	return []consent.Act{a, b}, c
}

func (s *shop) restrict(visitor, body string) *httptest.ResponseRecorder {
	return s.do("POST", "/v1/sites/"+s.site.ID+"/visitors/"+visitor+"/restrict", []byte(body), "Origin", origin, "Content-Type", "text/plain")
}

// verifies proves that the site's log is whole, whatever rights were used.
func (s *shop) verifies(t testing.TB, shown int64) {
	t.Helper()
	ctx := context.Background()
	if err := s.db.SignLogs(ctx, time.Now()); err != nil {
		t.Fatal(err)
	}
	if r, err := server.VerifyStored(ctx, s.db, s.site.ID, nil); err != nil || r.Records != shown {
		t.Errorf("the log shows %d records (%v), want %d", r.Records, err, shown)
	}
}

// R13, R15: the visitor sees own acts by the visitor id, on this site only.
func TestVisitorHistory(t *testing.T) {
	s := newShop(t)
	other, _ := storetest.Site(t, s.db, "nordlysoglim")
	a := s.act()
	s.post(a)
	get := func(site, visitor string) string {
		w := s.do("GET", "/v1/sites/"+site+"/visitors/"+visitor, nil, "Origin", "https://"+site+".example")
		if w.Code != http.StatusOK {
			t.Fatalf("%d %s", w.Code, w.Body)
		}
		return strings.TrimSpace(w.Body.String())
	}
	v := a.Visitor.String()
	want := told{
		a.ID, s.notice.Hash.String(), "https://cmp.example/d/fjordfletvaerk/2/da",
		"https://cmp.example/v1/sites/fjordfletvaerk/visitors/" + v + "/acts/" + a.ID.String() + "/receipt", "", 2,
	}
	if got := s.history(t, v); len(got) != 1 || got[0] != want {
		t.Errorf("own acts: %+v", got)
	}
	const none = `{"acts":[]}`
	for name, got := range map[string]string{
		"unknown": get(s.site.ID, uuid.NewString()), "wrong": get(s.site.ID, "nonsense"), "nil": get(s.site.ID, uuid.Nil.String()), "other site": get(other.ID, v),
	} {
		if got != none {
			t.Errorf("%s visitor: %s, want %s", name, got, none)
		}
	}
}

// T5, R15: the visitor erases by the visitor id; an unknown id and a wrong one look alike.
func TestEraseVisitor(t *testing.T) {
	s := newShop(t)
	mine, b := s.visitor(t)
	visitor := mine[0].Visitor.String()
	erase := func(visitor, origin string) *httptest.ResponseRecorder {
		return s.do("DELETE", "/v1/sites/"+s.site.ID+"/visitors/"+visitor, nil, "Origin", origin)
	}
	if w := erase(visitor, "https://evil.example"); w.Code != http.StatusForbidden {
		t.Errorf("a foreign page: %d %s", w.Code, w.Body)
	}
	for _, c := range []struct{ visitor, want string }{
		{visitor, `{"deleted":2,"locked":0}`}, {visitor, `{"deleted":0,"locked":0}`}, {uuid.NewString(), `{"deleted":0,"locked":0}`}, {"nonsense", `{"deleted":0,"locked":0}`},
	} {
		if w := erase(c.visitor, origin); w.Code != http.StatusOK || strings.TrimSpace(w.Body.String()) != c.want {
			t.Errorf("%s: %d %s, want %s", c.visitor, w.Code, w.Body, c.want)
		}
	}
	if left := append(s.history(t, visitor), s.history(t, b.Visitor.String())...); len(left) != 1 || left[0].ID != b.ID {
		t.Errorf("left: %+v", left)
	}
	s.verifies(t, 1)
	s.nowhere(t, mine[0].Visitor, mine[0].ID, mine[1].ID)
}

// nowhere looks for the bytes of ids in every column of every table (T3, T5): neither acts nor logs hold them.
func (s *shop) nowhere(t testing.TB, ids ...uuid.UUID) {
	t.Helper()
	raw, err := sql.Open("sqlite", filepath.Join(s.dir, "samtykke.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer raw.Close()
	list := func(query string) (out []string) {
		rows, err := raw.Query(query)
		if err != nil {
			t.Fatal(err)
		}
		defer rows.Close()
		for rows.Next() {
			var s string
			if err := rows.Scan(&s); err != nil {
				t.Fatal(err)
			}
			out = append(out, s)
		}
		return out
	}
	tables, looked := list("select name from sqlite_master where type = 'table'"), 0
	if !slices.Contains(tables, "locked") || !slices.Contains(tables, "removals") {
		t.Fatalf("tables %v", tables)
	}
	for _, table := range tables {
		for _, column := range list(fmt.Sprintf("select name from pragma_table_info('%s')", table)) {
			for _, value := range list(fmt.Sprintf("select coalesce(cast(%q as blob), '') from %q", column, table)) {
				looked++
				for _, id := range ids {
					if strings.Contains(value, string(id[:])) || strings.Contains(strings.ToLower(value), id.String()) {
						t.Errorf("%s.%s holds %s", table, column, id)
					}
				}
			}
		}
	}
	if looked < 50 {
		t.Errorf("only %d values were looked at", looked)
	}
}

// T5, T7: under a legal hold the records are locked and the answer says so; when it ends they are erased.
func TestEraseVisitor_UnderALegalHold(t *testing.T) {
	s := newShop(t)
	mine, _ := s.visitor(t)
	visitor, ctx := mine[0].Visitor.String(), context.Background()
	h, err := s.db.AddHold(ctx, s.site.ID, store.Hold{Reason: "Klagesag", Person: "Ea Holm", From: storetest.Day, Review: storetest.Day.AddDate(0, 3, 0)})
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		w := s.do("DELETE", "/v1/sites/"+s.site.ID+"/visitors/"+visitor, nil, "Origin", origin)
		if w.Code != http.StatusOK || strings.TrimSpace(w.Body.String()) != `{"deleted":0,"locked":2}` {
			t.Errorf("%d %s", w.Code, w.Body)
		}
	}
	if w := s.do("DELETE", "/v1/sites/"+s.site.ID+"/visitors/"+uuid.NewString(), nil); strings.TrimSpace(w.Body.String()) != `{"deleted":0,"locked":0}` {
		t.Errorf("an unknown id: %s", w.Body)
	}
	if got := s.history(t, visitor); len(got) != 2 || got[0].Lock != "awaits_erasure" {
		t.Errorf("%+v", got)
	}
	s.verifies(t, 1)
	if n, err := s.db.EndHold(ctx, s.site.ID, h.Num, "Ea Holm", storetest.Day); err != nil || n != 2 {
		t.Errorf("%d erased, %v", n, err)
	}
	s.verifies(t, 1)
	s.nowhere(t, mine[0].Visitor, mine[0].ID, mine[1].ID)
}

// GDPR art. 18, T6: the visitor restricts and releases; lists and exports follow, the banner goes on, the log stays whole.
func TestRestrictVisitor(t *testing.T) {
	s := newShop(t)
	mine, _ := s.visitor(t)
	visitor := mine[0].Visitor.String()
	export := func() int {
		var b strings.Builder
		if err := server.ExportCSV(context.Background(), s.db, store.Filter{Site: s.site.ID}, &b); err != nil {
			t.Fatal(err)
		}
		return strings.Count(b.String(), "\n") - 1
	}
	for _, c := range []struct {
		visitor, body string
		code          int
		want          string
		exported      int
	}{
		{"nonsense", `{"restrict":true}`, 200, `{"changed":0,"restricted":0}`, 3},
		{uuid.NewString(), `{"restrict":true}`, 200, `{"changed":0,"restricted":0}`, 3},
		{visitor, `{"restrict":1}`, 400, "", 3},
		{visitor, `{}`, 400, "", 3},
		{visitor, `{"restrict":true}`, 200, `{"changed":2,"restricted":2}`, 1},
		{visitor, `{"restrict":true}`, 200, `{"changed":0,"restricted":2}`, 1},
	} {
		w := s.restrict(c.visitor, c.body)
		if w.Code != c.code || c.want != "" && strings.TrimSpace(w.Body.String()) != c.want {
			t.Errorf("%s %s: %d %s", c.visitor, c.body, w.Code, w.Body)
		}
		if got := export(); got != c.exported {
			t.Errorf("%s %s: %d are exported, want %d", c.visitor, c.body, got, c.exported)
		}
	}
	s.verifies(t, 1)
	if got := s.history(t, visitor); len(got) != 2 || got[0].Lock != "restricted" || got[0].Receipt == "" {
		t.Errorf("%+v", got)
	}
	if w := s.post(s.act(func(a *consent.Act) { a.Visitor = mine[0].Visitor })); w.Code != http.StatusCreated {
		t.Errorf("a new act: %d %s", w.Code, w.Body)
	}
	if w := s.restrict(visitor, `{"restrict":false}`); strings.TrimSpace(w.Body.String()) != `{"changed":2,"restricted":0}` {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	if got := export(); got != 4 {
		t.Errorf("%d are exported", got)
	}
	s.verifies(t, 4)
}

// R12, R13: a receipt of each own act, also of a restricted one, that verifies by the published keys.
func TestVisitorReceipt(t *testing.T) {
	s := newShop(t)
	mine, _ := s.visitor(t)
	base := "/v1/sites/" + s.site.ID + "/visitors/" + mine[0].Visitor.String() + "/acts/"
	keys, err := s.db.Keys(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	check := func(a consent.Act) {
		t.Helper()
		w := s.do("GET", base+a.ID.String()+"/receipt", nil, "Origin", origin)
		v, err := receipt.Verify(w.Body.String(), []string{keys[0].Public()})
		if err != nil || v.Record.ID != a.ID || w.Header().Get("Content-Type") != "application/jwt" || w.Header().Get("Access-Control-Allow-Origin") != origin {
			t.Errorf("%d %v %v: %s", w.Code, err, w.Header(), w.Body)
		}
	}
	check(mine[0])
	s.restrict(mine[0].Visitor.String(), `{"restrict":true}`)
	check(mine[1])
	for _, format := range []string{"ts27560", "kantara"} {
		w := s.do("GET", base+mine[0].ID.String()+"/receipt?format="+format, nil)
		if w.Code != http.StatusOK || !json.Valid(w.Body.Bytes()) || !strings.Contains(w.Body.String(), mine[0].ID.String()) {
			t.Errorf("%s: %d %s", format, w.Code, w.Body)
		}
	}
	if w := s.do("GET", base+mine[0].ID.String()+"/receipt?format=pdf", nil); w.Code != http.StatusBadRequest {
		t.Errorf("an unknown format: %d", w.Code)
	}
	var bodies []string
	for _, path := range []string{
		base + uuid.NewString() + "/receipt", base + "nonsense/receipt", base + uuid.Nil.String() + "/receipt",
		"/v1/sites/" + s.site.ID + "/visitors/" + uuid.NewString() + "/acts/" + mine[0].ID.String() + "/receipt",
		"/v1/sites/" + s.site.ID + "/visitors/nonsense/acts/" + mine[0].ID.String() + "/receipt",
	} {
		w := s.do("GET", path, nil)
		if w.Code != http.StatusNotFound {
			t.Errorf("%s: %d", path, w.Code)
		}
		bodies = append(bodies, w.Body.String())
	}
	if bodies[0] == "" || len(slices.Compact(bodies)) != 1 {
		t.Errorf("unknown and wrong don't look alike: %q", bodies)
	}
}

func TestJWKS_HasEveryKey(t *testing.T) {
	s := newShop(t)
	for range 2 {
		if _, err := s.db.RotateKey(context.Background(), time.Now().Add(time.Hour)); err == nil {
			break
		}
	}
	keys, err := s.db.Keys(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	w := s.do("GET", "/.well-known/jwks.json", nil)
	var set struct {
		Keys []struct{ Kty, Crv, Kid, Use string }
	}
	if err := json.NewDecoder(io.Reader(w.Body)).Decode(&set); err != nil || len(set.Keys) != len(keys) || len(keys) != 2 {
		t.Fatalf("%d %v %v", w.Code, err, set)
	}
	for _, k := range set.Keys {
		if k.Kty != "OKP" || k.Crv != "Ed25519" || k.Use != "sig" || !slices.ContainsFunc(keys, func(s store.SigningKey) bool { return s.Name == k.Kid }) {
			t.Errorf("%+v", k)
		}
	}
}

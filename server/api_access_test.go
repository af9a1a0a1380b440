package server_test

import (
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/google/uuid"

	"samtykke/consent"
	"samtykke/server/store"
)

// addresses fills the document's paths with what is there.
func (o *office) addresses(k *contract) map[string]string {
	scan, err := o.db.LastScan(o.t.Context(), siteID)
	o.check(err)
	v := strings.NewReplacer("{site}", siteID, "{visitor}", o.records[0].Visitor.String(), "{id}", o.records[0].ID.String(), "{version}", "3", "{scan}", scan.ID.String(),
		"{finding}", "x", "{domain}", "x", "{alarm}", "1", "{hold}", "1")
	all := map[string]string{}
	for path, item := range k.doc.Paths.Map() {
		for method, op := range item.Operations() {
			if op.Extensions["x-scope"] != nil {
				all[method+" "+path] = v.Replace(path)
			}
		}
	}
	if len(all) < 40 {
		o.t.Fatalf("%d operations with a token", len(all))
	}
	return all
}

// H1, H3: every operation needs its scope and no other opens it; another organisation's token finds nothing, a limited one only
// its sites, an expired or made-up one no operation.
func TestAPI_LetsInOnlyWhoMay(t *testing.T) {
	o := scanOffice(t)
	k := newContract(t)
	o.check(o.db.AddOrganisation(t.Context(), consent.Organisation{ID: "nordlys", Name: "Nordlys & Lim", CreatedAt: o.now}))
	foreign := o.newRobot(k, "nordlys", store.Scopes)
	limited := o.newRobot(k, consent.FirstOrganisation, store.Scopes, otherID)
	with, without := map[store.Scope]*robot{}, map[store.Scope]*robot{}
	for _, s := range store.Scopes {
		with[s] = o.newRobot(k, consent.FirstOrganisation, []store.Scope{s})
		others := slices.DeleteFunc(slices.Clone(store.Scopes), func(x store.Scope) bool { return x == s })
		without[s] = o.newRobot(k, consent.FirstOrganisation, others)
	}
	nobody := &robot{o, k, ""}
	madeUp := &robot{o, k, "smt_" + uuid.NewString()}
	for op, address := range o.addresses(k) {
		method, path, _ := strings.Cut(op, " ")
		scope := store.Scope(k.doc.Paths.Find(path).GetOperation(method).Extensions["x-scope"].(string))
		t.Run(op, func(t *testing.T) {
			nobody.call(t, 401, method, address, nil)
			without[scope].call(t, 403, method, address, nil)
			if strings.Contains(path, "{site}") {
				foreign.call(t, 404, method, address, nil).hasCode(t, "no_site")
				limited.call(t, 404, method, address, nil).hasCode(t, "no_site")
			}
		})
		// It is let in; what then goes wrong is the empty body's fault.
		q := httptest.NewRequest(method, address, nil)
		q.Header.Set("Authorization", "Bearer "+with[scope].secret)
		w := httptest.NewRecorder()
		if method == http.MethodGet {
			o.ServeHTTP(w, q)
			if w.Code == 401 || w.Code == 403 {
				t.Errorf("%s: %d %s", op, w.Code, w.Body)
			}
		}
	}
	madeUp.call(t, 401, "GET", "/v1/sites", nil)
	limited.call(t, 403, "POST", "/v1/sites", map[string]any{"name": "x"})
	var list struct{ Results []struct{ ID string } }
	limited.call(t, 200, "GET", "/v1/sites", nil).read(t, &list)
	if len(list.Results) != 1 || list.Results[0].ID != otherID {
		t.Errorf("%+v", list)
	}
	foreign.call(t, 200, "GET", "/v1/sites", nil).read(t, &list)
	if len(list.Results) != 0 {
		t.Errorf("%+v", list)
	}
	// What belongs to others is told like what isn't there.
	for _, path := range []string{"", "/consents", "/papers"} {
		theirs, none := foreign.call(t, 404, "GET", "/v1/sites/"+siteID+path, nil), foreign.call(t, 404, "GET", "/v1/sites/nosuchsite"+path, nil)
		if theirs.Body.String() != none.Body.String() {
			t.Errorf("%s: %s tells more than %s", path, theirs.Body, none.Body)
		}
	}
	o.now = o.now.AddDate(2, 0, 0)
	with[store.ScopeRead].call(t, 401, "GET", "/v1/sites", nil)
}

// A login is no token: the dashboard's cookie opens nothing of the API.
func TestAPI_IsNotForTheCookie(t *testing.T) {
	o := newOffice(t)
	if a := o.get(consent.Owner, "/v1/sites"); a.Code != 401 || a.Header().Get("WWW-Authenticate") != "Bearer" {
		t.Errorf("%d %v", a.Code, a.Header())
	}
}

// HEAD is GET without a body; OPTIONS names the methods and lets no other origin in; a program that asks too often waits.
func TestAPI_Manners(t *testing.T) {
	o := newOffice(t)
	r := o.newRobot(newContract(t), consent.FirstOrganisation, store.Scopes)
	do := func(method, path string) *httptest.ResponseRecorder {
		q := httptest.NewRequest(method, path, nil)
		q.Header.Set("Authorization", "Bearer "+r.secret)
		q.Header.Set("Origin", "https://evil.example")
		w := httptest.NewRecorder()
		o.ServeHTTP(w, q)
		return w
	}
	if w := do("HEAD", "/v1/sites"); w.Code != 200 {
		t.Errorf("HEAD %d", w.Code)
	}
	w := do("OPTIONS", "/v1/sites/"+siteID+"/scans")
	if allow := w.Header().Get("Allow"); w.Code != 204 || !strings.Contains(allow, "POST") || !strings.Contains(allow, "GET") || w.Header().Get("Access-Control-Allow-Origin") != "" {
		t.Errorf("OPTIONS %d %v", w.Code, w.Header())
	}
	if w := do("PATCH", "/v1/sites/"+siteID+"/scans"); w.Code != 405 {
		t.Errorf("PATCH %d", w.Code)
	}
	many := 0
	for range 400 {
		if do("GET", "/v1/sites/"+siteID+"/draft/items").Code == http.StatusTooManyRequests {
			many++
		}
	}
	if many == 0 {
		t.Error("four hundred calls at once were answered")
	}
}

package server_test

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
	"github.com/google/go-cmp/cmp"

	"samtykke/consent"
	"samtykke/docs"
)

// contract is docs/openapi.yaml, which requests and answers are held against.
type contract struct {
	doc   *openapi3.T
	asked map[string]bool // operations that were answered well, by "METHOD /path"
}

func newContract(t testing.TB) *contract {
	t.Helper()
	doc, err := openapi3.NewLoader().LoadFromData(docs.OpenAPI)
	if err == nil {
		err = doc.Validate(t.Context())
	}
	if err != nil {
		t.Fatal(err)
	}
	return &contract{doc, map[string]bool{}}
}

// find is the path of the document that an address belongs to: the one with the most words of its own.
func (k *contract) find(address string) (path string, values map[string]string) {
	words := strings.Split(address, "/")
	most := -1
	for candidate := range k.doc.Paths.Map() {
		parts := strings.Split(candidate, "/")
		if len(parts) != len(words) {
			continue
		}
		found, same := map[string]string{}, 0
		for i, p := range parts {
			if strings.HasPrefix(p, "{") {
				found[strings.Trim(p, "{}")] = words[i]
			} else if p == words[i] {
				same++
			} else {
				same = -len(parts)
			}
		}
		if same > most {
			path, values, most = candidate, found, same
		}
	}
	return path, values
}

// check holds a request, where it was answered well, and its answer against the document.
func (k *contract) check(t testing.TB, r *http.Request, body []byte, w *httptest.ResponseRecorder) {
	t.Helper()
	path, values := k.find(r.URL.Path)
	item := k.doc.Paths.Find(path)
	if item == nil || item.GetOperation(r.Method) == nil {
		t.Errorf("%s %s is not in the document", r.Method, r.URL.Path)
		return
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	in := &openapi3filter.RequestValidationInput{
		Request: r, PathParams: values, Options: &openapi3filter.Options{AuthenticationFunc: openapi3filter.NoopAuthenticationFunc, IncludeResponseStatus: false},
		Route: &routers.Route{Spec: k.doc, Path: path, PathItem: item, Method: r.Method, Operation: item.GetOperation(r.Method)},
	}
	if w.Code < 400 {
		k.asked[r.Method+" "+path] = true
		if err := openapi3filter.ValidateRequest(t.Context(), in); err != nil {
			t.Errorf("%s %s: the document refuses what was asked: %v", r.Method, path, err)
		}
	}
	out := &openapi3filter.ResponseValidationInput{RequestValidationInput: in, Status: w.Code, Header: w.Header(), Options: in.Options}
	out.SetBodyBytes(w.Body.Bytes())
	if err := openapi3filter.ValidateResponse(t.Context(), out); err != nil {
		t.Errorf("%s %s: the document refuses the answer %d %.300s: %v", r.Method, path, w.Code, w.Body, err)
	}
}

// The document has the server's routes, and no others. The dashboard's pages are not in it.
func TestOpenAPI_HasEveryRoute(t *testing.T) {
	o, k := newOffice(t), newContract(t)
	pages := dashboardRoutes(o)
	var served, written []string
	for _, a := range o.Addresses() {
		method, path, _ := strings.Cut(a, " ")
		if slices.Contains(pages, a) || method == "echo_route_not_found" || strings.HasPrefix(path, "/assets/") {
			continue
		}
		parts := strings.Split(path, "/")
		for i, p := range parts {
			if name, ok := strings.CutPrefix(p, ":"); ok {
				parts[i] = "{" + name + "}"
			}
		}
		if path = strings.Join(parts, "/"); path == "/s/{file}" {
			path = "/s/{script}"
		}
		served = append(served, method+" "+path)
	}
	for path, item := range k.doc.Paths.Map() {
		for method := range item.Operations() {
			written = append(written, method+" "+path)
		}
	}
	slices.Sort(served)
	slices.Sort(written)
	if d := cmp.Diff(served, written); d != "" {
		t.Errorf("the server (-) and docs/openapi.yaml (+) differ:\n%s", d)
	}
}

// What can be sent and read has the same fields in the document as in the program.
func TestOpenAPI_KnowsEveryField(t *testing.T) {
	k := newContract(t)
	for name, v := range map[string]any{
		"Banner": consent.Banner{}, "Item": consent.Item{}, "HostRule": consent.HostRule{}, "Controller": consent.Controller{}, "ActFields": consent.Act{},
		"Retention": consent.Retention{}, "Problem": consent.Error{},
	} {
		var ours, theirs []string
		for f := range reflect.TypeOf(v).Fields() {
			if field, _, _ := strings.Cut(f.Tag.Get("json"), ","); field != "-" {
				ours = append(ours, field)
			}
		}
		for field := range k.doc.Components.Schemas[name].Value.Properties {
			theirs = append(theirs, field)
		}
		slices.Sort(ours)
		slices.Sort(theirs)
		if d := cmp.Diff(ours, theirs); d != "" {
			t.Errorf("%s: the program (-) and docs/openapi.yaml (+) differ:\n%s", name, d)
		}
	}
}

func TestOpenAPI_IsServed(t *testing.T) {
	a := newOffice(t).get(stranger, "/openapi.yaml").wants(t, http.StatusOK)
	if a.Header().Get("Content-Type") != "application/yaml" || !bytes.Equal(a.Body.Bytes(), docs.OpenAPI) {
		t.Errorf("%v", a.Header())
	}
}

// What visitors' browsers and verifiers ask is as the document says, too.
func TestOpenAPI_HoldsForVisitors(t *testing.T) {
	s, k := newShop(t), newContract(t)
	base := "/v1/sites/" + s.site.ID
	act := s.act()
	own := base + "/visitors/" + act.Visitor.String()
	for _, c := range []struct {
		method, path, kind string
		body               []byte
		status             int
	}{
		{"POST", base + "/consents", "application/json", mustJSON(act), 201},
		{"POST", base + "/consents", "application/json", []byte("{}"), 400},
		{"OPTIONS", base + "/consents", "", nil, 204},
		{"GET", own, "", nil, 200},
		{"OPTIONS", own, "", nil, 204},
		{"GET", own + "/acts/" + act.ID.String() + "/receipt?format=kantara", "", nil, 200},
		{"GET", base + "/consistency?from=1", "", nil, 200},
		{"GET", base + "/consistency?from=9", "", nil, 400},
		{"GET", "/.well-known/samtykke-checkpoint?site=" + s.site.ID, "", nil, 200},
		{"GET", "/.well-known/jwks.json", "", nil, 200},
		{"POST", own + "/restrict", "application/json", []byte(`{"restrict":true}`), 200},
		{"OPTIONS", own + "/restrict", "", nil, 204},
		{"DELETE", own, "", nil, 200},
		{"GET", "/s/" + s.site.ID + ".js", "", nil, 200},
		{"GET", "/s/" + s.site.ID + "/" + s.notice.Hash.String() + ".en.json", "", nil, 200},
		{"GET", "/d/" + s.site.ID + "/da.json", "", nil, 200},
		{"GET", "/d/" + s.site.ID + "/da/rights", "", nil, 200},
		{"GET", "/d/" + s.site.ID + "/embed.js", "", nil, 200},
		{"GET", "/verify", "", nil, 200},
		{"GET", "/healthz", "", nil, 200},
		{"GET", "/readyz", "", nil, 200},
	} {
		q := httptest.NewRequest(c.method, c.path, bytes.NewReader(c.body))
		q.Header.Set("Origin", origin)
		if c.kind != "" {
			q.Header.Set("Content-Type", c.kind)
		}
		w := httptest.NewRecorder()
		s.ServeHTTP(w, q)
		if w.Code != c.status {
			t.Errorf("%s %s: %d, want %d: %.200s", c.method, c.path, w.Code, c.status, w.Body)
		}
		k.check(t, q, c.body, w)
	}
}

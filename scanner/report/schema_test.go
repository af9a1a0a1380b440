package report

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"samtykke/consent"
	"samtykke/scanner/evidence"
	"samtykke/scanner/evidence/evidencetest"
	"samtykke/scanner/judgement"
)

func reportSchema(t testing.TB) map[string]any {
	text, err := os.ReadFile("../../docs/scan.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	var schema map[string]any
	if err := json.Unmarshal(text, &schema); err != nil {
		t.Fatal(err)
	}
	return schema
}

// The published schema has every field of the program's, and no other; what may be left out isn't required.
func TestReport_SchemaHasEveryField(t *testing.T) {
	schema := reportSchema(t)
	sameFields(t, schema, schema, reflect.TypeFor[judgement.Report](), "report")
}

func sameFields(t *testing.T, root, schema map[string]any, typ reflect.Type, at string) {
	t.Helper()
	schema = resolve(root, schema)
	switch {
	case typ.Kind() == reflect.Pointer:
		sameFields(t, root, schema, typ.Elem(), at)
		return
	case typ.Kind() == reflect.Slice && typ.Elem().Kind() != reflect.Uint8:
		sameFields(t, root, schema["items"].(map[string]any), typ.Elem(), at+"[]")
		return
	case typ.Kind() != reflect.Struct || typ == reflect.TypeFor[time.Time]():
		return
	}
	properties := schema["properties"].(map[string]any)
	if schema["additionalProperties"] != false {
		t.Errorf("%s allows what it doesn't name", at)
	}
	known := map[string]bool{}
	for i := range typ.NumField() {
		name, rest, _ := strings.Cut(typ.Field(i).Tag.Get("json"), ",")
		if name == "-" {
			continue
		}
		known[name] = true
		p, ok := properties[name].(map[string]any)
		if !ok {
			t.Errorf("%s.%s is not in the schema", at, name)
			continue
		}
		if required := slices.Contains(schema["required"].([]any), any(name)); required == (rest == "omitempty") {
			t.Errorf("%s.%s: required %v, %q", at, name, required, rest)
		}
		sameFields(t, root, p, typ.Field(i).Type, at+"."+name)
	}
	for name := range properties {
		if !known[name] {
			t.Errorf("%s.%s is in the schema alone", at, name)
		}
	}
}

// What the program writes fits the published schema: an ordinary report, an empty one, one with everything, and any.
func TestReport_FitsItsSchema(t *testing.T) {
	schema := reportSchema(t)
	for _, r := range []judgement.Report{recorded(), judgement.NewReport(evidence.Site{URL: evidencetest.Shop}, judgement.Options{}), decided(t)} {
		fitsSchema(t, schema, &r)
	}
	rapid.Check(t, func(rt *rapid.T) {
		now, old := judgement.NewReport(possible(evidencetest.Any(rt)), judgement.Options{}), judgement.NewReport(possible(evidencetest.Any(rt)), judgement.Options{})
		changes := judgement.Diff(old, now)
		now.Changes = &changes
		fitsSchema(t, schema, &now)
	})
}

// possible takes out of random evidence what only a judge must bear: states and kinds that no scan knows.
func possible(e evidence.Site) evidence.Site {
	all := []*evidence.State{&e.Phone}
	for i := range e.States {
		all = append(all, &e.States[i])
	}
	for _, s := range all {
		if evidence.StateOrder(s.State) < 0 {
			s.State = evidence.StateNone
		}
		for j := range s.Writes {
			s.Writes[j].Kind = cmp.Or(s.Writes[j].Kind, consent.Cookie)
		}
		for j := range s.Snapshots {
			for k := range s.Snapshots[j].Items {
				it := &s.Snapshots[j].Items[k]
				it.Kind = cmp.Or(it.Kind, consent.Cookie)
			}
		}
	}
	return e
}

// decided is a report that was compared, with an accepted finding and a picture.
func decided(t testing.TB) judgement.Report {
	r := recorded()
	e := evidencetest.Good()
	evidencetest.Request(0, "https://old.example/x.js", false)(&e, nil)
	old := judgement.NewReport(e, judgement.Options{})
	if err := r.Compare(old); err != nil {
		t.Fatal(err)
	}
	r.Pictures = []evidence.Picture{{State: evidence.StateNone, Device: evidence.Mobile, Layer: "first", Page: evidencetest.Shop, PNG: []byte("\x89PNG\r\n\x1a\n")}}
	if idle := r.Accept([]judgement.Acceptance{{Key: r.Findings[0].Key, Reason: "Aftalt", Until: "2027-01-31"}}); len(idle) > 0 || len(r.Accepted) != 1 {
		t.Fatalf("%v %v", idle, r.Accepted)
	}
	return r
}

func fitsSchema(t *testing.T, schema map[string]any, r *judgement.Report) {
	t.Helper()
	data, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	var value any
	if err := json.Unmarshal(data, &value); err != nil {
		t.Fatal(err)
	}
	checkSchema(t, schema, schema, value, "report")
}

func resolve(root, schema map[string]any) map[string]any {
	if ref, ok := schema["$ref"].(string); ok {
		return root["$defs"].(map[string]any)[strings.TrimPrefix(ref, "#/$defs/")].(map[string]any)
	}
	return schema
}

// checkSchema knows the words of JSON Schema that the file uses.
func checkSchema(t *testing.T, root, schema map[string]any, value any, at string) {
	t.Helper()
	schema = resolve(root, schema)
	if choices, ok := schema["enum"].([]any); ok {
		if !slices.Contains(choices, value) {
			t.Errorf("%s: %v is none of %v", at, value, choices)
		}
		return
	}
	types := map[string]any{"string": "", "boolean": false, "integer": 0.0, "number": 0.0, "array": []any{}, "object": map[string]any{}}
	if want := types[schema["type"].(string)]; fmt.Sprintf("%T", want) != fmt.Sprintf("%T", value) {
		t.Errorf("%s: %v is no %v", at, value, schema["type"])
		return
	}
	if low, ok := schema["minimum"].(float64); ok && value.(float64) < low {
		t.Errorf("%s: %v is below %v", at, value, low)
	}
	switch v := value.(type) {
	case []any:
		for i, e := range v {
			checkSchema(t, root, schema["items"].(map[string]any), e, fmt.Sprintf("%s[%d]", at, i))
		}
	case map[string]any:
		checkObject(t, root, schema, v, at)
	}
}

func checkObject(t *testing.T, root, schema, value map[string]any, at string) {
	t.Helper()
	properties, _ := schema["properties"].(map[string]any)
	if properties == nil { // texts by language
		for lang, e := range value {
			checkSchema(t, root, schema["additionalProperties"].(map[string]any), e, at+"."+lang)
		}
		return
	}
	for _, name := range schema["required"].([]any) {
		if _, ok := value[name.(string)]; !ok {
			t.Errorf("%s.%s is missing", at, name)
		}
	}
	for name, e := range value {
		if p, ok := properties[name].(map[string]any); ok {
			checkSchema(t, root, p, e, at+"."+name)
		} else {
			t.Errorf("%s.%s is not in the schema", at, name)
		}
	}
}

// A report that the first version wrote is still read, judged for a pipeline and shown.
func TestRead_TakesTheFirstVersion(t *testing.T) {
	data, err := os.ReadFile("testdata/report_v1.json")
	if err != nil {
		t.Fatal(err)
	}
	r, err := Read(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	if len(r.Items) != 7 || len(r.Findings) == 0 || !strings.Contains(r.Findings[0].Evidence[0].In("da"), "_fbp") {
		t.Errorf("%d items, findings %+v", len(r.Items), r.Findings)
	}
	now := recorded()
	if err := now.Compare(r); err != nil {
		t.Fatal(err)
	}
	news := slices.ContainsFunc(now.Changes.NewFindings, func(d judgement.FindingDiff) bool { return d.Code == r.Findings[0].Code })
	if news || now.Fails(r.Findings[0].Severity) {
		t.Errorf("what was there before is no news: %+v", now.Changes.NewFindings)
	}
	for name, write := range writers(&r) {
		var b bytes.Buffer
		if err := write(&b); err != nil || !strings.Contains(b.String(), r.Findings[0].Code) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

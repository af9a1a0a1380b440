package consent

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func sampleDeed() Deed {
	return Deed{
		At: time.Date(2026, 11, 22, 13, 5, 7, 89_000_000, time.UTC), Who: "ea@fjord.example", What: "settings_changed", Site: "fjordfletvaerk", Object: `Åse "x"`,
		Old: map[string]any{"banner.days": json.Number("365"), "domains": []any{"fjord.example"}, "name": "Fjord\n\t\x01og <Fletværk>  "},
		New: map[string]any{"banner.days": json.Number("180"), "domains": []any{"fjord.example", "flet.example"}, "banner.dnt": true, "gone": nil},
	}
}

// P3: the encoding never changes, since it is what was signed.
func TestDeed_CanonicalEncodingIsPinned(t *testing.T) {
	want, err := os.ReadFile(filepath.Join("testdata", "deed.json"))
	if err != nil {
		t.Fatal(err)
	}
	d := sampleDeed()
	got, err := d.Canonical()
	if err != nil || string(got) != strings.TrimSuffix(string(want), "\n") {
		t.Errorf("%v\n got %s\nwant %s", err, got, want)
	}
	back, err := ParseDeed(got)
	if err != nil || !reflect.DeepEqual(back, d) {
		t.Errorf("%v: comes back as %s", err, cmp.Diff(d, back))
	}
	for _, other := range []string{
		string(got) + "\n", " " + string(got), strings.Replace(string(got), `"v":1`, `"v":2`, 1), strings.Replace(string(got), `"v":1,`, ``, 1),
		strings.Replace(string(got), `365`, `365.0`, 1), strings.Replace(string(got), `365`, `3.65e2`, 1), strings.Replace(string(got), `Å`, `\u00c5`, 1),
		strings.Replace(string(got), `settings_changed`, `something_else`, 1), strings.Replace(string(got), `"who"`, `"Who"`, 1),
		strings.Replace(string(got), `"v":1`, `"extra":1,"v":1`, 1), strings.Replace(string(got), `"ea@fjord.example"`, `""`, 1),
	} {
		if _, err := ParseDeed([]byte(other)); !errors.Is(err, ErrNotDeed) {
			t.Errorf("%v: %s is read", err, other)
		}
	}
}

// P2: exactly the fields that were changed, with the old value and the new one.
func TestDeed_HoldsWhatWasChanged(t *testing.T) {
	before := Site{ID: "fjordfletvaerk", Name: "Fjord", Domains: []string{"a.example"}, Banner: DefaultBanner()}
	after := before
	after.Domains = []string{"a.example", "b.example"}
	after.Controller.CVR = "12345678"
	after.Banner.Days, after.Banner.ConsentMode = 180, false
	after.Banner.Texts = map[string]map[string]string{"da": {"title": "Cookies?"}}
	var d Deed
	if err := d.Changed(before, after); err != nil {
		t.Fatal(err)
	}
	want := Deed{
		Old: map[string]any{"domains": []any{"a.example"}, "banner.days": json.Number("365"), "banner.consent_mode": true},
		New: map[string]any{
			"domains": []any{"a.example", "b.example"}, "banner.days": json.Number("180"), "banner.consent_mode": false,
			"controller.cvr": "12345678", "banner.texts.da.title": "Cookies?",
		},
	}
	if diff := cmp.Diff(want, d); diff != "" {
		t.Error(diff)
	}
	d = Deed{}
	if err := d.Changed(after, after); err != nil || d.Old != nil || d.New != nil {
		t.Errorf("nothing was changed: %v, %+v", err, d)
	}
	if err := d.Changed(nil, after); err != nil || d.Old != nil || d.New["name"] != "Fjord" {
		t.Errorf("a new one: %v, %+v", err, d)
	}
}

// A change of any size can be put down: a long one by its hash.
func TestDeed_IsNeverTooLong(t *testing.T) {
	d := sampleDeed()
	d.New["name"] = strings.Repeat("æ", maxDeed)
	b, err := d.Canonical()
	if err != nil || len(b) > 1000 {
		t.Fatalf("%d bytes, %v", len(b), err)
	}
	back, err := ParseDeed(b)
	if err != nil || back.New["fields"] != json.Number("5") || len(back.New["sha256"].(string)) != 64 {
		t.Errorf("%v: %+v", err, back)
	}
}

func TestDeed_RefusesWhatIsNone(t *testing.T) {
	for name, change := range map[string]func(*Deed){
		"nobody": func(d *Deed) { d.Who = "" }, "line ends": func(d *Deed) { d.Who = "a\nb" }, "nothing": func(d *Deed) { d.What = "" }, "unknown": func(d *Deed) { d.What = "flew" },
		"site": func(d *Deed) { d.Site = "../x" }, "long": func(d *Deed) { d.Object = strings.Repeat("x", 301) }, "time": func(d *Deed) { d.At = d.At.Add(1) },
		"fraction": func(d *Deed) { d.New["x"] = json.Number("0.5") }, "type": func(d *Deed) { d.New["x"] = time.Now() }, "bytes": func(d *Deed) { d.New["x"] = "\xff" },
	} {
		d := sampleDeed()
		change(&d)
		if b, err := d.Canonical(); err == nil {
			t.Errorf("%s gives %s", name, b)
		}
	}
}

func TestDeed_RoundTrip(t *testing.T) {
	var value func(depth int) *rapid.Generator[any]
	value = func(depth int) *rapid.Generator[any] {
		kinds := []*rapid.Generator[any]{
			rapid.String().AsAny(), rapid.Bool().AsAny(), rapid.Just[any](nil), rapid.Map(rapid.Int64(), func(n int64) any { return json.Number(rapidNumber(n)) }),
		}
		if depth > 0 {
			kinds = append(kinds, rapid.Map(rapid.SliceOfN(value(depth-1), 0, 3), func(l []any) any { return append([]any{}, l...) }),
				rapid.MapOfN(rapid.String(), value(depth-1), 0, 3).AsAny())
		}
		return rapid.OneOf(kinds...)
	}
	rapid.Check(t, func(t *rapid.T) {
		d := sampleDeed()
		d.New = rapid.MapOfN(rapid.String(), value(2), 1, 4).Draw(t, "new")
		d.What = rapid.SampledFrom(Deeds).Draw(t, "what")
		b, err := d.Canonical()
		if err != nil {
			t.Fatal(err)
		}
		back, err := ParseDeed(b)
		if err != nil || !reflect.DeepEqual(back, d) {
			t.Fatalf("%v: %s comes back as %+v", err, b, back)
		}
	})
}

func rapidNumber(n int64) string {
	b, _ := json.Marshal(n)
	return string(b)
}

// FuzzParseDeed: whatever is accepted is spelled in the one way; nothing panics.
func FuzzParseDeed(f *testing.F) {
	d := sampleDeed()
	b, err := d.Canonical()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(b)
	f.Add([]byte(`{"at":0,"v":1,"what":"login","who":"a@b.example"}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		d, err := ParseDeed(b)
		if err != nil {
			return
		}
		if got, err := d.Canonical(); err != nil || string(got) != string(b) {
			t.Errorf("accepted %s\nwrites   %s, %v", b, got, err)
		}
	})
}

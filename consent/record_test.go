package consent

import (
	"errors"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
	"pgregory.net/rapid"
)

// sample is a record with every field filled; change makes the variants of the tables.
func sample(change ...func(*Record)) Record {
	at := time.Date(2026, 11, 22, 13, 5, 7, 89_000_000, time.UTC)
	r := Record{
		Act: Act{
			ID:      uuid.MustParse("01936a7e-2b3c-7d4e-8f50-617283940a1b"),
			Visitor: uuid.MustParse("3f2b8c1d-9a7e-4b6c-8d5e-0f1a2b3c4d5e"),
			Notice:  Hash{0xab, 31: 0x01},
			Action:  Custom, Method: ByDialog, Language: "da",
			Categories: Choices{Asked: SetOf(Preferences, Statistics, Marketing), Given: SetOf(Statistics)},
			Path:       `/kurve/"store"/fisk\e`, Cleared: []string{"_ak_klik", "_tl_ses.4711"}, Remaining: []string{"kurv"},
		},
		Site: "fjordfletvaerk", At: at, ValidUntil: at.Add(365 * 24 * time.Hour), Address: netip.MustParsePrefix("192.0.2.0/24"),
	}
	for _, c := range change {
		c(&r)
	}
	return r
}

// The encoding never changes: what was signed yesterday must verify in ten years.
func TestRecord_CanonicalEncodingIsPinned(t *testing.T) {
	small := sample(func(r *Record) {
		r.Path, r.Cleared, r.Remaining, r.Address = "", nil, nil, netip.Prefix{}
		r.Action, r.Categories = RejectAll, NoneOf(SetOf(Statistics))
	})
	for name, r := range map[string]Record{"full.json": sample(), "small.json": small} {
		want, err := os.ReadFile(filepath.Join("testdata", name))
		if err != nil {
			t.Fatal(err)
		}
		got := r.AppendCanonical(nil)
		if string(got) != strings.TrimSuffix(string(want), "\n") {
			t.Errorf("%s:\n got %s\nwant %s", name, got, want)
		}
		back, err := ParseCanonical(got)
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(r, back, cmp.Comparer(func(a, b netip.Prefix) bool { return a == b })); d != "" {
			t.Errorf("%s does not come back (-want +got):\n%s", name, d)
		}
	}
}

func TestParseCanonical_RefusesOtherSpellings(t *testing.T) {
	r := sample()
	good := string(r.AppendCanonical(nil))
	for name, bad := range map[string]string{
		"white space":    strings.Replace(good, ",", ", ", 1),
		"order":          strings.Replace(good, `"language":"da","method":"dialog"`, `"method":"dialog","language":"da"`, 1),
		"upper-case id":  strings.Replace(good, "01936a7e", "01936A7E", 1),
		"unknown field":  strings.Replace(good, `{"action"`, `{"aa":1,"action"`, 1),
		"other version":  strings.Replace(good, `"v":1`, `"v":2`, 1),
		"escape":         strings.Replace(good, "/kurve", `\/kurve`, 1),
		"doubled key":    strings.Replace(good, `"v":1`, `"v":1,"v":1`, 1),
		"time as float":  strings.Replace(good, `,"categories"`, `.0,"categories"`, 1),
		"granted unsaid": strings.Replace(good, `"statistics":true`, `"necessary":true,"statistics":true`, 1),
		"trailing":       good + " ",
		"empty":          "",
	} {
		if bad == good {
			t.Fatalf("%s: the test changes nothing", name)
		}
		if _, err := ParseCanonical([]byte(bad)); !errors.Is(err, ErrNotCanonical) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// R2, R3, R6, R7, R8: what a record may and may not hold.
func TestRecord_Validate(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*Record)
		field  string // "" = valid
	}{
		"as it should be":        {func(*Record) {}, ""},
		"visitor of version 7":   {func(r *Record) { r.Visitor = uuid.Must(uuid.NewV7()) }, ""},
		"id not time-ordered":    {func(r *Record) { r.ID = uuid.New() }, "id"},
		"id nil":                 {func(r *Record) { r.ID = uuid.Nil }, "id"},
		"visitor of version 1":   {func(r *Record) { r.Visitor = uuid.Must(uuid.NewUUID()) }, "visitor"},
		"no notice":              {func(r *Record) { r.Notice = Hash{} }, "notice"},
		"unknown action":         {func(r *Record) { r.Action = "agree" }, "action"},
		"unknown method":         {func(r *Record) { r.Method = "telepathy" }, "method"},
		"language as a tag":      {func(r *Record) { r.Language = "da-DK" }, "language"},
		"nothing asked":          {func(r *Record) { r.Categories = Choices{} }, "categories"},
		"given but not asked":    {func(r *Record) { r.Categories = Choices{Asked: SetOf(Statistics), Given: SetOf(Marketing)} }, "categories"},
		"accept_all but not all": {func(r *Record) { r.Action = AcceptAll }, "categories"},
		"reject_all but some":    {func(r *Record) { r.Action = RejectAll }, "categories"},
		"withdraw but some":      {func(r *Record) { r.Action = Withdraw }, "categories"},
		"path with a query":      {func(r *Record) { r.Path = "/s?q=navn" }, "path"},
		"path with a fragment":   {func(r *Record) { r.Path = "/s#afsnit" }, "path"},
		"path not a path":        {func(r *Record) { r.Path = "https://x.example/" }, "path"},
		"path with a control":    {func(r *Record) { r.Path = "/a\x00" }, "path"},
		"path too long":          {func(r *Record) { r.Path = "/" + strings.Repeat("a", MaxPath) }, "path"},
		"too many names":         {func(r *Record) { r.Cleared = make([]string, MaxNames+1) }, "cleared"},
		"empty name":             {func(r *Record) { r.Remaining = []string{""} }, "remaining"},
		"broken UTF-8":           {func(r *Record) { r.Cleared = []string{"\xff"} }, "cleared"},
		"whole IPv4 address":     {func(r *Record) { r.Address = netip.MustParsePrefix("192.0.2.7/32") }, "address"},
		"host bits left":         {func(r *Record) { r.Address = netip.MustParsePrefix("192.0.2.7/24") }, "address"},
		"whole IPv6 address":     {func(r *Record) { r.Address = netip.MustParsePrefix("2001:db8::1/128") }, "address"},
		"IPv6 network":           {func(r *Record) { r.Address = netip.MustParsePrefix("2001:db8:1::/48") }, ""},
		"site not a site":        {func(r *Record) { r.Site = "../etc" }, "site"},
		"microseconds":           {func(r *Record) { r.At = r.At.Add(time.Microsecond) }, "at"},
		"no validity":            {func(r *Record) { r.ValidUntil = r.At }, "valid_until"},
	} {
		r := sample(c.change)
		err := r.Validate()
		var e *Error
		switch {
		case c.field == "" && err != nil:
			t.Errorf("%s: %v", name, err)
		case c.field != "" && (!errors.As(err, &e) || e.Kind != KindInvalid || e.Fields[c.field] == ""):
			t.Errorf("%s: %v, want a complaint about %s", name, err, c.field)
		}
	}
}

// R11: an act must answer exactly what its notice asks.
// A refused provider is an exception from what was granted by choosing, and only where the notice offers it.
func TestAct_RefusesSingleProviders(t *testing.T) {
	c := Content{Banner: DefaultBanner(), Controller: Controller{Name: "Havnen"}, Items: []Item{
		{Category: Statistics, Provider: "Tal ApS"}, {Category: Statistics, Provider: "Tal ApS"}, {Category: Statistics, Provider: "Havnen"}, {Category: Marketing, Provider: "Tal ApS"},
	}}
	c.Banner.PerVendor = true
	act := sample().Act
	act.Categories = Choices{Asked: c.Banner.Asked(), Given: SetOf(Statistics)}
	for name, tt := range map[string]struct {
		change func(*Act, *Content)
		valid  bool
	}{
		"offered":               {func(a *Act, _ *Content) { a.Refused = []string{"statistics/Tal ApS"} }, true},
		"not granted":           {func(a *Act, _ *Content) { a.Refused = []string{"marketing/Tal ApS"} }, false},
		"the controller itself": {func(a *Act, _ *Content) { a.Refused = []string{"statistics/Havnen"} }, false},
		"unknown":               {func(a *Act, _ *Content) { a.Refused = []string{"statistics/Nobody"} }, false},
		"no provider":           {func(a *Act, _ *Content) { a.Refused = []string{"statistics/"} }, false},
		"no category":           {func(a *Act, _ *Content) { a.Refused = []string{"Tal ApS"} }, false},
		"yes to everything": {func(a *Act, _ *Content) {
			a.Action, a.Categories.Given, a.Refused = AcceptAll, a.Categories.Asked, []string{"statistics/Tal ApS"}
		}, false},
		"where it isn't offered": {func(a *Act, c *Content) { c.Banner.PerVendor, a.Refused = false, []string{"statistics/Tal ApS"} }, false},
	} {
		a, n := act, c
		tt.change(&a, &n)
		if err := errors.Join(a.Validate(), a.CheckAgainst(&n)); (err == nil) != tt.valid {
			t.Errorf("%s: %v", name, err)
		}
	}
	r := sample()
	r.Categories.Given, r.Refused = SetOf(Statistics), []string{"statistics/Tal ApS"}
	if back, err := ParseCanonical(r.AppendCanonical(nil)); err != nil || len(back.Refused) != 1 {
		t.Errorf("%+v, %v", back.Refused, err)
	}
}

func TestAct_CheckAgainst(t *testing.T) {
	b := DefaultBanner()
	r := sample()
	if err := r.CheckAgainst(&Content{Banner: b}); err != nil {
		t.Error(err)
	}
	fewer := DefaultBanner()
	fewer.Categories = []Category{Statistics}
	if err := r.CheckAgainst(&Content{Banner: fewer}); KindOf(err) != KindInvalid {
		t.Errorf("answers to questions that were not asked: %v", err)
	}
	r.Language = "de"
	if err := r.CheckAgainst(&Content{Banner: b}); KindOf(err) != KindInvalid {
		t.Errorf("a language that was not shown: %v", err)
	}
}

func TestTruncate_KeepsOnlyTheNetwork(t *testing.T) {
	for in, want := range map[string]string{
		"192.0.2.77": "192.0.2.0/24", "::ffff:192.0.2.77": "192.0.2.0/24", "2001:db8:aaaa:bbbb::1": "2001:db8:aaaa::/48", "fe80::1%eth0": "fe80::/48",
	} {
		if got := Truncate(netip.MustParseAddr(in)); got.String() != want || !truncated(got) {
			t.Errorf("%s became %s, want %s", in, got, want)
		}
	}
	if Truncate(netip.Addr{}).IsValid() {
		t.Error("no address became one")
	}
}

// FuzzParseCanonical: whatever is accepted is valid and spelled in the one way; nothing panics.
func FuzzParseCanonical(f *testing.F) {
	r := sample()
	f.Add(r.AppendCanonical(nil))
	for _, name := range []string{"full.json", "small.json"} {
		b, err := os.ReadFile(filepath.Join("testdata", name))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		r, err := ParseCanonical(b)
		if err != nil {
			return
		}
		if err := r.Validate(); err != nil {
			t.Errorf("accepted but not valid: %v", err)
		}
		if got := r.AppendCanonical(nil); string(got) != string(b) {
			t.Errorf("accepted %s\nwrites   %s", b, got)
		}
	})
}

// records draws valid acts of one visitor.
func records(site string) *rapid.Generator[Record] {
	return rapid.Custom(func(t *rapid.T) Record {
		asked := Set(rapid.SampledFrom([]int{4, 8, 12, 14}).Draw(t, "asked"))
		r := Record{Site: site}
		r.Action = rapid.SampledFrom(Actions[:]).Draw(t, "action")
		r.Method = rapid.SampledFrom(Methods[:]).Draw(t, "method")
		switch r.Action {
		case AcceptAll:
			r.Categories = AllOf(asked)
		case Custom:
			r.Categories = Choices{Asked: asked, Given: asked & Set(rapid.IntRange(0, 15).Draw(t, "given"))}
		default:
			r.Categories = NoneOf(asked)
		}
		r.ID, r.Visitor = uuid.Must(uuid.NewV7()), uuid.New()
		r.Notice, r.Language = Hash{1}, "en"
		r.At = time.UnixMilli(rapid.Int64Range(0, 50).Draw(t, "at") * 1000).UTC()
		r.ValidUntil = r.At.Add(time.Duration(rapid.IntRange(1, 40).Draw(t, "seconds")) * time.Second)
		r.Cleared = rapid.SliceOfN(rapid.StringMatching(`[ -~æøå]{1,12}`), 0, 4).Draw(t, "cleared")
		if len(r.Cleared) == 0 {
			r.Cleared = nil
		}
		return r
	})
}

func TestRecord_EveryValidRecordComesBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r := records("fjordfletvaerk").Draw(t, "record")
		back, err := ParseCanonical(r.AppendCanonical(nil))
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(r, back, cmp.Comparer(func(a, b netip.Prefix) bool { return a == b })); d != "" {
			t.Fatal(d)
		}
	})
}

func BenchmarkAppendCanonical(b *testing.B) {
	r := sample()
	buf := make([]byte, 0, 1024)
	b.ReportAllocs()
	for b.Loop() {
		buf = r.AppendCanonical(buf[:0])
	}
}

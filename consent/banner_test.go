package consent

import (
	"encoding/json"
	"errors"
	"testing"
)

func TestBanner_Validate(t *testing.T) {
	words := func(key, text string) func(*Banner) {
		return func(b *Banner) { b.Texts = map[string]map[string]string{"da": {key: text}} }
	}
	for name, c := range map[string]struct {
		change func(*Banner)
		field  string
	}{
		"the default":                {func(*Banner) {}, ""},
		"own words":                  {words("accept", "Accepter cookies"), ""},
		"OK says nothing (B6)":       {words("accept", "OK"), "texts.da.accept"},
		"Forstået says nothing (B6)": {words("accept", " Forstået! "), "texts.da.accept"},
		"no label":                   {words("reject", " "), "texts.da.reject"},
		"same words for yes and no (B6)": {func(b *Banner) {
			b.Texts = map[string]map[string]string{"da": {"accept": "Ja tak", "reject": "ja tak"}}
		}, "texts.da.reject"},
		"no language":                      {func(b *Banner) { b.Languages = nil }, "languages"},
		"language twice":                   {func(b *Banner) { b.Languages = []string{"da", "da"} }, "languages"},
		"nothing to ask":                   {func(b *Banner) { b.Categories = nil }, "categories"},
		"necessary is not asked":           {func(b *Banner) { b.Categories = []Category{Necessary} }, "categories"},
		"unclassified is not asked (K12)":  {func(b *Banner) { b.Categories = []Category{Unclassified} }, "categories"},
		"asking every month (B19)":         {func(b *Banner) { b.Days = 30 }, "days"},
		"unknown form":                     {func(b *Banner) { b.Form = "wall" }, "form"},
		"colour as a word":                 {func(b *Banner) { b.Accent = "red" }, "accent"},
		"script instead of an address":     {func(b *Banner) { b.PrivacyURL = "javascript:alert(1)" }, "privacy_url"},
		"unknown signal":                   {func(b *Banner) { b.Signals = []string{"pigeon"} }, "signals"},
		"signal twice":                     {func(b *Banner) { b.Signals = []string{"uet", "uet"} }, "signals"},
		"unknown markup":                   {func(b *Banner) { b.Markup = []string{"onetrust"} }, "markup"},
		"Cookiebot's ID":                   {func(b *Banner) { b.CBID = "3F1C2B7A-0000-4000-8000-1234567890ab" }, ""},
		"Cookiebot's ID as an address":     {func(b *Banner) { b.CBID = "https://consent.cookiebot.com" }, "cbid"},
		"all signals and markups":          {func(b *Banner) { b.Signals, b.Markup = SignalNames, MarkupNames }, ""},
		"odd corners":                      {func(b *Banner) { b.Round = "9px" }, "round"},
		"own font":                         {func(b *Banner) { b.Font = "Comic Sans" }, "font"},
		"host with a reason (K1)":          {func(b *Banner) { b.Hosts = []HostRule{{"cdn.example", Necessary, "Serves the shop's own scripts."}} }, ""},
		"necessary without a reason (K1)":  {func(b *Banner) { b.Hosts = []HostRule{{"cdn.example", Necessary, " "}} }, "hosts"},
		"unclassified host (K12)":          {func(b *Banner) { b.Hosts = []HostRule{{"cdn.example", Unclassified, ""}} }, "hosts"},
		"address instead of a host":        {func(b *Banner) { b.Hosts = []HostRule{{"https://cdn.example/", Statistics, ""}} }, "hosts"},
		"host twice":                       {func(b *Banner) { b.Hosts = []HostRule{{"a.example", Statistics, ""}, {"a.example", Marketing, ""}} }, "hosts"},
		"service of no category":           {func(b *Banner) { b.Services = map[string]Category{"x": "ads"} }, "services"},
		"service with a space":             {func(b *Banner) { b.Services = map[string]Category{"x y": Marketing} }, "services"},
		"declaration address with a login": {func(b *Banner) { b.Declaration = "https://a:b@x.example/" }, "declaration_url"},
	} {
		b := DefaultBanner()
		c.change(&b)
		err := b.Validate()
		var e *Error
		switch {
		case c.field == "" && err != nil:
			t.Errorf("%s: %v", name, err)
		case c.field != "" && (!errors.As(err, &e) || e.Fields[c.field] == ""):
			t.Errorf("%s: %v, want a complaint about %s", name, err, c.field)
		}
	}
}

func TestSite_AllowsOrigin(t *testing.T) {
	s := Site{Domains: []string{"fjord.example", "xn--kb-yia.example", "127.0.0.1"}}
	for origin, want := range map[string]bool{
		"https://fjord.example": true, "https://www.fjord.example": true, "http://fjord.example:8080": true, "https://xn--kb-yia.example": true,
		"http://127.0.0.1:4000":     true,
		"https://evilfjord.example": false, "https://fjord.example.evil.example": false, "null": false, "": false, "ftp://fjord.example": false,
		"https://fjord.example/": false, "https://fjord.example@evil.example": false, "https://.fjord.example.": false,
	} {
		if got := s.AllowsOrigin(origin); got != want {
			t.Errorf("%q: %v", origin, got)
		}
	}
}

func TestSite_Validate(t *testing.T) {
	good := Site{Name: "Fjord", Domains: []string{"fjord.example"}, Controller: Controller{CVR: "12345678", Email: "post@fjord.example"}}
	if err := good.Validate(); err != nil {
		t.Error(err)
	}
	for name, s := range map[string]Site{
		"name":           {Domains: good.Domains},
		"domains":        {Name: "Fjord"},
		"homepage":       {Name: "Fjord", Domains: good.Domains, Homepage: "fjord.example"},
		"controller.cvr": {Name: "Fjord", Domains: good.Domains, Controller: Controller{CVR: "1234"}},
	} {
		var e *Error
		if err := s.Validate(); !errors.As(err, &e) || e.Fields[name] == "" {
			t.Errorf("%s: %v", name, err)
		}
	}
	for d, want := range map[string]bool{"fjord.example": true, "localhost": true, "a.b.c.example": true, "127.0.0.1": true, "dk": false, "https://x.example": false, "x.example:80": false, "-x.example": false, "*.x.example": false, "X.example": false, "": false} {
		if ValidDomain(d) != want {
			t.Errorf("ValidDomain(%q) is %v", d, !want)
		}
	}
}

func TestMatchName(t *testing.T) {
	for _, c := range []struct {
		pattern, name string
		want          bool
	}{
		{"_ga", "_ga", true},
		{"_ga", "_gat", false},
		{"_ga_*", "_ga_ABC", true},
		{"_ga_*", "_ga", false},
		{"_ga*", "_ga", true},
		{"_hj*_*", "_hjSession_1", true},
		{"_hj*_*", "_hjSession", false},
		{"*ab", "abab", true},
		{"a*a", "a", false},
		{"a*b*c", "a-b-b-c", true},
	} {
		if MatchName(c.pattern, c.name) != c.want {
			t.Errorf("%q against %q: %v", c.name, c.pattern, !c.want)
		}
	}
}

func TestChoices_JSON(t *testing.T) {
	for in, want := range map[string]Choices{
		`{"statistics":true,"marketing":false}`: {Asked: SetOf(Statistics, Marketing), Given: SetOf(Statistics)},
		`{"necessary":true,"statistics":false}`: {Asked: SetOf(Statistics)},
	} {
		var c Choices
		if err := json.Unmarshal([]byte(in), &c); err != nil || c != want {
			t.Errorf("%s: %+v, %v", in, c, err)
		}
	}
	for _, bad := range []string{`{"necessary":false}`, `{"unclassified":true}`, `{"toys":true}`, `{"statistics":null}`, `{"statistics":1}`, `[]`, `"yes"`} {
		var c Choices
		if err := json.Unmarshal([]byte(bad), &c); err == nil {
			t.Errorf("%s was accepted as %+v", bad, c)
		}
	}
	// R2: a no is written as clearly as a yes.
	if b, _ := json.Marshal(Choices{Asked: SetOf(Statistics, Marketing, Preferences), Given: SetOf(Marketing)}); string(b) != `{"marketing":true,"preferences":false,"statistics":false}` {
		t.Errorf("%s", b)
	}
}

// B8: those whose names nobody knows yet count by their hosts.
func TestContent_ThirdParties(t *testing.T) {
	c := Content{Controller: Controller{Name: "Fjord ApS"}, Items: []Item{
		{Provider: "Fjord ApS"}, {Host: "fjord.example", Party: FirstParty}, {Host: ".vendor.example", Party: ThirdParty}, {Host: "vendor.example", Party: ThirdParty}, {Provider: "Google Ireland Limited"}, {Provider: "Google Ireland Limited"}, {Provider: "Meta Platforms Ireland Limited"},
	}}
	if n := c.ThirdParties(); n != 3 {
		t.Errorf("%d third parties, want 3", n)
	}
}

func TestHash_ReadsOnlyItsOwnSpelling(t *testing.T) {
	h := Hash{1, 2, 0xab}
	back, err := ParseHash(h.String())
	if err != nil || back != h {
		t.Error(back, err)
	}
	for _, bad := range []string{"", "ab", NoHash + "0", "G" + NoHash[1:], "A" + NoHash[1:]} {
		if _, err := ParseHash(bad); err == nil {
			t.Errorf("%q was accepted", bad)
		}
	}
}

// The short way must say what the library says, or nothing.
func FuzzChoices(f *testing.F) {
	for _, in := range []string{
		`{}`, `{"marketing":true}`, `{"marketing":true,"statistics":false,"marketing":false}`, `{"marketing":true,}`, `{"necessary":true}`,
		`{"mar\u006beting":true}`, `{"statistics":null}`, `{ "statistics" : true }`, `{"statistics":true}x`, `{"statistics":truefalse}`, `{,}`, ``, `{`,
	} {
		f.Add(in)
	}
	f.Fuzz(func(t *testing.T, in string) {
		got, ok := readPlain([]byte(in))
		if !ok {
			return
		}
		var want map[Category]bool
		if err := json.Unmarshal([]byte(in), &want); err != nil {
			t.Fatalf("%q: %v", in, err)
		}
		var c Choices
		for k, given := range want {
			if !k.Optional() {
				t.Fatalf("%q: %q", in, k)
			}
			c.answer(k, given)
		}
		if got != c {
			t.Fatalf("%q: %+v, want %+v", in, got, c)
		}
	})
}

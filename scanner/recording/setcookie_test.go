package recording

import (
	"reflect"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"samtykke/consent"
	"samtykke/scanner/evidence"
	"samtykke/scanner/judgement"
)

var noon = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

func TestReadSetCookie_ReadsAsBrowsersDo(t *testing.T) {
	for line, want := range map[string]evidence.Write{
		"a=1":                   {Name: "a", Host: "shop.dk"},
		" a = 1 ; Path=/":       {Name: "a", Host: "shop.dk"},
		"gdpr[x]=1; Max-Age=60": {Name: "gdpr[x]", Host: "shop.dk", Lifetime: time.Minute},
		"a=b=c; Domain=Shop.DK; Secure; HttpOnly; SameSite=none; Partitioned":             {Name: "a", Host: ".shop.dk", Secure: true, HTTPOnly: true, SameSite: "None", Partitioned: true, Shape: "code/4"},
		"a=1; domain=.shop.dk; max-age=0":                                                 {Name: "a", Host: ".shop.dk", Removes: true},
		"a=1; MAX-AGE=-5":                                                                 {Name: "a", Host: "shop.dk", Removes: true},
		"a=1; max-age=99999999999999":                                                     {Name: "a", Host: "shop.dk", Lifetime: judgement.MaxLifetime * time.Second},
		"a=1; max-age=x":                                                                  {Name: "a", Host: "shop.dk"},
		"a=1; expires=Thu, 01 Jan 1970 00:00:00 GMT":                                      {Name: "a", Host: "shop.dk", Removes: true},
		"a=1; expires=Sun, 22-Nov-2026 13:00:00 GMT":                                      {Name: "a", Host: "shop.dk", Lifetime: time.Hour},
		"a=1; Expires=Sun, 22 Nov 2026 13:00:00 GMT; Max-Age=10":                          {Name: "a", Host: "shop.dk", Lifetime: 10 * time.Second},
		"a=1; Max-Age=10; Expires=Thu, 01 Jan 1970 00:00:00 GMT":                          {Name: "a", Host: "shop.dk", Lifetime: 10 * time.Second},
		"a=1; Expires=Thu, 01 Jan 1970 00:00:00 GMT; Max-Age=10":                          {Name: "a", Host: "shop.dk", Lifetime: 10 * time.Second},
		"a=1; Expires=Mon Nov 23 2026 12:00:00 GMT+0100 (Central European Standard Time)": {Name: "a", Host: "shop.dk", Lifetime: 24 * time.Hour},
		"a=1; Expires=23-nov-26 12:00:00":                                                 {Name: "a", Host: "shop.dk", Lifetime: 24 * time.Hour},
		"a=1; Expires=in a year":                                                          {Name: "a", Host: "shop.dk", Unclear: true},
		"a=1; Expires=31 Feb 2027 12:00:00":                                               {Name: "a", Host: "shop.dk", Unclear: true},
		"a=1; Expires=in a year; Max-Age=10":                                              {Name: "a", Host: "shop.dk", Lifetime: 10 * time.Second},
		"novalue; Path=/":                                                                 {Name: "", Host: "shop.dk", Shape: "empty/1"},
		"":                                                                                {Name: "", Host: "shop.dk", Shape: "empty/1"},
	} {
		want.Kind = consent.Cookie
		if want.Shape == "" && want.Name != "" {
			want.Shape = "boolean/1"
		}
		if got := readSetCookie(line, "shop.dk", noon); !reflect.DeepEqual(got, want) {
			t.Errorf("%q: %+v, want %+v", line, got, want)
		}
	}
}

func FuzzReadSetCookie(f *testing.F) {
	f.Add("a=secret; Domain=x.dk; Max-Age=1; Expires=Thu, 01 Jan 1970 00:00:00 GMT")
	f.Fuzz(func(t *testing.T, line string) {
		w := readSetCookie(line, "shop.dk", noon)
		if w.Lifetime < 0 || w.Name != strings.TrimSpace(w.Name) {
			t.Errorf("%q: %+v", line, w)
		}
	})
}

// A value may name a person; none gets into the evidence.
func TestReadSetCookie_ForgetsTheValue(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		value := rapid.StringMatching(`SECRET[a-z0-9=]{0,20}`).Draw(t, "value")
		attrs := rapid.SampledFrom([]string{"", "; Path=/", "; Max-Age=5; Domain=shop.dk"}).Draw(t, "attrs")
		w := readSetCookie("name="+value+attrs, "shop.dk", noon)
		if strings.Contains(w.Name+w.Host, "SECRET") {
			t.Fatalf("%+v", w)
		}
	})
}

package widget

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"samtykke/consent"
)

func TestCompile_NamesTheNoticeOnce(t *testing.T) {
	b := compiled(t, shopContent(t))
	if n := bytes.Count(b.JS, []byte(consent.NoHash)); n != 1 {
		t.Errorf("the notice's hash stands %d times in the script", n)
	}
}

func TestCompile_IsDeterministic(t *testing.T) {
	if diff := cmp.Diff(compiled(t, shopContent(t)), compiled(t, shopContent(t))); diff != "" {
		t.Error(diff)
	}
}

// The first language is inlined; each further one is a file of exactly the same keys (B21).
func TestCompile_SplitsLanguages(t *testing.T) {
	c := shopContent(t)
	c.Texts["en"]["title"] = "Cookies at the harbour"
	b := compiled(t, c)
	if bytes.Contains(b.JS, []byte("harbour")) || !bytes.Contains(b.JS, []byte("Må vi bruge cookies?")) {
		t.Error("the script must hold the default language and no other")
	}
	var en texts
	if err := json.Unmarshal(b.Files["en.json"], &en); err != nil {
		t.Fatal(err)
	}
	da := textsOf(&c, "da")
	if en.First[0] != "Cookies at the harbour" || !strings.HasPrefix(en.First[1], "Havnens Kaffe ApS uses") || en.First[2] != "3 third parties" {
		t.Errorf("texts %v", en)
	}
	if diff := cmp.Diff(slices.Sorted(maps.Keys(da.Later)), slices.Sorted(maps.Keys(en.Later))); diff != "" || len(da.First) != len(en.First) {
		t.Error(diff)
	}
}

// What a site doesn't use isn't in its script.
func TestCompile_LeavesOutWhatIsOff(t *testing.T) {
	tests := map[string]struct {
		change func(*consent.Content)
		gone   string
	}{
		"consent mode": {func(c *consent.Content) { c.Banner.ConsentMode = false }, "dataLayer"},
		"GPC":          {func(c *consent.Content) { c.Banner.GPC = false }, "globalPrivacyControl"},
		"corner":       {func(c *consent.Content) { c.Banner.Corner = "none" }, `"reopen"`},
		"category":     {func(c *consent.Content) { c.Banner.Categories = c.Banner.Categories[1:] }, "Husker dine indstillinger"},
		"cleaning":     {func(c *consent.Content) { c.Items = nil }, "clean.js"},
		"languages":    {func(c *consent.Content) { c.Banner.Languages = c.Banner.Languages[:1] }, "documentElement.lang"},
		"form":         {func(c *consent.Content) { c.Banner.Form = "dialog" }, "offsetHeight"},
		"theme":        {func(c *consent.Content) { c.Banner.Theme = "light" }, "prefers-color-scheme"},
	}
	whole := compiled(t, shopContent(t))
	for name, tt := range tests {
		c := shopContent(t)
		tt.change(&c)
		b := compiled(t, c)
		if !bytes.Contains(whole.JS, []byte(tt.gone)) || bytes.Contains(b.JS, []byte(tt.gone)) {
			t.Errorf("%s: %q should be in the whole script and not in this one", name, tt.gone)
		}
	}
}

// Only a modal first layer needs the words for leaving it.
func TestCompile_LeavingIsForModalOnes(t *testing.T) {
	c := shopContent(t)
	for form, want := range map[string]bool{"box": false, "bar": false, "dialog": true} {
		c.Banner.Form = form
		b := compiled(t, c)
		if bytes.Contains(b.JS, []byte("Luk uden at vælge")) != want || bytes.Contains(b.Files["en.json"], []byte("Close without choosing")) != want || bytes.Contains(b.JS, []byte("#leave")) != want {
			t.Errorf("%s: want the way out of a modal layer to be in it: %t", form, want)
		}
	}
}

// B8, B9, B21: a banner that lacks a word, or hides who asks, isn't compiled.
func TestCompile_RefusesIncompleteTexts(t *testing.T) {
	tests := map[string]struct {
		change func(*consent.Content)
		field  string
	}{
		"unknown language": {func(c *consent.Content) { c.Banner.Languages = []string{"da", "xx"} }, "languages"},
		"missing language": {func(c *consent.Content) { delete(c.Texts, "en") }, "texts.en.reject"},
		"missing text":     {func(c *consent.Content) { delete(c.Texts["en"], "reject") }, "texts.en.reject"},
		"blank text":       {func(c *consent.Content) { c.Texts["da"]["saved"] = "  " }, "texts.da.saved"},
		"no controller":    {func(c *consent.Content) { c.Texts["da"]["intro"] = "Vi bruger {third_parties}." }, "texts.da.intro"},
		"no third parties": {func(c *consent.Content) { c.Texts["en"]["intro"] = "{controller} uses cookies." }, "texts.en.intro"},
		"bad banner":       {func(c *consent.Content) { c.Banner.Accent = "red" }, "accent"},
	}
	for name, tt := range tests {
		c := shopContent(t)
		tt.change(&c)
		_, err := Compile(c, testBase)
		var e *consent.Error
		if !errors.As(err, &e) || e.Kind != consent.KindInvalid || e.Fields[tt.field] == "" {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// Whatever an owner writes is text, never markup or code.
func TestCompile_QuotesWhatOwnersWrite(t *testing.T) {
	c := shopContent(t)
	c.Controller.Name = "</script><img onerror=x> \" ' ` ${1} \u2028 \\"
	b := compiled(t, c)
	if bytes.Contains(b.JS, []byte("</script")) {
		t.Error("the script could end a surrounding script element")
	}
}

func compiled(t testing.TB, c consent.Content) consent.Bundle {
	t.Helper()
	b, err := Compile(c, testBase)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// B21: every language has the same keys and placeholders, and no words of another.
func TestTexts_AreWholeInEveryLanguage(t *testing.T) {
	placeholders := regexp.MustCompile(`\{\w+\}`)
	da, _ := Texts("da")
	for _, lang := range Languages() {
		texts, ok := Texts(lang)
		if !ok {
			t.Fatalf("no texts in %s", lang)
		}
		if diff := cmp.Diff(slices.Sorted(maps.Keys(da)), slices.Sorted(maps.Keys(texts))); diff != "" {
			t.Errorf("%s: %s", lang, diff)
		}
		for key, words := range texts {
			if strings.TrimSpace(words) == "" || words != strings.TrimSpace(words) {
				t.Errorf("%s.%s is empty or has white space around it", lang, key)
			}
			want, got := placeholders.FindAllString(da[key], -1), placeholders.FindAllString(words, -1)
			slices.Sort(want)
			slices.Sort(got)
			if !slices.Equal(want, got) {
				t.Errorf("%s.%s has %q, want %q", lang, key, got, want)
			}
		}
	}
	foreign := map[string]string{
		"da": `(?i)\b(the|and|your|you|we|our|consent|privacy|settings|accept all|all)\b`,
		"en": `(?i)\b(og|du|dit|vi|ikke|samtykke|afvis|til)\b|[æøå]`,
	}
	for lang, words := range foreign {
		texts, _ := Texts(lang)
		for key, text := range texts {
			if found := regexp.MustCompile(words).FindString(placeholders.ReplaceAllString(text, "")); found != "" {
				t.Errorf("%s.%s has the word %q", lang, key, found)
			}
		}
	}
	if _, ok := Texts("xx"); ok {
		t.Error("there are texts in xx")
	}
	da["accept"] = "changed"
	if again, _ := Texts("da"); again["accept"] == "changed" {
		t.Error("a caller can change the standard texts")
	}
}

// B8: the sentence about third parties reads well with any number of them, and never as if they needed no yes.
func TestTexts_CountThirdParties(t *testing.T) {
	want := map[string][]string{
		"da": {"kun, hvis du siger ja – af os og ingen andre.", "kun, hvis du siger ja – af os og én tredjepart.", "kun, hvis du siger ja – af os og 2 tredjeparter."},
		"en": {"only if you say yes, by us and no one else.", "only if you say yes, by us and one third party.", "only if you say yes, by us and 2 third parties."},
	}
	for lang, sentences := range want {
		texts, _ := Texts(lang)
		for n, sentence := range sentences {
			if got := strings.ReplaceAll(texts["intro"], "{third_parties}", thirdParties(texts, n)); !strings.HasSuffix(got, sentence) {
				t.Errorf("%s with %d third parties: %q", lang, n, got)
			}
		}
	}
}

// B4, WCAG 1.4.3, 1.4.11: whatever the accent, labels, links and focus rings can be read.
func TestStyle_ContrastsWithAnyAccent(t *testing.T) {
	for _, p := range []palette{light, dark} {
		if contrast(p.ink, p.paper) < 7 || contrast(p.soft, p.paper) < 4.5 {
			t.Errorf("the text of %+v is too weak", p)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		accent := fmt.Sprintf("#%06x", rapid.IntRange(0, 0xffffff).Draw(t, "accent"))
		if c := contrast(labelOn(accent), accent); c < 4.5 {
			t.Errorf("label on %s: %.2f", accent, c)
		}
		for _, p := range []palette{light, dark} {
			link := regexp.MustCompile(`--s-link:(#\w+|var)`).FindStringSubmatch(strings.Join(colours(accent)(p), ";"))[1]
			if link == "var" { // that of the ink
				link = p.ink
			}
			if c := contrast(link, p.paper); c < 4.5 {
				t.Errorf("link for %s on %s: %.2f", accent, p.paper, c)
			}
		}
	})
	if c := contrast("#777777", "#ffffff"); c < 4.47 || c > 4.49 {
		t.Errorf("contrast of #777777 on white is %.3f, want 4.48", c)
	}
}

// The script's table of names says the same as the declaration, and spares what is necessary.
func TestClearable_MatchesTheDeclaration(t *testing.T) {
	got := clearable(shopItems(), false)
	want := [][]string{
		{"necessary", "_gate", "", ""},
		{"preferences", "view", "theme", ""},
		{"statistics", `_ga|_ga_.*|_gat.*`, "", `visit\..*`},
		{"marketing", "_fbp", "ads", ""},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if table := clearable(shopItems()[:3], false); table != nil {
		t.Errorf("only necessary items give %v", table)
	}
	rapid.Check(t, func(t *rapid.T) {
		name, pattern := rapid.StringMatching(`[a-c.*]{1,5}`).Draw(t, "name"), rapid.StringMatching(`[a-c.*]{1,5}`).Draw(t, "pattern")
		item := consent.Item{Kind: consent.Cookie, Name: pattern, Party: consent.FirstParty, Category: consent.Marketing}
		re := regexp.MustCompile("^(?:" + namesOf([]consent.Item{item}, consent.Marketing, consent.Cookie, func(*consent.Item) bool { return true })[0] + ")$")
		if re.MatchString(name) != item.Matches(name) {
			t.Errorf("%q and %q: the expression %s and the item disagree", pattern, name, re)
		}
	})
}

func BenchmarkCompile(b *testing.B) {
	c := shopContent(b)
	for b.Loop() {
		if _, err := Compile(c, testBase); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkBundle_Size(b *testing.B) {
	var js []byte
	for b.Loop() {
		js = compiled(b, shopContent(b)).JS
	}
	b.ReportMetric(float64(len(js)), "raw_bytes")
	b.ReportMetric(float64(gzipSize(js)), "gzip_bytes")
	b.ReportMetric(float64(brotliSize(js)), "brotli_bytes")
}

package declaration

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"samtykke/consent"
)

// D2: lifetimes in words, in both languages, with their plurals.
func TestLifetime_SpeaksInWords(t *testing.T) {
	for _, c := range []struct {
		d      time.Duration
		da, en string
	}{
		{time.Millisecond, "1 sekund", "1 second"},
		{time.Second, "1 sekund", "1 second"},
		{30 * time.Second, "30 sekunder", "30 seconds"},
		{time.Minute, "1 minut", "1 minute"},
		{90 * time.Second, "90 sekunder", "90 seconds"},
		{30 * time.Minute, "30 minutter", "30 minutes"},
		{time.Hour, "1 time", "1 hour"},
		{90 * time.Minute, "90 minutter", "90 minutes"},
		{12 * time.Hour, "12 timer", "12 hours"},
		{day, "1 dag", "1 day"},
		{36 * time.Hour, "36 timer", "36 hours"},
		{2 * day, "2 dage", "2 days"},
		{7 * day, "7 dage", "7 days"},
		{28 * day, "28 dage", "28 days"},
		{30 * day, "1 måned", "1 month"},
		{31 * day, "1 måned", "1 month"},
		{45 * day, "45 dage", "45 days"},
		{90 * day, "3 måneder", "3 months"},
		{180 * day, "6 måneder", "6 months"},
		{364*day + 23*time.Hour + 59*time.Minute + 58*time.Second, "1 år", "1 year"},
		{365 * day, "1 år", "1 year"},
		{366 * day, "1 år", "1 year"},
		{390 * day, "13 måneder", "13 months"},
		{395 * day, "13 måneder", "13 months"},
		{400 * day, "400 dage", "400 days"},
		{730 * day, "2 år", "2 years"},
		{10 * 365 * day, "10 år", "10 years"},
	} {
		if da, en := standard["da"].lifetime(c.d), standard["en"].lifetime(c.d); da != c.da || en != c.en {
			t.Errorf("%v: %q and %q, want %q and %q", c.d, da, en, c.da, c.en)
		}
	}
}

// D2: the words are never far from the truth, and short of it by no more than 2 % or a day.
func TestLifetime_StaysNearTheTruth(t *testing.T) {
	units := map[string]time.Duration{}
	for _, s := range spans {
		for _, form := range standard["en"].units[s.name] {
			units[form] = s.unit
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		d := time.Duration(rapid.Int64Range(60, 20*365*86400).Draw(t, "seconds")) * time.Second
		said := standard["en"].lifetime(d)
		var n int64
		var unit string
		if _, err := fmt.Sscan(said, &n, &unit); err != nil {
			t.Fatal(err)
		}
		if over := time.Duration(n)*units[unit] - d; over > d*3/200 || -over > min(day, d/50) {
			t.Errorf("%v is called %q", d, said)
		}
	})
}

func TestLifetime_OfStorageThatHasNone(t *testing.T) {
	for _, c := range []struct {
		i    consent.Item
		want string
	}{
		{consent.Item{Kind: consent.Cookie}, "Session (slettes, når du lukker browseren)"},
		{consent.Item{Kind: consent.SessionStorage}, "Session (slettes, når du lukker fanen)"},
		{consent.Item{Kind: consent.LocalStorage, Lifetime: consent.Persistent}, "Indtil det bliver slettet"},
	} {
		if got := standard["da"].itemLifetime(&c.i); got != c.want {
			t.Errorf("%v: %q, want %q", c.i, got, c.want)
		}
	}
}

// What every language says is the same: same keys, same sections, same number of paragraphs and facts.
func TestTexts_AreComplete(t *testing.T) {
	shape := func(lang string) (keys []string) {
		w := standard[lang]
		for k, v := range w.text {
			keys = append(keys, k+" "+fmt.Sprint(slices.Sorted(slices.Values(placeholder.FindAllString(v, -1)))))
			if v == "" && k != "unclassified_basis" {
				t.Errorf("%s: %s is empty", lang, k)
			}
		}
		for _, s := range w.sections {
			for i, p := range s.Paragraphs {
				keys = append(keys, fmt.Sprint(s.ID, i, placeholder.FindAllString(p, -1)))
			}
			for i, f := range s.Facts {
				keys = append(keys, fmt.Sprint(s.ID, " fact ", i, f.Text == "", len(f.Links)))
			}
		}
		slices.Sort(keys)
		return keys
	}
	if d := cmp.Diff(shape("da"), shape("en")); d != "" {
		t.Errorf("da and en differ:\n%s", d)
	}
}

var placeholder = regexp.MustCompile(`\{[a-z_]+\}`)

// D14: nothing that is untrue or outdated. D7: the authorities' present addresses.
func TestTexts_ClaimNothingUntrue(t *testing.T) {
	banned := regexp.MustCompile(`(?i)anonym|harmless|ufarlig|uskadelig|privacy shield|erhvervsstyrelsen|business authority|borgergade|35 46 60 00|bedre oplevelse|better experience|nemid`)
	for _, lang := range []string{"da", "en"} {
		raw, err := textFiles.ReadFile("texts/" + lang + ".json")
		if err != nil {
			t.Fatal(err)
		}
		if bad := banned.FindAll(raw, -1); bad != nil {
			t.Errorf("%s says %q", lang, bad)
		}
		for _, want := range []string{"Carl Jacobsens Vej 35, 2500 Valby", "33 19 32 00", "dt@datatilsynet.dk", "Landgreven 4, 1301", "33 92 52 00", "digst@digst.dk"} {
			if !strings.Contains(string(raw), want) {
				t.Errorf("%s lacks %q", lang, want)
			}
		}
	}
}

func TestOutsideEEA(t *testing.T) {
	for country, want := range map[string]bool{"": false, "DK": false, "NO": false, "IE": false, "EU": false, "US": true, "GB": true, "CH": true, "us": true} {
		if got := outsideEEA(country); got != want {
			t.Errorf("%q: %v", country, got)
		}
	}
	if n := len(strings.Fields(eea)); n != 31 {
		t.Errorf("%d entries: the EEA has 30 countries, and EU stands for them", n)
	}
	if da, en := countryName("US", "da"), countryName("US", "en"); da != "USA" || en != "United States" {
		t.Errorf("%q %q", da, en)
	}
}

// notices is a site's history: the newest adds _ga and drops old_one.
func notices() []consent.Notice {
	item := func(name string, c consent.Category, change ...func(*consent.Item)) consent.Item {
		i := consent.Item{Kind: consent.Cookie, Name: name, Host: "shop.example", Party: consent.FirstParty, Category: c, Provider: "Shop ApS"}
		for _, f := range change {
			f(&i)
		}
		return i
	}
	content := consent.Content{
		Site: "shopshop", SiteName: "Shop", Homepage: "https://shop.example/", Controller: consent.Controller{Name: "Shop ApS"}, Banner: consent.DefaultBanner(),
		Texts: map[string]map[string]string{"da": {"statistics_name": "Besøgstal"}},
	}
	newer := content
	content.Items = []consent.Item{item("old_one", consent.Marketing)}
	newer.Items = []consent.Item{
		item("sid", consent.Necessary, func(i *consent.Item) { i.Reason = map[string]string{"da": "Kurven."} }),
		item("_ga", consent.Statistics, func(i *consent.Item) {
			i.Provider, i.Country, i.Purpose = "Google Ireland, Ltd.", "US", map[string]string{"en": "Counts visits."}
		}),
		item("what", consent.Unclassified, func(i *consent.Item) { i.Purpose = map[string]string{"da": "Gættet."} }),
	}
	first := time.Date(2026, 2, 6, 9, 0, 0, 0, time.UTC)
	return []consent.Notice{
		{Site: "shopshop", Version: 2, ValidFrom: first.AddDate(0, 9, 0), Reason: "internal words", Author: "ea@shop.example", Content: newer},
		{Site: "shopshop", Version: 1, ValidFrom: first, Reason: "internal words", Content: content},
	}
}

func mustOf(t *testing.T, at int, lang string) Declaration {
	t.Helper()
	d, err := Of(notices(), at, lang, nil)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// D3, D12: necessary first, unclassified last and without a purpose; names are those that the banner used.
func TestOf_GroupsByCategory(t *testing.T) {
	d := mustOf(t, 0, "da")
	var got []string
	for _, c := range d.Categories {
		got = append(got, c.Name)
		if (c.LegalBasis == "") != (c.Category == consent.Unclassified) {
			t.Errorf("%s: legal basis %q", c.Name, c.LegalBasis)
		}
	}
	if diff := cmp.Diff([]string{"Nødvendige", "Præferencer", "Besøgstal", "Marketing", "Ikke klassificeret"}, got); diff != "" {
		t.Error(diff)
	}
	if b := d.Categories[0].LegalBasis; !strings.Contains(b, "§\u00a04") {
		t.Error(b)
	}
	if b := d.Categories[2].LegalBasis; !strings.Contains(b, "§\u00a03") || !strings.Contains(b, "artikel 6, stk. 1, litra a") {
		t.Error(b)
	}
	last := d.Categories[4]
	if i := last.Items[0]; i.Purpose != "" || !strings.Contains(last.Description, "blokeret") {
		t.Errorf("%q %q", i.Purpose, last.Description)
	}
}

// B24: the banner's own cookie is declared even where the owner forgot it, and once where the owner didn't.
func TestOf_DeclaresTheBannersOwnCookie(t *testing.T) {
	d := mustOf(t, 0, "da")
	own := d.Categories[0].Items[0]
	if own.Name != "samtykke" || own.Host != "shop.example" || own.Provider != "Shop ApS" || own.Lifetime != "1 år" || own.Reason == "" {
		t.Errorf("%+v", own)
	}
	ns := notices()
	ns[0].Content.Items = append(ns[0].Content.Items, consent.Item{Kind: consent.Cookie, Name: "samtykke", Category: consent.Necessary})
	d, err := Of(ns, 0, "da", nil)
	if err != nil || len(d.Categories[0].Items) != 2 {
		t.Errorf("%v %+v", err, d.Categories[0].Items)
	}
}

// D1: what nobody has told is said to be missing, and what is told in another language only is marked so.
func TestOf_SaysWhatIsMissing(t *testing.T) {
	d := mustOf(t, 0, "da")
	if ga := d.Categories[2].Items[0]; ga.Purpose != "Counts visits." || ga.PurposeLanguage != "en" || !ga.OutsideEEA || ga.CountryName != "USA" {
		t.Errorf("%+v", ga)
	}
	if sid := d.Categories[0].Items[1]; sid.Purpose != "Formålet er ikke oplyst." || sid.PurposeLanguage != "da" || sid.Reason != "Kurven." {
		t.Errorf("%+v", sid)
	}
}

// D5: the list of versions with what changed; what the owner wrote as reason and author stays inside.
func TestOf_TellsItsVersions(t *testing.T) {
	d := mustOf(t, 1, "en")
	none, never := []string{}, []consent.Category{}
	want := []Version{
		{
			Version: 2, ValidFrom: time.Date(2026, 11, 6, 9, 0, 0, 0, time.UTC), URL: "/d/shopshop/2/en", Added: []string{"sid", "_ga", "what"}, Removed: []string{"old_one"},
			Changed: []Change{}, CategoriesAdded: never, CategoriesRemoved: never, TextsChanged: none,
		},
		{
			Version: 1, ValidFrom: time.Date(2026, 2, 6, 9, 0, 0, 0, time.UTC), URL: "/d/shopshop/1/en", Added: none, Removed: none,
			Changed: []Change{}, CategoriesAdded: never, CategoriesRemoved: never, TextsChanged: none,
		},
	}
	if diff := cmp.Diff(want, d.Versions); diff != "" {
		t.Error(diff)
	}
	if d.ValidUntil == nil || !d.ValidUntil.Equal(want[0].ValidFrom) || !strings.Contains(d.Intro[2], "valid from 6 February 2026 to 6 November 2026") {
		t.Errorf("%v %q", d.ValidUntil, d.Intro)
	}
	raw, err := json.Marshal(d)
	if err != nil || strings.Contains(string(raw), "internal") || strings.Contains(string(raw), "ea@shop") {
		t.Errorf("%v %s", err, raw)
	}
}

// D7: transfers are told by country, each provider once, and only where there are any.
func TestOf_TellsTransfers(t *testing.T) {
	section := func(d Declaration) *Section {
		if i := slices.IndexFunc(d.Sections, func(s Section) bool { return s.ID == "transfers" }); i >= 0 {
			return &d.Sections[i]
		}
		return nil
	}
	ns := notices()
	ns[0].Content.Items = append(ns[0].Content.Items, ns[0].Content.Items[1])
	d, err := Of(ns, 0, "en", nil)
	if err != nil {
		t.Fatal(err)
	}
	if s := section(d); s == nil || len(s.Facts) != 1 || s.Facts[0].Label != "United States" || s.Facts[0].Text != "Google Ireland, Ltd." {
		t.Errorf("%+v", s)
	}
	if s := section(mustOf(t, 1, "da")); s != nil {
		t.Errorf("nothing is transferred, but: %+v", s)
	}
}

func TestOf_RefusesUnknownLanguage(t *testing.T) {
	for _, lang := range []string{"", "de", "DA", "../da"} {
		if _, err := Of(notices(), 0, lang, nil); consent.KindOf(err) != consent.KindNotFound {
			t.Errorf("%q: %v", lang, err)
		}
	}
}

package cookiedb

import (
	"bytes"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"samtykke/consent"
)

// Each source only speaks where those before it are silent.
func TestDecide_Order(t *testing.T) {
	for _, c := range []struct {
		about                   string
		kind                    consent.ItemKind
		name, host, party, from string
		want                    consent.Category
	}{
		{"our own file, on the vendor's host", consent.Cookie, "IDE", ".doubleclick.net", "third", "https://", consent.Marketing},
		{"our own file, by name", consent.Cookie, "_ga", ".shop.dk", "first", "https://", consent.Statistics},
		{"the Open Cookie Database", consent.Cookie, unclaimed(t, Embedded().ocd()), "shop.dk", "first", SourceOCD, ""},
		{"the advertisers' disclosures", consent.LocalStorage, unclaimed(t, Embedded().tcf()), "shop.dk", "first", SourceTCF, ""},
		{"our own file's host", consent.Cookie, "never-heard-of", "px.ads.linkedin.com", "third", "https://", consent.Marketing},
		{"third-party-web", consent.Cookie, "never-heard-of", "x." + unclaimedHost(t, "ad"), "third", SourceHosts, consent.Marketing},
		{"the model, though the host is known to serve everyone", consent.Cookie, "never-heard-of", "x." + unclaimedHost(t, "cdn"), "third", SourceModel, ""},
		{"the model", consent.Cookie, "never-heard-of", "shop.dk", "first", SourceModel, ""},
	} {
		m := Decide(c.kind, Features{Name: c.name, Host: c.host, Party: c.party, Days: 30})
		if !strings.HasPrefix(m.Source, c.from) || c.want != "" && m.Category != c.want {
			t.Errorf("%s: %s is %s by %s", c.about, c.name, m.Category, m.Source)
		}
		if m.Confidence <= 0 || m.Confidence > 1 || !m.Category.Valid() {
			t.Errorf("%s: %+v", c.about, m)
		}
		if own := strings.HasPrefix(m.Source, "https://"); !own && m.Pattern != "" {
			t.Errorf("%s: a pattern outranks the owner's declaration, and %s has one", c.about, m.Source)
		}
	}
}

// unclaimed finds a fact that no source before it knows.
func unclaimed(t *testing.T, facts []fact) string {
	t.Helper()
	for _, f := range facts {
		if strings.Contains(f.name, "*") || f.host != "" || len(f.name) < 4 {
			continue
		}
		own := false
		for _, kind := range []consent.ItemKind{consent.Cookie, consent.LocalStorage} {
			_, ok := lookupName(kind, f.name, "")
			own = own || ok
		}
		_, worth := shared().ocd.find(f.name, "", false)
		if f.storage && worth > 0 {
			own = true
		}
		if !own && (f.storage || f.provider != "") {
			return f.name
		}
	}
	t.Fatal("everything in the table is known already")
	return ""
}

// unclaimedHost finds a host of this sort that no file of ours knows.
func unclaimedHost(t *testing.T, sort string) string {
	t.Helper()
	for _, host := range sortedKeys(shared().hosts) {
		if _, ok := Host(host); !ok && shared().hosts[host].sort == sort {
			return host
		}
	}
	t.Fatalf("every host for %s is known already", sort)
	return ""
}

// Names as people write them, that no table holds.
func TestDecide_UnderstandsWords(t *testing.T) {
	for name, want := range map[string]consent.Category{
		"shop_csrf_token": consent.Necessary, "loadbalancer_node": consent.Necessary, "minSamtykkeValg": consent.Necessary,
		"site_language": consent.Preferences, "butikSprog": consent.Preferences, "chat_open": consent.Preferences, "darkMode": consent.Preferences,
		"abtest_group": consent.Statistics, "adCampaign": consent.Marketing, "affiliate_ref_shop": consent.Marketing,
	} {
		m := Classify(name, "www.shop.dk", consent.FirstParty, 30)
		if m.Category != want || m.Confidence < Trusted {
			t.Errorf("%s: %s, %.2f by %s", name, m.Category, m.Confidence, m.Source)
		}
	}
	if m := Classify("qzx", "tracker.example", consent.ThirdParty, 365); m.Category != consent.Marketing || m.Confidence > 0.95 {
		t.Errorf("a stranger's cookie: %s, %.2f", m.Category, m.Confidence)
	}
	// A session is often a visit that is measured: nobody may trust in the word.
	if m := Classify("myShopSessionId", "www.shop.dk", consent.FirstParty, 0); m.Category != consent.Necessary || m.Confidence >= Trusted {
		t.Errorf("a session: %s, %.2f", m.Category, m.Confidence)
	}
	if m := Classify("qzx", "www.shop.dk", consent.FirstParty, 365); m.Confidence >= Trusted {
		t.Errorf("nobody can know this, yet %s is said with %.2f", m.Category, m.Confidence)
	}
}

// What a scan sees besides the name has its say.
func TestDecide_WeighsWhatTheBrowserSays(t *testing.T) {
	necessary := func(f Features) float64 {
		h := f.hashes(shared(), spelling(f.Name), nil)
		return f.weigh(trained().probabilities(h), nil)[0]
	}
	f := Features{Name: "qzx", Host: "shop.dk", Party: consent.FirstParty}
	hidden, id := f, f
	hidden.HTTPOnly = true
	id.Shape = "uuid/64"
	if plain := necessary(f); necessary(hidden) <= plain || necessary(id) >= plain {
		t.Errorf("necessary: %.2f, HttpOnly %.2f, with an id %.2f", plain, necessary(hidden), necessary(id))
	}
}

// A wrong necessary lets something run that must wait for a yes: the model needs a word for it, or hardly any doubt.
func TestDecide_NeverGuessesNecessaryWithoutEvidence(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		f := Features{
			Name:  rapid.OneOf(rapid.StringMatching(`[a-zA-Z0-9_.-]{1,30}`), rapid.String()).Draw(t, "name"),
			Host:  rapid.SampledFrom([]string{"shop.dk", "x.tracker.example", "", "..", "cdn.cookielaw.org"}).Draw(t, "host"),
			Party: rapid.SampledFrom([]string{"first", "third", ""}).Draw(t, "party"),
			Days:  rapid.Float64().Draw(t, "days"), HTTPOnly: rapid.Bool().Draw(t, "httponly"),
			Shape: rapid.SampledFrom([]string{"", "token/256", "boolean/1", "nonsense"}).Draw(t, "shape"),
		}
		m := Decide(consent.Cookie, f)
		if !m.Category.Valid() || m.Confidence < 0 || m.Confidence > 1 {
			t.Fatalf("%+v: %+v", f, m)
		}
		if m.Source != SourceModel || m.Category != consent.Necessary {
			return
		}
		strong, weak := false, false
		for _, c := range meant(spelling(f.Name)) {
			strong, weak = strong || evidence[c], weak || ambiguous[c]
		}
		switch {
		case strong && m.Confidence >= likely, !strong && !weak && m.Confidence >= certain, !strong && weak && m.Confidence < Trusted:
		default:
			t.Fatalf("%q guessed necessary with %.2f", f.Name, m.Confidence)
		}
	})
}

func TestSpelling(t *testing.T) {
	for name, want := range map[string]string{
		"": "", "_ga": "_ga", "shopSessionId": "shop_session_id", "JSESSIONID": "jsessionid", "visit-2024.11": "visit_0_0",
		"pref_9f8e7d6c5b4a": "pref_~", "id550e8400": "id0e0", "abcdefab": "abcdefab", "ÆbleKurv": "æble_kurv", "a\xff\xffb": "a_b",
	} {
		if got := spelling(name); got != want {
			t.Errorf("%q: %q, want %q", name, got, want)
		}
	}
}

// The same examples give the same bytes, and what was learnt can be asked for again.
func TestTrain_IsReproducible(t *testing.T) {
	var examples []Example
	for _, s := range []string{"a", "b", "c", "d", "e"} {
		examples = append(examples,
			Example{Features: Features{Name: s + "_lang", Party: "first", Days: 30}, Category: consent.Preferences, Weight: 1, Vendor: s},
			Example{Features: Features{Name: s + "_csrf", Party: "first"}, Category: consent.Necessary, Weight: 1, Vendor: s},
			Example{Features: Features{Name: s + "_visits", Party: "first", Days: 30}, Category: consent.Statistics, Weight: 1, Vendor: s},
			Example{Features: Features{Name: s + "_ads", Party: "third", Days: 30}, Category: consent.Marketing, Weight: 1, Vendor: s})
	}
	one, two := Train(Tables{}, examples), Train(Tables{}, examples)
	if !bytes.Equal(one, two) {
		t.Fatal("two trainings differ")
	}
	m := readModel(one)
	for name, want := range map[string]consent.Category{"zz_lang": consent.Preferences, "zz_csrf": consent.Necessary, "zz_visits": consent.Statistics} {
		f := Features{Name: name, Party: "first", Days: 30}
		if p := m.probabilities(f.hashes(shared(), spelling(name), meant(spelling(name)))); classOrder[likeliest(p)] != want {
			t.Errorf("%s: %v", name, p)
		}
	}
	if p := readModel([]byte("no model")).probabilities(hasher{1, 2}); p[0] != 0.25 {
		t.Errorf("a file that is none knows something: %v", p)
	}
	if len(modelFile) > 150_000 || readModel(modelFile).step == 0 {
		t.Errorf("the embedded model is %d bytes", len(modelFile))
	}
}

func TestCrossValidate_KeepsVendorsApart(t *testing.T) {
	examples := make([]Example, 0, 200)
	for i := range 200 {
		// Every vendor's names are alike, and its category can't be told from anybody else's.
		vendor := strings.Repeat(string(rune('a'+i%20)), 4)
		examples = append(examples, Example{Features: Features{Name: vendor, Party: "first"}, Category: classOrder[i%20%4], Weight: 1, Vendor: vendor})
	}
	report := CrossValidate(Tables{}, examples)
	if !strings.Contains(report, "200 asked") || strings.Contains(report, "accuracy 1.000") {
		t.Errorf("a vendor's own examples were learnt from:\n%s", report)
	}
}

func FuzzClassify(f *testing.F) {
	f.Add("_ga", ".shop.dk", "first", 730.0)
	f.Add("ÆØÅ\xff", "..", "", -1.0)
	f.Add("", "", "third", 0.0)
	f.Fuzz(func(t *testing.T, name, host, party string, days float64) {
		m := Classify(name, host, party, days)
		if !m.Category.Valid() || !(m.Confidence >= 0 && m.Confidence <= 1) {
			t.Errorf("%q on %q: %+v", name, host, m)
		}
	})
}

func BenchmarkClassify(b *testing.B) {
	names := []string{"_ga", "PHPSESSID", "_zendesk_authenticated", "my_shop_sessionTokenX91", "never-heard-of"}
	Classify("warm", "up.dk", "first", 0)
	for i := 0; b.Loop(); i++ {
		Classify(names[i%len(names)], "www.shop.dk", "first", 30)
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "rows/s")
}

package cookiedb

import (
	"bytes"
	"encoding/json"
	"io/fs"
	"net/url"
	"slices"
	"strings"
	"testing"

	"samtykke/consent"
)

func TestVendors_FilesFitTheType(t *testing.T) {
	names, err := fs.Glob(files, "vendors/*.json")
	if err != nil || len(names) < 60 {
		t.Fatalf("%d files, %v", len(names), err)
	}
	for _, name := range names {
		data, _ := files.ReadFile(name)
		d := json.NewDecoder(bytes.NewReader(data))
		d.DisallowUnknownFields()
		var v Vendor
		if err := d.Decode(&v); err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		checkVendor(t, name, &v)
	}
}

func checkVendor(t *testing.T, file string, v *Vendor) {
	t.Helper()
	if u, err := url.Parse(v.Source); v.Vendor == "" || err != nil || u.Host == "" {
		t.Errorf("%s lacks a name or a source", file)
	}
	if !v.Category.Valid() || v.Category == consent.Unclassified {
		t.Errorf("%s: category %q", file, v.Category)
	}
	if (v.Provider == "") && len(v.Items) == 0 || v.Country != "" && len(v.Country) != 2 {
		t.Errorf("%s: provider %q, country %q", file, v.Provider, v.Country)
	}
	if len(v.Items) == 0 && len(v.Hosts) == 0 {
		t.Errorf("%s says nothing", file)
	}
	for _, h := range v.Hosts {
		if !consent.ValidDomain(h) {
			t.Errorf("%s: host %q", file, h)
		}
	}
	for _, k := range v.Items {
		checkKnown(t, file, &k)
	}
}

func checkKnown(t *testing.T, file string, k *Known) {
	t.Helper()
	kind := k.Kind
	if kind == "" {
		kind = consent.Cookie
	}
	life, err := ParseLifetime(k.Lifetime)
	if err != nil {
		t.Errorf("%s: %s: %v", file, k.Name, err)
	}
	item := consent.Item{Kind: kind, Name: k.Name, Host: k.Host, Party: consent.FirstParty, Category: k.Category, Lifetime: life, Purpose: k.Purpose, Reason: k.Reason}
	if err := item.Validate(); err != nil || strings.HasPrefix(k.Name, "*") {
		t.Errorf("%s: %s: %v", file, k.Name, err)
	}
	necessary := k.Category == consent.Necessary
	for _, lang := range []string{"da", "en"} {
		if p := k.Purpose[lang]; p == "" || !strings.HasSuffix(p, ".") || necessary != (k.Reason[lang] != "") {
			t.Errorf("%s: %s lacks a purpose, or a reason where it is necessary (%s)", file, k.Name, lang)
		}
	}
	storage := kind == consent.LocalStorage || kind == consent.SessionStorage || kind == consent.IndexedDB
	if storage && k.Lifetime != "session" && k.Lifetime != "persistent" {
		t.Errorf("%s: %s: storage lasts for the session or until it is removed", file, k.Name)
	}
}

func TestVendors_NoNameIsKnownTwice(t *testing.T) {
	vendors, err := Vendors()
	if err != nil {
		t.Fatal(err)
	}
	hosts, items := map[string]string{}, map[[3]string]string{}
	for _, v := range vendors {
		for _, h := range v.Hosts {
			if other := hosts[h]; other != "" {
				t.Errorf("host %s: %s and %s", h, other, v.Vendor)
			}
			hosts[h] = v.Vendor
		}
		for _, k := range v.Items {
			id := [3]string{string(k.Kind), k.Name, k.Host}
			if other := items[id]; other != "" {
				t.Errorf("%v: %s and %s", id, other, v.Vendor)
			}
			items[id] = v.Vendor
		}
	}
}

func TestLookup_Order(t *testing.T) {
	for _, c := range []struct {
		kind       consent.ItemKind
		name, host string
		vendor     string
		category   consent.Category
		pattern    string
	}{
		{consent.Cookie, "_ga", ".shop.dk", "Google Analytics", consent.Statistics, "_ga"},
		{consent.Cookie, "_ga_ABC123", ".shop.dk", "Google Analytics", consent.Statistics, "_ga_*"},
		{consent.Cookie, "_gat_UA-1", ".shop.dk", "Google Analytics", consent.Statistics, "_gat_*"},
		{consent.Cookie, "_gcl_au", "shop.dk", "Google Ads", consent.Marketing, "_gcl_au"},
		{consent.Cookie, "_gcl_aw", "shop.dk", "Google Ads", consent.Marketing, "_gcl_*"},
		{consent.Cookie, "IDE", ".doubleclick.net", "Google Ads", consent.Marketing, "IDE"},
		{consent.Cookie, "JSESSIONID", "shop.dk", "Java-servlets", consent.Necessary, "JSESSIONID"},
		{consent.Cookie, "JSESSIONID", "bam.nr-data.net", "New Relic", consent.Statistics, "JSESSIONID"},
		{consent.Cookie, "uid", "track.adform.net", "Adform", consent.Marketing, "uid"},
		{consent.Cookie, "uid", ".criteo.com", "Criteo", consent.Marketing, "uid"},
		{consent.Cookie, "never-heard-of", "px.ads.linkedin.com", "LinkedIn", consent.Marketing, ""},
		{consent.LocalStorage, "yt-remote-device-id", "www.youtube.com", "YouTube", consent.Marketing, "yt-remote-device-id"},
		{consent.Cookie, "samtykke", "shop.dk", "Samtykke", consent.Necessary, "samtykke"},
		{consent.Cookie, "_tl_ses.4711", "shop.localhost", "Tælleren", consent.Statistics, "_tl_ses.*"},
		{consent.LocalStorage, "fh_kvalitet", "video.localhost", "Filmhylden", consent.Marketing, "fh_kvalitet"},
		{consent.Cookie, "cart", "shop.myshopify.com", "Shopify", consent.Necessary, "cart"},
		{consent.Cookie, "_tracking_consent", "shop.dk", "Shopify", consent.Necessary, "_tracking_consent"},
		{consent.Cookie, "_GRECAPTCHA", "www.google.com", "Google reCAPTCHA", consent.Statistics, "_GRECAPTCHA"},
		{consent.Cookie, "NID", ".google.com", "Google Ads", consent.Marketing, "NID"},
		{consent.Cookie, "bSession", "shop.dk", "Wix statistik", consent.Statistics, "bSession"},
		{consent.Cookie, "TS01ab23", "shop.dk", "Lastfordeling på egne servere", consent.Necessary, "TS01*"},
		{consent.Cookie, "audit", ".rubiconproject.com", "Magnite (Rubicon Project)", consent.Marketing, "audit"},
	} {
		m, ok := Lookup(c.kind, c.name, c.host)
		if !ok || m.Vendor != c.vendor || m.Category != c.category || m.Pattern != c.pattern {
			t.Errorf("%s %s on %s: %v %s %s %q", c.kind, c.name, c.host, ok, m.Vendor, m.Category, m.Pattern)
		}
	}
}

func TestLookup_KeepsSilentWhereNothingIsKnown(t *testing.T) {
	for _, c := range [][2]string{{"uid", "shop.dk"}, {"never-heard-of", "shop.dk"}, {"", ""}, {"C", "notadform.net"}, {"CONSENT", "shop.dk"}, {"x", "www.google.com"}} {
		if m, ok := Lookup(consent.Cookie, c[0], c[1]); ok {
			t.Errorf("%v: %+v", c, m)
		}
	}
	if m, ok := Lookup(consent.IndexedDB, "_ga", "shop.dk"); ok {
		t.Errorf("another kind of storage: %+v", m)
	}
}

// A common name says nothing about who sets it, and demo names are only known in the demo.
func TestLookup_LeavesOtherShopsTheirNames(t *testing.T) {
	for _, name := range strings.Fields("kurv cart checkout localization keep_alive _y _s _tl_id _ak_klik audit khaos pi SESSION SESSdata") {
		if m, ok := Lookup(consent.Cookie, name, "www.butik.dk"); ok {
			t.Errorf("%s: %s", name, m.Vendor)
		}
	}
}

// A request to these says nothing about advertising, or nothing that is necessary.
func TestHost_IsNarrow(t *testing.T) {
	for host, want := range map[string]consent.Category{
		"www.google.com": "", "www.google.dk": "", "maps.google.com": consent.Preferences, "googleads.g.doubleclick.net": consent.Marketing,
		"www.googleadservices.com": consent.Marketing, "www.recaptcha.net": consent.Statistics, "frog.wix.com": consent.Statistics, "static.wix.com": consent.Necessary,
	} {
		if m, _ := Host(host); m.Category != want {
			t.Errorf("%s: %q, want %q", host, m.Category, want)
		}
	}
}

func TestParseLifetime_RefusesWhatIsNone(t *testing.T) {
	for _, s := range []string{"", "1", "d", "-1d", "0d", "1y", "1d2", "session "} {
		if d, err := ParseLifetime(s); err == nil {
			t.Errorf("%q gave %v", s, d)
		}
	}
}

func BenchmarkLookup(b *testing.B) {
	names := []string{"_ga", "_ga_ABC", "PHPSESSID", "never-heard-of", "wp-settings-time-1", "_hjSession_1"}
	load()
	for i := 0; b.Loop(); i++ {
		Lookup(consent.Cookie, names[i%len(names)], "www.shop.dk")
	}
}

// K5: social plugins belong to marketing.
func TestHosts_SocialIsMarketing(t *testing.T) {
	marketing := Hosts()[consent.Marketing]
	for _, host := range []string{"facebook.com", "facebook.net", "instagram.com", "tiktok.com", "linkedin.com", "pinterest.com"} {
		if !slices.Contains(marketing, host) {
			t.Errorf("%s is not among the hosts of marketing", host)
		}
	}
	for category, hosts := range Hosts() {
		if !category.Optional() || !slices.IsSorted(hosts) {
			t.Errorf("%s: %d hosts", category, len(hosts))
		}
	}
}

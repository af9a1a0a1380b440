package demo

import (
	"maps"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/net/html"
)

// paths are the shop's pages.
var paths = []string{
	"/", "/en/", "/produkter", "/produkter?visning=liste", "/produkt/fiskekurv", "/produkt/aeblekurv", "/om", "/kurv",
	"/privatliv", "/cookies", "/findes-ikke",
}

// parsed fetches a page of the shop, with something in the basket.
func parsed(t *testing.T, path string) *html.Node {
	t.Helper()
	h := testDemo()
	mine := ask(h, shopHost, "/produkt/cykelkurv", url.Values{"antal": {"1"}}).Cookies()[0]
	doc, err := html.Parse(ask(h, shopHost, path, nil, mine).Body)
	if err != nil {
		t.Fatal(err)
	}
	return doc
}

// elements lists the elements of a tag; "" lists all.
func elements(doc *html.Node, tag string) []*html.Node {
	var found []*html.Node
	for n := range doc.Descendants() {
		if n.Type == html.ElementNode && (tag == "" || n.Data == tag) {
			found = append(found, n)
		}
	}
	return found
}

func attribute(n *html.Node, key string) (string, bool) {
	for _, a := range n.Attr {
		if a.Key == key {
			return a.Val, true
		}
	}
	return "", false
}

func TestPages_AreWellFormed(t *testing.T) {
	for _, path := range paths {
		doc := parsed(t, path)
		lang := map[bool]string{true: "en", false: "da"}[path == "/en/"]
		if got, _ := attribute(elements(doc, "html")[0], "lang"); got != lang {
			t.Errorf("%s: lang %q", path, got)
		}
		for _, tag := range []string{"h1", "main", "title"} {
			if n := len(elements(doc, tag)); n != 1 {
				t.Errorf("%s: %d <%s>", path, n, tag)
			}
		}
		for _, img := range elements(doc, "img") {
			if _, ok := attribute(img, "alt"); !ok {
				t.Errorf("%s: an image without alt", path)
			}
		}
		if first := elements(elements(doc, "head")[0], ""); first[0].Data != "script" || attr(first[0], "src") == "" || !strings.Contains(testTag, attr(first[0], "src")) {
			t.Errorf("%s: the tag is not first in the head", path)
		}
		seen := map[string]bool{}
		for _, n := range elements(doc, "") {
			id, ok := attribute(n, "id")
			if ok && seen[id] {
				t.Errorf("%s: two elements have the id %s", path, id)
			}
			seen[id] = true
		}
	}
}

func attr(n *html.Node, key string) string {
	v, _ := attribute(n, key)
	return v
}

func TestPages_LinkOnlyToWhatIsThere(t *testing.T) {
	h := testDemo()
	for _, path := range paths {
		for _, n := range elements(parsed(t, path), "") {
			for _, key := range []string{"href", "src", "data-src", "action"} {
				target, ok := attribute(n, key)
				if !ok {
					continue
				}
				u, err := url.Parse("http://" + shopHost + ":8080" + path)
				if err != nil {
					t.Fatal(err)
				}
				if u, err = u.Parse(target); err != nil {
					t.Fatal(err)
				}
				if u.Hostname() == "samtykke.localhost" {
					continue
				}
				if u.Port() != "8080" || !slices.Contains(Hosts(), u.Hostname()) {
					t.Errorf("%s refers to %s", path, target)
				} else if got := ask(h, u.Host, u.RequestURI(), nil).StatusCode; got != 200 && u.Path != "/findes-ikke" {
					t.Errorf("%s refers to %s: %d", path, target, got)
				}
			}
		}
	}
}

// K1: whatever comes from a vendor is held back until its category is granted.
func TestPages_HoldBackTheVendors(t *testing.T) {
	want := map[string]string{statisticsHost: "statistics", marketingHost: "marketing", videoHost: "marketing"}
	for _, path := range paths {
		met := 0
		for _, n := range elements(parsed(t, path), "") {
			for _, a := range n.Attr {
				u, err := url.Parse(a.Val)
				if err != nil || want[u.Hostname()] == "" {
					continue
				}
				met++
				held := n.Data == "script" && a.Key == "src" && attr(n, "type") == "text/plain" || n.Data == "iframe" && a.Key == "data-src"
				if !held || attr(n, "data-category") != want[u.Hostname()] {
					t.Errorf("%s: <%s %s=%q> is not held for %s", path, n.Data, a.Key, a.Val, want[u.Hostname()])
				}
			}
		}
		if met < 2 {
			t.Errorf("%s: %d references to vendors, want the two scripts at least", path, met)
		}
	}
}

// D11: every page links to the choice, its withdrawal and the declaration.
func TestPages_LinkToTheChoice(t *testing.T) {
	for _, path := range paths {
		found := map[string]bool{}
		for _, a := range elements(parsed(t, path), "a") {
			found[attr(a, "data-samtykke")] = true
		}
		if !found["open"] || !found["withdraw"] || !found["declaration"] {
			t.Errorf("%s: links %v", path, found)
		}
	}
}

func TestTexts_AreTheSameInBothLanguages(t *testing.T) {
	var da, en map[string]string
	mustParse("texts/da.json", &da)
	mustParse("texts/en.json", &en)
	if d := cmp.Diff(slices.Sorted(maps.Keys(da)), slices.Sorted(maps.Keys(en))); d != "" {
		t.Error(d)
	}
	for key, words := range da {
		if words == "" || en[key] == "" {
			t.Errorf("%s is empty", key)
		}
	}
}

func TestPrice_IsDanish(t *testing.T) {
	for kroner, want := range map[int]string{0: "0 kr.", 895: "895 kr.", 1150: "1.150 kr.", 12005: "12.005 kr."} {
		if got := (page{}).Price(kroner); got != want {
			t.Errorf("%d gave %q, want %q", kroner, got, want)
		}
	}
}

package main

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// The packages that are pinned in package.json give exactly the tables that are in the tree.
func TestTables_AreReproducible(t *testing.T) {
	for _, table := range tables {
		t.Run(table.file, func(t *testing.T) {
			made, err := table.make("../../../node_modules")
			if errors.Is(err, fs.ErrNotExist) {
				t.Skip("its package isn't installed: ", err)
			}
			if err != nil {
				t.Fatal(err)
			}
			kept, err := os.ReadFile(filepath.Join("../tables", table.file))
			if err != nil {
				t.Fatal(err)
			}
			if made != string(kept) {
				t.Errorf("%s is not what its package gives: run make knowledge", table.file)
			}
		})
	}
}

// Everything that is embedded stays small.
func TestTables_AreSmall(t *testing.T) {
	total := int64(0)
	for _, file := range []string{"../model.bin", "../tables/open-cookie-database.tsv", "../tables/third-party-web.tsv", "../tables/prebid.tsv"} {
		info, err := os.Stat(file)
		if err != nil {
			t.Fatal(err)
		}
		total += info.Size()
	}
	if total > 400_000 {
		t.Errorf("the tables and the model are %d bytes", total)
	}
}

func TestPattern(t *testing.T) {
	for name, want := range map[string]string{
		"_ga": "_ga", "_dc_gtm_<id>": "_dc_gtm_*", "cuid[0]": "cuid*", "UID_EXT_*": "UID_EXT_*", "id_$(action)": "id_*", "p##xxx": "p*",
	} {
		if got := pattern(name); got != want {
			t.Errorf("%q: %q, want %q", name, got, want)
		}
	}
}

func TestDays(t *testing.T) {
	for says, want := range map[string]string{
		"13 months": "390", "1 Year": "365", "30 mins": "0.0208", "Session": "0", "unknown": "", "2 weeks": "14", "forever": "", "90 sec": "0.00104",
	} {
		if got := days(says); got != want {
			t.Errorf("%q: %q, want %q", says, got, want)
		}
	}
}

func TestHosts(t *testing.T) {
	if got := hosts(".bing.com (3rd party) or .microsoft.com (3rd party)"); !slices.Equal(got, []string{"bing.com", "microsoft.com"}) {
		t.Error(got)
	}
	if got := hosts(""); !slices.Equal(got, []string{""}) {
		t.Error(got)
	}
}

// “Functional” is told apart by what an entry speaks of, and never becomes necessary for want of words.
func TestCategory_OfFunctional(t *testing.T) {
	for _, c := range []struct{ name, description, mostly, want string }{
		{"x", "Prevents cross-site request forgery", "m", "n"},
		{"x", "Keeps the shopping cart", "", "n"},
		{"x", "Stores the language", "m", "p"},
		{"x", "Counts things", "s", "s"},
		{"x", "Pending", "", "p"},
	} {
		e := cookie{Cookie: c.name, Description: c.description, Category: "Functional"}
		if got := e.category("platform", c.mostly); got != c.want {
			t.Errorf("%s: %s, want %s", c.description, got, c.want)
		}
	}
}

func TestDisclosures_ReadPurposes(t *testing.T) {
	made, err := disclosures(map[string][]byte{"m": []byte(`{
		"components": [{"componentName": "vendor"}],
		"disclosures": {"https://vendor.example/d.json": {"disclosures": [
			{"identifier": "uid", "type": "cookie", "maxAgeSeconds": 86400, "purposes": [1, 2]},
			{"identifier": "reach_*", "type": "web", "purposes": [1, 8]},
			{"identifier": "v_optout", "type": "cookie", "maxAgeSeconds": 0, "purposes": [1]},
			{"identifier": "*", "type": "web", "purposes": [1]}]}}}`)})
	if err != nil {
		t.Fatal(err)
	}
	want := "reach_*\tweb\ts\t\tvendor\nuid\tcookie\tm\t1\tvendor\nv_optout\tcookie\tn\t0\tvendor\n"
	if _, rows, _ := strings.Cut(made, "\n"); rows != want {
		t.Errorf("%q", rows)
	}
}

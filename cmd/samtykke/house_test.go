package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// Imports point inwards: cmd → server → {store, scanner, widget} → consent.
func TestHouse_ImportsPointInwards(t *testing.T) {
	ours := map[string][]string{
		"samtykke/consent":                       {},
		"samtykke/widget":                        {"samtykke/consent"},
		"samtykke/scanner/cookiedb":              {"samtykke/consent"},
		"samtykke/scanner/cookiedb/knowledge":    {"samtykke/consent", "samtykke/scanner/cookiedb"},
		"samtykke/scanner/evidence":              {"samtykke/consent"},
		"samtykke/scanner/evidence/evidencetest": {"samtykke/consent", "samtykke/scanner/evidence"},
		"samtykke/scanner/spoken":                {"samtykke/consent", "samtykke/scanner/evidence"},
		"samtykke/scanner/wording":               {"samtykke/consent", "samtykke/scanner/evidence", "samtykke/scanner/spoken"},
		"samtykke/scanner/judgement":             {"samtykke/consent", "samtykke/scanner/cookiedb", "samtykke/scanner/evidence", "samtykke/scanner/spoken", "samtykke/scanner/wording"},
		"samtykke/scanner/report":                {"samtykke/consent", "samtykke/scanner/cookiedb", "samtykke/scanner/evidence", "samtykke/scanner/spoken", "samtykke/scanner/wording", "samtykke/scanner/judgement"},
		"samtykke/scanner/guard":                 {"samtykke/consent", "samtykke/scanner/evidence"},
		"samtykke/scanner/guard/guardtest":       {},
		"samtykke/scanner/frontier":              {"samtykke/consent", "samtykke/scanner/evidence"},
		"samtykke/scanner/recording":             {"samtykke/consent", "samtykke/scanner/evidence"},
		"samtykke/scanner":                       {"samtykke/consent", "samtykke/scanner/cookiedb", "samtykke/scanner/evidence", "samtykke/scanner/spoken", "samtykke/scanner/wording", "samtykke/scanner/judgement", "samtykke/scanner/guard", "samtykke/scanner/frontier", "samtykke/scanner/recording"},
		"samtykke/server/store":                  {"samtykke/consent", "samtykke/server/ledger"},
		"samtykke/server/store/storetest":        {"samtykke/consent", "samtykke/server/ledger", "samtykke/server/store"},
		"samtykke/server":                        {"samtykke/consent", "samtykke/docs", "samtykke/scanner", "samtykke/scanner/cookiedb", "samtykke/scanner/evidence", "samtykke/scanner/frontier", "samtykke/scanner/guard", "samtykke/scanner/judgement", "samtykke/scanner/recording", "samtykke/scanner/report", "samtykke/scanner/spoken", "samtykke/scanner/wording", "samtykke/server/dashboard", "samtykke/server/declaration", "samtykke/server/duties", "samtykke/server/inspection", "samtykke/server/ledger", "samtykke/server/ledger/verifier", "samtykke/server/receipt", "samtykke/server/store", "samtykke/widget"},
		"samtykke/server/dashboard":              {"samtykke/consent"},
		"samtykke/server/declaration":            {"samtykke/consent"},
		"samtykke/server/ledger":                 {},
		"samtykke/server/ledger/verifier":        {},
		"samtykke/server/duties":                 {"samtykke/consent"},
		"samtykke/server/inspection":             {"samtykke/consent", "samtykke/server/ledger"},
		"samtykke/server/receipt":                {"samtykke/consent", "samtykke/server/declaration", "samtykke/server/ledger", "samtykke/widget"},
		"samtykke/cmd/samtykke/demo":             {"samtykke/consent"},
		"samtykke/browsertest":                   {},
		"samtykke/docs":                          {},
	}
	// Libraries that only some packages may know, also through others.
	only := map[string][]string{
		"github.com/labstack/echo/v4":                {"samtykke/server"},
		"github.com/chromedp/chromedp":               {"samtykke/scanner", "samtykke/server", "samtykke/browsertest"},
		"github.com/evanw/esbuild/pkg/api":           {"samtykke/widget", "samtykke/server/receipt", "samtykke/server/ledger/verifier", "samtykke/server"},
		"modernc.org/sqlite":                         {"samtykke/server/store", "samtykke/server/store/storetest", "samtykke/server"},
		"github.com/jackc/pgx/v5/stdlib":             {"samtykke/server/store", "samtykke/server/store/storetest", "samtykke/server"},
		"github.com/alecthomas/kong":                 {},
		"github.com/google/go-cmp/cmp":               {"samtykke/server/store/storetest"},
		"github.com/rogpeppe/go-internal/testscript": {},
		"github.com/getkin/kin-openapi/openapi3":     {},
	}
	for pkg, allowed := range ours {
		out, err := exec.Command("go", "list", "-deps", pkg).Output()
		if err != nil {
			t.Fatalf("go list %s: %v", pkg, err)
		}
		for _, dep := range strings.Fields(string(out)) {
			if strings.HasPrefix(dep, "samtykke/") && dep != pkg && !slices.Contains(allowed, dep) {
				t.Errorf("%s may not depend on %s", pkg, dep)
			}
			if users, limited := only[dep]; limited && !slices.Contains(users, pkg) {
				t.Errorf("%s may not depend on %s", pkg, dep)
			}
		}
	}
	out, err := exec.Command("go", "list", "samtykke/...").Output()
	if err != nil {
		t.Fatal(err)
	}
	for _, pkg := range strings.Fields(string(out)) {
		if _, known := ours[pkg]; !known && pkg != "samtykke/cmd/samtykke" && pkg != "samtykke/bench" {
			t.Errorf("%s is new: say above what it may import", pkg)
		}
	}
}

// What is collected is judged in one place: neither collecting nor judging knows the other.
func TestHouse_OnlyScanCallsTheJudgement(t *testing.T) {
	files, err := filepath.Glob("../../scanner/*.go")
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(text), `"samtykke/scanner/judgement"`) && filepath.Base(file) != "scan.go" && !strings.HasSuffix(file, "_test.go") {
			t.Errorf("%s judges what it collects", file)
		}
	}
	for _, pure := range []string{"evidence", "spoken", "wording", "judgement"} {
		out, err := exec.Command("go", "list", "-f", `{{join .Imports "\n"}}`, "samtykke/scanner/"+pure).Output()
		if err != nil {
			t.Fatal(err)
		}
		for _, dep := range strings.Fields(string(out)) {
			if dep == "net/http" || dep == "os" || strings.Contains(dep, "chromedp") {
				t.Errorf("%s knows %s", pure, dep)
			}
		}
	}
}

// Only the scanner drives a browser.
func TestHouse_OnlyTheScannerKnowsChromedp(t *testing.T) {
	out, err := exec.Command("grep", "-rl", "--include=*.go", "chromedp/", "../..").Output()
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range strings.Fields(string(out)) {
		ok := strings.HasSuffix(file, "_test.go") || slices.Contains([]string{"../../scanner", "../../scanner/recording"}, filepath.Dir(file)) || strings.Contains(file, "/browsertest/")
		if !ok {
			t.Errorf("%s knows chromedp", file)
		}
	}
}

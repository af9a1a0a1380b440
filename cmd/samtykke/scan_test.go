package main

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"

	"samtykke/cmd/samtykke/demo"
	"samtykke/consent"
	"samtykke/scanner/judgement"
	"samtykke/scanner/report"
)

// found is what must be right about an item: all that makes it the same thing, and when it is there.
type found struct {
	Kind     consent.ItemKind
	Name     string
	Host     string
	Party    string
	Category consent.Category
	States   string
}

// The scan finds every item that the demo shop plants, in its right states and category, and nothing else.
func TestScan_FindsWhatTheDemoPlantsAndNothingElse(t *testing.T) {
	p := serve(t, "--demo", "--data", t.TempDir(), "--listen", "localhost:0")
	file := filepath.Join(t.TempDir(), "scan.json")
	declaration := p.after("Dashboard") + "d/fjordfletvaerk/en.json"
	out, err := program("scan", p.after("Demo shop"), "--allow-private", "--pages", "6", "--json", file, "--declaration", declaration, "--fail-on", "medium").CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var report judgement.Report
	if err := json.Unmarshal(data, &report); err != nil {
		t.Fatal(err)
	}
	if d := gocmp.Diff(planted(), seen(report)); d != "" {
		t.Errorf("(-planted +found):\n%s", d)
	}
	for _, r := range report.Requests {
		host, _, _ := strings.Cut(r.Host, ":")
		if slices.Contains(demo.Hosts(), host) && r.State != "accept" {
			t.Errorf("a request to %s in state %s (K1, K11)", r.URL, r.State)
		}
	}
	for _, f := range report.Findings {
		if f.Severity.AtLeast(consent.Medium) {
			t.Errorf("finding %s %s: %v", f.Severity, f.Code, f.Evidence)
		}
	}
}

// planted is the truth: what the demo stores, and the banner's own item.
func planted() []found {
	own := consent.Item{Kind: consent.Cookie, Name: "samtykke", Host: "shop.localhost", Party: consent.FirstParty, Category: consent.Necessary}
	var out []found
	for _, i := range append(demo.Planted(), own) {
		f := found{i.Kind, strings.Replace(i.Name, "*", "4711", 1), i.Host, i.Party, i.Category, "accept"}
		switch {
		case i.Name == own.Name:
			f.States = "reject accept withdraw"
		case i.Category == consent.Necessary:
			f.States = "none reject accept withdraw gpc"
		case i.Party == consent.ThirdParty:
			f.States = "accept withdraw" // only its owner can remove it
		}
		out = append(out, f)
	}
	return sorted(out)
}

func seen(r judgement.Report) []found {
	var out []found
	for _, i := range r.Items {
		out = append(out, found{i.Kind, i.Name, strings.TrimPrefix(i.Host, "."), i.Party, i.Category, strings.Join(i.States, " ")})
	}
	return sorted(out)
}

func sorted(fs []found) []found {
	slices.SortFunc(fs, func(a, b found) int { return cmp.Or(cmp.Compare(a.Host, b.Host), cmp.Compare(a.Name, b.Name)) })
	return fs
}

// A site that stores before it asks ends the command with code 3.
func TestScan_FailsOnFindings(t *testing.T) {
	leaky := leakySite(t)
	err := program("scan", leaky, "--allow-private", "--pages", "1", "--fail-on", "critical").Run()
	var exit *exec.ExitError
	if !errors.As(err, &exit) || exit.ExitCode() != exitFindings {
		t.Errorf("a leaking site ended with %v, want code %d", err, exitFindings)
	}
}

func leakySite(t *testing.T) string {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		http.SetCookie(w, &http.Cookie{Name: "_ga", Value: "GA1.1.1.1", MaxAge: 1000})
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		_, _ = w.Write([]byte("<!doctype html><title>Butik</title><h1>Butik</h1>"))
	}))
	t.Cleanup(s.Close)
	return s.URL
}

// Every command of docs/scanner.md's pipelines runs as it stands there, against the demo shop on this machine, and writes
// the files that it names.
func TestScan_PipelinesOfTheManual(t *testing.T) {
	text, err := os.ReadFile("../../docs/scanner.md")
	if err != nil {
		t.Fatal(err)
	}
	_, pipelines, _ := strings.Cut(string(text), "## In a pipeline")
	commands := regexp.MustCompile(`samtykke scan https://shop\.dk/( --[^\n>|]*)`).FindAllStringSubmatch(pipelines, -1)
	if len(commands) != 3 {
		t.Fatalf("%d commands", len(commands))
	}
	dir := t.TempDir()
	accepted := regexp.MustCompile("(?s)```json\n(.*?)```").FindStringSubmatch(string(text))
	if err := os.WriteFile(filepath.Join(dir, "accepted.json"), []byte(accepted[1]), 0o644); err != nil {
		t.Fatal(err)
	}
	p := serve(t, "--demo", "--data", t.TempDir(), "--listen", "localhost:0")
	for _, c := range commands {
		args := append([]string{"scan", p.after("Demo shop")}, strings.Fields(c[1])...)
		cmd := program(append(args, "--allow-private", "--pages", "1", "--wait", "500ms")...)
		cmd.Dir = dir
		out, err := cmd.CombinedOutput()
		var exit *exec.ExitError
		if err != nil && (!errors.As(err, &exit) || exit.ExitCode() != exitFindings) {
			t.Fatalf("%s: %v\n%s", c[1], err, out)
		}
		for _, file := range regexp.MustCompile(`--(?:json|html|sarif|junit) (\S+)`).FindAllStringSubmatch(c[1], -1) {
			if info, err := os.Stat(filepath.Join(dir, file[1])); err != nil || info.Size() == 0 {
				t.Errorf("%s: %s was not written (%v)", c[1], file[1], err)
			}
		}
	}
}

// What was there before doesn't fail a pipeline, and neither does what was accepted; both are told.
func TestScan_FailsOnlyOnNewAndOpenFindings(t *testing.T) {
	leaky, dir := leakySite(t), t.TempDir()
	scan := func(args ...string) (string, int) {
		cmd := program(append([]string{"scan", leaky, "--allow-private", "--pages", "1", "--wait", "500ms", "--device", "desktop", "--language", "da", "--fail-on", "medium"}, args...)...)
		cmd.Dir = dir
		out, err := cmd.CombinedOutput()
		var exit *exec.ExitError
		if err != nil && !errors.As(err, &exit) {
			t.Fatal(err)
		}
		return string(out), cmd.ProcessState.ExitCode()
	}
	if out, code := scan("--json", "first.json"); code != exitFindings {
		t.Fatalf("code %d\n%s", code, out)
	}
	if out, code := scan("--baseline", "first.json"); code != 0 || !strings.Contains(out, "Ændret siden den tidligere rapport") {
		t.Errorf("code %d\n%s", code, out)
	}
	data, err := os.ReadFile(filepath.Join(dir, "first.json"))
	if err != nil {
		t.Fatal(err)
	}
	first, err := report.Read(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	list := []judgement.Acceptance{{Key: "gone-for-good", Reason: "Forældet"}}
	for _, f := range first.Findings {
		list = append(list, judgement.Acceptance{Key: f.Key, Reason: "Aftalt"})
	}
	data, _ = json.Marshal(list)
	if err := os.WriteFile(filepath.Join(dir, "accepted.json"), data, 0o644); err != nil {
		t.Fatal(err)
	}
	if out, code := scan("--accept", "accepted.json"); code != 0 || !strings.Contains(out, "Accepterede fund: ") || !strings.Contains(out, "gone-for-good") {
		t.Errorf("code %d\n%s", code, out)
	}
}

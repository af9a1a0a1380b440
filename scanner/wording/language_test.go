package wording

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Texts about cookies are told apart in every language of the EU, and the categories in them recognised.
func TestWords_KnowEveryLanguage(t *testing.T) {
	files, _ := filepath.Glob("../../widget/texts/*.json")
	if len(files) != 26 {
		t.Fatalf("%d languages", len(files))
	}
	for _, file := range files {
		lang := strings.TrimSuffix(filepath.Base(file), ".json")
		b, err := os.ReadFile(file)
		var text map[string]string
		if err == nil {
			err = json.Unmarshal(b, &text)
		}
		if err != nil {
			t.Fatal(err)
		}
		if got := Language(text["title"] + " " + text["intro"] + " " + text["withdraw_hint"]); got != lang {
			t.Errorf("%s is taken for %q", lang, got)
		}
		for _, c := range []string{"necessary", "preferences", "statistics", "marketing"} {
			if got := Category(text[c+"_name"], lang); got != c {
				t.Errorf("%s: %q is %q", lang, text[c+"_name"], got)
			}
		}
	}
	for _, s := range []string{"", "OK", "Log ind", "Lorem ipsum dolor sit amet consectetur"} {
		if got := Language(s); got != "" {
			t.Errorf("%q is %q", s, got)
		}
	}
	for label, want := range map[string]string{"Ikke-nødvendige": "", "Statistik og marketing": "", "Helt andet": "", "Kun nødvendige": "necessary"} {
		if got := Category(label, "da"); got != want {
			t.Errorf("%q is %q", label, got)
		}
	}
}

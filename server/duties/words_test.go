package duties

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write testdata/words.json anew, where versions were raised")

const golden = "testdata/words.json"

// spoken is a version of a paper and the hash of its words.
type spoken struct {
	Version int    `json:"version"`
	SHA256  string `json:"sha256"`
}

// What somebody accepted is named by its version, so words can't change under it (P1). After a change: raise version and
// date in All, then run go test ./server/duties -run TestWords -update.
func TestWords_ChangeWithTheirVersion(t *testing.T) {
	before := map[string]spoken{}
	raw, err := os.ReadFile(golden)
	if err == nil {
		err = json.Unmarshal(raw, &before)
	}
	if err != nil && !(*update && os.IsNotExist(err)) {
		t.Fatal(err)
	}
	now := map[string]spoken{}
	for _, k := range All() {
		now[k.Name] = spoken{k.Version, wordsOf(k.Name)}
		if err := compare(k.Name, before[k.Name], now[k.Name], *update); err != nil {
			t.Error(err)
		}
	}
	if !*update && len(before) != len(now) {
		t.Errorf("%s knows %d papers, there are %d", golden, len(before), len(now))
	}
	if *update && !t.Failed() {
		raw, _ := json.MarshalIndent(now, "", "  ")
		if err := os.WriteFile(golden, append(raw, '\n'), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// compare says what is wrong with a change of words. Also an update never lets words change under their version.
func compare(name string, before, now spoken, updating bool) error {
	const then = "go test ./server/duties -run TestWords -update"
	switch {
	case before == now:
		return nil
	case before.Version == now.Version:
		return fmt.Errorf("the words of %s changed under version %d: raise its version and date in papers.go, then %s", name, now.Version, then)
	case now.Version < before.Version:
		return fmt.Errorf("the version of %s went back from %d to %d", name, before.Version, now.Version)
	case updating:
		return nil
	}
	return fmt.Errorf("%s is version %d now, %s: %s", name, now.Version, golden+" knows another", then)
}

func TestWords_CompareRefusesSilentChanges(t *testing.T) {
	for _, c := range []struct {
		name        string
		before, now spoken
		updating    bool
		ok          bool
	}{
		{"the same", spoken{1, "a"}, spoken{1, "a"}, false, true},
		{"words changed", spoken{1, "a"}, spoken{1, "b"}, false, false},
		{"words changed, and an update wanted", spoken{1, "a"}, spoken{1, "b"}, true, false},
		{"raised, not updated", spoken{1, "a"}, spoken{2, "b"}, false, false},
		{"raised and updated", spoken{1, "a"}, spoken{2, "b"}, true, true},
		{"lowered", spoken{2, "a"}, spoken{1, "b"}, true, false},
		{"new", spoken{}, spoken{1, "a"}, true, true},
	} {
		if err := compare("it", c.before, c.now, c.updating); (err == nil) != c.ok {
			t.Errorf("%s: %v", c.name, err)
		}
	}
}

var calls = regexp.MustCompile(`{{template "([^"]+)"`)

// wordsOf hashes everything that a paper can say: its own templates and all that they call, in each language, and the
// words that functions put in. Fresh templates are read, since using one rewrites it.
func wordsOf(name string) string {
	fresh, h := load(), sha256.New()
	for _, lang := range Languages() {
		t, seen := fresh[name+"."+lang+".html"], map[string]bool{}
		var walk func(string)
		walk = func(part string) {
			if seen[part] {
				return
			}
			seen[part] = true
			source := t.Lookup(part).Tree.Root.String()
			fmt.Fprintf(h, "%s\x00%s\x00", part, strings.Join(strings.Fields(source), " "))
			for _, c := range calls.FindAllStringSubmatch(source, -1) {
				walk(c[1])
			}
		}
		for _, part := range []string{"title", "head", "body"} {
			walk(part)
		}
		v := vocabularies[lang]
		fmt.Fprint(h, v.missing, v.eea, v.date, v.clock, v.months, v.month, v.categories, "\x00")
	}
	return hex.EncodeToString(h.Sum(nil))
}

package consent

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// Reports that were uploaded before evidence had two languages stay readable.
func TestFinding_ReadsOldEvidence(t *testing.T) {
	var f Finding
	if err := json.Unmarshal([]byte(`{"code":"undeclared","severity":"high","evidence":["accept: cookie a",{"da":"efter accept","en":"after acceptance"}]}`), &f); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]Text{{"en": "accept: cookie a"}, {"da": "efter accept", "en": "after acceptance"}}, f.Evidence); diff != "" {
		t.Error(diff)
	}
	if f.Evidence[0].In("da") != "accept: cookie a" || f.Evidence[1].In("da") != "efter accept" || f.Evidence[1].In("de") != "after acceptance" {
		t.Errorf("%q", f.Evidence)
	}
	if json.Unmarshal([]byte(`{"evidence":[7]}`), &f) == nil {
		t.Error("a number was read as text")
	}
}

func TestFinding_CoversOnlyWhatItWasAbout(t *testing.T) {
	old := Finding{Code: "undeclared", Severity: High, Subjects: []string{"a", "b"}}
	for name, c := range map[string]struct {
		later Finding
		want  bool
	}{
		"the same":       {Finding{Code: "undeclared", Severity: High, Subjects: []string{"a", "b"}}, true},
		"less":           {Finding{Code: "undeclared", Severity: Medium, Subjects: []string{"b"}}, true},
		"something new":  {Finding{Code: "undeclared", Severity: High, Subjects: []string{"a", "b", "c"}}, false},
		"worse":          {Finding{Code: "undeclared", Severity: Critical, Subjects: []string{"a"}}, false},
		"another code":   {Finding{Code: "unclassified", Severity: High, Subjects: []string{"a"}}, false},
		"other subjects": {Finding{Code: "undeclared", Severity: High, Subjects: []string{"c"}}, false},
	} {
		if old.Covers(&c.later) != c.want {
			t.Errorf("%s: %v", name, !c.want)
		}
	}
}

package judgement

import (
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"samtykke/consent"
	"samtykke/scanner/evidence"
	"samtykke/scanner/evidence/evidencetest"
	"samtykke/scanner/spoken"
)

// goodDeclaration declares what Good holds.
func goodDeclaration() []consent.Item {
	because := map[string]string{"da": "Uden den virker kurven ikke.", "en": "Without it the basket doesn't work."}
	return []consent.Item{
		{Kind: consent.Cookie, Name: "PHPSESSID", Host: "shop.example", Party: "first", Category: consent.Necessary, Reason: because},
		{Kind: consent.Cookie, Name: "CookieConsent", Party: "first", Category: consent.Necessary, Lifetime: 365 * evidencetest.Day, Reason: because, Provider: "Usercentrics A/S"},
		{Kind: consent.Cookie, Name: "_ga*", Host: "shop.example", Party: "first", Category: consent.Statistics, Lifetime: 400 * evidencetest.Day, Provider: "Google Ireland Limited", Country: "US"},
	}
}

func judgeWith(e evidence.Site, declared []consent.Item) []consent.Finding {
	return Judge(e, Options{Declaration: declared})
}

func TestJudge_GoodSiteHasNoFindings(t *testing.T) {
	if f := judgeWith(evidencetest.Good(), goodDeclaration()); len(f) > 0 {
		t.Errorf("findings %+v", f)
	}
	if f := judgeWith(evidencetest.Good(), nil); len(f) > 0 {
		t.Errorf("findings without a declaration %+v", f)
	}
}

func declare(i int, edit func(*consent.Item)) evidencetest.Change {
	return func(_ *evidence.Site, d *[]consent.Item) { edit(&(*d)[i]) }
}

// unreach takes away that any state was reached.
func unreach(e *evidence.Site) {
	for i := range e.States {
		e.States[i].Done = false
	}
	e.Phone.Done = false
}

// Nothing is concluded from no evidence, and nothing from states that were not reached, whatever was seen on the way.
func TestJudge_IsSilentWithoutEvidence(t *testing.T) {
	for _, declared := range [][]consent.Item{nil, {}, {{Kind: consent.Cookie, Name: "IDE", Party: "third", Category: consent.Necessary}}} {
		if f := judgeWith(evidence.Site{}, declared); len(f) > 0 {
			t.Errorf("findings on nothing: %v", evidencetest.Codes(f))
		}
		for _, c := range verdictCases {
			e, d := evidencetest.Good(), goodDeclaration()
			c.change(&e, &d)
			unreach(&e)
			e.Texts = nil
			if f := judgeWith(e, declared); len(f) > 0 {
				t.Errorf("%s: findings on states that were not reached: %v", c.code, evidencetest.Codes(f))
			}
		}
	}
}

// A banner of which only the labels are known says nothing of its looks, text and boxes.
func TestJudge_IsSilentOnABannerThatWasNotMeasured(t *testing.T) {
	e := evidencetest.Good()
	bare := evidence.Banner{Seen: true, Accept: "Accepter alle", Reject: "Afvis alle", Settings: "Tilpas"}
	for i := range e.States {
		e.States[i].Visits = evidencetest.Visits(e.States[i].Visits[0].After, evidence.Banner{})
		for j := range e.States[i].Visits {
			v := &e.States[i].Visits[j]
			v.Probed, v.Reopen, v.Declares, v.Lang = false, "", "", ""
			if !v.After {
				v.Banner = bare
			}
		}
	}
	e.Phone.Visits = evidencetest.Visits(false, bare)
	if f := judgeWith(e, goodDeclaration()); len(f) > 0 {
		t.Errorf("%+v", f)
	}
}

func TestJudge_PutsTheWorstFirst(t *testing.T) {
	e := evidencetest.Good()
	evidencetest.Store(0, evidencetest.Cookie("_fbp", "shop.example", 500*evidencetest.Day))(&e, nil)
	findings := judgeWith(e, []consent.Item{})
	if !slices.IsSortedFunc(findings, func(a, b consent.Finding) int { return rank(a.Severity) - rank(b.Severity) }) {
		t.Errorf("not sorted: %v", evidencetest.Codes(findings))
	}
	if len(findings) < 3 || findings[0].Severity != consent.Critical {
		t.Errorf("%v", evidencetest.Codes(findings))
	}
}

func TestJudge_BoundsEvidence(t *testing.T) {
	e := evidencetest.Good()
	for i := range 700 {
		evidencetest.Store(0, evidencetest.Cookie("_fbp", fmt.Sprintf("%s%d.shop.example", strings.Repeat("a", 100), i), evidencetest.Day))(&e, nil)
	}
	for _, f := range judgeWith(e, nil) {
		last := f.Evidence[len(f.Evidence)-1]
		if len(f.Evidence) != maxEvidence+1 || last["en"] != "… and 650 more" || last["da"] != "… og 650 mere" || len(f.Subjects) != maxSubjects || f.Subjects[maxSubjects-1] != "… and 201 more" {
			t.Errorf("%s has %d lines, the last %q, and %d subjects", f.Code, len(f.Evidence), last, len(f.Subjects))
		}
	}
}

// A line tells state, screen, page, what led to it and when, in both languages.
func TestJudge_LinesTellWhereAndHow(t *testing.T) {
	e := evidencetest.Good()
	gtm := "https://www.googletagmanager.com/gtm.js"
	evidencetest.Write(0, evidence.Write{Kind: consent.Cookie, Name: "_fbp", Host: ".shop.example", By: "https://connect.facebook.net/f.js", Stack: []string{"https://connect.facebook.net/f.js", gtm}, Page: evidencetest.Second, At: evidencetest.SeenAt, Kept: true, Secure: true, SameSite: "Lax"})(&e, nil)
	evidencetest.WithCall(0, evidence.Call{URL: "https://px.example/p.gif", Type: "image", Page: evidencetest.Shop, At: evidencetest.SeenAt, Initiator: gtm, Chain: []string{gtm, evidencetest.Shop}})(&e, nil)
	want := map[string]consent.Text{
		"cookie-before-consent": {
			"da": "før svar, computer: cookie _fbp (shop.example, marketing) på https://shop.example/om, sat af https://connect.facebook.net/f.js ← " + gtm + ", 22-11-2026 kl. 12.00.00 UTC",
			"en": "before an answer, desktop: cookie _fbp (shop.example, marketing) on https://shop.example/om, set by https://connect.facebook.net/f.js ← " + gtm + ", 2026-11-22 12:00:00 UTC",
		},
		"thirdparty-request-before-consent": {
			"da": "før svar, computer: image https://px.example/p.gif (ikke klassificeret) på https://shop.example/, foranlediget af " + gtm + " ← https://shop.example/, 22-11-2026 kl. 12.00.00 UTC",
			"en": "before an answer, desktop: image https://px.example/p.gif (unclassified) on https://shop.example/, caused by " + gtm + " ← https://shop.example/, 2026-11-22 12:00:00 UTC",
		},
	}
	for _, f := range judgeWith(e, nil) {
		if w, ok := want[f.Code]; ok {
			if diff := cmp.Diff(w, f.Evidence[0]); diff != "" {
				t.Error(diff)
			}
			delete(want, f.Code)
		}
	}
	if len(want) > 0 {
		t.Errorf("not found: %v", want)
	}
}

// The key of a finding is the same in the next scan, though time, page and a random part of a name differ; it is
// another one when something joins.
func TestJudge_KeysSurviveTheNextScan(t *testing.T) {
	key := func(changes ...evidencetest.Change) string {
		e := evidencetest.Good()
		for _, c := range changes {
			c(&e, nil)
		}
		for _, f := range judgeWith(e, nil) {
			if f.Code == "cookie-before-consent" {
				return f.Key
			}
		}
		t.Fatal("no finding")
		return ""
	}
	at := func(name, page string, when time.Time) evidencetest.Change {
		return evidencetest.Write(0, evidence.Write{Kind: consent.Cookie, Name: name, Host: "shop.example", Page: page, At: when, Kept: true, SameSite: "Lax", Secure: true})
	}
	first := key(at("besog_1234567890", evidencetest.Shop, evidencetest.SeenAt))
	if again := key(at("besog_9876543210", evidencetest.Second, evidencetest.SeenAt.Add(evidencetest.Day))); again != first || !strings.HasPrefix(first, "cookie-before-consent-") {
		t.Errorf("%s became %s", first, again)
	}
	if more := key(at("besog_1234567890", evidencetest.Shop, evidencetest.SeenAt), at("andet", evidencetest.Shop, evidencetest.SeenAt)); more == first {
		t.Error("another cookie doesn't change the key")
	}
}

// Whatever a page does, judging it ends well: the same twice, sorted, bounded, in both languages.
func TestJudge_HoldsForAnyEvidence(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		e, d := evidencetest.Any(t), []consent.Item(nil)
		if rapid.Bool().Draw(t, "declared") {
			d = goodDeclaration()
		}
		findings := judgeWith(e, d)
		if diff := cmp.Diff(findings, judgeWith(e, d)); diff != "" {
			t.Fatalf("not deterministic: %s", diff)
		}
		if !slices.IsSortedFunc(findings, func(a, b consent.Finding) int { return rank(a.Severity) - rank(b.Severity) }) {
			t.Fatalf("not sorted: %v", evidencetest.Codes(findings))
		}
		for _, f := range findings {
			if f.Key == "" || len(f.Evidence) == 0 || len(f.Evidence) > maxEvidence+1 || len(f.Subjects) > maxSubjects || !slices.IsSorted(f.Subjects) {
				t.Fatalf("%s: %d lines, %d subjects, key %q", f.Code, len(f.Evidence), len(f.Subjects), f.Key)
			}
			for _, line := range f.Evidence {
				if line["da"] == "" || line["en"] == "" || len(line["da"]) > spoken.MaxLine+3 || strings.Contains(line["en"], "%!(EXTRA") || strings.Contains(line["en"], "(MISSING)") {
					t.Fatalf("%s: %q", f.Code, line)
				}
			}
		}
	})
}

// A date that can't be read makes no session cookie: the browser knows how long it kept it.
func TestCollectItems_TrustsTheBrowserWhereTheDateIsUnclear(t *testing.T) {
	e := evidencetest.Good()
	evidencetest.Store(2, evidencetest.Cookie("_gid", "shop.example", 398*evidencetest.Day))(&e, nil)
	evidencetest.Write(2, evidence.Write{Kind: consent.Cookie, Name: "_gid", Host: "shop.example", After: true, Kept: true, Unclear: true})(&e, nil)
	for _, it := range Items(&e, nil) {
		if it.Name == "_gid" && it.LifetimeS != 398*86400 {
			t.Errorf("lasts %d s", it.LifetimeS)
		}
	}
}

// A guess by a word such as session is not trusted to be necessary.
func TestCollectItems_GuessesNoSessionNecessary(t *testing.T) {
	e := evidencetest.Good()
	evidencetest.Store(0, evidencetest.Cookie("plux_session", "shop.example", 0))(&e, nil)
	for _, it := range Items(&e, nil) {
		if it.Name == "plux_session" && it.Category != consent.Unclassified {
			t.Errorf("%s by %s", it.Category, it.Source)
		}
	}
}

// The words never pronounce on the law, and each is there in both languages.
func TestVerdicts_AreWordedInBothLanguages(t *testing.T) {
	seen := map[string]bool{}
	for i := range Verdicts {
		v := &Verdicts[i]
		if seen[v.Code] || v.Requirement == "" || !v.Severity.AtLeast(consent.Info) || v.When == "" {
			t.Errorf("%s: doubled, or without requirement, severity or measure", v.Code)
		}
		seen[v.Code] = true
		for _, words := range []string{v.Title.In("da"), v.Title.In("en"), v.Advice.In("da"), v.Advice.In("en"), v.When} {
			low := strings.ToLower(words)
			if !strings.HasSuffix(words, ".") || strings.Contains(low, "lawful") || strings.Contains(low, "lovlig") || strings.Contains(low, "illegal") {
				t.Errorf("%s: %q", v.Code, words)
			}
		}
	}
}

// All 35 rules of the scanner have a verdict.
func TestVerdicts_CoverEveryRule(t *testing.T) {
	for n := 1; n <= 35; n++ {
		rule := fmt.Sprintf("S%d", n)
		if !slices.ContainsFunc(Verdicts, func(v Verdict) bool { return v.Requirement == rule }) {
			t.Errorf("nothing judges %s", rule)
		}
	}
}

// docs/findings.md holds the table that the verdicts make; SAMTYKKE_UPDATE=1 writes it anew.
func TestVerdicts_AreDocumented(t *testing.T) {
	const file, begin, end = "../../docs/findings.md", "<!-- findings -->\n", "<!-- end -->\n"
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	head, rest, _ := strings.Cut(string(text), begin)
	have, tail, ok := strings.Cut(rest, end)
	if !ok {
		t.Fatalf("%s has no place for the table", file)
	}
	var b strings.Builder
	b.WriteString("| code | severity | rule | what is measured | limits |\n|---|---|---|---|---|\n")
	for i := range Verdicts {
		v := &Verdicts[i]
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s | %s |\n", v.Code, v.Severity, v.Requirement, v.When, v.Limits)
	}
	if have == b.String() {
		return
	}
	if os.Getenv("SAMTYKKE_UPDATE") == "" {
		t.Errorf("the table in %s is old: run this test with SAMTYKKE_UPDATE=1", file)
	} else if err := os.WriteFile(file, []byte(head+begin+b.String()+end+tail), 0o644); err != nil {
		t.Error(err)
	}
}

// What evidence says can be read again as it was written.
func TestFindings_KeepBothLanguagesInJSON(t *testing.T) {
	e := evidencetest.Good()
	evidencetest.Store(0, evidencetest.Cookie("_fbp", "shop.example", evidencetest.Day))(&e, nil)
	findings := judgeWith(e, nil)
	data, err := json.Marshal(findings)
	if err != nil {
		t.Fatal(err)
	}
	var again []consent.Finding
	if err := json.Unmarshal(data, &again); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(findings, again); diff != "" {
		t.Error(diff)
	}
}

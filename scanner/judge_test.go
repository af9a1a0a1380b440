package scanner

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
)

const (
	shop   = "https://shop.example/"
	second = "https://shop.example/om"
	day    = 24 * time.Hour

	tracker = "https://www.google-analytics.com/ga.js"
	collect = "https://www.google-analytics.com/g/collect"
)

var seenAt = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

// The evidence of a site that does everything right, in every state.
func goodEvidence() Evidence {
	session := cookie("PHPSESSID", "shop.example", 0)
	answer := cookie("CookieConsent", "shop.example", 365*day)
	ga := cookie("_ga", ".shop.example", 395*day)
	call := Call{URL: collect, Type: "fetch", Page: shop, After: true, Order: 9}
	accept := StateEvidence{
		State: StateAccept, Device: Desktop, Done: true, Tool: "Accepter alle", Visits: visits(true, Banner{}), Requests: []Call{call},
		Snapshots: []Snapshot{snap(true, session, answer, ga)}, Signals: []ConsentSignal{denied(shop, 1, true), granted(shop, 2, true)},
	}
	return Evidence{
		URL: shop,
		States: []StateEvidence{
			{State: StateNone, Device: Desktop, Done: true, Visits: visits(false, goodBanner()), Snapshots: []Snapshot{snap(false, session)}, Signals: []ConsentSignal{denied(shop, 1, false)}},
			{State: StateReject, Device: Desktop, Done: true, Tool: "Afvis alle", Visits: visits(true, Banner{}), Snapshots: []Snapshot{snap(true, session, answer)}},
			accept,
			{
				State: StateWithdraw, Device: Desktop, Done: true, Tool: "Accepter alle", Visits: visits(true, Banner{}),
				Snapshots: []Snapshot{snap(false, session, answer, ga), snap(true, session, answer)},
			},
			{State: StateGPC, Device: Desktop, Done: true, Visits: visits(false, goodBanner()), Snapshots: []Snapshot{snap(false, session)}},
		},
		Phone: StateEvidence{State: StateNone, Device: Mobile, Done: true, Visits: visits(false, goodBanner()), Snapshots: []Snapshot{snap(false, session)}},
		Texts: []PageText{{URL: shop + "cookies", Lang: "da", Text: "Digitaliseringsstyrelsen fører tilsyn med cookies. Ved at klikke på “Accepter alle” samtykker du."}},
	}
}

// goodBanner is a measured banner without a flaw.
func goodBanner() Banner {
	return Banner{
		Seen: true, Accept: "Accepter alle", Reject: "Afvis alle", Settings: "Tilpas", Lang: "da", Partners: true, Clicks: 1, Opened: true,
		Text:     "Vi og vores partnere bruger cookies til statistik og marketing. Du kan altid trække dit samtykke tilbage.",
		Purposes: []string{"statistics", "marketing"},
		Buttons:  []Button{goodButton("accept", "Accepter alle"), goodButton("reject", "Afvis alle"), goodButton("settings", "Tilpas")},
		Boxes: []Box{
			{Label: "Nødvendige", Category: "necessary", Checked: true, Disabled: true}, {Label: "Statistik", Category: "statistics"}, {Label: "Marketing", Category: "marketing"},
		},
	}
}

func goodButton(role, label string) Button {
	return Button{
		Role: role, Label: label, Tag: "button", Width: 140, Height: 44, FontSize: 16, Colour: "#ffffff", Background: "#1a1a1a", Around: "#ffffff",
		Contrast: 17.4, Stands: 17.4, Visible: true,
	}
}

func denied(page string, order int, after bool) ConsentSignal {
	values := map[string]string{"security_storage": "granted"}
	for _, s := range append(slices.Clone(askedSignals), "functionality_storage", "personalization_storage") {
		values[s] = "denied"
	}
	return ConsentSignal{Command: "default", Values: values, Wait: 500, Page: page, Order: order, After: after}
}

func granted(page string, order int, after bool) ConsentSignal {
	return ConsentSignal{Command: "update", Values: map[string]string{"analytics_storage": "granted"}, Page: page, Order: order, After: after}
}

// goodDeclaration declares what goodEvidence holds.
func goodDeclaration() []consent.Item {
	because := map[string]string{"da": "Uden den virker kurven ikke.", "en": "Without it the basket doesn't work."}
	return []consent.Item{
		{Kind: consent.Cookie, Name: "PHPSESSID", Host: "shop.example", Party: "first", Category: consent.Necessary, Reason: because},
		{Kind: consent.Cookie, Name: "CookieConsent", Party: "first", Category: consent.Necessary, Lifetime: 365 * day, Reason: because, Provider: "Usercentrics A/S"},
		{Kind: consent.Cookie, Name: "_ga*", Host: "shop.example", Party: "first", Category: consent.Statistics, Lifetime: 400 * day, Provider: "Google Ireland Limited", Country: "US"},
	}
}

func cookie(name, host string, life time.Duration) Stored {
	return Stored{Kind: consent.Cookie, Name: name, Host: host, Path: "/", Lifetime: life, Secure: true, SameSite: "Lax"}
}

func visits(after bool, b Banner) []Visit {
	var list []Visit
	for _, url := range []string{shop, second} {
		list = append(list, Visit{
			URL: url, Final: url, Status: 200, HTML: true, Lang: "da-DK", After: after, Banner: b, Probed: true, Reopen: "Skift samtykke", Declares: shop + "cookies",
		})
	}
	return list
}

func snap(after bool, items ...Stored) Snapshot {
	return Snapshot{Page: shop, After: after, Hosts: []string{"shop.example"}, Items: items}
}

func judgeWith(e Evidence, declared []consent.Item) []consent.Finding {
	return Judge(e, JudgeOptions{Declaration: declared})
}

func TestJudge_GoodSiteHasNoFindings(t *testing.T) {
	if f := judgeWith(goodEvidence(), goodDeclaration()); len(f) > 0 {
		t.Errorf("findings %+v", f)
	}
	if f := judgeWith(goodEvidence(), nil); len(f) > 0 {
		t.Errorf("findings without a declaration %+v", f)
	}
}

// change is one thing made wrong in the good site, so that each row shows that the code comes and that it doesn't
// come without the change.
type change func(e *Evidence, d *[]consent.Item)

func store(state int, s Stored) change {
	return func(e *Evidence, _ *[]consent.Item) {
		last := &e.States[state].Snapshots[len(e.States[state].Snapshots)-1]
		last.Items = append(last.Items, s)
	}
}

func request(state int, url string, after bool) change {
	return withCall(state, Call{URL: url, Type: "script", Page: shop, After: after})
}

func withCall(state int, c Call) change {
	return func(e *Evidence, _ *[]consent.Item) { e.States[state].Requests = append(e.States[state].Requests, c) }
}

func declare(i int, edit func(*consent.Item)) change {
	return func(_ *Evidence, d *[]consent.Item) { edit(&(*d)[i]) }
}

func write(state int, w Write) change {
	return func(e *Evidence, _ *[]consent.Item) { e.States[state].Writes = append(e.States[state].Writes, w) }
}

// withBanner changes the banner of the start page on both screens.
func withBanner(edit func(*Banner)) change {
	return func(e *Evidence, _ *[]consent.Item) {
		edit(&e.States[0].Visits[0].Banner)
		edit(&e.Phone.Visits[0].Banner)
	}
}

// withRefusal changes the button that refuses.
func withRefusal(edit func(*Button)) change {
	return withBanner(func(b *Banner) {
		b.Buttons = slices.Clone(b.Buttons)
		edit(&b.Buttons[1])
	})
}

func withVisit(state, i int, edit func(*Visit)) change {
	return func(e *Evidence, _ *[]consent.Item) { edit(&e.States[state].Visits[i]) }
}

func withUse(state int, u Use) change {
	return func(e *Evidence, _ *[]consent.Item) { e.States[state].Uses = append(e.States[state].Uses, u) }
}

func withSignals(state int, s ...ConsentSignal) change {
	return func(e *Evidence, _ *[]consent.Item) { e.States[state].Signals = s }
}

// unreach takes away that any state was reached.
func unreach(e *Evidence) {
	for i := range e.States {
		e.States[i].Done = false
	}
	e.Phone.Done = false
}

// Nothing is concluded from no evidence, and nothing from states that were not reached, whatever was seen on the way.
func TestJudge_IsSilentWithoutEvidence(t *testing.T) {
	for _, declared := range [][]consent.Item{nil, {}, {{Kind: consent.Cookie, Name: "IDE", Party: "third", Category: consent.Necessary}}} {
		if f := judgeWith(Evidence{}, declared); len(f) > 0 {
			t.Errorf("findings on nothing: %v", codes(f))
		}
		for _, c := range verdictCases {
			e, d := goodEvidence(), goodDeclaration()
			c.change(&e, &d)
			unreach(&e)
			e.Texts = nil
			if f := judgeWith(e, declared); len(f) > 0 {
				t.Errorf("%s: findings on states that were not reached: %v", c.code, codes(f))
			}
		}
	}
}

// A banner of which only the labels are known says nothing of its looks, text and boxes.
func TestJudge_IsSilentOnABannerThatWasNotMeasured(t *testing.T) {
	e := goodEvidence()
	bare := Banner{Seen: true, Accept: "Accepter alle", Reject: "Afvis alle", Settings: "Tilpas"}
	for i := range e.States {
		e.States[i].Visits = visits(e.States[i].Visits[0].After, Banner{})
		for j := range e.States[i].Visits {
			v := &e.States[i].Visits[j]
			v.Probed, v.Reopen, v.Declares, v.Lang = false, "", "", ""
			if !v.After {
				v.Banner = bare
			}
		}
	}
	e.Phone.Visits = visits(false, bare)
	if f := judgeWith(e, goodDeclaration()); len(f) > 0 {
		t.Errorf("%+v", f)
	}
}

func TestJudge_PutsTheWorstFirst(t *testing.T) {
	e := goodEvidence()
	store(0, cookie("_fbp", "shop.example", 500*day))(&e, nil)
	findings := judgeWith(e, []consent.Item{})
	if !slices.IsSortedFunc(findings, func(a, b consent.Finding) int { return rank(a.Severity) - rank(b.Severity) }) {
		t.Errorf("not sorted: %v", codes(findings))
	}
	if len(findings) < 3 || findings[0].Severity != consent.Critical {
		t.Errorf("%v", codes(findings))
	}
}

func TestJudge_BoundsEvidence(t *testing.T) {
	e := goodEvidence()
	for i := range 700 {
		store(0, cookie("_fbp", fmt.Sprintf("%s%d.shop.example", strings.Repeat("a", 100), i), day))(&e, nil)
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
	e := goodEvidence()
	gtm := "https://www.googletagmanager.com/gtm.js"
	write(0, Write{Kind: consent.Cookie, Name: "_fbp", Host: ".shop.example", By: "https://connect.facebook.net/f.js", Stack: []string{"https://connect.facebook.net/f.js", gtm}, Page: second, At: seenAt, Kept: true, Secure: true, SameSite: "Lax"})(&e, nil)
	withCall(0, Call{URL: "https://px.example/p.gif", Type: "image", Page: shop, At: seenAt, Initiator: gtm, Chain: []string{gtm, shop}})(&e, nil)
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
	key := func(changes ...change) string {
		e := goodEvidence()
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
	at := func(name, page string, when time.Time) change {
		return write(0, Write{Kind: consent.Cookie, Name: name, Host: "shop.example", Page: page, At: when, Kept: true, SameSite: "Lax", Secure: true})
	}
	first := key(at("besog_1234567890", shop, seenAt))
	if again := key(at("besog_9876543210", second, seenAt.Add(day))); again != first || !strings.HasPrefix(first, "cookie-before-consent-") {
		t.Errorf("%s became %s", first, again)
	}
	if more := key(at("besog_1234567890", shop, seenAt), at("andet", shop, seenAt)); more == first {
		t.Error("another cookie doesn't change the key")
	}
}

// Whatever a page does, judging it ends well: the same twice, sorted, bounded, in both languages.
func TestJudge_HoldsForAnyEvidence(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		e, d := anyEvidence(t), []consent.Item(nil)
		if rapid.Bool().Draw(t, "declared") {
			d = goodDeclaration()
		}
		findings := judgeWith(e, d)
		if diff := cmp.Diff(findings, judgeWith(e, d)); diff != "" {
			t.Fatalf("not deterministic: %s", diff)
		}
		if !slices.IsSortedFunc(findings, func(a, b consent.Finding) int { return rank(a.Severity) - rank(b.Severity) }) {
			t.Fatalf("not sorted: %v", codes(findings))
		}
		for _, f := range findings {
			if f.Key == "" || len(f.Evidence) == 0 || len(f.Evidence) > maxEvidence+1 || len(f.Subjects) > maxSubjects || !slices.IsSorted(f.Subjects) {
				t.Fatalf("%s: %d lines, %d subjects, key %q", f.Code, len(f.Evidence), len(f.Subjects), f.Key)
			}
			for _, line := range f.Evidence {
				if line["da"] == "" || line["en"] == "" || len(line["da"]) > maxLine+3 || strings.Contains(line["en"], "%!(EXTRA") || strings.Contains(line["en"], "(MISSING)") {
					t.Fatalf("%s: %q", f.Code, line)
				}
			}
		}
	})
}

// anyEvidence draws from little alphabets, so that things meet, and now and then something unruly.
func anyEvidence(t *rapid.T) Evidence {
	odd := rapid.OneOf(rapid.Just(""), rapid.Just("%d"), rapid.String(), rapid.Just(strings.Repeat("x", 5000)))
	urls := rapid.OneOf(rapid.SampledFrom([]string{shop, second, tracker, collect, "https://www.facebook.com/tr/", "https://platform.linkedin.com/in.js", "https://www.googletagmanager.com/gtm.js", "http://[::1", "//x"}), odd)
	hosts := rapid.OneOf(rapid.SampledFrom([]string{"shop.example", ".shop.example", ".doubleclick.net", ""}), odd)
	colours := rapid.SampledFrom([]string{"", "#ffffff", "#1a1a1a", "#ggghhh", "red"})
	sizes := rapid.Float64()
	signals := rapid.MapOfN(rapid.SampledFrom(append(askedSignals, otherSignals...)), rapid.SampledFrom([]string{"granted", "denied", ""}), 0, 7)
	kinds := rapid.SampledFrom([]consent.ItemKind{consent.Cookie, consent.LocalStorage, ""})
	names := rapid.OneOf(rapid.SampledFrom([]string{"_ga", "_fbp", "IDE", "PHPSESSID", "x_123456789"}), odd)
	life := rapid.Custom(func(t *rapid.T) time.Duration { return time.Duration(rapid.Int64().Draw(t, "ns")) })
	boolean := rapid.Bool()
	stored := rapid.Custom(func(t *rapid.T) Stored {
		return Stored{Kind: kinds.Draw(t, "kind"), Name: names.Draw(t, "name"), Host: hosts.Draw(t, "host"), Lifetime: life.Draw(t, "life"), Secure: boolean.Draw(t, "secure")}
	})
	button := rapid.Custom(func(t *rapid.T) Button {
		return Button{
			Role: rapid.SampledFrom([]string{"accept", "reject", "other"}).Draw(t, "role"), Label: odd.Draw(t, "label"), Tag: rapid.SampledFrom([]string{"button", "a", ""}).Draw(t, "tag"),
			Width: sizes.Draw(t, "w"), Height: sizes.Draw(t, "h"), FontSize: sizes.Draw(t, "f"), Colour: colours.Draw(t, "c"), Background: colours.Draw(t, "b"), Around: colours.Draw(t, "a"),
			Contrast: sizes.Draw(t, "contrast"), Stands: sizes.Draw(t, "stands"), Bold: boolean.Draw(t, "bold"), Visible: boolean.Draw(t, "visible"),
		}
	})
	banner := rapid.Custom(func(t *rapid.T) Banner {
		return Banner{
			Seen: boolean.Draw(t, "seen"), Accept: odd.Draw(t, "accept"), Reject: odd.Draw(t, "reject"), Settings: odd.Draw(t, "settings"), Text: odd.Draw(t, "text"),
			Lang: rapid.SampledFrom([]string{"", "da", "en"}).Draw(t, "lang"), Buttons: rapid.SliceOfN(button, 0, 3).Draw(t, "buttons"), Clicks: rapid.IntRange(0, 3).Draw(t, "clicks"),
			Wall: boolean.Draw(t, "wall"), Boxes: []Box{{Label: odd.Draw(t, "box"), Category: rapid.SampledFrom([]string{"", "marketing", "necessary"}).Draw(t, "cat"), Checked: boolean.Draw(t, "on")}},
			Problems: []Problem{{Rule: rapid.SampledFrom([]string{"name", "target", "?"}).Draw(t, "rule"), Element: odd.Draw(t, "element")}},
		}
	})
	state := rapid.Custom(func(t *rapid.T) StateEvidence {
		s := StateEvidence{State: rapid.SampledFrom(append(slices.Clone(states), "dream")).Draw(t, "state"), Device: rapid.SampledFrom([]string{"", Desktop, Mobile}).Draw(t, "device"), Done: boolean.Draw(t, "done")}
		for range rapid.IntRange(0, 3).Draw(t, "n") {
			page, after := urls.Draw(t, "page"), boolean.Draw(t, "after")
			s.Visits = append(s.Visits, Visit{URL: page, Final: page, Status: 200, HTML: true, After: after, Lang: odd.Draw(t, "lang"), Probed: boolean.Draw(t, "probed"), Banner: banner.Draw(t, "banner")})
			s.Snapshots = append(s.Snapshots, Snapshot{Page: page, After: after, Hosts: []string{"shop.example"}, Items: rapid.SliceOfN(stored, 0, 3).Draw(t, "items")})
			w := stored.Draw(t, "write")
			s.Writes = append(s.Writes, Write{Kind: w.Kind, Name: w.Name, Host: w.Host, By: urls.Draw(t, "by"), Stack: []string{urls.Draw(t, "stack")}, Page: page, After: after, Lifetime: w.Lifetime, Kept: boolean.Draw(t, "kept"), Removes: boolean.Draw(t, "removes")})
			s.Requests = append(s.Requests, Call{URL: urls.Draw(t, "call"), Params: []string{"gclid"}, Pixel: boolean.Draw(t, "pixel"), Type: "image", Page: page, After: after, Order: rapid.IntRange(-1, 9).Draw(t, "order")})
			s.Uses = append(s.Uses, Use{What: rapid.SampledFrom([]string{"canvas", "audio", "link-decoration"}).Draw(t, "what"), By: urls.Draw(t, "script"), Page: page, After: after, Names: []string{odd.Draw(t, "param")}})
			s.Signals = append(s.Signals, ConsentSignal{Command: rapid.SampledFrom([]string{"default", "update", ""}).Draw(t, "command"), Values: signals.Draw(t, "values"), Page: page, After: after, Order: rapid.IntRange(-1, 9).Draw(t, "place")})
		}
		return s
	})
	return Evidence{URL: urls.Draw(t, "url"), States: rapid.SliceOfN(state, 0, 6).Draw(t, "states"), Phone: state.Draw(t, "phone"), Texts: []PageText{{URL: urls.Draw(t, "at"), Text: odd.Draw(t, "said")}}}
}

// A date that can't be read makes no session cookie: the browser knows how long it kept it.
func TestCollectItems_TrustsTheBrowserWhereTheDateIsUnclear(t *testing.T) {
	e := goodEvidence()
	store(2, cookie("_gid", "shop.example", 398*day))(&e, nil)
	write(2, Write{Kind: consent.Cookie, Name: "_gid", Host: "shop.example", After: true, Kept: true, Unclear: true})(&e, nil)
	for _, it := range collectItems(&e, nil) {
		if it.Name == "_gid" && it.LifetimeS != 398*86400 {
			t.Errorf("lasts %d s", it.LifetimeS)
		}
	}
}

// A guess by a word such as session is not trusted to be necessary.
func TestCollectItems_GuessesNoSessionNecessary(t *testing.T) {
	e := goodEvidence()
	store(0, cookie("plux_session", "shop.example", 0))(&e, nil)
	for _, it := range collectItems(&e, nil) {
		if it.Name == "plux_session" && it.Category != consent.Unclassified {
			t.Errorf("%s by %s", it.Category, it.Source)
		}
	}
}

// The words never pronounce on the law, and each is there in both languages.
func TestVerdicts_AreWordedInBothLanguages(t *testing.T) {
	seen := map[string]bool{}
	for i := range verdicts {
		v := &verdicts[i]
		if seen[v.code] || v.requirement == "" || !v.severity.AtLeast(consent.Info) || v.when == "" {
			t.Errorf("%s: doubled, or without requirement, severity or measure", v.code)
		}
		seen[v.code] = true
		for _, words := range []string{v.title.da, v.title.en, v.advice.da, v.advice.en, v.when} {
			low := strings.ToLower(words)
			if !strings.HasSuffix(words, ".") || strings.Contains(low, "lawful") || strings.Contains(low, "lovlig") || strings.Contains(low, "illegal") {
				t.Errorf("%s: %q", v.code, words)
			}
		}
	}
}

// All 35 rules of the scanner have a verdict.
func TestVerdicts_CoverEveryRule(t *testing.T) {
	for n := 1; n <= 35; n++ {
		rule := fmt.Sprintf("S%d", n)
		if !slices.ContainsFunc(verdicts, func(v verdict) bool { return v.requirement == rule }) {
			t.Errorf("nothing judges %s", rule)
		}
	}
}

// docs/findings.md holds the table that the verdicts make; SAMTYKKE_UPDATE=1 writes it anew.
func TestVerdicts_AreDocumented(t *testing.T) {
	const file, begin, end = "../docs/findings.md", "<!-- findings -->\n", "<!-- end -->\n"
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
	for i := range verdicts {
		v := &verdicts[i]
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s | %s |\n", v.code, v.severity, v.requirement, v.when, v.limits)
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
	e := goodEvidence()
	store(0, cookie("_fbp", "shop.example", day))(&e, nil)
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

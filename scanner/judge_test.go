package scanner

import (
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"samtykke/consent"
)

const (
	shop   = "https://shop.example/"
	second = "https://shop.example/om"
	day    = 24 * time.Hour

	tracker = "https://www.google-analytics.com/ga.js"
)

// The evidence of a site that does everything right, in the four states.
func goodEvidence() Evidence {
	session := cookie("PHPSESSID", "shop.example", 0)
	answer := cookie("CookieConsent", "shop.example", 365*day)
	ga := cookie("_ga", ".shop.example", 395*day)
	asks := Banner{Seen: true, Accept: "Accepter alle", Reject: "Afvis alle"}
	call := Call{URL: "https://www.google-analytics.com/g/collect", Type: "fetch", Page: shop, After: true}
	return Evidence{URL: shop, States: []StateEvidence{
		{State: StateNone, Done: true, Visits: visits(false, asks), Snapshots: []Snapshot{snap(false, session)}},
		{State: StateReject, Done: true, Tool: "Afvis alle", Visits: visits(true, Banner{}), Snapshots: []Snapshot{snap(true, session, answer)}},
		{
			State: StateAccept, Done: true, Tool: "Accepter alle", Visits: visits(true, Banner{}), Requests: []Call{call},
			Snapshots: []Snapshot{snap(true, session, answer, ga)},
		},
		{
			State: StateWithdraw, Done: true, Tool: "Accepter alle", Visits: visits(true, Banner{}),
			Snapshots: []Snapshot{snap(false, session, answer, ga), snap(true, session, answer)},
		},
	}}
}

// goodDeclaration declares what goodEvidence holds.
func goodDeclaration() []consent.Item {
	because := map[string]string{"da": "Uden den virker kurven ikke.", "en": "Without it the basket doesn't work."}
	return []consent.Item{
		{Kind: consent.Cookie, Name: "PHPSESSID", Host: "shop.example", Party: "first", Category: consent.Necessary, Reason: because},
		{Kind: consent.Cookie, Name: "CookieConsent", Party: "first", Category: consent.Necessary, Lifetime: 365 * day, Reason: because},
		{Kind: consent.Cookie, Name: "_ga*", Host: "shop.example", Party: "first", Category: consent.Statistics, Lifetime: 400 * day},
	}
}

func cookie(name, host string, life time.Duration) Stored {
	return Stored{Kind: consent.Cookie, Name: name, Host: host, Path: "/", Lifetime: life, Secure: true, SameSite: "Lax"}
}

func visits(after bool, b Banner) []Visit {
	var list []Visit
	for _, url := range []string{shop, second} {
		list = append(list, Visit{URL: url, Final: url, Status: 200, HTML: true, After: after, Banner: b})
	}
	return list
}

func snap(after bool, items ...Stored) Snapshot {
	return Snapshot{Page: shop, After: after, Hosts: []string{"shop.example"}, Items: items}
}

func TestJudge_GoodSiteHasNoFindings(t *testing.T) {
	if f := Judge(goodEvidence(), goodDeclaration()); len(f) > 0 {
		t.Errorf("findings %+v", f)
	}
	if f := Judge(goodEvidence(), nil); len(f) > 0 {
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
	return func(e *Evidence, _ *[]consent.Item) {
		e.States[state].Requests = append(e.States[state].Requests, Call{URL: url, Type: "script", Page: shop, After: after})
	}
}

func declare(i int, edit func(*consent.Item)) change {
	return func(_ *Evidence, d *[]consent.Item) { edit(&(*d)[i]) }
}

func write(state int, w Write) change {
	return func(e *Evidence, _ *[]consent.Item) { e.States[state].Writes = append(e.States[state].Writes, w) }
}

func TestJudge_EveryCode(t *testing.T) {
	unknown := Stored{Kind: consent.LocalStorage, Name: "ukendt", Host: "shop.example", Lifetime: consent.Persistent}
	fbp := cookie("_fbp", ".shop.example", 90*day)
	for _, c := range []struct {
		code, requirement string
		severity          consent.Severity
		change            change
		also              []string // codes that the same change brings
		evidence          string
	}{
		{"cookie-before-consent", "S1", "critical", store(0, fbp), []string{"undeclared"}, "none: cookie _fbp (shop.example, marketing) on https://shop.example/"},
		{"cookie-before-consent", "S1", "high", store(0, cookie("qq1", "shop.example", day)), []string{"undeclared", "unclassified"}, "qq1"},
		{
			"cookie-before-consent", "S1", "critical",
			write(0, Write{Kind: consent.Cookie, Name: "IDE", Host: ".doubleclick.net", By: "https://doubleclick.net/p", Page: shop, Refused: "ThirdPartyPhaseout"}),
			[]string{"undeclared"},
			"refused by the browser",
		},
		{
			"storage-before-consent", "S2", "critical",
			store(0, Stored{Kind: consent.LocalStorage, Name: "_hjid", Host: "shop.example", Lifetime: consent.Persistent}),
			[]string{"undeclared"},
			"none: localStorage _hjid",
		},
		{"storage-before-consent", "S2", "high", store(0, unknown), []string{"undeclared", "unclassified"}, "ukendt"},
		{"thirdparty-request-before-consent", "S3", "critical", request(0, tracker, false), nil, "none: script " + tracker + " (statistics) on " + shop},
		{"thirdparty-request-before-consent", "S3", "high", request(0, "https://cdn.example/x.js", false), nil, "cdn.example"},
		{"set-after-reject", "S4", "critical", store(1, fbp), []string{"undeclared"}, "reject: cookie _fbp"},
		{"set-after-reject", "S4", "critical", request(1, tracker, true), nil, tracker},
		{
			"set-after-reject", "S4", "critical",
			write(1, Write{Kind: consent.Cookie, Name: "_fbp", Host: ".shop.example", Page: second, After: true, Kept: true, Lifetime: time.Minute}),
			[]string{"undeclared", "insecure-cookie"},
			"on " + second,
		},
		{"still-active-after-withdraw", "S5", "critical", store(3, cookie("_ga", ".shop.example", 395*day)), nil, "withdraw: cookie _ga"},
		{"still-active-after-withdraw", "S5", "critical", request(3, tracker, true), nil, tracker},
		{"undeclared", "S6", "high", store(2, fbp), nil, "accept: cookie _fbp"},
		{"declared-not-seen", "S7", "low", declare(2, func(i *consent.Item) { i.Name = "_pk_id*" }), []string{"undeclared"}, "cookie _pk_id*"},
		{"unclassified", "S8", "high", store(2, unknown), []string{"undeclared"}, "1 of 4"},
		{"misclassified-necessary", "S9", "high", declare(2, func(i *consent.Item) { i.Category = consent.Necessary }), nil, "cookie _ga is declared necessary; https://support.google.com"},
		{"misclassified-necessary", "S9", "high", declare(0, func(i *consent.Item) { i.Reason = nil }), nil, "without a reason"},
		{
			"lifetime-too-long", "S10", "medium",
			store(2, cookie("_gid", "shop.example", 398*day)),
			[]string{"undeclared"},
			"cookie _gid (shop.example) lasts 398 days",
		},
		{"lifetime-mismatch", "S11", "medium", declare(2, func(i *consent.Item) { i.Lifetime = 90 * day }), nil, "declared to last 90 days and lasts 395 days"},
		{"no-banner", "S13", "critical", func(e *Evidence, _ *[]consent.Item) { e.States[0].Visits = visits(false, Banner{}) }, nil, "accept: cookie _ga"},
		{"no-reject-first-layer", "S14", "critical", func(e *Evidence, _ *[]consent.Item) {
			e.States[0].Visits = visits(false, Banner{Seen: true, Accept: "OK"})
		}, nil, "“OK” and no button that refuses"},
		{"no-reject-first-layer", "S14", "high", func(e *Evidence, _ *[]consent.Item) {
			e.States[0].Visits = visits(false, Banner{Seen: true, Accept: "OK", Other: "Helst ikke"})
		}, nil, "“OK” and “Helst ikke”, and no button was recognised as a refusal"},
		{"reprompt-after-reject", "S24", "medium", func(e *Evidence, _ *[]consent.Item) { e.States[1].Visits[1].Banner.Seen = true }, nil, second},
		{"banner-missing-on-subpage", "S26", "high", func(e *Evidence, _ *[]consent.Item) { e.States[0].Visits[1].Banner = Banner{} }, nil, second},
		{
			"insecure-cookie", "S30", "low",
			store(2, Stored{Kind: consent.Cookie, Name: "_gid", Host: "shop.example", Lifetime: day}),
			[]string{"undeclared"},
			"_gid (shop.example) is set without Secure and SameSite",
		},
	} {
		e, d := goodEvidence(), goodDeclaration()
		c.change(&e, &d)
		findings := Judge(e, d)
		want := append([]string{c.code}, c.also...)
		slices.Sort(want)
		if diff := cmp.Diff(want, codes(findings)); diff != "" {
			t.Errorf("%s (%s): %s", c.code, c.evidence, diff)
		}
		for _, f := range findings {
			if f.Code == c.code && (f.Severity != c.severity || f.Requirement != c.requirement || !strings.Contains(strings.Join(f.Evidence, "\n"), c.evidence)) {
				t.Errorf("%s: %s %s %q, want %s %q", f.Code, f.Requirement, f.Severity, f.Evidence, c.severity, c.evidence)
			}
		}
	}
}

// What looks like a finding and isn't one.
func TestJudge_Spares(t *testing.T) {
	for name, c := range map[string]change{
		"a third party's cookie that nobody set again after the withdrawal": func(e *Evidence, d *[]consent.Item) {
			ide := cookie("IDE", ".doubleclick.net", 390*day)
			ide.SameSite = "None"
			s := &e.States[3]
			s.Snapshots[0].Items = append(s.Snapshots[0].Items, ide)
			s.Snapshots[1].Items = append(s.Snapshots[1].Items, ide)
			*d = append(*d, consent.Item{Kind: consent.Cookie, Name: "IDE", Host: "doubleclick.net", Party: "third", Category: consent.Marketing, Lifetime: 395 * day})
		},
		"a necessary third party": request(0, "https://consent.cookiebot.com/uc.js", false),
		"the product's own banner on another host": func(e *Evidence, _ *[]consent.Item) {
			e.States[0].Requests = []Call{{URL: "https://cookies.example/s/abcdefgh.js", Consent: true}, {URL: "https://cookies.example/v1/x"}}
		},
		"a request of the same site":     request(0, "https://static.shop.example/app.js", false),
		"what came before the refusal":   request(1, tracker, false),
		"a cookie that was only removed": write(0, Write{Kind: consent.Cookie, Name: "_fbp", Host: "shop.example", Removes: true}),
		"a probe that was taken away again": func(e *Evidence, _ *[]consent.Item) {
			e.States[0].Writes = []Write{
				{Kind: consent.Cookie, Name: "_fbp", Host: "shop.example", Kept: true},
				{Kind: consent.Cookie, Name: "_fbp", Host: "shop.example", Removes: true},
			}
		},
		"exactly 13 months": func(e *Evidence, _ *[]consent.Item) { e.States[2].Snapshots[0].Items[2].Lifetime = longest },
		"a lifetime in round words": func(e *Evidence, d *[]consent.Item) {
			(*d)[2].Lifetime = 390 * day
		},
		"a page that failed": func(e *Evidence, _ *[]consent.Item) {
			e.States[0].Visits[1] = Visit{URL: second, Final: second, Status: 500, HTML: true}
		},
		"no banner where nothing needs one": func(e *Evidence, d *[]consent.Item) {
			e.States = e.States[:1]
			e.States[0].Visits = visits(false, Banner{})
		},
		"a necessary cookie without Secure": func(e *Evidence, _ *[]consent.Item) {
			e.States[0].Snapshots[0].Items[0].Secure = false
		},
		"states that were not reached": func(e *Evidence, d *[]consent.Item) {
			for i := 1; i < 4; i++ {
				store(i, cookie("_fbp", "shop.example", day))(e, nil)
				request(i, tracker, true)(e, nil)
				e.States[i].Visits[1].Banner.Seen = true
				e.States[i].Done = false
			}
			*d = nil
		},
		"the reject button seen on the first page": func(e *Evidence, _ *[]consent.Item) { e.States[0].Visits[1].Banner.Reject = "" },
	} {
		e, d := goodEvidence(), goodDeclaration()
		c(&e, &d)
		if f := Judge(e, d); len(f) > 0 {
			t.Errorf("%s: %+v", name, f)
		}
	}
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

func TestJudge_PutsTheWorstFirst(t *testing.T) {
	e, d := goodEvidence(), []consent.Item{}
	store(0, cookie("_fbp", "shop.example", 500*day))(&e, &d)
	var last int
	findings := Judge(e, d)
	for _, f := range findings {
		if rank(f.Severity) < last {
			t.Errorf("%s comes after something less severe", f.Code)
		}
		last = rank(f.Severity)
	}
	if len(findings) < 3 || findings[0].Severity != consent.Critical {
		t.Errorf("%v", codes(findings))
	}
}

func TestJudge_BoundsEvidence(t *testing.T) {
	e := goodEvidence()
	for i := range 200 {
		store(0, cookie("_fbp", strings.Repeat("a", i+1)+".shop.example", day))(&e, nil)
	}
	for _, f := range Judge(e, nil) {
		if len(f.Evidence) > maxEvidence+1 || !strings.HasPrefix(f.Evidence[len(f.Evidence)-1], "… and 150 more") {
			t.Errorf("%s has %d lines, the last %q", f.Code, len(f.Evidence), f.Evidence[len(f.Evidence)-1])
		}
	}
}

// The words never pronounce on the law, and each is there in both languages.
func TestVerdicts_AreWordedInBothLanguages(t *testing.T) {
	doc, err := os.ReadFile("../docs/scanner.md")
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for i := range verdicts {
		v := &verdicts[i]
		if seen[v.code] || v.requirement == "" || !v.severity.AtLeast(consent.Info) {
			t.Errorf("%s: doubled, or without requirement or severity", v.code)
		}
		seen[v.code] = true
		if row := "| `" + v.code + "` | " + v.requirement + " | " + string(v.severity); !strings.Contains(string(doc), row) {
			t.Errorf("docs/scanner.md lacks %q", row)
		}
		for _, words := range []string{v.titleDA, v.titleEN, v.adviceDA, v.adviceEN} {
			low := strings.ToLower(words)
			if !strings.HasSuffix(words, ".") || strings.Contains(low, "lawful") || strings.Contains(low, "lovlig") || strings.Contains(low, "illegal") {
				t.Errorf("%s: %q", v.code, words)
			}
		}
	}
}

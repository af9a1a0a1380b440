package judgement

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"samtykke/consent"
	"samtykke/scanner/evidence"
	"samtykke/scanner/evidence/evidencetest"
)

const (
	gtm   = "https://www.googletagmanager.com/gtm.js"
	pixel = "https://www.facebook.com/tr/"
)

// fbp and unknown are what a site does wrong in many rows.
var (
	fbp     = evidencetest.Cookie("_fbp", ".shop.example", 90*evidencetest.Day)
	unknown = evidence.Stored{Kind: consent.LocalStorage, Name: "ukendt", Host: "shop.example", Lifetime: consent.Persistent}
)

// verdictCases is the specification of the verdicts: one thing is made wrong, and just these codes come.
var verdictCases = []struct {
	code, requirement string
	severity          consent.Severity
	change            evidencetest.Change
	also              []string // codes that the same change brings
	evidence          string   // in one of the lines
}{
	{"cookie-before-consent", "S1", "critical", evidencetest.Store(0, fbp), []string{"undeclared"}, "before an answer, desktop: cookie _fbp (shop.example, marketing) on https://shop.example/"},
	{"cookie-before-consent", "S1", "high", evidencetest.Store(0, evidencetest.Cookie("qq1", "shop.example", evidencetest.Day)), []string{"undeclared", "unclassified"}, "qq1"},
	{
		"cookie-before-consent", "S1", "critical",
		evidencetest.Write(0, evidence.Write{Kind: consent.Cookie, Name: "IDE", Host: ".doubleclick.net", By: "https://doubleclick.net/p", Page: evidencetest.Shop, Refused: "ThirdPartyPhaseout"}),
		[]string{"undeclared"},
		"refused by the browser",
	},
	{"storage-before-consent", "S2", "critical", evidencetest.Store(0, evidence.Stored{Kind: consent.LocalStorage, Name: "_hjid", Host: "shop.example", Lifetime: consent.Persistent}), []string{"undeclared"}, "localStorage _hjid"},
	{"storage-before-consent", "S2", "high", evidencetest.Store(0, unknown), []string{"undeclared", "unclassified"}, "ukendt"},
	{"thirdparty-request-before-consent", "S3", "critical", evidencetest.Request(0, "https://static.hotjar.com/c/x.js", false), nil, "desktop: script https://static.hotjar.com/c/x.js (statistics) on " + evidencetest.Shop},
	{"thirdparty-request-before-consent", "S3", "high", evidencetest.Request(0, "https://cdn.example/x.js", false), nil, "cdn.example"},
	{"set-after-reject", "S4", "critical", evidencetest.Store(1, fbp), []string{"undeclared"}, "after refusal, desktop: cookie _fbp"},
	{"set-after-reject", "S4", "critical", evidencetest.Request(1, "https://static.hotjar.com/c/x.js", true), nil, "hotjar"},
	{
		"set-after-reject", "S4", "critical",
		evidencetest.Write(1, evidence.Write{Kind: consent.Cookie, Name: "_fbp", Host: ".shop.example", Page: evidencetest.Second, After: true, Kept: true, Lifetime: time.Minute}),
		[]string{"undeclared", "insecure-cookie"},
		"on " + evidencetest.Second,
	},
	{"still-active-after-withdraw", "S5", "critical", evidencetest.Store(3, evidencetest.Cookie("_ga", ".shop.example", 395*evidencetest.Day)), nil, "after withdrawal, desktop: cookie _ga"},
	{"still-active-after-withdraw", "S5", "critical", evidencetest.Request(3, "https://static.hotjar.com/c/x.js", true), nil, "hotjar"},
	{"undeclared", "S6", "high", evidencetest.Store(2, fbp), nil, "after acceptance, desktop: cookie _fbp"},
	{"declared-not-seen", "S7", "low", declare(2, func(i *consent.Item) { i.Name = "_pk_id*" }), []string{"undeclared"}, "cookie _pk_id*"},
	{"unclassified", "S8", "high", evidencetest.Store(2, unknown), []string{"undeclared"}, "1 of 4"},
	{"misclassified-necessary", "S9", "high", declare(2, func(i *consent.Item) { i.Category = consent.Necessary }), nil, "cookie _ga is declared necessary; https://support.google.com"},
	{"misclassified-necessary", "S9", "high", declare(0, func(i *consent.Item) { i.Reason = nil }), nil, "without a reason"},
	{"lifetime-too-long", "S10", "medium", evidencetest.Store(2, evidencetest.Cookie("_gid", "shop.example", 398*evidencetest.Day)), []string{"undeclared"}, "cookie _gid (shop.example) lasts 398 days; the limit is 397 days"},
	{"lifetime-mismatch", "S11", "medium", declare(2, func(i *consent.Item) { i.Lifetime = 90 * evidencetest.Day }), nil, "says 90 days, measured 395 days"},
	{"third-party-unlabelled", "S12", "high", declare(2, func(i *consent.Item) { i.Provider = " " }), nil, "cookie _ga* (shop.example, statistics): known as Google Analytics by Google Ireland Limited"},
	{"third-party-unlabelled", "S12", "high", func(e *evidence.Site, d *[]consent.Item) {
		evidencetest.Store(2, evidencetest.Cookie("xx", "vendor.example", evidencetest.Day))(e, d)
		*d = append(*d, consent.Item{Kind: consent.Cookie, Name: "xx", Host: "vendor.example", Party: "third", Category: consent.Statistics, Lifetime: evidencetest.Day})
	}, nil, "cookie xx (vendor.example, statistics)"},
	{"no-banner", "S13", "critical", func(e *evidence.Site, _ *[]consent.Item) {
		e.States[0].Visits, e.Phone.Visits = evidencetest.Visits(false, evidence.Banner{}), evidencetest.Visits(false, evidence.Banner{})
	}, nil, "after acceptance, desktop: cookie _ga"},
	{"no-reject-first-layer", "S14", "critical", evidencetest.WithBanner(func(b *evidence.Banner) { *b = evidence.Banner{Seen: true, Accept: "OK"} }), nil, "mobile, https://shop.example/: the banner has “OK” and no button that refuses"},
	{"no-reject-first-layer", "S14", "critical", evidencetest.WithBanner(func(b *evidence.Banner) { *b = evidence.Banner{Seen: true, Accept: "OK", Clicks: 2} }), nil, "refusing takes 2 clicks"},
	{"no-reject-first-layer", "S14", "high", evidencetest.WithBanner(func(b *evidence.Banner) { *b = evidence.Banner{Seen: true, Accept: "OK", Other: "Helst ikke"} }), nil, "“OK” and “Helst ikke”, and no button was recognised as a refusal"},
	{"reject-not-equal", "S15", "high", evidencetest.WithRefusal(func(b *evidence.Button) { b.Tag = "a" }), nil, "“Accepter alle” is a button, “Afvis alle” is <a>"},
	{"reject-not-equal", "S15", "high", evidencetest.WithRefusal(func(b *evidence.Button) { b.Height = 30 }), nil, "“Accepter alle” is 44 px high, “Afvis alle” is 30 px"},
	{"reject-not-equal", "S15", "high", evidencetest.WithRefusal(func(b *evidence.Button) { b.Width = 70 }), nil, "140 px wide, “Afvis alle” is 70 px"},
	{"reject-not-equal", "S15", "high", evidencetest.WithRefusal(func(b *evidence.Button) { b.FontSize = 12.5 }), nil, "set in 16 px, “Afvis alle” in 12.5 px"},
	{"reject-not-equal", "S15", "high", evidencetest.WithBanner(func(b *evidence.Banner) { b.Buttons = slices.Clone(b.Buttons); b.Buttons[0].Bold = true }), nil, "“Accepter alle” is bold"},
	{"reject-not-equal", "S15", "high", evidencetest.WithRefusal(func(b *evidence.Button) { b.Contrast = 5.2 }), nil, "a contrast of 17.4:1, “Afvis alle” of 5.2:1"},
	{"reject-not-equal", "S15", "high", evidencetest.WithRefusal(func(b *evidence.Button) { b.Background, b.Stands = "#ffffff", 1.6 }), nil, "stands out from what is behind it by 17.4:1, “Afvis alle” only by 1.6:1"},
	{"reject-not-equal", "S15", "high", evidencetest.WithRefusal(func(b *evidence.Button) { b.Background = "#ffffff" }), nil, "is filled with #1a1a1a, “Afvis alle” isn't filled"},
	{"reject-not-equal", "S15", "medium", evidencetest.WithRefusal(func(b *evidence.Button) { b.Background = "#b00020" }), nil, "is coloured #1a1a1a, “Afvis alle” #b00020"},
	{"reject-not-equal", "S15", "high", evidencetest.WithRefusal(func(b *evidence.Button) { b.Visible = false }), nil, "shows without scrolling"},
	{"reject-not-equal", "S15", "high", evidencetest.WithBanner(func(b *evidence.Banner) { b.Clicks = 2 }), nil, "refusing takes 2 clicks"},
	{"reject-unreadable", "S16", "high", evidencetest.WithRefusal(func(b *evidence.Button) { b.Contrast, b.Colour, b.Background = 2.1, "#999999", "#1a1a1a" }), []string{"reject-not-equal"}, "a contrast of 2.1:1, less than 4.5:1"},
	{"pre-ticked", "S17", "critical", evidencetest.WithBanner(func(b *evidence.Banner) {
		b.Boxes = []evidence.Box{{Label: "Statistik", Category: "statistics", Checked: true}, {Label: "Marketing", Category: "marketing"}}
	}), nil, "“Statistik” (statistics) is on beforehand"},
	{"pre-ticked", "S17", "high", evidencetest.WithBanner(func(b *evidence.Banner) { b.Boxes = []evidence.Box{{Label: "Hygge", Checked: true}, {Label: "B"}} }), nil, "“Hygge” (of no known category) is on beforehand"},
	{"no-withdraw-link", "S18", "high", evidencetest.WithVisit(2, 1, func(v *evidence.Visit) { v.Reopen = "" }), nil, "after acceptance, desktop: no way back to the choices on " + evidencetest.Second},
	{"no-declaration-link", "S19", "high", evidencetest.WithVisit(1, 1, func(v *evidence.Visit) { v.Declares = "" }), nil, "no link to a cookie declaration on " + evidencetest.Second},
	{"no-declaration-link", "S19", "high", func(e *evidence.Site, _ *[]consent.Item) { e.Texts[0].Status = 404 }, nil, "which answers with HTTP status 404"},
	{"implied-consent-text", "S20", "high", evidencetest.WithBanner(func(b *evidence.Banner) {
		b.Text = "Ved at fortsætte med at bruge siden accepterer du vores cookies til statistik."
	}), nil, "“Ved at fortsætte med at bruge siden accepterer du”"},
	{"implied-consent-text", "S20", "high", func(e *evidence.Site, _ *[]consent.Item) {
		e.Texts = []evidence.PageText{{URL: evidencetest.Shop + "cookies", Text: "If you continue to browse, we will assume that you are happy."}}
	}, nil, "https://shop.example/cookies: “If you continue to browse, we will assume”"},
	{"cookie-wall", "S21", "high", evidencetest.WithBanner(func(b *evidence.Banner) { b.Wall, b.Reject, b.Clicks, b.Buttons = true, "", 2, b.Buttons[:1] }), []string{"no-reject-first-layer"}, "the page can't be used without an answer; refusing takes 2 clicks"},
	{"purposes-missing-first-layer", "S22", "high", evidencetest.WithBanner(func(b *evidence.Banner) { b.Purposes = []string{"marketing"} }), nil, "doesn't name statistics, which the site uses (cookie _ga)"},
	{"third-parties-missing-first-layer", "S22", "high", evidencetest.WithBanner(func(b *evidence.Banner) { b.Partners = false }), nil, "data goes to www.google-analytics.com"},
	{"all-or-nothing", "S23", "high", func(e *evidence.Site, d *[]consent.Item) {
		evidencetest.WithBanner(func(b *evidence.Banner) { b.Boxes = b.Boxes[:1] })(e, d)
		evidencetest.Request(2, pixel, true)(e, d)
	}, nil, "has 0 choices that can be changed; the site uses statistics, marketing"},
	{"reprompt-after-reject", "S24", "medium", evidencetest.WithVisit(1, 1, func(v *evidence.Visit) { v.Banner.Seen = true }), nil, evidencetest.Second},
	{"language-mismatch", "S25", "medium", evidencetest.WithVisit(0, 0, func(v *evidence.Visit) { v.Lang = "en-GB" }), nil, "is in en, the banner in da"},
	{"banner-missing-on-subpage", "S26", "high", evidencetest.WithVisit(0, 1, func(v *evidence.Visit) { v.Banner = evidence.Banner{} }), nil, "no banner on " + evidencetest.Second},
	{"consent-mode-missing", "S27", "medium", evidencetest.WithSignals(2), nil, evidencetest.Collect + " was called without any default"},
	{"consent-mode-missing", "S27", "low", func(e *evidence.Site, _ *[]consent.Item) { delete(e.States[2].Signals[0].Values, "security_storage") }, nil, "the default lacks security_storage"},
	{"consent-mode-missing", "S27", "medium", func(e *evidence.Site, _ *[]consent.Item) { delete(e.States[2].Signals[0].Values, "ad_user_data") }, nil, "the default lacks ad_user_data"},
	{"consent-mode-late", "S27", "high", evidencetest.WithSignals(2, evidencetest.Denied(evidencetest.Shop, 10, true), evidencetest.Granted(evidencetest.Shop, 11, true)), nil, "was called as no. 9 on the page, the default came as no. 10"},
	{"consent-mode-late", "S27", "high", evidencetest.WithSignals(2, evidencetest.Granted(evidencetest.Shop, 1, true), evidencetest.Denied(evidencetest.Shop, 2, true)), nil, "the update came as no. 1 on the page, the default as no. 2"},
	{"consent-mode-granted", "S27", "high", func(e *evidence.Site, _ *[]consent.Item) { e.States[0].Signals[0].Values["ad_storage"] = "granted" }, nil, "the default grants ad_storage"},
	{"consent-mode-granted", "S27", "high", evidencetest.WithSignals(1, evidencetest.Denied(evidencetest.Shop, 1, true), evidencetest.Granted(evidencetest.Shop, 2, true)), nil, "an update grants analytics_storage"},
	{"consent-mode-advanced", "S27", "high", evidencetest.WithCall(0, evidence.Call{URL: gtm, Type: "script", Page: evidencetest.Shop, Order: 2, Initiator: evidencetest.Shop}), []string{"thirdparty-request-before-consent"}, "calls of Google's tags: 1, the first " + gtm},
	{"consent-mode-no-update", "S27", "medium", evidencetest.WithSignals(2, evidencetest.Denied(evidencetest.Shop, 1, true)), nil, "nothing says yes after the acceptance"},
	{"consent-mode-no-wait", "S27", "low", func(e *evidence.Site, _ *[]consent.Item) {
		late := evidencetest.Denied(evidencetest.Shop, 1, true)
		late.Wait = 0
		e.States[2].Signals = []evidence.ConsentSignal{late, evidencetest.Granted(evidencetest.Shop, 12, true)}
	}, nil, "the update came as no. 12, and the default doesn't wait"},
	{"fingerprinting-suspected", "S28", "medium", evidencetest.WithUse(0, evidence.Use{What: "audio", By: evidencetest.Shop + "f.js", Page: evidencetest.Shop, Count: 1}), nil, evidencetest.Shop + "f.js reads audio on " + evidencetest.Shop},
	{"fingerprinting-suspected", "S28", "medium", evidencetest.WithUse(0, evidence.Use{What: "canvas", By: "https://fp.example/f.js", Page: evidencetest.Shop, Count: 1}), nil, "https://fp.example/f.js reads canvas"},
	{"tracking-pixel", "S29", "high", evidencetest.Request(0, pixel, false), []string{"thirdparty-request-before-consent"}, "script https://www.facebook.com/tr/ (Meta Pixel)"},
	{"tracking-pixel", "S29", "high", evidencetest.WithCall(0, evidence.Call{URL: "https://shop.example/data/g/collect", Type: "ping", Page: evidencetest.Shop}), nil, "(Google Analytics)"},
	{"tracking-pixel", "S29", "high", evidencetest.WithCall(1, evidence.Call{URL: "https://count.example/p", Type: "ping", Pixel: true, Page: evidencetest.Shop, After: true}), []string{"set-after-reject"}, "after refusal, desktop: ping https://count.example/p (count.example)"},
	{"url-id", "S29", "high", evidencetest.WithCall(0, evidence.Call{URL: "https://cdn.example/x", Type: "script", Page: evidencetest.Shop, Params: []string{"dl", "gclid"}}), []string{"thirdparty-request-before-consent"}, "with gclid in the address"},
	{"url-id", "S29", "high", evidencetest.WithCall(0, evidence.Call{URL: "https://cdn.example/x", Type: "script", Page: evidencetest.Shop, Carries: []string{"kunde"}}), []string{"thirdparty-request-before-consent"}, "with the value of the cookie kunde"},
	{"url-id", "S29", "high", evidencetest.WithUse(0, evidence.Use{What: "link-decoration", By: evidencetest.Shop + "l.js", Page: evidencetest.Shop, Names: []string{"_gl"}}), nil, "l.js adds _gl to links on " + evidencetest.Shop},
	{"insecure-cookie", "S30", "low", evidencetest.Store(2, evidence.Stored{Kind: consent.Cookie, Name: "_gid", Host: "shop.example", Lifetime: evidencetest.Day}), []string{"undeclared"}, "_gid (shop.example) is set without Secure and SameSite"},
	{"third-country-transfer-untold", "S31", "medium", declare(2, func(i *consent.Item) { i.Country = "" }), nil, "Google Ireland Limited takes the data to US"},
	{"third-country-transfer-untold", "S31", "medium", declare(2, func(i *consent.Item) { i.Country = "IE" }), nil, "the declaration names IE"},
	{"outdated-text", "S32", "low", evidencetest.WithBanner(func(b *evidence.Banner) { b.Text += " Spørgsmål rettes til Erhvervsstyrelsen." }), nil, "names the Danish Business Authority"},
	{"outdated-text", "S32", "low", func(e *evidence.Site, _ *[]consent.Item) {
		e.Texts[0].Text = "Overførsel sker på grundlag af Privacy Shield."
	}, nil, "refers to the Privacy Shield"},
	{"a11y-name", "S33", "medium", withProblem("name", "button", "har intet navn"), nil, "“button”"},
	{"a11y-keyboard", "S33", "medium", withProblem("keyboard", "div", ""), nil, "“div”"},
	{"a11y-focus", "S33", "medium", withProblem("focus", "Afvis alle", ""), nil, "“Afvis alle”"},
	{"a11y-target", "S33", "medium", withProblem("target", "Luk", "18 × 18 px"), nil, "“Luk” 18 × 18 px"},
	{"a11y-contrast", "S33", "medium", withProblem("contrast", "p", "3.1:1"), nil, "“p” 3.1:1"},
	{"a11y-covered", "S33", "medium", withProblem("covered", "Afvis alle", ""), nil, "“Afvis alle”"},
	{"a11y-role", "S33", "medium", withProblem("role", "div", ""), nil, "“div”"},
	{"gpc-ignored", "S34", "info", evidencetest.Request(4, "https://static.hotjar.com/c/x.js", false), nil, "with Global Privacy Control, desktop: script https://static.hotjar.com"},
	{"social-plugin-before-marketing", "S35", "critical", evidencetest.Request(0, "https://platform.linkedin.com/in.js", false), []string{"thirdparty-request-before-consent"}, "https://platform.linkedin.com/in.js (LinkedIn)"},
	{"social-plugin-before-marketing", "S35", "critical", evidencetest.Request(1, "https://www.facebook.com/v19.0/plugins/like.php", true), []string{"set-after-reject"}, "after refusal"},
}

func withProblem(rule, element, detail string) evidencetest.Change {
	return evidencetest.WithBanner(func(b *evidence.Banner) {
		b.Problems = []evidence.Problem{{Rule: rule, Element: element, Detail: detail}}
	})
}

func TestJudge_EveryCode(t *testing.T) {
	tested := map[string]bool{}
	for _, c := range verdictCases {
		tested[c.code] = true
		e, d := evidencetest.Good(), goodDeclaration()
		c.change(&e, &d)
		findings := judgeWith(e, d)
		want := append([]string{c.code}, c.also...)
		slices.Sort(want)
		if diff := cmp.Diff(want, evidencetest.Codes(findings)); diff != "" {
			t.Errorf("%s (%s): %s", c.code, c.evidence, diff)
		}
		for _, f := range findings {
			if f.Code == c.code && (f.Severity != c.severity || f.Requirement != c.requirement || !strings.Contains(english(f), c.evidence)) {
				t.Errorf("%s: %s %s %q, want %s %q", f.Code, f.Requirement, f.Severity, english(f), c.severity, c.evidence)
			}
		}
	}
	for i := range Verdicts {
		if !tested[Verdicts[i].Code] {
			t.Errorf("no case for %s", Verdicts[i].Code)
		}
	}
}

// english is a finding's evidence in English.
func english(f consent.Finding) string {
	var b strings.Builder
	for _, line := range f.Evidence {
		b.WriteString(line.In("en") + "\n")
	}
	return b.String()
}

// What looks like a finding and isn't one.
func TestJudge_Spares(t *testing.T) {
	for name, c := range map[string]evidencetest.Change{
		"S5: a third party's cookie that nobody set again after the withdrawal": func(e *evidence.Site, d *[]consent.Item) {
			ide := evidencetest.Cookie("IDE", ".doubleclick.net", 390*evidencetest.Day)
			ide.SameSite = "None"
			s := &e.States[3]
			s.Snapshots[0].Items = append(s.Snapshots[0].Items, ide)
			s.Snapshots[1].Items = append(s.Snapshots[1].Items, ide)
			*d = append(*d, consent.Item{Kind: consent.Cookie, Name: "IDE", Host: "doubleclick.net", Party: "third", Category: consent.Marketing, Lifetime: 395 * evidencetest.Day, Provider: "Google Ireland Limited", Country: "US"})
		},
		"S3: a necessary third party": evidencetest.Request(0, "https://consent.cookiebot.com/uc.js", false),
		"S3: the product's own banner on another host": func(e *evidence.Site, _ *[]consent.Item) {
			e.States[0].Requests = []evidence.Call{{URL: "https://cookies.example/s/abcdefgh.js", Consent: true}, {URL: "https://cookies.example/v1/x", Pixel: true, Params: []string{"gclid"}}}
		},
		"S3: a request of the same site":     evidencetest.Request(0, "https://static.shop.example/app.js", false),
		"S4: what came before the refusal":   evidencetest.Request(1, "https://static.hotjar.com/c/x.js", false),
		"S1: a cookie that was only removed": evidencetest.Write(0, evidence.Write{Kind: consent.Cookie, Name: "_fbp", Host: "shop.example", Removes: true}),
		"S1: a probe that was taken away again": func(e *evidence.Site, _ *[]consent.Item) {
			e.States[0].Writes = []evidence.Write{
				{Kind: consent.Cookie, Name: "_fbp", Host: "shop.example", Kept: true},
				{Kind: consent.Cookie, Name: "_fbp", Host: "shop.example", Removes: true},
			}
		},
		"S10: exactly 13 months": func(e *evidence.Site, _ *[]consent.Item) {
			e.States[2].Snapshots[0].Items[2].Lifetime = DefaultLifetimeLimit
		},
		"S11: a lifetime in round words": func(e *evidence.Site, d *[]consent.Item) {
			(*d)[2].Lifetime = 390 * evidencetest.Day
		},
		"S12: the site's own cookie without a provider": declare(0, func(i *consent.Item) { i.Provider = "" }),
		"S13: no banner where nothing needs one": func(e *evidence.Site, _ *[]consent.Item) {
			e.States, e.Phone = e.States[:1], evidence.State{}
			e.States[0].Visits = evidencetest.Visits(false, evidence.Banner{})
		},
		"S13: a banner on the small screen only": func(e *evidence.Site, _ *[]consent.Item) {
			e.States[0].Visits = evidencetest.Visits(false, evidence.Banner{})
		},
		"S14: the reject button seen on the first page": evidencetest.WithVisit(0, 1, func(v *evidence.Visit) { v.Banner.Reject = "" }),
		"S15: a shorter label in a narrower button": evidencetest.WithBanner(func(b *evidence.Banner) {
			b.Buttons = slices.Clone(b.Buttons)
			b.Buttons[0].Label, b.Buttons[0].Width, b.Buttons[1].Width = "Accepter alle cookies", 220, 130
		}),
		"S15: a refusal that is larger":            evidencetest.WithRefusal(func(b *evidence.Button) { b.Height, b.Width, b.FontSize, b.Bold = 80, 300, 20, true }),
		"S15: an input for a button":               evidencetest.WithRefusal(func(b *evidence.Button) { b.Tag = "input" }),
		"S15: colours that look alike":             evidencetest.WithRefusal(func(b *evidence.Button) { b.Background = "#222222" }),
		"S15: a button whose colours nobody knows": evidencetest.WithRefusal(func(b *evidence.Button) { b.Background, b.Around, b.Contrast, b.Stands = "", "", 0, 0 }),
		"S16: a large text with less contrast": evidencetest.WithBanner(func(b *evidence.Banner) {
			b.Buttons = slices.Clone(b.Buttons)
			for i := range b.Buttons {
				b.Buttons[i].FontSize, b.Buttons[i].Contrast = 24, 3.2
			}
		}),
		"S17: the necessary box": evidencetest.WithBanner(func(b *evidence.Banner) { b.Boxes[0].Disabled = false }),
		"S17: a box that is on and can't be changed": evidencetest.WithBanner(func(b *evidence.Banner) {
			b.Boxes = append(slices.Clone(b.Boxes), evidence.Box{Label: "Altid til", Checked: true, Disabled: true})
		}),
		"S18: pages before the answer":      evidencetest.WithVisit(0, 1, func(v *evidence.Visit) { v.Reopen, v.Declares = "", "" }),
		"S18: a page that failed":           evidencetest.WithVisit(2, 1, func(v *evidence.Visit) { v.Reopen, v.Declares, v.Status = "", "", 404 }),
		"S18: a page that nobody looked at": evidencetest.WithVisit(2, 1, func(v *evidence.Visit) { v.Reopen, v.Declares, v.Probed = "", "", false }),
		"S20: what a button means": evidencetest.WithBanner(func(b *evidence.Banner) {
			b.Text = "By using the button “Accept all” you agree. Hvis du fortsætter uden at acceptere, bruger vi kun nødvendige."
		}),
		"S21: a dialog that can be refused": evidencetest.WithBanner(func(b *evidence.Banner) { b.Wall = true }),
		"S22: a text that nobody understands": evidencetest.WithBanner(func(b *evidence.Banner) {
			b.Text, b.Lang, b.Purposes, b.Partners = "Kasutame küpsiseid.", "", nil, false
		}),
		"S23: a settings button that could not be opened": func(e *evidence.Site, d *[]consent.Item) {
			evidencetest.WithBanner(func(b *evidence.Banner) { b.Boxes, b.Opened = nil, false })(e, d)
			evidencetest.Request(2, pixel, true)(e, d)
		},
		"S23: settings in which nothing was seen": func(e *evidence.Site, d *[]consent.Item) {
			evidencetest.WithBanner(func(b *evidence.Banner) { b.Boxes = nil })(e, d)
			evidencetest.Request(2, pixel, true)(e, d)
		},
		"S23: one purpose alone":          evidencetest.WithBanner(func(b *evidence.Banner) { b.Boxes = nil }),
		"S25: Danish taken for Norwegian": evidencetest.WithVisit(0, 0, func(v *evidence.Visit) { v.Banner.Lang = "nb" }),
		"S25: a page without a language":  evidencetest.WithVisit(0, 0, func(v *evidence.Visit) { v.Lang = "" }),
		"S26: a page that failed": evidencetest.WithVisit(0, 1, func(v *evidence.Visit) {
			*v = evidence.Visit{URL: evidencetest.Second, Final: evidencetest.Second, Status: 500, HTML: true}
		}),
		"S26: a page that never became quiet": evidencetest.WithVisit(0, 1, func(v *evidence.Visit) { v.Banner, v.Error = evidence.Banner{}, "still loading after 20s" }),
		"S27: a default for another region": func(e *evidence.Site, _ *[]consent.Item) {
			world := evidencetest.Granted(evidencetest.Shop, 2, false)
			world.Command = "default"
			e.States[0].Signals = append(e.States[0].Signals, world)
		},
		"S27: a default from before the answer, on the same page": evidencetest.WithSignals(2, evidencetest.Denied(evidencetest.Shop, 1, false), evidencetest.Granted(evidencetest.Shop, 5, true)),
		"S27: a page whose order nobody knows":                    evidencetest.WithSignals(2, evidencetest.Denied(evidencetest.Shop, 0, true), evidencetest.Granted(evidencetest.Shop, 0, true)),
		"S28: emoji tested by the site's own script":              evidencetest.WithUse(0, evidence.Use{What: "canvas", By: evidencetest.Shop + "wp-emoji.js", Page: evidencetest.Shop}),
		"S28: what is read after a yes":                           evidencetest.WithUse(2, evidence.Use{What: "audio", By: "https://fp.example/f.js", Page: evidencetest.Shop}),
		"S29: a page's address alone": func(e *evidence.Site, d *[]consent.Item) {
			evidencetest.WithCall(0, evidence.Call{URL: "https://consent.cookiebot.com/x", Params: []string{"gclid"}, Pixel: true, Page: evidencetest.Shop})(e, d)
			evidencetest.WithUse(0, evidence.Use{What: "link-decoration", By: evidencetest.Shop + "l.js", Page: evidencetest.Shop, Names: []string{"ref"}})(e, d)
		},
		"S29: the site's own beacon":                    evidencetest.WithCall(0, evidence.Call{URL: evidencetest.Shop + "rum", Type: "ping", Pixel: true, Page: evidencetest.Shop}),
		"S30: a necessary cookie without Secure":        func(e *evidence.Site, _ *[]consent.Item) { e.States[0].Snapshots[0].Items[0].Secure = false },
		"S32: the company register":                     evidencetest.WithBanner(func(b *evidence.Banner) { b.Text += " Se vores regnskab hos Erhvervsstyrelsen (CVR)." }),
		"S32: a Privacy Shield that is told to be gone": func(e *evidence.Site, _ *[]consent.Item) { e.Texts[0].Text = "Privacy Shield blev kendt ugyldig." },
		"S33: a problem of no known rule":               withProblem("mood", "button", ""),
		"S34: what only the accepted state brings":      evidencetest.Request(2, "https://static.hotjar.com/c/x.js", true),
		"S35: a plug-in after a yes":                    evidencetest.Request(2, "https://platform.linkedin.com/in.js", true),
	} {
		e, d := evidencetest.Good(), goodDeclaration()
		c(&e, &d)
		if f := judgeWith(e, d); len(f) > 0 {
			t.Errorf("%s: %s\n%s", name, evidencetest.Codes(f), english(f[0]))
		}
	}
}

// S10: the owner may set a stricter limit, or a wider one.
func TestJudge_TakesTheSitesOwnLifetimeLimit(t *testing.T) {
	for days, want := range map[int]int{180: 2, 366: 1, 730: 0} {
		e := evidencetest.Good()
		f := Judge(e, Options{LifetimeLimit: time.Duration(days) * evidencetest.Day})
		lines := 0
		if len(f) > 0 {
			lines = len(f[0].Evidence)
		}
		if lines != want {
			t.Errorf("%d days: %d lines, want %d: %v", days, lines, want, f)
		}
	}
}

// S31: a country with an adequacy decision must be told too, and weighs less.
func TestJudge_WeighsAdequacy(t *testing.T) {
	for code, third := range map[string]bool{"DK": false, "NO": false, "": false, "US": true, "CH": true, "CN": true} {
		if thirdCountry(code) != third {
			t.Errorf("%q: %v", code, !third)
		}
	}
	if slices.Contains(adequate, "US") || slices.Contains(adequate, "CN") || !slices.Contains(adequate, "CH") {
		t.Error("adequacy is mixed up")
	}
}

func TestTrackers_AreKnownByHostAndPath(t *testing.T) {
	for address, want := range map[string]string{
		"https://www.facebook.com/tr/":                   "Meta Pixel",
		"https://notfacebook.com/tr/":                    "",
		"https://www.facebook.com/shop":                  "",
		"https://region1.google-analytics.com/g/collect": "Google Analytics",
		"https://stats.shop.dk/g/collect":                "Google Analytics",
		"https://shop.dk/collect":                        "",
		"https://stats.g.doubleclick.net/dc.js":          "Google Marketing Platform",
		"http://[::1":                                    "",
	} {
		if got := knownAs(trackers().Pixels, address); got != want {
			t.Errorf("%s: %q, want %q", address, got, want)
		}
	}
	if knownAs(trackers().Social, "https://connect.facebook.net/da_DK/sdk.js") != "Facebook" || knownAs(trackers().Social, "https://connect.facebook.net/en_US/fbevents.js") != "" {
		t.Error("the plug-ins' script and the pixel's are mixed up")
	}
	if got := strings.Join(ids([]string{"dl", "fbclid", "url"}), " "); got != "fbclid" {
		t.Errorf("ids are %q", got)
	}
}

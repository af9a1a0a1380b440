package widget

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/network"

	"samtykke/consent"
)

// becomes waits until an expression, as a string, is what it should be.
func (w *world) becomes(js, want string) {
	w.t.Helper()
	text, _ := json.Marshal(want)
	w.tab.Wait(fmt.Sprintf(`(got => { if (got === %s) return true; throw got })(String(%s))`, text, js))
}

// signalPage is a page of the shop with the tag among scripts of its own, so that ours runs for sure before them or after them.
func signalPage(before bool, scripts string) string {
	const head = `<!doctype html><html lang=da><head><meta charset=utf-8><title>Shop</title>`
	sync := strings.Replace(tag, "async ", "", 1)
	scripts = "<script>" + scripts + "</script>"
	if before {
		return head + sync + scripts + "</head><body><p>x</body></html>"
	}
	return head + scripts + "</head><body><p>x" + sync + "</body></html>"
}

// tools are the interfaces that are told of the choice, with what each gets to hear at every turn. The scripts do what the
// tools' own do with what they are told: they keep it, in a queue or in a cookie.
var tools = []struct {
	name    string
	on      func(b *consent.Banner)
	scripts string
	told    string // a list, by its expression
	// What is added to the list on a first view, by accepting all, by then granting statistics only, on the next view, by
	// withdrawing there, and on the view after that.
	first, accept, custom, next, withdraw, last []string
}{
	{
		name:     "google",
		on:       func(b *consent.Banner) { b.ConsentMode, b.AdsRedaction, b.URLPassthrough = true, true, true },
		told:     `dataLayer.map(e => e.event ? e.event + " " + Object.values(e.samtykke) : [...e].slice(0, 3).map(v => v.ad_storage ?? v).join(" "))`,
		first:    []string{"consent default denied", "set ads_data_redaction true", "set url_passthrough true"},
		accept:   []string{"consent update granted", "samtykke_update true,true,true,true"},
		custom:   []string{"consent update denied", "samtykke_update true,false,true,false"},
		next:     []string{"consent default denied", "set ads_data_redaction true", "set url_passthrough true", "consent update denied", "samtykke_update true,false,true,false"},
		withdraw: []string{"consent update denied", "samtykke_update true,false,false,false"},
		last:     []string{"consent default denied", "set ads_data_redaction true", "set url_passthrough true", "consent update denied", "samtykke_update true,false,false,false"},
	},
	{
		name:     "uet",
		scripts:  `window.uetq = window.uetq || []`,
		told:     `uetq.map(v => v.ad_storage ? JSON.stringify(v) : v)`,
		first:    []string{"consent", "default", `{"ad_storage":"denied"}`},
		accept:   []string{"consent", "update", `{"ad_storage":"granted"}`},
		custom:   []string{"consent", "update", `{"ad_storage":"denied"}`},
		next:     []string{"consent", "default", `{"ad_storage":"denied"}`, "consent", "update", `{"ad_storage":"denied"}`},
		withdraw: []string{"consent", "update", `{"ad_storage":"denied"}`},
		last:     []string{"consent", "default", `{"ad_storage":"denied"}`, "consent", "update", `{"ad_storage":"denied"}`},
	},
	{
		name:     "clarity",
		scripts:  `window.clarity = window.clarity || function () { (clarity.q = clarity.q || []).push(arguments) }`,
		told:     `clarity.q.map(a => a[0] + JSON.stringify(a[1]))`,
		first:    []string{`consentv2{"ad_Storage":"denied","analytics_Storage":"denied"}`},
		accept:   []string{`consentv2{"ad_Storage":"granted","analytics_Storage":"granted"}`},
		custom:   []string{`consentv2{"ad_Storage":"denied","analytics_Storage":"granted"}`},
		next:     []string{`consentv2{"ad_Storage":"denied","analytics_Storage":"denied"}`, `consentv2{"ad_Storage":"denied","analytics_Storage":"granted"}`},
		withdraw: []string{`consentv2{"ad_Storage":"denied","analytics_Storage":"denied"}`},
		last:     []string{`consentv2{"ad_Storage":"denied","analytics_Storage":"denied"}`, `consentv2{"ad_Storage":"denied","analytics_Storage":"denied"}`},
	},
	{
		name:     "meta",
		scripts:  `fbq = (...a) => fbq.queue.push(a.join(" ")); fbq.queue = []; fbq("consent", "revoke"); fbq("init", 1); fbq("track", "PageView")`,
		told:     `fbq.queue`,
		first:    []string{"consent revoke", "init 1", "track PageView", "consent revoke"},
		accept:   []string{"consent grant"},
		custom:   []string{"consent revoke"},
		next:     []string{"consent revoke", "init 1", "track PageView", "consent revoke"},
		withdraw: []string{"consent revoke"},
		last:     []string{"consent revoke", "init 1", "track PageView", "consent revoke"},
	},
	{
		name:     "matomo",
		scripts:  `window._paq = window._paq || []`,
		told:     `_paq`,
		first:    []string{"requireConsent"},
		accept:   []string{"setConsentGiven"},
		custom:   []string{"setConsentGiven"},
		next:     []string{"requireConsent", "setConsentGiven"},
		withdraw: []string{"forgetConsentGiven"},
		last:     []string{"requireConsent"}, // and not forgetConsentGiven, which would store something each time
	},
	{
		name: "tiktok",
		scripts: `{ const ttq = window.ttq = window.ttq || [];
			for (const name of ["page", "holdConsent", "grantConsent", "revokeConsent"]) ttq[name] = (...a) => ttq.push([name, ...a]) }`,
		told:     `ttq`,
		first:    []string{"holdConsent"},
		accept:   []string{"grantConsent"},
		custom:   []string{"revokeConsent"},
		next:     []string{"holdConsent", "revokeConsent"},
		withdraw: []string{"revokeConsent"},
		last:     []string{"holdConsent", "revokeConsent"},
	},
	{
		name:     "wordpress",
		scripts:  wordpressAPI,
		told:     `[wp_consent_type, ...told]`,
		first:    []string{"optin"},
		accept:   []string{"functional allow", "preferences allow", "statistics allow", "statistics-anonymous allow", "marketing allow"},
		custom:   []string{"functional allow", "preferences deny", "statistics allow", "statistics-anonymous allow", "marketing deny"},
		next:     []string{"optin", "functional allow", "preferences deny", "statistics allow", "statistics-anonymous allow", "marketing deny"},
		withdraw: []string{"functional allow", "preferences deny", "statistics deny", "statistics-anonymous deny", "marketing deny"},
		last:     []string{"optin", "functional allow", "preferences deny", "statistics deny", "statistics-anonymous deny", "marketing deny"},
	},
	{
		name:     "shopify",
		scripts:  shopifyAPI,
		told:     `told`,
		first:    []string{},
		accept:   []string{"load consent-tracking-api 0.1", "preferences=true analytics=true marketing=true sale_of_data=true"},
		custom:   []string{"preferences=false analytics=true marketing=false sale_of_data=false"},
		next:     []string{"load consent-tracking-api 0.1"},
		withdraw: []string{"preferences=false analytics=false marketing=false sale_of_data=false"},
		last:     []string{"load consent-tracking-api 0.1"},
	},
}

const (
	jar = `told = []; jar = name => (document.cookie.split("; ").find(c => c.startsWith(name + "=")) || "").slice(name.length + 1);`

	// wordpressAPI answers as the plugin WP Consent API does: what is told is a cookie for each category.
	wordpressAPI = jar + `
		wp_has_consent = c => !window.wp_consent_type || jar("wp_consent_" + c) === "allow";
		wp_set_consent = (c, state) => { told.push(c + " " + state); document.cookie = "wp_consent_" + c + "=" + state + ";path=/" };`

	// shopifyAPI answers as a shop's page does: the interface has to be loaded, and remembers what it was told.
	shopifyAPI = jar + `
		customerPrivacy = {
			currentVisitorConsent: () => Object.fromEntries(["marketing", "analytics", "preferences", "sale_of_data"].map(c => [c, jar("shop_" + c)])),
			setTrackingConsent(state, done) {
				told.push(Object.entries(state).map(e => e.join("=")).join(" "));
				for (const c in state) document.cookie = "shop_" + c + "=" + (state[c] ? "yes" : "no") + ";path=/";
				done();
			} };
		Shopify = { loadFeatures(features, done) {
			told.push("load " + features.map(f => f.name + " " + f.version));
			setTimeout(() => { Shopify.customerPrivacy = customerPrivacy; done() }) } };`
)

// K8, and what the other tools document: each is told that nothing is granted before anything else, then of the stored choice,
// then of each new one, in words of its own, whether its script stands before ours or after it.
func TestSignals_ToldAtEveryTurn(t *testing.T) {
	w := open(t, shopContent(t))
	for _, tool := range tools {
		for _, before := range []bool{true, false} {
			t.Logf("%s, our script first: %t", tool.name, before)
			c := shopContent(t)
			c.Banner.ConsentMode = false
			if tool.on != nil {
				tool.on(&c.Banner)
			} else {
				c.Banner.Signals = []string{tool.name}
			}
			w.publish(c)
			w.forget()
			var told []string
			hears := func(more []string) {
				t.Helper()
				told = append(told, more...)
				w.becomes(tool.told+`.join(" | ")`, strings.Join(told, " | "))
			}
			w.tab.Go(w.page("/", signalPage(before, tool.scripts)))
			hears(tool.first)
			w.press("#accept")
			hears(tool.accept)
			w.press("#reopen")
			w.press("[name=preferences]")
			w.press("[name=marketing]")
			w.press("#save")
			hears(tool.custom)
			w.settled()
			told = nil
			w.again()
			hears(tool.next)
			w.tab.Eval(`samtykke.withdraw()`, nil)
			hears(tool.withdraw)
			w.settled()
			told = nil
			w.again()
			hears(tool.last)
			hears(nil) // and nothing more after it
		}
	}
}

// K8: a tag manager that is held by its markup finds the default first and the update before itself, also where our script
// is the last thing to arrive and nothing comes from the browser's cache.
func TestSignals_PrecedeHeldTags(t *testing.T) {
	const entries = `dataLayer.map(e => e.event ?? e[0] + " " + e[1])`
	w := open(t, shopContent(t))
	call(w, network.SetCacheDisabled, network.SetCacheDisabledParams{CacheDisabled: true})
	url := w.page("/", `<!doctype html><html lang=da><head><title>Shop</title>`+tag+`</head><body>`+
		held("statistics", "", `(window.dataLayer = window.dataLayer || []).push({event: "gtm.js"})`)+
		held("statistics", `src="http://vendor.example/gtm.js"`, "")+`<p id=last>x</body></html>`)
	load := func() {
		t.Helper()
		arrive := make(chan struct{})
		w.set(func() { w.stall["/s/"+testSite+".js"] = arrive })
		w.tab.Eval(`void (location.href = "`+url+`")`, nil)
		w.tab.Wait(`document.querySelector("#last") && document.readyState === "interactive" && !window.samtykke`)
		close(arrive)
		w.tab.Wait(`window.samtykke?.on`)
	}
	load()
	w.tab.Wait(shown)
	w.want(entries, "consent default")
	w.want(`window.log`, "undefined")
	w.press("#accept")
	w.tab.Wait(`window.log == "gtm.js"`)
	w.want(entries, "consent default,consent update,samtykke_update,gtm.js")
	w.settled()
	load()
	w.tab.Wait(`window.log == "gtm.js"`)
	w.want(entries, "consent default,consent update,samtykke_update,gtm.js")
}

// A pixel that is held, and still denies itself as its vendor advises, hears of the choice after that.
func TestSignals_ReachAHeldPixel(t *testing.T) {
	c := shopContent(t)
	c.Banner.Signals = []string{"meta"}
	w := open(t, c)
	w.visit("/", "da", held("marketing", "", `window.told = []; window.fbq = (...a) => told.push(a.join(" ")); fbq("consent", "revoke"); fbq("init", 1)`))
	w.press("#accept")
	w.becomes(`window.told`, "consent revoke,init 1,consent grant")
	w.settled()
	w.again()
	w.becomes(`window.told`, "consent revoke,init 1,consent grant")
}

// Plugins of WordPress that wait to be told what kind of consent the site asks for hear of it.
func TestSignals_SayTheKindOfConsent(t *testing.T) {
	c := shopContent(t)
	c.Banner.Signals = []string{"wordpress"}
	w := open(t, c)
	w.tab.Go(w.page("/", signalPage(false, `told = []; document.addEventListener("wp_consent_type_defined", () => told.push(window.wp_consent_type))`)))
	w.want(`told`, "optin")
}

// A tool that remembers isn't told of anything before a choice, but an earlier yes is taken back where the choice counts
// no longer.
func TestSignals_TakeBackAnOldYes(t *testing.T) {
	const (
		oldWP   = `document.cookie = "wp_consent_functional=allow"; document.cookie = "wp_consent_marketing=allow"; document.cookie = "wp_consent_statistics=deny";`
		oldShop = `document.cookie = "shop_marketing=yes"; document.cookie = "shop_analytics=no"; Shopify.customerPrivacy = customerPrivacy;`
	)
	tests := map[string]struct{ signal, scripts, told string }{
		"WordPress, nothing stored": {"wordpress", wordpressAPI, ""},
		"WordPress, an old yes":     {"wordpress", wordpressAPI + oldWP, "marketing deny"},
		"Shopify, nothing stored":   {"shopify", shopifyAPI + `Shopify.customerPrivacy = customerPrivacy`, ""},
		"Shopify, an old yes":       {"shopify", shopifyAPI + oldShop, "preferences=false analytics=false marketing=false sale_of_data=false"},
	}
	c := shopContent(t)
	w := open(t, c)
	for name, tt := range tests {
		t.Log(name)
		c.Banner.Signals = []string{tt.signal}
		w.publish(c)
		w.forget()
		w.tab.Go(w.page("/", signalPage(true, tt.scripts)))
		w.becomes(`told`, tt.told)
		w.tab.Eval(`new Promise(done => setTimeout(done))`, nil) // what is told on loading was told by now
		w.want(`told`, tt.told)
	}
}

// Tools that throw, every one and wherever they can, harm nothing: the choice is stored, applied and sent, the page is told.
func TestSignals_SurviveBrokenTools(t *testing.T) {
	c := shopContent(t)
	c.Banner.Signals = consent.SignalNames
	w := open(t, c)
	const broken = `
		boom = () => { window.hits = (window.hits || 0) + 1; throw Error("broken") };
		dataLayer = { push: boom }; uetq = { push: boom }; clarity = boom; fbq = boom; _paq = { push: boom };
		ttq = { holdConsent: boom, grantConsent: boom, revokeConsent: boom };
		wp_has_consent = wp_set_consent = boom; Shopify = { get customerPrivacy() { boom() }, loadFeatures: boom };`
	w.tab.Go(w.page("/", signalPage(false, broken+`changes = 0; document.addEventListener("samtykke:change", () => changes++)`)+held("statistics", "", logged("ran"))))
	w.tab.Wait(shown)
	w.becomes(`hits`, "8") // google, uet, clarity, matomo, tiktok; meta, wordpress, shopify once the page has loaded
	w.press("#accept")
	w.becomes(`hits`, "16")
	w.becomes(`window.log`, "ran")
	w.want(`changes`, "1")
	if act := w.arrived(1)[0]; act.Action != consent.AcceptAll {
		t.Errorf("the act is %+v", act)
	}
	w.settled()
	w.again()
	w.becomes(`[samtykke.consent.marketing, window.log]`, "true,ran")
}

// One tool that throws doesn't keep the others from hearing.
func TestSignals_OneBrokenToolIsAlone(t *testing.T) {
	c := shopContent(t)
	c.Banner.Signals = consent.SignalNames
	w := open(t, c)
	breaks := []string{
		`dataLayer = { push() { throw 1 } }`, `Object.defineProperty(window, "uetq", { get() { throw 1 } })`, `clarity = () => { throw 1 }`,
		`fbq = () => { throw 1 }`, `_paq = 1`, `ttq = null; Object.freeze(window.ttq = {})`, `wp_set_consent = () => { throw 1 }`, `Shopify = 1`,
	}
	const whole = `fbq = (...a) => (fbq.queue ??= []).push(a); ` + wordpressAPI + shopifyAPI
	// 1 for each tool that has heard of the grant.
	const heard = `[
		() => dataLayer.some(e => e[1] === "update"), () => uetq.includes("update"), () => clarity.q[1][1].ad_Storage === "granted", () => fbq.queue[1][1] === "grant",
		() => _paq[1] == "setConsentGiven", () => ttq[1] == "grantConsent", () => told.includes("marketing allow"), () => told.some(s => s.startsWith("preferences=")),
	].map(f => { try { return +f() } catch { return 0 } }).join("")`
	for i, broken := range append(breaks, "") {
		w.forget()
		w.tab.Go(w.page("/", signalPage(false, whole+";"+broken)))
		w.press("#accept")
		want := []byte("11111111")
		if broken != "" {
			want[i] = '0'
		}
		w.becomes(heard, string(want))
		w.settled()
	}
}

// B29: both signs of a browser are a no without a question: the tools hear of nothing but the denial, until the visitor says
// otherwise. Only what means yes to the sign counts, and only where the site follows it.
func TestObjection_IsANoUntilAChoice(t *testing.T) {
	tests := []struct {
		property, value string
		gpc, dnt        bool
		objects         bool
	}{
		{"globalPrivacyControl", "true", true, false, true},
		{"globalPrivacyControl", "true", false, true, false},
		{"globalPrivacyControl", "false", true, true, false},
		{"doNotTrack", `"1"`, false, true, true},
		{"doNotTrack", `"1"`, true, true, true},
		{"doNotTrack", `"1"`, true, false, false},
		{"doNotTrack", `"0"`, true, true, false},
		{"doNotTrack", `"unspecified"`, true, true, false},
		{"doNotTrack", `null`, true, true, false},
	}
	const told = `[dataLayer.filter(e => e[0]).map(e => e[1] + " " + e[2].ad_storage), uetq.filter(v => !v.ad_storage)].join()`
	c := shopContent(t)
	c.Banner.Signals = []string{"uet"}
	w := open(t, c)
	for _, tt := range tests {
		t.Logf("%+v", tt)
		c.Banner.GPC, c.Banner.DNT = tt.gpc, tt.dnt
		w.publish(c)
		w.forget()
		w.requests()
		w.tab.Go(w.page("/", signalPage(false, fmt.Sprintf(`Object.defineProperty(navigator, %q, { value: %s })`, tt.property, tt.value))+held("statistics", "", logged("ran"))))
		if !tt.objects {
			w.tab.Wait(shown)
			continue
		}
		w.tab.Wait(at("#reopen"))
		w.want(`[!!`+shown+`, samtykke.answered, samtykke.consent.statistics, document.cookie, window.log]`, "false,false,false,,")
		w.want(told, "default denied,consent,default")
		if slices.ContainsFunc(w.requests(), func(s string) bool { return strings.Contains(s, "/v1/") }) {
			t.Error("something was sent without an act")
		}
		w.press("#reopen")
		w.press("#dialog [data-role=accept]")
		w.becomes(`window.log`, "ran")
		w.want(told, "default denied,update granted,consent,default,consent,update")
		w.settled()
		w.again()
		w.becomes(`[samtykke.consent.statistics, window.log]`, "true,ran")
	}
}

// What a site doesn't use isn't in its script, not by a byte; what each signal costs is what docs/signals.md says.
func TestSignals_CostNothingWhenOff(t *testing.T) {
	compile := func(change func(b *consent.Banner)) []byte {
		t.Helper()
		c := shopContent(t)
		c.Banner.Languages = c.Banner.Languages[:1]
		change(&c.Banner)
		return compiled(t, c).JS
	}
	switches := []struct {
		name, trace string
		on          func(b *consent.Banner)
	}{
		{"ads_data_redaction", "ads_data_redaction", func(b *consent.Banner) { b.AdsRedaction = true }},
		{"url_passthrough", "url_passthrough", func(b *consent.Banner) { b.URLPassthrough = true }},
		{"do not track", "doNotTrack", func(b *consent.Banner) { b.DNT = true }},
	}
	for name, trace := range map[string]string{
		"uet": "uetq", "clarity": "consentv2", "meta": "fbq", "matomo": "_paq", "tiktok": "ttq", "wordpress": "wp_set_consent", "shopify": "customerPrivacy",
	} {
		switches = append(switches, struct {
			name, trace string
			on          func(b *consent.Banner)
		}{name, trace, func(b *consent.Banner) { b.Signals = []string{name} }})
	}
	if len(switches) != len(consent.SignalNames)+3 {
		t.Errorf("%d switches are looked at, there are %d signals", len(switches), len(consent.SignalNames))
	}
	plain := compile(func(*consent.Banner) {})
	all := compile(func(b *consent.Banner) {
		for _, s := range switches {
			s.on(b)
		}
		b.Signals = consent.SignalNames
	})
	silent := compile(func(b *consent.Banner) { b.ConsentMode = false })
	for _, s := range switches {
		with := compile(s.on)
		t.Logf("%s: %d bytes in brotli", s.name, brotliSize(with)-brotliSize(plain))
		if bytes.Contains(plain, []byte(s.trace)) || !bytes.Contains(with, []byte(s.trace)) || !bytes.Contains(all, []byte(s.trace)) {
			t.Errorf("%s: %q should be in the script where it is on, and only there", s.name, s.trace)
		}
	}
	t.Logf("all of them: %d, Consent Mode: %d", brotliSize(all)-brotliSize(plain), brotliSize(plain)-brotliSize(silent))
	for _, trace := range []string{"dataLayer", `"default"`, `"update"`, "granted"} {
		if bytes.Contains(silent, []byte(trace)) {
			t.Errorf("a site that tells nobody has %s in its script", trace)
		}
	}
	redacting := compile(func(b *consent.Banner) { b.ConsentMode, b.AdsRedaction, b.URLPassthrough = false, true, true })
	if !bytes.Equal(silent, redacting) {
		t.Error("what belongs to Consent Mode is in a script without it")
	}
	if more := brotliSize(all) - brotliSize(plain); more > 700 {
		t.Errorf("all of them cost %d bytes in brotli, at most 700 wanted", more)
	}
}

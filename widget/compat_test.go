package widget

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"
	"sync"
	"testing"

	"samtykke/consent"
)

// foreign is the shop's notice with other tools' markup understood.
func foreign(t testing.TB, markup ...string) consent.Content {
	t.Helper()
	c := shopContent(t)
	c.Banner.Markup = markup
	return c
}

// heard records what a page written for Cookiebot is told, as such pages listen: on window, and by callbacks.
const heard = `<script>
	heard = []; dataLayer = [];
	for (const e of ["ConsentReady", "Load", "Accept", "Decline", "DialogInit", "DialogDisplay", "TagsExecuted"]) {
		window.addEventListener("CookiebotOn" + e, () => heard.push(e + (Cookiebot.consent.marketing ? "+m" : "")));
		window["CookiebotCallback_On" + e] = () => heard.push("cb" + e);
	}
</script>`

// cookiebotTag is the tag as Cookiebot gives it to its customers, with another host.
const cookiebotTag = `<script id="Cookiebot" src="http://cmp.example/uc.js" data-cbid="3f1c2b7a-0000-4000-8000-1234567890ab" data-culture="DA" data-blockingmode="auto" type="text/javascript"></script>`

// tagEvents are the names of the tag manager's events that Cookiebot pushes.
const tagEvents = `dataLayer.map(e => e.event).filter(e => /^cookie_consent/.test(e)).join()`

// cookiebotPage opens a page with Cookiebot's own tag and waits until it has been told that all is loaded.
func (w *world) cookiebotPage(path, head, body string) {
	w.t.Helper()
	name, query, _ := strings.Cut(path, "?")
	w.tab.Go(w.page(name, `<!doctype html><html lang=en><head><meta charset=utf-8><title>Shop</title>`+head+`</head><body style="margin-left:480px">`+body+`</body></html>`) + "?" + query) // beside the banner
	w.tab.Wait(`window.Cookiebot?.consent && window.heard?.includes("cbLoad")`)
}

// A site in the shape that a content system with Cookiebot's plugin gives it: the tag first and not async, a Consent Mode
// script that is to be ignored, held scripts and frames with what stands for them, a link to choose anew.
func TestCookiebot_ContentSystemPage(t *testing.T) {
	w := open(t, foreign(t, "cookiebot"))
	const body = `<p>x
		<script type="text/plain" data-cookieconsent="statistics" src="http://vendor.example/stat.js"></script>
		<script type="text/plain" data-cookieconsent="Statistics">(window.log ??= []).push("inline")</script>
		<script type="text/plain" data-cookieconsent="statistics, marketing">(window.log ??= []).push("both")</script>
		<script type="text/plain" data-cookieconsent="necessary">window.needed = true</script>
		<script type="text/plain" data-cookieconsent="unclassified">(window.log ??= []).push("unknown")</script>
		<script type="text/plain" data-cookieconsent="ignore" id=data>(window.log ??= []).push("ignored")</script>
		<div class="cookieconsent-optin-marketing" id=film><iframe width=300 height=200 data-cookieconsent="marketing" data-cookieblock-src="http://vendor.example/film"></iframe></div>
		<div class="cookieconsent-optout-marketing" id=instead>Please <a id=again href="javascript:Cookiebot.renew()">accept marketing cookies</a>.</div>
		<img alt="" data-cookieconsent="statistics" data-src="http://vendor.example/pixel">
		<img alt="" data-cookieconsent="ignore" data-src="http://vendor.example/lazy">
		<iframe id=free width=300 height=200 data-cookieconsent="ignore" src="http://vendor.example/free"></iframe>`
	const ignored = `<script data-cookieconsent="ignore">function gtag(){ dataLayer.push(arguments) } window.ran = "before"</script>`
	w.cookiebotPage("/", cookiebotTag+heard+ignored, body)
	w.tab.Wait(`window.needed`)
	w.want(`[window.ran, window.log, Cookiebot.hasResponse, Cookiebot.dialog.visible]`, "before,,false,true")
	w.want(at("#accept")+`.textContent`, "Accepter alle") // data-culture, although the page says English
	w.want(`["film", "instead"].map(id => getComputedStyle(document.getElementById(id)).display)`, "none,block")
	if v := w.vendors(); !slices.Equal(v, []string{"/free"}) {
		t.Errorf("requests before the choice: %q", v)
	}

	w.tab.ClickIn(`document.querySelector("#again")`)
	w.press("[name=statistics]")
	w.press("#save")
	w.tab.Wait(`window.log?.length == 2 && document.querySelector("img[src$=pixel]")`)
	w.want(`log`, "stat.js,inline")
	w.want(`["film", "instead"].map(id => getComputedStyle(document.getElementById(id)).display)`, "none,block")

	w.tab.ClickIn(`document.querySelector("#again")`)
	w.press("[name=marketing]")
	w.press("#save")
	w.tab.Wait(`window.log?.length == 3 && document.querySelector("iframe[src$=film]")`)
	w.want(`log`, "stat.js,inline,both")
	w.want(`["film", "instead"].map(id => getComputedStyle(document.getElementById(id)).display)`, "block,none")
	w.want(`[free.src, free.dataset.held]`, "http://vendor.example/free,") // no placeholder in the place of what isn't held
	w.want(`[data.type, document.querySelectorAll("[data-src$=lazy]:not([src])").length]`, "text/plain,1")
	w.settled()
	w.cookiebotPage("/next", cookiebotTag+heard+ignored, body)
	w.tab.Wait(`window.log?.length == 3 && document.querySelector("iframe[src$=film]")`)
}

// A page that leaves everything to a tag manager: what it is told, in which order, at each step and on the next page.
func TestCookiebot_TagManagerPage(t *testing.T) {
	w := open(t, foreign(t, "cookiebot"))
	body := `<script type="text/plain" data-cookieconsent="statistics" src="http://vendor.example/slow.js"></script>
		<script type="text/plain" data-cookieconsent="statistics">heard.push("ran " + log)</script>
		<script type="text/plain" data-cookieconsent="statistics" src="http://vendor.example/last.js"></script>`
	last := make(chan struct{})
	answer := sync.OnceFunc(func() { close(last) })
	t.Cleanup(answer)
	w.set(func() { w.stall["/last.js"] = last })
	w.cookiebotPage("/", cookiebotTag+heard, body)
	w.tab.Wait(`heard.includes("cbDialogDisplay")`)
	w.want(`heard`, "Load,cbLoad,DialogInit,cbDialogInit,DialogDisplay,cbDialogDisplay")
	w.want(tagEvents, "")
	w.tab.Eval(`heard = [], 0`, nil)
	w.press("#accept")
	w.tab.Wait(`heard.includes("ran slow.js")`)
	w.want(`heard`, "Accept+m,cbAccept,ran slow.js")
	answer()
	w.tab.Wait(`heard.includes("cbConsentReady")`)
	w.want(`heard`, "Accept+m,cbAccept,ran slow.js,TagsExecuted+m,cbTagsExecuted,ConsentReady+m,cbConsentReady")
	w.want(tagEvents, "cookie_consent_preferences,cookie_consent_statistics,cookie_consent_marketing,cookie_consent_update")

	w.cookiebotPage("/2", cookiebotTag+heard, body)
	w.tab.Wait(`heard.includes("cbConsentReady")`)
	w.want(`heard`, "Load+m,cbLoad,Accept+m,cbAccept,ran slow.js,TagsExecuted+m,cbTagsExecuted,ConsentReady+m,cbConsentReady")
	w.want(tagEvents, "cookie_consent_preferences,cookie_consent_statistics,cookie_consent_marketing,cookie_consent_update")
	w.tab.Eval(`heard = [], dataLayer = [], Cookiebot.withdraw()`, nil)
	w.tab.Wait(`heard.includes("cbConsentReady")`)
	w.want(`heard`, "Decline,cbDecline,TagsExecuted,cbTagsExecuted,ConsentReady,cbConsentReady")
	w.want(tagEvents, "cookie_consent_update")

	w.cookiebotPage("/3", strings.Replace(cookiebotTag, " type=", " async type=", 1)+heard, body)
	w.tab.Wait(`heard.includes("cbConsentReady")`)
	w.want(`heard`, "Load,cbLoad,Decline,cbDecline,TagsExecuted,cbTagsExecuted,ConsentReady,cbConsentReady")
}

// A page that talks to the object itself: every property and method that Cookiebot's developer page names. K13: none of
// them grants without the visitor.
func TestCookiebot_HandWrittenPage(t *testing.T) {
	w := open(t, foreign(t, "cookiebot"))
	const state = `[Cookiebot.consented, Cookiebot.declined, Cookiebot.hasResponse, Cookiebot.dialog.visible, Cookiebot.consent.method,
		...["necessary", "preferences", "statistics", "marketing"].map(c => +Cookiebot.consent[c])]`
	w.cookiebotPage("/?CookiebotScan=true", cookiebotTag+heard, `<p id=p>x
		<button id=own onclick="Cookiebot.submitCustomConsent(true, false, 1)">Mine</button>`)
	w.want(state, "false,false,false,true,,1,0,0,0")
	w.want(`[Cookiebot instanceof HTMLElement, Cookiebot === CookieConsent, Cookiebot.consent.stamp, Cookiebot.doNotTrack, JSON.stringify(Cookiebot.regulations)]`,
		`false,true,0,false,{"gdprApplies":true,"ccpaApplies":false,"lgpdApplies":false}`)
	w.want(`[Cookiebot.getDomainUrlParam("CookiebotScan"), Cookiebot.getDomainUrlParam("other")]`, "true,")
	w.tab.Eval(`kept = Cookiebot.consent; Cookiebot.submitCustomConsent(true, true, true); Cookiebot.setOutOfRegion(); Cookiebot.runScripts()`, nil)
	w.want(state, "false,false,false,true,,1,0,0,0")

	w.tab.Eval(`Cookiebot.hide()`, nil)
	w.want(state, "false,false,false,false,,1,0,0,0")
	w.want(`document.cookie`, "")
	w.tab.Eval(`Cookiebot.show()`, nil)
	w.want(state, "false,false,false,true,,1,0,0,0")

	w.tab.ClickIn(`document.querySelector("#own")`)
	w.tab.Wait(`heard.includes("cbConsentReady")`)
	w.want(state, "true,false,true,false,explicit,1,1,0,1")
	w.want(`[kept.marketing, kept === Cookiebot.consent, kept.stamp == samtykke.id]`, "true,true,true")
	act := w.arrived(1)[0]
	if act.Action != consent.Custom || act.Method != consent.ByAPI || act.Categories.Given != consent.SetOf(consent.Preferences, consent.Marketing) {
		t.Errorf("the act is %+v", act)
	}

	w.tab.Eval(`heard = [], Cookiebot.renew()`, nil)
	w.tab.Wait(`heard.includes("cbDialogDisplay")`)
	w.want(`[heard, Cookiebot.dialog.visible]`, "DialogInit+m,cbDialogInit,DialogDisplay+m,cbDialogDisplay,true")
	w.tab.Eval(`Cookiebot.hide()`, nil)
	w.tab.Wait(`!Cookiebot.dialog.visible`)
	w.tab.Eval(`Cookiebot.show()`, nil)
	w.tab.Wait(`Cookiebot.dialog.visible`)
	w.tab.Eval(`Cookiebot.getScript("http://vendor.example/got.js", true, () => window.got = log + "")`, nil)
	w.tab.Wait(`window.got == "got.js"`)

	w.tab.Eval(`Cookiebot.withdraw(); Cookiebot.hide()`, nil)
	w.want(state, "false,true,true,false,explicit,1,0,0,0")
	w.tab.Eval(`Cookiebot.submitCustomConsent(false, false, false)`, nil)
	w.want(state, "false,true,true,false,explicit,1,0,0,0")
}

// A modal first layer can be hidden as well, and that is no choice (B15).
func TestCookiebot_HidesModalLayer(t *testing.T) {
	c := foreign(t, "cookiebot")
	c.Banner.Form = "dialog"
	w := open(t, c)
	w.cookiebotPage("/", cookiebotTag+heard, `<p>x`)
	w.want(`Cookiebot.dialog.visible`, "true")
	w.tab.Eval(`Cookiebot.hide()`, nil)
	w.tab.Wait(`!Cookiebot.dialog.visible`)
	w.want(`Cookiebot.hasResponse + document.cookie`, "false")
}

// The classes that show and hide, alone, in combinations and added later, under a policy that allows no inline style (B26).
func TestCookiebot_ShowsByState(t *testing.T) {
	w := open(t, foreign(t, "cookiebot"))
	w.set(func() {
		w.header.Set("Content-Security-Policy", "default-src 'none'; script-src http://cmp.example; connect-src http://cmp.example; style-src http://www.shop.example; require-trusted-types-for 'script'; trusted-types samtykke")
		w.pages["/own.css"] = ""
	})
	names := []string{
		"", "-preferences", "-statistics", "-marketing", "-preferences-statistics", "-preferences-marketing",
		"-statistics-marketing", "-preferences-statistics-marketing",
	}
	var body strings.Builder
	for _, n := range names {
		body.WriteString(`<p class="cookieconsent-optin` + n + `">in` + n + `</p><p class="cookieconsent-optout` + n + `">out` + n + `</p>`)
	}
	body.WriteString(`<p class="cookieconsent-optin-statistics cookieconsent-optin-marketing">in two<p class="cookieconsent-optout-statistics cookieconsent-optout-marketing">out two`)
	w.visit("/", "da", body.String())
	const seen = `[...document.querySelectorAll("p")].filter(p => getComputedStyle(p).display == "block").map(p => p.textContent)`
	const none = "out,out-preferences,out-statistics,out-marketing,out-preferences-statistics,out-preferences-marketing,out-statistics-marketing,out-preferences-statistics-marketing,out two"
	const all = "in,in-preferences,in-statistics,in-marketing,in-preferences-statistics,in-preferences-marketing,in-statistics-marketing,in-preferences-statistics-marketing,in two"
	w.tab.Wait(shown)
	w.want(seen, none)
	w.press("#choose")
	w.press("[name=statistics]")
	w.press("[name=preferences]")
	w.press("#save")
	w.tab.Wait(`getComputedStyle(document.querySelector("p")).display == "block"`)
	w.want(seen, "in,in-preferences,in-statistics,out-marketing,in-preferences-statistics,out-preferences-marketing,out-statistics-marketing,out-preferences-statistics-marketing,out two")
	w.press("#reopen")
	w.press("#dialog [data-role=accept]")
	w.tab.Wait(seen + `.length == 9 && ` + seen + `.every(s => s.startsWith("in"))`)
	w.want(seen, all)
	w.tab.Eval(`{ const p = document.createElement("p"); p.className = "cookieconsent-optout-marketing"; document.body.append(p) }`, nil)
	w.want(seen, all)
	w.tab.Eval(`samtykke.withdraw()`, nil)
	w.tab.Wait(seen + `.every(s => !s.startsWith("in"))`)
	w.want(seen, none+",")
}

// K4: what is held by other tools' markup gets a placeholder too, which names who is behind it and can show it once.
func TestForeign_EmbedsHavePlaceholders(t *testing.T) {
	c := foreign(t, "cookiebot", "klaro")
	c.Banner.Services = map[string]consent.Category{"youtube": consent.Marketing}
	w := open(t, c)
	w.visit("/", "da", `<iframe id=film width=560 height=315 data-cookieconsent="marketing" data-cookieblock-src="http://www.youtube.vendor.example/embed/1"></iframe>
		<iframe id=clip width=560 height=315 data-name="youtube" data-src="http://www.youtube.vendor.example/embed/2"></iframe>`)
	for _, id := range []string{"film", "clip"} {
		w.tab.Wait(inFrame(id, "#once"))
		w.want(id+`.title + `+inFrame(id, "main")+`.textContent.includes("Marketing")`, "Indhold fra YouTubetrue")
		w.pressIn(id, "#once")
		w.tab.Wait(id + `.src.startsWith("http://www.youtube.vendor.example/embed/")`)
	}
	w.want(`samtykke.answered`, "false")
}

// Under automatic blocking, Cookiebot's "ignore" lets what it stands on load at once, and nothing else.
func TestCookiebot_IgnoreUnderAutomaticBlocking(t *testing.T) {
	c := guarded(t)
	c.Banner.Markup = []string{"cookiebot"}
	w := open(t, c)
	w.visitGuarded("", `<script data-cookieconsent="ignore" src="http://vendor.example/ignored.js"></script>
		<script src="http://vendor.example/held.js"></script>
		<script data-cookieconsent="statistics" src="http://vendor.example/marked.js"></script>`)
	w.tab.Wait(shown + ` && window.log`)
	w.want(`log`, "ignored.js")
	w.tab.Eval(`{ const s = document.createElement("script"); s.dataset.cookieconsent = "ignore"; s.src = "http://vendor.example/later.js"; document.head.append(s) }`, nil)
	w.tab.Wait(`log.length == 2`)
	w.want(`log`, "ignored.js,later.js")
	w.press("#accept")
	w.tab.Wait(`log.length == 4`)
	w.want(`log.slice(2).sort()`, "held.js,marked.js")
}

// A page's own callback that throws harms neither the others nor us.
func TestCookiebot_SurvivesThePage(t *testing.T) {
	w := open(t, foreign(t, "cookiebot"))
	w.tab.Go(w.page("/", `<!doctype html><html lang=da><head>`+heard+`<script>
		onerror = () => true;
		function CookiebotCallback_OnAccept() { heard.push("thrown"); throw new Error("planted") }
		window.addEventListener("CookiebotOnAccept", () => heard.push("still here"))</script>`+tag+`</head><body><p>x`))
	w.press("#accept")
	w.tab.Wait(`heard.includes("cbConsentReady")`)
	w.want(`heard.slice(heard.indexOf("Accept+m"))`, "Accept+m,still here,thrown,TagsExecuted+m,cbTagsExecuted,ConsentReady+m,cbConsentReady")
	w.want(`samtykke.consent.marketing`, "true")
}

// The markup of vanilla-cookieconsent: names of the owner's own, services, refused ones, another type. K12: a name that
// nobody has explained is never granted.
func TestVanilla_ReadsItsMarkup(t *testing.T) {
	c := foreign(t, "vanilla-cookieconsent")
	c.Banner.Services = map[string]consent.Category{"kortet": consent.Preferences, "analytics": consent.Statistics, "tv": consent.Marketing}
	w := open(t, c)
	body := `<p>x` +
		held("analytics", "", logged("analytics")) + held("kortet", "", logged("own")) + held("ads", "", logged("ads")) +
		held("functionality", `data-type=module`, logged("module")) + held("mystery", "", logged("mystery")) + held("constructor", "", logged("odd")) +
		held("analytics", `data-service="Google Analytics"`, logged("service")) + held("analytics", `data-service=tv`, logged("tv")) + held("analytics", `data-service=constructor`, logged("any")) +
		held("!analytics", "", logged("no analytics")) + held("!ads", "", logged("no ads")) + held("!necessary", "", logged("never")) +
		held("necessary", "", `window.needed = true`) + held("analytics", `data-src="http://vendor.example/src.js"`, "")
	w.visit("/", "da", body)
	w.tab.Wait(`window.needed`)
	w.want(`window.log`, "undefined")
	w.press("#choose")
	w.press("[name=statistics]")
	w.press("#save")
	w.tab.Wait(`window.log?.length == 5`)
	w.want(`log`, "analytics,service,any,no ads,src.js")
	w.press("#reopen")
	w.press("#dialog [data-role=accept]")
	w.tab.Wait(`window.log.length == 9`)
	w.want(`log.slice(5)`, "own,ads,tv,module")
	w.settled()
	w.tab.Eval(`samtykke.rejectAll()`, nil)
	w.tab.Wait(`log.at(-1) == "no analytics"`)
	w.forget()
	w.visit("/2", "da", body)
	w.press("#reject")
	w.tab.Wait(`window.log?.length == 2`)
	w.want(`log`, "no analytics,no ads")
}

// The markup of klaro: services by name, each with the category that the owner gives it; other uses of data-name are not ours.
func TestKlaro_ReadsItsMarkup(t *testing.T) {
	c := foreign(t, "klaro")
	c.Banner.Services = map[string]consent.Category{"matomo": consent.Statistics, "youtube": consent.Marketing}
	w := open(t, c)
	w.visit("/", "da", `<p data-name="matomo">x</p>
		<script type="text/plain" data-type="application/javascript" data-name="matomo">(window.log ??= []).push("inline")</script>
		<script type="text/plain" data-type="application/javascript" data-name="matomo" data-src="http://vendor.example/m.js"></script>
		<script type="text/plain" data-type="application/javascript" data-name="stranger">(window.log ??= []).push("stranger")</script>
		<script type="text/plain" data-type="application/javascript" data-name="analytics">(window.log ??= []).push("known")</script>
		<img alt="" data-name="matomo" data-src="http://vendor.example/pixel">
		<link rel="stylesheet" data-name="matomo" data-href="http://vendor.example/style">
		<iframe data-name="youtube" data-src="http://vendor.example/film"></iframe>`)
	w.tab.Wait(shown)
	if v := w.vendors(); len(v) > 0 {
		t.Errorf("requests before the choice: %q", v)
	}
	w.press("#choose")
	w.press("[name=statistics]")
	w.press("#save")
	w.tab.Wait(`window.log?.length == 3 && document.querySelector("img[src$=pixel]") && document.querySelector("link[href$=style]")`)
	w.want(`log.sort()`, "inline,known,m.js")
	w.want(`document.querySelector("script[data-name=matomo]").type`, "application/javascript")
	w.want(`[document.querySelector("iframe[data-name]").src, document.querySelector("p").dataset.name]`, ",matomo")
	w.press("#reopen")
	w.press("#dialog [data-role=accept]")
	w.tab.Wait(`document.querySelector("iframe[src$=film]")`)
	w.want(`log.includes("stranger")`, "false")
}

// What a site doesn't want isn't in its script.
func TestCompile_LeavesOutOtherTools(t *testing.T) {
	words := map[string][]string{
		"cookiebot":             {"Cookiebot", "cookieconsent", "cookie_consent", "/uc.js", "culture", "cookieblock"},
		"vanilla-cookieconsent": {"advertisement", `"!"`},
		"klaro":                 {"advertisement", "[data-name]"},
	}
	plain := compiled(t, shopContent(t)).JS
	for markup, words := range words {
		with := compiled(t, foreign(t, markup)).JS
		for _, word := range words {
			if bytes.Contains(plain, []byte(word)) || !bytes.Contains(with, []byte(word)) {
				t.Errorf("%q should be in the script with %s and not in the plain one", word, markup)
			}
		}
	}
	if bytes.Contains(plain, []byte("CookieConsent")) {
		t.Error("the import is in the plain script")
	}
}

// Services are names that owners write: whatever they are, they stay data.
func TestCompile_QuotesServices(t *testing.T) {
	c := foreign(t, "klaro")
	c.Banner.Services = map[string]consent.Category{`__proto__`: consent.Statistics, `"};alert(1)//`: consent.Statistics}
	js := compiled(t, c).JS
	if quoted, _ := json.Marshal(`"};alert(1)//`); !slices.ContainsFunc([]string{string(quoted), `'"};alert(1)//'`}, func(s string) bool { return bytes.Contains(js, []byte(s)) }) {
		t.Error("a service's name is not quoted")
	}
}

package scanner

import (
	"bytes"
	"encoding/json"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"samtykke/scanner/evidence"
	"samtykke/scanner/recording"
	"samtykke/scanner/wording"
)

// What is shipped is what the package holds, unmodified.
func TestAutoconsent_IsUnmodified(t *testing.T) {
	for copied, original := range map[string]string{
		"autoconsent.playwright.js": "dist/autoconsent.playwright.js", "rules.json": "rules/rules.json", "LICENSE": "LICENSE",
	} {
		want, err := os.ReadFile("../node_modules/@duckduckgo/autoconsent/" + original)
		if err != nil {
			t.Skip("the package isn't installed: run `npm ci`")
		}
		if got, err := os.ReadFile("autoconsent/" + copied); err != nil || !bytes.Equal(got, want) {
			t.Errorf("autoconsent/%s differs from the package's %s (%v)", copied, original, err)
		}
	}
}

// A refusal that only hides the banner, or that presses what the yes presses, is none.
func TestAutoconsent_RulesRefuseHonestly(t *testing.T) {
	text := ""
	for _, r := range toolRules() {
		text += string(r.text) + "\n"
	}
	if n := len(toolRules()); n < 500 {
		t.Errorf("%d rules", n)
	}
	for _, line := range strings.Split(text, "\n") {
		_, after, _ := strings.Cut(line, `"optOut":`)
		after, _, _ = strings.Cut(after, `"prehideSelectors"`)
		if strings.Contains(after, `"hide":`) {
			t.Errorf("still hides: %s", evidence.Clip(line, 200))
		}
	}
	if len(rulesFor("https://shop.dk/", false)) >= len(rulesFor("https://shop.dk/", true)) {
		t.Error("frames get as many rules as pages")
	}
}

// toolPage is a banner with the marks of a well-known one, in words of its own.
type toolPage struct {
	name           string
	html           string
	reject, accept string // who answers
}

// remember stores the answer as the tool does and takes the banner away.
const remember = `<script>function store(cookie,id){document.cookie=cookie+";max-age=600;path=/;samesite=lax";document.getElementById(id).remove()}</script>`

var toolPages = []toolPage{
	{"OneTrust", `<div id=onetrust-consent-sdk><div id=onetrust-banner-sdk style="position:fixed;bottom:0;background:#fff">Vi vil gerne bruge cookies.
<button id=onetrust-accept-btn-handler onclick="OnetrustActiveGroups=',C0001,C0002,C0004,';store('OptanonConsent=1','onetrust-banner-sdk')">Alt er fint</button>
<button id=onetrust-reject-all-handler onclick="OnetrustActiveGroups=',C0001,';store('OptanonConsent=0','onetrust-banner-sdk')">Helst ikke</button></div></div>
<script>if(/OptanonConsent/.test(document.cookie))document.getElementById("onetrust-banner-sdk").remove()</script>`, "autoconsent: Onetrust", "autoconsent: Onetrust"},
	{"Cookiebot", `<div id=CybotCookiebotDialog style="position:fixed;top:0;background:#fff;padding:20px">Vi vil gerne bruge cookies.
<button id=CybotCookiebotDialogBodyLevelButtonLevelOptinDeclineAll onclick="answer(false)">Helst ikke</button>
<button id=CybotCookiebotDialogBodyButtonAccept onclick="answer(true)">Alt er fint</button></div>
<script>var had=/CookieConsent/.test(document.cookie);window.Cookiebot={hasResponse:had,consented:false,declined:false,dialog:{visible:!had},withdraw(){},hide(){}};
function answer(yes){Cookiebot.hasResponse=true;Cookiebot.consented=yes;Cookiebot.declined=!yes;Cookiebot.dialog.visible=false;store("CookieConsent="+yes,"CybotCookiebotDialog")}
if(had)CybotCookiebotDialog.remove()</script>`, "autoconsent: Cybotcookiebot", "autoconsent: Cybotcookiebot"},
	{"Usercentrics", `<div id=usercentrics-root></div><script>
if(!/uc_settings/.test(document.cookie)){var r=document.getElementById("usercentrics-root").attachShadow({mode:"open"});
r.innerHTML='<div data-testid=uc-container style="position:fixed;bottom:0;background:#fff">Vi vil gerne bruge cookies. <button data-testid=uc-deny-all-button>Afvis</button><button data-testid=uc-accept-all-button>Accepter alle</button></div>';
r.querySelectorAll("button").forEach(function(b,i){b.onclick=function(){store("uc_settings="+i,"usercentrics-root")}})}</script>`, "Afvis", "Accepter alle"},
	{"Didomi", `<div id=didomi-host><div id=didomi-notice style="position:fixed;bottom:0;background:#fff">Vi vil gerne bruge cookies.
<button id=didomi-notice-disagree-button onclick="store('euconsent-v2=0','didomi-host')">Helst ikke</button>
<button id=didomi-notice-agree-button onclick="store('euconsent-v2=1','didomi-host')">Alt er fint</button></div></div>
<script>window.Didomi={getUserConsentStatusForAll:function(){return{purposes:{enabled:[],disabled:["a"]},vendors:{enabled:[],disabled:["b"]}}}};if(/euconsent/.test(document.cookie))document.getElementById("didomi-host").remove()</script>`, "autoconsent: didomi", "autoconsent: didomi"},
	{"Complianz", `<div id=cmplz-cookiebanner-container><div class=cmplz-cookiebanner style="position:fixed;bottom:0;background:#fff">Vi vil gerne bruge cookies.
<button class=cmplz-accept onclick="store('cmplz_banner-status=dismissed','cmplz-cookiebanner-container')">Alt er fint</button>
<button class=cmplz-deny onclick="store('cmplz_banner-status=dismissed','cmplz-cookiebanner-container')">Helst ikke</button></div></div>
<script>if(/cmplz/.test(document.cookie))document.getElementById("cmplz-cookiebanner-container").remove()</script>`, "autoconsent: Complianz banner", "autoconsent: Complianz banner"},
	{"CookieYes", `<div id=cky class=cky-consent-container style="position:fixed;bottom:0;background:#fff">Vi vil gerne bruge cookies.
<button data-cky-tag=accept-button onclick="store('cookieyes-consent=advertisement:yes','cky')">Alt er fint</button>
<button data-cky-tag=reject-button onclick="store('cookieyes-consent=advertisement:no','cky')">Helst ikke</button></div>
<script>if(/cookieyes/.test(document.cookie))cky.remove()</script>`, "autoconsent: cookieyes", "autoconsent: cookieyes"},
	{"Klaro", `<div class=klaro id=k><div class=cookie-notice style="position:fixed;bottom:0;background:#fff">Vi vil gerne bruge cookies.
<button class="cm-btn cn-decline" onclick="confirmed=0;store('klaro=0','k')">Helst ikke</button><button class="cm-btn cm-btn-success" onclick="store('klaro=1','k')">Alt er fint</button></div></div>
<script>if(/klaro/.test(document.cookie))k.remove()</script>`, "autoconsent: Klaro", "autoconsent: Klaro"},
	{"Cookie Information", `<div id=coiOverlay style="position:fixed;inset:0;background:#0008"><div id=coi-banner-wrapper style="background:#fff">Vi vil gerne bruge cookies.
<button class=coi-banner__accept onclick="store('CookieInformationConsent=1','coiOverlay')">Accepter alle</button><button class=coi-banner__decline onclick="store('CookieInformationConsent=0','coiOverlay')">Afvis alle</button></div></div>
<script>if(/CookieInformationConsent/.test(document.cookie))coiOverlay.remove()</script>`, "Afvis alle", "Accepter alle"},
	{"Quantcast", `<div class=qc-cmp2-container id=qc-cmp2-container><div id=qc-cmp2-ui class=qc-cmp2-summary-buttons style="position:fixed;bottom:0;background:#fff">Vi vil gerne bruge cookies.
<button mode=secondary id=disagree-btn onclick="store('addtl_consent=0','qc-cmp2-container')">HELST IKKE</button><button mode=primary onclick="store('addtl_consent=1','qc-cmp2-container')">ALT ER FINT</button></div></div>
<script>if(/addtl/.test(document.cookie))document.getElementById("qc-cmp2-container").remove()</script>`, "autoconsent: quantcast", "autoconsent: quantcast"},
}

// The banners of well-known tools are answered, whatever is on their buttons.
func TestScan_AnswersWellKnownTools(t *testing.T) {
	for _, tool := range toolPages {
		t.Run(tool.name, func(t *testing.T) {
			v := site{"shop.localhost/": remember + tool.html}.visit(t)
			for _, role := range []string{"reject", "accept"} {
				v.fresh(t)
				if got := v.respond(role); got != map[string]string{"reject": tool.reject, "accept": tool.accept}[role] {
					t.Errorf("%s: answered by %q", role, got)
				}
				if v.tab.banner().Seen {
					t.Errorf("%s: the banner is still there", role)
				}
			}
		})
	}
}

// visit opens the start page of a site in one tab, for tests of what a visitor does there.
func (s site) visit(t *testing.T) *visitor {
	t.Helper()
	t.Parallel()
	o := s.serve(t)
	o.PageTimeout = 8 * time.Second
	return visitorAt(t, o)
}

// fresh loads the start page anew, without anything stored.
func (v *visitor) fresh(t *testing.T) {
	t.Helper()
	v.tab.clear("http://shop.localhost/")
	v.tab.does(`document.cookie.split(/; */).forEach((c) => document.cookie = c.split("=")[0] + "=;max-age=0;path=/")`)
	if err := v.tab.open("http://shop.localhost/"); err != nil {
		t.Fatal(err)
	}
	if err := v.settle(); err != nil {
		t.Fatal(err)
	}
}

// No rule and no label: nothing is pressed.
func TestScan_PressesNothingUnknown(t *testing.T) {
	v := site{"shop.localhost/": `<div style="position:fixed;bottom:0">Vi bruger cookies. <button onclick="document.title='pressed'">Klø på</button><button onclick="document.title='pressed'">Hvad nu?</button></div>`}.visit(t)
	v.fresh(t)
	for _, role := range []string{"reject", "accept"} {
		if got := v.respond(role); got != "" || v.tab.holds(`document.title == "pressed"`) {
			t.Errorf("%s: answered by %q", role, got)
		}
	}
}

// The labels of one language never mean the opposite in another.
func TestLabels_MeanOneThing(t *testing.T) {
	roles := map[string][]string{}
	for lang, table := range labelTable(t).Languages {
		for role, labels := range table {
			for _, l := range labels {
				if l != strings.ToLower(l) || strings.TrimSpace(l) != l {
					t.Errorf("%s: %q isn't as labels are compared", lang, l)
				}
				if !slices.Contains(roles[l], role) {
					roles[l] = append(roles[l], role)
				}
			}
		}
	}
	for label, is := range roles {
		if len(is) > 1 {
			t.Errorf("%q means %v", label, is)
		}
	}
	for _, lang := range strings.Fields("da sv nb fi is en de nl fr es pt it pl cs sk hu ro bg el hr sl et lv lt mt ga") {
		for _, role := range strings.Fields("accept reject settings save dismiss reopen withdraw") {
			if len(labelTable(t).Languages[lang][role]) == 0 {
				t.Errorf("%s has no label for %s", lang, role)
			}
		}
	}
}

// visitorAt is a visitor in one tab of a browser of its own.
func visitorAt(t *testing.T, o Options) *visitor {
	t.Helper()
	o.defaults()
	program, err := findBrowser(o.Browser)
	if err != nil {
		t.Fatal(err)
	}
	tab, end, err := openTab(t.Context(), program, &o, recording.New(evidence.StateNone, o.Now))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(end)
	return &visitor{crawl: &crawl{o: &o, pages: []string{"http://shop.localhost/"}}, tab: tab, state: evidence.StateNone}
}

// labelTable is labels.json.
func labelTable(t *testing.T) (table struct {
	Languages map[string]map[string][]string
},
) {
	t.Helper()
	if err := json.Unmarshal([]byte(wording.LabelsJSON), &table); err != nil {
		t.Fatal(err)
	}
	return table
}

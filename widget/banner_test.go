package widget

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"

	"samtykke/consent"
)

// layerText is what a person reads in the first layer.
const layerText = shown + `.innerText`

// key presses a key as a keyboard would.
func (w *world) key(keys string) {
	w.t.Helper()
	w.tab.Do(chromedp.KeyEvent(keys))
}

// forget empties the browser of cookies and storage, as a new visitor would come.
func (w *world) forget() {
	w.t.Helper()
	call(w, network.ClearBrowserCookies, cdp.Empty{})
}

// choiceOf is the stored choice, field by field: version, site, visitor, time, terms, asked, given, acts.
func (w *world) choiceOf() []string {
	w.t.Helper()
	c := w.text(`document.cookie.split("; ").find(c => c.startsWith("samtykke=")) ?? ""`)
	return strings.Split(strings.TrimPrefix(c, "samtykke="), ":")
}

// B1, B7 to B11 (B7, B8, B9, B10, B11), B21, B24, B25: what a new visitor meets, on any page.
func TestBanner_AsksOnAnyPage(t *testing.T) {
	w := open(t, shopContent(t))
	for _, path := range []string{"/", "/produkter/kaffe/ethiopien"} {
		w.visit(path, "da", shopPage)
		w.tab.Wait(shown)
		if seen := w.requests(); !slices.Equal(seen, []string{"www.shop.example" + path, "cmp.example/s/" + testSite + ".js"}) {
			t.Errorf("requests before a choice: %q", seen)
		}
	}
	words, _ := Texts("da")
	text := w.text(layerText)
	for _, want := range []string{
		"Havnens Kaffe ApS", "3 tredjeparter", words["necessary_purpose"], words["preferences_purpose"],
		words["statistics_purpose"], words["marketing_purpose"], "trække dit samtykke tilbage", "“Skift samtykke”",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("the first layer doesn't say %q:\n%s", want, text)
		}
	}
	w.want(`[...`+shown+`.querySelectorAll("a")].map(a => a.textContent + " " + a.href)`,
		"3 tredjeparter http://cmp.example/d/shop1234abcd/da,Cookiedeklaration http://cmp.example/d/shop1234abcd/da,Privatlivspolitik http://shop.example/privatliv")
	w.want(shown+`.getAttribute("aria-labelledby") + " " + `+ui+`.querySelector("#title").textContent`, "title Må vi bruge cookies?")
	w.want(`document.activeElement.localName`, "body") // it asks, it doesn't take the focus (WCAG 2.4.3)
	w.want(`document.cookie + localStorage.length + sessionStorage.length`, "00")
	w.want(`[...document.querySelectorAll("*"), ...`+ui+`.querySelectorAll("*")].map(e => e.id + " " + e.className).filter(s => /cookie|consent/i.test(s))`, "")
}

// B2 to B5 (B2, B3, B4, B5): the three buttons are siblings of one look and colour, in every form and theme and at every width.
func TestBanner_ButtonsLookAlike(t *testing.T) {
	const looks = `[...new Set([...document.querySelectorAll("#samtykke > button")].map(b => {
		const s = getComputedStyle(b), r = b.getBoundingClientRect();
		return [b.localName, b.assignedSlot.localName, r.width.toFixed(1), r.height, r.top > 0 && r.bottom <= innerHeight,
			s.color, s.background, s.border, s.font, s.padding, s.textDecoration, s.opacity, s.boxShadow, s.borderRadius].join("|") }))]`
	forms := []struct{ form, theme, accent string }{
		{"box", "light", ""}, {"bar", "dark", "#ffcc00"}, {"dialog", "auto", "#c8102e"},
	}
	c := shopContent(t)
	w := open(t, c)
	for _, f := range forms {
		c.Banner.Form, c.Banner.Theme, c.Banner.Accent = f.form, f.theme, f.accent
		w.publish(c)
		for _, size := range [][2]int64{{1280, 800}, {390, 844}, {320, 256}} {
			w.viewport(size[0], size[1], "dark")
			w.visit("/", "da", shopPage)
			w.tab.Wait(shown)
			var got []string
			w.tab.Eval(looks, &got)
			if len(got) != 1 || !strings.HasPrefix(got[0], "button|slot|") || !strings.Contains(got[0], "|true|") {
				t.Errorf("%v at %v: the buttons differ or can't be reached: %q", f, size, got)
			}
			w.want(at("#accept")+`.getBoundingClientRect().height >= 44`, "true")
		}
	}
}

// B12, B13, B14: the second layer has the same categories, all off, and saving it unchanged is a refusal.
func TestDialog_SavedUntouchedRefuses(t *testing.T) {
	w := open(t, shopContent(t))
	w.visit("/", "da", shopPage)
	w.press("#choose")
	w.tab.Wait(ui + `.querySelector("#dialog")?.open`)
	w.want(`[...`+ui+`.querySelectorAll("#dialog input")].map(i => [i.name, i.checked, i.disabled, i.role].join(" "))`,
		"necessary true true switch,preferences false false switch,statistics false false switch,marketing false false switch")
	w.want(`[...`+ui+`.querySelectorAll("#dialog label")].map(l => l.textContent) + ""`,
		w.text(`[...`+ui+`.querySelectorAll("#banner b")].map(l => l.textContent) + ""`))
	w.want(ui+`.querySelector("#dialog #necessary").textContent.includes("Altid slået til")`, "true")
	w.want(ui+`.activeElement.id`, "heading")
	w.press("#save")
	act := w.arrived(1)[0]
	if act.Action != consent.Custom || act.Method != consent.ByDialog || act.Categories != consent.NoneOf(w.asked()) {
		t.Errorf("the act is %+v", act)
	}
	w.want(`JSON.stringify(samtykke.consent)`, `{"necessary":true,"preferences":false,"statistics":false,"marketing":false}`)
	w.want(`samtykke.answered + " " + `+ui+`.querySelector("#banner, #dialog")`, "true null")
}

// asked is what the notice of shopContent asks about.
func (w *world) asked() consent.Set {
	return consent.SetOf(consent.Preferences, consent.Statistics, consent.Marketing)
}

// B15: nothing but a button grants; leaving the dialog is no choice. WCAG 3.2.2: a toggle doesn't submit.
func TestDialog_LeavingItIsNoChoice(t *testing.T) {
	leave := map[string]func(w *world){
		"escape":       func(w *world) { w.key("\u001b") },
		"close button": func(w *world) { w.press("#close") },
		"click outside": func(w *world) {
			w.tab.Do(chromedp.MouseClickXY(2, 2))
			w.tab.Eval(`samtykke.close()`, nil)
		},
	}
	w := open(t, shopContent(t))
	for name, away := range leave {
		w.visit("/", "da", shopPage+`<div style="height:3000px"></div>`)
		w.tab.Wait(shown)
		w.key("\u001b")
		w.tab.Eval(`new Promise(r => { onscroll = r; scrollTo(0, 900) })`, nil)
		w.press("#choose")
		w.press("[name=marketing]")
		w.tab.Wait(ui + `.querySelector("[name=marketing]").checked`)
		away(w)
		w.tab.Wait(`!` + ui + `.querySelector("#dialog")`)
		w.want(`document.cookie + samtykke.answered + samtykke.consent.marketing + !!`+shown, "falsefalsetrue")
		w.want(focused+`.id`, "choose") // the focus is back where it was
		if acts := w.arrived(0); len(acts) > 0 {
			t.Errorf("%s sent %+v", name, acts)
		}
	}
}

// B15, B16: a modal first layer can be left without a choice, by key and by touch, and doesn't cover the pages that
// it links to.
func TestBanner_ModalIsNoWall(t *testing.T) {
	c := shopContent(t)
	c.Banner.Form, c.Banner.PrivacyURL = "dialog", shop+"/privatliv"
	w := open(t, c)
	leave := map[string]func(){"escape": func() { w.key("\u001b") }, "button": func() { w.press("#leave") }}
	for name, away := range leave {
		w.visit("/", "da", shopPage)
		w.tab.Wait(shown + `.matches(":modal")`)
		w.want(ui+`.activeElement.id`, "title")
		w.want(shown+`.querySelector("slot + #leave").textContent`, "Luk uden at vælge")
		away()
		w.tab.Wait(ui + `.querySelector("#reopen") && !` + shown)
		w.want(`document.cookie + samtykke.answered + samtykke.consent.statistics`, "falsefalse")
		if acts := w.arrived(0); len(acts) > 0 {
			t.Errorf("%s sent %+v", name, acts)
		}
	}
	w.visit("/privatliv", "da", shopPage)
	w.tab.Wait(shown + `.open && !` + shown + `.matches(":modal")`)
	w.want(`document.activeElement.localName`, "body")
	w.press("#reject")
	w.tab.Wait(`samtykke.answered`)
}

// B18, B19, B20, B24: one choice counts for every page, refusal like acceptance, until the terms change.
func TestChoice_IsRemembered(t *testing.T) {
	c := shopContent(t)
	w := open(t, c)
	for _, button := range []string{"reject", "accept"} {
		w.forget()
		w.publish(c)
		w.visit("/", "da", shopPage)
		w.press("#" + button)
		w.settled()
		before := w.choiceOf()
		w.again()
		w.tab.Wait(ui + `.querySelector("#reopen")`)
		w.want(shown, "null")
		w.want(`document.cookie.split(";").length`, "1")

		same := c
		same.Homepage = "http://shop.example/forside" // another notice, not a material one
		w.publish(same)
		w.again()
		w.want(`samtykke.answered`, "true")

		same.Terms++
		w.publish(same)
		w.again()
		w.tab.Wait(shown)
		w.want(`samtykke.answered + " " + samtykke.consent.statistics`, "false false")
		w.press("#" + button)
		w.settled()
		if after := w.choiceOf(); after[2] != before[2] || after[4] != "4" {
			t.Errorf("before %q, after %q: want the same visitor and the new terms", before, after)
		}
	}
	acts := w.arrived(4)
	for i, want := range []consent.Action{consent.RejectAll, consent.RejectAll, consent.AcceptAll, consent.AcceptAll} {
		if acts[i].Action != want || acts[i].Method != consent.ByBanner || acts[i].Language != "da" {
			t.Errorf("act %d is %+v", i, acts[i])
		}
	}
}

// Values that are broken, too old, or somebody else's are no choice (B19).
func TestChoice_CountsOnlyWhole(t *testing.T) {
	const visitor = "0190a1b2-c3d4-7e5f-8a6b-0123456789ab"
	w := open(t, shopContent(t))
	w.visit("/", "da", shopPage)
	now := w.text(`Date.now().toString(36)`)
	old := w.text(`(Date.now() - 366 * 864e5).toString(36)`)
	tests := []struct {
		value    string
		answered bool
	}{
		{"1:" + testSite + ":" + visitor + ":" + now + ":3:psm:s:", true},
		{"1:" + testSite + ":" + visitor + ":" + old + ":3:psm:s:", false},
		{"1:" + testSite + ":" + visitor + ":" + now + ":3:sm:s:", false},
		{"1:" + testSite + ":" + visitor + ":" + now + ":2:psm:s:", false},
		{"2:" + testSite + ":" + visitor + ":" + now + ":3:psm:s:", false},
		{"1:" + testSite + ":" + visitor + ":" + now + ":3:psm:s:%5B%7B", false},
		{"1:another1site:" + visitor + ":" + now + ":3:psm:s:", false},
		{"1:" + visitor + ":" + now + ":3:psm:s:", false},
		{"yes", false},
		{"", false},
	}
	for _, tt := range tests {
		w.tab.Eval(fmt.Sprintf(`document.cookie = "samtykke=%s;path=/"`, tt.value), nil)
		w.again()
		w.want(`samtykke.answered + " " + samtykke.consent.statistics + " " + samtykke.consent.marketing`, fmt.Sprintf("%t %[1]t false", tt.answered))
	}
}

// B21: the page's language, whole, or the default language, whole.
func TestBanner_SpeaksThePagesLanguage(t *testing.T) {
	en, da := "May we use cookies?", "Må vi bruge cookies?"
	tests := []struct {
		html, data string
		lost       bool
		title      string
		lang       string
	}{
		{"da", "", false, da, "da"},
		{"en-GB", "", false, en, "en"},
		{"EN", "", false, en, "en"},
		{"de", "", false, da, "da"},
		{"da", "en", false, en, "en"},
		{`""`, "", false, da, "da"}, // the browser is Danish
		{"en", "", true, da, "da"},
	}
	w := open(t, shopContent(t))
	for _, tt := range tests {
		w.set(func() { w.lost = tt.lost })
		own := tag
		if tt.data != "" {
			own = strings.Replace(tag, "async", `async data-lang="`+tt.data+`"`, 1)
		}
		w.tab.Go(w.page("/", `<!doctype html><html lang=`+tt.html+`><head><meta charset=utf-8>`+own+`</head><body>`+shopPage+`</body></html>`))
		w.tab.Wait(shown)
		w.want(ui+`.querySelector("#title").textContent + " " + document.querySelector("#samtykke").lang`, tt.title+" "+tt.lang)
	}
	w.set(func() { w.lost = false })
	w.visit("/", "en", shopPage)
	w.press("#reject")
	if act := w.arrived(1)[0]; act.Language != "en" {
		t.Errorf("the act says %q", act.Language)
	}
	w.tab.Wait(ui + `.querySelector("#reopen")?.textContent === "Change your consent"`)
	w.tab.Wait(ui + `.querySelector("[role=status]").textContent === "Your choice has been saved."`)
}

// B22, B23: the permanent button opens what is stored; withdrawing is a click there. The visitor sees the own id.
func TestReopen_ShowsTheStoredState(t *testing.T) {
	w := open(t, shopContent(t))
	w.visit("/", "da", shopPage)
	w.press("#choose")
	w.press("[name=statistics]")
	w.press("#save")
	w.settled()
	w.again()
	w.press("#reopen")
	w.tab.Wait(ui + `.querySelector("#dialog")`)
	w.want(`[...`+ui+`.querySelectorAll("#dialog input:checked")].map(i => i.name)`, "necessary,statistics")
	w.want(ui+`.querySelector("#dialog small").textContent.includes(samtykke.id)`, "true")
	w.press("#dialog [data-role=reject]")
	act := w.arrived(2)[1]
	if act.Action != consent.RejectAll || act.Method != consent.ByDialog || act.Categories.Given != 0 {
		t.Errorf("the act is %+v", act)
	}
	w.want(ui+`.activeElement?.id`, "reopen")
}

// The page's own links, and those that lead here from the declaration.
func TestLinks_OpenAndWithdraw(t *testing.T) {
	c := shopContent(t)
	c.Banner.Corner = "none"
	w := open(t, c)
	w.visit("/", "da", shopPage+`<button id=w data-samtykke=withdraw><b>Træk tilbage</b></button> <a id=d href="#" data-samtykke=declaration>D</a>`)
	w.press("#accept")
	w.arrived(1)
	w.want(ui+`.querySelector("#reopen")`, "null")
	w.tab.Click("[data-samtykke=open]")
	w.tab.Wait(ui + `.querySelector("#dialog")?.open`)
	w.press("#close")
	w.tab.Wait(`!` + ui + `.querySelector("#dialog")`)
	w.tab.Click("#w b")
	if act := w.arrived(2)[1]; act.Action != consent.Withdraw || act.Method != consent.ByDeclaration {
		t.Errorf("the act is %+v", act)
	}
	for _, hash := range []string{"open", "withdraw"} {
		w.tab.Go("about:blank")
		w.tab.Go(shop + "/#samtykke=" + hash)
		w.tab.Wait(ui + `.querySelector("#dialog")?.open`)
	}
	if n := len(w.arrived(2)); n != 2 {
		t.Errorf("%d acts, want the two of before: an address alone decides nothing", n)
	}
	w.press("#close")
	w.tab.Wait(`!` + ui + `.querySelector("#dialog")`)
	w.tab.Click("#d")
	w.tab.Wait(`location.href === "http://cmp.example/d/` + testSite + `/da"`)
}

// B28: the whole way by keyboard.
func TestBanner_WorksByKeyboard(t *testing.T) {
	w := open(t, shopContent(t))
	w.visit("/", "da", shopPage)
	w.tab.Wait(shown)
	focus := func(id string) {
		t.Helper()
		for range 12 {
			w.key("\t")
			if w.text(focused+`.id || `+focused+`.name`) == id {
				w.want(`getComputedStyle(`+focused+`).outlineStyle + getComputedStyle(`+focused+`).outlineWidth`, "solid3px")
				return
			}
		}
		t.Fatalf("Tab doesn't reach %s", id)
	}
	focus("choose")
	w.key("\r")
	w.tab.Wait(ui + `.querySelector("#dialog")?.open`)
	focus("statistics")
	w.key(" ")
	focus("save")
	w.key("\r")
	if act := w.arrived(1)[0]; act.Categories.Given != consent.SetOf(consent.Statistics) {
		t.Errorf("the act is %+v", act)
	}
}

// WCAG 2.4.11: what the keyboard reaches doesn't hide behind the banner; and nothing of it stays afterwards.
func TestBanner_LeavesRoomForTheFocus(t *testing.T) {
	w := open(t, shopContent(t))
	w.viewport(390, 844, "light")
	w.visit("/", "da", shopPage+`<div style="height:700px"></div><a id=far href="#x">Langt nede</a><div style="height:1500px"></div>`)
	w.tab.Wait(shown)
	w.tab.Eval(`document.querySelectorAll("main a")[2].focus({focusVisible: true})`, nil)
	w.key("\t")
	w.tab.Wait(`document.documentElement.style.scrollPaddingBottom`)
	w.tab.Wait(`document.activeElement.id === "far" && document.activeElement.getBoundingClientRect().bottom <= ` + shown + `.getBoundingClientRect().top`)
	w.press("#reject")
	w.tab.Wait(`!document.documentElement.style.scrollPaddingBottom`)
}

// K13: a script alone can't grant; on a visitor's click it can, and it can always refuse.
func TestAPI_GrantsOnlyOnAClick(t *testing.T) {
	w := open(t, shopContent(t))
	w.visit("/", "da", `<p style="text-align:right"><button id=all onclick="samtykke.acceptAll()">a</button><button id=some onclick="samtykke.save({statistics:true,necessary:true})">s</button>`+
		`<script>log=[];document.addEventListener("samtykke:change",e=>log.push("event "+e.detail.statistics))</script>`)
	w.tab.Eval(`samtykke.acceptAll(); samtykke.save({marketing: true}); samtykke.on("change", c => log.push("on " + c.marketing)); samtykke.on("ready", c => log.push("ready " + c.necessary))`, nil)
	w.want(`document.cookie + samtykke.answered + samtykke.id`, "falseundefined")
	w.tab.Click("#all")
	w.arrived(1)
	w.tab.Eval(`samtykke.withdraw()`, nil)
	w.arrived(2)
	w.tab.Click("#some")
	w.arrived(3)
	w.tab.Eval(`samtykke.save({statistics: false})`, nil)
	w.arrived(4)
	w.tab.Eval(`samtykke.rejectAll()`, nil)
	want := []string{"accept_all preferences statistics marketing", "withdraw ", "custom statistics", "custom ", "reject_all "}
	for i, act := range w.arrived(5) {
		if got := fmt.Sprint(act.Action, " ", act.Categories.Given); got != want[i] || act.Method != consent.ByAPI {
			t.Errorf("act %d: %q by %q, want %q", i, got, act.Method, want[i])
		}
	}
	w.want(`log.slice(0, 5)`, "ready true,event true,on true,event false,on false")
}

// K13: our own buttons don't help a script to a grant either; it can always refuse and withdraw with them.
func TestButtons_GrantOnlyOnAClick(t *testing.T) {
	w := open(t, shopContent(t))
	click := func(selector string) {
		w.tab.Wait(at(selector))
		w.tab.Eval(at(selector)+".click()", nil)
	}
	w.visit("/", "da", "<p>x")
	w.tab.Wait(shown)
	click("#accept")
	w.want(`document.cookie + samtykke.answered + !!`+shown, "falsetrue")
	click("#choose")
	for _, selector := range []string{"[name=marketing]", "#save", "#dialog [data-role=accept]"} {
		click(selector)
	}
	w.want(`document.cookie + samtykke.answered + !!`+shown, "falsetrue")
	click("#reject")
	if act := w.arrived(1)[0]; act.Action != consent.RejectAll || act.Method != consent.ByBanner {
		t.Errorf("the act is %+v", act)
	}
	w.press("#reopen")
	w.press("#dialog [data-role=accept]")
	w.settled()
	w.again() // a new page without any click of the visitor
	click("#reopen")
	click("[name=marketing]")
	click("#save")
	if act := w.arrived(3)[2]; act.Categories.Given != consent.SetOf(consent.Preferences, consent.Statistics) {
		t.Errorf("the act is %+v", act)
	}
}

// The script may be there twice, and an element may have its name.
func TestStart_ToleratesThePage(t *testing.T) {
	w := open(t, shopContent(t))
	w.visit("/", "da", `<div id=samtykke-x></div><script id=samtykke>Object.freeze(Array.prototype);Object.freeze(Object.prototype)</script>`+tag)
	w.tab.Wait(`document.querySelectorAll("div#samtykke").length === 1`)
	w.want(`typeof samtykke.withdraw`, "function")
	w.tab.Eval(`document.body.replaceWith(document.createElement("body"))`, nil) // as frameworks do
	w.tab.Wait(`document.querySelectorAll("div#samtykke").length === 1`)
	w.tab.ClickIn(`document.querySelector("div#samtykke > #reject")`)
	w.arrived(1)
}

// Frameworks replace the body at every navigation, or the whole page; the banner comes back each time. It is the last
// in the body, where those that take over a page of the server expect strangers.
func TestStart_StaysOnThePage(t *testing.T) {
	const there = `document.body.lastChild.id === "samtykke"`
	w := open(t, shopContent(t))
	w.tab.Go(w.page("/", `<!doctype html><html lang=da><head><title>Shop</title></head><body><p>x`+strings.Replace(tag, "async ", "", 1)+
		`<p>y<script type=module>window.early = `+there+`</script></body></html>`))
	w.tab.Wait(`window.early && ` + there)
	for range 20 {
		w.tab.Eval(`{ const body = document.createElement("body"); body.append("x"); document.body.replaceWith(body) }`, nil)
		w.tab.Wait(there)
	}
	w.press("#reject")
	w.arrived(1)

	// A new page is seen as such, not only when a timer looks.
	w.forget()
	w.visit("/2", "da", "<script>setTimeout = () => {}</script>")
	w.tab.Wait(shown)
	w.tab.Eval(`{ const html = document.createElement("html"); html.append(document.createElement("body")); document.documentElement.replaceWith(html) }`, nil)
	w.tab.Wait(there)
}

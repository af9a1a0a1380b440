package widget

import (
	"slices"
	"strings"
	"testing"
)

// held is a script that waits for a category.
func held(category, attributes, code string) string {
	return `<script type="text/plain" data-category="` + category + `" ` + attributes + `>` + code + `</script>` + "\n"
}

func logged(name string) string { return `(window.log ??= []).push("` + name + `")` }

// vendors returns what was asked of the vendor since the last call, sorted.
func (w *world) vendors() []string {
	var paths []string
	for _, s := range w.requests() {
		if path, ok := strings.CutPrefix(s, "vendor.example"); ok {
			paths = append(paths, path)
		}
	}
	slices.Sort(paths)
	return paths
}

// K3: held scripts run once, in the order in which the page would have run them, with their attributes.
func TestBlocker_RunsScriptsInOrder(t *testing.T) {
	w := open(t, shopContent(t))
	answer := w.stalls("/a.js")
	w.visit("/", "da", `<p style="text-align:right">x`+
		held("statistics", `id=a data-src="http://vendor.example/a.js" data-x="1" referrerpolicy=origin`, "")+
		held("statistics", "", logged("inline"))+
		held("statistics", `src="http://nowhere.example/b.js"`, "")+
		held("statistics", `data-type=module`, logged("module"))+
		held("statistics", `src="http://vendor.example/defer.js" defer`, "")+
		held("statistics", `src="http://vendor.example/async.js" async`, "")+
		held("statistics", `src="http://vendor.example/c.js"`, "")+
		held("statistics", "", logged("last")))
	w.tab.Wait(shown)
	w.want(`window.log`, "undefined")
	if v := w.vendors(); len(v) > 0 {
		t.Errorf("requests before the choice: %q", v)
	}
	w.press("#accept")
	w.tab.Wait(`window.log?.includes("async.js")`)
	w.want(`log`, "async.js")
	answer()
	w.tab.Wait(`log.length === 7`)
	w.want(`log`, "async.js,a.js,inline,c.js,last,module,defer.js")
	w.want(`[a.dataset.x, a.referrerPolicy, a.dataset.category, a.type, a.src]`, "1,origin,statistics,,http://vendor.example/a.js")
	w.again()
	w.tab.Wait(`log.length === 7`)
	w.want(`log.filter(n => n !== "async.js")`, "a.js,inline,c.js,last,module,defer.js")
	w.press("#reopen")
	w.press("#save")
	w.arrived(2)
	w.want(`log.length`, "7")
}

// K9, K12, and of K4 the swap alone (there is no placeholder): frames, pictures, media and links get their address
// only with every category that they name.
func TestBlocker_ReleasesWhatIsGranted(t *testing.T) {
	w := open(t, shopContent(t))
	w.visit("/", "da", `<iframe data-src="http://vendor.example/frame" data-category="statistics"></iframe>
		<img alt="" data-src="http://vendor.example/img" data-category="statistics">
		<img alt="" data-srcset="http://vendor.example/srcset 1x" data-category=" statistics,">
		<video><source data-src="http://vendor.example/video" data-category="statistics"></video>
		<link rel=stylesheet data-href="http://vendor.example/link" data-category="statistics">
		<img alt="" data-src="http://vendor.example/ad" data-category="marketing">
		<img alt="" data-src="http://vendor.example/both" data-category="statistics, marketing">
		<img alt="" data-src="http://vendor.example/unknown" data-category="analytics">
		<img alt="" data-src="http://vendor.example/odd" data-category="constructor">
		<img alt="" data-src="http://vendor.example/none" data-category="">
		<img alt="" data-src="http://vendor.example/necessary" data-category="necessary">`+held("marketing", "", logged("ad")))
	w.tab.Wait(`document.querySelector("[src$=necessary]")`)
	if v := w.vendors(); !slices.Equal(v, []string{"/necessary"}) {
		t.Errorf("before the choice: %q", v)
	}
	w.press("#choose")
	w.press("[name=statistics]")
	w.press("#save")
	w.arrived(1)
	w.tab.Wait(`["frame", "img", "link", "srcset", "video"].every(n => performance.getEntriesByName("http://vendor.example/" + n).length)`)
	want := []string{"/frame", "/img", "/link", "/srcset", "/video"}
	if v := slices.Compact(w.vendors()); !slices.Equal(v, want) {
		t.Errorf("after granting statistics: %q, want %q", v, want)
	}
	w.want(`window.log`, "undefined")
	w.want(`document.querySelectorAll("[data-src$=ad],[data-src$=both],[data-src$=unknown],[data-src$=odd],[data-src$=none]").length`, "5")
	w.press("#reopen")
	w.press("#dialog [data-role=accept]")
	w.tab.Wait(`window.log == "ad" && document.querySelector("[src$=both]") && document.querySelector("[src$=ad]")`)
	w.want(`document.querySelectorAll("[data-src$=unknown],[data-src$=odd],[data-src$=none]").length`, "3")
}

// K7: what is added later is held too, released on a grant, and not after a withdrawal.
func TestBlocker_SeesWhatIsAddedLater(t *testing.T) {
	const add = `(name => { const d = document.createElement("div"), s = document.createElement("script");
		s.type = "text/plain"; s.dataset.category = "statistics"; s.text = "(window.log ??= []).push('" + name + "')"; d.append(s); document.body.append(d) })`
	w := open(t, shopContent(t))
	w.visit("/", "da", "<p>x")
	w.tab.Eval(add+`("before")`, nil)
	w.press("#accept")
	w.tab.Wait(`window.log == "before"`)
	w.tab.Eval(add+`("after")`, nil)
	w.tab.Wait(`log == "before,after"`)
	w.tab.Eval(`samtykke.withdraw()`, nil)
	w.tab.Eval(add+`("withdrawn")`, nil)
	w.arrived(2)
	w.tab.Eval(`new Promise(requestAnimationFrame)`, nil)
	w.want(`log`, "before,after")
}

// K3: what never tells that it has loaded doesn't hold up the others, and what waits runs once however often it is
// released.
func TestBlocker_WaitsOnlyForWhatLoads(t *testing.T) {
	w := open(t, shopContent(t))
	answer := w.stalls("/a.js")
	w.visit("/", "da", `<p style="text-align:right">x`+
		held("statistics", `src="http://vendor.example/old.js" nomodule`, "")+
		held("statistics", `src="http://vendor.example/data.js" data-type="text/template"`, "")+
		held("statistics", `src="http://vendor.example/a.js"`, "")+
		held("statistics", "", logged("inline")+`;gone.remove()`)+
		held("statistics", `src="http://vendor.example/gone.js" id=gone`, "")+
		held("statistics", `src="http://vendor.example/c.js"`, "")+
		held("statistics", "", logged("last")))
	w.press("#accept")
	w.arrived(1)
	w.press("#reopen")
	w.press("#save") // releases anew while the first script is on its way
	w.arrived(2)
	w.want(`window.log`, "undefined")
	answer()
	w.tab.Wait(`log.includes("last")`)
	w.tab.Eval(`document.body.insertAdjacentHTML("beforeend", '`+strings.TrimSpace(held("statistics", "", `log.push("later")`))+`')`, nil)
	w.tab.Wait(`log.includes("later")`)
	w.want(`log`, "a.js,inline,c.js,last,later")
}

// K7: what is necessary runs without a grant, also when it is added later.
func TestBlocker_RunsNecessaryOnesAddedLater(t *testing.T) {
	w := open(t, shopContent(t))
	w.visit("/", "da", "<p>x")
	w.tab.Wait(shown + ` && document.readyState === "complete"`)
	w.tab.Eval(`for (const c of ["statistics", "necessary"]) { const s = document.createElement("script"); s.type = "text/plain"; s.dataset.category = c; s.text = "(window.log ??= []).push('" + c + "')"; document.body.append(s) }`, nil)
	w.tab.Wait(`window.log`)
	w.want(`log`, "necessary")
}

// A player starts anew only when one of its sources got an address; a source may be gone again when its turn comes.
func TestBlocker_LoadsPlayersOnlyAnew(t *testing.T) {
	w := open(t, shopContent(t))
	w.visit("/", "da", `<script>loads = []; HTMLMediaElement.prototype.load = function () { loads.push(this.id) }</script>
		<video id=plain><source src="/x" data-category="statistics"></video>
		<video id=swapped><source data-src="http://vendor.example/video" data-category="statistics"></video>`)
	w.press("#accept")
	w.arrived(1)
	w.tab.Eval(`{ const s = document.createElement("source"), i = new Image(); s.dataset.category = i.dataset.category = "statistics"; s.dataset.src = i.dataset.src = "http://vendor.example/late";
		document.body.append(s, i); s.remove() }`, nil)
	w.tab.Wait(`document.querySelector("img[src$=late]")`)
	w.want(`loads`, "swapped")
}

// K11: after a refusal nothing runs, also not on the next page.
func TestBlocker_HoldsAfterRefusal(t *testing.T) {
	w := open(t, shopContent(t))
	body := held("statistics", `src="http://vendor.example/a.js"`, "") + held("marketing", "", `document.cookie="_fbp=1";`+logged("ad"))
	w.visit("/", "da", body)
	w.press("#reject")
	w.settled()
	w.visit("/2", "da", body)
	w.tab.Wait(ui + `.querySelector("#reopen")`)
	w.again()
	w.want(`document.readyState + window.log + document.cookie.includes("_fbp")`, "completeundefinedfalse")
	if v := w.vendors(); len(v) > 0 {
		t.Errorf("requests after the refusal: %q", v)
	}
}

// B26, K3: a policy without any unsafe-… and with Trusted Types is enough, and the nonce is passed on.
func TestStart_UnderStrictPolicy(t *testing.T) {
	w := open(t, shopContent(t))
	w.set(func() {
		w.header.Set("Content-Security-Policy", "default-src 'none'; script-src 'nonce-abc'; style-src 'none'; connect-src http://cmp.example; img-src http://vendor.example; require-trusted-types-for 'script'; trusted-types samtykke")
	})
	w.tab.Go(w.page("/", `<!doctype html><html lang=en><head><title>Shop</title><script nonce=abc>bad=[];document.addEventListener("securitypolicyviolation",e=>bad.push(e.violatedDirective+" "+e.blockedURI))</script>`+
		strings.Replace(tag, "async", `async nonce=abc`, 1)+`</head><body><p>Shop`+
		held("statistics", `nonce=abc`, logged("inline"))+
		held("statistics", `nonce=abc data-src="http://vendor.example/a.js"`, "")+
		`<img alt="" data-src="http://vendor.example/img" data-category="statistics"></body></html>`))
	w.tab.Wait(shown)
	w.want(`getComputedStyle(`+shown+`).position`, "absolute")
	w.press("#choose")
	w.press("#dialog [data-role=accept]")
	w.arrived(1)
	w.tab.Wait(`window.log?.length === 2`)
	w.want(`bad + log`, "inline,a.js")
}

// K8: Consent Mode's default comes first and the update follows every choice, all seven signals in each.
func TestSignals_FollowTheChoice(t *testing.T) {
	const entries = `dataLayer.map(e => e[0] ? Object.prototype.toString.call(e) + " " + e[1] + " " + Object.entries(e[2]).map(([k, v]) => k + "=" + v).sort().join(" ") : e.event + " " + e.samtykke.statistics).join("\n")`
	state := func(command, ad, analytics, rest, more string) string {
		return "[object Arguments] " + command + " ad_personalization=" + ad + " ad_storage=" + ad + " ad_user_data=" + ad + " analytics_storage=" + analytics +
			" functionality_storage=" + rest + " personalization_storage=" + rest + " security_storage=granted" + more
	}
	first := state("default", "denied", "denied", "denied", " wait_for_update=500")
	granted := []string{state("update", "denied", "granted", "denied", ""), "samtykke_update true"}
	denied := []string{state("update", "denied", "denied", "denied", ""), "samtykke_update false"}
	w := open(t, shopContent(t))
	w.visit("/", "da", "<p>x")
	w.want(entries, first)
	w.press("#choose")
	w.press("[name=statistics]")
	w.press("#save")
	w.settled()
	w.want(entries, strings.Join(append([]string{first}, granted...), "\n"))
	w.again()
	w.want(entries, strings.Join(append([]string{first}, granted...), "\n"))
	w.tab.Eval(`samtykke.withdraw()`, nil)
	w.arrived(2)
	w.want(entries, strings.Join(slices.Concat([]string{first}, granted, denied), "\n"))
}

// B29: Global Privacy Control is a no without a question and without a trace, until the visitor says otherwise.
func TestGPC_IsANo(t *testing.T) {
	c := shopContent(t)
	w := open(t, c)
	page := `<!doctype html><html lang=da><head><title>Shop</title><script>Object.defineProperty(navigator,"globalPrivacyControl",{value:true})</script>` + tag + `</head><body>` + held("statistics", "", logged("ran")) + `</body></html>`
	w.tab.Go(w.page("/", page))
	w.tab.Wait(ui + `.querySelector("#reopen")`)
	w.want(`[!!`+shown+`, samtykke.answered, samtykke.consent.statistics, document.cookie, window.log]`, "false,false,false,,")
	if slices.ContainsFunc(w.requests(), func(s string) bool { return strings.Contains(s, "/v1/") }) {
		t.Error("something was sent without an act")
	}
	w.press("#reopen")
	w.press("#dialog [data-role=accept]")
	w.tab.Wait(`window.log == "ran"`)
	w.settled()
	w.again()
	w.want(`samtykke.consent.statistics`, "true")

	c.Banner.GPC = false
	w.publish(c)
	w.forget()
	w.tab.Go(shop + "/")
	w.tab.Wait(shown)
}

package widget

import (
	"fmt"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"samtykke/consent"
)

// down is the answer of a server that isn't there.
const down = -1

// tried waits until the consent endpoint has given all the answers that it was told to give.
func (w *world) tried() {
	w.t.Helper()
	for range 1000 {
		w.mu.Lock()
		left := len(w.answers)
		w.mu.Unlock()
		if left == 0 {
			return
		}
		w.tab.Eval(`new Promise(requestAnimationFrame)`, nil)
	}
	w.t.Fatal("the acts were not sent")
}

// B30: without the server the choice counts at once, and each act arrives once, in order, at the next view.
func TestAct_IsSentAgain(t *testing.T) {
	for _, failures := range [][]int{{down, 503}, {429, 500}, {408, down}, {404, 401}, {403, 405}} {
		t.Run(fmt.Sprint(failures), func(t *testing.T) {
			w := open(t, shopContent(t))
			w.set(func() { w.answers = failures })
			w.visit("/", "da", held("statistics", "", logged("ran")))
			w.press("#accept")
			w.tab.Wait(`window.log == "ran" && samtykke.consent.marketing`)
			w.tab.Wait(`document.cookie.includes("accept_all")`)
			w.tab.Wait(`performance.getEntriesByType("resource").filter(e => e.name.endsWith("/consents")).length === 1`)
			w.tab.Eval(`samtykke.withdraw()`, nil)
			w.tried()
			w.want(`samtykke.consent.statistics`, "false")
			w.again()
			acts := w.arrived(2)
			if acts[0].Action != consent.AcceptAll || acts[1].Action != consent.Withdraw || acts[0].Visitor != acts[1].Visitor {
				t.Errorf("acts %+v", acts)
			}
			w.settled()
			w.requests()
			w.again()
			w.tab.Wait(`document.readyState === "complete"`)
			if seen := w.requests(); len(w.arrived(2)) != 2 || slices.ContainsFunc(seen, func(s string) bool { return strings.HasSuffix(s, "/consents") }) {
				t.Errorf("what was acknowledged is sent again: %q", seen)
			}
		})
	}
}

// Cookies that the visitor deletes while an act is on its way stay deleted (B24).
func TestAct_DoesntBringTheCookieBack(t *testing.T) {
	w := open(t, shopContent(t))
	slow := make(chan struct{})
	answer := sync.OnceFunc(func() { close(slow) })
	t.Cleanup(answer)
	w.set(func() { w.stall["/v1/sites/"+testSite+"/consents"] = slow })
	w.visit("/", "da", "")
	w.press("#reject")
	w.tab.Wait(`document.cookie.includes("reject_all")`)
	w.forget()
	answer()
	w.arrived(1)
	w.tab.Wait(`performance.getEntriesByType("resource").some(e => e.name.endsWith("/consents"))`)
	w.tab.Eval(`new Promise(requestAnimationFrame)`, nil)
	w.want(`document.cookie + samtykke.answered`, "true")
}

// What the server refuses for good isn't sent for ever.
func TestAct_RefusedIsDropped(t *testing.T) {
	w := open(t, shopContent(t))
	w.visit("/", "da", "")
	for _, status := range []int{http.StatusBadRequest, http.StatusConflict, http.StatusRequestEntityTooLarge, http.StatusUnprocessableEntity} {
		w.set(func() { w.answers = []int{status} })
		w.tab.Eval(`samtykke.rejectAll()`, nil)
		w.tried()
		w.settled()
		w.want(`samtykke.answered`, "true")
	}
	if acts := w.arrived(0); len(acts) > 0 {
		t.Errorf("sent again: %+v", acts)
	}
}

// A cookie holds 4 kB: when the server stays away, the newest acts are kept and the choice survives.
func TestAct_QueueFitsTheCookie(t *testing.T) {
	w := open(t, shopContent(t))
	w.set(func() { w.answers = slices.Repeat([]int{503}, 100) })
	w.visit("/", "da", "")
	w.tab.Eval(`(async () => { for (let i = 0; i < 30; i++) { samtykke.rejectAll(); await new Promise(r => document.addEventListener("samtykke:change", r, {once: true})) } })()`, nil)
	w.want(`document.cookie.length < 4096 && document.cookie.length > 2000`, "true")
	w.set(func() { w.answers = nil })
	w.again()
	w.want(`samtykke.answered`, "true")
	acts := w.arrived(4)
	if !slices.IsSortedFunc(acts, func(a, b consent.Act) int { return strings.Compare(a.ID.String(), b.ID.String()) }) {
		t.Error("the acts came out of order")
	}
}

// An act names at most 60 of what was cleared, and none where the cookie can't hold that many: the act itself isn't lost.
func TestAct_FitsWithItsNames(t *testing.T) {
	const litter = `for (let i = 0; i < 70; i++) sessionStorage["visit." + i + "x".repeat(%d)] = 1; samtykke.rejectAll()`
	w := open(t, shopContent(t))
	w.visit("/", "da", "")
	for i, want := range []struct{ length, names int }{{0, 60}, {90, 0}} {
		w.tab.Eval(fmt.Sprintf(litter, want.length), nil)
		if act := w.arrived(i + 1)[i]; len(act.Cleared) != want.names || act.Action != consent.RejectAll {
			t.Errorf("%s with %d names, want %d", act.Action, len(act.Cleared), want.names)
		}
		w.settled()
		w.want(`sessionStorage.length`, "0")
	}
}

// Old libraries put their own Array.from in place of the browser's. The server takes the ids all the same.
func TestAct_HasProperIDs(t *testing.T) {
	w := open(t, shopContent(t))
	w.tab.Go(w.page("/", `<!doctype html><html lang=da><head><script>Array.from = (x) => [...x]</script>`+tag+`</head><body><p>x</body></html>`))
	w.press("#reject")
	if act := w.arrived(1)[0]; act.ID.Version() != 7 || act.Visitor == act.ID {
		t.Errorf("the act is %+v", act)
	}
}

// K10: a withdrawal removes what was declared, on every domain and path; other things and necessary ones stay.
func TestWithdrawal_ClearsWhatWasDeclared(t *testing.T) {
	const litter = `document.cookie = "_ga=1;path=/;domain=shop.example"; document.cookie = "_ga_AB=1;path=/produkter";
		document.cookie = "_gatx=1;path=/produkter/"; document.cookie = "_fbp=1;domain=www.shop.example;path=/"; document.cookie = "session=1"; document.cookie = "_gate=1"; document.cookie = "other=1";
		localStorage.ads = 1; localStorage.theme = 1; localStorage.cart = 1; sessionStorage["visit.1"] = 1; sessionStorage.visitX = 1;`
	const left = `[document.cookie.split("; ").map(c => c.split("=")[0]).sort(), Object.keys(localStorage).sort(), Object.keys(sessionStorage)].join(" ")`
	w := open(t, shopContent(t))
	w.visit("/produkter/kaffe", "da", `<p style="text-align:right"><button data-samtykke=withdraw>Træk tilbage</button>`)
	w.press("#accept")
	w.settled()
	w.tab.Eval(litter, nil)
	w.tab.Click("button")
	act := w.arrived(2)[1]
	w.settled()
	slices.Sort(act.Cleared)
	if diff := cmp.Diff([]string{"_fbp", "_ga", "_ga_AB", "_gatx", "ads", "theme", "visit.1"}, act.Cleared); diff != "" || act.Remaining != nil || act.Action != consent.Withdraw {
		t.Errorf("%s, remaining %q, %s", act.Action, act.Remaining, diff)
	}
	w.want(left, "_gate,other,samtykke,session cart visitX")

	// What comes back is cleared at the next view, without another act.
	w.tab.Eval(litter, nil)
	w.again()
	w.tab.Wait(left + ` === "_gate,other,samtykke,session cart visitX"`)

	// What can't be removed is named.
	w.tab.Eval(`localStorage.ads = 1; Storage.prototype.removeItem = () => {}; samtykke.rejectAll()`, nil)
	act = w.arrived(3)[2]
	if diff := cmp.Diff([]string{"ads"}, act.Remaining); diff != "" || act.Cleared != nil {
		t.Errorf("cleared %q, remaining %s", act.Cleared, diff)
	}
}

// K9, K10: only the categories that are lost are cleared.
func TestWithdrawal_SparesWhatIsGranted(t *testing.T) {
	w := open(t, shopContent(t))
	w.visit("/", "da", "")
	w.tab.Eval(`document.cookie = "_ga=1"; document.cookie = "_fbp=1"; document.cookie = "view=1"`, nil)
	w.press("#choose")
	w.press("[name=statistics]")
	w.press("#save")
	w.settled()
	w.want(`document.cookie.split("; ").map(c => c.split("=")[0]).sort()`, "_ga,samtykke")
	if act := w.arrived(1)[0]; !slices.Equal(act.Cleared, []string{"_fbp", "view"}) {
		t.Errorf("cleared %q", act.Cleared)
	}
}

// The choice counts on the parent domain where the owner wants that, and on its own host otherwise.
func TestChoice_IsSharedByDomain(t *testing.T) {
	c := shopContent(t)
	w := open(t, c)
	for _, domain := range []string{"", "shop.example"} {
		c.Banner.Domain = domain
		w.publish(c)
		w.visit("/", "da", "")
		w.press("#reject")
		w.settled()
		w.tab.Go("http://shop.example/")
		w.tab.Wait(`window.samtykke`)
		w.want(`samtykke.answered`, fmt.Sprint(domain != ""))
		w.forget()
	}
}

// Another site's answer, seen through a shared parent domain, neither counts here nor hides our own.
func TestChoice_IsOfItsSite(t *testing.T) {
	ours, other := shopContent(t), shopContent(t)
	ours.Banner.Domain, other.Site = "shop.example", "other5678site"
	w := open(t, ours)
	w.visit("/", "da", "")
	w.press("#accept")
	w.settled()

	w.publish(other)
	w.again()
	w.tab.Wait(shown)
	w.want(`samtykke.answered + " " + samtykke.consent.statistics + " " + samtykke.id`, "false false undefined")
	w.press("#reject")
	w.tab.Wait(`document.cookie.includes("reject_all")`)
	w.again()
	w.want(`samtykke.answered + " " + samtykke.consent.statistics`, "true false")

	w.publish(ours)
	for _, host := range []string{"http://www.shop.example/", "http://shop.example/"} {
		w.tab.Go(host)
		w.tab.Wait(`window.samtykke?.on`)
		w.want(`samtykke.answered + " " + samtykke.consent.statistics`, "true true")
	}
}

// Of the host's own choice and its parent domain's, the newer one counts, whichever it is.
func TestChoice_NewestCounts(t *testing.T) {
	w := open(t, shopContent(t))
	w.visit("/", "da", "")
	for _, newest := range []string{"", ";domain=shop.example"} {
		for i, domain := range []string{"", ";domain=shop.example"} {
			age, given := 1, "s"
			if domain == newest {
				age, given = 0, "m"
			}
			w.tab.Eval(fmt.Sprintf(`document.cookie = "samtykke=1:%s:0190a1b2-c3d4-7e5f-8a6b-01234567890%d:" + (Date.now() - %d * 6e4).toString(36) + ":3:psm:%s:;path=/%s"`, testSite, i, age, given, domain), nil)
		}
		w.again()
		w.want(`document.cookie.split("samtykke=").length + " " + samtykke.consent.statistics + " " + samtykke.consent.marketing`, "3 false true")
	}
}

// Where cookies and storage are refused, the choice counts on the page and nothing breaks.
func TestChoice_WithoutCookies(t *testing.T) {
	w := open(t, shopContent(t))
	w.tab.Go(w.page("/", `<!doctype html><html lang=da><head><script>
		const no = { get() { throw new DOMException("no", "SecurityError") }, set() { throw new DOMException("no", "SecurityError") } };
		Object.defineProperty(document, "cookie", no); Object.defineProperty(window, "localStorage", no)</script>`+tag+`</head><body>`+held("statistics", "", logged("ran"))+`</body></html>`))
	w.press("#accept")
	w.tab.Wait(`window.log == "ran" && samtykke.answered && samtykke.consent.statistics`)
	w.arrived(1)
}

// A choice made in another tab, or before the page came back from the page cache, counts here too.
func TestChoice_FollowsOtherTabs(t *testing.T) {
	w := open(t, shopContent(t))
	w.visit("/", "da", held("statistics", "", logged("ran")))
	w.tab.Wait(shown)
	w.tab.Eval(`document.cookie = "samtykke=1:`+testSite+`:0190a1b2-c3d4-7e5f-8a6b-0123456789ab:" + Date.now().toString(36) + ":3:psm:s:;path=/"; document.dispatchEvent(new Event("visibilitychange"))`, nil)
	w.tab.Wait(`!` + shown + ` && samtykke.consent.statistics && window.log == "ran"`)
	if acts := w.arrived(0); len(acts) > 0 {
		t.Errorf("sent %+v, want nothing: the other tab does", acts)
	}
}

// B28: axe-core finds nothing in either layer, in any form, theme or language, nor in what stays afterwards.
func TestBanner_PassesAxe(t *testing.T) {
	axe, err := os.ReadFile("../node_modules/axe-core/axe.min.js")
	if err != nil {
		t.Fatal("axe-core is missing: run `npm ci` (make test does)")
	}
	c := shopContent(t)
	w := open(t, c)
	check := func(state string) {
		t.Helper()
		var found []string
		w.tab.Eval(`axe.run().then(r => r.violations.flatMap(v => v.nodes.map(n => v.id + " " + n.target.join(" ") + " " + n.failureSummary)))`, &found)
		for _, f := range found {
			t.Errorf("%s: %s", state, f)
		}
	}
	for _, look := range []struct{ form, scheme, lang, accent string }{
		{"box", "light", "da", ""}, {"bar", "dark", "en", "#ffcc00"}, {"dialog", "dark", "da", "#0b57d0"}, {"bar", "light", "en", "#ffcc00"}, {"box", "dark", "en", ""},
	} {
		c.Banner.Form, c.Banner.Accent = look.form, look.accent
		w.publish(c)
		w.viewport(1280, 800, look.scheme)
		w.visit("/", look.lang, `<main><h1>Shop</h1><p>x</p></main>`)
		w.tab.Wait(shown)
		w.tab.Eval(string(axe)+";0", nil)
		check(fmt.Sprint(look, " first layer"))
		w.press("#choose")
		w.press("[name=statistics]")
		check(fmt.Sprint(look, " second layer"))
		w.press("#save")
		w.tab.Wait(ui + `.querySelector("#reopen") && !` + shown)
		check(fmt.Sprint(look, " afterwards"))
		w.settled()
		w.forget()
	}
}

package widget

import (
	"fmt"
	"testing"
)

// A cookie that is cut off, or written by somebody else, is as good as none: the banner asks, and the answer counts.
func TestChoice_SurvivesBrokenCookies(t *testing.T) {
	w := open(t, shopContent(t))
	w.visit("/", "da", "")
	const id = "0190a1b2-c3d4-7e5f-8a6b-0123456789ab"
	for _, value := range []string{
		"", ":", ":" + id, ":" + id + ":m8x2k1ab:3:psm", ":" + id + ":m8x2k1ab:3:psm:s", ":" + id + ":!:3:psm:s:", ":" + id + "::3:psm:s:",
		":" + id + ":NOW:3:psm:s:null", ":" + id + ":NOW:3:psm:s:{}", ":" + id + ":NOW:3:psm:s:5", ":" + id + ":NOW:3:psm:s:[", ":" + id + ":NOW:3:psm:s:%",
	} {
		w.tab.Eval(fmt.Sprintf(`document.cookie = "samtykke=1:%s%s;path=/".replace("NOW", Date.now().toString(36))`, testSite, value), nil)
		w.again()
		w.tab.Eval(`samtykke.rejectAll()`, nil)
		w.settled()
		w.want(`samtykke.answered`, "true")
		w.again()
		w.want(`samtykke.answered`, "true")
	}
}

// K10, B19: a choice out of the future, from a clock that was wrong, neither counts for ever nor hides a withdrawal.
func TestChoice_NotOutOfTheFuture(t *testing.T) {
	w := open(t, shopContent(t))
	w.visit("/", "da", "")
	w.tab.Eval(`document.cookie = "samtykke=1:`+testSite+`:0190a1b2-c3d4-7e5f-8a6b-0123456789ab:" + (Date.now() + 9e11).toString(36) + ":3:psm:psm:;path=/;domain=shop.example"`, nil)
	w.again()
	w.tab.Wait(shown)
	w.want(`samtykke.consent.statistics`, "false")
	w.tab.Eval(`samtykke.withdraw()`, nil)
	w.settled()
	w.again()
	w.want(`samtykke.answered + " " + samtykke.consent.statistics`, "true false")
}

// K10, K13: of two windows side by side, the one that the visitor turns to knows what was withdrawn in the other.
func TestChoice_IsReadAnewOnFocus(t *testing.T) {
	w := open(t, shopContent(t))
	w.visit("/", "da", "")
	w.press("#accept")
	w.settled()
	w.tab.Eval(`document.cookie = document.cookie.match(/samtykke=[^;]*/)[0].replace(":psm:psm:", ":psm::") + ";path=/"; dispatchEvent(new Event("focus"))`, nil)
	w.want(`samtykke.consent.statistics`, "false")
}

// An element of the page can own the name of the script that is running, and says nothing then about where the server is.
func TestStart_BelievesOnlyItsOwnTag(t *testing.T) {
	w := open(t, shopContent(t))
	w.tab.Go(w.page("/", `<!doctype html><html lang=en><head><title>Shop</title></head><body><img alt="" name=currentScript data-lang=en src="http://stranger.example/s/`+testSite+`.js">`+tag+`</body></html>`))
	w.tab.Wait(shown)
	w.want(ui+`.querySelector("#title").textContent`, "May we use cookies?")
}

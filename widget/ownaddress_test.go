package widget

import (
	"strings"
	"testing"
)

// Served under the site's own address, the last acknowledged act asks the server to set the cookie, and the script doesn't
// write it again: what an answer sets is kept longer than what a script writes.
func TestOwnAddress_LetsTheAnswerSetTheCookie(t *testing.T) {
	c := shopContent(t)
	c.Banner.FirstParty = true
	w := open(t, c)
	w.set(func() { w.ownAddress = true })
	w.tab.Go(w.page("/", `<!doctype html><html lang=da><head><title>Shop</title><script async src="/samtykke/s/`+testSite+`.js"></script></head><body><h1>Butik</h1></body></html>`))
	w.tab.Wait(shown)
	w.tab.Eval(`window.written = [];
		const plain = Object.getOwnPropertyDescriptor(Document.prototype, "cookie");
		Object.defineProperty(document, "cookie", {get: () => plain.get.call(document), set(v) { written.push(v); plain.set.call(document, v) }})`, nil)
	w.press("#accept")
	w.tab.Wait(`document.cookie.includes("set=1")`) // the answer has come
	w.settled()
	if asked := w.kept; !strings.HasPrefix(asked, "1:"+testSite+":") || !strings.HasSuffix(asked, ":psm:psm:") {
		t.Errorf("asked the server to keep %q", asked)
	}
	w.want(`written.filter(c => c.startsWith("samtykke=") && !c.includes("%5B")).length`, "0")
	w.want(`document.cookie.split("; ").find(c => c.startsWith("samtykke="))`, "samtykke="+w.kept)
}

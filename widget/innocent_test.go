package widget

import (
	"slices"
	"strings"
	"testing"
)

// Automatic blocking leaves no name in the page, invents no function that the browser lacks, and takes whatever a page may
// hand to the functions that it looks into. An uncaught error in the page fails the test.
func TestGuard_LeavesThePageItsWays(t *testing.T) {
	w := open(t, guarded(t))
	letters := strings.Join(strings.Split("abcdefghijklmnopqrstuvwxyz", ""), ",")
	w.tab.Go(w.page("/", `<!doctype html><html lang=da><head><title>Shop</title><script>delete Navigator.prototype.sendBeacon</script>`+guardedTag()+`
		<script>let `+letters+`</script><script>let `+strings.ToUpper(letters)+`</script></head><body><script>{
			const d = document.createElement("div");
			d.innerHTML = "x"; d.innerHTML = null; window.emptied = d.innerHTML;
			d.innerHTML = undefined; d.insertAdjacentHTML("beforeend", null); document.write(null); document.write(undefined, 5);
			const i = new Image; i.setAttribute("alt", null); i.src = "http://ads.example/old"; i.src = "/new"; document.body.append(i);
			const l = document.createElement("link"); l.rel = "canonical"; l.href = "http://stranger.example/page"; document.head.append(l);
		}</script>`))
	w.tab.Wait(shown)
	w.want(`emptied + typeof navigator.sendBeacon + document.querySelector("[rel=canonical]").href`, "undefinedhttp://stranger.example/page")
	w.press("#accept")
	w.arrived(1)
	w.want(`document.querySelector("img").getAttribute("src")`, "/new")
}

// B30, K9: a held call whose time is over harms nobody: the others happen, the act arrives, and a request that was opened anew
// meanwhile doesn't happen on the grant of the old one.
func TestGuard_OneFailureIsAlone(t *testing.T) {
	w := open(t, guarded(t))
	w.visitGuarded(``, `<script>
		const x = new XMLHttpRequest; x.open("GET", "http://vendor.example/aborted"); x.send(); x.abort();
		const y = new XMLHttpRequest; y.open("GET", "http://vendor.example/first"); y.send(); y.open("GET", "http://video.example/second"); y.send();
		fetch("http://vendor.example/fetch", { mode: "no-cors" })</script>`+held("statistics", "", logged("ran")))
	w.press("#choose")
	w.press("[name=statistics]")
	w.press("#save")
	w.arrived(1)
	w.tab.Wait(`window.log == "ran"`)
	same(t, w.elsewhere(1), []string{"vendor.example/fetch"})
}

// K1: a frame that may not be looked into is held, and so is what comes after it in the same breath.
func TestGuard_HoldsSandboxedFrames(t *testing.T) {
	w := open(t, guarded(t))
	w.visitGuarded(``, `<main></main>`)
	w.tab.Wait(shown)
	w.tab.Eval(`{
		const parsed = new DOMParser().parseFromString(
			'<iframe sandbox="allow-scripts" id=boxed src="http://video.example/film"></iframe><iframe id=open src="http://video.example/other"></iframe>', "text/html");
		document.querySelector("main").append(...parsed.body.children);
	}`, nil)
	w.tab.Wait(`boxed.dataset.src && document.querySelector("#open").dataset.src`)
	w.press("#accept")
	w.tab.Wait(`boxed.src && document.querySelector("#open").src`)
	if seen := w.elsewhere(2); !slices.Contains(seen, "video.example/film") || !slices.Contains(seen, "video.example/other") {
		t.Errorf("asked for %q", seen)
	}
}

// A script with an address doesn't run its text, which is often its settings, and has it when it runs.
func TestGuard_KeepsTheTextOfScripts(t *testing.T) {
	w := open(t, guarded(t))
	w.visitGuarded(``, `<script src="http://vendor.example/parsed.js">{ "not": "a", "script": 1 }</script><script>
		for (const late of [true, false]) {
			const s = document.createElement("script");
			if (!late) s.type = "text/javascript";
			s.src = "http://vendor.example/made.js";
			if (late) s.type = "text/javascript";
			s.innerHTML = '{ "symbol": "X", "width": 1 }';
			document.body.append(s);
		}
		const m = document.createElement("script"); m.src = "http://vendor.example/module.js"; m.setAttribute("type", "module"); m.text = "{}"; document.body.append(m);
	</script>`)
	w.tab.Wait(shown)
	w.press("#accept")
	w.tab.Wait(`window.log?.length >= 3`)
	w.want(`[...document.querySelectorAll("script[src*=vendor]")].map(s => s.type + s.text.length)`, "27,text/javascript29,text/javascript29,module2")
}

// K1: the other ways of writing markup and of setting an address.
func TestGuard_HoldsOtherWaysOfWriting(t *testing.T) {
	w := open(t, guarded(t))
	w.visitGuarded(`<script>document.writeln('<script src="http://vendor.example/line.js"><\/script>')</script>`, `<script>
		document.body.append(document.createRange().createContextualFragment('<script src="http://vendor.example/range.js"><\/script>'));
		const a = document.createElement("script"); a.setAttributeNS(null, "src", "http://vendor.example/ns.js"); document.body.append(a);
	</script>`)
	w.tab.Wait(shown)
	w.tab.Wait(`document.readyState == "complete"`)
	w.want(`window.log ?? "nothing"`, "nothing")
	w.press("#accept")
	w.tab.Wait(`window.log?.length === 3`)
}

// A page that has the stub twice, or the script twice, is one that has them once.
func TestGuard_PastedTwice(t *testing.T) {
	w := open(t, guarded(t))
	w.visitGuarded(guardedTag(), `<script>fetch("http://vendor.example/fetch", { mode: "no-cors" })</script>`)
	w.tab.Wait(shown + ` && document.readyState == "complete"`)
	w.press("#accept")
	same(t, w.elsewhere(1), []string{"vendor.example/fetch"})
	w.tab.Eval(`fetch("http://vendor.example/later", { mode: "no-cors" }).then(() => 1)`, nil)
	same(t, w.elsewhere(1), []string{"vendor.example/later"})
}

// K9: a frame that we marked for its host is marked anew when the page gives it another's address.
func TestGuard_MarksAFrameForItsAddress(t *testing.T) {
	w := open(t, guarded(t))
	w.visitGuarded(``, `<iframe id=frame></iframe><script>frame.src = "http://vendor.example/chart"</script>`)
	w.tab.Wait(`frame.dataset.category == "statistics"`)
	w.press("#choose")
	w.press("[name=statistics]")
	w.press("#save")
	w.tab.Wait(`frame.src == "http://vendor.example/chart"`)
	w.tab.Eval(`frame.src = "http://video.example/film"`, nil)
	w.tab.Wait(`frame.dataset.category == "marketing"`)
	same(t, w.elsewhere(1), []string{"vendor.example/chart"})
}

// The blocker copies whatever attributes the parser lets through, and keeps the page's own load handlers.
func TestBlocker_KeepsOddAttributes(t *testing.T) {
	w := open(t, shopContent(t))
	w.visit("/", "da", `<script type="text/plain" data-category="statistics" src="http://vendor.example/a.js" onload="window.loaded = 1" @odd "></script>`+held("statistics", `"`, logged("b")))
	w.press("#accept")
	w.tab.Wait(`window.loaded && log.length == 2`)
	w.want(`log`, "a.js,b")
	w.arrived(1)
}

package widget

import (
	"bytes"
	"fmt"
	"image"
	"image/png"
	"testing"

	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"
)

// everything is what a style sheet can do to an element that isn't an ancestor of ours.
const everything = `display:none!important;visibility:hidden!important;opacity:.1!important;pointer-events:none!important;
	font:italic 0/0 cursive!important;letter-spacing:9px!important;text-transform:uppercase!important;text-indent:-999px!important;
	writing-mode:vertical-rl!important;direction:rtl!important;unicode-bidi:bidi-override!important;color:red!important;background:lime!important;
	position:static!important;inset:50%!important;float:right!important;margin:50px!important;padding:50px!important;border:9px solid red!important;
	width:1px!important;height:1px!important;min-width:900px!important;max-height:1px!important;overflow:hidden!important;box-sizing:content-box!important;
	transform:rotate(45deg) scale(3)!important;rotate:9deg!important;zoom:3!important;filter:invert(1) blur(9px)!important;clip-path:circle(1px)!important;
	mask:linear-gradient(#000,#0000)!important;mix-blend-mode:difference!important;perspective:9px!important;contain:strict!important;content-visibility:hidden!important;
	z-index:-1!important;animation:hostile 1s infinite!important;transition:all 9s!important;user-select:none!important;touch-action:none!important;cursor:none!important;
	color-scheme:dark!important;forced-color-adjust:none!important;columns:5!important;flex:0 0 1px!important;order:9!important;align-self:end!important;
	outline:9px solid red!important;accent-color:red!important;appearance:checkbox!important;scroll-behavior:smooth!important;
	--s-paper:red!important;--s-ink:red!important;--s-soft:red!important;--s-line:red!important;--s-round:50px!important;--s-button:red!important;--s-label:red!important;--s-link:red!important;--gap:99px!important`

// hostile are style sheets that do their worst. What they do to html and body themselves is what can be survived: an
// ancestor that isn't shown shows nothing that is in it.
var hostile = map[string]string{
	"every element": `body *, body *::before, body *::after { ` + everything + ` } @keyframes hostile { to { opacity: 0; background: red } }`,
	"reset":         `* { all: revert!important } body *, body *::before { all: unset!important; display: none!important }`,
	"by name":       `#samtykke, #samtykke > *, #accept, #reject, #choose, #banner, #dialog, #reopen { ` + everything + ` }`,
	"by tag":        `div, button, section, dialog, h2, p, a, ul, li, label, input, slot, small, b { ` + everything + ` }`,
	"unimportant":   `* { --s-button: red; --s-label: lime; --s-link: red; --s-round: 0 } button { background: red; width: 1px; text-transform: uppercase } div { display: flex; position: static; color: red }`,
	"layers":        `@layer a, b; @layer a { body * { ` + everything + ` } } @layer b { #samtykke, #accept { ` + everything + ` } }`,
	"pseudo":        `body *::before, body *::after, body *::marker, ::backdrop, ::selection, button::before { content: "☠"!important; display: block!important; position: fixed!important; inset: 0!important; background: red!important }`,
	"states":        `body :is(:focus, :hover, :not(:hover), :defined, :first-child, :empty, :only-child, [type=button], [data-role]) { ` + everything + ` }`,
	"root":          `:root, body { --s-paper: red!important; --s-ink: red!important; --s-link: red!important; --s-button: red!important; font: 0/0 cursive!important; color: red!important; background: lime!important; direction: rtl!important; text-align: end!important; writing-mode: vertical-rl; color-scheme: dark!important; visibility: hidden!important; pointer-events: none!important; text-transform: uppercase!important; letter-spacing: 9px!important; cursor: none!important; overflow: hidden!important }`,
	"registered":    `@property --s-round { syntax: "*"; inherits: false } @property --s-button { syntax: "<color>"; inherits: false; initial-value: red } @property --s-label { syntax: "<color>"; inherits: false; initial-value: red }`,
	"flat":          `body { display: grid!important; place-items: center!important; grid-template: 1px/1px!important; columns: 4 } body > * { transform: scale(.1)!important; filter: blur(9px)!important; zoom: .1!important }`,
}

// styles notes how every element of a list looks and where it is. Custom properties count by what they do to others; the
// host's unicode-bidi does nothing, since only blocks are in it.
const styles = `(elements => {
	const lines = new Map();
	elements.forEach((e, i) => ["", "::before", "::after", "::backdrop"].forEach(pseudo => {
		if (pseudo === "::backdrop" && !e.matches(":modal")) return;
		const s = getComputedStyle(e, pseudo), name = i + " " + e.localName + (e.id && "#" + e.id) + pseudo;
		if (/before|after/.test(pseudo) && s.content === "none") return lines.set(name, "none");
		for (const p of s) if (!p.startsWith("--") && !(e.shadowRoot && p === "unicode-bidi")) lines.set(name + " " + p, s.getPropertyValue(p));
		if (!pseudo) lines.set(name + " is at", Object.values(e.getBoundingClientRect().toJSON()).map(v => v.toFixed(2)) + "");
	}));
	return lines;
})`

const (
	ours   = `(h => [h, ...h.children, ...h.shadowRoot.querySelectorAll(":not(style)")])(document.querySelector("div#samtykke"))`
	theirs = `[...document.querySelectorAll("html, body, body *:not(script)")].filter(e => !e.closest("#samtykke"))`
	// differences compares two notes, the second of which may lack what wasn't there.
	differences = `((a, b) => [...new Set([...a.keys(), ...b.keys()])].filter(k => a.get(k) !== b.get(k)).map(k => k + ": " + a.get(k) + " → " + b.get(k)))`
)

// picture is what is seen of an element, without its rounded corners: behind them is the page.
func (w *world) picture(element string) image.Image {
	w.t.Helper()
	var r struct{ X, Y, Width, Height float64 }
	w.tab.Eval(element+`.getBoundingClientRect().toJSON()`, &r)
	const rim = 8
	clip := page.Viewport{X: r.X + rim, Y: r.Y + rim, Width: r.Width - 2*rim, Height: r.Height - 2*rim, Scale: 1}
	shot, err := chromedp.Call(w.tab.Ctx, page.CaptureScreenshot, page.CaptureScreenshotParams{Clip: &clip})
	if err != nil {
		w.t.Fatal(err)
	}
	seen, err := png.Decode(bytes.NewReader(shot.Data))
	if err != nil {
		w.t.Fatal(err)
	}
	return seen
}

// sameSight says whether two pictures look the same. A browser that paints a second time smooths round edges a little
// differently: one pixel in a thousand may be another.
func sameSight(a, b image.Image) bool {
	size, other := a.Bounds(), 0
	for y := range size.Dy() {
		for x := range size.Dx() {
			if a.At(x, y) != b.At(x, y) {
				other++
			}
		}
	}
	return size == b.Bounds() && other*1000 <= size.Dx()*size.Dy()
}

// B26: no style sheet of the page changes a property, a place or the sight of what we show, in any form or layer.
func TestHostile_NothingReachesIn(t *testing.T) {
	for _, form := range []string{"bar", "box", "dialog"} {
		c := shopContent(t)
		c.Banner.Form = form
		w := open(t, c)
		w.viewport(1280, 800, "light")
		w.visit("/", "da", shopPage+`<style id=hostile></style>`)
		for _, layer := range []struct{ opener, shown string }{{"", "#banner"}, {"#choose", "#dialog"}, {"#dialog [data-role=reject]", "#reopen"}} {
			if layer.opener != "" {
				w.press(layer.opener)
			}
			w.tab.Wait(at(layer.shown) + `?.getBoundingClientRect().height`)
			w.tab.Do(chromedp.MouseEvent(input.DispatchMouseEventTypeMouseMoved, 0, 0)) // away from all buttons
			w.tab.Eval(`plain = `+styles+`(`+ours+`), plain.size`, nil)
			before := w.picture(at(layer.shown))
			for name, css := range hostile {
				var changed []string
				w.tab.Eval(fmt.Sprintf(`hostile.textContent = %q, %s(plain, %s(%s)).slice(0, 12)`, css, differences, styles, ours), &changed)
				if len(changed) > 0 {
					t.Errorf("%s, %s: the sheet %q changes %q", form, layer.shown, name, changed)
				}
				if !sameSight(before, w.picture(at(layer.shown))) {
					t.Errorf("%s, %s: the sheet %q is seen", form, layer.shown, name)
				}
			}
			w.tab.Eval(`hostile.textContent = ""`, nil)
		}
	}
}

// B26: nothing of ours reaches out. The page looks the same with and without the script, but for the room that it leaves for
// the keyboard's focus while the banner is there; and it gets no other name than ours and that of Google's list.
func TestHostile_NothingReachesOut(t *testing.T) {
	const changed = differences + `(plain, ` + styles + `(` + theirs + `))`
	for _, form := range []string{"bar", "box", "dialog"} {
		c := shopContent(t)
		c.Banner.Form = form
		w := open(t, c)
		w.tab.Go(w.page("/", `<!doctype html><html lang=da><head><meta charset=utf-8><title>Shop</title></head><body>`+shopPage+
			`<dialog>x</dialog><ul><li>x</ul><section id=banner class=text><h2 id=title>x</h2><button id=accept class=buttons>x</button><input type=checkbox checked><small>x</small></section></body></html>`))
		w.tab.Eval(`names = Object.keys(window).concat("plain", "names"), plain = `+styles+`(`+theirs+`), 0`, nil)
		w.tab.Eval(`{ const s = document.createElement("script"); s.src = "http://cmp.example/s/`+testSite+`.js"; document.head.append(s) }`, nil)
		room := `document.documentElement.style.scrollPaddingBottom`
		w.tab.Wait(shown)
		if form != "dialog" {
			w.key("x")
			w.tab.Wait(room)
		}
		w.want(changed+`.filter(c => !/^0 html scroll-padding-(bottom|block-end)/.test(c)).join("\n")`, "")
		w.press("#choose")
		w.tab.Wait(ui + `.querySelector("#dialog")?.open`)
		w.want(changed+`.filter(c => !/^0 html scroll-padding-(bottom|block-end)/.test(c)).join("\n")`, "")
		w.press("#dialog [data-role=reject]")
		w.tab.Wait(ui + `.querySelector("#reopen") && !` + room)
		w.want(changed+`.join("\n")`, "")
		w.want(`Object.keys(window).filter(n => !names.includes(n)).sort()`, "dataLayer,samtykke")
		w.want(`document.styleSheets.length + document.adoptedStyleSheets.length`, "1")
	}
}

package widget

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/accessibility"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"
)

// layers are what there is to see, and what opens each of them from the one before.
var layers = []struct{ shown, opener string }{
	{"#banner", ""}, {"#dialog", "#choose"}, {"#reopen", "#dialog [data-role=reject]"},
}

// each shows every layer of a page in turn and calls check on it.
func (w *world) each(html string, check func(layer string)) {
	w.t.Helper()
	w.tab.Go("about:blank")
	w.forget()
	w.tab.Go(w.page("/", html))
	for _, l := range layers {
		if l.opener != "" {
			w.press(l.opener)
		}
		w.tab.Wait(at(l.shown) + `?.getBoundingClientRect().height`)
		check(l.shown)
	}
}

// shopAt is a page of the shop with more in its tags.
func shopAt(html, head string) string {
	return `<!doctype html><html lang=da ` + html + `><head><meta charset=utf-8><title>Shop</title>` + head + tag + `</head><body>` + shopPage + `</body></html>`
}

// everyForm opens a world for each form of the banner.
func everyForm(t *testing.T, check func(t *testing.T, w *world)) {
	for _, form := range []string{"bar", "box", "dialog"} {
		t.Run(form, func(t *testing.T) {
			c := shopContent(t)
			c.Banner.Form = form
			check(t, open(t, c))
		})
	}
}

// B28: axe-core finds nothing against WCAG 2.2 A and AA, in any form, layer, theme and direction of the page.
func TestAccess_AxeFindsNothingAnywhere(t *testing.T) {
	axe := file(t, "../node_modules/axe-core/axe.min.js")
	const run = `axe.run("#samtykke", { runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"] })`
	everyForm(t, func(t *testing.T, w *world) {
		for _, scheme := range []string{"light", "dark"} {
			for _, dir := range []string{"ltr", "rtl"} {
				w.viewport(1280, 800, scheme)
				w.each(shopAt("dir="+dir, ""), func(layer string) {
					var found struct {
						Wrong []string
						Right int
					}
					w.tab.Eval(`window.axe ||`+axe+`;`+run+`.then(r => ({ right: r.passes.length, wrong: r.violations.flatMap(v => v.nodes.map(n => v.id + " " + n.target + " " + n.failureSummary)) }))`, &found)
					if len(found.Wrong) > 0 || found.Right < 3 {
						t.Errorf("%s, %s, %s: %d rules passed, found %q", layer, scheme, dir, found.Right, found.Wrong)
					}
				})
			}
		}
	})
}

// B28, WCAG 1.4.10, 1.4.4, 1.4.12, 2.5.8: on small screens, with text of twice the size and with wide spacing, all is there
// to read and press: nothing is cut, nothing scrolls sideways, and what is pressed is large enough.
func TestAccess_FitsWhateverTheTextSize(t *testing.T) {
	const fit = `(layer => {
		const host = document.querySelector("#samtykke"), root = host.shadowRoot, wrong = [];
		const name = e => e.localName + "#" + e.id + " " + e.textContent.slice(0, 20);
		const within = (a, b) => a.left >= b.left - 1 && a.right <= b.right + 1 && a.top >= b.top - 1 && a.bottom <= b.bottom + 1;
		const screen = { left: 0, top: 0, right: innerWidth, bottom: innerHeight }, all = [layer, ...layer.querySelectorAll("*")];
		const pressed = [...(layer.querySelector("slot")?.assignedElements() ?? []), ...layer.querySelectorAll(".buttons button")];
		if (!within(layer.getBoundingClientRect(), screen)) wrong.push("the layer leaves the screen");
		for (const b of pressed) {
			const r = b.getBoundingClientRect();
			if (!within(r, screen) || r.height < 44) wrong.push(name(b) + " can't be reached: " + JSON.stringify(r));
		}
		for (const e of [...all, ...pressed]) {
			if (e.scrollWidth > e.clientWidth + 1 && getComputedStyle(e).display !== "inline") wrong.push(name(e) + " is cut or scrolls sideways");
		}
		for (const e of all.filter(e => e.matches("button, input, summary"))) {
			const r = (e.closest("label") ?? e).getBoundingClientRect();
			if (r.height < 24 || r.width < 24) wrong.push(name(e) + " is too small: " + r.width + "x" + r.height);
		}
		const text = layer.querySelector(".text");
		if (text && text.clientHeight < 24) wrong.push("no room for the text: " + text.clientHeight);
		return wrong;
	})`
	const spaced = `* { line-height: 1.5 !important; letter-spacing: .12em !important; word-spacing: .16em !important } p { margin-bottom: 2em !important }
		::slotted(*) { line-height: 1.5 !important; letter-spacing: .12em !important; word-spacing: .16em !important }`
	states := []struct {
		name          string
		width, height int64
		font          int64
		css           string
	}{
		{"400 %", 320, 256, 16, ""},
		{"narrow", 320, 568, 16, ""},
		{"text of 200 %", 1280, 800, 32, ""},
		{"text of 200 % on a phone", 390, 844, 32, ""},
		{"wide spacing", 1280, 800, 16, spaced},
		{"wide spacing on a phone", 320, 568, 16, spaced},
	}
	everyForm(t, func(t *testing.T, w *world) {
		for _, s := range states {
			w.viewport(s.width, s.height, "light")
			call(w, page.SetFontSizes, page.SetFontSizesParams{FontSizes: &page.FontSizes{Standard: s.font, Fixed: 13}})
			w.each(shopAt(`style="font-size:200%"`, ""), func(layer string) {
				w.want(`getComputedStyle(document.querySelector("#samtykke")).fontSize`, fmt.Sprint(s.font)+"px")
				w.tab.Eval(fmt.Sprintf(`{ const s = new CSSStyleSheet(); s.replaceSync(%q); const r = %s; r.adoptedStyleSheets = [...r.adoptedStyleSheets, s] }`, s.css, ui), nil)
				var wrong []string
				if w.tab.Eval(fit+`(`+at(layer)+`)`, &wrong); len(wrong) > 0 {
					t.Errorf("%s, %s: %q", s.name, layer, wrong)
				}
			})
		}
	})
}

// B28, WCAG 1.4.11, 2.3.3: with forced colours every edge and mark is still there; and nothing moves, so that there is nothing
// to reduce.
func TestAccess_ForcedColoursAndMotion(t *testing.T) {
	everyForm(t, func(t *testing.T, w *world) {
		call(w, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{{Name: "forced-colors", Value: "active"}}})
		w.each(shopAt("", ""), func(layer string) {
			w.want(`matchMedia("(forced-colors: active)").matches + " " + document.getAnimations().length`, "true 0")
			w.want(`[...`+ours+`].filter(e => getComputedStyle(e).transitionDuration !== "0s" || getComputedStyle(e).animationName !== "none").length`, "0")
			w.want(`[...`+ours+`].filter(e => e.matches("#banner, #dialog, #reopen, [data-role=accept], [data-role=reject], [data-role=choose], #save")).filter(e => {
				const s = getComputedStyle(e);
				return s.borderTopStyle !== "solid" || s.borderTopColor === s.backgroundColor || s.color === s.backgroundColor;
			}).map(e => e.id)`, "")
			if layer == "#dialog" {
				w.want(`[...new Set([...`+ui+`.querySelectorAll("#dialog input")].map(i => getComputedStyle(i).appearance))]`, "auto")
			}
		})
	})
}

// heard is what assistive technology is told of: role, name and state, in the order of the page.
func (w *world) heard() string {
	w.t.Helper()
	tree, err := chromedp.Call(w.tab.Ctx, accessibility.GetFullAXTree, accessibility.GetFullAXTreeParams{})
	if err != nil {
		w.t.Fatal(err)
	}
	var lines strings.Builder
	for _, n := range tree.Nodes {
		if n.Ignored || n.Role == nil || n.Name == nil {
			continue
		}
		var name string
		if err := json.Unmarshal(n.Name.Value, &name); err != nil {
			w.t.Fatal(err)
		}
		fmt.Fprintf(&lines, "%s %s", n.Role.Value, name)
		for _, p := range n.Properties {
			switch p.Name {
			case "modal", "checked", "disabled", "live":
				fmt.Fprintf(&lines, " %s=%s", p.Name, p.Value.Value)
			}
		}
		lines.WriteByte('\n')
	}
	return strings.ReplaceAll(lines.String(), `"`, "")
}

// B28, WCAG 4.1.2, 4.1.3: everything says what it is, how it is called and how it stands.
func TestAccess_IsAnnounced(t *testing.T) {
	everyForm(t, func(t *testing.T, w *world) {
		says := map[string][]string{
			"#banner": {"region Må vi bruge cookies?", "heading Må vi bruge cookies?", "button Accepter alle", "button Afvis alle", "button Tilpas", "link 3 tredjeparter"},
			"#dialog": {"dialog ", " modal=true", "switch Nødvendige disabled=true checked=true", "switch Præferencer checked=false", "switch Statistik checked=false", "switch Marketing checked=false", "button Luk"},
			"#reopen": {"button Skift samtykke", "status  live=polite", "StaticText Dit valg er gemt."},
		}
		if strings.HasSuffix(t.Name(), "dialog") {
			says["#banner"][0] = "dialog Må vi bruge cookies? modal=true"
		}
		w.each(shopAt("", ""), func(layer string) {
			if layer == "#reopen" {
				w.tab.Wait(ui + `.querySelector("[role=status]").textContent`)
			}
			heard := w.heard()
			for _, want := range says[layer] {
				if !strings.Contains(heard, want) {
					t.Errorf("%s: %q isn't heard in\n%s", layer, want, heard)
				}
			}
		})
	})
}

// B28, WCAG 2.1.2, 2.4.3: a modal layer keeps the focus while it is open and gives it back to where it came from, and Escape
// changes nothing of what was chosen (B15).
func TestAccess_FocusGoesInAndComesBack(t *testing.T) {
	const inside = `(document.activeElement === document.querySelector("#samtykke"))`
	w := open(t, shopContent(t))
	w.visit("/", "da", shopPage+`<button id=mine data-samtykke=open>Cookies</button>`)
	w.press("#choose")
	w.press("[name=statistics]")
	w.press("#save")
	w.settled()
	before := w.choiceOf()
	w.tab.Eval(`mine.focus()`, nil)
	w.key("\r")
	w.tab.Wait(ui + `.querySelector("#dialog")?.open`)
	w.want(inside+` + " " + `+ui+`.activeElement.id`, "true heading")
	for range 30 {
		w.key("\t")
		w.want(inside+` || document.activeElement === document.body`, "true") // the body: the browser's own controls
	}
	w.tab.Eval(ui+`.querySelector("[name=marketing]").focus()`, nil)
	w.key(" ")
	w.tab.Wait(ui + `.querySelector("[name=marketing]").checked`)
	w.key("\u001b")
	w.tab.Wait(`!` + ui + `.querySelector("#dialog")`)
	w.want(`document.activeElement.id`, "mine")
	w.want(`samtykke.consent.statistics + " " + samtykke.consent.marketing`, "true false")
	if after := w.choiceOf(); strings.Join(after, ":") != strings.Join(before, ":") || len(w.arrived(1)) != 1 {
		t.Errorf("after Escape the choice is %q, it was %q", after, before)
	}
}

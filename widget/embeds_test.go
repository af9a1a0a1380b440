package widget

import (
	"strings"
	"testing"

	"samtykke/consent"
)

const embedPage = `<h1>Film</h1>
	<iframe id=film width=560 height=315 data-category=marketing data-src="http://www.youtube.vendor.example/embed/1"></iframe>
	<iframe id=map title="Find os" style="width:100%;height:300px" data-category=marketing data-src="http://vendor.example/map"></iframe>
	<iframe id=pixel width=1 height=1 data-category=marketing data-src="http://vendor.example/pixel"></iframe>
	<div id=post data-category=marketing data-embed="Fjeldbogen"><blockquote>Et opslag</blockquote><script type="text/plain" data-category=marketing data-src="http://vendor.example/post.js"></script></div>`

// inFrame is an element of the placeholder that stands in a held element's place.
func inFrame(id, selector string) string {
	frame := `document.querySelector("#` + id + `")`
	if id == "post" {
		frame = `document.querySelector("#post").previousElementSibling`
	}
	return frame + `?.contentDocument?.querySelector("` + selector + `")`
}

// pressIn presses a placeholder's button as a keyboard does.
func (w *world) pressIn(id, selector string) {
	w.t.Helper()
	w.tab.Wait(inFrame(id, selector))
	w.tab.Eval(inFrame(id, selector)+`.focus()`, nil)
	w.key("\r")
}

// K1, K4: in the place of a held frame stands who would show it, for which category, and a way to say yes, in exactly the
// frame's size. Seeing it once loads this one, grants nothing and stores nothing.
func TestEmbeds_ShowOnce(t *testing.T) {
	w := open(t, shopContent(t))
	w.visit("/", "da", embedPage)
	w.tab.Wait(inFrame("film", "#once") + ` && ` + inFrame("map", "#once") + ` && ` + inFrame("post", "#once"))
	w.want(`["film", "map", "post"].map(id => (id == "post" ? document.querySelector("#post").previousElementSibling : document.querySelector("#" + id)).title)`,
		"Indhold fra YouTube,Indhold fra vendor.example,Indhold fra Fjeldbogen")
	w.want(inFrame("film", "main")+`.textContent.includes("Vis altid (ja til “Marketing”)")`, "true")
	w.want(`(r => r.width + "x" + r.height)(film.getBoundingClientRect())`, "564x319") // with the border that browsers give frames
	w.want(inFrame("film", "html")+`.scrollHeight <= 315`, "true")
	w.want(inFrame("pixel", "#once")+` ?? "none"`, "none")
	w.want(`document.querySelector("#post").hidden`, "true")
	for _, r := range w.requests() {
		if strings.Contains(r, "vendor.example") {
			t.Errorf("asked for %s before a yes", r)
		}
	}
	w.pressIn("map", "#once")
	w.tab.Wait(`map.src === "http://vendor.example/map"`)
	w.want(`map.title`, "Find os")
	w.pressIn("post", "#once")
	w.tab.Wait(`window.log?.includes("post.js")`)
	w.want(`document.querySelector("#post").hidden + document.querySelector("#post").previousElementSibling.localName`, "falseiframe")
	w.want(`film.src + document.cookie + samtykke.answered + samtykke.consent.marketing`, "falsefalse")
	if acts := w.arrived(0); len(acts) > 0 {
		t.Errorf("seeing it once sent %+v", acts)
	}
}

// K4, R1: always is a choice like any other: recorded, kept, and the rest of the category follows at once.
func TestEmbeds_ShowAlways(t *testing.T) {
	w := open(t, shopContent(t))
	w.visit("/", "da", embedPage)
	w.press("#choose")
	w.press("[name=statistics]")
	w.press("#save")
	w.arrived(1)
	w.pressIn("film", "#always")
	act := w.arrived(2)[1]
	if act.Method != consent.ByPlaceholder || act.Action != consent.Custom || act.Categories.Given != consent.SetOf(consent.Statistics, consent.Marketing) {
		t.Errorf("the act is %+v", act)
	}
	w.tab.Wait(`film.src && map.src && window.log?.includes("post.js") && !document.querySelector("#post").hidden`)
	w.settled()
	w.again()
	w.tab.Wait(`film.src && map.src`)
	w.want(`document.querySelectorAll("iframe").length`, "3")
}

// A script alone can't press them (K13), and what a single-page application adds later is treated alike.
func TestEmbeds_AddedLater(t *testing.T) {
	w := open(t, shopContent(t))
	w.visit("/", "en", `<main></main>`)
	w.tab.Wait(shown)
	w.tab.Eval(`document.querySelector("main").innerHTML = '<iframe id=film width=400 height=300 data-category="marketing statistics" data-src="http://vendor.example/x"></iframe>'`, nil)
	w.tab.Wait(inFrame("film", "#always"))
	w.want(inFrame("film", "#always")+`.textContent`, "Always show (yes to “Marketing, Statistics”)")
	w.want(inFrame("film", "html")+`.lang`, "en")
	w.tab.Eval(inFrame("film", "#always")+`.click()`, nil)
	w.want(`film.src + samtykke.answered`, "false")
	w.press("#accept")
	w.tab.Wait(`film.src === "http://vendor.example/x"`)
	w.want(`film.title`, "")
}

package widget

import (
	"testing"
)

// The look follows the settings that are not colours: corners, and the page's own font where the owner wants it.
func TestLook_TakesCornersAndFont(t *testing.T) {
	const look = `[getComputedStyle(` + shown + `).borderRadius, getComputedStyle(` + shown + `).fontFamily, getComputedStyle(document.querySelector("#accept")).fontFamily]`
	c := shopContent(t)
	w := open(t, c)
	for _, tt := range []struct{ round, font, want string }{
		{"", "", "11.25px,system-ui, sans-serif,system-ui, sans-serif"}, {"none", "page", "0px,fantasy,fantasy"}, {"large", "", "22.5px,system-ui, sans-serif,system-ui, sans-serif"},
	} {
		c.Banner.Round, c.Banner.Font = tt.round, tt.font
		w.publish(c)
		w.visit("/", "da", `<style>body { font-family: fantasy }</style><h1>Butik</h1>`)
		w.tab.Wait(shown)
		w.want(look, tt.want)
	}
}

// B21: the language's other names lead to it, regions too, and a language that the browser can't write dates in doesn't get
// another one's words.
func TestLanguage_OfThePage(t *testing.T) {
	c := shopContent(t)
	c.Banner.Languages = []string{"da", "nb", "is", "pt"}
	for _, lang := range c.Banner.Languages {
		c.Texts[lang], _ = Texts(lang)
	}
	w := open(t, c)
	for page, want := range map[string]string{"no": "nb", "nn-NO": "nb", "nb": "nb", "PT-br": "pt", "fr": "da"} {
		w.visit("/", page, "<h1>Butik</h1>")
		w.tab.Wait(shown)
		w.want(`document.querySelector("#samtykke").lang + " " + `+at("#accept")+`.textContent`, want+" "+c.Texts[want]["accept"])
	}
	w.visit("/", "is", "<h1>Butik</h1>")
	w.press("#reject")
	w.settled()
	w.press("#reopen")
	w.tab.Wait(ui + `.querySelector("#dialog small")`)
	w.want(`/january|november|nov |am|pm/i.test(`+ui+`.querySelector("#dialog small").textContent)`, "false")
}

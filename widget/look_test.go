package widget

import (
	"fmt"
	"testing"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
)

// shopPage is something for the banner to lie on.
const shopPage = `<style>body{font:18px/1.6 Georgia,serif;margin:0;color:#2b2118;background:#faf6f0}header{background:#3b2a1e;color:#fff;padding:1.2em 2em}main{max-width:46em;margin:2em auto;padding:0 1em}@media(prefers-color-scheme:dark){body{background:#191512;color:#e8dfd4}}</style>
<header>Havnens Kaffe</header><main><h1>Frisk kaffe fra havnen</h1><p>Vi rister hver tirsdag og sender samme dag. Alle bønner kommer fra små kooperativer, og vi besøger dem selv.</p><p><a href="#1">Se butikken</a> · <a href="#2">Om os</a> · <a href="#" data-samtykke="open">Skift samtykke</a></p><p>Nogle linjer mere, så siden har noget at vise under banneret, også på store skærme.</p></main>`

func (w *world) viewport(width, height int64, scheme string) {
	w.t.Helper()
	call(w, emulation.SetDeviceMetricsOverride, emulation.SetDeviceMetricsOverrideParams{Width: width, Height: height, DeviceScaleFactor: 1})
	w.media("prefers-color-scheme", scheme)
}

func (w *world) media(feature, value string) {
	w.t.Helper()
	call(w, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{{Name: feature, Value: value}}})
}

// call runs a command of the browser's protocol.
func call[P, R any](w *world, cmd cdp.Command[P, R], params P) {
	w.t.Helper()
	if _, err := chromedp.Call(w.tab.Ctx, cmd, params); err != nil {
		w.t.Fatal(err)
	}
}

func TestShots(t *testing.T) {
	if shots == "" {
		t.Skip("SAMTYKKE_SHOTS names the folder for pictures")
	}
	sizes := [][2]int64{{1280, 800}, {390, 844}, {320, 256}}
	for _, form := range []string{"box", "bar", "dialog"} {
		c := shopContent(t)
		c.Banner.Form = form
		w := open(t, c)
		for _, size := range sizes {
			for _, look := range [][2]string{{"light", "da"}, {"dark", "en"}} {
				w.viewport(size[0], size[1], look[0])
				w.visit("/", look[1], shopPage)
				w.tab.Wait(shown)
				name := fmt.Sprintf("%s/%s-%d-%s-%s", shots, form, size[0], look[0], look[1])
				w.tab.Screenshot(name + "-banner.png")
				w.press("#choose")
				w.tab.Wait(ui + `.querySelector("#dialog").open`)
				w.tab.Screenshot(name + "-dialog.png")
			}
		}
		w.press("[name=statistics]")
		w.press("#save")
		w.tab.Wait(ui + `.querySelector("#reopen")`)
		w.viewport(1280, 800, "light")
		w.tab.Screenshot(shots + "/" + form + "-reopen.png")
	}
}

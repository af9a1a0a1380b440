package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"

	"samtykke/browsertest"
)

// TestPictures makes the README's pictures: SAMTYKKE_PICTURES=docs/images, by make pictures. Without it, it still
// walks the same way, so that the pictures can always be made.
func TestPictures(t *testing.T) {
	dir := os.Getenv("SAMTYKKE_PICTURES")
	if dir == "" {
		dir = t.TempDir()
	}
	p := serve(t, "--demo", "--data", t.TempDir(), "--listen", "localhost:0")
	shop, dashboard := p.after("Demo shop"), p.after("Dashboard")
	browser := browsertest.Open(t, browsertest.Options{Flags: map[string]any{"force-device-scale-factor": "1"}})
	owner, visitor := browser.Tab(), browser.Tab()
	for _, tab := range []*browsertest.Tab{owner, visitor} {
		_, err := chromedp.Call(tab.Ctx, emulation.SetDeviceMetricsOverride, emulation.SetDeviceMetricsOverrideParams{Width: 1280, Height: 800, DeviceScaleFactor: 1})
		if err != nil {
			t.Fatal(err)
		}
	}
	visitor.Go(shop)
	visitor.Wait(element("#banner") + " !== null")
	visitor.Screenshot(filepath.Join(dir, "banner.png"))
	for _, act := range []string{"acceptAll()", "save({statistics:true})", "withdraw()", "rejectAll()"} {
		// Only a visitor's own act can grant (K13), so the script runs as if a click had called it.
		visitor.Do(chromedp.Evaluate[chromedp.Void]("samtykke."+act, func(p *runtime.EvaluateParams) { p.UserGesture = new(true) }))
	}
	logIn(owner, dashboard, p.after("log in as"), p.after("one-time password"))
	wantLog(t, owner, dashboard, "reject_all", "withdraw", "custom", "accept_all")
	owner.Screenshot(filepath.Join(dir, "log.png"))
}

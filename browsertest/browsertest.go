// Package browsertest runs tests in a real Chromium. Pages are served by the test on loopback under whatever host
// names they like; an uncaught error in any page fails the test. Only tests import it.
package browsertest

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// Timeout is how long a test waits for a state before it fails. It is generous because the race detector and a
// busy machine slow everything down; no test waits for it when all is well.
const Timeout = 30 * time.Second

// Options are what a test may change of the browser.
type Options struct {
	// Hosts maps host names to loopback addresses: {"shop.example": "127.0.0.1:4000"}.
	Hosts map[string]string
	// Flags are added to Chromium's command line, without the leading dashes: {"lang": "en"}.
	Flags map[string]any
	// AllowErrors keeps uncaught page errors from failing the test, for pages that are broken on purpose.
	AllowErrors bool
}

// Browser is a running Chromium with a fresh profile.
type Browser struct {
	t    testing.TB
	ctx  context.Context
	opts Options
}

// Tab is one page of a Browser. Use it from one goroutine.
type Tab struct {
	Ctx context.Context // for chromedp's own actions
	t   testing.TB

	mu     sync.Mutex
	errors []string
}

// Open starts Chromium. It fails the test where there is none: browser tests are never skipped.
func Open(t testing.TB, o Options) *Browser {
	t.Helper()
	path, err := exec.LookPath("chromium")
	if err != nil {
		t.Fatal("browser tests need chromium on the PATH (apt-get install chromium)")
	}
	// Debian's Chromium refuses unpartitioned third-party cookies unless the profile says otherwise.
	profile := t.TempDir()
	prefs := filepath.Join(profile, "Default", "Preferences")
	if err := os.MkdirAll(filepath.Dir(prefs), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(prefs, []byte(`{"profile":{"cookie_controls_mode":0}}`), 0o600); err != nil {
		t.Fatal(err)
	}
	opts := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(path), chromedp.NoSandbox, chromedp.DisableGPU, chromedp.UserDataDir(profile),
		chromedp.Flag("disable-quic", true), chromedp.Flag("disable-component-update", true),
		chromedp.Flag("host-resolver-rules", resolverRules(o.Hosts)), chromedp.Flag("lang", "da-DK"),
		// Pages of tests are http; without this Chromium tries https first and warns about it.
		chromedp.Flag("disable-features", "HttpsUpgrades,HttpsFirstBalancedModeAutoEnable,Translate,WebUIOmniboxPopup,WebUIOmniboxAimPopup"),
	)
	for k, v := range o.Flags {
		opts = append(opts, chromedp.Flag(k, v))
	}
	alloc, cancelAlloc := chromedp.NewExecAllocator(context.Background(), opts...)
	ctx, cancel := chromedp.NewContext(alloc)
	t.Cleanup(func() { cancel(); cancelAlloc() })
	if err := chromedp.Do(ctx); err != nil {
		t.Fatalf("start chromium: %v", err)
	}
	return &Browser{t: t, ctx: ctx, opts: o}
}

func resolverRules(hosts map[string]string) string {
	var rules []string
	for name, addr := range hosts {
		rules = append(rules, fmt.Sprintf("MAP %s %s", name, addr))
	}
	// Nothing may leave loopback.
	return strings.Join(append(rules, "MAP * ~NOTFOUND", "EXCLUDE 127.0.0.1", "EXCLUDE localhost", "EXCLUDE *.localhost"), ", ")
}

// Tab opens a new page. Its uncaught errors are collected, and fail the test at its end.
func (b *Browser) Tab() *Tab {
	b.t.Helper()
	ctx, cancel := chromedp.NewContext(b.ctx)
	tab := &Tab{Ctx: ctx, t: b.t}
	b.t.Cleanup(cancel)
	err := chromedp.Listen(ctx, func(ev any) {
		if e, ok := ev.(*runtime.EventExceptionThrown); ok {
			tab.mu.Lock()
			tab.errors = append(tab.errors, describe(e.ExceptionDetails))
			tab.mu.Unlock()
		}
	})
	if err != nil {
		b.t.Fatal(err)
	}
	if !b.opts.AllowErrors {
		b.t.Cleanup(func() {
			for _, e := range tab.Errors() {
				b.t.Errorf("uncaught error in the page: %s", e)
			}
		})
	}
	return tab
}

func describe(d *runtime.ExceptionDetails) string {
	if d.Exception != nil && d.Exception.Description != "" {
		return d.Exception.Description
	}
	return fmt.Sprintf("%s (%s:%d)", d.Text, d.URL, d.LineNumber)
}

// Errors returns the uncaught errors seen so far.
func (t *Tab) Errors() []string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return append([]string(nil), t.errors...)
}

// Do runs chromedp actions and fails the test on error.
func (t *Tab) Do(steps ...chromedp.Action[chromedp.Void]) {
	t.t.Helper()
	ctx, cancel := context.WithTimeout(t.Ctx, Timeout)
	defer cancel()
	if err := chromedp.Do(ctx, steps...); err != nil {
		t.t.Fatalf("browser: %v", err)
	}
}

// Go navigates and waits for the load event.
func (t *Tab) Go(url string) {
	t.t.Helper()
	t.Do(chromedp.Navigate(url))
}

// Click clicks the first visible element of a CSS selector, as a mouse would. It does not look into shadow roots;
// see ClickIn.
func (t *Tab) Click(selector string) {
	t.t.Helper()
	t.Do(chromedp.Click(chromedp.CSS(selector)))
}

// ClickIn waits until a JavaScript expression gives an element, also one in a shadow root, and clicks its middle
// with real mouse events.
func (t *Tab) ClickIn(element string) {
	t.t.Helper()
	t.Wait("!!(" + element + ")")
	var at struct{ X, Y float64 }
	t.Eval(`(()=>{const e=`+element+`;e.scrollIntoView({block:"nearest"});const r=e.getBoundingClientRect();return{x:r.x+r.width/2,y:r.y+r.height/2}})()`, &at)
	t.Do(chromedp.MouseClickXY(at.X, at.Y))
}

// Eval evaluates JavaScript, awaiting a promise, and decodes its JSON value into out (nil: dropped).
func (t *Tab) Eval(js string, out any) {
	t.t.Helper()
	ctx, cancel := context.WithTimeout(t.Ctx, Timeout)
	defer cancel()
	raw, err := chromedp.Run(ctx, chromedp.Evaluate[[]byte](js, chromedp.EvalAwaitPromise))
	if err != nil {
		t.t.Fatalf("%s: %v", js, err)
	}
	if out == nil || len(raw) == 0 {
		return
	}
	if err := json.Unmarshal(raw, out); err != nil {
		t.t.Fatalf("%s gave %s: %v", js, raw, err)
	}
}

// Wait blocks until a JavaScript expression is true, surviving navigations, and fails the test after Timeout with
// the expression's last value.
func (t *Tab) Wait(js string) {
	t.t.Helper()
	ctx, cancel := context.WithTimeout(t.Ctx, Timeout)
	defer cancel()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	var last string
	for {
		raw, err := chromedp.Run(ctx, chromedp.Evaluate[[]byte]("(()=>{try{return !!("+js+")}catch(e){return String(e)}})()"))
		if err == nil && string(raw) == "true" {
			return
		}
		if err == nil {
			last = string(raw)
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			t.t.Fatalf("waited %v for %s (last: %s)", Timeout, js, last)
		}
	}
}

// Screenshot writes a PNG of the viewport.
func (t *Tab) Screenshot(file string) {
	t.t.Helper()
	ctx, cancel := context.WithTimeout(t.Ctx, Timeout)
	defer cancel()
	png, err := chromedp.Run(ctx, chromedp.CaptureScreenshot())
	if err != nil {
		t.t.Fatal(err)
	}
	if err := os.WriteFile(file, png, 0o600); err != nil {
		t.t.Fatal(err)
	}
}

package server_test

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"

	"samtykke/browsertest"
	"samtykke/consent"
	"samtykke/scanner"
	"samtykke/scanner/judgement"
	"samtykke/server"
	"samtykke/server/store/storetest"
)

// H4, D12, K3: an owner shows that the shop is theirs, lets it be scanned, follows that, takes what was found into the
// declaration and publishes; then the banner knows the vendor's host. On each page axe finds nothing, at 1280 and at 390 px.
func TestScans_FromTagToBanner(t *testing.T) {
	axe, err := os.ReadFile("../node_modules/axe-core/axe.min.js")
	if err != nil {
		t.Fatalf("axe-core is missing: run npm ci (%v)", err)
	}
	tag := ""
	var memory atomic.Int64
	shop := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.Host + r.URL.Path {
		case siteID + ".example/":
			w.Header().Set("Content-Type", "text/html; charset=utf-8")
			w.Write([]byte(`<!doctype html><html lang="da"><title>Kurve</title><link rel="icon" href="data:,">` + tag +
				`<p>Kurve<img src="http://maaling.example/p.gif" width="1" height="1" alt=""><script>document.cookie = "tl_uge=1; max-age=604800"</script>`))
		case "maaling.example/p.gif":
			w.Header().Set("Set-Cookie", "maaler=abc; Max-Age=86400")
			w.Header().Set("Content-Type", "image/gif")
		default:
			http.NotFound(w, r)
		}
	}))
	t.Cleanup(shop.Close)
	addr := shop.Listener.Addr().String()
	hosts := map[string]string{siteID + ".example": addr, "maaling.example": addr}
	o := newOffice(t, func(c *server.Config) {
		c.Now = time.Now
		c.Fetch = &http.Client{Transport: &http.Transport{DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, network, addr)
		}}}
		c.Scan = func(ctx context.Context, address string, o scanner.Options) (judgement.Report, error) {
			o.AllowPrivate, o.MapHosts, o.Quiet, o.Pages = true, hosts, 250*time.Millisecond, 1
			tell := o.Progress
			o.Progress = func(p scanner.Progress) {
				memory.Store(max(memory.Load(), server.BrowserMemory()))
				tell(p)
			}
			return scanner.Scan(ctx, address, o)
		}
	})
	tag = server.Tag("http://cmp.example", &o.site)
	o.site.Homepage, o.site.Banner.AutoBlock = "http://"+siteID+".example/", true
	o.check(o.db.UpdateSite(t.Context(), o.site))
	o.now = time.Now()
	o.addUser(stranger, "da") // whose session is of today
	cmp := httptest.NewServer(o)
	t.Cleanup(cmp.Close)
	hosts["cmp.example"] = cmp.Listener.Addr().String()
	ctx, end := context.WithCancel(t.Context())
	stop := o.StartScans(ctx)
	t.Cleanup(func() { end(); stop() })

	tab := browsertest.Open(t, browsertest.Options{Hosts: hosts}).Tab()
	d := &desk{o, tab}
	o.check(o.db.SetPassword(t.Context(), 1, server.HashPassword(officePassword), false))
	look := func(where string) {
		t.Helper()
		for _, width := range []int64{1280, 390} {
			d.look(width, "light")
			d.picture(where, width)
			var found []string
			d.Eval(string(axe)+`;document.querySelectorAll("details").forEach(d=>d.open=true);
				axe.run().then(r=>r.violations.flatMap(v=>v.nodes.map(n=>v.id+" "+n.html+" "+n.failureSummary)))`, &found)
			for _, f := range found {
				t.Errorf("%s, %d px: %s", where, width, f)
			}
			var over float64
			if d.Eval("document.documentElement.scrollWidth-innerWidth", &over); over > 0 {
				t.Errorf("%s: %v px wider than %d px", where, over, width)
			}
		}
	}
	d.Go("http://cmp.example/login?next=" + scansPath)
	d.Do(chromedp.SendKeys(chromedp.CSS("#email"), "owner@fjord.example"), chromedp.SendKeys(chromedp.CSS("#password"), officePassword+"\r"))
	d.Wait(`location.pathname !== "/login" && document.readyState === "complete"`)
	d.Go("http://cmp.example" + scansPath)
	look("unproven")
	d.Click(`.tip a[href$="/domains"]`)
	d.Wait(`location.pathname.endsWith("/domains") && document.readyState === "complete"`)
	look("domains")
	d.Click(`main .scanlist button`)
	d.Wait(`location.search === "?done=domain_proven" && document.querySelector(".flag.good") !== null`)
	d.Go("http://cmp.example" + scansPath)
	d.Click(`main .heading button`)
	d.Wait(`/scans\/[0-9a-f-]{36}$/.test(location.pathname) && document.readyState === "complete"`)
	// The page follows by itself.
	deadline := time.Now().Add(2 * time.Minute)
	for done := false; !done; {
		if time.Now().After(deadline) {
			var now string
			d.Eval(`document.querySelector("main").innerText`, &now)
			t.Fatalf("the scan isn't done: %s", now)
		}
		d.Wait(`document.readyState === "complete" && document.querySelector("h1 + .flag") !== null`)
		var state string
		d.Eval(`document.querySelector("h1 + .flag")?.textContent ?? ""`, &state)
		done = state == "Færdig" || state == "Ikke gennemført"
	}
	look("report")
	if m := memory.Load(); m < 20<<20 || m > 3<<30 {
		t.Errorf("the browser had %d bytes, as far as was seen", m)
	}
	var words string
	d.Eval(`document.querySelector("#missing").parentElement.innerText`, &words)
	if !strings.Contains(words, "tl_uge") || !strings.Contains(words, "maaler") {
		t.Errorf("missing %q", words)
	}
	d.Go("http://cmp.example/sites/" + siteID)
	look("overview")
	d.Go("http://cmp.example" + scansPath)
	look("scans")
	d.Go("http://cmp.example/sites/" + siteID + "/declaration")
	look("declaration before")
	d.Click(`.tip.alarm button[value=merge]`)
	d.Wait(`location.search === "?done=scan_merged" && document.readyState === "complete"`)
	look("declaration after")

	// The owner sorts the vendor's cookie, and publishes.
	items, err := o.db.Items(t.Context(), siteID)
	o.check(err)
	for i := range items {
		if items[i].Name == "maaler" {
			items[i].Category, items[i].Provider = consent.Statistics, "Måling A/S"
		}
	}
	o.check(o.db.EditItems(t.Context(), siteID, declare(items)))
	n, err := o.Publish(t.Context(), siteID, server.Publishing{Author: "owner@fjord.example", Reason: "Efter scanning", Material: true})
	o.check(err)
	if !strings.Contains(string(n.Bundle.JS), "maaling.example") {
		t.Error("the published script doesn't know the vendor's host")
	}
	if n.Content.LastScan == nil || n.Content.LastScan.Before(storetest.Day.AddDate(-1, 0, 0)) {
		t.Errorf("last scan %v", n.Content.LastScan)
	}
}

// picture keeps a picture of the page where SAMTYKKE_PICTURES names a folder.
func (d *desk) picture(name string, width int64) {
	dir := os.Getenv("SAMTYKKE_PICTURES")
	if dir == "" {
		return
	}
	whole := true
	shot, err := chromedp.Call(d.Ctx, page.CaptureScreenshot, page.CaptureScreenshotParams{CaptureBeyondViewport: &whole})
	d.check(err)
	d.check(os.WriteFile(filepath.Join(dir, fmt.Sprintf("%s-%d.png", strings.ReplaceAll(name, " ", "-"), width)), shot.Data, 0o644))
}

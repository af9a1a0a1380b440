package main

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/storage"
	"github.com/chromedp/chromedp"

	"samtykke/browsertest"
)

// The whole program as its users meet it: a real process, a real browser, a page of another origin with vendors of
// their own. Any uncaught error in a page fails the test.
func TestEndToEnd(t *testing.T) {
	p := serve(t, "--demo", "--data", t.TempDir(), "--listen", "localhost:0")
	shop, dashboard := p.after("Demo shop"), p.after("Dashboard")
	browser := browsertest.Open(t, browsertest.Options{})
	owner, visitor := browser.Tab(), browser.Tab()
	logIn(owner, dashboard, p.after("log in as"), p.after("one-time password"))

	// First visit: the banner, and nothing else (B1, B25, K1, K2).
	visitor.Go(shop)
	visitor.Wait(element("#banner") + " !== null")
	wantStored(t, visitor, "kurv")

	// No: remembered, and nothing runs, here or on the next pages (B18, K11).
	visitor.ClickIn(element("#reject"))
	visitor.Wait(element("#banner") + " === null")
	for _, page := range []string{"", "produkter", "produkt/fiskekurv"} {
		visitor.Go(shop + page)
		visitor.Wait("window.samtykke && samtykke.answered")
		wantStored(t, visitor, "kurv", "samtykke")
	}
	visitor.Eval(element("#banner")+" === null || (() => { throw new Error('asked again after a no') })()", nil)
	wantLog(t, owner, dashboard, "reject_all")

	// Yes, by the permanent link (B22): the vendors run.
	visitor.ClickIn(element("#reopen"))
	visitor.ClickIn(element("#dialog [data-role=accept]"))
	visitor.Wait("samtykke.consent.marketing && samtykke.consent.statistics")
	want := []string{"_ak_klik", "_tl_id", "_tl_ses.4711", "ak_uid", "fh_seer", "kurv", "samtykke", "tl_uid"}
	waitStored(t, visitor, want...)
	visitor.Wait("localStorage.visning !== undefined && sessionStorage.tl_sti !== undefined")
	wantLog(t, owner, dashboard, "accept_all", "reject_all")

	// Withdrawn: what the banner may remove is gone at once, and stays gone on the next page (K10).
	visitor.Eval("samtykke.withdraw()", nil)
	left := []string{"ak_uid", "fh_seer", "kurv", "samtykke", "tl_uid"} // those of other origins only their owners can remove
	waitStored(t, visitor, left...)
	visitor.Go(shop)
	visitor.Wait("window.samtykke && samtykke.answered && !samtykke.consent.marketing")
	wantStored(t, visitor, left...)
	visitor.Eval("localStorage.visning === undefined && sessionStorage.tl_sti === undefined || (()=>{throw new Error('storage is left')})()", nil)
	wantLog(t, owner, dashboard, "withdraw", "accept_all", "reject_all")
}

// element finds an element in the banner's shadow root.
func element(selector string) string {
	return `(h => h?.querySelector("` + selector + `") ?? h?.shadowRoot?.querySelector("` + selector + `") ?? null)(document.querySelector("#samtykke"))`
}

// logIn uses the one-time password and replaces it, as the dashboard demands.
func logIn(tab *browsertest.Tab, dashboard, email, password string) {
	tab.Go(dashboard + "login")
	tab.Do(chromedp.SendKeys(chromedp.CSS("input[name=email]"), email), chromedp.SendKeys(chromedp.CSS("input[name=password]"), password+"\r"))
	tab.Wait(`location.pathname === "/password" && document.querySelector("form[action='/password']")`)
	const chosen = "en lang og god adgangskode"
	tab.Do(chromedp.SendKeys(chromedp.CSS("input[name=password]"), chosen), chromedp.SendKeys(chromedp.CSS("input[name=repeat]"), chosen+"\r"))
	tab.Wait(`location.pathname === "/"`)
}

// stored names every cookie in the browser, of all origins.
func stored(t *testing.T, tab *browsertest.Tab) []string {
	t.Helper()
	ctx, cancel := context.WithTimeout(tab.Ctx, browsertest.Timeout)
	defer cancel()
	res, err := chromedp.Call(ctx, storage.GetCookies, storage.GetCookiesParams{})
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, c := range res.Cookies {
		if c.Name != "samtykke_session" { // the owner's login, in the other tab
			names = append(names, c.Name)
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

func wantStored(t *testing.T, tab *browsertest.Tab, want ...string) {
	t.Helper()
	if got := stored(t, tab); !slices.Equal(got, want) {
		t.Errorf("cookies %q, want %q", got, want)
	}
}

// waitStored waits until the browser holds exactly these cookies.
func waitStored(t *testing.T, tab *browsertest.Tab, want ...string) {
	t.Helper()
	deadline := time.Now().Add(browsertest.Timeout)
	for !slices.Equal(stored(t, tab), want) {
		if time.Now().After(deadline) {
			wantStored(t, tab, want...)
			return
		}
	}
}

// wantLog waits until the dashboard's consent log shows these acts, the newest first.
func wantLog(t *testing.T, owner *browsertest.Tab, dashboard string, want ...string) {
	t.Helper()
	address := dashboard + "sites/fjordfletvaerk/consents"
	shown := `[...document.querySelectorAll("tbody .act")].map(e => e.classList[1]).join(" ")`
	deadline := time.Now().Add(browsertest.Timeout)
	for {
		owner.Go(address)
		var got string
		owner.Eval(shown, &got)
		if got == strings.Join(want, " ") {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("the log shows %q, want %q", got, want)
		}
	}
}

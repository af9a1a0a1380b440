package server_test

import (
	"context"
	"net/http/httptest"
	"testing"

	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"

	"samtykke/browsertest"
	"samtykke/consent"
)

// The page of a record proves the record in the reader's own browser: the signature, and the place in the log (R9).
func TestRecordPage_ProvesItselfInTheBrowser(t *testing.T) {
	o := newOffice(t).furnish()
	s := httptest.NewServer(o)
	t.Cleanup(s.Close)
	// Browsers verify signatures only where nobody can change the page on its way: here, and behind TLS.
	d := &desk{o, browsertest.Open(t, browsertest.Options{}).Tab()}
	d.check(d.db.SignLogs(context.Background(), d.now))
	_, err := chromedp.Call(d.Ctx, network.SetCookie, network.SetCookieParams{Name: "samtykke_session", Value: string(consent.Owner), URL: s.URL + "/"})
	d.check(err)
	r := d.records[5]
	path := s.URL + "/sites/" + siteID + "/consents/" + r.Visitor.String() + "/" + r.ID.String()
	d.Go(path)
	d.Wait(`document.querySelector("[data-receipt]").dataset.state === "good"`)

	// Another record's id beside the receipt, or a changed byte of it, is told.
	for _, spoil := range []string{
		`o.dataset.record="0198c2f1-7a52-7cc3-9d41-5b1f3a6e2c90"`,
		`o.dataset.receipt=o.dataset.receipt.replace(/.(?=.{20}$)/,c=>c==="A"?"B":"A")`,
	} {
		d.Go(path)
		d.Wait(`document.querySelector("[data-receipt]").dataset.state === "good"`)
		d.Eval(`(()=>{const o=document.querySelector("[data-receipt]");`+spoil+`;delete o.dataset.state;
			const s=document.createElement("script");s.src=document.querySelector("script[src*=proof]").src;document.head.append(s);return 1})()`, new(int))
		d.Wait(`document.querySelector("[data-receipt]").dataset.state === "bad"`)
	}
}

// The copy button is there with script and says that it did what it says.
func TestStart_CopiesTheTag(t *testing.T) {
	d := newDesk(t)
	d.enter(consent.Owner)
	d.Go("http://cmp.example/sites/" + siteID + "/start")
	var shown bool
	d.Eval(`document.querySelector(".copy").hidden === !navigator.clipboard`, &shown) // without TLS browsers have no clipboard
	if !shown {
		t.Error("the copy button does not follow what the browser can")
	}
	d.Do(chromedp.EmulateViewport(390, 800))
	var over float64
	if d.Eval("document.documentElement.scrollWidth-innerWidth", &over); over > 0 {
		t.Errorf("%v px wider than the screen", over)
	}
}

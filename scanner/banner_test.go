package scanner

import (
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"samtykke/consent"
	"samtykke/scanner/evidence"
	"samtykke/scanner/evidence/evidencetest"
)

// A banner in a frame of another site is found and answered too, and a button elsewhere that happens to say
// “Accept” is left alone.
func TestScan_FindsBannersInFrames(t *testing.T) {
	r := site{
		"shop.localhost/": `<h2 id=samtykke>Samtykke</h2><form>Vilkår for kurset <button type=button onclick="document.cookie='_ga=1;max-age=60'">Accepter</button></form>
<iframe id=f src="http://cmp.localhost/" width=600 height=200></iframe>
<script>onmessage=function(e){document.cookie="CookieConsent="+e.data+";max-age=600;samesite=lax";f.remove()};if(/CookieConsent/.test(document.cookie))f.remove()</script>`,
		"cmp.localhost/": `<p>Dette site bruger cookies.</p><button onclick="parent.postMessage('ja','*')">Tillad alle</button><button onclick="parent.postMessage('nej','*')">Kun nødvendige cookies</button>`,
	}.scan(t, func(o *Options) { o.Pages = 1 })
	evidencetest.Equal(t, "items", told(r.Items), []string{"first cookie CookieConsent shop.localhost necessary [reject accept]"})
	if r.States[1].Tool != "Kun nødvendige cookies" || r.States[2].Tool != "Tillad alle" || r.States[3].Done {
		t.Errorf("states %+v", r.States)
	}
}

// withCookies is a page whose response sets cookies.
func withCookies(html string, cookies ...string) func(http.ResponseWriter, *http.Request) {
	return func(w http.ResponseWriter, _ *http.Request) {
		for _, c := range cookies {
			w.Header().Add("Set-Cookie", c)
		}
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		io.WriteString(w, "<!doctype html><title>x</title><link rel=icon href=data:,>"+html)
	}
}

// S13: a button beside something to type in is no banner, whatever the page says about cookies elsewhere.
func TestScan_LeavesFormsAlone(t *testing.T) {
	r := site{
		"shop.localhost/": withCookies(`<main><p>Velkommen til butikken.</p>
<form action=/tak><p>Få nyhedsbrevet. Vi bruger cookies til at huske dig.</p><input type=email><button>OK</button></form>
<div><p>Vil du have gode tilbud hver eneste uge?</p><button onclick="location='/tak'">Ja tak</button></div>
<footer>Vi passer på dit privatliv og bruger cookies. <a href=/cookies>Cookies</a></footer></main>`, "_ga=1; Max-Age=60; SameSite=Lax; Secure"),
		"shop.localhost/tak":     withCookies(`tak`, "pressed=1; Max-Age=60"),
		"shop.localhost/cookies": `Om cookies`,
	}.scan(t, nil)
	evidencetest.Equal(t, "items", told(r.Items), []string{"first cookie _ga shop.localhost statistics [none]"})
	evidencetest.Equal(t, "findings", evidencetest.Codes(r.Findings), []string{"cookie-before-consent", "gpc-ignored", "no-banner"})
}

// A newsletter in front of the banner stays unanswered, also where its button lies over the page and speaks of consent.
func TestScan_AnswersTheBannerAndNotTheNewsletter(t *testing.T) {
	r := site{
		"shop.localhost/": `<section><p>Få nyhedsbrevet hver fredag, hvis du vil.</p><button onclick="document.cookie='pressed=1;max-age=60'">Ja tak</button></section>
<div role=dialog style="position:fixed;top:0;right:0"><p>Giver du samtykke til nyhedsbreve?</p><input type=email><button onclick="document.cookie='pressed=2;max-age=60'">Ja tak</button>
<button onclick="document.cookie='pressed=3;max-age=60'">Nej tak</button></div>` + banner,
	}.scan(t, func(o *Options) { o.Pages = 1 })
	evidencetest.Equal(t, "items", told(r.Items), []string{"first cookie CookieConsent shop.localhost necessary [reject accept withdraw]"})
	for _, s := range r.States {
		if !s.Done {
			t.Errorf("state %s was not reached", s.State)
		}
	}
}

// A button under something else, and one that leads away and leaves the banner, answer nothing; nothing is concluded.
func TestScan_AnAnswerMustBeOne(t *testing.T) {
	r := site{
		"shop.localhost/": `<div style="position:fixed;top:0;left:0;width:700px;height:80px;background:#eee">Vi bruger cookies.
<button onclick="location='/info'">Accepter alle</button> <button style="position:absolute;left:400px;width:200px">Afvis alle</button>
<a style="position:absolute;left:390px;top:0;width:300px;height:80px" onclick="document.cookie='_gid=1;max-age=60';this.parentElement.remove()"></a></div>`,
		"shop.localhost/info": `<script>document.cookie="_ga=1;max-age=60"</script>Uden banner`,
	}.scan(t, func(o *Options) { o.Pages, o.PageTimeout = 1, 4*time.Second })
	for _, s := range r.States {
		if s.Done != (s.State == evidence.StateNone || s.State == evidence.StateGPC) {
			t.Errorf("state %s: done %v", s.State, s.Done)
		}
	}
	evidencetest.Equal(t, "items", told(r.Items), nil)
	for _, code := range evidencetest.Codes(r.Findings) { // what is said of the banner's looks needs no answer
		if strings.Contains(code, "after") || strings.Contains(code, "before") || strings.Contains(code, "withdraw") {
			t.Errorf("%s is concluded from no answer", code)
		}
	}
}

// A link that only leads to a page about withdrawing withdraws nothing, and the buttons of a dialog may stick to its end.
func TestScan_ALinkAboutWithdrawingIsNone(t *testing.T) {
	r := site{
		"shop.localhost/": `<a href=/hvordan>Træk samtykke tilbage</a><dialog id=cc><p>Må vi bruge cookies til statistik?</p><div style="position:sticky;bottom:0">
<button onclick="answer('ja')">Accepter alle</button><button onclick="answer('nej')">Afvis alle</button></div></dialog>
<script>function answer(a){document.cookie="CookieConsent="+a+";max-age=600;path=/;samesite=lax";cc.close()}
if(!/CookieConsent/.test(document.cookie))cc.show()</script>`,
		"shop.localhost/hvordan": `Skriv et brev.`,
	}.scan(t, func(o *Options) { o.Pages = 1 })
	for _, s := range r.States {
		if s.Done != (s.State != evidence.StateWithdraw) {
			t.Errorf("state %s: done %v", s.State, s.Done)
		}
	}
}

// S14: a button that nobody knows may be a refusal; settings are known to be none.
func TestScan_TellsOfAnUnknownButton(t *testing.T) {
	for label, want := range map[string]consent.Severity{"Helst ikke": consent.High, "Indstillinger": consent.Critical} {
		t.Run(label, func(t *testing.T) {
			r := site{"shop.localhost/": `<div style="position:fixed;bottom:0">Vi bruger cookies. <a href=/om>Om</a> <button>Accepter alle</button><button>` + label + `</button></div>`}.
				scan(t, func(o *Options) { o.Pages, o.PageTimeout = 1, 4*time.Second })
			i := slices.IndexFunc(r.Findings, func(f consent.Finding) bool { return f.Code == "no-reject-first-layer" })
			if i < 0 || r.Findings[i].Severity != want {
				t.Errorf("%+v, want %s", r.Findings, want)
			}
		})
	}
}

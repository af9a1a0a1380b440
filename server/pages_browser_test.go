package server_test

import (
	"fmt"
	"net/http/httptest"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"

	"samtykke/browsertest"
	"samtykke/consent"
)

// desk is a browser on an office's pages.
type desk struct {
	*office
	*browsertest.Tab
}

func newDesk(t *testing.T) *desk {
	t.Helper()
	o := newOffice(t).furnish()
	s := httptest.NewServer(o)
	t.Cleanup(s.Close)
	hosts := map[string]string{"cmp.example": strings.TrimPrefix(s.URL, "http://")}
	return &desk{o, browsertest.Open(t, browsertest.Options{Hosts: hosts}).Tab()}
}

// enter gives the browser the session of a role.
func (d *desk) enter(role consent.Role) {
	d.t.Helper()
	d.session(string(role))
}

func (d *desk) session(token string) {
	d.t.Helper()
	_, err := chromedp.Call(d.Ctx, network.SetCookie, network.SetCookieParams{Name: "samtykke_session", Value: token, URL: "http://cmp.example/"})
	d.check(err)
}

func (d *desk) look(width int64, scheme string) {
	d.t.Helper()
	d.Do(chromedp.EmulateViewport(width, 800))
	_, err := chromedp.Call(d.Ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
		Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}},
	})
	d.check(err)
}

// H12: no finding of axe on any page, in both languages, light and dark; at 320 and 1280 px nothing is wider than
// the screen. Everything folded is unfolded first.
func TestPages_AreAccessible(t *testing.T) {
	axe, err := os.ReadFile("../node_modules/axe-core/axe.min.js")
	if err != nil {
		t.Fatalf("axe-core is missing: run npm ci (%v)", err)
	}
	d := newDesk(t)
	two, _, err := d.db.UserByEmail(t.Context(), "auditor@fjord.example")
	d.check(err)
	d.check(d.db.SetTOTP(t.Context(), two.ID, []byte("12345678901234567890"), 0, nil))
	check := func(name, path string) {
		if path != "" {
			d.Go("http://cmp.example" + path)
		}
		var found []string
		d.Eval(string(axe)+`;document.querySelectorAll("details").forEach(d=>d.open=true);
			axe.run().then(r=>r.violations.flatMap(v=>v.nodes.map(n=>v.id+" "+n.html+" "+n.failureSummary)))`, &found)
		for _, f := range found {
			t.Errorf("%s: %s", name, f)
		}
		var over float64
		if d.Eval("document.documentElement.scrollWidth-innerWidth", &over); over > 0 {
			t.Errorf("%s: %v px wider than the screen", name, over)
		}
	}
	for i, lang := range []string{"da", "en"} {
		d.speak(lang)
		for k, scheme := range []string{"light", "dark"} {
			d.look([]int64{1280, 320}[(i+k)%2], scheme)
			_, err := chromedp.Call(d.Ctx, network.ClearBrowserCookies, struct{}{})
			d.check(err)
			d.doors(lang, scheme, func(name, path string) { check(fmt.Sprint(lang, " ", scheme, " ", name), path) })
			d.enter(consent.Owner)
			for _, path := range d.pages() {
				check(fmt.Sprint(lang, " ", scheme, " ", path), path)
			}
		}
	}
}

// doors visits the pages before the login, as they are at first and after what was typed there was wrong. A page that is
// there already has no path.
func (d *desk) doors(lang, scheme string, visit func(name, path string)) {
	d.t.Helper()
	wrong := func(name string, fields ...string) {
		for i := 0; i < len(fields); i += 2 {
			d.Do(chromedp.SendKeys(chromedp.CSS(fields[i]), fields[i+1]))
		}
		d.Click("main form button")
		d.Wait(`document.querySelector("main .problem") !== null`)
		visit(name, "")
	}
	visit("login", "/login?lang="+lang)
	wrong("login that failed", "#email", "nobody@fjord.example", "#password", "forkert")
	a := d.post(consent.Owner, "/organisations/first/people", "op", "invite", "email", "jens."+lang+scheme+"@fjord.example", "role", "editor", "limit", "every")
	link := regexp.MustCompile(`/invitation/[\w-]{43}`).FindString(a.Body.String())
	visit("invitation", link+"?lang="+lang)
	wrong("invitation with a bad password", "#password", "kort")
	visit("invitation that is gone", "/invitation/gone?lang="+lang)
	half := d.post(stranger, "/login", "email", "auditor@fjord.example", "password", officePassword)
	half.leadsTo(d.t, "/login/code?next=%2F")
	d.session(half.Result().Cookies()[0].Value)
	visit("code", "/login/code?lang="+lang)
	wrong("code that is wrong", "#code", "123456")
}

// The whole way with mouse and keys, without script: log in, add a site, publish, read the tag.
func TestDashboard_WorksWithoutScript(t *testing.T) {
	d := newDesk(t)
	_, err := chromedp.Call(d.Ctx, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true})
	d.check(err)
	type_ := func(field, words string) { d.Do(chromedp.SendKeys(chromedp.CSS(field), words)) }
	d.Go("http://cmp.example/sites/new")
	type_("#email", "owner@fjord.example")
	type_("#password", officePassword+"\r")
	d.Wait(`location.pathname === "/sites/new"`)
	type_("#name", "Smørrebrød")
	type_("#domains", "smoer.example")
	type_("#controller-name", "Smør ApS")
	d.Click("main button")
	d.Wait(`/^\/sites\/[a-z2-7]{10}\/start$/.test(location.pathname)`)
	d.Click("#languages button")
	d.Wait(`document.querySelector(".now")?.id === "tag"`)
	d.Click("#tag .actions button")
	d.Wait(`document.querySelector(".now")?.id === "check"`)
	d.Click(".crumbs + .sitename + .tabs a")
	d.Wait(`document.querySelector(".next") !== null`)
	d.Click(`.state .button`)
	d.Wait(`location.pathname.endsWith("/notices")`)
	type_("#reason", "Første udgave")
	d.Click("main form button")
	d.Wait(`document.querySelector(".flag.good")?.textContent === "Udgivet"`)
	var tag string
	d.Eval(`document.querySelector("pre.tag").textContent`, &tag)
	if !strings.HasPrefix(tag, `<script async src="http://cmp.example/s/`) {
		t.Errorf("tag %q", tag)
	}
}

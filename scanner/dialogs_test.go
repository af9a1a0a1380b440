package scanner

import (
	"strings"
	"testing"

	"github.com/chromedp/cdproto/runtime"
)

// dialogs are things that ask, and don't ask for consent to cookies.
var dialogs = map[string]string{
	"newsletter": `<div role=dialog style="position:fixed;inset:20%;background:#fff"><h2>Få 10 % rabat</h2><p>Tilmeld dig vores nyhedsbrev. Læs om cookies og samtykke i politikken.</p>
<button class=x>Ja tak</button><button class=x>Nej tak</button></div>`,
	"age":      `<div role=dialog style="position:fixed;inset:0;background:#fff"><p>Er du fyldt 18 år? Vi husker svaret i en cookie.</p><button class=x>Ja tak</button><button class=x>Afvis</button></div>`,
	"language": `<div role=dialog style="position:fixed;inset:20%;background:#fff"><p>Choose your language. We remember it in a cookie.</p><button class=x>Dansk</button><button class=x>OK</button></div>`,
	"terms":    `<div style="position:fixed;bottom:0;background:#fff"><p>Vilkårene er ændret pr. 1. maj.</p><button class=x>Accepter</button><button class=x>Afvis</button></div>`,
	"notifications": `<div style="position:fixed;top:0;background:#fff"><p>Må vi sende dig notifikationer? Du kan altid ændre det sammen med cookies.</p>
<button class=x>Tillad</button><button class=x>Nej tak</button></div>`,
}

// What asks for something else is never taken for a banner, and never pressed.
func TestBanner_IsNotAnyDialog(t *testing.T) {
	pages := site{}
	for name, html := range dialogs {
		pages["shop.localhost/"+name] = html + `<script>document.querySelectorAll(".x").forEach((b) => b.onclick = () => document.title = "pressed")</script>`
	}
	v := pages.visit(t)
	v.o.PageTimeout /= 4
	for name := range dialogs {
		v.at(t, "http://shop.localhost/"+name)
		if b := v.tab.banner(); b.Seen {
			t.Errorf("%s is taken for a banner: %+v", name, b)
		}
		for _, role := range []string{"reject", "accept"} {
			if got := v.respond(role); got != "" || v.tab.holds(`document.title == "pressed"`) {
				t.Errorf("%s: %s by %q", name, role, got)
			}
		}
	}
}

// strange are banners that aren't simply there: in frames, in shadow roots, late, moving, without a refusal at first.
var strange = map[string]string{
	"frame":  `<iframe id=f src="http://cmp.localhost/" style="position:fixed;bottom:0;width:600px;height:200px"></iframe><script>onmessage=(e)=>{document.title=e.data;f.remove()}</script>`,
	"closed": `<div id=h></div><script>var r=h.attachShadow({mode:"closed"});r.innerHTML='<div style="position:fixed;bottom:0;width:600px;height:200px;background:#fff">Vi bruger cookies. <button>Accepter alle</button><button>Afvis alle</button></div>';r.querySelectorAll("button").forEach((b)=>b.onclick=()=>{document.title=b.innerText;h.remove()})</script>`,
	"late": `<style>#b{position:fixed;bottom:-300px;height:100px;background:#fff;transition:bottom 1s}#b.in{bottom:0}</style><div id=b>Vi bruger cookies. <button>Accepter alle</button><button>Afvis alle</button></div>
<script>setTimeout(()=>b.classList.add("in"),700);document.querySelectorAll("button").forEach((x)=>x.onclick=()=>{document.title=x.innerText;b.remove()})</script>`,
	"moving": `<style>@keyframes m{from{transform:translateX(600px)}}#b{position:fixed;top:0;left:0;background:#fff;animation:m 1.2s linear}</style><div id=b>Vi bruger cookies. <button>Accepter alle</button><button>Afvis alle</button></div>
<script>document.querySelectorAll("button").forEach((x)=>x.onclick=()=>{document.title=x.innerText;b.remove()})</script>`,
	"switches": `<div id=b style="position:fixed;bottom:0;background:#fff">Vi bruger cookies. <button onclick="go('Accepter alle')">Accepter alle</button>
<label><input type=checkbox checked disabled>Nødvendige</label><label><input id=s type=checkbox checked>Statistik</label><span role=switch aria-checked=true id=m style="display:inline-block;width:40px;height:24px" onclick="m.setAttribute('aria-checked','false')"></span>
<button onclick="go(s.checked||m.ariaChecked=='true'?'wrong':'Afvis alle')">Gem valg</button></div><script>function go(x){document.title=x;b.remove()}</script>`,
	"stubborn": `<div id=b style="position:fixed;bottom:0;background:#fff">Vi bruger cookies. <button onclick="go('Accepter alle')">Accepter alle</button>
<label><input type=checkbox checked onclick="return false">Statistik</label><button onclick="go('wrong')">Gem valg</button></div><script>function go(x){document.title=x;b.remove()}</script>`,
	"purposes": `<div id=b style="position:fixed;bottom:0;background:#fff">Vi bruger cookies. <button onclick="go('Accepter alle')">Accepter alle</button><button onclick="p.hidden=false">Indstillinger</button>
<div id=p hidden>Statistik <button onclick="go('wrong')">Afvis</button> Marketing <button onclick="go('wrong')">Afvis</button><button onclick="go('Afvis alle')">Afvis alle</button></div></div><script>function go(x){document.title=x;b.remove()}</script>`,
	"chatty": `<div id=b style="position:fixed;bottom:0;background:#fff">Vi bruger cookies. <button onclick="go('forkert')">Ja tak, kun nødvendige</button><button onclick="go('Accepter alle')">Ja tak, det er fint</button><button onclick="go('Afvis alle')">Nej tak. Ikke i dag</button></div><script>function go(x){document.title=x;b.remove()}</script>`,
	"eager":  `<div id=b role=dialog style="position:fixed;bottom:0;background:#fff">We collect and process your personal information for these purposes. <button onclick="go('Accepter alle')">Ja, accepter alle</button><button onclick="go('forkert')">Ja, kun nødvendige</button><button onclick="go('Afvis alle')">Decline</button></div><script>function go(x){document.title=x;b.remove()}</script>`,
	"folded": `<div id=b style="position:fixed;bottom:0;background:#fff">Vi bruger cookies. <button aria-expanded=false onclick="go('forkert')">Nødvendige</button><p><button onclick="go('forkert')">Nødvendige</button><input type=checkbox disabled checked></p><label><input type=checkbox disabled checked><span style="cursor:pointer" onclick="go('forkert')">Kun nødvendige</span></label><button onclick="go('Afvis alle')">Afvis alle</button><button onclick="go('Accepter alle')">Accepter alle</button></div><script>function go(x){document.title=x;b.remove()}</script>`,
	"polish": `<div id=b style="position:fixed;bottom:0;background:#fff">Używamy plików cookie. <div onclick="go('Accepter alle')" style="cursor:pointer">Zaakceptuj wszystkie pliki cookie</div><button onclick="go('Afvis alle')">Odrzuć wszystkie</button></div><script>function go(x){document.title=x;b.remove()}</script>`,
}

// A banner is answered as a visitor would, wherever it is; what can't be refused without a doubt isn't refused.
func TestBanner_IsAnsweredWhereverItIs(t *testing.T) {
	pages := site{"cmp.localhost/": `<p>Dette site bruger cookies.</p><button onclick="parent.postMessage('Accepter alle','*')">Tillad alle</button><button onclick="parent.postMessage('Afvis alle','*')">Kun nødvendige cookies</button>`}
	for name, html := range strange {
		pages["shop.localhost/"+name] = html
	}
	v := pages.visit(t)
	for name := range strange {
		for role, want := range map[string]string{"reject": "Afvis alle", "accept": "Accepter alle"} {
			v.at(t, "http://shop.localhost/"+name)
			v.until(v.o.PageTimeout/4, func() bool { return v.tab.banner().Seen })
			got := v.respond(role)
			if name == "stubborn" && role == "reject" {
				if got != "" || v.tab.holds(`document.title == "wrong"`) {
					t.Errorf("%s: refused by %q", name, got)
				}
				continue
			}
			var title string
			_ = v.tab.inTop("document.title", &title)
			if got == "" || strings.HasPrefix(got, "autoconsent") || title != want {
				t.Errorf("%s: %s by %q led to %q", name, role, got, title)
			}
		}
	}
}

// at opens a page of the site.
func (v *visitor) at(t *testing.T, address string) {
	t.Helper()
	if err := v.tab.open(address); err != nil {
		t.Fatal(err)
	}
	if err := v.settle(); err != nil {
		t.Fatal(err)
	}
}

// inTop evaluates an expression in the page.
func (t *tab) inTop(expression string, out any) error {
	_, err := t.evaluate(runtime.EvaluateParams{Expression: expression}, out)
	return err
}

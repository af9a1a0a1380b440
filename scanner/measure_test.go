package scanner

import (
	"bytes"
	"context"
	"image/png"
	"slices"
	"strings"
	"testing"
	"time"

	"samtykke/scanner/evidence"
	"samtykke/scanner/evidence/evidencetest"
)

// planted is a banner whose sizes, colours and boxes are known.
const planted = `<style>body{margin:0;font:16px Arial;background:#fff}button{border:0;padding:0;font:16px Arial}</style><main style="height:3000px">Indhold</main>
<div id=cc role=dialog aria-label="Cookies" style="position:fixed;left:0;right:0;bottom:0;background:#222222;color:#fff;padding:20px">
<p>Vi bruger cookies til statistik og markedsføring, og vi deler oplysninger med vores partnere. Du kan altid ændre dit valg.</p>
<button id=a style="width:160px;height:48px;background:#0a7d32;color:#ffffff;font-weight:700" onclick="cc.remove()">Accepter alle</button>
<button id=r style="width:100px;height:20px;background:rgba(255,255,255,0);color:#777777;font-size:12px;outline:none" onclick="cc.remove()">Afvis alle</button>
<span id=s style="cursor:pointer;text-decoration:underline">Indstillinger</span>
<a href="/cookies">Cookiepolitik</a>
<label><input type=checkbox checked disabled>Nødvendige</label> <label><input type=checkbox checked>Statistik</label> <label><input type=checkbox>Markedsføring</label>
<button style="background:linear-gradient(red,blue);width:30px;height:30px" aria-label="Hjælp">?</button></div>`

func rulesOf(problems []evidence.Problem) []string {
	var list []string
	for _, p := range problems {
		list = append(list, p.Rule+" "+p.Element)
	}
	slices.Sort(list)
	return slices.Compact(list)
}

// S15, S16, S17, S22, S33: what a visitor sees is measured on the computed style.
func TestMeasure_TellsWhatIsSeen(t *testing.T) {
	v := site{"shop.localhost/": planted}.visit(t)
	v.at(t, "http://shop.localhost/")
	b := v.tab.measure(false)
	if b.Accept != "Accepter alle" || b.Reject != "Afvis alle" || b.Settings != "Indstillinger" || b.Clicks != 1 || b.Lang != "da" || !b.Partners || b.Wall {
		t.Errorf("%+v", b)
	}
	evidencetest.Equal(t, "purposes", b.Purposes, []string{"necessary", "statistics", "marketing"})
	if !strings.Contains(b.Text, "Vi bruger cookies til statistik") {
		t.Errorf("text %q", b.Text)
	}
	if len(b.Links) != 1 || b.Links[0] != (evidence.Link{Label: "Cookiepolitik", URL: "http://shop.localhost/cookies"}) {
		t.Errorf("links %v", b.Links)
	}
	want := []evidence.Box{
		{Label: "Nødvendige", Category: "necessary", Checked: true, Disabled: true},
		{Label: "Statistik", Category: "statistics", Checked: true},
		{Label: "Markedsføring", Category: "marketing"},
	}
	if !slices.Equal(b.Boxes, want) {
		t.Errorf("boxes %v", b.Boxes)
	}
	if len(b.Buttons) != 4 {
		t.Fatalf("buttons %+v", b.Buttons)
	}
	if want := (evidence.Button{
		Role: "accept", Label: "Accepter alle", Tag: "button", Width: 160, Height: 48, FontSize: 16, Bold: true, Colour: "#ffffff",
		Background: "#0a7d32", Around: "#222222", Contrast: 5.26, Stands: 3.02, Visible: true,
	}); b.Buttons[0] != want {
		t.Errorf("accept\n%+v, want\n%+v", b.Buttons[0], want)
	}
	if want := (evidence.Button{
		Role: "reject", Label: "Afvis alle", Tag: "button", Width: 100, Height: 20, FontSize: 12, Colour: "#777777",
		Background: "#222222", Around: "#222222", Contrast: 3.55, Stands: 1, Visible: true,
	}); b.Buttons[1] != want {
		t.Errorf("reject\n%+v, want\n%+v", b.Buttons[1], want)
	}
	if s := b.Buttons[2]; s.Role != "settings" || s.Tag != "span" {
		t.Errorf("settings %+v", s)
	}
	if h := b.Buttons[3]; h.Background != "" || h.Contrast != 0 || h.Stands != 0 {
		t.Errorf("nobody knows what stands on a gradient: %+v", h)
	}
	evidencetest.Equal(t, "problems", rulesOf(b.Problems), []string{"contrast Afvis alle", "contrast Cookiepolitik", "focus Afvis alle", "keyboard Indstillinger", "target Afvis alle"})
}

// A banner may be half transparent, hide the page, have no name, and be too large for a small screen.
func TestMeasure_SaysNothingOfWhatNobodyKnows(t *testing.T) {
	v := site{"shop.localhost/": `<style>html{overflow:hidden}body{margin:0}</style><main style="height:3000px">x</main>
<div style="position:fixed;inset:0;background:rgba(255,255,255,.5)"><div style="position:absolute;left:0;top:0;width:700px;height:600px;padding:10px">Vi bruger cookies.
<button style="position:absolute;left:450px;top:500px;background:rgba(0,0,0,.1)">Accepter alle</button><button tabindex=-1 style="position:absolute;left:450px;top:550px;background:#fff;color:#000"></button></div></div>`}.visit(t)
	v.at(t, "http://shop.localhost/")
	b := v.tab.measure(false)
	if !b.Wall || b.Clicks != 0 || len(b.Buttons) != 2 || b.Buttons[0].Background != "" || b.Buttons[0].Contrast != 0 || b.Buttons[1].Background != "#ffffff" {
		t.Errorf("%+v", b)
	}
	got := rulesOf(b.Problems)
	for _, want := range []string{"cut Accepter alle", "keyboard button", "name button", "role div", "target button"} {
		if !slices.Contains(got, want) {
			t.Errorf("no %q in %q", want, got)
		}
	}
}

// The second layer is opened, its boxes are read, both layers are pictured, and no button of it is pressed.
func TestInspect_OpensTheSecondLayer(t *testing.T) {
	r := site{
		"shop.localhost/": `<div id=cc style="position:fixed;bottom:0;background:#fff">Vi bruger cookies. <button onclick="store('1')">Accepter alle</button><button onclick="two.hidden=false">Indstillinger</button>
<div id=two hidden><label><input type=checkbox checked disabled>Nødvendige</label><label><input id=s type=checkbox checked>Statistik</label><button onclick="store(s.checked?1:0)">Gem valg</button></div></div>
<footer><a href="#" onclick="document.cookie='CookieConsent=;max-age=0;path=/';location.reload();return false">Skift samtykke</a> <a href=/cookies>Om cookies</a></footer>
<script>function store(x){document.cookie="CookieConsent="+x+";max-age=600;path=/;samesite=lax";cc.remove()}if(/CookieConsent/.test(document.cookie))cc.remove()</script>`,
		"shop.localhost/cookies": `Om cookies`,
	}.gather(t)
	none := r.State(evidence.StateNone)
	b := none.Visits[0].Banner
	if b.Clicks != 3 || b.Save != "Gem valg" || len(b.Boxes) != 2 || !b.Boxes[1].Checked || b.Boxes[1].Category != "statistics" {
		t.Errorf("%+v", b)
	}
	var layers []string
	for _, p := range none.Pictures {
		layers = append(layers, p.Device+" "+p.Layer)
		if c, err := png.DecodeConfig(bytes.NewReader(p.PNG)); err != nil || c.Width < 300 || len(p.PNG) > maxPicture {
			t.Errorf("%s: %v %v", p.Layer, c, err)
		}
	}
	evidencetest.Equal(t, "pictures", layers, []string{"desktop first", "desktop second"})
	reject := r.State(evidence.StateReject)
	if !reject.Done || reject.Tool != "Indstillinger → Gem valg" {
		t.Errorf("reject: %v by %q", reject.Done, reject.Tool)
	}
	if w := r.State(evidence.StateWithdraw); !w.Done || w.Tool != "Accepter alle" {
		t.Errorf("withdraw: %v by %q", w.Done, w.Tool)
	}
	last := reject.Visits[len(reject.Visits)-1]
	first := reject.Visits[0]
	if first.Lang != "da" || first.Reopen != "Skift samtykke" || first.Declares != "http://shop.localhost/cookies" || !last.Probed {
		t.Errorf("%+v", first)
	}
}

// Where there is nothing to press, the tool's documented interface withdraws.
func TestWithdraw_ByTheToolsInterface(t *testing.T) {
	v := site{"shop.localhost/": `Indhold <script>window.CookieInformation={declineAllCategories(){document.title="withdrawn"}}</script>`}.visit(t)
	v.at(t, "http://shop.localhost/")
	if !v.withdrawElsewhere() || !v.tab.holds(`document.title == "withdrawn"`) {
		t.Error("nothing was withdrawn")
	}
}

// gather scans a site and gives the evidence.
func (s site) gather(t *testing.T) *evidence.Site {
	t.Helper()
	t.Parallel()
	o := s.serve(t)
	o.PageTimeout = 8 * time.Second
	o.defaults()
	program, err := findBrowser("")
	if err != nil {
		t.Fatal(err)
	}
	start, _ := parseStart("http://shop.localhost/")
	c := &crawl{o: &o, program: program, start: start, pages: []string{start.String()}, refuse: func(context.Context, string) error { return nil }}
	if err := c.run(t.Context()); err != nil {
		t.Fatal(err)
	}
	return &c.evidence
}

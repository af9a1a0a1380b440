package scanner

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"samtykke/consent"
	"samtykke/scanner/evidence"
	"samtykke/scanner/evidence/evidencetest"
	"samtykke/scanner/recording"
)

// look records the start page of a site, as nobody touches it.
func (s site) look(t *testing.T, change func(*Options)) evidence.State {
	t.Helper()
	t.Parallel()
	o := s.serve(t)
	o.Quiet = time.Second // on a busy machine a worker takes its time to start
	if change != nil {
		change(&o)
	}
	o.defaults()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	program, err := findBrowser("")
	if err != nil {
		t.Fatal(err)
	}
	rec := recording.New(evidence.StateNone, o.Now)
	tb, end, err := openTab(ctx, program, &o, rec)
	if err != nil {
		t.Fatal(err)
	}
	defer end()
	if err := tb.open("http://shop.localhost/"); err != nil {
		t.Fatal(err)
	}
	v := visitor{crawl: &crawl{o: &o}, tab: tb}
	if err := v.settle(); err != nil {
		t.Fatal(err)
	}
	tb.snapshot()
	return rec.Evidence()
}

// S28: what tells browsers apart is counted by script; what every page does is not.
func TestHook_CountsWhatTellsBrowsersApart(t *testing.T) {
	s := site{
		"shop.localhost/": `<canvas id=c></canvas><script>
var x=c.getContext("2d");x.fillRect(0,0,9,9);c.toDataURL();x.measureText("a");navigator.language</script><script src="http://cdn.localhost/fp.js"></script>`,
		"cdn.localhost/fp.js": script(`var c=document.createElement("canvas"),x=c.getContext("2d");x.fillText("Cwm fjord",2,2);c.toDataURL();c.toDataURL();x.getImageData(0,0,1,1);x.getImageData(0,0,1,1)
for(var i=0;i<12;i++){x.font="10px f"+i;x.measureText("mm")}
new OfflineAudioContext(1,44100,44100).startRendering().catch(function(){})
var g=document.createElement("canvas").getContext("webgl");if(g)g.readPixels(0,0,1,1,g.RGBA,g.UNSIGNED_BYTE,new Uint8Array(4));else window.nogl=1
var p=new RTCPeerConnection();p.createDataChannel("");p.createOffer()
navigator.mediaDevices&&navigator.mediaDevices.enumerateDevices();navigator.plugins.length;navigator.getBattery&&navigator.getBattery()
var a=document.createElement("a");a.href="http://other.example/?gclid=secret&x=1&_gl=2";a.href="/side"`),
	}.look(t, nil)
	got := map[string]int{}
	for _, u := range s.Uses {
		if u.By != "http://cdn.localhost/fp.js" {
			t.Errorf("%s by %s", u.What, u.By)
		}
		got[u.What] = u.Count
		if u.What == "link-decoration" && !slices.Equal(u.Names, []string{"_gl", "gclid"}) {
			t.Errorf("decorated with %q", u.Names)
		}
	}
	for _, what := range []string{"canvas", "fonts", "audio", "webrtc", "devices", "battery", "link-decoration"} {
		if got[what] == 0 {
			t.Errorf("%s was not seen: %v", what, got)
		}
	}
	if got["canvas"] != 4 {
		t.Errorf("canvas was read %d times, want 4", got["canvas"])
	}
}

// S27: consent commands in their order among the requests, by whatever hand they come.
func TestHook_TellsConsentCommandsInTheirOrder(t *testing.T) {
	s := site{
		"shop.localhost/": `<script>window.dataLayer=window.dataLayer||[];function gtag(){dataLayer.push(arguments)}
gtag("consent","default",{ad_storage:"denied",analytics_storage:"denied",wait_for_update:500,region:["DK"],other:"granted"});gtag("js",new Date());
var s=document.createElement("script");s.src="http://www.googletagmanager.test/gtag/js?id=G-1";document.head.append(s);
gtag("consent","update",{analytics_storage:"granted"})</script>`,
		"www.googletagmanager.test/gtag/js": script(`dataLayer.push(["consent","update",{ad_storage:"granted"}]);fetch("http://www.googletagmanager.test/collect",{mode:"no-cors"})`),
		"www.googletagmanager.test/collect": setsCookie(""),
	}.look(t, nil)
	var got []string
	place := map[int]string{}
	for _, c := range s.Signals {
		place[c.Order] = fmt.Sprintf("%s %v %d", c.Command, c.Values, c.Wait)
	}
	for _, c := range s.Requests {
		place[c.Order] = strings.TrimPrefix(c.URL, "http://")
	}
	for i := 1; i <= len(place); i++ {
		got = append(got, place[i])
	}
	evidencetest.Equal(t, "order", got, []string{
		"shop.localhost/",
		"default map[ad_storage:denied analytics_storage:denied] 500",
		"www.googletagmanager.test/gtag/js",
		"update map[analytics_storage:granted] 0",
		"update map[ad_storage:granted] 0",
		"www.googletagmanager.test/collect",
	})
}

// Requests tell what led to them, what they carry along, and which of them nobody sees.
func TestRecorder_TellsWhatLedToARequest(t *testing.T) {
	s := site{
		"shop.localhost/":           `<script src="http://tags.localhost/manager.js"></script><img src="http://px.localhost/a.gif">`,
		"tags.localhost/manager.js": script(`var s=document.createElement("script");s.src="http://vendor.localhost/v.js";document.head.append(s)`),
		"vendor.localhost/v.js": script(`document.cookie="visitor=a81f0c93d2e74b56;max-age=60";
new Image().src="http://px.localhost/r?uid=a81f0c93d2e74b56&fbclid=abc&lang=da&dl="+encodeURIComponent(location.href);navigator.sendBeacon("http://px.localhost/b","x")`),
		"px.localhost/a.gif": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "image/gif")
			io.WriteString(w, "GIF89a"+strings.Repeat("x", 3000))
		},
		"px.localhost/r":     redirect("http://sync.localhost/end", ""),
		"sync.localhost/end": setsCookie("fr=abcdef1234567890; Max-Age=600; SameSite=None; Secure"),
		"px.localhost/b":     setsCookie(""),
	}.look(t, nil)
	calls := map[string]evidence.Call{}
	for _, c := range s.Requests {
		calls[strings.TrimPrefix(c.URL, "http://")] = c
	}
	end, hop := calls["sync.localhost/end"], calls["px.localhost/r"]
	evidencetest.Equal(t, "chain", end.Chain, []string{
		"http://px.localhost/r", "http://vendor.localhost/v.js", "http://shop.localhost/", "http://tags.localhost/manager.js",
	})
	evidencetest.Equal(t, "params", hop.Params, []string{"dl", "fbclid"})
	evidencetest.Equal(t, "carries", hop.Carries, []string{"visitor"})
	if hop.Status != 302 || end.Status != 200 || !end.Pixel || calls["px.localhost/a.gif"].Pixel {
		t.Errorf("%+v %+v", hop, end)
	}
	if b := calls["px.localhost/b"]; !b.Pixel || b.Type != "ping" || b.Method != "POST" {
		t.Errorf("beacon: %+v", b)
	}
	for _, w := range s.Writes {
		if w.Name == "visitor" {
			evidencetest.Equal(t, "stack", w.Stack, []string{"http://vendor.localhost/v.js"})
		}
		if w.Name == "fr" && (!slices.Equal(w.Chain, end.Chain) || w.Shape != "hex/16" || !w.Secure || w.SameSite != "None") {
			t.Errorf("%+v", w)
		}
	}
	if text := fmt.Sprintf("%+v", s); strings.Contains(text, "a81f0c93d2e74b56") || strings.Contains(text, "abcdef1234567890") {
		t.Error("a value is in the evidence")
	}
}

// What workers send is told like what the page sends, with what led to it.
func TestWorkers_AreListenedTo(t *testing.T) {
	s := site{
		"shop.localhost/":      `<script>new Worker("/w.js");new SharedWorker("/s.js");navigator.serviceWorker.register("/sw.js")</script>`,
		"shop.localhost/w.js":  script(`importScripts("http://cdn.localhost/lib.js");indexedDB.open("workbase")`),
		"cdn.localhost/lib.js": script(`fetch("http://a.localhost/w",{mode:"no-cors",credentials:"include"});new Worker("/n.js")`),
		"shop.localhost/n.js":  script(`fetch("http://a.localhost/n",{mode:"no-cors",credentials:"include"})`),
		"shop.localhost/s.js":  script(`fetch("http://a.localhost/s",{mode:"no-cors",credentials:"include"})`),
		"shop.localhost/sw.js": script(`oninstall=function(e){e.waitUntil(fetch("http://a.localhost/sw",{mode:"no-cors",credentials:"include"}))}`),
		"a.localhost/w":        setsCookie("w=1" + third), "a.localhost/n": setsCookie("n=1" + third),
		"a.localhost/s": setsCookie("s=1" + third), "a.localhost/sw": setsCookie("sw=1; Max-Age=600"),
	}.look(t, nil)
	got := map[string]int{}
	for _, c := range s.Requests {
		got[strings.TrimPrefix(c.URL, "http://")]++
	}
	for _, u := range []string{"w", "n", "s", "sw"} {
		if got["a.localhost/"+u] != 1 {
			t.Errorf("%s was told %d times of %v", u, got["a.localhost/"+u], got)
		}
	}
	names := map[string]bool{}
	for _, w := range s.Writes {
		names[w.Name+" "+w.Host] = true
		if w.Kind == consent.IndexedDB && w.By != "http://shop.localhost/w.js" {
			t.Errorf("workbase was opened by %q", w.By)
		}
	}
	for _, n := range []string{"w a.localhost", "n a.localhost", "sw a.localhost", "workbase shop.localhost", "/ shop.localhost"} {
		if !names[n] {
			t.Errorf("%s is not in %v", n, names)
		}
	}
}

// A page can't tell what is replaced from what is native, in frames and workers too.
func TestHook_LooksNative(t *testing.T) {
	const test = `
function strange(g){var bad=[];
["CanvasRenderingContext2D.measureText","HTMLCanvasElement.toDataURL","CacheStorage.open","IDBFactory.open","CookieStore.set","Storage.setItem","XMLHttpRequest.send","Navigator.sendBeacon","RTCPeerConnection.createOffer"].forEach(function(p){
 var t=g[p.split(".")[0]];if(!t)return;var n=p.split(".")[1],f=t.prototype[n],d=Object.getOwnPropertyDescriptor(t.prototype,n)
 if(f.toString()!="function "+n+"() { [native code] }"&&f.toString()!="function () { [native code] }"||f.name!=n||"prototype" in f||Object.getOwnPropertyNames(f).sort()!="length,name"||!d.writable||!d.enumerable||!d.configurable)bad.push(p+f)
 try{new f();bad.push(p+" is a constructor")}catch(e){if(e.name!="TypeError")bad.push(p+e)}
 try{f.call(null)}catch(e){if(/hook|BINDING|Object.apply/.test(e.stack))bad.push(p+e.stack)}
});
Object.getOwnPropertyNames(g).forEach(function(n){if(/^b[a-z0-9]{20,}$/.test(n)||n=="dataLayer")bad.push(n)})
if(g.Error.stackTraceLimit!==10)bad.push("limit");return bad.join()}`
	s := site{
		"shop.localhost/":     `<iframe id=f></iframe><script>` + test + `;var x=strange(window)+strange(f.contentWindow);function tell(x){document.cookie=encodeURIComponent(x).slice(0,500)+"=1"}if(x)tell("page:"+x);new Worker("/w.js").onmessage=function(e){tell("worker:"+e.data)}</script>`,
		"shop.localhost/w.js": script(test + `;postMessage(strange(self))`),
	}
	r := s.look(t, nil)
	var got []string
	for _, st := range r.Snapshots[0].Items {
		got = append(got, st.Name)
	}
	if !slices.Equal(got, []string{"worker%3A"}) {
		t.Errorf("%q", got)
	}
}

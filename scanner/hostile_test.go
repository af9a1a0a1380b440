package scanner

import (
	"crypto/sha1"
	"encoding/base64"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"samtykke/scanner/evidence"
)

// hostileTruth is what the hostile site stores, and where a browser refuses it: kind, name and host as they are told in a
// report, and the first letters of the states: none, reject, accept, withdraw, gpc.
const hostileTruth = `
cookie sid shop.localhost nrawg
cookie CookieConsent shop.localhost raw
cookie bounce bounce.localhost nrawg
cookie landed shop.localhost nrawg
cookie hop1 ads.localhost nrawg
cookie hop2 stats.localhost nrawg
cookie picture ads.localhost nrawg
cookie strict-lax px.tracker.example nrawg tried
cookie sheet cdn.shop.localhost nrawg
cookie sheetimage ads.localhost nrawg
cookie typeface shop.localhost nrawg
cookie fetched stats.localhost nrawg
cookie xhr stats.localhost nrawg
cookie module shop.localhost nrawg
cookie worked stats.localhost nrawg
cookie nested ads.localhost nrawg
indexedDB workbase shop.localhost nrawg
cookie shared ads.localhost nrawg
cacheStorage sharedcache shop.localhost nrawg
serviceWorker /tjeneste/ shop.localhost nrawg
cacheStorage offline shop.localhost nrawg
cookie serviced stats.localhost nrawg
cookie upgraded shop.localhost nrawg
cookie beacon stats.localhost nrawg
cookie beaconbye stats.localhost nrawg
cookie written shop.localhost nrawg
cookie wide shop.localhost nrawg
cookie store shop.localhost nrawg
cookie subfolder shop.localhost nrawg
cookie odd[name] shop.localhost nrawg
cookie __Host-safe shop.localhost nrawg
localStorage called shop.localhost nrawg
localStorage assigned shop.localhost nrawg
localStorage indexed shop.localhost nrawg
sessionStorage sessioncalled shop.localhost nrawg
sessionStorage sessionassigned shop.localhost nrawg
indexedDB base shop.localhost nrawg
cacheStorage cache shop.localhost nrawg
localStorage framed video.localhost nrawg
cookie framecookie video.localhost nrawg
cookie deep ads.localhost nrawg
localStorage deepstore ads.localhost nrawg
localStorage gone stats.localhost nrawg
sessionStorage gonesession stats.localhost nrawg
indexedDB gonebase stats.localhost nrawg
cookie gonecookie stats.localhost nrawg
localStorage srcdoc shop.localhost nrawg
cookie srcdoccookie shop.localhost nrawg
localStorage blank shop.localhost nrawg
cookie javascripted shop.localhost nrawg
cookie late shop.localhost nrawg
localStorage latestore shop.localhost nrawg
cookie strictcsp shop.localhost nrawg
cookie parted ads.localhost nrawg
cookie visitor shop.localhost nrawg
cookie failed shop.localhost nrawg
cookie looping shop.localhost nrawg
cookie download shop.localhost nrawg
cookie alarmed shop.localhost nrawg
cookie ring shop.localhost nrawg
cookie hanging cdn.shop.localhost nrawg
cookie metafresh shop.localhost nrawg
cookie refreshed shop.localhost nrawg
cookie object ads.localhost nrawg
cookie video video.localhost nrawg
cookie preloaded ads.localhost nrawg
cookie prefetched stats.localhost nrawg
cookie _ga shop.localhost aw
cookie IDE ads.localhost aw
localStorage profile ads.localhost aw
localStorage visning shop.localhost aw
cookie scrolled shop.localhost aw
`

// hostileHosts are the third parties that every state has to tell of; those behind the answer only accept.
var hostileHosts = map[string]string{
	"bounce.localhost": "nrawg", "ads.localhost": "nrawg", "stats.localhost": "nrawg", "video.localhost": "nrawg", "px.tracker.example": "nrawg",
	"consent-only.localhost": "a",
}

// gate is the banner of the hostile site: yes() runs what is held once there is a yes.
const gate = `<script>var held=[];function yes(f){held.push(f);if(/CookieConsent=ja/.test(document.cookie))f()}
function onYes(){held.forEach(function(f){f()})}</script>`

const third = "; Max-Age=86400; Path=/; SameSite=None; Secure"

// hostile is a site of 30 pages that store by every means and misbehave in every way, each means on a page of its own.
func hostile(hang <-chan struct{}) site {
	s := site{}
	page := func(path, body string) { s["shop.localhost"+path] = gate + body + banner }
	s["shop.localhost/"] = func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Add("Set-Cookie", "sid=0123456789abcdef0123456789abcdef; Path=/; HttpOnly; SameSite=Lax")
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		fmt.Fprint(w, `<!doctype html><html lang=da><title>x</title><link rel=icon href=data:,>`+gate)
		for _, p := range hostilePages {
			fmt.Fprintf(w, "<a href=%s>%s</a> ", p, p)
		}
		fmt.Fprint(w, `<script>yes(function(){var i=new Image();i.src="http://consent-only.localhost/p.gif";document.cookie="_ga=GA1.1.123456789.987654321;max-age=63072000;path=/"})</script>`+banner)
	}
	s["consent-only.localhost/p.gif"] = setsCookie("")
	set := func(address, line string) { s[address] = setsCookie(line) }

	s["shop.localhost/omvej"] = redirect("http://bounce.localhost/r", "")
	s["bounce.localhost/r"] = redirect("http://shop.localhost/landet", "bounce=1; Max-Age=86400; Path=/")
	page("/landet", `<script>document.cookie="landed=1;max-age=60"</script>`)

	page("/billeder", `<img src="http://ads.localhost/hop"><img src="http://ads.localhost/picture.gif"><img src="http://px.tracker.example/p.gif">`)
	s["ads.localhost/hop"] = redirect("http://stats.localhost/hop", "hop1=1"+third)
	set("stats.localhost/hop", "hop2=1"+third)
	set("ads.localhost/picture.gif", "picture=1"+third)
	set("px.tracker.example/p.gif", "strict-lax=1; Max-Age=60; SameSite=Lax")

	page("/udseende", `<link rel=stylesheet href="http://cdn.shop.localhost/a.css"><p style="font-family:f">abc</p><div id=bg>x</div>`)
	s["cdn.shop.localhost/a.css"] = answer("text/css", "sheet=1; Max-Age=60", `@font-face{font-family:f;src:url(http://shop.localhost/f.woff2)}#bg{background:url(http://ads.localhost/bg.gif)}`)
	set("ads.localhost/bg.gif", "sheetimage=1"+third)
	set("shop.localhost/f.woff2", "typeface=1; Max-Age=60")

	page("/hent-data", `<script>fetch("http://stats.localhost/fetch",{credentials:"include"});fetch("http://stats.localhost/anonymous");
var x=new XMLHttpRequest();x.open("POST","http://stats.localhost/xhr");x.withCredentials=true;x.setRequestHeader("X-Own","1");x.send("{}")</script><script type=module src="http://cdn.shop.localhost/m.js"></script>`)
	s["stats.localhost/fetch"] = shared("fetched=1" + third)
	s["stats.localhost/anonymous"] = shared("anonymous=1" + third)
	s["stats.localhost/xhr"] = shared("xhr=1" + third)
	s["cdn.shop.localhost/m.js"] = shared("module=1; Max-Age=60; Domain=shop.localhost")

	page("/arbejder", `<script>new Worker("/w.js")</script>`)
	s["shop.localhost/w.js"] = script(`fetch("http://stats.localhost/worked",{credentials:"include"});indexedDB.open("workbase");new Worker("/w2.js")`)
	s["shop.localhost/w2.js"] = script(`fetch("http://ads.localhost/nested",{credentials:"include"})`)
	s["stats.localhost/worked"] = shared("worked=1" + third)
	s["ads.localhost/nested"] = shared("nested=1" + third)
	page("/delt", `<script>new SharedWorker("/s.js")</script>`)
	s["shop.localhost/s.js"] = script(`fetch("http://ads.localhost/shared",{credentials:"include"});caches.open("sharedcache")`)
	s["ads.localhost/shared"] = shared("shared=1" + third)
	page("/tjeneste", `<script>navigator.serviceWorker.register("/tjeneste/sw.js")</script>`)
	s["shop.localhost/tjeneste/sw.js"] = script(`oninstall=function(e){e.waitUntil(Promise.all([caches.open("offline"),fetch("http://stats.localhost/serviced",{credentials:"include"})]))}`)
	s["stats.localhost/serviced"] = shared("serviced=1" + third)

	page("/stik", `<script>new WebSocket("ws://shop.localhost/ws")</script>`)
	s["shop.localhost/ws"] = upgrade
	page("/signal", `<script>navigator.sendBeacon("http://stats.localhost/b","x");addEventListener("pagehide",function(){navigator.sendBeacon("http://stats.localhost/bye","x")})</script>`)
	s["stats.localhost/b"] = shared("beacon=1" + third)
	s["stats.localhost/bye"] = shared("beaconbye=1" + third)

	page("/script", `<script src="http://cdn.shop.localhost/c.js"></script>`)
	s["cdn.shop.localhost/c.js"] = script(`document.cookie="written=1;max-age=60";document.cookie="wide=1;domain=shop.localhost;max-age=60";cookieStore.set({name:"store",value:"1",expires:Date.now()+86400000});
document.cookie="subfolder=1;path=/script;max-age=60";document.cookie="odd[name]=a=b;max-age=60";document.cookie="__Host-safe=1;secure;path=/;max-age=60";
document.cookie="__Host-wrong=1;max-age=60";document.cookie="foreign=1;domain=other.example";document.cookie="probe=1";document.cookie="probe=;max-age=0"`)
	page("/lager", `<script>localStorage.setItem("called","1");localStorage.assigned="1";localStorage["indexed"]="1";sessionStorage.setItem("sessioncalled","1");sessionStorage.sessionassigned="1";
localStorage.setItem("probe","1");localStorage.removeItem("probe");sessionStorage.probe2="1";delete sessionStorage.probe2</script>`)
	page("/databaser", `<script>indexedDB.open("base");caches.open("cache");var r=indexedDB.open("probebase");r.onsuccess=function(){r.result.close();indexedDB.deleteDatabase("probebase")};caches.open("probecache").then(function(){caches.delete("probecache")})</script>`)

	page("/rammer", `<iframe src="http://video.localhost/film"></iframe><iframe id=weg src="http://stats.localhost/weg"></iframe><script>onmessage=function(){weg.remove()}</script>`)
	s["video.localhost/film"] = `<script>localStorage.framed="1";document.cookie="framecookie=1` + third + `"</script><iframe src="http://ads.localhost/deep"></iframe>`
	s["ads.localhost/deep"] = `<script>localStorage.setItem("deepstore","1");document.cookie="deep=1` + third + `"</script>`
	s["stats.localhost/weg"] = `<script>localStorage.gone="1";sessionStorage.setItem("gonesession","1");document.cookie="gonecookie=1` + third + `";indexedDB.open("gonebase").onsuccess=function(){parent.postMessage("done","*")}</script>`
	page("/tomme-rammer", `<iframe srcdoc="<script>localStorage.setItem('srcdoc','1');document.cookie='srcdoccookie=1;max-age=60'</script>"></iframe><iframe id=b></iframe>
<iframe sandbox=allow-scripts srcdoc="<script>try{localStorage.sandboxed='1'}catch(e){}try{document.cookie='sandboxed=1'}catch(e){}</script>"></iframe>
<iframe src="javascript:document.cookie='javascripted=1;max-age=60';1"></iframe><script>b.contentWindow.localStorage.setItem("blank","1")</script>`)
	page("/sent", `<script>setTimeout(function(){document.cookie="late=1;max-age=60";localStorage.latestore="1"},200)</script>`)
	s["shop.localhost/streng"] = func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Security-Policy", "default-src 'none'; script-src 'nonce-abc'; require-trusted-types-for 'script'")
		answer("text/html", "", `<!doctype html><title>x</title><script nonce=abc>document.cookie="strictcsp=1;max-age=60"</script>`)(w, nil)
	}
	page("/skel", `<img src="http://ads.localhost/parted.gif">`)
	set("ads.localhost/parted.gif", "parted=1; Max-Age=600; SameSite=None; Secure; Partitioned; Path=/")
	page("/synk", `<script>document.cookie="visitor=a81f0c93d2e74b56;max-age=60";new Image().src="http://stats.localhost/sync?uid=a81f0c93d2e74b56&dl="+encodeURIComponent(location.href)</script>`)
	set("stats.localhost/sync", "")
	page("/indlejret", `<object data="http://ads.localhost/o.gif" type=image/gif></object><video src="http://video.localhost/v.mp4" preload=auto></video>
<link rel=preload as=image href="http://ads.localhost/pre.gif"><link rel=prefetch href="http://stats.localhost/next">`)
	set("ads.localhost/o.gif", "object=1"+third)
	set("video.localhost/v.mp4", "video=1"+third)
	set("ads.localhost/pre.gif", "preloaded=1"+third)
	set("stats.localhost/next", "prefetched=1"+third)

	s["shop.localhost/haenger"] = func(_ http.ResponseWriter, r *http.Request) { wait(hang, r) }
	page("/haengende-del", `<img src="http://cdn.shop.localhost/slow">`)
	s["cdn.shop.localhost/slow"] = func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Set-Cookie", "hanging=1; Max-Age=60")
		w.Header().Set("Content-Type", "image/gif")
		w.(http.Flusher).Flush()
		wait(hang, r)
	}
	s["shop.localhost/fejl"] = func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Set-Cookie", "failed=1; Max-Age=60")
		http.Error(w, "i stykker", http.StatusInternalServerError)
	}
	page("/loekke", `<script>document.cookie="looping=1;max-age=60";while(true){}</script>`)
	s["shop.localhost/filen"] = func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Disposition", "attachment; filename=x.bin")
		answer("application/octet-stream", "download=1; Max-Age=60", "x")(w, nil)
	}
	page("/alarm", `<script>onbeforeunload=function(){return "bliv"};alert("1");confirm("2");prompt("3");document.cookie="alarmed=1;max-age=60"</script>`)
	s["shop.localhost/ring"] = redirect("http://shop.localhost/ring", "ring=1; Max-Age=60")
	page("/videre", `<meta http-equiv=refresh content="0;url=/fremme"><script>document.cookie="metafresh=1;max-age=60"</script>`)
	page("/fremme", `<script>document.cookie="refreshed=1;max-age=60"</script>`)
	page("/ja", `<div style="height:4000px">x</div><script>yes(function(){var f=document.createElement("iframe");f.src="http://ads.localhost/profile";document.body.append(f);localStorage.visning="1";
addEventListener("scroll",function(){document.cookie="scrolled=1;max-age=60"})})</script>`)
	s["ads.localhost/profile"] = answer("text/html", "IDE=1"+third, `<script>localStorage.profile="1"</script>`)
	return s
}

var hostilePages = strings.Fields(`/omvej /billeder /udseende /hent-data /arbejder /delt /tjeneste /stik /signal /script /lager /databaser /rammer /tomme-rammer
/sent /streng /skel /synk /indlejret /haenger /haengende-del /fejl /loekke /filen /alarm /ring /videre /ja`)

func wait(hang <-chan struct{}, r *http.Request) {
	select {
	case <-hang:
	case <-r.Context().Done():
	}
}

func answer(kind, line, body string) func(http.ResponseWriter, *http.Request) {
	return func(w http.ResponseWriter, _ *http.Request) {
		if line != "" {
			w.Header().Set("Set-Cookie", line)
		}
		w.Header().Set("Content-Type", kind)
		io.WriteString(w, body)
	}
}

func redirect(to, line string) func(http.ResponseWriter, *http.Request) {
	return func(w http.ResponseWriter, r *http.Request) {
		if line != "" {
			w.Header().Set("Set-Cookie", line)
		}
		http.Redirect(w, r, to, http.StatusFound)
	}
}

// shared answers other sites, with credentials.
func shared(line string) func(http.ResponseWriter, *http.Request) {
	return func(w http.ResponseWriter, r *http.Request) {
		if origin := r.Header.Get("Origin"); origin != "" {
			w.Header().Set("Access-Control-Allow-Origin", origin)
		}
		w.Header().Set("Access-Control-Allow-Credentials", "true")
		w.Header().Set("Access-Control-Allow-Headers", "x-own")
		answer("text/javascript", line, "")(w, r)
	}
}

// upgrade answers a WebSocket with a cookie.
func upgrade(w http.ResponseWriter, r *http.Request) {
	sum := sha1.Sum([]byte(r.Header.Get("Sec-WebSocket-Key") + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"))
	conn, _, err := w.(http.Hijacker).Hijack()
	if err != nil {
		return
	}
	defer conn.Close()
	fmt.Fprintf(conn, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: %s\r\nSet-Cookie: upgraded=1; Max-Age=60\r\n\r\n",
		base64.StdEncoding.EncodeToString(sum[:]))
	time.Sleep(100 * time.Millisecond) // a moment's connection, as the page sees it
}

var letters = map[string]string{evidence.StateNone: "n", evidence.StateReject: "r", evidence.StateAccept: "a", evidence.StateWithdraw: "w", evidence.StateGPC: "g"}

// At least 98 % of what each state of a hostile site stores is found, and nothing is invented.
func TestScan_HostileSite(t *testing.T) {
	if testing.Short() {
		t.Skip("takes a minute")
	}
	hang := make(chan struct{})
	t.Cleanup(func() { close(hang) })
	r := hostile(hang).scan(t, func(o *Options) { o.Pages, o.PageTimeout = len(hostilePages)+1, 4*time.Second })

	reached := ""
	for _, s := range r.States {
		if s.Done {
			reached += letters[s.State]
		}
	}
	want, got := map[string]bool{}, map[string]bool{}
	for line := range strings.Lines(strings.TrimSpace(hostileTruth)) {
		f := strings.Fields(line)
		for _, state := range f[3] {
			if strings.ContainsRune(reached, state) {
				want[strings.Join(slices.Concat(f[:3], f[4:]), " ")+" in "+string(state)] = true
			}
		}
	}
	for _, it := range r.Items {
		tried := ""
		if it.Tried {
			tried = " tried"
		}
		for _, s := range it.States {
			got[fmt.Sprintf("%s %s %s%s in %s", it.Kind, it.Name, strings.TrimPrefix(it.Host, "."), tried, letters[s])] = true
		}
	}
	for host, in := range hostileHosts {
		for _, state := range in {
			if strings.ContainsRune(reached, state) {
				want["request to "+host+" in "+string(state)] = true
			}
		}
	}
	for _, q := range r.Requests {
		got["request to "+q.Host+" in "+letters[q.State]] = true
	}
	judgeTruth(t, want, got)
}

func judgeTruth(t *testing.T, want, got map[string]bool) {
	t.Helper()
	found := 0
	for w := range want {
		if got[w] {
			found++
		} else {
			t.Log("missing: " + w)
		}
	}
	for g := range got {
		if !want[g] {
			t.Error("invented: " + g)
		}
	}
	if share := float64(found) / float64(max(len(want), 1)); share < .98 {
		t.Errorf("%d of %d found: %.1f %%", found, len(want), 100*share)
	} else {
		t.Logf("%d of %d found: %.1f %%", found, len(want), 100*share)
	}
}

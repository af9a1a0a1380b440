package scanner

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"samtykke/scanner/evidence"
	"samtykke/scanner/guard"
	"samtykke/scanner/guard/guardtest"
)

// way is one means by which a page may have the browser ask an address. In html, URL is the trap's address, STREAM the
// port of a trap for connections, PACKETS that of one for UDP. What is done with it stands alone on the page.
type way struct {
	name, html string
	rare       bool // nothing comes of it, or not each time, even where everything is allowed: it shows no more than that it stays so
}

// within are ways that leave the page where it is.
var within = []way{
	{name: "image", html: `<img src="URL">`},
	{name: "srcset", html: `<img srcset="URL 1x">`},
	{name: "picture", html: `<picture><source srcset="URL"><img></picture>`},
	{name: "input-image", html: `<input type=image src="URL">`},
	{name: "background-attribute", html: `<table background="URL"><tr><td>x</table>`},
	{name: "svg-image", html: `<svg><image href="URL"/></svg>`},
	{name: "poster", html: `<video poster="URL"></video>`},
	{name: "image-redirected", html: `<img src="/to?URL">`},
	{name: "image-redirected-twice", html: `<img src="/to?/to?URL">`},
	{name: "script-redirected", html: `<script src="/to?URL"></script>`},
	{name: "script", html: `<script src="URL"></script>`},
	{name: "module-script", html: `<script type=module src="URL"></script>`},
	{name: "module-import", html: `<script type=module>import "URL"</script>`},
	{name: "module-dynamic", html: `<script>import("URL")</script>`},
	{name: "document-write", html: `<script>document.write('<img src="URL">')</script>`},
	{name: "stylesheet", html: `<link rel=stylesheet href="URL">`},
	{name: "css-import", html: `<style>@import url("URL");</style>`},
	{name: "css-url", html: `<style>.css-url{background:url("URL")}</style><p class=css-url>x`},
	{name: "css-content", html: `<style>.css-content::before{content:url("URL")}</style><p class=css-content>x`},
	{name: "font", html: `<style>@font-face{font-family:ff;src:url("URL")}</style><p style="font-family:ff">x`},
	{name: "preload", html: `<link rel=preload as=image href="URL">`},
	{name: "module-preload-script", html: `<link rel=modulepreload href="URL">`},
	{name: "prefetch", html: `<link rel=prefetch href="URL">`},
	{name: "icon", html: `<link rel=icon href="URL">`, rare: true},
	{name: "manifest", html: `<link rel=manifest href="URL">`, rare: true},
	{name: "dns-prefetch", html: `<link rel=dns-prefetch href="URL">`, rare: true},
	{name: "preconnect", html: `<link rel=preconnect href="https://inside.example:STREAM">`, rare: true},
	{name: "speculation", html: `<script type=speculationrules>{"prefetch":[{"source":"list","urls":["URL"]}],"prerender":[{"source":"list","urls":["URL"]}]}</script>`, rare: true},
	{name: "link-header", html: `<iframe src="/header?URL"></iframe>`},
	{name: "frame", html: `<iframe src="URL"></iframe>`},
	{name: "nested-frame", html: `<iframe src="/page?<iframe src='URL'></iframe>"></iframe>`},
	{name: "srcdoc", html: `<iframe srcdoc="<img src='URL'>"></iframe>`},
	{name: "sandboxed-frame", html: `<iframe sandbox src="URL"></iframe>`},
	{name: "data-frame", html: `<iframe src="data:text/html,<img src='URL'>"></iframe>`},
	{name: "blob-frame", html: `<iframe id=bf></iframe><script>bf.src=self.URL.createObjectURL(new Blob(["<img src='URL'>"],{type:"text/html"}))</script>`},
	{name: "frame-set-by-script", html: `<iframe id=fs></iframe><script>fs.contentWindow.location="URL"</script>`},
	{name: "frame-meta-refresh", html: `<iframe src="/page?<meta http-equiv=refresh content='0;url=URL'>"></iframe>`},
	{name: "frame-location", html: `<iframe src="/page?<script>location='URL'</script>"></iframe>`},
	{name: "frame-form-post", html: `<iframe src="/page?<form method=post action='URL'></form><script>document.forms[0].submit()</script>"></iframe>`},
	{name: "frame-redirected", html: `<iframe src="/to?URL"></iframe>`},
	{name: "frame-refresh-header", html: `<iframe src="/refresh?URL"></iframe>`},
	{name: "object", html: `<object data="URL"></object>`},
	{name: "embed", html: `<embed src="URL">`},
	{name: "video", html: `<video src="URL" preload=auto></video>`},
	{name: "audio", html: `<audio src="URL" preload=auto></audio>`},
	{name: "track", html: `<video src="/none" crossorigin><track default src="URL"></video>`},
	{name: "fetch", html: `<script>fetch("URL").catch(()=>0)</script>`},
	{name: "fetch-no-cors", html: `<script>fetch("URL",{mode:"no-cors"}).catch(()=>0)</script>`},
	{name: "fetch-put", html: `<script>fetch("URL",{method:"PUT",body:"x",headers:{"X-Own":"1"}}).catch(()=>0)</script>`},
	{name: "fetch-keepalive", html: `<script>fetch("URL",{keepalive:true,mode:"no-cors"}).catch(()=>0)</script>`},
	{name: "fetch-redirected", html: `<script>fetch("/to?URL",{mode:"no-cors"}).catch(()=>0)</script>`},
	{name: "fetch-307-post", html: `<script>fetch("/to307?URL",{method:"POST",body:"x",mode:"no-cors"}).catch(()=>0)</script>`},
	{name: "xhr", html: `<script>var x=new XMLHttpRequest();x.open("GET","URL");x.send()</script>`},
	{name: "beacon", html: `<script>navigator.sendBeacon("URL","x")</script>`},
	{name: "ping", html: `<a id=pg href="#x" ping="URL">x</a><script>pg.click()</script>`},
	{name: "event-source", html: `<script>new EventSource("URL")</script>`},
	{name: "websocket", html: `<script>new WebSocket("ws://inside.example:STREAM/")</script>`},
	{name: "secure-websocket", html: `<script>new WebSocket("wss://127.0.0.1:STREAM/")</script>`},
	{name: "https", html: `<img src="https://inside.example:STREAM/">`},
	{name: "https-address", html: `<img src="https://127.0.0.1:STREAM/">`},
	{name: "worker-fetch", html: `<script>new Worker(self.URL.createObjectURL(new Blob(["fetch('URL').catch(()=>0)"])))</script>`},
	{name: "worker-import-script", html: `<script>new Worker(self.URL.createObjectURL(new Blob(["importScripts('URL')"])))</script>`},
	{name: "shared-worker", html: `<script>new SharedWorker("/fetcher?URL")</script>`},
	{name: "service-worker", html: `<script>navigator.serviceWorker.register("/fetcher?URL",{scope:"/sw/"})</script>`},
	{name: "worklet-module", html: `<script>CSS.paintWorklet.addModule("URL")</script>`},
	{name: "csp-report", html: `<iframe src="/csp?URL"></iframe>`},
	{name: "xslt", html: `<iframe src="/xslt?URL"></iframe>`, rare: true},
	{name: "stun", html: `<script>var pc=new RTCPeerConnection({iceServers:[{urls:"stun:127.0.0.1:PACKETS"}]});pc.createDataChannel("x");pc.createOffer().then(o=>pc.setLocalDescription(o))</script>`, rare: true},
	{name: "turn-udp", html: `<script>var pd=new RTCPeerConnection({iceServers:[{urls:"turn:127.0.0.1:PACKETS",username:"a",credential:"b"}]});pd.createDataChannel("x");pd.createOffer().then(o=>pd.setLocalDescription(o))</script>`, rare: true},
	{name: "turn-tcp", html: `<script>var pt=new RTCPeerConnection({iceServers:[{urls:"turn:127.0.0.1:STREAM?transport=tcp",username:"a",credential:"b"}]});pt.createDataChannel("x");pt.createOffer().then(o=>pt.setLocalDescription(o))</script>`},
	{name: "web-transport", html: `<script>new WebTransport("https://127.0.0.1:PACKETS/").ready.catch(()=>0)</script>`, rare: true},
}

// leaving are ways that take the page itself with them.
var leaving = []way{
	{name: "document-301", html: "/to301?URL"},
	{name: "document-302", html: "/to?URL"},
	{name: "document-303", html: "/to303?URL"},
	{name: "document-307", html: "/to307?URL"},
	{name: "document-308", html: "/to308?URL"},
	{name: "meta-refresh", html: `/page?<meta http-equiv=refresh content="0;url=URL">`},
	{name: "location", html: `/page?<script>location.href="URL"</script>`},
	{name: "form-post", html: `/page?<form method=post action="URL"><input name=a></form><script>document.forms[0].submit()</script>`},
	{name: "window-open", html: `/page?<div style="height:5000px"></div><script>addEventListener("scroll",()=>open("URL"),{once:true})</script>`, rare: true},
	{name: "link-blank", html: `/page?<a id=a target=_blank href="URL">x</a><div style="height:5000px"></div><script>addEventListener("scroll",()=>a.click(),{once:true})</script>`},
	{name: "download", html: `/page?<a id=a download href="URL">x</a><script>a.click()</script>`},
	{name: "user-in-front", html: `/page?<script>location="URL".replace("://","://shop.localhost@")</script>`},
	{name: "file", html: `/page?<iframe src="file:///etc/hostname"></iframe><script>location="file:///etc/hostname"</script>`, rare: true},
	{name: "file-redirect", html: "/to?file:///etc/hostname", rare: true},
	{name: "chrome", html: `/page?<iframe src="chrome://version"></iframe><script>open("chrome://version");location="view-source:URL"</script>`, rare: true},
}

// lay builds the fixture: its pages, and what answers with the traps' addresses.
func lay(p *guardtest.Trap) http.Handler {
	fill := func(w way) string {
		const kept = "self.URL.createObjectURL"
		s := strings.ReplaceAll(w.html, kept, "\x00")
		s = strings.ReplaceAll(s, "URL", "http://inside.example:"+p.Port+"/"+w.name)
		if strings.Contains(s, "STREAM") {
			s = strings.ReplaceAll(s, "STREAM", p.Stream(w.name))
		}
		if strings.Contains(s, "PACKETS") {
			s = strings.ReplaceAll(s, "PACKETS", p.Packets(w.name))
		}
		return strings.ReplaceAll(s, "\x00", kept)
	}
	escape := func(address string) string { return strings.ReplaceAll(address, `"`, "&quot;") }
	var start, all, pictures bytes.Buffer
	for _, w := range within {
		fmt.Fprintf(&all, "%s\n", fill(w))
	}
	for i, f := range guardtest.Forms {
		fmt.Fprintf(&pictures, "<img src=\"http://%s:%s/form-%d\">\n", f, p.Port, i)
	}
	start.WriteString(`<a href=/within>x</a><a href=/forms>x</a>`)
	for _, w := range leaving {
		fmt.Fprintf(&start, "<a href=\"%s\">x</a>\n", escape(fill(w)))
	}
	mux := http.NewServeMux()
	page := func(path, body string) {
		mux.HandleFunc(path, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/html; charset=utf-8")
			fmt.Fprintf(w, "<!doctype html><title>x</title>%s", body)
		})
	}
	page("/{$}", start.String())
	page("/within", all.String())
	page("/forms", pictures.String())
	said := func(r *http.Request) string {
		return strings.NewReplacer("%20", " ", "%22", `"`, "%27", "'", "%3C", "<", "%3E", ">").Replace(r.URL.RawQuery)
	}
	for path, status := range map[string]int{"/to": 302, "/to301": 301, "/to303": 303, "/to307": 307, "/to308": 308} {
		mux.HandleFunc(path, func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Access-Control-Allow-Origin", "*")
			w.Header().Set("Location", said(r))
			w.WriteHeader(status)
		})
	}
	mux.HandleFunc("/page", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		fmt.Fprint(w, said(r))
	})
	header := func(path, name, value, kind, body string) {
		mux.HandleFunc(path, func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", kind)
			if name != "" {
				w.Header().Set(name, strings.ReplaceAll(value, "URL", said(r)))
			}
			fmt.Fprint(w, strings.ReplaceAll(body, "URL", said(r)))
		})
	}
	header("/header", "Link", "<URL>; rel=preload; as=image", "text/html", "x")
	header("/refresh", "Refresh", "0; url=URL", "text/html", "x")
	header("/csp", "Content-Security-Policy", "default-src 'none'; report-uri URL", "text/html", `<img src="/none.gif">`)
	header("/xslt", "", "", "text/xml", `<?xml version="1.0"?><?xml-stylesheet type="text/xsl" href="URL"?><x/>`)
	header("/fetcher", "", "", "text/javascript", `fetch("URL",{mode:"no-cors"}).catch(()=>0)`)
	for _, name := range []string{"robots.txt", "sitemap.xml"} {
		mux.Handle("/"+name, http.RedirectHandler("http://inside.example:"+p.Port+"/"+name, http.StatusFound))
	}
	return mux
}

func scanTrap(t *testing.T, p *guardtest.Trap, private bool) {
	t.Helper()
	o := Options{AllowPrivate: private, Pages: len(leaving) + 3, Device: evidence.Desktop, Wait: time.Second, PageTimeout: 15 * time.Second}
	w := guardtest.Imagine(t, lay(p), guardtest.Names)
	o.MapHosts = w.Hosts
	o.guard = guard.New(o.AllowPrivate, o.MapHosts, o.Pages)
	o.guard.Lookup, o.guard.Dialer = w.Lookup, w.Dial
	ctx, cancel := context.WithTimeout(t.Context(), 4*time.Minute)
	defer cancel()
	e := scanned(t, ctx, o)
	for _, v := range e.States[0].Visits {
		if strings.HasPrefix(v.Final, "file:") || strings.HasPrefix(v.Final, "chrome:") {
			t.Errorf("a page led to %s", v.Final)
		}
	}
	if !private {
		checkRefused(t, e)
	}
}

func scanned(t *testing.T, ctx context.Context, o Options) evidence.Site {
	t.Helper()
	o.defaults()
	program, err := findBrowser("")
	if err != nil {
		t.Fatal(err)
	}
	start, _ := parseStart("http://shop.localhost/")
	c := &crawl{o: &o, refuse: o.guard.Refuse, program: program, start: start, pages: []string{start.String()}}
	if err := c.run(ctx); err != nil {
		t.Fatal(err)
	}
	return c.evidence
}

// The report names what was refused, and pages that led inside say so.
func checkRefused(t *testing.T, e evidence.Site) {
	t.Helper()
	s := e.States[0]
	for _, host := range []string{"127.0.0.1", "::1", "inside.example", "both.example", "localhost", "deep.down.localhost"} {
		if !slices.Contains(s.Refused, host) {
			t.Errorf("%s is not told as refused: %q", host, s.Refused)
		}
	}
	if slices.Contains(s.Refused, "shop.localhost") {
		t.Errorf("the site itself is told as refused: %q", s.Refused)
	}
	said := 0
	for _, v := range s.Visits {
		if strings.Contains(v.Error, "inside.example is on this machine or in a private network") {
			said++
		}
	}
	if said < 5 {
		t.Errorf("%d pages say that they led inside: %+v", said, s.Visits)
	}
	for _, c := range s.Requests {
		if host := evidence.HostOf(c.URL); host != "shop.localhost" && c.Status != 0 {
			t.Errorf("something answered for %s: %+v", host, c)
		}
	}
}

// SSRF: no request of a scan reaches an address inside, whichever way a page takes.
func TestGuard_NoWayLeadsInside(t *testing.T) {
	t.Parallel()
	p := guardtest.NewTrap(t)
	scanTrap(t, p, false)
	for _, way := range p.Caught() {
		t.Errorf("%s led inside %d times", way, p.Hits[way])
	}
}

// The same ways do lead inside where that is allowed: the test above can fail.
func TestGuard_AllWaysLeadInsideWhereAllowed(t *testing.T) {
	if testing.Short() {
		t.Skip("the control of another test")
	}
	t.Parallel()
	p := guardtest.NewTrap(t)
	scanTrap(t, p, true)
	caught := p.Caught()
	for _, w := range slices.Concat(within, leaving) {
		if !w.rare && !slices.Contains(caught, w.name) {
			t.Errorf("%s was not reached", w.name)
		}
	}
	for i, f := range guardtest.Forms {
		if !slices.Contains(caught, fmt.Sprintf("form-%d", i)) {
			t.Errorf("%s was not reached", f)
		}
	}
	for _, name := range []string{"robots.txt", "sitemap.xml"} {
		if !slices.Contains(caught, name) {
			t.Errorf("%s was not reached", name)
		}
	}
	t.Logf("%d ways", len(within)+len(leaving)+len(guardtest.Forms)+2)
}

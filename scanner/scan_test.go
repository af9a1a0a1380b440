package scanner

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"samtykke/scanner/evidence"
	"samtykke/scanner/evidence/evidencetest"
	"samtykke/scanner/judgement"
)

// banner is a small consent tool as other people write them: it asks until CookieConsent is set, and loads what is
// held when the answer is yes.
const banner = `<div id=cc style="position:fixed;bottom:0;background:#eee;padding:20px" hidden>Vi bruger cookies til statistik og markedsføring.
<button onclick="answer('ja')">Accepter alle</button><button onclick="answer('nej')">Afvis alle</button></div>
<footer><button onclick="cc.hidden=false">Skift samtykke</button></footer>
<script>
var got=(document.cookie.match(/CookieConsent=(\w+)/)||[])[1]
function start(){ if(window.onYes) onYes() }
function answer(a){ document.cookie="CookieConsent="+a+";max-age=31536000;path=/;samesite=lax"; cc.hidden=true; if(a=="ja"){start()} else if(window.onNo) onNo() }
if(!got) cc.hidden=false; else if(got=="ja") start()
</script>`

// fair is the same tool as it should be: it says for what and with whom, gives each purpose its own choice, has two buttons
// that look alike and a name, and leads to the declaration.
const fair = `<style>#cc button{min-width:160px;min-height:44px;font:16px Arial;color:#fff;background:#146;border:0}#cc button:focus-visible{outline:3px solid #c60}</style>
<div id=cc role=dialog aria-label=Cookies style="position:fixed;bottom:0;background:#fff;color:#222;padding:10px" hidden>
<p>Vi bruger cookies til præferencer, statistik og markedsføring, og tredjeparter sætter nogle af dem.</p>
<label><input type=checkbox>Præferencer</label> <label><input type=checkbox>Statistik</label> <label><input type=checkbox>Markedsføring</label>
<button onclick="answer('ja')">Accepter alle</button> <button onclick="answer('nej')">Afvis alle</button></div>
<footer><button onclick="cc.hidden=false">Skift samtykke</button> <a href=/cookies>Cookiedeklaration</a></footer>
<script>
var got=(document.cookie.match(/CookieConsent=(\w+)/)||[])[1]
function start(){ if(window.onYes) onYes() }
function answer(a){ document.cookie="CookieConsent="+a+";max-age=31536000;path=/;samesite=lax;secure"; cc.hidden=true; if(a=="ja"){start()} else if(window.onNo) onNo() }
if(!got) cc.hidden=false; else if(got=="ja") start()
</script>`

// site is a fixture: host and path, answered by HTML or by a handler.
type site map[string]any

func (s site) scan(t *testing.T, change func(*Options)) judgement.Report {
	t.Helper()
	r, err := s.try(t, change)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func (s site) try(t *testing.T, change func(*Options)) (judgement.Report, error) {
	t.Helper()
	t.Parallel()
	o := s.serve(t)
	if change != nil {
		change(&o)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()
	return Scan(ctx, "http://shop.localhost/", o)
}

// serve starts the fixture and gives the options to scan it with.
func (s site) serve(t testing.TB) Options {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch answer := s[r.Host+r.URL.Path].(type) {
		case string:
			w.Header().Set("Content-Type", "text/html; charset=utf-8")
			fmt.Fprintf(w, "<!doctype html><html lang=da><title>x</title><link rel=icon href=data:,>%s", answer)
		case func(http.ResponseWriter, *http.Request):
			answer(w, r)
		default:
			http.NotFound(w, r)
		}
	}))
	t.Cleanup(server.Close)
	addr := strings.TrimPrefix(server.URL, "http://")
	o := Options{
		AllowPrivate: true, Quiet: 250 * time.Millisecond, Wait: 1250 * time.Millisecond, PageTimeout: 20 * time.Second, MapHosts: map[string]string{},
		Progress: func(p Progress) { t.Log(time.Now().Format("05.000"), p) },
	}
	for path := range s {
		host, _, _ := strings.Cut(path, "/")
		o.MapHosts[host] = addr
	}
	return o
}

// setsCookie answers a request with a cookie and a transparent pixel.
func setsCookie(line string) func(http.ResponseWriter, *http.Request) {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Add("Set-Cookie", line)
		w.Header().Set("Content-Type", "image/gif")
		io.WriteString(w, "GIF89a\x01\x00\x01\x00\x80\x00\x00\x00\x00\x00\x00\x00\x00!\xf9\x04\x01\x00\x00\x00\x00,\x00\x00\x00\x00\x01\x00\x01\x00\x00\x02\x02D\x01\x00;")
	}
}

func script(text string) func(http.ResponseWriter, *http.Request) {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/javascript")
		io.WriteString(w, text)
	}
}

// told is the gist of an item for comparing.
func told(items []judgement.Item) []string {
	var list []string
	for _, it := range items {
		in := slices.DeleteFunc(slices.Clone(it.States), func(s string) bool { return s == evidence.StateGPC }) // mostly as in none
		line := fmt.Sprintf("%s %s %s %s %s [%s]", it.Party, it.Kind, it.Name, strings.TrimPrefix(it.Host, "."), it.Category, strings.Join(in, " "))
		if it.LeftBehind {
			line += " left"
		}
		if it.SetAgain {
			line += " again"
		}
		if it.Tried {
			line += " tried"
		}
		list = append(list, line)
	}
	return list
}

func TestScan_WellBehavedSite(t *testing.T) {
	r := site{
		"shop.localhost/": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Add("Set-Cookie", "PHPSESSID=abc; Path=/; HttpOnly; SameSite=Lax")
			w.Header().Set("Content-Type", "text/html; charset=utf-8")
			io.WriteString(w, `<!doctype html><title>x</title><link rel=icon href=data:,><a href="/side?x=1#top">side</a><a href="/logout">ud</a><a href="http://other.localhost/">x</a>
<script>function onYes(){var s=document.createElement("script");s.src="http://vendor.localhost/a.js";document.head.append(s)}
function onNo(){document.cookie="_pk_id.1=;max-age=0;path=/";localStorage.removeItem("visning")}</script>`+fair)
		},
		"shop.localhost/side":    `<script>function onYes(){var f=document.createElement("iframe");f.src="http://vendor.localhost/frame";document.body.append(f)}</script>` + fair,
		"shop.localhost/cookies": `<h1>Cookies</h1>` + fair,
		"vendor.localhost/a.js": script(`document.cookie="_pk_id.1=x;max-age=34128000;path=/;samesite=lax;secure";localStorage.setItem("visning","1");localStorage.setItem("probe","1");localStorage.removeItem("probe");
new Image().src="http://vendor.localhost/p.gif"`),
		"vendor.localhost/p.gif": setsCookie("IDE=1; Max-Age=31536000; SameSite=None; Secure"),
		"vendor.localhost/frame": `<script>localStorage.setItem("yt-remote-device-id","1")</script>film`,
	}.scan(t, nil)
	evidencetest.Equal(t, "items", told(r.Items), []string{
		"first cookie CookieConsent shop.localhost necessary [reject accept withdraw]",
		"first cookie PHPSESSID shop.localhost necessary [none reject accept withdraw] again",
		"first cookie _pk_id.1 shop.localhost statistics [accept]",
		"first localStorage visning shop.localhost preferences [accept]",
		"third cookie IDE vendor.localhost marketing [accept withdraw] left",
		"third localStorage yt-remote-device-id vendor.localhost marketing [accept withdraw] left",
	})
	evidencetest.Equal(t, "findings", evidencetest.Codes(r.Findings), nil)
	for _, q := range r.Requests {
		if q.State != evidence.StateAccept {
			t.Errorf("third party without consent: %+v", q)
		}
	}
}

// notice only tells; there is nothing in it that refuses.
const notice = `<div style="position:fixed;bottom:0">Vi bruger cookies. <button>Forstået</button></div>`

// S1, S2, S3, S14: what a site does before anybody answers, by every way of storing.
func TestScan_LeaksBeforeConsent(t *testing.T) {
	r := site{
		"shop.localhost/": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Add("Set-Cookie", "_fbp=fb.1; Max-Age=7776000; HttpOnly; SameSite=Lax")
			w.Header().Set("Content-Type", "text/html; charset=utf-8")
			io.WriteString(w, `<!doctype html><title>x</title><link rel=icon href=data:,>`+notice+`
<script src="http://vendor.localhost/a.js"></script><iframe src="http://vendor.localhost/frame"></iframe>
<script>localStorage.direct="1"; indexedDB.open("base"); caches.open("cache"); sessionStorage.setItem("once","1"); navigator.serviceWorker.register("/sw.js")</script>`)
		},
		"shop.localhost/sw.js": script(``),
		"vendor.localhost/a.js": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Add("Set-Cookie", "refused=1; Max-Age=60") // third party without SameSite=None
			w.Header().Add("Set-Cookie", "parted=1; Max-Age=600; SameSite=None; Secure; Partitioned; Path=/")
			w.Header().Add("Set-Cookie", "wrong=1; Domain=elsewhere.example") // no browser would keep it
			script(`document.cookie="_ga=x;max-age=63072000;path=/;samesite=lax";document.cookie="_tld=1;max-age=60";document.cookie="_tld=;max-age=0"`)(w, nil)
		},
		"vendor.localhost/frame": func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "http://video.localhost/film", http.StatusFound)
		},
		"video.localhost/film": `<script>localStorage.setItem("fh_kvalitet","hd");document.cookie="fh_seer=1;max-age=1000;samesite=none;secure"</script>`,
	}.scan(t, nil)
	evidencetest.Equal(t, "items", told(r.Items), []string{
		"first cacheStorage cache shop.localhost unclassified [none]",
		"first cookie _fbp shop.localhost marketing [none]",
		"first cookie _ga shop.localhost statistics [none]",
		"first indexedDB base shop.localhost unclassified [none]",
		"first localStorage direct shop.localhost preferences [none]",
		"first serviceWorker / shop.localhost unclassified [none]",
		"first sessionStorage once shop.localhost unclassified [none]",
		"third cookie parted vendor.localhost unclassified [none]",
		"third cookie refused vendor.localhost unclassified [none] tried",
		"third cookie fh_seer video.localhost marketing [none]",
		"third localStorage fh_kvalitet video.localhost marketing [none]",
	})
	evidencetest.Equal(t, "findings", evidencetest.Codes(r.Findings), []string{
		"a11y-role", "a11y-target", "all-or-nothing", "cookie-before-consent", "gpc-ignored", "insecure-cookie", "lifetime-too-long",
		"no-reject-first-layer", "storage-before-consent", "thirdparty-request-before-consent", "unclassified",
	})
	for _, it := range r.Items {
		by := map[string]string{
			"_fbp": "http://shop.localhost/", "_ga": "http://vendor.localhost/a.js", "parted": "http://vendor.localhost/a.js",
			"fh_kvalitet": "http://video.localhost/film", "base": "http://shop.localhost/", "once": "http://shop.localhost/",
		}[it.Name]
		if by != "" && it.SetBy != by || it.HTTPOnly != (it.Name == "_fbp") || it.Partitioned != (it.Name == "parted") {
			t.Errorf("%s: set by %q, HttpOnly %v, partitioned %v", it.Name, it.SetBy, it.HTTPOnly, it.Partitioned)
		}
		if it.Name == "_ga" && it.LifetimeS != 63072000 {
			t.Errorf("_ga lasts %d s", it.LifetimeS)
		}
	}
}

// S4, S24: a refusal that is not respected, and is forgotten.
func TestScan_LeaksAfterReject(t *testing.T) {
	r := site{
		"shop.localhost/": `<a href=/to>to</a><div id=cc style="position:fixed;bottom:0">Vi bruger cookies.<button onclick="cc.remove()">Accepter alle</button>
<button onclick="cc.remove();document.cookie='_ga=1;max-age=60;samesite=lax'">Afvis alle</button></div>`,
		"shop.localhost/to":     `ingen<script src="http://vendor.localhost/a.js"></script>`,
		"vendor.localhost/a.js": script(`if(/_ga/.test(document.cookie))localStorage.setItem("fh_kvalitet","1")`),
	}.scan(t, nil)
	evidencetest.Equal(t, "items", told(r.Items), []string{
		"first cookie _ga shop.localhost statistics [reject]",
		"first localStorage fh_kvalitet shop.localhost marketing [reject]",
	})
	evidencetest.Equal(t, "findings", evidencetest.Codes(r.Findings), []string{
		"a11y-role", "a11y-target", "all-or-nothing", "banner-missing-on-subpage", "insecure-cookie", "no-declaration-link", "no-withdraw-link",
		"reprompt-after-reject", "set-after-reject", "thirdparty-request-before-consent",
	})
}

// S5: the site's own cookie stays and the vendor is asked again after the withdrawal; what only lies in the
// vendor's storage is told and is no finding by itself.
func TestScan_StaysActiveAfterWithdrawal(t *testing.T) {
	r := site{
		"shop.localhost/": `<script>function onYes(){var s=document.createElement("script");s.src="http://vendor.localhost/a.js";document.head.append(s)}
function onNo(){document.cookie="yt=1"}</script>` + banner + `<script>if(/_ga/.test(document.cookie))new Image().src="http://vendor.localhost/again.gif"</script>`,
		"vendor.localhost/a.js": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Add("Set-Cookie", "IDE=1; Max-Age=600; SameSite=None; Secure")
			script(`document.cookie="_ga=1;max-age=600;samesite=lax"`)(w, nil)
		},
		"vendor.localhost/again.gif": setsCookie("fr=1; Max-Age=600; SameSite=None; Secure; HttpOnly"),
	}.scan(t, func(o *Options) { o.Pages = 1 })
	var evidence []string
	for _, f := range r.Findings {
		if f.Code == "still-active-after-withdraw" {
			evidence = f.Subjects
		}
	}
	evidencetest.Equal(t, "subjects of S5", evidence, []string{
		"cookie _ga shop.localhost", "cookie fr vendor.localhost", "cookie yt shop.localhost", "request vendor.localhost",
	})
	for _, it := range r.Items {
		if it.Name == "IDE" && (!it.LeftBehind || it.SetAgain) {
			t.Errorf("IDE: %+v", it)
		}
	}
}

func TestScan_PagesThatFailDontStopIt(t *testing.T) {
	hang := make(chan struct{})
	t.Cleanup(func() { close(hang) })
	r := site{
		"shop.localhost/": func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "http://www.shop.localhost/forside", http.StatusFound)
		},
		"www.shop.localhost/forside": `<a href=/haenger>1</a><a href=/fejl>2</a><a href=/fil.pdf>3</a><a href=/hent>4</a><a href=/loekke>8</a><a href=/sej>5</a><a href=/god#a>6</a><a href=/god#b>7</a>`,
		"www.shop.localhost/haenger": func(_ http.ResponseWriter, r *http.Request) {
			select {
			case <-hang:
			case <-r.Context().Done():
			}
		},
		"www.shop.localhost/fejl": func(w http.ResponseWriter, _ *http.Request) {
			http.Error(w, "i stykker", http.StatusInternalServerError)
		},
		"www.shop.localhost/hent": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Disposition", "attachment; filename=x.bin")
			io.WriteString(w, "x")
		},
		"www.shop.localhost/sej": func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "text/html")
			io.WriteString(w, `<script>alert("stop")</script><img src=/haenger><script>document.cookie="_ga=1;max-age=60"</script>`)
		},
		"www.shop.localhost/loekke": `<script>document.cookie="_pk_id=1;max-age=60";while(true){}</script>`,
		"www.shop.localhost/god":    `<script>document.cookie="_gid=1;max-age=60"</script>`,
	}.scan(t, func(o *Options) { o.Pages, o.PageTimeout = 10, 3*time.Second })
	var pages []string
	for _, p := range r.Pages {
		if p.State == evidence.StateGPC || p.Device == evidence.Mobile {
			continue
		}
		pages = append(pages, strings.TrimSpace(fmt.Sprintf("%s %d %s", p.URL, p.Status, p.Error)))
	}
	evidencetest.Equal(t, "pages", pages, []string{
		"http://shop.localhost/ 200",
		"http://www.shop.localhost/haenger 0 no answer within 3s",
		"http://www.shop.localhost/fejl 500 HTTP status 500",
		"http://www.shop.localhost/hent 200 a download, not a page",
		"http://www.shop.localhost/loekke 200 a script of the page came to no end",
		"http://www.shop.localhost/sej 200 still loading after 3s",
		"http://www.shop.localhost/god 200",
	})
	if r.URL != "http://www.shop.localhost/forside" {
		t.Errorf("start page %s", r.URL)
	}
	evidencetest.Equal(t, "items", told(r.Items), []string{
		"first cookie _ga www.shop.localhost statistics [none]",
		"first cookie _gid www.shop.localhost statistics [none]",
		"first cookie _pk_id www.shop.localhost statistics [none]",
	})
	evidencetest.Equal(t, "findings", evidencetest.Codes(r.Findings), []string{"cookie-before-consent", "gpc-ignored", "insecure-cookie", "no-banner"})
}

// The product's own banner, played by its documented hooks: an open shadow root and window.samtykke. Only real
// clicks count, and the banner's own host may be asked before consent. For the real one see own_test.go.
func TestScan_AnswersTheProductsOwnBanner(t *testing.T) {
	r := site{
		"shop.localhost/": `<script src="http://consent.example/s/abcdefgh.js"></script>`,
		"consent.example/s/abcdefgh.js": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Samtykke-Notice", "abc")
			script(`addEventListener("DOMContentLoaded",function(){
var host=document.createElement("div"),root=host.attachShadow({mode:"open"});host.id="samtykke";document.body.append(host)
root.innerHTML='<div id=banner style="position:fixed;bottom:0"><slot></slot></div>'
host.innerHTML='<button id=accept>Accepter alle</button><button id=reject>Afvis alle</button>'
var b=root.getElementById("banner"), save=function(v){document.cookie="samtykke="+v+";max-age=31536000;path=/;samesite=lax";b.hidden=true;b.style.display="none"}
if(/samtykke=/.test(document.cookie)) b.style.display="none"
host.querySelector("#accept").onclick=function(e){if(e.isTrusted){save("a");document.cookie="_tl_id=1;max-age=60;path=/;samesite=lax"}}
host.querySelector("#reject").onclick=function(e){if(e.isTrusted)save("r")}
window.samtykke={withdraw:function(){document.cookie="_tl_id=;max-age=0;path=/";save("w");return Promise.resolve()}}})`)(w, nil)
		},
	}.scan(t, nil)
	evidencetest.Equal(t, "items", told(r.Items), []string{
		"first cookie _tl_id shop.localhost statistics [accept]",
		"first cookie samtykke shop.localhost necessary [reject accept withdraw]",
	})
	evidencetest.Equal(t, "findings", evidencetest.Codes(r.Findings), []string{"a11y-role", "a11y-target", "insecure-cookie", "no-declaration-link", "no-withdraw-link"})
	if r.Tool != "samtykke" {
		t.Errorf("answered with %q", r.Tool)
	}
	for _, s := range r.States {
		if !s.Done {
			t.Errorf("state %s was not reached", s.State)
		}
	}
}

func TestScan_EndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	s := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		cancel()
		<-r.Context().Done()
	}))
	defer s.Close()
	if _, err := Scan(ctx, s.URL, Options{AllowPrivate: true}); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
}

// A page can't tell that it is watched: no name is left, functions look native, and its own idea of stack traces
// stays, without hiding from the scan who set what.
func TestScan_CannotBeNoticedByThePage(t *testing.T) {
	r := site{
		"shop.localhost/": `<script>
Error.prepareStackTrace=function(){window.asked=true;return "https://false.example/x.js:1:1"}
document.cookie="_ga=1;max-age=60"
var native=Object.getOwnPropertyDescriptor(Document.prototype,"cookie").set.toString()+Storage.prototype.setItem+IDBFactory.prototype.open
var own=Object.getOwnPropertyNames(window).filter(function(n){return /^b[a-z0-9]{20,}$/.test(n)})
if(window.asked||own.length||native.split("[native code]").length!=4||navigator.webdriver) document.cookie="noticed="+own
</script>`,
	}.scan(t, nil)
	evidencetest.Equal(t, "items", told(r.Items), []string{"first cookie _ga shop.localhost statistics [none]"})
	if len(r.Items) > 0 && r.Items[0].SetBy != "http://shop.localhost/" {
		t.Errorf("set by %q", r.Items[0].SetBy)
	}
}

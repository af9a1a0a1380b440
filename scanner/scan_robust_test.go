package scanner

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"

	"samtykke/consent"
	"samtykke/scanner/evidence"
	"samtykke/scanner/judgement"
)

// pagesIn tells how each page of a state went.
func pagesIn(r judgement.Report, state string) map[string]string {
	went := map[string]string{}
	for _, p := range r.Pages {
		if p.State == state {
			went[strings.TrimPrefix(p.URL, "http://shop.localhost")] = p.Error
		}
	}
	return went
}

func itemNamed(r judgement.Report, name string) *judgement.Item {
	for i := range r.Items {
		if r.Items[i].Name == name {
			return &r.Items[i]
		}
	}
	return nil
}

// hang keeps a request waiting until the test is over.
func hang(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }

// Whatever a page does, the scan goes on, tells what went wrong, and sees what was stored.
func TestScan_SurvivesHostilePages(t *testing.T) {
	many := strings.Builder{}
	for i := range 10000 {
		fmt.Fprintf(&many, "<a href=/mange/%d/side>x</a>", i)
	}
	pages := map[string]struct {
		answer any
		fails  string // part of the page's error; "" for none
	}{
		"/krop": {func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "text/html")
			io.WriteString(w, `<p>begyndt<script>document.cookie="krop=1"</script>`+strings.Repeat(" ", 4096))
			w.(http.Flusher).Flush()
			hang(w, r)
		}, "still loading"},
		"/hoved":    {hang, "no answer"},
		"/dialog":   {`<script>alert(1);confirm(2);prompt(3);print();document.cookie="dialog=1"</script>`, ""},
		"/bliv":     {`<body onclick=1><script>addEventListener("beforeunload",e=>{e.preventDefault();e.returnValue="x"});document.cookie="bliv=1"</script>`, ""},
		"/vindue":   {`<script>addEventListener("scroll",()=>open("/popup"),{once:true})</script><div style="height:5000px">`, ""},
		"/faneblad": {`<a id=a target=_blank rel=noopener href=/popup2></a><script>addEventListener("scroll",()=>a.click(),{once:true})</script><div style="height:5000px">`, ""},
		"/ring":     {http.RedirectHandler("/ring", http.StatusFound).ServeHTTP, "ERR_TOO_MANY_REDIRECTS"},
		"/fejl":     {http.NotFound, "HTTP status 404"},
		"/adgang": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("WWW-Authenticate", `Basic realm="x"`)
			w.WriteHeader(401)
		}, "ERR_INVALID_AUTH_CREDENTIALS"},
		"/opdater":    {`<meta http-equiv=refresh content="0;url=/opdateret"><script>document.cookie="opdater=1"</script>`, ""},
		"/historie":   {`<script>for(let i=0;i<50;i++)history.pushState({}, "", "/historie?"+i);location.hash="x";document.cookie="historie=1"</script>`, ""},
		"/endeloes":   {`<div style="height:3000px"></div><script>addEventListener("scroll",()=>{let d=document.createElement("div");d.style.height="3000px";document.body.append(d);document.cookie="endeloes=1"})</script>`, ""},
		"/mange":      {many.String(), ""},
		"/stor":       {`<script>document.cookie="stor=1"</script>` + strings.Repeat("<p>lorem ipsum</p>", 20000), ""},
		"/tilladelse": {`<script>Notification.requestPermission().catch(()=>0);navigator.geolocation.getCurrentPosition(()=>0);document.cookie="tilladelse=1"</script>`, ""},
		"/arbejder":   {`<script>navigator.serviceWorker.register("/haengende.js").catch(()=>0);document.cookie="arbejder=1"</script>`, ""},
		"/certifikat": {nil, ""},
	}
	secure := httptest.NewTLSServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	t.Cleanup(secure.Close)
	pages["/certifikat"] = struct {
		answer any
		fails  string
	}{http.RedirectHandler(secure.URL, http.StatusFound).ServeHTTP, "ERR_CERT_AUTHORITY_INVALID"}
	s := site{
		"shop.localhost/popup":         withCookies(`<script>localStorage.vindue=1</script>vindue`, "popup=1; Max-Age=60"),
		"shop.localhost/popup2":        withCookies(`vindue`, "popup2=1; Max-Age=60"),
		"shop.localhost/opdateret":     `<script>document.cookie="opdateret=1"</script>`,
		"shop.localhost/haengende.js":  script(`oninstall=e=>e.waitUntil(new Promise(()=>0))`),
		"shop.localhost/robots.txt":    sends("User-agent: *\nDisallow: /mange/\n"),
		"shop.localhost/faldgrube/dyb": `dyb`,
	}
	links := strings.Builder{}
	for path, p := range pages {
		switch a := p.answer.(type) {
		case func(http.ResponseWriter, *http.Request):
			s["shop.localhost"+path] = a
		default:
			s["shop.localhost"+path] = a
		}
		fmt.Fprintf(&links, "<a href=%s>x</a>", path)
	}
	s["shop.localhost/"] = links.String()
	r := s.scan(t, func(o *Options) { o.Pages, o.PageTimeout, o.Device = len(pages)+1, 8*time.Second, evidence.Desktop })
	for _, state := range []string{evidence.StateNone, evidence.StateGPC} {
		went := pagesIn(r, state)
		for path, p := range pages {
			err, ok := went[path]
			if !ok || !strings.Contains(err, p.fails) || p.fails == "" && err != "" {
				t.Errorf("%s %s: visited %v, error %q, want %q", state, path, ok, err, p.fails)
			}
		}
	}
	for _, name := range []string{
		"krop", "dialog", "bliv", "popup", "popup2", "vindue", "opdater", "opdateret", "historie", "endeloes", "stor", "tilladelse", "arbejder",
	} {
		it := itemNamed(r, name)
		if it == nil || !slices.Equal(it.States, []string{evidence.StateNone, evidence.StateGPC}) {
			t.Errorf("%s: %+v", name, it)
		}
	}
	if it := itemNamed(r, "popup"); it != nil && !slices.Contains(it.Pages, "http://shop.localhost/vindue") {
		t.Errorf("the window was opened on %v", it.Pages)
	}
}

// A page that takes its tab down is told of, and the next page is visited in a new one. Nothing stored is lost.
func TestVisitor_GoesOnAfterACrash(t *testing.T) {
	t.Parallel()
	v := visiting(t, site{
		"shop.localhost/":        withCookies(`<title>x</title>`, "foer=1"),
		"shop.localhost/ned":     `<img src=/haenger>`,
		"shop.localhost/haenger": hang,
		"shop.localhost/to":      withCookies(`<script>document.cookie="efter="+document.cookie.includes("foer")</script>`),
	})
	v.visit("http://shop.localhost/")
	crashing := v.tab
	go func() {
		for crashing.rec.Visit().Status == 0 || crashing.rec.At() != "http://shop.localhost/ned" {
			time.Sleep(time.Millisecond)
		}
		_, _ = chromedp.Call(crashing.ctx, page.Crash, cdp.Empty{})
	}()
	down, next := v.visit("http://shop.localhost/ned"), v.visit("http://shop.localhost/to")
	if down.Error != "the page crashed its tab" || next.Error != "" || v.tab == crashing {
		t.Errorf("%+v, then %+v", down, next)
	}
	s := v.stay.gathered(evidence.StateNone)
	last := s.Snapshots[len(s.Snapshots)-1]
	if len(s.Visits) != 3 || len(last.Items) != 2 {
		t.Errorf("%+v holds %+v", s.Visits, last.Items)
	}
}

// visiting gives a visitor in a browser of its own.
func visiting(t *testing.T, s site) *visitor {
	t.Helper()
	o := s.serve(t)
	o.defaults()
	program, err := findBrowser("")
	if err != nil {
		t.Fatal(err)
	}
	start, _ := parseStart("http://shop.localhost/")
	c := &crawl{o: &o, program: program, start: start, pages: []string{start.String()}, refuse: func(context.Context, string) error { return nil }, tabs: newPool(4)}
	t.Cleanup(c.quit)
	b, err := c.chromium(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	p, err := b.newProfile(manner{})
	if err != nil {
		t.Fatal(err)
	}
	v := &visitor{crawl: c, state: evidence.StateGPC, stay: &stay{profile: p, ctx: t.Context()}}
	if v.tab, err = v.newTab(false); err != nil {
		t.Fatal(err)
	}
	return v
}

// A browser that ends is started again and the state begins anew; one that ends again and again fails the scan.
func TestScan_StartsABrowserThatEndedAgain(t *testing.T) {
	for _, c := range []struct {
		name  string
		kills int32
		fails bool
	}{{"once", 1, false}, {"always", 99, true}} {
		t.Run(c.name, func(t *testing.T) {
			var crawled atomic.Pointer[crawl]
			var kills atomic.Int32
			kills.Store(c.kills)
			s := site{
				"shop.localhost/": `<a href=/to>x</a><script>document.cookie="start=1"</script>`,
				"shop.localhost/to": func(w http.ResponseWriter, _ *http.Request) {
					if kills.Add(-1) >= 0 {
						b := crawled.Load()
						_ = chromedp.FromContext(b.browser.ctx).Browser.Process().Kill()
					}
					io.WriteString(w, "to")
				},
			}
			o := s.serve(t)
			o.Device = evidence.Desktop
			o.defaults()
			program, err := findBrowser("")
			if err != nil {
				t.Fatal(err)
			}
			start, _ := parseStart("http://shop.localhost/")
			k := &crawl{o: &o, program: program, start: start, pages: []string{start.String()}, refuse: func(context.Context, string) error { return nil }}
			crawled.Store(k)
			err = k.run(t.Context())
			var told *consent.Error
			if c.fails && (!errors.As(err, &told) || told.Code != "browser_failed") || !c.fails && err != nil {
				t.Fatalf("%v", err)
			}
			if !c.fails && len(k.evidence.State(evidence.StateNone).Visits) != 2 {
				t.Errorf("%+v", k.evidence.State(evidence.StateNone).Visits)
			}
		})
	}
}

// An interrupted scan goes on with the states that are missing, and visits the same pages.
func TestScan_GoesOnWhereItWasInterrupted(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	loads := map[string]int{}
	count := func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		loads[r.URL.Path+" "+r.Header.Get("Sec-GPC")]++
		mu.Unlock()
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		fmt.Fprintf(w, "<link rel=icon href=data:,><a href=/%d>x</a><script>document.cookie='c=1'</script>", len(r.URL.Path))
	}
	o := site{"shop.localhost/": count, "shop.localhost/1": count, "shop.localhost/2": count}.serve(t)
	o.Resume, o.Device = filepath.Join(t.TempDir(), "scan"), evidence.Desktop
	ctx, cancel := context.WithCancel(t.Context())
	o.Progress = func(p Progress) {
		if p.State == evidence.StateGPC || p.Device == evidence.Mobile {
			cancel()
		}
	}
	if _, err := Scan(ctx, "http://shop.localhost/", o); !errors.Is(err, context.Canceled) {
		t.Fatalf("%v", err)
	}
	other := o
	other.Pages = 17
	for _, try := range []struct {
		address string
		o       Options
	}{{"http://shop.localhost/", other}, {"http://shop.localhost/2", o}} {
		var told *consent.Error
		if _, err := Scan(t.Context(), try.address, try.o); !errors.As(err, &told) || told.Code != "bad_resume" {
			t.Errorf("%s %d: %v", try.address, try.o.Pages, err)
		}
	}
	mu.Lock()
	before := loads["/ "]
	mu.Unlock()
	o.Progress = nil
	r, err := Scan(t.Context(), "http://shop.localhost/", o)
	if err != nil {
		t.Fatal(err)
	}
	if before != 1 || loads["/ "] != 1 || loads["/2 1"] == 0 || len(pagesIn(r, evidence.StateNone)) != 3 || len(pagesIn(r, evidence.StateGPC)) != 3 {
		t.Errorf("%d, then %v: %+v", before, loads, r.Pages)
	}
	if _, err := os.Stat(o.Resume); !os.IsNotExist(err) {
		t.Errorf("the progress of a complete scan is left: %v", err)
	}
}

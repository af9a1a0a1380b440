package scanner

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"net/http"
	"os"
	"runtime/metrics"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"samtykke/scanner/evidence"
	"samtykke/scanner/evidence/evidencetest"
	"samtykke/scanner/judgement"
)

// sends answers with just this text.
func sends(text string) func(http.ResponseWriter, *http.Request) {
	return func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, text) }
}

// Pages come from links and from sitemaps, packed and in indexes, and what robots.txt closes is left alone.
func TestScan_FindsPagesAsTheSiteTells(t *testing.T) {
	gz := func(text string) func(http.ResponseWriter, *http.Request) {
		return func(w http.ResponseWriter, _ *http.Request) {
			var b bytes.Buffer
			z := gzip.NewWriter(&b)
			io.WriteString(z, text)
			z.Close()
			w.Header().Set("Content-Type", "application/gzip")
			w.Write(b.Bytes())
		}
	}
	r := site{
		"shop.localhost/":            `<a href=/om>x</a><a href=/lukket/a>x</a><a href=/fil.zip>x</a><a href="/om?utm_source=x">x</a><a href=http://en.shop.localhost/>x</a>`,
		"shop.localhost/robots.txt":  sends("User-agent: *\nDisallow: /lukket\nSitemap: http://shop.localhost/kort.xml\n"),
		"shop.localhost/kort.xml":    sends(`<sitemapindex><sitemap><loc>http://shop.localhost/1.xml.gz</loc></sitemap><sitemap><loc>http://andre.localhost/2.xml</loc></sitemap></sitemapindex>`),
		"shop.localhost/1.xml.gz":    gz(`<urlset><url><loc>http://shop.localhost/skjult/side</loc></url><url><loc>http://andre.localhost/x</loc></url><url><loc>http://shop.localhost/lukket/b</loc></url></urlset>`),
		"andre.localhost/2.xml":      sends(`<urlset><url><loc>http://shop.localhost/snydt</loc></url></urlset>`),
		"shop.localhost/om":          `om`,
		"shop.localhost/skjult/side": `skjult`,
		"en.shop.localhost/":         `english`,
		"shop.localhost/lukket/a":    `<script>document.cookie="lukket=1"</script>`,
		"shop.localhost/snydt":       `x`,
	}.scan(t, func(o *Options) { o.Pages, o.Device = 20, evidence.Desktop })
	var pages []string
	for page := range pagesIn(r, evidence.StateNone) {
		pages = append(pages, page)
	}
	slices.Sort(pages)
	evidencetest.Equal(t, "pages", pages, []string{"/", "/om", "/skjult/side", "http://en.shop.localhost/"})
}

// Every request says it, in every frame and before any script, and nobody answers.
func TestScan_SendsGlobalPrivacyControl(t *testing.T) {
	var mu sync.Mutex
	asked := map[string][]string{} // path, to what the header said
	note := func(text, kind string) func(http.ResponseWriter, *http.Request) {
		return func(w http.ResponseWriter, r *http.Request) {
			mu.Lock()
			defer mu.Unlock()
			if said := r.Header.Get("Sec-GPC"); !slices.Contains(asked[r.Host+r.URL.Path], said) {
				asked[r.Host+r.URL.Path] = append(asked[r.Host+r.URL.Path], said)
			}
			w.Header().Set("Content-Type", kind)
			io.WriteString(w, text)
		}
	}
	tell := `<script>document.cookie="gpc_"+navigator.globalPrivacyControl+"=1;samesite=none;secure"</script>`
	r := site{
		"shop.localhost/":        note(`<link rel=icon href=data:,>`+tell+`<iframe src=http://vendor.localhost/ramme></iframe><script>fetch("/hent")</script>`+banner, "text/html; charset=utf-8"),
		"shop.localhost/hent":    note("{}", "application/json"),
		"vendor.localhost/ramme": note(tell, "text/html"),
	}.scan(t, func(o *Options) { o.Pages = 1 })
	for path, said := range asked {
		if slices.Sort(said); !slices.Equal(said, []string{"", "1"}) && path != "shop.localhost/robots.txt" {
			t.Errorf("%s was asked with %q", path, said)
		}
	}
	for _, it := range r.Items {
		gpc := slices.Contains(it.States, evidence.StateGPC)
		switch it.Name {
		case "gpc_true":
			if !slices.Equal(it.States, []string{evidence.StateGPC}) {
				t.Errorf("%+v", it)
			}
		case "gpc_undefined":
			if gpc {
				t.Errorf("%+v", it)
			}
		case "CookieConsent":
			if gpc {
				t.Error("somebody answered")
			}
		}
	}
	if n := len(slices.DeleteFunc(slices.Clone(r.Items), func(it judgement.Item) bool { return it.Name != "gpc_true" })); n != 2 {
		t.Errorf("%d frames heard of it", n)
	}
}

// A phone is small, is touched, and says so; it looks at the start page and at one below it.
func TestScan_LooksWithAPhone(t *testing.T) {
	t.Parallel()
	s := site{
		"shop.localhost/": `<meta name=viewport content="width=device-width"><a href=/om>x</a><a href=/vare/1>x</a>
<script>document.cookie=["set",innerWidth,navigator.maxTouchPoints>0,/Mobile/.test(navigator.userAgent),/Headless/.test(navigator.userAgent)].join("_")+"=1"</script>`,
		"shop.localhost/om":     `<script>document.cookie="om=1"</script>`,
		"shop.localhost/vare/1": `<script>document.cookie="vare=1"</script>`,
	}
	v := visiting(t, s)
	v.crawl.quit() // its own run starts another
	if err := v.crawl.run(t.Context()); err != nil {
		t.Fatal(err)
	}
	names := func(s *evidence.State) []string {
		var list []string
		for _, w := range s.Writes {
			if !slices.Contains(list, w.Name) {
				list = append(list, w.Name)
			}
		}
		slices.Sort(list)
		return list
	}
	evidencetest.Equal(t, "a phone", names(&v.crawl.evidence.Phone), []string{fmt.Sprintf("set_%d_true_true_false", phoneWidth), "vare"})
	evidencetest.Equal(t, "a computer", names(v.crawl.evidence.State(evidence.StateNone)), []string{"om", "set_1280_false_false_false", "vare"})
}

// What comes late, on a timer, on scrolling, on playing or when it comes into sight, is found on any page.
func TestScan_WaitsForWhatComesLate(t *testing.T) {
	s := site{
		"shop.localhost/": `<a href=/timer>1</a><a href=/rul>2</a><a href=/syn>3</a><a href=/film>4</a><a href=/forlad>5</a><a href=/kaede>6</a><a href=/tre>7</a><a href=/omme>8</a>
<script>setTimeout(()=>document.cookie="sent=1",1100)</script>`,
		"shop.localhost/timer":  `<script>setTimeout(()=>document.cookie="timer=1",1000)</script>`,
		"shop.localhost/kaede":  `<script>setTimeout(()=>setTimeout(()=>fetch("/svar").then(()=>document.cookie="kaede=1"),500),400)</script>`,
		"shop.localhost/tre":    `<script>setTimeout(()=>document.cookie="tre=1",3000)</script>`,
		"shop.localhost/omme":   `<meta http-equiv=refresh content="30; url='/videre'">`,
		"shop.localhost/videre": `<script>document.cookie="videre=1"</script>`,
		"shop.localhost/svar":   func(w http.ResponseWriter, _ *http.Request) { time.Sleep(600 * time.Millisecond) },
		"shop.localhost/rul":    `<div style="height:9000px"></div><script>addEventListener("scroll",()=>document.cookie="rul=1")</script>`,
		"shop.localhost/syn":    `<div style="height:4000px"></div><p id=p>x</p><div style="height:9000px"></div><script>new IntersectionObserver(e=>{if(e[0].isIntersecting)document.cookie="syn=1"}).observe(p)</script>`,
		"shop.localhost/film":   `<audio id=a src="data:audio/wav;base64,UklGRiQAAABXQVZFZm10IBAAAAABAAEARKwAAIhYAQACABAAZGF0YQAAAAA="></audio><script>a.onplay=()=>document.cookie="film=1"</script>`,
		"shop.localhost/forlad": `<script>addEventListener("pagehide",()=>document.cookie="forlad=1")</script>`,
	}
	r := s.scan(t, func(o *Options) { o.Pages, o.Device = 11, evidence.Desktop })
	for name, page := range map[string]string{
		"sent": "/", "timer": "/timer", "kaede": "/kaede", "rul": "/rul", "syn": "/syn", "film": "/film", "forlad": "", "tre": "/tre", "videre": "/videre",
	} {
		it := itemNamed(r, name)
		if it == nil || !slices.Equal(it.States, []string{evidence.StateNone, evidence.StateGPC}) || page != "" && !slices.Equal(it.Pages, []string{"http://shop.localhost" + page}) {
			t.Errorf("%s: %+v", name, it)
		}
	}
}

// S1: before anybody has touched the start page, and for as long as it is watched, no page at all is scrolled or played.
func TestScan_TouchesNothingWhileTheStartPageIsWatched(t *testing.T) {
	var mu sync.Mutex
	at := map[string]time.Time{}
	note := func(name string) func(http.ResponseWriter, *http.Request) {
		return func(http.ResponseWriter, *http.Request) {
			mu.Lock()
			defer mu.Unlock()
			if at[name].IsZero() {
				at[name] = time.Now()
			}
		}
	}
	tells := `<div style="height:5000px"></div><script>addEventListener("scroll",()=>fetch("/rullet"),{once:true})</script>`
	s := site{
		"shop.localhost/":       `<a href=/a>a</a><a href=/b>b</a><a href=/c>c</a><script>onload=()=>fetch("/hentet")</script>` + tells,
		"shop.localhost/a":      tells,
		"shop.localhost/b":      tells,
		"shop.localhost/c":      tells,
		"shop.localhost/hentet": note("loaded"), "shop.localhost/rullet": note("scrolled"),
	}
	s.scan(t, func(o *Options) { o.Pages, o.Device, o.Wait = 4, evidence.Desktop, 3*time.Second })
	if after := at["scrolled"].Sub(at["loaded"]); at["loaded"].IsZero() || after < 2900*time.Millisecond {
		t.Errorf("scrolled %s after the start page had loaded", after)
	}
}

// An answer that is kept in sessionStorage is known in one tab only; the others don't count.
func TestScan_FollowsAnAnswerThatOneTabKnows(t *testing.T) {
	page := `<div id=cc style="position:fixed;bottom:0" hidden>Vi bruger cookies. <button onclick="answer('ja')">Accepter alle</button><button onclick="answer('nej')">Afvis alle</button></div>
<script>function answer(a){sessionStorage.svar=a;cc.hidden=true;go()}
function go(){if(sessionStorage.svar=="ja")document.cookie="_ga"+location.pathname.length+"=1;max-age=60"}
cc.hidden=!!sessionStorage.svar;go()</script>`
	s := site{"shop.localhost/": page}
	for i := range 6 {
		at := "/" + strings.Repeat("a", i+1)
		s["shop.localhost"+at] = page
		s["shop.localhost/"] = s["shop.localhost/"].(string) + "<a href=" + at + ">x</a>"
	}
	r := s.scan(t, func(o *Options) { o.Pages, o.Device = 7, evidence.Desktop })
	for i := range 7 {
		it := itemNamed(r, fmt.Sprintf("_ga%d", i+1))
		if it == nil || !slices.Contains(it.States, evidence.StateAccept) || slices.Contains(it.States, evidence.StateReject) {
			t.Errorf("page %d: %+v", i, it)
		}
	}
	for _, f := range r.Findings {
		if f.Code == "reprompt-after-reject" {
			t.Errorf("%+v", f)
		}
	}
}

// big is a site of many pages that link to each other.
func big(pages int) site {
	s := site{}
	s["shop.localhost/p.gif"] = setsCookie("pixel=1; Max-Age=60")
	s["vendor.localhost/a.js"] = script(`document.cookie="_tredje=1;max-age=60"`)
	for i := range pages {
		at := fmt.Sprintf("/side/%c%c", 'a'+i/26%26, 'a'+i%26)
		if i == 0 {
			at = "/"
		}
		next := func(n int) string { return fmt.Sprintf("/side/%c%c", 'a'+(i+n)%pages/26%26, 'a'+(i+n)%pages%26) }
		s["shop.localhost"+at] = fmt.Sprintf(`<p>Side %d</p><a href=%s>x</a><a href=%s>x</a><a href=%s>x</a><img src=/p.gif>
<script src=http://vendor.localhost/a.js></script><script>localStorage.setItem("sidst",%d);document.cookie="side%d=1"</script>%s`, i, next(1), next(7), next(31), i, i%40, banner)
	}
	return s
}

// The bar: the scanner's own memory stays below 150 MB at 500 pages. That takes a quarter of an hour, so it is only measured
// when somebody says how many pages: SAMTYKKE_PAGES=500 go test ./scanner -run NeedsLittleMemory -timeout 1h
func TestScan_NeedsLittleMemory(t *testing.T) {
	pages, _ := strconv.Atoi(os.Getenv("SAMTYKKE_PAGES"))
	if pages <= 0 {
		t.Skip("SAMTYKKE_PAGES says how many pages")
	}
	stop, most := make(chan struct{}), make(chan uint64)
	go func() {
		sample := []metrics.Sample{{Name: "/memory/classes/total:bytes"}, {Name: "/memory/classes/heap/released:bytes"}}
		var peak uint64
		tick := time.NewTicker(100 * time.Millisecond)
		defer tick.Stop()
		for {
			select {
			case <-tick.C:
				metrics.Read(sample)
				peak = max(peak, sample[0].Value.Uint64()-sample[1].Value.Uint64())
			case <-stop:
				most <- peak
				return
			}
		}
	}()
	o := big(pages).serve(t)
	o.Pages, o.Progress = pages, nil
	r, err := Scan(t.Context(), "http://shop.localhost/", o)
	if err != nil {
		t.Fatal(err)
	}
	close(stop)
	peak := <-most
	t.Logf("%d page loads, %d MB", len(r.Pages), peak>>20)
	if peak > 150<<20 || len(pagesIn(r, evidence.StateNone)) != pages {
		t.Errorf("%d MB for %d pages", peak>>20, len(pagesIn(r, evidence.StateNone)))
	}
}

// BenchmarkScan_TwentyPages scans a site of 20 pages with a banner and tells how many pages a second each state got.
func BenchmarkScan_TwentyPages(b *testing.B) {
	for b.Loop() {
		o := big(20).serve(b)
		o.Pages, o.Wait, o.Device = 20, 5*time.Second, evidence.Desktop
		var mu sync.Mutex
		first, last, loads := map[string]time.Time{}, map[string]time.Time{}, map[string]int{}
		o.Progress = func(p Progress) {
			mu.Lock()
			defer mu.Unlock()
			if _, ok := first[p.State]; !ok {
				first[p.State] = time.Now()
			}
			if p.URL != "" && p.Note == "" { // the close look at the banner, beside the other states, counts for none
				last[p.State] = time.Now()
				loads[p.State]++
			}
		}
		begin := time.Now()
		if _, err := Scan(b.Context(), "http://shop.localhost/", o); err != nil {
			b.Fatal(err)
		}
		all := 0
		for state, n := range loads {
			b.ReportMetric(float64(n)/last[state].Sub(first[state]).Seconds(), state+"-pages/s")
			all += n
		}
		b.ReportMetric(float64(all)/time.Since(begin).Seconds(), "pages/s")
	}
}

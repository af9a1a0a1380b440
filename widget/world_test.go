package widget

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"samtykke/browsertest"
	"samtykke/consent"
)

const (
	shop  = "http://www.shop.example"
	tag   = `<script async src="http://cmp.example/s/` + testSite + `.js"></script>`
	ui    = `document.querySelector("#samtykke").shadowRoot`
	shown = ui + `.querySelector("#banner")`
	// focused is the element with the keyboard's focus, wherever it is.
	focused = `(` + ui + `.activeElement ?? document.activeElement)`
)

// world is a shop, a vendor and the server that the banner talks to, on hosts of their own in one real browser.
type world struct {
	t       testing.TB
	tab     *browsertest.Tab
	browser *browsertest.Browser

	mu         sync.Mutex
	pages      map[string]string        // of the shop, by path
	header     http.Header              // added to the shop's pages
	answers    []int                    // of the consent endpoint, in turn; 201 when used up
	acts       []consent.Act            // what arrived there, in order
	seen       []string                 // host and path of every request
	stall      map[string]chan struct{} // paths that answer only when the channel is closed
	bundle     consent.Bundle
	hash       consent.Hash
	data       map[string]string // JSON that the CMP answers, by method and path
	ownAddress bool              // the shop passes /samtykke/… on to the CMP
	kept       string            // what the script asked the answer to keep
	lost       bool              // what the script fetches can't be had
}

// open starts the world with a notice of this content and one tab.
func open(t testing.TB, c consent.Content) *world { return openWith(t, c, nil) }

// openWith does so with further flags for the browser.
func openWith(t testing.TB, c consent.Content, flags map[string]any) *world {
	t.Helper()
	w := &world{t: t, pages: map[string]string{}, header: http.Header{}, stall: map[string]chan struct{}{}}
	w.publish(c)
	s := httptest.NewServer(w)
	t.Cleanup(s.Close)
	addr := strings.TrimPrefix(s.URL, "http://")
	hosts := map[string]string{}
	for _, h := range []string{
		"shop.example", "www.shop.example", "static.shop.example", "cmp.example", "vendor.example",
		"video.example", "ads.example", "sub.ads.example", "stranger.example", "cdn.example",
	} {
		hosts[h] = addr
	}
	all := map[string]any{"accept-lang": "da-DK"}
	maps.Copy(all, flags)
	w.browser = browsertest.Open(t, browsertest.Options{Hosts: hosts, Flags: all})
	w.tab = w.browser.Tab()
	return w
}

// publish compiles, seals and serves a notice.
func (w *world) publish(c consent.Content) {
	w.t.Helper()
	b, err := Compile(c, testBase)
	if err != nil {
		w.t.Fatal(err)
	}
	h, err := consent.Seal(c, b)
	if err != nil {
		w.t.Fatal(err)
	}
	b.JS = []byte(strings.Replace(string(b.JS), consent.NoHash, h.String(), 1))
	w.mu.Lock()
	defer w.mu.Unlock()
	w.bundle, w.hash = b, h
}

// set changes how the servers behave.
func (w *world) set(change func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	change()
}

// page sets a page of the shop and returns its address.
func (w *world) page(path, html string) string {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.pages[path] = html
	return shop + path
}

// visit opens a page with the tag in its head and this body, and waits until the script has started.
func (w *world) visit(path, lang, body string) {
	w.t.Helper()
	w.tab.Go(w.page(path, fmt.Sprintf(`<!doctype html><html lang=%s><head><meta charset=utf-8><title>Shop</title>%s</head><body>%s</body></html>`, lang, tag, body)))
	w.tab.Wait(`window.samtykke && samtykke.on`)
}

// stalls makes a path answer only when the returned function is called, or the test ends.
func (w *world) stalls(path string) (answer func()) {
	slow := make(chan struct{})
	answer = sync.OnceFunc(func() { close(slow) })
	w.t.Cleanup(answer)
	w.set(func() { w.stall[path] = slow })
	return answer
}

// again loads the page of the tab anew.
func (w *world) again() {
	w.t.Helper()
	var url string
	w.tab.Eval(`window.samtykke = undefined, location.href.split("#")[0]`, &url)
	w.tab.Go(url)
	w.tab.Wait(`window.samtykke && samtykke.on`)
}

// at finds an element of the banner: in the shadow root, or slotted into it.
func at(selector string) string {
	return fmt.Sprintf(`(h => h.querySelector(%[1]q) ?? h.shadowRoot.querySelector(%[1]q))(document.querySelector("#samtykke"))`, selector)
}

// press clicks an element of the banner with the mouse, once it is there.
func (w *world) press(selector string) {
	w.t.Helper()
	w.tab.Wait(`document.querySelector("#samtykke") && ` + at(selector))
	w.tab.ClickIn(at(selector))
}

// text evaluates an expression to a string.
func (w *world) text(js string) string {
	w.t.Helper()
	var s string
	w.tab.Eval(`String(`+js+`)`, &s)
	return s
}

// want evaluates an expression and compares it as a string.
func (w *world) want(js, want string) {
	w.t.Helper()
	if got := w.text(js); got != want {
		w.t.Errorf("%s is %q, want %q", js, got, want)
	}
}

// arrived waits until n acts have arrived and returns them.
func (w *world) arrived(n int) []consent.Act {
	w.t.Helper()
	deadline := time.Now().Add(browsertest.Timeout)
	for {
		w.mu.Lock()
		acts := slices.Clone(w.acts)
		w.mu.Unlock()
		if len(acts) >= n {
			return acts
		}
		if time.Now().After(deadline) {
			w.t.Fatalf("%d acts arrived, want %d", len(acts), n)
		}
		w.tab.Eval(`new Promise(requestAnimationFrame)`, nil)
	}
}

// settled waits until nothing waits to be sent any more.
func (w *world) settled() {
	w.t.Helper()
	w.tab.Wait(`document.cookie.split("; ").find(c => c.startsWith("samtykke="))?.split(":")[7] === ""`)
}

// requests returns what was asked for since the last call.
func (w *world) requests() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	seen := w.seen
	w.seen = nil
	return seen
}

func (w *world) ServeHTTP(rw http.ResponseWriter, r *http.Request) {
	w.mu.Lock()
	if r.URL.Path != "/favicon.ico" {
		w.seen = append(w.seen, r.Host+r.URL.Path)
	}
	stall := w.stall[r.URL.Path]
	w.mu.Unlock()
	if stall != nil {
		<-stall
	}
	switch r.Host {
	case "cmp.example":
		w.serveCMP(rw, r)
	case "shop.example", "www.shop.example":
		if rest, ours := strings.CutPrefix(r.URL.Path, "/samtykke"); ours && w.ownAddress {
			r.URL.Path = rest
			w.serveCMP(rw, r)
			return
		}
		w.servePage(rw, r)
	default:
		serveVendor(rw, r)
	}
}

func (w *world) servePage(rw http.ResponseWriter, r *http.Request) {
	w.mu.Lock()
	page, ok := w.pages[r.URL.Path]
	for k, v := range w.header {
		rw.Header()[k] = v
	}
	w.mu.Unlock()
	if !ok {
		http.NotFound(rw, r)
		return
	}
	kind := "text/html; charset=utf-8"
	if strings.HasSuffix(r.URL.Path, ".js") {
		kind = "text/javascript; charset=utf-8"
	}
	rw.Header().Set("Content-Type", kind)
	io.WriteString(rw, page)
}

// serveVendor answers scripts that log their own name, and empty pages and pixels.
func serveVendor(rw http.ResponseWriter, r *http.Request) {
	if strings.HasSuffix(r.URL.Path, ".js") {
		rw.Header().Set("Content-Type", "text/javascript")
		fmt.Fprintf(rw, "(window.log ??= []).push(%q)", strings.Trim(r.URL.Path, "/"))
	}
}

func (w *world) serveCMP(rw http.ResponseWriter, r *http.Request) {
	w.mu.Lock()
	defer w.mu.Unlock()
	rw.Header().Set("Access-Control-Allow-Origin", "*")
	name := strings.TrimPrefix(r.URL.Path, "/s/"+testSite+"/"+w.hash.String()+".")
	switch {
	case r.URL.Path == "/s/"+testSite+".js", r.URL.Path == "/uc.js":
		rw.Header().Set("Content-Type", "text/javascript; charset=utf-8")
		rw.Write(w.bundle.JS)
	case w.bundle.Files[name] != nil && !w.lost:
		kind := "text/javascript; charset=utf-8"
		if strings.HasSuffix(name, ".json") {
			kind = "application/json"
		}
		rw.Header().Set("Content-Type", kind)
		rw.Write(w.bundle.Files[name])
	case w.data[r.Method+" "+r.URL.Path] != "":
		io.WriteString(rw, w.data[r.Method+" "+r.URL.Path])
	case r.Method == http.MethodOptions:
		rw.Header().Set("Access-Control-Allow-Methods", "DELETE")
		rw.WriteHeader(http.StatusNoContent)
	case r.Method == http.MethodPost && r.Header.Get("Samtykke-Keep") != "":
		w.kept = r.Header.Get("Samtykke-Keep")
		http.SetCookie(rw, &http.Cookie{Name: "samtykke", Value: w.kept, Path: "/", MaxAge: 1000})
		http.SetCookie(rw, &http.Cookie{Name: "set", Value: "1", Path: "/"})
		rw.WriteHeader(http.StatusCreated)
	case r.Method == http.MethodPost && r.URL.Path == "/v1/sites/"+testSite+"/consents":
		rw.WriteHeader(w.take(r))
	default:
		http.NotFound(rw, r)
	}
}

// take answers an act of consent as the server would, or as the test told it to.
func (w *world) take(r *http.Request) int {
	if len(w.answers) > 0 {
		status := w.answers[0]
		w.answers = w.answers[1:]
		if status == down {
			panic(http.ErrAbortHandler)
		}
		if status != http.StatusCreated {
			return status
		}
	}
	body, err := io.ReadAll(r.Body)
	var act consent.Act
	if err == nil {
		err = json.Unmarshal(body, &act)
	}
	if err == nil {
		err = act.Validate()
	}
	if err != nil || r.Header.Get("Content-Type") != "text/plain;charset=UTF-8" || r.Header.Get("Cookie") != "" {
		w.t.Errorf("bad act %s: %v, headers %v", body, err, r.Header)
		return http.StatusBadRequest
	}
	// As on the server, sending again changes nothing: a browser may retry, or leave before it has read the answer.
	if !slices.ContainsFunc(w.acts, func(a consent.Act) bool { return a.ID == act.ID }) {
		w.acts = append(w.acts, act)
	}
	return http.StatusCreated
}

// shots is where a test leaves pictures for people to look at; empty: nowhere.
var shots = os.Getenv("SAMTYKKE_SHOTS")

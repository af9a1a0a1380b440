package demo

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/storage"
	"github.com/chromedp/cdproto/target"
	"github.com/chromedp/chromedp"
	"github.com/google/go-cmp/cmp"

	"samtykke/browsertest"
	"samtykke/consent"
)

// world is the demo on a port, seen by a browser with a fresh profile. Its banner is a switch: granted releases
// everything that is held, as a yes to all would.
type world struct {
	*browsertest.Tab
	t      *testing.T
	base   string
	frames map[target.ID]context.Context

	mu      sync.Mutex
	granted bool
	asked   []string // requests to vendors: host and path
}

func open(t *testing.T) *world {
	t.Helper()
	w := &world{t: t, frames: map[target.ID]context.Context{}}
	s := httptest.NewUnstartedServer(nil)
	_, port, err := net.SplitHostPort(s.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	w.base = "http://" + shopHost + ":" + port
	s.Config.Handler = w.watch(New(Config{Embed: w.base + "/static/panel.js", Port: ":" + port}))
	s.Start()
	t.Cleanup(s.Close)
	w.Tab = browsertest.Open(t, browsertest.Options{}).Tab()
	return w
}

// watch notes requests to vendors and releases what is held, once that is granted.
func (w *world) watch(h http.Handler) http.Handler {
	released := strings.NewReplacer(`type="text/plain" `, "", "data-src=", "src=")
	return http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		w.mu.Lock()
		granted := w.granted
		if hostname(r.Host) != shopHost {
			w.asked = append(w.asked, hostname(r.Host)+r.URL.Path)
		}
		w.mu.Unlock()
		if !granted || hostname(r.Host) != shopHost {
			h.ServeHTTP(rw, r)
			return
		}
		rec := httptest.NewRecorder()
		h.ServeHTTP(rec, r)
		for k, v := range rec.Header() {
			rw.Header()[k] = v
		}
		rw.Header().Del("Content-Length")
		rw.WriteHeader(rec.Code)
		_, _ = released.WriteString(rw, rec.Body.String())
	})
}

func (w *world) grant(yes bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.granted, w.asked = yes, nil
}

func (w *world) requests() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return append([]string(nil), w.asked...)
}

func (w *world) visit(path string) {
	w.t.Helper()
	w.Go(w.base + path)
}

// stored is one thing in the browser; Lifetime in whole minutes, -1 where it has no end.
type stored struct {
	Kind       consent.ItemKind
	Name, Host string
	Minutes    int
}

// found lists everything that the browser holds, named by the planted item that covers it where there is one.
func (w *world) found() map[stored]bool {
	w.t.Helper()
	all := map[stored]bool{}
	res, err := chromedp.Call(w.Ctx, storage.GetCookies, storage.GetCookiesParams{})
	if err != nil {
		w.t.Fatal(err)
	}
	for _, c := range res.Cookies {
		minutes := 0
		if !c.Session {
			minutes = int(math.Round((c.Expires - float64(time.Now().Unix())) / 60))
		}
		all[stored{consent.Cookie, planted(c.Name), c.Domain, minutes}] = true
	}
	for host, keys := range w.keys() {
		for _, key := range keys {
			kind, name, _ := strings.Cut(key, " ")
			minutes := map[string]int{"localStorage": -1}[kind]
			all[stored{consent.ItemKind(kind), name, host, minutes}] = true
		}
	}
	return all
}

func planted(name string) string {
	for _, i := range Planted() {
		if i.Matches(name) {
			return i.Name
		}
	}
	return name
}

const storageKeys = `JSON.stringify([...Object.keys(localStorage).map(k => "localStorage " + k), ...Object.keys(sessionStorage).map(k => "sessionStorage " + k)])`

// keys lists the storage of the page and of its frames by host.
func (w *world) keys() map[string][]string {
	w.t.Helper()
	var own string
	w.Eval(storageKeys, &own)
	found := map[string][]string{shopHost: decode(w.t, own)}
	infos, err := chromedp.Targets(w.Ctx)
	if err != nil {
		w.t.Fatal(err)
	}
	for _, info := range infos {
		if info.Type != "iframe" || !strings.Contains(info.URL, "//"+videoHost) {
			continue
		}
		keys, err := chromedp.Run(w.frame(info.TargetID), chromedp.Evaluate[string](storageKeys))
		if err != nil {
			w.t.Fatal(err)
		}
		found[videoHost] = decode(w.t, keys)
	}
	return found
}

// frame attaches to a frame once and stays: letting go would close the page.
func (w *world) frame(id target.ID) context.Context {
	ctx, ok := w.frames[id]
	if !ok {
		var cancel context.CancelFunc
		ctx, cancel = chromedp.NewContext(w.Ctx, chromedp.WithTargetID(id))
		w.t.Cleanup(cancel)
		w.frames[id] = ctx
	}
	return ctx
}

func decode(t *testing.T, list string) []string {
	t.Helper()
	var keys []string
	if err := json.Unmarshal([]byte(list), &keys); err != nil {
		t.Fatal(err)
	}
	return keys
}

// truth is what Planted promises, in the form of found.
func truth(want func(consent.Item) bool) map[stored]bool {
	all := map[stored]bool{}
	for _, i := range Planted() {
		if !want(i) {
			continue
		}
		minutes := -1
		if i.Lifetime != consent.Persistent {
			minutes = int(i.Lifetime / time.Minute)
		}
		all[stored{i.Kind, i.Name, i.Host, minutes}] = true
	}
	return all
}

// K1, K2: with nothing granted the shop keeps a basket, and no vendor hears of the visitor.
func TestShop_IsSilentWithoutConsent(t *testing.T) {
	w := open(t)
	for _, path := range paths {
		w.visit(path)
	}
	w.visit("/produkt/fiskekurv")
	w.Wait(`document.querySelector("[data-sum=item]").textContent === "0" && document.querySelector("[data-sum=vendor]").textContent === "0"`)
	if asked := w.requests(); len(asked) != 0 {
		t.Errorf("vendors were asked for %v", asked)
	}
	want := truth(func(i consent.Item) bool { return i.Category == consent.Necessary })
	if d := cmp.Diff(want, w.found()); d != "" {
		t.Errorf("stored (-want +got)\n%s", d)
	}
}

func TestShop_StoresWhatIsPlantedAndNothingElse(t *testing.T) {
	w := open(t)
	w.grant(true)
	w.visit("/")
	w.visit("/produkt/fiskekurv")
	w.Wait(`window.taelleren && window.annoncekompagniet`)
	w.Wait(`document.querySelector("[data-sum=item]").textContent === "5" && document.querySelector("[data-sum=vendor]").textContent === "3"`)
	// The pixels answer after the page has loaded: their cookies are waited for by asking until all are there.
	want := truth(func(consent.Item) bool { return true })
	got := w.found()
	for end := time.Now().Add(browsertest.Timeout); !cmp.Equal(want, got) && time.Now().Before(end); got = w.found() {
		w.Wait("true")
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("stored (-want +got)\n%s", d)
	}
	var id, again, trail string
	w.Eval(`document.cookie.match(/_tl_id=(\w+)/)[1]`, &id)
	w.visit("/om")
	w.Wait(`window.taelleren`)
	w.Eval(`document.cookie.match(/_tl_id=(\w+)/)[1]`, &again)
	w.Eval(`sessionStorage.getItem("tl_sti")`, &trail)
	if id == "" || id != again || trail != "/ /produkt/fiskekurv /om" {
		t.Errorf("id %q became %q; trail %q", id, again, trail)
	}

	w.grant(false)
	w.visit("/produkt/fiskekurv")
	w.Wait(`document.querySelector("[data-sum=vendor]").textContent === "0"`)
	if asked := w.requests(); len(asked) != 0 {
		t.Errorf("after the yes was taken back vendors were asked for %v", asked)
	}
}

func TestShop_RemembersTheViewOnlyWithConsent(t *testing.T) {
	w := open(t)
	columns := `getComputedStyle(document.querySelector(".cards")).gridTemplateColumns.split(" ").length`
	w.visit("/produkter?visning=liste")
	w.Wait(columns + ` === 1`)
	w.visit("/produkter")
	w.Wait(columns + ` > 1`)
	w.grant(true)
	w.visit("/produkter?visning=liste")
	w.visit("/produkter")
	w.Wait(columns + ` === 1 && document.querySelector("[data-shows=liste]").ariaCurrent === "true"`)
	w.visit("/produkter?visning=gitter")
	w.Wait(columns + ` > 1 && document.querySelector("[data-shows=liste]").ariaCurrent === "false"`)
}

func TestShop_FillsTheBasketByHand(t *testing.T) {
	w := open(t)
	w.visit("/produkt/fiskekurv")
	w.Click("form button")
	w.Wait(`location.pathname === "/kurv" && document.querySelector(".total strong").textContent === "895 kr."`)
	w.Eval(`document.querySelector("input[name=antal]").value = "3"`, nil)
	w.Click("form button")
	w.Wait(`document.querySelector(".total strong")?.textContent === "2.685 kr." && document.querySelector("nav b").textContent === "3"`)
}

func TestFilm_PlaysAndPauses(t *testing.T) {
	w := open(t)
	w.Go(strings.Replace(w.base, shopHost, videoHost, 1) + "/indlejret/fiskekurv")
	running := `document.getAnimations().some(a => a.playState === "running")`
	w.Wait("!" + running)
	w.Click("button")
	w.Wait(running + ` && document.querySelector("button").ariaPressed === "true"`)
	w.Click("button")
	w.Wait("!" + running)
}

// The shop must not be what a check of accessibility finds fault with, or the banner's own faults would drown.
func TestPages_AreAccessible(t *testing.T) {
	axe, err := os.ReadFile("../../../node_modules/axe-core/axe.min.js")
	if err != nil {
		t.Fatalf("axe-core is missing: run npm ci first (%v)", err)
	}
	w := open(t)
	for _, scheme := range []string{"light", "dark"} {
		feature := &emulation.MediaFeature{Name: "prefers-color-scheme", Value: scheme}
		if _, err := chromedp.Call(w.Ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{feature}}); err != nil {
			t.Fatal(err)
		}
		for _, path := range paths {
			w.visit(path)
			w.Eval(`document.getElementById("demo").open = `+fmt.Sprint(path == "/om"), nil)
			w.Eval(string(axe)+";0", nil)
			var faults []string
			w.Eval(`axe.run().then(r => r.violations.flatMap(v => v.nodes.map(n => v.id + " " + n.target + " " + n.failureSummary)))`, &faults)
			for _, f := range faults {
				t.Errorf("%s %s: %s", scheme, path, f)
			}
		}
	}
}

func TestPages_FitNarrowScreens(t *testing.T) {
	w := open(t)
	for _, width := range []int64{320, 390, 1280} {
		w.Do(chromedp.EmulateViewport(width, 844))
		for _, path := range paths {
			w.visit(path)
			var over int
			w.Eval(`document.documentElement.scrollWidth - innerWidth`, &over)
			if over > 0 {
				t.Errorf("%s is %d px wider than a screen of %d", path, over, width)
			}
		}
	}
}

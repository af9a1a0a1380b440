package scanner

import (
	"context"
	"crypto/rand"
	_ "embed"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/chromedp/cdproto/browser"
	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/domstorage"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/cdproto/target"
	"github.com/chromedp/chromedp"

	"samtykke/consent"
	"samtykke/scanner/evidence"
	"samtykke/scanner/guard"
	"samtykke/scanner/recording"
)

//go:embed hook.js
var hookJS string

// findBrowser gives the program to start.
func findBrowser(path string) (string, error) {
	names := []string{path}
	if path == "" {
		names = []string{"chromium", "chromium-browser", "google-chrome", "google-chrome-stable"}
	}
	for _, name := range names {
		if found, err := exec.LookPath(name); err == nil {
			return found, nil
		}
	}
	if path != "" {
		return "", &consent.Error{Kind: consent.KindUnavailable, Code: "no_browser", Message: fmt.Sprintf("There is no program %q to use as the browser.", path)}
	}
	return "", &consent.Error{Kind: consent.KindUnavailable, Code: "no_browser", Message: "No Chromium was found. Install it (apt-get install chromium) or say where it is."}
}

// chromium is one running browser. Every state of consent gets a profile of its own in it.
type chromium struct {
	ctx     context.Context // done when the browser has ended
	o       *Options
	version string // name and version
	close   func() // ends it and deletes its files

	opening  sync.Mutex         // held while a tab of ours is opened
	mu       sync.Mutex         // guards what follows
	tabs     map[target.ID]*tab // ours, and the windows that are looked at
	profiles map[cdp.BrowserContextID]bool
}

// startChromium starts the browser.
func startChromium(ctx context.Context, program string, o *Options) (*chromium, error) {
	dir, err := newProfile()
	if err != nil {
		return nil, fmt.Errorf("make a browser profile: %w", err)
	}
	list := flags(program, dir)
	if o.RunAs != "" {
		user, err := asUser(o.RunAs, dir)
		if err != nil {
			removeProfile(dir)
			return nil, failed(err)
		}
		list = append(list, user)
	}
	alloc, stop := chromedp.NewExecAllocator(ctx, list...)
	quiet := func(string, ...any) {}
	bctx, cancel := chromedp.NewContext(alloc, chromedp.WithErrorf(quiet), chromedp.WithLogf(quiet))
	b := &chromium{ctx: bctx, o: o, tabs: map[target.ID]*tab{}, profiles: map[cdp.BrowserContextID]bool{}}
	b.close = sync.OnceFunc(func() {
		cancel()
		stop()
		removeProfile(dir)
	})
	v, err := callBrowser(b, browser.GetVersion, cdp.Empty{})
	if err == nil {
		b.version = v.Product
		err = b.watch()
	}
	if err != nil {
		b.close()
		return nil, failed(err)
	}
	return b, nil
}

func failed(err error) error {
	return &consent.Error{Kind: consent.KindUnavailable, Code: "browser_failed", Message: "Chromium could not be started: " + evidence.Clip(err.Error(), 300)}
}

// preferences are those of a fresh profile. Pages must not get packets out beside it (see flags).
const preferences = `{"profile":{"cookie_controls_mode":0},"webrtc":{"ip_handling_policy":"disable_non_proxied_udp"}}`

// localState lets pages have about as many connections at once as without a proxy, where Chromium has fewer: some that
// hang would keep all others waiting.
const localState = `{"net":{"max_connections_per_proxy":256,"max_connections_per_proxy_for_websocket":256}}`

// newProfile makes a user data directory. Debian's Chromium refuses every unpartitioned third-party cookie unless
// the profile says otherwise, and no flag changes that. Contexts inside the browser inherit it.
func newProfile() (string, error) {
	dir, err := os.MkdirTemp("", "samtykke-scan-")
	if err != nil {
		return "", err
	}
	if err := os.Mkdir(filepath.Join(dir, "Default"), 0o700); err != nil {
		return "", err
	}
	err = os.WriteFile(filepath.Join(dir, "Local State"), []byte(localState), 0o600)
	return dir, errors.Join(err, os.WriteFile(filepath.Join(dir, "Default", "Preferences"), []byte(preferences), 0o600))
}

// removeProfile tries for a while, since Chromium's helpers may still be writing when it has ended.
func removeProfile(dir string) {
	for range 20 {
		if os.RemoveAll(dir) == nil {
			return
		}
		time.Sleep(50 * time.Millisecond)
	}
}

// flags make Chromium behave as a visitor's would, minus what it does on its own account. Site isolation is off, so
// that one connection sees every frame from its first moment; the profile is empty and thrown away, so there is
// nothing that isolation would protect. Every profile has a passage of its own as its proxy; under the name ProxyHost, since
// any other host, and any address, leads nowhere for what would not use the proxy.
func flags(program, profile string) []chromedp.ExecAllocatorOption {
	list := []chromedp.ExecAllocatorOption{
		chromedp.ExecPath(program), chromedp.UserDataDir(profile), chromedp.Headless, chromedp.DisableGPU,
		chromedp.NoFirstRun, chromedp.NoDefaultBrowserCheck, chromedp.WindowSize(1280, 900),
	}
	for _, name := range []string{
		"disable-quic", "disable-background-networking", "disable-component-update", "disable-sync", "disable-extensions",
		"disable-default-apps", "disable-breakpad", "disable-dev-shm-usage", "disable-client-side-phishing-detection",
		"disable-site-isolation-trials", "disable-background-timer-throttling", "disable-renderer-backgrounding", "mute-audio",
		"metrics-recording-only",
	} {
		list = append(list, chromedp.Flag(name, true))
	}
	if os.Geteuid() == 0 {
		list = append(list, chromedp.NoSandbox)
	}
	return append(list, chromedp.Flag("host-resolver-rules", "MAP "+guard.ProxyHost+" 127.0.0.1, MAP * ~NOTFOUND"),
		chromedp.Flag("webrtc-ip-handling-policy", "disable_non_proxied_udp"), chromedp.Flag("lang", "da-DK"),
		chromedp.Flag("accept-lang", "da-DK,da,en"), chromedp.Flag("password-store", "basic"), chromedp.Flag("use-mock-keychain", true),
		chromedp.Flag("autoplay-policy", "no-user-gesture-required"),
		// The address bar's suggestions are web pages of their own, two to a window, and nobody sees them.
		chromedp.Flag("disable-features", "SitePerProcess,IsolateOrigins,HttpsUpgrades,HttpsFirstBalancedModeAutoEnable,Translate,"+
			"WebUIOmniboxPopup,WebUIOmniboxAimPopup"),
		// Pages that hide their banner from automated browsers would hide what is to be seen.
		chromedp.Flag("disable-blink-features", "AutomationControlled"))
}

// profile is where one state of consent keeps what it stores. Nothing of it is seen in another.
type profile struct {
	*chromium
	id     cdp.BrowserContextID
	manner manner
	way    *guard.Passage // that all its requests go through
}

// newProfile makes an empty profile. Downloads are refused and nothing is permitted in it.
func (b *chromium) newProfile(m manner) (*profile, error) {
	way, err := b.o.guard.NewPassage()
	if err != nil {
		return nil, failed(err)
	}
	context.AfterFunc(b.ctx, way.Close)
	res, err := callBrowser(b, target.CreateBrowserContext, target.CreateBrowserContextParams{
		ProxyServer: guard.ProxyHost + ":" + way.Port(), ProxyBypassList: "<-loopback>",
	})
	if err != nil {
		way.Close()
		return nil, failed(err)
	}
	p := &profile{chromium: b, id: res.BrowserContextID, manner: m, way: way}
	b.mu.Lock()
	b.profiles[p.id] = true
	b.mu.Unlock()
	_, err = callBrowser(b, browser.SetDownloadBehavior, browser.SetDownloadBehaviorParams{Behavior: browser.SetDownloadBehaviorBehaviorDeny, BrowserContextID: p.id})
	if err != nil {
		p.forget()
		return nil, failed(err)
	}
	return p, nil
}

// forget deletes the profile and all that is stored in it, and closes its tabs.
func (p *profile) forget() {
	_, _ = callBrowser(p.chromium, target.DisposeBrowserContext, target.DisposeBrowserContextParams{BrowserContextID: p.id})
	p.way.Close()
}

// tab is one page of a profile. All its evidence goes to rec.
type tab struct {
	ctx     context.Context // done when the tab is closed or has crashed
	profile *profile
	rec     *recording.Recorder
	o       *Options
	binding string
	workers *workers
	frame   cdp.FrameID                  // the page itself
	blank   atomic.Pointer[cdp.LoaderID] // of the last empty page between two pages
	opener  *tab                         // the tab whose script has opened this one; nil for our own
	popups  atomic.Int32                 // windows that the page has opened and that are still looked at
	opened  atomic.Int32                 // all that it has opened
	crashed atomic.Bool                  // the page has taken its process down
	end     func()                       // closes it
}

// newTab opens a tab. Whoever opens it ends it.
func (p *profile) newTab(rec *recording.Recorder) (*tab, error) {
	return p.attach(&tab{profile: p, rec: rec, o: p.o}, chromedp.WithExistingBrowserContext(p.id))
}

func (p *profile) attach(t *tab, option chromedp.ContextOption) (*tab, error) {
	tctx, cancel := chromedp.NewContext(p.ctx, option)
	t.ctx, t.binding = tctx, "b"+strings.ToLower(rand.Text())
	t.end = sync.OnceFunc(func() {
		cancel()
		p.lose(t)
	})
	if err := p.open(t); err != nil {
		t.end()
		return nil, failed(err)
	}
	if err := t.prepare(); err != nil {
		t.end()
		return nil, failed(err)
	}
	return t, nil
}

// openTab starts Chromium for a single tab. close ends it and deletes the profile.
func openTab(ctx context.Context, program string, o *Options, rec *recording.Recorder) (t *tab, close func(), err error) {
	b, err := startChromium(ctx, program, o)
	if err != nil {
		return nil, nil, err
	}
	p, err := b.newProfile(manner{})
	if err == nil {
		t, err = p.newTab(rec)
	}
	if err != nil {
		b.close()
		return nil, nil, err
	}
	return t, b.close, nil
}

// askTimeout bounds one question to the browser.
const askTimeout = 5 * time.Second

// call runs one command. A page that is busy in a loop would keep it waiting for ever.
func call[P, R any](t *tab, cmd cdp.Command[P, R], params P) (R, error) {
	ctx, cancel := context.WithTimeout(t.ctx, askTimeout)
	defer cancel()
	return chromedp.Call(ctx, cmd, params)
}

// callBrowser runs one command that is about no page.
func callBrowser[P, R any](b *chromium, cmd cdp.Command[P, R], params P) (R, error) {
	return chromedp.CallBrowser(b.ctx, cmd, params)
}

func (t *tab) prepare() error {
	if err := chromedp.Listen(t.ctx, t.notice); err != nil {
		return err
	}
	if err := t.listen(); err != nil {
		return err
	}
	tree, err := call(t, page.GetFrameTree, cdp.Empty{})
	if err != nil {
		return err
	}
	t.frame = tree.FrameTree.Frame.ID
	_, err = call(t, runtime.AddBinding, runtime.AddBindingParams{Name: t.binding})
	if err == nil {
		_, err = call(t, page.AddScriptToEvaluateOnNewDocument, page.AddScriptToEvaluateOnNewDocumentParams{
			Source: hookFor(t.binding),
		})
	}
	if err == nil {
		_, err = call(t, domstorage.Enable, cdp.Empty{})
	}
	if err == nil {
		err = t.dress(t.profile.manner)
	}
	return err
}

// version gives the browser's name and version.
func (t *tab) version() string { return t.profile.version }

package scanner

import (
	"context"
	"crypto/rand"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/chromedp/cdproto/browser"
	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/dom"
	"github.com/chromedp/cdproto/domstorage"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/cdproto/storage"
	"github.com/chromedp/chromedp"

	"samtykke/consent"
)

//go:embed hook.js
var hookJS string

//go:embed page.js
var pageJS string

//go:embed labels.json
var labelsJSON string

// asker is page.js with its table of labels, as one expression.
var asker = strings.Replace(pageJS, "{{labels}}", labelsJSON, 1)

// world is the name of the isolated world in which frames are asked.
const world = "reader"

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
	return "", &consent.Error{Kind: consent.KindUnavailable, Code: "no_browser", Message: "No Chromium was found. Install it (apt-get install chromium) or say where it is."}
}

// tab is a Chromium of its own with one page in it. All its evidence goes to rec.
type tab struct {
	ctx     context.Context
	rec     *recorder
	o       *Options
	binding string
	frame   cdp.FrameID // the page itself
}

// openTab starts Chromium with a fresh profile. close ends it and deletes the profile.
func openTab(ctx context.Context, program string, o *Options, rec *recorder) (t *tab, close func(), err error) {
	profile, err := newProfile()
	if err != nil {
		return nil, nil, fmt.Errorf("make a browser profile: %w", err)
	}
	alloc, stop := chromedp.NewExecAllocator(ctx, flags(program, profile, o.MapHosts)...)
	tctx, cancel := chromedp.NewContext(alloc)
	close = func() {
		cancel()
		stop()
		removeProfile(profile)
	}
	t = &tab{ctx: tctx, rec: rec, o: o, binding: "b" + strings.ToLower(rand.Text())}
	if err := t.prepare(); err != nil {
		close()
		return nil, nil, &consent.Error{Kind: consent.KindUnavailable, Code: "browser_failed", Message: "Chromium could not be started: " + clip(err.Error(), 300)}
	}
	return t, close, nil
}

// newProfile makes a user data directory. Debian's Chromium refuses every unpartitioned third-party cookie unless
// the profile says otherwise, and no flag changes that.
func newProfile() (string, error) {
	dir, err := os.MkdirTemp("", "samtykke-scan-")
	if err != nil {
		return "", err
	}
	if err := os.Mkdir(filepath.Join(dir, "Default"), 0o700); err != nil {
		return "", err
	}
	return dir, os.WriteFile(filepath.Join(dir, "Default", "Preferences"), []byte(`{"profile":{"cookie_controls_mode":0}}`), 0o600)
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
// nothing that isolation would protect.
func flags(program, profile string, hosts map[string]string) []chromedp.ExecAllocatorOption {
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
	var rules []string
	for host, addr := range hosts {
		rules = append(rules, "MAP "+host+" "+addr)
	}
	return append(list, chromedp.Flag("host-resolver-rules", strings.Join(rules, ", ")), chromedp.Flag("lang", "da-DK"),
		chromedp.Flag("accept-lang", "da-DK,da,en"), chromedp.Flag("password-store", "basic"), chromedp.Flag("use-mock-keychain", true),
		chromedp.Flag("autoplay-policy", "no-user-gesture-required"),
		chromedp.Flag("disable-features", "SitePerProcess,IsolateOrigins,HttpsUpgrades,HttpsFirstBalancedModeAutoEnable,Translate"),
		// Pages that hide their banner from automated browsers would hide what is to be seen.
		chromedp.Flag("disable-blink-features", "AutomationControlled"))
}

// askTimeout bounds one question to the browser.
const askTimeout = 5 * time.Second

// call runs one command. A page that is busy in a loop would keep it waiting for ever.
func call[P, R any](t *tab, cmd cdp.Command[P, R], params P) (R, error) {
	ctx, cancel := context.WithTimeout(t.ctx, askTimeout)
	defer cancel()
	return chromedp.Call(ctx, cmd, params)
}

func (t *tab) prepare() error {
	if err := chromedp.Listen(t.ctx, t.event); err != nil {
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
			Source: strings.ReplaceAll(hookJS, "BINDING", t.binding),
		})
	}
	if err == nil {
		_, err = call(t, domstorage.Enable, cdp.Empty{})
	}
	if err == nil {
		_, err = chromedp.CallBrowser(t.ctx, browser.SetDownloadBehavior, browser.SetDownloadBehaviorParams{Behavior: browser.SetDownloadBehaviorBehaviorDeny})
	}
	return err
}

// version gives the browser's name and version.
func (t *tab) version() string {
	v, err := chromedp.CallBrowser(t.ctx, browser.GetVersion, cdp.Empty{})
	if err != nil {
		return ""
	}
	return v.Product
}

// event hands what the browser tells to the recorder. It runs inside the loop that reads the browser's messages
// and must not call the browser itself.
func (t *tab) event(ev any) {
	switch e := ev.(type) {
	case *network.EventRequestWillBeSent:
		t.rec.request(string(e.RequestID), e.Request.URL, string(e.Type), initiator(e), e.RedirectHasExtraInfo)
	case *network.EventWebSocketCreated:
		t.rec.request(string(e.RequestID), e.URL, "WebSocket", "", false)
	case *network.EventResponseReceived:
		t.rec.response(string(e.RequestID), e.HasExtraInfo, hasHeader(e.Response.Headers, "Samtykke-Notice"))
		if e.Type == network.ResourceTypeDocument && e.FrameID == t.frame {
			t.rec.document(e.Response.URL, int(e.Response.Status), e.Response.MimeType)
		}
	case *network.EventResponseReceivedExtraInfo:
		t.rec.rawHeaders(string(e.RequestID), setCookies(e))
	case *network.EventLoadingFinished:
		t.rec.finished(string(e.RequestID))
	case *network.EventLoadingFailed:
		t.rec.finished(string(e.RequestID))
	case *page.EventLoadEventFired:
		t.rec.load()
	case *page.EventJavascriptDialogOpening:
		go call(t, page.HandleJavaScriptDialog, page.HandleJavaScriptDialogParams{Accept: false}) // it stops the page
	case *runtime.EventBindingCalled:
		t.reported(e)
	case *domstorage.EventDomStorageItemAdded:
		t.rec.write(storageWrite(e.StorageID, e.Key))
	case *domstorage.EventDomStorageItemUpdated:
		t.rec.write(storageWrite(e.StorageID, e.Key))
	}
}

// initiator is the script or page that caused a request.
func initiator(e *network.EventRequestWillBeSent) string {
	if e.Initiator == nil {
		return ""
	}
	for s := e.Initiator.Stack; s != nil; s = s.Parent {
		for _, f := range s.CallFrames {
			if f.URL != "" {
				return f.URL
			}
		}
	}
	if e.Initiator.URL != "" {
		return e.Initiator.URL
	}
	return e.DocumentURL
}

func hasHeader(h network.Headers, name string) bool {
	for k := range h {
		if strings.EqualFold(k, name) {
			return true
		}
	}
	return false
}

// nobodyKeeps are refusals that every browser would make; such a cookie exists nowhere.
var nobodyKeeps = map[network.SetCookieBlockedReason]bool{
	network.SetCookieBlockedReasonSyntaxError: true, network.SetCookieBlockedReasonInvalidDomain: true,
	network.SetCookieBlockedReasonInvalidPrefix: true, network.SetCookieBlockedReasonSchemeNotSupported: true,
	network.SetCookieBlockedReasonNameValuePairExceedsMaxSize: true, network.SetCookieBlockedReasonDisallowedCharacter: true,
	network.SetCookieBlockedReasonNoCookieContent: true, network.SetCookieBlockedReasonOverwriteSecure: true,
}

func setCookies(e *network.EventResponseReceivedExtraInfo) extra {
	x := extra{refused: map[string]string{}}
	impossible := map[string]bool{}
	for _, b := range e.BlockedCookies {
		for _, reason := range b.BlockedReasons {
			impossible[b.CookieLine] = impossible[b.CookieLine] || nobodyKeeps[reason]
			x.refused[b.CookieLine] = string(reason)
		}
	}
	for k, v := range e.Headers {
		text, ok := v.(string)
		if !ok || !strings.EqualFold(k, "Set-Cookie") {
			continue
		}
		for line := range strings.SplitSeq(text, "\n") {
			if !impossible[line] {
				x.lines = append(x.lines, line)
			}
		}
	}
	return x
}

// reported takes in what hook.js tells.
func (t *tab) reported(e *runtime.EventBindingCalled) {
	if e.Name != t.binding {
		return
	}
	var m struct {
		Kind           consent.ItemKind
		Name, Line, By string
		Host           string
		Kept           bool
	}
	if json.Unmarshal([]byte(e.Payload), &m) != nil || !m.Kind.Valid() {
		return
	}
	w := Write{Kind: m.Kind, Name: m.Name, Host: m.Host}
	if m.Kind == consent.Cookie {
		w = readSetCookie(m.Line, m.Host, t.rec.now())
	}
	w.By, w.Kept = m.By, m.Kept
	t.rec.write(w)
}

// storageWrite catches what is stored without a call, as in localStorage.name = value.
func storageWrite(id *domstorage.StorageID, name string) Write {
	origin, _, _ := strings.Cut(string(id.StorageKey), "^")
	if id.SecurityOrigin != "" {
		origin = id.SecurityOrigin
	}
	w := Write{Kind: consent.SessionStorage, Name: name, Host: hostOf(origin)}
	if id.IsLocalStorage {
		w.Kind = consent.LocalStorage
	}
	return w
}

// open loads a page and returns an error in plain words where it could not be loaded.
func (t *tab) open(address string) error {
	t.rec.begin(address)
	ctx, cancel := context.WithTimeout(t.ctx, t.o.PageTimeout)
	defer cancel()
	res, err := chromedp.Call(ctx, page.Navigate, page.NavigateParams{URL: address})
	switch {
	case err != nil && t.ctx.Err() == nil && errors.Is(err, context.DeadlineExceeded):
		t.stop()
		return fmt.Errorf("no answer within %s", t.o.PageTimeout)
	case err != nil:
		return err
	case res.IsDownload:
		return errors.New("a download, not a page")
	case res.ErrorText != "":
		return errors.New(res.ErrorText)
	}
	return nil
}

// stop ends what is still loading or running, so that the next page starts from rest.
func (t *tab) stop() {
	_, _ = call(t, runtime.TerminateExecution, cdp.Empty{})
	_, _ = call(t, page.StopLoading, cdp.Empty{})
}

// clear deletes what the host of an address has stored.
func (t *tab) clear(address string) {
	if u, err := url.Parse(address); err == nil {
		_, _ = call(t, storage.ClearDataForOrigin, storage.ClearDataForOriginParams{Origin: u.Scheme + "://" + u.Host, StorageTypes: "all"})
	}
}

// frames lists the page's frames, itself first. Pages with hundreds of frames are cut short.
func (t *tab) frames() []cdp.FrameID {
	res, err := call(t, page.GetFrameTree, cdp.Empty{})
	if err != nil {
		return nil
	}
	var ids []cdp.FrameID
	var walk func(*page.FrameTree)
	walk = func(f *page.FrameTree) {
		if ids = append(ids, f.Frame.ID); len(ids) < 50 {
			for _, c := range f.ChildFrames {
				walk(c)
			}
		}
	}
	walk(res.FrameTree)
	return ids
}

// ask evaluates a call of page.js in a frame. With a nil out the result stays in the browser and is returned.
func (t *tab) ask(frame cdp.FrameID, question string, out any) (*runtime.RemoteObject, error) {
	w, err := call(t, page.CreateIsolatedWorld, page.CreateIsolatedWorldParams{FrameID: frame, WorldName: world})
	if err != nil {
		return nil, err
	}
	return t.evaluate(runtime.EvaluateParams{Expression: asker + "." + question, ContextID: w.ExecutionContextID}, out)
}

func (t *tab) evaluate(p runtime.EvaluateParams, out any) (*runtime.RemoteObject, error) {
	yes, byValue := true, out != nil
	p.ReturnByValue, p.AwaitPromise, p.UserGesture = &byValue, &yes, &yes
	res, err := call(t, runtime.Evaluate, p)
	switch {
	case err != nil:
		return nil, err
	case res.ExceptionDetails != nil:
		return nil, errors.New(res.ExceptionDetails.Text)
	case out == nil:
		return res.Result, nil
	}
	return nil, json.Unmarshal(res.Result.Value, out)
}

// snapshot records what the browser holds now.
func (t *tab) snapshot() {
	var s Snapshot
	for _, f := range t.frames() {
		s.addFrame(t, f)
	}
	cookies, err := call(t, storage.GetCookies, storage.GetCookiesParams{})
	if err != nil {
		return
	}
	for _, c := range cookies.Cookies {
		st := Stored{
			Kind: consent.Cookie, Name: clip(c.Name, 200), Host: c.Domain, Path: c.Path, HTTPOnly: c.HTTPOnly, Secure: c.Secure,
			SameSite: string(c.SameSite), Partitioned: c.PartitionKey != nil || c.PartitionKeyOpaque,
		}
		if !c.Session && c.Expires > 0 {
			left := time.UnixMilli(int64(c.Expires * 1000)).Sub(t.rec.now())
			st.Lifetime = max(left.Round(time.Second), time.Second)
		}
		s.Items = append(s.Items, st)
	}
	t.rec.snapshot(s)
}

func (s *Snapshot) addFrame(t *tab, frame cdp.FrameID) {
	var m map[string]json.RawMessage
	var host string
	if _, err := t.ask(frame, "stored()", &m); err != nil || json.Unmarshal(m["host"], &host) != nil || host == "" {
		return
	}
	s.Hosts = append(s.Hosts, host)
	for _, kind := range []consent.ItemKind{
		consent.LocalStorage, consent.SessionStorage, consent.IndexedDB, consent.CacheStorage, consent.ServiceWorker,
	} {
		var names []string
		_ = json.Unmarshal(m[string(kind)], &names)
		for _, name := range names {
			st := Stored{Kind: kind, Name: clip(name, 200), Host: host, Path: "/", Lifetime: consent.Persistent}
			if kind == consent.SessionStorage {
				st.Lifetime = 0
			}
			if name != "" {
				s.Items = append(s.Items, st)
			}
		}
	}
}

// click does what a mouse does in the middle of an element. What lies under something else is left alone: the
// click would go there.
func (t *tab) click(id runtime.RemoteObjectID) bool {
	_, _ = call(t, dom.ScrollIntoViewIfNeeded, dom.ScrollIntoViewIfNeededParams{ObjectID: id})
	if !t.reachable(id) {
		return false
	}
	q, err := call(t, dom.GetContentQuads, dom.GetContentQuadsParams{ObjectID: id})
	if err != nil || len(q.Quads) == 0 || len(q.Quads[0]) < 8 {
		return false
	}
	p := q.Quads[0]
	x, y := (p[0]+p[4])/2, (p[1]+p[5])/2
	for _, kind := range []input.DispatchMouseEventType{input.DispatchMouseEventTypeMouseMoved, input.DispatchMouseEventTypeMousePressed, input.DispatchMouseEventTypeMouseReleased} {
		m := input.DispatchMouseEventParams{Type: kind, X: x, Y: y}
		if kind != input.DispatchMouseEventTypeMouseMoved {
			m.Button, m.ClickCount = input.MouseButtonLeft, 1
		}
		if _, err := call(t, input.DispatchMouseEvent, m); err != nil {
			return false
		}
	}
	return true
}

func (t *tab) reachable(id runtime.RemoteObjectID) bool {
	yes := true
	res, err := call(t, runtime.CallFunctionOn, runtime.CallFunctionOnParams{
		FunctionDeclaration: "function() { const ask = " + asker + "; return ask.hit(this) }", ObjectID: id, ReturnByValue: &yes,
	})
	return err == nil && res.ExceptionDetails == nil && string(res.Result.Value) == "true"
}

// address is the page's, without its fragment.
func (t *tab) address() string {
	res, err := call(t, page.GetFrameTree, cdp.Empty{})
	if err != nil {
		return ""
	}
	return res.FrameTree.Frame.URL
}

// lens gives the page a screen of this size.
func (t *tab) lens(width, height int, mobile bool) error {
	_, err := call(t, emulation.SetDeviceMetricsOverride, emulation.SetDeviceMetricsOverrideParams{
		Width: int64(width), Height: int64(height), DeviceScaleFactor: 1, Mobile: mobile,
	})
	return err
}

// capture gives what is on the screen as PNG.
func (t *tab) capture() ([]byte, error) {
	res, err := call(t, page.CaptureScreenshot, page.CaptureScreenshotParams{Format: page.CaptureScreenshotFormatPng})
	return res.Data, err
}

// print gives the page as PDF, on A4.
func (t *tab) print() ([]byte, error) {
	width, height, margin, background := 8.27, 11.69, .6, true // inches
	res, err := call(t, page.PrintToPDF, page.PrintToPDFParams{
		PaperWidth: width, PaperHeight: height, MarginTop: &margin, MarginBottom: &margin, MarginLeft: &margin, MarginRight: &margin, PrintBackground: &background,
	})
	return res.Data, err
}

// withdrawOwn uses the documented interface of this product's banner.
func (t *tab) withdrawOwn() bool {
	return t.holds(`Promise.resolve(window.samtykke.withdraw()).then(() => true)`)
}

// holds says whether an expression, or what it promises, is true in the page itself.
func (t *tab) holds(expression string) bool {
	var ok bool
	_, err := t.evaluate(runtime.EvaluateParams{Expression: expression}, &ok)
	return err == nil && ok
}

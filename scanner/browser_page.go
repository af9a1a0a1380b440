package scanner

import (
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/dom"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/cdproto/storage"
	"github.com/chromedp/chromedp"

	"samtykke/scanner/evidence"
	"samtykke/scanner/wording"
)

//go:embed page.js
var pageJS string

// asker puts page.js with its tables into a world, where it stays for as long as the document does.
var asker = "globalThis.reader ??= " + strings.Replace(strings.TrimSpace(pageJS), "{{labels}}", wording.LabelsJSON, 1) + ", 0"

// world is the name of the isolated world in which frames are asked.
const world = "reader"

// open loads a page and returns an error in plain words where it could not be loaded.
func (t *tab) open(address string) error {
	t.leave()
	t.rec.Begin(address)
	ctx, cancel := context.WithTimeout(t.ctx, t.o.PageTimeout)
	defer cancel()
	res, err := t.navigate(ctx, address)
	if err == nil && res.ErrorText == "net::ERR_ABORTED" && !res.IsDownload { // by what the page before still had on its mind
		res, err = chromedp.Call(ctx, page.Navigate, page.NavigateParams{URL: address})
	}
	switch {
	case err != nil && t.ctx.Err() == nil && errors.Is(err, context.DeadlineExceeded):
		t.stop()
		return fmt.Errorf("no answer within %s", t.o.PageTimeout)
	case err != nil:
		return err
	case res.IsDownload:
		return errors.New("a download, not a page")
	case res.ErrorText != "":
		return plainly(t.unreached(address, res.ErrorText))
	}
	return nil
}

// unsent is how long the browser gets until it asks the server for a page. Scripts that still send something while their
// page is left can keep it from ever asking.
const unsent = 3 * time.Second

// navigate goes to a page, a second time where the first has led to no request.
func (t *tab) navigate(ctx context.Context, address string) (page.NavigateResult, error) {
	first, giveUp := context.WithCancel(ctx)
	defer giveUp()
	late := time.AfterFunc(unsent, func() {
		if !t.rec.Requested() {
			giveUp()
		}
	})
	defer late.Stop()
	res, err := chromedp.Call(first, page.Navigate, page.NavigateParams{URL: address})
	if err == nil || first.Err() == nil || ctx.Err() != nil {
		return res, err
	}
	t.stop()
	return chromedp.Call(ctx, page.Navigate, page.NavigateParams{URL: address})
}

// plainWords say what the browser's commonest codes mean to somebody who runs a site.
var plainWords = map[string]string{
	"net::ERR_NAME_NOT_RESOLVED":              "nobody knows the host name",
	"net::ERR_CONNECTION_REFUSED":             "nothing answers there",
	"net::ERR_CONNECTION_TIMED_OUT":           "the host didn't answer in time",
	"net::ERR_ADDRESS_UNREACHABLE":            "the host can't be reached",
	"net::ERR_CONNECTION_RESET":               "the server broke the connection off",
	"net::ERR_CONNECTION_CLOSED":              "the server broke the connection off",
	"net::ERR_EMPTY_RESPONSE":                 "the server answered nothing",
	"net::ERR_TOO_MANY_REDIRECTS":             "the page redirects in a circle",
	"net::ERR_CERT_AUTHORITY_INVALID":         "the certificate is from nobody whom browsers trust",
	"net::ERR_CERT_DATE_INVALID":              "the certificate has run out, or isn't valid yet",
	"net::ERR_CERT_COMMON_NAME_INVALID":       "the certificate is for another host name",
	"net::ERR_SSL_PROTOCOL_ERROR":             "the server doesn't speak https there",
	"net::ERR_INVALID_AUTH_CREDENTIALS":       "the page asks for a password",
	"net::ERR_INVALID_HTTP_RESPONSE":          "the server doesn't speak http there",
	"net::ERR_BLOCKED_BY_RESPONSE":            "the server forbids it",
	"net::ERR_HTTP_RESPONSE_CODE_FAILURE":     "the server answered with an error and no page",
	"net::ERR_UNSAFE_PORT":                    "browsers refuse that port",
	"net::ERR_SSL_VERSION_OR_CIPHER_MISMATCH": "the server's encryption is too old",
}

// plainly adds plain words to a code of the browser.
func plainly(err error) error {
	if words := plainWords[err.Error()]; words != "" {
		return fmt.Errorf("%s (%w)", words, err)
	}
	return err
}

// leave puts an empty page in the place of the present one. What that does when it is left still counts as its own.
func (t *tab) leave() {
	if res, err := call(t, page.Navigate, page.NavigateParams{URL: "about:blank"}); err == nil {
		t.blank.Store(&res.LoaderID)
	}
}

// responds says whether the page lets itself be asked anything. An evaluation wouldn't tell: V8 slips it in between the
// rounds of a loop.
func (t *tab) responds() bool {
	ctx, cancel := context.WithTimeout(t.ctx, time.Second)
	defer cancel()
	_, err := chromedp.Call(ctx, page.GetFrameTree, cdp.Empty{})
	return err == nil
}

// halt ends a script that keeps the page from answering, and says whether there was one. It would keep those of the other
// tabs in its process from answering, too.
func (t *tab) halt() bool {
	if t.ctx.Err() != nil || t.responds() {
		return false
	}
	t.stop()
	return t.ctx.Err() == nil
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
	p := runtime.EvaluateParams{Expression: "reader." + question, ContextID: w.ExecutionContextID}
	e, err := t.evaluate(p, out)
	if err == nil || !strings.HasPrefix(err.Error(), "Uncaught") {
		return e, err
	}
	// A new document: page.js isn't there yet.
	if _, err := t.evaluate(runtime.EvaluateParams{Expression: asker, ContextID: w.ExecutionContextID}, nil); err != nil {
		return nil, err
	}
	return t.evaluate(p, out)
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
		FunctionDeclaration: "function() { return reader.hit(this) }", ObjectID: id, ReturnByValue: &yes,
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

// unreached says why a page could not be loaded: what the passage knows of the host where the load ended, or else
// what the browser says.
func (t *tab) unreached(address, told string) error {
	if tree, err := call(t, page.GetFrameTree, cdp.Empty{}); err == nil && tree.FrameTree.Frame.UnreachableURL != "" {
		address = tree.FrameTree.Frame.UnreachableURL
	}
	if why := t.profile.way.Why(evidence.HostOf(address)); why != nil && slices.Contains(behindProxy, told) {
		return why
	}
	return errors.New(told)
}

// behindProxy are the browser's words for that its proxy did not reach a host.
var behindProxy = []string{"net::ERR_EMPTY_RESPONSE", "net::ERR_TUNNEL_CONNECTION_FAILED", "net::ERR_CONNECTION_CLOSED", "net::ERR_CONNECTION_RESET"}

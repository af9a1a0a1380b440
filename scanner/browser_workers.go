package scanner

import (
	"context"
	"encoding/json"
	"strings"
	"sync"

	"github.com/chromedp/cdproto"
	"github.com/chromedp/cdproto/inspector"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/cdproto/target"
	"github.com/chromedp/chromedp"

	"samtykke/scanner/evidence"
)

// wire sends a command somewhere. The answer to what goes to a worker comes as a message and is not waited for.
type wire func(method string, params, result any) error

// maxWorkers bounds how many workers of a page are listened to.
const maxWorkers = 200

// workers listens to what the page starts beside itself: workers, shared workers, service workers, and frames that the
// browser keeps in a process of their own. Each is held until it is listened to. The messages are wrapped into those
// of the page, since chromedp knows no session but the page's.
type workers struct {
	t       *tab
	page    wire
	mu      sync.Mutex
	number  int
	known   map[target.SessionID]*worker
	started map[target.ID]bool
}

// worker is one of them. A shared worker belongs to several pages; it counts for the one that fetched its script.
type worker struct {
	wire   wire
	shared string // address of its script
}

// listen has the recorder told of what happens in the page and in what it starts. It comes before the first page.
func (t *tab) listen() error {
	w := &workers{t: t, known: map[target.SessionID]*worker{}, started: map[target.ID]bool{}}
	w.page = func(method string, params, result any) error {
		ctx, cancel := context.WithTimeout(t.ctx, askTimeout)
		defer cancel()
		return chromedp.FromContext(ctx).Target.Call(ctx, method, params, result)
	}
	t.workers = w
	if t.o.HAR {
		t.rec.KeepHAR()
	}
	if err := chromedp.Listen(t.ctx, t.event); err != nil {
		return err
	}
	off := map[string]any{"autoAttach": false, "waitForDebuggerOnStart": false, "flatten": true}
	if err := w.page("Target.setAutoAttach", off, nil); err != nil { // what chromedp has set, before the mode can change
		return err
	}
	return w.page("Target.setAutoAttach", attach, nil)
}

// attach has everything that a page starts wait until it is listened to.
var attach = map[string]any{"autoAttach": true, "waitForDebuggerOnStart": true, "flatten": false}

// event takes in what comes over a wire about or from workers.
func (w *workers) event(ev any, via wire) {
	if w == nil {
		return
	}
	switch e := ev.(type) {
	case *target.EventTargetCreated:
		// Nothing attaches to shared workers by itself.
		if e.TargetInfo.Type == "shared_worker" && w.near(e.TargetInfo) && w.first(e.TargetInfo.TargetID) {
			go via("Target.attachToTarget", map[string]any{"targetId": e.TargetInfo.TargetID, "flatten": false}, nil)
		}
	case *target.EventAttachedToTarget:
		w.add(e, via)
	case *target.EventReceivedMessageFromTarget:
		w.message(e)
	}
}

// holdSharedWorkers has every shared worker wait until a page listens to it; no page can ask for that itself.
func (b *chromium) holdSharedWorkers() error {
	yes := true
	_, err := callBrowser(b, target.SetAutoAttach, target.SetAutoAttachParams{
		AutoAttach: true, WaitForDebuggerOnStart: true, Flatten: &yes, Filter: target.Filter{{Type: "shared_worker"}},
	})
	return err
}

// near says whether something may be the page's: it lies in the same browser context, as far as the page knows its own.
func (w *workers) near(i *target.Info) bool {
	own := chromedp.FromContext(w.t.ctx).BrowserContextID
	return own == "" || own == i.BrowserContextID
}

func (w *workers) first(id target.ID) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.started[id] || len(w.started) >= maxWorkers {
		return false
	}
	w.started[id] = true
	return true
}

func (w *workers) add(e *target.EventAttachedToTarget, via wire) {
	k := &worker{wire: func(method string, params, _ any) error {
		w.mu.Lock()
		w.number++
		text, err := json.Marshal(map[string]any{"id": w.number, "method": method, "params": params})
		w.mu.Unlock()
		if err != nil {
			return err
		}
		return via("Target.sendMessageToTarget", map[string]any{"sessionId": e.SessionID, "message": string(text)}, nil)
	}}
	if e.TargetInfo.Type == "shared_worker" {
		k.shared = evidence.PlainURL(e.TargetInfo.URL)
	}
	w.mu.Lock()
	listen := len(w.known) < maxWorkers
	if listen {
		w.known[e.SessionID] = k
	}
	w.mu.Unlock()
	go k.start(w.t, listen, e.TargetInfo.Type)
}

// start has a worker tell what it does and then lets it go.
func (k *worker) start(t *tab, listen bool, kind string) {
	t.rec.Touch()
	defer t.rec.Touch()
	if listen {
		_ = k.wire("Network.enable", struct{}{}, nil)
		_ = k.wire("Target.setAutoAttach", attach, nil)
		if strings.HasSuffix(kind, "worker") {
			_ = k.wire("Runtime.enable", struct{}{}, nil)
			_ = k.wire("Runtime.addBinding", map[string]any{"name": t.binding}, nil)
			_ = k.wire("Runtime.evaluate", map[string]any{"expression": hookFor(t.binding)}, nil)
		}
	}
	_ = k.wire("Runtime.runIfWaitingForDebugger", struct{}{}, nil)
}

// hookFor is hook.js with the name of the function by which it tells.
func hookFor(binding string) string { return strings.ReplaceAll(hookJS, "BINDING", binding) }

func (w *workers) message(e *target.EventReceivedMessageFromTarget) {
	w.mu.Lock()
	k := w.known[e.SessionID]
	w.mu.Unlock()
	var m cdproto.Message
	if k == nil || json.Unmarshal([]byte(e.Message), &m) != nil || m.Method == "" {
		return
	}
	ev, err := cdproto.UnmarshalMessage(&m, chromedp.DefaultUnmarshalOptions)
	if err != nil || k.shared != "" && !w.t.rec.HasFetched(k.shared) {
		return
	}
	switch e := ev.(type) {
	case *inspector.EventWorkerScriptLoaded:
		w.t.rec.Ran(k.shared)
	case *target.EventAttachedToTarget, *target.EventReceivedMessageFromTarget:
		w.event(ev, k.wire)
	case *runtime.EventBindingCalled:
		w.t.reported(e)
	default:
		w.t.rec.Hear(ev)
	}
}

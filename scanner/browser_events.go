package scanner

import (
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/cdproto/target"
)

// event hands what the browser tells to the recorder. It runs inside the loop that reads the browser's messages
// and must not call the browser itself.
func (t *tab) event(ev any) {
	switch e := ev.(type) {
	case *network.EventResponseReceived:
		if e.Type == network.ResourceTypeDocument && e.FrameID == t.frame {
			t.rec.Document(e.Response.URL, int(e.Response.Status), e.Response.MimeType)
		}
		t.rec.Hear(ev)
	case *runtime.EventBindingCalled:
		t.reported(e)
	case *target.EventAttachedToTarget, *target.EventTargetCreated, *target.EventReceivedMessageFromTarget:
		t.workers.event(ev, t.workers.page)
	default:
		t.rec.Hear(ev)
	}
}

// reported hands on what hook.js tells.
func (t *tab) reported(e *runtime.EventBindingCalled) {
	if e.Name == t.binding {
		t.rec.Reported(e.Payload)
	}
}

package scanner

import (
	"fmt"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/dom"
	"github.com/chromedp/cdproto/runtime"

	"samtykke/scanner/evidence"
)

// links lists the addresses that the page links to.
func (t *tab) links() []string {
	var hrefs []string
	_, _ = t.ask(t.frame, "links()", &hrefs)
	return hrefs
}

// idle waits until the page has had time for whatever was due. One that gives no answer is not waited for again.
func (t *tab) idle() bool {
	_, err := t.ask(t.frame, "idle()", nil)
	return err == nil || t.ctx.Err() == nil
}

// exercise scrolls to the end and plays what can be played, in every frame.
func (t *tab) exercise() {
	for _, f := range t.frames() {
		_, _ = t.ask(f, "exercise()", nil)
	}
	t.rec.Touch()
}

// probe is what page.js finds in one frame: the labels of what can be pressed.
type probe struct {
	Own                                           bool
	Accept, Reject, Settings, Save, Notice, Other string
	Choices                                       int
}

// asks says whether the frame holds what asks for consent. Settings alone may be any page's.
func (p *probe) asks() bool {
	return p.Accept != "" || p.Reject != "" || p.Notice != "" || p.Save != "" && p.Choices > 0
}

// banner looks for what asks for consent, in every frame: the cheap look, on every page. See measure.
func (t *tab) banner() evidence.Banner {
	b, _ := t.findBanner()
	return b
}

// findBanner also says in which frame the banner is.
func (t *tab) findBanner() (evidence.Banner, cdp.FrameID) {
	frames := t.frames()
	b, at := t.bannerIn(frames)
	if !b.Seen && t.openShadows(frames) {
		b, at = t.bannerIn(frames)
	}
	return b, at
}

func (t *tab) bannerIn(frames []cdp.FrameID) (b evidence.Banner, at cdp.FrameID) {
	for _, f := range frames {
		var p probe
		if _, err := t.ask(f, "probe()", &p); err != nil {
			continue
		}
		b.Own = b.Own || p.Own
		if p.asks() {
			b.Seen, b.Accept, b.Reject, b.Settings, b.Save, b.Other = true, p.Accept, p.Reject, p.Settings, p.Save, p.Other
			if b.Accept == "" {
				b.Accept = p.Notice
			}
			return b, f
		}
	}
	return b, ""
}

// openShadows hands page.js the closed shadow roots of what lies on the screen and has nothing in it that a script
// could see. It says whether there were any.
func (t *tab) openShadows(frames []cdp.FrameID) (found bool) {
	for _, f := range frames[:min(len(frames), 10)] {
		for range 5 {
			host, err := t.ask(f, "suspect()", nil)
			if err != nil || host == nil || host.ObjectID == "" {
				break
			}
			found = t.adopt(f, host.ObjectID) || found
		}
	}
	return found
}

func (t *tab) adopt(frame cdp.FrameID, host runtime.RemoteObjectID) bool {
	depth, pierce := int64(1), true
	d, err := call(t, dom.DescribeNode, dom.DescribeNodeParams{ObjectID: host, Depth: &depth, Pierce: &pierce})
	if err != nil || len(d.Node.ShadowRoots) == 0 || d.Node.ShadowRoots[0].ShadowRootType != cdp.ShadowRootTypeClosed {
		return false
	}
	w, err := t.worldOf(frame, world)
	if err != nil {
		return false
	}
	root, err := call(t, dom.ResolveNode, dom.ResolveNodeParams{BackendNodeID: d.Node.ShadowRoots[0].BackendNodeID, ExecutionContextID: w})
	if err != nil {
		return false
	}
	_, err = t.on(host, "function(root) { reader.adopt(this, root) }", root.Object.ObjectID)
	return err == nil
}

// press clicks, as a mouse does, on the element that plays a role, once it has stopped moving, and says whether there
// was one to be reached.
func (t *tab) press(role string) bool {
	for _, f := range t.frames() {
		e, err := t.ask(f, fmt.Sprintf("find(%q)", role), nil)
		if err == nil && e != nil && e.ObjectID != "" {
			if still, err := t.on(e.ObjectID, "function() { return reader.steady(this) }"); err != nil || string(still.Value) != "true" {
				return false
			}
			t.rec.Touch()
			return t.click(e.ObjectID)
		}
	}
	return false
}

// about tells what the page says of itself outside the banner, into a visit.
func (t *tab) about(v *evidence.Visit) {
	var a struct{ Lang, Reopen, Declares string }
	if _, err := t.ask(t.frame, "about()", &a); err == nil {
		v.Lang, v.Reopen, v.Declares, v.Probed = a.Lang, a.Reopen, a.Declares, true
	}
}

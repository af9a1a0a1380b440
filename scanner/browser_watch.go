package scanner

import (
	"maps"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/inspector"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/cdproto/target"
	"github.com/chromedp/chromedp"
)

// Windows that pages open are looked at for a moment and then closed.
const (
	maxPopups   = 5 // that one page may open; the rest is closed at once
	popupLooked = 3 * time.Second
)

// notice takes care of what a page may do to its tab. It runs inside the loop that reads the browser's messages and
// must not call the browser itself.
func (t *tab) notice(ev any) {
	switch e := ev.(type) {
	case *page.EventJavascriptDialogOpening: // it stops the page; leaving is always agreed to
		go call(t, page.HandleJavaScriptDialog, page.HandleJavaScriptDialogParams{Accept: e.Type == page.DialogTypeBeforeunload})
	case *page.EventLifecycleEvent:
		if e.Name == "load" && e.FrameID == t.frame && !t.isBlank(e.LoaderID) {
			t.rec.Arrived()
		}
	case *inspector.EventTargetCrashed:
		t.crashed.Store(true)
		go t.end()
	}
}

// open makes the browser open, or attach to, the page of a tab.
func (b *chromium) open(t *tab) error {
	if t.opener == nil {
		b.opening.Lock()
		defer b.opening.Unlock()
	}
	if err := chromedp.Do(t.ctx); err != nil {
		return err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.tabs[chromedp.FromContext(t.ctx).Target.TargetID] = t
	return nil
}

func (b *chromium) lose(t *tab) {
	b.mu.Lock()
	defer b.mu.Unlock()
	maps.DeleteFunc(b.tabs, func(_ target.ID, other *tab) bool { return other == t })
}

// watch asks to be told of windows that pages open.
func (b *chromium) watch() error {
	err := chromedp.ListenBrowser(b.ctx, func(ev any) {
		if e, ok := ev.(*target.EventTargetCreated); ok && e.TargetInfo.Type == "page" {
			b.created(e.TargetInfo)
		}
	})
	if err == nil {
		_, err = callBrowser(b, target.SetDiscoverTargets, target.SetDiscoverTargetsParams{Discover: true})
	}
	if err == nil {
		err = b.holdSharedWorkers()
	}
	return err
}

// created looks after a window that a page has opened.
func (b *chromium) created(info *target.Info) {
	b.mu.Lock()
	by, own := b.tabs[info.OpenerID], b.profiles[info.BrowserContextID]
	b.mu.Unlock()
	switch {
	case !own:
	case by == nil || by.opener != nil:
		go b.closeStray(info.TargetID)
	default:
		by.popups.Add(1)
		go func() {
			defer by.popups.Add(-1)
			by.glance(info.TargetID)
		}()
	}
}

// closeStray closes a window that was opened without telling by whom. What it stored is seen in the next snapshot.
func (b *chromium) closeStray(id target.ID) {
	b.opening.Lock() // whatever is being opened is known afterwards
	b.mu.Lock()
	ours := b.tabs[id] != nil
	b.mu.Unlock()
	b.opening.Unlock()
	if !ours {
		_, _ = callBrowser(b, target.CloseTarget, target.CloseTargetParams{TargetID: id})
	}
}

// glance records what a window that was opened does in its first moments, and closes it.
func (t *tab) glance(id target.ID) {
	if t.opened.Add(1) > maxPopups {
		_, _ = callBrowser(t.profile.chromium, target.CloseTarget, target.CloseTargetParams{TargetID: id})
		return
	}
	rec := t.rec.Beside()
	popup, err := t.profile.attach(&tab{profile: t.profile, rec: rec, o: t.o, opener: t}, chromedp.WithTargetID(id))
	if err != nil {
		return
	}
	defer popup.end()
	// It waits for whoever listens, and its opener with it.
	_, _ = call(popup, runtime.RunIfWaitingForDebugger, cdp.Empty{})
	if popup.holds(`document.readyState == "complete"`) {
		rec.Arrived()
	}
	v := visitor{crawl: &crawl{o: t.o}, tab: popup}
	v.until(popupLooked, func() bool { return rec.Rested(t.o.Quiet) })
	t.rec.Absorb(rec)
}

func (t *tab) hasPopups() bool { return t.popups.Load() > 0 }

func (t *tab) isBlank(loader cdp.LoaderID) bool {
	blank := t.blank.Load()
	return blank != nil && *blank == loader
}

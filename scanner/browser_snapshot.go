package scanner

import (
	"encoding/json"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/cdproto/storage"

	"samtykke/consent"
	"samtykke/scanner/evidence"
	"samtykke/scanner/recording"
)

// snapshot records what the browser holds now, and what else is best seen at the end of a page.
func (t *tab) snapshot() {
	var s evidence.Snapshot
	for _, f := range t.frames() {
		addFrame(&s, t, f)
	}
	t.addEnding()
	cookies, err := callBrowser(t.profile.chromium, storage.GetCookies, storage.GetCookiesParams{BrowserContextID: t.profile.id})
	if err != nil {
		return
	}
	for _, c := range cookies.Cookies {
		st := evidence.Stored{
			Kind: consent.Cookie, Name: evidence.Clip(c.Name, 200), Host: c.Domain, Path: c.Path, HTTPOnly: c.HTTPOnly, Secure: c.Secure,
			SameSite: string(c.SameSite), Partitioned: c.PartitionKey != nil || c.PartitionKeyOpaque, Shape: evidence.Shape(c.Value),
		}
		t.rec.Learn(c.Name, c.Value)
		if !c.Session && c.Expires > 0 {
			left := time.UnixMilli(int64(c.Expires * 1000)).Sub(t.o.Now())
			st.Lifetime = max(left.Round(time.Second), time.Second)
		}
		s.Items = append(s.Items, st)
	}
	t.rec.Snapshot(s)
}

// ending gives the consent commands in the page's layer, and the pictures that are too small to be looked at. It runs in
// the page's own world, reads and changes nothing.
const ending = `(() => {
  const d = Reflect.getOwnPropertyDescriptor(globalThis, "dataLayer")
  const commands = Array.from(d && d.value || []).slice(0, 5000).filter((e) => e && typeof e === "object" && e[0] === "consent")
  const small = Array.from(document.images).slice(0, 2000).filter((i) => i.complete && i.naturalWidth > 0 && i.naturalWidth < 3 && i.naturalHeight < 3)
  return { commands: commands.map((e) => [e[1], e[2]]), pixels: small.map((i) => i.currentSrc.slice(0, 500)).filter((a) => a.startsWith("http")) }
})()`

// addEnding takes in what is only seen at the end of a page: consent commands that were given after the last moment at
// which hook.js looked, and what pictures turned out to be. The layers of frames are told by hook.js alone.
func (t *tab) addEnding() {
	var end struct {
		Commands [][]json.RawMessage
		Pixels   []string
	}
	if _, err := t.evaluate(runtime.EvaluateParams{Expression: ending}, &end); err != nil {
		return
	}
	var all []evidence.ConsentSignal
	for _, args := range end.Commands {
		if c, ok := recording.ReadSignal(args); ok {
			all = append(all, c)
		}
	}
	t.rec.Signals(all)
	t.rec.Pixels(end.Pixels)
}

func addFrame(s *evidence.Snapshot, t *tab, frame cdp.FrameID) {
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
			st := evidence.Stored{Kind: kind, Name: evidence.Clip(name, 200), Host: host, Path: "/", Lifetime: consent.Persistent}
			if kind == consent.SessionStorage {
				st.Lifetime = 0
			}
			if name != "" {
				s.Items = append(s.Items, st)
			}
		}
	}
}

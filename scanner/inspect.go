package scanner

import (
	"fmt"
	"slices"
	"time"

	"samtykke/scanner/evidence"
	"samtykke/scanner/wording"
)

// look looks closely at what the state none has found: the banner, and what the site says of its cookies. It is done in a
// profile of its own while the other states are visited; nothing of it is evidence of what the site stores.
func (v *visitor) look() {
	v.done = true
	if v.crawl.bannerSeen() {
		v.inspect()
	}
	v.read()
}

// lookedAt takes over what a close look has shown.
func lookedAt(s *evidence.State, l evidence.State) {
	for _, seen := range l.Visits {
		measured(s, seen.URL, seen.Banner)
	}
	s.Pictures = append(s.Pictures, l.Pictures...)
}

func measured(s *evidence.State, page string, b evidence.Banner) {
	for i := range s.Visits {
		if s.Visits[i].URL == page {
			s.Visits[i].Banner = b
			return
		}
	}
}

// inspect measures the banner on the start page and on one below it, before anybody answers. It moves the focus, changes
// the size of the screen and opens the settings, so it works in a tab of its own whose doings are no evidence.
func (v *visitor) inspect() {
	if !v.alive() {
		return
	}
	t, err := v.stay.newTab(false)
	if err != nil {
		return
	}
	defer t.end()
	v.stay.discard(t.rec)
	h := &visitor{crawl: v.crawl, stay: v.stay, tab: t, state: v.state, helper: true}
	for i, page := range append([]string{v.pages[0]}, v.phonePages()...) {
		v.tell(page, "measure the banner")
		if !h.fetch(page) {
			continue
		}
		h.until(v.o.PageTimeout/4, func() bool { return t.banner().Seen })
		b := t.measure(v.stay.phone)
		if i == 0 && b.Seen {
			v.portray("first", page, t)
			h.choices(&b)
			v.portray("second", page, t)
		}
		v.measured(page, b)
	}
}

// fetch loads a page that is only looked at, and says whether it may be.
func (v *visitor) fetch(page string) bool {
	v.pace.wait(v.stay.ctx, page)
	return v.tab.open(page) == nil && v.settle() == nil && v.refused(v.tab.rec.Visit()) == nil
}

// portray takes a picture of a layer of the banner.
func (v *visitor) portray(layer, page string, t *tab) {
	if layer == "second" && !t.banner().Seen {
		return
	}
	v.tab.rec.Pictured(evidence.Picture{State: v.state, Device: v.stay.manner.device, Layer: layer, Page: evidence.Clip(page, 300), PNG: t.picture()})
}

// boxesCome is how long the boxes of an open second layer are waited for. It may have none.
const boxesCome = 2 * time.Second

// choices names the tool and opens the second layer, to see what can be chosen there and how many presses a refusal
// takes. It is the last thing on a page.
func (v *visitor) choices(b *evidence.Banner) {
	switch {
	case b.Own:
		b.Tool = "samtykke"
	default:
		b.Tool, _ = v.autoconsent("")
	}
	presses := 0
	if b.Settings != "" {
		if !v.openSettings() {
			return
		}
		presses = 1
		v.until(boxesCome, func() bool { return v.tab.boxed() > 0 }) // they may be fetched only now, after the layer is there
	}
	second, at := v.tab.findBanner()
	var l *seenLayer
	if v.tab.gauge(at, "layer()", &l) != nil || l == nil {
		return
	}
	on := 0
	for i := range l.Boxes {
		l.Boxes[i].Category = wording.Category(l.Boxes[i].Label, b.Lang)
		if l.Boxes[i].Checked && !l.Boxes[i].Disabled {
			on++
		}
	}
	if presses > 0 {
		b.Boxes, b.Opened = withBoxes(b.Boxes, l.Boxes), true
	}
	switch {
	case b.Clicks > 0:
	case second.Reject != "":
		b.Clicks = presses + 1
	case second.Save != "":
		b.Clicks = presses + on + 1
	}
	if b.Save == "" {
		b.Save = second.Save
	}
}

// withBoxes adds those that aren't there yet.
func withBoxes(all, more []evidence.Box) []evidence.Box {
	known := map[string]bool{}
	for _, b := range all {
		known[fmt.Sprint(b)] = true
	}
	for _, b := range more {
		if !known[fmt.Sprint(b)] {
			all = append(all, b)
		}
	}
	return all
}

// asked says whether a banner was seen on any page. Where it comes late, it may have been missed on another.
func (s *stay) asked() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.ContainsFunc(s.visits, func(v placed) bool { return v.Banner.Seen })
}

// measured puts what was measured into the visit of the page, or keeps it for when there is one.
func (v *visitor) measured(page string, b evidence.Banner) {
	s := v.stay
	s.mu.Lock()
	defer s.mu.Unlock()
	if !b.Seen {
		return
	}
	for i := range s.visits {
		if s.visits[i].URL == evidence.Clip(page, 300) {
			s.visits[i].Banner = b
			return
		}
	}
	if v.looks {
		s.visits = append(s.visits, placed{len(s.visits), evidence.Visit{URL: evidence.Clip(page, 300), Banner: b}})
	}
}

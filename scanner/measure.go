package scanner

import (
	_ "embed"
	"math"
	"strings"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"

	"samtykke/scanner/evidence"
	"samtykke/scanner/wording"
)

//go:embed measure.js
var measureJS string

// gaugeJS puts measure.js beside page.js into a world.
var gaugeJS = "globalThis.meter ??= " + strings.TrimSpace(measureJS[strings.Index(measureJS, "((page)"):]) + "(reader), 0"

// seenLayer is what can be seen in one layer of a banner.
type seenLayer struct {
	Buttons []evidence.Button
	Links   []evidence.Link
	Boxes   []evidence.Box
}

// gauge asks measure.js.
func (t *tab) gauge(frame cdp.FrameID, question string, out any) error {
	if _, err := t.ask(frame, "own", nil); err != nil { // so that page.js is there
		return err
	}
	w, err := t.worldOf(frame, world)
	if err != nil {
		return err
	}
	if _, err := t.evaluate(runtime.EvaluateParams{Expression: gaugeJS, ContextID: w}, nil); err != nil {
		return err
	}
	_, err = t.evaluate(runtime.EvaluateParams{Expression: "meter." + question, ContextID: w}, out)
	return err
}

// measure looks at the banner closely: its words, buttons, boxes and what keeps somebody from using it. It moves the
// focus, so it is for pages that nothing else is to be learned from. phone says what
// the tab was dressed as.
func (t *tab) measure(phone bool) evidence.Banner {
	b, at := t.findBanner()
	if !b.Seen {
		return b
	}
	_, _ = call(t, emulation.SetFocusEmulationEnabled, emulation.SetFocusEmulationEnabledParams{Enabled: true})
	var m *struct {
		Text string
		seenLayer
		Problems []evidence.Problem
	}
	if err := t.gauge(at, "measure()", &m); err != nil || m == nil {
		return b
	}
	b.Text, b.Buttons, b.Links, b.Boxes, b.Problems = m.Text, m.Buttons, m.Links, m.Boxes, m.Problems
	b.Lang = wording.Language(b.Text)
	prose := b.Text // “Indstillinger” on a button names no purpose
	for _, p := range b.Buttons {
		if p.Label != "" {
			prose = strings.ReplaceAll(prose, p.Label, " ")
		}
	}
	b.Purposes, b.Partners = wording.Purposes(prose, b.Lang), wording.NamesPartners(prose, b.Lang)
	for i := range b.Boxes {
		b.Boxes[i].Category = wording.Category(b.Boxes[i].Label, b.Lang)
	}
	_ = t.gauge(t.frame, "wall()", &b.Wall)
	if b.Reject != "" {
		b.Clicks = 1
	}
	b.Problems = append(b.Problems, t.cutOff(phone)...)
	return b
}

// What a page must still be usable on: 1280 × 1024 at four times the size (WCAG 2.2, 1.4.10).
const (
	smallWidth  = 320
	smallHeight = 256
)

// cutOff looks at the banner on the smallest screen and comes back.
func (t *tab) cutOff(phone bool) (found []evidence.Problem) {
	if t.lens(smallWidth, smallHeight, phone) != nil {
		return nil
	}
	defer func() {
		if phone {
			_ = t.lens(phoneWidth, phoneHeight, true)
			return
		}
		_, _ = call(t, emulation.ClearDeviceMetricsOverride, cdp.Empty{})
	}()
	if _, at := t.findBanner(); at != "" {
		_ = t.gauge(at, "cut()", &found)
	}
	return found
}

// maxPicture bounds a picture. What is larger is taken at half the size.
const maxPicture = 400_000

// picture takes one of the screen; nil where there is none to be had within the bound.
func (t *tab) picture() []byte {
	var size [2]float64
	if _, err := t.evaluate(runtime.EvaluateParams{Expression: "[innerWidth, innerHeight]"}, &size); err != nil {
		return nil
	}
	for scale := 1.0; scale > .2; scale /= math.Sqrt2 {
		res, err := call(t, page.CaptureScreenshot, page.CaptureScreenshotParams{
			Format: page.CaptureScreenshotFormatPng,
			Clip:   &page.Viewport{Width: size[0], Height: size[1], Scale: scale},
		})
		if err != nil {
			return nil
		}
		if len(res.Data) <= maxPicture {
			return res.Data
		}
	}
	return nil
}

package widget

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"samtykke/consent"
)

// palette is the six colours of a theme; the stylesheet knows them as --paper, --ink and so on.
type palette struct{ paper, ink, soft, line string }

var (
	light = palette{"#ffffff", "#1b1b1f", "#55555e", "#d5d5db"}
	dark  = palette{"#1c1c20", "#f3f3f5", "#b8b8c0", "#4a4a52"}
)

// styleOf puts together the stylesheet of a banner: one form, its corner, its themes.
func styleOf(b consent.Banner) string {
	var s strings.Builder
	s.WriteString(source("base.css"))
	s.WriteString(source(b.Form + ".css"))
	side := "left"
	if b.Corner == "right" {
		side = "right"
	}
	if b.Form == "box" {
		fmt.Fprintf(&s, "#banner{%s:var(--gap)}", side)
	}
	fmt.Fprintf(&s, "#reopen{%s:.5em}", side)
	switch b.Theme {
	case "light":
		s.WriteString(light.rule(b.Accent, "light"))
	case "dark":
		s.WriteString(dark.rule(b.Accent, "dark"))
	default:
		s.WriteString(light.rule(b.Accent, "light"))
		s.WriteString("@media (prefers-color-scheme:dark){" + dark.rule(b.Accent, "dark") + "}")
	}
	return s.String()
}

// rule declares a theme's colours. The accent fills all three buttons alike (B4); it colours links, focus rings and
// switches only where it can be read on the paper (WCAG 1.4.3), and the ink does where it can't.
func (p palette) rule(accent, scheme string) string {
	if accent == "" {
		accent = p.ink
	}
	link := accent
	if contrast(accent, p.paper) < 4.5 {
		link = p.ink
	}
	return fmt.Sprintf("#banner,#dialog,#reopen{--paper:%s;--ink:%s;--soft:%s;--line:%s;--button:%s;--label:%s;--link:%s;color-scheme:%s}",
		p.paper, p.ink, p.soft, p.line, accent, labelOn(accent), link, scheme)
}

// labelOn is black or white, whichever can be read better. One of them always has a contrast of at least 4.5.
func labelOn(colour string) string {
	if contrast(colour, "#ffffff") >= contrast(colour, "#000000") {
		return "#ffffff"
	}
	return "#000000"
}

// contrast is the ratio of WCAG 2.2 between two colours written #rrggbb: 1 to 21.
func contrast(a, b string) float64 {
	la, lb := luminance(a), luminance(b)
	return (max(la, lb) + 0.05) / (min(la, lb) + 0.05)
}

func luminance(colour string) float64 {
	n, _ := strconv.ParseUint(colour[1:], 16, 32) // the banner was validated
	channel := func(shift int) float64 {
		c := float64(n>>shift&0xff) / 255
		if c <= 0.04045 {
			return c / 12.92
		}
		return math.Pow((c+0.055)/1.055, 2.4)
	}
	return 0.2126*channel(16) + 0.7152*channel(8) + 0.0722*channel(0)
}

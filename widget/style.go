package widget

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"samtykke/consent"
)

// palette is the colours of a theme; the stylesheet knows them as --s-paper, --s-ink and so on.
type palette struct{ scheme, paper, ink, soft, line string }

var (
	light = palette{"light", "#ffffff", "#1b1b1f", "#55555e", "#d5d5db"}
	dark  = palette{"dark", "#1c1c20", "#f3f3f5", "#b8b8c0", "#4a4a52"}
)

// rounding is the radius of the corners by its name.
var rounding = map[string]string{"": ".75em", "none": "0px", "large": "1.5em"}

// styleOf puts together the stylesheet of a banner: one form, its corner, its themes.
func styleOf(b consent.Banner) string {
	var s strings.Builder
	s.WriteString(source("base.css"))
	// The first layer's buttons are slotted.
	s.WriteString(strings.NewReplacer(".buttons button:hover", "::slotted(button:hover)", ".buttons button:focus-visible", "::slotted(:focus-visible)",
		".buttons button", "::slotted(button)", ".buttons", "slot").Replace(source("buttons.css")))
	s.WriteString(source(b.Form + ".css"))
	if b.Form == "dialog" {
		s.WriteString(source("modal.css") + themes(b, soft))
	}
	side := "left"
	if b.Corner == "right" {
		side = "right"
	}
	if b.Form == "box" {
		fmt.Fprintf(&s, "#banner{%s:min(1em,2vmin)}", side)
	}
	fmt.Fprintf(&s, "*{--s-round:%s}#reopen{%s:.5em}", rounding[b.Round], side)
	if b.Font == "page" {
		s.WriteString(":host{font-family:inherit!important}#banner,#reopen,dialog{font-family:inherit}")
	}
	s.WriteString(themes(b, colours(b.Accent)))
	return s.String()
}

// panelStyleOf is what the second layer adds to it.
func panelStyleOf(b consent.Banner) string {
	return source("buttons.css") + source("modal.css") + source("panel.css") + themes(b, soft)
}

// embedStyleOf is the stylesheet of a placeholder, which has a document of its own.
func embedStyleOf(b consent.Banner) string {
	css := fmt.Sprintf(":host{--s-round:%s}", rounding[b.Round]) + themes(b, colours(b.Accent)) + source("embed.css")
	return strings.ReplaceAll(css, ":host", ":root")
}

// themes declares what a theme says, on every element of ours: a page's own rule for all elements would outrank the
// host's. Where the browser decides, the dark theme says only what the light one doesn't.
func themes(b consent.Banner, says func(palette) []string) string {
	rule := func(declarations []string) string { return "*{" + strings.Join(declarations, ";") + "}" }
	switch b.Theme {
	case "light":
		return rule(says(light))
	case "dark":
		return rule(says(dark))
	}
	other := slices.DeleteFunc(says(dark), func(d string) bool { return slices.Contains(says(light), d) })
	return rule(says(light)) + "@media (prefers-color-scheme:dark){" + rule(other) + "}"
}

func soft(p palette) []string { return []string{"--s-soft:" + p.soft} }

// colours are those of a theme. The accent fills all three buttons alike (B4); it colours links, focus rings and switches
// only where it can be read on the paper (WCAG 1.4.3), and the ink does where it can't.
func colours(accent string) func(palette) []string {
	return func(p palette) []string {
		button, label, link := "var(--s-ink)", "var(--s-paper)", "var(--s-ink)"
		if accent != "" {
			button, label = accent, labelOn(accent)
			if contrast(accent, p.paper) >= 4.5 {
				link = accent
			}
		}
		return []string{
			"--s-paper:" + p.paper, "--s-ink:" + p.ink, "--s-line:" + p.line,
			"--s-button:" + button, "--s-label:" + label, "--s-link:" + link, "color-scheme:" + p.scheme,
		}
	}
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

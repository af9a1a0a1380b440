package judgement

import (
	"math"
	"slices"
	"strconv"

	"samtykke/consent"
	"samtykke/scanner/evidence"
	"samtykke/scanner/spoken"
)

// lookVerdicts judge how the banner looks and who can use it.
var lookVerdicts = append([]Verdict{
	{
		Code: "reject-not-equal", Severity: consent.High, Requirement: "S15", judge: notEqual,
		Title: spoken.Words{
			"Knappen, der afviser, er mindre tydelig end den, der accepterer.",
			"The button that refuses is less prominent than the one that accepts.",
		},
		Advice: spoken.Words{
			"Giv de to knapper samme slags, størrelse, skrift og farver, og sæt dem ved siden af hinanden.",
			"Give both buttons the same kind, size, type and colours, and put them side by side.",
		},
		When: "The two buttons of the first layer differ to the refusal's disadvantage: kind of element, size by more than a quarter (a longer label may take a wider button), " +
			"type by more than a tenth, weight, contrast of the text, contrast with what they stand on, fill, colour, on the screen or not, clicks " +
			"(CNIL 2020-092 §34; Datatilsynet's decisions of 2021 and 2022; Taskforce, types C to E). Medium where only the colour differs.",
		Limits: "Pictures, gradients and animation are not measured. Where the buttons stand is not judged.",
	},
	{
		Code: "reject-unreadable", Severity: consent.High, Requirement: "S16", judge: rejectUnreadable,
		Title: spoken.Words{
			"Teksten på knappen, der afviser, står for svagt til at kunne læses.",
			"The text of the button that refuses is too faint to be read.",
		},
		Advice: spoken.Words{
			"Giv teksten en kontrast på mindst 4,5:1 til det, den står på.",
			"Give the text a contrast of at least 4.5:1 with what it stands on.",
		},
		When:   "The contrast of the refusal's text is below 4.5:1, or 3:1 for large type (WCAG 2.2, 1.4.3; Taskforce, paragraph 18).",
		Limits: "Silent where the background is a picture or a gradient.",
	},
}, a11yVerdicts()...)

// The measures of equal look. Sizes and type: the CNIL asks for the same (2020-092 §34); the tolerances are ours.
const (
	sizeTolerance   = 0.25
	typeTolerance   = 0.10
	letterWidth     = 0.7 // of the font size: what a letter more may add to a button's width
	minContrast     = 4.5 // WCAG 2.2, 1.4.3
	minLarge        = 3.0 // the same for large type
	largeType       = 24  // CSS pixels: 18 points
	largeBold       = 18.66
	clearContrast   = 7.0 // WCAG 2.2, 1.4.6: above it a text is clear, whatever the other one has
	minEdge         = 3.0 // WCAG 2.2, 1.4.11
	colourTolerance = 48  // distance of two colours in RGB, of 441 at most, below which they look alike
)

func button(b *evidence.Banner, role string) *evidence.Button {
	at := slices.IndexFunc(b.Buttons, func(x evidence.Button) bool { return x.Role == role })
	if at < 0 {
		return nil
	}
	return &b.Buttons[at]
}

// pairs are the first banners of each screen of which both buttons were measured.
func (c *scene) pairs() []seenBanner {
	return c.banners(func(b *evidence.Banner) bool { return button(b, "accept") != nil && button(b, "reject") != nil })
}

func notEqual(c *scene) (consent.Severity, []fact) {
	severity := consent.Medium
	var facts []fact
	for _, b := range c.pairs() {
		for _, d := range differences(button(b.Banner, "accept"), button(b.Banner, "reject")) {
			if d.subject != "colour" {
				severity = consent.High
			}
			facts = append(facts, fact{d.subject, spoken.Say("%s: %s", "%s: %s", b.where(), d.Words)})
		}
		if b.Clicks > 1 {
			severity = consent.High
			facts = append(facts, fact{"clicks", spoken.Say("%s: at afvise tager %d klik", "%s: refusing takes %d clicks", b.where(), b.Clicks)})
		}
	}
	return severity, facts
}

// differences are what makes the refusal less prominent, each with the two measures. What was not measured is 0 or
// empty and compares with nothing.
func differences(yes, no *evidence.Button) []fact {
	var all []fact
	note := func(differ bool, subject string, w spoken.Words) {
		if differ {
			all = append(all, fact{subject, w})
		}
	}
	less := func(a, b, tolerance float64) bool { return a > 0 && b > 0 && b < a*(1-tolerance) }
	note(kindOf(yes.Tag) == "button" && kindOf(no.Tag) != "button" && no.Tag != "", "kind",
		spoken.Say("“%s” er en knap, “%s” er <%s>", "“%s” is a button, “%s” is <%s>", yes.Label, no.Label, no.Tag))
	note(less(yes.Height, no.Height, sizeTolerance), "height",
		spoken.Say("“%s” er %s px høj, “%s” er %s px", "“%s” is %s px high, “%s” is %s px", yes.Label, spoken.Decimal(yes.Height), no.Label, spoken.Decimal(no.Height)))
	letters := float64(max(0, len([]rune(yes.Label))-len([]rune(no.Label)))) * letterWidth * yes.FontSize
	note(less(yes.Width-letters, no.Width, sizeTolerance), "width",
		spoken.Say("“%s” er %s px bred, “%s” er %s px", "“%s” is %s px wide, “%s” is %s px", yes.Label, spoken.Decimal(yes.Width), no.Label, spoken.Decimal(no.Width)))
	note(less(yes.FontSize, no.FontSize, typeTolerance), "type",
		spoken.Say("“%s” står i %s px, “%s” i %s px", "“%s” is set in %s px, “%s” in %s px", yes.Label, spoken.Decimal(yes.FontSize), no.Label, spoken.Decimal(no.FontSize)))
	note(yes.Bold && !no.Bold, "weight",
		spoken.Say("“%s” står med fed skrift, “%s” gør ikke", "“%s” is bold, “%s” isn't", yes.Label, no.Label))
	note(no.Contrast < clearContrast && less(yes.Contrast, no.Contrast, 0.5), "contrast",
		spoken.Say("teksten “%s” har kontrasten %s:1, “%s” %s:1", "the text “%s” has a contrast of %s:1, “%s” of %s:1", yes.Label, spoken.Decimal(yes.Contrast), no.Label, spoken.Decimal(no.Contrast)))
	note(yes.Stands >= minEdge && no.Stands > 0 && no.Stands < minEdge, "edge",
		spoken.Say("“%s” skiller sig fra baggrunden med %s:1, “%s” kun med %s:1", "“%s” stands out from what is behind it by %s:1, “%s” only by %s:1",
			yes.Label, spoken.Decimal(yes.Stands), no.Label, spoken.Decimal(no.Stands)))
	note(filled(yes) && hollow(no), "fill",
		spoken.Say("“%s” er udfyldt med %s, “%s” er ikke udfyldt", "“%s” is filled with %s, “%s” isn't filled", yes.Label, yes.Background, no.Label))
	note(filled(yes) && filled(no) && distance(yes.Background, no.Background) > colourTolerance, "colour",
		spoken.Say("“%s” har farven %s, “%s” %s", "“%s” is coloured %s, “%s” %s", yes.Label, yes.Background, no.Label, no.Background))
	note(yes.Visible && !no.Visible, "screen",
		spoken.Say("“%s” ses uden at rulle, “%s” gør ikke", "“%s” shows without scrolling, “%s” doesn't", yes.Label, no.Label))
	return all
}

// kindOf takes an input for the button that it is.
func kindOf(tag string) string {
	if tag == "input" {
		return "button"
	}
	return tag
}

func filled(b *evidence.Button) bool { return distance(b.Background, b.Around) > colourTolerance/2 }

func hollow(b *evidence.Button) bool {
	d := distance(b.Background, b.Around)
	return d >= 0 && d <= colourTolerance/2
}

// distance of two colours #rrggbb; -1 where one isn't known.
func distance(a, b string) float64 {
	x, okA := rgb(a)
	y, okB := rgb(b)
	if !okA || !okB {
		return -1
	}
	var sum float64
	for i := range x {
		sum += (x[i] - y[i]) * (x[i] - y[i])
	}
	return math.Sqrt(sum)
}

func rgb(s string) (c [3]float64, ok bool) {
	if len(s) != 7 || s[0] != '#' {
		return c, false
	}
	for i := range c {
		n, err := strconv.ParseUint(s[1+2*i:3+2*i], 16, 8)
		if err != nil {
			return c, false
		}
		c[i] = float64(n)
	}
	return c, true
}

func rejectUnreadable(c *scene) (_ consent.Severity, facts []fact) {
	for _, b := range c.banners(func(b *evidence.Banner) bool { return button(b, "reject") != nil }) {
		no := button(b.Banner, "reject")
		least := minContrast
		if no.FontSize >= largeType || no.Bold && no.FontSize >= largeBold {
			least = minLarge
		}
		if no.Contrast > 0 && no.Contrast < least {
			facts = append(facts, fact{"contrast", spoken.Say("%s: “%s” står med %s på %s: kontrast %s:1 mod mindst %s:1", "%s: “%s” is set in %s on %s: a contrast of %s:1, less than %s:1",
				b.where(), no.Label, no.Colour, no.Background, spoken.Decimal(no.Contrast), spoken.Decimal(least))})
		}
	}
	return "", facts
}

// a11yRules are the problems that are looked for, by Problem.Rule.
var a11yRules = []struct {
	rule          string
	title, advice spoken.Words
	when          string
}{
	{
		"name",
		spoken.Words{"Noget i banneret har intet navn, som en skærmlæser kan læse op.", "Something in the banner has no name that a screen reader can say."},
		spoken.Words{"Giv knapper, felter og kontakter en tekst eller en aria-label.", "Give buttons, boxes and switches a text or an aria-label."},
		"A button, box or switch has no accessible name (WCAG 2.2, 4.1.2).",
	},
	{
		"keyboard",
		spoken.Words{"Noget i banneret kan ikke nås med tastaturet.", "Something in the banner can't be reached with the keyboard."},
		spoken.Words{"Brug rigtige knapper og links, så de kan nås med tabulatortasten og trykkes på med Enter.", "Use real buttons and links, so that they can be reached with Tab and pressed with Enter."},
		"Something to press can't get the focus (WCAG 2.2, 2.1.1).",
	},
	{
		"focus",
		spoken.Words{"Det kan ikke ses, hvad i banneret der har fokus.", "It can't be seen what in the banner has the focus."},
		spoken.Words{"Lad fokus være tydeligt, for eksempel med en ramme om knappen.", "Make the focus visible, such as by a frame around the button."},
		"A button looks the same with and without focus (WCAG 2.2, 2.4.7).",
	},
	{
		"target",
		spoken.Words{"Noget i banneret er for lille at ramme.", "Something in the banner is too small to hit."},
		spoken.Words{"Gør det mindst 24 × 24 px.", "Make it at least 24 × 24 px."},
		"A target is smaller than 24 × 24 CSS pixels (WCAG 2.2, 2.5.8).",
	},
	{
		"contrast",
		spoken.Words{"Tekst i banneret står for svagt.", "Text in the banner is too faint."},
		spoken.Words{"Giv teksten en kontrast på mindst 4,5:1, stor tekst mindst 3:1.", "Give text a contrast of at least 4.5:1, large text at least 3:1."},
		"Text has less contrast than 4.5:1, or 3:1 for large type (WCAG 2.2, 1.4.3).",
	},
	{
		"covered",
		spoken.Words{"Noget i banneret er dækket eller kan ikke ses på en lille skærm.", "Something in the banner is covered or can't be seen on a small screen."},
		spoken.Words{"Lad banneret kunne rulles, og hold det frit af andre lag, også ved 400 % forstørrelse.", "Let the banner scroll, and keep it clear of other layers, at 400 % zoom too."},
		"Something is covered, or cut off at 320 × 256 CSS pixels (WCAG 2.2, 1.4.10).",
	},
	{
		"role",
		spoken.Words{"Banneret siger ikke til skærmlæsere, hvad det er.", "The banner doesn't tell screen readers what it is."},
		spoken.Words{"Giv det en rolle som dialog eller region og et navn.", "Give it a role such as dialog or region, and a name."},
		"The banner has no role or no name (WCAG 2.2, 4.1.2 and 1.3.1).",
	},
}

// a11yVerdicts makes a verdict of each rule.
func a11yVerdicts() []Verdict {
	var all []Verdict
	for _, r := range a11yRules {
		all = append(all, Verdict{
			Code: "a11y-" + r.rule, Severity: consent.Medium, Requirement: "S33", judge: problems(r.rule),
			Title: r.title, Advice: r.advice, When: r.when, Limits: "Only the banner is looked at, not the page. A person with a screen reader finds more.",
		})
	}
	return all
}

func problems(rule string) judge {
	return func(c *scene) (_ consent.Severity, facts []fact) {
		for _, b := range c.banners(func(b *evidence.Banner) bool { return len(b.Problems) > 0 }) {
			for _, p := range b.Problems {
				if p.Rule == rule {
					facts = append(facts, fact{"element " + p.Element, spoken.Say("%s: “%s” %s", "%s: “%s” %s", b.where(), p.Element, p.Detail)})
				}
			}
		}
		return "", facts
	}
}

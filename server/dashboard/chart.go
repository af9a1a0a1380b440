package dashboard

import (
	"math"
	"time"

	"samtykke/consent"
)

// DayCounts is what one day contributes to a chart.
type DayCounts struct {
	Day    time.Time
	Counts map[consent.Action]int64
}

// mostBars is how many days a chart shows one by one.
const mostBars = 100

// Weekly joins seven days to one where there are too many for bars of their own. The first week may be shorter.
func Weekly(days []DayCounts) []DayCounts {
	if len(days) <= mostBars {
		return days
	}
	var weeks []DayCounts
	for i, d := range days {
		if (len(days)-i)%7 == 0 || i == 0 {
			weeks = append(weeks, DayCounts{Day: d.Day, Counts: map[consent.Action]int64{}})
		}
		for a, n := range d.Counts {
			weeks[len(weeks)-1].Counts[a] += n
		}
	}
	return weeks
}

// Chart is a stacked bar a day, laid out in a box of Width by Height units. Every number in it stands in the table
// beside it too.
type Chart struct {
	Width, Height float64
	Max           int64 // the top of the scale
	Half          int64 // its middle
	Bars          []Bar
	Total         map[consent.Action]int64
	Sum           int64 // of the total
	Weeks         bool  // a bar is seven days
}

// Bar is one day.
type Bar struct {
	Day    time.Time
	X      float64 // where the day's column begins
	Column float64 // how wide it is
	Sum    int64
	Counts map[consent.Action]int64
	Parts  []Part
}

// Part is one action's piece of a bar.
type Part struct {
	Action              consent.Action
	X, Y, Width, Height float64
}

// Stack is the order of the pieces from the bottom up.
func Stack() []consent.Action {
	return []consent.Action{consent.AcceptAll, consent.Custom, consent.RejectAll, consent.Withdraw}
}

// NewChart lays out the days.
func NewChart(days []DayCounts) Chart {
	c := Chart{Width: 900, Height: 200, Total: map[consent.Action]int64{}}
	c.Weeks = len(days) > 1 && days[len(days)-1].Day.Sub(days[len(days)-2].Day) > 24*time.Hour
	var most int64
	for _, d := range days {
		var sum int64
		for a, n := range d.Counts {
			sum += n
			c.Total[a] += n
		}
		most = max(most, sum)
		c.Sum += sum
	}
	c.Max = niceAbove(most)
	c.Half = c.Max / 2
	column := c.Width / float64(max(1, len(days)))
	for i, d := range days {
		c.Bars = append(c.Bars, c.bar(d, float64(i)*column, column))
	}
	return c
}

func (c *Chart) bar(d DayCounts, x, column float64) Bar {
	b := Bar{Day: d.Day, X: round(x), Column: round(column), Counts: d.Counts}
	bottom := c.Height
	for _, a := range Stack() {
		n := d.Counts[a]
		if n == 0 {
			continue
		}
		b.Sum += n
		height := c.Height * float64(n) / float64(c.Max)
		bottom -= height
		b.Parts = append(b.Parts, Part{a, round(x + column*0.14), round(bottom), round(column * 0.72), round(height)})
	}
	return b
}

// niceAbove is the least of a few even numbers times a power of ten that holds n: its half is whole too.
func niceAbove(n int64) int64 {
	for power := int64(1); ; power *= 10 {
		for _, k := range []int64{2, 4, 6, 8, 10, 12, 16} {
			if n <= k*power {
				return k * power
			}
		}
	}
}

// round keeps the page small.
func round(x float64) float64 { return math.Round(x*100) / 100 }

// Counted is what a strip is made of.
type Counted interface {
	Of(consent.Action) int64
	Acts() int64
}

// strip lays shares side by side in a box of 100 by any height.
func strip(s Counted) (parts []Part) {
	x := 0.0
	for _, a := range Stack() {
		if n := s.Of(a); n > 0 {
			width := 100 * float64(n) / float64(s.Acts())
			parts = append(parts, Part{Action: a, X: round(x), Width: round(width)})
			x += width
		}
	}
	return parts
}

// Change is how much more or less something is than it was.
type Change struct {
	Known    bool // there was something to compare with
	Up, Down bool
	Text     string // such as +12 %
}

// change compares two counts.
func (w *Words) change(now, before int64) Change {
	if before == 0 {
		return Change{}
	}
	c := Change{Known: true, Up: now > before, Down: now < before}
	switch {
	case c.Up:
		c.Text = "+" + w.Share(now-before, before)
	case c.Down:
		c.Text = "−" + w.Share(before-now, before)
	default:
		c.Text = "±" + w.Share(0, before)
	}
	return c
}

// percent is a share as a number for pictures.
func percent(part, whole int64) float64 {
	if whole == 0 {
		return 0
	}
	return round(100 * float64(part) / float64(whole))
}

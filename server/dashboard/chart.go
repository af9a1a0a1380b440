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

// Chart is a stacked bar a day, laid out in a box of Width by Height units. Every number in it stands in the table
// beside it too.
type Chart struct {
	Width, Height float64
	Max           int64 // the top of the scale
	Half          int64 // its middle
	Bars          []Bar
	Total         map[consent.Action]int64
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
	var most int64
	for _, d := range days {
		var sum int64
		for a, n := range d.Counts {
			sum += n
			c.Total[a] += n
		}
		most = max(most, sum)
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

package dashboard

import (
	"fmt"
	"html/template"
	"strconv"
	"strings"
	"time"
	_ "time/tzdata" // so that Danish time is known on a machine without zone files

	"samtykke/consent"
)

// Zone is the time zone in which people read and filter times.
var Zone = mustZone("Europe/Copenhagen")

func mustZone(name string) *time.Location {
	z, err := time.LoadLocation(name)
	if err != nil {
		panic(err) // the zones are part of the program
	}
	return z
}

// Day writes a date in full: 22. november 2026, 22 November 2026. The time's own zone counts.
func (w *Words) Day(t time.Time) string {
	return w.T("format.day", t.Day(), w.T("month."+strconv.Itoa(int(t.Month()))), t.Year())
}

// DayShort writes a date for axes and tables: 22. nov., 22 Nov.
func (w *Words) DayShort(t time.Time) string {
	return w.T("format.day_short", t.Day(), w.T("month_short."+strconv.Itoa(int(t.Month()))))
}

// Moment writes date and time in Danish time: 22. november 2026 kl. 14.05, 22 November 2026, 14:05.
func (w *Words) Moment(t time.Time) string {
	t = t.In(Zone)
	return w.T("format.moment", w.Day(t), t.Hour(), t.Minute())
}

// Short writes date and time for tables, with seconds: acts follow each other quickly.
func (w *Words) Short(t time.Time) string {
	t = t.In(Zone)
	return w.T("format.short", t.Day(), w.T("month_short."+strconv.Itoa(int(t.Month()))), t.Year(), t.Hour(), t.Minute(), t.Second())
}

// element carries the exact time in UTC beside what people read.
func (w *Words) element(t time.Time, text string) template.HTML {
	t = t.UTC()
	return template.HTML(fmt.Sprintf(`<time datetime="%s" title="%s UTC">%s</time>`,
		t.Format("2006-01-02T15:04:05.000Z"), t.Format("2006-01-02 15:04:05"), template.HTMLEscapeString(text)))
}

// Number groups thousands: 12.345 in Danish, 12,345 in English.
func (w *Words) Number(n int64) string {
	s := strconv.FormatInt(n, 10)
	from := 0
	if n < 0 {
		from = 1
	}
	for i := len(s) - 3; i > from; i -= 3 {
		s = s[:i] + w.T("format.thousands") + s[i:]
	}
	return s
}

// Size writes bytes in the unit that people would take: 4.2 MB.
func (w *Words) Size(n int64) string {
	units, i, v := []string{"B", "kB", "MB", "GB", "TB"}, 0, float64(n)
	for ; v >= 999.95 && i < len(units)-1; i++ {
		v /= 1000
	}
	digits := 1
	if i == 0 || v >= 99.95 {
		digits = 0
	}
	return strings.Replace(strconv.FormatFloat(v, 'f', digits, 64), ".", w.T("format.decimal"), 1) + "\u00a0" + units[i]
}

// Share writes part of whole in percent, rounded; a dash where there is no whole.
func (w *Words) Share(part, whole int64) string {
	if whole == 0 {
		return "–"
	}
	return w.T("format.percent", (part*200+whole)/(2*whole))
}

// units are the spans in which lifetimes are told, the longest first. A month is 30 days and a year 365, as cookies
// count them.
var units = []struct {
	key  string
	span time.Duration
}{
	{"years", 365 * 24 * time.Hour},
	{"months", 30 * 24 * time.Hour},
	{"days", 24 * time.Hour},
	{"hours", time.Hour},
	{"minutes", time.Minute},
	{"seconds", time.Second},
}

// Lifetime writes how long an item stays: session, 13 months, 2 years.
func (w *Words) Lifetime(d time.Duration) string {
	switch {
	case d == consent.Persistent:
		return w.T("lifetime.persistent")
	case d == 0:
		return w.T("lifetime.session")
	}
	for _, u := range units {
		if d >= u.span && d%u.span == 0 {
			return w.N("lifetime."+u.key, int64(d/u.span))
		}
	}
	return w.N("lifetime.seconds", int64((d+time.Second-1)/time.Second))
}

// SplitLifetime gives a lifetime as the editor shows it: a count and a unit, the largest that is exact.
func SplitLifetime(d time.Duration) (count int64, unit string) {
	switch {
	case d == consent.Persistent:
		return 0, "persistent"
	case d == 0:
		return 0, "session"
	}
	for _, u := range units {
		if d >= u.span && d%u.span == 0 {
			return int64(d / u.span), u.key
		}
	}
	return int64(d / time.Second), "seconds"
}

// JoinLifetime is the way back from SplitLifetime; false where the two don't make a lifetime.
func JoinLifetime(count, unit string) (time.Duration, bool) {
	switch unit {
	case "persistent":
		return consent.Persistent, true
	case "session":
		return 0, true
	}
	n, err := strconv.ParseInt(strings.TrimSpace(count), 10, 64)
	for _, u := range units {
		if u.key == unit {
			return time.Duration(n) * u.span, err == nil && n > 0 && n <= int64(maxLifetime/u.span)
		}
	}
	return 0, false
}

// maxLifetime is longer than any browser keeps anything.
const maxLifetime = 100 * 365 * 24 * time.Hour

// Units lists the units of the editor of lifetimes, the ones without a count first.
func Units() []string {
	keys := []string{"session", "persistent"}
	for _, u := range units {
		keys = append(keys, u.key)
	}
	return keys
}

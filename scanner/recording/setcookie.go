package recording

import (
	"regexp"
	"strconv"
	"strings"
	"time"

	"samtykke/consent"
	"samtykke/scanner/evidence"
)

// sameSites are the values of SameSite as they are told; a browser takes any other for none.
var sameSites = map[string]string{"strict": "Strict", "lax": "Lax", "none": "None"}

// readSetCookie reads name, attributes and intent of one Set-Cookie line and forgets the value, but for its shape. It is as
// lenient as browsers are, where net/http would refuse a name such as "a[b]".
func readSetCookie(line, host string, now time.Time) evidence.Write {
	pair, attrs, _ := strings.Cut(line, ";")
	name, value, found := strings.Cut(pair, "=")
	w := evidence.Write{Kind: consent.Cookie, Name: strings.TrimSpace(name), Host: host, Shape: evidence.Shape(strings.TrimSpace(value))}
	if !found {
		w.Name = ""
	}
	var maxAge bool
	for attr := range strings.SplitSeq(attrs, ";") {
		k, v, _ := strings.Cut(attr, "=")
		v = strings.TrimSpace(v)
		switch strings.ToLower(strings.TrimSpace(k)) {
		case "domain":
			if v = strings.TrimPrefix(strings.ToLower(v), "."); v != "" {
				w.Host = "." + v
			}
		case "secure":
			w.Secure = true
		case "httponly":
			w.HTTPOnly = true
		case "partitioned":
			w.Partitioned = true
		case "samesite":
			w.SameSite = sameSites[strings.ToLower(v)]
		case "max-age":
			if n, err := strconv.ParseInt(v, 10, 64); err == nil {
				maxAge = true
				w.Removes = n <= 0
				w.Lifetime = time.Duration(min(max(n, 0), 1<<33)) * time.Second
			}
		case "expires":
			if t, ok := readDate(v); ok && !maxAge {
				w.Removes = !t.After(now)
				w.Lifetime = max(t.Sub(now).Round(time.Second), 0)
			} else {
				w.Unclear = !ok
			}
		}
	}
	w.Unclear = w.Unclear && !maxAge
	return w
}

// The parts of a date in a cookie, and what parts them (RFC 6265, 5.1.1).
var (
	clockPart = regexp.MustCompile(`^(\d{1,2}):(\d{1,2}):(\d{1,2})(\D|$)`)
	dayPart   = regexp.MustCompile(`^(\d{1,2})(\D|$)`)
	yearPart  = regexp.MustCompile(`^(\d{2,4})(\D|$)`)
	between   = regexp.MustCompile(`[\t -/;-@\[-\x60{-~]+`)
)

const monthNames = "janfebmaraprmayjunjulaugsepoctnovdec"

// readDate reads a date as browsers do, in whatever order its parts come and always as UTC: a zone is not heeded.
func readDate(s string) (time.Time, bool) {
	var clock, day, year []string
	month := -1
	for _, part := range between.Split(s, -1) {
		if m := clockPart.FindStringSubmatch(part); clock == nil && m != nil {
			clock = m
		} else if m := dayPart.FindStringSubmatch(part); day == nil && m != nil {
			day = m
		} else if at := monthAt(part); month < 0 && at >= 0 {
			month = at
		} else if m := yearPart.FindStringSubmatch(part); year == nil && m != nil {
			year = m
		}
	}
	if clock == nil || day == nil || month < 0 || year == nil {
		return time.Time{}, false
	}
	number := func(digits string) int { n, _ := strconv.Atoi(digits); return n }
	y, d := number(year[1]), number(day[1])
	if y < 100 {
		y += 1900
		if y < 1970 {
			y += 100
		}
	}
	t := time.Date(y, time.Month(month+1), d, number(clock[1]), number(clock[2]), number(clock[3]), 0, time.UTC)
	return t, y > 1600 && t.Day() == d && number(clock[1]) < 24
}

func monthAt(part string) int {
	if len(part) < 3 {
		return -1
	}
	if at := strings.Index(monthNames, strings.ToLower(part[:3])); at >= 0 && at%3 == 0 {
		return at / 3
	}
	return -1
}

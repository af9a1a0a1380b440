package evidence

import (
	"encoding/base64"
	"encoding/json"
	"net/url"
	"regexp"
	"strconv"
	"strings"
)

// looks are tried in their order; the first that fits names a value. A value is only ever looked at here, and never
// kept.
var looks = []struct {
	name string
	fits func(string) bool
}{
	{"empty", func(v string) bool { return v == "" }},
	{"boolean", regexp.MustCompile(`(?i)^(0|1|true|false|yes|no|ja|nej|on|off|null|undefined)$`).MatchString},
	{"timestamp", isTimestamp},
	{"number", regexp.MustCompile(`^-?\d+([.,]\d+)?$`).MatchString},
	{"uuid", regexp.MustCompile(`(?i)^\{?[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\}?$`).MatchString},
	{"language", regexp.MustCompile(`^[a-z]{2}([-_][A-Za-z]{2})?$`).MatchString},
	{"hex", regexp.MustCompile(`(?i)^[0-9a-f]{8,}$`).MatchString},
	{"json", func(v string) bool { return strings.ContainsAny(v[:1], `{["`) && json.Valid([]byte(v)) }},
	{"url", regexp.MustCompile(`(?i)^(https?:)?//`).MatchString},
	{"token", regexp.MustCompile(`^[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]+$`).MatchString}, // as JSON Web Tokens
	{"base64", func(v string) bool {
		_, err := base64.StdEncoding.DecodeString(v)
		return err == nil && len(v) >= 16 && strings.ContainsAny(v, "0123456789+/=")
	}},
	{"id", regexp.MustCompile(`^[A-Za-z]*[A-Za-z0-9]*([._:|~-][A-Za-z0-9]+)*[._:|~-]?\d{6,}([._:|~-][A-Za-z0-9]+)*$`).MatchString}, // parts with a long number
	{"word", regexp.MustCompile(`^[\pL_-]+$`).MatchString},
	{"code", regexp.MustCompile(`^[A-Za-z0-9_.~+/=|:-]+$`).MatchString},
	{"text", func(string) bool { return true }},
}

// isTimestamp recognises seconds or milliseconds since 1970, between 2001 and 2286, and dates.
func isTimestamp(v string) bool {
	if n, err := strconv.ParseInt(v, 10, 64); err == nil {
		return n >= 1e9 && n < 1e10 || n >= 1e12 && n < 1e13
	}
	return isoDate.MatchString(v)
}

var isoDate = regexp.MustCompile(`^\d{4}-\d\d-\d\d([T ]\d\d:\d\d.*)?$`)

// Shape tells what a value looks like, as in uuid/64: its look, and the power of two that its length doesn't
// exceed, up to 1024. The looks are empty, boolean, timestamp, number, uuid, language, hex, json, url, token, base64, id,
// word, code and text.
func Shape(value string) string {
	n := 1
	for n < len(value) && n < 1024 {
		n *= 2
	}
	v := strings.Trim(value, `"`)
	if len(v) > 4096 {
		return "text/" + strconv.Itoa(n)
	}
	if plain, err := url.QueryUnescape(v); err == nil && strings.Contains(v, "%") {
		v = plain
	}
	for _, l := range looks {
		if l.fits(v) {
			return l.name + "/" + strconv.Itoa(n)
		}
	}
	return ""
}

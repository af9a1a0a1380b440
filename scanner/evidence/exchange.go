package evidence

import (
	"strings"
	"time"
)

// Exchange is one request with its answer, as an HTTP archive tells it: names of headers and of parameters, sizes and
// times, but no body, no value of a parameter, and of headers only the values that can name nobody.
type Exchange struct {
	Page     string
	URL      string // the values in its query are hidden
	Method   string
	Protocol string
	At       time.Time
	Headers  []Header // of the request
	Status   int
	Text     string   // status text
	Answer   []Header // headers of the response
	MIME     string
	Size     int     // bytes of the body
	Sent     int     // bytes over the network, headers included; -1 where they were not told
	Took     float64 // milliseconds, as are the rest; -1 where it is not known
	DNS      float64
	Connect  float64
	TLS      float64
	Send     float64
	Wait     float64
}

// Header is one header. Its value is hidden unless it is known to be harmless.
type Header struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// Hidden stands where a value was.
const Hidden = "[hidden]"

// HideQuery keeps the names of an address's parameters.
func HideQuery(raw string) string {
	head, query, ok := strings.Cut(raw, "?")
	if !ok {
		return PlainURL(raw)
	}
	query, _, _ = strings.Cut(query, "#")
	var parts []string
	for part := range strings.SplitSeq(query, "&") {
		name, _, _ := strings.Cut(part, "=")
		if len(parts) < MaxParams {
			parts = append(parts, Clip(name, 100)+"="+Hidden)
		}
	}
	return PlainURL(head) + "?" + strings.Join(parts, "&")
}

// MaxParams bounds how much of one query is read.
const MaxParams = 60

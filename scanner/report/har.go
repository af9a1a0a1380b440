package report

import (
	"encoding/json"
	"io"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"samtykke/scanner/evidence"
	"samtykke/scanner/judgement"
)

// The parts of an HTTP archive 1.2 (http://www.softwareishard.com/blog/har-12-spec/) that are filled in.
type (
	harPair struct {
		Name    string `json:"name"`
		Value   string `json:"value"`
		Comment string `json:"comment,omitempty"`
	}
	harMaker struct {
		Name    string `json:"name"`
		Version string `json:"version"`
	}
	harPage struct {
		Started string         `json:"startedDateTime"`
		ID      string         `json:"id"`
		Title   string         `json:"title"`
		Timings map[string]any `json:"pageTimings"`
	}
	harRequest struct {
		Method      string            `json:"method"`
		URL         string            `json:"url"`
		Version     string            `json:"httpVersion"`
		Cookies     []harPair         `json:"cookies"`
		Headers     []evidence.Header `json:"headers"`
		Query       []harPair         `json:"queryString"`
		HeadersSize int               `json:"headersSize"`
		BodySize    int               `json:"bodySize"`
	}
	harContent struct {
		Size int    `json:"size"`
		MIME string `json:"mimeType"`
	}
	harResponse struct {
		Status      int               `json:"status"`
		Text        string            `json:"statusText"`
		Version     string            `json:"httpVersion"`
		Cookies     []harPair         `json:"cookies"`
		Headers     []evidence.Header `json:"headers"`
		Content     harContent        `json:"content"`
		Redirect    string            `json:"redirectURL"`
		HeadersSize int               `json:"headersSize"`
		BodySize    int               `json:"bodySize"`
		Transfer    int               `json:"_transferSize"`
	}
	harTimings struct {
		DNS     float64 `json:"dns"`
		Connect float64 `json:"connect"`
		TLS     float64 `json:"ssl"`
		Send    float64 `json:"send"`
		Wait    float64 `json:"wait"`
		Receive float64 `json:"receive"`
	}
	harEntry struct {
		Page     string         `json:"pageref"`
		Started  string         `json:"startedDateTime"`
		Time     float64        `json:"time"`
		Request  harRequest     `json:"request"`
		Response harResponse    `json:"response"`
		Cache    map[string]any `json:"cache"`
		Timings  harTimings     `json:"timings"`
	}
)

// HAR writes what went over the network in all states as one HTTP archive 1.2, which names the state in the title of
// each page where there are several. It holds no bodies and no values by which a visitor could be told apart; "[hidden]"
// stands for them. The site must have been scanned with Options.HAR.
func HAR(w io.Writer, r *judgement.Report) error {
	pages, entries, names := []harPage{}, []harEntry{}, []string{}
	for _, s := range r.Traffic {
		names = append(names, s.State+", "+s.Screen())
		ids := map[string]string{}
		for _, x := range s.HAR {
			if ids[x.Page] == "" {
				ids[x.Page] = "page_" + strconv.Itoa(len(pages)+1)
				title := evidence.HideQuery(x.Page)
				if len(r.Traffic) > 1 {
					title = s.State + ", " + s.Screen() + ": " + title
				}
				pages = append(pages, harPage{Started: x.At.UTC().Format(time.RFC3339Nano), ID: ids[x.Page], Title: title, Timings: map[string]any{}})
			}
			entries = append(entries, harEntryOf(&x, ids[x.Page]))
		}
	}
	name, version, _ := strings.Cut(r.Browser, "/")
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	return enc.Encode(map[string]any{"log": map[string]any{
		"version": "1.2", "creator": harMaker{Name: "samtykke", Version: "1"}, "browser": harMaker{Name: name, Version: version},
		"pages": pages, "entries": entries, "comment": "state " + strings.Join(names, "; "),
	}})
}

func harEntryOf(x *evidence.Exchange, page string) harEntry {
	e := harEntry{
		Page: page, Started: x.At.UTC().Format(time.RFC3339Nano), Time: max(x.Took, 0), Cache: map[string]any{},
		Request: harRequest{
			Method: x.Method, URL: x.URL, Version: x.Protocol, Cookies: []harPair{}, Headers: x.Headers, Query: []harPair{}, HeadersSize: -1, BodySize: -1,
		},
		Response: harResponse{
			Status: x.Status, Text: x.Text, Version: x.Protocol, Cookies: []harPair{}, Headers: x.Answer, Content: harContent{x.Size, x.MIME},
			HeadersSize: -1, BodySize: -1, Transfer: x.Sent,
		},
		Timings: harTimings{x.DNS, x.Connect, x.TLS, max(x.Send, 0), max(x.Wait, 0), 0},
	}
	if e.Response.Headers == nil {
		e.Response.Headers = []evidence.Header{}
	}
	for _, h := range x.Answer {
		switch name, _, _ := strings.Cut(h.Value, "="); strings.ToLower(h.Name) {
		case "set-cookie":
			e.Response.Cookies = append(e.Response.Cookies, harPair{Name: name, Value: evidence.Hidden})
		case "location":
			e.Response.Redirect = h.Value
		}
	}
	if u, err := url.Parse(x.URL); err == nil {
		for _, name := range slices.Sorted(maps.Keys(u.Query())) {
			e.Request.Query = append(e.Request.Query, harPair{Name: name, Value: evidence.Hidden})
		}
	}
	spent := max(x.DNS, 0) + max(x.Connect, 0) + e.Timings.Send + e.Timings.Wait
	e.Timings.Receive = max(e.Time-spent, 0)
	e.Time = spent + e.Timings.Receive // as the specification wants it
	return e
}

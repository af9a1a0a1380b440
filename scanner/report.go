package scanner

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"samtykke/consent"
)

// Report is the result of a scan. docs/scan.schema.json describes its JSON.
type Report struct {
	URL        string            `json:"url"` // the start page, after redirects
	StartedAt  time.Time         `json:"started_at"`
	FinishedAt time.Time         `json:"finished_at"`
	Browser    string            `json:"browser"` // name and version
	Tool       string            `json:"tool"`    // what answered: "samtykke", the label of a button, or "" where nothing could be
	States     []StateResult     `json:"states"`
	Pages      []Page            `json:"pages"`
	Items      []Item            `json:"items"`
	Requests   []Request         `json:"requests"`
	Findings   []consent.Finding `json:"findings"`
}

// StateResult says whether a state was reached.
type StateResult struct {
	State string `json:"state"`
	Done  bool   `json:"done"`
	Tool  string `json:"tool"`  // what was pressed to reach it
	Pages int    `json:"pages"` // loads of pages in it
}

// Page is one page load.
type Page struct {
	URL    string `json:"url"`
	State  string `json:"state"`
	Status int    `json:"status"` // HTTP status; 0 where nothing answered
	Banner bool   `json:"banner"` // a banner asked for consent
	Error  string `json:"error"`  // why the page could not be read; "" when all went well
}

// Item is one thing that the site, or somebody on it, stores or tried to store in the browser.
type Item struct {
	Kind        consent.ItemKind  `json:"kind"`
	Name        string            `json:"name"`
	Host        string            `json:"host"` // with a leading dot when subdomains get it too
	Path        string            `json:"path"`
	Party       string            `json:"party"`
	States      []string          `json:"states"`      // in which it is stored, in the order none, reject, accept, withdraw
	SetAgain    bool              `json:"set_again"`   // it was set anew after the withdrawal
	LeftBehind  bool              `json:"left_behind"` // not necessary, not set anew, yet still there after the withdrawal
	Tried       bool              `json:"tried"`       // never stored: the browser refused it
	Category    consent.Category  `json:"category"`
	Confidence  float64           `json:"confidence"` // of the category, 0 to 1
	Vendor      string            `json:"vendor"`
	Provider    string            `json:"provider"`
	Country     string            `json:"country"`
	Source      string            `json:"source"` // of the category: a page, "declaration" or "rule: …"
	Purpose     map[string]string `json:"purpose"`
	SetBy       string            `json:"set_by"`     // address of the script or response that set it; "" where it was not seen
	Pages       []string          `json:"pages"`      // where it was set, or first found
	LifetimeS   int64             `json:"lifetime_s"` // seconds; 0: until the browser closes; -1: until removed
	HTTPOnly    bool              `json:"http_only"`
	Secure      bool              `json:"secure"`
	SameSite    string            `json:"same_site"` // Strict, Lax, None, or "" where the site said nothing
	Partitioned bool              `json:"partitioned"`
}

// Request is a request to a third party; like ones of the same page and state are counted together.
type Request struct {
	URL       string           `json:"url"` // without query
	Host      string           `json:"host"`
	Type      string           `json:"type"`
	Initiator string           `json:"initiator"`
	Page      string           `json:"page"`
	State     string           `json:"state"` // in reject and withdraw: after the answer
	Category  consent.Category `json:"category"`
	Vendor    string           `json:"vendor"`
	Count     int              `json:"count"`
}

// newReport judges the evidence and lays everything out.
func newReport(e Evidence, declared []consent.Item) Report {
	r := Report{
		URL: e.URL, States: []StateResult{}, Pages: []Page{}, Items: collectItems(&e, declared), Requests: collectRequests(&e),
		Findings: Judge(e, declared),
	}
	for _, s := range e.States {
		r.States = append(r.States, StateResult{State: s.State, Done: s.Done, Tool: s.Tool, Pages: len(s.Visits)})
		for _, v := range s.Visits {
			r.Pages = append(r.Pages, Page{URL: v.URL, State: s.State, Status: v.Status, Banner: v.Banner.Seen, Error: v.Error})
		}
		if r.Tool == "" {
			r.Tool = s.Tool
		}
	}
	return r
}

// WriteText writes the summary for a terminal.
func (r *Report) WriteText(w io.Writer) {
	fmt.Fprintf(w, "%s, %s\n", r.URL, r.StartedAt.Format(time.DateTime))
	for _, s := range r.States {
		how := "reached"
		if s.Tool != "" {
			how = "reached with " + s.Tool
		}
		if !s.Done {
			how = "not reached"
		}
		fmt.Fprintf(w, "  %-9s %2d page loads, %s\n", s.State, s.Pages, how)
	}
	for _, p := range r.Pages {
		if p.Error != "" {
			fmt.Fprintf(w, "  could not read %s (%s): %s\n", p.URL, p.State, p.Error)
		}
	}
	r.writeItems(w)
	r.writeFindings(w)
}

func (r *Report) writeItems(w io.Writer) {
	fmt.Fprintf(w, "\nStored in the browser: %d\n", len(r.Items))
	for _, it := range r.Items {
		fmt.Fprintf(w, "  %-12s %-14s %-30s %-26s %s\n", it.Category, it.Kind, it.Name, strings.TrimPrefix(it.Host, "."), strings.Join(it.States, " "))
	}
}

func (r *Report) writeFindings(w io.Writer) {
	if len(r.Findings) == 0 {
		fmt.Fprintln(w, "\nNo findings on the pages that were visited.")
		return
	}
	fmt.Fprintf(w, "\nFindings: %d\n", len(r.Findings))
	for _, f := range r.Findings {
		fmt.Fprintf(w, "\n%s  %s (%s)\n  %s\n", strings.ToUpper(string(f.Severity)), f.Code, f.Requirement, f.Title["en"])
		for _, line := range f.Evidence {
			fmt.Fprintf(w, "    %s\n", line)
		}
		fmt.Fprintf(w, "  %s\n", f.Advice["en"])
	}
}

// MaxReport is how large a report ReadReport reads, in bytes.
const MaxReport = 20 << 20

// ReadReport reads the JSON of a report that somebody uploads and refuses what no scan could have written.
func ReadReport(r io.Reader) (Report, error) {
	data, err := io.ReadAll(io.LimitReader(r, MaxReport+1))
	if err != nil {
		return Report{}, fmt.Errorf("read report: %w", err)
	}
	if len(data) > MaxReport {
		return Report{}, &consent.Error{Kind: consent.KindTooLarge, Code: "report_too_large", Message: "A scan report has at most 20 MB."}
	}
	var rep Report
	if err := json.Unmarshal(data, &rep); err != nil {
		return Report{}, consent.Invalid("bad_report", "This is not the JSON of a scan report.")
	}
	if err := rep.validate(); err != nil {
		return Report{}, consent.Invalid("bad_report", "This is not a scan report: "+err.Error()+".")
	}
	return rep, nil
}

func (r *Report) validate() error {
	if hostOf(r.URL) == "" {
		return errors.New("it has no address")
	}
	if r.StartedAt.IsZero() || r.FinishedAt.Before(r.StartedAt) {
		return errors.New("its times are missing or in the wrong order")
	}
	for _, s := range r.States {
		if stateOrder(s.State) < 0 {
			return errors.New("it has an unknown state")
		}
	}
	for i := range r.Items {
		if err := r.Items[i].validate(); err != nil {
			return err
		}
	}
	for i := range r.Requests {
		if hostOf(r.Requests[i].URL) == "" || !r.Requests[i].Category.Valid() || stateOrder(r.Requests[i].State) < 0 {
			return errors.New("a request lacks address, category or state")
		}
	}
	for _, f := range r.Findings {
		if f.Code == "" || !f.Severity.AtLeast(consent.Info) {
			return errors.New("a finding has no code or an unknown severity")
		}
	}
	return nil
}

func (i *Item) validate() error {
	for _, s := range i.States {
		if stateOrder(s) < 0 {
			return errors.New("an item has an unknown state")
		}
	}
	item := i.declared()
	if err := item.Validate(); err != nil || i.Confidence < 0 || i.Confidence > 1 || i.LifetimeS > maxLifetime {
		return errors.New("an item is malformed")
	}
	return nil
}

// maxLifetime is more than any browser keeps, and little enough to fit a time.Duration.
const maxLifetime = 1 << 33

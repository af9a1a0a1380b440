package judgement

import (
	"encoding/json"
	"fmt"
	"io"
	"time"

	"samtykke/consent"
	"samtykke/scanner/evidence"
)

// Acceptance is somebody's decision to live with a finding as it is.
type Acceptance struct {
	Key    string `json:"key"`             // of the finding: one that is about more has another
	Reason string `json:"reason"`          // why
	Until  string `json:"until,omitempty"` // last day that it holds, such as 2027-01-31; "": until it is withdrawn
}

// maxAccepted bounds a list of acceptances, in bytes.
const maxAccepted = 4 << 20

// ReadAccepted reads a JSON list of acceptances. Each needs a key and a reason.
func ReadAccepted(r io.Reader) ([]Acceptance, error) {
	data, err := io.ReadAll(io.LimitReader(r, maxAccepted))
	if err != nil {
		return nil, fmt.Errorf("read accepted findings: %w", err)
	}
	var list []Acceptance
	if err := json.Unmarshal(data, &list); err != nil {
		return nil, consent.Invalid("bad_accepted", `Accepted findings are a JSON list such as [{"key":"…","reason":"…","until":"2027-01-31"}].`)
	}
	for _, a := range list {
		if a.Key == "" || a.Reason == "" {
			return nil, consent.Invalid("bad_accepted", "Each accepted finding needs its key and a reason.")
		}
		if _, err := time.Parse(time.DateOnly, a.Until); err != nil && a.Until != "" {
			return nil, consent.Invalid("bad_accepted", fmt.Sprintf("The day %.20q until which a finding is accepted must look like 2027-01-31.", a.Until))
		}
	}
	return list, nil
}

// Accept keeps of the acceptances those that hold for a finding of the report on its day, and returns the rest: what ran
// out, or is about something that was not found like that.
func (r *Report) Accept(list []Acceptance) (idle []Acceptance) {
	keys := map[string]bool{}
	for _, f := range r.Findings {
		keys[f.Key] = f.Key != ""
	}
	today := r.FinishedAt.UTC().Format(time.DateOnly)
	r.Accepted = []Acceptance{}
	for _, a := range list {
		if keys[a.Key] && (a.Until == "" || a.Until >= today) {
			r.Accepted = append(r.Accepted, a)
		} else {
			idle = append(idle, a)
		}
	}
	return idle
}

// Acceptance is the decision about a finding; nil where there is none.
func (r *Report) Acceptance(f *consent.Finding) *Acceptance {
	for i := range r.Accepted {
		if f.Key != "" && r.Accepted[i].Key == f.Key {
			return &r.Accepted[i]
		}
	}
	return nil
}

// Open are the findings that nobody has accepted, worst first.
func (r *Report) Open() []consent.Finding {
	open := []consent.Finding{}
	for i := range r.Findings {
		if r.Acceptance(&r.Findings[i]) == nil {
			open = append(open, r.Findings[i])
		}
	}
	return open
}

// Compare tells what differs from an older report of the same site.
func (r *Report) Compare(old Report) error {
	if e := (&evidence.Site{URL: r.URL}); e.Party(evidence.HostOf(old.URL)) != consent.FirstParty {
		return consent.Invalid("other_site", fmt.Sprintf("The older report is about another site: %s.", evidence.Clip(old.URL, 300)))
	}
	c := Diff(old, *r)
	r.Changes = &c
	return nil
}

// Fails says whether an open finding is as bad as a limit or worse. Where the report was compared with an older one,
// only findings count that are new, worse, or about more.
func (r *Report) Fails(limit consent.Severity) bool {
	for _, f := range r.Open() {
		if f.Severity.AtLeast(limit) && (r.Changes == nil || r.Changes.raised(f.Code)) {
			return true
		}
	}
	return false
}

// raised says whether a finding came, or grew.
func (c *Changes) raised(code string) bool {
	for _, f := range c.NewFindings {
		if f.Code == code {
			return true
		}
	}
	return false
}

package scanner

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"samtykke/consent"
)

// MaxReport is how large a report ReadReport reads, in bytes.
const MaxReport = 20 << 20

// ReadReport reads the JSON of a report that somebody uploads and refuses what no scan could have written. Reports of
// older versions lack what those didn't look at.
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
		if stateOrder(s.State) < 0 || !knownDevice(s.Device) {
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
	if len(r.Pictures) > maxPictures {
		return errors.New("it has too many pictures")
	}
	return nil
}

// maxPictures is how many pictures a scan takes: four in each of the states and on the small screen.
const maxPictures = 4 * 6

// knownDevice also takes none, as in reports from before there were two.
func knownDevice(d string) bool { return d == "" || d == Desktop || d == Mobile }

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

package report

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"samtykke/consent"
	"samtykke/scanner/evidence"
	"samtykke/scanner/judgement"
)

// MaxBytes is how large a report Read reads, in bytes.
const MaxBytes = 20 << 20

// Read reads the JSON of a report that somebody uploads and refuses what no scan could have written. Reports of
// older versions lack what those didn't look at.
func Read(r io.Reader) (judgement.Report, error) {
	data, err := io.ReadAll(io.LimitReader(r, MaxBytes+1))
	if err != nil {
		return judgement.Report{}, fmt.Errorf("read report: %w", err)
	}
	if len(data) > MaxBytes {
		return judgement.Report{}, &consent.Error{Kind: consent.KindTooLarge, Code: "report_too_large", Message: "A scan report has at most 20 MB."}
	}
	var rep judgement.Report
	if err := json.Unmarshal(data, &rep); err != nil {
		return judgement.Report{}, consent.Invalid("bad_report", "This is not the JSON of a scan report.")
	}
	if err := check(&rep); err != nil {
		return judgement.Report{}, consent.Invalid("bad_report", "This is not a scan report: "+err.Error()+".")
	}
	return rep, nil
}

func check(r *judgement.Report) error {
	if evidence.HostOf(r.URL) == "" {
		return errors.New("it has no address")
	}
	if r.StartedAt.IsZero() || r.FinishedAt.Before(r.StartedAt) {
		return errors.New("its times are missing or in the wrong order")
	}
	for _, s := range r.States {
		if evidence.StateOrder(s.State) < 0 || !knownDevice(s.Device) {
			return errors.New("it has an unknown state")
		}
	}
	for i := range r.Items {
		if err := checkItem(&r.Items[i]); err != nil {
			return err
		}
	}
	for i := range r.Requests {
		if evidence.HostOf(r.Requests[i].URL) == "" || !r.Requests[i].Category.Valid() || evidence.StateOrder(r.Requests[i].State) < 0 {
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
func knownDevice(d string) bool { return d == "" || d == evidence.Desktop || d == evidence.Mobile }

func checkItem(i *judgement.Item) error {
	for _, s := range i.States {
		if evidence.StateOrder(s) < 0 {
			return errors.New("an item has an unknown state")
		}
	}
	item := i.Declared()
	if err := item.Validate(); err != nil || i.Confidence < 0 || i.Confidence > 1 || i.LifetimeS > judgement.MaxLifetime {
		return errors.New("an item is malformed")
	}
	return nil
}

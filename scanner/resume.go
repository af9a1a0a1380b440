package scanner

import (
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"slices"

	"samtykke/consent"
	"samtykke/scanner/evidence"
)

// progress is what is kept of a scan, so that it can go on when it was interrupted. Like the evidence it holds no
// values.
type progress struct {
	Version  int           `json:"version"`
	Start    string        `json:"start"`
	Pages    int           `json:"pages"`
	Depth    int           `json:"depth"`
	Device   string        `json:"device"`
	Chosen   []string      `json:"chosen"` // pages that all states visit
	Done     []string      `json:"done"`   // states that are finished
	Evidence evidence.Site `json:"evidence"`
}

// progressVersion is raised when the evidence changes its form.
const progressVersion = 1

// maxProgress bounds what is read of such a file.
const maxProgress = 256 << 20

func (c *crawl) progress() progress {
	return progress{
		Version: progressVersion, Start: c.start.String(), Pages: c.o.Pages, Depth: c.o.Depth, Device: c.o.Device,
		Chosen: c.pages, Done: c.done, Evidence: c.evidence,
	}
}

// resume takes up what an interrupted scan has left.
func (c *crawl) resume() error {
	if c.o.Resume == "" {
		return nil
	}
	refused := consent.Invalid("bad_resume", "The file doesn't hold the progress of a scan of this site with these options.")
	if info, err := os.Stat(c.o.Resume); errors.Is(err, fs.ErrNotExist) {
		return nil
	} else if err != nil || !info.Mode().IsRegular() || info.Size() > maxProgress {
		return refused
	}
	b, err := os.ReadFile(c.o.Resume)
	if err != nil {
		return refused
	}
	var p progress
	if json.Unmarshal(b, &p) != nil {
		return refused
	}
	now := c.progress()
	same := p.Version == now.Version && p.Start == now.Start && p.Pages == now.Pages && p.Depth == now.Depth && p.Device == now.Device
	if !same || len(p.Chosen) == 0 || len(p.Chosen) > max(p.Pages, 1) || len(p.Done) > 0 && len(p.Evidence.States) != len(evidence.States) {
		return refused
	}
	c.pages, c.done, c.evidence = p.Chosen, p.Done, p.Evidence
	return nil
}

// save keeps the progress. The caller holds the lock.
func (c *crawl) save() error {
	if c.o.Resume == "" {
		return nil
	}
	p := c.progress()
	if !slices.Contains(c.done, evidence.StateNone) {
		p.Evidence = evidence.Site{}
	}
	b, err := json.Marshal(p)
	if err != nil {
		return err
	}
	tmp := c.o.Resume + ".new"
	if err := os.WriteFile(tmp, b, 0o600); err != nil {
		return err
	}
	return os.Rename(tmp, c.o.Resume)
}

// forgetProgress deletes the file when the scan is complete.
func (c *crawl) forgetProgress() error {
	if c.o.Resume == "" {
		return nil
	}
	if err := os.Remove(c.o.Resume); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

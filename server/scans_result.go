package server

import (
	"cmp"
	"context"
	"encoding/json"
	"slices"
	"strings"
	"time"

	"samtykke/consent"
	"samtykke/scanner/evidence"
	"samtykke/scanner/judgement"
	"samtykke/server/store"
)

// scanFacts is what lists tell of a scan.
type scanFacts struct {
	Pages        int                      `json:"pages"` // loads of pages, in all states
	Failed       int                      `json:"failed"`
	Items        int                      `json:"items"`
	Unclassified int                      `json:"unclassified"`
	Findings     map[consent.Severity]int `json:"findings"` // without accepted ones
	Accepted     int                      `json:"accepted"`
	Complete     bool                     `json:"complete"` // the state in which everything is allowed was reached
	Change       *scanChange              `json:"change"`   // nil: there was no scan before
	Worst        []worstFinding           `json:"worst"`    // the worst of the findings
}

// worstFinding is what an overview tells of a finding.
type worstFinding struct {
	Severity consent.Severity `json:"severity"`
	Title    consent.Text     `json:"title"`
}

// worstTold is how many findings an overview tells.
const worstTold = 5

// worstOf are the worst of some findings.
func worstOf(findings []consent.Finding) (list []worstFinding) {
	for _, severity := range consent.Severities() {
		for i := range findings {
			if f := &findings[i]; f.Severity == severity && len(list) < worstTold {
				list = append(list, worstFinding{severity, f.Title})
			}
		}
	}
	return list
}

// scanChange is how many things differ from the scan before.
type scanChange struct {
	NewItems     int `json:"new_items"`
	GoneItems    int `json:"gone_items"`
	ChangedItems int `json:"changed_items"`
	NewFindings  int `json:"new_findings"`
	GoneFindings int `json:"gone_findings"`
	Others       int `json:"others"` // hosts and states
}

// Same says that nothing differs.
func (c *scanChange) Same() bool { return *c == scanChange{} }

func newScanChange(c judgement.Changes) *scanChange {
	return &scanChange{
		len(c.NewItems), len(c.GoneItems), len(c.ChangedItems), len(c.NewFindings), len(c.GoneFindings), len(c.NewHosts) + len(c.GoneHosts) + len(c.Lost),
	}
}

// findingKey names a finding from scan to scan, also in reports from before findings had keys.
func findingKey(f *consent.Finding) string { return cmp.Or(f.Key, f.Code+" "+f.Requirement) }

// acceptedBy finds the decision that stands for a finding; nil where there is none.
func acceptedBy(f *consent.Finding, all []store.Acceptation) *store.Acceptation {
	at := slices.IndexFunc(all, func(a store.Acceptation) bool { return a.Finding.Covers(f) })
	if at < 0 {
		return nil
	}
	return &all[at]
}

// scanEnd turns a report into what is stored of it: the summary, what was seen, and the alarms that follow.
func (s *Server) scanEnd(ctx context.Context, j store.ScanJob, declared []consent.Item, report *judgement.Report) (store.ScanEnd, error) {
	raw, err := json.Marshal(report)
	if err != nil {
		return store.ScanEnd{}, err
	}
	before, err := s.reportBefore(ctx, j)
	if err != nil {
		return store.ScanEnd{}, err
	}
	accepted, err := s.db.Accepted(ctx, j.Site)
	if err != nil {
		return store.ScanEnd{}, err
	}
	summary, err := json.Marshal(factsOf(report, before, accepted))
	if err != nil {
		return store.ScanEnd{}, err
	}
	return store.ScanEnd{
		At: s.cfg.Now().UTC().Truncate(time.Millisecond), Report: raw, Summary: summary, Seen: sightingsOf(report),
		Alarms: func(open []store.Alarm) ([]store.Alarm, []int64) {
			return alarmsAfter(open, report, before, declared, accepted)
		},
	}, nil
}

// reportBefore reads the report of the scan before; nil where there is none.
func (s *Server) reportBefore(ctx context.Context, j store.ScanJob) (*judgement.Report, error) {
	before, err := s.db.ScanBefore(ctx, j.Site, j.ID)
	if err == nil {
		return s.report(ctx, &before)
	}
	if consent.KindOf(err) == consent.KindNotFound {
		return nil, nil
	}
	return nil, err
}

func (s *Server) report(ctx context.Context, j *store.ScanJob) (*judgement.Report, error) {
	raw, err := s.db.ScanReport(ctx, j.Site, j.ID)
	if err != nil {
		return nil, err
	}
	var r judgement.Report
	return &r, json.Unmarshal(raw, &r)
}

// factsOf counts what a report says, and what differs from the one before, where there is one.
func factsOf(r, before *judgement.Report, accepted []store.Acceptation) scanFacts {
	f := scanFacts{Pages: len(r.Pages), Findings: map[consent.Severity]int{}}
	for i := range r.Pages {
		f.Failed += index(r.Pages[i].Error != "")
	}
	for _, st := range r.States {
		f.Complete = f.Complete || st.State == evidence.StateAccept && st.Done
	}
	draft := r.Draft()
	f.Items, f.Unclassified = len(draft), unclassified(draft)
	var open []consent.Finding
	for i := range r.Findings {
		if acceptedBy(&r.Findings[i], accepted) != nil {
			f.Accepted++
		} else {
			f.Findings[r.Findings[i].Severity]++
			open = append(open, r.Findings[i])
		}
	}
	f.Worst = worstOf(open)
	if before != nil {
		f.Change = newScanChange(judgement.Diff(*before, *r))
	}
	return f
}

func itemKeys(items []consent.Item) map[string]bool {
	keys := map[string]bool{}
	for i := range items {
		keys[itemKey(&items[i])] = true
	}
	return keys
}

// worse are the codes of findings that came, got worse, or are about more than before: of all where there is no scan before.
func worse(r, before *judgement.Report) map[string]bool {
	codes := map[string]bool{}
	if before == nil {
		for i := range r.Findings {
			codes[r.Findings[i].Code] = true
		}
		return codes
	}
	for _, f := range judgement.Diff(*before, *r).NewFindings {
		codes[f.Code] = true
	}
	return codes
}

// sightingsOf lists what a site stores under the names that a declaration would have.
func sightingsOf(r *judgement.Report) (seen []store.Sighting) {
	for _, it := range r.Draft() {
		seen = append(seen, store.Sighting{Kind: it.Kind, Name: it.Name, Host: it.Host})
	}
	return seen
}

// undeclared are the entries that a declaration lacks.
func undeclared(declared, found []consent.Item) (missing []consent.Item) {
	for _, f := range found {
		if !slices.ContainsFunc(declared, func(i consent.Item) bool { return covers(&i, &f) }) {
			missing = append(missing, f)
		}
	}
	return missing
}

// alarmsAfter says what a scan raises and what it solves (H10): items that are new and not declared, and critical and high
// findings that the scan before didn't have, or had in a milder form. What is declared, gone or accepted by now is solved.
func alarmsAfter(open []store.Alarm, r, before *judgement.Report, declared []consent.Item, accepted []store.Acceptation) (raise []store.Alarm, solved []int64) {
	seen, turned := map[string]bool{}, worse(r, before)
	if before != nil {
		seen = itemKeys(before.Draft())
	}
	missing, pressing := map[string]bool{}, map[string]bool{}
	for _, it := range undeclared(declared, r.Draft()) {
		key := itemKey(&it)
		if missing[key] = true; !seen[key] {
			raise = append(raise, store.Alarm{Kind: store.AlarmItem, Subject: key, About: map[string]string{
				"kind": string(it.Kind), "name": it.Name, "host": strings.TrimPrefix(it.Host, "."), "category": string(it.Category),
			}})
		}
	}
	for i := range r.Findings {
		f := &r.Findings[i]
		if !f.Severity.AtLeast(consent.High) || acceptedBy(f, accepted) != nil {
			continue
		}
		key := findingKey(f)
		if pressing[key] = true; turned[f.Code] {
			raise = append(raise, store.Alarm{Kind: store.AlarmFinding, Subject: key, About: f.Title})
		}
	}
	for _, a := range open {
		if a.Kind == store.AlarmScan || a.Kind == store.AlarmItem && !missing[a.Subject] || a.Kind == store.AlarmFinding && !pressing[a.Subject] {
			solved = append(solved, a.Num)
		}
	}
	return raise, solved
}

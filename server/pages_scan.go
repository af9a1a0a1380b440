package server

import (
	"bytes"
	"cmp"
	"encoding/json"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/labstack/echo/v4"

	"samtykke/consent"
	"samtykke/scanner"
	"samtykke/scanner/judgement"
	"samtykke/scanner/report"
	"samtykke/server/dashboard"
	"samtykke/server/store"
)

// scanData is one scan's page.
type scanData struct {
	scanRow
	Told     *scanner.Progress // how far it is, while it runs
	Live     bool              // the page loads itself anew
	Report   *judgement.Report // nil where there is none
	Early    bool              // no banner was published when it ran
	Before   *store.ScanJob    // the scan that it is compared with; nil where there is none
	Open     []scanFinding
	Accepted []scanFinding
	Changes  *judgement.Changes // nil where there was no scan before
	Missing  []consent.Item     // that the declaration lacks
	Groups   []itemGroup
	Hosts    []hostRow
	Broken   []judgement.Page
	Files    []string // that can be downloaded
}

// scanFinding is a finding with what was decided about it.
type scanFinding struct {
	consent.Finding
	Name     string // that decisions are made by
	New      bool   // the scan before didn't have it, or had it in a milder form
	Accepted *store.Acceptation
	Form     *dashboard.Form
}

// hostRow is a third party that pages of the site asked for something.
type hostRow struct {
	Host, Vendor string
	Category     consent.Category
	Count        int
	States       []string // in which it was asked
}

// refreshAfter is how many seconds a running scan's page stays, for browsers.
const refreshAfter = "3"

func (s *Server) scanPage(c echo.Context) error {
	v, err := s.siteView(c, "scans")
	if err != nil {
		return err
	}
	d, err := s.scanData(c, v.Site)
	if err != nil {
		return err
	}
	if d.Live {
		// The page works without script, so that it is loaded anew; somebody may want to read it in peace.
		c.Response().Header().Set("Refresh", refreshAfter)
	}
	v.Form, v.Data = &dashboard.Form{}, d
	return s.show(c, "scan", v)
}

func scanID(c echo.Context) (uuid.UUID, error) {
	id, err := uuid.Parse(c.Param("scan"))
	if err != nil {
		return id, consent.NotFound("no_such_scan", "There is no such scan.")
	}
	return id, nil
}

func (s *Server) scanData(c echo.Context, site *consent.Site) (d scanData, err error) {
	id, err := scanID(c)
	if err != nil {
		return d, err
	}
	ctx := c.Request().Context()
	j, err := s.db.ScanJob(ctx, site.ID, id)
	if err != nil {
		return d, err
	}
	d.scanRow = newScanRow(j)
	d.Live = j.Open() && c.QueryParam("live") != "no"
	if j.State == store.ScanRunning && len(j.Progress) > 0 {
		d.Told = &scanner.Progress{}
		if err := json.Unmarshal(j.Progress, d.Told); err != nil {
			return d, err
		}
	}
	if j.State != store.ScanDone {
		return d, nil
	}
	if d.Report, err = s.report(ctx, &j); err != nil {
		return d, err
	}
	heads, err := s.db.NoticeHeads(ctx, site.ID)
	if err != nil {
		return d, err
	}
	d.Early = len(heads) == 0 || j.FinishedAt.Before(heads[len(heads)-1].ValidFrom)
	var before *judgement.Report
	if last, err := s.db.ScanBefore(ctx, site.ID, id); err == nil {
		d.Before = &last
		if before, err = s.report(ctx, &last); err != nil {
			return d, err
		}
	} else if consent.KindOf(err) != consent.KindNotFound {
		return d, err
	}
	accepted, err := s.db.Accepted(ctx, site.ID)
	if err != nil {
		return d, err
	}
	items, err := s.db.Items(ctx, site.ID)
	if err != nil {
		return d, err
	}
	d.lay(before, accepted, items)
	return d, nil
}

// lay puts what the report says in the page's order.
func (d *scanData) lay(before *judgement.Report, accepted []store.Acceptation, declared []consent.Item) {
	draft := d.Report.Draft()
	d.Groups, d.Missing, d.Hosts = grouped(draft), undeclared(declared, draft), hostsOf(d.Report.Requests)
	for _, p := range d.Report.Pages {
		if p.Error != "" {
			d.Broken = append(d.Broken, p)
		}
	}
	for name := range scanFiles {
		d.Files = append(d.Files, name)
	}
	slices.Sort(d.Files)
	turned := map[string]bool{}
	if before != nil {
		c := judgement.Diff(*before, *d.Report)
		d.Changes, turned = &c, worse(d.Report, before)
	}
	worst := consent.Severities()
	for i, f := range d.Report.Findings {
		row := scanFinding{Finding: f, Name: findingKey(&f), New: turned[f.Code], Accepted: acceptedBy(&f, accepted)}
		row.Form = &dashboard.Form{Prefix: "f" + strconv.Itoa(i) + "-"}
		if row.Accepted != nil {
			d.Accepted = append(d.Accepted, row)
		} else {
			d.Open = append(d.Open, row)
		}
	}
	slices.SortStableFunc(d.Open, func(a, b scanFinding) int {
		return slices.Index(worst, a.Severity) - slices.Index(worst, b.Severity)
	})
}

// hostsOf sums requests up by the host that was asked.
func hostsOf(requests []judgement.Request) (list []hostRow) {
	at := map[string]int{}
	for _, r := range requests {
		i, ok := at[r.Host]
		if !ok {
			i = len(list)
			at[r.Host] = i
			list = append(list, hostRow{Host: r.Host, Vendor: r.Vendor, Category: r.Category})
		}
		h := &list[i]
		if h.Count += r.Count; !slices.Contains(h.States, r.State) {
			h.States = append(h.States, r.State)
		}
	}
	slices.SortFunc(list, func(a, b hostRow) int { return cmp.Compare(a.Host, b.Host) })
	return list
}

// useScan stops a scan, takes what it found into the declaration, or decides about one of its findings.
func (s *Server) useScan(c echo.Context) error {
	f, err := readForm(c)
	if err != nil {
		return err
	}
	v, err := s.siteView(c, "scans")
	if err != nil {
		return err
	}
	id, err := scanID(c)
	if err != nil {
		return err
	}
	ctx, here := c.Request().Context(), "/sites/"+v.Site.ID+"/scans/"+id.String()
	j, err := s.db.ScanJob(ctx, v.Site.ID, id)
	if err != nil {
		return err
	}
	switch f.Get("op") {
	case "cancel":
		if err := s.db.CancelScan(ctx, v.Site.ID, id, s.cfg.Now(), errScanCanceled, s.deed(c, "scan_canceled", v.Site.ID).With(id.String(), nil)); err != nil {
			return err
		}
		return seeOther(c, here+"?done=scan_canceled")
	case "merge":
		if err := s.mergeScan(c, &j); err != nil {
			return err
		}
		return seeOther(c, "/sites/"+v.Site.ID+"/declaration?done=scan_merged")
	case "accept":
		if err := s.acceptFinding(c, &j, f); err != nil {
			d, failed := s.scanData(c, v.Site)
			if failed != nil {
				return failed
			}
			for i := range d.Open {
				if d.Open[i].Name == f.Get("finding") {
					f.Prefix = d.Open[i].Form.Prefix
					d.Open[i].Form = f
				}
			}
			v.Form, v.Data = f, d
			return s.again(c, "scan", v, err)
		}
		return seeOther(c, here+"?done=finding_accepted#findings")
	case "reopen":
		if err := s.db.ReopenFinding(ctx, v.Site.ID, f.Get("finding"), s.deed(c, "finding_reopened", v.Site.ID).With(f.Get("finding"), nil)); err != nil {
			return err
		}
		if err := s.countAgain(c, &j); err != nil {
			return err
		}
		return seeOther(c, here+"?done=finding_reopened#findings")
	}
	return consent.Invalid("unreadable", "The body could not be read.")
}

// mergeScan adds what a scan found to the draft of the declaration; what the owner has written stays.
func (s *Server) mergeScan(c echo.Context, j *store.ScanJob) error {
	ctx := c.Request().Context()
	report, err := s.report(ctx, j)
	if err != nil {
		return err
	}
	found := report.Draft()
	var list []consent.Item
	err = s.db.EditItems(ctx, j.Site, func(items []consent.Item) ([]consent.Item, error) {
		list = merged(items, found)
		return list, nil
	}, s.deed(c, "items_changed", j.Site).With(j.ID.String(), nil))
	if err != nil {
		return err
	}
	if err := s.db.ChangeAlarms(ctx, j.Site, s.cfg.Now(), func(open []store.Alarm) (_ []store.Alarm, solved []int64) {
		missing := itemKeys(undeclared(list, found))
		for _, a := range open {
			if a.Kind == store.AlarmItem && !missing[a.Subject] {
				solved = append(solved, a.Num)
			}
		}
		return nil, solved
	}); err != nil {
		return err
	}
	return s.catalog.refresh(ctx)
}

// acceptFinding stores that somebody decides to live with a finding, and why.
func (s *Server) acceptFinding(c echo.Context, j *store.ScanJob, f *dashboard.Form) error {
	ctx := c.Request().Context()
	report, err := s.report(ctx, j)
	if err != nil {
		return err
	}
	at := slices.IndexFunc(report.Findings, func(known consent.Finding) bool { return findingKey(&known) == f.Get("finding") })
	if at < 0 {
		return consent.NotFound("no_finding", "The scan has no such finding.")
	}
	reason := f.Get("reason")
	if reason == "" || len(reason) > 500 {
		return wrongField("no_reason", "The finding is not accepted yet.", "reason", "Say in at most 500 characters why it is accepted.")
	}
	a := store.Acceptation{Finding: report.Findings[at], Reason: reason, By: whoOf(c), At: s.cfg.Now().UTC().Truncate(time.Millisecond)}
	a.Finding.Key = findingKey(&a.Finding)
	a.Finding.Title, a.Finding.Advice, a.Finding.Evidence = nil, nil, nil // the report has them
	deed := s.deed(c, "finding_accepted", j.Site).With(a.Finding.Key, map[string]any{"reason": reason, "severity": string(a.Finding.Severity)})
	if err := s.db.AcceptFinding(ctx, j.Site, a, deed); err != nil {
		return err
	}
	return s.countAgain(c, j)
}

// countAgain writes the summary of a scan anew after a decision.
func (s *Server) countAgain(c echo.Context, j *store.ScanJob) error {
	ctx := c.Request().Context()
	report, err := s.report(ctx, j)
	if err != nil {
		return err
	}
	before, err := s.reportBefore(ctx, *j)
	if err != nil {
		return err
	}
	accepted, err := s.db.Accepted(ctx, j.Site)
	if err != nil {
		return err
	}
	summary, err := json.Marshal(factsOf(report, before, accepted))
	if err != nil {
		return err
	}
	return s.db.SetScanSummary(ctx, j.ID, summary)
}

// scanFiles are the forms in which a scan's report can be downloaded, by their file names.
var scanFiles = map[string]struct {
	kind  string
	write func(w io.Writer, r *judgement.Report, lang string) error
}{
	"report.json": {"application/json", func(w io.Writer, r *judgement.Report, _ string) error {
		enc := json.NewEncoder(w)
		enc.SetIndent("", "  ")
		return enc.Encode(r)
	}},
	"report.txt": {"text/plain; charset=utf-8", func(w io.Writer, r *judgement.Report, lang string) error {
		report.Text(w, r, report.TextOptions{Language: lang})
		return nil
	}},
	"report.html":  {"text/html; charset=utf-8", func(w io.Writer, r *judgement.Report, lang string) error { return report.HTML(w, r, lang) }},
	"report.sarif": {"application/sarif+json", func(w io.Writer, r *judgement.Report, lang string) error { return report.SARIF(w, r, lang) }},
	"report.xml":   {"application/xml", func(w io.Writer, r *judgement.Report, lang string) error { return report.JUnit(w, r, lang) }},
}

// withDecisions puts into a report which of its findings the owner has accepted.
func withDecisions(r *judgement.Report, accepted []store.Acceptation) {
	r.Accepted = []judgement.Acceptance{}
	for i := range r.Findings {
		if a := acceptedBy(&r.Findings[i], accepted); a != nil && r.Findings[i].Key != "" {
			r.Accepted = append(r.Accepted, judgement.Acceptance{Key: r.Findings[i].Key, Reason: a.Reason})
		}
	}
}

// scanFile serves a scan's report as a file, or one of its pictures: picture-0.png.
func (s *Server) scanFile(c echo.Context) error {
	file, ok := scanFiles[c.Param("file")]
	number, isPicture := strings.CutPrefix(strings.TrimSuffix(c.Param("file"), ".png"), "picture-")
	if !ok && !isPicture {
		return echo.ErrNotFound
	}
	id, err := scanID(c)
	if err != nil {
		return err
	}
	j, err := s.db.ScanJob(c.Request().Context(), c.Param("site"), id)
	if err != nil {
		return err
	}
	report, err := s.report(c.Request().Context(), &j)
	if err != nil {
		return err
	}
	if isPicture {
		n, err := strconv.Atoi(number)
		if err != nil || n < 0 || n >= len(report.Pictures) {
			return consent.NotFound("no_picture", "There is no such picture.")
		}
		c.Response().Header().Set("Cache-Control", "private, max-age=31536000, immutable")
		return c.Blob(http.StatusOK, "image/png", report.Pictures[n].PNG)
	}
	accepted, err := s.db.Accepted(c.Request().Context(), j.Site)
	if err != nil {
		return err
	}
	withDecisions(report, accepted)
	var b bytes.Buffer
	if err := file.write(&b, report, languageOf(c)); err != nil {
		return err
	}
	name := strings.Join([]string{"samtykke", j.Site, j.FinishedAt.Format("20060102T150405Z"), c.Param("file")}, "-")
	c.Response().Header().Set("Content-Disposition", `attachment; filename="`+name+`"`)
	return c.Blob(http.StatusOK, file.kind, b.Bytes())
}

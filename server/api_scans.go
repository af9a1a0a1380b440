package server

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/google/uuid"
	"github.com/labstack/echo/v4"

	"samtykke/consent"
	"samtykke/scanner/judgement"
	"samtykke/scanner/report"
	"samtykke/server/dashboard"
	"samtykke/server/store"
)

// apiScan is a scan as a program follows it.
type apiScan struct {
	ID         uuid.UUID        `json:"id"`
	State      store.ScanState  `json:"state"`
	Origin     store.ScanOrigin `json:"origin"`
	By         string           `json:"by"`
	Pages      int              `json:"pages"`
	Depth      int              `json:"depth"`
	AskedAt    *time.Time       `json:"asked_at,omitempty"`
	StartedAt  *time.Time       `json:"started_at,omitempty"`
	FinishedAt *time.Time       `json:"finished_at,omitempty"`
	Progress   json.RawMessage  `json:"progress,omitempty"`
	Error      *consent.Error   `json:"error,omitempty"`
	Summary    json.RawMessage  `json:"summary,omitempty"`
}

func newAPIScan(j *store.ScanJob) apiScan {
	return apiScan{
		j.ID, j.State, j.Origin, j.By, j.Pages, j.Depth, moment(j.AskedAt), moment(j.StartedAt), moment(j.FinishedAt), j.Progress, j.Error, j.Summary,
	}
}

// moment is a time that may not have come.
func moment(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}

func (s *Server) apiScans(c echo.Context) error {
	jobs, err := s.db.ScanJobs(c.Request().Context(), siteOf(c).ID, scansShown)
	if err != nil {
		return err
	}
	return listPage(c, jobs, func(j *store.ScanJob) string { return j.ID.String() }, func(j *store.ScanJob) (apiScan, error) { return newAPIScan(j), nil })
}

// apiStartScan puts a scan into the queue. Of a site one waits at most, so that asking again starts nothing twice.
func (s *Server) apiStartScan(c echo.Context) error {
	site := siteOf(c)
	j, err := s.scanNow(c, site)
	if err != nil {
		return err
	}
	a := newAPIScan(j)
	a.State = store.ScanQueued
	c.Response().Header().Set(echo.HeaderLocation, "/v1/sites/"+site.ID+"/scans/"+j.ID.String())
	return c.JSON(http.StatusAccepted, a)
}

func (s *Server) scanJob(c echo.Context) (store.ScanJob, error) {
	id, err := scanID(c)
	if err != nil {
		return store.ScanJob{}, err
	}
	return s.db.ScanJob(c.Request().Context(), siteOf(c).ID, id)
}

func (s *Server) apiReadScan(c echo.Context) error {
	j, err := s.scanJob(c)
	if err != nil {
		return err
	}
	return c.JSON(http.StatusOK, newAPIScan(&j))
}

// apiCancelScan ends a scan that waits or runs.
func (s *Server) apiCancelScan(c echo.Context) error {
	j, err := s.scanJob(c)
	if err != nil {
		return err
	}
	if err := s.db.CancelScan(c.Request().Context(), j.Site, j.ID, s.cfg.Now(), errScanCanceled, s.deed(c, "scan_canceled", j.Site).With(j.ID.String(), nil)); err != nil {
		return err
	}
	return c.NoContent(http.StatusNoContent)
}

// apiScanReport is what docs/scan.schema.json describes.
func (s *Server) apiScanReport(c echo.Context) error {
	j, err := s.scanJob(c)
	if err != nil {
		return err
	}
	raw, err := s.db.ScanReport(c.Request().Context(), j.Site, j.ID)
	if err != nil {
		return err
	}
	return c.Blob(http.StatusOK, echo.MIMEApplicationJSON, raw)
}

// apiMergeScan adds what a scan found to the draft of the declaration.
func (s *Server) apiMergeScan(c echo.Context) error {
	j, err := s.scanJob(c)
	if err != nil {
		return err
	}
	if err := s.mergeScan(c, &j); err != nil {
		return err
	}
	return s.apiReadItems(c)
}

// apiKeepScan stores the report of a scan that was made elsewhere, such as in a pipeline, and adds what it found to the draft.
func (s *Server) apiKeepScan(c echo.Context) error {
	raw, err := readBody(c, report.MaxBytes)
	if err != nil {
		return err
	}
	site := siteOf(c)
	report, err := checkScan(raw, site)
	if err != nil {
		return err
	}
	if err := s.keepScan(c, site.ID, raw, &report); err != nil {
		return err
	}
	return s.apiReadItems(c)
}

// apiFinding is a finding of the newest scan, with the decision that stands for it.
type apiFinding struct {
	consent.Finding
	Accepted *apiAccepted `json:"accepted,omitempty"`
}

type apiAccepted struct {
	Reason string    `json:"reason"`
	By     string    `json:"by"`
	At     time.Time `json:"at"`
}

// lastReport is the newest scan and what it reported.
func (s *Server) lastReport(c echo.Context) (j store.ScanJob, r judgement.Report, err error) {
	ctx, site := c.Request().Context(), siteOf(c).ID
	last, err := s.db.LastScan(ctx, site)
	if err != nil {
		return j, r, err
	}
	if err := json.Unmarshal(last.Report, &r); err != nil {
		return j, r, err
	}
	j, err = s.db.ScanJob(ctx, site, last.ID)
	return j, r, err
}

func (s *Server) apiFindings(c echo.Context) error {
	j, r, err := s.lastReport(c)
	if err != nil {
		return err
	}
	accepted, err := s.db.Accepted(c.Request().Context(), j.Site)
	if err != nil {
		return err
	}
	out := struct {
		Scan     uuid.UUID    `json:"scan"`
		Findings []apiFinding `json:"findings"`
	}{j.ID, []apiFinding{}}
	for _, f := range r.Findings {
		a := apiFinding{Finding: f}
		a.Key, a.Evidence, a.Subjects = findingKey(&f), noNil(f.Evidence), noNil(f.Subjects)
		if by := acceptedBy(&f, accepted); by != nil {
			a.Accepted = &apiAccepted{by.Reason, by.By, by.At}
		}
		out.Findings = append(out.Findings, a)
	}
	return c.JSON(http.StatusOK, out)
}

// findingOf reads which finding the address names.
func findingOf(c echo.Context) string {
	key, err := url.PathUnescape(c.Param("finding"))
	if err != nil {
		return ""
	}
	return key
}

// apiAcceptFinding stores that somebody decides to live with a finding, and why.
func (s *Server) apiAcceptFinding(c echo.Context) error {
	var in struct {
		Reason string `json:"reason"`
	}
	if err := readJSON(c, &in); err != nil {
		return err
	}
	j, _, err := s.lastReport(c)
	if err != nil {
		return err
	}
	f := &dashboard.Form{Values: url.Values{"finding": {findingOf(c)}, "reason": {in.Reason}}}
	if err := s.acceptFinding(c, &j, f); err != nil {
		return err
	}
	return c.NoContent(http.StatusNoContent)
}

// apiReopenFinding takes such a decision back.
func (s *Server) apiReopenFinding(c echo.Context) error {
	j, _, err := s.lastReport(c)
	if err != nil {
		return err
	}
	key := findingOf(c)
	if err := s.db.ReopenFinding(c.Request().Context(), j.Site, key, s.deed(c, "finding_reopened", j.Site).With(key, nil)); err != nil {
		return err
	}
	if err := s.countAgain(c, &j); err != nil {
		return err
	}
	return c.NoContent(http.StatusNoContent)
}

type apiDomain struct {
	Domain    string         `json:"domain"`
	Proven    bool           `json:"proven"`
	Method    store.Proof    `json:"method,omitempty"`
	ProvenAt  *time.Time     `json:"proven_at,omitempty"`
	CheckedAt *time.Time     `json:"checked_at,omitempty"`
	Problem   *consent.Error `json:"problem,omitempty"`
}

func newAPIDomain(d *store.Domain) apiDomain {
	return apiDomain{d.Name, d.Proven(), d.Method, moment(d.ProvenAt), moment(d.CheckedAt), d.Problem}
}

// apiDomains says which of a site's domains are proven to be its own, and what proves one.
func (s *Server) apiDomains(c echo.Context) error {
	d, err := s.domainsData(c.Request().Context(), siteOf(c))
	if err != nil {
		return err
	}
	out := struct {
		Token   string      `json:"token"`
		File    string      `json:"file"`
		Domains []apiDomain `json:"domains"`
	}{d.Token, d.File, []apiDomain{}}
	for i := range d.Domains {
		out.Domains = append(out.Domains, newAPIDomain(&d.Domains[i]))
	}
	return c.JSON(http.StatusOK, out)
}

// apiCheckDomain looks at a domain now.
func (s *Server) apiCheckDomain(c echo.Context) error {
	site := siteOf(c)
	for _, name := range site.Domains {
		if name == c.Param("domain") {
			d, err := s.checkDomain(c.Request().Context(), site, name, whoOf(c))
			if err != nil {
				return err
			}
			return c.JSON(http.StatusOK, newAPIDomain(&d))
		}
	}
	return consent.NotFound("no_domain", "The website has no such domain.")
}

type apiAlarm struct {
	ID    int64             `json:"id"`
	Kind  store.AlarmKind   `json:"kind"`
	About map[string]string `json:"about"`
	At    time.Time         `json:"at"`
}

func (s *Server) apiAlarms(c echo.Context) error {
	all, err := s.db.Alarms(c.Request().Context(), siteOf(c).ID)
	if err != nil {
		return err
	}
	return listPage(c, all, func(a *store.Alarm) string { return strconv.FormatInt(a.Num, 10) }, func(a *store.Alarm) (apiAlarm, error) {
		return apiAlarm{a.Num, a.Kind, a.About, a.At}, nil
	})
}

// apiEndAlarm notes that an alarm was seen.
func (s *Server) apiEndAlarm(c echo.Context) error {
	num, err := strconv.ParseInt(c.Param("alarm"), 10, 64)
	if err != nil || num < 1 {
		return consent.NotFound("no_alarm", "There is no such alarm any more.")
	}
	site := siteOf(c).ID
	if err := s.db.SeeAlarm(c.Request().Context(), site, num, whoOf(c), s.cfg.Now(), s.deed(c, "alarm_ended", site).With(c.Param("alarm"), nil)); err != nil {
		return err
	}
	return c.NoContent(http.StatusNoContent)
}

package server

import (
	"context"
	"encoding/json"
	"net/url"
	"strconv"
	"time"

	"github.com/labstack/echo/v4"

	"samtykke/consent"
	"samtykke/server/dashboard"
	"samtykke/server/store"
)

// scansShown is how many scans the list shows: all that are kept, and what waits.
const scansShown = store.ScansKept + 10

// scansData is the page of a site's scans.
type scansData struct {
	Jobs     []scanRow
	Off      bool         // this server scans nothing
	Busy     bool         // one waits or runs
	Domain   store.Domain // of the homepage
	Schedule *dashboard.Form
	Next     *time.Time // when the schedule asks next
	Every    []string
}

// scanRow is a scan in a list.
type scanRow struct {
	store.ScanJob
	Facts *scanFacts // nil where nothing is known
}

// Findings are the numbers by severity, without those of which there are none.
func (r scanRow) Findings() (list []severityCount) {
	for _, s := range consent.Severities() {
		if n := r.Facts.Findings[s]; n > 0 {
			list = append(list, severityCount{s, n})
		}
	}
	return list
}

type severityCount struct {
	Severity consent.Severity
	Count    int
}

func newScanRow(j store.ScanJob) scanRow {
	r := scanRow{ScanJob: j}
	if len(j.Summary) > 0 {
		var f scanFacts
		if json.Unmarshal(j.Summary, &f) == nil {
			r.Facts = &f
		}
	}
	return r
}

func (s *Server) scansPage(c echo.Context) error {
	v, err := s.siteView(c, "scans")
	if err != nil {
		return err
	}
	if v.Data, err = s.scansData(c.Request().Context(), v.Site); err != nil {
		return err
	}
	v.Form = &dashboard.Form{}
	return s.show(c, "scans", v)
}

func (s *Server) scansData(ctx context.Context, site *consent.Site) (d scansData, err error) {
	d.Off, d.Every = s.cfg.Scan == nil, []string{"never", "daily", "weekly", "monthly"}
	jobs, err := s.db.ScanJobs(ctx, site.ID, scansShown)
	if err != nil {
		return d, err
	}
	for _, j := range jobs {
		d.Jobs = append(d.Jobs, newScanRow(j))
		d.Busy = d.Busy || j.Open()
	}
	known, err := s.db.Domains(ctx, site.ID)
	if err != nil {
		return d, err
	}
	name := homeDomain(site)
	if d.Domain = known[name]; d.Domain.Name == "" {
		d.Domain.Name = name
	}
	if next, ok := nextSlot(site, s.cfg.Now()); ok {
		d.Next = &next
	}
	d.Schedule = scheduleForm(site.Scanning)
	return d, nil
}

func scheduleForm(k consent.Scanning) *dashboard.Form {
	v := url.Values{"scanning.every": {k.Every}, "scanning.pages": {strconv.Itoa(k.AtMost())}}
	if k.Every == "" {
		v.Set("scanning.every", "never")
	}
	if k.Depth > 0 {
		v.Set("scanning.depth", strconv.Itoa(k.Depth))
	}
	return &dashboard.Form{Values: v}
}

// useScans asks for a scan, or sets the schedule.
func (s *Server) useScans(c echo.Context) error {
	f, err := readForm(c)
	if err != nil {
		return err
	}
	v, err := s.siteView(c, "scans")
	if err != nil {
		return err
	}
	v.Form = &dashboard.Form{}
	if f.Get("op") == "schedule" {
		err = s.changeSchedule(c, v.Site, f)
		if err == nil {
			return seeOther(c, "/sites/"+v.Site.ID+"/scans?done=schedule_saved")
		}
	} else {
		var j *store.ScanJob
		if j, err = s.scanNow(c, v.Site); err == nil {
			return seeOther(c, "/sites/"+v.Site.ID+"/scans/"+j.ID.String())
		}
	}
	d, failed := s.scansData(c.Request().Context(), v.Site)
	if failed != nil {
		return failed
	}
	if f.Get("op") == "schedule" {
		d.Schedule = f
		v.Form = f
	}
	v.Data = d
	return s.again(c, "scans", v, err)
}

// scanNow puts a scan into the queue because somebody asks for it.
func (s *Server) scanNow(c echo.Context, site *consent.Site) (*store.ScanJob, error) {
	if s.cfg.Scan == nil {
		return nil, &consent.Error{Kind: consent.KindUnavailable, Code: "scans_off", Message: "This server scans no websites."}
	}
	ctx := c.Request().Context()
	if err := s.mayScan(ctx, site); err != nil {
		return nil, err
	}
	j, err := s.askScan(ctx, site, store.ScanAsked, whoOf(c), time.Time{})
	if err == nil && j == nil {
		err = &consent.Error{Kind: consent.KindConflict, Code: "scan_waits", Message: "A scan of this website waits already, or too many of other websites do."}
	}
	return j, err
}

// changeSchedule stores how often the site is scanned by itself. A schedule needs a proven domain (H4).
func (s *Server) changeSchedule(c echo.Context, old *consent.Site, f *dashboard.Form) error {
	site := *old
	k := consent.Scanning{Every: f.Get("scanning.every"), Pages: months(f.Get("scanning.pages")), Since: old.Scanning.Since}
	if k.Every == "never" {
		k.Every = ""
	}
	if depth := f.Get("scanning.depth"); depth != "" {
		k.Depth = months(depth)
	}
	if k.Every != old.Scanning.Every {
		k.Since = s.cfg.Now().UTC().Truncate(time.Millisecond)
	}
	site.Scanning = k
	if err := site.Validate(); err != nil {
		return err
	}
	if k.Every != "" {
		if err := s.mayScan(c.Request().Context(), &site); err != nil {
			return err
		}
	}
	return s.changeSite(c, site, "schedule_changed")
}

// domainsData is the page on which domains are proven.
type domainsData struct {
	Domains []store.Domain
	Token   string
	File    string // where the file with the token is looked for
	Tag     string
}

func (s *Server) domainsPage(c echo.Context) error {
	v, err := s.siteView(c, "domains")
	if err != nil {
		return err
	}
	if v.Data, err = s.domainsData(c.Request().Context(), v.Site); err != nil {
		return err
	}
	return s.show(c, "domains", v)
}

func (s *Server) domainsData(ctx context.Context, site *consent.Site) (domainsData, error) {
	d := domainsData{Token: proofToken(site), File: proofFilePath, Tag: Tag(s.cfg.BaseURL, site)}
	known, err := s.db.Domains(ctx, site.ID)
	for _, name := range site.Domains {
		domain := known[name]
		domain.Name = name
		d.Domains = append(d.Domains, domain)
	}
	return d, err
}

// proveDomain looks at a domain now.
func (s *Server) proveDomain(c echo.Context) error {
	f, err := readForm(c)
	if err != nil {
		return err
	}
	v, err := s.siteView(c, "domains")
	if err != nil {
		return err
	}
	ctx := c.Request().Context()
	for _, name := range v.Site.Domains {
		if name != f.Get("domain") {
			continue
		}
		d, err := s.checkDomain(ctx, v.Site, name, userOf(c).Email)
		if err != nil {
			return err
		}
		if d.Problem == nil {
			return seeOther(c, "/sites/"+v.Site.ID+"/domains?done=domain_proven")
		}
		v.Form = f
		if v.Data, err = s.domainsData(ctx, v.Site); err != nil {
			return err
		}
		return s.again(c, "domains", v, d.Problem)
	}
	return consent.NotFound("no_domain", "The website has no such domain.")
}

// endAlarms notes that somebody has seen an alarm, or all of them.
func (s *Server) endAlarms(c echo.Context) error {
	f, err := readForm(c)
	if err != nil {
		return err
	}
	site, err := s.db.Site(c.Request().Context(), c.Param("site"))
	if err != nil {
		return err
	}
	num, err := strconv.ParseInt(f.Get("alarm"), 10, 64)
	if err != nil || num < 0 {
		return consent.NotFound("no_alarm", "There is no such alarm any more.")
	}
	err = s.db.SeeAlarm(c.Request().Context(), site.ID, num, userOf(c).Email, s.cfg.Now(), s.deed(c, "alarm_ended", site.ID).With(f.Get("alarm"), nil))
	if err != nil {
		return err
	}
	return seeOther(c, "/sites/"+site.ID+"?done=alarm_ended")
}

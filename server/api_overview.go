package server

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"time"

	"github.com/google/uuid"
	"github.com/labstack/echo/v4"

	"samtykke/consent"
	"samtykke/server/store"
)

// The figures of the dashboard's overviews.

// apiSums are acts by what visitors did, with how many of the answers gave each category.
type apiSums struct {
	apiCounts
	Given map[consent.Category]int64 `json:"given"`
}

func newAPISums(s *store.Sum) apiSums {
	a := apiSums{apiCounts{s.AcceptAll, s.RejectAll, s.Custom, s.Withdraw}, map[consent.Category]int64{}}
	for _, c := range []consent.Category{consent.Preferences, consent.Statistics, consent.Marketing} {
		a.Given[c] = s.Given(c)
	}
	return a
}

// apiTrend is what was chosen over a period, and lately. Days are UTC.
type apiTrend struct {
	Days   int     `json:"days"` // of the period
	Period apiSums `json:"period"`
	Today  apiSums `json:"today"`
	Week   apiSums `json:"week"`        // the last seven days, today among them
	Before apiSums `json:"week_before"` // the seven days before
}

func newAPITrend(t *trend) apiTrend {
	return apiTrend{t.Days, newAPISums(&t.Sum), newAPISums(&t.Today), newAPISums(&t.Week), newAPISums(&t.Before)}
}

// apiPeriod reads how many days an overview is to tell of.
func apiPeriod(q url.Values) (int, error) {
	if q.Get("days") == "" {
		return usualPeriod, nil
	}
	n, err := strconv.Atoi(q.Get("days"))
	if err != nil || !slices.Contains(periods, n) {
		return 0, wrongField("bad_period", "The period is not right.", "days", "Choose 7, 30, 90 or 365 days.")
	}
	return n, nil
}

// apiSiteRow is a site in the overview of all.
type apiSiteRow struct {
	ID           string     `json:"id"`
	Name         string     `json:"name"`
	Version      int        `json:"version"` // of the newest notice; 0: nothing is published
	ScannedAt    *time.Time `json:"scanned_at,omitempty"`
	Unscanned    bool       `json:"unscanned"`    // what is published was never scanned
	Severe       int        `json:"severe"`       // critical and high findings of the newest scan
	Unclassified int        `json:"unclassified"` // entries of the draft's declaration
	Alarms       int        `json:"alarms"`       // that are open
	Today        apiSums    `json:"today"`
	Week         apiSums    `json:"week"`
	Before       apiSums    `json:"week_before"`
}

// apiOverview tells of all sites that the token may see, in the order of their making.
func (s *Server) apiOverview(c echo.Context) error {
	days, err := apiPeriod(c.QueryParams())
	if err != nil {
		return err
	}
	sites, err := s.tokenSites(c)
	if err != nil {
		return err
	}
	var d sitesData
	if err := s.fillSites(c.Request().Context(), &d, sites, days); err != nil {
		return err
	}
	page, err := pageOf(c, d.Rows, func(r *siteRow) string { return r.Site.ID }, func(r *siteRow) (apiSiteRow, error) {
		return apiSiteRow{
			r.Site.ID, r.Site.Name, r.Version, moment(r.ScannedAt), r.Unscanned, r.Severe, r.Unclassified, r.Alarms,
			newAPISums(&r.Today), newAPISums(&r.Week), newAPISums(&r.Before),
		}, nil
	})
	if err != nil {
		return err
	}
	return c.JSON(http.StatusOK, struct {
		listing[apiSiteRow]
		apiTrend
		Sites int `json:"sites"`
	}{page, newAPITrend(&d.trend), len(sites)})
}

// tokenSites are the sites that the token may see, in the order of their making.
func (s *Server) tokenSites(c echo.Context) (seen []consent.Site, err error) {
	t, err := tokenOf(c)
	if err != nil {
		return nil, err
	}
	all, err := s.db.SitesOf(c.Request().Context(), t.Org.ID)
	for _, site := range all {
		if t.May(site.ID) {
			seen = append(seen, site)
		}
	}
	return seen, err
}

type apiScanHead struct {
	ID       uuid.UUID `json:"id"`
	At       time.Time `json:"at"`
	Pages    int       `json:"pages"`
	Findings int       `json:"findings"` // that nobody has accepted
}

// apiDue is what comes up. The numbers are at most so many.
type apiDue struct {
	Expires  *time.Time `json:"expires,omitempty"` // when the next consents expire
	Expiring int64      `json:"expiring"`          // choices that expire within 30 days
	Deleting int64      `json:"deleting"`          // records whose time is over within 30 days
	Purged   *time.Time `json:"purged,omitempty"`
	Late     bool       `json:"late"` // it should have been purged since
	Review   time.Time  `json:"review"`
}

// apiSiteOverview tells what a site's first page on the dashboard does.
func (s *Server) apiSiteOverview(c echo.Context) error {
	days, err := apiPeriod(c.QueryParams())
	if err != nil {
		return err
	}
	o, err := s.overview(c.Request().Context(), siteOf(c), days)
	if err != nil {
		return err
	}
	out := struct {
		apiTrend
		SameTime     int64        `json:"same_time"`           // acts of the same weekday a week ago, up to the same time
		Published    *apiNotice   `json:"published,omitempty"` // absent where nothing is
		DraftChanged bool         `json:"draft_changed"`
		Unscanned    bool         `json:"unscanned"`
		Unclassified int          `json:"unclassified"`
		Alarms       int          `json:"alarms"`
		Scan         *apiScanHead `json:"scan,omitempty"` // the newest
		NextStep     string       `json:"next_step,omitempty"`
		Due          apiDue       `json:"due"`
	}{
		apiTrend: newAPITrend(&o.trend), SameTime: o.SameTime, DraftChanged: o.Changed || o.Notice == nil, Unscanned: o.Unscanned,
		Unclassified: o.Unsure, Alarms: len(o.Alarms), NextStep: o.Start.Next,
		Due: apiDue{o.Due.Expires, o.Due.Expiring, o.Due.Deleting, o.Due.Purged, o.Due.Late, o.Due.Review},
	}
	if o.Notice != nil {
		out.Published = newAPINotice(o.Notice)
	}
	if o.Scan != nil {
		out.Scan = &apiScanHead{o.Scan.ID, o.Scan.At, o.Scan.Pages, o.Scan.Count}
	}
	return c.JSON(http.StatusOK, out)
}

// apiShare is what was chosen in one language, or on one kind of device.
type apiShare struct {
	Language string `json:"language,omitempty"`
	Device   string `json:"device,omitempty"`
	apiCounts
}

// sharesOf counts by language and by device. What is no longer known has no name, or is unknown.
func (s *Server) sharesOf(ctx context.Context, site string, from, to time.Time) (languages, devices []apiShare, err error) {
	shares, err := s.db.Shares(ctx, site, from, to)
	if err != nil {
		return nil, nil, err
	}
	languages, devices = []apiShare{}, []apiShare{}
	for _, p := range partsBy(shares, func(s *store.Share) string { return s.Language }) {
		languages = append(languages, apiShare{Language: p.Name, apiCounts: newAPISums(&p.Sum).apiCounts})
	}
	sums, err := s.db.Devices(ctx, site, from, to)
	for i := range sums {
		devices = append(devices, apiShare{Device: sums[i].Device.String(), apiCounts: newAPISums(&sums[i].Sum).apiCounts})
	}
	return languages, devices, err
}

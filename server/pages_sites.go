package server

import (
	"bytes"
	"context"
	"encoding/json"
	"slices"
	"time"

	"github.com/labstack/echo/v4"

	"samtykke/consent"
	"samtykke/scanner"
	"samtykke/server/dashboard"
)

// siteRow is a site in the list of all sites.
type siteRow struct {
	Site        consent.Site
	Today, Week int64           // acts
	Accepted    int64           // acts of the week that accepted everything
	Answered    int64           // acts of the week that answered the banner: all but withdrawals
	Notice      *consent.Notice // nil where nothing is published
	Scanned     *time.Time      // nil where the site was never scanned
}

func (s *Server) sitesPage(c echo.Context) error {
	sites, err := s.db.Sites(c.Request().Context())
	if err != nil {
		return err
	}
	rows := make([]siteRow, len(sites))
	for i := range sites {
		if rows[i], err = s.siteRow(c.Request().Context(), sites[i]); err != nil {
			return err
		}
	}
	return s.show(c, "sites", dashboard.View{Data: rows})
}

func (s *Server) siteRow(ctx context.Context, site consent.Site) (siteRow, error) {
	r := siteRow{Site: site}
	today := s.cfg.Now().UTC().Truncate(24 * time.Hour)
	days, err := s.db.Daily(ctx, site.ID, today.AddDate(0, 0, -6), today.AddDate(0, 0, 1))
	if err != nil {
		return r, err
	}
	for _, d := range days {
		r.Today = 0 // of the last day alone
		for a, n := range d.Counts {
			r.Today += n
			r.Week += n
			if a != consent.Withdraw {
				r.Answered += n
			}
		}
		r.Accepted += d.Counts[consent.AcceptAll]
	}
	if r.Notice, err = s.currentNotice(ctx, site.ID); err != nil {
		return r, err
	}
	scanned, err := s.db.LastScanAt(ctx, site.ID)
	switch {
	case err == nil:
		r.Scanned = &scanned
	case consent.KindOf(err) != consent.KindNotFound:
		return r, err
	}
	return r, nil
}

// currentNotice is what the site's visitors see; nil where nothing is published.
func (s *Server) currentNotice(ctx context.Context, site string) (*consent.Notice, error) {
	n, err := s.db.CurrentNotice(ctx, site)
	if consent.KindOf(err) == consent.KindNotFound {
		return nil, nil
	}
	return &n, err
}

func (s *Server) newSitePage(c echo.Context) error {
	return s.show(c, "new", dashboard.View{Form: &dashboard.Form{}})
}

// addSite stores a new site with a standard banner, declares what the banner itself stores (B24), and shows the
// site's overview.
func (s *Server) addSite(c echo.Context) error {
	f, err := readForm(c)
	if err != nil {
		return err
	}
	site := consent.Site{ID: NewSiteID(), CreatedAt: s.cfg.Now().UTC().Truncate(time.Millisecond), Banner: consent.DefaultBanner()}
	fillDetails(&site, f)
	site.Banner.PrivacyURL = f.Get("privacy_url")
	if err := together(site.Validate(), site.Banner.Validate()); err != nil {
		return s.again(c, "new", dashboard.View{Form: f}, err)
	}
	if err := s.db.AddSite(c.Request().Context(), site, OwnItems(&site), s.deed(c, "site_added", site.ID)); err != nil {
		return err
	}
	if err := s.catalog.refresh(c.Request().Context()); err != nil {
		return err
	}
	return seeOther(c, "/sites/"+site.ID+"?done=site_added")
}

// fillDetails takes over what the forms of a new and of an old site share.
func fillDetails(site *consent.Site, f *dashboard.Form) {
	site.Name, site.Domains = f.Get("name"), domains(f.Get("domains"))
	site.Controller = consent.Controller{
		Name: f.Get("controller.name"), CVR: compact(f.Get("controller.cvr")), Address: f.Get("controller.address"),
		Email: f.Get("controller.email"), Phone: f.Get("controller.phone"), DPO: f.Get("controller.dpo"),
	}
}

// siteView begins every page of a site.
func (s *Server) siteView(c echo.Context, tab string) (dashboard.View, error) {
	site, err := s.db.Site(c.Request().Context(), c.Param("site"))
	return dashboard.View{Site: &site, Tab: tab}, err
}

// overview is a site's first page.
type overview struct {
	Tag     string // the HTML to paste
	Notice  *consent.Notice
	Changed bool // the draft differs from what visitors see
	Unsure  int  // unclassified items of the draft
	Ready   bool // nothing but publishing is missing
	Chart   dashboard.Chart
	Scan    *scanSummary
}

// scanSummary is what the newest scan says.
type scanSummary struct {
	At       time.Time
	Pages    int
	Findings []consent.Finding // worst first
}

// chartDays is how many days the overview's chart shows.
const chartDays = 30

func (s *Server) sitePage(c echo.Context) error {
	v, err := s.siteView(c, "overview")
	if err != nil {
		return err
	}
	o, err := s.overview(c.Request().Context(), v.Site)
	if err != nil {
		return err
	}
	v.Data = o
	return s.show(c, "site", v)
}

func (s *Server) overview(ctx context.Context, site *consent.Site) (overview, error) {
	o := overview{Tag: Tag(s.cfg.BaseURL, site), Ready: site.Controller.Name != ""}
	items, err := s.db.Items(ctx, site.ID)
	if err != nil {
		return o, err
	}
	o.Unsure = unclassified(items)
	if o.Notice, err = s.currentNotice(ctx, site.ID); err != nil {
		return o, err
	}
	o.Changed = o.Notice != nil && differs(content(site, items), o.Notice.Content)
	today := s.cfg.Now().UTC().Truncate(24 * time.Hour)
	days, err := s.db.Daily(ctx, site.ID, today.AddDate(0, 0, 1-chartDays), today.AddDate(0, 0, 1))
	if err != nil {
		return o, err
	}
	counts := make([]dashboard.DayCounts, len(days))
	for i, d := range days {
		counts[i] = dashboard.DayCounts(d)
	}
	o.Chart = dashboard.NewChart(counts)
	o.Scan, err = s.scanSummary(ctx, site.ID)
	return o, err
}

// scanSummary reads the newest scan; nil where there is none.
func (s *Server) scanSummary(ctx context.Context, site string) (*scanSummary, error) {
	scan, err := s.db.LastScan(ctx, site)
	if consent.KindOf(err) == consent.KindNotFound {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var report scanner.Report
	if err := json.Unmarshal(scan.Report, &report); err != nil {
		return nil, err
	}
	worst := consent.Severities()
	slices.SortStableFunc(report.Findings, func(a, b consent.Finding) int {
		return slices.Index(worst, a.Severity) - slices.Index(worst, b.Severity)
	})
	return &scanSummary{At: scan.At, Pages: len(report.Pages), Findings: report.Findings}, nil
}

// differs says whether publishing the draft would show visitors something else than what is published.
func differs(draft, published consent.Content) bool {
	draft.Version, draft.Terms, draft.LastScan = published.Version, published.Terms, published.LastScan
	if draft.Items == nil {
		draft.Items = []consent.Item{}
	}
	if published.Items == nil {
		published.Items = []consent.Item{}
	}
	a, err := json.Marshal(draft)
	b, err2 := json.Marshal(published)
	return err != nil || err2 != nil || !bytes.Equal(a, b)
}

func unclassified(items []consent.Item) int {
	n := 0
	for i := range items {
		if items[i].Category == consent.Unclassified {
			n++
		}
	}
	return n
}

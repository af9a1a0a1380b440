package server

import (
	"bytes"
	"context"
	"encoding/json"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/labstack/echo/v4"

	"samtykke/consent"
	"samtykke/scanner/judgement"
	"samtykke/server/dashboard"
)

// currentNotice is what the site's visitors see; nil where nothing is published.
func (s *Server) currentNotice(ctx context.Context, site string) (*consent.Notice, error) {
	n, err := s.db.CurrentNotice(ctx, site)
	if consent.KindOf(err) == consent.KindNotFound {
		return nil, nil
	}
	return &n, err
}

func (s *Server) newSitePage(c echo.Context) error {
	return s.show(c, "new", dashboard.View{Form: &dashboard.Form{}, Data: mayAddTo(userOf(c))})
}

// addSite stores a new site with a standard banner, declares what the banner itself stores (B24), and leads on to the
// guided start.
func (s *Server) addSite(c echo.Context) error {
	f, err := readForm(c)
	if err != nil {
		return err
	}
	site := consent.Site{ID: NewSiteID(), CreatedAt: s.cfg.Now().UTC().Truncate(time.Millisecond), Banner: consent.DefaultBanner()}
	fillDetails(&site, f)
	site.Banner.PrivacyURL = f.Get("privacy_url")
	org, wrong := newSiteOrg(userOf(c), f)
	if err := together(wrong, site.Validate(), site.Banner.Validate()); err != nil {
		return s.again(c, "new", dashboard.View{Form: f, Data: mayAddTo(userOf(c))}, err)
	}
	if err := s.db.AddSiteTo(c.Request().Context(), org, site, OwnItems(&site), s.deed(c, "site_added", site.ID)); err != nil {
		return err
	}
	if err := s.catalog.refresh(c.Request().Context()); err != nil {
		return err
	}
	return seeOther(c, "/sites/"+site.ID+"/start?done=site_added")
}

// fillDetails takes over what the forms of a new and of an old site share.
func fillDetails(site *consent.Site, f *dashboard.Form) {
	site.Name, site.Domains = f.Get("name"), domains(f.Get("domains"))
	site.Controller = controllerOf(f)
}

func controllerOf(f *dashboard.Form) consent.Controller {
	return consent.Controller{
		Name: f.Get("controller.name"), CVR: compact(f.Get("controller.cvr")), Address: f.Get("controller.address"),
		Email: f.Get("controller.email"), Phone: f.Get("controller.phone"), DPO: f.Get("controller.dpo"),
	}
}

// siteView begins every page of a site.
func (s *Server) siteView(c echo.Context, tab string) (dashboard.View, error) {
	site, err := s.db.Site(c.Request().Context(), c.Param("site"))
	return dashboard.View{Site: &site, Tab: tab}, err
}

// scanSummary is what the newest scan says.
type scanSummary struct {
	ID       uuid.UUID
	At       time.Time
	Pages    int
	Findings []consent.Finding // worst first, without accepted ones
	Missing  []consent.Item    // that the declaration lacks
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
	var report judgement.Report
	if err := json.Unmarshal(scan.Report, &report); err != nil {
		return nil, err
	}
	worst := consent.Severities()
	slices.SortStableFunc(report.Findings, func(a, b consent.Finding) int {
		return slices.Index(worst, a.Severity) - slices.Index(worst, b.Severity)
	})
	accepted, err := s.db.Accepted(ctx, site)
	if err != nil {
		return nil, err
	}
	open := slices.DeleteFunc(report.Findings, func(f consent.Finding) bool { return acceptedBy(&f, accepted) != nil })
	items, err := s.db.Items(ctx, site)
	return &scanSummary{ID: scan.ID, At: scan.At, Pages: len(report.Pages), Findings: open, Missing: undeclared(items, report.Draft())}, err
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

package server

import (
	"context"
	"strconv"
	"time"

	"github.com/labstack/echo/v4"

	"samtykke/consent"
	"samtykke/server/dashboard"
	"samtykke/server/duties"
	"samtykke/server/store"
)

// retentionData is the page on which a site's periods are set, tried and reviewed.
type retentionData struct {
	Published *consent.Retention // what the declaration promises; nil where nothing is published
	Purges    []store.Purged
	Reviewed  *time.Time // nil: never
	Due       time.Time  // of the next review
	Overdue   bool
}

// Longer says whether the site wants to keep acts longer than the declaration promises so far.
func (d retentionData) Longer(site *consent.Site) bool {
	if d.Published == nil {
		return false
	}
	return site.Retention.Months() != site.Retention.AtMost(*d.Published)
}

const purgesShown = 50

func (s *Server) retentionPage(c echo.Context) error {
	v, err := s.siteView(c, "retention")
	if err != nil {
		return err
	}
	months := v.Site.Retention.Months()
	v.Form = &dashboard.Form{Values: map[string][]string{
		"retention.consent": {strconv.Itoa(months.Consent)}, "retention.refusal": {strconv.Itoa(months.Refusal)},
	}}
	if v.Data, err = s.retentionData(c.Request().Context(), v.Site); err != nil {
		return err
	}
	return s.show(c, "retention", v)
}

func (s *Server) retentionData(ctx context.Context, site *consent.Site) (d retentionData, err error) {
	if d.Purges, err = s.db.Purges(ctx, site.ID, purgesShown); err != nil {
		return d, err
	}
	n, err := s.currentNotice(ctx, site.ID)
	if err != nil {
		return d, err
	}
	if n != nil {
		months := n.Content.Retention.Months()
		d.Published = &months
	}
	if !site.Reviewed.IsZero() {
		d.Reviewed = &site.Reviewed
	}
	d.Due = site.ReviewDue()
	d.Overdue = !s.cfg.Now().Before(d.Due)
	return d, nil
}

// changeRetention does what one of the page's forms asks for: save the periods, count what is over, or note a review.
func (s *Server) changeRetention(c echo.Context) error {
	f, err := readForm(c)
	if err != nil {
		return err
	}
	v, err := s.siteView(c, "retention")
	if err != nil {
		return err
	}
	ctx, site := c.Request().Context(), *v.Site
	here := "/sites/" + site.ID + "/retention?done="
	switch f.Get("op") {
	case "count":
		run := store.PurgeRun{Now: s.cfg.Now(), Site: site.ID, Origin: store.ByPerson, Dry: true}
		if _, err := s.db.Purge(ctx, run); err != nil {
			return err
		}
		return seeOther(c, here+"purge_counted#purges")
	case "review":
		site.Reviewed = s.cfg.Now().UTC().Truncate(time.Millisecond)
		if err := s.changeSite(c, site, "retention_reviewed"); err != nil {
			return err
		}
		return seeOther(c, here+"retention_reviewed#review")
	}
	site.Retention = consent.Retention{Consent: months(f.Get("retention.consent")), Refusal: months(f.Get("retention.refusal"))}
	if err := site.Validate(); err != nil {
		v.Form = f
		if v.Data, err = s.retentionData(ctx, v.Site); err != nil {
			return err
		}
		return s.again(c, "retention", v, site.Validate())
	}
	if err := s.changeSite(c, site, "retention_changed"); err != nil {
		return err
	}
	return seeOther(c, here+"retention_saved")
}

// months reads a number of months. What isn't one is refused as -1: 0 would mean the default.
func months(text string) int {
	n, err := strconv.Atoi(text)
	if err != nil || n == 0 {
		return -1
	}
	return n
}

// deleteData is the page on which a site is deleted.
type deleteData struct {
	Certified bool // a certificate can be written: who runs the installation and for whom is known
}

// deleteView is that page before anything is typed.
func (s *Server) deleteView(c echo.Context) (dashboard.View, error) {
	v, err := s.siteView(c, "settings")
	if err != nil {
		return v, err
	}
	_, untold := s.dutyData(c.Request().Context(), v.Site)
	v.Data = deleteData{Certified: untold == nil}
	return v, nil
}

func (s *Server) deletePage(c echo.Context) error {
	v, err := s.deleteView(c)
	if err != nil {
		return err
	}
	v.Form = &dashboard.Form{}
	return s.show(c, "delete", v)
}

// deleteSite deletes a site with everything of it and answers with the certificate (T8), or leads to the list of sites where
// no paper can be written yet.
func (s *Server) deleteSite(c echo.Context) error {
	f, err := readForm(c)
	if err != nil {
		return err
	}
	v, err := s.deleteView(c)
	if err != nil {
		return err
	}
	v.Form = f
	if f.Get("delete.name") != v.Site.Name {
		return s.again(c, "delete", v, wrongField("not_confirmed", "Nothing was deleted.", "delete.name", "Type the website's name exactly as it stands above."))
	}
	paper, _, err := s.deleteWhole(c, v.Site)
	switch {
	case err != nil:
		return s.again(c, "delete", v, err)
	case paper == nil:
		return seeOther(c, "/?done=site_deleted")
	}
	return showPaper(c, paper.HTML, duties.StyleHash())
}

// deleteWhole deletes a site with everything of it, and writes the certificate; nil where no paper can be written yet.
func (s *Server) deleteWhole(c echo.Context, site *consent.Site) (paper *duties.Paper, gone store.Deleted, err error) {
	ctx := context.WithoutCancel(c.Request().Context()) // once begun, it is finished
	papers, untold := s.dutyData(ctx, site)
	if gone, err = s.db.DeleteSite(ctx, site.ID, s.cfg.Now()); err != nil {
		return nil, gone, err
	}
	if err := s.catalog.refresh(ctx); err != nil {
		return nil, gone, err
	}
	numbers := map[string]any{"acts": gone.Acts, "notices": gone.Notices, "pictures": gone.Pictures, "scans": gone.Scans, "days": gone.Days}
	if err := s.db.Audit(ctx, s.deed(c, "site_deleted", "").With(gone.Site, numbers)); err != nil || untold != nil {
		return nil, gone, err
	}
	words := dashboard.For(languageOf(c))
	papers.Deletion = &duties.Deletion{At: gone.At, By: whoOf(c), Items: []duties.Deleted{
		{What: words.T("deleted.acts"), Records: gone.Acts},
		{What: words.T("deleted.notices"), Records: gone.Notices},
		{What: words.T("deleted.pictures"), Records: gone.Pictures},
		{What: words.T("deleted.scans"), Records: gone.Scans},
		{What: words.T("deleted.days"), Records: gone.Days},
	}, Kept: []string{words.T("deleted.kept")}}
	papers.To = gone.At
	p, err := duties.DeletionCertificate(papers, languageOf(c))
	return &p, gone, err
}

package server

import (
	"context"
	"net/http"
	"time"

	"github.com/labstack/echo/v4"

	"samtykke/consent"
	"samtykke/server/store"
)

// apiDetails is what a program sets of a site beside the draft of its banner and declaration.
type apiDetails struct {
	Name       string             `json:"name"`
	Domains    []string           `json:"domains"`
	Homepage   string             `json:"homepage"`
	Controller consent.Controller `json:"controller"`
	Retention  consent.Retention  `json:"retention"`
	Scanning   apiScanning        `json:"scanning"`
}

// apiScanning is consent.Scanning without what the program itself keeps there.
type apiScanning struct {
	Every string `json:"every"` // empty: never
	Pages int    `json:"pages"`
	Depth int    `json:"depth"`
}

func detailsOf(site *consent.Site) apiDetails {
	return apiDetails{
		Name: site.Name, Domains: site.Domains, Homepage: site.Homepage, Controller: site.Controller, Retention: site.Retention.Months(),
		Scanning: apiScanning{site.Scanning.Every, site.Scanning.AtMost(), site.Scanning.Depth},
	}
}

// apply puts the details into a site. Values that were read and sent back unchanged change nothing.
func (d apiDetails) apply(site *consent.Site, now time.Time) {
	site.Name, site.Domains, site.Homepage, site.Controller = d.Name, d.Domains, d.Homepage, d.Controller
	if d.Retention.Months() != site.Retention.Months() {
		site.Retention = d.Retention
	}
	if was := detailsOf(site).Scanning; d.Scanning != was {
		since := site.Scanning.Since
		if d.Scanning.Every != was.Every {
			since = now.UTC().Truncate(time.Millisecond)
		}
		site.Scanning = consent.Scanning{Every: d.Scanning.Every, Pages: d.Scanning.Pages, Depth: d.Scanning.Depth, Since: since}
	}
}

// apiSite is a site as a program reads it.
type apiSite struct {
	ID string `json:"id"`
	apiDetails
	Tag          string     `json:"tag"`                 // the HTML to paste
	Published    *apiNotice `json:"published,omitempty"` // absent where nothing is
	DraftChanged bool       `json:"draft_changed"`       // publishing would show visitors something else
	Unclassified int        `json:"unclassified"`        // entries of the draft's declaration
	Reviewed     *time.Time `json:"reviewed,omitempty"`
	ReviewDue    time.Time  `json:"review_due"`
	CreatedAt    time.Time  `json:"created_at"`
}

// apiNotice is a notice as lists name it.
type apiNotice struct {
	Version   int          `json:"version"`
	Hash      consent.Hash `json:"hash"`
	ValidFrom time.Time    `json:"valid_from"`
	Author    string       `json:"author"`
	Reason    string       `json:"reason"`
}

func newAPINotice(n *consent.Notice) *apiNotice {
	return &apiNotice{n.Version, n.Hash, n.ValidFrom, n.Author, n.Reason}
}

func (s *Server) apiSite(ctx context.Context, site *consent.Site) (apiSite, error) {
	a := apiSite{
		ID: site.ID, apiDetails: detailsOf(site), Tag: Tag(s.cfg.BaseURL, site), DraftChanged: true,
		ReviewDue: site.ReviewDue(), CreatedAt: site.CreatedAt,
	}
	if !site.Reviewed.IsZero() {
		a.Reviewed = &site.Reviewed
	}
	items, err := s.db.Items(ctx, site.ID)
	if err != nil {
		return a, err
	}
	a.Unclassified = unclassified(items)
	n, err := s.currentNotice(ctx, site.ID)
	if err == nil && n != nil {
		a.Published, a.DraftChanged = newAPINotice(n), differs(content(site, items), n.Content)
	}
	return a, err
}

// apiSites lists the sites that the token may see, in the order of their making.
func (s *Server) apiSites(c echo.Context) error {
	ctx := c.Request().Context()
	seen, err := s.tokenSites(c)
	if err != nil {
		return err
	}
	return listPage(c, seen, func(site *consent.Site) string { return site.ID }, func(site *consent.Site) (apiSite, error) { return s.apiSite(ctx, site) })
}

func (s *Server) apiReadSite(c echo.Context) error {
	site := siteOf(c)
	a, err := s.apiSite(c.Request().Context(), site)
	if err != nil {
		return err
	}
	return withETag(c, http.StatusOK, a.apiDetails, a)
}

// apiAddSite makes a site. A program that names its id may safely send it again: the second time there is such a site.
func (s *Server) apiAddSite(c echo.Context) error {
	t, err := tokenOf(c)
	if err != nil {
		return err
	}
	var in struct {
		ID string `json:"id"`
		apiDetails
	}
	if err := readJSON(c, &in); err != nil {
		return err
	}
	if in.ID == "" {
		in.ID = NewSiteID()
	}
	if !consent.ValidSiteID(in.ID) {
		return wrongField("bad_site", "The website's details are not right yet.", "id", "An id is 8 to 20 small letters and digits.")
	}
	ctx := c.Request().Context()
	site := consent.Site{ID: in.ID, CreatedAt: s.cfg.Now().UTC().Truncate(time.Millisecond), Banner: consent.DefaultBanner()}
	in.apply(&site, site.CreatedAt)
	if err := site.Validate(); err != nil {
		return err
	}
	if site.Scanning.Every != "" {
		if err := s.mayScan(ctx, &site); err != nil {
			return err
		}
	}
	if err := s.db.AddSiteTo(ctx, t.Org.ID, site, OwnItems(&site), s.deed(c, "site_added", site.ID)); err != nil {
		return err
	}
	return s.answerSite(c, http.StatusCreated, &site)
}

// answerSite answers with a site that was changed, for other requests to see.
func (s *Server) answerSite(c echo.Context, code int, site *consent.Site) error {
	ctx := c.Request().Context()
	if err := s.catalog.refresh(ctx); err != nil {
		return err
	}
	a, err := s.apiSite(ctx, site)
	if err != nil {
		return err
	}
	if code == http.StatusCreated {
		c.Response().Header().Set(echo.HeaderLocation, "/v1/sites/"+site.ID)
	}
	return withETag(c, code, a.apiDetails, a)
}

// apiChangeSite replaces a site's details.
func (s *Server) apiChangeSite(c echo.Context) error {
	var in apiDetails
	if err := readJSON(c, &in); err != nil {
		return err
	}
	old, ctx := siteOf(c), c.Request().Context()
	wanted := *old
	in.apply(&wanted, s.cfg.Now())
	if err := wanted.Validate(); err != nil {
		return err
	}
	if wanted.Scanning.Every != "" {
		if err := s.mayScan(ctx, &wanted); err != nil {
			return err
		}
	}
	site, err := s.db.EditSite(ctx, old.ID, func(site consent.Site) (consent.Site, error) {
		if err := ifMatch(c, detailsOf(&site)); err != nil {
			return site, err
		}
		in.apply(&site, s.cfg.Now())
		return site, nil
	}, s.deed(c, whatChanged(old, &wanted), old.ID))
	if err != nil {
		return err
	}
	return s.answerSite(c, http.StatusOK, &site)
}

// whatChanged names a change of details as the dashboard's pages do, where it is one of a single kind.
func whatChanged(old, now *consent.Site) string {
	a, b := detailsOf(old), detailsOf(now)
	periods, schedule := a.Retention != b.Retention, a.Scanning != b.Scanning
	a.Retention, a.Scanning, b.Retention, b.Scanning = consent.Retention{}, apiScanning{}, consent.Retention{}, apiScanning{}
	tagA, _ := etag(a) // both are texts and lists of such
	tagB, _ := etag(b)
	switch {
	case tagA != tagB || periods && schedule:
		return "settings_changed"
	case periods:
		return "retention_changed"
	case schedule:
		return "schedule_changed"
	}
	return "settings_changed"
}

func (s *Server) apiReadBanner(c echo.Context) error {
	return withETag(c, http.StatusOK, siteOf(c).Banner, siteOf(c).Banner)
}

// apiChangeBanner replaces the draft of a site's banner. Visitors see it when it is published.
func (s *Server) apiChangeBanner(c echo.Context) error {
	var in consent.Banner
	if err := readJSON(c, &in); err != nil {
		return err
	}
	if err := in.Validate(); err != nil {
		return err
	}
	ctx, id := c.Request().Context(), siteOf(c).ID
	site, err := s.db.EditSite(ctx, id, func(site consent.Site) (consent.Site, error) {
		if err := ifMatch(c, site.Banner); err != nil {
			return site, err
		}
		site.Banner = in
		return site, nil
	}, s.deed(c, "settings_changed", id))
	if err != nil {
		return err
	}
	if err := s.catalog.refresh(ctx); err != nil {
		return err
	}
	return withETag(c, http.StatusOK, site.Banner, site.Banner)
}

func (s *Server) apiReadItems(c echo.Context) error {
	items, err := s.db.Items(c.Request().Context(), siteOf(c).ID)
	if err != nil {
		return err
	}
	return withETag(c, http.StatusOK, noNil(items), noNil(items))
}

// apiChangeItems replaces the draft of a site's declaration.
func (s *Server) apiChangeItems(c echo.Context) error {
	var in []consent.Item
	if err := readJSON(c, &in); err != nil {
		return err
	}
	if err := checkItems(in); err != nil {
		return err
	}
	ctx, id := c.Request().Context(), siteOf(c).ID
	err := s.db.EditItems(ctx, id, func(items []consent.Item) ([]consent.Item, error) {
		return in, ifMatch(c, noNil(items))
	}, s.deed(c, "items_changed", id))
	if err != nil {
		return err
	}
	if err := s.catalog.refresh(ctx); err != nil {
		return err
	}
	return withETag(c, http.StatusOK, noNil(in), noNil(in))
}

// checkItems says of the first entry that can't stand in a declaration which one it is.
func checkItems(items []consent.Item) error {
	keys := map[string]bool{}
	for i := range items {
		if err := items[i].Validate(); err != nil {
			return err
		}
		key := itemKey(&items[i])
		if keys[key] {
			return &consent.Error{Kind: consent.KindInvalid, Code: "item_twice", Message: "The declaration has an entry twice: " + items[i].Name + "."}
		}
		keys[key] = true
	}
	return nil
}

func noNil[T any](list []T) []T {
	if list == nil {
		return []T{}
	}
	return list
}

func (s *Server) apiNotices(c echo.Context) error {
	heads, err := s.db.NoticeHeads(c.Request().Context(), siteOf(c).ID)
	if err != nil {
		return err
	}
	return listPage(c, heads, func(h *store.NoticeHead) string { return h.Hash.String() }, func(h *store.NoticeHead) (apiNotice, error) {
		return apiNotice{h.Version, h.Hash, h.ValidFrom, h.Author, h.Reason}, nil
	})
}

// apiReadNotice shows a notice with everything that it froze.
func (s *Server) apiReadNotice(c echo.Context) error {
	ctx := c.Request().Context()
	heads, err := s.db.NoticeHeads(ctx, siteOf(c).ID)
	if err != nil {
		return err
	}
	hash, ok := readVersion(c.Param("version"), heads)
	if !ok {
		return errNoNotice()
	}
	n, err := s.db.Notice(ctx, hash)
	if err != nil {
		return err
	}
	return c.JSON(http.StatusOK, n)
}

// apiPublish makes the draft the site's next notice. "after" is the version that the program knows as the newest: sent again,
// it publishes nothing twice.
func (s *Server) apiPublish(c echo.Context) error {
	var in struct {
		Reason       string `json:"reason"`
		Material     *bool  `json:"material"`
		After        *int   `json:"after"`
		Unclassified bool   `json:"unclassified"`
	}
	if err := readJSON(c, &in); err != nil {
		return err
	}
	if in.After == nil || in.Material == nil {
		return consent.Invalid("incomplete", "Say with “after” which notice is the newest that you know, 0 for none, and with “material” whether visitors are asked again.")
	}
	ctx, site := c.Request().Context(), siteOf(c)
	items, err := s.db.Items(ctx, site.ID)
	if err != nil {
		return err
	}
	if unclassified(items) > 0 && !in.Unclassified {
		return wrongField("unclassified", "The notice is not published yet.", "unclassified", "Confirm that unclassified entries remain, or sort them first.")
	}
	n, err := s.Publish(ctx, site.ID, Publishing{Author: whoOf(c), Reason: in.Reason, Material: *in.Material, After: in.After})
	if err != nil {
		return err
	}
	c.Response().Header().Set(echo.HeaderLocation, "/v1/sites/"+site.ID+"/notices/"+itoa(n.Version))
	return c.JSON(http.StatusCreated, newAPINotice(&n))
}

package server

import (
	"net/url"
	"slices"
	"strconv"

	"github.com/labstack/echo/v4"

	"samtykke/consent"
	"samtykke/server/dashboard"
	"samtykke/widget"
)

// returnTo puts what an older notice asked with into the draft: look, texts word for word and settings, and the declaration
// too where that is wished. Who is behind the site is a fact of today and stays. Nothing is published: the owner sees what
// would change and says why.
func (s *Server) returnTo(c echo.Context) error {
	f, err := readForm(c)
	if err != nil {
		return err
	}
	n, _, err := s.backTo(c, f.Get("declaration") == "yes")
	if err != nil {
		return err
	}
	why := dashboard.For(languageOf(c)).T("notices.back_to", n.Version)
	return seeOther(c, "/sites/"+n.Site+"/notices?done=returned&reason="+url.QueryEscape(why))
}

// backTo puts what the notice of the address asked with into the draft.
func (s *Server) backTo(c echo.Context, declaration bool) (n consent.Notice, site consent.Site, err error) {
	ctx := c.Request().Context()
	if site, err = s.db.Site(ctx, c.Param("site")); err != nil {
		return n, site, err
	}
	hash, err := s.noticeHash(c)
	if err != nil {
		return n, site, err
	}
	if _, intact, err := s.db.Reseal(ctx, hash); err != nil {
		return n, site, err
	} else if !intact {
		return n, site, errAltered()
	}
	if n, err = s.db.Notice(ctx, hash); err != nil {
		return n, site, err
	}
	site.Banner = bannerOf(&n.Content)
	about := strconv.Itoa(n.Version)
	if err := s.db.UpdateSite(ctx, site, s.deed(c, "settings_changed", site.ID).With(about, nil)); err != nil {
		return n, site, err
	}
	if declaration {
		put := func([]consent.Item) ([]consent.Item, error) { return slices.Clone(n.Content.Items), nil }
		if err := s.db.EditItems(ctx, site.ID, put, s.deed(c, "items_changed", site.ID).With(about, nil)); err != nil {
			return n, site, err
		}
	}
	return n, site, s.catalog.refresh(ctx)
}

// bannerOf is a draft that shows what a notice showed. The standard words may have changed since: where they have, the words
// of then become the owner's own.
func bannerOf(c *consent.Content) consent.Banner {
	b := c.Banner
	b.Texts = map[string]map[string]string{}
	for _, lang := range b.Languages {
		standard, _ := widget.Texts(lang)
		for key, words := range standard {
			then := c.Texts[lang][key]
			if then == "" || then == words {
				continue
			}
			if b.Texts[lang] == nil {
				b.Texts[lang] = map[string]string{}
			}
			b.Texts[lang][key] = then
		}
	}
	if len(b.Texts) == 0 {
		b.Texts = nil
	}
	return b
}

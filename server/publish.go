package server

import (
	"bytes"
	"context"
	"maps"
	"strings"
	"time"

	"samtykke/consent"
	"samtykke/scanner/cookiedb"
	"samtykke/server/store"
	"samtykke/widget"
)

// Publishing says who publishes a site's draft and why.
type Publishing struct {
	Author, Reason string
	// Material notices ask every visitor again (B19); others leave standing choices alone (B20).
	Material bool
	// After is the version of the newest notice that the publisher knows; where there is another one meanwhile, nothing is
	// published. nil: whatever is there.
	After *int
}

// Publish freezes a site's draft and serves it from now on.
func (s *Server) Publish(ctx context.Context, site string, p Publishing) (consent.Notice, error) {
	n, err := Publish(ctx, s.db, s.cfg.BaseURL, s.cfg.Now(), site, p)
	if err != nil {
		return n, err
	}
	return n, s.catalog.refresh(ctx)
}

// Publish freezes a site's draft into its next notice: texts, style, categories, declaration and compiled banner.
// Running servers see it within seconds. base is their public address without a slash at the end.
func Publish(ctx context.Context, db *store.DB, base string, now time.Time, site string, p Publishing) (consent.Notice, error) {
	n, err := compose(ctx, db, base, now, site, p)
	if err != nil {
		return n, err
	}
	return n, db.Publish(ctx, n, p.deed(&n))
}

// compose makes the notice that Publish stores.
func compose(ctx context.Context, db *store.DB, base string, now time.Time, id string, p Publishing) (consent.Notice, error) {
	site, err := db.Site(ctx, id)
	if err != nil {
		return consent.Notice{}, err
	}
	items, err := db.Items(ctx, id)
	if err != nil {
		return consent.Notice{}, err
	}
	last, err := db.CurrentNotice(ctx, id)
	if err != nil && consent.KindOf(err) != consent.KindNotFound {
		return consent.Notice{}, err
	}
	if p.After != nil && *p.After != last.Version {
		return consent.Notice{}, &consent.Error{Kind: consent.KindConflict, Code: "notice_newer", Message: "Another notice was published meanwhile."}
	}
	n := consent.Notice{
		Site: id, Version: last.Version + 1, ValidFrom: now.UTC().Truncate(time.Millisecond), Author: p.Author, Reason: p.Reason,
		Content: content(&site, items),
	}
	if err := publishable(&n.Content, &last, p); err != nil {
		return consent.Notice{}, err
	}
	n.Content.Version, n.Content.Terms = n.Version, last.Content.Terms
	if p.Material || last.Version == 0 {
		n.Content.Terms = n.Version
	}
	if at, err := db.LastScanAt(ctx, id); err == nil {
		n.Content.LastScan = &at
	}
	return seal(n, base)
}

// seal compiles the banner and names the notice by what it holds.
func seal(n consent.Notice, base string) (consent.Notice, error) {
	bundle, err := widget.Compile(n.Content, base)
	if err != nil {
		return n, err
	}
	if n.Hash, err = consent.Seal(n.Content, bundle); err != nil {
		return n, err
	}
	bundle.JS = bytes.Replace(bundle.JS, []byte(consent.NoHash), []byte(n.Hash.String()), 1)
	n.Bundle = bundle
	return n, nil
}

// content freezes the draft: the standard texts of each language with the owner's own words over them.
func content(site *consent.Site, items []consent.Item) consent.Content {
	c := consent.Content{
		Site: site.ID, SiteName: site.Name, Homepage: site.Home(), Controller: site.Controller, Banner: site.Banner, Items: items,
		Retention: site.Retention, Texts: map[string]map[string]string{},
	}
	if site.Banner.AutoBlock {
		c.KnownHosts = cookiedb.Hosts()
	}
	for _, lang := range site.Banner.Languages {
		texts, ok := widget.Texts(lang)
		if !ok {
			continue // the compiler names it
		}
		maps.Copy(texts, site.Banner.Texts[lang])
		c.Texts[lang] = texts
	}
	return c
}

// publishable refuses a notice that the law refuses, in words for the owner.
func publishable(c *consent.Content, last *consent.Notice, p Publishing) error {
	errs := []error{c.Banner.Validate()}
	for _, lang := range c.Banner.Languages {
		errs = append(errs, checkShown(c.Texts[lang], lang))
	}
	if err := together(errs...); err != nil {
		return err
	}
	if c.Controller.Name == "" {
		return consent.Invalid("no_controller", "Say who is the controller before publishing: the banner names it.")
	}
	if names := unreasoned(c.Items); len(names) > 0 {
		return consent.Invalid("no_item_reason", "Say for each necessary entry why the website can't do without it: "+strings.Join(names, ", ")+".")
	}
	if p.Reason == "" || len(p.Reason) > 500 {
		return consent.Invalid("no_reason", "Say in a few words why you publish (at most 500 characters).")
	}
	if !p.Material && last.Version > 0 && c.Banner.Asked() != last.Content.Banner.Asked() {
		return consent.Invalid("must_be_material", "The categories have changed, so visitors must be asked again.")
	}
	return nil
}

// unreasoned names the necessary entries that say in no language why the site can't do without them (S9). Where a language lacks
// the reason, the declaration shows another one's.
func unreasoned(items []consent.Item) (names []string) {
	for _, i := range items {
		said := false
		for _, words := range i.Reason {
			said = said || strings.TrimSpace(words) != ""
		}
		if i.Category == consent.Necessary && !said {
			names = append(names, i.Name)
		}
	}
	return names
}

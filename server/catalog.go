package server

import (
	"context"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"samtykke/consent"
	"samtykke/server/store"
)

// catalog answers from memory what every visitor's request asks: which sites there are and what they show. It is
// read anew when the store's revision says that this or another server changed something.
type catalog struct {
	db       *store.DB
	mu       sync.Mutex // one refresh at a time
	revision atomic.Int64
	sites    atomic.Pointer[map[string]*siteEntry]
	notices  sync.Map // consent.Hash -> *noticeEntry; notices never change

	cookiebot atomic.Pointer[cookiebotSites]
}

// refreshTimeout keeps a database that hangs from parking every request for an unknown site.
const refreshTimeout = 10 * time.Second

type siteEntry struct {
	site    consent.Site
	current *noticeEntry // nil where nothing is published
}

// noticeEntry is a notice as it is served.
type noticeEntry struct {
	consent.Notice
	script *asset
	files  map[string]*asset // by name
}

func newCatalog(ctx context.Context, db *store.DB) (*catalog, error) {
	c := &catalog{db: db}
	return c, c.refresh(ctx)
}

// refresh reads the sites where something has changed since the last time.
func (c *catalog) refresh(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, refreshTimeout)
	defer cancel()
	c.mu.Lock()
	defer c.mu.Unlock()
	revision, err := c.db.Revision(ctx)
	if err != nil || revision == c.revision.Load() {
		return err
	}
	sites, err := c.db.Sites(ctx)
	if err != nil {
		return err
	}
	entries := make(map[string]*siteEntry, len(sites))
	for i := range sites {
		e := &siteEntry{site: sites[i]}
		n, err := c.db.CurrentNotice(ctx, e.site.ID)
		switch {
		case err == nil:
			e.current = c.keep(n)
		case consent.KindOf(err) != consent.KindNotFound:
			return err
		}
		entries[e.site.ID] = e
	}
	c.sites.Store(&entries)
	c.cookiebot.Store(newCookiebotSites(entries))
	c.revision.Store(revision)
	return nil
}

func (c *catalog) keep(n consent.Notice) *noticeEntry {
	e := &noticeEntry{Notice: n, script: newAsset(n.Bundle.JS, "text/javascript; charset=utf-8"), files: map[string]*asset{}}
	for name, b := range n.Bundle.Files {
		kind := "text/javascript; charset=utf-8"
		if strings.HasSuffix(name, ".json") {
			kind = "application/json"
		}
		e.files[name] = newAsset(b, kind)
	}
	kept, _ := c.notices.LoadOrStore(n.Hash, e)
	return kept.(*noticeEntry)
}

// site finds a site. One that is not known may have been added a moment ago: that is looked up before saying no.
func (c *catalog) site(ctx context.Context, id string) (*siteEntry, error) {
	if e := (*c.sites.Load())[id]; e != nil {
		return e, nil
	}
	if !consent.ValidSiteID(id) {
		return nil, errNoSite()
	}
	if err := c.refresh(ctx); err != nil {
		return nil, err
	}
	if e := (*c.sites.Load())[id]; e != nil {
		return e, nil
	}
	return nil, errNoSite()
}

func errNoSite() error {
	return consent.NotFound("no_site", "There is no such website.")
}

// notice finds a notice of a site, also an old one.
func (c *catalog) notice(ctx context.Context, site string, h consent.Hash) (*noticeEntry, error) {
	if e, ok := c.notices.Load(h); ok {
		return ofSite(e.(*noticeEntry), site)
	}
	n, err := c.db.Notice(ctx, h)
	if err != nil {
		return nil, err
	}
	return ofSite(c.keep(n), site)
}

func ofSite(e *noticeEntry, site string) (*noticeEntry, error) {
	if e.Site != site {
		return nil, consent.NotFound("no_notice", "There is no such notice.")
	}
	return e, nil
}

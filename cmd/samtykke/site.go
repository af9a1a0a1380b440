package main

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"samtykke/consent"
	"samtykke/server"
)

type siteCmd struct {
	Add  siteAddCmd  `cmd:"" help:"Add a site and publish its first banner."`
	List siteListCmd `cmd:"" help:"List the sites."`
	Tag  siteTagCmd  `cmd:"" help:"Print the script tag of a site."`
}

// baseURL is how browsers reach the server; the tags that are printed start with it.
type baseURL struct {
	BaseURL string `help:"The server's public address." name:"base-url" default:"http://localhost:8080" placeholder:"URL"`
}

type siteAddCmd struct {
	dataFlags
	baseURL
	Name       string   `help:"What the site is called." required:"" placeholder:"N"`
	Domain     []string `help:"Domain that shows the banner, with all its subdomains; may be repeated." required:"" placeholder:"D"`
	Controller string   `help:"Organisation that answers for the site; default: the name."`
	PrivacyURL string   `help:"Address of the privacy policy." name:"privacy-url"`
	JSON       bool     `help:"Print the id and the tag as JSON." env:"-"`
}

// Run stores the site and publishes the standard banner, so that the tag works at once.
func (c *siteAddCmd) Run(ctx context.Context, std streams) error {
	base, err := server.CleanBase(c.BaseURL)
	if err != nil {
		return err
	}
	db, err := c.create(ctx)
	if err != nil {
		return err
	}
	defer db.Close()
	s := consent.Site{
		ID: server.NewSiteID(), Name: c.Name, CreatedAt: time.Now().UTC().Truncate(time.Millisecond), Banner: consent.DefaultBanner(),
		Controller: consent.Controller{Name: c.Controller},
	}
	for _, d := range c.Domain {
		s.Domains = append(s.Domains, strings.ToLower(strings.TrimSpace(d)))
	}
	if s.Controller.Name == "" {
		s.Controller.Name = c.Name
	}
	s.Banner.PrivacyURL = c.PrivacyURL
	if err := s.Validate(); err != nil {
		return err
	}
	if err := s.Banner.Validate(); err != nil {
		return err
	}
	if err := db.AddSite(ctx, s, server.OwnItems(&s), deed("site_added", s.ID)); err != nil {
		return err
	}
	if _, err := server.Publish(ctx, db, base, time.Now(), s.ID, server.Publishing{Author: "samtykke site add", Reason: "The first banner", Material: true}); err != nil {
		return err
	}
	tag := server.Tag(base, &s)
	if c.JSON {
		return json.NewEncoder(std.out).Encode(map[string]string{"id": s.ID, "tag": tag})
	}
	_, err = fmt.Fprintf(std.out, "Added %s. Paste this first in <head>:\n\n%s\n", s.ID, tag)
	return err
}

type siteListCmd struct {
	dataFlags
	JSON bool `help:"Print JSON." env:"-"`
}

// Run lists id, name and domains.
func (c *siteListCmd) Run(ctx context.Context, std streams) error {
	db, err := c.open(ctx)
	if err != nil {
		return err
	}
	defer db.Close()
	sites, err := db.Sites(ctx)
	if err != nil {
		return err
	}
	if c.JSON {
		if sites == nil {
			sites = []consent.Site{}
		}
		return json.NewEncoder(std.out).Encode(sites)
	}
	if len(sites) == 0 {
		_, err = fmt.Fprintln(std.out, "No sites yet. Add one with: samtykke site add --name NAME --domain DOMAIN")
		return err
	}
	for _, s := range sites {
		if _, err := fmt.Fprintf(std.out, "%s\t%s\t%s\n", s.ID, s.Name, strings.Join(s.Domains, " ")); err != nil {
			return err
		}
	}
	return nil
}

type siteTagCmd struct {
	dataFlags
	baseURL
	Site string `arg:"" help:"Id of the site."`
}

// Run prints the tag of a site that exists.
func (c *siteTagCmd) Run(ctx context.Context, std streams) error {
	base, err := server.CleanBase(c.BaseURL)
	if err != nil {
		return err
	}
	db, err := c.open(ctx)
	if err != nil {
		return err
	}
	defer db.Close()
	site, err := db.Site(ctx, c.Site)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(std.out, server.Tag(base, &site))
	return err
}

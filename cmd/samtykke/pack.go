package main

import (
	"context"
	"fmt"
	"os"
	"time"

	"github.com/google/uuid"

	"samtykke/consent"
	"samtykke/server"
)

type packCmd struct {
	dataFlags
	File    string `arg:"" help:"File to write, such as pack.zip." type:"path"`
	Site    string `help:"Id of the site." required:"" placeholder:"S"`
	From    string `help:"First day (UTC), such as 2026-01-01; default a year before the last." placeholder:"DAY"`
	To      string `help:"Last day (UTC), included; default today." placeholder:"DAY"`
	Visitor string `help:"Only the records of this visitor, with receipts." placeholder:"ID"`
	BaseURL string `help:"The server's public address, for receipts." name:"base-url" default:"http://localhost:8080" placeholder:"URL"`
	PDF     bool   `help:"Print the index as PDF too, where there is Chromium." name:"pdf" default:"true" negatable:""`
}

// Run writes the inspection pack of a site and a period. The file appears only when it is finished.
func (c *packCmd) Run(ctx context.Context, std streams) error {
	q := server.Inspection{Site: c.Site, By: "samtykke pack", PDF: c.PDF}
	var err error
	if q.To, err = parseDay("--to", c.To); err != nil {
		return err
	}
	if q.To.IsZero() {
		q.To = time.Now().UTC().Truncate(24 * time.Hour)
	}
	q.To = q.To.AddDate(0, 0, 1)
	if q.From, err = parseDay("--from", c.From); err != nil {
		return err
	}
	if q.From.IsZero() {
		q.From = q.To.AddDate(-1, 0, 0)
	}
	if c.Visitor != "" {
		if q.Visitor, err = uuid.Parse(c.Visitor); err != nil {
			return consent.Invalid("bad_visitor", "--visitor wants the id that the banner shows.")
		}
	}
	db, err := c.open(ctx)
	if err != nil {
		return err
	}
	defer db.Close()
	if err := db.Audit(ctx, deed("export", c.Site).With("", map[string]any{"format": "pack"})); err != nil {
		return err
	}
	out, err := os.OpenFile(c.File+".part", os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer os.Remove(out.Name()) //nolint:errcheck // it is gone when all went well
	defer out.Close()
	if err := server.WritePack(ctx, db, c.BaseURL, time.Now(), q, out); err != nil {
		return err
	}
	if err := out.Close(); err != nil {
		return err
	}
	if err := os.Rename(out.Name(), c.File); err != nil {
		return err
	}
	fmt.Fprintf(std.err, "%s is written. Verify it with: samtykke verify %s\n", c.File, c.File)
	return nil
}

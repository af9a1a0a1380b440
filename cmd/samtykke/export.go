package main

import (
	"context"
	"fmt"
	"time"

	"samtykke/consent"
	"samtykke/server"
	"samtykke/server/store"
)

type exportCmd struct {
	dataFlags
	Site   string `help:"Id of the site." placeholder:"S"`
	Format string `help:"csv or jsonl." enum:"csv,jsonl" default:"csv"`
	From   string `help:"First day (UTC), such as 2026-11-01." placeholder:"DAY"`
	To     string `help:"Last day (UTC), included." placeholder:"DAY"`
	Audit  bool   `help:"The audit log instead, with proofs: what people did with the site; without --site, with the installation." env:"-"`
	Proofs bool   `help:"Write beside each record the proof that it is in the log, for samtykke verify (jsonl)." default:"true" negatable:""`
	After  int64  `help:"Go on behind the entry with this number (jsonl): the seq of the last line that you have." default:"-1" placeholder:"SEQ"`
}

// Run writes the records to standard output: as CSV the newest first, as JSON lines in the order of the log.
func (c *exportCmd) Run(ctx context.Context, std streams) error {
	rarelyCollect()
	if c.Site == "" && !c.Audit {
		return consent.Invalid("no_site_named", "Name the site with --site.")
	}
	f := store.Filter{Site: c.Site}
	var err error
	if f.From, err = parseDay("--from", c.From); err != nil {
		return err
	}
	if f.To, err = parseDay("--to", c.To); err != nil {
		return err
	}
	if !f.To.IsZero() {
		f.To = f.To.AddDate(0, 0, 1)
	}
	db, err := c.open(ctx)
	if err != nil {
		return err
	}
	defer db.Close()
	if _, err := db.Site(ctx, c.Site); err != nil && c.Site != "" {
		return err
	}
	format := c.Format
	if c.Audit {
		format = "audit"
	}
	more := map[string]any{"format": format}
	for name, day := range map[string]string{"filter.from": c.From, "filter.to": c.To} {
		if day != "" {
			more[name] = day
		}
	}
	if err := db.Audit(ctx, deed("export", c.Site).With("", more)); err != nil {
		return err
	}
	if c.Audit {
		return server.ExportAudit(ctx, db, c.Site, f.From, f.To, std.out)
	}
	if c.Format == "jsonl" {
		return server.ExportJSONL(ctx, db, f, c.After, c.Proofs, std.out)
	}
	return server.ExportCSV(ctx, db, f, std.out)
}

func parseDay(flag, s string) (time.Time, error) {
	if s == "" {
		return time.Time{}, nil
	}
	t, err := time.Parse(time.DateOnly, s)
	if err != nil {
		return t, consent.Invalid("bad_day", fmt.Sprintf("%s wants a day such as 2026-11-01, not %q.", flag, s))
	}
	return t, nil
}

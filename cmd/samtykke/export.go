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
	Site   string `help:"Id of the site." required:"" placeholder:"S"`
	Format string `help:"csv or jsonl." enum:"csv,jsonl" default:"csv"`
	From   string `help:"First day (UTC), such as 2026-11-01." placeholder:"DAY"`
	To     string `help:"Last day (UTC), included." placeholder:"DAY"`
}

// Run writes the records to standard output, the newest first.
func (c *exportCmd) Run(ctx context.Context, std streams) error {
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
	if _, err := db.Site(ctx, c.Site); err != nil {
		return err
	}
	if c.Format == "jsonl" {
		return server.ExportJSONL(ctx, db, f, std.out)
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

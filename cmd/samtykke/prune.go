package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"samtykke/consent"
	"samtykke/server/store"
)

type pruneCmd struct {
	dataFlags
	DryRun bool `help:"Only count what would be deleted."`
}

// Run deletes, or counts, the acts whose time is over, site by site.
func (c *pruneCmd) Run(ctx context.Context, std streams) error {
	db, err := c.open(ctx)
	if err != nil {
		return err
	}
	defer db.Close()
	done, err := db.Purge(ctx, store.PurgeRun{Now: time.Now(), Origin: store.ByCommand, Dry: c.DryRun, Tell: purgeProgress(std.err)})
	tellPurged(std.out, done)
	return errors.Join(err, db.Audit(ctx, store.PurgeDeeds(consent.ByCLI, done)...))
}

func tellPurged(out io.Writer, sites []store.Purged) {
	verb := "deleted"
	var consents, refusals int64
	for _, p := range sites {
		if p.Dry {
			verb = "would delete"
		}
		fmt.Fprintf(out, "%s: %s %d consents and %d refusals", p.Site, verb, p.Consents, p.Refusals)
		if p.Locked > 0 {
			fmt.Fprintf(out, ", %d of them locked", p.Locked)
		}
		fmt.Fprintln(out)
		consents, refusals = consents+p.Consents, refusals+p.Refusals
	}
	fmt.Fprintf(out, "%d sites: %s %d consents and %d refusals whose time is over.\n", len(sites), verb, consents, refusals)
}

// purgeProgress shows on a terminal how far a site has come.
func purgeProgress(w io.Writer) func(store.Purged) {
	f, ok := w.(*os.File)
	if !ok {
		return nil
	}
	if info, err := f.Stat(); err != nil || info.Mode()&os.ModeCharDevice == 0 {
		return nil
	}
	var last time.Time
	return func(p store.Purged) {
		if time.Since(last) > time.Second {
			last = time.Now()
			fmt.Fprintf(f, "%s: %d so far\n", p.Site, p.Acts())
		}
	}
}

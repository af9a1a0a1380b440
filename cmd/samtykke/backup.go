package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"samtykke/consent"
	"samtykke/server/store"
)

type backupCmd struct {
	dataFlags
	File string `arg:"" help:"New file for the copy. It holds everything, also the key that signs: encrypt it." type:"path"`
}

// Run copies the database as it is at this moment. A server may go on meanwhile.
func (c *backupCmd) Run(ctx context.Context, std streams) error {
	if c.Database != "" {
		return store.ErrPostgres
	}
	if _, err := os.Lstat(c.File); err == nil {
		return consent.Invalid("file_exists", c.File+" is there already. Name a new file.")
	}
	db, err := c.open(ctx)
	if err != nil {
		return err
	}
	defer db.Close()
	if err := db.Audit(ctx, deed("export", "").With("", map[string]any{"format": "backup"})); err != nil {
		return err
	}
	if err := db.Tidy(ctx); err != nil { // so that what was erased is in no copy
		return err
	}
	if err := db.Backup(ctx, c.File); err != nil {
		return err
	}
	_, err = fmt.Fprintf(std.out, "Copied to %s. Keep it encrypted. Copy %s elsewhere, too, and often: it tells a restoration what was erased later.\n",
		c.File, filepath.Join(c.Data, store.JournalName))
	return err
}

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"samtykke/consent"
	"samtykke/server/store"
)

type restoreCmd struct {
	dataFlags
	File     string `arg:"" help:"A file that samtykke backup made." type:"existingfile"`
	Removals string `help:"The removals.jsonl of the lost data folder: what it names is removed again." type:"existingfile" placeholder:"FILE"`
}

// Run puts a backup into a new data folder and removes from it what was erased since, and what is over by now.
func (c *restoreCmd) Run(ctx context.Context, std streams) (err error) {
	if c.Database != "" {
		return store.ErrPostgres
	}
	if there, err := os.ReadDir(c.Data); err == nil && len(there) > 0 {
		return consent.Invalid("folder_not_empty", c.Data+" is not empty. Name a new folder with --data.")
	}
	if err := os.MkdirAll(c.Data, 0o700); err != nil {
		return err
	}
	defer func() {
		if err != nil { // half a restoration must not be mistaken for data
			for _, end := range []string{"", "-wal", "-shm", ".lock"} {
				_ = os.Remove(c.file() + end)
			}
			_ = os.Remove(filepath.Join(c.Data, store.JournalName))
		}
	}()
	if err := copyFile(c.file(), c.File); err != nil {
		return err
	}
	if err := store.Check(ctx, c.file()); err != nil {
		return consent.Invalid("bad_backup", fmt.Sprintf("%s is no sound backup: %v.", c.File, err))
	}
	db, err := c.open(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	var removals io.Reader
	if c.Removals != "" {
		f, err := os.Open(c.Removals)
		if err != nil {
			return err
		}
		defer f.Close()
		removals = f
	}
	now := time.Now()
	done, err := db.Reapply(ctx, removals, now)
	if err != nil {
		return err
	}
	if err := db.Audit(ctx, consent.NewDeed(now, consent.ByCLI, "restored", "").With(filepath.Base(c.File), map[string]any{
		"removals": done.Lines, "acts": done.Acts, "sites": done.Sites,
	})); err != nil {
		return err
	}
	return tellRestored(std.out, c, done)
}

func tellRestored(out io.Writer, c *restoreCmd, done store.Reapplied) error {
	fmt.Fprintf(out, "Restored to %s.\n", c.Data)
	if c.Removals == "" {
		fmt.Fprintln(out, "Without --removals nobody knows what was erased after the backup: ask for it again, or find removals.jsonl.")
	} else {
		fmt.Fprintf(out, "Removed again: %d acts by %d entries, %d sites.\n", done.Acts, done.Lines, done.Sites)
	}
	tellPurged(out, done.Purged)
	_, err := fmt.Fprintln(out, `What was recorded after the backup is lost. The log of each site that had grown is shorter than its last published checkpoint,
and samtykke verify --checkpoint says "cut off". Keep a note of the day and the reason.`)
	return err
}

func copyFile(to, from string) error {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.OpenFile(to, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = io.Copy(out, in)
	return errors.Join(err, out.Sync(), out.Close())
}

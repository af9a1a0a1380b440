package store

import (
	"bytes"
	"context"
	"database/sql"
	"embed"
	"fmt"
	"io/fs"
	"testing/fstest"
	"text/template"

	"github.com/pressly/goose/v3"
)

//go:embed migrations/*.sql
var migrations embed.FS

// dialect is everything in which the engines truly differ.
type dialect struct {
	name  goose.Dialect
	words struct{ Serial, Blob string }                                    // the words of the migrations
	lock  func(ctx context.Context, db *sql.DB) (unlock func(), err error) // one migrating server at a time

	// append writes and counts a group of acts in one transaction, and says whether all of them were new. Where
	// some were there already it may have written the others or nothing.
	append func(ctx context.Context, db *sql.DB, rows []row) (allNew bool, err error)
}

// migrate brings the schema up to date. Several servers may start together: one migrates, the others wait.
func (d *dialect) migrate(ctx context.Context, db *sql.DB) error {
	unlock, err := d.lock(ctx, db)
	if err != nil {
		return fmt.Errorf("wait for the migration lock: %w", err)
	}
	defer unlock()
	files, err := d.render()
	if err != nil {
		return err
	}
	p, err := goose.NewProvider(d.name, db, files, goose.WithDisableGlobalRegistry(true))
	if err != nil {
		return fmt.Errorf("read migrations: %w", err)
	}
	if _, err := p.Up(ctx); err != nil {
		return fmt.Errorf("migrate: %w", err)
	}
	return nil
}

// render puts the dialect's words into the migrations.
func (d *dialect) render() (fs.FS, error) {
	names, err := fs.Glob(migrations, "migrations/*.sql")
	if err != nil {
		return nil, err
	}
	out := fstest.MapFS{}
	for _, name := range names {
		t, err := template.ParseFS(migrations, name)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		var b bytes.Buffer
		if err := t.Execute(&b, d.words); err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		out[name[len("migrations/"):]] = &fstest.MapFile{Data: b.Bytes()}
	}
	return out, nil
}

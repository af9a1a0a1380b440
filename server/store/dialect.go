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
	words words
	// snapshot is the isolation in which a transaction sees one moment.
	snapshot sql.IsolationLevel
	lock     func(ctx context.Context, db *sql.DB) (unlock func(), err error) // one migrating server at a time

	// insert writes a group of acts. errTwice says that one of them was there already; then the transaction is over.
	insert func(ctx context.Context, tx *sql.Tx, rows []row) error
}

// words are those in which the engines' SQL differs.
type words struct{ Serial, Blob, Clustered, ForUpdate string }

// migrate brings the schema up to date. Several servers may start together: one migrates, the others wait.
func (db *DB) migrate(ctx context.Context) error {
	d := &db.dialect
	unlock, err := d.lock(ctx, db.writer)
	if err != nil {
		return fmt.Errorf("wait for the migration lock: %w", err)
	}
	defer unlock()
	files, err := d.render()
	if err != nil {
		return err
	}
	p, err := goose.NewProvider(d.name, db.writer, files, goose.WithDisableGlobalRegistry(true), goose.WithGoMigrations(
		goose.NewGoMigration(4, &goose.GoFunc{RunTx: db.enterBefore}, nil)))
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

package store

import (
	"bytes"
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"testing/fstest"
	"text/template"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/pressly/goose/v3"
	"modernc.org/sqlite"
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

	// bytes asks how large the database is.
	bytes string

	// insert is what writes acts. What a statement carries is only good until the next one is asked for.
	insert func(rows []row) iter.Seq[stmt]
	// group runs a transaction: the statement that locks ends of logs, then what write makes of them.
	group func(ctx context.Context, db *DB, lock stmt, write func([]end) (iter.Seq[stmt], error)) error
}

// stmt is one statement to run.
type stmt struct {
	sql  string
	args []any
}

// all are statements in a row.
func all(first iter.Seq[stmt], more ...[]stmt) iter.Seq[stmt] {
	return func(yield func(stmt) bool) {
		for s := range first {
			if !yield(s) {
				return
			}
		}
		for _, list := range more {
			for _, s := range list {
				if !yield(s) {
					return
				}
			}
		}
	}
}

// run runs statements one after the other. errTwice says that an act was there already; then the transaction is over.
func run(ctx context.Context, tx *sql.Tx, list iter.Seq[stmt]) error {
	for s := range list {
		if _, err := tx.ExecContext(ctx, s.sql, s.args...); err != nil {
			return twice(err)
		}
	}
	return nil
}

// twice knows the engines' ways to say that a row is there already.
func twice(err error) error {
	var lite *sqlite.Error
	var pg *pgconn.PgError
	if errors.As(err, &lite) && lite.Code() == sqliteConstraintUnique || errors.As(err, &pg) && pg.Code == uniqueViolation {
		return errTwice
	}
	return err
}

// words are those in which the engines' SQL differs. Numbers are those of the second argument, a list in JSON: one text
// for lists of any length, which needn't be read anew each time. Rows are the values of the first argument, such a list too.
type words struct{ Serial, Blob, Clustered, ForUpdate, Numbers, Rows string }

// migrate brings the schema up to date. Several servers may start together: one migrates, the others wait.
func (db *DB) migrate(ctx context.Context) error {
	d := &db.dialect
	unlock, err := d.lock(ctx, db.writer)
	if err != nil {
		return fmt.Errorf("wait for the migration lock: %w", err)
	}
	defer unlock()
	if err := db.nameFiles(ctx); err != nil {
		return fmt.Errorf("migrate: %w", err)
	}
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

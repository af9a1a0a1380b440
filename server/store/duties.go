package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"time"

	"github.com/pressly/goose/v3"

	"samtykke/consent"
)

// Installation reads what has been told of who runs the installation, as JSON; {} where nobody has told anything.
func (db *DB) Installation(ctx context.Context) (json.RawMessage, error) {
	return installation(ctx, db.reader)
}

func installation(ctx context.Context, from querier) (json.RawMessage, error) {
	rows, err := collect(ctx, from, func(rows *sql.Rows) (body string, err error) { return body, rows.Scan(&body) }, "select body from installation")
	if err != nil {
		return nil, err
	}
	return json.RawMessage(rows[0]), nil
}

// EditInstallation changes it by a function of what it is now. Two who edit at once wait for each other, so neither's
// change is lost. An error of the function changes nothing and is returned. The deeds that it is get what was changed.
func (db *DB) EditInstallation(ctx context.Context, edit func(json.RawMessage) (json.RawMessage, error), deeds ...consent.Deed) error {
	return db.did(ctx, db.tx, deeds, func(tx *sql.Tx) error {
		// Writing first takes the row's lock on PostgreSQL; SQLite's one writer has it already.
		if _, err := tx.ExecContext(ctx, "update installation set body = body"); err != nil {
			return err
		}
		before, err := installation(ctx, tx)
		if err != nil {
			return err
		}
		after, err := edit(before)
		if err != nil {
			return err
		}
		if err := changed(deeds, before, after); err != nil {
			return err
		}
		_, err = tx.ExecContext(ctx, "update installation set body = $1", string(after))
		return err
	})
}

// Overwrites says whether the database overwrites what is deleted from it, by itself.
func (db *DB) Overwrites(ctx context.Context) (bool, error) {
	if db.dialect.name != goose.DialectSQLite3 {
		return false, nil
	}
	var mode int // 2 overwrites only what costs nothing
	err := db.writer.QueryRowContext(ctx, "pragma secure_delete").Scan(&mode)
	return mode == 1, err
}

// Acceptance is somebody's acceptance of a paper, with the paper as it read then (P1).
type Acceptance struct {
	Num                   int64
	Site, Paper, Language string
	Version               int    // of the paper's words
	Processor, Controller string // between whom
	Name, Email           string // who accepted
	At                    time.Time
	Style, HTML           string // the document and the hash of its style; not in lists
}

// Accept stores an acceptance for ever. One of the same words between the same parties is a conflict.
func (db *DB) Accept(ctx context.Context, a Acceptance, deeds ...consent.Deed) error {
	return db.did(ctx, db.tx, deeds, func(tx *sql.Tx) error {
		res, err := tx.ExecContext(ctx, `insert into acceptances (site, paper, version, language, processor, controller, name, email, at, style, html)
			values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) on conflict do nothing`,
			a.Site, a.Paper, a.Version, a.Language, a.Processor, a.Controller, a.Name, a.Email, a.At.UnixMilli(), a.Style, a.HTML)
		if err != nil {
			return err
		}
		if n, err := res.RowsAffected(); err != nil || n == 1 {
			return err
		}
		return &consent.Error{Kind: consent.KindConflict, Code: "accepted_already", Message: "This version has been accepted already."}
	})
}

const acceptanceColumns = "select num, site, paper, language, version, processor, controller, name, email, at, "

func scanAcceptance(rows *sql.Rows) (a Acceptance, err error) {
	var at int64
	err = rows.Scan(&a.Num, &a.Site, &a.Paper, &a.Language, &a.Version, &a.Processor, &a.Controller, &a.Name, &a.Email, &at, &a.Style, &a.HTML)
	a.At = time.UnixMilli(at).UTC()
	return a, err
}

// Acceptances lists what was accepted for a site without the documents, the newest first.
func (db *DB) Acceptances(ctx context.Context, site string) ([]Acceptance, error) {
	return collect(ctx, db.reader, scanAcceptance, acceptanceColumns+"'', '' from acceptances where site = $1 order by num desc", site)
}

// Acceptance reads one of a site's acceptances with its document; absence is NotFound.
func (db *DB) Acceptance(ctx context.Context, site string, num int64) (Acceptance, error) {
	found, err := collect(ctx, db.reader, scanAcceptance, acceptanceColumns+"style, html from acceptances where site = $1 and num = $2", site, num)
	if err != nil {
		return Acceptance{}, err
	}
	if len(found) == 0 {
		return Acceptance{}, consent.NotFound("no_paper", "There is no such paper.")
	}
	return found[0], nil
}

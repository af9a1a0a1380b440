// Package store keeps everything that outlives the program, on SQLite or PostgreSQL. It is the only place with SQL;
// the statements are the same for both engines but for what dialect.go names. What a method says it has written is
// durable when the method returns.
package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"sync"

	"github.com/pressly/goose/v3"

	"samtykke/consent"
)

// DB is an open store. Its methods may be called from many goroutines.
type DB struct {
	writer, pool *sql.DB // pool: for reading; of PostgreSQL the same
	reader       querier // the pool, or a transaction on it
	dialect      dialect
	journal      journal

	mu      sync.RWMutex
	notices map[consent.Hash]*noticeRef // what rows need of a notice, which never changes
	byNum   map[int64]*noticeRef
	heads   map[[2]int64]*head // the ends of logs, by kind and site
	kept    kept

	unsorted   map[string]int // unclassified items by site, as of the revision unsortedAt
	unsortedAt int64
}

// Open opens the database at target, a postgres:// URL or the path of a SQLite file that is made if it is missing,
// and brings its schema up to date.
func Open(ctx context.Context, target string) (*DB, error) {
	open := openSQLite
	if strings.HasPrefix(target, "postgres://") || strings.HasPrefix(target, "postgresql://") {
		open = openPostgres
	}
	db, err := open(target)
	if err != nil {
		return nil, fmt.Errorf("open database: %w", err)
	}
	if err := db.migrate(ctx); err != nil {
		db.Close()
		return nil, err
	}
	return db, nil
}

// Close closes all connections.
func (db *DB) Close() error { return errors.Join(db.writer.Close(), db.pool.Close()) }

// Snapshot reads in one transaction: what fn sees through the DB that it gets is of one moment, however long it takes.
// Writers don't wait for it; on SQLite the write-ahead log grows meanwhile. fn must not write.
func (db *DB) Snapshot(ctx context.Context, fn func(*DB) error) error {
	tx, err := db.pool.BeginTx(ctx, &sql.TxOptions{ReadOnly: true, Isolation: db.dialect.snapshot})
	if err != nil {
		return err
	}
	defer tx.Rollback() //nolint:errcheck // nothing was written
	return fn(newDB(db.writer, db.pool, tx, db.dialect))
}

func newDB(writer, pool *sql.DB, reader querier, d dialect) *DB {
	return &DB{
		writer: writer, pool: pool, reader: reader, dialect: d,
		notices: map[consent.Hash]*noticeRef{}, byNum: map[int64]*noticeRef{}, heads: map[[2]int64]*head{},
	}
}

// Postgres says whether the database is PostgreSQL; otherwise it is a SQLite file.
func (db *DB) Postgres() bool { return db.dialect.name != goose.DialectSQLite3 }

// Ping answers whether the database can be reached.
func (db *DB) Ping(ctx context.Context) error {
	var one int
	return db.reader.QueryRowContext(ctx, "select 1").Scan(&one)
}

// Revision is a number that grows with every change to a site or notice by any server.
func (db *DB) Revision(ctx context.Context) (n int64, err error) {
	err = db.reader.QueryRowContext(ctx, "select n from revision").Scan(&n)
	return n, err
}

// tx runs fn in one transaction: all of it or nothing.
func (db *DB) tx(ctx context.Context, fn func(*sql.Tx) error) error {
	tx, err := db.writer.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback() //nolint:errcheck // after a commit it says "done", else the error that led here counts
	if err := fn(tx); err != nil {
		return err
	}
	return tx.Commit()
}

// change is tx for what other servers must notice.
func (db *DB) change(ctx context.Context, fn func(*sql.Tx) error) error {
	return db.tx(ctx, func(tx *sql.Tx) error {
		if err := fn(tx); err != nil {
			return err
		}
		_, err := tx.ExecContext(ctx, "update revision set n = n + 1")
		return err
	})
}

// one turns the absence of a row into a NotFound error.
func one(err error, code, message string) error {
	if errors.Is(err, sql.ErrNoRows) {
		return consent.NotFound(code, message)
	}
	return err
}

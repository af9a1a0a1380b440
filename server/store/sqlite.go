package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/pressly/goose/v3"
	"golang.org/x/sys/unix"
	"modernc.org/sqlite" // registers the driver "sqlite"
)

// openSQLite opens a file with one connection that writes and a few that read. WAL lets them work side by side;
// synchronous=FULL makes a commit durable before it is answered.
func openSQLite(file string) (*DB, error) {
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		return nil, fmt.Errorf("create the data folder: %w", err)
	}
	if err := ownersOnly(file); err != nil {
		return nil, fmt.Errorf("create the database: %w", err)
	}
	writer, err := sql.Open("sqlite", dsn(file, "_txlock", "immediate", "_auto_vacuum", "incremental", "_pragma", "cache_size(-16000)",
		"_pragma", "secure_delete(on)")) // vacuum.go
	if err != nil {
		return nil, err
	}
	writer.SetMaxOpenConns(1)
	reader, err := sql.Open("sqlite", dsn(file, "_query_only", "on", "_pragma", "cache_size(-8000)"))
	if err != nil {
		return nil, err
	}
	reader.SetMaxOpenConns(4)
	d := dialect{name: goose.DialectSQLite3, insert: insertSQLite, lock: lockFile(file + ".lock")}
	d.words = words{Serial: "integer primary key", Blob: "blob", Clustered: " without rowid"} // the one writer needs no locks of rows
	db := newDB(writer, reader, reader, d)
	db.journal = journal{file: filepath.Join(filepath.Dir(file), JournalName)}
	return db, nil
}

// ownersOnly makes the file readable by nobody else, also in a folder that others may read. SQLite gives the files
// beside it the same rights.
func ownersOnly(file string) error {
	f, err := os.OpenFile(file, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return err
	}
	return errors.Join(f.Chmod(0o600), f.Close())
}

// busyTimeout is how long one waits for another process that writes, in milliseconds.
const busyTimeout = 10000

func dsn(file string, pairs ...string) string {
	q := url.Values{
		"_busy_timeout": {strconv.Itoa(busyTimeout)}, "_journal_mode": {"wal"}, "_synchronous": {"full"}, "_foreign_keys": {"on"},
		"_dqs": {"0"}, "_pragma": {"temp_store(memory)"},
	}
	for i := 0; i < len(pairs); i += 2 {
		q.Add(pairs[i], pairs[i+1])
	}
	return (&url.URL{Scheme: "file", OmitHost: true, Path: file, RawQuery: q.Encode()}).String()
}

func lockFile(name string) func(context.Context, *sql.DB) (func(), error) {
	return func(context.Context, *sql.DB) (func(), error) {
		f, err := os.OpenFile(name, os.O_CREATE|os.O_RDWR, 0o600)
		if err != nil {
			return nil, err
		}
		if err := unix.Flock(int(f.Fd()), unix.LOCK_EX); err != nil {
			f.Close()
			return nil, err
		}
		return func() { f.Close() }, nil
	}
}

// chunk is how many rows one statement carries: long enough to spare parsing, short enough to stay cached.
const chunk = 32

// Plain question marks: the driver looks numbered ones up by name, which doubles the time of a group.
var (
	insertMany   = insertHead + strings.TrimSuffix(strings.Repeat(questionMarks+", ", chunk), ", ")
	insertSingle = insertHead + questionMarks
)

const questionMarks = "(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"

func insertSQLite(ctx context.Context, tx *sql.Tx, rows []row) error {
	args := make([]any, 0, columns*chunk)
	for part := range slices.Chunk(rows, chunk) {
		if len(part) < chunk {
			break // the rest goes one by one
		}
		args = args[:0]
		for i := range part {
			args = part[i].append(args)
		}
		if _, err := tx.ExecContext(ctx, insertMany, args...); err != nil {
			return twiceSQLite(err)
		}
	}
	for i := len(rows) - len(rows)%chunk; i < len(rows); i++ {
		if _, err := tx.ExecContext(ctx, insertSingle, rows[i].append(args[:0])...); err != nil {
			return twiceSQLite(err)
		}
	}
	return nil
}

// sqliteConstraintUnique is SQLITE_CONSTRAINT_UNIQUE, https://sqlite.org/rescode.html.
const sqliteConstraintUnique = 2067

func twiceSQLite(err error) error {
	var e *sqlite.Error
	if errors.As(err, &e) && e.Code() == sqliteConstraintUnique {
		return errTwice
	}
	return err
}

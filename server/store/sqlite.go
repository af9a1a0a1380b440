package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"github.com/pressly/goose/v3"
	"golang.org/x/sys/unix"
	_ "modernc.org/sqlite" // registers the driver "sqlite"
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
	writer, err := sql.Open("sqlite", dsn(file, "_txlock", "immediate", "_auto_vacuum", "incremental", "_pragma", "cache_size(-16000)"))
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
	d.words.Serial, d.words.Blob = "integer primary key", "blob"
	return &DB{writer: writer, reader: reader, dialect: d}, nil
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

func dsn(file string, pairs ...string) string {
	q := url.Values{
		"_busy_timeout": {"10000"}, "_journal_mode": {"wal"}, "_synchronous": {"full"}, "_foreign_keys": {"on"},
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

const insertHead = `insert into consents (site, visitor, id, at, notice, action, method, given, language, extra) values `

// chunk is how many rows one statement carries: long enough to spare parsing, short enough to stay cached.
const chunk = 32

var (
	insertOne  = insertHead + placeholders(1) + ` on conflict do nothing`
	insertMany = insertHead + placeholders(chunk) + ` on conflict do nothing`
)

func placeholders(rows int) string {
	one := "(" + strings.TrimSuffix(strings.Repeat("?,", 10), ",") + "),"
	return strings.TrimSuffix(strings.Repeat(one, rows), ",")
}

func insertSQLite(ctx context.Context, tx *sql.Tx, rows []row) (int64, error) {
	var total int64
	args := make([]any, 0, 10*chunk)
	for len(rows) > 0 {
		n, query := 1, insertOne
		if len(rows) >= chunk {
			n, query = chunk, insertMany
		}
		args = args[:0]
		for i := range rows[:n] {
			r := &rows[i]
			args = append(args, r.site, r.visitor[:], r.id[:], r.at, r.notice, r.action, r.method, r.given, r.language, r.extra)
		}
		res, err := tx.ExecContext(ctx, query, args...)
		if err != nil {
			return 0, err
		}
		k, err := res.RowsAffected()
		if err != nil {
			return 0, err
		}
		total, rows = total+k, rows[n:]
	}
	return total, nil
}

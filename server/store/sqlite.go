package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"iter"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/pressly/goose/v3"
	"golang.org/x/sys/unix"
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
	d := dialect{name: goose.DialectSQLite3, insert: insertSQLite, group: groupSQLite, lock: lockFile(file + ".lock")}
	// The one writer needs no locks of rows.
	d.words = words{Serial: "integer primary key", Blob: "blob", Clustered: " without rowid", Numbers: "select value from json_each($2)", Rows: "json_each($1)"}
	d.bytes = "select page_count * page_size from pragma_page_count(), pragma_page_size()"
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

func insertSQLite(rows []row) iter.Seq[stmt] {
	return func(yield func(stmt) bool) {
		args := make([]any, 0, columns*chunk)
		whole := len(rows) - len(rows)%chunk
		for part := range slices.Chunk(rows[:whole], chunk) {
			args = args[:0]
			for i := range part {
				args = part[i].append(args)
			}
			if !yield(stmt{insertMany, args}) {
				return
			}
		}
		for i := range rows[whole:] { // the rest goes one by one
			if !yield(stmt{insertSingle, rows[whole+i].append(args[:0])}) {
				return
			}
		}
	}
}

// groupSQLite is a group whose statements stay prepared: reading their words takes longer than running them.
func groupSQLite(ctx context.Context, db *DB, lock stmt, write func([]end) (iter.Seq[stmt], error)) error {
	unprepared := map[string]bool{}
	err := db.tx(ctx, func(tx *sql.Tx) error {
		ends, err := collect(ctx, tx, func(rows *sql.Rows) (end, error) { return scanEnd(rows) }, lock.sql, lock.args...)
		if err != nil {
			return err
		}
		list, err := write(ends)
		if err != nil {
			return err
		}
		for s := range list {
			if p := db.kept.get(s.sql); p != nil {
				_, err = tx.StmtContext(ctx, p).ExecContext(ctx, s.args...)
			} else {
				unprepared[s.sql] = true
				_, err = tx.ExecContext(ctx, s.sql, s.args...)
			}
			if err != nil {
				return twice(err)
			}
		}
		return nil
	})
	// There is one connection, and during the transaction it is taken.
	for text := range unprepared {
		db.kept.add(ctx, db.writer, text)
	}
	return err
}

// kept are prepared statements by their text.
type kept struct {
	mu    sync.Mutex
	stmts map[string]*sql.Stmt
}

func (k *kept) get(text string) *sql.Stmt {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.stmts[text]
}

func (k *kept) full() bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	return len(k.stmts) >= maxKept
}

// maxKept is more than one site's acts ever need.
const maxKept = 64

func (k *kept) add(ctx context.Context, pool *sql.DB, text string) {
	if k.full() {
		return
	}
	s, err := pool.PrepareContext(ctx, text)
	if err != nil {
		return // it will be run as it is
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if len(k.stmts) >= maxKept || k.stmts[text] != nil {
		s.Close()
		return
	}
	if k.stmts == nil {
		k.stmts = map[string]*sql.Stmt{}
	}
	k.stmts[text] = s
}

// sqliteConstraintUnique is SQLITE_CONSTRAINT_UNIQUE, https://sqlite.org/rescode.html.
const sqliteConstraintUnique = 2067

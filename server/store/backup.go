package store

import (
	"bufio"
	"bytes"
	"context"
	"crypto/rand"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"sync"
	"time"

	"github.com/pressly/goose/v3"

	"samtykke/consent"
	"samtykke/server/ledger"
)

// JournalName is the file beside a SQLite database that tells what was removed from it. A backup can't know what is erased
// after it; with this file a restored one can (T10). It holds numbers and times and names nobody.
const JournalName = "removals.jsonl"

// journal is what is known of that file.
type journal struct {
	file string // "" on PostgreSQL, whose backups can be restored to any moment

	mu    sync.Mutex
	seen  map[string]int64 // site: the number behind its newest entry in the file; nil before the file was read
	gone  map[string]bool  // deleted sites in the file
	dirty bool             // something was removed since the files were swept
}

// removedLine is a line of the journal: an entry of a site's log, or the site's own end.
type removedLine struct {
	Lineage string          `json:"lineage"`
	Site    string          `json:"site"`
	Seq     int64           `json:"seq,omitzero"`
	Removal json.RawMessage `json:"removal,omitempty"`
	Deleted int64           `json:"deleted,omitzero"` // milliseconds UTC
}

// Tidy does what is to be done after acts were removed: it puts it down for backups and makes the bytes gone from the files
// (T3). A server does it now and then; what had to be done before a crash is done after it.
func (db *DB) Tidy(ctx context.Context) error {
	j := &db.journal
	if j.file == "" {
		return nil
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	if err := db.writeJournal(ctx); err != nil {
		return fmt.Errorf("write %s: %w", JournalName, err)
	}
	if !j.dirty {
		return nil
	}
	if err := db.sweep(ctx); err != nil {
		return err
	}
	j.dirty = false
	return nil
}

// writeJournal appends what the file doesn't have yet.
func (db *DB) writeJournal(ctx context.Context) error {
	j := &db.journal
	lineage, err := db.lineage(ctx)
	if err != nil {
		return err
	}
	if j.seen == nil {
		if err := j.read(lineage); err != nil {
			return err
		}
	}
	type log struct {
		site string
		num  int64
		size int64
	}
	logs, err := collect(ctx, db.reader, func(rows *sql.Rows) (l log, err error) { return l, rows.Scan(&l.site, &l.num, &l.size) },
		"select s.id, s.num, l.size from logs l join sites s on s.num = l.site where l.kind = $1", acts)
	if err != nil {
		return err
	}
	var lines bytes.Buffer
	add := json.NewEncoder(&lines)
	for _, l := range logs {
		if j.seen[l.site] >= l.size {
			continue
		}
		for e, err := range db.removals(ctx, l.num, j.seen[l.site], l.size) {
			if err != nil {
				return err
			}
			if err := add.Encode(removedLine{Lineage: lineage, Site: l.site, Seq: e.Seq, Removal: e.Removal}); err != nil {
				return err
			}
		}
	}
	deleted, err := collect(ctx, db.reader, func(rows *sql.Rows) (l removedLine, err error) { return l, rows.Scan(&l.Site, &l.Deleted) },
		"select id, at from deleted_sites where done = 1")
	if err != nil {
		return err
	}
	for _, l := range deleted {
		if l.Lineage = lineage; !j.gone[l.Site] {
			if err := add.Encode(l); err != nil {
				return err
			}
		}
	}
	if lines.Len() > 0 {
		if err := appendDurably(j.file, lines.Bytes()); err != nil {
			return err
		}
		j.dirty = true
	}
	for _, l := range logs {
		j.seen[l.site] = l.size
	}
	for _, l := range deleted {
		j.gone[l.Site] = true
	}
	return nil
}

// read takes note of what the file has. A line that a crash cut off is written again.
func (j *journal) read(lineage string) error {
	seen, gone := map[string]int64{}, map[string]bool{}
	f, err := os.Open(j.file)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	if err == nil {
		defer f.Close()
		if err := readJournal(f, func(l removedLine) error {
			if l.Lineage != lineage {
				return nil
			}
			seen[l.Site] = max(seen[l.Site], l.Seq+1)
			gone[l.Site] = gone[l.Site] || l.Deleted != 0
			return nil
		}); err != nil {
			return err
		}
	}
	j.seen, j.gone = seen, gone
	return nil
}

// readJournal reads line after line. What isn't a line was cut off by a crash.
func readJournal(in io.Reader, each func(removedLine) error) error {
	lines := bufio.NewReader(in)
	for {
		text, err := lines.ReadBytes('\n')
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		var l removedLine
		if json.Unmarshal(text, &l) != nil {
			continue
		}
		if err := each(l); err != nil {
			return err
		}
	}
}

// appendDurably begins on a line of its own, also behind one that a crash cut off.
func appendDurably(name string, text []byte) error {
	f, err := os.OpenFile(name, os.O_CREATE|os.O_RDWR|os.O_APPEND, 0o600)
	if err != nil {
		return err
	}
	var last [1]byte
	if end, _ := f.Seek(0, io.SeekEnd); end > 0 {
		if _, err := f.ReadAt(last[:], end-1); err == nil && last[0] != '\n' {
			text = append([]byte{'\n'}, text...)
		}
	}
	_, err = f.Write(text)
	return errors.Join(err, f.Sync(), f.Close())
}

// lineage is the name of this database's history.
func (db *DB) lineage(ctx context.Context) (id string, err error) {
	const read = "select id from lineage order by id limit 1"
	err = db.reader.QueryRowContext(ctx, read).Scan(&id)
	if !errors.Is(err, sql.ErrNoRows) {
		return id, err
	}
	if _, err := db.writer.ExecContext(ctx, "insert into lineage (id) select $1 where not exists (select 1 from lineage)", rand.Text()); err != nil {
		return "", err
	}
	return id, db.reader.QueryRowContext(ctx, read).Scan(&id)
}

// ErrPostgres says that a backup is PostgreSQL's business.
var ErrPostgres = consent.Invalid("postgres", "Back up a PostgreSQL database with pg_dump, or by archiving its write-ahead log (docs/retention.md).")

// Backup writes a copy of the database as it is now to a new file. Others may write meanwhile; this process should not.
func (db *DB) Backup(ctx context.Context, file string) error {
	if db.dialect.name != goose.DialectSQLite3 {
		return ErrPostgres
	}
	if _, err := db.lineage(ctx); err != nil { // so that the copy has the same
		return err
	}
	f, err := os.OpenFile(file, os.O_CREATE|os.O_EXCL|os.O_RDWR, 0o600)
	if err != nil {
		return err
	}
	synced := syncOften(f)
	_, err = db.writer.ExecContext(ctx, "vacuum into $1", file)
	if failed := synced(); err == nil {
		err = failed
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return errors.Join(err, os.Remove(file))
	}
	return nil
}

// syncEvery is how long a copy may be written without being made durable.
const syncEvery = 100 * time.Millisecond

// syncOften makes what is written to a file durable bit by bit, until the returned function is called. Made durable in one
// go at the end, a large file would keep everybody else who makes something durable waiting.
func syncOften(f *os.File) (last func() error) {
	enough, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		tick := time.NewTicker(syncEvery)
		defer tick.Stop()
		for {
			select {
			case <-enough:
				return
			case <-tick.C:
				_ = f.Sync() // the last one tells
			}
		}
	}()
	return func() error {
		close(enough)
		<-ended
		return f.Sync()
	}
}

// Check says what is wrong with a SQLite file that is to be a backup of ours; nil where nothing is. It changes nothing.
func Check(ctx context.Context, file string) error {
	db, err := sql.Open("sqlite", (&url.URL{Scheme: "file", OmitHost: true, Path: file, RawQuery: "mode=ro&immutable=1"}).String())
	if err != nil {
		return err
	}
	defer db.Close()
	var found string
	if err := db.QueryRowContext(ctx, "pragma quick_check(1)").Scan(&found); err != nil {
		return err
	}
	if found != "ok" {
		return errors.New(found)
	}
	var site int
	if err := db.QueryRowContext(ctx, "select count(*) from sites").Scan(&site); err != nil {
		return errors.New("it is a database of another program")
	}
	return nil
}

// Reapplied is what was removed from a restored backup.
type Reapplied struct {
	Lines, Acts int64 // of the journal
	Sites       int64 // deleted
	Purged      []Purged
}

// Reapply removes from a restored backup what was removed after it was made: what the journal of the same history tells, and
// what is over by now. Each removal is a new entry in the log. A new history begins, since numbers are given anew from here
// on. journal may be nil.
func (db *DB) Reapply(ctx context.Context, removals io.Reader, now time.Time) (r Reapplied, err error) {
	lineage, err := db.lineage(ctx)
	if err != nil {
		return r, err
	}
	sizes, err := db.sizes(ctx)
	if err != nil {
		return r, err
	}
	if removals != nil {
		if err := readJournal(removals, func(l removedLine) error {
			size, ok := sizes[l.Site]
			if l.Lineage != lineage || !ok || l.Deleted == 0 && l.Seq < size {
				return nil // of another history, or in the backup already
			}
			r.Lines++
			if l.Deleted != 0 {
				r.Sites++
				delete(sizes, l.Site)
				_, err := db.DeleteSite(ctx, l.Site, now)
				return err
			}
			n, err := db.reapply(ctx, l, size, now)
			r.Acts += n
			return err
		}); err != nil {
			return r, err
		}
	}
	if err := db.tx(ctx, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, "update lineage set id = $1", rand.Text())
		return err
	}); err != nil {
		return r, err
	}
	if r.Purged, err = db.Purge(ctx, PurgeRun{Now: now, Origin: ByCommand}); err != nil {
		return r, err
	}
	return r, db.Tidy(ctx)
}

// sizes are those of the sites' logs of acts.
func (db *DB) sizes(ctx context.Context) (map[string]int64, error) {
	out := map[string]int64{}
	_, err := collect(ctx, db.reader, func(rows *sql.Rows) (none struct{}, err error) {
		var site string
		var size int64
		err = rows.Scan(&site, &size)
		out[site] = size
		return none, err
	}, "select s.id, l.size from logs l join sites s on s.num = l.site where l.kind = $1", acts)
	return out, err
}

// reapply removes what a line names of the first entries of a log, as many as the backup had.
func (db *DB) reapply(ctx context.Context, l removedLine, size int64, now time.Time) (n int64, err error) {
	what, err := ledger.ParseRemoval(l.Removal)
	if err != nil {
		return 0, fmt.Errorf("entry %d of site %s in the removals: %w", l.Seq, l.Site, err)
	}
	site, err := db.siteNum(ctx, l.Site)
	if err != nil {
		return 0, err
	}
	err = db.removing(ctx, site, func(tx *sql.Tx) (none ledger.Removal, err error) {
		held, err := db.waitForHolds(ctx, tx, site)
		if err != nil {
			return none, err
		}
		var seqs []int64
		for _, e := range what.Entries {
			if e[0] >= size {
				break
			}
			found, err := db.reapplyRange(ctx, tx, what.Type, site, e[0], min(e[1], size-1), held)
			if err != nil {
				return none, err
			}
			seqs = append(seqs, found...)
		}
		n = int64(len(seqs))
		if what.Type == ledger.Locked || what.Type == ledger.Unlocked {
			return eachAlone(what.Type, now, seqs), nil
		}
		return ledger.NewRemoval(what.Type, now, seqs), nil
	})
	return n, err
}

func (db *DB) reapplyRange(ctx context.Context, tx *sql.Tx, what string, site, from, to int64, held bool) (seqs []int64, err error) {
	const here = " where site = $1 and seq >= $2 and seq <= $3"
	switch what {
	case ledger.Locked:
		rows, err := collect(ctx, tx, scanConsent, "delete from consents"+here+" returning "+consentColumns, site, from, to)
		if err != nil {
			return nil, err
		}
		why := Restricted
		if held {
			why = AwaitsErasure
		}
		if err := uncount(ctx, tx, rows); err != nil {
			return nil, err
		}
		return withhold(ctx, tx, rows, why)
	case ledger.Unlocked:
		rows, err := collect(ctx, tx, scanConsent, "delete from locked"+here+" and dropped = 0 returning "+consentColumns, site, from, to)
		if err != nil || len(rows) == 0 {
			return nil, err
		}
		for i := range rows {
			seqs = append(seqs, rows[i].seq)
		}
		if err := run(ctx, tx, all(db.dialect.insert(rows), count(rows))); err != nil {
			return nil, err
		}
		return seqs, resumDays(ctx, tx, rows)
	}
	for _, table := range []string{"consents", "locked"} {
		found, err := collect(ctx, tx, scanInt, "delete from "+table+here+" returning seq", site, from, to)
		if err != nil {
			return nil, err
		}
		seqs = append(seqs, found...)
	}
	return seqs, nil
}

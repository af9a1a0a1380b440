package store

import (
	"context"
	"database/sql"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/pressly/goose/v3"
)

// What deleting leaves behind in a SQLite file, and what takes it away (T3):
//
//   - the deleted row itself: secure_delete writes zeros over it
//   - older copies of it in pages that were split, merged or shifted since it was written: secure_delete doesn't know of
//     them, blank does
//   - pages that hold nothing any more: incremental_vacuum gives them back
//   - older versions of all these pages in the write-ahead log: a checkpoint that truncates it

// sweep makes what was deleted gone from the files. Writers go on meanwhile. PostgreSQL looks after its files itself.
func (db *DB) sweep(ctx context.Context) error {
	if db.dialect.name != goose.DialectSQLite3 {
		return nil
	}
	if err := db.scrub(ctx); err != nil {
		return fmt.Errorf("clear the pages: %w", err)
	}
	for {
		var free int64
		if err := db.reader.QueryRowContext(ctx, "pragma freelist_count").Scan(&free); err != nil {
			return err
		}
		if free == 0 {
			break
		}
		if _, err := db.writer.ExecContext(ctx, "pragma incremental_vacuum(256)"); err != nil {
			return err
		}
		var left int64
		if err := db.reader.QueryRowContext(ctx, "pragma freelist_count").Scan(&left); err != nil {
			return err
		}
		if left >= free {
			break // the file was made by something else, without auto_vacuum; its free pages hold zeros
		}
	}
	return db.truncate(ctx)
}

const (
	scrubWindow = 256 // pages that one query reads
	scrubSlice  = 128 // pages that one transaction writes
	mostPages   = 1 << 25
)

// scrub writes zeros over what no cell of a page uses any more.
func (db *DB) scrub(ctx context.Context) error {
	var size, pages int64
	if err := db.reader.QueryRowContext(ctx, "pragma page_size").Scan(&size); err != nil {
		return err
	}
	if err := db.reader.QueryRowContext(ctx, "pragma page_count").Scan(&pages); err != nil {
		return err
	}
	if pages >= mostPages { // then the first byte of a page doesn't tell any more whether it is one of a tree
		return errors.New("the file is too large: move to PostgreSQL")
	}
	for from := int64(2); from <= pages; from += scrubWindow {
		dirty, err := collect(ctx, db.reader, func(rows *sql.Rows) (num int64, err error) {
			var page []byte
			if err := rows.Scan(&num, &page); err != nil || !blank(page) {
				return 0, err
			}
			return num, nil
		}, "with recursive wanted(n) as (select $1 union all select n + 1 from wanted where n < $2) "+
			"select pgno, data from wanted cross join sqlite_dbpage where pgno = n", from, min(pages, from+scrubWindow-1))
		if err != nil {
			return err
		}
		dirty = slices.DeleteFunc(dirty, func(num int64) bool { return num == 0 || !mayBeTree(num, size) })
		for part := range slices.Chunk(dirty, scrubSlice) {
			if err := db.tx(ctx, func(tx *sql.Tx) error { return scrubPages(ctx, tx, part) }); err != nil {
				return err
			}
		}
	}
	return nil
}

func scrubPages(ctx context.Context, tx *sql.Tx, pages []int64) error {
	read, err := tx.PrepareContext(ctx, "select data from sqlite_dbpage where pgno = ?")
	if err != nil {
		return err
	}
	defer read.Close()
	write, err := tx.PrepareContext(ctx, "update sqlite_dbpage set data = ? where pgno = ?")
	if err != nil {
		return err
	}
	defer write.Close()
	for _, num := range pages {
		var page []byte
		err := read.QueryRowContext(ctx, num).Scan(&page)
		if errors.Is(err, sql.ErrNoRows) || err == nil && !blank(page) {
			continue // it was changed meanwhile
		}
		if err != nil {
			return err
		}
		if _, err := write.ExecContext(ctx, page, num); err != nil {
			return err
		}
	}
	return nil
}

// mayBeTree says that a page is neither one of those that say where others belong nor the one that locks are taken on
// (https://sqlite.org/fileformat2.html, 1.3 and 1.8).
func mayBeTree(num, size int64) bool {
	lock := 0x40000000/size + 1
	every := size/5 + 1
	pointers := (num-2)/every*every + 2
	if pointers == lock {
		pointers++
	}
	return num != lock && num != pointers
}

// blank writes zeros over the unused bytes of a page of a b-tree (https://sqlite.org/fileformat2.html, 1.6) and says whether
// there was anything else. A page that isn't one is left alone.
func blank(page []byte) (changed bool) {
	if len(page) < 512 {
		return false
	}
	head := 8
	switch page[0] {
	case 2, 5:
		head = 12
	case 10, 13:
	default:
		return false
	}
	cells, start := head+2*int(binary.BigEndian.Uint16(page[3:])), int(binary.BigEndian.Uint16(page[5:]))
	if start == 0 {
		start = 1 << 16
	}
	if cells > start || start > len(page) {
		return false
	}
	wipe := func(b []byte) {
		for i := range b {
			changed = changed || b[i] != 0
			b[i] = 0
		}
	}
	wipe(page[cells:start])
	for at := int(binary.BigEndian.Uint16(page[1:])); at >= start && at+4 <= len(page); {
		next, size := int(binary.BigEndian.Uint16(page[at:])), int(binary.BigEndian.Uint16(page[at+2:]))
		if size < 4 || at+size > len(page) {
			break
		}
		wipe(page[at+4 : at+size])
		if next < at+size {
			break
		}
		at = next
	}
	return changed
}

const (
	truncateWait  = 50 * time.Millisecond  // how long a try may keep the writer
	truncatePause = 100 * time.Millisecond // between two tries
	truncateTries = 300
)

// truncate empties the write-ahead log. It can't while somebody reads an older state, so it tries for a while, and never
// keeps the writer waiting for a reader.
func (db *DB) truncate(ctx context.Context) error {
	pause := time.NewTicker(truncatePause)
	defer pause.Stop()
	for range truncateTries {
		done, err := db.tryTruncate(ctx)
		if err != nil || done {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-pause.C:
		}
	}
	return errors.New("the write-ahead log could not be emptied: somebody has been reading all the time")
}

func (db *DB) tryTruncate(ctx context.Context) (done bool, err error) {
	conn, err := db.writer.Conn(ctx)
	if err != nil {
		return false, err
	}
	defer conn.Close()
	wait := func(ms int64) error {
		_, err := conn.ExecContext(context.WithoutCancel(ctx), fmt.Sprintf("pragma busy_timeout = %d", ms))
		return err
	}
	if err := wait(truncateWait.Milliseconds()); err != nil {
		return false, err
	}
	var busy, frames, moved int64
	err = conn.QueryRowContext(ctx, "pragma wal_checkpoint(truncate)").Scan(&busy, &frames, &moved)
	return busy == 0, errors.Join(err, wait(busyTimeout))
}

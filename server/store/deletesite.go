package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"samtykke/consent"
)

// Deleted is what was deleted with a site: numbers for the certificate (T8).
type Deleted struct {
	Site     string
	At       time.Time // when it was complete
	Acts     int64     // among them those that were locked
	Notices  int64
	Pictures int64
	Scans    int64
	Days     int64 // on which choices were counted
}

// What belongs to a site, beside its notices' pictures. A test holds these against the schema. Accepted papers stay: they are
// evidence of an agreement between companies.
var (
	// Before and with the site: first in slices, by the key that follows; what comes meanwhile goes with the site.
	siteRows = [][2]string{{"consents", "seq"}, {"locked", "seq"}, {"scans", "num"}}
	// With the site, in one transaction, children first.
	withSite = []string{"daily_counts", "daily_sums", "device_counts", "steps", "holds", "purges", "domains", "sightings", "accepted", "alarms", "notices", "logs"}
	// After it, in slices: what only its log leads to.
	afterSite = [][2]string{{"tiles", "kind, level, idx"}, {"removals", "seq"}, {"deeds", "seq"}, {"checkpoints", "kind, day"}}
)

// DeleteSite deletes everything of a site for good: acts, notices and their pictures, scans, counts, logs, the site itself. It
// happens in slices; what a crash interrupts is finished by the next Purge. A site under a legal hold is a conflict.
func (db *DB) DeleteSite(ctx context.Context, site string, now time.Time) (d Deleted, err error) {
	d.Site = site
	num, err := db.siteNum(ctx, site)
	if err != nil {
		return d, err
	}
	if held, err := underHold(ctx, db.reader, num); err != nil {
		return d, err
	} else if held {
		return d, &consent.Error{Kind: consent.KindConflict, Code: "under_hold", Message: "The website is under a legal hold. End the hold first."}
	}
	if _, err := db.writer.ExecContext(ctx, "insert into deleted_sites (id, num, at, done) values ($1, $2, $3, 0) on conflict do nothing",
		site, num, now.UnixMilli()); err != nil {
		return d, err
	}
	return d, db.deleteSite(ctx, num, now, &d)
}

// finishDeletions finishes what was interrupted.
func (db *DB) finishDeletions(ctx context.Context) error {
	type site struct {
		id      string
		num, at int64
	}
	open, err := collect(ctx, db.reader, func(rows *sql.Rows) (s site, err error) { return s, rows.Scan(&s.id, &s.num, &s.at) },
		"select id, num, at from deleted_sites where done = 0")
	for _, s := range open {
		if err := db.deleteSite(ctx, s.num, time.UnixMilli(s.at), &Deleted{Site: s.id}); err != nil {
			return fmt.Errorf("delete site %s: %w", s.id, err)
		}
	}
	return err
}

func (db *DB) deleteSite(ctx context.Context, num int64, now time.Time, d *Deleted) (err error) {
	if err := db.reader.QueryRowContext(ctx, "select count(distinct day) from daily_counts where site = $1", num).Scan(&d.Days); err != nil {
		return err
	}
	for _, t := range siteRows {
		n, err := db.deleteSlices(ctx, slice(t), num)
		if d.counted(t[0], n); err != nil {
			return err
		}
	}
	n, err := db.deleteSlices(ctx, `delete from pictures where (notice, language, device, layer) in (select p.notice, p.language, p.device, p.layer
		from pictures p join notices n on n.num = p.notice where n.site = $1 limit 20)`, num)
	if d.counted("pictures", n); err != nil {
		return err
	}
	if err := db.change(ctx, func(tx *sql.Tx) error { return db.deleteRest(ctx, tx, num, d) }); err != nil {
		return err
	}
	db.forget(num)
	for _, t := range afterSite {
		if _, err := db.deleteSlices(ctx, slice(t), num); err != nil {
			return err
		}
	}
	d.At = now.UTC().Truncate(time.Millisecond)
	if _, err := db.writer.ExecContext(ctx, "update deleted_sites set done = 1, num = 0 where num = $1", num); err != nil {
		return err
	}
	db.journal.mu.Lock()
	db.journal.dirty = true
	db.journal.mu.Unlock()
	return db.Tidy(ctx)
}

// deleteRest deletes the site and what can't outlive it, with the acts that came meanwhile.
func (db *DB) deleteRest(ctx context.Context, tx *sql.Tx, num int64, d *Deleted) error {
	// Whoever is about to append waits for this, and finds no log then.
	var size int64
	err := tx.QueryRowContext(ctx, fmt.Sprintf("select size from logs where kind = %d and site = $1%s", acts, db.dialect.words.ForUpdate), num).Scan(&size)
	if errors.Is(err, sql.ErrNoRows) {
		return nil // it was interrupted behind this
	}
	if err != nil {
		return err
	}
	take := func(table, where string) error {
		n, err := affected(tx.ExecContext(ctx, "delete from "+table+" where "+where, num))
		d.counted(table, n)
		return err
	}
	for _, t := range siteRows {
		if err := take(t[0], "site = $1"); err != nil {
			return err
		}
	}
	if err := take("pictures", "notice in (select num from notices where site = $1)"); err != nil {
		return err
	}
	for _, table := range withSite {
		if err := take(table, "site = $1"); err != nil {
			return err
		}
	}
	_, err = tx.ExecContext(ctx, "delete from sites where num = $1", num)
	return err
}

// counted notes how many rows of a table went.
func (d *Deleted) counted(table string, n int64) {
	switch table {
	case "consents", "locked":
		d.Acts += n
	case "notices":
		d.Notices += n
	case "pictures":
		d.Pictures += n
	case "scans":
		d.Scans += n
	}
}

// slice deletes some of a table's rows of a site.
func slice(t [2]string) string {
	return fmt.Sprintf("delete from %[1]s where site = $1 and (%[2]s) in (select %[2]s from %[1]s where site = $1 order by %[2]s limit %[3]d)", t[0], t[1], purgeSlice)
}

// deleteSlices repeats a statement, each time in a transaction of its own, until it deletes nothing.
func (db *DB) deleteSlices(ctx context.Context, query string, num int64) (total int64, err error) {
	for {
		n, err := affected(db.writer.ExecContext(ctx, query, num))
		if total += n; err != nil || n == 0 {
			return total, err
		}
	}
}

func affected(res sql.Result, err error) (int64, error) {
	if err != nil {
		return 0, err
	}
	return res.RowsAffected()
}

// forget drops what is remembered of a site's notices and logs.
func (db *DB) forget(site int64) {
	db.mu.Lock()
	defer db.mu.Unlock()
	for num, ref := range db.byNum {
		if ref.site == site {
			delete(db.byNum, num)
			delete(db.notices, ref.hash)
		}
	}
	for _, kind := range []int64{acts, deed} {
		delete(db.heads, [2]int64{kind, site})
	}
}

package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strconv"
	"time"

	"samtykke/consent"
	"samtykke/server/ledger"
)

// Audit writes what somebody did to the audit log of its site, or of the installation, and returns when it is durable. The
// time in a log doesn't go back: an earlier one becomes that of the entry before.
func (db *DB) Audit(ctx context.Context, deeds ...consent.Deed) error {
	if len(deeds) == 0 {
		return nil
	}
	return db.did(ctx, db.tx, deeds, func(*sql.Tx) error { return nil })
}

// did makes a change and writes the deeds that it is, both or neither: what can't be put down doesn't happen (P3). run is
// db.tx or db.change. The function may add to the deeds what it changes.
func (db *DB) did(ctx context.Context, run func(context.Context, func(*sql.Tx) error) error, deeds []consent.Deed, change func(*sql.Tx) error) error {
	var done func()
	err := run(ctx, func(tx *sql.Tx) (err error) {
		if err = change(tx); err == nil {
			done, err = db.enterDeeds(ctx, tx, deeds)
		}
		return err
	})
	if err == nil {
		done()
	}
	return err
}

// enterDeeds writes deeds, with their entries in the logs, last in a transaction. done is to be called when it is durable.
func (db *DB) enterDeeds(ctx context.Context, tx *sql.Tx, deeds []consent.Deed) (done func(), err error) {
	all := map[int64]*head{}
	for i := range deeds {
		d := &deeds[i]
		if changes[d.What] && len(d.Old)+len(d.New) == 0 {
			continue // it was saved as it was
		}
		var site int64
		if d.Site != "" {
			if err := tx.QueryRowContext(ctx, "select num from sites where id = $1", d.Site).Scan(&site); err != nil {
				return nil, one(err, "no_site", noSite)
			}
		}
		if all[site] == nil {
			heads, err := db.lockHeads(ctx, tx, deed, []int64{site})
			if err != nil {
				return nil, err
			}
			all[site] = heads[site]
		}
		if err := enterDeed(ctx, tx, site, all[site], *d); err != nil {
			return nil, err
		}
	}
	return func() { db.keepHeads(deed, all) }, nil
}

// changes are the deeds that are none where nothing differs afterwards.
var changes = map[string]bool{"settings_changed": true, "texts_changed": true, "items_changed": true, "retention_changed": true, "user_role_changed": true, "schedule_changed": true}

func enterDeed(ctx context.Context, tx *sql.Tx, site int64, h *head, d consent.Deed) error {
	var body []byte
	var err error
	g, salt := gain{}, ledger.NewSalts(1)
	seq, at := g.add(h, d.At.UnixMilli(), func(at int64) (leaf ledger.Hash) {
		d.At = time.UnixMilli(at)
		if body, err = d.Canonical(); err == nil {
			leaf = ledger.Leaf(salt, body)
		}
		return leaf
	})
	if err != nil {
		return err
	}
	if _, err := tx.ExecContext(ctx, "insert into deeds (site, seq, at, what, who, salt, body) values ($1, $2, $3, $4, $5, $6, $7)",
		site, seq, at, d.What, d.Who, salt, string(body)); err != nil {
		return err
	}
	return run(ctx, tx, slices.Values(grow(deed, map[int64]*head{site: h}, map[int64]*gain{site: &g})))
}

// PurgeDeeds are the entries about a purge: one for each site of which something was deleted.
func PurgeDeeds(who string, sites []Purged) (deeds []consent.Deed) {
	for _, p := range sites {
		if !p.Dry && p.Acts() > 0 {
			deeds = append(deeds, consent.NewDeed(p.At, who, "purge", p.Site).With("", map[string]any{"acts": p.Acts()}))
		}
	}
	return deeds
}

// changed puts the difference into deeds that are said to be one.
func changed(deeds []consent.Deed, before, after any) error {
	for i := range deeds {
		if err := deeds[i].Changed(before, after); err != nil {
			return err
		}
	}
	return nil
}

// AuditEntry is one entry of an audit log.
type AuditEntry struct {
	consent.Deed
	Seq  int64
	Salt []byte
	Body []byte // the canonical bytes
}

const selectDeeds = "select seq, at, what, who, salt, body from deeds "

// scanDeed reads an entry. Columns that say something else than the body are a fault: they would hide an entry from whoever
// looks for it.
func scanDeed(rows *sql.Rows) (e AuditEntry, err error) {
	var at int64
	var what, who, body string
	if err := rows.Scan(&e.Seq, &at, &what, &who, &e.Salt, &body); err != nil {
		return e, err
	}
	e.Body = []byte(body)
	e.Deed, err = consent.ParseDeed(e.Body)
	if err == nil && (e.What != what || e.Who != who || e.At.UnixMilli() != at) {
		err = errors.New("its row was changed")
	}
	if err != nil {
		err = fmt.Errorf("entry %d of the audit log: %w", e.Seq, err)
	}
	return e, err
}

// auditNum is the number under which a site's audit log is kept; 0 for the installation's.
func (db *DB) auditNum(ctx context.Context, site string) (int64, error) {
	if site == "" {
		return 0, nil
	}
	return db.siteNum(ctx, site)
}

// DeedFilter selects entries of an audit log; zero values select everything.
type DeedFilter struct {
	Site      string // empty: the installation's
	What, Who string
	After     string // the cursor of the page before
	Limit     int    // rows a page, 1 to 1000; 0 is 50
}

// Deeds reads one page of an audit log, the newest first, and the cursor of the next page ("" at the end).
func (db *DB) Deeds(ctx context.Context, f DeedFilter) (page []AuditEntry, next string, err error) {
	num, err := db.auditNum(ctx, f.Site)
	if err != nil {
		return nil, "", err
	}
	if f.Limit <= 0 || f.Limit > 1000 {
		f.Limit = 50
	}
	where, args := "where site = $1", []any{num}
	add := func(condition string, v any) {
		args = append(args, v)
		where += fmt.Sprintf(" and %s $%d", condition, len(args))
	}
	if f.What != "" {
		add("what =", f.What)
	}
	if f.Who != "" {
		add("who =", f.Who)
	}
	if f.After != "" {
		before, err := strconv.ParseInt(f.After, 10, 64)
		if err != nil {
			return nil, "", consent.Invalid("bad_cursor", "The page's cursor is broken; start from the first page.")
		}
		add("seq <", before)
	}
	page, err = collect(ctx, db.reader, scanDeed, selectDeeds+where+fmt.Sprintf(" order by seq desc limit %d", f.Limit+1), args...)
	if len(page) > f.Limit {
		page = page[:f.Limit]
		next = strconv.FormatInt(page[f.Limit-1].Seq, 10)
	}
	return page, next, err
}

// AuditEntries yields the entries of an audit log, numbered from inclusive to exclusive, in their order.
func (db *DB) AuditEntries(ctx context.Context, site string, from, to int64) iter.Seq2[AuditEntry, error] {
	return func(yield func(AuditEntry, error) bool) {
		num, err := db.auditNum(ctx, site)
		for err == nil {
			var page []AuditEntry
			page, err = collect(ctx, db.reader, scanDeed, selectDeeds+"where site = $1 and seq >= $2 and seq < $3 order by seq limit $4", num, from, to, entryPage)
			for i := range page {
				if !yield(page[i], nil) {
					return
				}
				from = page[i].Seq + 1
			}
			if err == nil && len(page) < entryPage {
				return
			}
		}
		yield(AuditEntry{}, err)
	}
}

// AuditLog reads the newest checkpoint of a site's audit log, or of the installation's; NotFound where nothing has been
// signed yet. earlier are those of the days before, with the newest.
func (db *DB) AuditLog(ctx context.Context, site string) (l Log, earlier []string, err error) {
	num, err := db.auditNum(ctx, site)
	if err != nil {
		return l, nil, err
	}
	l = Log{Origin: origin(site, deed), Tiles: db.tilesOf(ctx, deed, num)}
	earlier, err = collect(ctx, db.reader, func(rows *sql.Rows) (s string, err error) { return s, rows.Scan(&l.Size, &s) },
		"select size, signed from checkpoints where site = $1 and kind = $2 order by size, day", num, deed)
	if err == nil && len(earlier) == 0 {
		err = consent.NotFound("no_checkpoint", "The log has no checkpoint yet. One is signed within a second of the first entry.")
	}
	if err == nil {
		l.Checkpoint = earlier[len(earlier)-1]
	}
	return l, earlier, err
}

// AuditRange finds the numbers of an audit log's entries of a time, from inclusive to exclusive; zero times mean everything
// up to size.
func (db *DB) AuditRange(ctx context.Context, site string, from, to time.Time, size int64) (first, end int64, err error) {
	num, err := db.auditNum(ctx, site)
	if err != nil {
		return 0, 0, err
	}
	bound := func(at time.Time, otherwise int64) (n int64, err error) {
		if at.IsZero() {
			return otherwise, nil
		}
		err = db.reader.QueryRowContext(ctx, "select count(*) from deeds where site = $1 and at < $2", num, at.UnixMilli()).Scan(&n)
		return min(n, size), err // none is ever deleted, so their number is the place
	}
	if first, err = bound(from, 0); err != nil {
		return 0, 0, err
	}
	end, err = bound(to, size)
	return first, max(first, end), err
}

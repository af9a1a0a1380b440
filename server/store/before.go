package store

import (
	"context"
	"database/sql"
	"maps"
	"slices"

	"samtykke/consent"
)

// enterBefore is the migration that takes the acts of before the ledger into the logs of their sites, in their order.
func (db *DB) enterBefore(ctx context.Context, tx *sql.Tx) error {
	const page = 1000
	var seq int64 = -1
	var at int64 = -1
	for {
		rows, err := collect(ctx, tx, scanBefore, `select site, seq, visitor, id, at, notice, action, method, given, language, extra from consents_before
			where (at, seq) > ($1, $2) order by at, seq limit $3`, at, seq, page)
		if err != nil {
			return err
		}
		if len(rows) == 0 {
			break
		}
		at, seq = rows[len(rows)-1].at, rows[len(rows)-1].seq
		if err := db.enterRows(ctx, tx, rows); err != nil {
			return err
		}
	}
	_, err := tx.ExecContext(ctx, "drop table consents_before")
	return err
}

func (db *DB) enterRows(ctx context.Context, tx *sql.Tx, rows []row) error {
	records := make([]consent.Record, len(rows))
	sites := map[int64]bool{}
	for i := range rows {
		var err error
		if records[i], err = db.toRecord(ctx, &rows[i]); err != nil {
			return err
		}
		sites[rows[i].site] = true
	}
	heads, err := db.lockHeads(ctx, tx, acts, slices.Sorted(maps.Keys(sites)))
	if err != nil {
		return err
	}
	gains := number(heads, rows, func(k int) *consent.Record { return &records[k] })
	return run(ctx, tx, all(db.dialect.insert(rows), grow(acts, heads, gains)))
}

func scanBefore(rows *sql.Rows) (r row, err error) {
	var visitor, id []byte
	err = rows.Scan(&r.site, &r.seq, &visitor, &id, &r.at, &r.notice, &r.action, &r.method, &r.given, &r.language, &r.extra)
	copy(r.visitor[:], visitor)
	copy(r.id[:], id)
	return r, err
}

package store

import (
	"context"
	"iter"
	"time"

	"samtykke/consent"
	"samtykke/server/ledger"
)

// Statement is the SQL by which Consents reads a page of a filter.
func Statement(ctx context.Context, db *DB, f Filter) (string, []any, error) {
	where, args, err := db.where(ctx, f)
	return selectConsents + where + " order by seq desc limit 51", args, err
}

// PurgeStatement is the SQL by which Purge looks for acts whose time is over.
func PurgeStatement(ctx context.Context, db *DB, site, table string, now time.Time) (string, error) {
	s, err := db.Site(ctx, site)
	if err != nil {
		return "", err
	}
	num, err := db.siteNum(ctx, site)
	if err != nil {
		return "", err
	}
	d, err := db.dueOf(ctx, num, s.Retention, now)
	return d.selectOver(table), err
}

// Examine makes searches look at n entries a page, w at a time, and returns what undoes that.
func Examine(n, w int64) (undo func()) {
	before, step := maxExamined, window
	maxExamined, window = n, w
	return func() { maxExamined, window = before, step }
}

// SiteTables are the tables that DeleteSite clears.
func SiteTables() []string {
	all := append([]string{"pictures"}, withSite...)
	for _, t := range append(siteRows, afterSite...) {
		all = append(all, t[0])
	}
	return all
}

// AppendBare writes acts as Append does, but into no log: what is left is what they would cost without proof. seq is the
// number of the first.
func AppendBare(ctx context.Context, db *DB, records []consent.Record, seq int64) error {
	rows := make([]row, len(records))
	salts := ledger.NewSalts(len(rows))
	for i := range records {
		r, err := db.toRow(ctx, &records[i])
		if err != nil {
			return err
		}
		r.seq, r.salt = seq+int64(i), salts[i*ledger.SaltLen:(i+1)*ledger.SaltLen]
		rows[i] = r
	}
	return db.dialect.group(ctx, db, db.lockEnds(acts, []int64{rows[0].site}), func([]end) (iter.Seq[stmt], error) {
		return all(db.dialect.insert(rows), count(rows)), nil
	})
}

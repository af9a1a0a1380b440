package store

import "context"

// Statement is the SQL by which Consents reads a page of a filter.
func Statement(ctx context.Context, db *DB, f Filter) (string, []any, error) {
	where, args, err := db.where(ctx, f)
	return consentColumns + where + " order by at desc, seq desc limit 51", args, err
}

package store

import (
	"context"
	"database/sql"
	"encoding/json"

	"samtykke/consent"
)

// EditSite changes a site's details and banner draft by a function of what they are now, as EditItems does: of two who edit at
// once neither loses the other's change. An error of the function changes nothing and is returned.
func (db *DB) EditSite(ctx context.Context, id string, edit func(consent.Site) (consent.Site, error), deeds ...consent.Deed) (s consent.Site, err error) {
	err = db.did(ctx, db.change, deeds, func(tx *sql.Tx) error {
		// Writing first takes the row's lock on PostgreSQL; SQLite's one writer has it already.
		if err := updateSite(ctx, tx, "update sites set body = body where id = $1", id); err != nil {
			return err
		}
		var was string
		if err := tx.QueryRowContext(ctx, "select body from sites where id = $1", id).Scan(&was); err != nil {
			return err
		}
		s = consent.Site{}
		if err := json.Unmarshal([]byte(was), &s); err != nil {
			return err
		}
		if s, err = edit(s); err != nil {
			return err
		}
		body, err := json.Marshal(s)
		if err != nil {
			return err
		}
		if err := changed(deeds, json.RawMessage(was), s); err != nil {
			return err
		}
		return updateSite(ctx, tx, "update sites set body = $1 where id = $2", string(body), id)
	})
	return s, err
}

package store

import (
	"context"
	"database/sql"
	"encoding/json"
)

// nameFiles is what the first schema needs before all migrations: what a script fetches was called its texts there, by
// language, and the schema that came next kept the number. Elsewhere it does nothing.
func (db *DB) nameFiles(ctx context.Context) error {
	if _, err := db.writer.ExecContext(ctx, "select texts from notices where 1 = 0"); err != nil {
		return nil //nolint:nilerr // there is no such column: this isn't the first schema
	}
	type texts struct {
		num  int64
		body string
	}
	return db.tx(ctx, func(tx *sql.Tx) error {
		if _, err := tx.ExecContext(ctx, "alter table notices rename column texts to files"); err != nil {
			return err
		}
		all, err := collect(ctx, tx, func(rows *sql.Rows) (t texts, err error) { return t, rows.Scan(&t.num, &t.body) }, "select num, files from notices order by num")
		if err != nil {
			return err
		}
		for _, t := range all {
			var byLanguage map[string]string
			if err := json.Unmarshal([]byte(t.body), &byLanguage); err != nil {
				return err
			}
			files := map[string]string{}
			for lang, body := range byLanguage {
				files[lang+".json"] = body
			}
			body, err := json.Marshal(files)
			if err != nil {
				return err
			}
			if _, err := tx.ExecContext(ctx, "update notices set files = $1 where num = $2", string(body), t.num); err != nil {
				return err
			}
		}
		return nil
	})
}

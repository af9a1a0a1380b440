package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"

	"samtykke/consent"
)

const noSite = "There is no such website."

// AddSite stores a new site of the first organisation with its first declaration. A taken id is a conflict.
func (db *DB) AddSite(ctx context.Context, s consent.Site, items []consent.Item, deeds ...consent.Deed) error {
	return db.AddSiteTo(ctx, consent.FirstOrganisation, s, items, deeds...)
}

// AddSiteTo is AddSite for any organisation.
func (db *DB) AddSiteTo(ctx context.Context, org string, s consent.Site, items []consent.Item, deeds ...consent.Deed) error {
	body, err := json.Marshal(s)
	if err != nil {
		return err
	}
	list, err := encodeItems(items)
	if err != nil {
		return err
	}
	return db.did(ctx, db.change, deeds, func(tx *sql.Tx) error {
		if err := changed(deeds, nil, s); err != nil {
			return err
		}
		num, err := orgNum(ctx, tx, org)
		if err != nil {
			return err
		}
		res, err := tx.ExecContext(ctx, `insert into sites (id, body, items, created_at, org) values ($1, $2, $3, $4, $5) on conflict do nothing`,
			s.ID, string(body), list, s.CreatedAt.UnixMilli(), num)
		if err != nil {
			return err
		}
		if n, err := res.RowsAffected(); err != nil {
			return err
		} else if n == 1 {
			return startLogs(ctx, tx, s.ID)
		}
		return &consent.Error{Kind: consent.KindConflict, Code: "site_exists", Message: "There is a website with this id."}
	})
}

// siteNum is the number that rows know a site by.
func (db *DB) siteNum(ctx context.Context, site string) (num int64, err error) {
	err = db.reader.QueryRowContext(ctx, "select num from sites where id = $1", site).Scan(&num)
	return num, one(err, "no_site", noSite)
}

// UpdateSite replaces a site's details and banner draft. The deeds that it is get what was changed.
func (db *DB) UpdateSite(ctx context.Context, s consent.Site, deeds ...consent.Deed) error {
	body, err := json.Marshal(s)
	if err != nil {
		return err
	}
	return db.did(ctx, db.change, deeds, func(tx *sql.Tx) error {
		// Writing first takes the row's lock on PostgreSQL; SQLite's one writer has it already.
		if err := updateSite(ctx, tx, "update sites set body = body where id = $1", s.ID); err != nil {
			return err
		}
		var was string
		if err := tx.QueryRowContext(ctx, "select body from sites where id = $1", s.ID).Scan(&was); err != nil {
			return err
		}
		if err := changed(deeds, json.RawMessage(was), s); err != nil {
			return err
		}
		return updateSite(ctx, tx, "update sites set body = $1 where id = $2", string(body), s.ID)
	})
}

// updateSite runs an update that must meet one site.
func updateSite(ctx context.Context, tx *sql.Tx, query string, args ...any) error {
	res, err := tx.ExecContext(ctx, query, args...)
	if err != nil {
		return err
	}
	if n, err := res.RowsAffected(); err != nil || n == 1 {
		return err
	}
	return consent.NotFound("no_site", noSite)
}

func encodeItems(items []consent.Item) (string, error) {
	if items == nil {
		items = []consent.Item{}
	}
	b, err := json.Marshal(items)
	return string(b), err
}

// EditItems changes a site's draft declaration by a function of what it is now. Two who edit at once wait for each
// other, so neither's change is lost. An error of the function changes nothing and is returned. The deeds that it is get
// what was changed.
func (db *DB) EditItems(ctx context.Context, site string, edit func([]consent.Item) ([]consent.Item, error), deeds ...consent.Deed) error {
	return db.did(ctx, db.change, deeds, func(tx *sql.Tx) error { return editItems(ctx, tx, site, edit, deeds) })
}

func editItems(ctx context.Context, tx *sql.Tx, site string, edit func([]consent.Item) ([]consent.Item, error), deeds []consent.Deed) error {
	// Writing first takes the row's lock on PostgreSQL; SQLite's one writer has it already.
	if err := updateSite(ctx, tx, "update sites set items = items where id = $1", site); err != nil {
		return err
	}
	var body string
	if err := tx.QueryRowContext(ctx, "select items from sites where id = $1", site).Scan(&body); err != nil {
		return err
	}
	var items []consent.Item
	if err := json.Unmarshal([]byte(body), &items); err != nil {
		return err
	}
	before := consent.ByName(items)
	items, err := edit(items)
	if err != nil {
		return err
	}
	if err := changed(deeds, before, consent.ByName(items)); err != nil {
		return err
	}
	list, err := encodeItems(items)
	if err != nil {
		return err
	}
	return updateSite(ctx, tx, "update sites set items = $1 where id = $2", list, site)
}

// Site reads one site; absence is NotFound.
func (db *DB) Site(ctx context.Context, id string) (s consent.Site, err error) {
	err = db.scanJSON(ctx, &s, "select body from sites where id = $1", id)
	return s, one(err, "no_site", noSite)
}

// Items reads a site's draft declaration.
func (db *DB) Items(ctx context.Context, site string) (items []consent.Item, err error) {
	err = db.scanJSON(ctx, &items, "select items from sites where id = $1", site)
	return items, one(err, "no_site", noSite)
}

func (db *DB) scanJSON(ctx context.Context, out any, query string, args ...any) error {
	var body string
	if err := db.reader.QueryRowContext(ctx, query, args...).Scan(&body); err != nil {
		return err
	}
	return json.Unmarshal([]byte(body), out)
}

// Sites reads all sites, the oldest first.
func (db *DB) Sites(ctx context.Context) ([]consent.Site, error) {
	return collect(ctx, db.reader, scanSite, "select body from sites order by num")
}

func scanSite(rows *sql.Rows) (s consent.Site, err error) {
	var body string
	if err := rows.Scan(&body); err != nil {
		return s, err
	}
	err = json.Unmarshal([]byte(body), &s)
	return s, err
}

// collect reads every row of a query.
func collect[T any](ctx context.Context, db querier, scan func(*sql.Rows) (T, error), query string, args ...any) ([]T, error) {
	rows, err := db.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out []T
	for rows.Next() {
		v, err := scan(rows)
		if err != nil {
			return nil, fmt.Errorf("read row: %w", err)
		}
		out = append(out, v)
	}
	return out, rows.Err()
}

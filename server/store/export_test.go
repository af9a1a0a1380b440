package store

import (
	"context"
	"time"
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

// SiteTables are the tables that DeleteSite clears.
func SiteTables() []string {
	all := append([]string{"pictures"}, withSite...)
	for _, t := range append(siteRows, afterSite...) {
		all = append(all, t[0])
	}
	return all
}

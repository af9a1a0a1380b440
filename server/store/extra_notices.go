package store

import (
	"context"
	"database/sql"
	"time"

	"samtykke/consent"
)

// NoticeHead is what a list of notices tells of each, without its content.
type NoticeHead struct {
	Hash           consent.Hash
	Version        int
	ValidFrom      time.Time
	Author, Reason string
}

// NoticeHeads reads the heads of a site's notices, the newest first. A site with hundreds of them has megabytes of
// content, which no list needs.
func (db *DB) NoticeHeads(ctx context.Context, site string) ([]NoticeHead, error) {
	return collect(ctx, db.reader, func(rows *sql.Rows) (h NoticeHead, err error) {
		var hash []byte
		var from int64
		err = rows.Scan(&hash, &h.Version, &from, &h.Author, &h.Reason)
		copy(h.Hash[:], hash)
		h.ValidFrom = time.UnixMilli(from).UTC()
		return h, err
	}, `select n.hash, n.version, n.valid_from, n.author, n.reason from notices n join sites on sites.num = n.site
		where sites.id = $1 order by n.version desc`, site)
}

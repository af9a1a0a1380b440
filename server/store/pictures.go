package store

import (
	"context"
	"database/sql"
	"time"

	"samtykke/consent"
)

// PictureKey says what a picture of a notice shows.
type PictureKey struct {
	Language, Device string // device: desktop or mobile
	Layer            int    // 1 or 2
}

// Picture is how a notice looked.
type Picture struct {
	PictureKey
	At      time.Time
	Browser string // that took it: name and version
	PNG     []byte // not in lists
	Size    int64  // of PNG, in bytes
}

// AddPictures stores pictures of a notice, all or none. Those that are there already stay as they are: several servers
// may take them at once, and the first one's count.
func (db *DB) AddPictures(ctx context.Context, notice consent.Hash, pictures []Picture) error {
	return db.tx(ctx, func(tx *sql.Tx) error {
		for _, p := range pictures {
			_, err := tx.ExecContext(ctx, `insert into pictures (notice, language, device, layer, taken_at, browser, png)
				select num, $1, $2, $3, $4, $5, $6 from notices where hash = $7 on conflict do nothing`,
				p.Language, p.Device, p.Layer, p.At.UnixMilli(), p.Browser, p.PNG, notice[:])
			if err != nil {
				return err
			}
		}
		return nil
	})
}

// Pictures lists a notice's pictures without their bytes.
func (db *DB) Pictures(ctx context.Context, notice consent.Hash) ([]Picture, error) {
	return collect(ctx, db.reader, func(rows *sql.Rows) (p Picture, err error) {
		var at int64
		err = rows.Scan(&p.Language, &p.Device, &p.Layer, &at, &p.Browser, &p.Size)
		p.At = time.UnixMilli(at).UTC()
		return p, err
	}, `select p.language, p.device, p.layer, p.taken_at, p.browser, length(p.png) from pictures p
		join notices n on n.num = p.notice where n.hash = $1 order by p.language, p.device, p.layer`, notice[:])
}

// Picture reads the bytes of one of a notice's pictures.
func (db *DB) Picture(ctx context.Context, notice consent.Hash, k PictureKey) (png []byte, err error) {
	err = db.reader.QueryRowContext(ctx, `select p.png from pictures p join notices n on n.num = p.notice
		where n.hash = $1 and p.language = $2 and p.device = $3 and p.layer = $4`, notice[:], k.Language, k.Device, k.Layer).Scan(&png)
	return png, one(err, "no_picture", "There is no such picture.")
}

// Unpictured lists the notices that have no pictures, the newest first.
func (db *DB) Unpictured(ctx context.Context) ([]consent.Hash, error) {
	return collect(ctx, db.reader, func(rows *sql.Rows) (h consent.Hash, err error) {
		var b []byte
		err = rows.Scan(&b)
		copy(h[:], b)
		return h, err
	}, `select hash from notices where not exists (select 1 from pictures where notice = notices.num) order by num desc`)
}

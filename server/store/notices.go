package store

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"time"

	"samtykke/consent"
)

const noNotice = "There is no such notice."

// noticeRef is what a consent row needs of its notice to be written and read back.
type noticeRef struct {
	num, site int64
	siteID    string
	hash      consent.Hash
	asked     consent.Set
	validity  time.Duration
}

// Publish stores a notice as the site's newest. Its version must be the next one: of two who publish at the same
// time one gets a conflict.
func (db *DB) Publish(ctx context.Context, n consent.Notice, deeds ...consent.Deed) error {
	content, err := json.Marshal(n.Content)
	if err != nil {
		return err
	}
	files, err := json.Marshal(asStrings(n.Bundle.Files))
	if err != nil {
		return err
	}
	return db.did(ctx, db.change, deeds, func(tx *sql.Tx) error {
		res, err := tx.ExecContext(ctx, `insert into notices (site, hash, version, valid_from, author, reason, content, script, files)
			select num, $1, $2, $3, $4, $5, $6, $7, $8 from sites where id = $9
			and $2 = 1 + (select count(*) from notices where site = sites.num) on conflict do nothing`,
			n.Hash[:], n.Version, n.ValidFrom.UnixMilli(), n.Author, n.Reason, string(content), n.Bundle.JS, string(files), n.Site)
		if err != nil {
			return err
		}
		if k, err := res.RowsAffected(); err != nil || k == 1 {
			return err
		}
		return &consent.Error{Kind: consent.KindConflict, Code: "published_meanwhile", Message: "Somebody else has published meanwhile. Look at that notice first, then publish again."}
	})
}

func asStrings(m map[string][]byte) map[string]string {
	out := make(map[string]string, len(m))
	for k, v := range m {
		out[k] = string(v)
	}
	return out
}

func asBytes(m map[string]string) map[string][]byte {
	out := make(map[string][]byte, len(m))
	for k, v := range m {
		out[k] = []byte(v)
	}
	return out
}

const noticeColumns = `select sites.id, n.hash, n.version, n.valid_from, n.author, n.reason, n.content, n.script, n.files
	from notices n join sites on sites.num = n.site `

func scanNotice(rows *sql.Rows) (consent.Notice, error) {
	var (
		n              consent.Notice
		hash           []byte
		from           int64
		content, files string
	)
	if err := rows.Scan(&n.Site, &hash, &n.Version, &from, &n.Author, &n.Reason, &content, &n.Bundle.JS, &files); err != nil {
		return n, err
	}
	copy(n.Hash[:], hash)
	n.ValidFrom = time.UnixMilli(from).UTC()
	if err := json.Unmarshal([]byte(content), &n.Content); err != nil {
		return n, fmt.Errorf("notice %s: %w", n.Hash, err)
	}
	var named map[string]string
	if err := json.Unmarshal([]byte(files), &named); err != nil {
		return n, fmt.Errorf("notice %s: %w", n.Hash, err)
	}
	n.Bundle.Files = asBytes(named)
	return n, nil
}

func (db *DB) oneNotice(ctx context.Context, where string, args ...any) (consent.Notice, error) {
	ns, err := collect(ctx, db.reader, scanNotice, noticeColumns+where, args...)
	if err != nil {
		return consent.Notice{}, err
	}
	if len(ns) == 0 {
		return consent.Notice{}, consent.NotFound("no_notice", noNotice)
	}
	return ns[0], nil
}

// Notice reads the notice of this hash with its bundle.
func (db *DB) Notice(ctx context.Context, h consent.Hash) (consent.Notice, error) {
	return db.oneNotice(ctx, "where n.hash = $1", h[:])
}

// CurrentNotice reads the newest notice of a site with its bundle; NotFound where nothing is published yet.
func (db *DB) CurrentNotice(ctx context.Context, site string) (consent.Notice, error) {
	return db.oneNotice(ctx, "where sites.id = $1 order by n.version desc limit 1", site)
}

// Notices reads a site's notices without their bundles, the newest first.
func (db *DB) Notices(ctx context.Context, site string) ([]consent.Notice, error) {
	return collect(ctx, db.reader, scanNotice, `select sites.id, n.hash, n.version, n.valid_from, n.author, n.reason, n.content, '', '{}'
		from notices n join sites on sites.num = n.site where sites.id = $1 order by n.version desc`, site)
}

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

// Reseal computes a notice's hash anew from what is stored (R4, R5) and says whether all of it is still what was hashed.
// It is taken over the stored bytes themselves, so that a notice of an earlier program proves itself to a later one.
func (db *DB) Reseal(ctx context.Context, h consent.Hash) (now consent.Hash, intact bool, err error) {
	var (
		n              consent.Notice
		content, files string
		named          map[string]string
	)
	err = db.reader.QueryRowContext(ctx, `select sites.id, n.version, n.content, n.script, n.files
		from notices n join sites on sites.num = n.site where n.hash = $1`, h[:]).Scan(&n.Site, &n.Version, &content, &n.Bundle.JS, &files)
	if err != nil {
		return now, false, one(err, "no_notice", noNotice)
	}
	read := json.Unmarshal([]byte(content), &n.Content) == nil && json.Unmarshal([]byte(files), &named) == nil
	n.Bundle.Files = asBytes(named)
	n.Bundle.JS = bytes.Replace(n.Bundle.JS, []byte(h.String()), []byte(consent.NoHash), 1)
	if now = consent.SealStored([]byte(content), n.Bundle); now != h {
		// The first notices were hashed without their further files. What then has this hash is what it was.
		if first := consent.SealStored([]byte(content), consent.Bundle{JS: n.Bundle.JS}); first == h {
			now = first
		}
	}
	// What the hash doesn't cover: how the files are spelled, and whose notice the row says that this is.
	again, err := json.Marshal(named)
	return now, read && now == h && string(again) == files && n.Content.Site == n.Site && n.Content.Version == n.Version, err
}

// ref finds what rows need of a notice, by its hash. Notices never change, so it is remembered.
func (db *DB) ref(ctx context.Context, h consent.Hash) (*noticeRef, error) {
	db.mu.RLock()
	r := db.notices[h]
	db.mu.RUnlock()
	if r != nil {
		return r, nil
	}
	return db.readRef(ctx, "n.hash = $1", h[:])
}

// refByNum is ref by the notice's number.
func (db *DB) refByNum(ctx context.Context, num int64) (*noticeRef, error) {
	db.mu.RLock()
	r := db.byNum[num]
	db.mu.RUnlock()
	if r != nil {
		return r, nil
	}
	return db.readRef(ctx, "n.num = $1", num)
}

func (db *DB) readRef(ctx context.Context, where string, arg any) (*noticeRef, error) {
	var (
		r       noticeRef
		hash    []byte
		content string
		c       consent.Content
	)
	err := db.reader.QueryRowContext(ctx, "select n.num, n.site, sites.id, n.hash, n.content from notices n join sites on sites.num = n.site where "+where, arg).
		Scan(&r.num, &r.site, &r.siteID, &hash, &content)
	if err != nil {
		return nil, one(err, "no_notice", noNotice)
	}
	if err := json.Unmarshal([]byte(content), &c); err != nil {
		return nil, err
	}
	copy(r.hash[:], hash)
	r.asked, r.validity = c.Banner.Asked(), c.Banner.Validity()
	db.mu.Lock()
	defer db.mu.Unlock()
	db.notices[r.hash], db.byNum[r.num] = &r, &r
	return &r, nil
}

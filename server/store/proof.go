package store

import (
	"context"
	"crypto/ed25519"
	"database/sql"
	"errors"
	"fmt"
	"iter"
	"time"

	"github.com/google/uuid"

	"samtykke/consent"
	"samtykke/server/ledger"
)

// Entry is one entry of a site's log of acts: a record with its salt, or the canonical bytes of a ledger.Removal.
type Entry struct {
	Seq     int64
	Record  consent.Record
	Salt    []byte
	Removal []byte
}

// Entries yields a site's entries that are there, numbered from inclusive to exclusive, in their order, in pages behind the
// scenes: memory stays constant and no transaction stays open, however slow the reader is.
func (db *DB) Entries(ctx context.Context, site string, from, to int64) iter.Seq2[Entry, error] {
	return func(yield func(Entry, error) bool) {
		num, err := db.siteNum(ctx, site)
		if err != nil {
			yield(Entry{}, err)
			return
		}
		next, stop := iter.Pull2(db.removals(ctx, num, from, to))
		defer stop()
		removal, rerr, more := next()
		for e, err := range db.records(ctx, num, from, to) {
			for ; err == nil && more && (rerr != nil || removal.Seq < e.Seq); removal, rerr, more = next() {
				if !yield(removal, rerr) || rerr != nil {
					return
				}
			}
			if !yield(e, err) || err != nil {
				return
			}
		}
		for ; more; removal, rerr, more = next() {
			if !yield(removal, rerr) || rerr != nil {
				return
			}
		}
	}
}

// Removals yields the entries of a site's log that say which others are gone, in their order.
func (db *DB) Removals(ctx context.Context, site string, from, to int64) iter.Seq2[Entry, error] {
	num, err := db.siteNum(ctx, site)
	if err != nil {
		return func(yield func(Entry, error) bool) { yield(Entry{}, err) }
	}
	return db.removals(ctx, num, from, to)
}

const entryPage = 1000

func (db *DB) records(ctx context.Context, site, from, to int64) iter.Seq2[Entry, error] {
	return pages(from, func(from int64) ([]Entry, error) {
		rows, err := collect(ctx, db.reader, scanConsent, selectConsents+"where site = $1 and seq >= $2 and seq < $3 order by seq limit $4", site, from, to, entryPage)
		if err != nil {
			return nil, err
		}
		out := make([]Entry, len(rows))
		for i := range rows {
			out[i].Seq, out[i].Salt = rows[i].seq, rows[i].salt
			if out[i].Record, err = db.toRecord(ctx, &rows[i]); err != nil {
				return nil, err
			}
		}
		return out, nil
	})
}

func (db *DB) removals(ctx context.Context, site, from, to int64) iter.Seq2[Entry, error] {
	return pages(from, func(from int64) ([]Entry, error) {
		return collect(ctx, db.reader, func(rows *sql.Rows) (e Entry, err error) { return e, rows.Scan(&e.Seq, &e.Removal) },
			"select seq, body from removals where site = $1 and seq >= $2 and seq < $3 order by seq limit $4", site, from, to, entryPage)
	})
}

// pages reads page after page until one isn't full.
func pages(from int64, read func(from int64) ([]Entry, error)) iter.Seq2[Entry, error] {
	return func(yield func(Entry, error) bool) {
		for {
			page, err := read(from)
			if err != nil {
				yield(Entry{}, err)
				return
			}
			for i := range page {
				if !yield(page[i], nil) {
					return
				}
			}
			if len(page) < entryPage {
				return
			}
			from = page[len(page)-1].Seq + 1
		}
	}
}

// Range finds the numbers of the entries of a time, from inclusive to exclusive; zero times mean everything up to size.
func (db *DB) Range(ctx context.Context, site string, from, to time.Time, size int64) (first, end int64, err error) {
	num, err := db.siteNum(ctx, site)
	if err != nil {
		return 0, 0, err
	}
	bound := func(at time.Time, otherwise int64) (int64, error) {
		if at.IsZero() {
			return otherwise, nil
		}
		tile, err := firstAt(ctx, db.reader, num, at.UnixMilli())
		if err != nil {
			return 0, err
		}
		var seq sql.NullInt64
		err = db.reader.QueryRowContext(ctx, "select seq from consents where site = $1 and seq >= $2 and at >= $3 order by seq limit 1", num, tile, at.UnixMilli()).Scan(&seq)
		if err == sql.ErrNoRows { //nolint:errorlint // database/sql returns it bare
			return size, nil
		}
		return min(seq.Int64, size), err
	}
	if first, err = bound(from, 0); err != nil {
		return 0, 0, err
	}
	end, err = bound(to, size)
	return first, max(first, end), err
}

// Salted reads an act with its place in the log and its salt; absence is NotFound.
func (db *DB) Salted(ctx context.Context, site string, visitor, id uuid.UUID) (Entry, error) {
	num, err := db.siteNum(ctx, site)
	if err != nil {
		return Entry{}, err
	}
	rows, err := collect(ctx, db.reader, scanConsent, selectConsents+"where "+isVisitor("$1")+" and id = $2 and site = $3", visitor[:], id[:], num)
	if err != nil {
		return Entry{}, err
	}
	if len(rows) == 0 {
		return Entry{}, consent.NotFound("no_record", "There is no such record.")
	}
	r, err := db.toRecord(ctx, &rows[0])
	return Entry{Seq: rows[0].seq, Salt: rows[0].salt, Record: r}, err
}

// Log is a site's log of acts for proofs.
type Log struct {
	Origin     string
	Tiles      ledger.Tiles
	Checkpoint string // the newest, signed
	Size       int64  // of the checkpoint
}

// NoticeContent reads the content of a notice as it was hashed.
func (db *DB) NoticeContent(ctx context.Context, h consent.Hash) ([]byte, error) {
	var content string
	err := db.reader.QueryRowContext(ctx, "select content from notices where hash = $1", h[:]).Scan(&content)
	return []byte(content), one(err, "no_notice", noNotice)
}

// Checkpoints reads what was signed of a site's log of acts, the oldest first: the last of each day.
func (db *DB) Checkpoints(ctx context.Context, site string) ([]string, error) {
	num, err := db.siteNum(ctx, site)
	if err != nil {
		return nil, err
	}
	return collect(ctx, db.reader, func(rows *sql.Rows) (s string, err error) { return s, rows.Scan(&s) },
		"select signed from checkpoints where site = $1 and kind = $2 order by size, day", num, acts)
}

// Recorded is how many entries a site's log of acts has, signed or not, and how long it took to get them.
func (db *DB) Recorded(ctx context.Context, site string) (n int64, took time.Duration, err error) {
	num, err := db.siteNum(ctx, site)
	if err != nil {
		return 0, 0, err
	}
	var millis int64
	err = db.reader.QueryRowContext(ctx, `select size, at - coalesce((select min(t.at) from tiles t where t.site = logs.site and t.kind = logs.kind and t.level = 0), at)
		from logs where site = $1 and kind = $2`, num, acts).Scan(&n, &millis)
	return n, time.Duration(millis) * time.Millisecond, err
}

// Log reads a site's newest checkpoint; of the installation's own log where site is empty. NotFound where nothing has been signed yet.
func (db *DB) Log(ctx context.Context, site string) (Log, error) {
	var num int64
	kind := deed
	if site != "" {
		var err error
		if num, err = db.siteNum(ctx, site); err != nil {
			return Log{}, err
		}
		kind = acts
	}
	l := Log{Origin: ledger.Origin(site), Tiles: db.tilesOf(ctx, kind, num)}
	err := db.reader.QueryRowContext(ctx, "select size, signed from checkpoints where site = $1 and kind = $2 order by size desc, day desc limit 1", num, kind).
		Scan(&l.Size, &l.Checkpoint)
	return l, one(err, "no_checkpoint", "The log has no checkpoint yet. One is signed within a second of the first entry.")
}

// SignLogs signs a checkpoint of each log that has grown since its last one. Several servers may do so side by side.
func (db *DB) SignLogs(ctx context.Context, now time.Time) error {
	return db.signLogs(ctx, now, "l.size > "+signedSize)
}

// signedSize is the size of a log at its last checkpoint.
const signedSize = "coalesce((select c.size from checkpoints c where c.site = l.site and c.kind = l.kind order by c.size desc limit 1), 0)"

func (db *DB) signLogs(ctx context.Context, now time.Time, which string) error {
	type log struct {
		site, size int64
		kind       int
		id         sql.NullString
	}
	grown, err := collect(ctx, db.reader, func(rows *sql.Rows) (l log, err error) { return l, rows.Scan(&l.site, &l.kind, &l.size, &l.id) },
		"select l.site, l.kind, l.size, s.id from logs l left join sites s on s.num = l.site where "+which)
	if err != nil || len(grown) == 0 {
		return err
	}
	keys, err := db.Keys(ctx)
	if err != nil {
		return err
	}
	key := keys[len(keys)-1].Key
	for _, l := range grown {
		h, err := readHead(ctx, db.reader, l.kind, l.site, l.size)
		if err != nil {
			return err
		}
		c := ledger.Checkpoint{Origin: origin(l.id.String, l.kind), Size: l.size, Root: h.edge.Root(), At: now.UTC().Truncate(time.Millisecond)}
		signed, err := c.Sign(key)
		if err != nil {
			return err
		}
		if _, err := db.writer.ExecContext(ctx, `insert into checkpoints (site, kind, day, size, signed) values ($1, $2, $3, $4, $5)
			on conflict (site, kind, day) do update set size = excluded.size, signed = excluded.signed
				where excluded.size >= checkpoints.size and (select count(*) from keys) = $6`, // no key that another server has replaced
			l.site, l.kind, now.UnixMilli()/dayMillis, l.size, signed, len(keys)); err != nil {
			return err
		}
	}
	return nil
}

// origin names a log: what a site's people did is one beside that of its acts.
func origin(site string, kind int) string {
	if site != "" && kind == deed {
		return ledger.Origin(site) + "/audit"
	}
	return ledger.Origin(site)
}

// SigningKey is a key with the proof that it follows on the one before it.
type SigningKey struct {
	ledger.Key
	At       time.Time
	Rotation string // signed by both; empty for the first
}

// Keys reads the keys, the oldest first; the last one signs. There is always one: the first is made when it is asked for.
func (db *DB) Keys(ctx context.Context) ([]SigningKey, error) {
	keys, err := db.readKeys(ctx)
	if err != nil || len(keys) > 0 {
		return keys, err
	}
	now := time.Now().UTC().Truncate(time.Second)
	k := ledger.NewKey(now)
	// Of two servers that start together one is the first.
	if _, err := db.writer.ExecContext(ctx, "insert into keys (num, name, private, at, rotation) values (1, $1, $2, $3, '') on conflict do nothing",
		k.Name, k.Private.Seed(), now.UnixMilli()); err != nil {
		return nil, err
	}
	return db.readKeys(ctx)
}

func (db *DB) readKeys(ctx context.Context) ([]SigningKey, error) {
	return collect(ctx, db.reader, func(rows *sql.Rows) (k SigningKey, err error) {
		var seed []byte
		var at int64
		if err := rows.Scan(&k.Name, &seed, &at, &k.Rotation); err != nil {
			return k, err
		}
		if len(seed) != ed25519.SeedSize {
			return k, fmt.Errorf("the key %s has %d bytes", k.Name, len(seed))
		}
		k.Private, k.At = ed25519.NewKeyFromSeed(seed), time.UnixMilli(at).UTC()
		return k, nil
	}, "select name, private, at, rotation from keys order by num")
}

// RotateKey makes a new key, to which the present one hands over, and returns it.
func (db *DB) RotateKey(ctx context.Context, now time.Time, deeds ...consent.Deed) (SigningKey, error) {
	keys, err := db.Keys(ctx)
	if err != nil {
		return SigningKey{}, err
	}
	old := keys[len(keys)-1]
	next := SigningKey{Key: ledger.NewKey(now), At: now.UTC().Truncate(time.Millisecond)}
	if next.Name == old.Name {
		return next, consent.Invalid("rotated_already", "The key was made within this second. Wait a moment.")
	}
	if next.Rotation, err = ledger.Rotate(old.Key, next.Key, now); err != nil {
		return next, err
	}
	err = db.did(ctx, db.tx, deeds, func(tx *sql.Tx) error {
		res, err := tx.ExecContext(ctx, "insert into keys (num, name, private, at, rotation) values ($1, $2, $3, $4, $5) on conflict do nothing",
			len(keys)+1, next.Name, next.Private.Seed(), next.At.UnixMilli(), next.Rotation)
		if err != nil {
			return err
		}
		if n, err := res.RowsAffected(); err != nil || n == 1 {
			return errors.Join(err, changed(deeds, map[string]string{"key": old.Public()}, map[string]string{"key": next.Public()}))
		}
		return &consent.Error{Kind: consent.KindConflict, Code: "rotated_meanwhile", Message: "Somebody else has made a new key meanwhile."}
	})
	if err != nil {
		return next, err
	}
	return next, db.signLogs(ctx, now, "l.size > 0") // so that one key is enough for what is new
}

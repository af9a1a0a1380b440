package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"samtykke/server/ledger"
)

// The logs of a site, and of the installation, whose number is 0.
const (
	acts = 0
	deed = 1 // what people did
)

// head is the end of a log: what appending needs.
type head struct {
	edge *ledger.Edge
	at   int64 // of the newest entry
}

// lockHeads reads the ends of sites' logs of one kind and keeps everybody else from appending until tx ends. Locks are
// taken in the order of the numbers, so that two servers never wait for each other crosswise.
func (db *DB) lockHeads(ctx context.Context, tx *sql.Tx, kind int, sites []int64) (map[int64]*head, error) {
	q := db.lockEnds(kind, sites)
	ends, err := collect(ctx, tx, func(rows *sql.Rows) (end, error) { return scanEnd(rows) }, q.sql, q.args...)
	if err != nil {
		return nil, err
	}
	return db.headsAt(ctx, tx, kind, len(sites), ends)
}

// end is a row of logs.
type end struct{ site, size, at int64 }

func scanEnd(row interface{ Scan(...any) error }) (e end, err error) {
	return e, row.Scan(&e.site, &e.size, &e.at)
}

// lockEnds is the statement that locks and reads the ends of sites' logs.
func (db *DB) lockEnds(kind int, sites []int64) stmt {
	args := make([]any, len(sites))
	for i, s := range sites {
		args[i] = s
	}
	return stmt{fmt.Sprintf("select site, size, at from logs where kind = %d and site in %s order by site%s", kind, placeholders(1, len(sites)), db.dialect.words.ForUpdate), args}
}

// headsAt are the heads of logs that end there: those that are remembered, or else read. All n must be there.
func (db *DB) headsAt(ctx context.Context, q querier, kind, n int, ends []end) (map[int64]*head, error) {
	out := make(map[int64]*head, len(ends))
	for _, e := range ends {
		h := db.takeHead(kind, e.site)
		if h == nil || h.edge.Size != e.size {
			var err error
			if h, err = readHead(ctx, q, kind, e.site, e.size); err != nil {
				return nil, err
			}
		}
		h.at = e.at
		out[e.site] = h
	}
	if len(out) != n {
		return nil, fmt.Errorf("a log is missing: have %d of %d", len(out), n)
	}
	return out, nil
}

// takeHead hands out what is remembered of a log. It is put back only when what was appended to it is durable.
func (db *DB) takeHead(kind int, site int64) *head {
	db.mu.Lock()
	defer db.mu.Unlock()
	key := [2]int64{int64(kind), site}
	h := db.heads[key]
	delete(db.heads, key)
	return h
}

func (db *DB) keepHeads(kind int, heads map[int64]*head) {
	db.mu.Lock()
	defer db.mu.Unlock()
	for site, h := range heads {
		db.heads[[2]int64{int64(kind), site}] = h
	}
}

// querier is a transaction or a pool.
type querier interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

// readHead reads the last tiles of a log of this size. Tiles only grow: that they may hold more already does no harm.
func readHead(ctx context.Context, q querier, kind int, site, size int64) (*head, error) {
	tiles := make([][]byte, ledger.Levels(size))
	for level := range tiles {
		index := size >> (ledger.Height * (level + 1))
		b, err := readTile(ctx, q, kind, site, int64(level), index)
		if err != nil {
			return nil, err
		}
		tiles[level] = b
	}
	edge, err := ledger.NewEdge(size, tiles)
	return &head{edge: edge}, err
}

// readTile reads a tile, nil where it isn't there.
func readTile(ctx context.Context, q querier, kind int, site, level, index int64) ([]byte, error) {
	found, err := collect(ctx, q, func(rows *sql.Rows) (b []byte, err error) { return b, rows.Scan(&b) },
		"select hashes from tiles where site = $1 and kind = $2 and level = $3 and idx = $4", site, kind, level, index)
	if len(found) == 0 {
		return nil, err
	}
	return found[0], err
}

// gain is what one log gets in a transaction: a leaf and a time for each entry. Times never go back.
type gain struct {
	leaves []ledger.Hash
	times  []int64
}

// add takes an entry into the gain and returns its number and its time, which isn't before that of the entry before it.
func (g *gain) add(h *head, at int64, leaf func(at int64) ledger.Hash) (seq, time int64) {
	seq = h.edge.Size + int64(len(g.leaves))
	h.at = max(h.at, at)
	g.leaves, g.times = append(g.leaves, leaf(h.at)), append(g.times, h.at)
	return seq, h.at
}

// grow is what stores what the logs get. The entries themselves are written by the caller, in the same transaction.
func grow(kind int, heads map[int64]*head, gains map[int64]*gain) []stmt {
	var tiles, ends []any
	var out []stmt
	for _, site := range slices.Sorted(maps.Keys(gains)) {
		h, g := heads[site], gains[site]
		base := h.edge.Size
		for _, t := range h.edge.Append(g.leaves) {
			first := max(0, t.Index<<(ledger.Height*(t.Level+1))-base) // of an older tile it isn't changed
			tiles = append(tiles, site, kind, t.Level, t.Index, g.times[first], t.Hashes)
		}
		ends = append(ends, site, kind, h.edge.Size, h.at)
	}
	for part := range slices.Chunk(tiles, 6*16) {
		// A tile that is there already keeps the time of its first entry.
		out = append(out, stmt{upsertTiles[len(part)/6], part})
	}
	for part := range slices.Chunk(ends, 4*16) {
		out = append(out, stmt{upsertHeads[len(part)/4], part})
	}
	return out
}

var upsertTiles, upsertHeads = many(6, "insert into tiles (site, kind, level, idx, at, hashes) values ",
	" on conflict (site, kind, level, idx) do update set hashes = excluded.hashes"),
	many(4, "insert into logs (site, kind, size, at) values ", " on conflict (site, kind) do update set size = excluded.size, at = excluded.at")

// many are statements for one to sixteen rows, by their number.
func many(values int, before, after string) (statements [17]string) {
	for n := range statements {
		statements[n] = before + placeholders(n, values) + after
	}
	return statements
}

// appendEntry adds an entry that is no act to a log and returns its number. Its row is the caller's to write. done is to be
// called when the transaction is durable.
func (db *DB) appendEntry(ctx context.Context, tx *sql.Tx, kind int, site, at int64, leaf ledger.Hash) (seq int64, done func(), err error) {
	heads, err := db.lockHeads(ctx, tx, kind, []int64{site})
	if err != nil {
		return 0, nil, err
	}
	var g gain
	seq, _ = g.add(heads[site], at, func(int64) ledger.Hash { return leaf })
	return seq, func() { db.keepHeads(kind, heads) }, run(ctx, tx, slices.Values(grow(kind, heads, map[int64]*gain{site: &g})))
}

// remove says in the acts' log that entries of it can't be shown any more, and why.
func (db *DB) remove(ctx context.Context, tx *sql.Tx, site int64, r ledger.Removal) (done func(), err error) {
	body := r.Canonical()
	seq, done, err := db.appendEntry(ctx, tx, acts, site, r.At, ledger.Leaf(nil, body))
	if err != nil {
		return nil, err
	}
	_, err = tx.ExecContext(ctx, "insert into removals (site, seq, body) values ($1, $2, $3)", site, seq, string(body))
	return done, err
}

// tilesOf reads the tiles of a log.
func (db *DB) tilesOf(ctx context.Context, kind int, site int64) ledger.Tiles {
	return func(level, index int64) ([]byte, error) { return readTile(ctx, db.reader, kind, site, level, index) }
}

// firstAt is the number of an entry of the acts' log at or before the first one of this time: where a search by time begins.
func firstAt(ctx context.Context, q querier, site, at int64) (int64, error) {
	var tile sql.NullInt64
	err := q.QueryRowContext(ctx, `select idx from tiles where site = $1 and kind = 0 and level = 0 and at < $2
		order by at desc, idx desc limit 1`, site, at).Scan(&tile)
	if errors.Is(err, sql.ErrNoRows) {
		return 0, nil
	}
	return tile.Int64 * ledger.Width, err
}

// timeAt is the time of an entry of a site's acts' log, or of one shortly before it.
func (db *DB) timeAt(ctx context.Context, site string, seq int64) (time.Time, error) {
	num, err := db.siteNum(ctx, site)
	if err != nil {
		return time.Time{}, err
	}
	var at int64
	err = db.reader.QueryRowContext(ctx, "select at from tiles where site = $1 and kind = 0 and level = 0 and idx = $2", num, seq/ledger.Width).Scan(&at)
	return time.UnixMilli(at).UTC(), err
}

// startLogs makes the logs of a new site.
func startLogs(ctx context.Context, tx *sql.Tx, site string) error {
	for _, kind := range []int{acts, deed} {
		if _, err := tx.ExecContext(ctx, "insert into logs (site, kind, size, at) select num, $1, 0, 0 from sites where id = $2", kind, site); err != nil {
			return err
		}
	}
	return nil
}

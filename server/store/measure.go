package store

import (
	"context"
	"database/sql"
	"time"
)

// Measure is what there is, for whoever watches the server.
type Measure struct {
	Sites    int64
	Logs     map[string]LogMeasure // "consents" and "audit"
	Scans    map[ScanState]int64
	Database int64     // bytes
	Purged   time.Time // when records whose time was over were last deleted; zero for never
}

// LogMeasure sums all logs of a kind up.
type LogMeasure struct {
	Entries  int64
	Unsigned int64         // entries without a checkpoint over them
	Waiting  time.Duration // since the newest entry of the log that has waited longest for one
}

// Measure counts what there is: from sums, however many records there are.
func (db *DB) Measure(ctx context.Context, now time.Time) (m Measure, err error) {
	m.Logs, m.Scans = map[string]LogMeasure{}, map[ScanState]int64{}
	if err = db.reader.QueryRowContext(ctx, "select count(*) from sites").Scan(&m.Sites); err != nil {
		return m, err
	}
	if err = db.reader.QueryRowContext(ctx, db.dialect.bytes).Scan(&m.Database); err != nil {
		return m, err
	}
	var purged sql.NullInt64
	if err = db.reader.QueryRowContext(ctx, "select max(at) from purges where dry = 0").Scan(&purged); err != nil {
		return m, err
	}
	if purged.Valid {
		m.Purged = time.UnixMilli(purged.Int64).UTC()
	}
	_, err = collect(ctx, db.reader, func(rows *sql.Rows) (struct{}, error) {
		var kind, since int64
		var l LogMeasure
		err := rows.Scan(&kind, &l.Entries, &l.Unsigned, &since)
		if since > 0 {
			l.Waiting = max(0, now.Sub(time.UnixMilli(since)))
		}
		m.Logs[map[int64]string{acts: "consents", deed: "audit"}[kind]] = l
		return struct{}{}, err
	}, `select l.kind, cast(coalesce(sum(l.size), 0) as bigint), cast(coalesce(sum(l.size - coalesce(c.size, 0)), 0) as bigint), coalesce(min(case when l.size > coalesce(c.size, 0) then l.at end), 0)
		from logs l left join (select site, kind, max(size) as size from checkpoints group by site, kind) c on c.site = l.site and c.kind = l.kind
		group by l.kind order by l.kind`)
	if err != nil {
		return m, err
	}
	_, err = collect(ctx, db.reader, func(rows *sql.Rows) (struct{}, error) {
		var state ScanState
		var n int64
		err := rows.Scan(&state, &n)
		m.Scans[state] = n
		return struct{}{}, err
	}, "select state, count(*) from scans group by state order by state")
	return m, err
}

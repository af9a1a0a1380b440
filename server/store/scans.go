package store

import (
	"bytes"
	"compress/gzip"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/google/uuid"

	"samtykke/consent"
)

// ScanState is how far a scan has come.
type ScanState string

// The states, in their order. A canceled scan is a failed one.
const (
	ScanQueued  ScanState = "queued"
	ScanRunning ScanState = "running"
	ScanDone    ScanState = "done"
	ScanFailed  ScanState = "failed"
)

// ScanOrigin says where a scan comes from.
type ScanOrigin string

// The origins.
const (
	ScanAsked     ScanOrigin = "person"   // somebody asked for it
	ScanScheduled ScanOrigin = "schedule" // it was time
	ScanUploaded  ScanOrigin = "upload"   // it was made elsewhere
)

// ScanJob is a scan without its report.
type ScanJob struct {
	ID                             uuid.UUID // version 7
	Site                           string
	Origin                         ScanOrigin
	By                             string // as in deeds
	Pages, Depth                   int    // as in consent.Scanning
	State                          ScanState
	Tries                          int       // how many times it was begun
	AskedAt, StartedAt, FinishedAt time.Time // zero where that hasn't happened
	Progress                       json.RawMessage
	Error                          *consent.Error // why it failed
	Summary                        json.RawMessage
}

// Open says whether the scan has still to end.
func (j ScanJob) Open() bool { return j.State == ScanQueued || j.State == ScanRunning }

const (
	// MaxQueued is how many scans may wait in an installation; of one site it is one.
	MaxQueued = 100
	// maxTries is how many times a scan is begun whose server disappears.
	maxTries = 2
	// ScansKept is how many ended scans of a site are kept, beside those that inspection packs name.
	ScansKept = 50
)

// AskScan puts a scan into the queue and says whether it did. One that is scheduled isn't put there twice for the same time:
// not where another one was scheduled since. A site has one in the queue at a time.
func (db *DB) AskScan(ctx context.Context, j ScanJob, since time.Time, deeds ...consent.Deed) (asked bool, err error) {
	err = db.did(ctx, db.tx, deeds, func(tx *sql.Tx) error {
		n, err := affected(tx.ExecContext(ctx, `insert into scans
			(id, site, origin, asked_by, asked_at, pages, depth, state, tries, runner, lease, started_at, finished_at, progress, error, summary, kept)
			select $1, num, $2, $3, $4, $5, $6, 'queued', 0, '', 0, 0, 0, '', '', '', 0 from sites where id = $7
			and (select count(*) from scans where state = 'queued') < $8
			and ($2 <> 'schedule' or not exists (select 1 from scans where site = sites.num and origin = 'schedule' and asked_at >= $9))
			on conflict do nothing`, j.ID[:], string(j.Origin), j.By, j.AskedAt.UnixMilli(), j.Pages, j.Depth, j.Site, MaxQueued, since.UnixMilli()))
		if asked = n == 1; asked || err != nil {
			return err
		}
		return errNotAsked // so that nothing is put down about it
	})
	if errors.Is(err, errNotAsked) {
		return false, nil
	}
	return asked, err
}

var errNotAsked = errors.New("no scan was asked for")

// ClaimScan takes the oldest scan of the queue whose site isn't being scanned, and marks it as this runner's until the lease
// ends. ok is false where there is none.
func (db *DB) ClaimScan(ctx context.Context, runner string, now, lease time.Time) (j ScanJob, ok bool, err error) {
	err = db.tx(ctx, func(tx *sql.Tx) error {
		found, err := collect(ctx, tx, func(rows *sql.Rows) (id []byte, err error) { return id, rows.Scan(&id) }, `update scans
			set state = 'running', runner = $1, lease = $2, started_at = $3, tries = tries + 1, progress = '' where state = 'queued' and num =
			(select q.num from scans q where q.state = 'queued' and not exists (select 1 from scans r where r.site = q.site and r.state = 'running')
			order by q.asked_at, q.num limit 1) returning id`, runner, lease.UnixMilli(), now.UnixMilli())
		if err != nil || len(found) == 0 {
			return err
		}
		jobs, err := collect(ctx, tx, readJob, selectJobs+"where scans.id = $1", found[0])
		if err == nil && len(jobs) == 1 {
			j, ok = jobs[0], true
		}
		return err
	})
	return j, ok, err
}

// HoldScan renews a runner's lease and notes how far the scan has come. It says whether the scan is still the runner's:
// otherwise somebody has canceled it, or another server has it.
func (db *DB) HoldScan(ctx context.Context, id uuid.UUID, runner string, lease time.Time, progress []byte) (bool, error) {
	n, err := affected(db.writer.ExecContext(ctx, "update scans set lease = $1, progress = $2 where id = $3 and runner = $4 and state = 'running'",
		lease.UnixMilli(), string(progress), id[:], runner))
	return n == 1, err
}

// ReleaseScan puts a scan back into the queue as if it had never been begun: its server ends.
func (db *DB) ReleaseScan(ctx context.Context, id uuid.UUID, runner string) error {
	_, err := db.writer.ExecContext(ctx, `update scans set state = 'queued', runner = '', lease = 0, started_at = 0, tries = tries - 1, progress = ''
		where id = $1 and runner = $2 and state = 'running' and not exists (select 1 from scans q where q.site = scans.site and q.state = 'queued')`, id[:], runner)
	return err
}

// ScanLost is what a scan ended with whose server disappeared while it ran.
var ScanLost = &consent.Error{Kind: consent.KindUnavailable, Code: "scan_lost", Message: "The server ended while it scanned. Scan again."}

// ExpireScans takes scans from servers that no longer renew their leases: back into the queue, or, the second time or where a
// newer one waits, to their end. It gives those that failed.
func (db *DB) ExpireScans(ctx context.Context, now time.Time) (failed []ScanJob, err error) {
	lost, err := json.Marshal(ScanLost)
	if err != nil {
		return nil, err
	}
	err = db.tx(ctx, func(tx *sql.Tx) error {
		const over = " where state = 'running' and lease < $1 and "
		waits := "exists (select 1 from scans q where q.site = scans.site and q.state = 'queued')"
		ids, err := collect(ctx, tx, func(rows *sql.Rows) (id []byte, err error) { return id, rows.Scan(&id) },
			fmt.Sprintf("update scans set state = 'failed', runner = '', error = $2, finished_at = $1"+over+"(tries >= %d or %s) returning id", maxTries, waits), now.UnixMilli(), string(lost))
		if err != nil {
			return err
		}
		for _, id := range ids {
			jobs, err := collect(ctx, tx, readJob, selectJobs+"where scans.id = $1", id)
			if err != nil {
				return err
			}
			failed = append(failed, jobs...)
		}
		_, err = tx.ExecContext(ctx, "update scans set state = 'queued', runner = '', lease = 0"+over+"true", now.UnixMilli())
		return err
	})
	return failed, err
}

// ScanEnd is how a scan ended.
type ScanEnd struct {
	At      time.Time
	Error   *consent.Error // nil: it was done, and the rest is known
	Report  []byte         // JSON
	Summary []byte         // JSON
	Seen    []Sighting
	// Alarms says, by what is open, what is to be raised and what is solved, by its numbers. nil: neither.
	Alarms func(open []Alarm) (raise []Alarm, solved []int64)
}

// EndScan stores how a runner's scan ended, with what follows from it. A scan that is no longer the runner's stays as it is,
// and ok is false.
func (db *DB) EndScan(ctx context.Context, id uuid.UUID, runner string, end ScanEnd) (ok bool, err error) {
	state, problem, packed := ScanDone, []byte{}, []byte(nil)
	if end.Error != nil {
		state = ScanFailed
		if problem, err = json.Marshal(end.Error); err != nil {
			return false, err
		}
	} else if packed, err = pack(end.Report); err != nil {
		return false, err
	}
	err = db.change(ctx, func(tx *sql.Tx) error {
		sites, err := collect(ctx, tx, scanInt, `update scans set state = $1, finished_at = $2, error = $3, summary = $4, report = $5, runner = '', lease = 0
			where id = $6 and runner = $7 and state = 'running' returning site`,
			string(state), end.At.UnixMilli(), string(problem), string(end.Summary), packed, id[:], runner)
		if err != nil || len(sites) == 0 {
			return err
		}
		ok = true
		return afterScan(ctx, tx, sites[0], end)
	})
	return ok, err
}

// afterScan writes what follows from a scan of a site, and drops what is too old.
func afterScan(ctx context.Context, tx *sql.Tx, site int64, end ScanEnd) error {
	if err := noteSightings(ctx, tx, site, end.Seen, end.At); err != nil {
		return err
	}
	if err := changeAlarms(ctx, tx, site, end.At, end.Alarms); err != nil {
		return err
	}
	_, err := tx.ExecContext(ctx, `delete from scans where site = $1 and kept = 0 and state in ('done', 'failed') and num not in
		(select num from scans where site = $1 and state in ('done', 'failed') order by finished_at desc, num desc limit $2)`, site, ScansKept)
	return err
}

// SetScanSummary replaces what lists tell of a scan: a decision about its findings changes that.
func (db *DB) SetScanSummary(ctx context.Context, id uuid.UUID, summary []byte) error {
	_, err := db.writer.ExecContext(ctx, "update scans set summary = $1 where id = $2", string(summary), id[:])
	return err
}

// errScanOver says that there is nothing to cancel.
var errScanOver = &consent.Error{Kind: consent.KindConflict, Code: "scan_over", Message: "The scan has ended already."}

// CancelScan ends a scan that waits or runs. Its runner notices within seconds.
func (db *DB) CancelScan(ctx context.Context, site string, id uuid.UUID, now time.Time, why *consent.Error, deeds ...consent.Deed) error {
	body, err := json.Marshal(why)
	if err != nil {
		return err
	}
	return db.did(ctx, db.tx, deeds, func(tx *sql.Tx) error {
		n, err := affected(tx.ExecContext(ctx, `update scans set state = 'failed', finished_at = $1, error = $2, runner = '', lease = 0
			where id = $3 and state in ('queued', 'running') and site = (select num from sites where id = $4)`, now.UnixMilli(), string(body), id[:], site))
		if err == nil && n == 0 {
			return errScanOver
		}
		return err
	})
}

const selectJobs = `select scans.id, sites.id, origin, asked_by, pages, depth, state, tries, asked_at, started_at, finished_at, progress, error, summary
	from scans join sites on sites.num = scans.site `

func readJob(rows *sql.Rows) (j ScanJob, err error) {
	var id []byte
	var asked, started, finished int64
	var progress, problem, summary string
	if err := rows.Scan(&id, &j.Site, &j.Origin, &j.By, &j.Pages, &j.Depth, &j.State, &j.Tries, &asked, &started, &finished, &progress, &problem, &summary); err != nil {
		return j, err
	}
	copy(j.ID[:], id)
	j.AskedAt, j.StartedAt, j.FinishedAt = moment(asked), moment(started), moment(finished)
	j.Progress, j.Summary = json.RawMessage(progress), json.RawMessage(summary)
	if problem != "" {
		j.Error = &consent.Error{}
		err = json.Unmarshal([]byte(problem), j.Error)
	}
	return j, err
}

// moment reads milliseconds, of which 0 is never.
func moment(ms int64) time.Time {
	if ms == 0 {
		return time.Time{}
	}
	return time.UnixMilli(ms).UTC()
}

// ScanJobs lists a site's scans, what waits and runs first, then the newest, at most limit.
func (db *DB) ScanJobs(ctx context.Context, site string, limit int) ([]ScanJob, error) {
	return collect(ctx, db.reader, readJob, selectJobs+`where sites.id = $1
		order by case state when 'running' then 0 when 'queued' then 1 else 2 end, finished_at desc, scans.num desc limit $2`, site, limit)
}

// ScanJob reads one of a site's scans; absence is NotFound.
func (db *DB) ScanJob(ctx context.Context, site string, id uuid.UUID) (ScanJob, error) {
	found, err := collect(ctx, db.reader, readJob, selectJobs+"where sites.id = $1 and scans.id = $2", site, id[:])
	if err != nil {
		return ScanJob{}, err
	}
	if len(found) == 0 {
		return ScanJob{}, consent.NotFound("no_such_scan", "There is no such scan.")
	}
	return found[0], nil
}

// ScanReport reads the report of one of a site's scans; absence is NotFound.
func (db *DB) ScanReport(ctx context.Context, site string, id uuid.UUID) ([]byte, error) {
	var packed []byte
	err := db.reader.QueryRowContext(ctx, `select report from scans join sites on sites.num = scans.site
		where sites.id = $1 and scans.id = $2 and report is not null`, site, id[:]).Scan(&packed)
	if err != nil {
		return nil, one(err, "no_report", "The scan has no report.")
	}
	return unpack(packed)
}

// ScanBefore finds the site's last scan that was done before another one; absence is NotFound.
func (db *DB) ScanBefore(ctx context.Context, site string, id uuid.UUID) (ScanJob, error) {
	found, err := collect(ctx, db.reader, readJob, selectJobs+`where sites.id = $1 and state = 'done' and scans.id <> $2
		and finished_at <= coalesce((select nullif(finished_at, 0) from scans where id = $2), 9223372036854775807)
		order by finished_at desc, scans.num desc limit 1`, site, id[:])
	if err != nil {
		return ScanJob{}, err
	}
	if len(found) == 0 {
		return ScanJob{}, noScanYet(sql.ErrNoRows)
	}
	return found[0], nil
}

// Scan is a finished scan as it is kept.
type Scan struct {
	ID      uuid.UUID // uuid.Nil: one is made
	By      string    // who uploaded it, as in deeds
	At      time.Time
	Report  []byte // the scan's JSON
	Summary []byte // JSON: what lists tell of it
	Seen    []Sighting
}

// AddScan keeps the report of a scan that was made elsewhere and changes the draft declaration by what it found, both or
// neither.
func (db *DB) AddScan(ctx context.Context, site string, s Scan, edit func([]consent.Item) ([]consent.Item, error), deeds ...consent.Deed) error {
	packed, err := pack(s.Report)
	if err != nil {
		return err
	}
	if s.ID == uuid.Nil {
		if s.ID, err = uuid.NewV7(); err != nil {
			return err
		}
	}
	return db.did(ctx, db.change, deeds, func(tx *sql.Tx) error {
		if err := updateSite(ctx, tx, `insert into scans
			(id, site, origin, asked_by, asked_at, pages, depth, state, tries, runner, lease, started_at, finished_at, progress, error, summary, kept, report)
			select $1, num, 'upload', $2, $3, 0, 0, 'done', 1, '', 0, $3, $3, '', '', $4, 0, $5 from sites where id = $6`,
			s.ID[:], s.By, s.At.UnixMilli(), string(s.Summary), packed, site); err != nil {
			return err
		}
		var num int64
		if err := tx.QueryRowContext(ctx, "select num from sites where id = $1", site).Scan(&num); err != nil {
			return err
		}
		if err := afterScan(ctx, tx, num, ScanEnd{At: s.At, Seen: s.Seen}); err != nil {
			return err
		}
		return editItems(ctx, tx, site, edit, deeds)
	})
}

const selectScans = "select scans.id, asked_by, finished_at, report, summary from scans join sites on sites.num = scans.site where sites.id = $1 and state = 'done' "

func readScan(rows *sql.Rows) (s Scan, err error) {
	var at int64
	var id, packed []byte
	var summary string
	if err := rows.Scan(&id, &s.By, &at, &packed, &summary); err != nil {
		return s, err
	}
	copy(s.ID[:], id)
	s.At, s.Summary = time.UnixMilli(at).UTC(), []byte(summary)
	s.Report, err = unpack(packed)
	return s, err
}

// Scans reads a site's scans of a time, from inclusive to exclusive, the oldest first, at most limit of the newest.
func (db *DB) Scans(ctx context.Context, site string, from, to time.Time, limit int) ([]Scan, error) {
	scans, err := collect(ctx, db.reader, readScan, selectScans+"and finished_at >= $2 and finished_at < $3 order by finished_at desc, scans.num desc limit $4",
		site, from.UnixMilli(), to.UnixMilli(), limit)
	slices.Reverse(scans)
	return scans, err
}

// KeepScans keeps for good what Scans gives: an inspection pack names it.
func (db *DB) KeepScans(ctx context.Context, site string, from, to time.Time, limit int) error {
	_, err := db.writer.ExecContext(ctx, `update scans set kept = 1 where num in (select scans.num from scans join sites on sites.num = scans.site
		where sites.id = $1 and state = 'done' and finished_at >= $2 and finished_at < $3 order by finished_at desc, scans.num desc limit $4)`,
		site, from.UnixMilli(), to.UnixMilli(), limit)
	return err
}

// LastScanAt is when a site was last scanned; absence is NotFound.
func (db *DB) LastScanAt(ctx context.Context, site string) (time.Time, error) {
	var at int64
	err := db.reader.QueryRowContext(ctx, `select finished_at from scans join sites on sites.num = scans.site
		where sites.id = $1 and state = 'done' order by finished_at desc limit 1`, site).Scan(&at)
	return time.UnixMilli(at).UTC(), noScanYet(err)
}

// LastScan reads a site's newest scan; absence is NotFound.
func (db *DB) LastScan(ctx context.Context, site string) (s Scan, err error) {
	found, err := collect(ctx, db.reader, readScan, selectScans+"order by finished_at desc, scans.num desc limit 1", site)
	if err == nil && len(found) == 0 {
		err = noScanYet(sql.ErrNoRows)
	}
	if err != nil {
		return s, err
	}
	return found[0], nil
}

func noScanYet(err error) error { return one(err, "no_scan", "The website has not been scanned yet.") }

// pack compresses a report: it is long and repeats itself.
func pack(report []byte) ([]byte, error) {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	_, err := z.Write(report)
	err = errors.Join(err, z.Close())
	return b.Bytes(), err
}

// maxReport is more than any report has. A row that holds more was not written by us.
const maxReport = 64 << 20

// unpack reads what pack wrote, and reports from before there was compression.
func unpack(packed []byte) ([]byte, error) {
	if !bytes.HasPrefix(packed, []byte{0x1f, 0x8b}) {
		return packed, nil
	}
	z, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		return nil, fmt.Errorf("read a stored report: %w", err)
	}
	report, err := io.ReadAll(io.LimitReader(z, maxReport))
	if err != nil {
		return nil, fmt.Errorf("read a stored report: %w", err)
	}
	return report, nil
}

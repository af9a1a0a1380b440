package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"time"

	"samtykke/consent"
)

// AlarmKind is what an alarm is about. It never changes its meaning.
type AlarmKind string

// The kinds (H10).
const (
	AlarmItem    AlarmKind = "new_item"    // a scan found what the declaration doesn't name
	AlarmFinding AlarmKind = "finding"     // a critical or high finding that the scan before didn't have
	AlarmScan    AlarmKind = "scan_failed" // nothing is known of today's site
	AlarmDomain  AlarmKind = "domain_lost" // a domain is no longer proven
	AlarmNotice  AlarmKind = "unscanned"   // what was published a while ago was never scanned
	AlarmReview  AlarmKind = "review_due"  // nobody has looked at periods, texts and providers for a year
	AlarmIngest  AlarmKind = "ingest"      // acts of consent could not be recorded
)

// AlarmKinds lists the kinds.
var AlarmKinds = []AlarmKind{AlarmIngest, AlarmFinding, AlarmItem, AlarmScan, AlarmDomain, AlarmNotice, AlarmReview}

// Alarm is something that somebody should look at. It is open until somebody says so, or until it is solved.
type Alarm struct {
	Num     int64
	Site    string
	Kind    AlarmKind
	Subject string            // what it is about: of each kind one alarm is open for a subject
	About   map[string]string // what is told of it: a text by language, or words that are the same in each
	At      time.Time
	Once    bool // it isn't raised again while it is remembered that somebody has seen it
}

// MaxAlarms is how many of a site's alarms can be open. What is more stays in the scans' reports.
const MaxAlarms = 200

// Alarms reads what is open of a site, of all sites where it is empty, the newest first.
func (db *DB) Alarms(ctx context.Context, site string) ([]Alarm, error) {
	return collect(ctx, db.reader, readAlarm, selectAlarms+"where ended_at = 0 and ($1 = '' or sites.id = $1) order by at desc, alarms.num", site)
}

const selectAlarms = "select alarms.num, sites.id, kind, subject, about, at from alarms join sites on sites.num = alarms.site "

func readAlarm(rows *sql.Rows) (a Alarm, err error) {
	var at int64
	var about string
	if err := rows.Scan(&a.Num, &a.Site, &a.Kind, &a.Subject, &about, &at); err != nil {
		return a, err
	}
	a.At = time.UnixMilli(at).UTC()
	return a, json.Unmarshal([]byte(about), &a.About)
}

// ChangeAlarms raises and solves alarms of a site by a function of those that are open. Of what is open already nothing new is
// raised.
func (db *DB) ChangeAlarms(ctx context.Context, site string, now time.Time, change func(open []Alarm) (raise []Alarm, solved []int64)) error {
	return db.tx(ctx, func(tx *sql.Tx) error {
		var num int64
		if err := tx.QueryRowContext(ctx, "select num from sites where id = $1", site).Scan(&num); err != nil {
			return one(err, "no_site", noSite)
		}
		return changeAlarms(ctx, tx, num, now, change)
	})
}

func changeAlarms(ctx context.Context, tx *sql.Tx, site int64, now time.Time, change func([]Alarm) ([]Alarm, []int64)) error {
	if change == nil {
		return nil
	}
	open, err := collect(ctx, tx, readAlarm, selectAlarms+"where ended_at = 0 and alarms.site = $1", site)
	if err != nil {
		return err
	}
	raise, solved := change(open)
	for _, num := range solved {
		if _, err := tx.ExecContext(ctx, "update alarms set ended_at = $1, ended_by = $2 where num = $3 and site = $4 and ended_at = 0",
			now.UnixMilli(), consent.ByJob, num, site); err != nil {
			return err
		}
	}
	for _, a := range raise[:min(len(raise), max(0, MaxAlarms-len(open)+len(solved)))] {
		about, err := json.Marshal(a.About)
		if err != nil {
			return err
		}
		if a.Once {
			var seen int64
			if err := tx.QueryRowContext(ctx, "select count(*) from alarms where site = $1 and kind = $2 and subject = $3", site, string(a.Kind), a.Subject).Scan(&seen); err != nil {
				return err
			}
			if seen > 0 {
				continue
			}
		}
		if _, err := tx.ExecContext(ctx, `insert into alarms (site, kind, subject, about, at, ended_at, ended_by) values ($1, $2, $3, $4, $5, 0, '')
			on conflict do nothing`, site, string(a.Kind), a.Subject, string(about), now.UnixMilli()); err != nil {
			return err
		}
	}
	return nil
}

// alarmsKept is how long ended alarms are kept.
const alarmsKept = 365 * 24 * time.Hour

// SeeAlarm ends an alarm of a site because somebody has seen it; of all that are open where num is 0.
func (db *DB) SeeAlarm(ctx context.Context, site string, num int64, who string, now time.Time, deeds ...consent.Deed) error {
	return db.did(ctx, db.tx, deeds, func(tx *sql.Tx) error {
		n, err := affected(tx.ExecContext(ctx, `update alarms set ended_at = $1, ended_by = $2 where ended_at = 0 and ($3 = 0 or num = $3)
			and site = (select num from sites where id = $4)`, now.UnixMilli(), who, num, site))
		if err != nil {
			return err
		}
		if n == 0 {
			return consent.NotFound("no_alarm", "There is no such alarm any more.")
		}
		_, err = tx.ExecContext(ctx, "delete from alarms where ended_at > 0 and ended_at < $1", now.Add(-alarmsKept).UnixMilli())
		return err
	})
}

// Acceptation is somebody's decision to live with a finding.
type Acceptation struct {
	Finding consent.Finding // as it was then
	Reason  string
	By      string
	At      time.Time
}

// Accepted reads which findings of a site are accepted, the newest decision first.
func (db *DB) Accepted(ctx context.Context, site string) ([]Acceptation, error) {
	return collect(ctx, db.reader, func(rows *sql.Rows) (a Acceptation, err error) {
		var at int64
		var finding string
		if err := rows.Scan(&finding, &a.Reason, &a.By, &at); err != nil {
			return a, err
		}
		a.At = time.UnixMilli(at).UTC()
		return a, json.Unmarshal([]byte(finding), &a.Finding)
	}, "select finding, reason, person, at from accepted join sites on sites.num = accepted.site where sites.id = $1 order by at desc, key", site)
}

// AcceptFinding stores a decision to live with a finding; the last one counts. Its open alarm ends.
func (db *DB) AcceptFinding(ctx context.Context, site string, a Acceptation, deeds ...consent.Deed) error {
	finding, err := json.Marshal(a.Finding)
	if err != nil {
		return err
	}
	return db.did(ctx, db.tx, deeds, func(tx *sql.Tx) error {
		if err := updateSite(ctx, tx, `insert into accepted (site, key, finding, reason, person, at) select num, $1, $2, $3, $4, $5 from sites where id = $6
			on conflict (site, key) do update set finding = excluded.finding, reason = excluded.reason, person = excluded.person, at = excluded.at`,
			a.Finding.Key, string(finding), a.Reason, a.By, a.At.UnixMilli(), site); err != nil {
			return err
		}
		_, err := tx.ExecContext(ctx, `update alarms set ended_at = $1, ended_by = $2 where ended_at = 0 and kind = 'finding' and subject = $3
			and site = (select num from sites where id = $4)`, a.At.UnixMilli(), a.By, a.Finding.Key, site)
		return err
	})
}

// ReopenFinding takes a decision back.
func (db *DB) ReopenFinding(ctx context.Context, site, key string, deeds ...consent.Deed) error {
	return db.did(ctx, db.tx, deeds, func(tx *sql.Tx) error {
		n, err := affected(tx.ExecContext(ctx, "delete from accepted where key = $1 and site = (select num from sites where id = $2)", key, site))
		if err == nil && n == 0 {
			return consent.NotFound("not_accepted", "The finding is not accepted any more.")
		}
		return err
	})
}

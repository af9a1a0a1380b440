package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"
	"time"

	"samtykke/consent"
	"samtykke/server/ledger"
)

// PurgeOrigin says who let a purge run. It names nobody (T2).
type PurgeOrigin string

// Who.
const (
	ByJob     PurgeOrigin = "job"
	ByCommand PurgeOrigin = "command"
	ByPerson  PurgeOrigin = "person"
)

// PurgeRun says what to purge.
type PurgeRun struct {
	Now    time.Time
	Site   string // "": every site
	Origin PurgeOrigin
	Dry    bool         // only count
	Tell   func(Purged) // nil, or told now and then how far the present site has come
}

// Purged is what a purge deleted of a site, or would have deleted.
type Purged struct {
	Site               string
	At                 time.Time
	Origin             PurgeOrigin
	Dry                bool
	Consents, Refusals int64
	Locked             int64 // how many of both were under a lock
}

// Acts is how many there were in all.
func (p *Purged) Acts() int64 { return p.Consents + p.Refusals }

const (
	purgeSlice  = 250   // acts that one transaction deletes: few enough that acts coming in hardly wait
	purgeWindow = 10000 // acts that one query looks at

	// ofOneVisitor is how many acts of one visitor are looked at to see what ended a consent. Nobody honest makes as many;
	// without a limit somebody could make purging take for ever.
	ofOneVisitor = 200
)

// Purge deletes the acts whose time is over (T1) and says so in the log of their site; docs/retention.md has the rules. It
// keeps a report for each site (T2). The counts a day stay, without the cells that few share (T9).
func (db *DB) Purge(ctx context.Context, run PurgeRun) ([]Purged, error) {
	if !run.Dry {
		if err := db.finishDeletions(ctx); err != nil {
			return nil, err
		}
	}
	sites, err := db.Sites(ctx)
	if err != nil {
		return nil, err
	}
	var all []Purged
	var gone int64
	for _, s := range sites {
		if run.Site != "" && run.Site != s.ID {
			continue
		}
		p, err := db.purgeSite(ctx, s, run)
		if err != nil {
			return all, fmt.Errorf("purge site %s: %w", s.ID, err)
		}
		all, gone = append(all, p), gone+p.Acts()
	}
	if run.Site != "" && len(all) == 0 {
		return nil, consent.NotFound("no_site", noSite)
	}
	if gone > 0 && !run.Dry {
		return all, db.Tidy(ctx)
	}
	return all, nil
}

func (db *DB) purgeSite(ctx context.Context, s consent.Site, run PurgeRun) (Purged, error) {
	p := Purged{Site: s.ID, At: run.Now.UTC().Truncate(time.Millisecond), Origin: run.Origin, Dry: run.Dry}
	num, err := db.siteNum(ctx, s.ID)
	if err != nil {
		return p, err
	}
	due, err := db.dueOf(ctx, num, s.Retention, run.Now)
	if err != nil {
		return p, err
	}
	if len(due.rows) > 0 {
		for _, table := range []string{"consents", "locked"} {
			if err := db.purgeTable(ctx, num, table, due, run, &p); err != nil {
				return p, err
			}
		}
	}
	if !run.Dry {
		if err := db.coarsen(ctx, num, run.Now); err != nil {
			return p, err
		}
	}
	return p, db.report(ctx, num, &p)
}

// due is when the acts of each of a site's notices must have been made, or have ended, to be over.
type due struct {
	rows   []string // notice, expired, ended, refused: what is before that is over; milliseconds
	latest int64    // an act made later is not over under any notice
}

// dueOf computes it. The notice's own promise counts where it is shorter than what the site says now.
func (db *DB) dueOf(ctx context.Context, site int64, now consent.Retention, at time.Time) (d due, err error) {
	_, err = collect(ctx, db.reader, func(rows *sql.Rows) (none struct{}, err error) {
		var num int64
		var body string
		if err := rows.Scan(&num, &body); err != nil {
			return none, err
		}
		var c struct {
			Banner    struct{ Days int }
			Retention consent.Retention
		}
		if err := json.Unmarshal([]byte(body), &c); err != nil {
			return none, err
		}
		keep := now.AtMost(c.Retention)
		ended := at.AddDate(0, -keep.Consent, 0)
		expired := ended.AddDate(0, 0, -c.Banner.Days).UnixMilli()
		refused := at.AddDate(0, -keep.Refusal, 0).UnixMilli()
		d.rows = append(d.rows, fmt.Sprintf("(%d, %d, %d, %d)", num, expired, ended.UnixMilli(), refused))
		d.latest = max(d.latest, expired, refused)
		return none, nil
	}, "select num, content from notices where site = $1 order by num", site)
	return d, err
}

// over is the SQL that says of the act under an alias that granted something, whether its time is over: it expired long
// enough ago, and so did what replaced it, where something did. The look-up goes along the index of visitors; the + 0 keeps
// it from going along the site.
func over(table, act string) string {
	return fmt.Sprintf(`%[2]s.at < (select expired from due where due.notice = %[2]s.notice)
		and coalesce((select min(later.at) from (select seq, at from %[1]s where %[4]s and site + 0 = %[2]s.site limit %[3]d) later
			where later.seq > %[2]s.seq), 0) < (select ended from due where due.notice = %[2]s.notice)`, table, act, ofOneVisitor, isVisitor(act+".visitor"))
}

// selectOver finds the acts of a window whose time is over. A refusal stays as long as a consent that it may have ended: the
// consent alone would prove what isn't true any more.
func (d *due) selectOver(table string) string {
	return fmt.Sprintf(`with due(notice, expired, ended, refused) as (values %[2]s)
		select c.seq, c.given from %[1]s c where c.site = $1 and c.seq > $2 and c.seq <= $3 and c.at < %[3]d and
		(c.given <> 0 and %[4]s
		or c.given = 0 and c.at < (select refused from due where due.notice = c.notice)
		and not exists (select 1 from (select * from %[1]s where %[7]s and site + 0 = c.site limit %[6]d) o
			where o.seq < c.seq and o.given <> 0 and not (%[5]s)))
		order by c.seq`, table, strings.Join(d.rows, ", "), d.latest, over(table, "c"), over(table, "o"), ofOneVisitor, isVisitor("c.visitor"))
}

// candidate is an act whose time was over when it was looked at.
type candidate struct{ seq, given int64 }

// candidates looks for them beside the writer, in windows, so that no transaction stays open for long.
func (db *DB) candidates(ctx context.Context, site int64, table string, d due) iter.Seq2[[]candidate, error] {
	query := d.selectOver(table)
	return func(yield func([]candidate, error) bool) {
		end, err := firstAt(ctx, db.reader, site, d.latest)
		for from := int64(-1); err == nil; {
			var to sql.NullInt64
			if err = db.reader.QueryRowContext(ctx, fmt.Sprintf(`select max(seq) from (select seq from %s where site = $1 and seq > $2 and seq < $3
				order by seq limit %d) w`, table, purgeWindow), site, from, end+ledger.Width).Scan(&to); err != nil {
				break
			}
			if !to.Valid {
				return
			}
			var found []candidate
			if found, err = collect(ctx, db.reader, scanCandidate, query, site, from, to.Int64); err == nil && !yield(found, nil) {
				return
			}
			from = to.Int64
		}
		yield(nil, err)
	}
}

func (db *DB) purgeTable(ctx context.Context, site int64, table string, d due, run PurgeRun, p *Purged) error {
	for found, err := range ahead(db.candidates(ctx, site, table, d)) {
		if err != nil {
			return err
		}
		for part := range slices.Chunk(found, purgeSlice) {
			if !run.Dry {
				if part, err = db.purgeActs(ctx, site, table, run.Now, part); err != nil {
					return err
				}
			}
			for _, c := range part {
				if c.given == 0 {
					p.Refusals++
				} else {
					p.Consents++
				}
			}
			if table == "locked" {
				p.Locked += int64(len(part))
			}
			if run.Tell != nil {
				run.Tell(*p)
			}
		}
	}
	return nil
}

// purgeActs deletes acts and returns those that were still there. What is locked stays while the site is under a legal hold.
func (db *DB) purgeActs(ctx context.Context, site int64, table string, now time.Time, part []candidate) ([]candidate, error) {
	numbers := db.dialect.words.Numbers
	for {
		seqs := make([]int64, len(part))
		for i, c := range part {
			seqs[i] = c.seq
		}
		list, err := json.Marshal(seqs)
		if err != nil {
			return nil, err
		}
		err = db.removing(ctx, site, func(tx *sql.Tx) (none ledger.Removal, err error) {
			held, err := db.waitForHolds(ctx, tx, site)
			if err != nil || held && table == "locked" {
				part = nil
				return none, err
			}
			// Counting what went is half the work of having it told.
			done, err := tx.ExecContext(ctx, "delete from "+table+" where site = $1 and seq in ("+numbers+")", site, string(list))
			if err != nil {
				return none, err
			}
			if n, err := done.RowsAffected(); err != nil || n != int64(len(part)) {
				return none, errors.Join(err, errMoved)
			}
			return ledger.NewRemoval(ledger.Purged, now, seqs), nil
		})
		if !errors.Is(err, errMoved) {
			return part, err
		}
		if part, err = collect(ctx, db.reader, scanCandidate, "select seq, given from "+table+" where site = $1 and seq in ("+numbers+")", site, string(list)); err != nil {
			return nil, err
		}
	}
}

// errMoved says that something was erased or locked since it was looked at.
var errMoved = errors.New("some of the acts are not there any more")

func scanCandidate(rows *sql.Rows) (c candidate, err error) { return c, rows.Scan(&c.seq, &c.given) }

func scanInt(rows *sql.Rows) (n int64, err error) { return n, rows.Scan(&n) }

// few is how many acts a count needs to keep its details once the acts themselves are gone (T9).
const few = 5

// coarsen takes language, notice, categories and devices from the small counts of the days whose acts are all gone: what is left
// says how often something was chosen on a day.
func (db *DB) coarsen(ctx context.Context, site int64, now time.Time) error {
	day := now.UnixMilli()/dayMillis - 31
	for _, table := range []string{"consents", "locked"} {
		var at int64
		err := db.reader.QueryRowContext(ctx, "select at from "+table+" where site = $1 order by seq limit 1", site).Scan(&at)
		if err == nil {
			day = min(day, at/dayMillis)
		} else if err != sql.ErrNoRows { //nolint:errorlint // database/sql returns it bare
			return err
		}
	}
	if err := db.coarsenDevices(ctx, site, day); err != nil {
		return err
	}
	for {
		var first sql.NullInt64
		if err := db.reader.QueryRowContext(ctx, "select min(day) from daily_counts where site = $1 and day < $2 and n < $3 and language <> ''",
			site, day, few).Scan(&first); err != nil || !first.Valid {
			return err
		}
		to := min(day, first.Int64+31)
		if err := db.tx(ctx, func(tx *sql.Tx) error {
			const small = " from daily_counts where site = $1 and day >= $2 and day < $3 and n < $4 and language <> ''"
			if _, err := tx.ExecContext(ctx, `insert into daily_counts (site, day, notice, action, given, language, n)
				select site, day, 0, action, 0, '', cast(sum(n) as bigint)`+small+` group by site, day, action
				on conflict (site, day, notice, action, given, language) do update set n = daily_counts.n + excluded.n`, site, first.Int64, to, few); err != nil {
				return err
			}
			if _, err := tx.ExecContext(ctx, "delete"+small, site, first.Int64, to, few); err != nil {
				return err
			}
			return resum(ctx, tx, site, first.Int64, to)
		}); err != nil {
			return err
		}
	}
}

// reportsKept is how long reports of purges are kept, in months.
const reportsKept = consent.MaxKeep

func (db *DB) report(ctx context.Context, site int64, p *Purged) error {
	return db.tx(ctx, func(tx *sql.Tx) error {
		dry := 0
		if p.Dry {
			dry = 1
		}
		if _, err := tx.ExecContext(ctx, "insert into purges (site, at, origin, dry, consents, refusals, locked) values ($1, $2, $3, $4, $5, $6, $7)",
			site, p.At.UnixMilli(), p.Origin, dry, p.Consents, p.Refusals, p.Locked); err != nil {
			return err
		}
		_, err := tx.ExecContext(ctx, "delete from purges where site = $1 and at < $2", site, p.At.AddDate(0, -reportsKept, 0).UnixMilli())
		return err
	})
}

// Purges reads the newest reports of a site's purges, the newest first.
func (db *DB) Purges(ctx context.Context, site string, limit int) ([]Purged, error) {
	return collect(ctx, db.reader, func(rows *sql.Rows) (p Purged, err error) {
		var at int64
		var dry int
		err = rows.Scan(&at, &p.Origin, &dry, &p.Consents, &p.Refusals, &p.Locked)
		p.Site, p.At, p.Dry = site, time.UnixMilli(at).UTC(), dry != 0
		return p, err
	}, `select p.at, p.origin, p.dry, p.consents, p.refusals, p.locked from purges p join sites s on s.num = p.site
		where s.id = $1 order by p.at desc, p.num desc limit $2`, site, limit)
}

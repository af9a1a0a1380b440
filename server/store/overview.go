package store

import (
	"cmp"
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strings"
	"time"

	"samtykke/consent"
)

// Sum is what was chosen in some time on one site or several.
type Sum struct {
	AcceptAll, RejectAll, Custom, Withdraw int64
	Preferences, Statistics, Marketing     int64 // answers that gave the category
}

// Add adds another time or site.
func (s *Sum) Add(o Sum) {
	s.AcceptAll += o.AcceptAll
	s.RejectAll += o.RejectAll
	s.Custom += o.Custom
	s.Withdraw += o.Withdraw
	s.Preferences += o.Preferences
	s.Statistics += o.Statistics
	s.Marketing += o.Marketing
}

// Answers is how often the banner was answered: everything but withdrawals.
func (s Sum) Answers() int64 { return s.AcceptAll + s.RejectAll + s.Custom }

// Acts is how many acts there were.
func (s Sum) Acts() int64 { return s.Answers() + s.Withdraw }

// Of is the number of one action.
func (s Sum) Of(a consent.Action) int64 {
	return map[consent.Action]int64{
		consent.AcceptAll: s.AcceptAll, consent.RejectAll: s.RejectAll, consent.Custom: s.Custom, consent.Withdraw: s.Withdraw,
	}[a]
}

// Given is how many answers gave a category.
func (s Sum) Given(c consent.Category) int64 {
	return map[consent.Category]int64{consent.Preferences: s.Preferences, consent.Statistics: s.Statistics, consent.Marketing: s.Marketing}[c]
}

// SiteDay is what was chosen on one day (UTC) of a site, or of several where Site is empty.
type SiteDay struct {
	Site string
	Day  time.Time
	Sum
}

// tallied are the columns of daily_sums as rows of daily_counts fill them: an action a row, its categories as bits. Withdrawals
// give nothing.
var tallied = func() string {
	list, names := "", "aruwpsm"
	as := func() {
		list += " as " + names[:1]
		names = names[1:]
	}
	for _, a := range []consent.Action{consent.AcceptAll, consent.RejectAll, consent.Custom, consent.Withdraw} {
		list += fmt.Sprintf(", case when c.action = %d then c.n else 0 end", a.Number())
		as()
	}
	for _, cat := range []consent.Category{consent.Preferences, consent.Statistics, consent.Marketing} {
		list += fmt.Sprintf(", case when c.action <> %d and (c.given & %d) <> 0 then c.n else 0 end", consent.Withdraw.Number(), consent.SetOf(cat))
		as()
	}
	return list
}()

const sumColumns = "accept_all, reject_all, custom, withdraw, preferences, statistics, marketing"

// summed are the same columns as sums of an inner query.
var summed = sumOf("a, r, u, w, p, s, m")

// sumOf are the sums of columns.
func sumOf(columns string) string {
	var out []string
	for _, c := range strings.Split(columns, ", ") {
		out = append(out, "cast(sum("+c+") as bigint)")
	}
	return strings.Join(out, ", ")
}

// SumsByDay reads what was chosen on each day of some sites, from inclusive to exclusive, only where there is something.
func (db *DB) SumsByDay(ctx context.Context, sites []string, from, to time.Time) ([]SiteDay, error) {
	return db.sums(ctx, sites, from, to, "''", "day")
}

// SumsBySite reads the same for each site by itself.
func (db *DB) SumsBySite(ctx context.Context, sites []string, from, to time.Time) ([]SiteDay, error) {
	return db.sums(ctx, sites, from, to, "id", "id, day")
}

// sums adds up what is summed up already and, from a site's first day that isn't, what is counted.
func (db *DB) sums(ctx context.Context, sites []string, from, to time.Time, site, by string) ([]SiteDay, error) {
	if len(sites) == 0 {
		return nil, nil
	}
	args := []any{from.UnixMilli() / dayMillis, to.UnixMilli() / dayMillis}
	for _, s := range sites {
		args = append(args, s)
	}
	wanted := placeholdersFrom(3, len(sites))
	read := func(rows *sql.Rows) (d SiteDay, err error) {
		var day int64
		err = rows.Scan(&d.Site, &day, &d.AcceptAll, &d.RejectAll, &d.Custom, &d.Withdraw, &d.Preferences, &d.Statistics, &d.Marketing)
		d.Day = time.UnixMilli(day * dayMillis).UTC()
		return d, err
	}
	columns, grouped := sumOf(sumColumns), " group by "+by
	if site == "id" { // a day of a site is a row
		columns, grouped = sumColumns, ""
	}
	done, err := collect(ctx, db.reader, read, `select `+site+`, day, `+columns+` from daily_sums join sites on sites.num = daily_sums.site
		where id in `+wanted+` and day >= $1 and day < $2`+grouped, args...)
	if err != nil {
		return nil, err
	}
	fresh, err := collect(ctx, db.reader, read, `with rolled as (select num, id, coalesce((select max(day) from daily_sums where site = sites.num), -1) + 1 as next
			from sites where id in `+wanted+`),
		wanted as (select num, id, case when next > $1 then next else $1 end as fresh from rolled),
		days as (select w.id, c.day`+tallied+` from wanted w join daily_counts c on c.site = w.num where c.day >= w.fresh and c.day < $2)
		select `+site+`, day, `+summed+` from days group by `+by, args...)
	return together(append(done, fresh...)), err
}

// together adds up what is of the same site and day, the oldest first.
func together(days []SiteDay) (out []SiteDay) {
	slices.SortStableFunc(days, func(a, b SiteDay) int { return cmp.Or(a.Day.Compare(b.Day), cmp.Compare(a.Site, b.Site)) })
	for _, d := range days {
		if last := len(out) - 1; last >= 0 && out[last].Day.Equal(d.Day) && out[last].Site == d.Site {
			out[last].Add(d.Sum)
			continue
		}
		out = append(out, d)
	}
	return out
}

// placeholdersFrom is one row of n placeholders, the first of which has this number.
func placeholdersFrom(first, n int) string {
	out := "("
	for i := range n {
		if i > 0 {
			out += ", "
		}
		out += fmt.Sprintf("$%d", first+i)
	}
	return out + ")"
}

// RollUp sums up the days of all sites that are over. Two days' rest is longer than any clock is wrong.
func (db *DB) RollUp(ctx context.Context, now time.Time) error {
	to := now.UnixMilli()/dayMillis - 1
	behind, err := collect(ctx, db.reader, func(rows *sql.Rows) (s [2]int64, err error) { return s, rows.Scan(&s[0], &s[1]) },
		`with rolled as (select num, coalesce((select max(day) from daily_sums where site = sites.num), -1) + 1 as next from sites)
		select num, next from rolled where exists (select 1 from daily_counts c where c.site = rolled.num and c.day >= rolled.next and c.day < $1)`, to)
	for _, s := range behind {
		if err := db.tx(ctx, func(tx *sql.Tx) error { return sumUp(ctx, tx, s[0], s[1], to) }); err != nil {
			return err
		}
	}
	return err
}

// sumUp sums up days of a site anew.
func sumUp(ctx context.Context, tx *sql.Tx, site, from, to int64) error {
	if _, err := tx.ExecContext(ctx, "delete from daily_sums where site = $1 and day >= $2 and day < $3", site, from, to); err != nil {
		return err
	}
	_, err := tx.ExecContext(ctx, `insert into daily_sums (site, day, `+sumColumns+`)
		select cast($1 as bigint), day, `+summed+` from (select c.day as day`+tallied+` from daily_counts c where c.site = $1 and c.day >= $2 and c.day < $3) as counted
		group by day`, site, from, to)
	return err
}

// resum sums up those days of a range anew that had been: their counts were changed.
func resum(ctx context.Context, tx *sql.Tx, site, from, to int64) error {
	var last sql.NullInt64
	if err := tx.QueryRowContext(ctx, "select max(day) from daily_sums where site = $1", site).Scan(&last); err != nil || !last.Valid {
		return err
	}
	if to = min(to, last.Int64+1); from >= to {
		return nil
	}
	return sumUp(ctx, tx, site, from, to)
}

// resumDays is resum for the days of acts.
func resumDays(ctx context.Context, tx *sql.Tx, rows []row) error {
	done := map[[2]int64]bool{}
	for i := range rows {
		site, day := rows[i].site, rows[i].at/dayMillis
		if done[[2]int64{site, day}] {
			continue
		}
		done[[2]int64{site, day}] = true
		if err := resum(ctx, tx, site, day, day+1); err != nil {
			return err
		}
	}
	return nil
}

// Share is how often one thing was chosen under one notice in one language.
type Share struct {
	Version  int // of the notice; 0: no longer known
	Action   consent.Action
	Given    consent.Set
	Language string // empty: no longer known
	N        int64
}

// Shares reads what was chosen on a site, from inclusive to exclusive, by everything that is counted.
func (db *DB) Shares(ctx context.Context, site string, from, to time.Time) ([]Share, error) {
	return collect(ctx, db.reader, func(rows *sql.Rows) (s Share, err error) {
		var action int
		err = rows.Scan(&s.Version, &action, &s.Given, &s.Language, &s.N)
		if action < len(consent.Actions) {
			s.Action = consent.Actions[action]
		}
		return s, err
	}, `select coalesce(n.version, 0), c.action, c.given, c.language, c.n from
		(select notice, action, given, language, cast(sum(daily_counts.n) as bigint) as n from daily_counts
			where site = (select num from sites where id = $1) and day >= $2 and day < $3 group by notice, action, given, language) c
		left join notices n on n.num = c.notice order by 1 desc, c.n desc`, site, from.UnixMilli()/dayMillis, to.UnixMilli()/dayMillis)
}

// ActsSince counts the acts of a site from one moment to before another by their places in its log: what was erased since counts
// too.
func (db *DB) ActsSince(ctx context.Context, site string, from, to time.Time) (int64, error) {
	num, err := db.siteNum(ctx, site)
	if err != nil {
		return 0, err
	}
	var size int64
	if err := db.reader.QueryRowContext(ctx, "select size from logs where kind = $1 and site = $2", acts, num).Scan(&size); err != nil {
		return 0, err
	}
	first, end, err := db.Range(ctx, site, from, to, size)
	return end - first, err
}

// SiteHead is what a list of sites tells of each beside its numbers.
type SiteHead struct {
	Version      int       // of the newest notice; 0: nothing is published
	ValidFrom    time.Time // of that notice
	ScannedAt    time.Time // of the newest finished scan; zero: never
	Summary      []byte    // JSON: what lists tell of that scan
	Unclassified int       // items of the draft
	Alarms       int       // that are open
}

// SiteHeads reads the heads of sites, by their ids.
func (db *DB) SiteHeads(ctx context.Context, sites []string) (map[string]SiteHead, error) {
	heads := make(map[string]SiteHead, len(sites))
	if len(sites) == 0 {
		return heads, nil
	}
	unclassified, err := db.unclassified(ctx)
	if err != nil {
		return heads, err
	}
	_, err = collect(ctx, db.reader, func(rows *sql.Rows) (none struct{}, err error) {
		var h SiteHead
		var id, summary string
		var from, scanned int64
		if err := rows.Scan(&id, &h.Version, &from, &scanned, &summary, &h.Alarms); err != nil {
			return none, err
		}
		h.ValidFrom, h.ScannedAt, h.Summary, h.Unclassified = moment(from), moment(scanned), []byte(summary), unclassified[id]
		heads[id] = h
		return none, nil
	}, `select s.id, coalesce(n.version, 0), coalesce(n.valid_from, 0), coalesce(k.finished_at, 0), coalesce(k.summary, ''),
			(select count(*) from alarms where site = s.num and ended_at = 0)
		from sites s left join notices n on n.site = s.num and n.version = (select max(version) from notices where site = s.num)
		left join scans k on k.num = (select num from scans where site = s.num and state = 'done' order by finished_at desc, num desc limit 1)
		where s.id in `+placeholdersFrom(1, len(sites)), anys(sites)...)
	return heads, err
}

// unclassified counts the items of each site's draft that nobody has sorted. Drafts are long and seldom changed: they are read
// when the revision has grown.
func (db *DB) unclassified(ctx context.Context) (map[string]int, error) {
	revision, err := db.Revision(ctx)
	if err != nil {
		return nil, err
	}
	db.mu.RLock()
	kept, at := db.unsorted, db.unsortedAt
	db.mu.RUnlock()
	if kept != nil && at == revision {
		return kept, nil
	}
	// Quotes within a text of the JSON are escaped, so that only a category is spelled like this.
	const spelled = `"category":"unclassified"`
	counts := map[string]int{}
	_, err = collect(ctx, db.reader, func(rows *sql.Rows) (none struct{}, err error) {
		var id string
		var n int
		err = rows.Scan(&id, &n)
		counts[id] = n
		return none, err
	}, fmt.Sprintf("select id, (length(items) - length(replace(items, '%s', ''))) / %d from sites", spelled, len(spelled)))
	if err != nil {
		return nil, err
	}
	db.mu.Lock()
	defer db.mu.Unlock()
	db.unsorted, db.unsortedAt = counts, revision
	return counts, nil
}

func anys(list []string) []any {
	out := make([]any, len(list))
	for i, s := range list {
		out[i] = s
	}
	return out
}

// Mark is how far a site's log of acts has come. While it is the same, so are the site's counts, but for the details that small
// ones lose long afterwards (T9).
type Mark struct {
	Entries  int64 // acts, and entries that took acts away or brought them back
	Removals int64 // the last entry of the second kind; -1: none. While it is the same, so are the counts of days that are over
}

// Marks reads the marks of sites, by their ids.
func (db *DB) Marks(ctx context.Context, sites []string) (map[string]Mark, error) {
	marks := make(map[string]Mark, len(sites))
	if len(sites) == 0 {
		return marks, nil
	}
	_, err := collect(ctx, db.reader, func(rows *sql.Rows) (none struct{}, err error) {
		var id string
		var m Mark
		err = rows.Scan(&id, &m.Entries, &m.Removals)
		marks[id] = m
		return none, err
	}, `select s.id, l.size, coalesce((select max(seq) from removals where site = s.num), -1) from sites s join logs l on l.site = s.num and l.kind = 0
		where s.id in `+placeholdersFrom(1, len(sites)), anys(sites)...)
	return marks, err
}

// Step is what somebody has said of a step of a site's guided start.
type Step struct {
	Name, By string
	Skipped  bool // else it is done
	At       time.Time
}

// Steps reads the steps of a site that somebody has settled, by their names.
func (db *DB) Steps(ctx context.Context, site string) (map[string]Step, error) {
	steps := map[string]Step{}
	_, err := collect(ctx, db.reader, func(rows *sql.Rows) (none struct{}, err error) {
		var s Step
		var state string
		var at int64
		if err := rows.Scan(&s.Name, &state, &s.By, &at); err != nil {
			return none, err
		}
		s.Skipped, s.At = state == "skipped", moment(at)
		steps[s.Name] = s
		return none, nil
	}, "select step, state, person, at from steps where site = (select num from sites where id = $1)", site)
	return steps, err
}

// SetStep settles a step of a site.
func (db *DB) SetStep(ctx context.Context, site string, s Step, deeds ...consent.Deed) error {
	state := "done"
	if s.Skipped {
		state = "skipped"
	}
	return db.did(ctx, db.tx, deeds, func(tx *sql.Tx) error {
		return updateSite(ctx, tx, `insert into steps (site, step, state, person, at) select num, $1, $2, $3, $4 from sites where id = $5
			on conflict (site, step) do update set state = excluded.state, person = excluded.person, at = excluded.at`,
			s.Name, state, s.By, s.At.UnixMilli(), site)
	})
}

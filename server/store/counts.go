package store

import (
	"bytes"
	"cmp"
	"context"
	"database/sql"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"samtykke/consent"
)

// tally is a row of daily_counts.
type tally struct {
	site, day, notice, action, given int64
	language                         string
}

const dayMillis = 24 * 60 * 60 * 1000

// count is what adds the rows to the counts of their days, in a fixed order, so that two servers never wait for each
// other's rows crosswise.
func count(rows []row) (out []stmt) {
	sums := map[tally]int64{}
	for i := range rows {
		r := &rows[i]
		sums[tally{r.site, r.at / dayMillis, r.notice, r.action, r.given, r.language}]++
	}
	keys := make([]tally, 0, len(sums))
	for k := range sums {
		keys = append(keys, k)
	}
	slices.SortFunc(keys, func(a, b tally) int {
		return cmp.Or(cmp.Compare(a.site, b.site), cmp.Compare(a.day, b.day), cmp.Compare(a.notice, b.notice),
			cmp.Compare(a.action, b.action), cmp.Compare(a.given, b.given), strings.Compare(a.language, b.language))
	})
	for part := range slices.Chunk(keys, tallies) {
		args := make([]any, 0, 7*len(part))
		for _, k := range part {
			args = append(args, k.site, k.day, k.notice, k.action, k.given, k.language, sums[k])
		}
		out = append(out, stmt{addTallies[len(part)], args})
	}
	return out
}

// tallies is how many counts one statement adds: one round trip for nearly every group.
const tallies = 16

// addTallies are the statements that add 1 to tallies counts, by their number.
var addTallies = func() (statements [tallies + 1]string) {
	for n := range statements {
		statements[n] = "insert into daily_counts (site, day, notice, action, given, language, n) values " + placeholders(n, 7) +
			" on conflict (site, day, notice, action, given, language) do update set n = daily_counts.n + excluded.n"
	}
	return statements
}()

// DayCount is how often something was chosen on one day (UTC).
type DayCount struct {
	Day    time.Time
	Counts map[consent.Action]int64
}

// Daily reads the counts a day of a site, from inclusive, to exclusive, every day present, the oldest first.
func (db *DB) Daily(ctx context.Context, site string, from, to time.Time) ([]DayCount, error) {
	first, last := from.UnixMilli()/dayMillis, to.UnixMilli()/dayMillis
	days := make([]DayCount, max(0, last-first))
	for i := range days {
		days[i] = DayCount{Day: time.UnixMilli((first + int64(i)) * dayMillis).UTC(), Counts: map[consent.Action]int64{}}
	}
	_, err := collect(ctx, db.reader, func(rows *sql.Rows) (struct{}, error) {
		var day, n int64
		var action int
		if err := rows.Scan(&day, &action, &n); err != nil {
			return struct{}{}, err
		}
		if action < len(consent.Actions) {
			days[day-first].Counts[consent.Actions[action]] += n
		}
		return struct{}{}, nil
	}, `select day, action, cast(sum(daily_counts.n) as bigint) from daily_counts join sites on sites.num = daily_counts.site
		where sites.id = $1 and day >= $2 and day < $3 group by day, action`, site, first, last)
	return days, err
}

// NoticeDay is how often something was chosen on one day (UTC) under one notice.
type NoticeDay struct {
	DayCount
	Notice consent.Hash
}

// DailyByNotice reads the counts a day and notice of a site, from inclusive to exclusive, only where there are any.
func (db *DB) DailyByNotice(ctx context.Context, site string, from, to time.Time) ([]NoticeDay, error) {
	var out []NoticeDay
	_, err := collect(ctx, db.reader, func(rows *sql.Rows) (struct{}, error) {
		var day, n int64
		var hash []byte
		var action int
		if err := rows.Scan(&day, &hash, &action, &n); err != nil {
			return struct{}{}, err
		}
		at := time.UnixMilli(day * dayMillis).UTC()
		if last := len(out) - 1; last < 0 || out[last].Day != at || !bytes.Equal(out[last].Notice[:], hash) {
			out = append(out, NoticeDay{DayCount: DayCount{Day: at, Counts: map[consent.Action]int64{}}, Notice: consent.Hash(hash)})
		}
		if action < len(consent.Actions) {
			out[len(out)-1].Counts[consent.Actions[action]] += n
		}
		return struct{}{}, nil
	}, `select d.day, notices.hash, d.action, cast(sum(d.n) as bigint) from daily_counts d join sites on sites.num = d.site
		join notices on notices.num = d.notice where sites.id = $1 and d.day >= $2 and d.day < $3
		group by d.day, notices.num, notices.hash, d.action order by d.day, notices.num`, site, from.UnixMilli()/dayMillis, to.UnixMilli()/dayMillis)
	return out, err
}

// CountAtMost says how many records of a filter there are at most, from the counts: those that were erased or purged since are
// counted too, and so is all of a day of which only a part is asked for. Of one visitor it is 0, since nobody counts them.
func (db *DB) CountAtMost(ctx context.Context, f Filter) (n int64, err error) {
	if f.Visitor != uuid.Nil {
		return 0, nil
	}
	first, last := int64(0), int64(math.MaxInt64)
	if !f.From.IsZero() {
		first = f.From.UnixMilli() / dayMillis
	}
	if !f.To.IsZero() {
		last = (f.To.UnixMilli() - 1) / dayMillis
	}
	where, args := "where site = (select num from sites where id = $1) and day >= $2 and day <= $3", []any{f.Site, first, last}
	add := func(condition string, v any) {
		args = append(args, v)
		where += fmt.Sprintf(" and "+condition, len(args))
	}
	if k := f.Action.Number(); k >= 0 {
		add("action = $%d", k)
	}
	if f.Granted.Optional() {
		add("given & $%d <> 0", int64(consent.SetOf(f.Granted)))
	}
	if f.Notice != (consent.Hash{}) {
		r, err := db.ref(ctx, f.Notice)
		if err != nil {
			return 0, err
		}
		add("notice = $%d", r.num)
	}
	err = db.reader.QueryRowContext(ctx, "select cast(coalesce(sum(n), 0) as bigint) from daily_counts "+where, args...).Scan(&n)
	return n, err
}

package store

import (
	"context"
	"fmt"
	"math"
)

// some reads at most limit rows of a filter with numbers from from to before to, the newest first.
func (db *DB) some(ctx context.Context, f Filter, from, to int64, limit int) ([]row, error) {
	where, args, err := db.where(ctx, f)
	if err != nil {
		return nil, err
	}
	if from > 0 || to < math.MaxInt64 {
		where += fmt.Sprintf(" and seq >= %d and seq < %d", from, to)
	}
	return collect(ctx, db.reader, scanConsent, fmt.Sprintf("%s%s order by seq desc limit %d", selectConsents, where, limit), args...)
}

// maxExamined is how many entries of the log one page of a search looks at, and window how many at a time.
var maxExamined, window int64 = 100_000, 25_000

// search reads a page and one row more, window by window. Where it stops early it says before which number.
func (db *DB) search(ctx context.Context, f Filter) (rows []row, stopped int64, err error) {
	end, _, err := db.Recorded(ctx, f.Site)
	if err != nil {
		return nil, 0, err
	}
	begin, end, err := db.Range(ctx, f.Site, f.From, f.To, end)
	if f.After != "" && err == nil {
		var after int64
		after, err = readCursor(f.After)
		end = min(end, after)
	}
	for to := end; err == nil && to > begin && len(rows) <= f.Limit; {
		if end-to >= maxExamined {
			return rows, to, nil
		}
		from := max(begin, to-window)
		var more []row
		more, err = db.some(ctx, f, from, to, f.Limit+1-len(rows))
		rows, to = append(rows, more...), from
	}
	return rows, 0, err
}

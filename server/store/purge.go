package store

import (
	"context"
	"database/sql"
	"time"

	"github.com/google/uuid"

	"samtykke/consent"
)

// purgeSlice is how many acts one transaction deletes: few enough that acts coming in hardly wait.
const purgeSlice = 500

// Purge deletes the acts whose time is over: those that granted something consent.KeepConsent after they stopped
// counting, refusals consent.KeepRefusal after they were made (T1). It returns how many; a dry run only counts them.
// The counts a day stay: they name nobody (T9).
func (db *DB) Purge(ctx context.Context, now time.Time, dryRun bool) (total int64, err error) {
	nums, err := collect(ctx, db.reader, func(rows *sql.Rows) (n int64, err error) { return n, rows.Scan(&n) }, "select num from notices order by num")
	if err != nil {
		return 0, err
	}
	for _, num := range nums {
		ref, err := db.refByNum(ctx, num)
		if err != nil {
			return total, err
		}
		granted := now.AddDate(0, -consent.KeepConsent, 0).Add(-ref.validity)
		refused := now.AddDate(0, -consent.KeepRefusal, 0)
		const which = "from consents where site = $1 and notice = $2 and at < $3 and (at < $4 or given = 0) and (at < $5 or given <> 0)"
		n, err := db.purge(ctx, which, dryRun, ref.site, num, latest(granted, refused), granted.UnixMilli(), refused.UnixMilli())
		if total += n; err != nil {
			return total, err
		}
	}
	return total, nil
}

// EraseVisitor deletes everything that is kept of one visitor on one site and returns how many acts that were; none is not
// an error. The counts a day stay: they name nobody (T9).
func (db *DB) EraseVisitor(ctx context.Context, site string, visitor uuid.UUID) (int64, error) {
	res, err := db.writer.ExecContext(ctx, "delete from consents where visitor = $1 and site = (select num from sites where id = $2)", visitor[:], site)
	if err != nil {
		return 0, err
	}
	return res.RowsAffected()
}

func latest(a, b time.Time) int64 { return max(a.UnixMilli(), b.UnixMilli()) }

func (db *DB) purge(ctx context.Context, which string, dryRun bool, args ...any) (total int64, err error) {
	if dryRun {
		err = db.reader.QueryRowContext(ctx, "select count(*) "+which, args...).Scan(&total)
		return total, err
	}
	for {
		res, err := db.writer.ExecContext(ctx, "delete from consents where seq in (select seq "+which+" limit $6)", append(args, purgeSlice)...)
		if err != nil {
			return total, err
		}
		n, err := res.RowsAffected()
		if total += n; err != nil || n < purgeSlice {
			return total, err
		}
	}
}

package store

import (
	"cmp"
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"

	"samtykke/consent"
	"samtykke/server/ledger"
)

// Lock is why an act is withheld; "" where it isn't.
type Lock string

// The reasons.
const (
	Restricted    Lock = "restricted"     // the visitor wants it kept and not used (GDPR art. 18); the visitor may lift it
	AwaitsErasure Lock = "awaits_erasure" // the visitor wants it gone and a legal hold forbids it; it goes when the hold ends
)

// OwnAct is an act as its visitor may see it, withheld or not.
type OwnAct struct {
	Entry
	Lock Lock
	// Dropped says that optional fields are gone. The leaf in the log is over the whole record, so that it can't be proven
	// any more; such an act stays withheld until it is erased.
	Dropped bool
}

var selectOwn = "select " + consentColumns + ", '' as why, 0 as dropped from consents where " + isVisitor("$1") + " and site + 0 = $2 union all " +
	"select " + consentColumns + ", why, dropped from locked where " + isVisitor("$1") + " and site + 0 = $2 order by seq desc limit 1000"

// OwnActs reads everything that is kept of one visitor on one site, also what is withheld, the oldest first; of more than a
// thousand the newest. None is not an error.
func (db *DB) OwnActs(ctx context.Context, site string, visitor uuid.UUID) ([]OwnAct, error) {
	num, err := db.siteNum(ctx, site)
	if err != nil || visitor == uuid.Nil {
		return nil, err
	}
	type own struct {
		row     row
		lock    Lock
		dropped int
	}
	found, err := collect(ctx, db.reader, func(rows *sql.Rows) (o own, err error) {
		o.row, err = scanConsentAnd(rows, &o.lock, &o.dropped)
		return o, err
	}, selectOwn, visitor[:], num)
	if err != nil {
		return nil, err
	}
	acts := make([]OwnAct, len(found))
	for i := range found {
		o := &found[i]
		acts[i] = OwnAct{Entry{Seq: o.row.seq, Salt: o.row.salt}, o.lock, o.dropped != 0}
		if acts[i].Record, err = db.toRecord(ctx, &o.row); err != nil {
			return nil, err
		}
	}
	slices.Reverse(acts)
	return acts, nil
}

// Restriction is what became of a visitor's acts, and how many are restricted now.
type Restriction struct{ Changed, Restricted int64 }

// Restrict withholds what is kept of one visitor on one site so far, or brings it back (GDPR art. 18). New acts are recorded
// as ever. Nothing is dropped, so that what comes back is proven by the log as before. An act that was sent again meanwhile
// is there already, and its older twin stays withheld.
func (db *DB) Restrict(ctx context.Context, site string, visitor uuid.UUID, on bool, now time.Time, deeds ...consent.Deed) (r Restriction, err error) {
	num, err := db.siteNum(ctx, site)
	if err != nil {
		return r, err
	}
	err = db.removingBy(ctx, num, func(tx *sql.Tx) (none ledger.Removal, _ []consent.Deed, err error) {
		if _, err := db.waitForHolds(ctx, tx, num); err != nil {
			return none, nil, err
		}
		var seqs []int64
		why, count := ledger.Locked, "restricted"
		if on {
			seqs, err = lock(ctx, tx, num, visitor, Restricted)
		} else {
			why, count = ledger.Unlocked, "released"
			seqs, err = db.unlock(ctx, tx, num, visitor)
		}
		if err != nil {
			return none, nil, err
		}
		r.Changed = int64(len(seqs))
		r.Restricted, err = lockedOf(ctx, tx, num, visitor, Restricted)
		return eachAlone(why, now, seqs), about(deeds, len(seqs), map[string]any{count: len(seqs)}), err
	})
	return r, err
}

// lock moves a visitor's acts out of the sight of lists, counts and exports.
func lock(ctx context.Context, tx *sql.Tx, site int64, visitor uuid.UUID, why Lock) ([]int64, error) {
	rows, err := collect(ctx, tx, scanConsent, "delete from consents where "+isVisitor("$1")+" and site = $2 returning "+consentColumns, visitor[:], site)
	if err != nil {
		return nil, err
	}
	if err := uncount(ctx, tx, rows); err != nil {
		return nil, err
	}
	return withhold(ctx, tx, rows, why)
}

// lockForErasure locks a visitor's acts, those that are restricted among them, and drops their optional fields.
func lockForErasure(ctx context.Context, tx *sql.Tx, site int64, visitor uuid.UUID) ([]int64, error) {
	seqs, err := lock(ctx, tx, site, visitor, AwaitsErasure)
	if err != nil {
		return nil, err
	}
	before, err := collect(ctx, tx, scanConsent, "delete from locked where "+isVisitor("$1")+" and site = $2 and why = $3 returning "+consentColumns,
		visitor[:], site, Restricted)
	if err != nil {
		return nil, err
	}
	more, err := withhold(ctx, tx, before, AwaitsErasure)
	return append(seqs, more...), err
}

const insertLocked = "insert into locked (" + consentColumns + ", why, dropped) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)"

// withhold writes rows under a lock.
func withhold(ctx context.Context, tx *sql.Tx, rows []row, why Lock) ([]int64, error) {
	seqs := make([]int64, len(rows))
	for i := range rows {
		r, dropped := &rows[i], 0
		if why == AwaitsErasure {
			lost, err := r.dropOptional()
			if err != nil {
				return nil, err
			}
			if lost {
				dropped = 1
			}
		}
		if _, err := tx.ExecContext(ctx, insertLocked, append(r.append(nil), why, dropped)...); err != nil {
			return nil, err
		}
		seqs[i] = r.seq
	}
	return seqs, nil
}

// dropOptional takes the page path and the network away: what the choice is known without. It says whether there was any.
func (r *row) dropOptional() (bool, error) {
	if r.extra == nil {
		return false, nil
	}
	var x extra
	if err := json.Unmarshal([]byte(*r.extra), &x); err != nil {
		return false, fmt.Errorf("optional fields of a record: %w", err)
	}
	if x.Path == "" && !x.Address.IsValid() {
		return false, nil
	}
	kept, err := json.Marshal(extra{Cleared: x.Cleared, Remaining: x.Remaining, Refused: x.Refused})
	s := string(kept)
	if r.extra = &s; s == "{}" {
		r.extra = nil
	}
	return true, err
}

// unlock brings a visitor's restricted acts back, each to its own number.
func (db *DB) unlock(ctx context.Context, tx *sql.Tx, site int64, visitor uuid.UUID) ([]int64, error) {
	rows, err := collect(ctx, tx, scanConsent, "delete from locked where "+isVisitor("$1")+` and site = $2 and why = $3 and dropped = 0 and not exists (select 1 from consents c
		where substr(c.visitor, 1, 10) = substr(locked.visitor, 1, 10) and substr(c.id, 11) = substr(locked.id, 11)) returning `+consentColumns, visitor[:], site, Restricted)
	if err != nil || len(rows) == 0 {
		return nil, err
	}
	slices.SortFunc(rows, func(a, b row) int { return cmp.Compare(a.seq, b.seq) })
	seqs := make([]int64, len(rows))
	for i := range rows {
		seqs[i] = rows[i].seq
	}
	if err := run(ctx, tx, all(db.dialect.insert(rows), count(rows))); err != nil {
		return nil, err
	}
	return seqs, resumDays(ctx, tx, rows)
}

// uncount takes rows out of the counts of their days: statistics leave out what is withheld (T6).
func uncount(ctx context.Context, tx *sql.Tx, rows []row) error {
	for i := range rows {
		r := &rows[i]
		day := r.at / dayMillis
		if _, err := tx.ExecContext(ctx, `update daily_counts set n = n - 1
			where site = $1 and day = $2 and notice = $3 and action = $4 and given = $5 and language = $6 and n > 0`,
			r.site, day, r.notice, r.action, r.given, r.language); err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, "delete from daily_counts where site = $1 and day = $2 and n = 0", r.site, day); err != nil {
			return err
		}
	}
	return resumDays(ctx, tx, rows)
}

func lockedOf(ctx context.Context, q querier, site int64, visitor uuid.UUID, why Lock) (n int64, err error) {
	err = q.QueryRowContext(ctx, "select count(*) from locked where "+isVisitor("$1")+" and site = $2 and why = $3", visitor[:], site, why).Scan(&n)
	return n, err
}

// eachAlone is an entry that names each number alone. Acts are locked and unlocked in different groups, and what a lock
// explains ends with an unlocking of the same range.
func eachAlone(why string, at time.Time, numbers []int64) ledger.Removal {
	r := ledger.NewRemoval(why, at, nil)
	for _, n := range slices.Sorted(slices.Values(numbers)) {
		r.Entries = append(r.Entries, [2]int64{n, n})
	}
	return r
}

// Hold is a legal hold on a site: somebody has to keep what visitors want erased (T7).
type Hold struct {
	Num     int64
	Reason  string
	Person  string // who answers for it
	From    time.Time
	Review  time.Time // by when somebody looks again whether it is still needed
	Ended   *time.Time
	EndedBy string
}

// Validate wants everything that a hold must say.
func (h *Hold) Validate() error {
	wrong := map[string]string{}
	if h.Reason == "" || len(h.Reason) > 1000 {
		wrong["reason"] = "Say why the records must be kept, in at most 1000 characters."
	}
	if h.Person == "" || len(h.Person) > 200 {
		wrong["person"] = "Name who answers for it, in at most 200 characters."
	}
	if !h.Review.After(h.From) || h.Review.After(h.From.AddDate(2, 0, 0)) {
		wrong["review"] = "Choose a day within the next two years."
	}
	if len(wrong) > 0 {
		return &consent.Error{Kind: consent.KindInvalid, Code: "bad_hold", Message: "The hold is not right yet.", Fields: wrong}
	}
	return nil
}

// AddHold puts a site under a legal hold and returns it with its number. Deeds are written with it.
func (db *DB) AddHold(ctx context.Context, site string, h Hold, deeds ...consent.Deed) (Hold, error) {
	if err := h.Validate(); err != nil {
		return h, err
	}
	num, err := db.siteNum(ctx, site)
	if err != nil {
		return h, err
	}
	err = db.removingBy(ctx, num, func(tx *sql.Tx) (none ledger.Removal, _ []consent.Deed, err error) {
		if _, err := db.waitForHolds(ctx, tx, num); err != nil { // an erasure that runs now ends before the hold begins
			return none, nil, err
		}
		err = tx.QueryRowContext(ctx, "insert into holds (site, reason, person, from_at, review_at, ended_by) values ($1, $2, $3, $4, $5, '') returning num",
			num, h.Reason, h.Person, h.From.UnixMilli(), h.Review.UnixMilli()).Scan(&h.Num)
		return none, deeds, err
	})
	return h, err
}

// Holds reads a site's legal holds, the newest first, also those that have ended.
func (db *DB) Holds(ctx context.Context, site string) ([]Hold, error) {
	num, err := db.siteNum(ctx, site)
	if err != nil {
		return nil, err
	}
	return collect(ctx, db.reader, func(rows *sql.Rows) (h Hold, err error) {
		var from, review int64
		var ended sql.NullInt64
		err = rows.Scan(&h.Num, &h.Reason, &h.Person, &from, &review, &ended, &h.EndedBy)
		h.From, h.Review = time.UnixMilli(from).UTC(), time.UnixMilli(review).UTC()
		if ended.Valid {
			at := time.UnixMilli(ended.Int64).UTC()
			h.Ended = &at
		}
		return h, err
	}, "select num, reason, person, from_at, review_at, ended_at, ended_by from holds where site = $1 order by num desc", num)
}

// EndHold ends a site's hold. Where no other one is left, what waited for its erasure is erased in the same transaction; it
// returns how many acts that were. A hold that has ended is NotFound. Deeds are written with it.
func (db *DB) EndHold(ctx context.Context, site string, hold int64, person string, now time.Time, deeds ...consent.Deed) (erased int64, err error) {
	num, err := db.siteNum(ctx, site)
	if err != nil {
		return 0, err
	}
	err = db.removingBy(ctx, num, func(tx *sql.Tx) (none ledger.Removal, _ []consent.Deed, err error) {
		if _, err := db.waitForHolds(ctx, tx, num); err != nil {
			return none, nil, err
		}
		res, err := tx.ExecContext(ctx, "update holds set ended_at = $1, ended_by = $2 where num = $3 and site = $4 and ended_at is null",
			now.UnixMilli(), person, hold, num)
		if err != nil {
			return none, nil, err
		}
		if n, err := res.RowsAffected(); err != nil || n == 0 {
			return none, nil, cmp.Or(err, error(consent.NotFound("no_hold", "There is no such legal hold, or it has ended.")))
		}
		if held, err := underHold(ctx, tx, num); err != nil || held {
			return none, deeds, err
		}
		seqs, err := collect(ctx, tx, scanInt, "delete from locked where site = $1 and why = $2 returning seq", num, AwaitsErasure)
		if erased = int64(len(seqs)); erased > 0 {
			for i := range deeds {
				deeds[i].New = map[string]any{"deleted": erased}
			}
		}
		return ledger.NewRemoval(ledger.Erased, now, seqs), deeds, err
	})
	return erased, err
}

// waitForHolds says whether the site is under a legal hold, and keeps that, and the end of the site's log, as it is until tx
// ends. Whoever moves a visitor's acts asks it first: an act that arrives takes its locks in the same order.
func (db *DB) waitForHolds(ctx context.Context, tx *sql.Tx, site int64) (bool, error) {
	var size int64
	err := tx.QueryRowContext(ctx, fmt.Sprintf("select size from logs where kind = %d and site = $1%s", acts, db.dialect.words.ForUpdate), site).Scan(&size)
	if err != nil {
		return false, err
	}
	return underHold(ctx, tx, site)
}

// underHold says whether one of the site's legal holds has not ended.
func underHold(ctx context.Context, q querier, site int64) (bool, error) {
	var n int64
	err := q.QueryRowContext(ctx, "select count(*) from holds where site = $1 and ended_at is null", site).Scan(&n)
	return n > 0, err
}

// LockedCounts counts a site's withheld acts by why.
func (db *DB) LockedCounts(ctx context.Context, site string) (map[Lock]int64, error) {
	num, err := db.siteNum(ctx, site)
	if err != nil {
		return nil, err
	}
	counts := map[Lock]int64{}
	_, err = collect(ctx, db.reader, func(rows *sql.Rows) (none struct{}, err error) {
		var why Lock
		var n int64
		err = rows.Scan(&why, &n)
		counts[why] = n
		return none, err
	}, "select why, count(*) from locked where site = $1 group by why", num)
	return counts, err
}

// RightsUsed is one use of a visitor's rights as the log tells it: when, what and of how many acts. It names nobody.
type RightsUsed struct {
	Seq  int64 // of the entry in the log
	At   time.Time
	Type string // ledger.Erased, Locked or Unlocked
	Acts int64
}

// RightsLog reads the newest uses of visitors' rights on a site, the newest first.
func (db *DB) RightsLog(ctx context.Context, site string, limit int) ([]RightsUsed, error) {
	num, err := db.siteNum(ctx, site)
	if err != nil {
		return nil, err
	}
	return collect(ctx, db.reader, func(rows *sql.Rows) (u RightsUsed, err error) {
		var body []byte
		if err := rows.Scan(&u.Seq, &body); err != nil {
			return u, err
		}
		r, err := ledger.ParseRemoval(body)
		u.At, u.Type = time.UnixMilli(r.At).UTC(), r.Type
		for _, e := range r.Entries {
			u.Acts += e[1] - e[0] + 1
		}
		return u, err
	}, `select seq, body from removals where site = $1 and body not like '%"type":"purged"%' order by seq desc limit $2`, num, limit)
}

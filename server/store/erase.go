package store

import (
	"context"
	"database/sql"
	"time"

	"github.com/google/uuid"

	"samtykke/consent"
	"samtykke/server/ledger"
)

// removing does work on a site's acts in one transaction with the entry in the site's log that says which it was about; none
// where it was about none.
func (db *DB) removing(ctx context.Context, site int64, work func(*sql.Tx) (ledger.Removal, error)) error {
	return db.removingBy(ctx, site, func(tx *sql.Tx) (ledger.Removal, []consent.Deed, error) {
		r, err := work(tx)
		return r, nil, err
	})
}

// removingBy is removing with the deeds that the work is.
func (db *DB) removingBy(ctx context.Context, site int64, work func(*sql.Tx) (ledger.Removal, []consent.Deed, error)) error {
	var durable []func()
	err := db.tx(ctx, func(tx *sql.Tx) error {
		// The log first, as Append does: two servers that lock in another order wait for each other for ever.
		heads, err := db.lockHeads(ctx, tx, acts, []int64{site})
		if err != nil {
			return err
		}
		db.keepHeads(acts, heads) // nothing was appended yet
		r, deeds, err := work(tx)
		if err != nil {
			return err
		}
		if len(r.Entries) > 0 {
			done, err := db.remove(ctx, tx, site, r)
			if err != nil {
				return err
			}
			durable = append(durable, done)
		}
		if len(deeds) == 0 {
			return nil
		}
		done, err := db.enterDeeds(ctx, tx, deeds)
		durable = append(durable, done)
		return err
	})
	if err != nil {
		return err
	}
	for _, done := range durable {
		done()
	}
	return nil
}

// about adds to deeds how many acts they changed. What changed none is no deed: anybody may try any id.
func about(deeds []consent.Deed, changed int, counts map[string]any) []consent.Deed {
	if changed == 0 {
		return nil
	}
	for i := range deeds {
		deeds[i].New = counts
	}
	return deeds
}

// Erasure is what became of a visitor's acts. It names nobody.
type Erasure struct {
	Deleted int64 // gone for good
	Locked  int64 // withheld, since the site is under a legal hold; they go when it ends
}

// EraseVisitor deletes everything that is kept of one visitor on one site; none is not an error. Where the site is under a
// legal hold it locks the acts instead, and their optional fields go at once (T5). The leaves in the log stay and say
// nothing about anyone; the counts a day of what was deleted stay too (T9). Deeds are written with it, where it changed anything.
func (db *DB) EraseVisitor(ctx context.Context, site string, visitor uuid.UUID, now time.Time, deeds ...consent.Deed) (e Erasure, err error) {
	num, err := db.siteNum(ctx, site)
	if err != nil {
		return e, err
	}
	err = db.removingBy(ctx, num, func(tx *sql.Tx) (r ledger.Removal, _ []consent.Deed, err error) {
		held, err := db.waitForHolds(ctx, tx, num)
		if err != nil {
			return r, nil, err
		}
		if held {
			seqs, err := lockForErasure(ctx, tx, num, visitor)
			if err != nil {
				return r, nil, err
			}
			e.Locked, err = lockedOf(ctx, tx, num, visitor, AwaitsErasure)
			return eachAlone(ledger.Locked, now, seqs), about(deeds, len(seqs), map[string]any{"locked": len(seqs)}), err
		}
		var seqs []int64
		for _, table := range []string{"consents", "locked"} {
			gone, err := collect(ctx, tx, scanInt, "delete from "+table+" where "+isVisitor("$1")+" and site = $2 returning seq", visitor[:], num)
			if err != nil {
				return r, nil, err
			}
			seqs = append(seqs, gone...)
		}
		e.Deleted = int64(len(seqs))
		return ledger.NewRemoval(ledger.Erased, now, seqs), about(deeds, len(seqs), map[string]any{"deleted": len(seqs)}), nil
	})
	return e, err
}

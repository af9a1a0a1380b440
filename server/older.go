package server

import (
	"context"
	"strings"
	"sync"
	"time"

	"samtykke/server/store"
)

const (
	olderFor  = 10 * time.Minute // how long what was added up is shown; days long gone hardly ever change
	olderMost = 32               // how many answers are kept
	olderFrom = 20               // sites: of fewer the store adds up as fast
)

// olderDays keeps what was chosen on many sites on days long gone: a year of two hundred sites is much to add up for each page.
// An answer is found by the very sites that it is about, so that nobody sees another's.
type olderDays struct {
	mu   sync.Mutex
	kept map[string]olderSums
}

type olderSums struct {
	read time.Time
	days []store.SiteDay
}

// sums reads what was chosen on each day of the sites together, from inclusive to exclusive.
func (o *olderDays) sums(ctx context.Context, db *store.DB, sites []string, from, to time.Time) ([]store.SiteDay, error) {
	if !from.Before(to) {
		return nil, nil
	}
	if len(sites) < olderFrom {
		return db.SumsByDay(ctx, sites, from, to)
	}
	key := from.Format(time.DateOnly) + to.Format(time.DateOnly) + strings.Join(sites, " ")
	o.mu.Lock()
	known, ok := o.kept[key]
	o.mu.Unlock()
	if ok && time.Since(known.read) < olderFor {
		return known.days, nil
	}
	days, err := db.SumsByDay(ctx, sites, from, to)
	if err != nil {
		return nil, err
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.kept == nil || len(o.kept) >= olderMost {
		o.kept = map[string]olderSums{}
	}
	o.kept[key] = olderSums{time.Now(), days}
	return days, nil
}

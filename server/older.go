package server

import (
	"context"
	"sync"
	"time"

	"samtykke/server/store"
)

// countsFor is how long at most what was read from counts is shown. It is true for as long as its mark is; only that small counts
// lose their details (T9) is seen this late.
const countsFor = 10 * time.Minute

// countsKept is how many answers are kept of those that a reader can ask in many ways.
const countsKept = 256

// remembered keeps what was read from the counts of days, each with the mark of the logs that it is true for: whoever writes, or
// withholds an act, moves the mark in the same transaction, whichever server it is.
type remembered struct {
	mu   sync.Mutex
	kept map[string]memory
}

type memory struct {
	mark  int64
	read  time.Time
	value any
}

// recall gives what is remembered under a key, or reads it anew where the mark has moved. What it gives is shared: nobody may
// change it. most limits how much is kept; 0: nothing does.
func recall[T any](r *remembered, key string, mark int64, most int, read func() (T, error)) (T, error) {
	if v, ok := known[T](r, key, mark); ok {
		return v, nil
	}
	v, err := read()
	if err == nil {
		r.keep(key, mark, most, v)
	}
	return v, err
}

func known[T any](r *remembered, key string, mark int64) (v T, ok bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	m, ok := r.kept[key]
	if !ok || m.mark != mark || time.Since(m.read) > countsFor {
		return v, false
	}
	v, ok = m.value.(T)
	return v, ok
}

func (r *remembered) keep(key string, mark int64, most int, value any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.kept == nil || most > 0 && len(r.kept) >= most {
		r.kept = map[string]memory{}
	}
	r.kept[key] = memory{mark, time.Now(), value}
}

// recentSums reads what was chosen on each day of each site, from inclusive to exclusive, anew only of sites whose logs have grown.
func (s *Server) recentSums(ctx context.Context, sites []string, marks map[string]store.Mark, from, to time.Time) (all []store.SiteDay, err error) {
	var grown []string
	span := from.Format(time.DateOnly) + to.Format(time.DateOnly)
	for _, site := range sites {
		if days, ok := known[siteDays](&s.recent, site, marks[site].Entries); ok && days.span == span {
			all = append(all, days.days...)
		} else {
			grown = append(grown, site)
		}
	}
	fresh, err := s.db.SumsBySite(ctx, grown, from, to)
	if err != nil {
		return nil, err
	}
	of := map[string][]store.SiteDay{}
	for _, d := range fresh {
		of[d.Site] = append(of[d.Site], d)
	}
	for _, site := range grown {
		s.recent.keep(site, marks[site].Entries, 0, siteDays{span, of[site]})
	}
	return append(all, fresh...), nil
}

// siteDays are the days of a site in a span.
type siteDays struct {
	span string
	days []store.SiteDay
}

// olderSums reads what was chosen on each day of the sites together, of days that are long over: they change when acts are withheld
// or come back. An answer is found by the very sites that it is about, so that nobody sees another's.
func (s *Server) olderSums(ctx context.Context, sites []string, marks map[string]store.Mark, from, to time.Time) ([]store.SiteDay, error) {
	if !from.Before(to) {
		return nil, nil
	}
	key, mark := "older "+from.Format(time.DateOnly)+to.Format(time.DateOnly), int64(0)
	for _, site := range sites {
		key += " " + site
		mark += marks[site].Removals // each only grows, and so does their sum
	}
	return recall(&s.counts, key, mark, countsKept, func() ([]store.SiteDay, error) { return s.db.SumsByDay(ctx, sites, from, to) })
}

// siteCounts reads what is counted of one site.
type siteCounts struct {
	s     *Server
	site  string
	mark  store.Mark
	today time.Time
}

func (s *Server) countsOf(ctx context.Context, site string) (siteCounts, error) {
	marks, err := s.db.Marks(ctx, []string{site})
	return siteCounts{s, site, marks[site], s.today()}, err
}

// readCounts reads something, from inclusive to exclusive: of the days that are over only when acts were withheld or came back,
// of the last two, which clocks may disagree about, whenever the log has grown. What the two parts share is for the caller to add up.
func readCounts[T any](ctx context.Context, c *siteCounts, what string, from, to time.Time, read func(context.Context, string, time.Time, time.Time) ([]T, error)) ([]T, error) {
	var all []T
	over := c.today.AddDate(0, 0, -1)
	part := func(from, to time.Time, mark int64) error {
		if !from.Before(to) {
			return nil
		}
		key := what + " " + c.site + " " + from.Format(time.DateOnly) + to.Format(time.DateOnly)
		found, err := recall(&c.s.counts, key, mark, countsKept, func() ([]T, error) { return read(ctx, c.site, from, to) })
		all = append(all, found...)
		return err
	}
	if to.Before(over) {
		over = to
	}
	if err := part(from, over, c.mark.Removals); err != nil {
		return nil, err
	}
	if from.After(over) {
		over = from
	}
	err := part(over, to, c.mark.Entries)
	return all, err
}

// sums reads what was chosen on each day.
func (c *siteCounts) sums(ctx context.Context, from, to time.Time) ([]store.SiteDay, error) {
	return readCounts(ctx, c, "days", from, to, func(ctx context.Context, site string, from, to time.Time) ([]store.SiteDay, error) {
		return c.s.db.SumsByDay(ctx, []string{site}, from, to)
	})
}

package server

import (
	"context"
	"strconv"
	"sync"
	"time"

	"samtykke/consent"
	"samtykke/server/store"
)

const (
	watchEvery = 5 * time.Minute // how often the installation is looked at for what is due
	scanWithin = 24 * time.Hour  // of publishing: later it is told that nobody has scanned
	calmAfter  = time.Hour       // without trouble, an alarm about it is solved
)

// trouble remembers which sites' acts could not be recorded.
type trouble struct {
	mu    sync.Mutex
	sites map[string]int64 // acts since the last look
}

func (t *trouble) add(site string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.sites == nil {
		t.sites = map[string]int64{}
	}
	t.sites[site]++
}

// take hands out what was remembered.
func (t *trouble) take() map[string]int64 {
	t.mu.Lock()
	defer t.mu.Unlock()
	defer func() { t.sites = nil }()
	return t.sites
}

// watch sums up the days that are over and raises what nobody asks for by itself (H10): acts that could not be recorded, notices
// that were never scanned, reviews that are due. Each is told once.
func (s *Server) watch(ctx context.Context) error {
	now := s.cfg.Now()
	failed := s.ingest.trouble.take()
	if err := s.db.RollUp(ctx, now); err != nil {
		return err
	}
	sites, err := s.db.Sites(ctx)
	if err != nil {
		return err
	}
	ids := make([]string, len(sites))
	for i := range sites {
		ids[i] = sites[i].ID
	}
	heads, err := s.db.SiteHeads(ctx, ids)
	if err != nil {
		return err
	}
	open, err := s.db.Alarms(ctx, "")
	if err != nil {
		return err
	}
	for i := range sites {
		id := sites[i].ID
		raise := dueAlarms(&sites[i], heads[id], failed[id], now)
		if len(raise) == 0 && !watched(open, id) {
			continue
		}
		if err := s.db.ChangeAlarms(ctx, id, now, func(open []store.Alarm) ([]store.Alarm, []int64) { return raise, over(open, raise, now) }); err != nil {
			return err
		}
	}
	return nil
}

// dueAlarms are the alarms that a site's state asks for.
func dueAlarms(site *consent.Site, h store.SiteHead, failed int64, now time.Time) (raise []store.Alarm) {
	if h.Version > 0 && h.ScannedAt.Before(h.ValidFrom) && now.Sub(h.ValidFrom) > scanWithin {
		version := strconv.Itoa(h.Version)
		raise = append(raise, store.Alarm{Kind: store.AlarmNotice, Subject: version, About: map[string]string{"version": version}, Once: true})
	}
	if at := site.ReviewDue(); !now.Before(at) {
		raise = append(raise, store.Alarm{Kind: store.AlarmReview, Subject: at.UTC().Format(time.DateOnly), Once: true})
	}
	if failed > 0 {
		raise = append(raise, store.Alarm{Kind: store.AlarmIngest, About: map[string]string{"acts": strconv.FormatInt(failed, 10)}})
	}
	return raise
}

// watched says whether a site has an open alarm that watch may solve.
func watched(open []store.Alarm, site string) bool {
	for _, a := range open {
		if a.Site == site && (a.Kind == store.AlarmNotice || a.Kind == store.AlarmReview || a.Kind == store.AlarmIngest) {
			return true
		}
	}
	return false
}

// over are the numbers of the open alarms whose reason is gone.
func over(open, raise []store.Alarm, now time.Time) (solved []int64) {
	still := map[store.AlarmKind]string{}
	for _, a := range raise {
		still[a.Kind] = a.Subject
	}
	for _, a := range open {
		subject, ok := still[a.Kind]
		switch a.Kind {
		case store.AlarmNotice, store.AlarmReview:
			if !ok || subject != a.Subject {
				solved = append(solved, a.Num)
			}
		case store.AlarmIngest:
			if !ok && now.Sub(a.At) > calmAfter {
				solved = append(solved, a.Num)
			}
		}
	}
	return solved
}

package server

import (
	"context"
	"hash/fnv"
	"time"

	"github.com/google/uuid"

	"samtykke/consent"
	"samtykke/server/dashboard"
	"samtykke/server/store"
)

// night is the part of the day, from midnight, over which scheduled scans are spread: each site has a minute of its own.
const night = 5 * time.Hour

// lastSlot is the last time up to now at which a site's schedule asks for a scan; false where there was none yet.
func lastSlot(site *consent.Site, now time.Time) (time.Time, bool) {
	if site.Scanning.Every == "" {
		return time.Time{}, false
	}
	h := fnv.New32a()
	h.Write([]byte(site.ID)) //nolint:errcheck // it never fails
	minute, day := int(h.Sum32()%uint32(night/time.Minute)), int(h.Sum32()/uint32(night/time.Minute))
	for k := range 32 { // a month back
		t := now.In(dashboard.Zone)
		slot := time.Date(t.Year(), t.Month(), t.Day()-k, 0, minute, 0, 0, dashboard.Zone)
		ours := site.Scanning.Every == "daily" || site.Scanning.Every == "weekly" && int(slot.Weekday()) == day%7 ||
			site.Scanning.Every == "monthly" && slot.Day() == 1+day%28
		if ours && !slot.After(now) {
			return slot, slot.After(site.Scanning.Since)
		}
	}
	return time.Time{}, false
}

// nextSlot is when a site's schedule asks for a scan next; false where it never does.
func nextSlot(site *consent.Site, now time.Time) (time.Time, bool) {
	for k := range 32 {
		t := now.In(dashboard.Zone)
		end := time.Date(t.Year(), t.Month(), t.Day()+k, 23, 59, 0, 0, dashboard.Zone)
		if slot, ok := lastSlot(site, end); ok && slot.After(now) {
			return slot, true
		}
	}
	return time.Time{}, false
}

// askDue puts the scans into the queue for which it is time.
func (s *Server) askDue(ctx context.Context) error {
	sites, err := s.db.Sites(ctx)
	if err != nil {
		return err
	}
	now := s.cfg.Now()
	for i := range sites {
		slot, due := lastSlot(&sites[i], now)
		if !due {
			continue
		}
		if _, err := s.askScan(ctx, &sites[i], store.ScanScheduled, consent.ByJob, slot); err != nil {
			return err
		}
	}
	return nil
}

// askScan puts a scan of a site into the queue.
func (s *Server) askScan(ctx context.Context, site *consent.Site, origin store.ScanOrigin, who string, since time.Time) (*store.ScanJob, error) {
	id, err := uuid.NewV7()
	if err != nil {
		return nil, err
	}
	now := s.cfg.Now().UTC().Truncate(time.Millisecond)
	j := store.ScanJob{ID: id, Site: site.ID, Origin: origin, By: who, AskedAt: now, Pages: site.Scanning.AtMost(), Depth: site.Scanning.Depth}
	asked, err := s.db.AskScan(ctx, j, since, consent.NewDeed(now, who, "scan_asked", site.ID).With(id.String(), map[string]any{"pages": j.Pages}))
	if err != nil || !asked {
		return nil, err
	}
	s.scans.wakeUp()
	return &j, nil
}

package server

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"time"

	"samtykke/consent"
	"samtykke/scanner"
	"samtykke/server/store"
)

const (
	scansEvery = 2 * time.Second  // how soon a scan is begun that another server was asked for
	dueEvery   = time.Minute      // how often the schedules are looked at
	holdEvery  = time.Second      // how often a running scan says how far it is, and learns that it was canceled
	scanLease  = 2 * time.Minute  // a server that is silent for so long has disappeared
	scanPeace  = 20 * time.Second // how long a browser may take to end, and a report to be stored
)

// scanning is this server's part in the installation's scans: one at a time, in a browser of its own.
type scanning struct {
	runner string        // names this server in the store
	wake   chan struct{} // somebody asked for a scan here
}

func newScanning() scanning {
	return scanning{runner: strings.ToLower(rand.Text()), wake: make(chan struct{}, 1)}
}

func (s *scanning) wakeUp() {
	select {
	case s.wake <- struct{}{}:
	default: // it is awake
	}
}

// startScans runs the installation's scans from now on. end stops it and waits until its browser is gone; what was running
// goes back into the queue.
func (s *Server) startScans(ctx context.Context) (end func()) {
	if s.cfg.Scan == nil {
		return func() {}
	}
	ctx, cancel := context.WithCancel(ctx)
	var all sync.WaitGroup
	all.Go(func() { s.every(ctx, dueEvery, s.askDue) })
	all.Go(func() {
		tick := time.NewTicker(scansEvery)
		defer tick.Stop()
		for {
			if err := s.workScans(ctx); err != nil && ctx.Err() == nil {
				s.cfg.Log.Error("scanning failed", slog.Any("error", err))
			}
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
			case <-s.scans.wake:
			}
		}
	})
	return func() {
		cancel()
		all.Wait()
	}
}

// workScans runs scans until the queue is empty, and takes up what other servers have lost.
func (s *Server) workScans(ctx context.Context) error {
	lost, err := s.db.ExpireScans(ctx, s.cfg.Now())
	if err != nil {
		return err
	}
	for i := range lost {
		alarms := func([]store.Alarm) ([]store.Alarm, []int64) { return []store.Alarm{scanAlarm(lost[i].Error)}, nil }
		if err := s.db.ChangeAlarms(ctx, lost[i].Site, s.cfg.Now(), alarms); err != nil {
			return err
		}
	}
	for ctx.Err() == nil {
		now := s.cfg.Now()
		j, ok, err := s.db.ClaimScan(ctx, s.scans.runner, now, now.Add(scanLease))
		if err != nil || !ok {
			return err
		}
		if err := s.runScan(ctx, j); err != nil {
			return err
		}
	}
	return nil
}

// Why a scan is stopped.
var (
	errScanTime     = &consent.Error{Kind: consent.KindUnavailable, Code: "scan_time", Message: "The scan took too long and was stopped. Scan fewer pages."}
	errScanMemory   = &consent.Error{Kind: consent.KindUnavailable, Code: "scan_memory", Message: "The website's pages needed too much memory, and the scan was stopped."}
	errScanCanceled = &consent.Error{Kind: consent.KindConflict, Code: "scan_canceled", Message: "The scan was stopped."}
	errScanFailed   = &consent.Error{Kind: consent.KindUnavailable, Code: "scan_failed", Message: "The scan failed. The server's log says why."}
)

// runScan scans a site and stores how it ended. It returns only what keeps it from storing that.
func (s *Server) runScan(parent context.Context, j store.ScanJob) error {
	ctx, cancel := context.WithCancelCause(parent)
	defer cancel(nil)
	ctx, stop := context.WithTimeoutCause(ctx, s.cfg.ScanTime, errScanTime)
	defer stop()
	var told progress
	var holding sync.WaitGroup
	over := make(chan struct{})
	holding.Go(func() { s.holdScan(ctx, j, &told, cancel, over) })
	end, err := s.scanSite(ctx, j, &told)
	close(over)
	holding.Wait()

	last, done := context.WithTimeout(context.WithoutCancel(parent), scanPeace)
	defer done()
	cause := context.Cause(ctx)
	switch {
	case parent.Err() != nil:
		return s.db.ReleaseScan(last, j.ID, s.scans.runner)
	case errors.Is(cause, errScanCanceled):
		return nil // it has ended already
	case err != nil:
		end = s.scanTrouble(j, err, cause)
	}
	if _, err = s.db.EndScan(last, j.ID, s.scans.runner, end); err != nil {
		return err
	}
	return s.catalog.refresh(last)
}

// scanTrouble is the end of a scan that failed.
func (s *Server) scanTrouble(j store.ScanJob, err, cause error) store.ScanEnd {
	var e *consent.Error
	if cause == nil || !errors.As(cause, &e) {
		if !errors.As(err, &e) {
			s.cfg.Log.Error("scan failed", slog.String("site", j.Site), slog.Any("error", err))
			e = errScanFailed
		}
	}
	return store.ScanEnd{At: s.cfg.Now().UTC().Truncate(time.Millisecond), Error: e, Alarms: func([]store.Alarm) ([]store.Alarm, []int64) {
		return []store.Alarm{scanAlarm(e)}, nil
	}}
}

func scanAlarm(e *consent.Error) store.Alarm {
	return store.Alarm{Kind: store.AlarmScan, Subject: "scan", About: map[string]string{"code": e.Code, "message": e.Message}}
}

// progress is how far a scan has come, told by the scan and asked for by who holds it.
type progress struct {
	mu   sync.Mutex
	last scanner.Progress
}

func (p *progress) tell(step scanner.Progress) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.last = step
}

func (p *progress) json() []byte {
	p.mu.Lock()
	defer p.mu.Unlock()
	b, _ := json.Marshal(p.last) // a struct of texts and numbers
	return b
}

// holdScan renews the lease of a running scan until over, and stops the scan that was canceled or whose browser grows too big.
func (s *Server) holdScan(ctx context.Context, j store.ScanJob, told *progress, stop context.CancelCauseFunc, over <-chan struct{}) {
	tick := time.NewTicker(holdEvery)
	defer tick.Stop()
	for {
		select {
		case <-over:
			return
		case <-tick.C:
		}
		held, err := s.db.HoldScan(context.WithoutCancel(ctx), j.ID, s.scans.runner, s.cfg.Now().Add(scanLease), told.json())
		switch {
		case err != nil:
			s.cfg.Log.Warn("lease of a scan not renewed", slog.Any("error", err))
		case !held:
			stop(errScanCanceled)
		case browserMemory() > s.cfg.ScanMemory:
			stop(errScanMemory)
		}
	}
}

// scanSite scans a site and judges what that means for it. Before a scheduled scan the domain must prove itself again (H4).
func (s *Server) scanSite(ctx context.Context, j store.ScanJob, told *progress) (store.ScanEnd, error) {
	site, err := s.db.Site(ctx, j.Site)
	if err != nil {
		return store.ScanEnd{}, err
	}
	if domain := homeDomain(&site); j.Origin == store.ScanScheduled && domain != "" {
		d, err := s.checkDomain(ctx, &site, domain, consent.ByJob)
		if err != nil {
			return store.ScanEnd{}, err
		}
		if d.Problem != nil {
			return store.ScanEnd{}, d.Problem
		}
	}
	if err := s.mayScan(ctx, &site); err != nil {
		return store.ScanEnd{}, err
	}
	items, err := s.db.Items(ctx, j.Site)
	if err != nil {
		return store.ScanEnd{}, err
	}
	release, err := s.takeBrowser(ctx)
	if err != nil {
		return store.ScanEnd{}, err
	}
	report, err := s.cfg.Scan(ctx, site.Home(), scanner.Options{Pages: j.Pages, Depth: j.Depth, Declaration: items, Progress: told.tell})
	release()
	if err != nil {
		return store.ScanEnd{}, err
	}
	return s.scanEnd(context.WithoutCancel(ctx), j, items, &report)
}

// takeBrowser waits until no other job of this server's has a browser.
func (s *Server) takeBrowser(ctx context.Context) (release func(), err error) {
	select {
	case s.browser <- struct{}{}:
		return func() { <-s.browser }, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

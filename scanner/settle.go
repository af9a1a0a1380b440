package scanner

import (
	"fmt"
	"time"
)

// How a page is waited for. Nothing here is waited for by the clock alone: each bounds something that was seen.
const (
	lateTimer = 1500 * time.Millisecond // timers that a page has set are waited for until so long after it has loaded
	slack     = 100 * time.Millisecond  // a timer may fire so late, and what it does must be told
	hangs     = 5 * time.Second         // a request that has been in flight for so long keeps nobody waiting
	restless  = 5 * time.Second         // a page that has loaded and still never rests is done after so long
)

// pace is what tells when a page is done.
type pace struct {
	loadedAt time.Time
	due      time.Time // when the last timer that is known of will fire
}

// arrived notes that the page has loaded.
func (r *recorder) arrived() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.loaded, r.active = true, time.Now()
	if r.loadedAt.IsZero() {
		r.loadedAt = r.active
	}
}

// since is for how long the page has been there.
func (r *recorder) since() time.Duration {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.loadedAt.IsZero() {
		return 0
	}
	return time.Since(r.loadedAt)
}

// expect notes that a script of the page has set a timer.
func (r *recorder) expect(delay time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if due := time.Now().Add(delay + slack); due.After(r.due) {
		r.due = due
	}
}

// rested says whether the page has loaded, its network has been quiet for d, and no timer is about to fire.
func (r *recorder) rested(d time.Duration) bool { return r.restedAt(time.Now(), d) }

func (r *recorder) restedAt(now time.Time, d time.Duration) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.loaded {
		return false
	}
	if now.Sub(r.loadedAt) > restless {
		return true
	}
	if now.Sub(r.active) < d || now.Before(r.due) && now.Before(r.loadedAt.Add(lateTimer)) {
		return false
	}
	for _, since := range r.open {
		if now.Sub(since) < hangs {
			return false
		}
	}
	return true
}

// settle waits until the page has loaded and rests, and the windows that it has opened are closed again. On a machine
// that is busy, timers fire late; so what seems to rest is asked once whether anything is due.
func (v *visitor) settle() error {
	rests := func() bool { return v.tab.rec.rested(v.o.Quiet) && !v.tab.hasPopups() }
	if v.until(v.o.PageTimeout, func() bool { return rests() && v.tab.idle() && rests() }) {
		return nil
	}
	if err := v.tab.ctx.Err(); err != nil {
		return err
	}
	v.tab.stop()
	return fmt.Errorf("still loading after %s", v.o.PageTimeout)
}

// linger stays on the start page before anybody has touched it, since some scripts wait before they store.
func (v *visitor) linger() {
	v.until(v.o.Wait, func() bool { return v.tab.rec.since() >= v.o.Wait })
	_ = v.settle()
	v.tab.snapshot()
}

// until waits for a condition and says whether it came true in time.
func (v *visitor) until(limit time.Duration, come func() bool) bool {
	deadline := time.NewTimer(limit)
	defer deadline.Stop()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for !come() {
		select {
		case <-tick.C:
		case <-deadline.C:
			return false
		case <-v.tab.ctx.Done():
			return false
		}
	}
	return true
}

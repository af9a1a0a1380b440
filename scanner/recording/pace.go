package recording

import (
	"time"
)

// How a page is waited for. Nothing here is waited for by the clock alone: each bounds something that was seen.
const (
	lateTimer = 1500 * time.Millisecond // timers that a page has set are waited for until so long after it has loaded
	farTimer  = 3500 * time.Millisecond // and those that take longer until so long after
	beginning = time.Second             // where they were set until so long after: a page that sets the next one each time never ends
	slack     = 100 * time.Millisecond  // a timer may fire so late, and what it does must be told
	hangs     = 5 * time.Second         // a request that has been in flight for so long keeps nobody waiting
	restless  = 5 * time.Second         // a page that has loaded and still never rests is done after so long
)

// pace is what tells when a page is done.
type pace struct {
	requested bool // a document was asked for
	loadedAt  time.Time
	due       time.Time // when the last timer that is known of will fire
	far       time.Time // the same of those that take longer than lateTimer
}

// Requested says whether the page has been asked for since it began.
func (r *Recorder) Requested() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.requested
}

// Arrived notes that the page has loaded.
func (r *Recorder) Arrived() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.loaded, r.active = true, time.Now()
	if r.loadedAt.IsZero() {
		r.loadedAt = r.active
	}
}

// Since is for how long the page has been there.
func (r *Recorder) Since() time.Duration {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.loadedAt.IsZero() {
		return 0
	}
	return time.Since(r.loadedAt)
}

// expect notes that a script of the page has set a timer.
func (r *Recorder) expect(delay time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	now := time.Now()
	due := now.Add(delay + slack)
	switch {
	case delay <= lateTimer && due.After(r.due):
		r.due = due
	case delay > lateTimer && due.After(r.far) && (r.loadedAt.IsZero() || now.Sub(r.loadedAt) < beginning):
		r.far = due
	}
}

// Rested says whether the page has loaded, its network has been quiet for d, and no timer is about to fire.
func (r *Recorder) Rested(d time.Duration) bool { return r.restedAt(time.Now(), d) }

func (r *Recorder) restedAt(now time.Time, d time.Duration) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.loaded {
		return false
	}
	if now.Sub(r.loadedAt) > restless {
		return true
	}
	if now.Sub(r.active) < d || now.Before(r.due) && now.Before(r.loadedAt.Add(lateTimer)) ||
		now.Before(r.far) && now.Before(r.loadedAt.Add(farTimer)) {
		return false
	}
	for _, since := range r.open {
		if now.Sub(since) < hangs {
			return false
		}
	}
	return true
}

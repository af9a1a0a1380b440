package recording

import (
	"time"

	"samtykke/scanner/evidence"
)

// Beside is a recorder for a window that the page has opened.
func (r *Recorder) Beside() *Recorder {
	r.mu.Lock()
	defer r.mu.Unlock()
	b := New(r.state.State, r.now)
	b.page, b.after, b.active = r.page, r.after, time.Now()
	return b
}

// Absorb takes over what was recorded beside.
func (r *Recorder) Absorb(b *Recorder) {
	s := b.Evidence()
	r.mu.Lock()
	defer r.mu.Unlock()
	evidence.Join(&r.state, s)
	r.active = time.Now()
}

// Ran notes that a worker's script has come, and runs: of a shared worker's, the page is not told that it has come.
func (r *Recorder) Ran(shared string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.active = time.Now()
	for id := range r.open {
		if h := r.last(id); h != nil && h.url == shared {
			delete(r.open, id)
		}
	}
}

// HasFetched says whether the page has asked for a script.
func (r *Recorder) HasFetched(address string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	_, ok := r.fetched[address]
	return ok
}

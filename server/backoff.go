package server

import (
	"fmt"
	"sync"
	"time"

	"samtykke/consent"
)

// How often something may be wrong before one waits, how long then, and how long at most: each further time doubles it.
const (
	freeFailures = 5
	firstWait    = 30 * time.Second
	longestWait  = time.Hour
	maxFailing   = 100_000 // that are remembered
)

// backoff makes those wait who were wrong again and again. It counts in memory, by what is tried and from where: nobody locks
// another one out from elsewhere, and after a restart everybody begins anew.
type backoff struct {
	mu      sync.Mutex
	failing map[string]failing
}

type failing struct {
	times int
	until time.Time
}

func newBackoff() *backoff { return &backoff{failing: map[string]failing{}} }

// allow refuses whoever has to wait.
func (b *backoff) allow(key string, now time.Time) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	f := b.failing[key]
	if f.times < freeFailures || !now.Before(f.until) {
		return nil
	}
	minutes := int((f.until.Sub(now) + time.Minute - 1) / time.Minute)
	return &consent.Error{Kind: consent.KindTooMany, Code: "too_many_failures", Message: "Too many wrong attempts. Minutes to wait: " + fmt.Sprint(minutes) + "."}
}

// failed counts.
func (b *backoff) failed(key string, now time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.failing) >= maxFailing {
		for k, f := range b.failing {
			if now.Sub(f.until) > longestWait {
				delete(b.failing, k)
			}
		}
		if len(b.failing) >= maxFailing {
			clear(b.failing) // a flood; the limits by address and by e-mail still hold
		}
	}
	f := b.failing[key]
	f.times++
	f.until = now
	if over := f.times - freeFailures; over >= 0 {
		f.until = now.Add(min(longestWait, firstWait<<min(over, 10)))
	}
	b.failing[key] = f
}

// right forgets what was wrong before.
func (b *backoff) right(key string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.failing, key)
}

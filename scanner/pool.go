package scanner

import (
	"context"
	"net/url"
	"sync"
	"sync/atomic"
	"time"
)

// pool hands out the tabs that may be open at once, over all the states.
type pool struct {
	free    chan struct{}
	waiting atomic.Int32 // states without any tab
}

func newPool(tabs int) *pool {
	p := &pool{free: make(chan struct{}, tabs)}
	for range tabs {
		p.free <- struct{}{}
	}
	return p
}

// take waits for a tab.
func (p *pool) take(ctx context.Context) error {
	p.waiting.Add(1)
	defer p.waiting.Add(-1)
	select {
	case <-p.free:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// spare takes a tab that nobody needs more.
func (p *pool) spare() bool {
	if p.waiting.Load() > 0 {
		return false
	}
	select {
	case <-p.free:
		return true
	default:
		return false
	}
}

func (p *pool) give() { p.free <- struct{}{} }

// pacer keeps pages of one host apart, whatever tab they are loaded in.
type pacer struct {
	mu    sync.Mutex
	delay time.Duration
	next  map[string]time.Time // by host
}

// slow makes the pacer keep at least this distance.
func (p *pacer) slow(delay time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.delay = max(p.delay, delay)
}

// wait is over when it is the address's turn.
func (p *pacer) wait(ctx context.Context, address string) {
	u, err := url.Parse(address)
	if err != nil {
		return
	}
	p.mu.Lock()
	if p.delay <= 0 {
		p.mu.Unlock()
		return
	}
	if p.next == nil {
		p.next = map[string]time.Time{}
	}
	now := time.Now()
	turn := p.next[u.Host]
	if turn.Before(now) {
		turn = now
	}
	p.next[u.Host] = turn.Add(p.delay)
	p.mu.Unlock()
	t := time.NewTimer(turn.Sub(now))
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}

package scanner

import (
	"fmt"
	"time"
)

// settle waits until the page has loaded and rests, and the windows that it has opened are closed again. On a machine
// that is busy, timers fire late; so what seems to rest is asked once whether anything is due.
func (v *visitor) settle() error {
	rests := func() bool { return v.tab.rec.Rested(v.o.Quiet) && !v.tab.hasPopups() }
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
	v.until(v.o.Wait, func() bool { return v.tab.rec.Since() >= v.o.Wait })
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

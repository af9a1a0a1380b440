package consent

import (
	"bytes"
	"time"
)

// State is where a visitor stands, computed from the acts and never stored.
type State struct {
	Answered bool      // there is an act that still counts
	Given    Set       // what is granted now; empty unless Answered
	Since    time.Time // when the act that counts was made
	Until    time.Time // when it stops counting
}

// StateOf computes the state of one visitor on one site at a moment: the newest act decides alone, and only while
// it is valid (T4). The order of the records and repetitions don't matter. Acts of the same millisecond are
// ordered by their ids, which the browser makes in time order.
func StateOf(records []Record, at time.Time) State {
	var last *Record
	for i := range records {
		r := &records[i]
		if r.At.After(at) {
			continue
		}
		if last == nil || r.At.After(last.At) || r.At.Equal(last.At) && bytes.Compare(r.ID[:], last.ID[:]) > 0 {
			last = r
		}
	}
	if last == nil || !at.Before(last.ValidUntil) {
		return State{}
	}
	return State{Answered: true, Given: last.Categories.Given, Since: last.At, Until: last.ValidUntil}
}

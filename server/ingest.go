package server

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"samtykke/consent"
	"samtykke/server/store"
)

// ingest takes acts from many requests and commits them in groups: a group is whatever arrived while the one before
// it was being written. An act is answered when its group is on disk, never earlier.
type ingest struct {
	db    *store.DB
	log   *slog.Logger
	size  int
	wrote func(acts int, took time.Duration) // told of every group that was written
	queue chan *pending
	done  chan struct{}

	trouble trouble

	mu     sync.RWMutex // held for reading while an act is put in, so that close can't close the queue under it
	closed bool
}

// pending is an act on its way to the disk. The answer channel holds one answer, so that the writer never waits.
type pending struct {
	record consent.Record
	device store.Device // it is counted, and not kept with the act
	answer chan error
}

var pendings = sync.Pool{New: func() any { return &pending{answer: make(chan error, 1)} }}

// writeTimeout bounds one group's transaction: a database that hangs must not hang every visitor.
const writeTimeout = 20 * time.Second

func errBusy() error {
	return &consent.Error{Kind: consent.KindUnavailable, Code: "busy", Message: "The server can't record consents right now. Send it again later."}
}

func newIngest(db *store.DB, log *slog.Logger, queue, size int, wrote func(int, time.Duration)) *ingest {
	i := &ingest{db: db, log: log, size: size, wrote: wrote, queue: make(chan *pending, queue), done: make(chan struct{})}
	go i.run()
	return i
}

// add blocks until the record is durable (nil) or refused. A full queue refuses at once.
func (i *ingest) add(r consent.Record, device store.Device) error {
	p := pendings.Get().(*pending)
	p.record, p.device = r, device
	if !i.offer(p) {
		i.trouble.add(r.Site)
		pendings.Put(p)
		return errBusy()
	}
	err := <-p.answer
	pendings.Put(p)
	return err
}

func (i *ingest) offer(p *pending) bool {
	i.mu.RLock()
	defer i.mu.RUnlock()
	if i.closed {
		return false
	}
	select {
	case i.queue <- p:
		return true
	default:
		return false
	}
}

// close refuses new acts, writes those that wait, and returns when they are answered.
func (i *ingest) close() {
	i.mu.Lock()
	if !i.closed {
		i.closed = true
		close(i.queue)
	}
	i.mu.Unlock()
	<-i.done
}

func (i *ingest) run() {
	defer close(i.done)
	group := make([]*pending, 0, i.size)
	records, devices := make([]consent.Record, 0, i.size), make([]store.Device, 0, i.size)
	for p := range i.queue {
		group = i.collect(append(group[:0], p))
		records, devices = records[:0], devices[:0]
		for _, p := range group {
			records, devices = append(records, p.record), append(devices, p.device)
		}
		i.write(group, records, devices)
	}
}

// collect adds whatever waits already, without waiting for more.
func (i *ingest) collect(group []*pending) []*pending {
	for len(group) < i.size {
		select {
		case p, ok := <-i.queue:
			if !ok {
				return group
			}
			group = append(group, p)
		default:
			return group
		}
	}
	return group
}

func (i *ingest) write(group []*pending, records []consent.Record, devices []store.Device) {
	started := time.Now()
	errs, err := i.append(records, devices)
	if err != nil && len(records) > 1 && time.Since(started) < time.Second {
		// One act that the database can't take must not keep the others from being recorded. A database that doesn't
		// answer fails slowly: then trying each act would make every visitor wait for all of them.
		i.log.Error("writing a group of consents failed, trying them one by one", slog.Int("acts", len(records)), slog.Any("error", err))
		for k := range records {
			i.write(group[k:k+1], records[k:k+1], devices[k:k+1])
		}
		return
	}
	if err == nil {
		i.wrote(len(records), time.Since(started))
	} else {
		i.log.Error("consents not recorded", slog.Int("acts", len(records)), slog.Any("error", err))
	}
	for k, p := range group {
		switch {
		case err != nil:
			i.trouble.add(p.record.Site)
			p.answer <- errBusy()
		default:
			p.answer <- errs[k]
		}
	}
}

func (i *ingest) append(records []consent.Record, devices []store.Device) (errs []error, err error) {
	ctx, cancel := context.WithTimeout(context.Background(), writeTimeout)
	defer cancel()
	errs, err = i.db.AppendFrom(ctx, records, devices)
	if err == nil && len(errs) != len(records) {
		err = errors.New("the store answered for another number of records")
	}
	return errs, err
}

package server

import (
	"context"
	"time"
)

// What the server does by itself, for tests to do at their time.
var (
	LastSlot      = lastSlot
	BrowserMemory = browserMemory
)

func (s *Server) WorkScans(ctx context.Context) error { return s.workScans(ctx) }

func (s *Server) AskDue(ctx context.Context) error { return s.askDue(ctx) }

func (s *Server) SetScanLimits(d time.Duration, memory int64) {
	s.cfg.ScanTime, s.cfg.ScanMemory = d, memory
}

func (s *Server) StartScans(ctx context.Context) (end func()) { return s.startScans(ctx) }

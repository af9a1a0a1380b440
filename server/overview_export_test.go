package server

import "context"

// Watch looks once at what is due.
func (s *Server) Watch(ctx context.Context) error { return s.watch(ctx) }

// Fail makes as if an act of a site could not be recorded.
func (s *Server) Fail(site string) { s.ingest.trouble.add(site) }

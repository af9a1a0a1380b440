package server

import (
	"context"
	"time"
)

const (
	tidyEvery = time.Minute // how soon what was erased is gone from the files
	tidyRest  = 20          // how many times as long as it worked the job rests: a large file takes seconds
)

// tidier makes the job that clears the files of what was deleted (T3).
func (s *Server) tidier() func(context.Context) error {
	var next time.Time
	return func(ctx context.Context) error {
		began := time.Now()
		if began.Before(next) {
			return nil
		}
		err := s.db.Tidy(ctx)
		next = time.Now().Add(tidyRest * time.Since(began))
		return err
	}
}

package server

import (
	"context"

	"samtykke/consent"
	"samtykke/server/duties"
)

// Papers are those of a site for the inspection pack.
func Papers(s *Server, site *consent.Site) ([]duties.Paper, error) {
	return s.papers(context.Background(), site)
}

package server

import "context"

// TakePictures is one round of the job that takes pictures.
func (s *Server) TakePictures(ctx context.Context) error { return s.takePictures(ctx) }

// Package server answers HTTP: what visitors' browsers load and send, what owners see, and what their programs ask.
// A Server is a value: New makes it ready, Run serves until its context ends, Close lets go of everything. An act of
// consent that was answered with 201 is durable.
package server

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/labstack/echo/v4"

	"samtykke/consent"
	"samtykke/server/store"
)

// Server is the running program. It does not own the store: close that after the server.
type Server struct {
	cfg     Config
	db      *store.DB
	echo    *echo.Echo
	catalog *catalog
	ingest  *ingest
	acts    limiter // acts of consent
	logins  limiter // attempts to log in, by address
	emails  limiter // and by e-mail
	calls   limiter // of the API, by token
	guesses limiter // with tokens that don't count, by address
	backoff *backoff
	metrics *measured

	photos       photographer
	scans        scanning
	browser      chan struct{} // has one place: whoever holds it has the browser
	declarations sync.Map      // declarationKey -> *declarationEntry
	previews     previewed
	exports      exports
	recent       remembered // days of each site
	counts       remembered // what else was read from counts
}

// New prepares a server on an open store.
func New(ctx context.Context, db *store.DB, cfg Config) (*Server, error) {
	cfg, err := cfg.withDefaults()
	if err != nil {
		return nil, err
	}
	s := &Server{
		cfg: cfg, db: db, acts: newLimiter(cfg.Rate, cfg.Burst),
		logins: newLimiter(loginsPerSecond, loginBurst), emails: newLimiter(emailsPerSecond, emailBurst), backoff: newBackoff(),
		calls: newLimiter(callsPerSecond, callBurst), guesses: newLimiter(guessesPerSecond, guessBurst),
	}
	if s.catalog, err = newCatalog(ctx, db); err != nil {
		return nil, err
	}
	s.scans, s.browser = newScanning(), make(chan struct{}, 1)
	s.metrics = newMetrics()
	s.ingest = newIngest(db, cfg.Log, cfg.QueueSize, cfg.GroupSize, s.metrics.wrote)
	s.echo = s.routes()
	return s, nil
}

// ServeHTTP answers one request; other sites' host names go where the configuration says.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if len(s.cfg.Hosts) > 0 {
		host, _, err := net.SplitHostPort(r.Host)
		if err != nil {
			host = r.Host
		}
		if h := s.cfg.Hosts[host]; h != nil {
			h.ServeHTTP(w, r)
			return
		}
	}
	if r.Method == http.MethodHead {
		// HEAD is GET without the body, which net/http itself leaves out.
		get := *r
		get.Method = http.MethodGet
		r = &get
	}
	s.echo.ServeHTTP(w, r)
}

const (
	catalogEvery = 2 * time.Second  // how soon another server's change is seen
	purgeEvery   = 24 * time.Hour   // how often acts whose time is over are deleted (T2)
	drainTimeout = 15 * time.Second // how long requests may still run after the end was asked for
)

// Run serves on the listener until ctx ends; then it lets running requests finish and writes the acts that wait.
func (s *Server) Run(ctx context.Context, l net.Listener) error {
	h := &http.Server{
		Handler: s, ReadHeaderTimeout: 10 * time.Second, ReadTimeout: 30 * time.Second, WriteTimeout: 2 * time.Minute,
		IdleTimeout: 2 * time.Minute, MaxHeaderBytes: 32 << 10,
		// net/http's own lines hold visitors' addresses (R6).
		ErrorLog: slog.NewLogLogger(slog.DiscardHandler, slog.LevelDebug),
	}
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	go s.every(ctx, catalogEvery, s.catalog.refresh)
	go s.every(ctx, purgeEvery, s.purge)
	go s.every(ctx, watchEvery, s.watch)
	go s.every(ctx, tidyEvery, s.tidier())
	defer s.startPictures(ctx)()
	defer s.startScans(ctx)()
	go s.every(ctx, signEvery, s.sign)
	failed := make(chan error, 1)
	go func() { failed <- h.Serve(l) }()
	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
	}
	drain, cancel := context.WithTimeout(context.Background(), drainTimeout)
	defer cancel()
	err := h.Shutdown(drain)
	s.Close()
	if served := <-failed; !errors.Is(served, http.ErrServerClosed) {
		err = errors.Join(err, served)
	}
	return err
}

// every runs a job now and then until ctx ends, and logs its failures.
func (s *Server) every(ctx context.Context, interval time.Duration, job func(context.Context) error) {
	tick := time.NewTicker(interval)
	defer tick.Stop()
	for {
		if err := job(ctx); err != nil && ctx.Err() == nil {
			s.cfg.Log.Error("background work failed", slog.Any("error", err))
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// purge deletes the acts whose time is over.
func (s *Server) purge(ctx context.Context) error {
	sites, err := s.db.Purge(ctx, store.PurgeRun{Now: s.cfg.Now(), Origin: store.ByJob})
	for _, p := range sites {
		if p.Acts() == 0 {
			continue
		}
		s.cfg.Log.Info("purged what is over", slog.String("site", p.Site), slog.Int64("consents", p.Consents), slog.Int64("refusals", p.Refusals))
		gone := map[string]any{"acts": p.Acts()}
		err = errors.Join(err, s.db.Audit(ctx, consent.NewDeed(p.At, consent.ByJob, "purge", p.Site).With("", gone)))
	}
	return err
}

// Close writes what waits and refuses further acts. It may be called twice.
func (s *Server) Close() { s.ingest.close() }

package server

import (
	"context"
	"log/slog"
	"maps"
	"slices"
	"time"

	"github.com/labstack/echo/v4"

	"samtykke/consent"
	"samtykke/server/dashboard"
	"samtykke/server/store"
)

// When the page of the status says that something waits for too long.
const (
	signedLate = 10 * time.Second // a checkpoint comes within a second or two
	purgeLate  = 36 * time.Hour   // records are deleted daily
)

// statusData is how the installation is: all that an administrator looks for first. It names no site and no visitor, and says
// nothing that the server doesn't know by itself anyway.
type statusData struct {
	store.Measure
	Version, Address, Metrics string // Metrics: where they are served; empty for nowhere
	Secure                    bool
	Since                     time.Time
	Postgres                  bool
	Recorded                  int64
	Failed                    []failedActs
	Waiting, Limit            int
	Key                       store.SigningKey
	Keys                      int
	Unsigned                  int64
	SignedLate, PurgedLate    bool
	Scans, Pictures, Mail     bool
	ScanJobs                  []scansInState
	Backups                   int // days for which they are kept, as was told; duties.NoBackups, or 0 where nobody has said
	You                       string
}

// failedActs are acts of consent that were sent since the start and not recorded.
type failedActs struct {
	Code  string
	Count int64
}

type scansInState struct {
	State store.ScanState
	Count int64
}

func (s *Server) statusPage(c echo.Context) error {
	d, err := s.status(c.Request().Context())
	if err != nil {
		return err
	}
	d.You = userOf(c).Email
	return s.show(c, "status", dashboard.View{Admin: "status", Form: &dashboard.Form{}, Data: d})
}

func (s *Server) status(ctx context.Context) (*statusData, error) {
	now := s.cfg.Now()
	m, err := s.db.Measure(ctx, now)
	if err != nil {
		return nil, err
	}
	keys, err := s.db.Keys(ctx)
	if err != nil {
		return nil, err
	}
	in, err := readInstallation(ctx, s.db)
	if err != nil {
		return nil, err
	}
	d := &statusData{
		Measure: m, Version: s.cfg.Version, Address: s.cfg.BaseURL, Secure: s.cfg.secure(), Postgres: s.db.Postgres(),
		Waiting: len(s.ingest.queue), Limit: cap(s.ingest.queue), Key: keys[len(keys)-1], Keys: len(keys),
		Scans: s.cfg.Scan != nil, Pictures: s.cfg.Pictures != nil, Mail: s.cfg.Mail != nil, Backups: in.BackupDays,
		PurgedLate: !m.Purged.IsZero() && now.Sub(m.Purged) > purgeLate,
	}
	for _, l := range m.Logs {
		d.Unsigned += l.Unsigned
		d.SignedLate = d.SignedLate || l.Waiting > signedLate
	}
	for _, state := range []store.ScanState{store.ScanQueued, store.ScanRunning, store.ScanDone, store.ScanFailed} {
		d.ScanJobs = append(d.ScanJobs, scansInState{state, m.Scans[state]})
	}
	s.metrics.tell(d)
	return d, nil
}

// tell says what was measured since the start.
func (m *measured) tell(d *statusData) {
	m.mu.Lock()
	defer m.mu.Unlock()
	d.Since, d.Metrics = m.start, m.address
	for _, code := range slices.Sorted(maps.Keys(m.acts)) {
		if code == actRecorded {
			d.Recorded = m.acts[code]
		} else {
			d.Failed = append(d.Failed, failedActs{code, m.acts[code]})
		}
	}
}

// tryMail sends a letter to whoever asks for it: whether letters arrive is seen only by sending one.
func (s *Server) tryMail(c echo.Context) error {
	ctx, words := c.Request().Context(), dashboard.For(languageOf(c))
	err := error(&consent.Error{Kind: consent.KindUnavailable, Code: "no_mail", Message: "This server has no mail server."})
	if s.cfg.Mail != nil {
		err = s.cfg.Mail(ctx, Letter{To: userOf(c).Email, Subject: words.T("letter.test_subject"), Body: words.T("letter.test_body", s.cfg.BaseURL)})
		if err == nil {
			return seeOther(c, "/installation/status?done=mail_sent#mail")
		}
		s.cfg.Log.Error("a letter was not sent", slog.Any("error", err))
		err = &consent.Error{Kind: consent.KindUnavailable, Code: "mail_failed", Message: "The letter was not sent: " + err.Error()}
	}
	d, failed := s.status(ctx)
	if failed != nil {
		return failed
	}
	d.You = userOf(c).Email
	return s.again(c, "status", dashboard.View{Admin: "status", Form: &dashboard.Form{}, Data: d}, err)
}

package server

import (
	"context"
	"fmt"
	"io"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/labstack/echo/v4"

	"samtykke/consent"
	"samtykke/server/ledger"
	"samtykke/server/store"
)

// deed begins the entry about what whoever asks does to a site.
func (s *Server) deed(c echo.Context, what, site string) consent.Deed {
	return consent.NewDeed(s.cfg.Now(), whoOf(c), what, site)
}

// did writes what was done to the audit log. Where that fails the request fails: nothing is shown that isn't logged (H7).
func (s *Server) did(c echo.Context, d consent.Deed) error {
	return s.db.Audit(c.Request().Context(), d)
}

// loginFailed logs an attempt. It names a person only where that person has a login here: what else was typed may be
// anything, also a password in the wrong field.
func (s *Server) loginFailed(c echo.Context, email string) error {
	who := consent.ByUnknown
	switch u, _, err := s.db.UserByEmail(c.Request().Context(), email); {
	case err == nil:
		who = u.Email
	case consent.KindOf(err) != consent.KindNotFound:
		return err
	}
	return s.did(c, consent.NewDeed(s.cfg.Now(), who, "login_failed", ""))
}

// lookedUp logs that somebody opened a record (H7). The entry names it by its number in the site's log, which says nothing
// about anyone once the record is gone; never by the visitor.
func (s *Server) lookedUp(c echo.Context, site string, visitor, id uuid.UUID) error {
	acts, err := s.db.OwnActs(c.Request().Context(), site, visitor) // also what is withheld
	if err != nil {
		return err
	}
	d := s.deed(c, "lookup", site)
	for i := range acts {
		if acts[i].Record.ID == id {
			d.Object = strconv.FormatInt(acts[i].Seq, 10)
		}
	}
	return s.did(c, d)
}

// listed logs that somebody saw a page of records.
func (s *Server) listed(c echo.Context, site string, q url.Values, shown int) error {
	return s.did(c, s.deed(c, "list", site).With("", logged(q, "shown", shown)))
}

// exported logs that somebody takes records away. Whether all of it arrives is not known then.
func (s *Server) exported(c echo.Context, site, format string, q url.Values) error {
	return s.did(c, s.deed(c, "export", site).With("", logged(q, "format", format)))
}

// logged is what an entry says about a filter. Of a visitor it says only that one was looked for.
func logged(q url.Values, name string, value any) map[string]any {
	out := map[string]any{name: value}
	for _, field := range []string{"from", "to", "action", "category", "notice"} {
		if v := q.Get(field); v != "" {
			out["filter."+field] = v
		}
	}
	if q.Get("visitor") != "" {
		out["filter.visitor"] = true
	}
	return out
}

// deed is the entry about a publication.
func (p *Publishing) deed(n *consent.Notice) consent.Deed {
	who := p.Author
	if !strings.Contains(who, "@") && !strings.HasPrefix(who, consent.ByToken) {
		who = consent.ByCLI
	}
	return consent.NewDeed(n.ValidFrom, who, "publish", n.Site).With(strconv.Itoa(n.Version),
		map[string]any{"hash": n.Hash.String(), "reason": n.Reason, "material": n.Content.Terms == n.Version})
}

// ExportAudit writes the audit log of a site, or of the installation where site is empty, in its order, one entry a line with
// its proof: samtykke verify reads it as it reads an export of records. Zero times mean everything.
func ExportAudit(ctx context.Context, db *store.DB, site string, from, to time.Time, out io.Writer) error {
	if err := db.SignLogs(ctx, time.Now()); err != nil { // what was done a moment ago is in it too
		return err
	}
	log, _, err := db.AuditLog(ctx, site)
	if consent.KindOf(err) == consent.KindNotFound {
		return nil // nothing has been done yet
	}
	if err != nil {
		return err
	}
	return exportAudit(ctx, db, site, log, from, to, out)
}

func exportAudit(ctx context.Context, db *store.DB, site string, log store.Log, from, to time.Time, out io.Writer) error {
	first, end, err := db.AuditRange(ctx, site, from, to, log.Size)
	if err != nil || first >= end {
		return err
	}
	head, err := exportHead(ctx, db, log, first, end)
	if err != nil {
		return err
	}
	e, err := ledger.NewExport(out, log.Tiles, head, log.Size)
	if err != nil {
		return err
	}
	for entry, err := range db.AuditEntries(ctx, site, first, end) {
		if err != nil {
			return err
		}
		if err := e.Record(entry.Seq, entry.Salt, entry.Body); err != nil {
			return err
		}
	}
	return e.Close(log.Size, nil)
}

// exportHead describes a log in the first line of an export of it, with the key that signed its checkpoint: a newer one may
// not have signed anything yet.
func exportHead(ctx context.Context, db *store.DB, log store.Log, from, to int64) (ledger.Head, error) {
	keys, err := db.Keys(ctx)
	if err != nil {
		return ledger.Head{}, err
	}
	head := ledger.Head{Origin: log.Origin, Checkpoint: log.Checkpoint, From: from, To: to}
	for i, k := range keys {
		if i > 0 {
			head.Rotations = append(head.Rotations, k.Rotation)
		}
		head.Key = k.Public()
		if _, err := ledger.OpenCheckpoint(log.Checkpoint, head.Key); err == nil {
			break
		}
	}
	return head, nil
}

// VerifyAudit proves that the audit log of a site, or of the installation, is stored completely and unchanged since it was
// signed, also against the last checkpoint of every day before. A log without entries gives an empty Result.
func VerifyAudit(ctx context.Context, db *store.DB, site string, keys []string) (ledger.Result, error) {
	log, earlier, err := db.AuditLog(ctx, site)
	if consent.KindOf(err) == consent.KindNotFound {
		return ledger.Result{}, nil // nothing has been done yet
	}
	if err != nil {
		return ledger.Result{}, err
	}
	r, w := io.Pipe()
	go func() { w.CloseWithError(exportAudit(ctx, db, site, log, time.Time{}, time.Time{}, w)) }()
	defer r.Close()
	result, err := ledger.VerifyExport(r, ledger.Options{Keys: keys, Earlier: earlier})
	if err != nil {
		err = fmt.Errorf("the audit log: %w", err)
	}
	return result, err
}

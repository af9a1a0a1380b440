package server

import (
	"context"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/google/uuid"
	"github.com/labstack/echo/v4"
	"golang.org/x/mod/sumdb/tlog"

	"samtykke/consent"
	"samtykke/server/ledger"
	"samtykke/server/ledger/verifier"
	"samtykke/server/store"
)

// signEvery is how soon after an act a checkpoint with it is signed.
const signEvery = time.Second

// sign signs a checkpoint of each log that has grown.
func (s *Server) sign(ctx context.Context) error { return s.db.SignLogs(ctx, s.cfg.Now()) }

// checkpoint shows the newest signed checkpoint: of the site named by the query, of its audit log with log=audit, else of the
// installation's own log.
// Whoever keeps one can show later that the log was not forked or cut off.
func (s *Server) checkpoint(c echo.Context) error {
	log, err := s.db.Log(c.Request().Context(), c.QueryParam("site"))
	if c.QueryParam("log") == "audit" {
		log, _, err = s.db.AuditLog(c.Request().Context(), c.QueryParam("site"))
	}
	if err != nil {
		return err
	}
	openToAll(c)
	c.Response().Header().Set("Cache-Control", "no-store")
	return c.String(http.StatusOK, log.Checkpoint)
}

// verifierPage serves the page that verifies in the reader's own browser. Whoever saves it can use it offline.
func (s *Server) verifierPage(c echo.Context) error {
	h := c.Response().Header()
	h.Set("Content-Security-Policy", verifier.Policy()+"; frame-ancestors 'none'")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "no-referrer")
	return c.HTMLBlob(http.StatusOK, verifier.Page())
}

// consistency is the proof that a site's log has only grown since it had some entries (RFC 6962).
type consistency struct {
	From       int64         `json:"from"`
	Checkpoint string        `json:"checkpoint"`
	Proof      []ledger.Hash `json:"proof"`
}

// logConsistency proves that the log of a site still begins with its first entries, as many as the query's from says.
func (s *Server) logConsistency(c echo.Context) error {
	log, err := s.db.Log(c.Request().Context(), c.Param("site"))
	if err != nil {
		return err
	}
	from, err := strconv.ParseInt(c.QueryParam("from"), 10, 64)
	if err != nil || from < 1 || from > log.Size {
		return consent.Invalid("bad_size", "Name the size of the earlier checkpoint: 1 up to that of the newest.")
	}
	proof, err := tlog.ProveTree(log.Size, from, log.Tiles)
	if err != nil {
		return err
	}
	openToAll(c)
	return c.JSON(http.StatusOK, consistency{from, log.Checkpoint, proof})
}

// located is an act with its proof: what a receipt is made of.
type located struct {
	store.Entry
	Checkpoint string
	Proof      []ledger.Hash
}

// locate finds an act, also one that is withheld, and proves its place in the log.
func (s *Server) locate(ctx context.Context, site string, visitor, id uuid.UUID) (located, error) {
	return locate(ctx, s.db, s.cfg.Now(), site, visitor, id)
}

func locate(ctx context.Context, db *store.DB, now time.Time, site string, visitor, id uuid.UUID) (located, error) {
	acts, err := db.OwnActs(ctx, site, visitor)
	if err != nil {
		return located{}, err
	}
	k := slices.IndexFunc(acts, func(a store.OwnAct) bool { return a.Record.ID == id })
	if k < 0 {
		return located{}, consent.NotFound("no_record", "There is no such record.")
	}
	if acts[k].Dropped {
		return located{}, &consent.Error{Kind: consent.KindConflict, Code: "not_provable", Message: "Parts of the record were erased, so it can't be proven any more."}
	}
	e := acts[k].Entry
	log, err := db.Log(ctx, site)
	if err == nil && log.Size <= e.Seq || consent.KindOf(err) == consent.KindNotFound {
		if err = db.SignLogs(ctx, now); err == nil { // it was made within the last second
			log, err = db.Log(ctx, site)
		}
	}
	if err != nil {
		return located{}, err
	}
	proof, err := log.Tiles.Prove(log.Size, e.Seq)
	return located{e, log.Checkpoint, proof}, err
}

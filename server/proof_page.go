package server

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"
	"sync"

	"github.com/google/uuid"
	"github.com/labstack/echo/v4"

	"samtykke/consent"
	"samtykke/server/ledger/verifier"
	"samtykke/server/receipt"
)

// proofScript verifies a record's receipt on the page of the record.
var proofScript = sync.OnceValue(func() script {
	code := verifier.Record()
	sum := sha256.Sum256(code)
	return script{newAsset(code, "text/javascript; charset=utf-8"), "proof." + hex.EncodeToString(sum[:6]) + ".js"}
})

// actProof is what a browser needs to prove by itself that a record stands in the site's log.
type actProof struct {
	Seq     int64
	Receipt string // signed, with the proof of inclusion
	Keys    string // the public keys, one a line
}

// proofOf makes the proof of a record; nil where parts of the record are gone.
func (s *Server) proofOf(c echo.Context, visitor, id uuid.UUID) (*actProof, error) {
	ctx := c.Request().Context()
	site, err := s.db.Site(ctx, c.Param("site"))
	if err != nil {
		return nil, err
	}
	src, err := s.receiptSource(ctx, &site, visitor, id)
	if consent.KindOf(err) == consent.KindConflict {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	keys, err := s.db.Keys(ctx)
	if err != nil {
		return nil, err
	}
	p := &actProof{Seq: src.Seq}
	if p.Receipt, err = receipt.Sign(src, keys[len(keys)-1].Key, s.cfg.Now()); err != nil {
		return nil, err
	}
	var public []string
	for _, k := range keys {
		public = append(public, k.Public())
	}
	p.Keys = strings.Join(public, "\n")
	return p, nil
}

// consentReceipt is the receipt of a record as a file. It holds what the record's page holds, and is put down like it.
func (s *Server) consentReceipt(c echo.Context) error {
	visitor, err1 := uuid.Parse(c.Param("visitor"))
	id, err2 := uuid.Parse(c.Param("id"))
	if err1 != nil || err2 != nil {
		return consent.NotFound("no_record", "There is no such record.")
	}
	site, err := s.db.Site(c.Request().Context(), c.Param("site"))
	if err != nil {
		return err
	}
	if _, err := s.locate(c.Request().Context(), site.ID, visitor, id); err != nil {
		return err
	}
	if err := s.lookedUp(c, site.ID, visitor, id); err != nil {
		return err
	}
	return s.sendReceipt(c, &siteEntry{site: site}, visitor, id.String(), c.QueryParam("format"))
}

package server

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"strings"
	"sync"

	"github.com/andybalholm/brotli"
	"github.com/klauspost/compress/gzip"
	"github.com/labstack/echo/v4"
)

// asset is a file that is served from memory and compressed once, when it is first asked for.
type asset struct {
	raw               []byte
	contentType, etag string
	once              sync.Once
	gzip, brotli      []byte
}

func newAsset(raw []byte, contentType string) *asset {
	sum := sha256.Sum256(raw)
	return &asset{raw: raw, contentType: contentType, etag: `"` + hex.EncodeToString(sum[:8]) + `"`}
}

// How long browsers may keep an answer.
const (
	forEver = "public, max-age=31536000, immutable"
	// A new notice is seen within five minutes, and meanwhile nobody waits for it.
	briefly = "public, max-age=300, stale-while-revalidate=86400"
)

// serve answers with the best form that the browser takes, or 304 where it has it already.
func (a *asset) serve(c echo.Context, cacheControl string) error {
	h := c.Response().Header()
	h.Set("Cache-Control", cacheControl)
	h.Set("ETag", a.etag)
	h.Add("Vary", "Accept-Encoding")
	h.Set("X-Content-Type-Options", "nosniff")
	r := c.Request()
	if strings.Contains(r.Header.Get("If-None-Match"), a.etag) {
		return c.NoContent(http.StatusNotModified)
	}
	a.once.Do(a.compress)
	body, accept := a.raw, r.Header.Get("Accept-Encoding")
	switch {
	case strings.Contains(accept, "br"):
		body = a.brotli
		h.Set("Content-Encoding", "br")
	case strings.Contains(accept, "gzip"):
		body = a.gzip
		h.Set("Content-Encoding", "gzip")
	}
	return c.Blob(http.StatusOK, a.contentType, body)
}

// compress takes the highest levels, since it happens once. Writing into memory can't fail.
func (a *asset) compress() {
	var g, b bytes.Buffer
	gw, _ := gzip.NewWriterLevel(&g, gzip.BestCompression)
	bw := brotli.NewWriterLevel(&b, brotli.BestCompression)
	_, _ = gw.Write(a.raw)
	_, _ = bw.Write(a.raw)
	_ = gw.Close()
	_ = bw.Close()
	a.gzip, a.brotli = g.Bytes(), b.Bytes()
}

package widget

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"fmt"
	"testing"

	"github.com/andybalholm/brotli"

	"samtykke/consent"
)

const testBase = "http://cmp.example"

func brotliSize(b []byte) int {
	var out bytes.Buffer
	w := brotli.NewWriterLevel(&out, 11)
	w.Write(b)
	w.Close()
	return out.Len()
}

func gzipSize(b []byte) int {
	var out bytes.Buffer
	w, _ := gzip.NewWriterLevel(&out, 9)
	w.Write(b)
	w.Close()
	return out.Len()
}

// The budget of the first view: one request of at most 5,000 bytes in one language; what comes later has its own.
func TestCompile_StaysSmall(t *testing.T) {
	c := shopContent(t)
	c.Banner.Languages = c.Banner.Languages[:1]
	b := compiled(t, c)
	hash := fmt.Sprintf("%x", sha256.Sum256(b.JS)) // as sealed: a real hash can't be compressed
	js := bytes.Replace(b.JS, []byte(consent.NoHash), []byte(hash), 1)
	within(t, "the script", js, 5000)
	for name, file := range b.Files {
		within(t, name, file, 4000)
	}
}

func within(t *testing.T, name string, file []byte, limit int) {
	t.Helper()
	size := brotliSize(file)
	t.Logf("%s: raw %d, gzip %d, brotli %d", name, len(file), gzipSize(file), size)
	if size > limit {
		t.Errorf("%s has %d bytes in brotli, at most %d wanted", name, size, limit)
	}
}

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

func TestCompile_StaysSmall(t *testing.T) {
	b, err := Compile(shopContent(t), testBase)
	if err != nil {
		t.Fatal(err)
	}
	hash := fmt.Sprintf("%x", sha256.Sum256(b.JS)) // as sealed: a real hash can't be compressed
	js := bytes.Replace(b.JS, []byte(consent.NoHash), []byte(hash), 1)
	size := brotliSize(js)
	t.Logf("raw %d, gzip %d, brotli %d", len(js), gzipSize(js), size)
	if size > 6300 {
		t.Errorf("the bundle has %d bytes in brotli, at most 6300 wanted", size)
	}
}

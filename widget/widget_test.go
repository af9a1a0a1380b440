package widget

import (
	"bytes"
	"compress/gzip"
	"testing"

	"github.com/andybalholm/brotli"
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
	size := brotliSize(b.JS)
	t.Logf("raw %d, gzip %d, brotli %d", len(b.JS), gzipSize(b.JS), size)
	if size > 8000 {
		t.Errorf("the bundle has %d bytes in brotli, at most 8000 wanted", size)
	}
}

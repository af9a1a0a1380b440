package ledger

import (
	"bytes"
	"sync"
	"testing"
)

// BenchmarkVerifyExport measures records a second; the export has blocks, as every long one.
func BenchmarkVerifyExport(b *testing.B) {
	const records = 100_000
	file := newMemory(records).all(b)
	b.SetBytes(int64(len(file)))
	b.ReportAllocs()
	for b.Loop() {
		if r, err := VerifyExport(bytes.NewReader(file), trusting()); err != nil || r.Records != records {
			b.Fatal(r, err)
		}
	}
	b.ReportMetric(float64(records)*float64(b.N)/b.Elapsed().Seconds(), "records/s")
}

// million is a tree of a million entries; what they are doesn't matter.
var million = sync.OnceValue(func() *memory {
	l := newMemory(0)
	leaves := make([]Hash, 1_000_000)
	for i := range leaves {
		leaves[i] = Hash{byte(i), byte(i >> 8), byte(i >> 16)}
	}
	for _, t := range l.edge.Append(leaves) {
		l.stored[[2]int64{t.Level, t.Index}] = t.Hashes
	}
	return l
})

// BenchmarkProof measures the proof of one entry's place among a million.
func BenchmarkProof(b *testing.B) {
	l := million()
	b.ReportAllocs()
	n := int64(0)
	for b.Loop() {
		if _, err := l.tiles().Prove(l.size(), n%l.size()); err != nil {
			b.Fatal(err)
		}
		n += 7919
	}
}

package ledger

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"golang.org/x/mod/sumdb/tlog"
	"pgregory.net/rapid"
)

// reference is the tree as golang.org/x/mod/sumdb/tlog stores it.
type reference struct{ hashes []Hash }

func (r *reference) ReadHashes(indexes []int64) ([]Hash, error) {
	out := make([]Hash, len(indexes))
	for i, x := range indexes {
		out[i] = r.hashes[x]
	}
	return out, nil
}

func (r *reference) add(t testing.TB, n int64, leaf Hash) {
	hs, err := tlog.StoredHashesForRecordHash(n, leaf, r)
	if err != nil {
		t.Fatal(err)
	}
	r.hashes = append(r.hashes, hs...)
}

// Sizes 0 to 2000 and some around 65536 (a full tile of the second level): root, edge read anew, proofs of records and of
// growth are those of another implementation of RFC 6962.
func TestEdge_IsTheTreeOfRFC6962(t *testing.T) {
	var ref reference
	l := newMemory(0)
	random := rand.New(rand.NewPCG(1, 2))
	var roots []Hash // of every size
	for size := int64(0); ; size++ {
		want, err := tlog.TreeHash(size, &ref)
		if err != nil {
			t.Fatal(err)
		}
		roots = append(roots, want)
		if size <= 2000 || size >= 65536-3 {
			checkSize(t, l, &ref, size, roots, random)
		}
		if t.Failed() || size == 65536+Width+3 {
			return
		}
		leaf := Leaf(nil, fmt.Append(nil, size))
		ref.add(t, size, leaf)
		for _, tile := range l.edge.Append([]Hash{leaf}) {
			l.stored[[2]int64{tile.Level, tile.Index}] = tile.Hashes
		}
	}
}

func checkSize(t *testing.T, l *memory, ref *reference, size int64, roots []Hash, random *rand.Rand) {
	t.Helper()
	root := roots[size]
	if l.edge.Size != size || l.edge.Root() != root {
		t.Fatalf("size %d: root %v of %d, want %v", size, l.edge.Root(), l.edge.Size, root)
	}
	last := make([][]byte, Levels(size))
	for level := range last {
		last[level] = l.stored[[2]int64{int64(level), size >> (Height * (level + 1))}]
	}
	again, err := NewEdge(size, last)
	if err != nil || again.Root() != root {
		t.Fatalf("size %d: an edge read anew has another root, %v", size, err)
	}
	more := []Hash{{1}, {2}}
	other := Edge{Size: size}
	for _, hs := range l.edge.tiles {
		other.tiles = append(other.tiles, slices.Clone(hs))
	}
	if a, b := again.Append(more), other.Append(more); fmt.Sprint(a) != fmt.Sprint(b) || again.Root() != other.Root() {
		t.Fatalf("size %d: an edge read anew grows otherwise", size)
	}
	if size == 0 {
		return
	}
	seq, from := random.Int64N(size), 1+random.Int64N(size)
	p, err := l.tiles().Prove(size, seq)
	want, _ := tlog.ProveRecord(size, seq, ref)
	if err != nil || !slices.Equal(p, want) || CheckInclusion(p, Checkpoint{Size: size, Root: root}, seq, ref.hashes[tlog.StoredHashIndex(0, seq)]) != nil {
		t.Fatalf("size %d: the proof of entry %d is wrong: %v", size, seq, err)
	}
	grown, err := tlog.ProveTree(size, from, l.tiles())
	if err != nil || tlog.CheckTree(grown, size, root, from, roots[from]) != nil {
		t.Fatalf("size %d: the proof that it grew from %d is wrong: %v", size, from, err)
	}
}

// Groups of any sizes make the same tiles as one entry after the other.
func TestEdge_GroupsMakeNoDifference(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var one, many Edge
		a, b := map[[2]int64][]byte{}, map[[2]int64][]byte{}
		for range rapid.IntRange(1, 6).Draw(t, "groups") {
			group := make([]Hash, rapid.IntRange(0, 700).Draw(t, "entries"))
			for i := range group {
				group[i] = sha256.Sum256(fmt.Append(nil, one.Size, i))
			}
			for _, tile := range many.Append(group) {
				b[[2]int64{tile.Level, tile.Index}] = tile.Hashes
			}
			for _, h := range group {
				for _, tile := range one.Append([]Hash{h}) {
					a[[2]int64{tile.Level, tile.Index}] = tile.Hashes
				}
			}
		}
		if one.Root() != many.Root() || fmt.Sprint(a) != fmt.Sprint(b) {
			t.Fatalf("size %d: other tiles", one.Size)
		}
	})
}

func TestNewEdge_RefusesWhatLacksHashes(t *testing.T) {
	for _, size := range []int64{1, 255, 256, 257, 65536, 65537} {
		if _, err := NewEdge(size, nil); err == nil {
			t.Errorf("an edge of %d entries out of no tiles", size)
		}
		if _, err := NewEdge(size, [][]byte{make([]byte, 31), make([]byte, 31), make([]byte, 31)}); err == nil {
			t.Errorf("an edge of %d entries out of half hashes", size)
		}
	}
}

// Cover is complete, in order, aligned, no larger than wanted, and the fewest: no two siblings could be one.
func TestCover(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		most := rapid.IntRange(0, 62).Draw(t, "most")
		from := rapid.Int64Range(0, 1<<uint(rapid.IntRange(0, 62).Draw(t, "bits"))).Draw(t, "from")
		length := rapid.Int64Range(0, 1<<uint(min(62, most+10))-1).Draw(t, "length")
		to := from + length
		if to < from {
			t.Skip("too large")
		}
		next := from
		subs := Cover(from, to, most)
		for k, s := range subs {
			if s.Level < 0 || s.Level > most || s.Index<<s.Level != next {
				t.Fatalf("%v begins at %d, not at %d", s, s.Index<<s.Level, next)
			}
			next += 1 << s.Level
			if k > 0 && s.Level < most && subs[k-1].Level == s.Level && subs[k-1].Index^1 == s.Index && s.Index&1 == 1 {
				t.Fatalf("%v and %v are one", subs[k-1], s)
			}
		}
		if next != to {
			t.Fatalf("ends at %d, not at %d", next, to)
		}
	})
}

// mth is the Merkle Tree Hash, written down as RFC 6962, section 2.1, has it.
func mth(leaves []Hash) Hash {
	switch n := len(leaves); n {
	case 0:
		return sha256.Sum256(nil)
	case 1:
		return leaves[0]
	default:
		k := 1
		for k*2 < n {
			k *= 2
		}
		return tlog.NodeHash(mth(leaves[:k]), mth(leaves[k:]))
	}
}

func TestTree_BuildsTheRootOutOfSubtrees(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		leaves := make([]Hash, 400)
		for i := range leaves {
			leaves[i] = sha256.Sum256([]byte{byte(i), byte(i >> 8)})
		}
		var tree Tree
		for _, level := range rapid.SliceOfN(rapid.IntRange(-1, 7), 0, 80).Draw(t, "levels") {
			size := int(tree.Size)
			if level < 0 || size&(1<<level-1) != 0 {
				if tree.Add(level, Hash{}) == nil {
					t.Fatalf("a subtree of level %d begins at %d", level, size)
				}
				continue
			}
			if size+1<<level > len(leaves) {
				break
			}
			if err := tree.Add(level, mth(leaves[size:size+1<<level])); err != nil {
				t.Fatal(err)
			}
		}
		if tree.Root() != mth(leaves[:tree.Size]) {
			t.Fatalf("another root at size %d", tree.Size)
		}
	})
	tree := Tree{Size: 1 << 62, nodes: []node{{62, Hash{}}}}
	for _, level := range []int{62, 63, 1 << 20} {
		if tree.Add(level, Hash{}) == nil {
			t.Errorf("the size overflows with level %d", level)
		}
	}
}

// T2, T5: removals name numbers and nothing else, in one spelling.
func TestRemoval_HasOneSpelling(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		numbers := rapid.SliceOfN(rapid.Int64Range(0, 200), 0, 60).Draw(t, "numbers")
		why := rapid.SampledFrom([]string{Erased, Purged, Locked, Unlocked}).Draw(t, "why")
		r := NewRemoval(why, day, numbers)
		b := r.Canonical()
		again := NewRemoval(why, day, rapid.Permutation(numbers).Draw(t, "shuffled"))
		if !bytes.Equal(again.Canonical(), b) {
			t.Fatalf("%s and %s", again.Canonical(), b)
		}
		parsed, err := ParseRemoval(b)
		if len(numbers) > 0 && (err != nil || !bytes.Equal(parsed.Canonical(), b)) {
			t.Fatalf("%s: %v", b, err)
		}
		for n := range int64(202) {
			if parsed.touches(n, n+1) != slices.Contains(numbers, n) {
				t.Fatalf("%s about %d", b, n)
			}
		}
		for i, e := range parsed.Entries {
			if i > 0 && e[0] <= parsed.Entries[i-1][1]+1 {
				t.Fatalf("%s could be shorter", b)
			}
		}
	})
	for _, s := range []string{
		``, `null`, `{}`, `{"at":1,"entries":[[1,1]],"type":"erased","v":2}`, `{"at":1,"entries":[[1,1]],"type":"lost","v":1}`,
		`{"at":1,"entries":[[2,1]],"type":"erased","v":1}`, `{"at":1,"entries":[[-1,1]],"type":"erased","v":1}`,
		`{"at":1,"entries":[[3,4],[4,5]],"type":"erased","v":1}`, `{"at":1,"entries":[[1,1]],"type":"erased","v":1} `,
		`{"entries":[[1,1]],"at":1,"type":"erased","v":1}`, `{"at":1,"entries":[[1]],"type":"erased","v":1}`,
		`{"at":1,"entries":[[1,1,1]],"type":"erased","v":1}`, `{"AT":1,"entries":[[1,1]],"type":"erased","v":1}`,
		`{"at":1,"entries":[[1,1]],"type":"erased","v":1,"x":1}`, `{"at":1.0,"entries":[[1,1]],"type":"erased","v":1}`,
	} {
		if r, err := ParseRemoval([]byte(s)); err == nil {
			t.Errorf("%s is read as %+v", s, r)
		}
	}
}

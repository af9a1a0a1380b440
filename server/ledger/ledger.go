// Package ledger makes a log of entries that nobody can change unseen, not even whoever runs the server: a Merkle tree
// (RFC 6962) over salted hashes of the entries, and checkpoints of it that are signed with Ed25519. It keeps nothing
// itself and knows nothing of databases: the store keeps tiles and entries, this package computes and verifies.
// docs/ledger.md describes the formats for those who want to verify with a program of their own.
package ledger

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"fmt"
	"math/bits"

	"golang.org/x/mod/sumdb/tlog"
)

// Hash is a node of the tree, SHA-256.
type Hash = tlog.Hash

// SaltLen is the number of bytes of a salt. Whoever has only the leaf can't guess the entry behind it; with row and
// salt deleted, the leaf says nothing about anyone (R9, T5).
const SaltLen = 16

// NewSalts fills a slice with fresh salts, one after the other: n of them in n*SaltLen bytes.
func NewSalts(n int) []byte {
	b := make([]byte, n*SaltLen)
	rand.Read(b) //nolint:errcheck // never fails (crypto/rand)
	return b
}

// Leaf is the leaf of an entry: SHA-256 over a zero byte and HMAC-SHA-256 with the salt as the key over the entry's
// canonical bytes.
func Leaf(salt, entry []byte) Hash {
	m := hmac.New(sha256.New, salt)
	m.Write(entry)
	var sum [sha256.Size]byte
	return tlog.RecordHash(m.Sum(sum[:0]))
}

// Tiles group the tree for storage: a tile holds up to Width hashes of one level. Level 0 is the leaves; a hash of level
// n+1 is the root of a full tile of level n.
const (
	Height = 8
	Width  = 1 << Height
)

// Tile is a row of hashes as it is stored: the Index-th of its level, full or the last.
type Tile struct {
	Level, Index int64
	Hashes       []byte // each tlog.HashSize bytes
}

// Edge is the right side of a growing tree: its size and the last tile of each level that isn't full. It is all that
// appending needs.
type Edge struct {
	Size  int64
	tiles [][]Hash
}

// Levels is how many levels have a last tile that isn't full, for a tree of this size.
func Levels(size int64) int {
	n := 0
	for ; size > 0; size >>= Height {
		n++
	}
	return n
}

// NewEdge is the edge of a stored tree. tiles holds the last tile of each level from 0 on, as far as Levels; an empty
// one where the last tile is full.
func NewEdge(size int64, tiles [][]byte) (*Edge, error) {
	e := &Edge{Size: size, tiles: make([][]Hash, Levels(size))}
	for level := range e.tiles {
		want := int(size >> (Height * level) % Width)
		if want == 0 {
			continue
		}
		if level >= len(tiles) || len(tiles[level]) < want*tlog.HashSize {
			return nil, fmt.Errorf("the tree of %d entries lacks hashes of level %d", size, level)
		}
		e.tiles[level] = hashes(tiles[level][:want*tlog.HashSize])
	}
	return e, nil
}

func hashes(b []byte) []Hash {
	out := make([]Hash, len(b)/tlog.HashSize, Width)
	for i := range out {
		copy(out[i][:], b[i*tlog.HashSize:])
	}
	return out
}

// Append adds leaves and returns the tiles that have changed: they are to be stored before the tree has grown.
func (e *Edge) Append(leaves []Hash) []Tile {
	var changed []Tile
	first := map[int]bool{} // levels with a tile that isn't in changed yet
	for _, h := range leaves {
		e.Size++
		for level := 0; ; level++ {
			if level == len(e.tiles) {
				e.tiles = append(e.tiles, nil)
			}
			first[level] = true
			e.tiles[level] = append(e.tiles[level], h)
			if len(e.tiles[level]) < Width {
				break
			}
			changed = append(changed, e.tile(level, e.Size>>(Height*(level+1))-1))
			delete(first, level)
			h = reduce(e.tiles[level])
			e.tiles[level] = e.tiles[level][:0]
		}
	}
	for level := range e.tiles {
		if first[level] {
			changed = append(changed, e.tile(level, e.Size>>(Height*(level+1))))
		}
	}
	return changed
}

func (e *Edge) tile(level int, index int64) Tile {
	t := Tile{Level: int64(level), Index: index, Hashes: make([]byte, 0, len(e.tiles[level])*tlog.HashSize)}
	for i := range e.tiles[level] {
		t.Hashes = append(t.Hashes, e.tiles[level][i][:]...)
	}
	return t
}

// reduce is the root over a power of two of hashes.
func reduce(hs []Hash) Hash {
	if len(hs) == 1 {
		return hs[0]
	}
	return tlog.NodeHash(reduce(hs[:len(hs)/2]), reduce(hs[len(hs)/2:]))
}

// Root is the root of the tree.
func (e *Edge) Root() Hash {
	var t Tree
	for level := len(e.tiles) - 1; level >= 0; level-- {
		hs := e.tiles[level]
		for len(hs) > 0 {
			part := 1 << (bits.Len(uint(len(hs))) - 1)
			t.add(level*Height+bits.Len(uint(part))-1, reduce(hs[:part]))
			hs = hs[part:]
		}
	}
	return t.Root()
}

// Tree builds a root from the left to the right, out of leaves or of whole subtrees, in memory of the tree's height.
type Tree struct {
	Size  int64
	nodes []node
}

type node struct {
	level int
	hash  Hash
}

// Add appends a subtree of 2^level leaves. It must begin where one of that size can: ErrMisplaced otherwise.
func (t *Tree) Add(level int, h Hash) error {
	if level < 0 || level > 62 || t.Size&(1<<level-1) != 0 || t.Size+1<<level < 0 {
		return ErrMisplaced
	}
	t.add(level, h)
	return nil
}

func (t *Tree) add(level int, h Hash) {
	t.Size += 1 << level
	for n := len(t.nodes); n > 0 && t.nodes[n-1].level == level; n = len(t.nodes) {
		h = tlog.NodeHash(t.nodes[n-1].hash, h)
		t.nodes = t.nodes[:n-1]
		level++
	}
	t.nodes = append(t.nodes, node{level, h})
}

// Root is the root of what was added; that of an empty tree is the SHA-256 of nothing.
func (t *Tree) Root() Hash {
	if len(t.nodes) == 0 {
		return sha256.Sum256(nil)
	}
	root := t.nodes[len(t.nodes)-1].hash
	for i := len(t.nodes) - 2; i >= 0; i-- {
		root = tlog.NodeHash(t.nodes[i].hash, root)
	}
	return root
}

// Subtree names 2^Level leaves, the Index-th such group of the tree.
type Subtree struct {
	Level int
	Index int64
}

// End is the number of the first leaf behind it.
func (s Subtree) End() int64 { return (s.Index + 1) << s.Level }

// Cover lists the fewest subtrees of at most 2^most leaves that are the leaves from inclusive to exclusive.
func Cover(from, to int64, most int) []Subtree {
	var out []Subtree
	for from < to {
		level := min(most, bits.Len64(uint64(to-from))-1)
		if from > 0 {
			level = min(level, bits.TrailingZeros64(uint64(from)))
		}
		out = append(out, Subtree{level, from >> level})
		from += 1 << level
	}
	return out
}

// Tiles reads tiles of a tree: each as many hashes as it has in a tree of the size in question, or more.
type Tiles func(level, index int64) ([]byte, error)

// ReadHashes makes stored tiles a tlog.HashReader, from which tlog proves.
func (read Tiles) ReadHashes(indexes []int64) ([]Hash, error) {
	out := make([]Hash, len(indexes))
	seen := map[[2]int64][]byte{}
	for i, index := range indexes {
		t := tlog.TileForIndex(Height, index)
		key := [2]int64{int64(t.L), t.N}
		b, ok := seen[key]
		if !ok {
			var err error
			if b, err = read(key[0], key[1]); err != nil {
				return nil, err
			}
			seen[key] = b
		}
		if len(b) < t.W*tlog.HashSize {
			return nil, fmt.Errorf("tile %d of level %d has %d hashes, %d are needed", t.N, t.L, len(b)/tlog.HashSize, t.W)
		}
		var err error
		if out[i], err = tlog.HashFromTile(t, b[:t.W*tlog.HashSize], index); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// Subtrees reads the hashes of whole subtrees.
func (read Tiles) Subtrees(subtrees []Subtree) ([]Hash, error) {
	indexes := make([]int64, len(subtrees))
	for i, s := range subtrees {
		indexes[i] = tlog.StoredHashIndex(s.Level, s.Index)
	}
	return read.ReadHashes(indexes)
}

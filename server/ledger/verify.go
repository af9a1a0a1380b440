package ledger

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"

	"golang.org/x/mod/sumdb/tlog"
)

// Fault is what is wrong with a file, and where.
type Fault struct {
	Line  int64  // in the file, from 1; 0 where it is no matter of one line
	Entry int64  // in the log; -1 where none can be named
	What  string // in plain words
}

func (f *Fault) Error() string {
	switch {
	case f.Line > 0 && f.Entry >= 0:
		return fmt.Sprintf("line %d (entry %d): %s", f.Line, f.Entry, f.What)
	case f.Line > 0:
		return fmt.Sprintf("line %d: %s", f.Line, f.What)
	}
	return f.What
}

// ErrEmpty is the fault of a file without a line. It proves nothing.
var ErrEmpty error = &Fault{Entry: -1, What: "the file is empty"}

// Result is what a file that verifies has proven.
type Result struct {
	Records    int64 // shown and unchanged
	Removed    int64 // not shown, and the log says why
	From, To   int64 // the range of entries
	Checkpoint Checkpoint
	Key        string // the public key behind the checkpoint: compare it with the one that you know
	Known      bool   // it is one of the keys given, or follows on one
	Earlier    int    // how many of the earlier checkpoints given were met and agree
}

// Options say what is known besides the file.
type Options struct {
	Keys    []string // public keys that are trusted; none: the file's own is believed, and Result.Known is false
	Earlier []string // signed checkpoints of the same log that were kept: a log that was forked since can't agree
}

// maxLine bounds a line of an export, in bytes: the last one holds a proof for each later removal.
const maxLine = 64 << 20

// VerifyExport reads an export to its end and proves that it is complete and unchanged, or says where it isn't with a
// *Fault. It needs nothing but the file and the public key, and no more memory for a long file than for a short one.
func VerifyExport(r io.Reader, o Options) (Result, error) {
	v := verifier{options: o, in: bufio.NewReaderSize(r, 256<<10)}
	err := v.run()
	return v.result, err
}

type verifier struct {
	options Options
	in      *bufio.Reader
	line    int64
	result  Result

	head    Head
	size    int64
	subs    []Subtree // what the head's nodes are, up to the range's end
	at      int       // which of them is being built
	whole   Tree      // out of subtrees that were found right
	block   Tree      // the one being built, from its own begin
	next    int64
	gaps    [][2]int64
	removed removed
	earlier []Checkpoint
}

func (v *verifier) fault(entry int64, format string, args ...any) error {
	return &Fault{v.line, entry, fmt.Sprintf(format, args...)}
}

func (v *verifier) run() error {
	var done bool
	for {
		line, err := readLine(v.in)
		if errors.Is(err, io.EOF) {
			break
		}
		v.line++
		if err != nil {
			return v.fault(-1, "it can't be read: %v", err)
		}
		if done {
			return v.fault(-1, "there is more behind the end of the export")
		}
		if done, err = v.record(line); err != nil {
			return err
		}
	}
	if v.line == 0 {
		return ErrEmpty
	}
	if !done && v.next < v.head.To {
		return &Fault{Entry: v.next, What: fmt.Sprintf("the end is missing: entries %d to %d", v.next, v.head.To-1)}
	}
	if n := v.removed.unexplained(v.gaps); n >= 0 {
		return &Fault{Entry: n, What: fmt.Sprintf("entry %d is missing, and the log doesn't say that it was erased, purged or locked", n)}
	}
	return nil
}

var errLong = errors.New("it is too long")

// readLine reads up to a line feed, which must be there.
func readLine(in *bufio.Reader) ([]byte, error) {
	line, err := in.ReadSlice('\n')
	if errors.Is(err, bufio.ErrBufferFull) {
		long := bytes.Clone(line)
		for errors.Is(err, bufio.ErrBufferFull) && len(long) < maxLine {
			line, err = in.ReadSlice('\n')
			long = append(long, line...)
		}
		if errors.Is(err, bufio.ErrBufferFull) {
			return nil, errLong
		}
		line = long
	}
	if errors.Is(err, io.EOF) && len(line) > 0 {
		return nil, errors.New("its end is missing")
	}
	if err != nil {
		return nil, err
	}
	return line[:len(line)-1], nil
}

// record checks one line: what it says of the log, its place, its leaf. It says whether that was the last one.
func (v *verifier) record(line []byte) (last bool, err error) {
	i := bytes.Index(line, []byte(Separator)) // within a record's strings quotes are escaped: the first is the one
	if i < 0 || len(line) < i+len(Separator)+1 || line[len(line)-1] != '}' {
		return false, v.fault(-1, "this is no record with a proof")
	}
	p, err := parseProof(line[i+len(Separator) : len(line)-1])
	if err != nil {
		return false, v.fault(-1, "%v", err)
	}
	if (v.line == 1) != (p.Log != nil) {
		return false, v.fault(-1, "an export begins with the line that describes its log, and has it once")
	}
	if p.Log != nil {
		if err := v.open(p.Log); err != nil {
			return false, err
		}
	}
	for k := range p.Before {
		if err := v.gap(&p.Before[k], min(p.Seq, v.head.To)); err != nil { // what is behind the range has no bound
			return false, err
		}
	}
	switch {
	case p.Seq < v.next:
		return false, v.fault(p.Seq, "it is out of order or there twice: entry %d belongs here", v.next)
	case p.Seq > v.next:
		return false, v.fault(p.Seq, "what is before it is missing: entries %d to %d", v.next, p.Seq-1)
	case p.Seq >= v.head.To:
		return false, v.fault(p.Seq, "it is behind the end of the export")
	}
	salt, err := base64.StdEncoding.Strict().DecodeString(p.Salt)
	if err != nil || len(salt) != SaltLen || len(p.Salt) != (SaltLen+2)/3*4 || [SaltLen]byte(salt) == [SaltLen]byte{} {
		// Base64 passes over line ends. For HMAC a key of zeros is none: a removal would pass for a record, and what it says would be lost.
		return false, v.fault(p.Seq, "the salt was changed")
	}
	line[i] = '}' // the record's own end, in the place of the separator
	leaf := Leaf(salt, line[:i+1])
	if v.head.Most > 0 && p.Leaf != base64.StdEncoding.EncodeToString(leaf[:]) || v.head.Most == 0 && p.Leaf != "" {
		return false, v.fault(p.Seq, "the record or its salt was changed")
	}
	if err := v.add(0, leaf); err != nil {
		return false, err
	}
	v.result.Records++
	if p.After == nil && p.Later == nil {
		return v.next == v.head.To, nil
	}
	for k := range p.After {
		if err := v.gap(&p.After[k], v.head.To); err != nil {
			return false, err
		}
	}
	if v.next != v.head.To {
		return false, v.fault(v.next, "the end is missing: entries %d to %d", v.next, v.head.To-1)
	}
	return true, v.end(p.Later)
}

// parseProof reads a proof in its one spelling.
func parseProof(raw []byte) (p proof, err error) {
	if p, ok := parseUsual(raw); ok {
		return p, nil
	}
	if err := json.Unmarshal(raw, &p); err != nil {
		return p, errors.New("the proof can't be read")
	}
	again, err := json.Marshal(&p)
	if err != nil || !bytes.Equal(again, raw) {
		return p, errors.New("the proof was changed")
	}
	return p, nil
}

// parseUsual reads a proof that has nothing but its entry, as nearly all do, without the cost of general JSON.
func parseUsual(raw []byte) (p proof, ok bool) {
	const leaf, salt, seq = `{"leaf":"`, `"salt":"`, `","seq":`
	const leafLen, saltLen = 44, 24 // of 32 and 16 bytes in base64
	rest := raw
	if bytes.HasPrefix(rest, []byte(leaf)) && len(rest) > len(leaf)+leafLen+2 {
		p.Leaf, rest = string(rest[len(leaf):len(leaf)+leafLen]), rest[len(leaf)+leafLen+2:]
	} else if len(rest) > 0 {
		rest = rest[1:]
	}
	if !bytes.HasPrefix(rest, []byte(salt)) || len(rest) < len(salt)+saltLen+len(seq)+2 {
		return proof{}, false
	}
	p.Salt, rest = string(rest[len(salt):len(salt)+saltLen]), rest[len(salt)+saltLen:]
	if !bytes.HasPrefix(rest, []byte(seq)) {
		return proof{}, false
	}
	if p.Leaf != "" && (!isBase64(p.Leaf, sha256.Size) || !isBase64(p.Salt, SaltLen)) {
		return proof{}, false
	}
	n, err := strconv.ParseInt(string(rest[len(seq):len(rest)-1]), 10, 64)
	p.Seq = n
	return p, err == nil && bytes.Equal(p.appendPlain(nil), raw) // there is one spelling
}

// isBase64 says whether s is the one spelling of n bytes.
func isBase64(s string, n int) bool {
	b, err := base64.StdEncoding.Strict().DecodeString(s)
	return err == nil && len(b) == n && len(s) == base64.StdEncoding.EncodedLen(n)
}

// open takes the head: the checkpoint's signature, and that the hashes given are the whole tree behind it.
func (v *verifier) open(h *Head) error {
	keys, known, err := trust(v.options.Keys, h.Key, h.Rotations)
	if err != nil {
		return v.fault(-1, "the key: %v", err)
	}
	c, err := OpenCheckpoint(h.Checkpoint, h.Key)
	if err != nil {
		return v.fault(-1, "the checkpoint: %v", err)
	}
	if c.Origin != h.Origin {
		return v.fault(-1, "the checkpoint is of another log, %s", c.Origin)
	}
	if h.From < 0 || h.From >= h.To || h.To > c.Size || h.Most < 0 || h.Most > 62 || (h.To-h.From)>>h.Most > maxBlocks {
		return v.fault(-1, "the range of entries was changed")
	}
	v.head, v.size = *h, c.Size
	v.result.Checkpoint, v.result.Key, v.result.Known, v.result.From, v.result.To = c, h.Key, known, h.From, h.To
	subs := plan(h, c.Size)
	if len(subs) != len(h.Nodes) {
		return v.fault(-1, "the tree has another number of hashes than its size wants")
	}
	var t Tree
	for k, s := range subs {
		t.add(s.Level, h.Nodes[k])
		if s.End() == h.From {
			v.whole = Tree{t.Size, append([]node(nil), t.nodes...)}
			v.at = k + 1
		}
	}
	if t.Root() != c.Root {
		return v.fault(-1, "the hashes of the tree are not those of the checkpoint")
	}
	v.subs, v.next = subs, h.From
	for _, signed := range v.options.Earlier {
		e, err := openEarlier(signed, keys)
		if err != nil {
			return fmt.Errorf("the earlier checkpoint: %w", err)
		}
		if e.Origin != c.Origin {
			return fmt.Errorf("the earlier checkpoint is of another log, %s", e.Origin)
		}
		if e.Size > c.Size {
			return &Fault{Entry: -1, What: fmt.Sprintf("the log was cut off: it had %d entries on %s and has %d now", e.Size, e.At.Format(atFormat), c.Size)}
		}
		v.earlier = append(v.earlier, e)
	}
	return v.meet()
}

// gap takes entries that are not shown, or one that says why.
func (v *verifier) gap(g *gap, limit int64) error {
	if g.To <= v.next || g.To > limit {
		return v.fault(v.next, "the entries that are not shown overlap or are out of order")
	}
	if g.Removal != "" {
		r, err := ParseRemoval([]byte(g.Removal))
		if err != nil || g.To != v.next+1 || g.Nodes != nil || !r.behind(v.next) {
			return v.fault(v.next, "the entry about removed entries was changed")
		}
		v.removed.add(&r)
		return v.add(0, Leaf(nil, []byte(g.Removal)))
	}
	from := v.next
	subs := Cover(v.next, g.To, v.head.Most)
	if len(subs) != len(g.Nodes) {
		return v.fault(v.next, "the hashes of entries that are not shown are missing or too many")
	}
	for k, s := range subs {
		if err := v.add(s.Level, g.Nodes[k]); err != nil {
			return err
		}
	}
	// Memory grows with the gaps between records, which removals make, not with the records.
	if n := len(v.gaps) - 1; n >= 0 && v.gaps[n][1]+1 == from {
		v.gaps[n][1] = g.To - 1
	} else {
		v.gaps = append(v.gaps, [2]int64{from, g.To - 1})
	}
	v.result.Removed += g.To - from
	return nil
}

// add puts a leaf or a subtree behind what is there and compares each block when it is whole.
func (v *verifier) add(level int, h Hash) error {
	begin := v.next
	if err := v.block.Add(level, h); err != nil {
		return v.fault(v.next, "hashes are misplaced")
	}
	v.next += 1 << level
	for v.at < len(v.subs) && v.subs[v.at].End() <= v.next {
		s := v.subs[v.at]
		if v.block.Size != 1<<s.Level || v.block.Root() != v.head.Nodes[v.at] {
			if s.Level == 0 {
				return v.fault(begin, "the record or its salt was changed")
			}
			return v.fault(begin, "one of the entries %d to %d was changed", s.Index<<s.Level, s.End()-1)
		}
		v.whole.add(s.Level, v.head.Nodes[v.at])
		v.block = Tree{}
		v.at++
	}
	return v.meet()
}

// meet compares the tree with the earlier checkpoints of its present size.
func (v *verifier) meet() error {
	for _, e := range v.earlier {
		if e.Size != v.next {
			continue
		}
		t := Tree{v.whole.Size + v.block.Size, append(append([]node(nil), v.whole.nodes...), v.block.nodes...)}
		if t.Root() != e.Root {
			return &Fault{v.line, -1, fmt.Sprintf("the log was forked: its first %d entries are not those of %s", e.Size, e.At.Format(atFormat))}
		}
		v.result.Earlier++
	}
	return nil
}

// end takes the removals behind the range.
func (v *verifier) end(later []Later) error {
	after := v.head.To - 1
	for _, l := range later {
		r, err := ParseRemoval([]byte(l.Removal))
		if err != nil || l.Seq <= after || !r.behind(l.Seq) {
			return v.fault(l.Seq, "the entry about removed entries was changed")
		}
		if CheckInclusion(l.Proof, v.result.Checkpoint, l.Seq, Leaf(nil, []byte(l.Removal))) != nil {
			return v.fault(l.Seq, "the entry about removed entries is not in the log")
		}
		v.removed.add(&r)
		after = l.Seq
	}
	return nil
}

// VerifyRemovals proves of a whole log without records that each entry was removed, as the log says.
func VerifyRemovals(h Head, tiles Tiles, removals []Later, keys []string) (r Result, err error) {
	_, r.Known, err = trust(keys, h.Key, h.Rotations)
	if err != nil {
		return r, err
	}
	if r.Checkpoint, err = OpenCheckpoint(h.Checkpoint, h.Key); err != nil {
		return r, err
	}
	r.Key, r.To = h.Key, r.Checkpoint.Size
	var t Tree
	all := Cover(0, r.To, 62)
	roots, err := tiles.Subtrees(all)
	if err != nil {
		return r, err
	}
	for i, s := range all {
		t.add(s.Level, roots[i])
	}
	if t.Root() != r.Checkpoint.Root {
		return r, &Fault{Entry: -1, What: "the hashes of the tree are not those of the checkpoint"}
	}
	var x removed
	var gaps [][2]int64
	next := int64(0)
	for _, l := range removals {
		parsed, err := ParseRemoval([]byte(l.Removal))
		proof, perr := tiles.Prove(r.To, l.Seq)
		if err != nil || perr != nil || CheckInclusion(proof, r.Checkpoint, l.Seq, Leaf(nil, []byte(l.Removal))) != nil {
			return r, &Fault{Entry: l.Seq, What: "the entry about removed entries was changed"}
		}
		x.add(&parsed)
		if l.Seq > next {
			gaps = append(gaps, [2]int64{next, l.Seq - 1})
			r.Removed += l.Seq - next
		}
		next = l.Seq + 1
	}
	if next < r.To {
		gaps = append(gaps, [2]int64{next, r.To - 1})
		r.Removed += r.To - next
	}
	if n := x.unexplained(gaps); n >= 0 {
		return r, &Fault{Entry: n, What: fmt.Sprintf("entry %d is missing, and the log doesn't say that it was erased, purged or locked", n)}
	}
	return r, nil
}

// Prove is the proof that a leaf is in the tree of this size (RFC 6962).
func (read Tiles) Prove(size, seq int64) ([]Hash, error) { return tlog.ProveRecord(size, seq, read) }

// CheckInclusion checks such a proof against a checkpoint.
func CheckInclusion(proof []Hash, c Checkpoint, seq int64, leaf Hash) error {
	if seq < 0 || seq >= c.Size {
		return errors.New("the entry is not in the tree")
	}
	return tlog.CheckRecord(proof, c.Size, c.Root, seq, leaf)
}

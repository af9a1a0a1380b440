package ledger

import (
	"bufio"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"strconv"
)

// Separator stands between a record and its proof in a line of an export: {…record…,"proof":{…}}.
const Separator = `,"proof":`

// maxBlocks is about how many hashes the head of an export has. With them whoever verifies finds the place of a fault: to
// the entry in a short export, to one part in so many of a long one.
const maxBlocks = 512

// Head is what an export says of its log in its first line.
type Head struct {
	Origin     string   `json:"origin"`
	Checkpoint string   `json:"checkpoint"`          // signed
	Key        string   `json:"key"`                 // the public key behind it
	Rotations  []string `json:"rotations,omitempty"` // how that key followed on earlier ones, the oldest first
	From       int64    `json:"from"`                // the export has the entries from this number
	To         int64    `json:"to"`                  // up to this one, exclusive
	Most       int      `json:"most"`                // no subtree of the export's range is larger than 2^Most leaves
	Nodes      []Hash   `json:"nodes"`               // the whole tree: Cover of what is before, in the range, and behind
}

// proof is what a line says beside its record. Absent fields are left out, and the order is this one: there is one
// spelling only.
type proof struct {
	Log    *Head   `json:"log,omitempty"`    // first line
	Before []gap   `json:"before,omitempty"` // entries before this one that are no records
	Leaf   string  `json:"leaf,omitempty"`   // where Most is above 0: finds the line of a fault
	Salt   string  `json:"salt"`
	Seq    int64   `json:"seq"`             // the entry's number in the log
	After  []gap   `json:"after,omitempty"` // last line: up to the range's end
	Later  []Later `json:"later,omitempty"` // last line
}

// gap is either entries that are not shown, or one that says why others aren't.
type gap struct {
	To      int64  `json:"to"`                // the number of the entry behind it
	Nodes   []Hash `json:"nodes,omitempty"`   // Cover of the entries that are not shown
	Removal string `json:"removal,omitempty"` // the canonical bytes of a Removal
}

// Later is a removal behind the export's range, which may explain gaps in it.
type Later struct {
	Seq     int64  `json:"seq"`
	Removal string `json:"removal"` // the canonical bytes
	Proof   []Hash `json:"proof"`   // of its place in the checkpoint's tree (RFC 6962)
}

// Export writes records with the proof that they are all there and unchanged. Memory stays small, however many there are.
type Export struct {
	out   *bufio.Writer
	tiles Tiles
	head  Head
	next  int64 // the number of the next entry
	gaps  []gap
	line  []byte // the last line, without its end
	last  proof
	rows  int64
}

// NewExport prepares an export of the entries from head.From to head.To. It computes head.Most and head.Nodes.
func NewExport(out io.Writer, tiles Tiles, head Head, size int64) (*Export, error) {
	for (head.To-head.From)>>head.Most > maxBlocks {
		head.Most++
	}
	var err error
	if head.Nodes, err = tiles.Subtrees(plan(&head, size)); err != nil {
		return nil, err
	}
	return &Export{out: bufio.NewWriterSize(out, 64<<10), tiles: tiles, head: head, next: head.From}, nil
}

// plan lists the subtrees whose hashes are the head's nodes.
func plan(h *Head, size int64) []Subtree {
	all := Cover(0, h.From, 62)
	all = append(all, Cover(h.From, h.To, h.Most)...)
	return append(all, Cover(h.To, size, 62)...)
}

var errOrder = errors.New("the entries of an export come in their order")

// skip fills up to the entry with the hashes of what isn't shown.
func (e *Export) skip(to int64) error {
	if to < e.next || to > e.head.To {
		return errOrder
	}
	if to == e.next {
		return nil
	}
	nodes, err := e.tiles.Subtrees(Cover(e.next, to, e.head.Most))
	if err != nil {
		return err
	}
	e.gaps = append(e.gaps, gap{To: to, Nodes: nodes})
	e.next = to
	return nil
}

// Removal adds an entry that explains why others are not shown.
func (e *Export) Removal(seq int64, canonical []byte) error {
	if seq >= e.head.To {
		return errOrder
	}
	if err := e.skip(seq); err != nil {
		return err
	}
	e.gaps = append(e.gaps, gap{To: seq + 1, Removal: string(canonical)})
	e.next++
	return nil
}

// Record adds a record, canonically encoded.
func (e *Export) Record(seq int64, salt, canonical []byte) error {
	if seq >= e.head.To {
		return errOrder
	}
	if err := e.skip(seq); err != nil {
		return err
	}
	if err := e.flush(); err != nil {
		return err
	}
	e.last = proof{Before: e.gaps, Salt: base64.StdEncoding.EncodeToString(salt), Seq: seq}
	if e.rows == 0 {
		e.last.Log = &e.head
	}
	if e.head.Most > 0 {
		h := Leaf(salt, canonical)
		e.last.Leaf = base64.StdEncoding.EncodeToString(h[:])
	}
	e.line = append(append(e.line[:0], canonical[:len(canonical)-1]...), Separator...)
	e.gaps = nil
	e.next++
	e.rows++
	return nil
}

// flush writes the line that waits.
func (e *Export) flush() error {
	if e.rows == 0 {
		return nil
	}
	p := &e.last
	if p.Log == nil && p.Before == nil && p.After == nil && p.Later == nil {
		e.line = p.appendPlain(e.line)
	} else {
		b, err := json.Marshal(p)
		if err != nil {
			return err
		}
		e.line = append(e.line, b...)
	}
	e.line = append(e.line, "}\n"...)
	_, err := e.out.Write(e.line)
	return err
}

// appendPlain is the JSON of the usual proof, which has nothing but its entry.
func (p *proof) appendPlain(b []byte) []byte {
	b = append(b, '{')
	if p.Leaf != "" {
		b = append(b, `"leaf":"`...)
		b = append(b, p.Leaf...)
		b = append(b, `",`...)
	}
	b = append(b, `"salt":"`...)
	b = append(b, p.Salt...)
	b = append(b, `","seq":`...)
	b = strconv.AppendInt(b, p.Seq, 10)
	return append(b, '}')
}

// Close writes what is left. later are the removals behind the range, without their proofs.
func (e *Export) Close(size int64, later []Later) error {
	if err := e.skip(e.head.To); err != nil {
		return err
	}
	if e.rows == 0 {
		return e.out.Flush() // nothing to show, nothing to prove
	}
	e.last.After = e.gaps
	for _, l := range later {
		r, err := ParseRemoval([]byte(l.Removal))
		if err != nil {
			return err
		}
		if !r.touches(e.head.From, e.head.To) {
			continue
		}
		if l.Proof, err = e.tiles.Prove(size, l.Seq); err != nil {
			return err
		}
		e.last.Later = append(e.last.Later, l)
	}
	if err := e.flush(); err != nil {
		return err
	}
	return e.out.Flush()
}

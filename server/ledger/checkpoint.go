package ledger

import (
	"crypto/ed25519"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

// Checkpoint says what a log held at a moment. Signed, it is a note (https://c2sp.org/tlog-checkpoint): the log's name,
// the size, the root in base64, and the time on a line of its own.
type Checkpoint struct {
	Origin string // the log's name: samtykke/SITE
	Size   int64
	Root   Hash
	At     time.Time // whole milliseconds, UTC
}

const atFormat = "2006-01-02T15:04:05.000Z"

func (c *Checkpoint) text() string {
	return fmt.Sprintf("%s\n%d\n%s\n%s\n", c.Origin, c.Size, base64.StdEncoding.EncodeToString(c.Root[:]), c.At.UTC().Format(atFormat))
}

// Origin names the log of a site; that of the installation itself is the name without one.
func Origin(site string) string {
	if site == "" {
		return "samtykke"
	}
	return "samtykke/" + site
}

// Key signs checkpoints and receipts.
type Key struct {
	Name    string
	Private ed25519.PrivateKey
}

// NewKey makes a key. Its name tells keys of one installation apart.
func NewKey(at time.Time) Key {
	_, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		panic(err) // crypto/rand never fails
	}
	return Key{"samtykke-" + at.UTC().Format("20060102T150405"), private}
}

// Public is the key as verifiers are given it: name, a short hash and the Ed25519 key, as notes write it
// (golang.org/x/mod/sumdb/note).
func (k Key) Public() string {
	s, err := note.NewEd25519VerifierKey(k.Name, k.Private.Public().(ed25519.PublicKey))
	if err != nil {
		panic(err) // the key's length is right, the name ours
	}
	return s
}

// signer makes a Key one of notes.
type signer struct {
	note.Verifier
	private ed25519.PrivateKey
}

func (s signer) Sign(msg []byte) ([]byte, error) { return ed25519.Sign(s.private, msg), nil }

// Sign signs a text of lines as a note, with each key.
func Sign(text string, keys ...Key) (string, error) {
	signers := make([]note.Signer, len(keys))
	for i, k := range keys {
		v, err := note.NewVerifier(k.Public())
		if err != nil {
			return "", err
		}
		signers[i] = signer{v, k.Private}
	}
	b, err := note.Sign(&note.Note{Text: text}, signers...)
	return string(b), err
}

// Sign signs the checkpoint.
func (c *Checkpoint) Sign(keys ...Key) (string, error) { return Sign(c.text(), keys...) }

// The ways in which signatures and checkpoints are wrong.
var (
	ErrMisplaced  = errors.New("a hash is not where one of its size can be")
	ErrSignature  = errors.New("no valid signature by a key that is trusted")
	ErrCheckpoint = errors.New("this is no signed checkpoint")
)

// maxSize bounds the size that a checkpoint may claim: nobody has as many entries, and proofs of larger trees would
// overflow what computes them.
const maxSize = 1 << 50

// maxNote bounds what is parsed as a signed note, in bytes.
const maxNote = 8 << 10

// keyLen is the length of an Ed25519 key as notes write it: base64 of 33 bytes.
const keyLen = 44

// readKey reads a key in the one spelling that Key.Public gives it.
func readKey(key string) (note.Verifier, error) {
	v, err := note.NewVerifier(key)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrSignature, err)
	}
	begin := fmt.Sprintf("%s+%08x+", v.Name(), v.KeyHash())
	if !strings.HasPrefix(key, begin) || len(key) != len(begin)+keyLen {
		return nil, ErrSignature
	}
	return v, nil
}

// OpenNote checks a note that is signed by each of the keys, in their order, and by nobody else, and returns its text. Keys
// are as Key.Public writes them. There is one spelling of a signed note: notes allow for others.
func OpenNote(signed string, keys []string) (string, error) {
	if len(signed) > maxNote {
		return "", ErrCheckpoint
	}
	var verifiers []note.Verifier
	for _, k := range keys {
		v, err := readKey(k)
		if err != nil {
			return "", err
		}
		verifiers = append(verifiers, v)
	}
	n, err := note.Open([]byte(signed), note.VerifierList(verifiers...))
	if err != nil {
		return "", fmt.Errorf("%w: %w", ErrSignature, err)
	}
	if len(n.Sigs) != len(keys) || len(n.UnverifiedSigs) > 0 {
		return "", ErrSignature
	}
	again := n.Text + "\n"
	for i, s := range n.Sigs {
		if _, err := base64.StdEncoding.Strict().DecodeString(s.Base64); err != nil || s.Name != verifiers[i].Name() || s.Hash != verifiers[i].KeyHash() {
			return "", ErrSignature
		}
		again += "— " + s.Name + " " + s.Base64 + "\n"
	}
	if again != signed { // a signature that is there twice
		return "", ErrSignature
	}
	return n.Text, nil
}

// OpenCheckpoint checks a signed checkpoint.
func OpenCheckpoint(signed, key string) (Checkpoint, error) {
	text, err := OpenNote(signed, []string{key})
	if err != nil {
		return Checkpoint{}, err
	}
	lines := strings.Split(text, "\n")
	if len(lines) != 5 || lines[0] == "" {
		return Checkpoint{}, ErrCheckpoint
	}
	c := Checkpoint{Origin: lines[0]}
	if c.Size, err = strconv.ParseInt(lines[1], 10, 64); err != nil || c.Size < 0 || c.Size > maxSize {
		return Checkpoint{}, ErrCheckpoint
	}
	if c.Root, err = tlog.ParseHash(lines[2]); err != nil {
		return Checkpoint{}, ErrCheckpoint
	}
	if c.At, err = time.Parse(atFormat, lines[3]); err != nil || c.text() != text {
		return Checkpoint{}, ErrCheckpoint
	}
	return c, nil
}

package receipt

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"samtykke/consent"
	"samtykke/server/ledger"
)

// Verified is what a receipt has proven. Record is proven twice, by the signature and by the log; the rest is what the
// holder of the key has signed.
type Verified struct {
	Key        string // the one of the keys given that signed the receipt
	Issuer     string
	MadeAt     time.Time // when the receipt was made; the act's own time is Record.At
	Record     consent.Record
	Notice     Notice
	Controller consent.Controller
	Texts      Texts
	Seq        int64             // the record's number in its log
	Checkpoint ledger.Checkpoint // the log that has the record; zero with ErrUnlogged
}

// Why a receipt is not accepted.
var (
	ErrMalformed  = errors.New("this is no receipt")
	ErrAlgorithm  = errors.New("the receipt is not signed with EdDSA, the only way that is accepted")
	ErrUnknownKey = errors.New("the receipt names a key that is not among those given")
	ErrSignature  = errors.New("the signature doesn't fit: the receipt was changed, or another key signed it")
	ErrRecord     = errors.New("the record in the receipt is not spelled as the log has it")
	ErrContradict = errors.New("the receipt contradicts itself")
	ErrLog        = errors.New("the log doesn't have this record")
	// ErrUnlogged is returned together with what the signature alone has proven.
	ErrUnlogged = errors.New("the signature is right, but the receipt was made before the log had a checkpoint with this record: ask for a new one")
)

const (
	maxToken = 512 << 10 // bytes of what is parsed as a receipt
	maxSize  = 1 << 62   // entries of a log; tlog computes with the next power of two, which int64 must hold
)

// Verify proves a receipt with nothing but public keys, each as ledger.Key.Public writes it: one of them signed it, and
// the record is in the log of its own site, under a checkpoint that one of them signed. When the receipt was made and
// whether it would have expired don't matter.
func Verify(token string, keys []string) (Verified, error) {
	c, key, err := open(token, keys)
	if err != nil {
		return Verified{}, err
	}
	record, err := consent.ParseCanonical(c.Record)
	if err != nil {
		return Verified{}, fmt.Errorf("%w: %w", ErrRecord, err)
	}
	p, err := c.place()
	if err != nil {
		return Verified{}, err
	}
	for _, claim := range []struct {
		name string
		same bool
	}{
		{"jti", c.ID == record.ID.String()},
		{"sub", c.Subject == record.Visitor.String()},
		{"notice", c.Notice.Hash == record.Notice},
		{"texts", c.Texts.Language == record.Language},
		{"log", p.Origin == ledger.Origin(record.Site)},
	} {
		if !claim.same {
			return Verified{}, fmt.Errorf("%w: %s is not what the record says", ErrContradict, claim.name)
		}
	}
	v := Verified{
		Key: key, Issuer: c.Issuer, MadeAt: time.Unix(c.IssuedAt, 0).UTC(), Record: record,
		Notice: c.Notice, Controller: c.Controller, Texts: c.Texts, Seq: p.Seq,
	}
	if p.Checkpoint == "" {
		return v, ErrUnlogged
	}
	if v.Checkpoint, err = p.prove(c.Record, keys); err != nil {
		return Verified{}, err
	}
	return v, nil
}

// payload keeps a token's claims as they are written. The rules for times that it has from MapClaims are not applied.
type payload struct {
	jwt.MapClaims
	raw []byte
}

// UnmarshalJSON keeps the bytes.
func (p *payload) UnmarshalJSON(b []byte) error {
	p.raw = bytes.Clone(b)
	return nil
}

var parser = jwt.NewParser(jwt.WithValidMethods([]string{jwt.SigningMethodEdDSA.Alg()}), jwt.WithStrictDecoding(), jwt.WithoutClaimsValidation())

// open checks the signature, and reads the claims only after that. It says which key it was.
func open(token string, keys []string) (c claims, key string, err error) {
	token = strings.TrimSpace(token)
	if len(token) > maxToken || strings.ContainsAny(token, "\r\n") { // base64 would skip line ends anywhere
		return c, "", ErrMalformed
	}
	named := map[string][]string{} // two keys can have the same name
	for _, k := range keys {
		name, _, err := parseKey(k)
		if err != nil {
			return c, "", err
		}
		named[name] = append(named[name], k)
	}
	var p payload
	t, _, err := parser.ParseUnverified(token, &p)
	switch {
	case t != nil && t.Header["alg"] != nil && t.Header["alg"] != jwt.SigningMethodEdDSA.Alg():
		return c, "", ErrAlgorithm
	case err != nil || t.Header["crit"] != nil: // who marks something as critical wants it understood (RFC 7515)
		return c, "", ErrMalformed
	}
	kid, _ := t.Header["kid"].(string)
	if len(named[kid]) == 0 {
		return c, "", ErrUnknownKey
	}
	err = ErrSignature
	for _, key = range named[kid] {
		if _, e := parser.ParseWithClaims(token, &p, func(*jwt.Token) (any, error) {
			_, public, err := parseKey(key)
			return public, err
		}); e == nil {
			err = nil
			break
		}
	}
	if err != nil {
		return c, "", err
	}
	if err := decode(p.raw, &c); err != nil {
		return c, "", err
	}
	return c, key, nil
}

// decode reads an object whose names are each there once and in lower case. Readers of JSON differ in what they make of
// the others, so that one receipt could say one thing here and another elsewhere.
func decode(raw []byte, into any) error {
	d := json.NewDecoder(bytes.NewReader(raw))
	if t, err := d.Token(); err != nil || t != json.Delim('{') {
		return ErrMalformed
	}
	seen := map[string]bool{}
	for d.More() {
		t, err := d.Token()
		name, ok := t.(string)
		if err != nil || !ok || seen[name] || strings.Trim(name, "abcdefghijklmnopqrstuvwxyz0123456789_") != "" {
			return fmt.Errorf("%w: a name is there twice or not in lower case", ErrMalformed)
		}
		seen[name] = true
		var value json.RawMessage
		if err := d.Decode(&value); err != nil {
			return ErrMalformed
		}
	}
	if err := json.Unmarshal(raw, into); err != nil {
		return fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	return nil
}

func (c *claims) place() (p place, err error) {
	err = decode(c.Log, &p)
	return p, err
}

// prove computes the record's leaf and finds it in the tree of the checkpoint.
func (p *place) prove(record []byte, keys []string) (ledger.Checkpoint, error) {
	none := ledger.Checkpoint{}
	salt, ok := unspell(p.Salt, ledger.SaltLen)
	if !ok {
		return none, fmt.Errorf("%w: the salt is none", ErrLog)
	}
	proof := make([]ledger.Hash, len(p.Proof))
	for i, s := range p.Proof {
		b, ok := unspell(s, len(proof[i]))
		if !ok {
			return none, fmt.Errorf("%w: the proof is none", ErrLog)
		}
		copy(proof[i][:], b)
	}
	c, err := openCheckpoint(p.Checkpoint, keys)
	switch {
	case err != nil:
		return none, fmt.Errorf("the checkpoint: %w", err)
	case c.Origin != p.Origin:
		return none, fmt.Errorf("%w: the checkpoint is of another log, %s", ErrLog, c.Origin)
	case c.Size > maxSize:
		return none, fmt.Errorf("the checkpoint: %w", ledger.ErrCheckpoint)
	}
	if err := ledger.CheckInclusion(proof, c, p.Seq, ledger.Leaf(salt, record)); err != nil {
		return none, fmt.Errorf("%w: its leaf is not in the tree at number %d", ErrLog, p.Seq)
	}
	return c, nil
}

// unspell reads so many bytes in the one way in which base64 writes them.
func unspell(s string, n int) ([]byte, bool) {
	b, err := base64.StdEncoding.DecodeString(s)
	return b, err == nil && len(b) == n && base64.StdEncoding.EncodeToString(b) == s
}

// openCheckpoint opens a checkpoint by any of the keys: it can be older than the key that signed the receipt.
func openCheckpoint(signed string, keys []string) (c ledger.Checkpoint, err error) {
	err = ledger.ErrSignature
	for _, k := range keys {
		if c, err = ledger.OpenCheckpoint(signed, k); err == nil {
			return c, nil
		}
	}
	return c, err
}

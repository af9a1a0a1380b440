package receipt

import (
	"crypto/ed25519"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/golang-jwt/jwt/v5"
	"golang.org/x/mod/sumdb/note"
)

// jwk is a public key as RFC 8037 writes it.
type jwk struct {
	Type      string `json:"kty"`
	Curve     string `json:"crv"`
	ID        string `json:"kid"`
	Use       string `json:"use"`
	Algorithm string `json:"alg"`
	X         string `json:"x"`
}

// JWKS lists public keys, each as ledger.Key.Public writes it, as a JSON Web Key Set (RFC 7517), so that any JWT library
// can check a receipt's signature.
func JWKS(keys []string) ([]byte, error) {
	set := struct {
		Keys []jwk `json:"keys"`
	}{Keys: []jwk{}}
	for _, k := range keys {
		name, public, err := parseKey(k)
		if err != nil {
			return nil, err
		}
		set.Keys = append(set.Keys, jwk{
			Type: "OKP", Curve: "Ed25519", ID: name, Use: "sig", Algorithm: jwt.SigningMethodEdDSA.Alg(),
			X: base64.RawURLEncoding.EncodeToString(public),
		})
	}
	return json.Marshal(set)
}

// ErrKey says that what was given as a public key is none.
var ErrKey = errors.New("this is no public key (name+hash+key)")

// parseKey takes a key of notes apart. note.NewVerifier checks the parts, but keeps the key to itself.
func parseKey(s string) (name string, public ed25519.PublicKey, err error) {
	v, err := note.NewVerifier(s)
	if err != nil {
		return "", nil, fmt.Errorf("%w: %w", ErrKey, err)
	}
	data, err := base64.StdEncoding.DecodeString(strings.SplitN(s, "+", 3)[2]) // base64 has plus signs of its own
	if err != nil || len(data) != 1+ed25519.PublicKeySize {
		return "", nil, ErrKey
	}
	return v.Name(), data[1:], nil
}

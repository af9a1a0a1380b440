// Package receipt writes receipts of consent and reads them again. A receipt joins one act, the notice under which it was
// made, the controller who asked, and the proof that the act is in the site's log. Signed (Sign, Verify) it can be
// checked offline, years later, against nothing but a public key; TS27560 and Kantara write the same facts in the shapes
// of those two specifications. Everything here is a pure function of a Source. docs/receipts.md is the description.
package receipt

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"samtykke/consent"
	"samtykke/server/declaration"
	"samtykke/server/ledger"
	"samtykke/widget"
)

// Source is what a receipt is made of.
type Source struct {
	Record     consent.Record
	Notice     consent.Notice // with its content; the bundle isn't needed
	Issuer     string         // the server's public address
	Seq        int64          // the record's number in the site's log
	Salt       []byte         // of its leaf
	Checkpoint string         // signed; empty where none covers the record yet
	Proof      []ledger.Hash  // of the leaf in the checkpoint's tree
	KeptUntil  time.Time      // when the record will be deleted
}

// Notice says which notice was shown.
type Notice struct {
	Hash      consent.Hash `json:"hash"`
	Version   int          `json:"version"`
	ValidFrom time.Time    `json:"valid_from"`
	URL       string       `json:"url"` // the cookie declaration of this very version
}

// Texts is what the notice said in the record's language, its placeholders filled in.
type Texts struct {
	Language   string     `json:"language"`
	Title      string     `json:"title"`
	Intro      string     `json:"intro"`
	Hint       string     `json:"withdraw_hint"`
	Buttons    Buttons    `json:"buttons"`
	Categories []Category `json:"categories"` // necessary first, then those that were asked about
}

// Buttons are the labels of the choices.
type Buttons struct {
	Accept string `json:"accept"`
	Reject string `json:"reject"`
	Choose string `json:"choose"`
	Save   string `json:"save"`
}

// Category is one purpose in the notice's words.
type Category struct {
	Category consent.Category `json:"category"`
	Name     string           `json:"name"`
	Purpose  string           `json:"purpose"`
}

// claims are what a receipt says, signed. Record is the canonical encoding, byte for byte: it is what the log holds.
type claims struct {
	Issuer     string             `json:"iss"`
	ID         string             `json:"jti"`
	Subject    string             `json:"sub"`
	IssuedAt   int64              `json:"iat"`
	Record     json.RawMessage    `json:"record"`
	Notice     Notice             `json:"notice"`
	Controller consent.Controller `json:"controller"`
	Texts      Texts              `json:"texts"`
	Log        json.RawMessage    `json:"log"`
}

// place is where the record is in its site's log.
type place struct {
	Origin     string   `json:"origin"`
	Seq        int64    `json:"seq"`
	Salt       string   `json:"salt"`                 // base64
	Checkpoint string   `json:"checkpoint,omitempty"` // signed
	Proof      []string `json:"proof,omitzero"`       // base64 of each hash; there with a checkpoint, if empty
}

// Sign writes the receipt as a JWT, signed with EdDSA. at is when it is made. Its own code joins the segments: the
// library would escape <, > and & in the record, and then the record's bytes were no longer those of the log.
func Sign(s Source, k ledger.Key, at time.Time) (string, error) {
	if err := s.check(); err != nil {
		return "", err
	}
	p := place{Origin: ledger.Origin(s.Record.Site), Seq: s.Seq, Salt: base64.StdEncoding.EncodeToString(s.Salt)}
	if s.Checkpoint != "" {
		p.Checkpoint, p.Proof = s.Checkpoint, []string{}
		for _, h := range s.Proof {
			p.Proof = append(p.Proof, base64.StdEncoding.EncodeToString(h[:]))
		}
	}
	log, err := encode(p)
	if err != nil {
		return "", err
	}
	payload, err := encode(claims{
		Issuer: s.issuer(), ID: s.Record.ID.String(), Subject: s.Record.Visitor.String(), IssuedAt: at.Unix(),
		Record: s.Record.AppendCanonical(nil), Notice: s.notice(), Controller: s.Notice.Content.Controller, Texts: s.texts(), Log: log,
	})
	if err != nil {
		return "", err
	}
	header, err := encode(map[string]string{"alg": jwt.SigningMethodEdDSA.Alg(), "kid": k.Name, "typ": "JWT"})
	if err != nil {
		return "", err
	}
	text := base64.RawURLEncoding.EncodeToString(header) + "." + base64.RawURLEncoding.EncodeToString(payload)
	signature, err := jwt.SigningMethodEdDSA.Sign(text, k.Private)
	if err != nil {
		return "", fmt.Errorf("sign the receipt: %w", err)
	}
	return text + "." + base64.RawURLEncoding.EncodeToString(signature), nil
}

// encode writes JSON without white space and without escaping what only HTML needs escaped.
func encode(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return nil, fmt.Errorf("encode the receipt: %w", err)
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}

// check refuses to put together what doesn't belong together: nobody could tell afterwards.
func (s *Source) check() error {
	if err := s.Record.Validate(); err != nil {
		return err
	}
	switch {
	case s.Record.Notice != s.Notice.Hash || s.Record.Site != s.Notice.Site:
		return errors.New("the receipt's notice is not the one that the record names")
	case s.Notice.Content.Texts[s.Record.Language] == nil:
		return errors.New("the receipt's notice has no texts in the record's language")
	case s.Seq < 0 || len(s.Salt) != ledger.SaltLen:
		return errors.New("the record has no place in the log yet")
	}
	return nil
}

func (s *Source) issuer() string { return strings.TrimSuffix(s.Issuer, "/") }

// declaration is the address of the cookie declaration of a version, 0 for the one in force.
func (s *Source) declaration(version int) string {
	return s.issuer() + declaration.Path(s.Record.Site, version, s.Record.Language)
}

func (s *Source) notice() Notice {
	return Notice{Hash: s.Notice.Hash, Version: s.Notice.Version, ValidFrom: s.Notice.ValidFrom.UTC(), URL: s.declaration(s.Notice.Version)}
}

func (s *Source) texts() Texts {
	c := &s.Notice.Content
	words := widget.Shown(c, s.Record.Language)
	t := Texts{
		Language: s.Record.Language, Title: words["title"], Hint: words["withdraw_hint"],
		Intro:   strings.ReplaceAll(words["intro"], "{third_parties}", words["third_parties"]),
		Buttons: Buttons{Accept: words["accept"], Reject: words["reject"], Choose: words["choose"], Save: words["save"]},
	}
	for _, k := range slices.Concat([]consent.Category{consent.Necessary}, c.Banner.Categories) {
		t.Categories = append(t.Categories, Category{k, words[string(k)+"_name"], words[string(k)+"_purpose"]})
	}
	return t
}

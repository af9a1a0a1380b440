package consent

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"
)

// Action is what the visitor did.
type Action string

// The acts of consent. A withdrawal is an act of its own and changes no earlier one (R10).
const (
	AcceptAll Action = "accept_all"
	RejectAll Action = "reject_all"
	Custom    Action = "custom"
	Withdraw  Action = "withdraw"
)

// Actions lists the acts in the order in which their numbers are stored: append only.
var Actions = [...]Action{AcceptAll, RejectAll, Custom, Withdraw}

// Method is where the visitor acted.
type Method string

// The places and ways of acting.
const (
	ByBanner      Method = "banner"      // first layer
	ByDialog      Method = "dialog"      // second layer
	ByDeclaration Method = "declaration" // a link in the declaration or on the page
	ByPlaceholder Method = "placeholder" // "always show" in an embed's place
	ByAPI         Method = "api"         // the page's own script, on the visitor's act
	BySignal      Method = "signal"      // Global Privacy Control
	ByImport      Method = "import"      // a choice taken over from another tool
)

// Methods lists the methods in the order in which their numbers are stored: append only.
var Methods = [...]Method{ByBanner, ByDialog, ByDeclaration, ByPlaceholder, ByAPI, BySignal, ByImport}

// How long acts are kept, in months: what granted something after it stopped counting, a refusal after it was made.
// 24 months is the Danish Consumer Ombudsman's practice for other consents; no rule fixes it for cookies.
const (
	KeepConsent = 24
	KeepRefusal = 12
)

// Limits of the fields that strangers fill.
const (
	MaxPath      = 300 // bytes of a page path
	MaxNames     = 60  // cleared or remaining cookie names
	MaxName      = 100 // bytes of each
	maxRecordLen = 32 << 10
)

// Act is what a browser sends: one act of consent, before the server adds site and time.
type Act struct {
	ID         uuid.UUID `json:"id"`      // UUIDv7 made by the browser; sending it again changes nothing (R1)
	Visitor    uuid.UUID `json:"visitor"` // random, made by the browser; the visitor's own secret (R8)
	Notice     Hash      `json:"notice"`
	Action     Action    `json:"action"`
	Categories Choices   `json:"categories"`
	Language   string    `json:"language"` // the language that was shown
	Method     Method    `json:"method"`
	Refused    []string  `json:"refused,omitempty"`   // single providers within granted categories, as category/provider
	Path       string    `json:"path,omitempty"`      // only where the site asks for it; never with a query (R6)
	Cleared    []string  `json:"cleared,omitempty"`   // names of cookies that the browser removed
	Remaining  []string  `json:"remaining,omitempty"` // and of those that it could not
}

// Record is an act as it is kept: what the browser sent, the site, the server's time (R3) and until when it counts.
type Record struct {
	Act
	Site       string
	At         time.Time // the server's clock, UTC, whole milliseconds
	ValidUntil time.Time // when the choice stops counting (T4)
	// Address is the visitor's network, /24 or /48, and only where the site asks for it. Whole addresses can't
	// be stored here: Validate refuses them.
	Address netip.Prefix
}

// Validate checks an act against what can be known without the notice; CheckAgainst does the rest.
func (a *Act) Validate() error {
	var f fields
	f.add(a.ID == uuid.Nil || a.ID.Version() != 7 || a.ID.Variant() != uuid.RFC4122, "id", "The id must be a UUID of version 7.")
	v := a.Visitor.Version()
	f.add(a.Visitor == uuid.Nil || v != 7 && v != 4 || a.Visitor.Variant() != uuid.RFC4122, "visitor", "The visitor must be a UUID of version 7 or 4.")
	f.add(a.Notice == Hash{}, "notice", "The notice's hash is missing.")
	f.add(a.Action.number() < 0, "action", "The action is accept_all, reject_all, custom or withdraw.")
	f.add(a.Method.number() < 0, "method", "The method is not one of those documented.")
	f.add(!validLanguage(a.Language), "language", "The language is a two-letter code.")
	f.add(a.Categories.Asked == 0 || a.Categories.Validate() != nil, "categories", "Answer each category with true or false.")
	f.add(a.Action == AcceptAll && a.Categories.Given != a.Categories.Asked, "categories", "accept_all grants every category.")
	f.add((a.Action == RejectAll || a.Action == Withdraw) && a.Categories.Given != 0, "categories", "reject_all and withdraw grant no category.")
	f.add(!a.refusesWithinGrants(), "refused", "At most 60 providers, as category/provider, within categories that are granted by choosing.")
	f.add(!validPath(a.Path), "path", "The path starts with / and has no query, no fragment and at most 300 bytes.")
	f.add(!validNames(a.Cleared), "cleared", "At most 60 names of at most 100 bytes.")
	f.add(!validNames(a.Remaining), "remaining", "At most 60 names of at most 100 bytes.")
	return f.err("bad_consent", "The consent can't be recorded.")
}

// refusesWithinGrants says whether the single refusals, if any, are exceptions from a choice.
func (a *Act) refusesWithinGrants() bool {
	for _, r := range a.Refused {
		cat, provider, ok := strings.Cut(r, "/")
		if !ok || provider == "" || !a.Categories.Given.Has(Category(cat)) {
			return false
		}
	}
	return len(a.Refused) == 0 || a.Action == Custom && validNames(a.Refused)
}

// CheckAgainst refuses an act that doesn't answer exactly what the notice asked (R11), or in a language in which
// the notice was never shown, or that refuses whom it never offered to refuse.
func (a *Act) CheckAgainst(c *Content) error {
	var f fields
	b := &c.Banner
	for _, r := range a.Refused {
		cat, provider, _ := strings.Cut(r, "/")
		f.add(!b.PerVendor || !slices.Contains(c.Refusable(Category(cat)), provider), "refused", "The notice doesn't offer to refuse this provider.")
	}
	f.add(a.Categories.Asked != b.Asked(), "categories", "Answer exactly the categories that the notice asks about.")
	shown := false
	for _, l := range b.Languages {
		shown = shown || l == a.Language
	}
	f.add(!shown, "language", "The notice has no such language.")
	return f.err("bad_consent", "The consent doesn't fit its notice.")
}

// Validate checks a whole record.
func (r *Record) Validate() error {
	if err := r.Act.Validate(); err != nil {
		return err
	}
	var f fields
	f.add(!ValidSiteID(r.Site), "site", "There is no such website.")
	f.add(!wholeMillis(r.At) || !wholeMillis(r.ValidUntil), "at", "Times are whole milliseconds between 1970 and 9999.")
	f.add(!r.ValidUntil.After(r.At), "valid_until", "The validity ends after the act.")
	f.add(r.Address.IsValid() && !truncated(r.Address), "address", "Only networks are kept: /24 or /48.")
	return f.err("bad_record", "The record is not right.")
}

// Truncate cuts an address to the network that may be kept: /24 for IPv4, /48 for IPv6 (R7).
func Truncate(a netip.Addr) netip.Prefix {
	bits := 48
	if a = a.Unmap().WithZone(""); a.Is4() {
		bits = 24
	}
	p, err := a.Prefix(bits)
	if err != nil {
		return netip.Prefix{}
	}
	return p
}

func truncated(p netip.Prefix) bool {
	a := p.Addr()
	return p == p.Masked() && (a.Is4() && p.Bits() == 24 || a.Is6() && !a.Is4In6() && p.Bits() == 48)
}

func (a Action) number() int {
	for i, k := range Actions {
		if k == a {
			return i
		}
	}
	return -1
}

func (m Method) number() int {
	for i, k := range Methods {
		if k == m {
			return i
		}
	}
	return -1
}

// Number is what is stored for the action, its place in Actions; -1 for an unknown one.
func (a Action) Number() int { return a.number() }

// Number is what is stored for the method, its place in Methods; -1 for an unknown one.
func (m Method) Number() int { return m.number() }

func validLanguage(s string) bool {
	return len(s) == 2 && s[0] >= 'a' && s[0] <= 'z' && s[1] >= 'a' && s[1] <= 'z'
}

func validPath(p string) bool {
	return p == "" || p[0] == '/' && len(p) <= MaxPath && printable(p) && !strings.ContainsAny(p, "?#")
}

func validNames(names []string) bool {
	if len(names) > MaxNames {
		return false
	}
	for _, n := range names {
		if n == "" || len(n) > MaxName || !printable(n) {
			return false
		}
	}
	return true
}

// printable keeps control characters and broken UTF-8 out of stored text.
func printable(s string) bool {
	for _, r := range s {
		if r < ' ' || r == 0x7f || r == utf8.RuneError {
			return false
		}
	}
	return true
}

func wholeMillis(t time.Time) bool {
	ms := t.UnixMilli()
	return t.Equal(time.UnixMilli(ms)) && ms >= 0 && ms < 253402300800000
}

// AppendCanonical appends the one encoding of the record that is hashed and signed: JSON with its keys in
// alphabetical order, no white space, times in integer milliseconds, absent fields left out (RFC 8785 for the
// values that occur here). docs/consent-record.md is its description; a golden file pins it.
func (r *Record) AppendCanonical(b []byte) []byte {
	b = append(b, `{"action":"`...)
	b = append(b, r.Action...)
	if r.Address.IsValid() {
		b = append(b, `","address":"`...)
		b = r.Address.AppendTo(b)
	}
	b = append(b, `","at":`...)
	b = appendMillis(b, r.At)
	b = append(b, `,"categories":`...)
	b = r.Categories.append(b)
	b = appendNames(b, `,"cleared":[`, r.Cleared)
	b = append(b, `,"id":"`...)
	b = appendUUID(b, r.ID)
	b = append(b, `","language":"`...)
	b = append(b, r.Language...)
	b = append(b, `","method":"`...)
	b = append(b, r.Method...)
	b = append(b, `","notice":"`...)
	b = appendHex(b, r.Notice[:])
	b = append(b, '"')
	if r.Path != "" {
		b = append(b, `,"path":`...)
		b = appendString(b, r.Path)
	}
	b = appendNames(b, `,"refused":[`, r.Refused)
	b = appendNames(b, `,"remaining":[`, r.Remaining)
	b = append(b, `,"site":"`...)
	b = append(b, r.Site...)
	b = append(b, `","v":1,"valid_until":`...)
	b = appendMillis(b, r.ValidUntil)
	b = append(b, `,"visitor":"`...)
	b = appendUUID(b, r.Visitor)
	return append(b, `"}`...)
}

// canonical mirrors AppendCanonical for reading.
type canonical struct {
	Action     Action       `json:"action"`
	Address    netip.Prefix `json:"address"`
	At         int64        `json:"at"`
	Categories Choices      `json:"categories"`
	Cleared    []string     `json:"cleared"`
	ID         uuid.UUID    `json:"id"`
	Language   string       `json:"language"`
	Method     Method       `json:"method"`
	Notice     Hash         `json:"notice"`
	Path       string       `json:"path"`
	Refused    []string     `json:"refused"`
	Remaining  []string     `json:"remaining"`
	Site       string       `json:"site"`
	V          int          `json:"v"`
	ValidUntil int64        `json:"valid_until"`
	Visitor    uuid.UUID    `json:"visitor"`
}

// ErrNotCanonical says that bytes read as a record but are not its one canonical encoding.
var ErrNotCanonical = errors.New("not the canonical encoding of a record")

// ParseCanonical reads what AppendCanonical wrote and nothing else: any other spelling of the same record is
// ErrNotCanonical, since its hash would differ.
func ParseCanonical(b []byte) (Record, error) {
	if len(b) > maxRecordLen {
		return Record{}, fmt.Errorf("%w: too long", ErrNotCanonical)
	}
	var c canonical
	if err := json.Unmarshal(b, &c); err != nil {
		return Record{}, fmt.Errorf("%w: %w", ErrNotCanonical, err)
	}
	if c.V != 1 {
		return Record{}, fmt.Errorf("%w: version %d", ErrNotCanonical, c.V)
	}
	r := Record{
		Act: Act{
			ID: c.ID, Visitor: c.Visitor, Notice: c.Notice, Action: c.Action, Categories: c.Categories, Language: c.Language,
			Method: c.Method, Path: c.Path, Cleared: c.Cleared, Refused: c.Refused, Remaining: c.Remaining,
		},
		Site: c.Site, At: time.UnixMilli(c.At).UTC(), ValidUntil: time.UnixMilli(c.ValidUntil).UTC(), Address: c.Address,
	}
	if err := r.Validate(); err != nil {
		return Record{}, err
	}
	if !bytes.Equal(r.AppendCanonical(nil), b) {
		return Record{}, ErrNotCanonical
	}
	return r, nil
}

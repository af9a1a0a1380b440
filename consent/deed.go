package consent

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// Deed is something that was done with an installation or one of its sites, as the audit log keeps it (P2, P3): who, when,
// what, and what was changed from what to what. It never holds a password, a key that signs, or a visitor's id.
type Deed struct {
	At     time.Time // UTC, whole milliseconds
	Who    string    // the user's e-mail; ByCLI, ByVisitor, ByToken, ByJob or ByUnknown where there is no such person
	What   string    // one of Deeds
	Site   string    // the site's id; empty: the installation itself
	Object string    // what it was done to, such as a record's number in the log; empty where that is clear
	// Old and New hold the fields that were changed, by their names: strings, numbers, booleans, lists of such.
	Old, New map[string]any
}

// NewDeed is something that somebody does at a moment.
func NewDeed(at time.Time, who, what, site string) Deed {
	return Deed{At: at.UTC().Truncate(time.Millisecond), Who: who, What: what, Site: site}
}

// With gives the deed its object and fields that say more of it.
func (d Deed) With(object string, more map[string]any) Deed {
	d.Object, d.New = object, more
	return d
}

// Who did it where no user did.
const (
	ByCLI     = "samtykke CLI" // somebody with access to the server's own files
	ByVisitor = "visitor"      // a visitor, by the secret id
	ByJob     = "job"          // the program by itself
	ByToken   = "token "       // a program: the name of its token follows
	ByUnknown = "unknown user" // somebody who gave an e-mail that nobody here has: which one isn't kept
)

// Deeds lists what can be done. A code never changes its meaning; the dashboard has the words for each.
var Deeds = []string{
	"login", "login_failed", "logout", "password_changed", "password_reset", "user_added", "user_role_changed", "user_removed",
	"list", "lookup", "export", "export_cut", "erase", "restrict", "hold_set", "hold_ended", "purge", "retention_changed", "retention_reviewed",
	"settings_changed", "texts_changed", "items_changed", "scan_imported", "publish", "site_added", "site_deleted", "key_rotated",
	"agreement_accepted", "restored", "schedule_changed", "scan_asked", "scan_canceled", "ownership_checked", "finding_accepted",
	"finding_reopened", "alarm_ended", "step_done", "step_skipped",
	"invited", "invitation_withdrawn", "totp_on", "totp_off", "totp_reset", "recovery_codes_made", "sessions_ended", "token_made",
	"token_revoked", "organisation_added", "organisation_changed",
}

const (
	maxDeed = 1 << 20 // bytes of a deed; longer changes are named by their hash
	maxWho  = 300     // bytes of who and of an object
)

// ErrNotDeed says that bytes are not the one canonical encoding of a deed.
var ErrNotDeed = errors.New("not the canonical encoding of a deed")

// validate refuses what the log can't hold. Deeds are made by the program: such an error is one of its own.
func (d *Deed) validate() error {
	short := func(s string) bool { return len(s) <= maxWho && utf8.ValidString(s) && printable(s) }
	switch {
	case d.Who == "" || !short(d.Who):
		return errors.New("a deed is somebody's")
	case !slices.Contains(Deeds, d.What):
		return fmt.Errorf("there is no deed %q", d.What)
	case d.Site != "" && !ValidSiteID(d.Site):
		return errors.New("a deed's site has no such id")
	case !short(d.Object):
		return errors.New("a deed's object is too long or can't be read")
	case !wholeMillis(d.At):
		return errors.New("a deed's time is whole milliseconds between 1970 and 9999")
	}
	return nil
}

// Canonical is the one encoding that is hashed: JSON with its keys in alphabetical order, no white space, the time in integer
// milliseconds, absent fields left out. docs/audit.md is its description; a golden file pins it. Changes that would take
// more than a megabyte are put down as how many there are and the SHA-256 of what would have stood there.
func (d *Deed) Canonical() ([]byte, error) {
	if err := d.validate(); err != nil {
		return nil, err
	}
	b, err := d.encode()
	if err != nil || len(b) <= maxDeed {
		return b, err
	}
	brief := *d
	for _, side := range []*map[string]any{&brief.Old, &brief.New} {
		if *side == nil {
			continue
		}
		whole, err := appendValue(nil, *side)
		if err != nil {
			return nil, err
		}
		sum := sha256.Sum256(whole)
		*side = map[string]any{"fields": len(*side), "sha256": hex.EncodeToString(sum[:])}
	}
	return brief.encode()
}

func (d *Deed) encode() ([]byte, error) {
	all := map[string]any{"at": d.At.UnixMilli(), "v": 1, "what": d.What, "who": d.Who}
	for key, value := range map[string]string{"site": d.Site, "object": d.Object} {
		if value != "" {
			all[key] = value
		}
	}
	for key, value := range map[string]map[string]any{"old": d.Old, "new": d.New} {
		if len(value) > 0 {
			all[key] = value
		}
	}
	return appendValue(nil, all)
}

// ParseDeed reads what Canonical wrote and nothing else: any other spelling of the same deed is ErrNotDeed.
func ParseDeed(b []byte) (Deed, error) {
	if len(b) > maxDeed {
		return Deed{}, fmt.Errorf("%w: too long", ErrNotDeed)
	}
	var c struct {
		At                      int64
		V                       int
		What, Who, Site, Object string
		Old, New                map[string]any
	}
	in := json.NewDecoder(bytes.NewReader(b))
	in.UseNumber()
	if err := in.Decode(&c); err != nil {
		return Deed{}, fmt.Errorf("%w: %w", ErrNotDeed, err)
	}
	d := Deed{At: time.UnixMilli(c.At).UTC(), Who: c.Who, What: c.What, Site: c.Site, Object: c.Object, Old: c.Old, New: c.New}
	again, err := d.Canonical()
	if err != nil {
		return Deed{}, fmt.Errorf("%w: %w", ErrNotDeed, err)
	}
	if c.V != 1 || !bytes.Equal(again, b) {
		return Deed{}, ErrNotDeed
	}
	return d, nil
}

// appendValue writes JSON as RFC 8785 wants it, of whole numbers and with the bytes of keys deciding their order.
func appendValue(b []byte, v any) ([]byte, error) {
	var err error
	switch v := v.(type) {
	case nil:
		return append(b, "null"...), nil
	case bool:
		return strconv.AppendBool(b, v), nil
	case int:
		return strconv.AppendInt(b, int64(v), 10), nil
	case int64:
		return strconv.AppendInt(b, v, 10), nil
	case json.Number:
		n, err := v.Int64()
		if err != nil || strconv.FormatInt(n, 10) != v.String() {
			return nil, fmt.Errorf("%s is no whole number", v)
		}
		return append(b, v...), nil
	case string:
		return appendQuoted(b, v)
	case []string:
		list := make([]any, len(v))
		for i := range v {
			list[i] = v[i]
		}
		return appendValue(b, list)
	case []any:
		b = append(b, '[')
		for i := range v {
			if i > 0 {
				b = append(b, ',')
			}
			if b, err = appendValue(b, v[i]); err != nil {
				return nil, err
			}
		}
		return append(b, ']'), nil
	case map[string]any:
		b = append(b, '{')
		for i, key := range slices.Sorted(maps.Keys(v)) {
			if i > 0 {
				b = append(b, ',')
			}
			if b, err = appendQuoted(b, key); err != nil {
				return nil, err
			}
			if b, err = appendValue(append(b, ':'), v[key]); err != nil {
				return nil, err
			}
		}
		return append(b, '}'), nil
	}
	return nil, fmt.Errorf("a deed can't hold a %T", v)
}

// appendQuoted writes any text: what people type into settings has line ends.
func appendQuoted(b []byte, s string) ([]byte, error) {
	if !utf8.ValidString(s) {
		return nil, errors.New("a deed holds text that is no UTF-8")
	}
	b = append(b, '"')
	for i := range len(s) {
		switch c := s[i]; {
		case c == '"' || c == '\\':
			b = append(b, '\\', c)
		case c >= ' ':
			b = append(b, c)
		case strings.IndexByte("\b\t\n\f\r", c) >= 0:
			b = append(b, '\\', "btn?fr"[c-'\b'])
		default:
			b = fmt.Appendf(b, `\u%04x`, c)
		}
	}
	return append(b, '"'), nil
}

// Changed puts down what differs between two values of the same kind, field by field: the old value of each field that was
// changed, and the new one. nil stands for nothing at all. Fields within fields are named with a dot between.
func (d *Deed) Changed(before, after any) error {
	was, err := flat(before)
	if err != nil {
		return err
	}
	is, err := flat(after)
	if err != nil {
		return err
	}
	for name, value := range was {
		if now, ok := is[name]; !ok || !reflect.DeepEqual(value, now) {
			put(&d.Old, name, value)
		}
	}
	for name, value := range is {
		if then, ok := was[name]; !ok || !reflect.DeepEqual(value, then) {
			put(&d.New, name, value)
		}
	}
	return nil
}

func put(m *map[string]any, name string, value any) {
	if *m == nil {
		*m = map[string]any{}
	}
	(*m)[name] = value
}

// flat gives the fields of a value as its JSON has them. Lists are one field each.
func flat(v any) (map[string]any, error) {
	b, err := json.Marshal(v)
	if err != nil {
		return nil, err
	}
	in := json.NewDecoder(bytes.NewReader(b))
	in.UseNumber()
	var tree any
	if err := in.Decode(&tree); err != nil {
		return nil, err
	}
	out := map[string]any{}
	flatten(out, "", tree)
	return out, nil
}

func flatten(out map[string]any, name string, v any) {
	m, ok := v.(map[string]any)
	switch {
	case ok:
		for key, value := range m {
			flatten(out, strings.TrimPrefix(name+"."+key, "."), value)
		}
	case v != nil && v != "": // an empty field is one that isn't there
		out[name] = v
	}
}

// ByName gives entries of a declaration names under which Changed compares them.
func ByName(items []Item) map[string]Item {
	out := make(map[string]Item, len(items))
	for _, i := range items {
		out[strings.TrimSpace(string(i.Kind)+" "+i.Name+" "+strings.TrimPrefix(i.Host, "."))] = i
	}
	return out
}

package consent

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// Hash is the SHA-256 that addresses a notice; 64 lower-case hex digits in JSON and URLs.
type Hash [sha256.Size]byte

// ParseHash reads 64 lower-case hex digits.
func ParseHash(s string) (Hash, error) {
	var h Hash
	err := h.UnmarshalText([]byte(s))
	return h, err
}

// String is the hash in hex.
func (h Hash) String() string { return hex.EncodeToString(h[:]) }

// MarshalText writes hex.
func (h Hash) MarshalText() ([]byte, error) { return hex.AppendEncode(nil, h[:]), nil }

// UnmarshalText reads exactly 64 lower-case hex digits.
func (h *Hash) UnmarshalText(b []byte) error {
	if len(b) != 2*len(h) {
		return fmt.Errorf("a notice is named by %d hex digits", 2*len(h))
	}
	for _, c := range b {
		if c >= 'A' && c <= 'F' {
			return fmt.Errorf("a notice is named in lower-case hex")
		}
	}
	_, err := hex.Decode(h[:], b)
	return err
}

// Notice is what was shown: immutable, addressed by Hash, numbered per site. Records point at it (R4, R5).
type Notice struct {
	Hash      Hash      `json:"hash"`
	Site      string    `json:"site"`
	Version   int       `json:"version"`    // 1, 2, … for each site
	ValidFrom time.Time `json:"valid_from"` // when it was published
	Author    string    `json:"author"`     // who published it
	Reason    string    `json:"reason"`     // why
	Content   Content   `json:"content"`
	Bundle    Bundle    `json:"-"`
}

// Content is everything a notice freezes except the compiled bundle.
type Content struct {
	Site       string     `json:"site"`
	Version    int        `json:"version"` // the notice's, so that two notices never have the same hash
	SiteName   string     `json:"site_name"`
	Homepage   string     `json:"homepage"`
	Controller Controller `json:"controller"`
	Banner     Banner     `json:"banner"`
	// Texts holds every text in every language of the banner, overrides applied: language, key, words.
	Texts map[string]map[string]string `json:"texts"`
	Items []Item                       `json:"items"` // the declaration
	// Terms names the questions that visitors answered. A notice with other terms than the one a choice was
	// given under asks again (B19); one with the same terms doesn't (B20). It is the version of the last
	// material notice.
	Terms    int        `json:"terms"`
	LastScan *time.Time `json:"last_scan,omitempty"`
	// Retention is what the declaration promises. Acts under this notice are kept no longer, whatever the site says later.
	Retention Retention `json:"retention,omitzero"`
	// KnownHosts are the known vendors' hosts, each with its subdomains, by what a request to them is for. Only where
	// the banner blocks automatically.
	KnownHosts map[Category][]string `json:"known_hosts,omitempty"`
}

// ThirdParties counts the providers other than the controller behind the declared items (B8). A third party whose name isn't
// known yet counts by its host: the banner must not say that there is nobody.
func (c *Content) ThirdParties() int {
	seen := map[string]bool{}
	for _, i := range c.Items {
		who := i.Provider
		if who == "" && i.Party == ThirdParty {
			who = strings.TrimPrefix(i.Host, ".")
		}
		if who != "" && who != c.Controller.Name {
			seen[who] = true
		}
	}
	return len(seen)
}

// Refusable lists the providers behind a category's declared items, other than the controller, in the order declared:
// where the banner lets visitors refuse single ones (Banner.PerVendor), these. A name that a record can't hold isn't offered.
func (c *Content) Refusable(cat Category) []string {
	names := []string{}
	for _, i := range c.Items {
		if i.Category == cat && i.Provider != "" && i.Provider != c.Controller.Name && !slices.Contains(names, i.Provider) &&
			validNames([]string{string(cat) + "/" + i.Provider}) {
			names = append(names, i.Provider)
		}
	}
	return names
}

// Bundle is the compiled banner of a notice.
type Bundle struct {
	JS []byte // the script with the default language's texts, naming the notice's hash
	// Files is what the script fetches only when it needs it: the second layer, the texts of further languages. They are
	// served under the notice's hash, a dot and the name.
	Files map[string][]byte
}

// NoHash stands in a bundle where the notice's own hash will stand, since the hash is taken over the bundle.
const NoHash = "0000000000000000000000000000000000000000000000000000000000000000"

// Seal computes the notice's hash: SHA-256 over the JSON of the content, a zero byte, the script in which the hash itself
// reads NoHash, and for each further file in the order of their names a zero byte, the name, a zero byte and the file.
// docs/consent-record.md describes it for verifiers.
func Seal(c Content, b Bundle) (Hash, error) {
	content, err := json.Marshal(c)
	if err != nil {
		return Hash{}, fmt.Errorf("encode notice: %w", err)
	}
	return SealStored(content, b), nil
}

// SealStored is Seal for a content's JSON as it was stored. Whoever checks an old notice takes this: a later program may
// write the same content with more fields.
func SealStored(content []byte, b Bundle) Hash {
	h := sha256.New()
	h.Write(content)
	h.Write([]byte{0})
	h.Write(b.JS)
	for _, name := range slices.Sorted(maps.Keys(b.Files)) {
		fmt.Fprintf(h, "\x00%s\x00", name)
		h.Write(b.Files[name])
	}
	return Hash(h.Sum(nil))
}

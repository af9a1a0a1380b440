package recording

import (
	"hash/maphash"
	"net/url"
	"slices"
	"strings"
	"unicode"

	"samtykke/scanner/evidence"
)

// decoration lists parameters by which an id is carried from one site to another, as their owners document them.
var decoration = map[string]bool{
	"gclid": true, "gclsrc": true, "gbraid": true, "wbraid": true, "dclid": true, "gad_source": true, "gad_campaignid": true, "srsltid": true, // Google Ads
	"_ga": true, "_gl": true, // Google Analytics, across domains
	"fbclid": true, "igshid": true, "igsh": true, // Meta
	"msclkid": true, "ttclid": true, "twclid": true, "li_fat_id": true, "epik": true, "rdt_cid": true, "sccid": true, // Microsoft, TikTok, X, LinkedIn, Pinterest, Reddit, Snap
	"yclid": true, "ysclid": true, "_openstat": true, // Yandex
	"mc_eid": true, "_hsenc": true, "_hsmi": true, "__hssc": true, "__hstc": true, "__hsfp": true, "hsctatracking": true, "mkt_tok": true, "_kx": true, // newsletters
	"vero_id": true, "oly_enc_id": true, "oly_anon_id": true, "wickedid": true, "__s": true, "s_cid": true, "ml_subscriber_hash": true, "dm_i": true,
	"irclickid": true, "irgwc": true, "cjevent": true, "awc": true, "tduid": true, "zanpid": true, "admitad_uid": true, "click_id": true, "clickid": true, // affiliates
}

// addresses lists parameters that tell a third party which page is read, where their value is an address.
var addresses = map[string]bool{
	"dl": true, "dr": true, "url": true, "ref": true, "referrer": true, "referer": true, "u": true, "href": true, "loc": true, "location": true,
	"page": true, "page_url": true, "pageurl": true, "page_location": true, "document_location": true, "site": true, "src": true, "rl": true, "tr": true, "lurl": true, "su": true,
}

// readQuery gives the names in an address's query that are known to carry an id or a page's address, sorted, and all
// values. Whoever gets the values must not keep them.
func readQuery(raw string) (names, values []string) {
	_, query, ok := strings.Cut(raw, "?")
	if !ok {
		return nil, nil
	}
	query, _, _ = strings.Cut(query, "#")
	for part := range strings.FieldsFuncSeq(query, func(c rune) bool { return c == '&' || c == ';' }) {
		name, value, _ := strings.Cut(part, "=")
		if plain, err := url.QueryUnescape(value); err == nil {
			value = plain
		}
		if low := strings.ToLower(name); decoration[low] || addresses[low] && strings.HasPrefix(value, "http") {
			names = append(names, low)
		}
		if values = append(values, value); len(values) == evidence.MaxParams {
			break
		}
	}
	slices.Sort(names)
	return slices.Compact(names), values
}

// identifiers finds out which queries hold the value of which cookie. Of values it keeps hashes, salted anew for each
// state and only while it lasts.
type identifiers struct {
	seed    maphash.Seed
	names   map[uint64]string
	pending []sentValue
}

type sentValue struct {
	call int
	hash uint64
}

func newIdentifiers() *identifiers {
	return &identifiers{seed: maphash.MakeSeed(), names: map[uint64]string{}}
}

// distinct says whether a value can tell one visitor from another: long enough, and with digits or beyond any word.
func distinct(value string) bool {
	return len(value) >= 8 && len(value) <= 500 && (strings.ContainsFunc(value, unicode.IsDigit) || len(value) >= 20) && !strings.HasPrefix(value, "http")
}

// learn notes the value of a cookie, whole, unescaped, and without the version that analytics tools put first, as in
// GA1.1.123.456.
func (x *identifiers) learn(name, value string) {
	plain, err := url.QueryUnescape(value)
	if err != nil {
		plain = value
	}
	versioned := strings.SplitN(plain, ".", 3)
	for _, v := range []string{value, plain, versioned[len(versioned)-1]} {
		if distinct(v) && len(x.names) < 5000 {
			if h := maphash.String(x.seed, v); x.names[h] == "" {
				x.names[h] = evidence.Clip(name, 200)
			}
		}
	}
}

func (x *identifiers) sent(call int, values []string) {
	for _, v := range values {
		if distinct(v) && len(x.pending) < 20000 {
			x.pending = append(x.pending, sentValue{call, maphash.String(x.seed, v)})
		}
	}
}

// matches names the cookies of every request since the last time that carried one, sorted. It comes when a page is
// done: a script may send what it has only just stored.
func (x *identifiers) matches() map[int][]string {
	found := map[int][]string{}
	for _, p := range x.pending {
		if name := x.names[p.hash]; name != "" {
			at, ok := slices.BinarySearch(found[p.call], name)
			if !ok {
				found[p.call] = slices.Insert(found[p.call], at, name)
			}
		}
	}
	x.pending = nil
	return found
}

// Learn notes a cookie's value; see identifiers.
func (r *Recorder) Learn(name, value string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.ids.learn(name, value)
}

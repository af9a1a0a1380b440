package cookiedb

import (
	"bytes"
	"strings"
	"unicode"
	"unicode/utf8"

	"samtykke/consent"
)

// Features is what can be seen of something stored. Only the name is always known.
type Features struct {
	Name, Host, Party string
	Days              float64 // lifetime; 0 for the session, negative where it isn't known
	HTTPOnly, Secure  bool
	SameSite          string // as the browser says: Strict, Lax, None
	Shape             string // of the value, as a scan tells it: a look and a length, such as uuid/64
}

// maxName is as much of a name as is looked at: longer ones only repeat themselves.
const maxName = 128

// spelling is a name with what varies taken out: ids become ~, digits 0, and words are parted by _.
func spelling(name string) string {
	if len(name) > maxName {
		name = name[:maxName]
	}
	parted := make([]byte, 0, 2*maxName)
	lower := false
	for _, r := range name {
		switch {
		case r >= 'A' && r <= 'Z':
			if lower {
				parted = append(parted, '_')
			}
			parted = append(parted, byte(r)|0x20)
			lower = false
			continue
		case r >= 'a' && r <= 'z' || r >= '0' && r <= '9':
			parted = append(parted, byte(r))
			lower = true
			continue
		case r != utf8.RuneError && unicode.IsLetter(r):
			parted = utf8.AppendRune(parted, unicode.ToLower(r))
			lower = unicode.IsLower(r)
			continue
		case len(parted) == 0 || parted[len(parted)-1] != '_':
			parted = append(parted, '_')
		}
		lower = false
	}
	out := make([]byte, 0, len(parted))
	for len(parted) > 0 {
		end := max(bytes.IndexByte(parted, '_'), 0)
		if end == 0 && parted[0] != '_' {
			end = len(parted)
		}
		out = appendWord(out, parted[:end])
		if end < len(parted) {
			out, end = append(out, '_'), end+1
		}
		parted = parted[end:]
	}
	return string(out)
}

// appendWord writes a word of a spelling.
func appendWord(out, word []byte) []byte {
	hex, digits := len(word) > 0, false
	for _, c := range word {
		digit := c >= '0' && c <= '9'
		digits = digits || digit
		hex = hex && (digit || c >= 'a' && c <= 'f')
	}
	if hex && digits && len(word) >= 8 {
		return append(out, '~')
	}
	for i, c := range word {
		if c < '0' || c > '9' {
			out = append(out, c)
		} else if i == 0 || word[i-1] < '0' || word[i-1] > '9' {
			out = append(out, '0')
		}
	}
	return out
}

// hasher collects hashed features.
type hasher []uint32

// add hashes one feature: FNV-1a over its kind and text.
func (h *hasher) add(kind byte, texts ...string) {
	x := (uint32(2166136261) ^ uint32(kind)) * 16777619
	for _, text := range texts {
		for i := range len(text) {
			x = (x ^ uint32(text[i])) * 16777619
		}
	}
	x ^= x >> 15
	*h = append(*h, x&(buckets-1))
}

// twice adds a feature that says more than a few letters do.
func (h *hasher) twice(kind byte, texts ...string) {
	h.add(kind, texts...)
	*h = append(*h, (*h)[len(*h)-1])
}

// hashes are what the model sees of something stored, with this spelling, about these concepts.
func (f *Features) hashes(hosts *community, s string, about []string) hasher {
	h := make(hasher, 0, 160)
	framed := "^" + s + "$"
	for i := 0; i+3 <= len(framed); i++ {
		h.add('3', framed[i:i+3])
	}
	tokens := strings.FieldsFunc(s, func(r rune) bool { return r == '_' })
	for i, t := range tokens {
		h.add('t', t)
		if i == 0 {
			h.add('F', t)
		}
		if i == len(tokens)-1 {
			h.add('L', t)
		}
	}
	lasts := f.lasts()
	for _, c := range about {
		h.twice('c', c)
		h.twice('C', c, f.Party)
		h.twice('D', c, lasts)
	}
	if len(about) == 0 {
		h.twice('c', "none")
		h.twice('C', "none", f.Party)
	}
	h.twice('p', f.Party)
	h.twice('d', lasts)
	h.twice('e', lasts, f.Party)
	h.add('l', string(rune('a'+min(utf8.RuneCountInString(f.Name), 40)/4)))
	written := look(f.Name)
	h.add('s', written)
	h.add('S', written, f.Party)
	if f.Party == consent.ThirdParty && f.Host != "" {
		labels := strings.Split(f.Host, ".")
		for _, l := range labels[:len(labels)-1] {
			h.add('h', l)
			for _, c := range meant(spelling(l)) {
				h.twice('H', c)
			}
		}
		if o, ok := hosts.owner(f.Host); ok {
			h.add('o', o.sort)
		}
	}
	return h
}

// lasts is the lifetime in steps that people choose.
func (f *Features) lasts() string {
	switch d := f.Days; {
	case d < 0:
		return "unknown"
	case d == 0:
		return "session"
	case d < 0.05:
		return "hour"
	case d <= 1.1:
		return "day"
	case d <= 10:
		return "week"
	case d <= 35:
		return "month"
	case d <= 100:
		return "quarter"
	case d <= 200:
		return "half"
	case d <= 370:
		return "year"
	case d <= 800:
		return "two years"
	}
	return "ever"
}

// look tells how a name is written, whatever it says.
func look(name string) string {
	var b strings.Builder
	switch {
	case strings.HasPrefix(name, "__"):
		b.WriteByte('2')
	case strings.HasPrefix(name, "_"):
		b.WriteByte('1')
	case strings.HasPrefix(name, "."):
		b.WriteByte('.')
	}
	upper, lower, digit := false, false, false
	for _, r := range name {
		upper = upper || r >= 'A' && r <= 'Z'
		lower = lower || r >= 'a' && r <= 'z'
		digit = digit || r >= '0' && r <= '9'
	}
	for _, on := range []bool{upper, lower, digit} {
		if on {
			b.WriteByte('y')
		} else {
			b.WriteByte('n')
		}
	}
	return b.String()
}

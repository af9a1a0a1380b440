package consent

import (
	"encoding/hex"
	"strconv"
	"time"

	"github.com/google/uuid"
)

// The small writers behind AppendCanonical. They allocate nothing: the record is encoded once for each act.

func appendMillis(b []byte, t time.Time) []byte { return strconv.AppendInt(b, t.UnixMilli(), 10) }

func appendHex(b, src []byte) []byte { return hex.AppendEncode(b, src) }

func appendUUID(b []byte, u uuid.UUID) []byte {
	b = append(appendHex(b, u[:4]), '-')
	b = append(appendHex(b, u[4:6]), '-')
	b = append(appendHex(b, u[6:8]), '-')
	b = append(appendHex(b, u[8:10]), '-')
	return appendHex(b, u[10:])
}

// appendString writes a JSON string as RFC 8785 wants it: only quote and backslash need an escape, since control
// characters were refused before.
func appendString(b []byte, s string) []byte {
	b = append(b, '"')
	for i := range len(s) {
		if s[i] == '"' || s[i] == '\\' {
			b = append(b, '\\')
		}
		b = append(b, s[i])
	}
	return append(b, '"')
}

func appendNames(b []byte, open string, names []string) []byte {
	if len(names) == 0 {
		return b
	}
	b = append(b, open...)
	for i, n := range names {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendString(b, n)
	}
	return append(b, ']')
}

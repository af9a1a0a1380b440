package server

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha1" //nolint:gosec // RFC 6238's default, which every app knows; HMAC doesn't need a collision-free hash
	"crypto/subtle"
	"encoding/base32"
	"encoding/binary"
	"fmt"
	"net/url"
	"strings"
	"time"

	"rsc.io/qr"
)

// The second factor is RFC 6238 with its defaults: HMAC-SHA-1, six digits, thirty seconds.
const (
	totpStep   = 30 * time.Second
	totpSecret = 20 // bytes
	totpSlack  = 1  // steps that a clock may be off
)

var totpText = base32.StdEncoding.WithPadding(base32.NoPadding)

// newTOTP makes a secret as people type it.
func newTOTP() string {
	raw := make([]byte, totpSecret)
	rand.Read(raw) //nolint:errcheck // it never fails
	return totpText.EncodeToString(raw)
}

// readTOTP reads what newTOTP made.
func readTOTP(text string) ([]byte, bool) {
	raw, err := totpText.DecodeString(text)
	return raw, err == nil && len(raw) == totpSecret
}

// totpCode is the code of a step (RFC 4226, 5.3).
func totpCode(secret []byte, step int64) string {
	h := hmac.New(sha1.New, secret)
	binary.Write(h, binary.BigEndian, step) //nolint:errcheck // a hash takes everything
	sum := h.Sum(nil)
	at := sum[len(sum)-1] & 0xf
	return fmt.Sprintf("%06d", binary.BigEndian.Uint32(sum[at:at+4])&0x7fffffff%1_000_000)
}

// matchTOTP finds the step whose code was typed, around now. It takes the same time whichever it is, and where it is none.
func matchTOTP(secret []byte, code string, now time.Time) (step int64, ok bool) {
	present := now.Unix() / int64(totpStep/time.Second)
	for d := int64(-totpSlack); d <= totpSlack; d++ {
		if subtle.ConstantTimeCompare([]byte(totpCode(secret, present+d)), []byte(code)) == 1 {
			step, ok = present+d, true
		}
	}
	return step, ok
}

// totpURI is what apps read from the picture.
func totpURI(secret, email, host string) string {
	q := url.Values{"secret": {secret}, "issuer": {"Samtykke"}}
	return "otpauth://totp/" + url.PathEscape("Samtykke "+host+":"+email) + "?" + strings.ReplaceAll(q.Encode(), "+", "%20")
}

// qrPath draws text as a QR code: the d of a path of squares, and the width of the picture with the quiet zone around.
func qrPath(text string) (path string, width int, err error) {
	code, err := qr.Encode(text, qr.M)
	if err != nil {
		return "", 0, err
	}
	const quiet = 4
	var b strings.Builder
	for y := range code.Size {
		for x := 0; x < code.Size; x++ {
			n := 0
			for code.Black(x+n, y) {
				n++
			}
			if n > 0 {
				fmt.Fprintf(&b, "M%d %dh%dv1h-%dz", x+quiet, y+quiet, n, n)
				x += n
			}
		}
	}
	return b.String(), code.Size + 2*quiet, nil
}

// recoveryCodes is how many codes stand in for the second factor at first.
const recoveryCodes = 10

// newRecovery makes codes that stand in, and the hashes that are stored. A code has 80 random bits, so that a plain hash hides it.
func newRecovery() (codes []string, hashes [][]byte) {
	for range recoveryCodes {
		c := NewPassword()
		codes, hashes = append(codes, c), append(hashes, hashToken(c))
	}
	return codes, hashes
}

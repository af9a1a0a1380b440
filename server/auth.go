package server

import (
	"cmp"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/crypto/argon2"

	"samtykke/consent"
	"samtykke/server/store"
)

// What argon2id costs: about 20 ms and 19 MiB a password (OWASP's first choice for argon2id with little memory).
const (
	hashMemory = 19456 // KiB
	hashTime   = 2
	hashSalt   = 16 // bytes
	hashKey    = 32 // bytes
)

// hashing holds a place for each password that is being hashed, so that a flood of logins can't exhaust memory.
var hashing = make(chan struct{}, 4)

// HashPassword hashes a password with argon2id and a fresh salt, in the PHC string form that checkPassword reads.
func HashPassword(password string) string {
	salt := make([]byte, hashSalt)
	rand.Read(salt) //nolint:errcheck // it never fails
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=1$%s$%s", argon2.Version, hashMemory, hashTime,
		base64.RawStdEncoding.EncodeToString(salt), base64.RawStdEncoding.EncodeToString(derive(password, salt, hashTime, hashMemory, 1, hashKey)))
}

// derive runs argon2id when a place is free.
func derive(password string, salt []byte, time, memory uint32, threads uint8, size uint32) []byte {
	hashing <- struct{}{}
	defer func() { <-hashing }()
	return argon2.IDKey([]byte(password), salt, time, memory, threads, size)
}

// maxWaiting is how many logins may wait for a place. More are a flood, and told to come back.
const maxWaiting = 100

var waiting atomic.Int32

var errBadHash = errors.New("a stored password is not in argon2id's PHC form")

// checkPassword compares a password with a hash in constant time. It honours the hash's own parameters, so that they
// can be raised later.
func checkPassword(hash, password string) (bool, error) {
	var version int
	var memory, rounds uint32
	var threads uint8
	parts := strings.Split(hash, "$")
	if len(parts) != 6 || parts[1] != "argon2id" {
		return false, errBadHash
	}
	if n, err := fmt.Sscanf(parts[2]+" "+parts[3], "v=%d m=%d,t=%d,p=%d", &version, &memory, &rounds, &threads); n != 4 || err != nil || version != argon2.Version || rounds < 1 || threads < 1 {
		return false, errBadHash
	}
	salt, err := base64.RawStdEncoding.DecodeString(parts[4])
	want, err2 := base64.RawStdEncoding.DecodeString(parts[5])
	if err != nil || err2 != nil || len(want) < 16 {
		return false, errBadHash
	}
	got := derive(password, salt, rounds, memory, threads, uint32(len(want)))
	return subtle.ConstantTimeCompare(got, want) == 1, nil
}

// nobodysHash is compared where an e-mail is unknown, so that the answer takes as long as for a known one.
var nobodysHash = sync.OnceValue(func() string { return HashPassword(NewPassword()) })

// readable leaves out letters that look like digits: 32 signs, 5 bits each.
const readable = "abcdefghijkmnpqrstuvwxyz23456789"

// NewPassword makes a password of 80 random bits that can be read aloud: four groups of four.
func NewPassword() string { return randomText(16, readable, 4) }

// NewSiteID makes a site's id: ten random letters and digits.
func NewSiteID() string { return randomText(10, "abcdefghijklmnopqrstuvwxyz234567", 10) }

// randomText picks n of 32 signs, with a hyphen between groups. 256 is a multiple of 32, so each is as likely.
func randomText(n int, signs string, group int) string {
	raw := make([]byte, n)
	rand.Read(raw) //nolint:errcheck // it never fails
	var b strings.Builder
	for i, r := range raw {
		if i > 0 && i%group == 0 {
			b.WriteByte('-')
		}
		b.WriteByte(signs[r%32])
	}
	return b.String()
}

// CreateUser stores a new user with a one-time password, which must be changed at the first login, and returns it. Without an
// organisation's id the user is a member of the first one. Who has a login already becomes a member with it, and gets no
// password.
func CreateUser(ctx context.Context, db *store.DB, email string, m consent.Member, admin bool, now time.Time) (password string, err error) {
	u := consent.User{Email: cleanEmail(email), Language: "da", MustChange: true, Admin: admin, CreatedAt: now.UTC().Truncate(time.Millisecond)}
	if err := together(u.Validate(), m.Validate()); err != nil {
		return "", err
	}
	if m.Org, err = db.Organisation(ctx, cmp.Or(m.Org.ID, consent.FirstOrganisation)); err != nil {
		return "", err
	}
	u.Members = []consent.Member{m}
	deeds, err := orgDeeds(ctx, db, m, consent.NewDeed(now, consent.ByCLI, "user_added", "").With(u.Email, memberFields(m)))
	if err != nil {
		return "", err
	}
	if there, _, err := db.UserByEmail(ctx, u.Email); err == nil && there.Member(m.Org.ID) == nil && !admin {
		return "", db.AddMember(ctx, there.ID, m, deeds...)
	}
	password = NewPassword()
	_, err = db.AddUser(ctx, u, HashPassword(password), deeds...)
	return password, err
}

// FirstOwner makes the first user, owner@localhost, who runs the installation, where there is nobody yet, and says whether it did.
func FirstOwner(ctx context.Context, db *store.DB, now time.Time) (email, password string, created bool, err error) {
	users, err := db.Users(ctx)
	if err != nil || len(users) > 0 {
		return "", "", false, err
	}
	email = "owner@localhost"
	password, err = CreateUser(ctx, db, email, consent.Member{Role: consent.Owner}, true, now)
	if consent.KindOf(err) == consent.KindConflict { // another server was faster
		return "", "", false, nil
	}
	return email, password, err == nil, err
}

func cleanEmail(s string) string { return strings.ToLower(strings.TrimSpace(s)) }

// errLogin says the same for an unknown e-mail and a wrong password, so that nobody learns who has a login.
func errLogin() error {
	return &consent.Error{Kind: consent.KindUnauthorized, Code: "wrong_login", Message: "The e-mail or the password is wrong."}
}

func errTooManyLogins() error {
	return &consent.Error{Kind: consent.KindTooMany, Code: "too_many_logins", Message: "Too many attempts to log in. Wait a minute and try again."}
}

// authenticate finds the user of an e-mail and a password. It takes the same time whatever is wrong.
func (s *Server) authenticate(ctx context.Context, email, password string) (consent.User, error) {
	defer waiting.Add(-1)
	if waiting.Add(1) > maxWaiting {
		return consent.User{}, errTooManyLogins()
	}
	u, hash, err := s.db.UserByEmail(ctx, email)
	known := err == nil
	if !known {
		if consent.KindOf(err) != consent.KindNotFound {
			return u, err
		}
		hash = nobodysHash()
	}
	right, err := checkPassword(hash, password)
	if err != nil {
		return u, fmt.Errorf("user %d: %w", u.ID, err)
	}
	if !right || !known {
		return consent.User{}, errLogin()
	}
	return u, nil
}

// How long a login counts, however often it is used (H2), and how long one waits for its second factor. store.SessionIdle is
// how long it counts unused.
const (
	sessionLasts = 7 * 24 * time.Hour
	halfLasts    = 10 * time.Minute
)

func hashToken(token string) []byte {
	h := sha256.Sum256([]byte(token))
	return h[:]
}

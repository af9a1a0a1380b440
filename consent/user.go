package consent

import (
	"slices"
	"strings"
	"time"
)

// Role says what a member of an organisation may do there.
type Role string

// The roles. An auditor reads; an editor changes sites; an owner also changes people.
const (
	Owner   Role = "owner"
	Editor  Role = "editor"
	Auditor Role = "auditor"
)

// Roles lists the roles, the one that may do least first.
var Roles = []Role{Auditor, Editor, Owner}

// Covers says whether a role may do all that another one may. No role covers nothing.
func (r Role) Covers(other Role) bool {
	i := slices.Index(Roles, r)
	return i >= 0 && i >= slices.Index(Roles, other)
}

// User is a person who logs in to the dashboard.
type User struct {
	ID         int64
	Email      string // the login name, lower case
	Name       string // what others are told; may be empty
	Language   string // of the dashboard: da or en
	Theme      string // light or dark; empty: as the device
	MustChange bool   // the password was given by the program and must be changed first
	Admin      bool   // runs the installation: organisations, log, keys, papers; no organisation's sites
	TOTP       bool   // has a second factor
	CreatedAt  time.Time
	Members    []Member // what the user may do, by organisation

	// Role is what the user may do with what is asked for: a site, an organisation. Where that is neither, it is the strongest role
	// of all. Whoever answers a request sets it; it is not stored.
	Role Role
}

// Validate checks what a person typed.
func (u *User) Validate() error {
	var f fields
	f.add(!isEmail(u.Email), "email", "Give an e-mail address.")
	f.add(len(u.Name) > 200 || strings.ContainsFunc(u.Name, func(r rune) bool { return r < ' ' }), "name", "A name has at most 200 characters.")
	f.add(u.Language != "da" && u.Language != "en", "language", "The language is da or en.")
	f.add(u.Theme != "" && u.Theme != "light" && u.Theme != "dark", "colours", "The colours are light, dark or the device's own.")
	return f.err("bad_user", "The user's details are not right yet.")
}

func isEmail(s string) bool {
	name, host, ok := strings.Cut(s, "@")
	return ok && name != "" && host != "" && len(s) <= 200 && !strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || strings.ContainsRune(",;<>\"\x7f", r) })
}

// Member finds what the user may do in an organisation; nil where that is nothing.
func (u *User) Member(org string) *Member {
	for i := range u.Members {
		if u.Members[i].Org.ID == org {
			return &u.Members[i]
		}
	}
	return nil
}

// Strongest is the role that may do most among those in all organisations; empty where there is none.
func (u *User) Strongest() (r Role) {
	for i := range u.Members {
		if !r.Covers(u.Members[i].Role) {
			r = u.Members[i].Role
		}
	}
	return r
}

// MustTOTP says whether an organisation of the user's wants a second factor.
func (u *User) MustTOTP() bool {
	return slices.ContainsFunc(u.Members, func(m Member) bool { return m.Org.TOTP })
}

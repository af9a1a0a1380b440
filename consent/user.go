package consent

import (
	"strings"
	"time"
)

// Role says what a user may do.
type Role string

// The roles. An auditor reads; an editor changes sites; an owner also changes people.
const (
	Owner   Role = "owner"
	Editor  Role = "editor"
	Auditor Role = "auditor"
)

// User is a person who logs in to the dashboard.
type User struct {
	ID         int64
	Email      string // the login name, lower case
	Role       Role
	Language   string // of the dashboard: da or en
	MustChange bool   // the password was given by the program and must be changed first
	CreatedAt  time.Time
}

// MinPassword is the least length of a password in characters (NIST SP 800-63B: length, no composition rules).
const MinPassword = 10

// Validate checks what a person typed.
func (u *User) Validate() error {
	var f fields
	name, host, ok := strings.Cut(u.Email, "@")
	f.add(!ok || name == "" || host == "" || len(u.Email) > 200 || strings.ContainsAny(u.Email, " \t\n,;"), "email", "Give an e-mail address.")
	f.add(u.Role != Owner && u.Role != Editor && u.Role != Auditor, "role", "The role is owner, editor or auditor.")
	f.add(u.Language != "da" && u.Language != "en", "language", "The language is da or en.")
	return f.err("bad_user", "The user's details are not right yet.")
}

// CheckPassword refuses passwords that are too short to be safe or too long to be hashed in reasonable time.
func CheckPassword(p string) error {
	var f fields
	f.add(len([]rune(p)) < MinPassword, "password", "A password has at least 10 characters.")
	f.add(len(p) > 200, "password", "A password has at most 200 characters.")
	return f.err("bad_password", "Choose another password.")
}

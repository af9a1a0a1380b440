package consent

import (
	"slices"
	"strings"
	"time"
)

// FirstOrganisation is the id of the organisation that every installation has.
const FirstOrganisation = "first"

// Organisation is a controller on the installation, with sites, people and tokens that nobody else sees (H3).
type Organisation struct {
	ID        string
	Name      string // empty: the first one, until somebody names it
	TOTP      bool   // its people need a second factor
	CreatedAt time.Time
}

// Validate checks what a person typed.
func (o *Organisation) Validate() error {
	var f fields
	f.add(strings.TrimSpace(o.Name) == "" || len(o.Name) > 200 || strings.ContainsFunc(o.Name, func(r rune) bool { return r < ' ' }), "org.name", "Give the organisation's name, of at most 200 characters.")
	return f.err("bad_organisation", "The organisation's details are not right yet.")
}

// Member is what a user may do in an organisation.
type Member struct {
	Org   Organisation
	Role  Role
	Sites []string // ids of the only sites; nil: every site, also those to come
}

// Validate checks what a person chose.
func (m *Member) Validate() error {
	var f fields
	f.add(!slices.Contains(Roles, m.Role), "role", "The role is owner, editor or auditor.")
	f.add(m.Role == Owner && m.Sites != nil, "limit", "An owner has every website.")
	f.add(m.Role != Owner && m.Sites != nil && len(m.Sites) == 0, "limit", "Choose at least one website.")
	return f.err("bad_member", "The person's rights are not right yet.")
}

// May says whether the member may see a site of the organisation.
func (m *Member) May(site string) bool { return m.Sites == nil || slices.Contains(m.Sites, site) }

// Whole says whether the member has every site, and so may see what is the organisation's.
func (m *Member) Whole() bool { return m.Sites == nil }

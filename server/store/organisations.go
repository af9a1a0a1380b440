package store

import (
	"context"
	"database/sql"
	"time"

	"samtykke/consent"
)

const (
	orgColumns = "o.id, o.name, o.totp, o.created_at"
	noOrg      = "There is no such organisation."
	noMember   = "There is no such person here."
)

func scanOrg(rows *sql.Rows, more ...any) (o consent.Organisation, err error) {
	var totp int
	var at int64
	err = rows.Scan(append([]any{&o.ID, &o.Name, &totp, &at}, more...)...)
	o.TOTP, o.CreatedAt = totp == 1, time.UnixMilli(at).UTC()
	return o, err
}

// AddOrganisation stores a new organisation.
func (db *DB) AddOrganisation(ctx context.Context, o consent.Organisation, deeds ...consent.Deed) error {
	return db.did(ctx, db.tx, deeds, func(tx *sql.Tx) error {
		n, err := affected(tx.ExecContext(ctx, "insert into organisations (id, name, totp, created_at) values ($1, $2, $3, $4) on conflict do nothing",
			o.ID, o.Name, bit(o.TOTP), o.CreatedAt.UnixMilli()))
		if err == nil && n == 0 {
			err = &consent.Error{Kind: consent.KindConflict, Code: "organisation_exists", Message: "There is an organisation with this id."}
		}
		return err
	})
}

// UpdateOrganisation stores an organisation's name and whether its people need a second factor.
func (db *DB) UpdateOrganisation(ctx context.Context, o consent.Organisation, deeds ...consent.Deed) error {
	return db.did(ctx, db.tx, deeds, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, "update organisations set name = $1, totp = $2 where id = $3", o.Name, bit(o.TOTP), o.ID)
		return err
	})
}

// Organisations lists all organisations, the oldest first.
func (db *DB) Organisations(ctx context.Context) ([]consent.Organisation, error) {
	return collect(ctx, db.reader, func(rows *sql.Rows) (consent.Organisation, error) { return scanOrg(rows) },
		"select "+orgColumns+" from organisations o order by o.num")
}

// Organisation reads one; absence is NotFound.
func (db *DB) Organisation(ctx context.Context, id string) (consent.Organisation, error) {
	return db.oneOrg(ctx, "no_organisation", noOrg, "select "+orgColumns+" from organisations o where o.id = $1", id)
}

// OrganisationOf reads the one that a site belongs to; NotFound where there is no such site.
func (db *DB) OrganisationOf(ctx context.Context, site string) (consent.Organisation, error) {
	return db.oneOrg(ctx, "no_site", noSite, "select "+orgColumns+" from sites s join organisations o on o.num = s.org where s.id = $1", site)
}

func (db *DB) oneOrg(ctx context.Context, code, absent, query, id string) (o consent.Organisation, err error) {
	found, err := collect(ctx, db.reader, func(rows *sql.Rows) (consent.Organisation, error) { return scanOrg(rows) }, query, id)
	if err != nil {
		return o, err
	}
	if len(found) == 0 {
		return o, consent.NotFound(code, absent)
	}
	return found[0], nil
}

// SitesOf reads the sites of an organisation, the oldest first.
func (db *DB) SitesOf(ctx context.Context, org string) ([]consent.Site, error) {
	return collect(ctx, db.reader, scanSite, "select s.body from sites s join organisations o on o.num = s.org where o.id = $1 order by s.num", org)
}

// Person is a member of an organisation, as its owners see them. The user's role is the one there.
type Person struct {
	consent.User
	Sites []string  // as in consent.Member
	Used  time.Time // when they were last seen; zero where they aren't logged in
}

// People lists the members of an organisation by their e-mails.
func (db *DB) People(ctx context.Context, org string) ([]Person, error) {
	return collect(ctx, db.reader, func(rows *sql.Rows) (p Person, err error) {
		var sites string
		var used int64
		var role consent.Role
		u, err := scanUserAnd(rows, &role, &sites, &used)
		p.User, p.User.Role = u.User, role
		if used > 0 {
			p.Used = time.UnixMilli(used).UTC()
		}
		if err == nil {
			p.Sites, err = decodeList(sites)
		}
		return p, err
	}, "select "+userColumns+`, m.role, m.sites, coalesce((select max(used_at) from sessions s where s.user_num = u.num and s.half = 0), 0)
		from members m join organisations o on o.num = m.org join users u on u.num = m.user_num where o.id = $1 order by u.email`, org)
}

// AddMember makes a user a member of an organisation. Who is one already is a conflict.
func (db *DB) AddMember(ctx context.Context, user int64, m consent.Member, deeds ...consent.Deed) error {
	return db.did(ctx, db.tx, deeds, func(tx *sql.Tx) error { return addMember(ctx, tx, user, m) })
}

func addMember(ctx context.Context, tx *sql.Tx, user int64, m consent.Member) error {
	org, err := orgNum(ctx, tx, m.Org.ID)
	if err != nil {
		return err
	}
	sites, err := encodeList(m.Sites)
	if err != nil {
		return err
	}
	n, err := affected(tx.ExecContext(ctx, "insert into members (user_num, org, role, sites) values ($1, $2, $3, $4) on conflict do nothing", user, org, string(m.Role), sites))
	if err == nil && n == 0 {
		err = &consent.Error{Kind: consent.KindConflict, Code: "member_exists", Message: "This person is a member already."}
	}
	return err
}

// orgNum is the number that rows know an organisation by. It takes the row's lock on PostgreSQL, so that two who change its
// people wait for each other; SQLite's one writer has it already.
func orgNum(ctx context.Context, tx *sql.Tx, id string) (num int64, err error) {
	err = tx.QueryRowContext(ctx, "update organisations set name = name where id = $1 returning num", id).Scan(&num)
	return num, one(err, "no_organisation", noOrg)
}

// SetMember changes what a member may do, and ends the member's sessions. The last owner stays one.
func (db *DB) SetMember(ctx context.Context, user int64, m consent.Member, deeds ...consent.Deed) error {
	return db.editMember(ctx, user, m.Org.ID, m.Role == consent.Owner, deeds, func(tx *sql.Tx, org int64) error {
		sites, err := encodeList(m.Sites)
		if err == nil {
			_, err = tx.ExecContext(ctx, "update members set role = $1, sites = $2 where user_num = $3 and org = $4", string(m.Role), sites, user, org)
		}
		return err
	})
}

// RemoveMember takes a member out of an organisation, and ends the member's sessions. The last owner stays. A login without an
// organisation stays too: what was done with it stands in the logs.
func (db *DB) RemoveMember(ctx context.Context, user int64, org string, deeds ...consent.Deed) error {
	return db.editMember(ctx, user, org, false, deeds, func(tx *sql.Tx, org int64) error {
		_, err := tx.ExecContext(ctx, "delete from members where user_num = $1 and org = $2", user, org)
		return err
	})
}

func (db *DB) editMember(ctx context.Context, user int64, id string, owner bool, deeds []consent.Deed, edit func(*sql.Tx, int64) error) error {
	return db.did(ctx, db.tx, deeds, func(tx *sql.Tx) error {
		org, err := orgNum(ctx, tx, id)
		if err != nil {
			return err
		}
		var role consent.Role
		var others int
		if err := tx.QueryRowContext(ctx, "select role from members where user_num = $1 and org = $2", user, org).Scan(&role); err != nil {
			return one(err, "no_member", noMember)
		}
		if err := tx.QueryRowContext(ctx, "select count(*) from members where user_num <> $1 and org = $2 and role = 'owner'", user, org).Scan(&others); err != nil {
			return err
		}
		if role == consent.Owner && !owner && others == 0 {
			return &consent.Error{Kind: consent.KindConflict, Code: "last_owner", Message: "This is the organisation's only owner. Make somebody else one first."}
		}
		if err := edit(tx, org); err != nil {
			return err
		}
		return endSessions(ctx, tx, user, nil)
	})
}

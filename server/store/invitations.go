package store

import (
	"context"
	"database/sql"
	"time"

	"samtykke/consent"
)

// Invitation lets whoever has its link become a member, once.
type Invitation struct {
	Num int64
	consent.Member
	Email       string
	By          string // e-mail of who invited
	At, Expires time.Time
}

const selectInvitations = "select " + orgColumns + ", i.num, i.email, i.role, i.sites, i.invited_by, i.at, i.expires_at from invitations i join organisations o on o.num = i.org "

func noInvitation() error {
	return consent.NotFound("no_invitation", "The invitation has been used, has ended, or was withdrawn. Ask for a new one.")
}

func scanInvitation(rows *sql.Rows) (i Invitation, err error) {
	var sites string
	var at, expires int64
	if i.Org, err = scanOrg(rows, &i.Num, &i.Email, &i.Role, &sites, &i.By, &at, &expires); err != nil {
		return i, err
	}
	i.At, i.Expires = time.UnixMilli(at).UTC(), time.UnixMilli(expires).UTC()
	i.Sites, err = decodeList(sites)
	return i, err
}

// Invite stores an invitation by the hash of its link's token. An earlier one of the same person ends.
func (db *DB) Invite(ctx context.Context, i Invitation, token []byte, deeds ...consent.Deed) error {
	return db.did(ctx, db.tx, deeds, func(tx *sql.Tx) error {
		org, err := orgNum(ctx, tx, i.Org.ID)
		if err != nil {
			return err
		}
		var there int
		if err := tx.QueryRowContext(ctx, "select count(*) from members m join users u on u.num = m.user_num where m.org = $1 and u.email = $2", org, i.Email).Scan(&there); err != nil {
			return err
		}
		if there > 0 {
			return &consent.Error{Kind: consent.KindConflict, Code: "member_exists", Message: "This person is a member already."}
		}
		if _, err := tx.ExecContext(ctx, "delete from invitations where (org = $1 and email = $2) or expires_at <= $3", org, i.Email, i.At.UnixMilli()); err != nil {
			return err
		}
		sites, err := encodeList(i.Sites)
		if err == nil {
			_, err = tx.ExecContext(ctx, "insert into invitations (token, org, email, role, sites, invited_by, at, expires_at) values ($1, $2, $3, $4, $5, $6, $7, $8)",
				token, org, i.Email, string(i.Role), sites, i.By, i.At.UnixMilli(), i.Expires.UnixMilli())
		}
		return err
	})
}

// Invitations lists those of an organisation that are open.
func (db *DB) Invitations(ctx context.Context, org string, now time.Time) ([]Invitation, error) {
	return collect(ctx, db.reader, scanInvitation, selectInvitations+"where o.id = $1 and i.expires_at > $2 order by i.num", org, now.UnixMilli())
}

// Invitation reads an open one by the hash of its token; absence is NotFound.
func (db *DB) Invitation(ctx context.Context, token []byte, now time.Time) (i Invitation, err error) {
	found, err := collect(ctx, db.reader, scanInvitation, selectInvitations+"where i.token = $1 and i.expires_at > $2", token, now.UnixMilli())
	if err == nil && len(found) == 0 {
		err = noInvitation()
	}
	if err == nil {
		i = found[0]
	}
	return i, err
}

// WithdrawInvitation ends one of an organisation's.
func (db *DB) WithdrawInvitation(ctx context.Context, org string, num int64, deeds ...consent.Deed) error {
	return db.did(ctx, db.tx, deeds, func(tx *sql.Tx) error {
		n, err := affected(tx.ExecContext(ctx, "delete from invitations where num = $1 and org = (select num from organisations where id = $2)", num, org))
		if err == nil && n == 0 {
			err = noInvitation()
		}
		return err
	})
}

// Join uses an invitation up: its person becomes a member. Where u has no id yet it is stored with the hash of its password;
// else the user is there already. Only one of many who try at once joins.
func (db *DB) Join(ctx context.Context, i Invitation, u consent.User, passwordHash string, deeds ...consent.Deed) (consent.User, error) {
	err := db.did(ctx, db.tx, deeds, func(tx *sql.Tx) error {
		n, err := affected(tx.ExecContext(ctx, "delete from invitations where num = $1", i.Num))
		if err == nil && n == 0 {
			err = noInvitation()
		}
		if err != nil {
			return err
		}
		if u.ID == 0 {
			u.Members = []consent.Member{i.Member}
			u, err = addUser(ctx, tx, u, passwordHash)
			return err
		}
		u.Members = append(u.Members, i.Member)
		if err := addMember(ctx, tx, u.ID, i.Member); err != nil {
			return err
		}
		return endSessions(ctx, tx, u.ID, nil)
	})
	return u, err
}

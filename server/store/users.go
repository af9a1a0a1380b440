package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"time"

	"samtykke/consent"
)

// AddUser stores a new user with the hash of the password and as a member of organisations, and returns it with its id. A taken
// e-mail is a conflict.
func (db *DB) AddUser(ctx context.Context, u consent.User, passwordHash string, deeds ...consent.Deed) (consent.User, error) {
	err := db.did(ctx, db.tx, deeds, func(tx *sql.Tx) (err error) {
		u, err = addUser(ctx, tx, u, passwordHash)
		return err
	})
	return u, err
}

func addUser(ctx context.Context, tx *sql.Tx, u consent.User, passwordHash string) (consent.User, error) {
	err := tx.QueryRowContext(ctx, `insert into users (email, password, name, language, theme, must_change, admin, created_at) values ($1, $2, $3, $4, $5, $6, $7, $8)
		on conflict do nothing returning num`, u.Email, passwordHash, u.Name, u.Language, u.Theme, bit(u.MustChange), bit(u.Admin), u.CreatedAt.UnixMilli()).Scan(&u.ID)
	if consent.KindOf(one(err, "", "")) == consent.KindNotFound {
		return u, &consent.Error{Kind: consent.KindConflict, Code: "user_exists", Message: "There is a user with this e-mail."}
	}
	for i := range u.Members {
		if err == nil {
			err = addMember(ctx, tx, u.ID, u.Members[i])
		}
	}
	return u, err
}

func bit(b bool) int {
	if b {
		return 1
	}
	return 0
}

const userColumns = "u.num, u.email, u.name, u.language, u.theme, u.must_change, u.admin, u.totp is not null, u.created_at, u.password"

type userRow struct {
	consent.User
	password string
}

func scanUser(rows *sql.Rows) (u userRow, err error) { return scanUserAnd(rows) }

func scanUserAnd(rows *sql.Rows, more ...any) (u userRow, err error) {
	var must, admin int
	var created int64
	err = rows.Scan(append([]any{&u.ID, &u.Email, &u.Name, &u.Language, &u.Theme, &must, &admin, &u.TOTP, &created, &u.password}, more...)...)
	u.MustChange, u.Admin, u.CreatedAt = must == 1, admin == 1, time.UnixMilli(created).UTC()
	return u, err
}

// Users lists all users in the order of their making, with what they may do.
func (db *DB) Users(ctx context.Context) ([]consent.User, error) {
	rows, err := collect(ctx, db.reader, scanUser, "select "+userColumns+" from users u order by u.num")
	users := make([]consent.User, len(rows))
	for i := range rows {
		users[i] = rows[i].User
		if err == nil {
			users[i].Members, err = db.membersOf(ctx, users[i].ID)
		}
	}
	return users, err
}

// UserByEmail reads a user and the hash of the password; absence is NotFound.
func (db *DB) UserByEmail(ctx context.Context, email string) (u consent.User, passwordHash string, err error) {
	rows, err := collect(ctx, db.reader, scanUser, "select "+userColumns+" from users u where u.email = $1", email)
	if err != nil {
		return u, "", err
	}
	if len(rows) == 0 {
		return u, "", consent.NotFound("no_user", "There is no such user.")
	}
	u = rows[0].User
	u.Members, err = db.membersOf(ctx, u.ID)
	return u, rows[0].password, err
}

// membersOf reads what a user may do, by the age of the organisations.
func (db *DB) membersOf(ctx context.Context, user int64) ([]consent.Member, error) {
	return collect(ctx, db.reader, func(rows *sql.Rows) (m consent.Member, err error) {
		var sites string
		m.Org, err = scanOrg(rows, &m.Role, &sites)
		if err == nil {
			m.Sites, err = decodeList(sites)
		}
		return m, err
	}, "select "+orgColumns+", m.role, m.sites from members m join organisations o on o.num = m.org where m.user_num = $1 order by o.num", user)
}

// encodeList writes the ids of the only sites; nothing stands for every site.
func encodeList(list []string) (string, error) {
	if list == nil {
		return "", nil
	}
	b, err := json.Marshal(list)
	return string(b), err
}

func decodeList(s string) (list []string, err error) {
	if s == "" {
		return nil, nil
	}
	return list, json.Unmarshal([]byte(s), &list)
}

// SetPassword stores a new password's hash and ends all of the user's sessions.
func (db *DB) SetPassword(ctx context.Context, user int64, passwordHash string, mustChange bool, deeds ...consent.Deed) error {
	return db.did(ctx, db.tx, deeds, func(tx *sql.Tx) error {
		if _, err := tx.ExecContext(ctx, "update users set password = $1, must_change = $2 where num = $3", passwordHash, bit(mustChange), user); err != nil {
			return err
		}
		return endSessions(ctx, tx, user, nil)
	})
}

// SetLanguage stores the language of a user's dashboard.
func (db *DB) SetLanguage(ctx context.Context, user int64, language string) error {
	return db.exec(ctx, "update users set language = $1 where num = $2", language, user)
}

// SetProfile stores a user's own name, language and colours.
func (db *DB) SetProfile(ctx context.Context, u consent.User) error {
	return db.exec(ctx, "update users set name = $1, language = $2, theme = $3 where num = $4", u.Name, u.Language, u.Theme, u.ID)
}

// TOTP reads the secret of a user's second factor, nil where there is none, and the step of the last code that was taken.
func (db *DB) TOTP(ctx context.Context, user int64) (secret []byte, step int64, err error) {
	err = db.reader.QueryRowContext(ctx, "select totp, totp_step from users where num = $1", user).Scan(&secret, &step)
	return secret, step, one(err, "no_user", "There is no such user.")
}

// SetTOTP gives a user a second factor with the hashes of codes that stand in for it, from a step on; a nil secret takes it away.
// The user's sessions end.
func (db *DB) SetTOTP(ctx context.Context, user int64, secret []byte, step int64, codes [][]byte, deeds ...consent.Deed) error {
	return db.did(ctx, db.tx, deeds, func(tx *sql.Tx) error {
		if _, err := tx.ExecContext(ctx, "update users set totp = $1, totp_step = $2 where num = $3", secret, step, user); err != nil {
			return err
		}
		if err := setRecovery(ctx, tx, user, codes); err != nil {
			return err
		}
		return endSessions(ctx, tx, user, nil)
	})
}

// SetRecovery replaces the codes that stand in for a user's second factor.
func (db *DB) SetRecovery(ctx context.Context, user int64, codes [][]byte, deeds ...consent.Deed) error {
	return db.did(ctx, db.tx, deeds, func(tx *sql.Tx) error { return setRecovery(ctx, tx, user, codes) })
}

func setRecovery(ctx context.Context, tx *sql.Tx, user int64, codes [][]byte) error {
	_, err := tx.ExecContext(ctx, "delete from recovery where user_num = $1", user)
	for _, c := range codes {
		if err == nil {
			_, err = tx.ExecContext(ctx, "insert into recovery (user_num, code) values ($1, $2)", user, c)
		}
	}
	return err
}

// Recovery counts the codes that a user has left.
func (db *DB) Recovery(ctx context.Context, user int64) (n int, err error) {
	err = db.reader.QueryRowContext(ctx, "select count(*) from recovery where user_num = $1", user).Scan(&n)
	return n, err
}

// UseStep takes the code of a step, and says whether it is newer than every one before: each is good for once, however many
// try at the same moment.
func (db *DB) UseStep(ctx context.Context, user, step int64) (bool, error) {
	n, err := affected(db.writer.ExecContext(ctx, "update users set totp_step = $1 where num = $2 and totp_step < $1 and totp is not null", step, user))
	return n == 1, err
}

// UseRecovery takes one of the codes that stand in, and says whether it was there.
func (db *DB) UseRecovery(ctx context.Context, user int64, code []byte) (bool, error) {
	n, err := affected(db.writer.ExecContext(ctx, "delete from recovery where user_num = $1 and code = $2", user, code))
	return n == 1, err
}

func (db *DB) exec(ctx context.Context, query string, args ...any) error {
	_, err := db.writer.ExecContext(ctx, query, args...)
	return err
}

package store

import (
	"context"
	"database/sql"
	"time"

	"samtykke/consent"
)

// AddUser stores a new user with the hash of the password and returns it with its id. A taken e-mail is a conflict.
func (db *DB) AddUser(ctx context.Context, u consent.User, passwordHash string, deeds ...consent.Deed) (consent.User, error) {
	err := db.did(ctx, db.tx, deeds, func(tx *sql.Tx) error {
		err := tx.QueryRowContext(ctx, `insert into users (email, password, role, language, must_change, created_at) values ($1, $2, $3, $4, $5, $6)
			on conflict do nothing returning num`, u.Email, passwordHash, string(u.Role), u.Language, bit(u.MustChange), u.CreatedAt.UnixMilli()).Scan(&u.ID)
		if consent.KindOf(one(err, "", "")) == consent.KindNotFound {
			return &consent.Error{Kind: consent.KindConflict, Code: "user_exists", Message: "There is a user with this e-mail."}
		}
		return err
	})
	return u, err
}

func bit(b bool) int {
	if b {
		return 1
	}
	return 0
}

const userColumns = "select u.num, u.email, u.role, u.language, u.must_change, u.created_at, u.password from users u "

func scanUser(rows *sql.Rows) (userRow, error) {
	var (
		u       userRow
		must    int
		created int64
	)
	err := rows.Scan(&u.ID, &u.Email, &u.Role, &u.Language, &must, &created, &u.password)
	u.MustChange, u.CreatedAt = must == 1, time.UnixMilli(created).UTC()
	return u, err
}

type userRow struct {
	consent.User
	password string
}

// Users lists all users in the order of their making.
func (db *DB) Users(ctx context.Context) ([]consent.User, error) {
	rows, err := collect(ctx, db.reader, scanUser, userColumns+"order by u.num")
	users := make([]consent.User, len(rows))
	for i := range rows {
		users[i] = rows[i].User
	}
	return users, err
}

// UserByEmail reads a user and the hash of the password; absence is NotFound.
func (db *DB) UserByEmail(ctx context.Context, email string) (u consent.User, passwordHash string, err error) {
	return db.oneUser(ctx, "where u.email = $1", email)
}

// SessionUser reads who is logged in with a session whose token hashes to token; NotFound where there is none or
// it has expired.
func (db *DB) SessionUser(ctx context.Context, token []byte, now time.Time) (consent.User, error) {
	u, _, err := db.oneUser(ctx, "join sessions s on s.user_num = u.num where s.token = $1 and s.expires_at > $2", token, now.UnixMilli())
	return u, err
}

func (db *DB) oneUser(ctx context.Context, where string, args ...any) (consent.User, string, error) {
	rows, err := collect(ctx, db.reader, scanUser, userColumns+where, args...)
	if err != nil {
		return consent.User{}, "", err
	}
	if len(rows) == 0 {
		return consent.User{}, "", consent.NotFound("no_user", "There is no such user.")
	}
	return rows[0].User, rows[0].password, nil
}

// SetPassword stores a new password's hash and ends all of the user's sessions.
func (db *DB) SetPassword(ctx context.Context, user int64, passwordHash string, mustChange bool, deeds ...consent.Deed) error {
	return db.did(ctx, db.tx, deeds, func(tx *sql.Tx) error {
		if _, err := tx.ExecContext(ctx, "update users set password = $1, must_change = $2 where num = $3", passwordHash, bit(mustChange), user); err != nil {
			return err
		}
		_, err := tx.ExecContext(ctx, "delete from sessions where user_num = $1", user)
		return err
	})
}

// SetLanguage stores the language of a user's dashboard.
func (db *DB) SetLanguage(ctx context.Context, user int64, language string) error {
	return db.exec(ctx, "update users set language = $1 where num = $2", language, user)
}

// AddSession stores a session by the hash of its token and removes all that have expired.
func (db *DB) AddSession(ctx context.Context, user int64, token []byte, now, expires time.Time, deeds ...consent.Deed) error {
	return db.did(ctx, db.tx, deeds, func(tx *sql.Tx) error {
		if _, err := tx.ExecContext(ctx, "delete from sessions where expires_at <= $1", now.UnixMilli()); err != nil {
			return err
		}
		_, err := tx.ExecContext(ctx, "insert into sessions (token, user_num, created_at, expires_at) values ($1, $2, $3, $4)",
			token, user, now.UnixMilli(), expires.UnixMilli())
		return err
	})
}

// EndSession removes a session.
func (db *DB) EndSession(ctx context.Context, token []byte, deeds ...consent.Deed) error {
	return db.did(ctx, db.tx, deeds, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, "delete from sessions where token = $1", token)
		return err
	})
}

func (db *DB) exec(ctx context.Context, query string, args ...any) error {
	_, err := db.writer.ExecContext(ctx, query, args...)
	return err
}

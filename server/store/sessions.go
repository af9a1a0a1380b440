package store

import (
	"context"
	"database/sql"
	"time"

	"samtykke/consent"
)

// Session is somebody who is logged in somewhere.
type Session struct {
	User    int64
	Token   []byte // SHA-256 of what the cookie holds
	At      time.Time
	Used    time.Time // to the minute; the zero time is At
	Expires time.Time
	Device  string // browser and system, coarsely
	Address string
	Half    bool // the second factor is still missing
}

// How long a session lasts without being used, and how seldom its use is written.
const (
	SessionIdle   = 8 * time.Hour
	usedAccurate  = time.Minute
	sessionFields = "s.token, s.created_at, s.used_at, s.expires_at, s.device, s.address, s.half"
)

// AddSession stores a session and removes all that are over.
func (db *DB) AddSession(ctx context.Context, s Session, deeds ...consent.Deed) error {
	return db.did(ctx, db.tx, deeds, func(tx *sql.Tx) error { return addSession(ctx, tx, s) })
}

func addSession(ctx context.Context, tx *sql.Tx, s Session) error {
	if s.Used.IsZero() {
		s.Used = s.At
	}
	if _, err := tx.ExecContext(ctx, "delete from sessions where expires_at <= $1 or used_at <= $2", s.At.UnixMilli(), s.At.Add(-SessionIdle).UnixMilli()); err != nil {
		return err
	}
	_, err := tx.ExecContext(ctx, "insert into sessions (token, user_num, created_at, used_at, expires_at, device, address, half) values ($1, $2, $3, $4, $5, $6, $7, $8)",
		s.Token, s.User, s.At.UnixMilli(), s.Used.UnixMilli(), s.Expires.UnixMilli(), s.Device, s.Address, bit(s.Half))
	return err
}

func (s *Session) targets(at, used, expires *int64, half *int) []any {
	return []any{&s.Token, at, used, expires, &s.Device, &s.Address, half}
}

func (s *Session) set(at, used, expires int64, half int) {
	s.At, s.Used, s.Expires, s.Half = time.UnixMilli(at).UTC(), time.UnixMilli(used).UTC(), time.UnixMilli(expires).UTC(), half == 1
}

// Session reads a session by the hash of its token, and whose it is; NotFound where there is none or it is over. That it was
// used is written.
func (db *DB) Session(ctx context.Context, token []byte, now time.Time) (s Session, u consent.User, err error) {
	rows, err := collect(ctx, db.reader, func(rows *sql.Rows) (r userRow, err error) {
		var at, used, expires int64
		var half int
		r, err = scanUserAnd(rows, s.targets(&at, &used, &expires, &half)...)
		s.set(at, used, expires, half)
		return r, err
	}, "select "+userColumns+", "+sessionFields+" from sessions s join users u on u.num = s.user_num where s.token = $1 and s.expires_at > $2 and s.used_at > $3",
		token, now.UnixMilli(), now.Add(-SessionIdle).UnixMilli())
	if err != nil {
		return s, u, err
	}
	if len(rows) == 0 {
		return s, u, consent.NotFound("no_session", "Nobody is logged in.")
	}
	u = rows[0].User
	s.User = u.ID
	if u.Members, err = db.membersOf(ctx, u.ID); err == nil && now.Sub(s.Used) >= usedAccurate {
		err = db.exec(ctx, "update sessions set used_at = $1 where token = $2 and used_at < $1", now.UnixMilli(), token)
	}
	return s, u, err
}

// Sessions lists where a user is logged in, the last used first.
func (db *DB) Sessions(ctx context.Context, user int64, now time.Time) ([]Session, error) {
	return collect(ctx, db.reader, func(rows *sql.Rows) (s Session, err error) {
		var at, used, expires int64
		var half int
		err = rows.Scan(s.targets(&at, &used, &expires, &half)...)
		s.set(at, used, expires, half)
		s.User = user
		return s, err
	}, "select "+sessionFields+" from sessions s where s.user_num = $1 and s.half = 0 and s.expires_at > $2 and s.used_at > $3 order by s.used_at desc, s.created_at desc",
		user, now.UnixMilli(), now.Add(-SessionIdle).UnixMilli())
}

// EndSession removes a session.
func (db *DB) EndSession(ctx context.Context, token []byte, deeds ...consent.Deed) error {
	return db.did(ctx, db.tx, deeds, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, "delete from sessions where token = $1", token)
		return err
	})
}

// EndOwnSession removes one of a user's sessions; NotFound where it is none of them.
func (db *DB) EndOwnSession(ctx context.Context, user int64, token []byte, deeds ...consent.Deed) error {
	return db.did(ctx, db.tx, deeds, func(tx *sql.Tx) error {
		n, err := affected(tx.ExecContext(ctx, "delete from sessions where token = $1 and user_num = $2", token, user))
		if err == nil && n == 0 {
			err = consent.NotFound("no_session", "Nobody is logged in.")
		}
		return err
	})
}

// EndSessions removes all of a user's sessions but the one that is kept; nil keeps none.
func (db *DB) EndSessions(ctx context.Context, user int64, keep []byte, deeds ...consent.Deed) error {
	return db.did(ctx, db.tx, deeds, func(tx *sql.Tx) error { return endSessions(ctx, tx, user, keep) })
}

func endSessions(ctx context.Context, tx *sql.Tx, user int64, keep []byte) error {
	if keep == nil {
		keep = []byte{0} // no token's
	}
	_, err := tx.ExecContext(ctx, "delete from sessions where user_num = $1 and token <> $2", user, keep)
	return err
}

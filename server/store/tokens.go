package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"slices"
	"time"

	"samtykke/consent"
)

// Scope is what a token may do. It never changes its meaning.
type Scope string

// The scopes. None covers another.
const (
	ScopeRead   Scope = "read"   // see what an auditor sees
	ScopeWrite  Scope = "write"  // change what an editor changes
	ScopeScans  Scope = "scans"  // have sites scanned
	ScopeExport Scope = "export" // take records away
	ScopeManage Scope = "manage" // do what owners alone do: people, tokens, the organisation, deleting a site
)

// Scopes lists the scopes.
var Scopes = []Scope{ScopeRead, ScopeWrite, ScopeScans, ScopeExport, ScopeManage}

// Token is what a program of an organisation's logs in with.
type Token struct {
	Num     int64
	Org     consent.Organisation
	Name    string
	Scopes  []Scope
	Sites   []string // ids of the only sites; nil: every site
	By      string   // e-mail of who made it
	At      time.Time
	Expires time.Time
	Used    time.Time // to the minute; zero: never
}

// Has says whether the token may do something.
func (t *Token) Has(s Scope) bool { return slices.Contains(t.Scopes, s) }

// Covers says whether the token may do all that a role may. Who makes others by it gives nothing that it doesn't have.
func (t *Token) Covers(r consent.Role) bool {
	need := []Scope{ScopeRead, ScopeExport}
	switch r {
	case consent.Owner:
		need = Scopes
	case consent.Editor:
		need = append(need, ScopeWrite, ScopeScans)
	}
	return !slices.ContainsFunc(need, func(s Scope) bool { return !t.Has(s) })
}

// Whole says whether the token is for every site, and so may see what is the organisation's.
func (t *Token) Whole() bool { return t.Sites == nil }

// May says whether the token may see a site of its organisation.
func (t *Token) May(site string) bool { return t.Sites == nil || slices.Contains(t.Sites, site) }

const selectTokens = "select " + orgColumns + ", t.num, t.name, t.scopes, t.sites, t.made_by, t.at, t.expires_at, t.used_at from tokens t join organisations o on o.num = t.org "

func scanToken(rows *sql.Rows) (t Token, err error) {
	var scopes, sites string
	var at, expires, used int64
	if t.Org, err = scanOrg(rows, &t.Num, &t.Name, &scopes, &sites, &t.By, &at, &expires, &used); err != nil {
		return t, err
	}
	t.At, t.Expires = time.UnixMilli(at).UTC(), time.UnixMilli(expires).UTC()
	if used > 0 {
		t.Used = time.UnixMilli(used).UTC()
	}
	if err = json.Unmarshal([]byte(scopes), &t.Scopes); err == nil {
		t.Sites, err = decodeList(sites)
	}
	return t, err
}

// AddToken stores a token by the hash of its secret.
func (db *DB) AddToken(ctx context.Context, t Token, secret []byte, deeds ...consent.Deed) error {
	scopes, err := json.Marshal(t.Scopes)
	if err != nil {
		return err
	}
	sites, err := encodeList(t.Sites)
	if err != nil {
		return err
	}
	return db.did(ctx, db.tx, deeds, func(tx *sql.Tx) error {
		org, err := orgNum(ctx, tx, t.Org.ID)
		if err == nil {
			_, err = tx.ExecContext(ctx, "insert into tokens (token, org, name, scopes, sites, made_by, at, expires_at, used_at) values ($1, $2, $3, $4, $5, $6, $7, $8, 0)",
				secret, org, t.Name, string(scopes), sites, t.By, t.At.UnixMilli(), t.Expires.UnixMilli())
		}
		return err
	})
}

// Tokens lists those of an organisation, also the ones that have expired.
func (db *DB) Tokens(ctx context.Context, org string) ([]Token, error) {
	return collect(ctx, db.reader, scanToken, selectTokens+"where o.id = $1 order by t.num", org)
}

// Token reads one by the hash of its secret; NotFound where there is none or it has expired. That it was used is written.
func (db *DB) Token(ctx context.Context, secret []byte, now time.Time) (t Token, err error) {
	found, err := collect(ctx, db.reader, scanToken, selectTokens+"where t.token = $1 and t.expires_at > $2", secret, now.UnixMilli())
	if err == nil && len(found) == 0 {
		err = consent.NotFound("no_token", "There is no such token.")
	}
	if err != nil {
		return t, err
	}
	t = found[0]
	if now.Sub(t.Used) >= usedAccurate {
		err = db.exec(ctx, "update tokens set used_at = $1 where num = $2 and used_at < $1", now.UnixMilli(), t.Num)
	}
	return t, err
}

// RevokeToken ends one of an organisation's tokens.
func (db *DB) RevokeToken(ctx context.Context, org string, num int64, deeds ...consent.Deed) error {
	return db.did(ctx, db.tx, deeds, func(tx *sql.Tx) error {
		n, err := affected(tx.ExecContext(ctx, "delete from tokens where num = $1 and org = (select num from organisations where id = $2)", num, org))
		if err == nil && n == 0 {
			err = consent.NotFound("no_token", "There is no such token.")
		}
		return err
	})
}

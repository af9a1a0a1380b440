package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"strings"
	"time"

	"samtykke/consent"
)

// Proof is a way of proving that a domain is the site's.
type Proof string

// The ways.
const (
	ProofTag  Proof = "tag"  // the site's own script is on the domain's front page
	ProofFile Proof = "file" // /.well-known/samtykke-site.txt
	ProofDNS  Proof = "dns"  // a TXT record
)

// Domain is how a domain of a site was last looked at.
type Domain struct {
	Name      string
	Method    Proof     // empty: it was never proven
	ProvenAt  time.Time // zero: it was never
	CheckedAt time.Time
	Problem   *consent.Error // why the last look did not prove it
}

// Proven says whether the domain is the site's, as of the last look.
func (d Domain) Proven() bool { return d.Method != "" && d.Problem == nil }

// Domains reads the domains of a site that were looked at.
func (db *DB) Domains(ctx context.Context, site string) (map[string]Domain, error) {
	found, err := collect(ctx, db.reader, func(rows *sql.Rows) (d Domain, err error) {
		var proven, checked int64
		var problem string
		if err := rows.Scan(&d.Name, &d.Method, &proven, &checked, &problem); err != nil {
			return d, err
		}
		d.ProvenAt, d.CheckedAt = moment(proven), moment(checked)
		if problem != "" {
			d.Problem = &consent.Error{}
			err = json.Unmarshal([]byte(problem), d.Problem)
		}
		return d, err
	}, "select domain, method, proven_at, checked_at, problem from domains join sites on sites.num = domains.site where sites.id = $1", site)
	byName := make(map[string]Domain, len(found))
	for _, d := range found {
		byName[d.Name] = d
	}
	return byName, err
}

// SetDomain stores how a look at a domain ended. One that fails leaves what was proven before in its place.
func (db *DB) SetDomain(ctx context.Context, site string, d Domain, deeds ...consent.Deed) error {
	var problem []byte
	if d.Problem != nil {
		var err error
		if problem, err = json.Marshal(d.Problem); err != nil {
			return err
		}
	}
	return db.did(ctx, db.tx, deeds, func(tx *sql.Tx) error {
		keep := ""
		if d.Problem == nil {
			keep = ", method = excluded.method, proven_at = excluded.proven_at"
		}
		at := d.CheckedAt.UnixMilli()
		proven := at
		if d.Problem != nil {
			proven, d.Method = 0, ""
		}
		return updateSite(ctx, tx, `insert into domains (site, domain, method, proven_at, checked_at, problem) select num, $1, $2, $3, $4, $5 from sites where id = $6
			on conflict (site, domain) do update set checked_at = excluded.checked_at, problem = excluded.problem`+keep,
			d.Name, string(d.Method), proven, at, string(problem), site)
	})
}

// Sighting is one thing that scans saw a site store.
type Sighting struct {
	Kind        consent.ItemKind
	Name, Host  string // host: without a leading dot
	First, Last time.Time
}

// maxSightings is how many things one scan may add: a site that stores more makes names up.
const maxSightings = 2000

// sightingsKept is how long something is remembered that no scan sees any more.
const sightingsKept = 2 * 365 * 24 * time.Hour

func noteSightings(ctx context.Context, tx *sql.Tx, site int64, seen []Sighting, at time.Time) error {
	for _, s := range seen[:min(len(seen), maxSightings)] {
		if _, err := tx.ExecContext(ctx, `insert into sightings (site, kind, name, host, first_at, last_at) values ($1, $2, $3, $4, $5, $5)
			on conflict (site, kind, name, host) do update set last_at = $5 where sightings.last_at < $5`,
			site, string(s.Kind), s.Name, strings.TrimPrefix(s.Host, "."), at.UnixMilli()); err != nil {
			return err
		}
	}
	if len(seen) == 0 {
		return nil
	}
	_, err := tx.ExecContext(ctx, "delete from sightings where site = $1 and last_at < $2", site, at.Add(-sightingsKept).UnixMilli())
	return err
}

// Sightings reads what scans saw a site store.
func (db *DB) Sightings(ctx context.Context, site string) ([]Sighting, error) {
	return collect(ctx, db.reader, func(rows *sql.Rows) (s Sighting, err error) {
		var first, last int64
		err = rows.Scan(&s.Kind, &s.Name, &s.Host, &first, &last)
		s.First, s.Last = time.UnixMilli(first).UTC(), time.UnixMilli(last).UTC()
		return s, err
	}, `select kind, name, sightings.host, first_at, last_at from sightings join sites on sites.num = sightings.site where sites.id = $1
		order by kind, name, sightings.host`, site)
}

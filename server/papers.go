package server

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strings"
	"time"

	"samtykke/consent"
	"samtykke/server/duties"
	"samtykke/server/store"
)

// agreement is the paper that can be accepted.
const agreement = "agreement"

func agreementVersion() int {
	all := duties.All()
	return all[slices.IndexFunc(all, func(k duties.Kind) bool { return k.Name == agreement })].Version
}

// parties name who an agreement is between: another company is another party, also under the same name.
func parties(in *installation, site *consent.Site) (processor, controller string) {
	name := func(name, cvr string) string { return strings.TrimSuffix(name+", "+cvr, ", ") }
	return name(in.Operator.Name, in.Operator.CVR), name(site.Controller.Name, site.Controller.CVR)
}

// inForce finds the acceptance of the agreement's present words between its present parties; nil where there is none.
func inForce(all []store.Acceptance, in *installation, site *consent.Site) *store.Acceptance {
	processor, controller := parties(in, site)
	i := slices.IndexFunc(all, func(a store.Acceptance) bool {
		return a.Paper == agreement && a.Version == agreementVersion() && a.Processor == processor && a.Controller == controller
	})
	if i < 0 || in.Operator.SelfHosted {
		return nil
	}
	return &all[i]
}

// seen names the agreement by everything that it says now but the time. Whoever accepts says by it what was read.
func seen(ctx context.Context, db *store.DB, site *consent.Site, lang string) (string, error) {
	d, err := dutyData(ctx, db, time.Unix(0, 0), site)
	if err != nil {
		return "", err
	}
	d.Accepted = nil
	p, err := duties.ProcessingAgreement(d, lang)
	sum := sha256.Sum256([]byte(p.HTML))
	return hex.EncodeToString(sum[:]), err
}

// dutyData is what the papers of a site are made of: what has been told of the installation, and the settings in force.
func dutyData(ctx context.Context, db *store.DB, now time.Time, site *consent.Site) (duties.Data, error) {
	in, err := readInstallation(ctx, db)
	if err != nil {
		return duties.Data{}, err
	}
	if !in.Told() || site.Controller.Name == "" {
		return duties.Data{}, &consent.Error{Kind: consent.KindConflict, Code: "papers_untold", Message: "The papers can’t be written before it is known who runs the installation and who the controller is."}
	}
	months := site.Retention.Months()
	d := duties.Data{
		Operator: duties.Operator(in.Operator), Controller: site.Controller, Location: in.Location, BackupDays: in.BackupDays,
		Retention: duties.Retention{Consents: months.Consent, Refusals: months.Refusal}, From: site.CreatedAt, At: now.UTC().Truncate(time.Millisecond),
		// What the database itself can't tell is so of every installation, or of none.
		Product: duties.Product{Ledger: true, AuditLog: true, Restriction: true},
	}
	for _, p := range in.Present() {
		d.SubProcessors = append(d.SubProcessors, duties.SubProcessor(p.supplier))
	}
	if d.Product.SecureDelete, err = db.Overwrites(ctx); err != nil {
		return d, err
	}
	told := duties.Site{Name: site.Name, Domains: site.Domains}
	switch n, err := db.CurrentNotice(ctx, site.ID); {
	case err == nil:
		told.Banner = &n.Content.Banner
	case consent.KindOf(err) != consent.KindNotFound:
		return d, err
	}
	d.Sites = []duties.Site{told}
	all, err := db.Acceptances(ctx, site.ID)
	if a := inForce(all, &in, site); a != nil {
		d.Accepted = &duties.Acceptance{Name: a.Name, Email: a.Email, At: a.At, Version: a.Version}
	}
	return d, err
}

// papersOf writes all papers of a site in every language, but the certificate of what hasn't been deleted. There are none
// where nobody has said who runs the installation or who the controller is.
func papersOf(ctx context.Context, db *store.DB, now time.Time, site *consent.Site) ([]duties.Paper, error) {
	d, err := dutyData(ctx, db, now, site)
	if consent.KindOf(err) == consent.KindConflict {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var list []duties.Paper
	for _, k := range duties.All() {
		if k.Name == "deletion" {
			continue
		}
		for _, lang := range duties.Languages() {
			p, err := k.Make(d, lang)
			if err != nil {
				return nil, err
			}
			list = append(list, p)
		}
	}
	return list, nil
}

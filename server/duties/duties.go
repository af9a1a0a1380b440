// Package duties writes the papers of whoever runs the installation: the agreement with the controller, the records of
// processing, the measures, and what is needed when something happens. Papers are computed from what they are told;
// nothing is looked up, and nothing is said of the product that isn't true of it. They are drafts for a lawyer to read.
package duties

import (
	"fmt"
	"time"

	"golang.org/x/text/language"

	"samtykke/consent"
)

// Data is everything that the papers are made of.
type Data struct {
	Operator      Operator
	Controller    consent.Controller
	Sites         []Site
	SubProcessors []SubProcessor // none is the default
	Retention     Retention
	Location      string // country where the data is kept, ISO 3166 alpha-2; empty: within the EU/EEA
	BackupDays    int    // how long backups hold what was deleted; 0: nobody has said; NoBackups: there are none
	Product       Product
	Accepted      *Acceptance // of the processing agreement; nil: by nobody yet
	From, To      time.Time   // when the processing began and ended; zero To: it goes on
	Deletion      *Deletion   // what DeletionCertificate certifies
	At            time.Time   // when the paper is made
}

// NoBackups says that no backups are made.
const NoBackups = -1

// Operator is who runs the installation. Running it for others makes a processor (GDPR art. 4(8), 28); running it for
// oneself alone doesn't, and then the operator is the controller and needs no details here (P12).
type Operator struct {
	SelfHosted bool
	Name       string
	CVR        string
	Address    string
	Country    string // ISO 3166 alpha-2
	Email      string
}

// Site is one website and what the controller has decided for it: the settings are the instruction (P2).
type Site struct {
	Name         string
	Domains      []string
	Banner       *consent.Banner // the settings in force; nil: nothing is published
	Instructions []string        // further instructions, a sentence each, in the paper's language
}

// SubProcessor is whom the processor leaves a part of the processing to (P5). Where there is no processor it is one that
// the controller itself uses.
type SubProcessor struct {
	Name     string
	CVR      string // or another registration number
	Country  string // of the processing, ISO 3166 alpha-2
	Task     string
	Since    time.Time
	Transfer string // basis of a transfer out of the EU/EEA (GDPR chapter V); empty where there is none
}

// Retention is how long acts are kept, in months from 1 to 60: consents after they stopped counting, refusals after they
// were made. Zero is the default of consent.KeepConsent and consent.KeepRefusal.
type Retention struct{ Consents, Refusals int }

// Product says which of the product's measures are in force. The papers claim only those that are named here, and tell
// what the operator must do where one is missing.
type Product struct {
	Ledger       bool // acts stand in a signed log of salted hashes
	AuditLog     bool // what people do on the dashboard is logged, append-only
	SecureDelete bool // SQLite overwrites what it deletes
	Restriction  bool // acts can be locked instead of erased (GDPR art. 18)
	SiteRights   bool // logins reach only the sites that they were given
}

// Acceptance is a named person's acceptance of a version of the processing agreement.
type Acceptance struct {
	Name, Email string
	At          time.Time
	Version     int
}

// Deletion is what was deleted for good (P9, T8).
type Deletion struct {
	At     time.Time
	By     string // the person who did it
	Reason string // in the paper's language; may be empty
	Items  []Deleted
	Kept   []string // what remains all the same and why, a sentence each, in the paper's language
}

// Deleted is one kind of thing that was deleted, in the paper's language, and how many there were.
type Deleted struct {
	What    string
	Records int64
}

// Months from which and to which acts may be kept.
const minMonths, maxMonths = 1, 60

// complete checks the data and puts defaults in.
func (d Data) complete() (Data, error) {
	if d.Operator.SelfHosted {
		d.Operator = Operator{SelfHosted: true}
	}
	if d.Retention.Consents == 0 {
		d.Retention.Consents = consent.KeepConsent
	}
	if d.Retention.Refusals == 0 {
		d.Retention.Refusals = consent.KeepRefusal
	}
	bad := map[string]string{}
	check := func(ok bool, name, message string) {
		if !ok {
			bad[name] = message
		}
	}
	months := fmt.Sprintf("Acts are kept for %d to %d months.", minMonths, maxMonths)
	check(d.Controller.Name != "", "controller.name", "Name the controller.")
	check(d.Operator.SelfHosted || d.Operator.Name != "", "operator.name", "Name the processor, or say that the controller runs the installation itself.")
	check(!d.At.IsZero(), "at", "The time is missing.")
	check(d.To.IsZero() || !d.To.Before(d.From), "to", "The end is not before the beginning.")
	check(inRange(d.Retention.Consents) && inRange(d.Retention.Refusals), "retention", months)
	check(d.BackupDays >= NoBackups, "backup_days", "Backups are kept for a number of days.")
	check(isCountry(d.Location), "location", "The country is a two-letter code, or empty for the EU/EEA.")
	check(isCountry(d.Operator.Country), "operator.country", "The country is a two-letter code.")
	check(d.Accepted == nil || d.Accepted.Name != "" && !d.Accepted.At.IsZero() && d.Accepted.Version > 0, "accepted", "An acceptance names a person, a time and a version.")
	for _, s := range d.SubProcessors {
		check(s.Name != "" && s.Task != "", "sub_processors", "A sub-processor has a name and a task.")
		check(s.Country != "" && isCountry(s.Country), "sub_processors", "A sub-processor has a country, as a two-letter code.")
	}
	if len(bad) > 0 {
		return d, &consent.Error{Kind: consent.KindInvalid, Code: "bad_paper", Message: "The paper can't be written like this.", Fields: bad}
	}
	return d, nil
}

func inRange(months int) bool { return months >= minMonths && months <= maxMonths }

func isCountry(code string) bool {
	r, err := language.ParseRegion(code)
	return code == "" || err == nil && len(code) == 2 && (r.IsCountry() || code == "EU")
}

// EndsBackups is when the last backup that holds what was deleted is gone; zero where nobody has said.
func (d *Data) EndsBackups() time.Time {
	if d.Deletion == nil || d.BackupDays == 0 {
		return time.Time{}
	}
	return d.Deletion.At.AddDate(0, 0, max(d.BackupDays, 0))
}

// Outside says whether data is processed outside the EU/EEA: where it is kept, or by a sub-processor.
func (d *Data) Outside() bool {
	for _, s := range d.SubProcessors {
		if outside(s.Country) {
			return true
		}
	}
	return outside(d.Location)
}

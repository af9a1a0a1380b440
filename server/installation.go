package server

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/text/language"

	"samtykke/consent"
	"samtykke/server/dashboard"
	"samtykke/server/duties"
	"samtykke/server/store"
)

// installation is what owners tell of who runs the installation, where, and with whose help. The processor's papers are
// written from it.
type installation struct {
	Operator      operator       `json:"operator,omitzero"`
	SubProcessors []subProcessor `json:"sub_processors,omitempty"` // the newest last, also those that have ended
	Location      string         `json:"location,omitempty"`       // ISO 3166 alpha-2; empty: within the EU/EEA
	BackupDays    int            `json:"backup_days,omitempty"`    // duties.NoBackups: none are made; 0: nobody has said
}

// operator is duties.Operator as it is stored.
type operator struct {
	SelfHosted bool   `json:"self_hosted,omitempty"`
	Name       string `json:"name,omitempty"`
	CVR        string `json:"cvr,omitempty"`
	Address    string `json:"address,omitempty"`
	Country    string `json:"country,omitempty"`
	Email      string `json:"email,omitempty"`
}

// subProcessor is duties.SubProcessor as it is stored, with its end.
type subProcessor struct {
	ID string `json:"id"`
	supplier
	Until time.Time `json:"until,omitzero"`
}

type supplier struct {
	Name     string    `json:"name"`
	CVR      string    `json:"cvr,omitempty"`
	Country  string    `json:"country"`
	Task     string    `json:"task"`
	Since    time.Time `json:"since"`
	Transfer string    `json:"transfer,omitempty"`
}

// Told says whether anybody has said who runs the installation. Until then no paper can be written: saying that there is
// no processor where there is one would be worse than saying nothing.
func (in *installation) Told() bool { return in.Operator.SelfHosted || in.Operator.Name != "" }

// Present are the sub-processors that are used, or will be; Past are the others.
func (in *installation) Present() []subProcessor { return in.subs(false) }

// Past are the sub-processors that are used no more.
func (in *installation) Past() []subProcessor { return in.subs(true) }

func (in *installation) subs(ended bool) (list []subProcessor) {
	for _, p := range in.SubProcessors {
		if !p.Until.IsZero() == ended {
			list = append(list, p)
		}
	}
	return list
}

// maxSubs is how many sub-processors an installation may have had.
const maxSubs = 200

// readInstallation reads what has been told.
func readInstallation(ctx context.Context, db *store.DB) (in installation, err error) {
	body, err := db.Installation(ctx)
	if err != nil {
		return in, err
	}
	if err = json.Unmarshal(body, &in); err != nil {
		err = fmt.Errorf("read the installation: %w", err)
	}
	return in, err
}

// editInstallation changes what has been told. The change stands in the installation's audit log and in that of every site,
// where its controller sees it (P2, P5).
func (s *Server) editInstallation(ctx context.Context, deed consent.Deed, edit func(*installation) error) error {
	sites, err := s.db.Sites(ctx)
	if err != nil {
		return err
	}
	deeds := []consent.Deed{deed}
	for i := range sites {
		deed.Site = sites[i].ID
		deeds = append(deeds, deed)
	}
	return s.db.EditInstallation(ctx, func(body json.RawMessage) (json.RawMessage, error) {
		var in installation
		if err := json.Unmarshal(body, &in); err != nil {
			return nil, err
		}
		if err := edit(&in); err != nil {
			return nil, err
		}
		return json.Marshal(in)
	}, deeds...)
}

// What the form offers.
const (
	forOurselves, forOthers = "self", "others"
	backupsNone             = "none"
	backupsSome             = "some"
	maxBackupDays           = 3650
)

// installationForm shows it in the form's fields.
func installationForm(in *installation) *dashboard.Form {
	f := &dashboard.Form{Values: map[string][]string{}}
	o := &in.Operator
	for name, value := range map[string]string{
		"operator.name": o.Name, "operator.cvr": o.CVR, "operator.address": o.Address, "operator.country": cmp.Or(o.Country, "DK"),
		"operator.email": o.Email, "location": in.Location,
	} {
		f.Values.Set(name, value)
	}
	switch {
	case o.SelfHosted:
		f.Values.Set("operator.who", forOurselves)
	case o.Name != "":
		f.Values.Set("operator.who", forOthers)
	}
	switch {
	case in.BackupDays == duties.NoBackups:
		f.Values.Set("backups", backupsNone)
	case in.BackupDays > 0:
		f.Values.Set("backups", backupsSome)
		f.Values.Set("backup_days", strconv.Itoa(in.BackupDays))
	}
	return f
}

// fillInstallation takes over who runs it, where and how backups are kept. Whoever runs it for itself alone is named by
// each site as its controller, and needs no details here (P12).
func fillInstallation(in *installation, f *dashboard.Form) error {
	wrong := map[string]string{}
	in.Operator = operator{}
	switch f.Get("operator.who") {
	case forOurselves:
		in.Operator.SelfHosted = true
	case forOthers:
		in.Operator = operator{
			Name: f.Get("operator.name"), CVR: compact(f.Get("operator.cvr")), Address: f.Get("operator.address"),
			Country: country(f, "operator.country"), Email: f.Get("operator.email"),
		}
		in.Operator.check(wrong)
	default:
		wrong["operator.who"] = "Say for whom the installation is run."
	}
	if in.Location = country(f, "location"); in.Location != "" && !isCountry(in.Location) {
		wrong["location"] = "Give the country by its two letters, such as DK."
	}
	in.BackupDays = 0
	switch f.Get("backups") {
	case backupsNone:
		in.BackupDays = duties.NoBackups
	case backupsSome:
		var err error
		if in.BackupDays, err = strconv.Atoi(f.Get("backup_days")); err != nil || in.BackupDays < 1 || in.BackupDays > maxBackupDays {
			wrong["backup_days"] = "Say for how many days, from 1 to 3650."
		}
	}
	return refused(wrong)
}

func (o *operator) check(wrong map[string]string) {
	if o.Name == "" || len(o.Name) > 200 {
		wrong["operator.name"] = "Give the name of whoever runs it, of at most 200 characters."
	}
	if o.Country == "DK" && !isCVR(o.CVR) {
		wrong["operator.cvr"] = "A CVR number has eight digits."
	}
	if len(o.CVR) > 60 {
		wrong["operator.cvr"] = "At most 60 characters."
	}
	if o.Address == "" || len(o.Address) > 300 {
		wrong["operator.address"] = "Give the address, of at most 300 characters."
	}
	if !isCountry(o.Country) {
		wrong["operator.country"] = "Give the country by its two letters, such as DK."
	}
	if u := (consent.User{Email: o.Email, Role: consent.Owner, Language: "da"}); u.Validate() != nil {
		wrong["operator.email"] = "Give an e-mail address."
	}
}

// addSub adds a sub-processor (P5). One whose time hasn't come yet is announced by it.
func addSub(in *installation, f *dashboard.Form, id string) error {
	p := subProcessor{ID: id, supplier: supplier{
		Name: f.Get("sub.name"), CVR: f.Get("sub.cvr"), Country: country(f, "sub.country"), Task: f.Get("sub.task"), Transfer: f.Get("sub.transfer"),
	}}
	wrong := map[string]string{}
	if p.Name == "" || len(p.Name) > 200 {
		wrong["sub.name"] = "Give the sub-processor's name, of at most 200 characters."
	}
	if len(p.CVR) > 60 {
		wrong["sub.cvr"] = "At most 60 characters."
	}
	if !isCountry(p.Country) {
		wrong["sub.country"] = "Give the country by its two letters, such as DK."
	}
	if p.Task == "" || len(p.Task) > 300 {
		wrong["sub.task"] = "Say what the sub-processor does, in at most 300 characters."
	}
	if len(p.Transfer) > 300 {
		wrong["sub.transfer"] = "At most 300 characters."
	}
	var err error
	if p.Since, err = time.Parse(time.DateOnly, f.Get("sub.since")); err != nil {
		wrong["sub.since"] = "Give a date."
	}
	if len(in.SubProcessors) >= maxSubs {
		wrong["sub.name"] = "There are too many sub-processors."
	}
	in.SubProcessors = append(in.SubProcessors, p)
	return refused(wrong)
}

// endSub says that a sub-processor is used no more.
func endSub(in *installation, id string, now time.Time) error {
	i := slices.IndexFunc(in.SubProcessors, func(p subProcessor) bool { return p.ID == id && p.Until.IsZero() })
	if i < 0 {
		return consent.NotFound("no_sub_processor", "There is no such sub-processor any more.")
	}
	in.SubProcessors[i].Until = now.UTC().Truncate(24 * time.Hour)
	return nil
}

// refused makes an error of what is wrong with single fields; nil where nothing is.
func refused(wrong map[string]string) error {
	if len(wrong) == 0 {
		return nil
	}
	return &consent.Error{Kind: consent.KindInvalid, Code: "bad_installation", Message: "The details are not right yet.", Fields: wrong}
}

// country reads a country's code, however it was typed.
func country(f *dashboard.Form, field string) string { return strings.ToUpper(compact(f.Get(field))) }

func isCountry(code string) bool {
	r, err := language.ParseRegion(code)
	return err == nil && len(code) == 2 && r.IsCountry()
}

func isCVR(s string) bool {
	return len(s) == 8 && !slices.ContainsFunc([]rune(s), func(r rune) bool { return r < '0' || r > '9' })
}

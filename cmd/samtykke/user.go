package main

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"samtykke/consent"
	"samtykke/server"
	"samtykke/server/store"
)

type userCmd struct {
	Add           userAddCmd   `cmd:"" help:"Add a user; prints a one-time password."`
	ResetPassword userResetCmd `cmd:"" help:"Give a user a new one-time password and end all sessions."`
	List          userListCmd  `cmd:"" help:"List the users."`
}

type userAddCmd struct {
	dataFlags
	Email string `arg:"" help:"E-mail, which is the login."`
	Role  string `help:"owner, editor or auditor." enum:"owner,editor,auditor" default:"owner"`
	Org   string `help:"Organisation, by its id or its name; it is made where there is none of the name. Default: the first one." placeholder:"NAME"`
	Admin bool   `help:"The user runs the installation, too."`
}

// Run adds the user, or the organisation to what a user has already.
func (c *userAddCmd) Run(ctx context.Context, std streams) error {
	db, err := c.create(ctx)
	if err != nil {
		return err
	}
	defer db.Close()
	m := consent.Member{Role: consent.Role(c.Role)}
	if m.Org, err = organisation(ctx, db, c.Org); err != nil {
		return err
	}
	password, err := server.CreateUser(ctx, db, strings.ToLower(c.Email), m, c.Admin, time.Now())
	if err != nil {
		return err
	}
	if password == "" {
		_, err = fmt.Fprintln(std.out, "The login was there; it has the organisation now, too.")
		return err
	}
	_, err = fmt.Fprintf(std.out, "One-time password: %s\n", password)
	return err
}

// organisation finds one by its id or its name, and makes it where there is none.
func organisation(ctx context.Context, db *store.DB, name string) (consent.Organisation, error) {
	if name == "" {
		return consent.Organisation{}, nil // CreateUser takes the first one
	}
	all, err := db.Organisations(ctx)
	if err != nil {
		return consent.Organisation{}, err
	}
	if i := slices.IndexFunc(all, func(o consent.Organisation) bool { return o.ID == name || o.Name == name }); i >= 0 {
		return all[i], nil
	}
	o := consent.Organisation{ID: server.NewSiteID(), Name: name, CreatedAt: time.Now().UTC().Truncate(time.Millisecond)}
	if err := o.Validate(); err != nil {
		return o, err
	}
	return o, db.AddOrganisation(ctx, o, deed("organisation_added", "").With(o.ID, map[string]any{"name": o.Name}))
}

type userResetCmd struct {
	dataFlags
	Email string `arg:"" help:"E-mail of the user."`
	TOTP  bool   `help:"Take the second factor away, too." name:"totp"`
}

// Run replaces the password.
func (c *userResetCmd) Run(ctx context.Context, std streams) error {
	db, err := c.open(ctx)
	if err != nil {
		return err
	}
	defer db.Close()
	u, _, err := db.UserByEmail(ctx, strings.ToLower(c.Email))
	if err != nil {
		return err
	}
	if c.TOTP {
		if err := db.SetTOTP(ctx, u.ID, nil, 0, nil, deed("totp_reset", "").With(u.Email, nil)); err != nil {
			return err
		}
	}
	password := server.NewPassword()
	if err := db.SetPassword(ctx, u.ID, server.HashPassword(password), true, deed("password_reset", "").With(u.Email, nil)); err != nil {
		return err
	}
	_, err = fmt.Fprintf(std.out, "One-time password: %s\n", password)
	return err
}

type userListCmd struct{ dataFlags }

// Run lists e-mail, role and organisation: a line for each organisation of a user's.
func (c *userListCmd) Run(ctx context.Context, std streams) error {
	db, err := c.open(ctx)
	if err != nil {
		return err
	}
	defer db.Close()
	users, err := db.Users(ctx)
	if err != nil {
		return err
	}
	for _, u := range users {
		lines := []string{}
		for _, m := range u.Members {
			lines = append(lines, fmt.Sprintf("%s\t%s\t%s", u.Email, m.Role, cmp.Or(m.Org.Name, m.Org.ID)))
		}
		if len(lines) == 0 {
			lines = []string{u.Email + "\t-\t-"}
		}
		if _, err := fmt.Fprintln(std.out, strings.Join(lines, "\n")); err != nil {
			return err
		}
	}
	return nil
}

package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"samtykke/consent"
	"samtykke/server"
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
}

// Run adds the user.
func (c *userAddCmd) Run(ctx context.Context, std streams) error {
	db, err := c.create(ctx)
	if err != nil {
		return err
	}
	defer db.Close()
	password, err := server.CreateUser(ctx, db, strings.ToLower(c.Email), consent.Role(c.Role), time.Now())
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(std.out, "One-time password: %s\n", password)
	return err
}

type userResetCmd struct {
	dataFlags
	Email string `arg:"" help:"E-mail of the user."`
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
	password := server.NewPassword()
	if err := db.SetPassword(ctx, u.ID, server.HashPassword(password), true, deed("password_reset", "").With(u.Email, nil)); err != nil {
		return err
	}
	_, err = fmt.Fprintf(std.out, "One-time password: %s\n", password)
	return err
}

type userListCmd struct{ dataFlags }

// Run lists e-mail and role.
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
		if _, err := fmt.Fprintf(std.out, "%s\t%s\n", u.Email, u.Role); err != nil {
			return err
		}
	}
	return nil
}

// Package storetest gives tests a real PostgreSQL and holds the one suite that both engines must pass.
package storetest

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"syscall"
	"testing"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib" // registers the driver "pgx"
)

// Postgres starts a PostgreSQL of the distribution's for the test and returns a function that makes a fresh, empty
// database in it and gives its URL. The server listens on a socket in a folder of its own and ends with the test.
// It fails the test where PostgreSQL is missing: these tests are never skipped. settings ("fsync=on") are added to
// its command line.
func Postgres(t testing.TB, settings ...string) (newDatabase func() string) {
	t.Helper()
	dir, err := os.MkdirTemp("", "samtykke-pg-") // short: a socket's path has at most 107 bytes
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	account := nobodyButRoot(t, dir)
	data := filepath.Join(dir, "data")
	run(t, account, binary(t, "initdb"), "-D", data, "-U", "test", "-A", "trust", "--no-sync", "-E", "UTF8", "--locale=C")

	// Durability is PostgreSQL's own business and tested there; the suite runs faster without waiting for disks.
	args := []string{"-D", data, "-k", dir}
	for _, s := range append([]string{"listen_addresses=", "fsync=off", "max_connections=60"}, settings...) {
		args = append(args, "-c", s)
	}
	server := exec.Command(binary(t, "postgres"), args...)
	server.SysProcAttr = account
	server.Dir = dir
	var log bytes.Buffer
	server.Stdout, server.Stderr = &log, &log
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = server.Process.Signal(syscall.SIGINT) // "fast" shutdown: open sessions are ended
		_ = server.Wait()
	})
	address := func(db string) string { return fmt.Sprintf("postgres:///%s?host=%s&user=test", db, dir) }
	admin, err := sql.Open("pgx", address("postgres"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { admin.Close() })
	if err := await(admin); err != nil {
		t.Fatalf("PostgreSQL did not start: %v\n%s", err, log.String())
	}
	n := 0
	return func() string {
		n++
		name := fmt.Sprintf("test%d", n)
		if _, err := admin.Exec("create database " + name); err != nil {
			t.Fatal(err)
		}
		return address(name)
	}
}

func await(db *sql.DB) error {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	tick := time.NewTicker(30 * time.Millisecond)
	defer tick.Stop()
	for {
		err := db.PingContext(ctx)
		if err == nil {
			return nil
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return errors.Join(ctx.Err(), err)
		}
	}
}

// nobodyButRoot lets root run the server as another user, since PostgreSQL refuses root, and gives that user dir.
func nobodyButRoot(t testing.TB, dir string) *syscall.SysProcAttr {
	t.Helper()
	if os.Geteuid() != 0 {
		return nil
	}
	u, err := user.Lookup("postgres")
	if err != nil {
		if u, err = user.Lookup("nobody"); err != nil {
			t.Fatal(err)
		}
	}
	uid, _ := strconv.Atoi(u.Uid)
	gid, _ := strconv.Atoi(u.Gid)
	if err := os.Chown(dir, uid, gid); err != nil {
		t.Fatal(err)
	}
	return &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}}
}

// binary finds a PostgreSQL program on the PATH or where Debian puts it.
func binary(t testing.TB, name string) string {
	t.Helper()
	if p, err := exec.LookPath(name); err == nil {
		return p
	}
	found, _ := filepath.Glob("/usr/lib/postgresql/*/bin/" + name)
	if len(found) == 0 {
		t.Fatalf("these tests need PostgreSQL's %s (apt-get install postgresql)", name)
	}
	return slices.Max(found)
}

func run(t testing.TB, account *syscall.SysProcAttr, name string, args ...string) {
	t.Helper()
	cmd := exec.Command(name, args...)
	cmd.SysProcAttr = account
	cmd.Dir = "/"
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", name, err, out)
	}
}

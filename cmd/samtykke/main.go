// Command samtykke serves cookie banners, keeps the proof of every choice, scans sites and shows their owners what
// there is to see. Each command is a file of this folder.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"runtime/debug"
	"strings"
	"syscall"

	"github.com/alecthomas/kong"

	"samtykke/consent"
	"samtykke/server/store"
)

// cli is every command with its flags. Each flag has a twin in the environment: --base-url is SAMTYKKE_BASE_URL.
type cli struct {
	Serve    serveCmd    `cmd:"" help:"Serve banners, record consents, show the dashboard."`
	Site     siteCmd     `cmd:"" help:"Add and list sites."`
	User     userCmd     `cmd:"" help:"Add users, reset passwords."`
	Scan     scanCmd     `cmd:"" help:"Find what a site stores and sends in each state of consent."`
	Export   exportCmd   `cmd:"" help:"Write a site's consents as CSV or JSON lines."`
	Pack     packCmd     `cmd:"" help:"Write the inspection pack of a site: one ZIP with all evidence."`
	Verify   verifyCmd   `cmd:"" help:"Prove that an export or a data folder is genuine, offline."`
	Key      keyCmd      `cmd:"" help:"Show or change the key that signs."`
	Classify classifyCmd `cmd:"" help:"Sort cookies by what is known of them."`
	Prune    pruneCmd    `cmd:"" help:"Delete consents whose time is over; serve does it daily."`
	Backup   backupCmd   `cmd:"" help:"Copy the data to one file while the server runs."`
	Restore  restoreCmd  `cmd:"" help:"Put a backup into a new data folder and remove again what was erased since."`
	Migrate  migrateCmd  `cmd:"" help:"Bring the database's schema up to date."`
	Version  versionCmd  `cmd:"" help:"Print the version."`
}

// dataFlags say where the data are.
type dataFlags struct {
	Data     string `help:"Folder of the data." default:"data" type:"path" placeholder:"DIR"`
	Database string `help:"PostgreSQL instead of a file in the data folder." placeholder:"postgres://…"`
}

// create opens the data, and makes them where there are none yet.
func (d *dataFlags) create(ctx context.Context) (*store.DB, error) {
	if d.Database != "" {
		return store.Open(ctx, d.Database)
	}
	return store.Open(ctx, d.file())
}

// open opens data that are there: a mistyped folder is an error and not an empty one.
func (d *dataFlags) open(ctx context.Context) (*store.DB, error) {
	if d.Database == "" {
		if _, err := os.Stat(d.file()); err != nil {
			return nil, consent.NotFound("no_data", "There are no data in "+d.Data+". Name the folder with --data.")
		}
	}
	return d.create(ctx)
}

func (d *dataFlags) file() string { return filepath.Join(d.Data, "samtykke.db") }

// streams are what commands read and write, so that they can be tested as functions.
type streams struct {
	in       io.Reader
	out, err io.Writer
}

// Exit codes, documented in the README.
const (
	exitFailed   = 1
	exitUsage    = 2
	exitFindings = 3
)

// errFindings ends the scan command when findings reach --fail-on.
var errFindings = errors.New("findings at or above the limit")

func main() { os.Exit(run(os.Args[1:], streams{os.Stdin, os.Stdout, os.Stderr})) }

func run(args []string, std streams) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop) // a second Ctrl-C ends the program at once
	exit := -1
	parser, err := newParser(kong.Writers(std.out, std.err),
		kong.Exit(func(code int) { exit = code }), kong.BindTo(ctx, (*context.Context)(nil)), kong.Bind(std),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true}))
	if err != nil {
		panic(err) // the struct above is wrong
	}
	command, err := parser.Parse(args)
	if exit >= 0 {
		return exit // --help has been printed
	}
	if err != nil {
		fmt.Fprintf(std.err, "samtykke: %s\nRun samtykke --help for the commands and their flags.\n", plainly(err))
		return exitUsage
	}
	return exitCode(command.Run(), std.err)
}

// plainly says what the parser means in words for people.
func plainly(err error) string {
	flag, found := strings.CutSuffix(err.Error(), `: expected string value but got "EOL" (<EOL>)`)
	if found {
		return flag + " needs a value"
	}
	return strings.Replace(flag, `one of "",`, "one of ", 1) // nothing is the default, not a choice
}

// newParser reads command lines: every flag has its variable of the environment (docs/configuration.md).
func newParser(more ...kong.Option) (*kong.Kong, error) {
	return kong.New(&cli{}, append(more, kong.Name("samtykke"), kong.DefaultEnvars("SAMTYKKE"),
		kong.Description("Cookie consent that an owner runs alone: banner, proof, scanner, dashboard."))...)
}

func exitCode(err error, stderr io.Writer) int {
	var known *consent.Error
	switch {
	case err == nil:
		return 0
	case errors.Is(err, errFindings):
		return exitFindings
	case errors.As(err, &known):
		fmt.Fprintf(stderr, "samtykke: %s\n", known.Message)
		for field, message := range known.Fields {
			fmt.Fprintf(stderr, "  %s: %s\n", field, message)
		}
		if known.Kind == consent.KindInvalid {
			return exitUsage
		}
	default:
		fmt.Fprintf(stderr, "samtykke: %v\n", err)
	}
	return exitFailed
}

type versionCmd struct{}

// Run prints the module's version, or the commit that it was built from.
func (versionCmd) Run(std streams) error {
	_, err := fmt.Fprintln(std.out, "samtykke", version())
	return err
}

func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" {
			return s.Value
		}
	}
	return info.Main.Version
}

type migrateCmd struct{ dataFlags }

// Run opens the store, which migrates it.
func (m *migrateCmd) Run(ctx context.Context, std streams) error {
	db, err := m.create(ctx)
	if err != nil {
		return err
	}
	defer db.Close()
	_, err = fmt.Fprintln(std.out, "The schema is up to date.")
	return err
}

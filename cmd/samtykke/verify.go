package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"samtykke/consent"
	"samtykke/server"
	"samtykke/server/inspection"
	"samtykke/server/ledger"
	"samtykke/server/receipt"
)

type verifyCmd struct {
	File       string   `arg:"" help:"An export with proofs (.jsonl), a receipt (.jwt), an inspection pack (.zip), or a data folder." placeholder:"FILE|DIR"`
	Key        []string `help:"Public key that you trust, as samtykke key prints it, or a file that holds it; may be repeated." sep:"none" placeholder:"KEY"`
	Checkpoint []string `help:"A signed checkpoint of the same log that you kept, in a file: shows whether the log was forked or cut off since; may be repeated." type:"existingfile" sep:"none" placeholder:"FILE"`
}

// Run proves that a file or a data folder is genuine, or says where it isn't. It needs no server and no network.
func (c *verifyCmd) Run(ctx context.Context, std streams) error {
	o := ledger.Options{}
	for _, k := range c.Key {
		if b, err := os.ReadFile(k); err == nil {
			k = string(b)
		}
		o.Keys = append(o.Keys, strings.TrimSpace(k))
	}
	for _, name := range c.Checkpoint {
		b, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		o.Earlier = append(o.Earlier, string(b))
	}
	info, err := os.Stat(c.File)
	if err != nil {
		return err
	}
	if info.IsDir() {
		return c.folder(ctx, std, o)
	}
	f, err := os.Open(c.File)
	if err != nil {
		return err
	}
	defer f.Close()
	in := bufio.NewReaderSize(f, 1<<20)
	r := ledger.Result{}
	switch begin, _ := in.Peek(4); {
	case string(begin) == "PK\x03\x04":
		var p inspection.Result
		if p, err = inspection.Verify(f, info.Size(), o); err == nil {
			fmt.Fprintf(std.out, "%s: all %d files are as they were put in, and %d notices hash to their names.\n", c.File, p.Files, p.Notices)
		}
		r = p.Records
	case strings.HasPrefix(string(begin), "ey"):
		return c.receipt(std, f, o)
	default:
		r, err = ledger.VerifyExport(in, o)
	}
	if err != nil {
		return notGenuine(c.File, err)
	}
	if r.Key != "" {
		tell(std.out, c.File, r)
		if n := len(o.Earlier) - r.Earlier; n > 0 {
			fmt.Fprintf(std.out, "  %d of the checkpoints could not be compared: this file doesn't show the log as it was then.\n", n)
		}
	}
	if r.Key != "" && !r.Known {
		fmt.Fprintf(std.out, "  The key is the file's own: this proves only that the file agrees with itself. Compare the key with the one\n  that you were given, or name that with --key.\n")
	}
	return nil
}

// receipt verifies a single receipt. Unlike a log it doesn't say itself whose key signed it.
func (c *verifyCmd) receipt(std streams, f *os.File, o ledger.Options) error {
	if len(o.Keys) == 0 {
		return consent.Invalid("no_key", "Name the public key with --key: a receipt doesn't hold it.")
	}
	token, err := io.ReadAll(io.LimitReader(f, maxReceipt))
	if err != nil {
		return err
	}
	v, err := receipt.Verify(string(token), o.Keys)
	if err != nil && !errors.Is(err, receipt.ErrUnlogged) {
		return notGenuine(c.File, err)
	}
	fmt.Fprintf(std.out, "%s: genuine. The visitor %s chose %s on %s at site %s.\n", c.File, v.Record.Visitor, v.Record.Action, v.Record.At.Format(time.RFC3339), v.Record.Site)
	if err != nil {
		fmt.Fprintln(std.out, "  It has no checkpoint: the signature alone vouches for it, not the log.")
	}
	return nil
}

// maxReceipt bounds a receipt, in bytes.
const maxReceipt = 1 << 20

// folder verifies every site of a data folder, and the audit logs.
func (c *verifyCmd) folder(ctx context.Context, std streams, o ledger.Options) error {
	db, err := (&dataFlags{Data: c.File}).open(ctx)
	if err != nil {
		return err
	}
	defer db.Close()
	if len(o.Keys) == 0 {
		keys, err := db.Keys(ctx)
		if err != nil {
			return err
		}
		o.Keys = []string{keys[0].Public()}
	}
	sites, err := db.Sites(ctx)
	if err != nil {
		return err
	}
	met := 0
	for _, s := range sites {
		mine := ofLog(o.Earlier, ledger.Origin(s.ID))
		met += len(mine)
		r, err := server.VerifyStored(ctx, db, s.ID, o.Keys, mine...)
		if err != nil {
			return notGenuine("site "+s.ID, err)
		}
		if r.Checkpoint.Size == 0 && len(mine) > 0 {
			return notGenuine("site "+s.ID, errors.New("the log was cut off: it has no checkpoint any more"))
		}
		if r.Checkpoint.Size == 0 {
			fmt.Fprintf(std.out, "site %s: nothing has been recorded and signed yet.\n", s.ID)
			continue
		}
		tell(std.out, "site "+s.ID, r)
	}
	if met < len(o.Earlier) {
		return consent.Invalid("unknown_log", "There is no log here for a checkpoint of "+strings.Join(logsOf(o.Earlier), ", ")+".")
	}
	for _, s := range append(sites, consent.Site{}) { // the last is the installation itself
		r, err := server.VerifyAudit(ctx, db, s.ID, o.Keys)
		if err != nil {
			return notGenuine("installation "+c.File, err)
		}
		if r.Checkpoint.Size > 0 {
			tell(std.out, "audit log "+r.Checkpoint.Origin, r)
		}
	}
	return nil
}

// logsOf are the names of the logs that checkpoints are of, unchecked.
func logsOf(signed []string) (names []string) {
	for _, s := range signed {
		name, _, _ := strings.Cut(s, "\n")
		names = append(names, name)
	}
	return names
}

// ofLog are those of the checkpoints that say that they are of this log.
func ofLog(signed []string, origin string) (out []string) {
	for i, name := range logsOf(signed) {
		if name == origin {
			out = append(out, signed[i])
		}
	}
	return out
}

func tell(out io.Writer, name string, r ledger.Result) {
	fmt.Fprintf(out, "%s: genuine. %d records are complete and unchanged", name, r.Records)
	if r.Removed > 0 {
		fmt.Fprintf(out, "; %d more were erased, purged or locked, as the log says", r.Removed)
	}
	fmt.Fprintf(out, ".\n  Entries %d to %d of the log %s, which had %d on %s.\n", r.From, r.To-1, r.Checkpoint.Origin, r.Checkpoint.Size, r.Checkpoint.At.Format(time.RFC3339))
	if r.Earlier > 0 {
		fmt.Fprintf(out, "  It agrees with %d earlier checkpoints.\n", r.Earlier)
	}
	fmt.Fprintf(out, "  Signed with %s\n", r.Key)
}

// notGenuine is the answer of a check that failed.
func notGenuine(name string, err error) error {
	return &consent.Error{Kind: consent.KindInvalid, Code: "not_genuine", Message: fmt.Sprintf("%s is not genuine: %v.", name, err)}
}

type keyCmd struct {
	Show   keyShowCmd   `cmd:"" default:"withargs" help:"Print the public key that exports and receipts are verified with."`
	Rotate keyRotateCmd `cmd:"" help:"Make a new key, to which the present one hands over."`
}

type keyShowCmd struct{ dataFlags }

// Run prints the newest public key.
func (c *keyShowCmd) Run(ctx context.Context, std streams) error {
	db, err := c.open(ctx)
	if err != nil {
		return err
	}
	defer db.Close()
	keys, err := db.Keys(ctx)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(std.out, keys[len(keys)-1].Public())
	return err
}

type keyRotateCmd struct{ dataFlags }

// Run makes a new key and prints its public half.
func (c *keyRotateCmd) Run(ctx context.Context, std streams) error {
	db, err := c.open(ctx)
	if err != nil {
		return err
	}
	defer db.Close()
	k, err := db.RotateKey(ctx, time.Now(), deed("key_rotated", ""))
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(std.out, k.Public())
	return err
}

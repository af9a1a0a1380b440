package server

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"time"

	"samtykke/consent"
	"samtykke/server/declaration"
	"samtykke/server/ledger"
	"samtykke/server/store"
)

// ExportCSV writes the records of a filter, the newest first, with the columns of csvColumns. Memory stays
// constant however many there are.
func ExportCSV(ctx context.Context, db *store.DB, f store.Filter, out io.Writer) error {
	heads, err := db.NoticeHeads(ctx, f.Site)
	if err != nil {
		return err
	}
	return writeCSV(out, db.All(ctx, f), versionsOf(heads), func() {})
}

// ExportJSONL writes a site's records in the order of its log, one a line: the canonical encoding (docs/consent-record.md)
// and beside it the proof that it is in the log, unchanged, and that none is missing (docs/ledger.md). Without proofs it
// writes the canonical encoding alone. after continues behind an entry that was written before; -1 begins at the start.
func ExportJSONL(ctx context.Context, db *store.DB, f store.Filter, after int64, proofs bool, out io.Writer) error {
	if err := db.SignLogs(ctx, time.Now()); err != nil { // what was recorded a moment ago is in it too
		return err
	}
	return settled(ctx, db, f.Site, func(db *store.DB) error { return exportSigned(ctx, db, f, after, proofs, out) })
}

// maxUnsettled is how often a moment is waited for in which no removal is newer than the checkpoint.
const maxUnsettled = 20

// settled runs fn on the data of one moment, of which the newest checkpoint has every removal: an act that is erased while
// an export runs, or was within the last second, must not look like one that is missing.
func settled(ctx context.Context, db *store.DB, site string, fn func(*store.DB) error) error {
	for range maxUnsettled {
		behind := false
		err := db.Snapshot(ctx, func(db *store.DB) error {
			log, err := db.Log(ctx, site)
			if consent.KindOf(err) == consent.KindNotFound {
				return fn(db)
			}
			if err != nil {
				return err
			}
			for _, err := range db.Removals(ctx, site, log.Size, math.MaxInt64) {
				behind = true
				return err
			}
			return fn(db)
		})
		if err != nil || !behind {
			return err
		}
		if err := db.SignLogs(ctx, time.Now()); err != nil {
			return err
		}
	}
	return errBusy()
}

// VerifyStored proves that a site's stored records and its audit log are complete and unchanged since they were signed, as if
// they had been exported; also against the last checkpoint of every day before, and earlier ones that were kept elsewhere.
// The result is that of the records.
func VerifyStored(ctx context.Context, db *store.DB, site string, keys []string, earlier ...string) (r ledger.Result, err error) {
	if _, err := VerifyAudit(ctx, db, site, keys); err != nil {
		return ledger.Result{}, err
	}
	err = settled(ctx, db, site, func(db *store.DB) error {
		signed, err := db.Checkpoints(ctx, site)
		if err != nil {
			return err
		}
		if len(signed) == 0 {
			n, took, err := db.Recorded(ctx, site)
			if err == nil && took > lateToSign {
				err = fmt.Errorf("%d entries were recorded, but there is no checkpoint of them", n)
			}
			return err
		}
		o := ledger.Options{Keys: keys, Earlier: append(signed, earlier...)}
		if r, err = verifyRecords(ctx, db, site, o); !errors.Is(err, ledger.ErrEmpty) {
			return err
		}
		r, err = verifyRemovals(ctx, db, site, keys)
		return err
	})
	return r, err
}

// lateToSign is longer than any running server leaves entries without a checkpoint. One that is killed in its first second
// has none yet.
const lateToSign = 10 * time.Second

func verifyRecords(ctx context.Context, db *store.DB, site string, o ledger.Options) (ledger.Result, error) {
	r, w := io.Pipe()
	go func() { w.CloseWithError(exportSigned(ctx, db, store.Filter{Site: site}, -1, true, w)) }()
	defer r.Close()
	return ledger.VerifyExport(r, o)
}

// verifyRemovals proves of a site without records that each was removed, as its log says.
func verifyRemovals(ctx context.Context, db *store.DB, site string, keys []string) (ledger.Result, error) {
	log, err := db.Log(ctx, site)
	if err != nil {
		return ledger.Result{}, err
	}
	head, err := exportHead(ctx, db, log, 0, log.Size)
	if err != nil {
		return ledger.Result{}, err
	}
	var removals []ledger.Later
	for e, err := range db.Removals(ctx, site, 0, log.Size) {
		if err != nil {
			return ledger.Result{}, err
		}
		removals = append(removals, ledger.Later{Seq: e.Seq, Removal: string(e.Removal)})
	}
	return ledger.VerifyRemovals(head, log.Tiles, removals, keys)
}

func exportSigned(ctx context.Context, db *store.DB, f store.Filter, after int64, proofs bool, out io.Writer) error {
	log, err := db.Log(ctx, f.Site)
	if consent.KindOf(err) == consent.KindNotFound {
		return nil // nothing has ever been recorded
	}
	if err != nil {
		return err
	}
	from, to, err := db.Range(ctx, f.Site, f.From, f.To, log.Size)
	if from = max(from, after+1); err != nil || from >= to {
		return err
	}
	if !proofs {
		return exportPlain(ctx, db, f.Site, from, to, out)
	}
	head, err := exportHead(ctx, db, log, from, to)
	if err != nil {
		return err
	}
	e, err := ledger.NewExport(out, log.Tiles, head, log.Size)
	if err != nil {
		return err
	}
	var text []byte
	for entry, err := range db.Entries(ctx, f.Site, from, to) {
		switch {
		case err != nil:
			return err
		case entry.Removal != nil:
			err = e.Removal(entry.Seq, entry.Removal)
		default:
			text = entry.Record.AppendCanonical(text[:0])
			err = e.Record(entry.Seq, entry.Salt, text)
		}
		if err != nil {
			return err
		}
	}
	var later []ledger.Later
	for entry, err := range db.Removals(ctx, f.Site, to, log.Size) {
		if err != nil {
			return err
		}
		later = append(later, ledger.Later{Seq: entry.Seq, Removal: string(entry.Removal)})
	}
	return e.Close(log.Size, later)
}

func exportPlain(ctx context.Context, db *store.DB, site string, from, to int64, out io.Writer) error {
	w := bufio.NewWriter(out)
	var line []byte
	for entry, err := range db.Entries(ctx, site, from, to) {
		if err != nil {
			return err
		}
		if entry.Removal != nil {
			continue
		}
		line = append(entry.Record.AppendCanonical(line[:0]), '\n')
		if _, err := w.Write(line); err != nil {
			return err
		}
	}
	return w.Flush()
}

// ReadDeclaration reads the JSON that /d/{site}/{lang}.json answers back into what the site declares.
func ReadDeclaration(b []byte) ([]consent.Item, error) {
	var d declaration.Declaration
	if err := json.Unmarshal(b, &d); err != nil || d.Categories == nil {
		return nil, consent.Invalid("bad_declaration", "This is not the JSON of a cookie declaration, as /d/{site}/{language}.json answers it.")
	}
	var items []consent.Item
	for _, c := range d.Categories {
		for _, i := range c.Items {
			item := consent.Item{
				Kind: i.Kind, Name: i.Name, Host: i.Host, Party: i.Party, Category: c.Category, Provider: i.Provider, Country: i.Country,
				Lifetime: consent.Persistent, Purpose: inLanguage(i.PurposeLanguage, i.Purpose), Reason: inLanguage(i.ReasonLanguage, i.Reason),
			}
			if i.LifetimeSeconds != nil {
				item.Lifetime = time.Duration(*i.LifetimeSeconds) * time.Second
			}
			if err := item.Validate(); err != nil {
				return nil, err
			}
			items = append(items, item)
		}
	}
	return items, nil
}

func inLanguage(language, text string) map[string]string {
	if text == "" {
		return nil
	}
	return map[string]string{language: text}
}

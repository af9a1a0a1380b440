package server

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/google/uuid"

	"samtykke/consent"
	"samtykke/scanner"
	"samtykke/server/declaration"
	"samtykke/server/inspection"
	"samtykke/server/ledger/verifier"
	"samtykke/server/receipt"
	"samtykke/server/store"
)

// Inspection says what an inspection pack is to hold.
type Inspection struct {
	Site     string
	From, To time.Time // To is exclusive
	By       string    // who makes it
	Visitor  uuid.UUID // only this one's records; uuid.Nil: all
	PDF      bool      // print the index too, where there is a browser
}

// maxPackScans is how many scans a pack holds, the newest.
const maxPackScans = 100

// WritePack writes the inspection pack of a site and a period (H9). base is the server's public address.
func WritePack(ctx context.Context, db *store.DB, base string, now time.Time, q Inspection, out io.Writer) error {
	site, err := db.Site(ctx, q.Site)
	if err != nil {
		return err
	}
	if !q.From.Before(q.To) {
		return consent.Invalid("bad_period", "The period's first day is not before its end.")
	}
	if err := db.KeepScans(ctx, q.Site, q.From, q.To, maxPackScans); err != nil {
		return err
	}
	p := &inspection.Pack{Site: site, From: q.From, To: q.To, Made: now.UTC(), By: q.By, Verifier: verifier.Page()}
	keys, err := db.Keys(ctx)
	if err != nil {
		return err
	}
	p.Key = keys[len(keys)-1].Public()
	if err := db.SignLogs(ctx, now); err != nil {
		return err
	}
	if p.Checkpoints, err = db.Checkpoints(ctx, q.Site); err != nil {
		return err
	}
	if err := packNotices(ctx, db, q, p); err != nil {
		return err
	}
	if err := packEvidence(ctx, db, q, p); err != nil {
		return err
	}
	filter := store.Filter{Site: q.Site, From: q.From, To: q.To}
	if q.Visitor == uuid.Nil {
		// Not for one visitor: it names the people who work here.
		p.Audit = func(w io.Writer) error { return ExportAudit(ctx, db, q.Site, q.From, q.To, w) }
		p.Records = func(w io.Writer) error { return ExportJSONL(ctx, db, filter, -1, true, w) }
	} else {
		p.Visitor, filter.Visitor = q.Visitor.String(), q.Visitor
		if p.Receipts, err = packReceipts(ctx, db, base, now, &site, q); err != nil {
			return err
		}
	}
	p.Purges = func(w io.Writer) error { return purgeReports(ctx, db, q, w) }
	if p.Papers, err = packPapers(ctx, db, now, &site); err != nil {
		return err
	}
	p.Table = func(w io.Writer) error { return ExportCSV(ctx, db, filter, w) }
	if q.PDF {
		if _, err := scanner.Print(ctx, scanner.Options{}, []byte("<p>.")); err == nil {
			p.PDF = func(html []byte) ([]byte, error) { return scanner.Print(ctx, scanner.Options{}, html) }
		}
	}
	return inspection.Write(out, p)
}

// packNotices adds the notices that were in force in the period, each with its declarations and pictures.
func packNotices(ctx context.Context, db *store.DB, q Inspection, p *inspection.Pack) error {
	all, err := db.Notices(ctx, q.Site) // the newest first
	if err != nil {
		return err
	}
	for i := len(all) - 1; i >= 0; i-- {
		ended := i > 0 && !all[i-1].ValidFrom.After(q.From)
		if ended || !all[i].ValidFrom.Before(q.To) {
			continue
		}
		full, err := db.Notice(ctx, all[i].Hash)
		if err != nil {
			return err
		}
		n := inspection.Notice{Notice: full}
		if n.Content, err = db.NoticeContent(ctx, full.Hash); err != nil {
			return err
		}
		if n.Declarations, err = packDeclarations(all, i); err != nil {
			return err
		}
		if n.Pictures, err = packPictures(ctx, db, full.Hash); err != nil {
			return err
		}
		p.Notices, p.Items = append(p.Notices, n), full.Content.Items
	}
	return nil
}

func packDeclarations(all []consent.Notice, i int) ([]inspection.File, error) {
	const style = "page.css"
	files := []inspection.File{{Name: style, Title: map[string]string{"da": style, "en": style}, Body: declarationStyle.raw}}
	for _, lang := range declaration.Offered(&all[i].Content.Banner) {
		d, err := declaration.Of(all, i, lang, all[i].Content.LastScan)
		if err != nil {
			return nil, err
		}
		var page bytes.Buffer
		if err := d.WritePage(&page, style); err != nil {
			return nil, err
		}
		files = append(files, inspection.File{
			Name: lang + ".html", Body: page.Bytes(),
			Title: map[string]string{"da": "Cookiedeklaration (" + lang + ")", "en": "Cookie declaration (" + lang + ")"},
		})
	}
	return files, nil
}

func packPictures(ctx context.Context, db *store.DB, h consent.Hash) (files []inspection.File, err error) {
	pictures, err := db.Pictures(ctx, h)
	if err != nil {
		return nil, err
	}
	devices := map[string]string{"desktop": "computer", "mobile": "mobil"}
	for _, pic := range pictures {
		png, err := db.Picture(ctx, h, pic.PictureKey)
		if err != nil {
			return nil, err
		}
		files = append(files, inspection.File{
			Name: fmt.Sprintf("%s-%s-%d.png", pic.Language, pic.Device, pic.Layer), Body: png,
			Title: map[string]string{
				"da": fmt.Sprintf("%s, %s, %d. lag", pic.Language, devices[pic.Device], pic.Layer),
				"en": fmt.Sprintf("%s, %s, layer %d", pic.Language, pic.Device, pic.Layer),
			},
		})
	}
	return files, nil
}

// packEvidence adds scans and counts.
func packEvidence(ctx context.Context, db *store.DB, q Inspection, p *inspection.Pack) error {
	scans, err := db.Scans(ctx, q.Site, q.From, q.To, maxPackScans)
	if err != nil {
		return err
	}
	for _, s := range scans {
		p.Scans = append(p.Scans, inspection.Scan{At: s.At, Report: s.Report})
	}
	days, err := db.DailyByNotice(ctx, q.Site, q.From, q.To)
	if err != nil {
		return err
	}
	heads, err := db.NoticeHeads(ctx, q.Site)
	if err != nil {
		return err
	}
	versions := map[consent.Hash]int{}
	for _, h := range heads {
		versions[h.Hash] = h.Version
	}
	for _, d := range days {
		p.Days = append(p.Days, inspection.Day{Day: d.Day, Version: versions[d.Notice], Counts: d.Counts})
	}
	return nil
}

// packReceipts are one visitor's acts, each as a signed receipt.
func packReceipts(ctx context.Context, db *store.DB, base string, now time.Time, site *consent.Site, q Inspection) (files []inspection.File, err error) {
	acts, err := db.Visitor(ctx, q.Site, q.Visitor)
	if err != nil {
		return nil, err
	}
	keys, err := db.Keys(ctx)
	if err != nil {
		return nil, err
	}
	key := keys[len(keys)-1].Key
	for i := range acts {
		e, err := locate(ctx, db, now, q.Site, q.Visitor, acts[i].ID)
		if err != nil {
			return nil, err
		}
		n, err := db.Notice(ctx, acts[i].Notice)
		if err != nil {
			return nil, err
		}
		token, err := receipt.Sign(receipt.Source{
			Record: e.Record, Notice: n, Issuer: base, Seq: e.Seq, Salt: e.Salt, Checkpoint: e.Checkpoint, Proof: e.Proof,
			KeptUntil: site.Retention.Until(&e.Record),
		}, key, now)
		if err != nil {
			return nil, err
		}
		at := acts[i].At.Format("2006-01-02 15:04:05 UTC")
		files = append(files, inspection.File{
			Name: acts[i].ID.String() + ".jwt", Body: []byte(token),
			Title: map[string]string{"da": "Kvittering, " + at, "en": "Receipt, " + at},
		})
	}
	return files, nil
}

// maxReports is how many purge reports a pack looks at: more than a year of daily ones.
const maxReports = 1000

// purgeReports writes one purge a line: when, by what, how many.
func purgeReports(ctx context.Context, db *store.DB, q Inspection, w io.Writer) error {
	reports, err := db.Purges(ctx, q.Site, maxReports)
	if err != nil {
		return err
	}
	e := json.NewEncoder(w)
	for _, r := range slices.Backward(reports) {
		if r.Dry || r.At.Before(q.From) || !r.At.Before(q.To) {
			continue
		}
		if err := e.Encode(map[string]any{"at": r.At, "origin": r.Origin, "consents": r.Consents, "refusals": r.Refusals}); err != nil {
			return err
		}
	}
	return nil
}

// packPapers are the processor's papers, where it is known who runs the installation.
func packPapers(ctx context.Context, db *store.DB, now time.Time, site *consent.Site) (files []inspection.File, err error) {
	papers, err := papersOf(ctx, db, now, site)
	if err != nil {
		return nil, err
	}
	for _, p := range papers {
		title := p.Title + " (" + p.Language + ")"
		files = append(files, inspection.File{
			Name: p.Name + "." + p.Language + ".html", Body: []byte(p.HTML), Title: map[string]string{"da": title, "en": title},
		})
	}
	return files, nil
}

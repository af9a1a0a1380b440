// Package inspection writes the inspection pack of a site and a period: one ZIP that opens offline, with all that a
// supervisor, a court or a lawyer asks for, and the means to verify it without trusting whoever made it (H9).
package inspection

import (
	"archive/zip"
	"bytes"
	"crypto/sha256"
	"encoding/csv"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"path"
	"strconv"
	"strings"
	"time"

	"samtykke/consent"
)

// Languages are those of the index.
var Languages = []string{"da", "en"}

// Pack is what goes in. Functions stream what may be large.
type Pack struct {
	Site     consent.Site
	From, To time.Time // of the period; To is exclusive
	Made     time.Time
	By       string // who made it

	Notices []Notice       // in force in the period, the oldest first
	Items   []consent.Item // declared by the newest
	Scans   []Scan
	Days    []Day
	Visitor string // where the pack is about one visitor only

	Records  func(io.Writer) error // JSON lines with proofs (docs/ledger.md)
	Table    func(io.Writer) error // the same as CSV
	Audit    func(io.Writer) error // what people did, JSON lines
	Purges   func(io.Writer) error // what was deleted because its time was over, JSON lines
	Receipts []File                // of the one visitor

	Papers      []File // agreement, records of processing, measures
	Checkpoints []string
	Key         string
	Verifier    []byte // the page that verifies

	// PDF prints an HTML document; nil where no browser is there. Then the pack has no PDF and says so.
	PDF func(html []byte) ([]byte, error)
}

// Notice is a notice with its pictures.
type Notice struct {
	consent.Notice
	Content      []byte // as it was hashed
	Declarations []File // the declaration as it was, one a language
	Pictures     []File
}

// Scan is a finished scan.
type Scan struct {
	At     time.Time
	Report []byte // JSON
}

// Day is how often what was chosen on a day (UTC), under one notice.
type Day struct {
	Day     time.Time
	Version int
	Counts  map[consent.Action]int64
}

// File is a finished file.
type File struct {
	Name  string // without a folder
	Title map[string]string
	Body  []byte
}

// hashesName is the file that names all others with their SHA-256, as sha256sum writes and checks it.
const hashesName = "SHA256SUMS"

// The names of the other files that verification needs.
const (
	recordsName = "records/records.jsonl"
	keyName     = "log/key.txt"
)

// writer adds files to the ZIP and remembers their hashes.
type writer struct {
	zip    *zip.Writer
	at     time.Time
	hashes bytes.Buffer
	names  []string
}

func (w *writer) stream(name string, write func(io.Writer) error) error {
	if write == nil {
		return nil
	}
	f, err := w.zip.CreateHeader(&zip.FileHeader{Name: name, Method: zip.Deflate, Modified: w.at})
	if err != nil {
		return err
	}
	h := sha256.New()
	if err := write(io.MultiWriter(f, h)); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	fmt.Fprintf(&w.hashes, "%s  %s\n", hex.EncodeToString(h.Sum(nil)), name)
	w.names = append(w.names, name)
	return nil
}

func (w *writer) file(name string, body []byte) error {
	return w.stream(name, func(out io.Writer) error {
		_, err := out.Write(body)
		return err
	})
}

func (w *writer) json(name string, v any) error {
	b, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return err
	}
	return w.file(name, append(b, '\n'))
}

// Write writes the pack. It needs little memory, however many records there are.
func Write(out io.Writer, p *Pack) error {
	w := &writer{zip: zip.NewWriter(out), at: p.Made}
	steps := []func() error{
		func() error { return w.stream(recordsName, p.Records) },
		func() error { return w.stream("records/records.csv", p.Table) },
		func() error { return w.files("records/receipts", p.Receipts) },
		func() error { return w.notices(p.Notices) },
		func() error {
			return w.stream("technologies.csv", func(o io.Writer) error { return technologies(o, p.Items) })
		},
		func() error { return w.stream("counts.csv", func(o io.Writer) error { return counts(o, p.Days) }) },
		func() error { return w.scans(p.Scans) },
		func() error { return w.stream("retention/purges.jsonl", p.Purges) },
		func() error { return w.stream("access/audit.jsonl", p.Audit) },
		func() error { return w.files("papers", p.Papers) },
		func() error { return w.file("log/checkpoints.txt", []byte(strings.Join(p.Checkpoints, "\n"))) },
		func() error { return w.file(keyName, []byte(p.Key+"\n")) },
		func() error { return w.file("verifier.html", p.Verifier) },
		func() error { return w.indexes(p) },
	}
	for _, step := range steps {
		if err := step(); err != nil {
			return err
		}
	}
	f, err := w.zip.CreateHeader(&zip.FileHeader{Name: hashesName, Method: zip.Deflate, Modified: p.Made})
	if err != nil {
		return err
	}
	if _, err := f.Write(w.hashes.Bytes()); err != nil {
		return err
	}
	return w.zip.Close()
}

func (w *writer) files(folder string, files []File) error {
	for _, f := range files {
		if err := w.file(path.Join(folder, f.Name), f.Body); err != nil {
			return err
		}
	}
	return nil
}

// noticeFolder is where a notice's files are.
func noticeFolder(version int) string { return fmt.Sprintf("notices/%d", version) }

func (w *writer) notices(notices []Notice) error {
	for i := range notices {
		n := &notices[i]
		folder := noticeFolder(n.Version)
		if err := w.json(folder+"/notice.json", map[string]any{
			"hash": n.Hash, "version": n.Version, "valid_from": n.ValidFrom, "author": n.Author, "reason": n.Reason,
		}); err != nil {
			return err
		}
		if err := w.file(folder+"/content.json", n.Content); err != nil {
			return err
		}
		if err := w.file(folder+"/script.js", n.Bundle.JS); err != nil {
			return err
		}
		for name, body := range sorted(n.Bundle.Files) {
			if err := w.file(folder+"/files/"+name, body); err != nil {
				return err
			}
		}
		if err := w.files(folder+"/declaration", n.Declarations); err != nil {
			return err
		}
		if err := w.files(folder+"/pictures", n.Pictures); err != nil {
			return err
		}
	}
	return nil
}

func (w *writer) scans(scans []Scan) error {
	for _, s := range scans {
		if err := w.file("scans/"+s.At.UTC().Format("20060102T150405Z")+".json", s.Report); err != nil {
			return err
		}
	}
	return nil
}

// technologies lists what the site stores and reads, with the reason for each necessary one.
func technologies(out io.Writer, items []consent.Item) error {
	w := csv.NewWriter(out)
	_ = w.Write([]string{"category", "kind", "name", "host", "party", "provider", "country", "lifetime_seconds", "purpose_da", "purpose_en", "reason_da", "reason_en"})
	for _, i := range items {
		lifetime := strconv.FormatInt(int64(i.Lifetime/time.Second), 10)
		if i.Lifetime == consent.Persistent {
			lifetime = "until removed"
		}
		_ = w.Write(safe(string(i.Category), string(i.Kind), i.Name, i.Host, i.Party, i.Provider, i.Country, lifetime,
			i.Purpose["da"], i.Purpose["en"], i.Reason["da"], i.Reason["en"]))
	}
	w.Flush()
	return w.Error()
}

func counts(out io.Writer, days []Day) error {
	w := csv.NewWriter(out)
	head := []string{"day", "notice_version"}
	for _, a := range consent.Actions {
		head = append(head, string(a))
	}
	_ = w.Write(head)
	for _, d := range days {
		row := []string{d.Day.Format(time.DateOnly), strconv.Itoa(d.Version)}
		for _, a := range consent.Actions {
			row = append(row, strconv.FormatInt(d.Counts[a], 10))
		}
		_ = w.Write(row)
	}
	w.Flush()
	return w.Error()
}

// safe keeps a spreadsheet from reading a value as a formula.
func safe(values ...string) []string {
	for i, v := range values {
		if v != "" && strings.ContainsRune("=+-@\t\r", rune(v[0])) {
			values[i] = "'" + v
		}
	}
	return values
}

package main

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"

	"samtykke/consent"
	"samtykke/scanner/cookiedb"
)

type classifyCmd struct {
	File string `arg:"" help:"CSV file with the columns name, domain, party and expires_days; - for standard input."`
}

// added are the columns that classify appends.
var added = []string{"category", "confidence", "vendor", "source"}

// Run copies the rows and appends what is known of each.
func (c *classifyCmd) Run(std streams) error {
	in := std.in
	if c.File != "-" {
		f, err := os.Open(c.File)
		if err != nil {
			return err
		}
		defer f.Close()
		in = f
	}
	return classify(in, std.out)
}

func classify(in io.Reader, out io.Writer) error {
	r, w := csv.NewReader(in), csv.NewWriter(out)
	head, err := r.Read()
	if err != nil {
		return consent.Invalid("bad_csv", "The file has no first row with column names.")
	}
	column := map[string]int{}
	for _, name := range []string{"name", "domain", "party", "expires_days"} {
		if column[name] = slices.Index(head, name); column[name] < 0 {
			return consent.Invalid("bad_csv", fmt.Sprintf("The column %s is missing.", name))
		}
	}
	if err := w.Write(append(head, added...)); err != nil {
		return err
	}
	for {
		row, err := r.Read()
		if errors.Is(err, io.EOF) {
			w.Flush()
			return w.Error()
		}
		if err != nil {
			return consent.Invalid("bad_csv", err.Error())
		}
		days, err := strconv.ParseFloat(row[column["expires_days"]], 64)
		if err != nil {
			days = -1 // not known
		}
		m := cookiedb.Classify(row[column["name"]], row[column["domain"]], row[column["party"]], days)
		if err := w.Write(append(row, string(m.Category), strconv.FormatFloat(m.Confidence, 'f', 2, 64), m.Vendor, m.Source)); err != nil {
			return err
		}
	}
}

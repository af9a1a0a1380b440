package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"time"

	"golang.org/x/term"

	"samtykke/consent"
	"samtykke/scanner"
	"samtykke/server"
)

type scanCmd struct {
	URL          string            `arg:"" help:"Start page of the site."`
	Pages        int               `help:"How many pages to visit in each state." default:"5"`
	JSON         string            `help:"Write the whole report as JSON to a file, - for standard output." placeholder:"FILE"`
	FailOn       string            `help:"End with code 3 where a finding is this bad or worse: critical, high, medium, low, info." enum:",critical,high,medium,low,info" default:"" placeholder:"SEVERITY"`
	MapHost      map[string]string `help:"Reach a host name at an address; may be repeated." placeholder:"HOST=ADDR"`
	AllowPrivate bool              `help:"Allow sites on this machine and on private networks."`
	Browser      string            `help:"Path of the Chromium to use; default: the one on the PATH." placeholder:"FILE"`
	Declaration  string            `help:"The site's cookie declaration as JSON, to compare with: a file, or an address such as https://HOST/d/SITE/en.json." placeholder:"FILE|URL"`
}

// Run scans, writes what was asked for and says by the exit code whether it was too bad.
func (c *scanCmd) Run(ctx context.Context, std streams) error {
	declared, err := readDeclaration(ctx, c.Declaration)
	if err != nil {
		return err
	}
	report, err := scanner.Scan(ctx, c.URL, scanner.Options{
		Pages: c.Pages, MapHosts: c.MapHost, AllowPrivate: c.AllowPrivate, Browser: c.Browser, Declaration: declared, Progress: progress(std.err),
	})
	var refused *consent.Error
	if errors.As(err, &refused) && refused.Code == "private_address" {
		return fmt.Errorf("%s The flag is --allow-private", refused.Message)
	}
	if err != nil {
		return err
	}
	if err := c.write(report, std.out); err != nil {
		return err
	}
	for _, f := range report.Findings {
		if f.Severity.AtLeast(consent.Severity(c.FailOn)) {
			return errFindings
		}
	}
	return nil
}

func (c *scanCmd) write(report scanner.Report, out io.Writer) error {
	if c.JSON != "-" {
		report.WriteText(out)
	}
	if c.JSON == "" {
		return nil
	}
	b, err := json.MarshalIndent(report, "", "  ")
	if err != nil {
		return err
	}
	b = append(b, '\n')
	if c.JSON == "-" {
		_, err = out.Write(b)
		return err
	}
	return os.WriteFile(c.JSON, b, 0o644)
}

// progress writes lines to a terminal and stays silent in a pipe.
func progress(w io.Writer) func(string) {
	f, ok := w.(*os.File)
	if !ok || !term.IsTerminal(int(f.Fd())) {
		return nil
	}
	return func(line string) { fmt.Fprintln(w, line) }
}

// maxDeclaration is the most bytes of a declaration that are read.
const maxDeclaration = 4 << 20

// readDeclaration reads what a site says of itself: the JSON that /d/{site}/{lang}.json answers.
func readDeclaration(ctx context.Context, from string) ([]consent.Item, error) {
	if from == "" {
		return nil, nil
	}
	r, err := openDeclaration(ctx, from)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	b, err := io.ReadAll(io.LimitReader(r, maxDeclaration))
	if err != nil {
		return nil, err
	}
	return server.ReadDeclaration(b)
}

func openDeclaration(ctx context.Context, from string) (io.ReadCloser, error) {
	if !strings.HasPrefix(from, "http://") && !strings.HasPrefix(from, "https://") {
		return os.Open(from)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, from, nil)
	if err != nil {
		return nil, err
	}
	client := http.Client{Timeout: 30 * time.Second}
	res, err := client.Do(req)
	if err != nil {
		return nil, err
	}
	if res.StatusCode != http.StatusOK {
		res.Body.Close()
		return nil, fmt.Errorf("%s answered %s", from, res.Status)
	}
	return res.Body, nil
}

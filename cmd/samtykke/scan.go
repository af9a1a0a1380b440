package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"golang.org/x/term"

	"samtykke/consent"
	"samtykke/scanner"
	"samtykke/scanner/judgement"
	"samtykke/scanner/report"
	"samtykke/server"
)

type scanCmd struct {
	URL         string `arg:"" help:"Start page of the site."`
	Language    string `help:"Language of the output: da or en; default: that of LANG." enum:",da,en" default:"" placeholder:"LANG"`
	Declaration string `help:"The site's cookie declaration as JSON, to compare with: a file, or an address such as https://HOST/d/SITE/en.json." placeholder:"FILE|URL"`

	Pages    int           `help:"How many pages to visit in each state." default:"5" group:"What is visited:"`
	Depth    int           `help:"How many links away from the start page to go; 0 for no limit." default:"0" group:"What is visited:"`
	Device   string        `help:"desktop or mobile alone; default: everything on desktop, and what a phone sees before the answer." enum:",desktop,mobile" default:"" placeholder:"SCREEN" group:"What is visited:"`
	Tabs     int           `help:"How many pages are open at once, 1 to 4." default:"4" group:"What is visited:"`
	Rate     time.Duration `help:"Time between the loads of two pages, such as 2s; default: as the site's robots.txt asks." group:"What is visited:"`
	Wait     time.Duration `help:"How long the start page is watched before anybody touches it." default:"5s" group:"What is visited:"`
	Quiet    time.Duration `help:"A page is done when its network has rested for so long." default:"250ms" group:"What is visited:"`
	Timeout  time.Duration `help:"A page gets no longer than this." default:"20s" group:"What is visited:"`
	Resume   string        `help:"Keep the progress in a file, and go on from there when the scan was interrupted." placeholder:"FILE" group:"What is visited:"`
	Lifetime int           `help:"How many months a cookie may last before that is a finding." name:"lifetime-months" default:"13" group:"What is visited:"`

	JSON  string `help:"Write the whole report as JSON." placeholder:"FILE" group:"What is written; - stands for standard output:"`
	HTML  string `help:"Write a report to read and print." placeholder:"FILE" group:"What is written; - stands for standard output:"`
	SARIF string `help:"Write the findings as SARIF 2.1.0, for code scanning." placeholder:"FILE" group:"What is written; - stands for standard output:"`
	JUnit string `help:"Write each rule as a JUnit test, for pipelines." name:"junit" placeholder:"FILE" group:"What is written; - stands for standard output:"`
	HAR   string `help:"Write what went over the network as an HTTP archive, without values." placeholder:"FILE" group:"What is written; - stands for standard output:"`

	FailOn   string `help:"End with code 3 where a finding is this bad or worse: critical, high, medium, low, info." enum:",critical,high,medium,low,info" default:"" placeholder:"SEVERITY" group:"What fails:"`
	Baseline string `help:"JSON of an older report: tell what changed, and let only new or worse findings fail." placeholder:"FILE" group:"What fails:"`
	Accept   string `help:"JSON list of findings that are accepted: [{\"key\", \"reason\", \"until\"}]. They are listed and don't fail." placeholder:"FILE" group:"What fails:"`

	Browser      string            `help:"Path of the Chromium to use; default: the one on the PATH." placeholder:"FILE" group:"Browser and network:"`
	BrowserUser  string            `help:"User that runs Chromium where root scans; default: root." name:"browser-user" placeholder:"NAME" group:"Browser and network:"`
	MapHost      map[string]string `help:"Reach a host name at an address; may be repeated." placeholder:"HOST=ADDR" group:"Browser and network:"`
	AllowPrivate bool              `help:"Allow sites on this machine and on private networks." group:"Browser and network:"`
}

// Validate says what is wrong with numbers before anything begins.
func (c *scanCmd) Validate() error {
	switch {
	case c.Pages < 1 || c.Pages > 10_000:
		return errors.New("--pages is a number from 1 to 10000")
	case c.Depth < 0:
		return errors.New("--depth is 0 for no limit, or a number of links")
	case c.Timeout < time.Second || c.Wait < 0 || c.Quiet < 0 || c.Rate < 0:
		return errors.New("--timeout is a second at least; --wait, --quiet and --rate can't be below zero")
	}
	return nil
}

// Run scans, writes what was asked for and says by the exit code whether it was too bad. What can be wrong with the
// flags is said before the scan, which takes minutes.
func (c *scanCmd) Run(ctx context.Context, std streams) error {
	declared, err := readDeclaration(ctx, c.Declaration)
	if err != nil {
		return fmt.Errorf("--declaration: %w", err)
	}
	old, accepted, err := c.decided()
	if err != nil {
		return err
	}
	if err := c.writable(); err != nil {
		return err
	}
	board := newBoard(std.err, c.language())
	report, err := scanner.Scan(ctx, c.URL, c.options(declared, board.tell()))
	board.clear()
	var refused *consent.Error
	if errors.As(err, &refused) && refused.Code == "private_address" {
		return fmt.Errorf("%s The flag is --allow-private", refused.Message)
	}
	switch {
	case ctx.Err() != nil && c.Resume != "":
		return errors.New("the scan was stopped; the same command goes on where it was")
	case ctx.Err() != nil:
		return errors.New("the scan was stopped; with --resume FILE a scan can go on later")
	case err != nil:
		return err
	}
	for _, a := range report.Accept(accepted) {
		fmt.Fprintf(std.err, "samtykke: accepted in vain, since it ran out or wasn't found: %s\n", a.Key)
	}
	if old != nil {
		if err := report.Compare(*old); err != nil {
			return err
		}
	}
	if err := c.write(&report, std.out); err != nil {
		return err
	}
	if report.Fails(consent.Severity(c.FailOn)) {
		return errFindings
	}
	return nil
}

func (c *scanCmd) options(declared []consent.Item, tell func(scanner.Progress)) scanner.Options {
	return scanner.Options{
		Pages: c.Pages, Depth: c.Depth, Device: c.Device, Tabs: c.Tabs, Rate: c.Rate, Wait: c.Wait, Quiet: c.Quiet, PageTimeout: c.Timeout,
		Resume: c.Resume, LifetimeLimit: judgement.Months(c.Lifetime), HAR: c.HAR != "", Browser: c.Browser, RunAs: c.BrowserUser,
		MapHosts: c.MapHost, AllowPrivate: c.AllowPrivate, Declaration: declared, Progress: tell,
	}
}

// decided reads what the findings are weighed with.
func (c *scanCmd) decided() (old *judgement.Report, accepted []judgement.Acceptance, err error) {
	if c.Baseline != "" {
		f, err := os.Open(c.Baseline)
		if err != nil {
			return nil, nil, err
		}
		defer f.Close()
		r, err := report.Read(f)
		if err != nil {
			return nil, nil, err
		}
		old = &r
	}
	if c.Accept != "" {
		f, err := os.Open(c.Accept)
		if err != nil {
			return nil, nil, err
		}
		defer f.Close()
		if accepted, err = judgement.ReadAccepted(f); err != nil {
			return nil, nil, err
		}
	}
	return old, accepted, nil
}

// language is the one asked for, else that of the environment, which is Danish or English to us.
func (c *scanCmd) language() string {
	env := cmp.Or(os.Getenv("LC_ALL"), os.Getenv("LC_MESSAGES"), os.Getenv("LANG"))
	if c.Language == "" && strings.HasPrefix(env, "da") {
		return "da"
	}
	return cmp.Or(c.Language, "en")
}

// outFile is a file that was asked for, and what writes it.
type outFile struct {
	file  string
	write func(w io.Writer) error
}

func (c *scanCmd) outputs(r *judgement.Report) []outFile {
	all := []outFile{
		{c.JSON, func(w io.Writer) error {
			enc := json.NewEncoder(w)
			enc.SetIndent("", "  ")
			return enc.Encode(r)
		}},
		{c.HTML, func(w io.Writer) error { return report.HTML(w, r, c.language()) }},
		{c.SARIF, func(w io.Writer) error { return report.SARIF(w, r, c.language()) }},
		{c.JUnit, func(w io.Writer) error { return report.JUnit(w, r, c.language()) }},
		{c.HAR, func(w io.Writer) error { return report.HAR(w, r) }},
	}
	return slices.DeleteFunc(all, func(o outFile) bool { return o.file == "" })
}

// writable says what is wrong with the files that are to be written.
func (c *scanCmd) writable() error {
	seen := map[string]bool{}
	for _, o := range c.outputs(nil) {
		if seen[o.file] {
			return consent.Invalid("same_file", fmt.Sprintf("Two outputs can't both go to %s.", o.file))
		}
		seen[o.file] = true
		if info, err := os.Stat(filepath.Dir(o.file)); o.file != "-" && (err != nil || !info.IsDir()) {
			return consent.Invalid("no_folder", fmt.Sprintf("There is no folder for %s.", o.file))
		}
	}
	return nil
}

// write writes all outputs, and the summary where none of them takes standard output.
func (c *scanCmd) write(r *judgement.Report, out io.Writer) error {
	all := c.outputs(r)
	if !slices.ContainsFunc(all, func(o outFile) bool { return o.file == "-" }) {
		width := columns(out)
		report.Text(out, r, report.TextOptions{Language: c.language(), Width: width, Colour: width > 0 && os.Getenv("NO_COLOR") == ""})
	}
	for _, o := range all {
		if err := o.to(out); err != nil {
			return err
		}
	}
	return nil
}

func (o *outFile) to(out io.Writer) error {
	if o.file == "-" {
		return o.write(out)
	}
	f, err := os.Create(o.file)
	if err != nil {
		return err
	}
	return errors.Join(o.write(f), f.Close())
}

// columns is how wide a terminal is; 0: it is none.
func columns(w io.Writer) int {
	f, ok := w.(*os.File)
	if !ok || !term.IsTerminal(int(f.Fd())) {
		return 0
	}
	width, _, err := term.GetSize(int(f.Fd()))
	if err != nil || width < 20 {
		return 80
	}
	return width
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

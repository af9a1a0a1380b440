// Command knowledge makes the tables and the model in scanner/cookiedb from packages that others publish:
//
//	go run ./scanner/cookiedb/knowledge            reads node_modules, writes tables/ and model.bin
//	go run ./scanner/cookiedb/knowledge -measure   also cross-validates the model, vendor by vendor
//
// The same packages give the same bytes. Only facts are taken: names, hosts, categories, lifetimes and companies.
package main

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"samtykke/scanner/cookiedb"
)

func main() {
	modules := flag.String("modules", "node_modules", "where the packages are")
	out := flag.String("out", "scanner/cookiedb", "where the tables and the model go")
	measure := flag.Bool("measure", false, "print what cross-validation says of the model")
	flag.Parse()
	if err := run(*modules, *out, *measure); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(modules, out string, measure bool) error {
	t := cookiedb.Embedded()
	for _, table := range tables {
		text, err := table.make(modules)
		if err != nil {
			if table.optional && errors.Is(err, fs.ErrNotExist) {
				fmt.Printf("%s kept: %v\n", table.file, err)
				continue
			}
			return err
		}
		*table.of(&t) = text
		if err := os.WriteFile(filepath.Join(out, "tables", table.file), []byte(text), 0o644); err != nil {
			return err
		}
		fmt.Printf("%-26s %4d rows %6d bytes\n", table.file, bytes.Count([]byte(text), []byte("\n"))-1, len(text))
	}
	vendors, err := cookiedb.Vendors()
	if err != nil {
		return err
	}
	examples := cookiedb.Examples(t, vendors)
	if measure {
		fmt.Print(cookiedb.CrossValidate(t, examples))
	}
	model := cookiedb.Train(t, examples)
	fmt.Printf("%-26s %4d examples %6d bytes\n", "model.bin", len(examples), len(model))
	return os.WriteFile(filepath.Join(out, "model.bin"), model, 0o644)
}

// table is one file of facts and where it comes from.
type table struct {
	file     string
	make     func(modules string) (string, error)
	of       func(*cookiedb.Tables) *string
	optional bool // its package is too heavy to be installed by everyone
}

var tables = []table{
	{"open-cookie-database.tsv", openCookieDatabase, func(t *cookiedb.Tables) *string { return &t.OCD }, false},
	{"third-party-web.tsv", thirdPartyWeb, func(t *cookiedb.Tables) *string { return &t.Hosts }, false},
	{"prebid.tsv", prebid, func(t *cookiedb.Tables) *string { return &t.TCF }, true},
}

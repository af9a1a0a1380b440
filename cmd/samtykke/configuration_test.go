package main

import (
	"cmp"
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/alecthomas/kong"
)

// docs/configuration.md holds the table that the flags make; SAMTYKKE_UPDATE=1 writes it anew.
func TestConfiguration_IsDocumented(t *testing.T) {
	const file, begin, end = "../../docs/configuration.md", "<!-- flags -->\n", "<!-- end -->\n"
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	head, rest, _ := strings.Cut(string(text), begin)
	have, tail, ok := strings.Cut(rest, end)
	if !ok {
		t.Fatalf("%s has no place for the table", file)
	}
	want := flagTable(t)
	if have == want {
		return
	}
	if os.Getenv("SAMTYKKE_UPDATE") == "" {
		t.Errorf("the table in %s is old: run this test with SAMTYKKE_UPDATE=1", file)
	} else if err := os.WriteFile(file, []byte(head+begin+want+end+tail), 0o644); err != nil {
		t.Error(err)
	}
}

// flagTable writes a table a command, those of serve first, since they configure what runs all the time.
func flagTable(t *testing.T) string {
	parser, err := newParser()
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	leaves := parser.Model.Leaves(true)
	for _, first := range []bool{true, false} {
		for _, leaf := range leaves {
			if name := leaf.Path(); (name == "serve") == first && !leaf.Hidden {
				commandTable(&b, leaf, strings.TrimPrefix(leaf.FullPath(), "samtykke "))
			}
		}
	}
	return b.String()
}

// What the documents tell people to set is there to be set.
func TestDocs_NameOnlyFlagsThatAreThere(t *testing.T) {
	parser, err := newParser()
	if err != nil {
		t.Fatal(err)
	}
	known := map[string]bool{"SAMTYKKE_TOKEN": true} // the reader's own, in an example
	for _, leaf := range parser.Model.Leaves(true) {
		for _, f := range leaf.Flags {
			for _, env := range f.Envs {
				known[env] = true
			}
			known["--"+f.Name], known["--no-"+f.Name] = true, true
		}
	}
	variable, flag := regexp.MustCompile(`SAMTYKKE_[A-Z_]+`), regexp.MustCompile(`samtykke serve[^\n]*|`+"`--[a-z-]+")
	for _, file := range []string{"../../docs/operations.md", "../../docs/configuration.md", "../../docs/api.md"} {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		names := variable.FindAllString(string(text), -1)
		for _, line := range flag.FindAllString(string(text), -1) {
			names = append(names, regexp.MustCompile(`--[a-z-]*[a-z]`).FindAllString(line, -1)...)
		}
		if len(names) == 0 && !strings.HasSuffix(file, "api.md") {
			t.Errorf("%s names nothing", file)
		}
		for _, name := range names {
			if !known[name] && name != "--no" {
				t.Errorf("%s names %s, which isn't there", file, name)
			}
		}
	}
}

func commandTable(b *strings.Builder, n *kong.Node, name string) {
	fmt.Fprintf(b, "### samtykke %s\n\n%s\n\n", name, n.Help)
	rows := 0
	for _, f := range n.Flags {
		if f.Hidden || f.Name == "help" {
			continue
		}
		if rows++; rows == 1 {
			b.WriteString("| flag | variable | default | meaning |\n|---|---|---|---|\n")
		}
		env := "–"
		if len(f.Envs) > 0 {
			env = "`" + strings.Join(f.Envs, "`, `") + "`"
		}
		fmt.Fprintf(b, "| `--%s` | %s | %s | %s |\n", f.Name, env, cmp.Or(quoted(f.Default), "–"), strings.ReplaceAll(f.Help, "|", "\\|"))
	}
	if rows > 0 {
		b.WriteString("\n")
	}
}

func quoted(s string) string {
	if s == "" {
		return ""
	}
	return "`" + s + "`"
}

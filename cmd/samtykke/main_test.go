package main

import (
	"bufio"
	"bytes"
	"context"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// TestMain lets the test's own binary be the program, so that tests start real processes that are built as they are.
func TestMain(m *testing.M) {
	if os.Getenv("SAMTYKKE_AS_PROGRAM") == "1" {
		main()
		return
	}
	testscript.Main(m, map[string]func(){"samtykke": main})
}

// TestScripts runs the command line as a person would: testdata/*.txtar.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{Dir: "testdata", RequireExplicitExec: true})
}

// process is a running samtykke.
type process struct {
	cmd *exec.Cmd

	mu  sync.Mutex
	out bytes.Buffer
}

func program(args ...string) *exec.Cmd {
	cmd := exec.Command(os.Args[0], args...)
	cmd.Env = append(os.Environ(), "SAMTYKKE_AS_PROGRAM=1", "SAMTYKKE_SCREENSHOTS=false") // no browsers beside the tests' own
	return cmd
}

// serve starts a server and waits until it has greeted.
func serve(t testing.TB, args ...string) *process {
	t.Helper()
	p := &process{cmd: program(append([]string{"serve"}, args...)...)}
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	p.cmd.Stderr = p
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.stop(syscall.SIGKILL) })
	ready := make(chan struct{})
	go func() {
		defer close(ready)
		lines := bufio.NewScanner(out)
		for lines.Scan() {
			_, _ = p.Write(append(lines.Bytes(), '\n'))
			if strings.Contains(lines.Text(), "Ctrl-C") {
				return
			}
		}
	}()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	select {
	case <-ready:
	case <-ctx.Done():
	}
	if !strings.Contains(p.output(), "Ctrl-C") {
		t.Fatalf("the server did not start:\n%s", p.output())
	}
	return p
}

// Write collects what the process prints.
func (p *process) Write(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.out.Write(b)
}

func (p *process) output() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.out.String()
}

// after returns the word that follows a mark in what was printed.
func (p *process) after(mark string) string {
	_, rest, _ := strings.Cut(p.output(), mark)
	word, _, _ := strings.Cut(strings.TrimSpace(rest), "\n")
	word, _, _ = strings.Cut(word, " ")
	return word
}

// stop ends the process and returns how it ended.
func (p *process) stop(sig os.Signal) error {
	_ = p.cmd.Process.Signal(sig)
	return p.cmd.Wait()
}

package scanner

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"samtykke/consent"
)

// The browser of a scan that root runs has another user, in all of its processes, and none of the environment.
func TestScan_RunsTheBrowserWithoutPrivileges(t *testing.T) {
	os.Setenv("SAMTYKKE_SECRET", "hemmeligt") //nolint:errcheck // t.Setenv forbids parallel tests
	var once sync.Once
	var users, secrets []string
	_, err := site{"shop.localhost/": `<p>Hej`}.try(t, func(o *Options) {
		o.RunAs, o.Pages = "nobody", 1
		tell := o.Progress
		o.Progress = func(p Progress) {
			tell(p)
			if p.URL != "" {
				once.Do(func() { users, secrets = browsersOf("nobody") })
			}
		}
	})
	if os.Geteuid() != 0 {
		var e *consent.Error
		if !errors.As(err, &e) || e.Code != "browser_failed" {
			t.Errorf("somebody who isn't root ran it as another user: %v", err)
		}
		return
	}
	if err != nil {
		t.Fatal(err)
	}
	if len(users) < 3 {
		t.Errorf("only %d processes of the browser were found", len(users))
	}
	for _, u := range users {
		if u == "0" {
			t.Error("a process of the browser is root's")
		}
	}
	if len(secrets) > 0 {
		t.Errorf("the browser knows the environment: %s", secrets)
	}
}

// browsersOf gives the user of every process whose command line names a profile that this user owns, and those that know the secret.
func browsersOf(name string) (users, secrets []string) {
	dirs, _ := filepath.Glob("/proc/[0-9]*")
	for _, dir := range dirs {
		line, _ := os.ReadFile(dir + "/cmdline")
		env, _ := os.ReadFile(dir + "/environ")
		status, _ := os.ReadFile(dir + "/status")
		if !bytes.Contains(line, []byte("samtykke-scan-")) || !bytes.Contains(env, []byte("USER="+name)) {
			continue
		}
		for field := range strings.Lines(string(status)) {
			if uid, ok := strings.CutPrefix(field, "Uid:"); ok {
				users = append(users, strings.Fields(uid)[1]) // the effective one
			}
		}
		if bytes.Contains(env, []byte("SAMTYKKE_SECRET")) {
			secrets = append(secrets, fmt.Sprintf("%.80q", line))
		}
	}
	return users, secrets
}

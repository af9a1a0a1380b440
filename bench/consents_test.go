// Package bench measures the whole program from outside: real processes, a real load generator (wrk), a real disk.
// Only ratios of one run count, since machines differ and share their time.
package bench

import (
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/labstack/echo/v4"

	"samtykke/consent"
	"samtykke/server/store/storetest"
)

// TestMain lets the test's own binary be the server that everything is compared with.
func TestMain(m *testing.M) {
	if addr := os.Getenv("BENCH_PARSE_ONLY"); addr != "" {
		parseOnly(addr)
		return
	}
	os.Exit(m.Run())
}

// parseOnly is an echo handler that reads the same body into the same type and answers: what HTTP and JSON alone cost.
func parseOnly(addr string) {
	e := echo.New()
	e.HideBanner, e.HidePort = true, true
	e.GET("/healthz", func(c echo.Context) error { return c.String(http.StatusOK, "ok\n") })
	e.POST("/*", func(c echo.Context) error {
		var act consent.Act
		if err := json.NewDecoder(c.Request().Body).Decode(&act); err != nil {
			return err
		}
		return c.JSON(http.StatusCreated, map[string]any{"id": act.ID})
	})
	fmt.Fprintln(os.Stderr, e.Start(addr))
}

// BenchmarkDurableConsents posts acts for a second a turn, in turns with the parse-only handler, and reports the
// median rates, their ratio and the 99th percentile: go test -run '^$' -bench Durable -benchtime 5x ./bench
func BenchmarkDurableConsents(b *testing.B) {
	if _, err := exec.LookPath("wrk"); err != nil {
		b.Skip("needs wrk, the load generator (apt-get install wrk)")
	}
	bin := filepath.Join(b.TempDir(), "samtykke")
	if out, err := exec.Command("go", "build", "-o", bin, "samtykke/cmd/samtykke").CombinedOutput(); err != nil {
		b.Fatalf("%v\n%s", err, out)
	}
	plain := freeAddress(b)
	self := exec.Command(os.Args[0])
	self.Env = append(os.Environ(), "BENCH_PARSE_ONLY="+plain)
	start(b, self, plain)
	newDatabase := storetest.Postgres(b, "fsync=on")
	for _, engine := range []string{"sqlite", "postgres"} {
		for _, connections := range []int{64, 256} {
			b.Run(fmt.Sprintf("%s/%d", engine, connections), func(b *testing.B) {
				args := []string{"--data", b.TempDir()}
				if engine == "postgres" {
					args = append(args, "--database", newDatabase())
				}
				compare(b, plain, product(b, bin, args), connections)
			})
		}
	}
}

// target is where acts are posted to, and under which notice.
type target struct{ addr, site, notice string }

func product(b *testing.B, bin string, data []string) target {
	addr := freeAddress(b)
	out, err := exec.Command(bin, append([]string{"site", "add", "--name", "Bench", "--domain", "www.example.com", "--json"}, data...)...).Output()
	if err != nil {
		b.Fatal(err)
	}
	var site struct{ ID string }
	if err := json.Unmarshal(out, &site); err != nil {
		b.Fatal(err)
	}
	cmd := exec.Command(bin, append([]string{"serve", "--listen", addr, "--rate", "0", "--no-screenshots"}, data...)...)
	start(b, cmd, addr)
	res, err := http.Get("http://" + addr + "/s/" + site.ID + ".js")
	if err != nil {
		b.Fatal(err)
	}
	res.Body.Close()
	return target{addr, site.ID, res.Header.Get("Samtykke-Notice")}
}

func compare(b *testing.B, plain string, t target, connections int) {
	var ours, theirs, p99 []float64
	for b.Loop() {
		base, _ := load(b, target{plain, t.site, t.notice}, connections)
		rate, tail := load(b, t, connections)
		ours, theirs, p99 = append(ours, rate), append(theirs, base), append(p99, tail)
	}
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(median(ours), "acts/s")
	b.ReportMetric(median(theirs), "parse-only/s")
	b.ReportMetric(100*median(ours)/median(theirs), "%ofparse")
	b.ReportMetric(median(p99), "p99-ms")
}

var result = regexp.MustCompile(`requests=(\d+) us=(\d+) p99us=(\d+) bad=(\d+)`)

// load runs wrk for two seconds and returns acts a second and the 99th percentile in milliseconds.
func load(b *testing.B, t target, connections int) (rate, p99 float64) {
	cmd := exec.Command("wrk", "-t2", fmt.Sprintf("-c%d", connections), "-d2s", "--timeout", "10s", "-s", "post.lua", "http://"+t.addr+"/v1/sites/"+t.site+"/consents")
	cmd.Env = append(os.Environ(), "NOTICE="+t.notice)
	out, err := cmd.CombinedOutput()
	if err != nil {
		b.Fatalf("%v\n%s", err, out)
	}
	m := result.FindStringSubmatch(string(out))
	if m == nil || m[4] != "0" {
		b.Fatalf("refused or failed requests:\n%s", out)
	}
	n := func(i int) float64 { v, _ := strconv.ParseFloat(m[i], 64); return v }
	return n(1) / (n(2) / 1e6), n(3) / 1000
}

func median(v []float64) float64 {
	slices.Sort(v)
	return v[len(v)/2]
}

// start runs a server until the benchmark ends and waits until it answers.
func start(b *testing.B, cmd *exec.Cmd, addr string) {
	b.Helper()
	var log strings.Builder
	cmd.Stdout, cmd.Stderr = &log, &log
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		_ = cmd.Wait()
	})
	deadline := time.Now().Add(20 * time.Second)
	for {
		res, err := http.Get("http://" + addr + "/healthz")
		if err == nil {
			res.Body.Close()
			return
		}
		if time.Now().After(deadline) {
			b.Fatalf("the server does not answer: %v\n%s", err, log.String())
		}
		time.Sleep(20 * time.Millisecond)
	}
}

func freeAddress(b *testing.B) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/google/uuid"

	"samtykke/consent"
	"samtykke/server/ledger"
	"samtykke/server/store"
	"samtykke/server/store/storetest"
)

// A real process is killed with SIGKILL in the middle of its work, ten times or as often as SAMTYKKE_KILLS says, on each
// engine: no act that was answered with 201 is lost, and none is there twice. After each time the log verifies and has just
// the acts that are stored.
func TestServe_KilledLosesNothingThatWasAnswered(t *testing.T) {
	t.Run("sqlite", func(t *testing.T) {
		dir := t.TempDir()
		killRounds(t, filepath.Join(dir, "samtykke.db"), "--data", dir)
	})
	newDatabase := storetest.Postgres(t)
	t.Run("postgres", func(t *testing.T) {
		url := newDatabase()
		killRounds(t, url, "--database", url)
	})
	t.Run("two servers", func(t *testing.T) { killOneOfTwo(t, newDatabase()) })
}

func killRounds(t *testing.T, target string, data ...string) {
	site := addSite(t, data...)
	answered := map[uuid.UUID]bool{}
	rounds := kills()
	for range rounds {
		p := serveData(t, data...)
		maps.Copy(answered, postUntilKilled(t, site, p))
		ledgerHolds(t, answered, site, target)
	}
	if len(answered) < rounds*killAfter {
		t.Errorf("only %d acts were answered: too few to prove anything", len(answered))
	}
}

func kills() int {
	if n, err := strconv.Atoi(os.Getenv("SAMTYKKE_KILLS")); err == nil {
		return n
	}
	return 10
}

// killOneOfTwo lets two servers work on one database and kills one of them: the other goes on, and the log has what both
// have answered.
func killOneOfTwo(t *testing.T, target string) {
	data := []string{"--database", target}
	site := addSite(t, data...)
	answered := map[uuid.UUID]bool{}
	stays := serveData(t, data...)
	rounds := kills()
	for range rounds {
		maps.Copy(answered, postUntilKilled(t, site, serveData(t, data...), stays))
		ledgerHolds(t, answered, site, target) // while the other still runs
	}
	if len(answered) < rounds*killAfter {
		t.Errorf("only %d acts were answered: too few to prove anything", len(answered))
	}
}

// The check itself finds a server that answers before it has committed: this one, of the test's own, keeps the newest group
// to itself, as if it had been killed before the commit.
func TestServe_AnsweringBeforeTheCommitIsFound(t *testing.T) {
	dir := t.TempDir()
	site := addSite(t, "--data", dir)
	target := filepath.Join(dir, "samtykke.db")
	db, err := store.Open(t.Context(), target)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	n, err := db.CurrentNotice(t.Context(), site)
	if err != nil {
		t.Fatal(err)
	}
	var mu sync.Mutex
	var waiting []consent.Record
	hasty := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var act consent.Act
		if err := json.NewDecoder(r.Body).Decode(&act); err != nil {
			t.Error(err)
		}
		w.WriteHeader(http.StatusCreated)
		mu.Lock()
		defer mu.Unlock()
		at := storetest.Day
		if waiting = append(waiting, consent.Record{Act: act, Site: site, At: at, ValidUntil: at.Add(n.Content.Banner.Validity())}); len(waiting) == 16 {
			if _, err := db.Append(context.Background(), waiting); err != nil {
				t.Error(err)
			}
			waiting = nil
		}
	}))
	defer hasty.Close()
	answered := map[uuid.UUID]bool{}
	for range killAfter { // 50 are no whole number of groups
		id, err := postOne(hasty.URL+"/", site, n.Hash)
		if err != nil {
			t.Fatal(err)
		}
		answered[id] = true
	}
	lost, err := missing(answered, site, target)
	if err != nil || len(lost) != killAfter%16 {
		t.Errorf("%d acts of %d are missed, %v", len(lost), killAfter, err)
	}
}

func addSite(t *testing.T, data ...string) string {
	t.Helper()
	var site struct{ ID string }
	out, err := program(append([]string{"site", "add", "--name", "Fjord", "--domain", "fjord.example", "--json"}, data...)...).Output()
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(out, &site); err != nil {
		t.Fatal(err)
	}
	return site.ID
}

func serveData(t *testing.T, data ...string) *process {
	t.Helper()
	return serve(t, append([]string{"--listen", "127.0.0.1:0", "--rate", "0"}, data...)...)
}

// ledgerHolds checks that everything that was answered is stored, once, and is in the log, which verifies: as it is, with what
// was signed before the kill, and as an export, which is signed anew and has everything.
func ledgerHolds(t *testing.T, answered map[uuid.UUID]bool, site, target string) {
	t.Helper()
	lost, err := missing(answered, site, target)
	if err != nil {
		t.Fatal(err)
	}
	for _, id := range lost {
		t.Errorf("act %v was answered with 201 and isn't in the log", id)
	}
}

// missing lists what was answered and isn't in the log. An error says that the log is wrong in itself.
func missing(answered map[uuid.UUID]bool, site, target string) (lost []uuid.UUID, err error) {
	folder, data := filepath.Dir(target), []string{"--data", filepath.Dir(target)}
	if strings.HasPrefix(target, "postgres") {
		folder, data = "", []string{"--database", target}
	}
	key, err := output(append([]string{"key", "show"}, data...)...)
	if err != nil {
		return nil, err
	}
	if folder != "" {
		if _, err := output("verify", folder, "--key", key); err != nil {
			return nil, err
		}
	}
	export, err := output(append([]string{"export", "--format", "jsonl", "--site", site}, data...)...)
	if err != nil {
		return nil, err
	}
	r, err := ledger.VerifyExport(strings.NewReader(export+"\n"), ledger.Options{Keys: []string{key}})
	if err != nil {
		return nil, err
	}
	logged := map[uuid.UUID]int{}
	for line := range strings.Lines(export) {
		var record struct{ ID uuid.UUID }
		if err := json.Unmarshal([]byte(line), &record); err != nil {
			return nil, err
		}
		if logged[record.ID]++; logged[record.ID] > 1 {
			return nil, fmt.Errorf("act %v is in the log twice", record.ID)
		}
	}
	if stored, err := count(site, target); err != nil || stored != len(logged) || r.Records != int64(stored) || r.Checkpoint.Size != int64(stored) {
		return nil, fmt.Errorf("%d acts are stored, %d in a log of %d: %w", stored, len(logged), r.Checkpoint.Size, err)
	}
	for id := range answered {
		if logged[id] == 0 {
			lost = append(lost, id)
		}
	}
	return lost, nil
}

// count counts the acts that are stored, without the log.
func count(site, target string) (n int, err error) {
	db, err := store.Open(context.Background(), target)
	if err != nil {
		return 0, err
	}
	defer db.Close()
	for _, err := range db.All(context.Background(), store.Filter{Site: site}) {
		if err != nil {
			return 0, err
		}
		n++
	}
	return n, nil
}

// output runs the program and returns what it printed, without the last line's end.
func output(args ...string) (string, error) {
	cmd := program(args...)
	var out, why bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &why
	if err := cmd.Run(); err != nil {
		return "", fmt.Errorf("samtykke %s: %w: %s", args[0], err, why.String())
	}
	return strings.TrimSuffix(out.String(), "\n"), nil
}

// killAfter is how many answers a round waits for before the kill.
const killAfter = 50

// postUntilKilled posts from several connections, kills the process in the midst of it and returns what had been
// answered, also by servers beside it, which get posts as well and stay.
func postUntilKilled(t *testing.T, site string, p *process, beside ...*process) map[uuid.UUID]bool {
	base := p.after("Dashboard")
	bases := []string{base}
	for _, b := range beside {
		bases = append(bases, b.after("Dashboard"))
	}
	res, err := http.Get(base + "s/" + site + ".js")
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	notice, err := consent.ParseHash(res.Header.Get("Samtykke-Notice"))
	if err != nil {
		t.Fatal(err)
	}
	var (
		wg       sync.WaitGroup
		mu       sync.Mutex
		answered = map[uuid.UUID]bool{}
	)
	killed := make(chan struct{})
	for w := range 8 {
		wg.Go(func() {
			for {
				id, err := postOne(bases[w%len(bases)], site, notice)
				if err != nil {
					return // killed
				}
				mu.Lock()
				answered[id] = true
				n := len(answered)
				mu.Unlock()
				if n == killAfter {
					_ = p.cmd.Process.Signal(syscall.SIGKILL)
					close(killed)
				}
				select {
				case <-killed:
					if w%len(bases) > 0 {
						return // its server goes on
					}
				default:
				}
			}
		})
	}
	wg.Wait()
	_ = p.cmd.Wait()
	return answered
}

func postOne(base, site string, notice consent.Hash) (uuid.UUID, error) {
	b := consent.DefaultBanner()
	act := consent.Act{
		ID: uuid.Must(uuid.NewV7()), Visitor: uuid.New(), Notice: notice, Action: consent.AcceptAll, Categories: consent.AllOf(b.Asked()),
		Language: "da", Method: consent.ByBanner,
	}
	body, err := json.Marshal(act)
	if err != nil {
		return act.ID, err
	}
	req, err := http.NewRequest("POST", base+"v1/sites/"+site+"/consents", bytes.NewReader(body))
	if err != nil {
		return act.ID, err
	}
	req.Header.Set("Origin", "https://fjord.example")
	req.Header.Set("Content-Type", "text/plain")
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return act.ID, err
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusCreated {
		return act.ID, fmt.Errorf("answered %s", res.Status)
	}
	return act.ID, nil
}

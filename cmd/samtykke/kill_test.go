package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"path/filepath"
	"sync"
	"syscall"
	"testing"

	"github.com/google/uuid"

	"samtykke/consent"
	"samtykke/server/store"
	"samtykke/server/store/storetest"
)

// A real process is killed with SIGKILL in the middle of its work, ten times, on each engine: no act that was
// answered with 201 is lost, and none is there twice.
func TestServe_KilledLosesNothingThatWasAnswered(t *testing.T) {
	t.Run("sqlite", func(t *testing.T) {
		dir := t.TempDir()
		killRounds(t, filepath.Join(dir, "samtykke.db"), "--data", dir)
	})
	t.Run("postgres", func(t *testing.T) {
		url := storetest.Postgres(t)()
		killRounds(t, url, "--database", url)
	})
}

func killRounds(t *testing.T, target string, data ...string) {
	var site struct{ ID string }
	out, err := program(append([]string{"site", "add", "--name", "Fjord", "--domain", "fjord.example", "--json"}, data...)...).Output()
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(out, &site); err != nil {
		t.Fatal(err)
	}
	answered := map[uuid.UUID]bool{}
	for range 10 {
		p := serve(t, append([]string{"--listen", "127.0.0.1:0", "--rate", "0"}, data...)...)
		base := p.after("Dashboard")
		for id := range postUntilKilled(t, p, base, site.ID) {
			answered[id] = true
		}
	}
	db, err := store.Open(context.Background(), target)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	stored := map[uuid.UUID]int{}
	for r, err := range db.All(context.Background(), store.Filter{Site: site.ID}) {
		if err != nil {
			t.Fatal(err)
		}
		stored[r.ID]++
	}
	for id := range answered {
		if stored[id] != 1 {
			t.Errorf("act %v was answered with 201 and is stored %d times", id, stored[id])
		}
	}
	t.Logf("%d answered, %d stored", len(answered), len(stored))
	if len(answered) < 10*killAfter {
		t.Errorf("only %d acts were answered: too few to prove anything", len(answered))
	}
}

// killAfter is how many answers a round waits for before the kill.
const killAfter = 50

// postUntilKilled posts from several connections, kills the process in the midst of it and returns what had been
// answered.
func postUntilKilled(t *testing.T, p *process, base, site string) map[uuid.UUID]bool {
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
	for range 8 {
		wg.Go(func() {
			for {
				id, err := postOne(base, site, notice)
				if err != nil {
					return // killed
				}
				mu.Lock()
				answered[id] = true
				n := len(answered)
				mu.Unlock()
				if n == killAfter {
					_ = p.cmd.Process.Signal(syscall.SIGKILL)
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

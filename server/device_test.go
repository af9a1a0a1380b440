package server_test

import (
	"bytes"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"samtykke/server/store"
	"samtykke/server/store/storetest"
)

// What browsers say of themselves, as of 2026, and what they are counted as.
var agents = []struct {
	name, agent, mobile string
	want                store.Device
}{
	{"Chrome on Android", "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/143.0.0.0 Mobile Safari/537.36", "?1", store.Phone},
	{"Chrome on an Android tablet", "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/143.0.0.0 Safari/537.36", "?0", store.Tablet},
	{"Firefox on an Android tablet", "Mozilla/5.0 (Android 15; Tablet; rv:145.0) Gecko/145.0 Firefox/145.0", "", store.Tablet},
	{"Firefox on Android", "Mozilla/5.0 (Android 15; Mobile; rv:145.0) Gecko/145.0 Firefox/145.0", "", store.Phone},
	{"Safari on an iPhone", "Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/26.0 Mobile/15E148 Safari/604.1", "", store.Phone},
	{"Safari on an iPad", "Mozilla/5.0 (iPad; CPU OS 18_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/26.0 Mobile/15E148 Safari/604.1", "", store.Tablet},
	{"Edge on Windows", "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/143.0.0.0 Safari/537.36 Edg/143.0.0.0", "?0", store.Computer},
	{"Firefox on Linux", "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0", "", store.Computer},
	{"Safari on a Mac", "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/26.0 Safari/605.1.15", "", store.Computer},
	{"a program", "curl/8.5.0", "", store.UnknownDevice},
	{"nothing", "", "", store.UnknownDevice},
	{"a lie", strings.Repeat("Mobil Androi ", 500), "maybe", store.UnknownDevice},
}

// E 2: acts are counted by kind of device.
func TestDevice_IsCountedWithTheAct(t *testing.T) {
	s := newShop(t)
	want := map[string]int64{}
	for _, a := range agents {
		s.from(t, a.agent, a.mobile)
		want[a.want.String()]++
	}
	got := map[string]int64{}
	sums, err := s.db.Devices(t.Context(), s.site.ID, storetest.Day, storetest.Day.AddDate(0, 0, 1))
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range sums {
		got[d.Device.String()] = d.RejectAll
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("counted (-want +got):\n%s", d)
	}
}

// from sends an act with what a browser says of itself.
func (s *shop) from(t *testing.T, agent, mobile string) {
	t.Helper()
	headers := []string{"Origin", origin, "Content-Type", "application/json", "User-Agent", agent}
	if mobile != "" {
		headers = append(headers, "Sec-CH-UA-Mobile", mobile)
	}
	if w := s.do(http.MethodPost, "/v1/sites/"+s.site.ID+"/consents", mustJSON(s.act()), headers...); w.Code != http.StatusCreated {
		t.Errorf("%.40q: %d %s", agent, w.Code, w.Body)
	}
}

// Of the headers nothing is stored: not in the database, not in what is beside it, not in a record.
func TestDevice_LeavesNothingOfTheHeaders(t *testing.T) {
	s := newShop(t)
	s.from(t, "Mozilla/5.0 (iPhone; Halvfjerdsindstyve) Mobile/Kurveflet", "?1")
	s.from(t, "Halvfjerdsindstyve", "Kurveflet")
	if n := len(s.records(t)); n != 2 {
		t.Fatalf("%d records", n)
	}
	var files int
	err := filepath.WalkDir(s.dir, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		files++
		raw, err := os.ReadFile(path)
		for _, word := range []string{"Halvfjerdsindstyve", "Kurveflet", "iPhone"} {
			if bytes.Contains(raw, []byte(word)) {
				t.Errorf("%s holds %q", filepath.Base(path), word)
			}
		}
		return err
	})
	if err != nil || files == 0 {
		t.Fatal(files, err)
	}
}

package bench

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"fmt"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"testing"
	"time"

	_ "modernc.org/sqlite" // the driver by which the counts are written

	"samtykke/consent"
	"samtykke/server"
	"samtykke/server/store"
	"samtykke/server/store/storetest"
)

const (
	overviewSites = 200
	overviewDays  = 400
	overviewRows  = 20 // counts a site and day: actions, categories, languages
)

// BenchmarkOverview measures the overviews of 200 sites with more than a year of counts each, which stand for 16 million records,
// at the server: every figure is the 95th percentile of 100. Counts are written directly.
// go test -run '^$' -bench Overview -benchtime 1x -timeout 30m ./bench
func BenchmarkOverview(b *testing.B) {
	ctx, file := context.Background(), filepath.Join(b.TempDir(), "samtykke.db")
	db, err := store.Open(ctx, file)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { db.Close() })
	for k := range overviewSites {
		storetest.Site(b, db, fmt.Sprintf("hjemmeside%03d", k))
	}
	fillCounts(b, file)
	u := consent.User{
		Email: "ea@fjord.example", Language: "da", CreatedAt: storetest.Day,
		Members: []consent.Member{{Org: consent.Organisation{ID: consent.FirstOrganisation}, Role: consent.Owner}},
	}
	if u, err = db.AddUser(ctx, u, server.HashPassword("alle mine kurve")); err != nil {
		b.Fatal(err)
	}
	token := sha256.Sum256([]byte("ea"))
	if err := db.AddSession(ctx, store.Session{User: u.ID, Token: token[:], At: storetest.Day, Expires: storetest.Day.Add(time.Hour)}); err != nil {
		b.Fatal(err)
	}
	start := time.Now()
	if err := db.RollUp(ctx, storetest.Day); err != nil {
		b.Fatal(err)
	}
	b.Logf("summed up in %s", time.Since(start).Round(time.Millisecond))
	s, err := server.New(ctx, db, server.Config{BaseURL: "http://cmp.example", Now: func() time.Time { return storetest.Day }})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(s.Close)
	for _, path := range []string{"/", "/?days=365", "/sites/hjemmeside007", "/sites/hjemmeside007?days=365", "/sites/hjemmeside007/start", "/sites/hjemmeside007/consents"} {
		b.Run(path, func(b *testing.B) {
			var took []float64
			size := 0
			for range b.N {
				for range 100 {
					r := httptest.NewRequest(http.MethodGet, path, nil)
					r.Header.Set("Accept", "text/html")
					r.Header.Set("Accept-Encoding", "gzip")
					r.AddCookie(&http.Cookie{Name: "samtykke_session", Value: "ea"})
					w := httptest.NewRecorder()
					start := time.Now()
					s.ServeHTTP(w, r)
					took = append(took, float64(time.Since(start).Microseconds())/1000)
					if size = w.Body.Len(); w.Code != http.StatusOK {
						b.Fatalf("status %d", w.Code)
					}
				}
			}
			slices.Sort(took)
			b.ReportMetric(0, "ns/op")
			b.ReportMetric(took[len(took)*95/100], "p95-ms")
			b.ReportMetric(float64(size), "bytes")
		})
	}
}

// fillCounts writes what acts would have left in daily_counts.
func fillCounts(b *testing.B, file string) {
	raw, err := sql.Open("sqlite", "file:"+file+"?_pragma=busy_timeout(5000)")
	if err != nil {
		b.Fatal(err)
	}
	defer raw.Close()
	today := storetest.Day.UnixMilli() / (24 * time.Hour).Milliseconds()
	_, err = raw.Exec(`with recursive days(d) as (select 0 union all select d + 1 from days where d < $1 - 1),
		kinds(k) as (select 0 union all select k + 1 from kinds where k < $2 - 1)
		insert into daily_counts (site, day, notice, action, given, language, n)
		select s.num, $3 - d, n.num, k % 4, case k % 4 when 0 then 15 when 2 then 5 else 1 end, 'l' || (k / 4), 5 + (d * 7 + k * 3) % 11
		from sites s join notices n on n.site = s.num, days, kinds`, overviewDays, overviewRows, today)
	if err != nil {
		b.Fatal(err)
	}
}

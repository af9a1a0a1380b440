package bench

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
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
	overviewItems = 60 // of each site's declaration
	pagesAsked    = 100
)

// BenchmarkPages measures every page of the dashboard at the server, as an owner of 200 sites sees it: a year of counts each, which
// are written directly, and on the largest site as long a log as LargeLog's. Every figure is the 95th percentile of 100. The bar is
// 100 ms with ten million records:
// SAMTYKKE_RECORDS=10000000 go test -run '^$' -bench Pages -benchtime 1x -timeout 2h ./bench
func BenchmarkPages(b *testing.B) {
	p := newPages(b)
	slowest, of := 0.0, ""
	for _, c := range p.cases(b) {
		b.Run(c.name, func(b *testing.B) {
			var took []float64
			var size int
			var before, after runtime.MemStats
			allocs := uint64(0)
			for range b.N {
				for range pagesAsked {
					if c.before != nil {
						c.before(b)
					}
					runtime.ReadMemStats(&before)
					start := time.Now()
					size = p.ask(b, c.path)
					took = append(took, float64(time.Since(start).Microseconds())/1000)
					runtime.ReadMemStats(&after)
					allocs += after.Mallocs - before.Mallocs
				}
			}
			slices.Sort(took)
			p95 := took[len(took)*95/100]
			if p95 > slowest {
				slowest, of = p95, c.name
			}
			b.ReportMetric(0, "ns/op")
			b.ReportMetric(took[len(took)/2], "median-ms")
			b.ReportMetric(p95, "p95-ms")
			b.ReportMetric(float64(size), "bytes")
			b.ReportMetric(float64(allocs)/float64(len(took)), "allocs/page")
		})
	}
	fmt.Printf("slowest: %s, %.1f ms\n", of, slowest)
}

// pages is a server with much on it.
type pages struct {
	*large
	server  *server.Server
	now     time.Time
	session string
}

// aPage is one that is asked for, after something else where before is given.
type aPage struct {
	name, path string
	before     func(*testing.B)
}

func newPages(b *testing.B) *pages {
	ctx := context.Background()
	p := &pages{large: newLarge(b), now: time.Now().UTC()}
	items := make([]consent.Item, overviewItems)
	for k := range items {
		items[k] = consent.Item{
			Kind: consent.Cookie, Name: fmt.Sprintf("_m%03d", k), Host: ".maaler.example", Party: consent.ThirdParty, Category: consent.Marketing,
			Provider: "Måler ApS", Lifetime: time.Duration(k+1) * time.Hour, Purpose: map[string]string{"da": "Husker, hvilke annoncer der er vist.", "en": "Remembers which advertisements were shown."},
		}
	}
	for k := range overviewSites {
		id := p.site
		if k > 0 {
			id = fmt.Sprintf("hjemmeside%03d", k)
			if _, err := p.db.Site(ctx, id); err == nil {
				continue // of a folder that is kept
			}
			storetest.Site(b, p.db, id)
		}
		if err := p.db.EditItems(ctx, id, func([]consent.Item) ([]consent.Item, error) { return items, nil }); err != nil {
			b.Fatal(err)
		}
		if err := p.db.AddScan(ctx, id, store.Scan{At: p.now.Add(-time.Hour), Report: []byte(`{"pages":[{"url":"https://a.example/"}],"findings":[]}`)},
			func(i []consent.Item) ([]consent.Item, error) { return i, nil }); err != nil {
			b.Fatal(err)
		}
	}
	p.publish(b)
	p.fillCounts(b)
	u := consent.User{
		Email: fmt.Sprintf("ea%d@fjord.example", p.now.UnixNano()), Language: "da", CreatedAt: p.now, Admin: true,
		Members: []consent.Member{{Org: consent.Organisation{ID: consent.FirstOrganisation}, Role: consent.Owner}},
	}
	u, err := p.db.AddUser(ctx, u, server.HashPassword("alle mine kurve"))
	if err != nil {
		b.Fatal(err)
	}
	token := sha256.Sum256([]byte(u.Email))
	if err := p.db.AddSession(ctx, store.Session{User: u.ID, Token: token[:], At: p.now, Expires: p.now.Add(time.Hour)}); err != nil {
		b.Fatal(err)
	}
	start := time.Now()
	if err := p.db.RollUp(ctx, p.now); err != nil {
		b.Fatal(err)
	}
	b.Logf("summed up in %s", time.Since(start).Round(time.Millisecond))
	p.server, err = server.New(ctx, p.db, server.Config{BaseURL: "http://cmp.example", Now: func() time.Time { return p.now }, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(p.server.Close)
	p.session = u.Email
	return p
}

// publish gives the largest site a real notice, and an act under it.
func (p *pages) publish(b *testing.B) {
	ctx := context.Background()
	heads, err := p.db.NoticeHeads(ctx, p.site)
	if err != nil {
		b.Fatal(err)
	}
	if len(heads) > 1 {
		return // of a folder that is kept
	}
	if p.notice, err = server.Publish(ctx, p.db, "http://cmp.example", p.now, p.site, server.Publishing{Author: "ea@fjord.example", Reason: "Et rigtigt banner"}); err != nil {
		b.Fatal(err)
	}
	errs, err := p.db.Append(ctx, []consent.Record{p.record(0, p.now)})
	if err = errors.Join(append(errs, err)...); err != nil {
		b.Fatal(err)
	}
	if err := p.db.SignLogs(ctx, p.now); err != nil {
		b.Fatal(err)
	}
}

// ask asks for a page and returns its size.
func (p *pages) ask(b *testing.B, path string) int {
	r := httptest.NewRequest(http.MethodGet, path, nil)
	r.Header.Set("Accept", "text/html")
	r.Header.Set("Accept-Encoding", "gzip")
	if path != "/login" {
		r.AddCookie(&http.Cookie{Name: "samtykke_session", Value: p.session})
	}
	w := httptest.NewRecorder()
	p.server.ServeHTTP(w, r)
	if w.Code != http.StatusOK {
		b.Fatalf("status %d: %s", w.Code, regexp.MustCompile(`(?s)<main.*</main>`).FindString(w.Body.String()))
	}
	return w.Body.Len()
}

// cases are the pages of routes.go, those of sites on the largest one, and what is asked of some of them besides.
func (p *pages) cases(b *testing.B) (list []aPage) {
	source, err := os.ReadFile("../server/routes.go")
	if err != nil {
		b.Fatal(err)
	}
	ctx := context.Background()
	heads, err := p.db.NoticeHeads(ctx, p.site)
	if err != nil {
		b.Fatal(err)
	}
	found, err := p.db.Consents(ctx, store.Filter{Site: p.site, Notice: heads[0].Hash, Limit: 1})
	if err != nil || len(found.Records) == 0 {
		b.Fatal(err, "no records")
	}
	scan, err := p.db.LastScan(ctx, p.site)
	if err != nil {
		b.Fatal(err)
	}
	r := found.Records[0]
	fill := strings.NewReplacer(":site", p.site, ":org", consent.FirstOrganisation, ":visitor", r.Visitor.String(), ":id", r.ID.String(),
		":scan", scan.ID.String(), ":version", "2", ":lang", "da")
	for _, m := range regexp.MustCompile(`(?:open|in)\.GET\("([^"]+)"`).FindAllSubmatch(source, -1) {
		if path := string(m[1]); !notPages[path] {
			list = append(list, aPage{name: path, path: fill.Replace(path)})
		}
	}
	if len(list) < 30 {
		b.Fatalf("only %d pages in routes.go", len(list))
	}
	site := "/sites/" + p.site
	return append(list,
		aPage{name: "/ a year", path: "/?days=365"},
		aPage{name: "/ when every site got an act", path: "/", before: p.actEverywhere},
		aPage{name: "/ a year when every site got an act", path: "/?days=365", before: p.actEverywhere},
		aPage{name: "/sites/:site a year", path: site + "?days=365"},
		aPage{name: "/sites/:site a year when it got an act", path: site + "?days=365", before: p.actEverywhere},
		aPage{name: "/sites/:site/consents what nothing fits", path: site + "/consents?action=reject_all&category=marketing"},
		aPage{name: "/sites/:site/consents a visitor", path: site + "/consents?visitor=" + r.Visitor.String()})
}

// notPages are files, and what needs another state than an owner's: a half login, an invitation, papers that nobody has filled in.
var notPages = map[string]bool{
	"/login/code": true, "/invitation/:token": true, "/audit.jsonl": true, "/sites/:site/audit.jsonl": true, "/sites/:site/consents.csv": true,
	"/sites/:site/consents.jsonl": true, "/sites/:site/consents/:visitor/:id/receipt": true, "/sites/:site/pack.zip": true,
	"/sites/:site/scans/:scan/:file": true, "/sites/:site/notices/:version/pictures/:file": true,
	"/sites/:site/papers/accepted/:num": true, "/sites/:site/papers/:paper/:lang": true, "/sites/:site/export/:export": true,
}

// actEverywhere records an act on each site.
func (p *pages) actEverywhere(b *testing.B) {
	ctx := context.Background()
	sites, err := p.db.Sites(ctx)
	if err != nil {
		b.Fatal(err)
	}
	group := make([]consent.Record, len(sites))
	for i := range sites {
		r := p.record(int64(i), p.now)
		heads, err := p.db.NoticeHeads(ctx, sites[i].ID)
		if err != nil {
			b.Fatal(err)
		}
		r.Site, r.Notice = sites[i].ID, heads[0].Hash
		r.ID, r.Visitor = uuid.Must(uuid.NewV7()), uuid.Must(uuid.NewV7())
		group[i] = r
	}
	errs, err := p.db.Append(ctx, group)
	if err = errors.Join(append(errs, err)...); err != nil {
		b.Fatal(err)
	}
}

// fillCounts writes what acts would have left in daily_counts.
func (p *pages) fillCounts(b *testing.B) {
	raw, err := sql.Open("sqlite", "file:"+filepath.Join(p.folder, "samtykke.db")+"?_pragma=busy_timeout(5000)")
	if err != nil {
		b.Fatal(err)
	}
	defer raw.Close()
	today := p.now.UnixMilli() / (24 * time.Hour).Milliseconds()
	_, err = raw.Exec(`with recursive days(d) as (select 0 union all select d + 1 from days where d < $1 - 1),
		kinds(k) as (select 0 union all select k + 1 from kinds where k < $2 - 1)
		insert into daily_counts (site, day, notice, action, given, language, n)
		select s.num, $3 - d, n.num, k % 4, case k % 4 when 0 then 15 when 2 then 5 else 1 end, 'l' || (k / 4), 5 + (d * 7 + k * 3) % 11
		from sites s join notices n on n.site = s.num, days, kinds where true on conflict do nothing`, overviewDays, overviewRows, today)
	if err != nil {
		b.Fatal(err)
	}
}

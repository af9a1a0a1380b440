package bench

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"golang.org/x/sys/unix"

	"samtykke/consent"
	"samtykke/server"
	"samtykke/server/store"
	"samtykke/server/store/storetest"
)

// BenchmarkLargeLog measures what owners do with a long log, on SQLite: a million records over 90 days, or as many as
// SAMTYKKE_RECORDS says, kept in the folder SAMTYKKE_LARGE where that is named. Every figure is the 95th percentile of 100:
// go test -run '^$' -bench LargeLog -benchtime 1x -timeout 2h ./bench
func BenchmarkLargeLog(b *testing.B) {
	l := newLarge(b)
	ctx := context.Background()
	middle := strconv.FormatInt(l.records/2, 10)
	visitors := l.someVisitors(b)
	from := l.from.AddDate(0, 0, 40)
	for _, c := range []struct {
		name string
		ask  func(int) error
	}{
		{"page", func(int) error { return l.page(store.Filter{}) }},
		{"middle-page", func(int) error { return l.page(store.Filter{After: middle}) }},
		{"refusals", func(int) error { return l.page(store.Filter{Action: consent.RejectAll, After: middle}) }},
		{"one-day", func(int) error { return l.page(store.Filter{From: from, To: from.AddDate(0, 0, 1)}) }},
		{"nothing-fits", func(int) error { return l.page(store.Filter{Action: consent.RejectAll, Granted: consent.Marketing}) }},
		{"look-up", func(k int) error {
			found, err := l.db.Visitor(ctx, l.site, visitors[k%len(visitors)])
			if len(found) == 0 {
				return errors.Join(err, errors.New("a visitor was not found"))
			}
			return err
		}},
		{"90-days", func(int) error {
			_, err := l.db.Daily(ctx, l.site, l.from, l.from.AddDate(0, 0, 90))
			return err
		}},
	} {
		b.Run(c.name, func(b *testing.B) {
			var took []float64
			for range b.N {
				for k := range 100 {
					start := time.Now()
					if err := c.ask(k); err != nil {
						b.Fatal(err)
					}
					took = append(took, float64(time.Since(start).Microseconds())/1000)
				}
			}
			slices.Sort(took)
			b.ReportMetric(0, "ns/op")
			b.ReportMetric(took[len(took)*95/100], "p95-ms")
		})
	}
	b.Run("csv", func(b *testing.B) {
		l.export(b, func() error { return server.ExportCSV(ctx, l.db, store.Filter{Site: l.site}, io.Discard) })
	})
	b.Run("jsonl", func(b *testing.B) {
		l.export(b, func() error { return server.ExportJSONL(ctx, l.db, store.Filter{Site: l.site}, -1, true, io.Discard) })
	})
	b.Run("backup", func(b *testing.B) {
		bin := filepath.Join(b.TempDir(), "samtykke")
		if out, err := exec.Command("go", "build", "-o", bin, "samtykke/cmd/samtykke").CombinedOutput(); err != nil {
			b.Fatalf("%v\n%s", err, out)
		}
		l.underLoad(b, func(b *testing.B) { l.backup(b, bin) })
	})
	b.Run("purge", func(b *testing.B) { l.underLoad(b, l.purge) }) // last: it takes a tenth away
}

// large is a database with a long log.
type large struct {
	db      *store.DB
	folder  string
	site    string
	notice  consent.Notice
	records int64
	from    time.Time
}

func newLarge(b *testing.B) *large {
	l := &large{folder: os.Getenv("SAMTYKKE_LARGE"), site: "fjordfletvaerk", records: 1_000_000}
	if n, err := strconv.ParseInt(os.Getenv("SAMTYKKE_RECORDS"), 10, 64); err == nil {
		l.records = n
	}
	if l.folder == "" {
		l.folder = b.TempDir()
	}
	db, err := store.Open(context.Background(), filepath.Join(l.folder, "samtykke.db"))
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { db.Close() })
	l.db = db
	l.from = time.Now().UTC().Truncate(24*time.Hour).AddDate(0, 0, -90)
	if sites, err := db.Sites(context.Background()); err != nil {
		b.Fatal(err)
	} else if len(sites) > 0 {
		heads, err := db.NoticeHeads(context.Background(), l.site)
		if err != nil {
			b.Fatal(err)
		}
		l.notice, err = db.Notice(context.Background(), heads[0].Hash)
		if err != nil {
			b.Fatal(err)
		}
		return l
	}
	_, l.notice = storetest.Site(b, db, l.site)
	l.fill(b)
	return l
}

// fill writes the records as they would have come: their ids are of their times.
func (l *large) fill(b *testing.B) {
	step := 90 * 24 * time.Hour / time.Duration(l.records)
	group := make([]consent.Record, 0, 2000)
	start := time.Now()
	for k := range l.records {
		group = append(group, l.record(k, l.from.Add(time.Duration(k)*step)))
		if len(group) == cap(group) || k == l.records-1 {
			errs, err := l.db.Append(context.Background(), group)
			if err = errors.Join(append(errs, err)...); err != nil {
				b.Fatal(err)
			}
			group = group[:0]
		}
	}
	if err := l.db.SignLogs(context.Background(), time.Now()); err != nil {
		b.Fatal(err)
	}
	info, err := os.Stat(filepath.Join(l.folder, "samtykke.db"))
	if err != nil {
		b.Fatal(err)
	}
	b.Logf("%d records in %s, %.0f bytes each", l.records, time.Since(start).Round(time.Second), float64(info.Size())/float64(l.records))
}

func (l *large) record(k int64, at time.Time) consent.Record {
	asked := l.notice.Content.Banner.Asked()
	c, action := consent.Choices{Asked: asked, Given: asked}, consent.AcceptAll
	switch k % 10 {
	case 3, 4, 5:
		c.Given, action = 0, consent.RejectAll
	case 6:
		c.Given, action = consent.SetOf(consent.Statistics), consent.Custom
	}
	r := consent.Record{Site: l.site, At: at.Truncate(time.Millisecond)}
	r.Act = consent.Act{ID: ofTime(at), Visitor: ofTime(at), Notice: l.notice.Hash, Action: action, Method: consent.Methods[0], Categories: c, Language: "da"}
	r.ValidUntil = r.At.Add(l.notice.Content.Banner.Validity())
	return r
}

// ofTime is a UUIDv7 of a moment (RFC 9562).
func ofTime(at time.Time) (id uuid.UUID) {
	ms := uint64(at.UnixMilli())
	for i := range 6 {
		id[i] = byte(ms >> (40 - 8*i))
	}
	a, c := rand.Uint64(), rand.Uint64()
	for i := range 8 {
		id[8+i] = byte(a >> (8 * i))
	}
	id[6], id[7], id[8] = 0x70|byte(c&15), byte(c>>8), 0x80|id[8]&0x3f
	return id
}

func (l *large) page(f store.Filter) error {
	f.Site = l.site
	_, err := l.db.Consents(context.Background(), f)
	return err
}

func (l *large) someVisitors(b *testing.B) (ids []uuid.UUID) {
	for k := range int64(100) {
		p, err := l.db.Consents(context.Background(), store.Filter{Site: l.site, After: strconv.FormatInt((k+1)*l.records/101, 10), Limit: 1})
		if err != nil || len(p.Records) == 0 {
			b.Fatal(err, len(p.Records))
		}
		ids = append(ids, p.Records[0].Visitor)
	}
	return ids
}

func (l *large) export(b *testing.B, write func() error) {
	var rate float64
	for range b.N {
		start := time.Now()
		if err := write(); err != nil {
			b.Fatal(err)
		}
		rate = float64(l.records) / time.Since(start).Seconds()
	}
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(rate, "records/s")
	b.ReportMetric(float64(m.HeapSys-m.HeapReleased)/1e6, "heap-MB")
}

// underLoad does a work while a server on the same data answers a thousand acts a second.
func (l *large) underLoad(b *testing.B, work func(*testing.B)) {
	unix.Sync() // what was written before is not to be waited for now
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	addr := listener.Addr().String()
	s, err := server.New(context.Background(), l.db, server.Config{BaseURL: "http://" + addr, Rate: -1, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		b.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error)
	go func() { ended <- s.Run(ctx, listener) }()
	done := make(chan struct{})
	tails := make(chan float64)
	go func() { tails <- l.paced(addr, done) }()
	work(b)
	close(done)
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(<-tails, "p99-ms")
	stop()
	if err := <-ended; err != nil {
		b.Error(err)
	}
	s.Close()
}

// paced posts a thousand acts a second, each on time whether or not those before it have been answered, until done, and
// returns the 99th percentile of their answers in milliseconds; 0 where one was refused.
func (l *large) paced(addr string, done <-chan struct{}) float64 {
	client := &http.Client{Timeout: 30 * time.Second, Transport: &http.Transport{MaxIdleConnsPerHost: 512}}
	answers := make(chan float64, 1000)
	sent := 0
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	var took []float64
	bad := 0
	note := func(ms float64) {
		if took = append(took, ms); ms < 0 {
			bad++
		}
	}
	for open := true; open || len(took) < sent; {
		select {
		case <-done:
			open, done = false, nil
		case ms := <-answers:
			note(ms)
		case due := <-tick.C:
			if !open {
				continue
			}
			sent++
			go func() { answers <- l.post(client, addr, due) }()
		}
	}
	if bad > 0 || len(took) == 0 {
		return 0
	}
	slices.Sort(took)
	return took[len(took)*99/100]
}

func (l *large) post(client *http.Client, addr string, due time.Time) float64 {
	r := l.record(int64(due.Nanosecond()), due)
	body := fmt.Sprintf(`{"id":%q,"visitor":%q,"notice":%q,"action":"accept_all","categories":{"preferences":true,"statistics":true,"marketing":true},"language":"da","method":"banner"}`,
		r.ID, r.Visitor, r.Notice)
	req, err := http.NewRequest("POST", "http://"+addr+"/v1/sites/"+l.site+"/consents", strings.NewReader(body))
	if err != nil {
		return -1
	}
	req.Header.Set("Content-Type", "text/plain")
	req.Header.Set("Origin", "https://"+l.site+".example")
	res, err := client.Do(req)
	if err != nil {
		return -1
	}
	defer res.Body.Close()
	_, _ = io.Copy(io.Discard, res.Body)
	if res.StatusCode != http.StatusCreated {
		return -1
	}
	return float64(time.Since(due).Microseconds()) / 1000
}

// backup is the command's: another process beside the server.
func (l *large) backup(b *testing.B, bin string) {
	start := time.Now()
	if out, err := exec.Command(bin, "backup", "--data", l.folder, filepath.Join(b.TempDir(), "backup.db")).CombinedOutput(); err != nil {
		b.Fatalf("%v\n%s", err, out)
	}
	b.ReportMetric(time.Since(start).Seconds(), "s")
}

// purge comes a year and the site's period after the ninth day, so that about a tenth is over.
func (l *large) purge(b *testing.B) {
	sites, err := l.db.Sites(context.Background())
	if err != nil {
		b.Fatal(err)
	}
	accepted, err := l.db.Consents(context.Background(), store.Filter{Site: l.site, Action: consent.AcceptAll, After: strconv.FormatInt(l.records/10, 10), Limit: 1})
	if err != nil {
		b.Fatal(err)
	}
	start := time.Now()
	done, err := l.db.Purge(context.Background(), store.PurgeRun{Now: sites[0].Retention.Until(&accepted.Records[0]), Origin: store.ByCommand})
	if err != nil {
		b.Fatal(err)
	}
	rows := 0
	for _, p := range done {
		rows += int(p.Acts())
	}
	b.ReportMetric(float64(rows)/time.Since(start).Seconds(), "rows/s")
	b.ReportMetric(float64(rows), "rows")
}

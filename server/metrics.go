package server

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"runtime"
	"runtime/metrics"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/labstack/echo/v4"

	"samtykke/server/store"
)

// measured counts what the server does, for Prometheus (docs/operations.md). Its labels are routes' classes, codes and states:
// never a site, an address or a visitor.
type measured struct {
	mu       sync.Mutex
	acts     map[string]int64    // acts of consent that were sent, by how it ended
	requests map[[2]string]int64 // by class and status
	seconds  map[string]*histogram
	groups   histogram // acts that were written together
	commits  histogram // how long that took
	start    time.Time
	address  string // where Prometheus finds them; empty for nowhere
}

// actRecorded is how an act ends that is on disk.
const actRecorded = "recorded"

func newMetrics() *measured {
	return &measured{
		acts: map[string]int64{}, requests: map[[2]string]int64{}, seconds: map[string]*histogram{}, start: time.Now(),
		groups: newHistogram(1, 2, 5, 10, 20, 50, 100, 200, 500), commits: newHistogram(.001, .002, .005, .01, .02, .05, .1, .2, .5, 1, 5),
	}
}

// histogram counts values up to each of its limits.
type histogram struct {
	limits []float64
	counts []int64 // one more than limits: what is above all
	sum    float64
}

func newHistogram(limits ...float64) histogram {
	return histogram{limits: limits, counts: make([]int64, len(limits)+1)}
}

func (h *histogram) add(v float64) {
	i, _ := slices.BinarySearch(h.limits, v)
	h.counts[i]++
	h.sum += v
}

// wrote notes a group of acts that is on disk.
func (m *measured) wrote(acts int, took time.Duration) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.groups.add(float64(acts))
	m.commits.add(took.Seconds())
}

// answered notes a request. act is how an act of consent ended; empty where it was none.
func (m *measured) answered(class string, status int, took time.Duration, act string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.requests[[2]string{class, strconv.Itoa(status)}]++
	h := m.seconds[class]
	if h == nil {
		fresh := newHistogram(.001, .005, .01, .025, .05, .1, .25, .5, 1, 5)
		h = &fresh
		m.seconds[class] = h
	}
	h.add(took.Seconds())
	if act != "" {
		m.acts[act]++
	}
}

// classes sort routes: the first beginning that fits counts.
var classes = []struct{ begin, class string }{
	{"/s/", "script"},
	{"/d/", "declaration"},
	{"/uc.js", "script"},
	{"/cd.js", "declaration"},
	{"/:cbid/", "declaration"},
	{"/v1/sites/:site/visitors", "visitor"},
	{"/v1/sites/:site/consistency", "proof"},
	{"/.well-known/", "proof"},
	{"/verify", "proof"},
	{"/v1/", "api"},
	{"/healthz", "machine"},
	{"/readyz", "machine"},
	{"/openapi.yaml", "machine"},
	{"/assets/", "page"},
}

// actRoute is where acts of consent arrive.
const actRoute = "/v1/sites/:site/consents"

func classOf(method, route string) string {
	switch {
	case route == "" || strings.HasSuffix(route, "/*"):
		return "unknown"
	case route == actRoute && method != http.MethodGet:
		return "consent"
	}
	for _, c := range classes {
		if strings.HasPrefix(route, c.begin) {
			return c.class
		}
	}
	return "page"
}

// observe counts every request, and writes a line about it where that is wanted. It answers errors itself, so that it sees how
// they were answered.
func (s *Server) observe(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) (err error) {
		began := time.Now()
		defer func() {
			took, r, status := time.Since(began), c.Request(), c.Response().Status
			act := ""
			if c.Path() == actRoute && r.Method == http.MethodPost {
				act = actRecorded
				if err != nil {
					e, _ := asError(err)
					act = e.Code
				}
			}
			s.metrics.answered(classOf(r.Method, c.Path()), status, took, act)
			if s.cfg.LogRequests {
				// The route's pattern, not the path: a path can name a visitor.
				s.cfg.Log.Info("request", slog.String("route", c.Path()), slog.String("method", r.Method), slog.Int("status", status),
					slog.Float64("seconds", took.Seconds()), slog.Int64("bytes", c.Response().Size))
			}
			err = nil
		}()
		if err = next(c); err != nil {
			c.Error(err)
		}
		return err
	}
}

// ServeMetrics serves /metrics on a listener of its own until ctx ends, so that it is never public by accident.
func (s *Server) ServeMetrics(ctx context.Context, l net.Listener) error {
	s.metrics.serveAt("http://" + l.Addr().String() + "/metrics")
	defer s.metrics.serveAt("")
	mux := http.NewServeMux()
	mux.HandleFunc("GET /metrics", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
		s.writeMetrics(r.Context(), w)
	})
	h := &http.Server{Handler: mux, ReadHeaderTimeout: 10 * time.Second, WriteTimeout: time.Minute, ErrorLog: slog.NewLogLogger(slog.DiscardHandler, slog.LevelDebug)}
	defer context.AfterFunc(ctx, func() { h.Close() })()
	if err := h.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

// serveAt notes where the metrics are.
func (m *measured) serveAt(address string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.address = address
}

// page writes metrics in Prometheus' text format.
type page struct{ io.Writer }

func (p page) head(name, kind, help string) {
	fmt.Fprintf(p, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, kind)
}

func (p page) value(name, labels string, v float64) {
	if labels != "" {
		labels = "{" + labels + "}"
	}
	fmt.Fprintf(p, "%s%s %s\n", name, labels, strconv.FormatFloat(v, 'g', -1, 64))
}

func (p page) single(name, kind, help string, v float64) {
	p.head(name, kind, help)
	p.value(name, "", v)
}

func (p page) histogram(name, labels string, h *histogram) {
	comma := ""
	if labels != "" {
		comma = ","
	}
	var sum int64
	for i, n := range h.counts {
		sum += n
		limit := "+Inf"
		if i < len(h.limits) {
			limit = strconv.FormatFloat(h.limits[i], 'g', -1, 64)
		}
		p.value(name+"_bucket", labels+comma+`le="`+limit+`"`, float64(sum))
	}
	p.value(name+"_sum", labels, h.sum)
	p.value(name+"_count", labels, float64(sum))
}

func (s *Server) writeMetrics(ctx context.Context, w io.Writer) {
	p := page{w}
	s.metrics.write(p)
	p.single("samtykke_queue_acts", "gauge", "Acts of consent that wait for the disk.", float64(len(s.ingest.queue)))
	p.single("samtykke_queue_limit", "gauge", "How many may wait before the server answers 503.", float64(cap(s.ingest.queue)))
	up := 1.0
	if m, err := s.db.Measure(ctx, s.cfg.Now()); err == nil {
		writeMeasure(p, &m)
	} else {
		s.cfg.Log.Warn("metrics without the database", slog.Any("error", err))
		up = 0
	}
	p.single("samtykke_database_up", "gauge", "1 where the database answered.", up)
	writeRuntime(p)
}

func (m *measured) write(p page) {
	m.mu.Lock()
	defer m.mu.Unlock()
	p.head("samtykke_acts_total", "counter", "Acts of consent that were sent, by how it ended: recorded, or the code of the error.")
	for _, k := range slices.Sorted(maps.Keys(m.acts)) {
		p.value("samtykke_acts_total", `result="`+k+`"`, float64(m.acts[k]))
	}
	p.head("samtykke_group_acts", "histogram", "Acts that were written together.")
	p.histogram("samtykke_group_acts", "", &m.groups)
	p.head("samtykke_commit_seconds", "histogram", "How long a group took to be on disk.")
	p.histogram("samtykke_commit_seconds", "", &m.commits)
	p.head("samtykke_http_requests_total", "counter", "Requests by class of route and status.")
	for _, k := range slices.SortedFunc(maps.Keys(m.requests), func(a, b [2]string) int { return cmp.Or(cmp.Compare(a[0], b[0]), cmp.Compare(a[1], b[1])) }) {
		p.value("samtykke_http_requests_total", `class="`+k[0]+`",status="`+k[1]+`"`, float64(m.requests[k]))
	}
	p.head("samtykke_http_request_seconds", "histogram", "How long requests took, by class of route.")
	for _, k := range slices.Sorted(maps.Keys(m.seconds)) {
		p.histogram("samtykke_http_request_seconds", `class="`+k+`"`, m.seconds[k])
	}
	p.single("process_start_time_seconds", "gauge", "When the program started, in seconds since 1970.", float64(m.start.Unix()))
}

func writeMeasure(p page, m *store.Measure) {
	p.single("samtykke_sites", "gauge", "Sites.", float64(m.Sites))
	p.single("samtykke_database_bytes", "gauge", "How large the database is.", float64(m.Database))
	p.head("samtykke_log_entries", "gauge", "Entries in all logs of a kind.")
	kinds := slices.Sorted(maps.Keys(m.Logs))
	for _, k := range kinds {
		p.value("samtykke_log_entries", `log="`+k+`"`, float64(m.Logs[k].Entries))
	}
	p.head("samtykke_log_unsigned_entries", "gauge", "Entries that no checkpoint covers yet.")
	for _, k := range kinds {
		p.value("samtykke_log_unsigned_entries", `log="`+k+`"`, float64(m.Logs[k].Unsigned))
	}
	p.head("samtykke_log_unsigned_seconds", "gauge", "For how long a log has waited for its checkpoint: a second or two, or something is wrong.")
	for _, k := range kinds {
		p.value("samtykke_log_unsigned_seconds", `log="`+k+`"`, m.Logs[k].Waiting.Seconds())
	}
	p.head("samtykke_scans", "gauge", "Scans that are kept, by state.")
	for _, state := range []store.ScanState{store.ScanQueued, store.ScanRunning, store.ScanDone, store.ScanFailed} {
		p.value("samtykke_scans", `state="`+string(state)+`"`, float64(m.Scans[state]))
	}
}

// runtimeMetrics are Go's own that are shown.
var runtimeMetrics = []struct{ of, name, kind, help string }{
	{"/sched/goroutines:goroutines", "go_goroutines", "gauge", "Goroutines."},
	{"/memory/classes/heap/objects:bytes", "go_memstats_heap_alloc_bytes", "gauge", "Memory that live and not yet collected objects take."},
	{"/memory/classes/total:bytes", "go_memstats_sys_bytes", "gauge", "Memory that the program has from the system."},
	{"/gc/cycles/total:gc-cycles", "go_gc_cycles_total", "counter", "Collections of garbage."},
}

func writeRuntime(p page) {
	p.head("go_info", "gauge", "The version of Go.")
	p.value("go_info", `version="`+runtime.Version()+`"`, 1)
	samples := make([]metrics.Sample, len(runtimeMetrics))
	for i, m := range runtimeMetrics {
		samples[i].Name = m.of
	}
	metrics.Read(samples)
	for i, m := range runtimeMetrics {
		if samples[i].Value.Kind() == metrics.KindUint64 {
			p.single(m.name, m.kind, m.help, float64(samples[i].Value.Uint64()))
		}
	}
}

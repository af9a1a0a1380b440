package server

import (
	"context"
	"io"
	"iter"
	"maps"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/google/uuid"
	"github.com/labstack/echo/v4"

	"samtykke/consent"
	"samtykke/server/store"
)

// How an export stands. What this server doesn't know may run on another one.
const (
	exportUnknown = "unknown"
	exportRunning = "running"
	exportDone    = "done"
	exportCut     = "cut"    // whoever asked for it went away, or stopped it
	exportFailed  = "failed" // by the server's fault
)

const (
	exportsOfOne = 8   // how many exports of one person's are remembered
	exportsKept  = 500 // and of all
)

// exports remembers how far exports have come that began on this server.
type exports struct {
	mu   sync.Mutex
	runs []*exportRun // the oldest first
}

// exportRun is an export, under the name that the page which asked for it made up. A nil one is nobody's to ask for.
type exportRun struct {
	user    int64
	site    string
	id      uuid.UUID
	of      int64 // records that there are at most
	written atomic.Int64
	state   atomic.Pointer[string]
}

func (r *exportRun) wrote() {
	if r != nil {
		r.written.Add(1)
	}
}

func (r *exportRun) end(state string) {
	if r != nil {
		r.state.Store(&state)
	}
}

// begin remembers an export, and forgets the oldest where there are too many.
func (e *exports) begin(user int64, site string, id uuid.UUID, of int64) *exportRun {
	e.mu.Lock()
	defer e.mu.Unlock()
	r := &exportRun{user: user, site: site, id: id, of: of}
	r.end(exportRunning)
	own, first := 0, -1
	for i, o := range e.runs {
		if o.user != user {
			continue
		}
		if own++; first < 0 {
			first = i
		}
	}
	switch {
	case own >= exportsOfOne:
		e.runs = append(e.runs[:first], e.runs[first+1:]...)
	case len(e.runs) >= exportsKept:
		e.runs = e.runs[1:]
	}
	e.runs = append(e.runs, r)
	return r
}

// find looks for somebody's own export of a site; the newest where a name was used twice, nil where there is none.
func (e *exports) find(user int64, site string, id uuid.UUID) *exportRun {
	e.mu.Lock()
	defer e.mu.Unlock()
	for i := len(e.runs) - 1; i >= 0; i-- {
		if r := e.runs[i]; r.user == user && r.site == site && r.id == id {
			return r
		}
	}
	return nil
}

// exportStatus is what is told of an export.
type exportStatus struct {
	State   string `json:"state"`
	Written int64  `json:"written"`
	Of      int64  `json:"of"` // at most
}

func (r *exportRun) status() exportStatus {
	if r == nil {
		return exportStatus{State: exportUnknown}
	}
	return exportStatus{*r.state.Load(), r.written.Load(), r.of}
}

// exportData is the page that begins an export and tells how far it is.
type exportData struct {
	exportStatus
	ID     uuid.UUID
	Begun  bool       // it was asked for
	Most   int64      // records that fit the filter at most
	Hidden url.Values // the filter
	Proven bool       // JSON lines carry proofs: the filter leaves out nothing in between
	Base   string     // address of the log
	Log    string     // query of the log with the same filter
	Back   string     // of this page
	Follow string     // of this page when it tells how far the export is
}

// Sum is the length of the progress bar: never shorter than what is written.
func (d exportData) Sum() int64 { return max(d.Of, d.Written, 1) }

func (s *Server) exportPage(c echo.Context) error {
	v, err := s.siteView(c, "consents")
	if err != nil {
		return err
	}
	v.Deep = true
	ctx, q := c.Request().Context(), trimmed(c.QueryParams())
	heads, err := s.db.NoticeHeads(ctx, v.Site.ID)
	if err != nil {
		return err
	}
	f, err := readFilter(v.Site.ID, q, heads)
	if err != nil {
		return err
	}
	d := exportData{Hidden: filterOf(q), Base: "/sites/" + v.Site.ID, Proven: onlyTime(&f)}
	if d.Most, err = s.db.CountAtMost(ctx, f); err != nil {
		return err
	}
	if d.ID, err = uuid.Parse(q.Get("export")); err == nil {
		d.Begun, d.exportStatus = true, s.exports.find(userOf(c).ID, v.Site.ID, d.ID).status()
	} else if d.ID, err = uuid.NewV7(); err != nil {
		return err
	}
	d.Log = withAfter(d.Hidden, "")
	d.Back = d.Base + "/export" + d.Log
	follow := maps.Clone(d.Hidden)
	follow.Set("export", d.ID.String())
	d.Follow = d.Base + "/export?" + follow.Encode()
	v.Data, v.Script = d, scriptPath("export")
	allowScript(c, "; connect-src 'self'")
	return s.show(c, "export", v)
}

// exportState tells the page's script how far an export is.
func (s *Server) exportState(c echo.Context) error {
	id, err := uuid.Parse(c.Param("export"))
	if err != nil {
		return consent.NotFound("no_export", "There is no such export.")
	}
	return c.JSON(http.StatusOK, s.exports.find(userOf(c).ID, c.Param("site"), id).status())
}

// filterOf are the fields of the log's filter that are in use.
func filterOf(q url.Values) url.Values {
	out := url.Values{}
	for _, name := range []string{"from", "to", "action", "category", "notice", "visitor"} {
		if v := q.Get(name); v != "" {
			out.Set(name, v)
		}
	}
	return out
}

// onlyTime says whether a filter leaves out nothing of its time.
func onlyTime(f *store.Filter) bool {
	return f.Action == "" && f.Granted == "" && f.Notice == consent.Hash{} && f.Visitor == uuid.Nil
}

// exportConsents streams the records of a filter, as CSV or as JSON lines, however many: memory stays constant. Whoever goes away
// ends the query with the connection.
func (s *Server) exportConsents(c echo.Context) error {
	ctx, q := c.Request().Context(), trimmed(c.QueryParams())
	site, err := s.db.Site(ctx, c.Param("site"))
	if err != nil {
		return err
	}
	heads, err := s.db.NoticeHeads(ctx, site.ID)
	if err != nil {
		return err
	}
	q.Del("after")
	filter, err := readFilter(site.ID, q, heads)
	if err != nil {
		return err
	}
	format, mime := "csv", "text/csv"
	if strings.HasSuffix(c.Path(), ".jsonl") {
		format, mime = "jsonl", "application/jsonl"
	}
	run, err := s.beginExport(c, filter, q.Get("export"))
	if err != nil {
		return err
	}
	if err := s.exported(c, site.ID, format, q); err != nil {
		run.end(exportFailed)
		return err
	}
	h := c.Response().Header()
	h.Set("Content-Type", mime+"; charset=utf-8")
	h.Set("Content-Disposition", `attachment; filename="samtykke-`+site.ID+"."+format+`"`)
	var written atomic.Int64
	wrote := func() { written.Add(1); run.wrote() }
	switch {
	case format == "csv":
		err = writeCSV(c.Response(), each(s.db.All(ctx, filter), wrote), versionsOf(heads), s.extendWrite(c))
	case onlyTime(&filter):
		err = ExportJSONL(ctx, s.db, filter, -1, true, &flushing{&lines{c.Response(), wrote}, s.extendWrite(c), 0})
	default:
		err = writeJSONL(&flushing{c.Response(), s.extendWrite(c), 0}, each(s.db.All(ctx, filter), wrote))
	}
	if err == nil {
		run.end(exportDone)
		if !c.Response().Committed {
			return c.NoContent(http.StatusOK) // there is nothing
		}
		return nil
	}
	state := exportFailed
	if ctx.Err() != nil {
		state = exportCut
	}
	run.end(state)
	return s.cutOff(c, site.ID, format, written.Load(), err)
}

// cutOff ends an export that didn't reach its end, and says so in the audit log.
func (s *Server) cutOff(c echo.Context, site, format string, written int64, err error) error {
	cut := s.deed(c, "export_cut", site).With("", map[string]any{"format": format, "written": written})
	if err := s.db.Audit(context.WithoutCancel(c.Request().Context()), cut); err != nil {
		s.cfg.Log.Error("an export that was cut off is not in the audit log", "error", err)
	}
	if !c.Response().Committed {
		c.Response().Header().Del("Content-Disposition") // what follows says what went wrong
		return err
	}
	// Half a file must not look like a whole one: the browser then says that the download failed.
	panic(http.ErrAbortHandler)
}

// beginExport remembers an export that a page wants to be told about.
func (s *Server) beginExport(c echo.Context, f store.Filter, id string) (*exportRun, error) {
	name, err := uuid.Parse(id)
	if userOf(c) == nil || err != nil {
		return nil, nil
	}
	most, err := s.db.CountAtMost(c.Request().Context(), f)
	if err != nil {
		return nil, err
	}
	return s.exports.begin(userOf(c).ID, f.Site, name, most), nil
}

// each tells of every record that is used.
func each(records iter.Seq2[consent.Record, error], used func()) iter.Seq2[consent.Record, error] {
	return func(yield func(consent.Record, error) bool) {
		for r, err := range records {
			if !yield(r, err) {
				return
			}
			used()
		}
	}
}

// lines tells of every line that is written.
type lines struct {
	http.ResponseWriter
	wrote func()
}

// Write implements io.Writer.
func (l *lines) Write(b []byte) (int, error) {
	n, err := l.ResponseWriter.Write(b)
	for _, sign := range b[:n] {
		if sign == '\n' {
			l.wrote()
		}
	}
	return n, err
}

// writeJSONL writes records alone, a line each in their canonical encoding: of a choice among them no log proves that none is missing.
func writeJSONL(out io.Writer, records iter.Seq2[consent.Record, error]) error {
	var held []byte
	for r, err := range records {
		if err != nil {
			return err
		}
		if held = append(r.AppendCanonical(held), '\n'); len(held) > 64<<10 {
			if _, err := out.Write(held); err != nil {
				return err
			}
			held = held[:0]
		}
	}
	_, err := out.Write(held)
	return err
}

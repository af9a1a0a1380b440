package server

import (
	"encoding/json"
	"net/http"
	"strconv"
	"time"

	"github.com/google/uuid"
	"github.com/labstack/echo/v4"

	"samtykke/consent"
	"samtykke/server/ledger"
	"samtykke/server/store"
)

func itoa(n int) string { return strconv.Itoa(n) }

// apiConsent is a record as a program reads it.
type apiConsent struct {
	consent.Act
	At         time.Time `json:"at"`
	ValidUntil time.Time `json:"valid_until"`
	Version    int       `json:"version"` // of the notice
}

func newAPIConsent(r *consentRow) apiConsent { return apiConsent{r.Act, r.At, r.ValidUntil, r.Version} }

// apiConsents is a page of the log, the newest first. The reading of it is logged (H7).
func (s *Server) apiConsents(c echo.Context) error {
	ctx, site, q := c.Request().Context(), siteOf(c), trimmed(c.QueryParams())
	heads, err := s.db.NoticeHeads(ctx, site.ID)
	if err != nil {
		return err
	}
	f, err := readFilter(site.ID, q, heads)
	if err != nil {
		return err
	}
	if f.Limit, err = pageLimit(q); err != nil {
		return err
	}
	page, err := s.db.Consents(ctx, f)
	if err != nil {
		return err
	}
	l := struct {
		listing[apiConsent]
		Searched *time.Time `json:"searched,omitempty"`
	}{listing: listing[apiConsent]{Results: []apiConsent{}, Next: page.Next}}
	if !page.Searched.IsZero() {
		l.Searched = &page.Searched
	}
	rows := withVersions(page.Records, heads)
	for i := range rows {
		l.Results = append(l.Results, newAPIConsent(&rows[i]))
	}
	if err := s.listed(c, site.ID, q, len(rows)); err != nil {
		return err
	}
	return c.JSON(http.StatusOK, l)
}

// actOf reads whose act the address names.
func actOf(c echo.Context) (visitor, id uuid.UUID, err error) {
	visitor, err1 := uuid.Parse(c.Param("visitor"))
	id, err2 := uuid.Parse(c.Param("id"))
	if err1 != nil || err2 != nil {
		err = consent.NotFound("no_record", "There is no such record.")
	}
	return visitor, id, err
}

// apiReadConsent is one record with where its visitor stands now.
func (s *Server) apiReadConsent(c echo.Context) error {
	visitor, id, err := actOf(c)
	if err != nil {
		return err
	}
	site := siteOf(c)
	d, err := s.consentDetail(c.Request().Context(), site.ID, visitor, id)
	if err != nil {
		return err
	}
	if err := s.lookedUp(c, site.ID, visitor, id); err != nil {
		return err
	}
	return c.JSON(http.StatusOK, struct {
		apiConsent
		Lock store.Lock `json:"lock,omitempty"` // why the record is in no list
		Acts int        `json:"acts"`           // how many the visitor has made here
	}{newAPIConsent(&d.consentRow), d.Locks[id], len(d.Acts)})
}

// apiProof proves that a record stands in the site's log.
func (s *Server) apiProof(c echo.Context) error {
	visitor, id, err := actOf(c)
	if err != nil {
		return err
	}
	site := siteOf(c)
	at, err := s.locate(c.Request().Context(), site.ID, visitor, id)
	if err != nil {
		return err
	}
	if err := s.lookedUp(c, site.ID, visitor, id); err != nil {
		return err
	}
	return c.JSON(http.StatusOK, struct {
		Seq        int64           `json:"seq"`
		Salt       []byte          `json:"salt"`
		Record     json.RawMessage `json:"record"` // the canonical encoding
		Checkpoint string          `json:"checkpoint"`
		Proof      []ledger.Hash   `json:"proof"`
	}{at.Seq, at.Salt, at.Record.AppendCanonical(nil), at.Checkpoint, noNil(at.Proof)})
}

func (s *Server) apiReceipt(c echo.Context) error {
	visitor, id, err := actOf(c)
	if err != nil {
		return err
	}
	ctx, site := c.Request().Context(), siteOf(c)
	e, err := s.catalog.site(ctx, site.ID)
	if err != nil {
		return err
	}
	if err := s.lookedUp(c, site.ID, visitor, id); err != nil {
		return err
	}
	return s.sendReceipt(c, e, visitor, id.String(), c.QueryParam("format"))
}

// apiExport streams a site's records with their proofs, in the order of the log. after continues behind the entry of that
// number.
func (s *Server) apiExport(c echo.Context) error {
	site, q := siteOf(c), trimmed(c.QueryParams())
	f := store.Filter{Site: site.ID}
	wrong := map[string]string{}
	var ok bool
	if f.From, ok = readDay(q.Get("from")); !ok {
		wrong["from"] = "Write the date as 2026-11-22."
	}
	if f.To, ok = readDay(q.Get("to")); !ok {
		wrong["to"] = "Write the date as 2026-11-22."
	}
	if !f.To.IsZero() {
		f.To = f.To.AddDate(0, 0, 1)
	}
	after := int64(-1)
	if v := q.Get("after"); v != "" {
		var err error
		if after, err = strconv.ParseInt(v, 10, 64); err != nil || after < 0 {
			wrong["after"] = "Give the number of the last entry that you have."
		}
	}
	if len(wrong) > 0 {
		return &consent.Error{Kind: consent.KindInvalid, Code: "bad_filter", Message: "The filter is not right yet.", Fields: wrong}
	}
	if err := s.exported(c, site.ID, "jsonl", q); err != nil {
		return err
	}
	h := c.Response().Header()
	h.Set("Content-Type", "application/jsonl; charset=utf-8")
	h.Set("Content-Disposition", `attachment; filename="samtykke-`+site.ID+`.jsonl"`)
	written := int64(0)
	out := &flushing{&lines{c.Response(), func() { written++ }}, s.extendWrite(c), 0}
	if err := ExportJSONL(c.Request().Context(), s.db, f, after, q.Get("proofs") != "no", out); err != nil {
		return s.cutOff(c, site.ID, "jsonl", written, err)
	}
	if !c.Response().Committed {
		return c.NoContent(http.StatusOK) // nothing has been recorded
	}
	return nil
}

// flushing sends a long answer on, and gives each part of it its own time.
type flushing struct {
	to     http.ResponseWriter
	extend func()
	held   int
}

// flushEvery is how many bytes are sent on together.
const flushEvery = 256 << 10

// Write implements io.Writer.
func (f *flushing) Write(b []byte) (int, error) {
	n, err := f.to.Write(b)
	if f.held += n; f.held >= flushEvery {
		f.held = 0
		f.extend()
	}
	return n, err
}

// statDays is how many days the statistics show where none are named, maxStatDays how many at most.
const (
	statDays    = 30
	maxStatDays = 731
)

// apiCounts are acts by what visitors did.
type apiCounts struct {
	Accepted  int64 `json:"accept_all"`
	Refused   int64 `json:"reject_all"`
	Chosen    int64 `json:"custom"`
	Withdrawn int64 `json:"withdraw"`
}

func (a *apiCounts) add(by map[consent.Action]int64) {
	a.Accepted += by[consent.AcceptAll]
	a.Refused += by[consent.RejectAll]
	a.Chosen += by[consent.Custom]
	a.Withdrawn += by[consent.Withdraw]
}

type apiDay struct {
	Day string `json:"day"`
	apiCounts
}

type apiNoticeCounts struct {
	Notice  consent.Hash `json:"notice"`
	Version int          `json:"version"`
	apiCounts
}

// apiStatistics counts acts by day, notice, language and device: from sums, however many acts there are. Days are UTC.
func (s *Server) apiStatistics(c echo.Context) error {
	ctx, site, q := c.Request().Context(), siteOf(c), c.QueryParams()
	from, to, err := readPeriod(q.Get("from"), q.Get("to"), s.cfg.Now())
	if err != nil {
		return err
	}
	days, err := s.db.Daily(ctx, site.ID, from, to)
	if err != nil {
		return err
	}
	byNotice, err := s.db.DailyByNotice(ctx, site.ID, from, to)
	if err != nil {
		return err
	}
	heads, err := s.db.NoticeHeads(ctx, site.ID)
	if err != nil {
		return err
	}
	out := struct {
		From    string            `json:"from"`
		To      string            `json:"to"`
		Total   apiCounts         `json:"total"`
		Days    []apiDay          `json:"days"`
		Notices []apiNoticeCounts `json:"notices"`

		Languages []apiShare `json:"languages"`
		Devices   []apiShare `json:"devices"`
	}{From: from.Format(time.DateOnly), To: to.AddDate(0, 0, -1).Format(time.DateOnly), Days: []apiDay{}, Notices: []apiNoticeCounts{}}
	if out.Languages, out.Devices, err = s.sharesOf(ctx, site.ID, from, to); err != nil {
		return err
	}
	for _, d := range days {
		day := apiDay{Day: d.Day.Format(time.DateOnly)}
		day.add(d.Counts)
		out.Total.add(d.Counts)
		out.Days = append(out.Days, day)
	}
	for _, h := range heads {
		n := apiNoticeCounts{Notice: h.Hash, Version: h.Version}
		for _, d := range byNotice {
			if d.Notice == h.Hash {
				n.add(d.Counts)
			}
		}
		if n.apiCounts != (apiCounts{}) {
			out.Notices = append(out.Notices, n)
		}
	}
	return c.JSON(http.StatusOK, out)
}

// readPeriod reads days, both included, and returns the first moment and the one after the last.
func readPeriod(from, to string, now time.Time) (first, end time.Time, err error) {
	wrong := map[string]string{}
	end = now.UTC().Truncate(24*time.Hour).AddDate(0, 0, 1)
	if to != "" {
		if end, err = time.Parse(time.DateOnly, to); err != nil {
			wrong["to"] = "Write the date as 2026-11-22."
		}
		end = end.AddDate(0, 0, 1)
	}
	first = end.AddDate(0, 0, -statDays)
	if from != "" {
		if first, err = time.Parse(time.DateOnly, from); err != nil {
			wrong["from"] = "Write the date as 2026-11-22."
		}
	}
	if len(wrong) == 0 && (!first.Before(end) || end.Sub(first) > maxStatDays*24*time.Hour) {
		wrong["to"] = "Choose one day up to two years."
	}
	if len(wrong) > 0 {
		return first, end, &consent.Error{Kind: consent.KindInvalid, Code: "bad_filter", Message: "The filter is not right yet.", Fields: wrong}
	}
	return first, end, nil
}

package server

import (
	"context"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/labstack/echo/v4"

	"samtykke/consent"
	"samtykke/server/dashboard"
	"samtykke/server/store"
)

// consentList is a page of the log.
type consentList struct {
	Rows     []consentRow
	Next     string    // query of the older page; "" at the end
	First    string    // query of the newest page; "" where this is it
	Searched time.Time // how far back was looked where the search is to be continued, else zero
	Export   string    // query of the export with the same filter
	Filtered bool
	Actions  []consent.Action
	Asked    []consent.Category
	Notices  []store.NoticeHead
}

// consentRow is a record and the version of the notice it was given under.
type consentRow struct {
	consent.Record
	Version int
}

func (s *Server) consentsPage(c echo.Context) error {
	v, err := s.siteView(c, "consents")
	if err != nil {
		return err
	}
	ctx := c.Request().Context()
	heads, err := s.db.NoticeHeads(ctx, v.Site.ID)
	if err != nil {
		return err
	}
	q := c.QueryParams()
	d := consentList{
		Actions: consent.Actions[:], Asked: []consent.Category{consent.Preferences, consent.Statistics, consent.Marketing}, Notices: heads,
		Filtered: q.Get("from")+q.Get("to")+q.Get("action")+q.Get("category")+q.Get("notice")+q.Get("visitor") != "",
		Export:   withAfter(q, ""),
	}
	v.Form = &dashboard.Form{Values: trimmed(q)}
	filter, err := readFilter(v.Site.ID, v.Form.Values, heads)
	if err == nil {
		err = s.fillList(ctx, &d, filter, q, heads)
	}
	if err == nil {
		err = s.listed(c, v.Site.ID, v.Form.Values, len(d.Rows))
	}
	v.Data = d
	if err != nil {
		return s.again(c, "consents", v, err)
	}
	return s.show(c, "consents", v)
}

func (s *Server) fillList(ctx context.Context, d *consentList, f store.Filter, q url.Values, heads []store.NoticeHead) error {
	page, err := s.db.Consents(ctx, f)
	if err != nil {
		return err
	}
	d.Rows, d.Searched = withVersions(page.Records, heads), page.Searched
	if page.Next != "" {
		d.Next = withAfter(q, page.Next)
	}
	if f.After != "" {
		d.First = withAfter(q, "")
	}
	return nil
}

func withVersions(records []consent.Record, heads []store.NoticeHead) []consentRow {
	version := map[consent.Hash]int{}
	for _, h := range heads {
		version[h.Hash] = h.Version
	}
	rows := make([]consentRow, len(records))
	for i, r := range records {
		rows[i] = consentRow{r, version[r.Notice]}
	}
	return rows
}

// withAfter is the query of another page of the same filter.
func withAfter(q url.Values, after string) string {
	out := url.Values{}
	for name, values := range q {
		if name != "after" && name != "done" && len(values) > 0 && values[0] != "" {
			out.Set(name, values[0])
		}
	}
	if after != "" {
		out.Set("after", after)
	}
	return "?" + out.Encode()
}

func trimmed(q url.Values) url.Values {
	out := url.Values{}
	for name := range q {
		out.Set(name, strings.TrimSpace(q.Get(name)))
	}
	return out
}

// readFilter reads the log's filter: from and to are Danish days, both included.
func readFilter(site string, q url.Values, heads []store.NoticeHead) (store.Filter, error) {
	f := store.Filter{Site: site, Action: consent.Action(q.Get("action")), Granted: consent.Category(q.Get("category")), After: q.Get("after")}
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
	if len(wrong) == 0 && !f.From.IsZero() && !f.To.IsZero() && !f.From.Before(f.To) {
		wrong["to"] = "The last day can't be before the first."
	}
	if f.Action != "" && f.Action.Number() < 0 {
		wrong["action"] = "Choose an action."
	}
	if f.Granted != "" && !f.Granted.Optional() {
		wrong["category"] = "Choose a category."
	}
	if f.Notice, ok = readVersion(q.Get("notice"), heads); !ok {
		wrong["notice"] = "There is no such notice."
	}
	if id := q.Get("visitor"); id != "" {
		var err error
		if f.Visitor, err = uuid.Parse(id); err != nil {
			wrong["visitor"] = "A visitor's id looks like 0198c2f1-7a52-7cc3-9d41-5b1f3a6e2c90."
		}
	}
	if len(wrong) > 0 {
		return f, &consent.Error{Kind: consent.KindInvalid, Code: "bad_filter", Message: "The filter is not right yet.", Fields: wrong}
	}
	return f, nil
}

func readDay(text string) (time.Time, bool) {
	if text == "" {
		return time.Time{}, true
	}
	t, err := time.ParseInLocation(time.DateOnly, text, dashboard.Zone)
	return t, err == nil
}

func readVersion(text string, heads []store.NoticeHead) (consent.Hash, bool) {
	if text == "" {
		return consent.Hash{}, true
	}
	n, err := strconv.Atoi(text)
	for _, h := range heads {
		if err == nil && h.Version == n {
			return h.Hash, true
		}
	}
	return consent.Hash{}, false
}

// consentDetail is one record with what explains it.
type consentDetail struct {
	consentRow
	State  consent.State // where the visitor stands now
	Now    time.Time
	Acts   []consentRow // all of the visitor's acts here, the newest first
	Notice consent.Notice
	Shown  firstLayer               // what the visitor saw
	Locks  map[uuid.UUID]store.Lock // why acts are withheld, by their ids
	Proof  *actProof                // nil where the record can't be proven any more
}

// consentPage shows one record with the notice that it was given under (R4).
func (s *Server) consentPage(c echo.Context) error {
	v, err := s.siteView(c, "consents")
	v.Deep = true
	if err != nil {
		return err
	}
	visitor, err1 := uuid.Parse(c.Param("visitor"))
	id, err2 := uuid.Parse(c.Param("id"))
	if err1 != nil || err2 != nil {
		return consent.NotFound("no_record", "There is no such record.")
	}
	d, err := s.consentDetail(c.Request().Context(), v.Site.ID, visitor, id)
	if err != nil {
		return err
	}
	if err := s.lookedUp(c, v.Site.ID, visitor, id); err != nil {
		return err
	}
	if d.Proof, err = s.proofOf(c, visitor, id); err != nil {
		return err
	}
	v.Data = d
	if d.Proof != nil {
		allowScript(c, "")
		v.Script = "/assets/" + proofScript().name
	}
	return s.show(c, "record", v)
}

func (s *Server) consentDetail(ctx context.Context, site string, visitor, id uuid.UUID) (consentDetail, error) {
	d := consentDetail{Now: s.cfg.Now()}
	own, err := s.db.OwnActs(ctx, site, visitor)
	if err != nil {
		return d, err
	}
	acts := make([]consent.Record, len(own))
	d.Locks = map[uuid.UUID]store.Lock{}
	for i := range own {
		acts[i] = own[i].Record
		if own[i].Lock != "" {
			d.Locks[acts[i].ID] = own[i].Lock
		}
	}
	heads, err := s.db.NoticeHeads(ctx, site)
	if err != nil {
		return d, err
	}
	d.State = consent.StateOf(acts, d.Now)
	for _, r := range withVersions(acts, heads) {
		d.Acts = append([]consentRow{r}, d.Acts...)
		if r.ID == id {
			d.consentRow = r
		}
	}
	if d.ID == uuid.Nil {
		return d, consent.NotFound("no_record", "There is no such record.")
	}
	if d.Notice, err = s.db.Notice(ctx, d.consentRow.Record.Notice); err != nil {
		return d, err
	}
	d.Shown = newFirstLayer(&d.Notice.Content, d.Language)
	return d, nil
}

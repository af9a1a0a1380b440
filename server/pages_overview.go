package server

import (
	"cmp"
	"context"
	"encoding/json"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/labstack/echo/v4"

	"samtykke/consent"
	"samtykke/server/dashboard"
	"samtykke/server/store"
)

// periods are the days that an overview can show, the usual one first among equals.
var periods = []int{7, 30, 90, 365}

const usualPeriod = 30

// period reads how many days somebody wants to see.
func period(c echo.Context) int {
	if n, err := strconv.Atoi(c.QueryParam("days")); err == nil && slices.Contains(periods, n) {
		return n
	}
	return usualPeriod
}

// trend is what was chosen over a period, as overviews show it.
type trend struct {
	Days    int
	Periods []int
	Chart   dashboard.Chart
	Sum     store.Sum
	Week    store.Sum // the last seven days, today among them
	Before  store.Sum // the seven days before
	Today   store.Sum
}

// Given are the categories with how many of the answers gave them.
func (t trend) Given() (list []part) {
	for _, c := range []consent.Category{consent.Preferences, consent.Statistics, consent.Marketing} {
		list = append(list, part{Key: "category." + string(c), N: t.Sum.Given(c), Of: t.Sum.Answers()})
	}
	return list
}

// part is a share of something, with its name: the key of a text, or words that are the same in each language.
type part struct {
	Key, Name string
	N, Of     int64
	Sum       store.Sum // what it is made of, where that is known
}

// Version is the name as the number of a notice.
func (p part) Version() int {
	n, _ := strconv.Atoi(p.Name) // it was written from one
	return n
}

// newTrend adds up days for the period that ends today.
func newTrend(sums []store.SiteDay, today time.Time, days int) trend {
	t := trend{Days: days, Periods: periods}
	first, counts := today.AddDate(0, 0, 1-days), make([]dashboard.DayCounts, days)
	for i := range counts {
		counts[i] = dashboard.DayCounts{Day: first.AddDate(0, 0, i), Counts: map[consent.Action]int64{}}
	}
	for _, d := range sums {
		ago := int(today.Sub(d.Day) / (24 * time.Hour))
		switch {
		case ago < 0:
			continue
		case ago < 7:
			t.Week.Add(d.Sum)
		case ago < 14:
			t.Before.Add(d.Sum)
		}
		if ago == 0 {
			t.Today.Add(d.Sum)
		}
		if i := days - 1 - ago; i >= 0 {
			t.Sum.Add(d.Sum)
			for _, a := range consent.Actions {
				counts[i].Counts[a] += d.Of(a)
			}
		}
	}
	t.Chart = dashboard.NewChart(dashboard.Weekly(counts))
	return t
}

// today is the day (UTC) that statistics call so.
func (s *Server) today() time.Time { return s.cfg.Now().UTC().Truncate(24 * time.Hour) }

// siteRow is a site in the list of all sites.
type siteRow struct {
	Site consent.Site
	store.SiteHead
	Today, Week, Before store.Sum
	Severe              int  // critical and high findings of the newest scan
	Unscanned           bool // what is published was never scanned
}

// Urgent is how much a site needs somebody: what is urgent stands first.
func (r siteRow) Urgent() int {
	return 8*index(r.Alarms > 0) + 4*index(r.Severe > 0) + 2*index(r.Version == 0) + index(r.Unclassified > 0)
}

// sitesData is the overview of all sites.
type sitesData struct {
	trend
	Rows  []siteRow
	All   int // sites
	Found int // that the search found
	Find  string
	Next  string // query of the next page; "" on the last one
	First string // query of the first page; "" where this is it
	// How many sites have one.
	Alarmed, Severe, Unclassified, Unpublished, Never int
}

// sitesShown is how many sites a page shows.
const sitesShown = 24

func (s *Server) sitesPage(c echo.Context) error {
	ctx := c.Request().Context()
	sites, err := s.sitesOf(ctx, userOf(c))
	if err != nil {
		return err
	}
	d := sitesData{All: len(sites), Find: strings.TrimSpace(c.QueryParam("find"))}
	if err := s.fillSites(ctx, &d, sites, period(c)); err != nil {
		return err
	}
	if find := strings.ToLower(d.Find); find != "" {
		d.Rows = slices.DeleteFunc(d.Rows, func(r siteRow) bool {
			return !strings.Contains(strings.ToLower(r.Site.Name+" "+strings.Join(r.Site.Domains, " ")), find)
		})
	}
	d.Found = len(d.Rows)
	slices.SortStableFunc(d.Rows, func(a, b siteRow) int { return cmp.Compare(b.Urgent(), a.Urgent()) })
	d.turn(c)
	return s.show(c, "sites", dashboard.View{Form: &dashboard.Form{Values: url.Values{"find": {d.Find}}}, Data: d})
}

// turn keeps one page of the sites.
func (d *sitesData) turn(c echo.Context) {
	page, err := strconv.Atoi(c.QueryParam("page"))
	if err != nil || page < 1 || (page-1)*sitesShown >= len(d.Rows) {
		page = 1
	}
	query := func(page int) string {
		q := url.Values{"days": {strconv.Itoa(d.Days)}}
		if page > 1 {
			q.Set("page", strconv.Itoa(page))
		}
		if d.Find != "" {
			q.Set("find", d.Find)
		}
		return "?" + q.Encode()
	}
	if page > 1 {
		d.First = query(1)
	}
	if page*sitesShown < len(d.Rows) {
		d.Next = query(page + 1)
	}
	d.Rows = d.Rows[(page-1)*sitesShown : min(page*sitesShown, len(d.Rows))]
}

func (s *Server) fillSites(ctx context.Context, d *sitesData, sites []consent.Site, days int) error {
	ids, at := make([]string, len(sites)), make(map[string]*siteRow, len(sites))
	d.Rows = make([]siteRow, len(sites))
	for i := range sites {
		ids[i], d.Rows[i].Site = sites[i].ID, sites[i]
		at[sites[i].ID] = &d.Rows[i]
	}
	today := s.today()
	marks, err := s.db.Marks(ctx, ids)
	if err != nil {
		return err
	}
	each, err := s.recentSums(ctx, ids, marks, today.AddDate(0, 0, -13), today.AddDate(0, 0, 1))
	if err != nil {
		return err
	}
	older, err := s.olderSums(ctx, ids, marks, today.AddDate(0, 0, 1-days), today.AddDate(0, 0, -13))
	if err != nil {
		return err
	}
	d.trend = newTrend(append(each, older...), today, days)
	for _, e := range each {
		r := at[e.Site]
		switch ago := today.Sub(e.Day); {
		case ago == 0:
			r.Today.Add(e.Sum)
			r.Week.Add(e.Sum)
		case ago < 7*24*time.Hour:
			r.Week.Add(e.Sum)
		default:
			r.Before.Add(e.Sum)
		}
	}
	heads, err := s.db.SiteHeads(ctx, ids)
	if err != nil {
		return err
	}
	for i := range d.Rows {
		r := &d.Rows[i]
		r.SiteHead = heads[r.Site.ID]
		r.Severe = severe(r.Summary)
		r.Unscanned = r.Version > 0 && !r.ScannedAt.IsZero() && r.ScannedAt.Before(r.ValidFrom)
		d.Alarmed += index(r.Alarms > 0)
		d.Severe += index(r.Severe > 0)
		d.Unclassified += index(r.Unclassified > 0)
		d.Unpublished += index(r.Version == 0)
		d.Never += index(r.ScannedAt.IsZero())
	}
	return nil
}

// severe counts the critical and high findings that a scan's summary tells of.
func severe(summary []byte) int {
	var f scanFacts
	if len(summary) == 0 || json.Unmarshal(summary, &f) != nil {
		return 0
	}
	return f.Findings[consent.Critical] + f.Findings[consent.High]
}

// overview is a site's first page.
type overview struct {
	trend
	SameTime  int64 // acts of the same weekday a week ago, up to the same time
	Languages []part
	Notices   []part
	Devices   []part
	Tag       string // the HTML to paste
	Notice    *consent.Notice
	Changed   bool // the draft differs from what visitors see
	Unscanned bool // what is published was never scanned
	Unsure    int  // unclassified items of the draft
	Ready     bool // nothing but publishing is missing
	Scan      *scanHead
	Alarms    []store.Alarm
	Start     start
	Due       due
}

// scanHead is what the newest finished scan says, as far as its summary tells: reports are long.
type scanHead struct {
	ID    uuid.UUID
	At    time.Time
	Pages int
	Count int // of findings that nobody has accepted
	Worst []worstFinding
}

// More is how many findings stand in the report alone.
func (l *scanHead) More() int { return l.Count - len(l.Worst) }

// scanHead reads the newest finished scan; nil where there is none.
func (s *Server) scanHead(ctx context.Context, site string) (*scanHead, error) {
	jobs, err := s.db.ScanJobs(ctx, site, scansShown)
	i := slices.IndexFunc(jobs, func(j store.ScanJob) bool { return j.State == store.ScanDone })
	if err != nil || i < 0 {
		return nil, err
	}
	l := &scanHead{ID: jobs[i].ID, At: jobs[i].FinishedAt}
	if f := newScanRow(jobs[i]).Facts; f != nil && f.Worst != nil {
		for _, n := range f.Findings {
			l.Count += n
		}
		l.Pages, l.Worst = f.Pages, f.Worst
		return l, nil
	}
	old, err := s.scanSummary(ctx, site) // from before summaries told of findings
	if err != nil || old == nil {
		return nil, err
	}
	l.Pages, l.Count, l.Worst = old.Pages, len(old.Findings), worstOf(old.Findings)
	return l, nil
}

// due is what comes up.
type due struct {
	Expires   *time.Time // when the next consents expire, as far as the counts tell; nil: none that is known
	Expiring  int64      // about how many choices expire within 30 days
	Deleting  int64      // about how many records are deleted within 30 days because their time is over
	Purged    *time.Time // when that was last done
	Late      bool       // it should have been done since
	Review    time.Time
	ReviewNow bool
}

// soon is how far ahead due looks.
const soon = 30

func (s *Server) sitePage(c echo.Context) error {
	v, err := s.siteView(c, "overview")
	if err != nil {
		return err
	}
	if v.Data, err = s.overview(c.Request().Context(), v.Site, period(c)); err != nil {
		return err
	}
	return s.show(c, "site", v)
}

func (s *Server) overview(ctx context.Context, site *consent.Site, days int) (overview, error) {
	o := overview{Tag: Tag(s.cfg.BaseURL, site), Ready: site.Controller.Name != ""}
	items, err := s.db.Items(ctx, site.ID)
	if err != nil {
		return o, err
	}
	o.Unsure = unclassified(items)
	if o.Notice, err = s.currentNotice(ctx, site.ID); err != nil {
		return o, err
	}
	o.Changed = o.Notice != nil && differs(content(site, items), o.Notice.Content)
	if o.Alarms, err = s.db.Alarms(ctx, site.ID); err != nil {
		return o, err
	}
	if o.Scan, err = s.scanHead(ctx, site.ID); err != nil {
		return o, err
	}
	o.Unscanned = o.Notice != nil && o.Scan != nil && o.Scan.At.Before(o.Notice.ValidFrom)
	if o.Start, err = s.startOf(ctx, site, o.Notice, o.Scan != nil); err != nil {
		return o, err
	}
	counts, err := s.countsOf(ctx, site.ID)
	if err != nil {
		return o, err
	}
	if err := s.fillTrend(ctx, &o, &counts, days); err != nil {
		return o, err
	}
	o.Due, err = s.dueOf(ctx, site, o.Notice, &counts)
	return o, err
}

func (s *Server) fillTrend(ctx context.Context, o *overview, counts *siteCounts, days int) error {
	now, today := s.cfg.Now(), counts.today
	sums, err := counts.sums(ctx, today.AddDate(0, 0, -max(days-1, 13)), today.AddDate(0, 0, 1))
	if err != nil {
		return err
	}
	o.trend = newTrend(sums, today, days)
	if o.SameTime, err = s.db.ActsSince(ctx, counts.site, today.AddDate(0, 0, -7), now.AddDate(0, 0, -7)); err != nil {
		return err
	}
	devices, err := readCounts(ctx, counts, "devices", today.AddDate(0, 0, 1-days), today.AddDate(0, 0, 1), s.db.Devices)
	if err != nil {
		return err
	}
	o.Devices = partsOfDevices(devices)
	shares, err := readCounts(ctx, counts, "shares", today.AddDate(0, 0, 1-days), today.AddDate(0, 0, 1), s.db.Shares)
	o.Languages = partsBy(shares, func(s *store.Share) string { return s.Language })
	o.Notices = partsBy(shares, func(s *store.Share) string {
		if s.Version == 0 {
			return ""
		}
		return strconv.Itoa(s.Version)
	})
	slices.SortFunc(o.Notices, func(a, b part) int {
		return cmp.Or(cmp.Compare(len(b.Name), len(a.Name)), cmp.Compare(b.Name, a.Name)) // numbers, the newest first
	})
	return err
}

// partsBy adds up shares by one of the things that are counted, the largest first. What is no longer known has no name.
func partsBy(shares []store.Share, name func(*store.Share) string) (list []part) {
	var all int64
	for i := range shares {
		s := &shares[i]
		all += s.N
		k := slices.IndexFunc(list, func(p part) bool { return p.Name == name(s) })
		if k < 0 {
			k = len(list)
			list = append(list, part{Name: name(s)})
		}
		list[k].N += s.N
		list[k].Sum.Add(store.NewSum(s.Action, s.N))
	}
	for i := range list {
		list[i].Of = all
	}
	slices.SortStableFunc(list, func(a, b part) int { return cmp.Compare(b.N, a.N) })
	return list
}

// partsOfDevices are what was done on each kind of device, the most frequent first.
func partsOfDevices(sums []store.DeviceSum) (list []part) {
	for _, d := range sums {
		k := slices.IndexFunc(list, func(p part) bool { return p.Name == d.Device.String() })
		if k < 0 {
			k = len(list)
			list = append(list, part{Name: d.Device.String()})
		}
		list[k].N += d.Acts()
		list[k].Sum.Add(d.Sum)
	}
	slices.SortStableFunc(list, func(a, b part) int { return cmp.Compare(b.N, a.N) })
	return list
}

// dueOf estimates from the counts of days what expires and what is deleted soon: many who chose then have chosen again since, so
// that it is at most so many.
func (s *Server) dueOf(ctx context.Context, site *consent.Site, n *consent.Notice, counts *siteCounts) (d due, err error) {
	now, today := s.cfg.Now(), counts.today
	d.Review = site.ReviewDue()
	d.ReviewNow = !now.Before(d.Review)
	validity := site.Banner.Validity()
	if n != nil {
		validity = n.Content.Banner.Validity()
	}
	made := today.Add(-validity)
	sums, err := counts.sums(ctx, made, today.AddDate(0, 0, 1))
	if err != nil {
		return d, err
	}
	for _, day := range sums {
		if day.Answers() == 0 {
			continue
		}
		if at := day.Day.Add(validity); d.Expires == nil {
			d.Expires = &at
		}
		if day.Day.Before(made.AddDate(0, 0, soon)) {
			d.Expiring += day.Answers()
		}
	}
	months := site.Retention.Months()
	for _, kind := range []struct {
		from time.Time
		of   func(*store.Sum) int64
	}{
		{today.AddDate(0, -months.Refusal, 0), func(s *store.Sum) int64 { return s.RejectAll + s.Withdraw }},
		{made.AddDate(0, -months.Consent, 0), func(s *store.Sum) int64 { return s.AcceptAll + s.Custom }},
	} {
		sums, err := counts.sums(ctx, kind.from, kind.from.AddDate(0, 0, soon))
		if err != nil {
			return d, err
		}
		for i := range sums {
			d.Deleting += kind.of(&sums[i].Sum)
		}
	}
	purges, err := s.db.Purges(ctx, site.ID, purgesShown)
	if i := slices.IndexFunc(purges, func(p store.Purged) bool { return !p.Dry }); i >= 0 {
		d.Purged = &purges[i].At
		d.Late = now.Sub(purges[i].At) > 2*purgeEvery
	}
	return d, err
}

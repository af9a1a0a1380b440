package server

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/labstack/echo/v4"

	"samtykke/consent"
	"samtykke/scanner/judgement"
	"samtykke/scanner/report"
	"samtykke/server/dashboard"
	"samtykke/server/store"
)

// itemsData is the editor of a site's declaration.
type itemsData struct {
	Groups     []formGroup
	Count      int
	Unsure     int // unclassified items
	New        itemForm
	Languages  []string
	Kinds      []consent.ItemKind
	Categories []consent.Category
	Units      []string
	Scan       *scanSummary
	ScanError  string // what is wrong with an uploaded report
	Bulk       *dashboard.Form
	Served     servedDeclaration
}

// formGroup is a category of the editor.
type formGroup struct {
	Category consent.Category
	Items    []itemForm
}

// itemForm is one entry with its form.
type itemForm struct {
	consent.Item
	Key  string     // names the entry, as it is stored
	New  *time.Time // it isn't published yet, and scans have seen it since then
	Gone *time.Time // the last scan didn't see it, and this is when one last did
	Hand bool       // no scan has ever seen it
	Form *dashboard.Form
	Open bool // it is shown unfolded: something in it is wrong
}

// itemKey names an entry within a declaration. A place in the list would change under somebody else's hands.
func itemKey(i *consent.Item) string {
	return url.QueryEscape(string(i.Kind)) + "&" + url.QueryEscape(i.Name) + "&" + url.QueryEscape(strings.TrimPrefix(i.Host, "."))
}

func (s *Server) itemsPage(c echo.Context) error {
	v, err := s.siteView(c, "declaration")
	if err != nil {
		return err
	}
	d, err := s.itemsData(c.Request().Context(), v.Site)
	if err != nil {
		return err
	}
	v.Data = d
	return s.showItems(c, http.StatusOK, v)
}

func (s *Server) itemsData(ctx context.Context, site *consent.Site) (itemsData, error) {
	items, err := s.db.Items(ctx, site.ID)
	if err != nil {
		return itemsData{}, err
	}
	d := itemsData{
		Count: len(items), Unsure: unclassified(items), Languages: site.Banner.Languages, Units: dashboard.Units(),
		Kinds:      []consent.ItemKind{consent.Cookie, consent.LocalStorage, consent.SessionStorage, consent.IndexedDB, consent.CacheStorage, consent.ServiceWorker},
		Categories: slices.Concat([]consent.Category{consent.Unclassified}, consent.Categories()),
	}
	n := 0
	for _, g := range grouped(items) {
		group := formGroup{Category: g.Category}
		for _, it := range g.Items {
			n++
			group.Items = append(group.Items, newItemForm(it, "i"+strconv.Itoa(n)+"-"))
		}
		d.Groups = append(d.Groups, group)
	}
	d.Bulk, d.Served = &dashboard.Form{Values: url.Values{}, Prefix: "bulk-"}, served(site, s.cfg.BaseURL)
	d.New = newItemForm(consent.Item{Kind: consent.Cookie, Party: consent.FirstParty, Category: consent.Unclassified}, "new-")
	d.New.Key = ""
	if d.Scan, err = s.scanSummary(ctx, site.ID); err != nil || d.Scan == nil {
		return d, err
	}
	return d, s.flagItems(ctx, site.ID, d.Groups)
}

// flagItems marks entries that are new since the last notice, and those that scans no longer see.
func (s *Server) flagItems(ctx context.Context, site string, groups []formGroup) error {
	seen, err := s.db.Sightings(ctx, site)
	if err != nil {
		return err
	}
	complete, err := s.lastComplete(ctx, site)
	if err != nil {
		return err
	}
	published := map[string]bool{}
	if n, err := s.currentNotice(ctx, site); err != nil {
		return err
	} else if n != nil {
		published = itemKeys(n.Content.Items)
	}
	for g := range groups {
		for i := range groups[g].Items {
			it := &groups[g].Items[i]
			first, last := sighted(&it.Item, seen)
			if !first.IsZero() && !published[it.Key] {
				it.New = &first
			}
			it.Hand = last.IsZero()
			if !last.IsZero() && last.Before(complete) {
				it.Gone = &last
			}
		}
	}
	return nil
}

// sighted is when scans first and last saw what an entry stands for; zero where none did.
func sighted(it *consent.Item, seen []store.Sighting) (first, last time.Time) {
	for _, k := range seen {
		if !covers(it, &consent.Item{Kind: k.Kind, Name: k.Name, Host: k.Host}) {
			continue
		}
		if first.IsZero() || k.First.Before(first) {
			first = k.First
		}
		if k.Last.After(last) {
			last = k.Last
		}
	}
	return first, last
}

// lastComplete is when a scan last reached the state in which everything is allowed; zero where none did. What another scan
// doesn't see may be there all the same.
func (s *Server) lastComplete(ctx context.Context, site string) (time.Time, error) {
	jobs, err := s.db.ScanJobs(ctx, site, scansShown)
	for _, j := range jobs {
		if row := newScanRow(j); j.State == store.ScanDone && row.Facts != nil && row.Facts.Complete {
			return j.FinishedAt, err
		}
	}
	return time.Time{}, err
}

func newItemForm(it consent.Item, prefix string) itemForm {
	count, unit := dashboard.SplitLifetime(it.Lifetime)
	v := url.Values{}
	for name, value := range map[string]string{
		"kind": string(it.Kind), "name": it.Name, "host": it.Host, "party": it.Party, "category": string(it.Category), "provider": it.Provider,
		"country": it.Country, "lifetime_unit": unit,
	} {
		v.Set(name, value)
	}
	if count > 0 {
		v.Set("lifetime", strconv.FormatInt(count, 10))
	}
	if it.JointController {
		v.Set("joint", "yes")
	}
	for lang, text := range it.Purpose {
		v.Set("purpose."+lang, text)
	}
	for lang, text := range it.Reason {
		v.Set("reason."+lang, text)
	}
	return itemForm{Item: it, Key: itemKey(&it), Form: &dashboard.Form{Values: v, Prefix: prefix}}
}

// changeItems adds, changes or deletes one entry.
func (s *Server) changeItems(c echo.Context) error {
	f, err := readForm(c)
	if err != nil {
		return err
	}
	v, err := s.siteView(c, "declaration")
	if err != nil {
		return err
	}
	var done string
	err = s.db.EditItems(c.Request().Context(), v.Site.ID, func(items []consent.Item) (list []consent.Item, err error) {
		if f.Get("op") == "classify" {
			list, done, err = classified(items, f, v.Site.Banner.Languages)
		} else {
			list, done, err = edited(items, f)
		}
		return list, err
	}, s.deed(c, "items_changed", v.Site.ID))
	if err != nil {
		return s.itemsAgain(c, v, f, err)
	}
	return seeOther(c, "/sites/"+v.Site.ID+"/declaration?done="+done)
}

// edited applies a form to the list: the entry named by key is replaced or deleted; without a key it is a new one.
func edited(items []consent.Item, f *dashboard.Form) (list []consent.Item, done string, err error) {
	key := f.Get("key")
	at := slices.IndexFunc(items, func(i consent.Item) bool { return itemKey(&i) == key })
	if key != "" && at < 0 {
		return nil, "", consent.NotFound("no_item", "The entry is not in the declaration any more.")
	}
	if f.Get("op") == "delete" && at >= 0 {
		return slices.Delete(slices.Clone(items), at, at+1), "item_deleted", nil
	}
	it, err := readItem(f)
	if err != nil {
		return nil, "", err
	}
	other := slices.IndexFunc(items, func(i consent.Item) bool { return itemKey(&i) == itemKey(&it) })
	if other >= 0 && other != at {
		return nil, "", wrongField("bad_item", "The entry is not right yet.", "name", "The declaration has an entry with this kind, name and host.")
	}
	list = slices.Clone(items)
	if at < 0 {
		return append(list, it), "item_added", nil
	}
	keepUnshown(it.Purpose, list[at].Purpose, "purpose.", f)
	if it.Category == consent.Necessary {
		it.Reason = keepUnshown(it.Reason, list[at].Reason, "reason.", f)
	}
	list[at] = it
	return list, "item_saved", nil
}

// keepUnshown keeps the words in languages that the form doesn't show.
func keepUnshown(now, before map[string]string, prefix string, f *dashboard.Form) map[string]string {
	for lang, text := range before {
		if _, shown := f.Values[prefix+lang]; !shown {
			if now == nil {
				now = map[string]string{}
			}
			now[lang] = text
		}
	}
	return now
}

func readItem(f *dashboard.Form) (consent.Item, error) {
	it := consent.Item{
		Kind: consent.ItemKind(f.Get("kind")), Name: f.Get("name"), Host: strings.ToLower(f.Get("host")), Party: f.Get("party"),
		Category: consent.Category(f.Get("category")), Provider: f.Get("provider"), Country: strings.ToUpper(f.Get("country")),
		JointController: f.Get("joint") == "yes",
		Purpose:         inLanguages(f, "purpose."), Reason: inLanguages(f, "reason."),
	}
	var ok bool
	var err error
	if it.Lifetime, ok = dashboard.JoinLifetime(f.Get("lifetime"), f.Get("lifetime_unit")); !ok {
		err = wrongField("bad_item", "The entry is not right yet.", "lifetime", "Give a whole number of at most 100 years.")
	}
	if it.Category != consent.Necessary || len(it.Reason) == 0 {
		it.Reason = nil
	}
	return it, together(it.Validate(), err)
}

func inLanguages(f *dashboard.Form, prefix string) map[string]string {
	texts := map[string]string{}
	for name, values := range f.Values {
		if lang, ok := strings.CutPrefix(name, prefix); ok && values[0] != "" {
			texts[lang] = values[0]
		}
	}
	return texts
}

// itemsAgain shows the editor with one entry unfolded: what was typed into it and what is wrong.
func (s *Server) itemsAgain(c echo.Context, v dashboard.View, f *dashboard.Form, err error) error {
	var e *consent.Error
	if !errors.As(err, &e) || e.Kind != consent.KindInvalid {
		return err
	}
	d, err := s.itemsData(c.Request().Context(), v.Site)
	if err != nil {
		return err
	}
	refuse := func(i *itemForm) {
		i.Open = true
		f.Prefix, f.Message, f.Errors = i.Form.Prefix, e.Message, e.Fields
		i.Form = f
	}
	if f.Get("op") == "classify" {
		f.Prefix, f.Message, f.Errors = d.Bulk.Prefix, e.Message, e.Fields
		d.Bulk = f
	} else if key := f.Get("key"); key == "" {
		refuse(&d.New)
	} else {
		for g := range d.Groups {
			for i := range d.Groups[g].Items {
				if d.Groups[g].Items[i].Key == key {
					refuse(&d.Groups[g].Items[i])
				}
			}
		}
	}
	v.Data, v.Form = d, f
	return s.showItems(c, status[e.Kind], v)
}

// importScan keeps an uploaded report of a scan and adds what it found to the draft of the declaration.
func (s *Server) importScan(c echo.Context) error {
	v, err := s.siteView(c, "declaration")
	if err != nil {
		return err
	}
	raw, report, err := readScan(c, v.Site)
	if err != nil {
		return s.scanAgain(c, v, err)
	}
	if err := s.keepScan(c, v.Site.ID, raw, &report); err != nil {
		return err
	}
	return seeOther(c, "/sites/"+v.Site.ID+"/declaration?done=scan_imported")
}

// keepScan stores the report of a scan that was made elsewhere, and adds what it found to the draft of the declaration.
func (s *Server) keepScan(c echo.Context, site string, raw []byte, report *judgement.Report) error {
	ctx, found := c.Request().Context(), report.Draft()
	accepted, err := s.db.Accepted(ctx, site)
	if err != nil {
		return err
	}
	summary, err := json.Marshal(factsOf(report, nil, accepted))
	if err != nil {
		return err
	}
	err = s.db.AddScan(ctx, site, store.Scan{By: whoOf(c), At: report.FinishedAt, Report: raw, Summary: summary, Seen: sightingsOf(report)},
		func(items []consent.Item) ([]consent.Item, error) { return merged(items, found), nil }, s.deed(c, "scan_imported", site))
	if err != nil {
		return err
	}
	return s.catalog.refresh(ctx)
}

// formOverhead is what a form may add around an uploaded file.
const formOverhead = 64 << 10

// readScan reads the file of the form. A report about another website is refused: its cookies are not this site's.
func readScan(c echo.Context, site *consent.Site) ([]byte, judgement.Report, error) {
	r := c.Request()
	r.Body = http.MaxBytesReader(c.Response(), r.Body, report.MaxBytes+formOverhead)
	file, _, err := r.FormFile("report")
	if err != nil {
		var tooLarge *http.MaxBytesError
		if errors.As(err, &tooLarge) {
			return nil, judgement.Report{}, err
		}
		return nil, judgement.Report{}, consent.Invalid("no_file", "Choose the file of a scan.")
	}
	defer file.Close()
	raw, err := io.ReadAll(file)
	if err != nil {
		return nil, judgement.Report{}, err
	}
	report, err := checkScan(raw, site)
	return raw, report, err
}

// checkScan reads a report.
func checkScan(raw []byte, site *consent.Site) (scan judgement.Report, err error) {
	if !utf8.Valid(raw) {
		return scan, consent.Invalid("bad_report", "This is not the JSON of a scan report.")
	}
	scan, err = report.Read(bytes.NewReader(raw))
	if err != nil {
		return scan, err
	}
	u, err := url.Parse(scan.URL)
	if err != nil || !site.AllowsOrigin(u.Scheme+"://"+u.Host) {
		return scan, consent.Invalid("foreign_scan", "The scan is of another website. Add its domain to the website first.")
	}
	return scan, nil
}

// scanAgain shows the editor with what is wrong with the file.
func (s *Server) scanAgain(c echo.Context, v dashboard.View, err error) error {
	var e *consent.Error
	if !errors.As(err, &e) {
		return err
	}
	d, err := s.itemsData(c.Request().Context(), v.Site)
	if err != nil {
		return err
	}
	d.ScanError = e.Message
	v.Data, v.Form = d, &dashboard.Form{Message: "The scan was not read."}
	return s.showItems(c, status[e.Kind], v)
}

// merged adds what a scan found to a declaration. What the owner has written stays; only where the owner hasn't
// decided yet does the scan's knowledge fill in.
func merged(items, found []consent.Item) []consent.Item {
	list := slices.Clone(items)
	for _, f := range found {
		at := slices.IndexFunc(list, func(i consent.Item) bool { return covers(&i, &f) })
		switch {
		case at < 0:
			list = append(list, f)
		case list[at].Category == consent.Unclassified && f.Category != consent.Unclassified:
			f.Name, f.Host = list[at].Name, list[at].Host
			if f.Purpose = maps.Clone(f.Purpose); f.Purpose == nil {
				f.Purpose = map[string]string{}
			}
			maps.Copy(f.Purpose, list[at].Purpose)
			list[at] = f
		}
	}
	return list
}

// covers says whether a declared entry stands for a found one.
func covers(declared, found *consent.Item) bool {
	return declared.Kind == found.Kind && (declared.Name == found.Name || declared.Matches(found.Name)) &&
		strings.TrimPrefix(declared.Host, ".") == strings.TrimPrefix(found.Host, ".")
}

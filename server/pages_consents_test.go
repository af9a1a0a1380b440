package server_test

import (
	"bytes"
	"encoding/csv"
	"errors"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
	"golang.org/x/net/html"

	"samtykke/consent"
	"samtykke/server"
	"samtykke/server/store/storetest"
)

// shown reads the ids of the acts that a page of the log links to, in its order.
func (a answer) shown() []string {
	var ids []string
	for _, th := range a.find(func(n *html.Node) bool { return n.Data == "th" && attrOf(n, "scope") == "row" }) {
		for n := range th.Descendants() {
			if n.Data == "a" {
				ids = append(ids, attrOf(n, "href")[strings.LastIndex(attrOf(n, "href"), "/")+1:])
			}
		}
	}
	return ids
}

// newest gives the ids of the records that fit, the newest first.
func newest(records []consent.Record, fits func(consent.Record) bool) []string {
	var ids []string
	for _, r := range slices.SortedStableFunc(slices.Values(records), func(a, b consent.Record) int { return b.At.Compare(a.At) }) {
		if fits(r) {
			ids = append(ids, r.ID.String())
		}
	}
	return ids
}

func TestConsents_AreFiltered(t *testing.T) {
	o := newOffice(t)
	first, err := o.db.CurrentNotice(t.Context(), siteID)
	o.check(err)
	var all []consent.Record
	for k := range 20 {
		r := storetest.Record(first, k, consent.Actions[k%2])
		// Around the Danish midnight between 20 and 21 November, 23:00 UTC.
		r.At = time.Date(2026, 11, 20, 22, 55, 0, 0, time.UTC).Add(time.Duration(k) * time.Minute)
		all = append(all, r)
	}
	o.record(all...)
	o.publish("Ny")
	late := storetest.Record(o.notice, 100, consent.Custom)
	late.Categories.Given, late.At = consent.SetOf(consent.Marketing), storetest.Day
	o.record(late)
	all = append(all, late)
	midnight := time.Date(2026, 11, 20, 23, 0, 0, 0, time.UTC)
	for query, fits := range map[string]func(consent.Record) bool{
		"":                                 func(consent.Record) bool { return true },
		"action=accept_all":                func(r consent.Record) bool { return r.Action == consent.AcceptAll },
		"category=marketing":               func(r consent.Record) bool { return r.Categories.Given.Has(consent.Marketing) },
		"notice=2":                         func(r consent.Record) bool { return r.Notice == o.notice.Hash },
		"visitor=" + late.Visitor.String(): func(r consent.Record) bool { return r.Visitor == late.Visitor },
		"from=2026-11-21":                  func(r consent.Record) bool { return !r.At.Before(midnight) },
		"to=2026-11-20":                    func(r consent.Record) bool { return r.At.Before(midnight) },
		"from=2026-11-21&to=2026-11-21":    func(r consent.Record) bool { return !r.At.Before(midnight) && r.ID != late.ID },
		"from=2026-11-21&action=reject_all&category=&notice=1&visitor=": func(r consent.Record) bool {
			return !r.At.Before(midnight) && r.Action == consent.RejectAll
		},
		"to=2019-01-01": func(consent.Record) bool { return false },
	} {
		t.Run(query, func(t *testing.T) {
			want := newest(all, fits)
			a := o.get(consent.Auditor, "/sites/"+siteID+"/consents?"+query).wants(t, http.StatusOK)
			if d := cmp.Diff(want, a.shown()); d != "" {
				t.Errorf("page (-want +got):\n%s", d)
			}
			var ids []string
			for _, line := range o.export(t, "?"+query)[1:] {
				ids = append(ids, line[0])
			}
			if d := cmp.Diff(want, ids); d != "" {
				t.Errorf("CSV (-want +got):\n%s", d)
			}
		})
	}
}

func TestConsents_RefuseABadFilterBesideTheField(t *testing.T) {
	o := newOffice(t)
	for query, field := range map[string]string{
		"from=22.11.2026": "from", "to=2026-13-01": "to", "from=2026-11-22&to=2026-11-21": "to", "action=maybe": "action", "category=necessary": "category",
		"notice=9": "notice", "notice=x": "notice", "visitor=x": "visitor",
	} {
		a := o.get(consent.Owner, "/sites/"+siteID+"/consents?"+query).wants(t, http.StatusBadRequest)
		wrong := a.find(func(n *html.Node) bool { return attrOf(n, "aria-invalid") == "true" })
		if len(wrong) != 1 || attrOf(wrong[0], "name") != field || len(a.all("table")) != 0 {
			t.Errorf("%s marks %v", query, wrong)
		}
		o.get(consent.Owner, "/sites/"+siteID+"/consents.csv?"+query).wants(t, http.StatusBadRequest)
	}
	o.get(consent.Owner, "/sites/"+siteID+"/consents?after=nonsense").wants(t, http.StatusBadRequest)
}

// The pages show every record once, by following the links, with a filter that stays.
func TestConsents_ArePagedByKey(t *testing.T) {
	o := newOffice(t).furnish()
	accepted := newest(o.records, func(r consent.Record) bool { return r.Action == consent.AcceptAll })
	address, seen, pages := "/sites/"+siteID+"/consents?action=accept_all", []string{}, 0
	for address != "" && pages < 10 {
		a := o.get(consent.Owner, address).wants(t, http.StatusOK)
		seen = append(seen, a.shown()...)
		if pages++; pages > 1 {
			first := a.find(func(n *html.Node) bool { return n.Data == "a" && strings.Contains(text(n), "Til de nyeste") })
			if len(first) != 1 || attrOf(first[0], "href") != "?action=accept_all" {
				t.Error("no way back to the newest")
			}
		}
		address = ""
		if next := a.all("a", "rel", "next"); len(next) == 1 {
			address = "/sites/" + siteID + "/consents" + attrOf(next[0], "href")
		}
	}
	slices.Sort(accepted)
	slices.Sort(seen)
	if d := cmp.Diff(accepted, seen); d != "" || pages != 2 {
		t.Errorf("%d pages (-want +got):\n%s", pages, d)
	}
}

// export reads a CSV with its header.
func (o *office) export(t *testing.T, query string) [][]string {
	t.Helper()
	a := o.get(consent.Auditor, "/sites/"+siteID+"/consents.csv"+query).wants(t, http.StatusOK)
	if got := a.Header().Get("Content-Type"); got != "text/csv; charset=utf-8" {
		t.Errorf("type %q", got)
	}
	if got := a.Header().Get("Content-Disposition"); got != `attachment; filename="samtykke-fjordfletvaerk.csv"` {
		t.Errorf("disposition %q", got)
	}
	lines, err := csv.NewReader(a.Body).ReadAll()
	o.check(err)
	return lines
}

// H14: the export holds every record, its columns as documented, whole and in order.
func TestExport_HoldsThreeThousandRecords(t *testing.T) {
	o := newOffice(t)
	n, err := o.db.CurrentNotice(t.Context(), siteID)
	o.check(err)
	var all []consent.Record
	for k := range 3000 {
		all = append(all, storetest.Record(n, k, consent.Actions[k%2]))
	}
	o.record(all...)
	lines := o.export(t, "")
	header := "id,visitor,at,action,preferences,statistics,marketing,language,method,notice,notice_version,valid_until,path,cleared,remaining,refused"
	if strings.Join(lines[0], ",") != header {
		t.Errorf("header %v", lines[0])
	}
	if len(lines) != 3001 {
		t.Fatalf("%d lines", len(lines))
	}
	r := all[2999]
	want := []string{
		r.ID.String(), r.Visitor.String(), "2026-11-24T11:29:00.000Z", "reject_all", "false", "false", "false", "da", "banner",
		n.Hash.String(), "1", "2027-11-24T11:29:00.000Z", "", "", "", "",
	}
	if d := cmp.Diff(want, lines[1]); d != "" {
		t.Error(d)
	}
	if lines[3000][0] != all[0].ID.String() {
		t.Error("the oldest isn't last")
	}
}

// What a stranger sends must not run in the owner's spreadsheet.
func TestExport_HoldsNoFormulas(t *testing.T) {
	o := newOffice(t)
	n, err := o.db.CurrentNotice(t.Context(), siteID)
	o.check(err)
	names := []string{"=1+1", "+1", "-1", "@SUM(A1)", "plain", `a"b,c`}
	for k, name := range names {
		r := storetest.Record(n, k, consent.Withdraw)
		r.Path, r.Cleared, r.Remaining = `/a,"b"`, []string{name, "x"}, []string{name}
		o.record(r)
	}
	for i, line := range o.export(t, "")[1:] {
		name := names[len(names)-1-i]
		if i >= 2 {
			name = "'" + name
		}
		if line[12] != `/a,"b"` || line[13] != name+" x" || line[14] != name {
			t.Errorf("line %s: %q", strconv.Itoa(i), line)
		}
	}
}

// R2, R4, H7: one record with all its fields, the visitor's state and the notice that it was given under.
func TestConsentPage_ShowsTheRecordAndItsNotice(t *testing.T) {
	o := newOffice(t).furnish()
	old, first := o.notice, o.records[0]
	o.site.Banner.Texts = map[string]map[string]string{"da": {"title": "Noget helt andet"}}
	o.check(o.db.UpdateSite(t.Context(), o.site))
	o.publish("Anden overskrift")
	later := storetest.Record(o.notice, 500, consent.Withdraw)
	later.Visitor, later.At, later.Language = first.Visitor, storetest.Day.Add(time.Hour), "en"
	later.Cleared, later.Path = []string{"_tl_id"}, "/kurve"
	o.record(later)
	o.now = o.now.Add(2 * time.Hour)
	o.addSession(consent.Auditor)

	path := "/sites/" + siteID + "/consents/" + first.Visitor.String() + "/"
	a := o.get(consent.Auditor, path+first.ID.String()).wants(t, http.StatusOK)
	page := text(a.all("main")[0])
	for _, want := range []string{
		first.ID.String(), first.Visitor.String(), "22. nov. 2026 kl. 10.30.00", "22. november 2027 kl. 10.30", old.Hash.String(), "Nr. 3", "Må vi bruge cookies?",
		"Fjord & Fletværk ApS bruger cookies", "2 tredjeparter", "“Skift samtykke”", "Præferencer : ja", "Marketing : ja", "3 valg fra den besøgende", "Har sagt nej til alt.",
	} {
		if !strings.Contains(page, want) {
			t.Errorf("the page lacks %q", want)
		}
	}
	if strings.Contains(page, "Noget helt andet") || strings.Contains(page, "{") {
		t.Error("the page shows another notice's texts, or a placeholder")
	}
	if got := attrOf(a.all("time")[0], "datetime"); got != "2026-11-22T09:30:00.000Z" {
		t.Errorf("datetime %q", got)
	}
	a = o.get(consent.Auditor, path+later.ID.String()).wants(t, http.StatusOK)
	page = text(a.all("main")[0])
	for _, want := range []string{"May we use cookies?", "_tl_id", "/kurve", "Marketing : nej", o.notice.Hash.String()} {
		if !strings.Contains(page, want) {
			t.Errorf("the withdrawal's page lacks %q", want)
		}
	}
	if got := attrOf(a.all("figure")[0], "lang"); got != "en" {
		t.Errorf("the quoted texts are in %q", got)
	}
	o.now = o.now.AddDate(2, 0, 0) // T4, and the session with it
	o.addSession(consent.Auditor)
	if got := text(o.get(consent.Auditor, path+first.ID.String()).all("main")[0]); !strings.Contains(got, "Intet valg gælder længere.") {
		t.Error("an expired choice still counts")
	}
	for _, wrong := range []string{path + "x", path + uuid.NewString(), "/sites/" + siteID + "/consents/x/" + first.ID.String()} {
		o.get(consent.Auditor, wrong).wants(t, http.StatusNotFound)
	}
}

// A failure half-way is told, so that half a file can't pass for a whole one; the rest is sent on as it is read.
func TestWriteCSV_FailsWithItsRecords(t *testing.T) {
	n := storetest.Notice(consent.Site{ID: siteID, Banner: consent.DefaultBanner()}, 1)
	broken := errors.New("the database went away")
	records := func(yield func(consent.Record, error) bool) {
		for k := range 2500 {
			if !yield(storetest.Record(n, k, consent.AcceptAll), nil) {
				return
			}
		}
		yield(consent.Record{}, broken)
	}
	var out bytes.Buffer
	var sent []int
	err := server.WriteCSV(&out, records, nil, func() { sent = append(sent, strings.Count(out.String(), "\n")) })
	if !errors.Is(err, broken) {
		t.Errorf("error %v", err)
	}
	if d := cmp.Diff([]int{1001, 2001}, sent); d != "" {
		t.Errorf("lines sent (-want +got):\n%s", d)
	}
}

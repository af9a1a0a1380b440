package server_test

import (
	"archive/zip"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/google/uuid"

	"samtykke/consent"
	"samtykke/scanner"
	"samtykke/scanner/judgement"
	"samtykke/server"
	"samtykke/server/ledger"
	"samtykke/server/store"
)

// robot is a program with a token of an organisation.
type robot struct {
	*office
	*contract
	secret string
}

// newRobot makes a token. Of no sites it is for all.
func (o *office) newRobot(k *contract, org string, scopes []store.Scope, sites ...string) *robot {
	o.t.Helper()
	r := &robot{o, k, "smt_" + uuid.NewString()}
	hash := sha256.Sum256([]byte(r.secret))
	o.check(o.db.AddToken(context.Background(), store.Token{
		Org: consent.Organisation{ID: org}, Name: "Nattens udtræk", Scopes: scopes, Sites: sites, By: "owner@fjord.example", At: o.now, Expires: o.now.AddDate(1, 0, 0),
	}, hash[:]))
	return r
}

// scanOffice is an office that could scan, whose domain is proven, and of which no request leaves the machine.
func scanOffice(t testing.TB) *office {
	o := newOffice(t, func(c *server.Config) {
		c.Scan = func(context.Context, string, scanner.Options) (judgement.Report, error) { return officeScan(), nil }
		c.Fetch = &http.Client{Transport: silence{}}
		c.LookupTXT = func(context.Context, string) ([]string, error) { return nil, errors.New("no such host") }
	}).furnish()
	o.check(o.db.SetDomain(t.Context(), siteID, store.Domain{Name: siteID + ".example", Method: store.ProofDNS, ProvenAt: o.now, CheckedAt: o.now}))
	return o
}

// silence is a network on which nobody answers.
type silence struct{}

func (silence) RoundTrip(*http.Request) (*http.Response, error) { return nil, errors.New("no answer") }

// call asks for something and holds what was asked and answered against the document. A body is JSON.
func (r *robot) call(t testing.TB, want int, method, path string, body any, headers ...string) answer {
	t.Helper()
	var sent []byte
	if body != nil {
		sent = mustJSON(body)
	}
	q := httptest.NewRequest(method, path, bytes.NewReader(sent))
	if body != nil {
		q.Header.Set("Content-Type", "application/json")
	}
	if r.secret != "" {
		q.Header.Set("Authorization", "Bearer "+r.secret)
	}
	for i := 0; i < len(headers); i += 2 {
		q.Header.Set(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	r.ServeHTTP(w, q)
	a := answer{ResponseRecorder: w}
	a.wants(t, want)
	if w.Code != http.StatusNotModified {
		r.contract.check(t, q, sent, w)
	}
	if w.Header().Get("Access-Control-Allow-Origin") != "" || w.Header().Get("Set-Cookie") != "" {
		t.Errorf("%s %s: %v", method, path, w.Header())
	}
	return a
}

// read takes an answer apart.
func (a answer) read(t testing.TB, into any) {
	t.Helper()
	if err := json.Unmarshal(a.Body.Bytes(), into); err != nil {
		t.Fatalf("%v: %s", err, clipped(a.Body.String()))
	}
}

func (a answer) hasCode(t testing.TB, code string) {
	t.Helper()
	if got := errorCode(t, a.ResponseRecorder); got != code {
		t.Errorf("code %q, want %q", got, code)
	}
}

// E 9: what the dashboard does can be done with a token, every operation of the document.
func TestAPI_DoesWhatTheDashboardDoes(t *testing.T) {
	k := newContract(t)
	for name, test := range map[string]func(*testing.T, *contract){
		"draft to notice": apiDraftToNotice, "sites": apiSites, "consents": apiConsents, "duties": apiDuties, "scans": apiScans,
		"organisation": apiOrganisation, "papers": apiPapers, "figures": apiFigures, "evidence": apiEvidence,
	} {
		t.Run(name, func(t *testing.T) { test(t, k) })
	}
	for path, item := range k.doc.Paths.Map() {
		for method, op := range item.Operations() {
			if op.Extensions["x-scope"] != nil && !k.asked[method+" "+path] {
				t.Errorf("%s %s was never answered well", method, path)
			}
		}
	}
}

// A draft is read, changed and published. Of two who change it at once the second learns of the first.
func apiDraftToNotice(t *testing.T, k *contract) {
	o := scanOffice(t)
	r := o.newRobot(k, consent.FirstOrganisation, store.Scopes)
	base := "/v1/sites/" + siteID

	a := r.call(t, 200, "GET", base+"/draft/banner", nil)
	tag := a.Header().Get("ETag")
	r.call(t, 304, "GET", base+"/draft/banner", nil, "If-None-Match", tag)
	var b consent.Banner
	a.read(t, &b)
	b.Form, b.Days = "bar", 200
	r.call(t, 428, "PUT", base+"/draft/banner", b).hasCode(t, "no_if_match")
	r.call(t, 412, "PUT", base+"/draft/banner", b, "If-Match", `"other"`).hasCode(t, "changed_meanwhile")
	if got := r.call(t, 200, "PUT", base+"/draft/banner", b, "If-Match", tag).Header().Get("ETag"); got == tag || got == "" {
		t.Errorf("ETag %q", got)
	}
	r.call(t, 412, "PUT", base+"/draft/banner", b, "If-Match", tag).hasCode(t, "changed_meanwhile")
	b.Form = "carpet"
	r.call(t, 400, "PUT", base+"/draft/banner", b, "If-Match", "*").hasCode(t, "bad_banner")
	r.call(t, 400, "PUT", base+"/draft/banner", map[string]any{"colour": "red"}, "If-Match", "*").hasCode(t, "bad_json")

	a = r.call(t, 200, "GET", base+"/draft/items", nil)
	var items []consent.Item
	a.read(t, &items)
	tag = a.Header().Get("ETag")
	items[len(items)-1].Category = consent.Statistics
	r.call(t, 412, "PUT", base+"/draft/items", items, "If-Match", `"other"`)
	r.call(t, 200, "PUT", base+"/draft/items", items, "If-Match", tag)
	r.call(t, 400, "PUT", base+"/draft/items", append(items, items[0]), "If-Match", "*").hasCode(t, "item_twice")

	publish := map[string]any{"reason": "Fra byggeserveren", "material": true, "after": 3}
	r.call(t, 201, "POST", base+"/notices", publish)
	r.call(t, 409, "POST", base+"/notices", publish).hasCode(t, "notice_newer") // it is sent again
	r.call(t, 400, "POST", base+"/notices", map[string]any{"reason": "x"}).hasCode(t, "incomplete")
	var n consent.Notice
	r.call(t, 200, "GET", base+"/notices/4", nil).read(t, &n)
	if n.Content.Banner.Form != "bar" || n.Author != "token Nattens udtræk" || n.Content.Banner.Days != 200 {
		t.Errorf("%+v", n.Content.Banner)
	}
	r.call(t, 404, "GET", base+"/notices/5", nil).hasCode(t, "no_notice")
	var list struct {
		Results []struct{ Version int }
		Next    string
	}
	r.call(t, 200, "GET", base+"/notices?limit=3", nil).read(t, &list)
	r.call(t, 200, "GET", base+"/notices?limit=3&after="+list.Next, nil).read(t, &list)
	if len(list.Results) != 1 || list.Results[0].Version != 1 {
		t.Errorf("the last page %+v", list)
	}

	var log struct{ Results []struct{ Who, What string } }
	r.call(t, 200, "GET", base+"/audit?limit=3", nil).read(t, &log)
	var what []string
	for _, d := range log.Results {
		what = append(what, d.What)
		if d.Who != "token Nattens udtræk" {
			t.Errorf("%+v", d)
		}
	}
	if !slices.Equal(what, []string{"publish", "items_changed", "settings_changed"}) {
		t.Errorf("logged %v", what)
	}
}

// A site is added, once however often it is asked for, and its details are changed.
func apiSites(t *testing.T, k *contract) {
	o := scanOffice(t)
	r := o.newRobot(k, consent.FirstOrganisation, store.Scopes)
	site := map[string]any{"id": "robotten42", "name": "Robotten", "domains": []string{"robot.example"}, "controller": map[string]string{"name": "Robot ApS"}}
	a := r.call(t, 201, "POST", "/v1/sites", site)
	if a.Header().Get("Location") != "/v1/sites/robotten42" {
		t.Errorf("%v", a.Header())
	}
	r.call(t, 409, "POST", "/v1/sites", site).hasCode(t, "site_exists")
	site["id"], site["domains"] = "x", []string{"robot.example"}
	r.call(t, 400, "POST", "/v1/sites", site).hasCode(t, "bad_site")
	delete(site, "id")
	r.call(t, 201, "POST", "/v1/sites", site)
	site["domains"] = []string{}
	r.call(t, 400, "POST", "/v1/sites", site).hasCode(t, "bad_site")

	a = r.call(t, 200, "GET", "/v1/sites/"+siteID, nil)
	var d map[string]any
	a.read(t, &d)
	if d["draft_changed"] != false || d["unclassified"] != 1.0 || d["published"].(map[string]any)["version"] != 3.0 {
		t.Errorf("%v", d)
	}
	details := map[string]any{}
	for _, f := range []string{"name", "domains", "homepage", "controller", "retention", "scanning"} {
		details[f] = d[f]
	}
	b := r.call(t, 200, "PUT", "/v1/sites/"+siteID, details, "If-Match", a.Header().Get("ETag"))
	if b.Header().Get("ETag") != a.Header().Get("ETag") {
		t.Error("sent back unchanged it is something else")
	}
	details["scanning"] = map[string]any{"every": "weekly", "pages": 5, "depth": 0}
	r.call(t, 200, "PUT", "/v1/sites/"+siteID, details, "If-Match", a.Header().Get("ETag"))
	details["retention"] = map[string]any{"consent": 61, "refusal": 1}
	r.call(t, 400, "PUT", "/v1/sites/"+siteID, details, "If-Match", "*").hasCode(t, "bad_site")
	details["retention"], details["domains"] = map[string]any{"consent": 6, "refusal": 1}, []string{"ny.example"}
	r.call(t, 409, "PUT", "/v1/sites/"+siteID, details, "If-Match", "*").hasCode(t, "domain_not_proven")

	var seen []string
	next := ""
	for {
		var page struct {
			Results []struct{ ID string }
			Next    string
		}
		r.call(t, 200, "GET", "/v1/sites?limit=3&after="+next, nil).read(t, &page)
		for _, s := range page.Results {
			seen = append(seen, s.ID)
		}
		if next = page.Next; next == "" {
			break
		}
	}
	if len(seen) != 4 || seen[0] != siteID || seen[2] != "robotten42" {
		t.Errorf("%v", seen)
	}
	r.call(t, 400, "GET", "/v1/sites?after=nowhere1", nil).hasCode(t, "bad_cursor")
	r.call(t, 400, "GET", "/v1/sites?limit=0", nil).hasCode(t, "bad_limit")
}

// Records page by page, each once; one with its proof, which verifies; exports; and every reading stands in the audit log.
func apiConsents(t *testing.T, k *contract) {
	o := scanOffice(t)
	r := o.newRobot(k, consent.FirstOrganisation, store.Scopes)
	base := "/v1/sites/" + siteID
	seen, next := map[string]bool{}, ""
	for {
		var page struct {
			Results []consent.Act
			Next    string
		}
		r.call(t, 200, "GET", base+"/consents?limit=50&after="+next, nil).read(t, &page)
		for _, a := range page.Results {
			if seen[a.ID.String()] {
				t.Errorf("%s twice", a.ID)
			}
			seen[a.ID.String()] = true
		}
		if next = page.Next; next == "" {
			break
		}
	}
	if len(seen) != len(o.records) {
		t.Errorf("%d of %d records", len(seen), len(o.records))
	}
	r.call(t, 200, "GET", base+"/consents?action=withdraw&from=2026-11-01&to=2026-11-22&notice=3", nil)
	r.call(t, 400, "GET", base+"/consents?action=sneeze&from=yesterday", nil).hasCode(t, "bad_filter")
	r.call(t, 400, "GET", base+"/consents?after=x", nil).hasCode(t, "bad_cursor")

	one := base + "/consents/" + o.records[0].Visitor.String() + "/" + o.records[0].ID.String()
	var whole struct{ Acts, Version int }
	r.call(t, 200, "GET", one, nil).read(t, &whole)
	if whole.Acts != 2 || whole.Version != 3 {
		t.Errorf("%+v", whole)
	}
	r.call(t, 404, "GET", base+"/consents/"+o.records[1].Visitor.String()+"/"+o.records[0].ID.String(), nil).hasCode(t, "no_record")
	r.call(t, 404, "GET", base+"/consents/x/y", nil).hasCode(t, "no_record")
	r.call(t, 200, "GET", one+"/proof", nil)
	for _, format := range []string{"", "?format=jwt", "?format=ts27560", "?format=kantara"} {
		r.call(t, 200, "GET", one+"/receipt"+format, nil)
	}
	r.call(t, 400, "GET", one+"/receipt?format=pdf", nil).hasCode(t, "bad_format")

	export := r.call(t, 200, "GET", base+"/consents.jsonl", nil)
	if res, err := ledger.VerifyExport(bytes.NewReader(export.Body.Bytes()), ledger.Options{}); err != nil || res.Records != int64(len(o.records)) {
		t.Errorf("the export: %+v %v", res, err)
	}
	plain := r.call(t, 200, "GET", base+"/consents.jsonl?proofs=no&after=129", nil)
	if n := strings.Count(plain.Body.String(), "\n"); n != 1 {
		t.Errorf("%d records behind number 129", n)
	}
	r.call(t, 400, "GET", base+"/consents.jsonl?after=-1&from=x", nil).hasCode(t, "bad_filter")
	table := r.call(t, 200, "GET", base+"/consents.csv?action=withdraw", nil)
	if !strings.HasPrefix(table.Body.String(), "id,visitor,at,") {
		t.Errorf("%.80s", table.Body)
	}
	var stat struct {
		Total map[string]int64
		Days  []any
	}
	r.call(t, 200, "GET", base+"/statistics?from=2026-01-01&to=2026-11-22", nil).read(t, &stat)
	if sum := stat.Total["accept_all"] + stat.Total["reject_all"] + stat.Total["custom"] + stat.Total["withdraw"]; sum != int64(len(o.records)) || len(stat.Days) != 326 {
		t.Errorf("%d acts on %d days", sum, len(stat.Days))
	}
	r.call(t, 200, "GET", base+"/statistics", nil)
	r.call(t, 400, "GET", base+"/statistics?from=2020-01-01", nil).hasCode(t, "bad_filter")

	var log struct{ Results []struct{ Who, What string } }
	r.call(t, 200, "GET", base+"/audit?limit=1000&who="+url.QueryEscape("token Nattens udtræk"), nil).read(t, &log)
	counts := map[string]int{}
	for _, d := range log.Results {
		counts[d.What]++
	}
	if want := map[string]int{"list": 4, "lookup": 7, "export": 3}; !maps.Equal(counts, want) {
		t.Errorf("logged %v, want %v", counts, want)
	}
}

// Rights, holds, retention and the pack.
func apiDuties(t *testing.T, k *contract) {
	o := scanOffice(t)
	r := o.newRobot(k, consent.FirstOrganisation, store.Scopes)
	base := "/v1/sites/" + siteID
	who := func(k int) map[string]any { return map[string]any{"visitor": o.records[k].Visitor.String()} }
	both := who(0)
	var h struct{ Acts []struct{ Lock string } }
	r.call(t, 200, "POST", base+"/rights/lookup", both).read(t, &h)
	if len(h.Acts) != 2 {
		t.Errorf("%+v", h)
	}
	both["restrict"] = true
	r.call(t, 200, "POST", base+"/rights/restrict", both)
	r.call(t, 400, "POST", base+"/rights/restrict", who(0)).hasCode(t, "bad_json")
	r.call(t, 400, "POST", base+"/rights/erase", map[string]string{"visitor": "me"}).hasCode(t, "bad_visitor")

	hold := map[string]string{"reason": "Klage hos Datatilsynet", "person": "Ea", "review": "2027-01-10"}
	var set struct {
		ID     int64
		Review string
	}
	r.call(t, 201, "POST", base+"/holds", hold).read(t, &set)
	if set.Review != "2027-01-10" {
		t.Errorf("%+v", set)
	}
	hold["review"] = "2036-01-10"
	r.call(t, 400, "POST", base+"/holds", hold).hasCode(t, "bad_hold")
	var e struct{ Deleted, Locked int }
	r.call(t, 200, "POST", base+"/rights/erase", who(0)).read(t, &e)
	if e.Deleted != 0 || e.Locked != 2 {
		t.Errorf("under a hold: %+v", e)
	}
	var ended struct{ Erased int }
	r.call(t, 200, "DELETE", base+"/holds/"+itoa(set.ID), nil).read(t, &ended)
	if ended.Erased != 2 {
		t.Errorf("%+v", ended)
	}
	r.call(t, 404, "DELETE", base+"/holds/"+itoa(set.ID), nil).hasCode(t, "no_hold")
	r.call(t, 200, "GET", base+"/holds", nil)
	r.call(t, 200, "POST", base+"/rights/erase", who(5)).read(t, &e)
	if e.Deleted != 1 {
		t.Errorf("%+v", e)
	}

	o.now = o.now.AddDate(4, 0, 0)
	r = o.newRobot(r.contract, consent.FirstOrganisation, store.Scopes)
	var count struct {
		Dry      bool
		Consents int
	}
	r.call(t, 200, "POST", base+"/retention/count", nil).read(t, &count)
	if !count.Dry || count.Consents == 0 {
		t.Errorf("%+v", count)
	}
	r.call(t, 200, "POST", base+"/retention/review", nil)
	var kept struct{ Purges []any }
	r.call(t, 200, "GET", base+"/retention", nil).read(t, &kept)
	if len(kept.Purges) != 1 {
		t.Errorf("%+v", kept)
	}
	pack := r.call(t, 200, "GET", base+"/pack.zip?from=2026-01-01&to=2026-12-31", nil)
	if z, err := zip.NewReader(bytes.NewReader(pack.Body.Bytes()), int64(pack.Body.Len())); err != nil || len(z.File) < 5 {
		t.Errorf("the pack: %v", err)
	}
	r.call(t, 400, "GET", base+"/pack.zip", nil).hasCode(t, "bad_pack")
	log := r.call(t, 200, "GET", base+"/audit.jsonl", nil)
	if _, err := ledger.VerifyExport(bytes.NewReader(log.Body.Bytes()), ledger.Options{}); err != nil {
		t.Errorf("the audit log: %v", err)
	}
	r.call(t, 200, "GET", base+"/audit", nil)
}

func itoa(n int64) string { return strings.TrimSpace(string(mustJSON(n))) }

func apiScans(t *testing.T, k *contract) {
	o := scanOffice(t)
	r := o.newRobot(k, consent.FirstOrganisation, store.Scopes)
	base := "/v1/sites/" + siteID
	var scan struct{ ID, State string }
	a := r.call(t, 202, "POST", base+"/scans", nil)
	a.read(t, &scan)
	if scan.State != "queued" || a.Header().Get("Location") != base+"/scans/"+scan.ID {
		t.Errorf("%+v %v", scan, a.Header())
	}
	r.call(t, 409, "POST", base+"/scans", nil).hasCode(t, "scan_waits")
	r.call(t, 200, "GET", base+"/scans/"+scan.ID, nil)
	r.call(t, 404, "GET", base+"/scans/"+scan.ID+"/report", nil).hasCode(t, "no_report")
	r.call(t, 204, "DELETE", base+"/scans/"+scan.ID, nil)
	r.call(t, 404, "GET", base+"/scans/x", nil)
	r.call(t, 200, "GET", base+"/scans", nil)

	var found struct {
		Scan     string
		Findings []struct {
			Key      string
			Accepted *struct{ Reason, By string }
		}
	}
	r.call(t, 200, "GET", base+"/findings", nil).read(t, &found)
	if len(found.Findings) != 2 {
		t.Fatalf("%+v", found)
	}
	one := base + "/findings/" + url.PathEscape(found.Findings[0].Key)
	r.call(t, 204, "PUT", one, map[string]string{"reason": "Vi flytter den i uge 48"})
	r.call(t, 200, "GET", base+"/findings", nil).read(t, &found)
	if by := found.Findings[0].Accepted; by == nil || by.By != "token Nattens udtræk" || found.Findings[1].Accepted != nil {
		t.Errorf("%+v", found)
	}
	r.call(t, 400, "PUT", one, map[string]string{"reason": ""}).hasCode(t, "no_reason")
	r.call(t, 404, "PUT", base+"/findings/nothing", map[string]string{"reason": "x"}).hasCode(t, "no_finding")
	r.call(t, 204, "DELETE", one, nil)

	r.call(t, 200, "GET", base+"/scans/"+found.Scan+"/report", nil)
	var items []consent.Item
	r.call(t, 200, "POST", base+"/scans/"+found.Scan+"/merge", nil).read(t, &items)
	if !slices.ContainsFunc(items, func(i consent.Item) bool { return i.Name == "ny_maaler" }) {
		t.Error("what the scan found is not in the draft")
	}
	r.call(t, 200, "GET", base+"/domains", nil)
	r.call(t, 200, "POST", base+"/domains/"+siteID+".example", nil)
	r.call(t, 404, "POST", base+"/domains/andre.example", nil).hasCode(t, "no_domain")

	o.check(o.db.ChangeAlarms(t.Context(), siteID, o.now, func([]store.Alarm) ([]store.Alarm, []int64) {
		return []store.Alarm{{Kind: store.AlarmItem, Subject: "x", About: map[string]string{"name": "ny_maaler"}}}, nil
	}))
	var alarms struct{ Results []struct{ ID int64 } }
	r.call(t, 200, "GET", base+"/alarms", nil).read(t, &alarms)
	if len(alarms.Results) == 0 {
		t.Fatal("no alarm")
	}
	r.call(t, 204, "DELETE", base+"/alarms/"+itoa(alarms.Results[0].ID), nil)
	r.call(t, 404, "DELETE", base+"/alarms/0", nil).hasCode(t, "no_alarm")
}

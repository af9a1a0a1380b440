package server_test

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/uuid"

	"samtykke/consent"
	"samtykke/scanner"
	"samtykke/server"
	"samtykke/server/store"
)

// The organisation's own: details, people, invitations, tokens. What was done stands in the logs, as the token's.
func apiOrganisation(t *testing.T, k *contract) {
	o := scanOffice(t)
	r := o.newRobot(k, consent.FirstOrganisation, store.Scopes)
	tag := r.call(t, 200, "GET", "/v1/organisation", nil).Header().Get("ETag")
	r.call(t, 428, "PUT", "/v1/organisation", map[string]any{"name": "Fjordhuset", "totp": false}).hasCode(t, "no_if_match")
	r.call(t, 400, "PUT", "/v1/organisation", map[string]any{"name": "", "totp": false}, "If-Match", tag).hasCode(t, "bad_organisation")
	r.call(t, 200, "PUT", "/v1/organisation", map[string]any{"name": "Fjordhuset", "totp": false}, "If-Match", tag)
	r.call(t, 412, "PUT", "/v1/organisation", map[string]any{"name": "Andet", "totp": false}, "If-Match", tag).hasCode(t, "changed_meanwhile")

	var people struct {
		Results []struct {
			ID    int64
			Email string
			Role  consent.Role
			Sites []string
		}
	}
	list := func() map[string]int64 {
		r.call(t, 200, "GET", "/v1/people", nil).read(t, &people)
		ids := map[string]int64{}
		for _, p := range people.Results {
			ids[strings.SplitN(p.Email, "@", 2)[0]+" "+string(p.Role)+" "+strings.Join(p.Sites, ",")] = p.ID
		}
		return ids
	}
	ids := list()
	auditor, owner := "/v1/people/"+itoa(ids["auditor auditor "]), "/v1/people/"+itoa(ids["owner owner "])
	r.call(t, 204, "PUT", auditor, map[string]any{"role": "editor", "sites": []string{otherID}})
	if ids = list(); ids["auditor editor "+otherID] == 0 {
		t.Errorf("%v", ids)
	}
	o.get(consent.Auditor, "/").wants(t, http.StatusSeeOther) // the person's logins have ended
	r.call(t, 400, "PUT", auditor, map[string]any{"role": "editor", "sites": []string{"fremmed99"}}).hasCode(t, "unknown_site")
	r.call(t, 400, "PUT", auditor, map[string]any{"role": "owner", "sites": []string{otherID}}).hasCode(t, "bad_member")
	r.call(t, 400, "PUT", auditor, map[string]any{"role": "king"}).hasCode(t, "bad_member")
	r.call(t, 409, "PUT", owner, map[string]any{"role": "editor"}).hasCode(t, "last_owner")
	r.call(t, 409, "DELETE", owner, nil).hasCode(t, "last_owner")
	r.call(t, 204, "DELETE", auditor, nil)
	r.call(t, 404, "DELETE", auditor, nil).hasCode(t, "no_member")

	var made struct {
		ID   int64
		Link string
	}
	ny := map[string]any{"email": " Ny@fjord.example", "role": "editor"}
	r.call(t, 201, "POST", "/v1/invitations", ny).read(t, &made)
	o.get(stranger, strings.TrimPrefix(made.Link, "http://cmp.example")).wants(t, http.StatusOK)
	r.call(t, 201, "POST", "/v1/invitations", ny).read(t, &made) // sent again
	r.call(t, 400, "POST", "/v1/invitations", map[string]any{"email": "nobody", "role": "editor"}).hasCode(t, "bad_user")
	r.call(t, 409, "POST", "/v1/invitations", map[string]any{"email": "owner@fjord.example", "role": "editor"}).hasCode(t, "member_exists")
	var open struct {
		Results []struct{ ID int64 }
	}
	r.call(t, 200, "GET", "/v1/invitations", nil).read(t, &open)
	if len(open.Results) != 1 || open.Results[0].ID != made.ID {
		t.Errorf("%+v", open)
	}
	r.call(t, 204, "DELETE", "/v1/invitations/"+itoa(made.ID), nil)
	r.call(t, 404, "DELETE", "/v1/invitations/"+itoa(made.ID), nil).hasCode(t, "no_invitation")
	o.get(stranger, strings.TrimPrefix(made.Link, "http://cmp.example")).wants(t, http.StatusNotFound)

	var token struct {
		ID    int64
		Token string
	}
	r.call(t, 201, "POST", "/v1/tokens", map[string]any{"name": "Barn", "scopes": []string{"read"}, "sites": []string{otherID}, "days": 30}).read(t, &token)
	child := &robot{o, k, token.Token}
	child.call(t, 200, "GET", "/v1/sites/"+otherID, nil)
	child.call(t, 404, "GET", "/v1/sites/"+siteID, nil)
	child.call(t, 403, "GET", "/v1/people", nil).hasCode(t, "token_limited")
	r.call(t, 200, "GET", "/v1/tokens", nil)
	r.call(t, 204, "DELETE", "/v1/tokens/"+itoa(token.ID), nil)
	r.call(t, 404, "DELETE", "/v1/tokens/"+itoa(token.ID), nil).hasCode(t, "no_token")
	child.call(t, 401, "GET", "/v1/sites", nil)
	for _, wrong := range []map[string]any{
		{"name": "", "scopes": []string{"read"}, "days": 30},
		{"name": "Nattens udtræk", "scopes": []string{"read"}, "days": 30},
		{"name": "x", "scopes": []string{}, "days": 30},
		{"name": "x", "scopes": []string{"everything"}, "days": 30},
		{"name": "x", "scopes": []string{"read"}, "days": 31},
		{"name": "x", "scopes": []string{"read"}, "days": 30, "sites": []string{}},
	} {
		r.call(t, 400, "POST", "/v1/tokens", wrong).hasCode(t, "bad_new_token")
	}

	var log struct {
		Results []struct{ Who, What string }
	}
	r.call(t, 200, "GET", "/v1/sites/"+otherID+"/audit?limit=100", nil).read(t, &log)
	var what []string
	for _, d := range log.Results {
		if d.Who == "token Nattens udtræk" {
			what = append(what, d.What)
		}
	}
	want := []string{"token_revoked", "token_made", "invitation_withdrawn", "invited", "invited", "user_removed", "user_role_changed", "organisation_changed"}
	if !slices.Equal(what, want) {
		t.Errorf("logged %v, want %v", what, want)
	}
}

// H1, H3: by a token nobody gets more than the token has: no scope, no later end, no role that could do more; and one that has less
// than a person changes nothing about the person. What is the organisation's is closed to tokens of some sites.
func TestAPI_GivesNoMoreThanTheTokenHas(t *testing.T) {
	o := scanOffice(t)
	k := newContract(t)
	people, err := o.db.People(t.Context(), consent.FirstOrganisation)
	o.check(err)
	manager := o.newRobot(k, consent.FirstOrganisation, []store.Scope{store.ScopeManage, store.ScopeRead, store.ScopeExport})
	for role, want := range map[consent.Role]int{consent.Owner: 403, consent.Editor: 403, consent.Auditor: 201} {
		a := manager.call(t, want, "POST", "/v1/invitations", map[string]any{"email": string(role) + "2@fjord.example", "role": role})
		if want == 403 {
			a.hasCode(t, "beyond_token")
		}
	}
	for _, p := range people {
		if p.Role != consent.Auditor {
			manager.call(t, 403, "PUT", "/v1/people/"+itoa(p.ID), map[string]any{"role": "auditor"}).hasCode(t, "beyond_token")
			manager.call(t, 403, "DELETE", "/v1/people/"+itoa(p.ID), nil).hasCode(t, "beyond_token")
			continue
		}
		manager.call(t, 403, "PUT", "/v1/people/"+itoa(p.ID), map[string]any{"role": "owner"}).hasCode(t, "beyond_token")
		manager.call(t, 204, "PUT", "/v1/people/"+itoa(p.ID), map[string]any{"role": "auditor", "sites": []string{otherID}})
	}
	for _, scope := range store.Scopes {
		want := http.StatusCreated
		if scope == store.ScopeWrite || scope == store.ScopeScans {
			want = http.StatusForbidden
		}
		manager.call(t, want, "POST", "/v1/tokens", map[string]any{"name": "Til " + string(scope), "scopes": []store.Scope{scope}, "days": 30})
	}
	var made struct{ Token string }
	manager.call(t, 201, "POST", "/v1/tokens", map[string]any{"name": "Kort", "scopes": []string{"manage"}, "days": 30}).read(t, &made)
	short := &robot{o, k, made.Token}
	short.call(t, 403, "POST", "/v1/tokens", map[string]any{"name": "Længere", "scopes": []string{"manage"}, "days": 90}).hasCode(t, "beyond_token")
	short.call(t, 403, "POST", "/v1/tokens", map[string]any{"name": "Mere", "scopes": []string{"manage", "read"}, "days": 30}).hasCode(t, "beyond_token")
	short.call(t, 403, "POST", "/v1/invitations", map[string]any{"email": "x@fjord.example", "role": "auditor"}).hasCode(t, "beyond_token")

	limited := o.newRobot(k, consent.FirstOrganisation, store.Scopes, siteID)
	for _, op := range limitedOps(k) {
		method, path, _ := strings.Cut(op, " ")
		limited.call(t, 403, method, strings.NewReplacer("{person}", "1", "{invitation}", "1", "{token}", "1").Replace(path), nil).hasCode(t, "token_limited")
	}
	// Another organisation's token finds nobody of this one's.
	o.check(o.db.AddOrganisation(t.Context(), consent.Organisation{ID: "nordlys", Name: "Nordlys & Lim", CreatedAt: o.now}))
	foreign := o.newRobot(k, "nordlys", store.Scopes)
	for _, p := range people {
		foreign.call(t, 404, "PUT", "/v1/people/"+itoa(p.ID), map[string]any{"role": "auditor"}).hasCode(t, "no_member")
		foreign.call(t, 404, "DELETE", "/v1/people/"+itoa(p.ID), nil).hasCode(t, "no_member")
	}
	for _, path := range []string{"/v1/people", "/v1/invitations", "/v1/overview"} {
		var list struct{ Results []any }
		foreign.call(t, 200, "GET", path, nil).read(t, &list)
		if len(list.Results) != 0 {
			t.Errorf("%s: %v", path, list)
		}
	}
	tokens, err := o.db.Tokens(t.Context(), consent.FirstOrganisation)
	o.check(err)
	for _, token := range tokens {
		foreign.call(t, 404, "DELETE", "/v1/tokens/"+itoa(token.Num), nil).hasCode(t, "no_token")
	}
	foreign.call(t, 400, "POST", "/v1/tokens", map[string]any{"name": "x", "scopes": []string{"read"}, "sites": []string{siteID}, "days": 30}).hasCode(t, "unknown_site")
}

// limitedOps are the operations on what is the organisation's as a whole.
func limitedOps(k *contract) (ops []string) {
	for path, item := range k.doc.Paths.Map() {
		for _, part := range []string{"/v1/organisation", "/v1/people", "/v1/invitations", "/v1/tokens"} {
			if strings.HasPrefix(path, part) {
				for method := range item.Operations() {
					ops = append(ops, method+" "+path)
				}
			}
		}
	}
	return ops
}

// The papers, their acceptance, and the deletion of a site with its certificate.
func apiPapers(t *testing.T, k *contract) {
	o := scanOffice(t)
	r := o.newRobot(k, consent.FirstOrganisation, store.Scopes)
	base := "/v1/sites/" + siteID
	var told struct {
		Ready    bool
		Papers   []struct{ Name string }
		Accepted []struct {
			ID      int64
			Name    string
			InForce bool `json:"in_force"`
		}
		SubProcessors []struct{ Name, Since string } `json:"sub_processors"`
	}
	r.call(t, 200, "GET", base+"/papers", nil).read(t, &told)
	if told.Ready || len(told.Accepted) != 0 {
		t.Errorf("%+v", told)
	}
	r.call(t, 409, "GET", base+"/papers/agreement/da", nil).hasCode(t, "papers_untold")
	o.hosted()
	o.post(consent.Owner, "/installation", "op", "add", "sub.name", "Vært GmbH", "sub.country", "de", "sub.task", "Hosting", "sub.since", "2026-12-24").wants(t, http.StatusSeeOther)
	o.accept(consent.Owner).wants(t, http.StatusSeeOther)
	r.call(t, 200, "GET", base+"/papers", nil).read(t, &told)
	if !told.Ready || len(told.Accepted) != 1 || !told.Accepted[0].InForce || len(told.SubProcessors) != 1 || told.SubProcessors[0].Since != "2026-12-24" {
		t.Errorf("%+v", told)
	}
	for _, p := range told.Papers {
		if doc := r.call(t, 200, "GET", base+"/papers/"+p.Name+"/en", nil); !strings.Contains(doc.Body.String(), "<h1") {
			t.Errorf("%s: %s", p.Name, clipped(doc.Body.String()))
		}
	}
	r.call(t, 404, "GET", base+"/papers/deletion/da", nil).hasCode(t, "no_paper")
	if doc := r.call(t, 200, "GET", base+"/papers/accepted/"+itoa(told.Accepted[0].ID), nil); !strings.Contains(doc.Body.String(), "Ida Berg") {
		t.Error("what was accepted isn't shown")
	}
	r.call(t, 404, "GET", "/v1/sites/"+otherID+"/papers/accepted/"+itoa(told.Accepted[0].ID), nil)

	r.call(t, 400, "DELETE", base, nil).hasCode(t, "not_confirmed")
	r.call(t, 400, "DELETE", base+"?name=Fjord", nil).hasCode(t, "not_confirmed")
	var gone struct {
		Deleted     struct{ Acts, Notices int }
		Certificate struct{ Language, HTML string }
	}
	r.call(t, 200, "DELETE", base+"?lang=en&name="+url.QueryEscape(o.site.Name), nil).read(t, &gone)
	if gone.Deleted.Acts != len(o.records) || gone.Deleted.Notices != 3 || gone.Certificate.Language != "en" || !strings.Contains(gone.Certificate.HTML, "token Nattens udtræk") {
		t.Errorf("%+v", gone.Deleted)
	}
	r.call(t, 404, "GET", base, nil).hasCode(t, "no_site")
	if log := o.get(consent.Owner, "/audit").Body.String(); !strings.Contains(log, "token Nattens udtræk") {
		t.Error("the deletion isn't logged")
	}
}

// The figures agree with the acts, of one site and of all.
func apiFigures(t *testing.T, k *contract) {
	o := scanOffice(t)
	r := o.newRobot(k, consent.FirstOrganisation, store.Scopes)
	base := "/v1/sites/" + siteID
	type sums struct {
		Accept   int            `json:"accept_all"`
		Reject   int            `json:"reject_all"`
		Custom   int            `json:"custom"`
		Withdraw int            `json:"withdraw"`
		Given    map[string]int `json:"given"`
	}
	all := func(s sums) int { return s.Accept + s.Reject + s.Custom + s.Withdraw }
	var one struct {
		Days          int
		Period, Today sums
		Unclassified  int
		Scan          *struct{ ID uuid.UUID }
	}
	r.call(t, 200, "GET", base+"/overview?days=365", nil).read(t, &one)
	if all(one.Period) != len(o.records) || one.Days != 365 || one.Unclassified != 1 || one.Scan == nil {
		t.Errorf("%+v", one)
	}
	r.call(t, 200, "GET", base+"/overview", nil)
	r.call(t, 200, "GET", "/v1/sites/"+otherID+"/overview", nil)
	r.call(t, 400, "GET", base+"/overview?days=8", nil).hasCode(t, "bad_period")
	var both struct {
		Sites   int
		Period  sums
		Next    string
		Results []struct {
			ID     string
			Severe int
		}
	}
	r.call(t, 200, "GET", "/v1/overview?days=365&limit=1", nil).read(t, &both)
	if both.Sites != 2 || all(both.Period) != len(o.records) || len(both.Results) != 1 || both.Results[0].ID != siteID || both.Next != siteID {
		t.Errorf("%+v", both)
	}
	r.call(t, 200, "GET", "/v1/overview?after="+both.Next, nil).read(t, &both)
	if both.Results[0].ID != otherID {
		t.Errorf("%+v", both)
	}
	o.newRobot(k, consent.FirstOrganisation, store.Scopes, otherID).call(t, 200, "GET", "/v1/overview?days=365", nil).read(t, &both)
	if both.Sites != 1 || all(both.Period) != 0 {
		t.Errorf("of one site: %+v", both)
	}
	act := o.records[0]
	act.ID = uuid.New()
	_, err := o.db.AppendFrom(t.Context(), []consent.Record{act}, []store.Device{store.Phone})
	o.check(err)
	var stat struct {
		Languages []struct{ Language string }
		Devices   []struct {
			Device string
			sums
		}
	}
	r.call(t, 200, "GET", base+"/statistics?from=2026-01-01", nil).read(t, &stat)
	i := slices.IndexFunc(stat.Devices, func(d struct {
		Device string
		sums
	},
	) bool {
		return d.Device == "phone"
	})
	if i < 0 || all(stat.Devices[i].sums) != 1 || len(stat.Languages) == 0 {
		t.Errorf("%+v", stat)
	}
}

// A notice's pictures, the way back to it, and reports: one that was made elsewhere, and one in each of its forms.
func apiEvidence(t *testing.T, k *contract) {
	o := newOffice(t, func(c *server.Config) {
		c.Pictures = func(context.Context, []scanner.Shot) (scanner.Album, error) { return scanner.Album{}, nil }
	}).furnish()
	r := o.newRobot(k, consent.FirstOrganisation, store.Scopes)
	base := "/v1/sites/" + siteID
	o.check(o.db.AddPictures(t.Context(), o.notice.Hash, []store.Picture{{PictureKey: store.PictureKey{Language: "da", Device: "mobile", Layer: 2}, At: o.now, Browser: "Chromium 156", PNG: onePixel}}))
	var pictures struct{ Results []struct{ File string } }
	r.call(t, 200, "GET", base+"/notices/3/pictures", nil).read(t, &pictures)
	if len(pictures.Results) != 1 {
		t.Fatalf("%+v", pictures)
	}
	if a := r.call(t, 200, "GET", base+"/notices/3/pictures/"+pictures.Results[0].File, nil); a.Body.String() != string(onePixel) {
		t.Error("another picture")
	}
	r.call(t, 404, "GET", base+"/notices/9/pictures", nil).hasCode(t, "no_notice")
	r.call(t, 202, "POST", base+"/notices/2/pictures", nil)

	var b consent.Banner
	o.site.Banner.Form = "bar"
	o.check(o.db.UpdateSite(t.Context(), o.site))
	r.call(t, 200, "POST", base+"/notices/2/return", map[string]bool{"declaration": true}).read(t, &b)
	if b.Form == "bar" {
		t.Error("the draft is still another")
	}
	r.call(t, 404, "POST", base+"/notices/9/return", map[string]bool{}).hasCode(t, "no_notice")

	scan := officeScan()
	scan.FinishedAt = o.now
	var items []consent.Item
	r.call(t, 200, "POST", base+"/scans/reports", scan).read(t, &items)
	if !slices.ContainsFunc(items, func(i consent.Item) bool { return i.Name == "ny_maaler" }) {
		t.Error("what the scan found is not in the draft")
	}
	scan.URL = "https://fremmed.example/"
	r.call(t, 400, "POST", base+"/scans/reports", scan).hasCode(t, "foreign_scan")
	r.call(t, 400, "POST", base+"/scans/reports", map[string]any{"url": 7}).hasCode(t, "bad_report")
	last, err := o.db.LastScan(t.Context(), siteID)
	o.check(err)
	for _, file := range []string{"report.json", "report.txt?lang=en", "report.html", "report.sarif", "report.xml", "picture-0.png"} {
		r.call(t, 200, "GET", base+"/scans/"+last.ID.String()+"/files/"+file, nil)
	}
	r.call(t, 404, "GET", base+"/scans/"+last.ID.String()+"/files/report.doc", nil)
	jobs, err := o.db.ScanJobs(t.Context(), siteID, 1)
	o.check(err)
	if jobs[0].By != "token Nattens udtræk" {
		t.Errorf("the report is %s's", strconv.Quote(jobs[0].By))
	}
}

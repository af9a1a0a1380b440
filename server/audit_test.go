package server_test

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"samtykke/consent"
	"samtykke/server"
	"samtykke/server/ledger"
	"samtykke/server/store"
	"samtykke/server/store/storetest"
)

// deeds reads a whole audit log, the oldest first.
func (o *office) deeds(site string) []store.AuditEntry {
	o.t.Helper()
	var all []store.AuditEntry
	for e, err := range o.db.AuditEntries(context.Background(), site, 0, 1<<40) {
		o.check(err)
		all = append(all, e)
	}
	return all
}

// last is the newest entry of an audit log; it must be of a kind and somebody's.
func (o *office) last(t *testing.T, site, what, who string) consent.Deed {
	t.Helper()
	all := o.deeds(site)
	if len(all) == 0 || all[len(all)-1].What != what || all[len(all)-1].Who != who {
		t.Fatalf("the log of %q ends with %+v, want %s by %s", site, all[max(0, len(all)-1):], what, who)
	}
	d := all[len(all)-1].Deed
	if !d.At.Equal(o.now) || d.Site != site {
		t.Errorf("%+v at %v", d, o.now)
	}
	return d
}

func wantFields(t *testing.T, got map[string]any, want map[string]any) {
	t.Helper()
	for name, v := range want {
		if g, ok := got[name]; !ok || fmt.Sprint(g) != fmt.Sprint(v) {
			t.Errorf("%s is %v, want %v", name, g, v)
		}
	}
	if len(got) != len(want) {
		t.Errorf("%d fields: %v", len(got), slices.Sorted(maps.Keys(got)))
	}
}

const (
	owner  = "owner@fjord.example"
	editor = "editor@fjord.example"
)

// P3: logins and what goes wrong with them; no entry holds a password or an e-mail that nobody here has.
func TestAudit_HoldsLogins(t *testing.T) {
	o := newOffice(t)
	o.post(stranger, "/login", "email", "OWNER@fjord.example ", "password", officePassword).leadsTo(t, "/")
	o.last(t, "", "login", owner)
	o.post(stranger, "/login", "email", owner, "password", "helt forkert her").wants(t, http.StatusUnauthorized)
	o.last(t, "", "login_failed", owner)
	o.post(stranger, "/login", "email", "hemmeligt-ord@typed.example", "password", officePassword).wants(t, http.StatusUnauthorized)
	o.last(t, "", "login_failed", consent.ByUnknown)
	o.post(consent.Owner, "/password", "present", officePassword, "password", "en helt ny en her", "repeat", "en helt ny en her").leadsTo(t, "/?done=password")
	o.last(t, "", "password_changed", owner)
	o.post(consent.Editor, "/logout").leadsTo(t, "/login?done=logged_out")
	o.last(t, "", "logout", editor)
	password, err := server.CreateUser(t.Context(), o.db, "ny@fjord.example", consent.Member{Role: consent.Auditor}, false, o.now)
	o.check(err)
	if d := o.last(t, "", "user_added", consent.ByCLI); d.Object != "ny@fjord.example" || d.New["role"] != "auditor" {
		t.Errorf("%+v", d)
	}
	for _, e := range o.deeds("") {
		for _, secret := range []string{officePassword, password, "helt forkert her", "en helt ny en her", "hemmeligt-ord", "argon2"} {
			if bytes.Contains(e.Body, []byte(secret)) {
				t.Errorf("%s holds %q", e.Body, secret)
			}
		}
	}
}

// H7: each look-up of a record is logged, by its number and never by the visitor; so are lists and exports.
func TestAudit_HoldsLookUps(t *testing.T) {
	o := newOffice(t).furnish()
	r := o.records[3]
	entry, err := o.db.Salted(t.Context(), siteID, r.Visitor, r.ID)
	o.check(err)
	o.get(consent.Auditor, "/sites/"+siteID+"/consents/"+r.Visitor.String()+"/"+r.ID.String()).wants(t, http.StatusOK)
	if d := o.last(t, siteID, "lookup", "auditor@fjord.example"); d.Object != fmt.Sprint(entry.Seq) || d.New != nil {
		t.Errorf("%+v", d)
	}
	o.get(consent.Owner, "/sites/"+siteID+"/consents?visitor="+r.Visitor.String()).wants(t, http.StatusOK)
	wantFields(t, o.last(t, siteID, "list", owner).New, map[string]any{"filter.visitor": true, "shown": 1})
	o.get(consent.Owner, "/sites/"+siteID+"/consents.csv?action=accept_all&visitor="+r.Visitor.String()).wants(t, http.StatusOK)
	wantFields(t, o.last(t, siteID, "export", owner).New, map[string]any{"filter.visitor": true, "filter.action": "accept_all", "format": "csv"})
	before := len(o.deeds(siteID))
	o.get(consent.Owner, "/sites/"+siteID+"/consents?visitor=nobody").wants(t, http.StatusBadRequest) // nothing was shown
	if after := len(o.deeds(siteID)); after != before {
		t.Errorf("%d entries after %d", after, before)
	}
	for _, e := range o.deeds(siteID) {
		if bytes.Contains(e.Body, []byte(r.Visitor.String())) || bytes.Contains(e.Body, []byte(r.ID.String())) {
			t.Errorf("%s names a visitor or an act", e.Body)
		}
	}
}

// T5: an erasure is logged without its visitor, and one that erases nothing is none.
func TestAudit_HoldsErasures(t *testing.T) {
	o := newOffice(t).furnish()
	v := o.records[0].Visitor.String()
	erase := func() {
		t.Helper()
		if a := o.send(stranger, httptest.NewRequest(http.MethodDelete, "/v1/sites/"+siteID+"/visitors/"+v, nil)); a.Code >= 300 {
			t.Fatal(a.Code, a.Body)
		}
	}
	erase()
	d := o.last(t, siteID, "erase", consent.ByVisitor)
	if b, _ := json.Marshal(d); strings.Contains(string(b), v) || d.Object != "" || fmt.Sprint(d.New["deleted"]) != "2" {
		t.Errorf("%s", b)
	}
	n := len(o.deeds(siteID))
	if erase(); len(o.deeds(siteID)) != n {
		t.Error("an erasure of nothing is in the log")
	}
}

// A restriction is logged like an erasure (GDPR art. 18).
func TestAudit_HoldsRestrictions(t *testing.T) {
	o := newOffice(t).furnish()
	for _, v := range []string{o.records[0].Visitor.String(), "3f2b8c1d-9a7e-4b6c-8d5e-0f1a2b3c4d5e"} { // nobody has the second
		r := httptest.NewRequest(http.MethodPost, "/v1/sites/"+siteID+"/visitors/"+v+"/restrict", strings.NewReader(`{"restrict":true}`))
		if a := o.send(stranger, r); a.Code != http.StatusOK {
			t.Fatal(a.Code, a.Body)
		}
		if d := o.last(t, siteID, "restrict", consent.ByVisitor); d.Object != "" || len(o.deeds(siteID)) != 3 { // after two publications
			t.Errorf("%+v, %d entries", d, len(o.deeds(siteID)))
		}
	}
}

// T2: what the daily job deletes is logged too.
func TestAudit_HoldsPurges(t *testing.T) {
	o := newOffice(t).furnish()
	o.now = o.now.AddDate(6, 0, 0)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	o.check(err)
	ctx, stop := context.WithCancel(t.Context())
	ran := make(chan error)
	go func() { ran <- o.Run(ctx, l) }()
	tick, end := time.NewTicker(20*time.Millisecond), time.After(20*time.Second)
	defer tick.Stop()
	for all := o.deeds(siteID); all[len(all)-1].What != "purge"; all = o.deeds(siteID) {
		select {
		case <-tick.C:
		case <-end:
			t.Fatal("the job's deletion is not in the log")
		}
	}
	wantFields(t, o.last(t, siteID, "purge", consent.ByJob).New, map[string]any{"acts": len(o.records)})
	stop()
	o.check(<-ran)
}

// P2: settings are instructions: each change with the old value and the new one, by whom.
func TestAudit_HoldsChanges(t *testing.T) {
	o := newOffice(t).furnish()
	form := o.get(consent.Editor, settingsPath).values(settingsPath)
	for i := 0; i < len(form); i += 2 {
		if v, ok := map[string]string{"name": "Fjord", "controller.cvr": "87654321"}[form[i]]; ok {
			form[i+1] = v
		}
	}
	o.post(consent.Editor, settingsPath, form...).leadsTo(t, "/sites/"+siteID+"/settings?done=saved")
	d := o.last(t, siteID, "settings_changed", editor)
	wantFields(t, d.Old, map[string]any{"name": o.site.Name, "controller.cvr": o.site.Controller.CVR})
	wantFields(t, d.New, map[string]any{"name": "Fjord", "controller.cvr": "87654321"})
	n := len(o.deeds(siteID))
	o.post(consent.Editor, settingsPath, form...).leadsTo(t, "/sites/"+siteID+"/settings?done=saved")
	if len(o.deeds(siteID)) != n {
		t.Error("what was saved as it was is in the log")
	}
	asks := editorPath("asks")
	o.post(consent.Editor, asks, with(o.get(consent.Editor, asks).values(asks), "days", "200")...).leadsTo(t, asks+"&done=saved")
	d = o.last(t, siteID, "settings_changed", editor)
	wantFields(t, d.Old, map[string]any{"banner.days": o.site.Banner.Days})
	wantFields(t, d.New, map[string]any{"banner.days": 200})
	o.post(consent.Editor, editorPath("texts"), "texts.da.title", "Må vi?").leadsTo(t, editorPath("texts")+"&done=texts_saved")
	d = o.last(t, siteID, "texts_changed", editor)
	wantFields(t, d.New, map[string]any{"banner.texts.da.title": "Må vi?"})
	o.post(consent.Editor, "/sites/"+siteID+"/declaration", "kind", "cookie", "name", "ny", "host", "fjordfletvaerk.example", "party", "first", "category", "statistics",
		"lifetime", "2", "lifetime_unit", "days", "purpose.da", "Tæller.").leadsTo(t, "/sites/"+siteID+"/declaration?done=item_added")
	d = o.last(t, siteID, "items_changed", editor)
	if d.Old != nil || d.New["cookie ny fjordfletvaerk.example.category"] != "statistics" || d.New["cookie ny fjordfletvaerk.example.purpose.da"] != "Tæller." {
		t.Errorf("%+v", d)
	}
	o.post(consent.Owner, "/sites/"+siteID+"/notices", "reason", "Ny udgave", "material", "yes", "confirm", "yes").leadsTo(t, "/sites/"+siteID+"?done=published")
	d = o.last(t, siteID, "publish", owner)
	current, err := o.db.CurrentNotice(t.Context(), siteID)
	o.check(err)
	wantFields(t, d.New, map[string]any{"hash": current.Hash, "reason": "Ny udgave", "material": true})
	if d.Object != fmt.Sprint(current.Version) {
		t.Errorf("publication %q", d.Object)
	}
	o.upload(t, mustJSON(officeScan())).leadsTo(t, "/sites/"+siteID+"/declaration?done=scan_imported")
	d = o.last(t, siteID, "scan_imported", editor)
	if d.Old != nil || d.New["cookie ny_maaler fjordfletvaerk.example.category"] != "unclassified" {
		t.Errorf("%+v", d)
	}
	a := o.post(consent.Owner, "/sites", "name", "Havn", "domains", "havn.example", "controller.name", "Havn ApS")
	id := strings.TrimSuffix(strings.TrimPrefix(a.Header().Get("Location"), "/sites/"), "/start?done=site_added")
	if d = o.last(t, id, "site_added", owner); d.Old != nil || d.New["name"] != "Havn" || d.New["banner.days"] != json.Number("365") {
		t.Errorf("%+v", d)
	}
}

// P3: the controller sees it: newest first, by what and by whom, in plain words of both languages.
func TestAudit_IsShown(t *testing.T) {
	o := newOffice(t).furnish()
	for k := range 60 {
		o.check(o.db.Audit(t.Context(), consent.NewDeed(o.now, "bo@fjord.example", "list", siteID).With("", map[string]any{"shown": k})))
	}
	changed := o.site
	changed.Banner.Days, changed.Banner.GPC, changed.Domains = 200, !o.site.Banner.GPC, append([]string{"ny.example"}, o.site.Domains...)
	o.check(o.db.UpdateSite(t.Context(), changed, consent.NewDeed(o.now, "ea@fjord.example", "settings_changed", siteID)))
	base := "/sites/" + siteID + "/audit"
	rows := func(a answer) []string {
		var list []string
		for _, tr := range a.wants(t, http.StatusOK).all("tr")[1:] {
			list = append(list, text(tr))
		}
		return list
	}
	first := o.get(consent.Auditor, base)
	if r := rows(first); len(r) != 50 || !strings.Contains(r[0], "ea@fjord.example Indstillinger ændret") ||
		!strings.Contains(r[0], fmt.Sprintf("Hvor længe et valg gælder %d , blev ændret til → 200", o.site.Banner.Days)) ||
		!strings.Contains(r[0], strings.Join(o.site.Domains, ", ")+" , blev ændret til → ny.example, ") || !strings.Contains(r[0], "ja , blev ændret til → nej") {
		t.Errorf("%d rows: %q", len(r), r[:1])
	}
	next := first.all("a", "rel", "next")
	if len(next) != 1 {
		t.Fatal("no link to older entries")
	}
	if older := rows(o.get(consent.Auditor, base+attrOf(next[0], "href"))); len(older) < 11 || len(older) > 20 {
		t.Errorf("%d older rows", len(older))
	}
	if r := rows(o.get(consent.Auditor, base+"?what=settings_changed")); len(r) != 1 {
		t.Errorf("by what: %q", r)
	}
	if r := rows(o.get(consent.Auditor, base+"?who=ea@fjord.example")); len(r) != 1 {
		t.Errorf("by whom: %q", r)
	}
	if a := o.get(consent.Auditor, base+"?who=nobody"); !strings.Contains(a.Body.String(), "Ingen poster passer til filteret.") {
		t.Error("nothing is said of nothing found")
	}
	o.get(consent.Auditor, base+"?after=x").wants(t, http.StatusBadRequest)
	o.get(consent.Owner, "/sites/nosuchsite/audit").wants(t, http.StatusNotFound)
	o.get(stranger, base).leadsTo(t, "/login?next="+strings.ReplaceAll(base, "/", "%2F"))
	for _, path := range []string{"/audit", "/audit.jsonl"} { // the installation's is the owners'
		o.get(consent.Owner, path).wants(t, http.StatusOK)
		for _, role := range []consent.Role{consent.Editor, consent.Auditor} {
			o.get(role, path).wants(t, http.StatusForbidden)
		}
	}
}

// Every code has words in both languages.
func TestAudit_EveryDeedHasWords(t *testing.T) {
	o := newOffice(t)
	for _, what := range consent.Deeds {
		o.check(o.db.Audit(t.Context(), consent.NewDeed(o.now, consent.ByJob, what, siteID).With("1", map[string]any{"acts": 1})))
	}
	o.check(o.db.SetLanguage(t.Context(), 1, "en"))
	for _, role := range []consent.Role{consent.Owner, consent.Editor} {
		if a := o.get(role, "/sites/"+siteID+"/audit").wants(t, http.StatusOK); strings.Contains(a.Body.String(), "⟦") {
			t.Errorf("%s misses words", role)
		}
	}
}

// R9: the export of the page is verified like one of records, and every changed byte of it is seen.
func TestAudit_ExportVerifies(t *testing.T) {
	o := newOffice(t).furnish()
	for range 9 {
		o.get(consent.Owner, "/sites/"+siteID+"/consents").wants(t, http.StatusOK)
	}
	a := o.get(consent.Auditor, "/sites/"+siteID+"/audit.jsonl").wants(t, http.StatusOK)
	keys, err := o.db.Keys(t.Context())
	o.check(err)
	known := ledger.Options{Keys: []string{keys[0].Public()}}
	r, err := ledger.VerifyExport(bytes.NewReader(a.Body.Bytes()), known)
	if err != nil || r.Records != int64(len(o.deeds(siteID))) || r.Removed != 0 || r.Checkpoint.Origin != "samtykke/"+siteID+"/audit" {
		t.Fatalf("%+v, %v", r, err)
	}
	o.last(t, siteID, "export", "auditor@fjord.example")
	if signed := o.get(stranger, "/.well-known/samtykke-checkpoint?log=audit&site="+siteID).wants(t, http.StatusOK).Body.String(); !strings.HasPrefix(signed, "samtykke/"+siteID+"/audit\n") {
		t.Errorf("checkpoint %s", signed)
	}
	body := a.Body.Bytes()
	for i := 0; i < len(body); i += 7 {
		changed := bytes.Clone(body)
		changed[i] ^= 1
		if _, err := ledger.VerifyExport(bytes.NewReader(changed), known); err == nil {
			t.Fatalf("byte %d, %q for %q, is not seen", i, changed[i], body[i])
		}
	}
	if a := o.get(consent.Auditor, "/sites/"+otherID+"/audit.jsonl").wants(t, http.StatusOK); strings.Contains(a.Body.String(), siteID) { // R15
		t.Error("another site's log names this one")
	}
}

// P3: whatever somebody changes by SQL behind the program's back is seen.
func TestAudit_CannotBeChangedUnseen(t *testing.T) {
	file := filepath.Join(t.TempDir(), "samtykke.db")
	db, err := store.Open(t.Context(), file)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	raw, err := sql.Open("sqlite", file+"?_pragma=busy_timeout(10000)")
	if err != nil {
		t.Fatal(err)
	}
	defer raw.Close()
	auditTampering(t, db, raw, "x''")
}

func TestAudit_CannotBeChangedUnseenOnPostgres(t *testing.T) {
	url := storetest.Postgres(t)()
	db, err := store.Open(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	raw, err := sql.Open("pgx", url)
	if err != nil {
		t.Fatal(err)
	}
	defer raw.Close()
	auditTampering(t, db, raw, `'\x00'`)
}

func auditTampering(t *testing.T, db *store.DB, raw *sql.DB, noSalt string) {
	s, _ := storetest.Site(t, db, siteID)
	for k := range 6 {
		if err := db.Audit(t.Context(), consent.NewDeed(storetest.Day, "ea@fjord.example", "lookup", s.ID).With(fmt.Sprint(k), nil),
			consent.NewDeed(storetest.Day, consent.ByJob, "purge", "").With("", map[string]any{"acts": k})); err != nil {
			t.Fatal(err)
		}
	}
	if err := db.SignLogs(t.Context(), storetest.Day); err != nil {
		t.Fatal(err)
	}
	keys, err := db.Keys(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	known := []string{keys[0].Public()}
	genuine := func() error {
		r, err := server.VerifyAudit(t.Context(), db, "", known)
		if err == nil && r.Records != 6 {
			t.Errorf("the installation's: %+v", r)
		}
		_, err2 := server.VerifyStored(t.Context(), db, s.ID, known)
		if err == nil {
			err = err2
		}
		return err
	}
	if err := genuine(); err != nil {
		t.Fatalf("unchanged: %v", err)
	}
	for _, change := range []string{
		"update deeds set body = replace(body, 'ea@fjord', 'bo@fjord') where site = 1 and seq = 2",
		"update deeds set body = replace(body, 'ea@fjord', 'bo@fjord'), who = 'bo@fjord.example' where site = 1 and seq = 2",
		"update deeds set who = 'bo@fjord.example' where site = 1 and seq = 3", "update deeds set what = 'list' where site = 1 and seq = 3",
		"update deeds set at = at + 1 where site = 1 and seq = 3", "update deeds set salt = " + noSalt + " where site = 1 and seq = 3",
		"update deeds set body = ' ' || body where site = 1 and seq = 3", "update deeds set body = replace(body, '3', '4') where site = 0 and seq = 3",
		"delete from deeds where site = 1 and seq = 5", "delete from deeds where site = 1 and seq = 0", "delete from deeds where site = 0", "delete from deeds",
		"update tiles set hashes = " + noSalt + " where kind = 1 and site = 1",
		"update deeds set seq = 99 where site = 1 and seq = 4",
	} {
		if _, err := raw.Exec("create table kept_deeds as select * from deeds"); err != nil {
			t.Fatal(err)
		}
		if _, err := raw.Exec("create table kept_tiles as select * from tiles"); err != nil {
			t.Fatal(err)
		}
		if r, err := raw.Exec(change); err != nil {
			t.Fatal(change, err)
		} else if n, _ := r.RowsAffected(); n == 0 {
			t.Fatalf("%s changes nothing", change)
		}
		if err := genuine(); err == nil {
			t.Errorf("not seen: %s", change)
		}
		for _, back := range []string{
			"delete from deeds", "insert into deeds select * from kept_deeds", "drop table kept_deeds",
			"delete from tiles", "insert into tiles select * from kept_tiles", "drop table kept_tiles",
		} {
			if _, err := raw.Exec(back); err != nil {
				t.Fatal(back, err)
			}
		}
		if err := genuine(); err != nil {
			t.Fatalf("put back after %s: %v", change, err)
		}
	}
}

// P3: what can't be logged doesn't happen: no look-up, no export, no login, no change, no erasure.
func TestAudit_NothingHappensUnlogged(t *testing.T) {
	file := filepath.Join(t.TempDir(), "samtykke.db")
	db, err := store.Open(t.Context(), file)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	o := &office{t: t, db: db, now: storetest.Day}
	o.site, o.notice = storetest.Site(t, db, siteID)
	o.addUser(consent.Owner, "da")
	r := storetest.Record(o.notice, 1, consent.AcceptAll)
	o.record(r)
	o.Server, err = server.New(t.Context(), db, server.Config{BaseURL: "http://cmp.example", Now: func() time.Time { return o.now }, Log: logTo(io.Discard)})
	o.check(err)
	t.Cleanup(o.Close)
	form := o.get(consent.Owner, settingsPath).wants(t, http.StatusOK).values(settingsPath)
	raw, err := sql.Open("sqlite", file+"?_pragma=busy_timeout(10000)")
	o.check(err)
	defer raw.Close()
	_, err = raw.Exec("alter table deeds rename to gone")
	o.check(err)
	for _, path := range []string{"/consents", "/consents.csv", "/consents/" + r.Visitor.String() + "/" + r.ID.String(), "/audit.jsonl"} {
		if a := o.get(consent.Owner, "/sites/"+siteID+path).wants(t, http.StatusInternalServerError); strings.Contains(strings.ReplaceAll(a.Body.String(), path, ""), r.Visitor.String()) {
			t.Errorf("%s shows the record", path) // more than its own address
		}
	}
	if a := o.post(stranger, "/login", "email", owner, "password", officePassword).wants(t, http.StatusInternalServerError); len(a.Result().Cookies()) > 0 {
		t.Error("logged in")
	}
	for i := 0; i < len(form); i += 2 {
		if form[i] == "name" {
			form[i+1] = "Anderledes"
		}
	}
	o.post(consent.Owner, settingsPath, form...).wants(t, http.StatusInternalServerError)
	if d := cmp.Diff(o.site, o.stored()); d != "" {
		t.Error(d)
	}
	if a := o.send(stranger, httptest.NewRequest(http.MethodDelete, "/v1/sites/"+siteID+"/visitors/"+r.Visitor.String(), nil)); a.Code != http.StatusInternalServerError {
		t.Error(a.Code, a.Body)
	}
	acts, err := db.Visitor(t.Context(), siteID, r.Visitor)
	if err != nil || len(acts) != 1 {
		t.Errorf("%d acts are left, %v", len(acts), err)
	}
}

package server_test

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"samtykke/consent"
	"samtykke/scanner"
	"samtykke/scanner/judgement"
	"samtykke/scanner/report"
	"samtykke/server"
	"samtykke/server/store"
)

// lab is an office whose domain answers as the test wants, and whose scans are made by the test.
type lab struct {
	*office
	mu      sync.Mutex
	pages   map[string]string // host and path: what is served there
	txt     []string
	scan    func(ctx context.Context, o scanner.Options) (judgement.Report, error)
	scanned []string // addresses
}

const scansPath = "/sites/" + siteID + "/scans"

func newLab(t *testing.T) *lab {
	t.Helper()
	l := &lab{pages: map[string]string{}}
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		l.mu.Lock()
		page, ok := l.pages[r.Host+r.URL.Path]
		l.mu.Unlock()
		switch to, redirect := strings.CutPrefix(page, "-> "); {
		case !ok:
			http.NotFound(w, r)
		case redirect:
			http.Redirect(w, r, to, http.StatusFound)
		default:
			w.Write([]byte(page))
		}
	}))
	t.Cleanup(web.Close)
	dial := func(ctx context.Context, network, address string) (net.Conn, error) {
		if strings.HasSuffix(address, ":443") {
			return nil, errors.New("no TLS here")
		}
		return new(net.Dialer).DialContext(ctx, network, web.Listener.Addr().String())
	}
	l.scan = func(context.Context, scanner.Options) (judgement.Report, error) { return officeScan(), nil }
	l.office = newOffice(t, func(c *server.Config) {
		c.Fetch = &http.Client{Transport: &http.Transport{DialContext: dial}}
		c.LookupTXT = func(context.Context, string) ([]string, error) { return l.txt, nil }
		c.Scan = func(ctx context.Context, address string, o scanner.Options) (judgement.Report, error) {
			l.mu.Lock()
			l.scanned = append(l.scanned, address)
			scan := l.scan
			l.mu.Unlock()
			return scan(ctx, o)
		}
	})
	return l.furnished()
}

func (l *lab) furnished() *lab {
	l.check(l.db.EditItems(context.Background(), siteID, declare(officeItems(&l.site))))
	return l
}

// prove puts the site's tag on its front page and has it looked at.
func (l *lab) prove() *lab {
	l.t.Helper()
	l.put("fjordfletvaerk.example/", server.Tag("http://cmp.example", &l.site))
	l.post(consent.Editor, "/sites/"+siteID+"/domains", "domain", siteID+".example").leadsTo(l.t, "/sites/"+siteID+"/domains?done=domain_proven")
	return l
}

func (l *lab) put(address, page string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.pages[address] = page
}

// ask asks for a scan and returns its page's address.
func (l *lab) ask() string {
	l.t.Helper()
	a := l.post(consent.Editor, scansPath, "op", "scan").wants(l.t, http.StatusSeeOther)
	return a.Header().Get("Location")
}

// work runs what is in the queue, as the server's loop does.
func (l *lab) work() {
	l.t.Helper()
	l.check(l.WorkScans(context.Background()))
}

func (l *lab) job(path string) store.ScanJob {
	l.t.Helper()
	jobs, err := l.db.ScanJobs(context.Background(), siteID, 100)
	l.check(err)
	i := slices.IndexFunc(jobs, func(j store.ScanJob) bool { return strings.HasSuffix(path, j.ID.String()) })
	if i < 0 {
		l.t.Fatalf("no scan at %s", path)
	}
	return jobs[i]
}

func (l *lab) alarms() (list []string) {
	l.t.Helper()
	open, err := l.db.Alarms(context.Background(), siteID)
	l.check(err)
	for _, a := range open {
		list = append(list, string(a.Kind)+" "+a.Subject)
	}
	slices.Sort(list)
	return list
}

func (l *lab) deeds(what string) []store.AuditEntry {
	l.t.Helper()
	list, _, err := l.db.Deeds(context.Background(), store.DeedFilter{Site: siteID, What: what})
	l.check(err)
	return list
}

// From the button to the declaration: asked, followed, done; what is new raises alarms, is taken over and solved.
func TestScans_FromAskedToDeclared(t *testing.T) {
	l := newLab(t).prove()
	begun, goOn := make(chan struct{}), make(chan struct{})
	l.scan = func(ctx context.Context, o scanner.Options) (judgement.Report, error) {
		if o.Pages != consent.DefaultScanPages || len(o.Declaration) != 5 {
			t.Errorf("%d pages, %d declared", o.Pages, len(o.Declaration))
		}
		o.Progress(scanner.Progress{State: "accept", URL: "https://fjordfletvaerk.example/om", Visited: 3, Pages: 8})
		close(begun)
		<-goOn
		return officeScan(), nil
	}
	page := l.ask()
	if got := l.get(consent.Auditor, page).wants(t, http.StatusOK); got.words("span", "class", "flag") != "Venter" || got.Header().Get("Refresh") == "" {
		t.Errorf("waiting: %q", got.words("main"))
	}
	l.post(consent.Editor, scansPath, "op", "scan").wants(t, http.StatusConflict)
	done := make(chan error, 1)
	go func() { done <- l.WorkScans(context.Background()) }()
	<-begun
	var running answer
	for deadline := time.Now().Add(20 * time.Second); ; {
		running = l.get(consent.Auditor, page).wants(t, http.StatusOK)
		if strings.Contains(running.words("main"), "3 af foreløbig 8 sider") || time.Now().After(deadline) {
			break
		}
	}
	if got := running.words("main"); !strings.Contains(got, "I gang") || !strings.Contains(got, "Besøger siderne: alt accepteret. 3 af foreløbig 8 sider. https://fjordfletvaerk.example/om") {
		t.Errorf("running: %q", got)
	}
	wellFormed(t, running, "da")
	if l.get(consent.Auditor, page+"?live=no").Header().Get("Refresh") != "" {
		t.Error("the page moves although it was asked not to")
	}
	close(goOn)
	l.check(<-done)

	want := []string{"finding cookie-before-consent S1", "finding unclassified S8", "new_item cookie&ny_maaler&fjordfletvaerk.example"}
	if got := l.alarms(); !slices.Equal(got, want) {
		t.Errorf("alarms %q", got)
	}
	overview := l.get(consent.Editor, "/sites/"+siteID)
	if got := overview.words("ul", "class", "alarms"); !strings.Contains(got, "Ny post, der ikke er deklareret (Cookie): ny_maaler fjordfletvaerk.example Ikke klassificeret") || !strings.Contains(got, "Der blev sat en cookie, før") {
		t.Errorf("overview %q", got)
	}
	if got := l.get(consent.Editor, "/").words("a", "class", "flag warn"); got != "3 advarsler" {
		t.Errorf("list of sites %q", got)
	}
	found := l.get(consent.Editor, page).wants(t, http.StatusOK)
	if got := found.words("main"); !strings.Contains(got, "Mangler i deklarationen 1") || !strings.Contains(got, "før svar: cookie _tl_id") || found.Header().Get("Refresh") != "" {
		t.Errorf("report %q", got)
	}
	if got := l.get(consent.Editor, "/sites/"+siteID+"/declaration").words("div", "class", "tip alarm"); !strings.Contains(got, "ikke klassificeret") {
		t.Errorf("declaration %q", got)
	}
	l.post(consent.Editor, page, "op", "merge").leadsTo(t, "/sites/"+siteID+"/declaration?done=scan_merged")
	items, err := l.db.Items(t.Context(), siteID)
	l.check(err)
	if len(items) != 6 || items[5].Name != "ny_maaler" {
		t.Errorf("items %v", items)
	}
	if got := l.get(consent.Editor, "/sites/"+siteID+"/declaration").words("section", "class", "group unclassified"); !strings.Contains(got, "ny_maaler") || !strings.Contains(got, "Ny, først set 22. november 2026") {
		t.Errorf("the new entry isn't flagged: %q", got)
	}
	if got := l.alarms(); !slices.Equal(got, want[:2]) {
		t.Errorf("alarms %q", got)
	}
	if len(l.deeds("scan_asked")) != 1 || len(l.deeds("items_changed")) < 1 {
		t.Error("the audit log lacks something")
	}
	l.post(consent.Editor, "/sites/"+siteID+"/alarms", "alarm", "0").leadsTo(t, "/sites/"+siteID+"?done=alarm_ended")
	if got := l.alarms(); len(got) > 0 {
		t.Errorf("alarms %q", got)
	}
	for _, file := range []string{"/report.json", "/report.txt", "/report.html", "/report.sarif", "/report.xml"} {
		a := l.get(consent.Auditor, page+file).wants(t, http.StatusOK)
		if !strings.Contains(a.Header().Get("Content-Disposition"), "attachment") || !strings.Contains(a.Body.String(), "cookie-before-consent") {
			t.Errorf("%s: %v", file, a.Header())
		}
	}
	if a := l.get(consent.Auditor, page+"/picture-0.png").wants(t, http.StatusOK); a.Header().Get("Content-Type") != "image/png" || a.Body.String() != string(onePixel) {
		t.Errorf("picture %v", a.Header())
	}
	l.get(consent.Auditor, page+"/picture-1.png").wants(t, http.StatusNotFound)
	if _, err := report.Read(l.get(consent.Auditor, page+"/report.json").Body); err != nil {
		t.Error(err)
	}
	l.get(consent.Auditor, "/sites/"+otherID+"/scans/"+l.job(page).ID.String()).wants(t, http.StatusNotFound) // R15
	l.get(consent.Auditor, "/sites/"+otherID+"/scans/"+l.job(page).ID.String()+"/report.json").wants(t, http.StatusNotFound)
}

// The second scan says what is different; what is gone is flagged, and what is accepted counts no more.
func TestScans_TellWhatChanged(t *testing.T) {
	l := newLab(t).prove()
	full := officeScan()
	full.States = []judgement.StateResult{{State: "accept", Done: true}}
	l.scan = func(context.Context, scanner.Options) (judgement.Report, error) { return full, nil }
	l.ask()
	l.work()
	l.now = l.now.Add(24 * time.Hour)
	less := full
	less.Items = slices.Clone(full.Items[:1])
	less.Findings = slices.Clone(full.Findings[:1])
	newer := full.Items[1]
	newer.Name = "endnu_en"
	less.Items = append(less.Items, newer)
	l.scan = func(context.Context, scanner.Options) (judgement.Report, error) { return less, nil }
	l.addSession(consent.Editor)
	l.addSession(consent.Auditor)
	page := l.ask()
	l.work()
	list := l.get(consent.Auditor, scansPath).wants(t, http.StatusOK)
	if got := text(list.all("ul", "class", "entries scanlist")[0]); !strings.Contains(got, "Høj 1") || !strings.Contains(got, "1 nye, 0 ændrede og 1 forsvundne poster; 0 nye eller værre og 1 løste fund") {
		t.Errorf("list %q", got)
	}
	wellFormed(t, list, "da")
	report := l.get(consent.Auditor, page)
	if got := text(report.all("section", "aria-labelledby", "change")[0]); !strings.Contains(got, "Nye poster 1 endnu_en") || !strings.Contains(got, "Ikke set igen 1 ny_maaler") || !strings.Contains(got, "Løste fund 1 Der blev sat en cookie") {
		t.Errorf("change %q", got)
	}
	wellFormed(t, report, "da")
	if got := l.alarms(); !slices.Equal(got, []string{"finding unclassified S8", "new_item cookie&endnu_en&fjordfletvaerk.example"}) {
		t.Errorf("alarms %q", got)
	}

	a := l.post(consent.Editor, page, "op", "accept", "finding", "unclassified S8").wants(t, http.StatusBadRequest)
	if got := a.words("p", "class", "why"); got != "Skriv med højst 500 tegn, hvorfor det er accepteret." {
		t.Errorf("without a reason: %q", got)
	}
	wellFormed(t, a, "da")
	l.post(consent.Editor, page, "op", "accept", "finding", "unclassified S8", "reason", "Vi venter på svar fra leverandøren").wants(t, http.StatusSeeOther)
	if got := l.get(consent.Auditor, page).words("section", "aria-labelledby", "findings"); !strings.Contains(got, "Fund 0") || !strings.Contains(got, "Accepteret af editor@fjord.example 23. november 2026 kl. 10.30 : Vi venter på svar") {
		t.Errorf("accepted %q", got)
	}
	if got := l.get(consent.Auditor, scansPath).words("main"); !strings.Contains(got, "Ingen fund. 2 poster · 2 ikke klassificerede") && !strings.Contains(got, "1 accepteret fund") {
		t.Errorf("list %q", got)
	}
	if got := l.alarms(); len(got) != 1 || len(l.deeds("finding_accepted")) != 1 {
		t.Errorf("alarms %q", got)
	}
	// A later scan finds it again: it is still accepted.
	l.ask()
	l.work()
	if got := l.alarms(); len(got) != 1 {
		t.Errorf("alarms %q", got)
	}
	l.post(consent.Editor, page, "op", "reopen", "finding", "unclassified S8").wants(t, http.StatusSeeOther)
	if got := l.get(consent.Auditor, page).words("section", "aria-labelledby", "findings"); !strings.Contains(got, "Fund 1") {
		t.Errorf("reopened %q", got)
	}

	// What is declared and no longer seen.
	l.check(l.db.EditItems(t.Context(), siteID, declare(append(officeItems(&l.site), consent.Item{
		Kind: consent.Cookie, Name: "ny_maaler", Host: "fjordfletvaerk.example", Party: consent.FirstParty, Category: consent.Statistics,
	}))))
	if got := l.get(consent.Auditor, "/sites/"+siteID+"/declaration").words("section", "class", "group statistics"); !strings.Contains(got, "ny_maaler") || !strings.Contains(got, "Ikke set siden 22. november 2026") {
		t.Errorf("the stale entry isn't flagged: %q", got)
	}
}

// A scan that fails says why, to whoever looks and by alarm; the next one that is done ends that.
func TestScans_Fail(t *testing.T) {
	l := newLab(t).prove()
	unknown := errors.New("secret details of the machine")
	for _, c := range []struct {
		err        error
		code, says string
	}{
		{&consent.Error{Kind: consent.KindUnavailable, Code: "unreachable", Message: "x"}, "unreachable", "Forsiden kunne ikke nås."},
		{unknown, "scan_failed", "Scanningen mislykkedes. Serverens log fortæller hvorfor."},
	} {
		l.scan = func(context.Context, scanner.Options) (judgement.Report, error) { return judgement.Report{}, c.err }
		page := l.ask()
		l.work()
		if j := l.job(page); j.State != store.ScanFailed || j.Error.Code != c.code {
			t.Errorf("%+v", j)
		}
		a := l.get(consent.Auditor, page).wants(t, http.StatusOK)
		if got := a.words("div", "class", "problem"); got != c.says {
			t.Errorf("%q", got)
		}
		wellFormed(t, a, "da")
		if got := l.alarms(); !slices.Equal(got, []string{"scan_failed scan"}) {
			t.Errorf("alarms %q", got)
		}
	}
	l.scan = func(context.Context, scanner.Options) (judgement.Report, error) { return officeScan(), nil }
	l.ask()
	l.work()
	if slices.Contains(l.alarms(), "scan_failed scan") {
		t.Error("the alarm stays")
	}
}

// A running scan ends when somebody stops it, when its time is over, and with its server, which puts it back.
func TestScans_Stop(t *testing.T) {
	l := newLab(t).prove()
	begun := make(chan struct{}, 9)
	l.scan = func(ctx context.Context, _ scanner.Options) (judgement.Report, error) {
		begun <- struct{}{}
		<-ctx.Done()
		return judgement.Report{}, ctx.Err()
	}
	run := func(ctx context.Context) chan struct{} {
		done := make(chan struct{})
		go func() {
			defer close(done)
			_ = l.WorkScans(ctx)
		}()
		<-begun
		return done
	}
	page := l.ask()
	done := run(t.Context())
	l.post(consent.Editor, page, "op", "cancel").leadsTo(t, page+"?done=scan_canceled")
	<-done
	if j := l.job(page); j.State != store.ScanFailed || j.Error.Code != "scan_canceled" || len(l.alarms()) > 0 || len(l.deeds("scan_canceled")) != 1 {
		t.Errorf("stopped: %+v", j)
	}
	l.post(consent.Editor, page, "op", "cancel").wants(t, http.StatusConflict)

	page = l.ask()
	ctx, end := context.WithCancel(t.Context())
	done = run(ctx)
	end()
	<-done
	if j := l.job(page); j.State != store.ScanQueued || j.Tries != 0 {
		t.Errorf("the server ended: %+v", j)
	}
	l.SetScanLimits(50*time.Millisecond, 1<<40)
	<-run(t.Context())
	if j := l.job(page); j.State != store.ScanFailed || j.Error.Code != "scan_time" {
		t.Errorf("too long: %+v", j)
	}
	l.SetScanLimits(time.Hour, -1) // less than nothing
	page = l.ask()
	<-run(t.Context())
	if j := l.job(page); j.State != store.ScanFailed || j.Error.Code != "scan_memory" {
		t.Errorf("too large: %+v", j)
	}
}

// A server that scans nothing says so and keeps what others have made.
func TestScans_Off(t *testing.T) {
	o := newOffice(t).furnish()
	a := o.get(consent.Editor, scansPath).wants(t, http.StatusOK)
	if got := a.words("div", "class", "tip"); !strings.Contains(got, "Denne server scanner ikke selv") || len(a.all("button", "value", "scan")) > 0 {
		t.Errorf("%q", got)
	}
	o.post(consent.Editor, scansPath, "op", "scan").wants(t, http.StatusServiceUnavailable)
}

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

	"golang.org/x/net/html"

	"samtykke/consent"
	"samtykke/scanner"
	"samtykke/server"
	"samtykke/server/store"
	"samtykke/server/store/storetest"
)

// lab is an office whose domain answers as the test wants, and whose scans are made by the test.
type lab struct {
	*office
	mu      sync.Mutex
	pages   map[string]string // host and path: what is served there
	txt     []string
	scan    func(ctx context.Context, o scanner.Options) (scanner.Report, error)
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
	l.scan = func(context.Context, scanner.Options) (scanner.Report, error) { return officeScan(), nil }
	l.office = newOffice(t, func(c *server.Config) {
		c.Fetch = &http.Client{Transport: &http.Transport{DialContext: dial}}
		c.LookupTXT = func(context.Context, string) ([]string, error) { return l.txt, nil }
		c.Scan = func(ctx context.Context, address string, o scanner.Options) (scanner.Report, error) {
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

// H4: what shows that a domain is the site's, and what doesn't.
func TestOwnership_IsProvenByTagFileOrDNS(t *testing.T) {
	const front, file = "fjordfletvaerk.example/", "fjordfletvaerk.example/.well-known/samtykke-site.txt"
	tag := `<script async src="https://anden.example/x/s/fjordfletvaerk.js"></script>`
	for name, c := range map[string]struct {
		pages map[string]string
		txt   []string
		want  store.Proof
	}{
		"tag":                        {map[string]string{front: "<title>x</title>" + tag}, nil, store.ProofTag},
		"file":                       {map[string]string{front: "x", file: "samtykke-site=fjordfletvaerk\n"}, nil, store.ProofFile},
		"dns":                        {nil, []string{"v=spf1 -all", "samtykke-site=fjordfletvaerk"}, store.ProofDNS},
		"tag behind www":             {map[string]string{front: "-> http://www.fjordfletvaerk.example/da", "www.fjordfletvaerk.example/da": tag}, nil, store.ProofTag},
		"Cookiebot's tag":            {map[string]string{front: `<script id="Cookiebot" src="/uc.js" data-cbid="01234567-89AB-cdef-0123-456789abcdef"></script>`}, nil, store.ProofTag},
		"nothing":                    {map[string]string{front: "hej"}, []string{"v=spf1 -all"}, ""},
		"another site's tag":         {map[string]string{front: strings.ReplaceAll(tag, siteID, otherID)}, nil, ""},
		"another site's token":       {map[string]string{front: "x", file: "samtykke-site=" + otherID}, []string{"samtykke-site=" + otherID}, ""},
		"in a comment":               {map[string]string{front: "<!-- " + tag + " -->"}, nil, ""},
		"in a text":                  {map[string]string{front: "<textarea>" + tag + "</textarea><p>" + html.EscapeString(tag)}, nil, ""},
		"on another domain":          {map[string]string{front: "-> http://fjordfletvaerk.example.evil.example/", "fjordfletvaerk.example.evil.example/": tag}, nil, ""},
		"file elsewhere":             {map[string]string{front: "x", file: "-> http://evil.example/t", "evil.example/t": "samtykke-site=fjordfletvaerk"}, nil, ""},
		"redirects without an end":   {map[string]string{front: "-> http://fjordfletvaerk.example/"}, nil, ""},
		"far behind the first bytes": {map[string]string{front: strings.Repeat(" ", 1<<20) + tag}, nil, ""},
	} {
		t.Run(name, func(t *testing.T) {
			l := newLab(t)
			l.site.Banner.CBID = "01234567-89ab-cdef-0123-456789abcdef"
			l.check(l.db.UpdateSite(t.Context(), l.site))
			l.pages, l.txt = c.pages, c.txt
			a := l.post(consent.Editor, "/sites/"+siteID+"/domains", "domain", siteID+".example")
			known, err := l.db.Domains(t.Context(), siteID)
			l.check(err)
			d := known[siteID+".example"]
			if d.Method != c.want || d.Proven() != (c.want != "") || d.CheckedAt != storetest.Day {
				t.Errorf("%d, %+v", a.Code, d)
			}
			if c.want == "" {
				wellFormed(t, a.wants(t, http.StatusConflict), "da")
			}
			if deeds := l.deeds("ownership_checked"); len(deeds) != 1 || deeds[0].Object != siteID+".example" || deeds[0].Who != "editor@fjord.example" {
				t.Errorf("deeds %v", deeds)
			}
		})
	}
}

// The server's own way out leads nowhere near itself, also where a domain's name or a redirect does.
func TestOwnership_IsNotLookedForOnThisMachine(t *testing.T) {
	near := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("it was reached") }))
	defer near.Close()
	o := newOffice(t, func(c *server.Config) {
		c.LookupTXT = func(context.Context, string) ([]string, error) { return nil, nil }
	})
	_, port, _ := net.SplitHostPort(near.Listener.Addr().String())
	for _, host := range []string{"127.0.0.1", "localhost", "shop.localhost"} {
		o.site.Domains, o.site.Homepage = []string{host}, "http://"+host+":"+port+"/"
		o.check(o.db.UpdateSite(t.Context(), o.site))
		a := o.post(consent.Editor, "/sites/"+siteID+"/domains", "domain", host).wants(t, http.StatusConflict)
		if got := a.words("div", "class", "problem"); !strings.Contains(got, "der kom intet svar fra "+host) {
			t.Errorf("%q", got)
		}
	}
}

// H4: without a proof nothing is scanned and no schedule is set.
func TestScans_WantAProvenDomain(t *testing.T) {
	l := newLab(t)
	for _, form := range [][]string{{"op", "scan"}, {"op", "schedule", "scanning.every", "daily", "scanning.pages", "9"}} {
		a := l.post(consent.Editor, scansPath, form...).wants(t, http.StatusConflict)
		if got := a.words("div", "class", "problem"); got != "Bekræft først, at domænet hører til hjemmesiden." {
			t.Errorf("%v: %q", form, got)
		}
		wellFormed(t, a, "da")
	}
	l.work()
	if len(l.scanned) > 0 || len(l.deeds("scan_asked")) > 0 {
		t.Error("it was scanned")
	}
	l.site.Homepage = "https://evil.example/"
	l.check(l.db.UpdateSite(t.Context(), l.site))
	l.prove()
	l.post(consent.Editor, scansPath, "op", "scan").wants(t, http.StatusConflict)
}

// From the button to the declaration: asked, followed, done; what is new raises alarms, is taken over and solved.
func TestScans_FromAskedToDeclared(t *testing.T) {
	l := newLab(t).prove()
	begun, goOn := make(chan struct{}), make(chan struct{})
	l.scan = func(ctx context.Context, o scanner.Options) (scanner.Report, error) {
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
	report := l.get(consent.Editor, page).wants(t, http.StatusOK)
	if got := report.words("main"); !strings.Contains(got, "Mangler i deklarationen 1") || !strings.Contains(got, "før svar: cookie _tl_id") || report.Header().Get("Refresh") != "" {
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
	if _, err := scanner.ReadReport(l.get(consent.Auditor, page+"/report.json").Body); err != nil {
		t.Error(err)
	}
	l.get(consent.Auditor, "/sites/"+otherID+"/scans/"+l.job(page).ID.String()).wants(t, http.StatusNotFound) // R15
	l.get(consent.Auditor, "/sites/"+otherID+"/scans/"+l.job(page).ID.String()+"/report.json").wants(t, http.StatusNotFound)
}

// The second scan says what is different; what is gone is flagged, and what is accepted counts no more.
func TestScans_TellWhatChanged(t *testing.T) {
	l := newLab(t).prove()
	full := officeScan()
	full.States = []scanner.StateResult{{State: "accept", Done: true}}
	l.scan = func(context.Context, scanner.Options) (scanner.Report, error) { return full, nil }
	l.ask()
	l.work()
	l.now = l.now.Add(24 * time.Hour)
	less := full
	less.Items = slices.Clone(full.Items[:1])
	less.Findings = slices.Clone(full.Findings[:1])
	newer := full.Items[1]
	newer.Name = "endnu_en"
	less.Items = append(less.Items, newer)
	l.scan = func(context.Context, scanner.Options) (scanner.Report, error) { return less, nil }
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
		l.scan = func(context.Context, scanner.Options) (scanner.Report, error) { return scanner.Report{}, c.err }
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
	l.scan = func(context.Context, scanner.Options) (scanner.Report, error) { return officeScan(), nil }
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
	l.scan = func(ctx context.Context, _ scanner.Options) (scanner.Report, error) {
		begun <- struct{}{}
		<-ctx.Done()
		return scanner.Report{}, ctx.Err()
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

// The schedule: at a time of the night that is the site's own, once, and never without a proof.
func TestSchedule(t *testing.T) {
	l := newLab(t).prove()
	l.post(consent.Editor, scansPath, "op", "schedule", "scanning.every", "daily", "scanning.pages", "0").wants(t, http.StatusBadRequest)
	l.post(consent.Editor, scansPath, "op", "schedule", "scanning.every", "weekly", "scanning.pages", "40", "scanning.depth", "3").leadsTo(t, scansPath+"?done=schedule_saved")
	if deeds := l.deeds("schedule_changed"); len(deeds) != 1 || deeds[0].New["scanning.every"] != "weekly" {
		t.Errorf("deeds %v", deeds)
	}
	var at []time.Time
	l.scan = func(_ context.Context, o scanner.Options) (scanner.Report, error) {
		at = append(at, l.now)
		if o.Pages != 40 {
			t.Errorf("%d pages", o.Pages)
		}
		return officeScan(), nil
	}
	hours := func(n int) {
		t.Helper()
		for range n {
			l.now = l.now.Add(time.Hour)
			l.check(l.AskDue(t.Context()))
			l.work()
		}
	}
	hours(21 * 24)
	if len(at) != 3 {
		t.Fatalf("%d scans in three weeks", len(at))
	}
	copenhagen, _ := time.LoadLocation("Europe/Copenhagen")
	for i, now := range at {
		if h := now.In(copenhagen).Hour(); h > 5 || i > 0 && now.Sub(at[i-1]) != 7*24*time.Hour {
			t.Errorf("scanned at %s", now.In(copenhagen))
		}
	}
	// The domain is lost: an alarm and no scan; what was proven isn't forgotten. It is back: all is well.
	l.put("fjordfletvaerk.example/", "til salg")
	hours(7 * 24)
	if len(at) != 3 || !slices.Contains(l.alarms(), "domain_lost fjordfletvaerk.example") {
		t.Errorf("%d scans, alarms %q", len(at), l.alarms())
	}
	known, err := l.db.Domains(t.Context(), siteID)
	l.check(err)
	if d := known[siteID+".example"]; d.Proven() || d.Method != store.ProofTag {
		t.Errorf("%+v", d)
	}
	l.put("fjordfletvaerk.example/", server.Tag("http://cmp.example", &l.site))
	hours(7 * 24)
	if len(at) != 4 || slices.Contains(l.alarms(), "domain_lost fjordfletvaerk.example") {
		t.Errorf("%d scans, alarms %q", len(at), l.alarms())
	}
	l.addSession(consent.Editor)
	l.post(consent.Editor, scansPath, "op", "schedule", "scanning.every", "never", "scanning.pages", "40").wants(t, http.StatusSeeOther)
	hours(14 * 24)
	if len(at) != 4 {
		t.Error("it goes on")
	}
}

// Each site has a minute of its own, so that a server with many doesn't scan them all at once.
func TestSchedule_IsSpreadOverTheNight(t *testing.T) {
	minutes := map[int]int{}
	for k := range 1000 {
		site := consent.Site{ID: server.NewSiteID(), Scanning: consent.Scanning{Every: []string{"daily", "weekly", "monthly"}[k%3]}}
		slot, ok := server.LastSlot(&site, storetest.Day)
		if !ok || slot.After(storetest.Day) || storetest.Day.Sub(slot) > 32*24*time.Hour {
			t.Fatalf("%s: %s", site.Scanning.Every, slot)
		}
		minutes[slot.Hour()*60+slot.Minute()]++
	}
	for minute, n := range minutes {
		if minute >= 300 || n > 20 {
			t.Errorf("%d sites at minute %d", n, minute)
		}
	}
	if len(minutes) < 200 {
		t.Errorf("only %d minutes are used", len(minutes))
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

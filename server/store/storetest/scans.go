package storetest

import (
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"samtykke/consent"
	"samtykke/server/store"
)

func job(site string, at time.Time) store.ScanJob {
	return store.ScanJob{ID: uuid.Must(uuid.NewV7()), Site: site, Origin: store.ScanAsked, By: "ea@fjord.example", AskedAt: at, Pages: 7, Depth: 2}
}

func ask(t *testing.T, db *store.DB, j store.ScanJob) store.ScanJob {
	t.Helper()
	if !must[bool](t)(db.AskScan(ctx, j, time.Time{})) {
		t.Fatal("the scan was not queued")
	}
	return j
}

func claim(t *testing.T, db *store.DB, runner string, now time.Time) store.ScanJob {
	t.Helper()
	j, ok, err := db.ClaimScan(ctx, runner, now, now.Add(time.Minute))
	if err != nil || !ok {
		t.Fatalf("nothing to claim: %v", err)
	}
	return j
}

func nothingToClaim(t *testing.T, db *store.DB, now time.Time) {
	t.Helper()
	if j, ok, err := db.ClaimScan(ctx, "nobody", now, now.Add(time.Minute)); ok || err != nil {
		t.Errorf("claimed %v, %v", j, err)
	}
}

// A scan from the question to its report, as lists and pages read it.
func scanJobs(t *testing.T, db *store.DB) {
	s, _ := Site(t, db, "fjordfletvaerk")
	j := ask(t, db, job(s.ID, Day))
	waiting := j
	waiting.State = store.ScanQueued
	sameJob(t, must[store.ScanJob](t)(db.ScanJob(ctx, s.ID, j.ID)), waiting)
	if must[bool](t)(db.AskScan(ctx, job(s.ID, Day), time.Time{})) {
		t.Error("a site has two scans in the queue")
	}
	_, err := db.ScanJob(ctx, "nordlysoglim", j.ID)
	wantKind(t, err, consent.KindNotFound) // R15

	running := claim(t, db, "one", Day.Add(time.Minute))
	want := waiting
	want.State, want.StartedAt, want.Tries = store.ScanRunning, Day.Add(time.Minute), 1
	sameJob(t, running, want)
	if !must[bool](t)(db.HoldScan(ctx, j.ID, "one", Day.Add(3*time.Minute), []byte(`{"page":1}`))) || must[bool](t)(db.HoldScan(ctx, j.ID, "two", Day.Add(9*time.Minute), nil)) {
		t.Error("a lease belongs to its runner")
	}
	same(t, string(must[store.ScanJob](t)(db.ScanJob(ctx, s.ID, j.ID)).Progress), `{"page":1}`)

	// While one runs a second may wait, but not run.
	second := ask(t, db, job(s.ID, Day.Add(time.Minute)))
	nothingToClaim(t, db, Day.Add(2*time.Minute))

	end := store.ScanEnd{At: Day.Add(5 * time.Minute), Report: []byte(`{"n":1}`), Summary: []byte(`{"items":3}`)}
	if must[bool](t)(db.EndScan(ctx, j.ID, "two", end)) {
		t.Error("a stranger ended the scan")
	}
	if !must[bool](t)(db.EndScan(ctx, j.ID, "one", end)) || must[bool](t)(db.EndScan(ctx, j.ID, "one", end)) {
		t.Error("a scan ends once")
	}
	same(t, string(must[[]byte](t)(db.ScanReport(ctx, s.ID, j.ID))), `{"n":1}`)
	same(t, must[time.Time](t)(db.LastScanAt(ctx, s.ID)), end.At)
	same(t, must[store.Scan](t)(db.LastScan(ctx, s.ID)), store.Scan{ID: j.ID, By: j.By, At: end.At, Report: end.Report, Summary: end.Summary})

	sameJob(t, claim(t, db, "two", Day.Add(6*time.Minute)), must[store.ScanJob](t)(db.ScanJob(ctx, s.ID, second.ID)))
	problem := &consent.Error{Kind: consent.KindUnavailable, Code: "unreachable", Message: "Nobody answers."}
	must[bool](t)(db.EndScan(ctx, second.ID, "two", store.ScanEnd{At: Day.Add(7 * time.Minute), Error: problem}))
	problem.Kind = "" // which isn't stored
	same(t, must[store.ScanJob](t)(db.ScanJob(ctx, s.ID, second.ID)).Error, problem)
	_, err = db.ScanReport(ctx, s.ID, second.ID)
	wantKind(t, err, consent.KindNotFound)
	same(t, must[store.ScanJob](t)(db.ScanBefore(ctx, s.ID, second.ID)).ID, j.ID)
	_, err = db.ScanBefore(ctx, s.ID, j.ID)
	wantKind(t, err, consent.KindNotFound)
	list := must[[]store.ScanJob](t)(db.ScanJobs(ctx, s.ID, 10))
	same(t, []uuid.UUID{list[0].ID, list[1].ID}, []uuid.UUID{second.ID, j.ID})
}

func sameJob(t *testing.T, got, want store.ScanJob) {
	t.Helper()
	got.Progress, got.Summary, want.Progress, want.Summary = nil, nil, nil, nil
	same(t, got, want)
}

// Several servers: each scan runs once, each site has one scan at a time, and a schedule asks once.
func scansTogether(t *testing.T, db *store.DB) {
	var sites []string
	for k := range 6 {
		s, _ := Site(t, db, fmt.Sprintf("fjordfletvaerk%d", k))
		sites = append(sites, s.ID)
	}
	var mu sync.Mutex
	var asked int
	var claimed []string
	var wg sync.WaitGroup
	for w := range 4 {
		wg.Go(func() {
			for _, site := range sites {
				j := job(site, Day)
				j.Origin = store.ScanScheduled
				ok, err := db.AskScan(ctx, j, Day)
				if err != nil {
					t.Error(err)
				}
				mu.Lock()
				if ok {
					asked++
				}
				mu.Unlock()
			}
			for range sites {
				j, ok, err := db.ClaimScan(ctx, fmt.Sprint(w), Day, Day.Add(time.Minute))
				if err != nil {
					t.Error(err)
				}
				mu.Lock()
				if ok {
					claimed = append(claimed, j.Site)
				}
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	for { // those that two wanted at the same moment
		j, ok, err := db.ClaimScan(ctx, "late", Day, Day.Add(time.Minute))
		if err != nil {
			t.Fatal(err)
		}
		if !ok {
			break
		}
		claimed = append(claimed, j.Site)
	}
	slices.Sort(claimed)
	if asked != len(sites) || !slices.Equal(claimed, sites) {
		t.Errorf("%d asked, claimed %v", asked, claimed)
	}
	again := job(sites[0], Day.Add(time.Hour))
	again.Origin = store.ScanScheduled
	if must[bool](t)(db.AskScan(ctx, again, Day)) {
		t.Error("the schedule asked twice for the same time")
	}
	if !must[bool](t)(db.AskScan(ctx, again, Day.Add(time.Minute))) {
		t.Error("the schedule's next time was missed")
	}
}

// A server that disappears: its scan is begun once more, and then given up. One that ends in peace puts it back.
func scansLost(t *testing.T, db *store.DB) {
	s, _ := Site(t, db, "fjordfletvaerk")
	j := ask(t, db, job(s.ID, Day))
	claim(t, db, "one", Day)
	if err := db.ReleaseScan(ctx, j.ID, "one"); err != nil {
		t.Fatal(err)
	}
	now := Day
	for try := 1; try <= 2; try++ {
		if got := claim(t, db, "one", now); got.Tries != try {
			t.Errorf("%d tries, want %d", got.Tries, try)
		}
		if failed := must[[]store.ScanJob](t)(db.ExpireScans(ctx, now.Add(30*time.Second))); len(failed) > 0 {
			t.Error("a lease that runs was ended")
		}
		now = now.Add(2 * time.Minute)
		failed := must[[]store.ScanJob](t)(db.ExpireScans(ctx, now))
		if (len(failed) == 1) != (try == 2) {
			t.Errorf("try %d: %d failed", try, len(failed))
		}
	}
	if got := must[store.ScanJob](t)(db.ScanJob(ctx, s.ID, j.ID)); got.State != store.ScanFailed || got.Error.Code != "scan_lost" {
		t.Errorf("%+v", got)
	}
	// Canceled: whoever runs it is told at the next word.
	j = ask(t, db, job(s.ID, Day))
	claim(t, db, "one", now)
	why := &consent.Error{Code: "scan_canceled", Message: "Stopped."}
	if err := db.CancelScan(ctx, s.ID, j.ID, now, why); err != nil {
		t.Fatal(err)
	}
	if must[bool](t)(db.HoldScan(ctx, j.ID, "one", now.Add(time.Minute), nil)) {
		t.Error("the runner wasn't told")
	}
	wantKind(t, db.CancelScan(ctx, s.ID, j.ID, now, why), consent.KindConflict)
	// A newer one waits: the lost one isn't begun again.
	j = ask(t, db, job(s.ID, Day))
	claim(t, db, "one", now)
	ask(t, db, job(s.ID, Day))
	if failed := must[[]store.ScanJob](t)(db.ExpireScans(ctx, now.Add(time.Hour))); len(failed) != 1 || failed[0].ID != j.ID {
		t.Errorf("failed %v", failed)
	}
}

// The newest are kept, and what an inspection pack names.
func scansKept(t *testing.T, db *store.DB) {
	s, _ := Site(t, db, "fjordfletvaerk")
	add := func(k int) {
		if err := db.AddScan(ctx, s.ID, store.Scan{At: Day.Add(time.Duration(k) * time.Hour), Report: []byte("{}")}, keepItems); err != nil {
			t.Fatal(err)
		}
	}
	add(0)
	add(1)
	if err := db.KeepScans(ctx, s.ID, Day, Day.Add(time.Minute), 10); err != nil {
		t.Fatal(err)
	}
	for k := range store.ScansKept {
		add(2 + k)
	}
	kept := must[[]store.Scan](t)(db.Scans(ctx, s.ID, Day, Day.AddDate(1, 0, 0), 1000))
	if len(kept) != store.ScansKept+1 || !kept[0].At.Equal(Day) || !kept[1].At.Equal(Day.Add(2*time.Hour)) {
		t.Errorf("%d kept, the first of %s", len(kept), kept[0].At)
	}
}

func keepItems(items []consent.Item) ([]consent.Item, error) { return items, nil }

// H10: an alarm is raised once, and open until it is seen or solved.
func alarms(t *testing.T, db *store.DB) {
	s, _ := Site(t, db, "fjordfletvaerk")
	other, _ := Site(t, db, "nordlysoglim")
	raise := func(at time.Time, subjects ...string) {
		t.Helper()
		err := db.ChangeAlarms(ctx, s.ID, at, func([]store.Alarm) (list []store.Alarm, _ []int64) {
			for _, subject := range subjects {
				list = append(list, store.Alarm{Kind: store.AlarmItem, Subject: subject, About: map[string]string{"name": subject}})
			}
			return list, nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	subjects := func(site string) (list []string) {
		for _, a := range must[[]store.Alarm](t)(db.Alarms(ctx, site)) {
			list = append(list, a.Subject)
		}
		return list
	}
	raise(Day, "a", "b")
	raise(Day.Add(time.Hour), "b", "c")
	same(t, subjects(s.ID), []string{"c", "a", "b"})
	same(t, subjects(other.ID), []string(nil))
	same(t, subjects(""), []string{"c", "a", "b"})
	open := must[[]store.Alarm](t)(db.Alarms(ctx, s.ID))
	same(t, open[0], store.Alarm{Num: open[0].Num, Site: s.ID, Kind: store.AlarmItem, Subject: "c", About: map[string]string{"name": "c"}, At: Day.Add(time.Hour)})
	wantKind(t, db.SeeAlarm(ctx, other.ID, open[0].Num, "ea@fjord.example", Day), consent.KindNotFound) // R15
	if err := db.SeeAlarm(ctx, s.ID, open[0].Num, "ea@fjord.example", Day.Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	wantKind(t, db.SeeAlarm(ctx, s.ID, open[0].Num, "ea@fjord.example", Day), consent.KindNotFound)
	err := db.ChangeAlarms(ctx, s.ID, Day.Add(time.Hour), func(open []store.Alarm) ([]store.Alarm, []int64) { return nil, []int64{open[0].Num} })
	if err != nil || len(subjects(s.ID)) != 1 {
		t.Errorf("open %v, %v", subjects(s.ID), err)
	}
	raise(Day.Add(2*time.Hour), "c") // it is back
	same(t, len(subjects(s.ID)), 2)
	var many []string
	for k := range store.MaxAlarms {
		many = append(many, fmt.Sprint("n", k))
	}
	raise(Day.Add(3*time.Hour), many...)
	same(t, len(subjects(s.ID)), store.MaxAlarms)
}

func acceptedFindings(t *testing.T, db *store.DB) {
	s, _ := Site(t, db, "fjordfletvaerk")
	a := store.Acceptation{Finding: consent.Finding{Code: "insecure-cookie", Severity: consent.Low, Key: "insecure-cookie 1", Subjects: []string{"kurv"}}, Reason: "Kun på http", By: "ea@fjord.example", At: Day}
	for range 2 {
		if err := db.AcceptFinding(ctx, s.ID, a); err != nil {
			t.Fatal(err)
		}
	}
	same(t, must[[]store.Acceptation](t)(db.Accepted(ctx, s.ID)), []store.Acceptation{a})
	if err := db.ReopenFinding(ctx, s.ID, a.Finding.Key); err != nil {
		t.Fatal(err)
	}
	wantKind(t, db.ReopenFinding(ctx, s.ID, a.Finding.Key), consent.KindNotFound)
	wantKind(t, db.AcceptFinding(ctx, "nosuchsite", a), consent.KindNotFound)
}

// H4: a domain that was proven keeps how and when, also where a later look fails.
func domains(t *testing.T, db *store.DB) {
	s, _ := Site(t, db, "fjordfletvaerk")
	why := &consent.Error{Code: "not_found_there", Message: "It isn't there."}
	d := store.Domain{Name: "fjord.example", CheckedAt: Day, Problem: why}
	set := func() store.Domain {
		t.Helper()
		if err := db.SetDomain(ctx, s.ID, d); err != nil {
			t.Fatal(err)
		}
		return must[map[string]store.Domain](t)(db.Domains(ctx, s.ID))[d.Name]
	}
	never := set()
	same(t, never, d)
	d = store.Domain{Name: "fjord.example", Method: store.ProofTag, CheckedAt: Day.Add(time.Hour)}
	proven := set()
	same(t, proven, store.Domain{Name: d.Name, Method: store.ProofTag, ProvenAt: Day.Add(time.Hour), CheckedAt: Day.Add(time.Hour)})
	d = store.Domain{Name: "fjord.example", CheckedAt: Day.Add(2 * time.Hour), Problem: why}
	lost := set()
	same(t, lost, store.Domain{Name: d.Name, Method: store.ProofTag, ProvenAt: Day.Add(time.Hour), CheckedAt: Day.Add(2 * time.Hour), Problem: why})
	same(t, []bool{never.Proven(), proven.Proven(), lost.Proven()}, []bool{false, true, false})
}

func sightings(t *testing.T, db *store.DB) {
	s, _ := Site(t, db, "fjordfletvaerk")
	see := func(at time.Time, names ...string) {
		t.Helper()
		scan := store.Scan{At: at, Report: []byte("{}")}
		for _, name := range names {
			scan.Seen = append(scan.Seen, store.Sighting{Kind: consent.Cookie, Name: name, Host: ".fjord.example"})
		}
		if err := db.AddScan(ctx, s.ID, scan, keepItems); err != nil {
			t.Fatal(err)
		}
	}
	see(Day, "a", "b")
	see(Day.Add(time.Hour), "b", "b", "c")
	see(Day.Add(-time.Hour), "b") // an older report, uploaded late
	row := func(name string, first, last time.Time) store.Sighting {
		return store.Sighting{Kind: consent.Cookie, Name: name, Host: "fjord.example", First: first, Last: last}
	}
	same(t, must[[]store.Sighting](t)(db.Sightings(ctx, s.ID)), []store.Sighting{
		row("a", Day, Day), row("b", Day, Day.Add(time.Hour)), row("c", Day.Add(time.Hour), Day.Add(time.Hour)),
	})
}

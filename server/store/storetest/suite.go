package storetest

import (
	"context"
	"fmt"
	"net/netip"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/google/uuid"

	"samtykke/consent"
	"samtykke/server/store"
)

// Run is the suite that every engine passes. fresh opens a new, empty database.
func Run(t *testing.T, fresh func(t *testing.T) *store.DB) {
	for name, test := range map[string]func(*testing.T, *store.DB){
		"sites": sites, "notices": notices, "pictures": pictures, "audit": audit, "audited changes": auditChanges, "audit together": auditTogether, "users": users, "append": appendGroup, "append again": appendAgain, "strangers": strangers,
		"purge": purge, "purge ended": purgeEnded, "purge months": purgeMonths, "purge reports": purgeReports, "purge locked": purgeLocked, "purged counts": purgedCounts, "delete site": deleteSite,
		"edits": edits, "pages": pages, "filters": filters, "visitors": visitors, "daily counts": dailyCounts, "concurrency": concurrency, "optional fields": optional,
		"restrict": restrict, "restrict twin": restrictTwin, "holds": holds, "erase restricted": eraseRestricted, "holds say why": holdsSayWhy,
		"installation": installation, "acceptances": acceptances,
		"scans": scanJobs, "scans together": scansTogether, "scans lost": scansLost, "scans kept": scansKept, "alarms": alarms, "accepted findings": acceptedFindings,
		"domains": domains, "sightings": sightings, "measured": measured, "site edits": siteEdits,
		"organisations": organisations, "members": members, "invitations": invitations, "sessions": sessions, "second factor": secondFactor, "tokens": tokens,
		"devices": devices, "small devices": smallDevices, "sums": sums, "sums follow": sumsFollow, "marks": marks, "counted at most": countedAtMost, "shares": shares, "site heads": siteHeads, "steps": steps,
	} {
		t.Run(name, func(t *testing.T) { test(t, fresh(t)) })
	}
}

var ctx = context.Background()

func must[T any](t *testing.T) func(T, error) T {
	return func(v T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

func wantKind(t *testing.T, err error, want consent.Kind) {
	t.Helper()
	if consent.KindOf(err) != want {
		t.Errorf("error %v, want kind %q", err, want)
	}
}

func same(t *testing.T, got, want any) {
	t.Helper()
	if d := cmp.Diff(want, got, cmpopts.EquateComparable(netip.Prefix{})); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
}

func sites(t *testing.T, db *store.DB) {
	before := must[int64](t)(db.Revision(ctx))
	s, _ := Site(t, db, "fjordfletvaerk")
	same(t, must[consent.Site](t)(db.Site(ctx, s.ID)), s)
	wantKind(t, db.AddSite(ctx, s, nil), consent.KindConflict)

	s.Name = "Fjord og Fletværk"
	if err := db.UpdateSite(ctx, s); err != nil {
		t.Fatal(err)
	}
	items := []consent.Item{{Kind: consent.Cookie, Name: "_tl_id", Category: consent.Statistics, Party: consent.FirstParty, Purpose: map[string]string{"da": "Tæller besøg."}}}
	if err := db.EditItems(ctx, s.ID, func(old []consent.Item) ([]consent.Item, error) { return append(old, items...), nil }); err != nil {
		t.Fatal(err)
	}
	refused := consent.Invalid("no", "Not like this.")
	if err := db.EditItems(ctx, s.ID, func([]consent.Item) ([]consent.Item, error) { return nil, refused }); err != error(refused) {
		t.Errorf("a refused edit gave %v", err)
	}
	same(t, must[[]consent.Site](t)(db.Sites(ctx)), []consent.Site{s})
	same(t, must[[]consent.Item](t)(db.Items(ctx, s.ID)), items)
	if after := must[int64](t)(db.Revision(ctx)); after <= before {
		t.Errorf("revision %d after %d: other servers would not notice", after, before)
	}

	_, err := db.Site(ctx, "nosuchsite")
	wantKind(t, err, consent.KindNotFound)
	wantKind(t, db.UpdateSite(ctx, consent.Site{ID: "nosuchsite"}), consent.KindNotFound)
	_, err = db.LastScan(ctx, s.ID)
	wantKind(t, err, consent.KindNotFound)
	keep := func(items []consent.Item) ([]consent.Item, error) { return items, nil }
	for k := range 2 {
		if err := db.AddScan(ctx, s.ID, store.Scan{At: Day.Add(time.Duration(k) * time.Hour), Report: fmt.Appendf(nil, `{"n":%d}`, k)}, keep); err != nil {
			t.Fatal(err)
		}
	}
	same(t, must[time.Time](t)(db.LastScanAt(ctx, s.ID)), Day.Add(time.Hour))
	last := must[store.Scan](t)(db.LastScan(ctx, s.ID))
	same(t, []string{last.At.String(), string(last.Report)}, []string{Day.Add(time.Hour).String(), `{"n":1}`})
}

func notices(t *testing.T, db *store.DB) {
	s, first := Site(t, db, "fjordfletvaerk")
	same(t, must[consent.Notice](t)(db.CurrentNotice(ctx, s.ID)), first)
	wantKind(t, db.Publish(ctx, Notice(s, 1)), consent.KindConflict)
	wantKind(t, db.Publish(ctx, Notice(s, 3)), consent.KindConflict)
	second := Notice(s, 2)
	if err := db.Publish(ctx, second); err != nil {
		t.Fatal(err)
	}
	same(t, must[consent.Notice](t)(db.CurrentNotice(ctx, s.ID)), second)
	same(t, must[consent.Notice](t)(db.Notice(ctx, first.Hash)), first) // R5: an old notice stays as it was
	listed := []consent.Notice{second, first}
	for i := range listed {
		listed[i].Bundle = consent.Bundle{JS: []byte{}, Files: map[string][]byte{}} // lists don't carry the scripts
	}
	same(t, must[[]consent.Notice](t)(db.Notices(ctx, s.ID)), listed)
	same(t, must[[]store.NoticeHead](t)(db.NoticeHeads(ctx, s.ID)), []store.NoticeHead{
		{Hash: second.Hash, Version: 2, ValidFrom: second.ValidFrom, Author: second.Author, Reason: second.Reason},
		{Hash: first.Hash, Version: 1, ValidFrom: first.ValidFrom, Author: first.Author, Reason: first.Reason},
	})
	_, err := db.CurrentNotice(ctx, "nosuchsite")
	wantKind(t, err, consent.KindNotFound)
}

func users(t *testing.T, db *store.DB) {
	first := must[consent.Organisation](t)(db.Organisation(ctx, consent.FirstOrganisation))
	u := consent.User{Email: "ea@fjord.example", Language: "da", MustChange: true, CreatedAt: Day, Members: []consent.Member{{Org: first, Role: consent.Owner}}}
	u = must[consent.User](t)(db.AddUser(ctx, u, "hash one"))
	_, err := db.AddUser(ctx, u, "hash two")
	wantKind(t, err, consent.KindConflict)
	same(t, must[[]consent.User](t)(db.Users(ctx)), []consent.User{u})
	got, hash, err := db.UserByEmail(ctx, u.Email)
	same(t, []any{got, hash, err}, []any{u, "hash one", nil})

	token := []byte("the hash of a token")
	if err := db.AddSession(ctx, store.Session{User: u.ID, Token: token, At: Day, Expires: Day.Add(time.Hour)}); err != nil {
		t.Fatal(err)
	}
	_, who, err := db.Session(ctx, token, Day.Add(time.Minute))
	same(t, []any{who, err}, []any{u, nil})
	_, _, err = db.Session(ctx, token, Day.Add(time.Hour))
	wantKind(t, err, consent.KindNotFound)
	if err := db.SetPassword(ctx, u.ID, "hash three", false); err != nil {
		t.Fatal(err)
	}
	_, _, err = db.Session(ctx, token, Day.Add(time.Minute))
	wantKind(t, err, consent.KindNotFound) // a new password ends every session
}

func appendGroup(t *testing.T, db *store.DB) {
	s, n := Site(t, db, "fjordfletvaerk")
	var group []consent.Record
	for k := range 100 { // more than one statement's worth
		group = append(group, Record(n, k, consent.Actions[k%2]))
	}
	for i, err := range must[[]error](t)(db.Append(ctx, group)) {
		if err != nil {
			t.Errorf("record %d: %v", i, err)
		}
	}
	p := must[store.Page](t)(db.Consents(ctx, store.Filter{Site: s.ID, Limit: 1000}))
	if len(p.Records) != 100 {
		t.Fatalf("%d records", len(p.Records))
	}
	same(t, p.Records[99], group[0])
	same(t, p.Records[0], group[99])
}

// R1: an act that is sent again changes nothing; R10: nothing changes an earlier act.
func appendAgain(t *testing.T, db *store.DB) {
	s, n := Site(t, db, "fjordfletvaerk")
	a, b := Record(n, 1, consent.AcceptAll), Record(n, 2, consent.RejectAll)
	must[[]error](t)(db.Append(ctx, []consent.Record{a}))
	later := a
	later.At, later.ValidUntil = a.At.Add(time.Hour), a.ValidUntil.Add(time.Hour)
	other := a
	other.Action, other.Categories = consent.RejectAll, consent.NoneOf(a.Categories.Asked)
	made := a // ids made up so that the index can't tell them from another's
	made.Visitor[15]++
	made.ID[0]++
	errs := must[[]error](t)(db.Append(ctx, []consent.Record{later, b, b, other, made}))
	if errs[0] != nil || errs[1] != nil || errs[2] != nil || errs[3] != error(store.ErrReused) || errs[4] != error(store.ErrReused) {
		t.Errorf("errors %v", errs)
	}
	p := must[store.Page](t)(db.Consents(ctx, store.Filter{Site: s.ID}))
	same(t, p.Records, []consent.Record{b, a})
	days := must[[]store.DayCount](t)(db.Daily(ctx, s.ID, Day, Day.AddDate(0, 0, 1)))
	same(t, days[0].Counts, map[consent.Action]int64{consent.AcceptAll: 1, consent.RejectAll: 1})
}

func strangers(t *testing.T, db *store.DB) {
	_, n := Site(t, db, "fjordfletvaerk")
	other, _ := Site(t, db, "nordlysoglim")
	good := Record(n, 1, consent.AcceptAll)
	unknown, foreign := Record(n, 2, consent.AcceptAll), Record(n, 3, consent.AcceptAll)
	unknown.Notice[0]++
	foreign.Site = other.ID // R15: the notice of one site says nothing about another
	errs := must[[]error](t)(db.Append(ctx, []consent.Record{unknown, good, foreign}))
	wantKind(t, errs[0], consent.KindNotFound)
	wantKind(t, errs[2], consent.KindNotFound)
	if errs[1] != nil {
		t.Error(errs[1])
	}
	if p := must[store.Page](t)(db.Consents(ctx, store.Filter{Site: other.ID})); len(p.Records) != 0 {
		t.Errorf("another site sees %d records", len(p.Records))
	}
	if acts := must[[]consent.Record](t)(db.Visitor(ctx, other.ID, good.Visitor)); len(acts) != 0 {
		t.Errorf("another site sees the visitor's acts")
	}
}

func pages(t *testing.T, db *store.DB) {
	s, n := Site(t, db, "fjordfletvaerk")
	var group []consent.Record
	for k := range 25 {
		r := Record(n, k, consent.AcceptAll)
		r.At = Day.Add(time.Duration(k/5) * time.Minute) // five share each moment
		r.ValidUntil = r.At.Add(n.Content.Banner.Validity())
		group = append(group, r)
	}
	must[[]error](t)(db.Append(ctx, group))
	seen, f := map[string]bool{}, store.Filter{Site: s.ID, Limit: 4}
	for k := 0; k < 20; k++ {
		p := must[store.Page](t)(db.Consents(ctx, f))
		for _, r := range p.Records {
			seen[r.ID.String()] = true
		}
		if f.After = p.Next; p.Next == "" {
			break
		}
	}
	if len(seen) != 25 || f.After != "" {
		t.Errorf("pages show %d of 25 records, cursor %q", len(seen), f.After)
	}
	_, err := db.Consents(ctx, store.Filter{Site: s.ID, After: "nonsense"})
	wantKind(t, err, consent.KindInvalid)
	k := 0
	for _, err := range db.All(ctx, store.Filter{Site: s.ID}) {
		if err != nil {
			t.Fatal(err)
		}
		k++
	}
	if k != 25 {
		t.Errorf("All yields %d", k)
	}
}

func filters(t *testing.T, db *store.DB) {
	s, n := Site(t, db, "fjordfletvaerk")
	accept, reject, custom := Record(n, 0, consent.AcceptAll), Record(n, 1, consent.RejectAll), Record(n, 2, consent.Custom)
	custom.Categories.Given = consent.SetOf(consent.Statistics)
	second := Notice(s, 2)
	if err := db.Publish(ctx, second); err != nil {
		t.Fatal(err)
	}
	newer := Record(second, 3, consent.Withdraw)
	must[[]error](t)(db.Append(ctx, []consent.Record{accept, reject, custom, newer}))
	for name, c := range map[string]struct {
		f    store.Filter
		want []consent.Record
	}{
		"everything": {store.Filter{}, []consent.Record{newer, custom, reject, accept}},
		"action":     {store.Filter{Action: consent.RejectAll}, []consent.Record{reject}},
		"category":   {store.Filter{Granted: consent.Statistics}, []consent.Record{custom, accept}},
		"notice":     {store.Filter{Notice: second.Hash}, []consent.Record{newer}},
		"visitor":    {store.Filter{Visitor: custom.Visitor}, []consent.Record{custom}},
		"from":       {store.Filter{From: custom.At}, []consent.Record{newer, custom}},
		"to":         {store.Filter{To: reject.At}, []consent.Record{accept}},
		"all at once": {
			store.Filter{Action: consent.Custom, Granted: consent.Statistics, Notice: n.Hash, Visitor: custom.Visitor, From: Day, To: Day.AddDate(0, 0, 1)},
			[]consent.Record{custom},
		},
	} {
		c.f.Site = s.ID
		t.Run(name, func(t *testing.T) {
			same(t, must[store.Page](t)(db.Consents(ctx, c.f)).Records, c.want)
		})
	}
}

func visitors(t *testing.T, db *store.DB) {
	s, n := Site(t, db, "fjordfletvaerk")
	yes, no := Record(n, 1, consent.AcceptAll), Record(n, 2, consent.Withdraw)
	no.Visitor = yes.Visitor
	must[[]error](t)(db.Append(ctx, []consent.Record{yes, no, Record(n, 3, consent.AcceptAll)}))
	acts := must[[]consent.Record](t)(db.Visitor(ctx, s.ID, yes.Visitor))
	same(t, acts, []consent.Record{yes, no})
	if st := consent.StateOf(acts, no.At); !st.Answered || st.Given != 0 {
		t.Errorf("state after withdrawal %+v", st)
	}
	same(t, must[consent.Record](t)(db.Consent(ctx, s.ID, yes.Visitor, no.ID)), no)
	_, err := db.Consent(ctx, s.ID, yes.Visitor, Record(n, 3, consent.AcceptAll).ID)
	wantKind(t, err, consent.KindNotFound)
	// T5: erased is what this visitor did here, and nothing else.
	other, _ := Site(t, db, "nordlysoglim")
	same(t, must[store.Erasure](t)(db.EraseVisitor(ctx, other.ID, yes.Visitor, Day)), store.Erasure{})
	same(t, must[store.Erasure](t)(db.EraseVisitor(ctx, s.ID, yes.Visitor, Day)), store.Erasure{Deleted: 2})
	for _, nobody := range []uuid.UUID{yes.Visitor, uuid.Nil} {
		if acts := must[[]consent.Record](t)(db.Visitor(ctx, s.ID, nobody)); len(acts) > 0 {
			t.Errorf("%s has %d acts", nobody, len(acts))
		}
	}
	same(t, len(must[[]consent.Record](t)(db.Visitor(ctx, s.ID, Record(n, 3, consent.AcceptAll).Visitor))), 1)
}

func dailyCounts(t *testing.T, db *store.DB) {
	s, n := Site(t, db, "fjordfletvaerk")
	var group []consent.Record
	for k := range 10 {
		r := Record(n, k, consent.Actions[k%3/2])
		r.At = Day.AddDate(0, 0, k/4)
		r.ValidUntil = r.At.Add(n.Content.Banner.Validity())
		group = append(group, r)
	}
	must[[]error](t)(db.Append(ctx, group[:5]))
	must[[]error](t)(db.Append(ctx, group[5:]))
	days := must[[]store.DayCount](t)(db.Daily(ctx, s.ID, Day, Day.AddDate(0, 0, 4)))
	midnight := Day.Truncate(24 * time.Hour)
	same(t, days, []store.DayCount{
		{Day: midnight, Counts: map[consent.Action]int64{consent.AcceptAll: 3, consent.RejectAll: 1}},
		{Day: midnight.AddDate(0, 0, 1), Counts: map[consent.Action]int64{consent.AcceptAll: 3, consent.RejectAll: 1}},
		{Day: midnight.AddDate(0, 0, 2), Counts: map[consent.Action]int64{consent.AcceptAll: 1, consent.RejectAll: 1}},
		{Day: midnight.AddDate(0, 0, 3), Counts: map[consent.Action]int64{}},
	})
}

// Several servers, or several goroutines, may send the same act at once: it is stored and counted once.
func concurrency(t *testing.T, db *store.DB) {
	s, n := Site(t, db, "fjordfletvaerk")
	var wg sync.WaitGroup
	for w := range 4 {
		wg.Go(func() {
			for k := range 20 {
				errs, err := db.Append(ctx, []consent.Record{Record(n, k, consent.AcceptAll), Record(n, 100+20*w+k, consent.RejectAll)})
				if err != nil || errs[0] != nil || errs[1] != nil {
					t.Error(err, errs)
				}
			}
		})
	}
	wg.Wait()
	days := must[[]store.DayCount](t)(db.Daily(ctx, s.ID, Day, Day.AddDate(0, 0, 1)))
	same(t, days[0].Counts, map[consent.Action]int64{consent.AcceptAll: 20, consent.RejectAll: 80})
}

func optional(t *testing.T, db *store.DB) {
	s, n := Site(t, db, "fjordfletvaerk")
	r := Record(n, 1, consent.Withdraw)
	r.Path, r.Cleared, r.Remaining = `/om "os"/æ`, []string{"_tl_id", "_tl_ses.4711"}, []string{"kurv"}
	r.Action, r.Categories.Given, r.Refused = consent.Custom, consent.SetOf(consent.Statistics), []string{"statistics/Tallerken ApS"}
	must[[]error](t)(db.Append(ctx, []consent.Record{r}))
	same(t, must[store.Page](t)(db.Consents(ctx, store.Filter{Site: s.ID})).Records, []consent.Record{r})
}

// Two editors at once: neither's entry is lost.
func edits(t *testing.T, db *store.DB) {
	s, _ := Site(t, db, "fjordfletvaerk")
	var wg sync.WaitGroup
	for w := range 8 {
		wg.Go(func() {
			err := db.EditItems(ctx, s.ID, func(old []consent.Item) ([]consent.Item, error) {
				return append(old, consent.Item{Kind: consent.Cookie, Name: fmt.Sprintf("c%d", w)}), nil
			})
			if err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if items := must[[]consent.Item](t)(db.Items(ctx, s.ID)); len(items) != 8 {
		t.Errorf("%d of 8 edits are left", len(items))
	}
}

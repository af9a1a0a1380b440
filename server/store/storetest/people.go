package storetest

import (
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"samtykke/consent"
	"samtykke/server/store"
)

func org(t *testing.T, db *store.DB, id string) consent.Organisation {
	t.Helper()
	o := consent.Organisation{ID: id, Name: id + " ApS", CreatedAt: Day}
	if err := db.AddOrganisation(ctx, o); err != nil {
		t.Fatal(err)
	}
	return o
}

func person(t *testing.T, db *store.DB, email string, members ...consent.Member) consent.User {
	t.Helper()
	return must[consent.User](t)(db.AddUser(ctx, consent.User{Email: email, Language: "da", CreatedAt: Day, Members: members}, "hash"))
}

// H3: each site belongs to one organisation, and nothing of one is found through another.
func organisations(t *testing.T, db *store.DB) {
	s, _ := Site(t, db, "fjordfletvaerk")
	first := must[consent.Organisation](t)(db.OrganisationOf(ctx, s.ID))
	same(t, first.ID, consent.FirstOrganisation)
	nord := org(t, db, "nordlys")
	wantKind(t, db.AddOrganisation(ctx, nord), consent.KindConflict)
	other := s
	other.ID = "nordlysoglim"
	if err := db.AddSiteTo(ctx, nord.ID, other, nil); err != nil {
		t.Fatal(err)
	}
	wantKind(t, db.AddSiteTo(ctx, "nosuch", consent.Site{ID: "x"}, nil), consent.KindNotFound)
	same(t, must[consent.Organisation](t)(db.OrganisationOf(ctx, other.ID)), nord)
	same(t, must[[]consent.Site](t)(db.SitesOf(ctx, nord.ID)), []consent.Site{other})
	same(t, must[[]consent.Site](t)(db.SitesOf(ctx, first.ID)), []consent.Site{s})
	_, err := db.OrganisationOf(ctx, "nosuchsite")
	wantKind(t, err, consent.KindNotFound)

	nord.Name, nord.TOTP = "Nordlys og Lim", true
	if err := db.UpdateOrganisation(ctx, nord); err != nil {
		t.Fatal(err)
	}
	same(t, must[[]consent.Organisation](t)(db.Organisations(ctx)), []consent.Organisation{first, nord})

	ea := person(t, db, "ea@fjord.example", consent.Member{Org: first, Role: consent.Owner}, consent.Member{Org: nord, Role: consent.Auditor, Sites: []string{other.ID}})
	got, _, err := db.UserByEmail(ctx, ea.Email)
	same(t, []any{got, err}, []any{ea, nil})
	people := must[[]store.Person](t)(db.People(ctx, nord.ID))
	if len(people) != 1 || people[0].Role != consent.Auditor || len(people[0].Sites) != 1 || people[0].Members != nil {
		t.Errorf("people %+v", people)
	}
}

// H1: rights change at once and end sessions; the last owner stays, however many go at the same moment.
func members(t *testing.T, db *store.DB) {
	nord := org(t, db, "nordlys")
	ea := person(t, db, "ea@nord.example", consent.Member{Org: nord, Role: consent.Owner})
	bo := person(t, db, "bo@nord.example", consent.Member{Org: nord, Role: consent.Owner})
	wantKind(t, db.AddMember(ctx, ea.ID, consent.Member{Org: nord, Role: consent.Editor}), consent.KindConflict)
	token := []byte("the hash of a token")
	if err := db.AddSession(ctx, store.Session{User: bo.ID, Token: token, At: Day, Expires: Day.Add(time.Hour)}); err != nil {
		t.Fatal(err)
	}
	if err := db.SetMember(ctx, bo.ID, consent.Member{Org: nord, Role: consent.Editor, Sites: []string{"fjordfletvaerk"}}); err != nil {
		t.Fatal(err)
	}
	_, _, err := db.Session(ctx, token, Day)
	wantKind(t, err, consent.KindNotFound)
	wantKind(t, db.SetMember(ctx, ea.ID, consent.Member{Org: nord, Role: consent.Auditor}), consent.KindConflict)
	wantKind(t, db.RemoveMember(ctx, ea.ID, nord.ID), consent.KindConflict)
	wantKind(t, db.RemoveMember(ctx, ea.ID, consent.FirstOrganisation), consent.KindNotFound)
	if err := db.SetMember(ctx, bo.ID, consent.Member{Org: nord, Role: consent.Owner}); err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	var gone atomic.Int32
	for _, u := range []consent.User{ea, bo} {
		wg.Go(func() {
			if db.RemoveMember(ctx, u.ID, nord.ID) == nil {
				gone.Add(1)
			}
		})
	}
	wg.Wait()
	if people := must[[]store.Person](t)(db.People(ctx, nord.ID)); gone.Load() != 1 || len(people) != 1 {
		t.Errorf("%d went, %d are left", gone.Load(), len(people))
	}
}

// H1: an invitation is good for once and for a week; of many who use it at the same moment one joins.
func invitations(t *testing.T, db *store.DB) {
	nord := org(t, db, "nordlys")
	member := consent.Member{Org: nord, Role: consent.Editor, Sites: []string{"nordlysoglim"}}
	in := store.Invitation{Member: member, Email: "ny@nord.example", By: "ea@nord.example", At: Day, Expires: Day.Add(time.Hour)}
	for _, secret := range []string{"first", "second"} { // the second takes the place of the first
		if err := db.Invite(ctx, in, []byte(secret)); err != nil {
			t.Fatal(err)
		}
	}
	_, err := db.Invitation(ctx, []byte("first"), Day)
	wantKind(t, err, consent.KindNotFound)
	_, err = db.Invitation(ctx, []byte("second"), Day.Add(time.Hour))
	wantKind(t, err, consent.KindNotFound)
	got := must[store.Invitation](t)(db.Invitation(ctx, []byte("second"), Day))
	in.Num = got.Num
	same(t, got, in)
	wantKind(t, db.WithdrawInvitation(ctx, consent.FirstOrganisation, got.Num), consent.KindNotFound)
	var wg sync.WaitGroup
	var joined atomic.Int32
	for k := range 4 {
		wg.Go(func() {
			u := consent.User{Email: fmt.Sprintf("ny%d@nord.example", k), Language: "da", CreatedAt: Day}
			if u, err := db.Join(ctx, got, u, "hash"); err == nil && u.ID > 0 {
				joined.Add(1)
			}
		})
	}
	wg.Wait()
	if users := must[[]consent.User](t)(db.Users(ctx)); joined.Load() != 1 || len(users) != 1 || len(users[0].Members) != 1 {
		t.Fatalf("%d joined: %+v", joined.Load(), users)
	} else {
		same(t, users[0].Members[0], member)
		in.Email = users[0].Email
		wantKind(t, db.Invite(ctx, in, []byte("third")), consent.KindConflict)
	}
}

// H2: sessions end when they aren't used, and one's own can be ended one by one or all but one.
func sessions(t *testing.T, db *store.DB) {
	ea, bo := person(t, db, "ea@nord.example"), person(t, db, "bo@nord.example")
	add := func(u consent.User, name string, half bool) {
		t.Helper()
		s := store.Session{User: u.ID, Token: []byte(name), At: Day, Expires: Day.AddDate(0, 0, 7), Device: "Firefox, Windows", Address: "192.0.2.1", Half: half}
		if err := db.AddSession(ctx, s); err != nil {
			t.Fatal(err)
		}
	}
	add(ea, "one", false)
	add(ea, "two", false)
	add(ea, "half", true)
	add(bo, "bo", false)
	s, _, err := db.Session(ctx, []byte("one"), Day.Add(7*time.Hour))
	same(t, []any{s.Device, s.Address, s.Half, err}, []any{"Firefox, Windows", "192.0.2.1", false, nil})
	if list := must[[]store.Session](t)(db.Sessions(ctx, ea.ID, Day)); len(list) != 2 || string(list[0].Token) != "one" || !list[0].Used.Equal(Day.Add(7*time.Hour)) {
		t.Errorf("sessions %+v", list)
	}
	later := Day.Add(14 * time.Hour)
	if _, _, err = db.Session(ctx, []byte("two"), later); consent.KindOf(err) != consent.KindNotFound {
		t.Errorf("unused, and yet there: %v", err)
	}
	if _, _, err = db.Session(ctx, []byte("one"), later); err != nil {
		t.Errorf("used, and yet gone: %v", err)
	}
	wantKind(t, db.EndOwnSession(ctx, ea.ID, []byte("bo")), consent.KindNotFound)
	if err := db.EndSessions(ctx, ea.ID, []byte("one")); err != nil {
		t.Fatal(err)
	}
	if list := must[[]store.Session](t)(db.Sessions(ctx, ea.ID, Day)); len(list) != 1 {
		t.Errorf("sessions %+v", list)
	}
	if _, _, err := db.Session(ctx, []byte("bo"), Day); err != nil {
		t.Errorf("another's session ended: %v", err)
	}
}

// H2: a code of the second factor, and one that stands in for it, is good for once, however many use it at the same moment.
func secondFactor(t *testing.T, db *store.DB) {
	ea := person(t, db, "ea@nord.example")
	same(t, must[bool](t)(db.UseStep(ctx, ea.ID, 7)), false)
	if err := db.SetTOTP(ctx, ea.ID, []byte("secret"), 10, [][]byte{[]byte("a"), []byte("b")}); err != nil {
		t.Fatal(err)
	}
	secret, step, err := db.TOTP(ctx, ea.ID)
	same(t, []any{string(secret), step, err}, []any{"secret", int64(10), nil})
	same(t, must[bool](t)(db.UseStep(ctx, ea.ID, 10)), false)
	var wg sync.WaitGroup
	var steps, codes atomic.Int32
	for range 4 {
		wg.Go(func() {
			if ok, err := db.UseStep(ctx, ea.ID, 11); ok && err == nil {
				steps.Add(1)
			}
			if ok, err := db.UseRecovery(ctx, ea.ID, []byte("a")); ok && err == nil {
				codes.Add(1)
			}
		})
	}
	wg.Wait()
	same(t, []int32{steps.Load(), codes.Load()}, []int32{1, 1})
	same(t, must[int](t)(db.Recovery(ctx, ea.ID)), 1)
	u, _, err := db.UserByEmail(ctx, ea.Email)
	same(t, []any{u.TOTP, err}, []any{true, nil})
	if err := db.SetTOTP(ctx, ea.ID, nil, 0, nil); err != nil {
		t.Fatal(err)
	}
	u, _, err = db.UserByEmail(ctx, ea.Email)
	same(t, []any{u.TOTP, err, must[int](t)(db.Recovery(ctx, ea.ID))}, []any{false, nil, 0})
}

// H1: tokens are found by their hash until they expire, and are ended only by their own organisation.
func tokens(t *testing.T, db *store.DB) {
	nord := org(t, db, "nordlys")
	token := store.Token{
		Org: nord, Name: "Regnskab", Scopes: []store.Scope{store.ScopeRead, store.ScopeExport}, Sites: []string{"nordlysoglim"}, By: "ea@nord.example", At: Day, Expires: Day.AddDate(0, 0, 30),
	}
	if err := db.AddToken(ctx, token, []byte("hash")); err != nil {
		t.Fatal(err)
	}
	got := must[store.Token](t)(db.Token(ctx, []byte("hash"), Day.Add(time.Hour)))
	token.Num = got.Num
	same(t, got, token)
	if list := must[[]store.Token](t)(db.Tokens(ctx, nord.ID)); len(list) != 1 || !list[0].Used.Equal(Day.Add(time.Hour)) {
		t.Errorf("tokens %+v", list)
	}
	if list := must[[]store.Token](t)(db.Tokens(ctx, consent.FirstOrganisation)); len(list) != 0 {
		t.Errorf("another organisation sees %+v", list)
	}
	_, err := db.Token(ctx, []byte("hash"), token.Expires)
	wantKind(t, err, consent.KindNotFound)
	wantKind(t, db.RevokeToken(ctx, consent.FirstOrganisation, token.Num), consent.KindNotFound)
	if err := db.RevokeToken(ctx, nord.ID, token.Num); err != nil {
		t.Fatal(err)
	}
	_, err = db.Token(ctx, []byte("hash"), Day)
	wantKind(t, err, consent.KindNotFound)
}

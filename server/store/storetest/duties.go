package storetest

import (
	"encoding/json"
	"errors"
	"testing"
	"time"

	"samtykke/consent"
	"samtykke/server/store"
)

// P2, P3: who runs the installation is one row; what was changed stands in the audit logs, and a refused change nowhere.
func installation(t *testing.T, db *store.DB) {
	s, _ := Site(t, db, "fjordfletvaerk")
	same(t, string(must[json.RawMessage](t)(db.Installation(ctx))), "{}")
	deeds := func() []consent.Deed {
		d := consent.Deed{At: Day, Who: "ea@fjord.example", What: "settings_changed", Object: "installation"}
		of := d
		of.Site = s.ID
		return []consent.Deed{d, of}
	}
	set := func(body string, err error) func(json.RawMessage) (json.RawMessage, error) {
		return func(json.RawMessage) (json.RawMessage, error) { return json.RawMessage(body), err }
	}
	if err := db.EditInstallation(ctx, set(`{"location":"DK","backup_days":30}`, nil), deeds()...); err != nil {
		t.Fatal(err)
	}
	refused := errors.New("not like this")
	if err := db.EditInstallation(ctx, set(`{"location":"US"}`, refused), deeds()...); !errors.Is(err, refused) {
		t.Errorf("a refused change gave %v", err)
	}
	if err := db.EditInstallation(ctx, func(was json.RawMessage) (json.RawMessage, error) {
		same(t, string(was), `{"location":"DK","backup_days":30}`)
		return json.RawMessage(`{"location":"DK","backup_days":14}`), nil
	}, deeds()...); err != nil {
		t.Fatal(err)
	}
	same(t, string(must[json.RawMessage](t)(db.Installation(ctx))), `{"location":"DK","backup_days":14}`)
	for _, site := range []string{"", s.ID} {
		page, _, err := db.Deeds(ctx, store.DeedFilter{Site: site})
		if err != nil || len(page) != 2 {
			t.Fatalf("site %q has %d deeds: %v", site, len(page), err)
		}
		same(t, page[0].Old, map[string]any{"backup_days": json.Number("30")})
		same(t, page[0].New, map[string]any{"backup_days": json.Number("14")})
	}
	if _, err := db.Overwrites(ctx); err != nil {
		t.Error(err)
	}
}

// P1: what was accepted stays as it was, with its document, and belongs to one site.
func acceptances(t *testing.T, db *store.DB) {
	s, _ := Site(t, db, "fjordfletvaerk")
	other, _ := Site(t, db, "nordlysoglim")
	first := store.Acceptance{
		Site: s.ID, Paper: "agreement", Language: "da", Version: 1, Processor: "Bureau Nord ApS", Controller: "Fjord & Fletværk ApS",
		Name: "Ida Berg", Email: "ida@fjord.example", At: Day, Style: "sha256-x", HTML: "<!doctype html>\n<p>æøå",
	}
	deed := consent.Deed{At: Day, Who: first.Email, What: "agreement_accepted", Site: s.ID}
	if err := db.Accept(ctx, first, deed); err != nil {
		t.Fatal(err)
	}
	again := first
	again.Name, again.HTML = "Bo Holm", "<p>other words"
	wantKind(t, db.Accept(ctx, again, deed), consent.KindConflict)
	second, strangers := first, first
	second.Version, second.At = 2, Day.Add(time.Hour)
	strangers.Site = other.ID
	for _, a := range []store.Acceptance{second, strangers} {
		if err := db.Accept(ctx, a); err != nil {
			t.Fatal(err)
		}
	}
	list := must[[]store.Acceptance](t)(db.Acceptances(ctx, s.ID))
	if len(list) != 2 || list[0].Version != 2 || list[0].HTML != "" {
		t.Fatalf("the list is %+v", list)
	}
	got := must[store.Acceptance](t)(db.Acceptance(ctx, s.ID, list[1].Num))
	first.Num = got.Num
	same(t, got, first)
	_, err := db.Acceptance(ctx, other.ID, got.Num)
	wantKind(t, err, consent.KindNotFound)
	if page, _, err := db.Deeds(ctx, store.DeedFilter{Site: s.ID}); err != nil || len(page) != 1 {
		t.Errorf("%d deeds of one acceptance: %v", len(page), err)
	}
}

package storetest

import (
	"context"
	"crypto/sha256"
	"fmt"
	"testing"
	"time"

	"github.com/google/uuid"

	"samtykke/consent"
	"samtykke/server/store"
)

// Day is when the things made here happen: a fixed time, so that tests never depend on the clock.
var Day = time.Date(2026, 11, 22, 9, 30, 0, 0, time.UTC)

// Site stores a site with this id and one published notice, and returns both.
func Site(t testing.TB, db *store.DB, id string) (consent.Site, consent.Notice) {
	t.Helper()
	s := consent.Site{
		ID: id, Name: "Fjord & Fletværk", Domains: []string{id + ".example"}, CreatedAt: Day,
		Controller: consent.Controller{Name: "Fjord & Fletværk ApS"}, Banner: consent.DefaultBanner(),
	}
	if err := db.AddSite(context.Background(), s, nil); err != nil {
		t.Fatal(err)
	}
	n := Notice(s, 1)
	if err := db.Publish(context.Background(), n); err != nil {
		t.Fatal(err)
	}
	return s, n
}

// Notice makes a notice of a site without compiling a banner.
func Notice(s consent.Site, version int) consent.Notice {
	return consent.Notice{
		Hash: sha256.Sum256(fmt.Append(nil, s.ID, version)), Site: s.ID, Version: version, ValidFrom: Day, Author: "ea@fjord.example", Reason: "First",
		Content: consent.Content{Site: s.ID, SiteName: s.Name, Controller: s.Controller, Banner: s.Banner, Terms: version},
		Bundle:  consent.Bundle{JS: []byte("/* banner */"), Files: map[string][]byte{"en.json": []byte(`{"accept":"Accept all"}`)}},
	}
}

// Record makes a valid record: number k of a notice, k minutes after Day, by a visitor of its own.
func Record(n consent.Notice, k int, action consent.Action) consent.Record {
	at := Day.Add(time.Duration(k) * time.Minute)
	choices := consent.NoneOf(n.Content.Banner.Asked())
	if action == consent.AcceptAll {
		choices = consent.AllOf(n.Content.Banner.Asked())
	}
	return consent.Record{
		Act: consent.Act{
			ID: id(k, 7), Visitor: id(k, 4), Notice: n.Hash, Action: action, Categories: choices, Language: "da", Method: consent.ByBanner,
		},
		Site: n.Site, At: at, ValidUntil: at.Add(n.Content.Banner.Validity()),
	}
}

// id makes the k-th UUID of a version, always the same one.
func id(k int, version byte) uuid.UUID {
	h := sha256.Sum256(fmt.Append(nil, "id", k, version))
	u := uuid.UUID(h[:16])
	u[6] = u[6]&0x0f | version<<4
	u[8] = u[8]&0x3f | 0x80
	return u
}

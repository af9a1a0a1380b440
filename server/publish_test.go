package server_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"testing"

	"samtykke/consent"
	"samtykke/server"
)

func TestBundle_IsServedCurrentAndFrozen(t *testing.T) {
	s := newShop(t)
	hash := s.notice.Hash.String()
	w := s.do("GET", "/s/"+s.site.ID+".js", nil)
	if w.Code != 200 || w.Header().Get("Samtykke-Notice") != hash || !strings.Contains(w.Body.String(), hash) {
		t.Fatalf("%d %v", w.Code, w.Header())
	}
	if cc := w.Header().Get("Cache-Control"); !strings.Contains(cc, "stale-while-revalidate") || strings.Contains(cc, "immutable") {
		t.Errorf("current script: %s", cc)
	}
	if got := s.do("GET", "/s/"+s.site.ID+".js", nil, "If-None-Match", w.Header().Get("ETag")); got.Code != 304 || got.Body.Len() != 0 {
		t.Errorf("known script: %d, %d bytes", got.Code, got.Body.Len())
	}
	frozen := s.do("GET", "/s/"+s.site.ID+"/"+hash+".js", nil, "Accept-Encoding", "gzip")
	z, err := gzip.NewReader(frozen.Body)
	if err != nil {
		t.Fatal(err)
	}
	plain, err := io.ReadAll(z)
	if err != nil || !bytes.Equal(plain, w.Body.Bytes()) || !strings.Contains(frozen.Header().Get("Cache-Control"), "immutable") {
		t.Errorf("the frozen script differs or may change: %v %v", err, frozen.Header())
	}
	// R4: the script's bytes are what the hash was taken over.
	unsealed := bytes.Replace(plain, []byte(hash), []byte(consent.NoHash), 1)
	if h, err := consent.Seal(s.notice.Content, consent.Bundle{JS: unsealed, Files: s.notice.Bundle.Files}); err != nil || h != s.notice.Hash {
		t.Errorf("the hash of what is served is %v, %v", h, err)
	}
	if en := s.do("GET", "/s/"+s.site.ID+"/"+hash+".en.json", nil); en.Code != 200 || !json.Valid(en.Body.Bytes()) {
		t.Errorf("English texts: %d %s", en.Code, en.Body)
	}
	for _, path := range []string{"/s/nosuchsite.js", "/s/" + s.site.ID, "/s/" + s.site.ID + "/" + hash + ".xx.json", "/s/nosuchsite/" + hash + ".js", "/s/" + s.site.ID + "/" + consent.NoHash + ".js", "/s/" + s.site.ID + "/" + hash + ".map"} {
		if w := s.do("GET", path, nil); w.Code != 404 {
			t.Errorf("%s: %d", path, w.Code)
		}
	}
}

func TestPublish_RefusesWhatMustNotBeShown(t *testing.T) {
	s := newShop(t)
	site := s.site
	site.Banner.Categories = []consent.Category{consent.Statistics}
	if err := s.db.UpdateSite(context.Background(), site); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		p    server.Publishing
		code string
	}{
		"no reason":             {server.Publishing{Author: "test", Material: true}, "no_reason"},
		"other questions (B19)": {server.Publishing{Author: "test", Reason: "Spelling"}, "must_be_material"},
	} {
		var e *consent.Error
		if _, err := s.Publish(context.Background(), site.ID, c.p); !asConsentError(err, &e) || e.Code != c.code {
			t.Errorf("%s: %v", name, err)
		}
	}
	site.Controller.Name = ""
	if err := s.db.UpdateSite(context.Background(), site); err != nil {
		t.Fatal(err)
	}
	var e *consent.Error
	if _, err := s.Publish(context.Background(), site.ID, server.Publishing{Author: "test", Reason: "x", Material: true}); !asConsentError(err, &e) || e.Code != "no_controller" {
		t.Errorf("no controller (B9): %v", err)
	}
}

// S9: what is necessary is published only with a reason, in whatever language, and the refusal names what lacks one.
func TestPublish_WantsAReasonForWhatIsNecessary(t *testing.T) {
	s := newShop(t)
	items := []consent.Item{
		{Kind: consent.Cookie, Name: "kurv", Party: consent.FirstParty, Category: consent.Necessary},
		{Kind: consent.Cookie, Name: "login", Party: consent.FirstParty, Category: consent.Necessary, Reason: map[string]string{"da": " "}},
		{Kind: consent.Cookie, Name: "sprog", Party: consent.FirstParty, Category: consent.Preferences},
		{Kind: consent.Cookie, Name: "sikker", Party: consent.FirstParty, Category: consent.Necessary, Reason: map[string]string{"en": "Keeps forms safe."}},
	}
	publish := func() error {
		if err := s.db.EditItems(t.Context(), s.site.ID, declare(items)); err != nil {
			t.Fatal(err)
		}
		_, err := s.Publish(t.Context(), s.site.ID, server.Publishing{Author: "test", Reason: "x", Material: true})
		return err
	}
	var e *consent.Error
	if err := publish(); !asConsentError(err, &e) || e.Code != "no_item_reason" || !strings.HasSuffix(e.Message, ": kurv, login.") {
		t.Errorf("%v", err)
	}
	for i := range items[:2] {
		items[i].Reason = map[string]string{"da": "Ellers virker butikken ikke."}
	}
	if err := publish(); err != nil {
		t.Error(err)
	}
}

// B19, B20: a material notice has terms of its own, another keeps those of the last material one.
func TestPublish_OnlyMaterialNoticesChangeTheTerms(t *testing.T) {
	s := newShop(t) // version 1 by storetest, version 2 material
	publish := func(material bool) int {
		n, err := s.Publish(context.Background(), s.site.ID, server.Publishing{Author: "test", Reason: "Next", Material: material})
		if err != nil {
			t.Fatal(err)
		}
		return n.Content.Terms
	}
	if got := fmt.Sprint(s.notice.Content.Terms, publish(false), publish(true), publish(false)); got != "2 2 4 4" {
		t.Errorf("terms %s, want 2 2 4 4", got)
	}
}

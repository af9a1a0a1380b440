package store_test

import (
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"samtykke/server/store"
	"samtykke/server/store/storetest"
)

func TestNoticeHeads_ListTheSitesOwnNewestFirst(t *testing.T) {
	db, err := store.Open(t.Context(), filepath.Join(t.TempDir(), "samtykke.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	site, first := storetest.Site(t, db, "fjordfletvaerk")
	storetest.Site(t, db, "nordlysoglim")
	second := storetest.Notice(site, 2)
	if err := db.Publish(t.Context(), second); err != nil {
		t.Fatal(err)
	}
	heads, err := db.NoticeHeads(t.Context(), site.ID)
	if err != nil {
		t.Fatal(err)
	}
	want := []store.NoticeHead{
		{Hash: second.Hash, Version: 2, ValidFrom: second.ValidFrom, Author: second.Author, Reason: second.Reason},
		{Hash: first.Hash, Version: 1, ValidFrom: first.ValidFrom, Author: first.Author, Reason: first.Reason},
	}
	if d := cmp.Diff(want, heads); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
	if none, err := db.NoticeHeads(t.Context(), "nosuchsite"); err != nil || len(none) != 0 {
		t.Errorf("%v, %v", none, err)
	}
}

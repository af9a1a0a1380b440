package storetest

import (
	"testing"
	"time"

	"samtykke/consent"
	"samtykke/server/store"
)

// Law 3.1 no. 2, T11: a notice's pictures are stored once, and nothing changes them.
func pictures(t *testing.T, db *store.DB) {
	s, first := Site(t, db, "fjordfletvaerk")
	second := Notice(s, 2)
	if err := db.Publish(ctx, second); err != nil {
		t.Fatal(err)
	}
	same(t, must[[]consent.Hash](t)(db.Unpictured(ctx)), []consent.Hash{second.Hash, first.Hash})
	picture := func(lang, device string, layer int, png string) store.Picture {
		return store.Picture{PictureKey: store.PictureKey{Language: lang, Device: device, Layer: layer}, At: Day, Browser: "Chromium 156", PNG: []byte(png)}
	}
	wide, narrow := picture("da", "desktop", 1, "wide\x00\xff"), picture("da", "mobile", 2, "narrow")
	if err := db.AddPictures(ctx, first.Hash, []store.Picture{narrow, wide}); err != nil {
		t.Fatal(err)
	}
	// Another server was slower.
	late := picture("da", "desktop", 1, "other")
	late.At = Day.Add(time.Minute)
	if err := db.AddPictures(ctx, first.Hash, []store.Picture{late}); err != nil {
		t.Fatal(err)
	}
	same(t, must[[]byte](t)(db.Picture(ctx, first.Hash, wide.PictureKey)), wide.PNG)
	wide.Size, narrow.Size, wide.PNG, narrow.PNG = 6, 6, nil, nil
	same(t, must[[]store.Picture](t)(db.Pictures(ctx, first.Hash)), []store.Picture{wide, narrow})
	same(t, must[[]consent.Hash](t)(db.Unpictured(ctx)), []consent.Hash{second.Hash})
	_, err := db.Picture(ctx, second.Hash, wide.PictureKey)
	wantKind(t, err, consent.KindNotFound)
}

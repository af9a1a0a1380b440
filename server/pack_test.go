package server_test

import (
	"archive/zip"
	"bytes"
	"context"
	"io"
	"strings"
	"testing"
	"time"

	"samtykke/consent"
	"samtykke/server"
	"samtykke/server/inspection"
	"samtykke/server/ledger"
	"samtykke/server/store/storetest"
)

// H9: the pack holds what a supervisor asks for, and verifies with the public key alone; with one byte changed it doesn't.
func TestPack_HoldsAllAndVerifies(t *testing.T) {
	ctx := context.Background()
	o := newShop(t)
	records := make([]consent.Record, 30)
	for k := range records {
		records[k] = storetest.Record(o.notice, k, consent.Actions[k%2])
	}
	if _, err := o.db.Append(ctx, records); err != nil {
		t.Fatal(err)
	}
	keys, err := o.db.Keys(ctx)
	if err != nil {
		t.Fatal(err)
	}
	trusted := ledger.Options{Keys: []string{keys[0].Public()}}
	pack := func(q server.Inspection) []byte {
		t.Helper()
		var b bytes.Buffer
		q.Site, q.From, q.To = o.site.ID, storetest.Day, storetest.Day.AddDate(1, 0, 0) // the notice of before has ended then
		if err := server.WritePack(ctx, o.db, "https://samtykke.example", time.Now(), q, &b); err != nil {
			t.Fatal(err)
		}
		return b.Bytes()
	}
	whole := pack(server.Inspection{By: "ida@shop.example"})
	r, err := inspection.Verify(bytes.NewReader(whole), int64(len(whole)), trusted)
	if err != nil || r.Records.Records != int64(len(records)) || !r.Records.Known || r.Notices == 0 {
		t.Fatalf("%+v, %v", r, err)
	}
	files := unzipped(t, whole)
	for _, name := range []string{
		"index.da.html", "index.en.html", "records/records.csv", "notices/2/content.json", "notices/2/declaration/da.html",
		"technologies.csv", "counts.csv", "verifier.html", "log/checkpoints.txt", "log/key.txt", "SHA256SUMS",
	} {
		if len(files[name]) == 0 {
			t.Errorf("the pack has no %s", name)
		}
	}
	if !strings.Contains(string(files["index.da.html"]), "Tilsynspakke") || !strings.Contains(string(files["index.en.html"]), "Inspection pack") {
		t.Error("the index is not in its language")
	}
	for _, name := range []string{"records/records.jsonl", "notices/2/script.js", "index.da.html"} {
		if _, err := verified(t, files, name, trusted); err == nil {
			t.Errorf("a change in %s was not found", name)
		}
	}
	if _, err := verified(t, files, "", trusted); err != nil {
		t.Errorf("put together again it doesn't verify: %v", err)
	}
	one := unzipped(t, pack(server.Inspection{Visitor: records[0].Visitor}))
	if len(one["records/receipts/"+records[0].ID.String()+".jwt"]) == 0 || len(one["records/records.jsonl"]) > 0 {
		t.Error("a visitor's pack has the receipts and nothing of others")
	}
	if len(one["access/audit.jsonl"]) > 0 || len(files["access/audit.jsonl"]) == 0 {
		t.Error("the audit log names staff: it is in the whole pack and not in a visitor's")
	}
	for name, body := range one {
		for _, other := range records[1:] {
			if other.Visitor != records[0].Visitor && strings.Contains(string(body), other.Visitor.String()) {
				t.Errorf("%s of a visitor's pack names another visitor", name)
			}
		}
	}
}

func unzipped(t *testing.T, pack []byte) map[string][]byte {
	t.Helper()
	z, err := zip.NewReader(bytes.NewReader(pack), int64(len(pack)))
	if err != nil {
		t.Fatal(err)
	}
	files := map[string][]byte{}
	for _, f := range z.File {
		in, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		if files[f.Name], err = io.ReadAll(in); err != nil {
			t.Fatal(err)
		}
	}
	return files
}

// verified zips the files again, one of them with a byte changed, and verifies that.
func verified(t *testing.T, files map[string][]byte, changed string, o ledger.Options) (inspection.Result, error) {
	t.Helper()
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for name, body := range files {
		if name == changed {
			body = bytes.Clone(body)
			body[len(body)/2] ^= 1
		}
		f, err := w.Create(name)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := f.Write(body); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return inspection.Verify(bytes.NewReader(b.Bytes()), int64(b.Len()), o)
}

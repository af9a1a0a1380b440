package verifier_test

import (
	"bytes"
	"crypto"
	"encoding/base64"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/tlog"

	"samtykke/consent"
	"samtykke/server/ledger"
	"samtykke/server/receipt"
	"samtykke/widget"
)

// source is what a receipt for an entry of a log is made of.
func (l *testLog) source(n int64) receipt.Source {
	l.t.Helper()
	r, err := consent.ParseCanonical(l.entries[n].bytes)
	if err != nil {
		l.t.Fatal(err)
	}
	words, ok := widget.Texts("da")
	if !ok {
		l.t.Fatal("no texts in Danish")
	}
	proof, err := ledger.Tiles(l.tiles).Prove(l.edge.Size, n)
	if err != nil {
		l.t.Fatal(err)
	}
	content := consent.Content{
		Site: "fjordfletvaerk", Version: 1, SiteName: "Fjord & Fletværk", Homepage: "https://fjord.example/", Banner: consent.DefaultBanner(),
		Controller: consent.Controller{Name: "Fjord <&> Fletværk"}, Texts: map[string]map[string]string{"da": words}, Terms: 1,
	}
	return receipt.Source{
		Record: r, Notice: consent.Notice{Hash: r.Notice, Site: "fjordfletvaerk", Version: 1, ValidFrom: start, Content: content},
		Issuer: "https://samtykke.example", Seq: n, Salt: l.entries[n].salt, Checkpoint: l.sign(key), Proof: proof, KeptUntil: start.AddDate(3, 0, 0),
	}
}

func (l *testLog) receipt(s receipt.Source, k ledger.Key) []byte {
	l.t.Helper()
	token, err := receipt.Sign(s, k, start.Add(48*time.Hour))
	if err != nil {
		l.t.Fatal(err)
	}
	return []byte(token)
}

// R12, R13: a receipt is genuine by the key that its reader has, and nothing is said of it without one.
func TestPage_TakesReceipts(t *testing.T) {
	d := open(t).english()
	l := shortLog(t)
	for _, n := range []int64{6, 9, 59} { // every third has names that HTML and JSON would escape
		token := l.receipt(l.source(n), key)
		if _, err := receipt.Verify(string(token), trusted.Keys); err != nil {
			t.Fatal(err)
		}
		v := d.check("receipt.jwt", append(token, '\n'), otherKey.Public()+"\n"+key.Public(), "")
		r := l.source(n).Record
		if v.State != "good" || v.Facts["site"] != "fjordfletvaerk" || v.Facts["visitor"] != r.Visitor.String() || v.Facts["yes"] != "statistics" || v.Facts["no"] != "marketing" || v.Facts["refused"] != strings.Join(r.Refused, ", ") {
			t.Errorf("entry %d: %+v", n, v)
		}
		if v = d.check("receipt.txt", token, "", ""); v.State != "unsure" || !strings.Contains(v.Text, key.Name) || len(v.Facts) != 1 {
			t.Errorf("without a key: %+v", v)
		}
	}
	s := l.source(9)
	s.Checkpoint, s.Proof = "", nil
	if v := d.check("receipt.jwt", l.receipt(s, key), key.Public(), ""); v.State != "unsure" || !strings.Contains(v.Title, "not proven by the log yet") {
		t.Errorf("before the first checkpoint: %+v", v)
	}
}

// R9, R12: a receipt that was changed, or that doesn't fit its log, is refused as the Go verifier refuses it.
func TestPage_RefusesReceipts(t *testing.T) {
	d := open(t).english()
	l := shortLog(t)
	token := l.receipt(l.source(9), key)
	cases := map[string][]byte{
		"empty part":      append(bytes.Clone(token[:bytes.LastIndexByte(token, '.')]), '.'),
		"signed by other": l.receipt(l.source(9), otherKey),
		"unknown key":     l.receipt(l.source(9), nextKey),
		"not a token":     []byte("hello"),
		"alg none":        resign(t, token, `"alg":"EdDSA"`, `"alg":"none"`, true),
		"alg HS256":       resign(t, token, `"alg":"EdDSA"`, `"alg":"HS256"`, true),
		"critical header": resign(t, token, `"kid"`, `"crit":["x"],"kid"`, true),
		// These are signed by the right key, and still not what the log has.
		"another choice":          resign(t, token, `"statistics":true`, `"statistics":false`, false),
		"another visitor":         resign(t, token, `"sub":"7`, `"sub":"8`, false),
		"record spelled wide":     resign(t, token, `"record":{"action"`, `"record":{ "action"`, false),
		"record in another order": resign(t, token, `"site":"fjordfletvaerk","v":1`, `"v":1,"site":"fjordfletvaerk"`, false),
		"record twice":            resign(t, token, `"record":`, `"record":{},"record":`, false),
		"another site's log":      resign(t, token, `"origin":"samtykke/fjordfletvaerk"`, `"origin":"samtykke/fjeldfletvaerk"`, false),
		"another number":          resign(t, token, `"seq":9`, `"seq":12`, false),
		"no proof":                resign(t, token, `"proof":[`, `"proofs":[`, false),
		"another checkpoint":      resign(t, token, `"checkpoint":"samtykke/fjordfletvaerk\n`, `"checkpoint":"samtykke/fjordfletvaerk\n1`, false),
		"another text's language": resign(t, token, `"texts":{"language":"da"`, `"texts":{"language":"en"`, false),
	}
	for i := 0; i < len(token); i += len(token) / 40 {
		changed := bytes.Clone(token)
		if changed[i] == 'A' {
			changed[i] = 'B'
		} else {
			changed[i] = 'A'
		}
		cases["byte "+string(rune('0'+i%10))+" of "+string(token[max(0, i-8):i])] = changed
	}
	last := bytes.Clone(token) // the bits behind the signature's end
	last[len(last)-1]++
	cases["spare bits"] = last
	for name, c := range cases {
		if _, err := receipt.Verify(string(c), trusted.Keys); err == nil {
			t.Errorf("%s: the Go verifier takes it", name)
		}
		if v := d.check("receipt.jwt", c, key.Public(), ""); v.State != "bad" || v.Facts["what"] == "" {
			t.Errorf("%s: %+v", name, v)
		}
	}
	// One whose record is in another log than its checkpoint's, by the same key.
	s := l.source(9)
	other := newLog(t)
	other.records(20)
	other.remove(ledger.Erased, 1)
	s.Checkpoint = other.sign(key)
	if v := d.check("receipt.jwt", l.receipt(s, key), key.Public(), ""); v.Code != "notInLog" {
		t.Errorf("another log: %+v", v)
	}
	s.Proof = append(s.Proof, tlog.Hash{})
	s.Checkpoint = l.sign(key)
	if v := d.check("receipt.jwt", l.receipt(s, key), key.Public(), ""); v.Code != "notInLog" {
		t.Errorf("a hash too many: %+v", v)
	}
}

// resign changes the token's header or claims and signs it anew with the right key.
func resign(t *testing.T, token []byte, old, new string, header bool) []byte {
	t.Helper()
	parts := strings.Split(string(token), ".")
	part := 1
	if header {
		part = 0
	}
	b, err := base64.RawURLEncoding.DecodeString(parts[part])
	if err != nil || !json.Valid(b) {
		t.Fatalf("%s: %v", b, err)
	}
	changed := strings.Replace(string(b), old, new, 1)
	if changed == string(b) {
		t.Fatalf("%s isn't in %s", old, b)
	}
	parts[part] = base64.RawURLEncoding.EncodeToString([]byte(changed))
	signature, err := key.Private.Sign(nil, []byte(parts[0]+"."+parts[1]), crypto.Hash(0))
	if err != nil {
		t.Fatal(err)
	}
	return []byte(parts[0] + "." + parts[1] + "." + base64.RawURLEncoding.EncodeToString(signature))
}

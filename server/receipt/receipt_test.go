package receipt

import (
	"bytes"
	"crypto/ed25519"
	"encoding/base64"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"samtykke/consent"
	"samtykke/server/ledger"
)

var update = flag.Bool("update", false, "write the golden files anew")

var (
	at     = time.Date(2026, 11, 22, 13, 5, 7, 89_000_000, time.UTC)
	madeAt = time.Date(2026, 12, 1, 8, 0, 0, 0, time.UTC)
	key    = keyOf("samtykke-20260101T000000", 1)
)

// keyOf is the same key each time, so that golden files can hold what it signs.
func keyOf(name string, seed byte) ledger.Key {
	return ledger.Key{Name: name, Private: ed25519.NewKeyFromSeed(bytes.Repeat([]byte{seed}, ed25519.SeedSize))}
}

// content is a shop's notice with one item or more in each category but preferences.
func content(t testing.TB) consent.Content {
	t.Helper()
	c := consent.Content{
		Site: "fjordfletvaerk", Version: 3, SiteName: "Fjord & Fletværk", Homepage: "https://fjord.example/",
		Controller: consent.Controller{
			Name: "Fjord & Fletværk ApS", CVR: "12345678", Address: "Havnegade 1, 9000 Aalborg", Email: "privat@fjord.example", Phone: "+45 00 00 00 00",
		},
		Banner: consent.DefaultBanner(), Terms: 3,
		Items: []consent.Item{
			{Kind: consent.Cookie, Name: "kurv", Party: consent.FirstParty, Category: consent.Necessary, Provider: "Fjord & Fletværk ApS"},
			{Kind: consent.Cookie, Name: "_tl_ses.*", Party: consent.FirstParty, Category: consent.Statistics, Provider: "Tællelys A/S", Country: "DK", Lifetime: 730 * 24 * time.Hour},
			{Kind: consent.LocalStorage, Name: "_tl_kø", Party: consent.FirstParty, Category: consent.Statistics, Provider: "Tællelys A/S", Country: "DK", Lifetime: 30 * time.Minute},
			{Kind: consent.Cookie, Name: "_ak", Party: consent.ThirdParty, Category: consent.Marketing, Provider: "Annoncekompasset Inc.", Country: "US", Lifetime: 90 * time.Minute},
			{Kind: consent.IndexedDB, Name: "film", Party: consent.ThirdParty, Category: consent.Marketing, Provider: "Filmvæg GmbH", Country: "DE", Lifetime: consent.Persistent},
			{Kind: consent.Cookie, Name: "_tl_m", Party: consent.ThirdParty, Category: consent.Marketing, Provider: "Tællelys A/S", Country: "DK"},
		},
	}
	c.Banner.PerVendor = true
	texts, err := os.ReadFile("testdata/texts.json") // of their own, so that new words of the banner change no golden file
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(texts, &c.Texts); err != nil {
		t.Fatal(err)
	}
	return c
}

// source is a record in a log of eleven entries. change makes variants of it before it is logged.
func source(t testing.TB, change ...func(*consent.Record)) Source {
	t.Helper()
	s := Source{Issuer: "https://samtykke.example/", KeptUntil: time.Date(2029, 11, 22, 13, 5, 7, 89_000_000, time.UTC), Salt: []byte("sixteen salty by")}
	s.Notice = consent.Notice{Hash: consent.Hash{0xab, 31: 0x01}, Site: "fjordfletvaerk", Version: 3, ValidFrom: at.Add(-48 * time.Hour), Content: content(t)}
	s.Record = consent.Record{
		Act: consent.Act{
			ID:      uuid.MustParse("01936a7e-2b3c-7d4e-8f50-617283940a1b"),
			Visitor: uuid.MustParse("3f2b8c1d-9a7e-4b6c-8d5e-0f1a2b3c4d5e"),
			Notice:  s.Notice.Hash, Action: consent.Custom, Method: consent.ByDialog, Language: "da",
			Categories: consent.Choices{
				Asked: consent.SetOf(consent.Preferences, consent.Statistics, consent.Marketing),
				Given: consent.SetOf(consent.Statistics, consent.Marketing),
			},
			Refused: []string{"marketing/Annoncekompasset Inc."},
			Cleared: []string{"_ak"},
		},
		Site: "fjordfletvaerk", At: at, ValidUntil: at.Add(365 * 24 * time.Hour),
	}
	for _, c := range change {
		c(&s.Record)
	}
	log(t, &s, key, s.Record.Site, "the others")
	return s
}

// log puts the record at number 7 of a site's log, among ten others.
func log(t testing.TB, s *Source, k ledger.Key, site, others string) {
	t.Helper()
	const size = 11
	s.Seq = 7
	var leaves []ledger.Hash
	for i := range int64(size) {
		entry := []byte(others)
		if i == s.Seq {
			entry = s.Record.AppendCanonical(nil)
		}
		leaves = append(leaves, ledger.Leaf(s.Salt, entry))
	}
	edge, err := ledger.NewEdge(0, nil)
	if err != nil {
		t.Fatal(err)
	}
	var tiles ledger.Tiles
	for _, tile := range edge.Append(leaves) { // one tile holds so few
		tiles = func(_, _ int64) ([]byte, error) { return tile.Hashes, nil }
	}
	if s.Proof, err = tiles.Prove(size, s.Seq); err != nil {
		t.Fatal(err)
	}
	c := ledger.Checkpoint{Origin: ledger.Origin(site), Size: size, Root: edge.Root(), At: at.Add(time.Minute)}
	if s.Checkpoint, err = c.Sign(k); err != nil {
		t.Fatal(err)
	}
}

func sign(t testing.TB, s Source) string {
	t.Helper()
	token, err := Sign(s, key, madeAt)
	if err != nil {
		t.Fatal(err)
	}
	return token
}

// payloadOf is what a receipt says, as it is written.
func payloadOf(t testing.TB, token string) []byte {
	t.Helper()
	b, err := base64.RawURLEncoding.DecodeString(strings.Split(token, ".")[1])
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// acts are the kinds of answers that there are golden files for.
var acts = map[string]func(*consent.Record){
	"custom": func(*consent.Record) {},
	"accept": func(r *consent.Record) {
		r.Action, r.Method, r.Categories, r.Refused, r.Language = consent.AcceptAll, consent.ByBanner, consent.AllOf(r.Categories.Asked), nil, "en"
	},
	"refusal": func(r *consent.Record) {
		r.Action, r.Method, r.Categories, r.Refused = consent.RejectAll, consent.BySignal, consent.NoneOf(r.Categories.Asked), nil
	},
	"withdrawal": func(r *consent.Record) {
		r.Action, r.Method, r.Categories, r.Refused = consent.Withdraw, consent.ByDeclaration, consent.NoneOf(r.Categories.Asked), nil
	},
}

// golden compares with a file of testdata. What was given out must stay readable, so a difference is a decision:
// go test ./server/receipt -update.
func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	file := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(file, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(string(want), string(got)); d != "" {
		t.Errorf("%s (-want +got):\n%s", name, d)
	}
}

func pretty(t *testing.T, v any) []byte {
	t.Helper()
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(v); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// R12: one record with the texts that were shown, as a signed receipt and in both shapes.
func TestShapes_ArePinned(t *testing.T) {
	for name, change := range acts {
		s := source(t, change)
		token := sign(t, s)
		golden(t, name+".jwt", []byte(token+"\n"))
		golden(t, name+".claims.json", pretty(t, json.RawMessage(payloadOf(t, token))))
		golden(t, name+".27560.json", pretty(t, TS27560(s)))
		golden(t, name+".kantara.json", pretty(t, Kantara(s)))
	}
}

// A receipt that was given out once verifies for ever.
func TestVerify_AcceptsPinnedReceipts(t *testing.T) {
	for name := range acts {
		token, err := os.ReadFile(filepath.Join("testdata", name+".jwt"))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := Verify(strings.TrimSpace(string(token)), []string{key.Public()}); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// R13: the visitor's receipt proves the act, without the server.
func TestVerify_TellsWhatWasProven(t *testing.T) {
	s := source(t)
	v, err := Verify(sign(t, s), []string{keyOf("another", 9).Public(), key.Public()})
	if err != nil {
		t.Fatal(err)
	}
	if got, want := string(v.Record.AppendCanonical(nil)), string(s.Record.AppendCanonical(nil)); got != want {
		t.Errorf("record %s, want %s", got, want)
	}
	if v.Key != key.Public() || v.Issuer != "https://samtykke.example" || !v.MadeAt.Equal(madeAt) || v.Seq != 7 || v.Checkpoint.Size != 11 {
		t.Errorf("proven: %+v", v)
	}
	if v.Controller != s.Notice.Content.Controller || v.Notice.URL != "https://samtykke.example/d/fjordfletvaerk/3/da" || v.Notice.Hash != s.Notice.Hash {
		t.Errorf("notice and controller: %+v %+v", v.Notice, v.Controller)
	}
	if !strings.HasPrefix(v.Texts.Intro, "Fjord & Fletværk ApS bruger cookies") || !strings.Contains(v.Texts.Intro, "3 tredjeparter") || strings.ContainsAny(v.Texts.Intro+v.Texts.Hint, "{}") {
		t.Errorf("texts: %+v", v.Texts)
	}
}

// The log holds the record's canonical bytes, so the receipt must, whatever characters are in it: others find them as the
// substring behind "record":.
func TestSign_KeepsTheCanonicalBytes(t *testing.T) {
	s := source(t, func(r *consent.Record) { r.Path = "/køb&salg/<b>/\u2028\\\"" })
	token := sign(t, s)
	if want := `"record":` + string(s.Record.AppendCanonical(nil)) + `,"notice":{`; !bytes.Contains(payloadOf(t, token), []byte(want)) {
		t.Errorf("payload %s\nlacks %s", payloadOf(t, token), want)
	}
	if _, err := Verify(token, []string{key.Public()}); err != nil {
		t.Error(err)
	}
}

// The key set and the receipt suit any JWT library.
func TestJWKS_SuitsJWTLibraries(t *testing.T) {
	var plus ledger.Key // with a plus sign in its base64, which also separates the parts of a key
	for seed := byte(0); strings.Count(plusOf(&plus, seed), "+") < 3; seed++ {
	}
	other := keyOf("samtykke-old", 3)
	set, err := JWKS([]string{plus.Public(), key.Public(), other.Public()})
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "jwks.json", append(set, '\n'))
	var read struct{ Keys []map[string]string }
	if err := json.Unmarshal(set, &read); err != nil || len(read.Keys) != 3 {
		t.Fatalf("%s: %v", set, err)
	}
	_, err = jwt.Parse(sign(t, source(t)), func(tok *jwt.Token) (any, error) {
		for _, k := range read.Keys {
			if k["kid"] == tok.Header["kid"] && k["kty"] == "OKP" && k["crv"] == "Ed25519" && k["use"] == "sig" {
				x, err := base64.RawURLEncoding.DecodeString(k["x"])
				return ed25519.PublicKey(x), err
			}
		}
		return nil, ErrUnknownKey
	})
	if err != nil {
		t.Error(err)
	}
	if empty, err := JWKS(nil); err != nil || string(empty) != `{"keys":[]}` {
		t.Errorf("no keys: %s %v", empty, err)
	}
	for _, bad := range []string{"", "name", "a+b+c", strings.Replace(key.Public(), "20260101", "20260102", 1)} {
		if _, err := JWKS([]string{bad}); err == nil {
			t.Errorf("%q is taken for a key", bad)
		}
	}
}

func plusOf(k *ledger.Key, seed byte) string {
	*k = keyOf("samtykke-plus", seed)
	return k.Public()
}

func TestSign_RefusesWhatDoesntBelongTogether(t *testing.T) {
	for name, change := range map[string]func(*Source){
		"other notice":   func(s *Source) { s.Notice.Hash[0]++ },
		"other site":     func(s *Source) { s.Notice.Site = "enandenbutik" },
		"no texts":       func(s *Source) { delete(s.Notice.Content.Texts, "da") },
		"short salt":     func(s *Source) { s.Salt = s.Salt[1:] },
		"no number":      func(s *Source) { s.Seq = -1 },
		"invalid record": func(s *Source) { s.Record.Action = "agree" },
	} {
		s := source(t)
		change(&s)
		if token, err := Sign(s, key, madeAt); err == nil {
			t.Errorf("%s: signed %s", name, token)
		}
	}
}

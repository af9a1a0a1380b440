package receipt

import (
	"crypto/ed25519"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/google/uuid"

	"samtykke/consent"
	"samtykke/server/ledger"
)

var keys = []string{key.Public()}

// forge signs any header and payload, as a holder of the key could.
func forge(t testing.TB, header string, payload []byte, k ledger.Key) string {
	t.Helper()
	text := base64.RawURLEncoding.EncodeToString([]byte(header)) + "." + base64.RawURLEncoding.EncodeToString(payload)
	return text + "." + base64.RawURLEncoding.EncodeToString(ed25519.Sign(k.Private, []byte(text)))
}

func headerOf(k ledger.Key) string {
	return fmt.Sprintf(`{"alg":"EdDSA","kid":%q,"typ":"JWT"}`, k.Name)
}

// replaced changes one string of a payload, which must be there.
func replaced(t testing.TB, payload []byte, old, with string) []byte {
	t.Helper()
	if !strings.Contains(string(payload), old) {
		t.Fatalf("%s is not in %s", old, payload)
	}
	return []byte(strings.Replace(string(payload), old, with, 1))
}

// leaves lists the paths to every value of a JSON document.
func leaves(v any, path []any, visit func(path []any)) {
	switch v := v.(type) {
	case map[string]any:
		for k, inner := range v {
			leaves(inner, append(path[:len(path):len(path)], k), visit)
		}
	case []any:
		for i, inner := range v {
			leaves(inner, append(path[:len(path):len(path)], i), visit)
		}
	default:
		visit(path)
	}
}

// changed is the payload with the value at the path changed.
func changed(t *testing.T, payload []byte, path []any) []byte {
	t.Helper()
	var root any
	if err := json.Unmarshal(payload, &root); err != nil {
		t.Fatal(err)
	}
	at := func(v any, step any) any {
		if i, ok := step.(int); ok {
			return v.([]any)[i]
		}
		return v.(map[string]any)[step.(string)]
	}
	v := root
	for _, step := range path[:len(path)-1] {
		v = at(v, step)
	}
	var other any
	switch value := at(v, path[len(path)-1]).(type) {
	case string:
		other = value + "x"
	case float64:
		other = value + 1
	case bool:
		other = !value
	}
	if i, ok := path[len(path)-1].(int); ok {
		v.([]any)[i] = other
	} else {
		v.(map[string]any)[path[len(path)-1].(string)] = other
	}
	b, err := encode(root)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// R12, R13: whichever claim is changed, the signature doesn't fit any more.
func TestVerify_RefusesEveryChangedClaim(t *testing.T) {
	token := sign(t, source(t))
	payload, parts := payloadOf(t, token), strings.Split(token, ".")
	var root any
	if err := json.Unmarshal(payload, &root); err != nil {
		t.Fatal(err)
	}
	n := 0
	leaves(root, nil, func(path []any) {
		n++
		forged := parts[0] + "." + base64.RawURLEncoding.EncodeToString(changed(t, payload, path)) + "." + parts[2]
		if v, err := Verify(forged, keys); !errors.Is(err, ErrSignature) || v.Key != "" {
			t.Errorf("%v: %v %v", path, err, v)
		}
	})
	if n < 50 {
		t.Errorf("only %d claims were changed", n)
	}
}

// Every character of the token counts, the last bits of its base64 too.
func TestVerify_RefusesEveryChangedCharacter(t *testing.T) {
	token := sign(t, source(t))
	for i := range len(token) {
		others := []byte{'A', token[i] ^ 1}
		if i == 0 || i == len(token)-1 || token[i-1] == '.' || token[i+1] == '.' {
			others = []byte("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_=")
		}
		for _, c := range others {
			if c == token[i] {
				continue
			}
			forged := token[:i] + string(c) + token[i+1:]
			if _, err := Verify(forged, keys); err == nil {
				t.Fatalf("changed at %d from %q to %q, and accepted", i, token[i], c)
			}
		}
		if _, err := Verify(token[:i], keys); err == nil {
			t.Fatalf("cut at %d, and accepted", i)
		}
	}
}

// Not even the holder of the key can make a receipt that says something else than the log: what names the record must fit
// it, and the record must be in the tree.
func TestVerify_RefusesContradictionsUnderAGoodSignature(t *testing.T) {
	s := source(t)
	payload := payloadOf(t, sign(t, s))
	id, visitor, notice := s.Record.ID.String(), s.Record.Visitor.String(), s.Record.Notice.String()
	for name, c := range map[string]struct {
		old, with string
		want      error
	}{
		"jti":                  {`"jti":"` + id, `"jti":"` + visitor, ErrContradict},
		"sub":                  {`"sub":"` + visitor, `"sub":"` + id, ErrContradict},
		"notice":               {`"notice":{"hash":"` + notice[:2], `"notice":{"hash":"00`, ErrContradict},
		"language of texts":    {`"texts":{"language":"da"`, `"texts":{"language":"en"`, ErrContradict},
		"origin":               {`"origin":"samtykke/fjordfletvaerk"`, `"origin":"samtykke/enandenbutik"`, ErrContradict},
		"a granted no":         {`"preferences":false`, `"preferences":true`, ErrLog},
		"time":                 {`"at":1795352707089`, `"at":1795352707088`, ErrLog},
		"spelling":             {`{"action":"custom"`, `{ "action":"custom"`, ErrRecord},
		"invalid record":       {`"action":"custom"`, `"action":"accept_all"`, ErrRecord},
		"number":               {`"seq":7`, `"seq":6`, ErrLog},
		"negative number":      {`"seq":7`, `"seq":-1`, ErrLog},
		"number too high":      {`"seq":7`, `"seq":11`, ErrLog},
		"salt":                 {`"salt":"c2l4`, `"salt":"c2l5`, ErrLog},
		"short salt":           {`"salt":"c2l4`, `"salt":"`, ErrLog},
		"salt's spelling":      {`eSBieQ==`, `eSBieR==`, ErrLog},
		"line end in the salt": {`"salt":"c2l4`, `"salt":"c2\nl4`, ErrLog},
		"proof":                {`"proof":["`, `"proof":["AAAA`, ErrLog},
		"proof cut off":        {`"proof":["`, `"proof":[],"prof":["`, ErrLog},
		"checkpoint's size":    {`fjordfletvaerk\n11\n`, `fjordfletvaerk\n12\n`, ledger.ErrSignature},
		"no checkpoint":        {`"checkpoint":"`, `"checkpoint":"","was":"`, ErrUnlogged},
		"doubled claim":        {`"record":`, `"record":{},"record":`, ErrMalformed},
		"claim in capitals":    {`"record":`, `"Record":`, ErrMalformed},
		"doubled in log":       {`"seq":7`, `"seq":7,"seq":7`, ErrMalformed},
		"claim's type":         {`"seq":7`, `"seq":"7"`, ErrMalformed},
		"no log":               {`"log":`, `"lag":`, ErrMalformed},
		"no record":            {`"record":`, `"protocol":`, ErrRecord},
	} {
		token := forge(t, headerOf(key), replaced(t, payload, c.old, c.with), key)
		if _, err := Verify(token, keys); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
	}
	for _, bad := range []string{``, `null`, `[]`, `1`, `{}`, `{"record":null}`, `{"log":{}}`} {
		if _, err := Verify(forge(t, headerOf(key), []byte(bad), key), keys); err == nil {
			t.Errorf("payload %s is accepted", bad)
		}
	}
}

// A receipt says when it was made, and never ends: what libraries make of exp and nbf doesn't matter.
func TestVerify_IgnoresTimesAndUnknownClaims(t *testing.T) {
	payload := replaced(t, payloadOf(t, sign(t, source(t))), `{"iss"`, `{"exp":1,"nbf":9999999999,"something_new":{"x":1},"iss"`)
	if _, err := Verify(forge(t, headerOf(key), payload, key), keys); err != nil {
		t.Error(err)
	}
}

// Other algorithms are refused, those that need no secret above all.
func TestVerify_RefusesOtherAlgorithms(t *testing.T) {
	token := sign(t, source(t))
	parts := strings.Split(token, ".")
	_, public, err := parseKey(key.Public())
	if err != nil {
		t.Fatal(err)
	}
	as := func(alg string) string {
		return base64.RawURLEncoding.EncodeToString([]byte(strings.Replace(headerOf(key), "EdDSA", alg, 1))) + "." + parts[1]
	}
	mac := func(secret []byte) string {
		sum, err := jwt.SigningMethodHS256.Sign(as("HS256"), secret)
		if err != nil {
			t.Fatal(err)
		}
		return as("HS256") + "." + base64.RawURLEncoding.EncodeToString(sum)
	}
	for name, c := range map[string]struct {
		token string
		want  error
	}{
		"none":                              {as("none") + ".", ErrAlgorithm},
		"none with the signature":           {as("none") + "." + parts[2], ErrAlgorithm},
		"None":                              {as("None") + ".", ErrAlgorithm},
		"HS256 with the public key":         {mac(public), ErrAlgorithm},
		"HS256 with its spelling":           {mac([]byte(key.Public())), ErrAlgorithm},
		"ES256":                             {as("ES256") + "." + parts[2], ErrAlgorithm},
		"Ed25519, the algorithm's new name": {as("Ed25519") + "." + parts[2], ErrAlgorithm},
		"unknown":                           {as("X") + "." + parts[2], ErrAlgorithm},
		"no algorithm":                      {forge(t, `{"kid":"`+key.Name+`"}`, payloadOf(t, token), key), ErrMalformed},
		"a critical extension":              {forge(t, `{"alg":"EdDSA","kid":"`+key.Name+`","crit":["x"]}`, payloadOf(t, token), key), ErrMalformed},
		"no signature":                      {parts[0] + "." + parts[1] + ".", ErrSignature},
		"no key named":                      {forge(t, `{"alg":"EdDSA"}`, payloadOf(t, token), key), ErrUnknownKey},
		"key named by a number":             {forge(t, `{"alg":"EdDSA","kid":1}`, payloadOf(t, token), key), ErrUnknownKey},
		"four parts":                        {token + ".", ErrMalformed},
		"two parts":                         {parts[0] + "." + parts[1], ErrMalformed},
		"nothing":                           {"", ErrMalformed},
		"padding":                           {token + "==", ErrMalformed},
		"line feed within":                  {token[:9] + "\n" + token[9:], ErrMalformed},
		"space within":                      {token[:9] + " " + token[9:], ErrMalformed},
		"the line feed at a file's end":     {token + "\n", nil},
		"too long":                          {strings.Repeat("A", maxToken+1), ErrMalformed},
	} {
		if _, err := Verify(c.token, keys); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
	}
}

// Only the keys that the verifier knows count, never one that the receipt brings.
func TestVerify_Keys(t *testing.T) {
	s := source(t)
	token := sign(t, s)
	stranger, namesake, older := keyOf("stranger", 2), keyOf(key.Name, 2), keyOf("older", 4)
	byOlder := s
	log(t, &byOlder, older, s.Record.Site, "the others")
	for name, c := range map[string]struct {
		token string
		keys  []string
		want  error
	}{
		"no keys":                          {token, nil, ErrUnknownKey},
		"another key":                      {token, []string{stranger.Public()}, ErrUnknownKey},
		"another of the same name":         {token, []string{namesake.Public()}, ErrSignature},
		"both of the same name":            {token, []string{namesake.Public(), key.Public()}, nil},
		"a stranger names our key":         {forge(t, headerOf(key), payloadOf(t, token), stranger), keys, ErrSignature},
		"a stranger signs as a stranger":   {forge(t, headerOf(stranger), payloadOf(t, token), stranger), keys, ErrUnknownKey},
		"checkpoint by an older key":       {sign(t, byOlder), []string{key.Public(), older.Public()}, nil},
		"checkpoint by a key not known":    {sign(t, byOlder), keys, ledger.ErrSignature},
		"what is given as a key is no key": {token, []string{key.Public(), "key"}, ErrKey},
	} {
		v, err := Verify(c.token, c.keys)
		if !errors.Is(err, c.want) || err == nil && v.Key != key.Public() {
			t.Errorf("%s: %v with %q, want %v", name, err, v.Key, c.want)
		}
	}
}

// A place in another log, or the place of another record, proves nothing.
func TestVerify_RefusesOtherLogsAndRecords(t *testing.T) {
	s := source(t)
	fork := s
	log(t, &fork, key, s.Record.Site, "other entries")
	fork.Proof = s.Proof
	elsewhere := s
	log(t, &elsewhere, key, "enandenbutik", "the others")
	other := source(t, func(r *consent.Record) { r.ID = uuid.MustParse("01936a7e-2b3c-7d4e-8f50-617283940a1c") })
	other.Record = s.Record
	huge := s
	c := ledger.Checkpoint{Origin: "samtykke/fjordfletvaerk", Size: 1<<62 + 1, At: at}
	var err error
	if huge.Checkpoint, err = c.Sign(key); err != nil {
		t.Fatal(err)
	}
	garbage := s
	garbage.Checkpoint = "samtykke/fjordfletvaerk\n11\n"
	for name, c := range map[string]struct {
		source Source
		want   error
	}{
		"a fork of the log":                   {fork, ErrLog},
		"the log of another site":             {elsewhere, ErrLog},
		"the proof of another record":         {other, ErrLog},
		"a log larger than can be":            {huge, ledger.ErrCheckpoint},
		"a checkpoint that nobody signed":     {garbage, ledger.ErrSignature},
		"as it should be, to know the others": {s, nil},
	} {
		if _, err := Verify(sign(t, c.source), keys); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
	}
}

// The first record of a log needs no hashes for its proof.
func TestVerify_ALogOfOneRecord(t *testing.T) {
	s := source(t)
	c := ledger.Checkpoint{Origin: ledger.Origin(s.Record.Site), Size: 1, Root: ledger.Leaf(s.Salt, s.Record.AppendCanonical(nil)), At: at}
	var err error
	if s.Checkpoint, err = c.Sign(key); err != nil {
		t.Fatal(err)
	}
	s.Seq, s.Proof = 0, nil
	token := sign(t, s)
	if _, err := Verify(token, keys); err != nil || !strings.Contains(string(payloadOf(t, token)), `"proof":[]`) {
		t.Errorf("%v in %s", err, payloadOf(t, token))
	}
}

// A receipt made before the next checkpoint proves what its signature proves, and says that the log is missing.
func TestVerify_WithoutACheckpoint(t *testing.T) {
	s := source(t)
	s.Checkpoint = ""
	token := sign(t, s)
	if strings.Contains(string(payloadOf(t, token)), `"proof"`) {
		t.Error("a proof without a checkpoint")
	}
	v, err := Verify(token, keys)
	if !errors.Is(err, ErrUnlogged) || v.Record.ID != s.Record.ID || v.Checkpoint != (ledger.Checkpoint{}) {
		t.Errorf("%v %+v", err, v)
	}
}

// FuzzVerify: nothing panics or hangs, neither what strangers send nor what is signed; what is accepted has its record in
// the log.
func FuzzVerify(f *testing.F) {
	for name := range acts {
		token, err := os.ReadFile(filepath.Join("testdata", name+".jwt"))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(strings.TrimSpace(string(token)), payloadOf(f, string(token)))
	}
	f.Add("", []byte(`{"record":{},"log":{"seq":1}}`))
	f.Fuzz(func(t *testing.T, token string, payload []byte) {
		for _, tok := range []string{token, forge(t, headerOf(key), payload, key)} {
			v, err := Verify(tok, keys)
			if err != nil {
				continue
			}
			if v.Record.Validate() != nil || v.Checkpoint.Origin != ledger.Origin(v.Record.Site) || v.Seq < 0 || v.Seq >= v.Checkpoint.Size {
				t.Errorf("accepted: %+v", v)
			}
			if v.MadeAt.Location() != time.UTC {
				t.Errorf("not in UTC: %s", v.MadeAt)
			}
		}
	})
}

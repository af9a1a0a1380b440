package verifier_test

import (
	"bytes"
	"strings"
	"testing"

	"samtykke/server/ledger"
)

// R9: a file by another key is refused; so is one whose log was forked or cut off since an earlier checkpoint.
func TestPage_KnowsWhoseFileItIs(t *testing.T) {
	d := open(t).english()
	l := shortLog(t)
	file := l.export(0, l.edge.Size, key)
	d.agree("another key", file, ledger.Options{Keys: []string{otherKey.Public()}})
	d.agree("key that nobody has handed over to", l.export(0, l.edge.Size, nextKey), trusted)
	forged := bytes.Replace(l.export(0, l.edge.Size, otherKey), []byte(otherKey.Public()), []byte(key.Public()), 1)
	d.agree("signature by another key", forged, trusted)
	d.agree("signature by another key, none given", forged, ledger.Options{})

	before := newLog(t)
	before.records(40)
	fork := newLog(t)
	fork.records(20)
	fork.add(entry{salt: []byte("sixteen salty by"), bytes: before.entries[20].bytes})
	fork.records(39)
	earlier := before.sign(key)
	forkOptions := ledger.Options{Keys: trusted.Keys, Earlier: []string{earlier}}
	d.agree("forked", fork.export(0, fork.edge.Size, key), forkOptions)
	short := newLog(t)
	short.records(39)
	d.agree("cut off", short.export(0, short.edge.Size, key), forkOptions)

	before.records(10)
	if v := d.check("x.jsonl", before.export(5, 50, key), key.Public(), strings.TrimSpace(earlier)); v.State != "good" || !strings.HasPrefix(v.Facts["earlierRow"], "Agrees") {
		t.Errorf("a log that has grown: %+v", v)
	}
	if v := d.check("x.jsonl", before.export(0, 30, key), key.Public(), earlier); v.State != "good" || !strings.HasPrefix(v.Facts["earlierRow"], "Could not be compared") {
		t.Errorf("an earlier checkpoint outside of the file: %+v", v)
	}
	for name, c := range map[string]struct{ key, earlier, code string }{
		"no key":                     {"hello", "", "keyBad"},
		"key with a typing error":    {strings.Replace(key.Public(), "+A", "+B", 1), "", "keyBad"},
		"no checkpoint":              {key.Public(), "hello", "earlierBad"},
		"checkpoint by another key":  {key.Public(), before.sign(otherKey), "earlierBad"},
		"checkpoint with a new time": {key.Public(), strings.Replace(earlier, "2026", "2025", 1), "earlierBad"},
	} {
		v := d.check("x.jsonl", before.export(0, 50, key), c.key, c.earlier)
		if v.State != "unsure" || v.Code != c.code || !d.is(`document.activeElement.getAttribute("aria-invalid")=="true"&&document.querySelector("#"+document.activeElement.id+"-error").textContent`) {
			t.Errorf("%s: %+v", name, v)
		}
	}
}

// The page takes one spelling of each signature, key and salt, also where base64 would forgive another.
func TestPage_TakesOneSpellingOnly(t *testing.T) {
	d := open(t).english()
	l := newLog(t)
	l.records(5)
	file := l.export(0, 5, key)
	for name, change := range map[string][2]string{
		"spare bits of the signature": lastBits(t, file),
		"a line end in the salt":      {`"salt":"`, `"salt":"\n`},
		"a signature twice":           twice(l.sign(key)),
		"the key's hash in capitals":  {key.Public(), strings.ToUpper(key.Public()[:len(key.Name)+9]) + key.Public()[len(key.Name)+9:]},
	} {
		changed := bytes.Replace(file, []byte(change[0]), []byte(change[1]), 1)
		if bytes.Equal(changed, file) {
			t.Fatalf("%s: nothing was changed", name)
		}
		for _, k := range []string{key.Public(), ""} {
			o := ledger.Options{}
			if k != "" {
				o.Keys = []string{k}
			}
			if _, err := ledger.VerifyExport(bytes.NewReader(changed), o); err == nil {
				t.Errorf("%s: the Go verifier takes it", name)
			}
			if v := d.check("x.jsonl", changed, k, ""); v.State != "bad" || v.Line != 1 {
				t.Errorf("%s: %+v", name, v)
			}
		}
	}
}

// lastBits changes the bits behind the signature's last byte.
func lastBits(t *testing.T, file []byte) [2]string {
	i := bytes.Index(file, []byte(`=\n","key"`))
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
	at := strings.IndexByte(alphabet, file[i-1])
	if i < 0 || at%4 != 0 {
		t.Fatal("the signature isn't where it was expected")
	}
	end := `=\n","key"`
	return [2]string{string(file[i-1]) + end, string(alphabet[at+1]) + end}
}

// twice repeats a checkpoint's signature line, as JSON.
func twice(signed string) [2]string {
	line := strings.TrimSuffix(signed[strings.LastIndex(signed, "\n\n")+2:], "\n")
	return [2]string{line + `\n`, line + `\n` + line + `\n`}
}

package verifier_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/chromedp/chromedp"

	"samtykke/browsertest"
	"samtykke/server/ledger"
	"samtykke/server/ledger/verifier"
)

// desk is the page in a browser, served under nothing but its own policy.
type desk struct {
	*browsertest.Tab
	t testing.TB

	mu       sync.Mutex
	requests []string
}

func open(t testing.TB) *desk {
	t.Helper()
	d := &desk{t: t}
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		d.mu.Lock()
		d.requests = append(d.requests, r.Method+" "+r.URL.Path+" "+string(body))
		d.mu.Unlock()
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		w.Header().Set("Content-Security-Policy", verifier.Policy()+"; report-uri /csp")
		w.Write(verifier.Page()) //nolint:errcheck
	}))
	t.Cleanup(s.Close)
	d.Tab = browsertest.Open(t, browsertest.Options{Flags: map[string]any{"accept-lang": "da-DK"}}).Tab()
	d.Go(s.URL)
	return d
}

// english switches the language, in which faults of exports say what the Go verifier says.
func (d *desk) english() *desk {
	d.t.Helper()
	d.Click(`nav [lang=en]`)
	d.Wait(`document.documentElement.lang=="en"`)
	return d
}

// verdict is what the page says of a file.
type verdict struct {
	State, Code, Title, Text string
	Line, Entry              int64
	Facts                    map[string]string
}

const judged = `(()=>{const d=document.body.dataset;return{state:d.state,code:d.code,line:+d.line||0,entry:d.entry===""?-1:+d.entry,
	title:document.querySelector("#verdict").textContent,text:document.querySelector("#meaning").textContent,
	facts:Object.fromEntries([...document.querySelectorAll("#facts dd")].map(e=>[e.dataset.fact,e.textContent]))}})()`

// settled is a promise that the check under way is over.
const settled = `new Promise(go=>{const is=()=>document.body.dataset.state&&document.body.dataset.state!="busy"&&(o.disconnect(),go());
	const o=new MutationObserver(is);o.observe(document.body,{attributes:true});is()})`

// check gives the page a file as its button does.
func (d *desk) check(name string, file []byte, key, earlier string) (v verdict) {
	d.t.Helper()
	args, err := json.Marshal([]string{name, base64.StdEncoding.EncodeToString(file), key, earlier})
	if err != nil {
		d.t.Fatal(err)
	}
	d.Eval(`(async([name,data,key,earlier])=>{
		document.querySelector("#key").value=key;
		document.querySelector("#earlier").value=earlier;
		const files=new DataTransfer(),input=document.querySelector("#file");
		files.items.add(new File([Uint8Array.from(atob(data),c=>c.charCodeAt(0))],name));
		input.files=files.files;
		input.dispatchEvent(new Event("change"));
		await `+settled+`;
		return `+judged+`})(`+string(args)+`)`, &v)
	return v
}

func (d *desk) is(js string) (ok bool) {
	d.t.Helper()
	d.Eval("!!("+js+")", &ok)
	return ok
}

// agree has both verifiers refuse the file, for the same fault at the same place.
func (d *desk) agree(name string, file []byte, o ledger.Options) {
	d.t.Helper()
	_, err := ledger.VerifyExport(bytes.NewReader(file), o)
	var f *ledger.Fault
	if !errors.As(err, &f) {
		d.t.Errorf("%s: the Go verifier says %v, want a fault", name, err)
		return
	}
	v := d.check("export.jsonl", file, strings.Join(o.Keys, "\n"), strings.Join(o.Earlier, ""))
	if v.State != "bad" {
		d.t.Errorf("%s: the page says %q (%s), the Go verifier: %v", name, v.State, v.Title, f)
		return
	}
	if v.Line != f.Line || v.Entry != max(-1, f.Entry) {
		d.t.Errorf("%s: the page names line %d, entry %d; the Go verifier line %d, entry %d (%s)", name, v.Line, v.Entry, f.Line, f.Entry, f.What)
	}
	if want := sentence(f.What); v.Facts["what"] != want && v.Code != "shorter" && v.Code != "forked" { // these two write moments for people
		d.t.Errorf("%s: the page says %q, the Go verifier %q", name, v.Facts["what"], want)
	}
}

// sentence is a fault's words as the page has them: without what a library adds, and the two ways of a bad proof as one.
func sentence(what string) string {
	for _, clause := range []string{"no valid signature by a key that is trusted", "this is no signed checkpoint"} {
		if i := strings.Index(what, clause); i >= 0 {
			what = what[:i+len(clause)]
		}
	}
	if what == "the proof can't be read" {
		what = "the proof was changed"
	}
	return strings.ToUpper(what[:1]) + what[1:] + "."
}

var trusted = ledger.Options{Keys: []string{key.Public()}}

// R9: an export that the server wrote is genuine, complete and says how much it proves.
func TestPage_TakesGoodExports(t *testing.T) {
	d := open(t).english()
	short, long := shortLog(t), longLog(t)
	rotation, err := ledger.Rotate(key, nextKey, start)
	if err != nil {
		t.Fatal(err)
	}
	for name, file := range map[string][]byte{
		"all of a short log":           short.export(0, short.edge.Size, key),
		"a part of it":                 short.export(7, 33, key),
		"whose gaps are told of later": short.export(2, 25, key),
		"one entry":                    short.export(9, 10, key),
		"all of a long log":            long.export(0, long.edge.Size, key),
		"a part of a long log":         long.export(95, 1700, key),
		"after a change of keys":       short.export(0, short.edge.Size, nextKey, rotation),
	} {
		want, err := ledger.VerifyExport(bytes.NewReader(file), trusted)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		v := d.check("export.jsonl", file, key.Public()+"\n", "")
		if v.State != "good" || v.Facts["records"] != thousands(want.Records) || !strings.HasPrefix(v.Facts["removed"], thousands(want.Removed)) {
			t.Errorf("%s: %+v, want %d records and %d removed", name, v, want.Records, want.Removed)
		}
		if covers := fmt.Sprintf("numbers %s to %s;", thousands(want.From), thousands(want.To-1)); !strings.HasPrefix(v.Facts["covers"], covers) {
			t.Errorf("%s: covers %q, want %q", name, v.Facts["covers"], covers)
		}
		// Without a key the page can't know whose file it is, and says so.
		if v = d.check("export.jsonl", file, "", ""); v.State != "unsure" || !strings.Contains(v.Text, "agrees with itself") || !strings.Contains(v.Facts["usedKey"], want.Key) {
			t.Errorf("%s without a key: %+v", name, v)
		}
	}
}

func thousands(n int64) string {
	if n < 1000 {
		return fmt.Sprint(n)
	}
	return fmt.Sprintf("%d,%03d", n/1000, n%1000)
}

// R9: any byte that is changed is found, and both verifiers name the same place.
func TestPage_FindsEveryChangedByte(t *testing.T) {
	d := open(t).english()
	short, long := shortLog(t), longLog(t)
	files := [][]byte{short.export(0, short.edge.Size, key), short.export(2, 25, key), long.export(95, 1700, key)}
	random := rand.New(rand.NewPCG(20261122, 9))
	for i := range 90 {
		file := bytes.Clone(files[i%len(files)])
		lines := bytes.SplitAfter(file, []byte("\n"))
		// The first and last line hold the most to go wrong.
		from, to := 0, len(file)
		switch i % 5 {
		case 0:
			to = len(lines[0])
		case 1:
			from = len(file) - len(lines[len(lines)-2])
		}
		at := from + random.IntN(to-from)
		old := file[at]
		if file[at] = byte(random.IntN(256)); file[at] == old {
			file[at] ^= 1 << random.IntN(8)
		}
		d.agree(fmt.Sprintf("change %d: byte %d from %q to %q", i, at, old, file[at]), file, trusted)
	}
}

// R9: lines that are dropped, swapped, doubled or added are found.
func TestPage_FindsMovedLines(t *testing.T) {
	d := open(t).english()
	short, long := shortLog(t), longLog(t)
	random := rand.New(rand.NewPCG(20261122, 10))
	for name, file := range map[string][]byte{"short": short.export(0, short.edge.Size, key), "long": long.export(95, 1700, key)} {
		lines := bytes.SplitAfter(bytes.TrimSuffix(file, []byte("\n")), []byte("\n"))
		lines[len(lines)-1] = append(bytes.Clone(lines[len(lines)-1]), '\n')
		n := len(lines)
		with := func(change func(l [][]byte) [][]byte) []byte {
			return bytes.Join(change(append([][]byte(nil), lines...)), nil)
		}
		for range 5 {
			i := 1 + random.IntN(n-2)
			j := 1 + random.IntN(n-2)
			d.agree(fmt.Sprintf("%s without line %d", name, i+1), with(func(l [][]byte) [][]byte { return append(l[:i], l[i+1:]...) }), trusted)
			if i != j {
				d.agree(fmt.Sprintf("%s with lines %d and %d swapped", name, i+1, j+1), with(func(l [][]byte) [][]byte { l[i], l[j] = l[j], l[i]; return l }), trusted)
			}
			d.agree(fmt.Sprintf("%s with line %d twice", name, i+1), with(func(l [][]byte) [][]byte { return append(l[:i+1], l[i:]...) }), trusted)
		}
		d.agree(name+" without the first line", with(func(l [][]byte) [][]byte { return l[1:] }), trusted)
		d.agree(name+" without the last line", with(func(l [][]byte) [][]byte { return l[:n-1] }), trusted)
		d.agree(name+" with more behind", with(func(l [][]byte) [][]byte { return append(l, l[n-1]) }), trusted)
		d.agree(name+" with an empty line behind", append(bytes.Clone(file), '\n'), trusted)
		d.agree(name+" without the last line's end", file[:len(file)-1], trusted)
		d.agree(name+" cut in the middle of a line", file[:len(file)/2], trusted)
		d.agree(name+" with other line ends", bytes.ReplaceAll(file, []byte("\n"), []byte("\r\n")), trusted)
	}
	d.agree("an empty file", nil, trusted)
	d.agree("another file", []byte("id,visitor,at\n1,2,3\n"), trusted)
	d.agree("a line that is too long", bytes.Repeat([]byte("x"), 65<<20), trusted)
}

// R9: what a log itself says is no way to hide what it holds.
func TestPage_FindsRemovalsThatLie(t *testing.T) {
	d := open(t).english()
	l := shortLog(t)
	l.entries[30].salt = make([]byte, ledger.SaltLen) // shown as a record, so that it explains nothing
	d.agree("removal that passes for a record", l.export(0, l.edge.Size, key), trusted)

	l = newLog(t)
	l.records(5)
	ahead := ledger.NewRemoval(ledger.Purged, start, []int64{8})
	l.add(entry{bytes: ahead.Canonical()})
	l.records(6)
	l.entries[8].hidden = true
	d.agree("removal of what isn't there yet", l.export(0, l.edge.Size, key), trusted)

	l = newLog(t)
	l.records(10)
	l.remove(ledger.Locked, 3)
	l.remove(ledger.Erased, 3)
	file := string(l.export(0, 10, key))
	i := strings.Index(file, `"later":[`) + len(`"later":[`)
	first, second, _ := strings.Cut(strings.TrimSuffix(file[i:], "]}}\n"), `,{"seq":11`)
	if i < len(file)-len(first)-len(second)-20 {
		t.Fatal("two later removals were expected")
	}
	d.agree("later removals in another order", []byte(file[:i]+`{"seq":11`+second+","+first+"]}}\n"), trusted)
	d.agree("a later removal twice", []byte(file[:i]+first+","+first+"]}}\n"), trusted)
}

// R9: an entry that is withheld without the log's saying so is found.
func TestPage_FindsWhatIsWithheld(t *testing.T) {
	d := open(t).english()
	for _, n := range []int{0, 12, 31, 60} {
		l := shortLog(t)
		l.entries[n].hidden = true
		if l.entries[n].salt == nil {
			l.entries[n].hidden = false
			continue
		}
		if n == 0 { // purged, but by an entry that the export doesn't have
			l.entries[len(l.entries)-1].hidden = true
		}
		d.agree(fmt.Sprintf("without entry %d", n), l.export(0, l.edge.Size, key), trusted)
	}
}

// The page makes no request, breaks no policy, and works from a disk.
func TestPage_WorksAlone(t *testing.T) {
	d := open(t)
	l := shortLog(t)
	file := l.export(0, l.edge.Size, key)
	if v := d.check("log.jsonl", file, key.Public(), ""); v.State != "good" || v.Title != "Ja: Filen er ægte" {
		t.Errorf("in the browser's language: %+v", v)
	}
	if !bytes.Contains(verifier.Page(), []byte("script-src "+verifier.Hash())) || !d.is(`document.title=="Er filen ægte?"&&document.documentElement.lang=="da"`) {
		t.Error("the policy lacks the script's hash, or the page isn't in Danish")
	}
	d.mu.Lock()
	if len(d.requests) != 1 {
		t.Errorf("requests: %q", d.requests)
	}
	d.mu.Unlock()
	saved := filepath.Join(t.TempDir(), "verify.html")
	if err := os.WriteFile(saved, verifier.Page(), 0o600); err != nil {
		t.Fatal(err)
	}
	d.Go("file://" + saved)
	if v := d.english().check("log.jsonl", file, key.Public(), ""); v.State != "good" {
		t.Errorf("from a disk: %+v", v)
	}
	// What is shown is said anew in the other language.
	d.Click(`nav [lang=da]`)
	d.Wait(`document.querySelector("#verdict").textContent=="Ja: Filen er ægte"&&document.querySelector("[aria-pressed=true]").lang=="da"`)
}

// A long file goes through the file button from a disk, shows how far it has come, and gives way to the next.
func TestPage_ReadsLongFiles(t *testing.T) {
	d := open(t).english()
	l := newLog(t)
	const n = 20_000
	l.records(n)
	name := filepath.Join(t.TempDir(), "long.jsonl")
	if err := os.WriteFile(name, l.export(0, n, key), 0o600); err != nil {
		t.Fatal(err)
	}
	d.Eval(`document.querySelector("#key").value=`+fmt.Sprintf("%q", key.Public())+`;
		addEventListener("change",e=>window.kept=e.target.files[0],true);
		window.seen=new Set();window.begun=0;window.took=0;
		new MutationObserver(()=>seen.add(document.querySelector("#progress").value)).observe(document.querySelector("#progress"),{attributes:true});
		new MutationObserver(()=>{if(document.body.dataset.state=="busy")begun=performance.now();else took=performance.now()-begun}).observe(document.body,{attributeFilter:["data-state"]})`, nil)
	d.Do(chromedp.SetUploadFiles(chromedp.CSS("#file"), []string{name}))
	d.Wait(`document.body.dataset.state=="good"&&took`)
	var v verdict
	d.Eval(judged, &v)
	if v.Facts["records"] != "20,000" || v.Facts["file"] != "long.jsonl" {
		t.Errorf("%+v", v)
	}
	var took float64
	var steps int
	d.Eval("took", &took)
	d.Eval("seen.size", &steps)
	if steps < 3 {
		t.Errorf("the progress was shown %d times", steps)
	}
	t.Logf("%.0f records a second", n/took*1000)
	// A file that comes while another is read takes its place.
	d.Eval(`(()=>{const files=new DataTransfer(),input=document.querySelector("#file");files.items.add(kept);input.files=files.files;input.dispatchEvent(new Event("change"))})()`, nil)
	if v = d.check("next.jsonl", l.export(0, 5, key), key.Public(), ""); v.State != "good" || v.Facts["file"] != "next.jsonl" || v.Facts["records"] != "5" {
		t.Errorf("the next file: %+v", v)
	}
}

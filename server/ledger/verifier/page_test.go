package verifier_test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
	"github.com/evanw/esbuild/pkg/api"
)

// shots is a folder for pictures of what the tests look at; empty: none.
var shots = os.Getenv("SAMTYKKE_SHOTS")

// WCAG 2.2 AA: no finding of axe, and nothing wider than the screen, in each state, language, scheme and width.
func TestPage_IsAccessible(t *testing.T) {
	axe, err := os.ReadFile("../../../node_modules/axe-core/axe.min.js")
	if err != nil {
		t.Fatalf("axe-core is missing: run npm ci (%v)", err)
	}
	d := open(t)
	d.Eval(string(axe)+";0", nil)
	l := shortLog(t)
	file := l.export(0, l.edge.Size, key)
	states := map[string]func(){
		"good":    func() { d.check("samtykker-2026.jsonl", file, key.Public(), "") },
		"bad":     func() { d.check("samtykker-2026.jsonl", file[:len(file)-50], key.Public(), "") },
		"alone":   func() { d.check("samtykker-2026.jsonl", file, "", "") },
		"field":   func() { d.check("samtykker-2026.jsonl", file, "hello", "") },
		"receipt": func() { d.check("kvittering.jwt", l.receipt(l.source(9), key), key.Public(), "") },
	}
	for _, name := range []string{"start", "good", "bad", "alone", "field", "receipt"} {
		if name != "start" {
			states[name]()
		}
		for i, look := range []struct {
			lang, scheme string
			width        int64
		}{{"da", "light", 1280}, {"en", "dark", 390}, {"da", "dark", 1280}, {"en", "light", 320}} {
			d.Eval(`document.querySelector("nav [lang=`+look.lang+`]").click()`, nil)
			d.Do(chromedp.EmulateViewport(look.width, 900))
			features := []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: look.scheme}}
			if _, err := chromedp.Call(d.Ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: features}); err != nil {
				t.Fatal(err)
			}
			var found []string
			d.Eval(`axe.run({runOnly:["wcag2a","wcag2aa","wcag21a","wcag21aa","wcag22aa","best-practice"]}).then(r=>r.violations.flatMap(v=>v.nodes.map(n=>v.id+" "+n.html+" "+n.failureSummary)))`, &found)
			for _, f := range found {
				t.Errorf("%s %v: %s", name, look, f)
			}
			if !d.is("document.documentElement.scrollWidth<=innerWidth") {
				t.Errorf("%s %v: wider than the screen", name, look)
			}
			if shots == "" {
				continue
			}
			png, err := chromedp.Run(d.Ctx, chromedp.FullScreenshot(100))
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(fmt.Sprintf("%s/verifier-%s-%d.png", shots, name, i), png, 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// The page works by keyboard and by drop, and leads to what it says.
func TestPage_WorksByKeyboardAndDrop(t *testing.T) {
	d := open(t).english()
	l := shortLog(t)
	file := l.export(0, l.edge.Size, key)
	reached := map[string]bool{}
	d.Eval(`document.querySelector("nav [lang=en]").focus()`, nil)
	for range 3 {
		d.Do(chromedp.KeyEvent("\t"))
		var id string
		d.Eval("document.activeElement.id", &id)
		reached[id] = true
	}
	if !reached["key"] || !reached["earlier"] || !reached["file"] {
		t.Errorf("reached by tab: %v", reached)
	}
	// A browser opens its dialog for a press on the file input; the input is what has the focus.
	if !d.is(`document.activeElement.type=="file"&&getComputedStyle(document.querySelector("label.button")).outlineStyle=="solid"`) {
		t.Error("the focus of the file button can't be seen")
	}
	data, err := json.Marshal(base64.StdEncoding.EncodeToString(file))
	if err != nil {
		t.Fatal(err)
	}
	var v verdict
	d.Eval(`(async()=>{
		const files=new DataTransfer();
		files.items.add(new File([Uint8Array.from(atob(`+string(data)+`),c=>c.charCodeAt(0))],"dropped.jsonl"));
		const on=document.querySelector("main"),drag=type=>on.dispatchEvent(new DragEvent(type,{bubbles:true,cancelable:true,dataTransfer:files}));
		if(drag("dragover"))throw new Error("the page isn't open for drops");
		if(!document.body.classList.contains("over"))throw new Error("the drop isn't shown");
		if(drag("drop"))throw new Error("the browser would open the file");
		await `+settled+`;
		return `+judged+`})()`, &v)
	if v.State != "unsure" || v.Facts["file"] != "dropped.jsonl" || !d.is(`document.activeElement.id=="verdict"`) {
		t.Errorf("dropped: %+v", v)
	}
	d.Do(chromedp.SendKeys(chromedp.CSS("#key"), key.Public()), chromedp.Focus(chromedp.CSS("#again")), chromedp.KeyEvent("\r"))
	d.Wait(`document.body.dataset.state=="good"`)
	if d.Eval(judged, &v); v.Facts["file"] != "dropped.jsonl" {
		t.Errorf("checked again: %+v", v)
	}
}

// A browser without Ed25519 is told so, and nothing is claimed of the file.
func TestPage_SaysWhenTheBrowserCannot(t *testing.T) {
	d := open(t).english()
	l := shortLog(t)
	d.Eval(`crypto.subtle.importKey=()=>Promise.reject(new DOMException("Unrecognized name.","NotSupportedError"));0`, nil)
	for name, v := range map[string]verdict{
		"export":  d.check("x.jsonl", l.export(0, 10, key), "", ""),
		"known":   d.check("x.jsonl", l.export(0, 10, key), key.Public(), ""),
		"receipt": d.check("x.jwt", l.receipt(l.source(9), key), key.Public(), ""),
	} {
		if v.State != "unsure" || !strings.Contains(v.Text, "Ed25519") {
			t.Errorf("%s: %+v", name, v)
		}
	}
}

// The page's own SHA-256 and HMAC are those of the standards (FIPS 180-4, RFC 4231) and of the browser.
func TestSha256_IsTheStandards(t *testing.T) {
	built := api.Build(api.BuildOptions{EntryPoints: []string{"sha256.ts"}, Bundle: true, Format: api.FormatIIFE, GlobalName: "own", Target: api.ES2022})
	if len(built.Errors) > 0 {
		t.Fatal(built.Errors[0].Text)
	}
	d := open(t)
	d.Eval(string(built.OutputFiles[0].Contents)+`;globalThis.own=own;0`, nil)
	var wrong []string
	d.Eval(`(async()=>{
		const wrong=[],hex=b=>Array.from(new Uint8Array(b),x=>x.toString(16).padStart(2,"0")).join(""),bytes=s=>new TextEncoder().encode(s);
		const is=(name,got,want)=>{if(hex(got)!==want)wrong.push(name+": "+hex(got)+", want "+want)};
		is("nothing",own.sha256(bytes("")),"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
		is("abc",own.sha256(bytes("abc")),"ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
		is("two blocks",own.sha256(bytes("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq")),"248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
		is("a million a",own.sha256(bytes("a".repeat(1e6))),"cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
		is("RFC 4231, 1",own.hmac(new Uint8Array(20).fill(11),bytes("Hi There")),"b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
		is("RFC 4231, 2",own.hmac(bytes("Jefe"),bytes("what do ya want for nothing?")),"5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
		for(let n=0;n<260;n++){
			const b=crypto.getRandomValues(new Uint8Array(n)),salt=crypto.getRandomValues(new Uint8Array(1+n%64));
			is("sha256 of "+n,own.sha256(b),hex(await crypto.subtle.digest("SHA-256",b)));
			const key=await crypto.subtle.importKey("raw",salt,{name:"HMAC",hash:"SHA-256"},false,["sign"]);
			const mac=await crypto.subtle.sign("HMAC",key,b);
			is("hmac of "+n,own.hmac(salt,b),hex(mac));
			is("leaf of "+n,own.leafOf(salt,b),hex(await crypto.subtle.digest("SHA-256",new Uint8Array([0,...new Uint8Array(mac)]))));
			const base64=btoa(String.fromCharCode(...b));
			if(n&&hex(own.decode64(base64))!==hex(b))wrong.push("base64 of "+n);
		}
		for(const s of ["=","A","AA","AAA","AA=A","AB==","AAB=","A===","AAAA=","AA==\n","AA-_","AAé="])if(own.decode64(s))wrong.push("base64 "+s);
		return wrong})()`, &wrong)
	for _, w := range wrong {
		t.Error(w)
	}
}

package widget

import (
	"encoding/json"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"

	"samtykke/browsertest"
	"samtykke/consent"
)

// console is what a tab's console was told, in order.
type console struct {
	w     *world
	mu    sync.Mutex
	calls []*runtime.EventConsoleAPICalled
	read  int // how many of them a test has read
}

// listen keeps what the console is told from now on.
func (w *world) listen() *console {
	w.t.Helper()
	c := &console{w: w}
	err := chromedp.Listen(w.tab.Ctx, func(ev any) {
		if e, ok := ev.(*runtime.EventConsoleAPICalled); ok {
			c.mu.Lock()
			defer c.mu.Unlock()
			c.calls = append(c.calls, e)
		}
	})
	if err != nil {
		w.t.Fatal(err)
	}
	return c
}

// table waits for the next group with this title and returns the rows in it, each as JSON.
func (c *console) table(title string) string {
	c.w.t.Helper()
	name, _ := json.Marshal("samtykke: " + title)
	for deadline := time.Now().Add(browsertest.Timeout); time.Now().Before(deadline); {
		if object, ok := c.next(string(name)); ok {
			yes := true
			got, err := chromedp.Call(c.w.tab.Ctx, runtime.CallFunctionOn, runtime.CallFunctionOnParams{
				ObjectID: object, ReturnByValue: &yes, FunctionDeclaration: `function () { return this.map(row => JSON.stringify(row)).join("\n") }`,
			})
			if err != nil {
				c.w.t.Fatal(err)
			}
			var rows string
			if err := json.Unmarshal(got.Result.Value, &rows); err != nil {
				c.w.t.Fatal(err)
			}
			return rows
		}
		c.w.tab.Eval(`new Promise(requestAnimationFrame)`, nil)
	}
	c.w.t.Fatalf("the console isn't told %s", name)
	return ""
}

// next finds the table after the next group of this title, a JSON string.
func (c *console) next(title string) (runtime.RemoteObjectID, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for i := c.read; i+1 < len(c.calls); i++ {
		group, table := c.calls[i], c.calls[i+1]
		if group.Type == "startGroupCollapsed" && string(group.Args[0].Value) == title && table.Type == "table" {
			c.read = i + 2
			return table.Args[0].ObjectID, true
		}
	}
	return "", false
}

// says waits for a group and checks that its table contains these parts of rows.
func (c *console) says(title string, parts ...string) {
	c.w.t.Helper()
	rows := c.table(title)
	for _, part := range parts {
		if !strings.Contains(rows, part) {
			c.w.t.Errorf("%s doesn't say %s:\n%s", title, part, rows)
		}
	}
}

const debugged = shop + "/#samtykke=debug"

// What a page's developers ask: what waits, why, what let it go, and what was sent.
func TestDebug_TellsWhatWaitsAndWhy(t *testing.T) {
	w := open(t, shopContent(t))
	c := w.listen()
	w.page("/", `<!doctype html><html lang=da><head><title>Shop</title>`+tag+`</head><body><p>x`+
		held("statistics", `src="http://vendor.example/a.js"`, "")+held("analytics", "", logged("b"))+held("", "", "c")+
		`<iframe id=film width=400 height=300 data-category="marketing" data-src="http://vendor.example/film"></iframe></body></html>`)
	w.tab.Go(debugged)
	c.says("debug", `"site":"shop1234abcd"`, `"hash":"`+w.hash.String()+`"`, `"server":"http://cmp.example"`, `"language":"da"`, `"granted":"nothing"`, `"answered":false`)
	c.says("stored choice", "none is stored")
	c.says("4 marked elements",
		`{"element":"script","category":"statistics","address":"http://vendor.example/a.js","state":"waits for statistics"}`,
		`"state":"never: this banner doesn't ask about analytics"`, `"state":"never: it names no category"`,
		`{"element":"iframe#film","category":"marketing","address":"http://vendor.example/film","state":"waits for marketing"}`)
	w.want(ui+`.querySelector("#dialog")`, "null")

	w.pressIn("film", "#once")
	c.says("1 released", `"element":"iframe#film"`, `"by":"placeholder, once"`)
	w.tab.Eval(`document.cookie = "_fbp=1"; document.body.insertAdjacentHTML("beforeend", '<img alt="" data-category="statistics" data-src="http://vendor.example/late">')`, nil)
	c.says("1 held", `"element":"img"`, `"state":"waits for statistics"`)
	w.press("#choose")
	w.press("[name=statistics]")
	w.press("#save")
	c.says("choice: custom by dialog", `"counts":"yes"`, `"granted":"statistics"`)
	c.says("2 released", `{"element":"img","category":"statistics","address":"http://vendor.example/late","by":"choice: custom by dialog"}`, `"element":"script"`)
	c.says("act sent: 201: recorded", `"names cleared":"_fbp"`, `"granted":"statistics"`)
}

// Why a stored choice doesn't count, and that an act which isn't recorded is kept.
func TestDebug_TellsWhyAChoiceDoesntCount(t *testing.T) {
	content := shopContent(t)
	w := open(t, content)
	c := w.listen()
	w.set(func() { w.answers = []int{503} })
	w.page("/", `<!doctype html><html lang=da><head><title>Shop</title>`+tag+`</head><body><p>x`+held("necessary", "", logged("needed"))+`</body></html>`)
	w.tab.Go(debugged)
	c.table("debug")
	w.press("#accept")
	c.says("act sent: 503: kept, sent again at the next view", `"action":"accept_all"`)
	content.Terms = 4
	w.publish(content)
	w.tab.Go("about:blank")
	w.tab.Go(debugged)
	c.says("stored choice", `"counts":"no: it was given under terms 3, this notice has terms 4"`, `"granted":"preferences, statistics, marketing"`)
	c.says("1 marked elements", `"state":"released"`)
}

// With automatic blocking: every held request, its host, and whether anybody knows it.
func TestDebug_TellsOfHeldRequests(t *testing.T) {
	w := open(t, guarded(t))
	c := w.listen()
	w.page("/", `<!doctype html><html lang=da><head><meta charset=utf-8><title>Shop</title>`+guardedTag()+`</head><body><script>`+ways+
		`;everything("stranger.example"); fetch("http://vendor.example/count", {mode: "no-cors"}); new Image().src = "http://sub.ads.example/pixel"</script></body></html>`)
	w.tab.Go(debugged)
	c.says("11 requests held",
		`{"request":"fetch, XMLHttpRequest or beacon","host":"vendor.example","category":"statistics","address":"http://vendor.example/count","state":"waits for statistics"}`,
		`{"request":"img","host":"sub.ads.example","category":"marketing","address":"http://sub.ads.example/pixel","state":"waits for marketing"}`,
		`{"request":"link","host":"stranger.example","category":"unknown","address":"http://stranger.example/style.css","state":"never: nobody has classified the host"}`)
	w.want(`document.querySelectorAll("iframe[data-category=unclassified]").length`, "2")
	w.tab.Eval(`navigator.sendBeacon("http://vendor.example/later")`, nil)
	c.says("1 requests held", `"address":"http://vendor.example/later"`)
	w.press("#accept")
	c.says("3 requests released", `"address":"http://vendor.example/count","by":"choice: accept_all by banner"`, `"http://sub.ads.example/pixel"`, `"http://vendor.example/later"`)
}

// It costs who doesn't debug nothing but the question whether to.
func TestDebug_IsAChunkOfItsOwn(t *testing.T) {
	for _, c := range []consent.Content{shopContent(t), guarded(t)} {
		b := compiled(t, c)
		if strings.Contains(string(b.JS), "console.table") || !strings.Contains(string(b.Files["debug.js"]), "console.table") {
			t.Error("what the console is told must be in debug.js only")
		}
	}
	if strings.Contains(string(compiled(t, shopContent(t)).Files["debug.js"]), "requests held") {
		t.Error("without automatic blocking debug.js tells of requests")
	}
}

package scanner

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
	"sync"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/runtime"
)

// The engine of @duckduckgo/autoconsent and its rules, unmodified; MPL-2.0, see autoconsent/LICENSE.
var (
	//go:embed autoconsent/autoconsent.playwright.js
	engineJS string
	//go:embed autoconsent/rules.json
	engineRules []byte
)

// engineWorld is the isolated world in which the engine runs, as its documentation asks for.
const engineWorld = "autoconsent"

// toolRule is one of the engine's, as far as it matters where it may run.
type toolRule struct {
	text        json.RawMessage
	main, frame bool
	pattern     *regexp.Regexp // of the page's address; nil: any, or none that Go understands: then the engine itself decides
}

// toolRules are the engine's, less what only looks like an answer: a banner that is hidden has refused nothing, and a
// button that refuses and accepts alike tells nothing.
var toolRules = sync.OnceValue(func() []toolRule {
	var bundle struct{ Autoconsent []map[string]any }
	if err := json.Unmarshal(engineRules, &bundle); err != nil {
		panic("autoconsent/rules.json: " + err.Error())
	}
	list := make([]toolRule, 0, len(bundle.Autoconsent))
	for _, r := range bundle.Autoconsent {
		yes := map[string]bool{}
		clicks(r["optIn"], yes)
		r["optOut"] = honest(r["optOut"], yes)
		text, _ := json.Marshal(r)
		one := toolRule{text: text, main: true}
		if where, ok := r["runContext"].(map[string]any); ok {
			if main, ok := where["main"].(bool); ok {
				one.main = main
			}
			one.frame, _ = where["frame"].(bool)
			if pattern, _ := where["urlPattern"].(string); pattern != "" {
				one.pattern, _ = regexp.Compile(pattern)
			}
		}
		list = append(list, one)
	}
	return list
})

// clicks collects what steps click on.
func clicks(steps any, into map[string]bool) {
	switch s := steps.(type) {
	case []any:
		for _, step := range s {
			clicks(step, into)
		}
	case map[string]any:
		for name, part := range s {
			if name == "click" || name == "waitForThenClick" {
				into[fmt.Sprint(part)] = true
			}
			clicks(part, into)
		}
	}
}

// honest replaces steps of a refusal that refuse nothing by one that fails.
func honest(steps any, yes map[string]bool) any {
	switch s := steps.(type) {
	case []any:
		for i := range s {
			s[i] = honest(s[i], yes)
		}
	case map[string]any:
		for _, name := range []string{"hide", "click", "waitForThenClick"} {
			part, is := s[name]
			if is && (name == "hide" || yes[fmt.Sprint(part)]) {
				return map[string]any{"exists": "html:not(*)"}
			}
		}
		for name := range s {
			s[name] = honest(s[name], yes)
		}
	}
	return steps
}

// rulesFor are those that may run in a frame.
func rulesFor(address string, top bool) []json.RawMessage {
	list := []json.RawMessage{}
	for _, r := range toolRules() {
		if (top && r.main || !top && r.frame) && (r.pattern == nil || r.pattern.MatchString(address)) {
			list = append(list, r.text)
		}
	}
	return list
}

// engine is the run of autoconsent on one page, in all its frames.
type engine struct {
	t      *tab
	role   string // accept, reject or, to see only which tool there is, ""
	ended  map[cdp.FrameID]bool
	found  time.Time // when a tool was found that shows nothing yet
	popup  string    // name of the rule whose banner is shown
	result *bool     // of its answer
	tested *bool     // whether the tool itself says that it was refused
	test   bool      // tested is still to come
}

// message is what the engine tells.
type message struct {
	Type, ID, Code, Cmp string
	Result              bool
	ScheduleSelfTest    bool
	State               struct{ Lifecycle string }
}

// autoconsent answers by the rules of a known tool and names it. It fails where no rule knows the banner, where the
// answer did not go through, and where the tool says afterwards that it didn't.
func (v *visitor) autoconsent(role string) (name string, ok bool) {
	e := &engine{t: v.tab, role: role, ended: map[cdp.FrameID]bool{}}
	v.until(v.o.PageTimeout/2, e.step)
	if role == "" {
		return e.popup, e.popup != ""
	}
	return e.popup, e.result != nil && *e.result && (e.tested == nil || *e.tested)
}

// step hears every frame and says whether the engine has come to an end.
func (e *engine) step() bool {
	frames := e.t.frames()
	for _, f := range frames[:min(len(frames), 10)] {
		if !e.ended[f] {
			e.hear(f)
		}
	}
	switch {
	case e.popup != "" && e.role == "":
		return true
	case e.result != nil:
		return !e.test
	case e.popup == "" && !e.found.IsZero() && time.Since(e.found) > 2*time.Second:
		return true // a tool that shows nothing
	}
	for _, f := range frames[:min(len(frames), 10)] {
		if !e.ended[f] {
			return false
		}
	}
	return true
}

// hear puts the engine into a frame, or takes what it has to say.
func (e *engine) hear(frame cdp.FrameID) {
	w, err := e.t.worldOf(frame, engineWorld)
	if err != nil {
		e.ended[frame] = true
		return
	}
	var heard []message
	_, err = e.t.evaluate(runtime.EvaluateParams{Expression: `globalThis.inbox ? inbox.splice(0) : [{ type: "new" }]`, ContextID: w}, &heard)
	if err != nil {
		e.ended[frame] = true
		return
	}
	for _, m := range heard[:min(len(heard), 500)] {
		e.answer(frame, w, m)
	}
}

func (e *engine) answer(frame cdp.FrameID, w runtime.ExecutionContextID, m message) {
	say := func(expression string) {
		_, _ = e.t.evaluate(runtime.EvaluateParams{Expression: expression + "; 0", ContextID: w}, nil)
	}
	switch m.Type {
	case "new": // also after the page was loaded anew in the middle of an answer, which then isn't given twice
		if e.popup != "" {
			e.ended[frame] = true
			return
		}
		say(`globalThis.inbox = []; globalThis.autoconsentSendMessage = async (m) => { inbox.push(m) }; ` + engineJS)
	case "init":
		say("autoconsentReceiveMessage(" + e.start(frame) + ")")
	case "eval":
		result := json.RawMessage("false")
		if r, err := e.t.inPage(frame, m.Code); err == nil && len(r.Value) > 0 {
			result = json.RawMessage(r.Value)
		}
		id, _ := json.Marshal(m.ID)
		say(fmt.Sprintf(`autoconsentReceiveMessage({ type: "evalResp", id: %s, result: %s })`, id, result))
	case "cmpDetected":
		if e.found.IsZero() {
			e.found = time.Now()
		}
	case "popupFound":
		e.popup = m.Cmp
	case "optOutResult", "optInResult":
		e.result = &m.Result
		if e.test = m.Result && m.ScheduleSelfTest; e.test {
			say(`autoconsentReceiveMessage({ type: "selfTest" })`)
		}
	case "selfTestResult":
		e.tested, e.test = &m.Result, false
	case "report":
		if m.State.Lifecycle == "nothingDetected" {
			e.ended[frame] = true
		}
	}
}

// start is the engine's configuration for a frame. Heuristics and what only hides banners are off.
func (e *engine) start(frame cdp.FrameID) string {
	var address string
	if w, err := e.t.worldOf(frame, engineWorld); err == nil {
		_, _ = e.t.evaluate(runtime.EvaluateParams{Expression: "location.href", ContextID: w}, &address)
	}
	text, _ := json.Marshal(map[string]any{
		"type": "initResp",
		"config": map[string]any{
			"enabled": true, "autoAction": map[string]any{"accept": "optIn", "reject": "optOut"}[e.role], "enablePrehide": false,
			"enableCosmeticRules": false, "enableGeneratedRules": true, "detectRetries": 0, "isMainWorld": false,
			"enableHeuristicDetection": false, "heuristicMode": "off", "logs": map[string]any{"errors": false},
		},
		"rules": map[string]any{"autoconsent": rulesFor(address, frame == e.t.frame)},
	})
	return strings.ReplaceAll(string(text), "\u2028", " ")
}

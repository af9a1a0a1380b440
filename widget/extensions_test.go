package widget

import (
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"samtykke/consent"
)

// engine is what an extension that answers banners does on a page.
const (
	// The engine's own waits are shortened a hundredfold. What it finds and which buttons it presses are noted.
	autoconsentHarness = `(() => {
		const seen = window.engine = { found: [], pressed: [], state: "", result: null };
		addEventListener("click", e => seen.pressed.push(e.composedPath()[0].id), true);
		window.autoconsentSendMessage = async m => {
			if (m.type === "init") setTimeout(() => autoconsentReceiveMessage({ type: "initResp", config: %s, rules: { autoconsent: %s } }));
			if (m.type === "cmpDetected") seen.found.push(m.cmp);
			if (m.type === "optOutResult" || m.type === "optInResult" || m.type === "selfTestResult") seen.result = m.result;
			if (m.type === "report") seen.state = m.state.lifecycle;
		};
		((setTimeout) => { %s })((f, ms) => window.setTimeout(f, ms / 100));
	})()`
	autoconsentEnded = `/^(nothingDetected|done|opt(Out|In)(Failed|Succeeded))$/.test(engine.state)`

	// Consent-O-Matic isn't to be had as a package: this understands what our rule uses of its language.
	consentOMatic = `(async (methods, wishes) => {
		const inside = e => e.shadowRoot ?? e;
		const all = ({ parent, target }, base) => {
			if (target.selector === ":scope") return [base];
			const top = parent ? inside(all({ target: parent }, base)[0]) : inside(base);
			return [...top.querySelectorAll(target.selector)].filter(e => !target.displayFilter || e.offsetHeight);
		};
		const does = {
			click: (a, base) => all(a, base)[0]?.click(),
			async list(a, base) { for (const one of a.actions) await run(one, base) },
			async foreach(a, base) { for (const e of all(a, base)) await run(a.action, e) },
			async waitcss(a, base) { for (let i = 0; i < a.retries && !all(a, base)[0]; i++) await new Promise(r => setTimeout(r, a.waitTime)) },
			async consent(a, base) { for (const c of a.consents) if (all(c.matcher, base)[0].checked !== !!wishes[c.type]) await run(c.toggleAction, base) },
		};
		const run = (a, base) => does[a.type](a, base);
		for (const m of ["OPEN_OPTIONS", "DO_CONSENT", "SAVE_CONSENT"]) await run(methods.find(({ name }) => name === m).action, document);
	})`
)

// file reads a file that the tests need.
func file(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatalf("%v: run `npm ci` if a package is missing (make test does)", err)
	}
	return string(b)
}

// autoconsent opens a page and lets DuckDuckGo's engine answer its banner.
func (w *world) autoconsent(lang, rules string, config map[string]any) {
	w.t.Helper()
	config["isMainWorld"], config["detectRetries"] = true, 1 // heuristics come with the second attempt
	settings, err := json.Marshal(config)
	if err != nil {
		w.t.Fatal(err)
	}
	w.tab.Go("about:blank") // the page before may still write its cookie
	w.forget()
	w.visit("/", lang, shopPage)
	w.tab.Wait(shown)
	w.tab.Eval(fmt.Sprintf(autoconsentHarness, settings, rules, file(w.t.(*testing.T), "../node_modules/@duckduckgo/autoconsent/dist/autoconsent.playwright.js")), nil)
	w.tab.Wait(autoconsentEnded)
}

// everyLanguage is a shop that speaks every language there is.
func everyLanguage(t *testing.T, form string) consent.Content {
	t.Helper()
	c := shopContent(t)
	c.Banner.Form, c.Banner.Languages = form, Languages()
	for _, lang := range c.Banner.Languages {
		c.Texts[lang], _ = Texts(lang)
	}
	return c
}

// With our rule, autoconsent refuses in every form and every language, and finds nothing else in our banner.
func TestExtensions_AutoconsentRefusesByRule(t *testing.T) {
	rule := file(t, "rules/autoconsent.json")
	for _, form := range []string{"bar", "box", "dialog"} {
		w := open(t, everyLanguage(t, form))
		for i, lang := range Languages() {
			w.autoconsent(lang, "["+rule+"]", map[string]any{})
			act := w.arrived(i + 1)[i]
			if act.Action != consent.RejectAll || act.Method != consent.ByBanner || act.Language != lang || act.Categories.Given != 0 {
				t.Errorf("%s, %s: the act is %+v", form, lang, act)
			}
			w.want(`engine.found + " " + engine.pressed + " " + engine.state + " " + samtykke.answered`, "samtykke reject done true")
		}
	}
}

// Among all the rules that come with the engine, ours is the only one that knows us. Its own check passes after a
// refusal; an opt-in by a script fails and grants nothing (K13).
func TestExtensions_AutoconsentKnowsOnlyOurRule(t *testing.T) {
	var theirs struct{ Autoconsent []json.RawMessage }
	if err := json.Unmarshal([]byte(file(t, "../node_modules/@duckduckgo/autoconsent/rules/rules.json")), &theirs); err != nil {
		t.Fatal(err)
	}
	if len(theirs.Autoconsent) < 100 {
		t.Fatalf("only %d rules came with the engine", len(theirs.Autoconsent))
	}
	rules, err := json.Marshal(append(theirs.Autoconsent, json.RawMessage(file(t, "rules/autoconsent.json"))))
	if err != nil {
		t.Fatal(err)
	}
	for _, form := range []string{"bar", "box", "dialog"} {
		c := shopContent(t)
		c.Banner.Form = form
		w := open(t, c)
		w.autoconsent("da", string(rules), map[string]any{"heuristicMode": "tier2"})
		w.want(`engine.found + " " + engine.pressed`, "samtykke reject")
		w.tab.Eval(`autoconsentReceiveMessage({ type: "selfTest" })`, nil)
		w.want(`engine.result`, "true")
		w.settled()

		w.autoconsent("da", string(rules), map[string]any{"autoAction": "optIn"})
		w.want(`engine.pressed + " " + engine.result + " " + samtykke.answered + document.cookie`, "accept false false")
		w.want(shown+` !== null`, "true")
	}
}

// refusedUnaided are the languages in which autoconsent knows the words of our buttons well enough to refuse without
// our rule. docs/extensions.md says the same.
var refusedUnaided = []string{"de", "en", "fr", "nl"}

// Without our rule, the engine's heuristics refuse in the languages that they know; in no language, form or mode do they
// press anything else. A modal layer is out of their sight: they take what a browser shows above the page for hidden.
func TestExtensions_HeuristicsNeverAccept(t *testing.T) {
	modes := map[string][]string{"box": {"reject", "tier1", "tier2"}, "bar": {"tier2"}, "dialog": {"tier2"}} // tier2 does all that the others do
	for form, modes := range modes {
		want := refusedUnaided
		if form == "dialog" {
			want = nil
		}
		w := open(t, everyLanguage(t, form))
		for _, mode := range modes {
			var refused []string
			for _, lang := range Languages() {
				w.autoconsent(lang, "[]", map[string]any{"heuristicMode": mode})
				w.want(`JSON.stringify(samtykke.consent)`, `{"necessary":true,"preferences":false,"statistics":false,"marketing":false}`)
				switch pressed := w.text(`engine.pressed`); {
				case pressed == "reject" && w.text(`samtykke.answered`) == "true":
					refused = append(refused, lang)
				case pressed != "":
					t.Errorf("%s, %s, %s: pressed %s", form, mode, lang, pressed)
				}
			}
			if !slices.Equal(refused, want) {
				t.Errorf("%s, %s: refused in %q, want %q", form, mode, refused, want)
			}
		}
		for _, act := range w.arrived(len(modes) * len(want)) {
			if act.Action != consent.RejectAll {
				t.Errorf("%s: the act is %+v", form, act)
			}
		}
	}
}

// K13: Consent-O-Matic's rule refuses what its user hasn't allowed. What is allowed is switched on, and waits in the
// open second layer for the visitor's own press.
func TestExtensions_ConsentOMatic(t *testing.T) {
	var rules map[string]json.RawMessage
	if err := json.Unmarshal([]byte(file(t, "rules/consent-o-matic.json")), &rules); err != nil {
		t.Fatal(err)
	}
	var rule struct {
		Detectors []struct {
			ShowingMatcher []struct{ Target struct{ Selector string } }
		}
		Methods json.RawMessage
	}
	if err := json.Unmarshal(rules["samtykke"], &rule); err != nil {
		t.Fatal(err)
	}
	showing := fmt.Sprintf(`document.querySelector(%q)?.offsetHeight > 0`, rule.Detectors[0].ShowingMatcher[0].Target.Selector)
	run := func(w *world, wishes string) {
		w.visit("/", "da", strings.ReplaceAll(shopPage, "<h1>", `<h1 id=reject>`))
		w.tab.Wait(showing)
		w.tab.Eval(consentOMatic+"("+string(rule.Methods)+", "+wishes+")", nil)
	}
	for _, form := range []string{"bar", "box", "dialog"} {
		c := shopContent(t)
		c.Banner.Form = form
		w := open(t, c)
		run(w, `{}`)
		if act := w.arrived(1)[0]; act.Action != consent.Custom || act.Method != consent.ByDialog || act.Categories.Given != 0 {
			t.Errorf("%s: the act is %+v", form, act)
		}
		w.settled()
		w.want(`!!(`+showing+`)`, "false")

		w.forget()
		run(w, `{ A: false, B: true, D: true, F: false }`)
		w.want(`[...`+ui+`.querySelectorAll("#dialog[open] input:checked")].map(i => i.name) + " " + samtykke.answered + document.cookie`, "necessary,statistics false")
		w.press("#save")
		if act := w.arrived(2)[1]; act.Categories.Given != consent.SetOf(consent.Statistics) {
			t.Errorf("%s: the act is %+v", form, act)
		}
	}
}

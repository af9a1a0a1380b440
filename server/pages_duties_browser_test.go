package server_test

import (
	"os"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"samtykke/consent"
)

// P1, H12: an owner says who runs the installation, reads the agreement, accepts it and reads it again, without a finding of
// axe on the way; the paper itself is set by its own style although nothing else is allowed in it.
func TestPapers_FromNobodyToAccepted(t *testing.T) {
	axe, err := os.ReadFile("../node_modules/axe-core/axe.min.js")
	if err != nil {
		t.Fatalf("axe-core is missing: run npm ci (%v)", err)
	}
	d := newDesk(t)
	d.enter(consent.Owner)
	check := func(where string) {
		t.Helper()
		for _, width := range []int64{1280, 390} {
			d.look(width, "light")
			var found []string
			d.Eval(string(axe)+`;document.querySelectorAll("details").forEach(d=>d.open=true);
				axe.run().then(r=>r.violations.flatMap(v=>v.nodes.map(n=>v.id+" "+n.html+" "+n.failureSummary)))`, &found)
			for _, f := range found {
				t.Errorf("%s, %d px: %s", where, width, f)
			}
			var over float64
			if d.Eval("document.documentElement.scrollWidth-innerWidth", &over); over > 0 {
				t.Errorf("%s: %v px wider than %d px", where, over, width)
			}
		}
	}
	fill := func(fields ...string) {
		for i := 0; i < len(fields); i += 2 {
			d.Do(chromedp.SendKeys(chromedp.CSS(fields[i]), fields[i+1]))
		}
	}
	d.Go("http://cmp.example" + papersPath)
	check("nobody told")
	d.Click(`main a[href="/installation"]`)
	d.Wait(`location.pathname === "/installation" && document.readyState === "complete"`)
	d.Click(`[name="operator.who"][value=others]`)
	fill("#operator-name", "Bureau Nord ApS", "#operator-cvr", "11223344", "#operator-address", "Havnegade 1, 9000 Aalborg", "#operator-email", "drift@bureaunord.example")
	d.Click(`[value=save]`)
	d.Wait(`location.search === "?done=installation_saved" && document.readyState === "complete"`)
	d.Click(".addsub summary")
	fill("#sub-name", "Vært GmbH", "#sub-task", "Hosting af serveren")
	d.Click(`[value=add]`)
	d.Wait(`location.search === "?done=sub_added" && document.querySelector("[value=end]") !== null`)
	check("the installation")

	d.Go("http://cmp.example" + papersPath)
	check("to be accepted")
	d.Click(`a.button[href$="/agreement/da"]`)
	d.Wait(`document.querySelector("h1")?.textContent === "Databehandleraftale" && document.readyState === "complete"`)
	var width string
	if d.Eval(`getComputedStyle(document.querySelector("main")).maxWidth`, &width); width != "832px" {
		t.Errorf("the paper's style is not applied: its width is %q", width)
	}
	check("the agreement")
	d.Go("http://cmp.example" + papersPath)
	fill("#accept-name", "Ida Berg")
	d.Click("#accept-confirm")
	d.Click(`form[action$="/papers"] button`)
	d.Wait(`document.querySelector(".flag.good")?.textContent === "Tiltrådt"`)
	check("accepted")
	d.Click(`.card a[href*="/accepted/"]`)
	var words string
	d.Wait(`location.pathname.includes("/accepted/") && document.readyState === "complete"`)
	if d.Eval(`document.querySelector("main").textContent`, &words); !strings.Contains(words, "Ida Berg") {
		t.Error("the accepted agreement doesn't name who accepted it")
	}
}

package widget

import (
	"slices"
	"strings"
	"testing"

	"samtykke/consent"
)

const declared = `{"categories":[{"category":"statistics","items":[
	{"name":"_ga","provider":"Google LLC","purpose":"Tæller besøgende.","purpose_language":"da","lifetime":"13 måneder"},
	{"name":"_gat*","provider":"Google LLC","purpose":"Limits requests.","purpose_language":"en","lifetime":"1 minut"}]}]}`

// details is the unfolding part of a category in the second layer.
func details(category string) string {
	return ui + `.querySelector("#dialog #` + category + ` + details")`
}

// B7, D1: each category unfolds to its providers and cookies, which are fetched only then, once.
func TestPanel_UnfoldsWhatIsDeclared(t *testing.T) {
	c := shopContent(t)
	c.Version = 7
	w := open(t, c)
	path := "/d/" + testSite + "/7/da.json"
	w.visit("/", "da", shopPage)
	w.press("#choose")
	w.tab.Wait(details("statistics"))
	w.press("#statistics + details summary")
	w.tab.Wait(details("statistics") + `.textContent.includes("Det kan ikke hentes lige nu")`)
	w.press("#statistics + details summary")
	w.set(func() { w.data = map[string]string{"GET " + path: declared} })
	w.requests()
	w.press("#statistics + details summary")
	w.tab.Wait(details("statistics") + `.querySelectorAll("li").length === 2`)
	w.want(`[...`+details("statistics")+`.querySelectorAll("li")].map(e => e.innerText.replace(/\s+/g, " ") + e.querySelector("p").lang).join("|")`,
		"_ga · Google LLC · 13 måneder Tæller besøgende.da|_gat* · Google LLC · 1 minut Limits requests.en")
	w.press("#marketing + details summary")
	w.tab.Wait(details("marketing") + `.textContent.includes("Der er ikke angivet noget her.")`)
	if seen := w.requests(); len(seen) != 1 {
		t.Errorf("asked for %q, want the declaration once", seen)
	}
	w.want(`document.cookie + samtykke.answered`, "false")
}

// B23, R13, T5: the visitor sees the own history, takes a copy, withdraws and erases, all inside the banner.
func TestPanel_HoldsTheVisitorsOwnRecord(t *testing.T) {
	w := open(t, shopContent(t))
	w.visit("/", "da", shopPage)
	w.press("#choose")
	w.tab.Wait(ui + `.querySelector("#save")`)
	w.want(ui+`.querySelector("#erase, #receipt, #withdraw, small")`, "null") // nothing of one who has not answered
	w.press("#dialog [data-role=accept]")
	w.settled()
	w.press("#reopen")
	mine := "/v1/sites/" + testSite + "/visitors/" + w.text(`samtykke.id`)
	w.set(func() {
		w.data = map[string]string{"GET " + mine: `{"acts":[{"action":"reject_all","at":"2026-03-01T09:00:00Z","categories":{}},
			{"action":"custom","at":"2026-04-01T09:00:00Z","categories":{"preferences":true,"statistics":false,"marketing":true}}]}`}
	})
	w.press("#dialog small + details summary")
	w.tab.Wait(ui + `.querySelector("#dialog small + details li:nth-child(2)")`)
	history := w.text(ui + `.querySelector("#dialog small + details ul").innerText`)
	for _, want := range []string{"1. marts 2026", ": Nej til alle andre end de nødvendige", "1. april 2026", ": Ja til: Præferencer, Marketing"} {
		if !strings.Contains(history, want) {
			t.Errorf("the history lacks %q: %s", want, history)
		}
	}
	w.tab.Eval(`window.saved = [], HTMLAnchorElement.prototype.click = function () { saved.push(this.download, this.href.slice(0, 5)) }`, nil)
	w.want(ui+`.querySelector('a[href$="/d/`+testSite+`/da/rights#id=' + samtykke.id + '"]').textContent`, "Dine rettigheder")
	w.press("#receipt")
	w.tab.Wait(`saved.length`)
	w.want(`saved`, "samtykke-"+w.text(`samtykke.id`)+".json,blob:")

	w.press("#withdraw")
	if act := w.arrived(2)[1]; act.Action != consent.Withdraw || act.Method != consent.ByDialog {
		t.Errorf("the act is %+v", act)
	}
	w.settled()
	w.press("#reopen")
	w.tab.Wait(ui + `.querySelector("#erase")`)
	w.want(ui+`.querySelector("#withdraw")`, "null") // nothing to withdraw
	w.press("#erase")
	w.press("#erase-confirm") // the server doesn't answer as it should: nothing is lost
	w.tab.Wait(ui + `.querySelector("#dialog").textContent.includes("Det kan ikke hentes lige nu")`)
	w.want(`samtykke.answered`, "true")
	w.set(func() { w.data["DELETE "+mine] = `{"deleted":2,"locked":0}` })
	w.requests()
	w.press("#erase-confirm")
	w.tab.Wait(ui + `.querySelector("#dialog").textContent.includes("Registreringen er slettet.")`)
	if seen := w.requests(); !slices.Contains(seen, "cmp.example"+mine) {
		t.Errorf("asked for %q", seen)
	}
	w.want(`document.cookie`, "")
	w.press("#close")
	w.tab.Wait(`window.saved === undefined && window.samtykke && ` + shown) // a new page, and the question again
	w.want(`samtykke.answered + " " + samtykke.id`, "false undefined")
}

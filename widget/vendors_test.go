package widget

import (
	"fmt"
	"slices"
	"testing"

	"samtykke/consent"
)

// Where the owner lets visitors refuse single providers: their switches follow the category's and are never on by
// themselves (B12); a refusal is recorded, holds what is marked or asked for by that provider, clears what it left, and
// stands when the second layer opens again.
func TestVendors_AreRefusedOneByOne(t *testing.T) {
	c := guarded(t)
	c.Banner.PerVendor = true
	w := open(t, c)
	w.visitGuarded(``, `
		<script type="text/plain" data-category=statistics data-vendor="Google LLC" data-src="http://cdn.example/google.js"></script>
		<script type="text/plain" data-category=statistics data-src="http://cdn.example/other.js"></script>
		<script>document.cookie = "_ga=1"; sessionStorage.setItem("visit.1", "1");
			const s = document.createElement("script"); s.src = "http://vendor.example/held.js"; document.head.append(s)</script>`)
	w.press("#choose")
	const vendors = ui + `.querySelector("#dialog #statistics + details")`
	w.tab.Wait(vendors)
	list := `[...` + vendors + `.querySelectorAll("input")].map(i => [i.name, i.checked, i.disabled].join())` + `.join("|")`
	w.want(list, "statistics/Google LLC,false,true|statistics/Vendor,false,true")
	w.press("[name=statistics]")
	w.want(list, "statistics/Google LLC,true,false|statistics/Vendor,true,false")
	w.press("#statistics + details summary")
	w.press("[name='statistics/Google LLC']")
	w.press("[name='statistics/Vendor']")
	w.press("#save")
	act := w.arrived(1)[0]
	if !slices.Equal(act.Refused, []string{"statistics/Google LLC", "statistics/Vendor"}) || act.Categories.Given != consent.SetOf(consent.Statistics) || !slices.Contains(act.Cleared, "_ga") {
		t.Errorf("the act is %+v", act)
	}
	if err := act.CheckAgainst(&c); err != nil {
		t.Error(err)
	}
	w.tab.Wait(`window.log?.includes("other.js")`)
	w.want(`log + document.cookie.includes("_ga=") + sessionStorage.getItem("visit.1")`, "other.jsfalse1")
	w.settled()
	w.again()
	w.tab.Wait(`window.log?.includes("other.js")`)
	w.want(`log`, "other.js")
	w.press("#reopen")
	w.tab.Wait(vendors)
	w.want(list, "statistics/Google LLC,false,false|statistics/Vendor,false,false")
	w.press("#statistics + details summary")
	w.press("[name='statistics/Vendor']")
	w.press("#save")
	w.tab.Wait(`log.includes("held.js")`)
	if act := w.arrived(2)[1]; !slices.Equal(act.Refused, []string{"statistics/Google LLC"}) {
		t.Errorf("the act is %+v", act)
	}
	w.want(`log.includes("google.js")`, "false")
}

// K10: more refusals than a cookie holds are a no to the whole category, never a forgotten one that leaves the earlier yes.
func TestVendors_ManyRefusalsAreKept(t *testing.T) {
	c := shopContent(t)
	c.Banner.PerVendor = true
	for i := range 58 {
		c.Items = append(c.Items, consent.Item{
			Kind: consent.Cookie, Name: fmt.Sprint("v", i), Party: consent.ThirdParty, Category: consent.Statistics, Provider: fmt.Sprintf("Målefirmaet nr. %d – Danmark", i),
		})
	}
	w := open(t, c)
	w.visit("/", "da", "")
	w.press("#accept")
	w.settled()
	w.press("#reopen")
	w.tab.Wait(at("#statistics + details"))
	for _, step := range []struct {
		refused, given string
	}{{"20", "true"}, {"99", "false"}} {
		w.tab.Eval(ui+`.querySelectorAll("[name^='statistics/']").forEach((s, i) => s.checked = i >= `+step.refused+`)`, nil)
		w.press("#save")
		w.settled()
		w.again()
		w.want(`samtykke.answered + " " + samtykke.consent.statistics + " " + samtykke.consent.marketing`, "true "+step.given+" true")
		w.press("#reopen")
		w.tab.Wait(at("#statistics + details"))
	}
	for _, act := range w.arrived(3) {
		if err := act.CheckAgainst(&c); err != nil {
			t.Error(err)
		}
	}
}

// A host that several providers use is held for the one in whose category it counts.
func TestVendors_HostOfSeveral(t *testing.T) {
	c := guarded(t)
	item := func(cat consent.Category, provider string) consent.Item {
		return consent.Item{Kind: consent.Cookie, Name: provider, Host: "both.example", Party: consent.ThirdParty, Category: cat, Provider: provider}
	}
	c.Items = append(c.Items, item(consent.Marketing, "Ads"), item(consent.Statistics, "Counting"))
	if got := providerHosts(&c)["both.example"]; got != "Ads" {
		t.Errorf("a host for marketing is %s's", got)
	}
}

// K4: a placeholder stays where the category is granted but the provider is refused, and where the address is none.
func TestVendors_PlaceholderStays(t *testing.T) {
	c := shopContent(t)
	c.Banner.PerVendor = true
	w := open(t, c)
	w.visit("/", "da", `<iframe id=film width=400 height=300 data-category=statistics data-vendor="Google LLC" data-src="http://"></iframe>`)
	w.tab.Wait(inFrame("film", "#always"))
	w.press("#choose")
	w.press("[name=statistics]")
	w.tab.Eval(ui+`.querySelector("[name='statistics/Google LLC']").checked = false`, nil)
	w.press("#save")
	w.arrived(1)
	w.want(`samtykke.consent.statistics + " " + film.dataset.held`, "true 1")
}

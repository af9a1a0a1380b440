package widget

import (
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

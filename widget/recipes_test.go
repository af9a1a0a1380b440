package widget

import "testing"

// The recipes of docs/widget.md work as they stand there: a held tag manager finds the state in the data layer, held gtag.js
// has its queue, and a page that wants to starts anew after a withdrawal.
func TestRecipes_WorkAsWritten(t *testing.T) {
	const manager = `(function(w,d,s,l,i){w[l]=w[l]||[];w.found=w[l].map(e=>e.event||e[1]).join();w[l].push({event:"gtm.js"});
		var f=d.getElementsByTagName(s)[0],j=d.createElement(s);j.async=true;j.src="http://vendor.example/gtm.js";f.parentNode.insertBefore(j,f);
		})(window,document,"script","dataLayer","GTM-X")`
	const gtag = `window.dataLayer = window.dataLayer || []; function gtag(){dataLayer.push(arguments);} gtag("js", new Date()); gtag("config", "G-X")`
	const reload = `<script>
		let had = window.samtykke?.consent ?? {};
		function follow({ detail }) {
			if (Object.keys(had).some((c) => had[c] && !detail[c])) { sessionStorage.anew = 1; location.reload(); }
			had = detail;
		}
		document.addEventListener("samtykke:ready", follow);
		document.addEventListener("samtykke:change", follow);
	</script>`
	w := open(t, shopContent(t))
	w.visit("/", "da", reload+held("statistics", "", manager)+held("statistics", `async src="http://vendor.example/gtag.js"`, "")+held("statistics", "", gtag))
	w.tab.Wait(shown)
	w.want(`window.log ?? "nothing"`, "nothing")
	w.press("#accept")
	w.tab.Wait(`window.log?.length === 2`)
	w.want(`found`, "default,update,samtykke_update")
	w.want(`log.sort() + " " + dataLayer.filter(e => e[0] === "config").length`, "gtag.js,gtm.js 1")
	w.settled()
	w.again()
	w.tab.Wait(`window.log?.length === 2`)
	w.tab.Eval(`samtykke.withdraw()`, nil)
	w.tab.Wait(`sessionStorage.anew && window.samtykke?.answered && !samtykke.consent.statistics && document.readyState === "complete"`)
	w.want(`window.log ?? "nothing"`, "nothing")
	w.arrived(2)
}

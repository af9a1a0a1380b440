package widget

import (
	"encoding/json"
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"samtykke/consent"
)

// oldCookie is what Cookiebot stores, written as it writes it; change makes the variants.
func oldCookie(at time.Time, preferences, statistics, marketing bool, change ...string) string {
	c := fmt.Sprintf(`{stamp:'Zm9yIGEgdGVzdA+/==',necessary:true,preferences:%t,statistics:%t,marketing:%t,method:'explicit',ver:1,utc:%d,region:'dk'}`,
		preferences, statistics, marketing, at.UnixMilli())
	c = strings.NewReplacer(change...).Replace(c)
	return strings.NewReplacer("'", "%27", ",", "%2C").Replace(c)
}

// setOld stores Cookiebot's cookie as its script does.
func (w *world) setOld(cookie string) {
	w.t.Helper()
	w.tab.Eval(fmt.Sprintf(`void (document.cookie = %q)`, "CookieConsent="+cookie+";path=/;max-age=31536000"), nil)
}

// importing is the shop's notice with the import on, and a page without the tag to store the old cookie on.
func importing(t testing.TB) (*world, consent.Content) {
	t.Helper()
	c := shopContent(t)
	c.Banner.Import = true
	w := open(t, c)
	w.tab.Go(w.page("/bare", `<!doctype html><title>Shop</title>`))
	return w, c
}

// The visitor's own answer is taken over once: no banner, what was granted runs, a record says how it came, the time is
// that of the answer, and the old cookie goes.
func TestImport_TakesOverTheAnswer(t *testing.T) {
	tests := map[string]struct {
		cookie func(at time.Time) string
		action consent.Action
		given  consent.Set
		ran    string
	}{
		"all":  {func(at time.Time) string { return oldCookie(at, true, true, true) }, consent.AcceptAll, consent.SetOf(consent.Preferences, consent.Statistics, consent.Marketing), "stat,ad"},
		"none": {func(at time.Time) string { return oldCookie(at, false, false, false) }, consent.RejectAll, 0, "undefined"},
		"some": {func(at time.Time) string { return oldCookie(at, false, true, false) }, consent.Custom, consent.SetOf(consent.Statistics), "stat"},
		"with TCF": {func(at time.Time) string {
			return oldCookie(at, false, true, false, "region:", "iab2:'CP5jqEAP.YAAAAAAAAAAA',gacm:'2~AA==fmR2Lg==',region:")
		}, consent.Custom, consent.SetOf(consent.Statistics), "stat"},
	}
	w, _ := importing(t)
	n := 0
	for name, tt := range tests {
		w.forget()
		w.tab.Go(shop + "/bare")
		at := time.Now().Add(-100 * 24 * time.Hour).Truncate(time.Millisecond)
		w.setOld(tt.cookie(at))
		w.visit("/", "da", held("statistics", "", logged("stat"))+held("marketing", "", logged("ad")))
		n++
		act := w.arrived(n)[n-1]
		if act.Action != tt.action || act.Method != consent.ByImport || act.Categories.Given != tt.given || act.Categories.Asked != w.asked() {
			t.Errorf("%s: the act is %+v", name, act)
		}
		w.settled()
		w.want(`[!!`+shown+`, samtykke.answered, document.cookie.includes("CookieConsent")]`, "false,true,false")
		w.want(`window.log`, tt.ran)
		w.want(`parseInt(document.cookie.split(":")[3], 36)`, fmt.Sprint(at.UnixMilli()))
		w.again()
		w.want(`[samtykke.answered, `+`!!`+shown+`]`, "true,false")
		if got := len(w.arrived(n)); got != n {
			t.Errorf("%s: %d acts after the next view, want %d", name, got, n)
		}
	}
}

// K12, K13: whatever isn't the visitor's own, still valid answer in exactly Cookiebot's writing is no answer.
func TestImport_IgnoresTheRest(t *testing.T) {
	now := time.Now()
	fresh := now.Add(-24 * time.Hour)
	cookies := map[string]string{
		"old style":            "0",
		"outside the region":   "-1",
		"stamp of a region":    oldCookie(fresh, true, true, true, "Zm9yIGEgdGVzdA+/==", "-1"),
		"empty stamp":          oldCookie(fresh, true, true, true, "Zm9yIGEgdGVzdA+/==", ""),
		"implied":              oldCookie(fresh, true, true, true, "explicit", "implied"),
		"no method":            oldCookie(fresh, true, true, true, "method:'explicit',", ""),
		"no necessary":         oldCookie(fresh, true, true, true, "necessary:true,", ""),
		"necessary refused":    oldCookie(fresh, true, true, true, "necessary:true", "necessary:false"),
		"a category missing":   oldCookie(fresh, true, true, true, "statistics:true,", ""),
		"a category unclear":   oldCookie(fresh, true, true, true, "statistics:true", "statistics:1"),
		"a category as text":   oldCookie(fresh, true, true, true, "statistics:true", "statistics:'true'"),
		"a field twice":        oldCookie(fresh, false, false, false, "ver:1", "marketing:true"),
		"too old":              oldCookie(now.Add(-366*24*time.Hour), true, true, true),
		"of the future":        oldCookie(now.Add(time.Hour), true, true, true),
		"no time":              oldCookie(fresh, true, true, true, "utc:", "u:"),
		"time as text":         oldCookie(fresh, true, true, true, "utc:", "utc:'1',u:"),
		"code":                 oldCookie(fresh, true, true, true, "ver:1", "ver:alert(1)"),
		"code in brackets":     oldCookie(fresh, true, true, true, "'dk'", "[self.hit=1]"),
		"more after it":        oldCookie(fresh, true, true, true) + "x",
		"broken escape":        oldCookie(fresh, true, true, true) + "%E0%A4%A",
		"double quotes":        oldCookie(fresh, true, true, true, "'", `"`),
		"JSON":                 url.PathEscape(`{"necessary":true,"preferences":true,"statistics":true,"marketing":true,"method":"explicit","stamp":"x","utc":1}`),
		"nothing":              "",
		"brackets only":        "{}",
		"empty field":          oldCookie(fresh, true, true, true, "ver:1", ""),
		"longer than a cookie": oldCookie(fresh, true, true, true, "'dk'", "'"+strings.Repeat("d", 3700)+"'"),
	}
	w, _ := importing(t)
	for name, cookie := range cookies {
		w.forget()
		w.tab.Go(shop + "/bare")
		w.setOld(cookie)
		w.visit("/", "da", held("marketing", "", logged("ad")))
		w.tab.Wait(`document.querySelector("#samtykke")`)
		if name == "longer than a cookie" {
			continue // it is shorter than the limit: what counts is that nothing breaks
		}
		w.tab.Wait(shown)
		w.want(`[samtykke.answered, window.log, window.hit]`, "false,,")
	}
	if acts := w.arrived(0); len(acts) > 1 {
		t.Errorf("acts were sent: %+v", acts)
	}
}

// Our own answer stands, also one that doesn't count any more: then the visitor is asked, not the old cookie.
func TestImport_HappensOnce(t *testing.T) {
	w, c := importing(t)
	w.visit("/", "da", "")
	w.press("#reject")
	w.settled()
	w.setOld(oldCookie(time.Now().Add(-time.Hour), true, true, true))
	w.again()
	w.want(`[samtykke.answered, samtykke.consent.marketing]`, "true,false")
	c.Terms++
	w.publish(c)
	w.again()
	w.tab.Wait(shown)
	w.want(`[samtykke.answered, samtykke.consent.marketing]`, "false,false")
	if acts := w.arrived(1); len(acts) != 1 {
		t.Errorf("acts: %+v", acts)
	}
}

// B29: a browser that objects isn't overruled by an old cookie. And where the site doesn't want it, nothing is taken over.
func TestImport_NotAgainstASignalOrWithoutTheSetting(t *testing.T) {
	w, c := importing(t)
	old := oldCookie(time.Now().Add(-time.Hour), true, true, true)
	w.setOld(old)
	w.tab.Go(w.page("/", `<!doctype html><html lang=da><head><title>Shop</title><script>Object.defineProperty(navigator,"globalPrivacyControl",{value:true})</script>`+tag+`</head><body>`))
	w.tab.Wait(ui + `.querySelector("#reopen")`)
	w.want(`[samtykke.answered, samtykke.consent.marketing]`, "false,false")
	c.Banner.Import = false
	w.publish(c)
	w.visit("/", "da", "")
	w.tab.Wait(shown)
	w.want(`[samtykke.answered, document.cookie.includes("CookieConsent")]`, "false,true")
}

// Of two old cookies, a parent domain's and the host's own, the newer answer counts, and both go.
func TestImport_TakesTheNewest(t *testing.T) {
	w, _ := importing(t)
	now := time.Now()
	w.tab.Eval(fmt.Sprintf(`document.cookie = %q, document.cookie = %q, 0`,
		"CookieConsent="+oldCookie(now.Add(-48*time.Hour), true, true, true)+";path=/;domain=shop.example",
		"CookieConsent="+oldCookie(now.Add(-24*time.Hour), false, false, false)+";path=/"), nil)
	w.visit("/", "da", "")
	w.arrived(1)
	w.want(`[samtykke.answered, samtykke.consent.marketing, document.cookie.includes("CookieConsent")]`, "true,false,false")
}

// expected is what the cookie's text says by the rules of docs/coming-from.md, read anew and independently: nil for no answer.
func expected(cookie string, now time.Time, validity time.Duration) *consent.Set {
	text, err := url.PathUnescape(cookie)
	if err != nil || len(cookie) > 4082 || !strings.HasPrefix(text, "{") || !strings.HasSuffix(text, "}") || len(text) < 2 {
		return nil
	}
	fields := map[string]string{}
	for _, f := range strings.Split(text[1:len(text)-1], ",") {
		name, value, ok := strings.Cut(f, ":")
		if _, twice := fields[name]; !ok || twice || name == "" {
			return nil
		}
		isText := len(value) > 1 && strings.Count(value, "'") == 2 && value[0] == '\'' && value[len(value)-1] == '\''
		isNumber := value != "" && len(value) < 16 && strings.Trim(value, "0123456789") == ""
		if !isText && !isNumber && value != "true" && value != "false" {
			return nil
		}
		fields[name] = value
	}
	var utc int64
	if json.Unmarshal([]byte(strings.TrimLeft(fields["utc"], "0")), &utc) != nil || utc <= 0 {
		return nil
	}
	age := now.Sub(time.UnixMilli(utc))
	stamp := strings.Trim(fields["stamp"], "'")
	if fields["necessary"] != "true" || fields["method"] != "'explicit'" || fields["stamp"] == "" || fields["stamp"][0] != '\'' ||
		stamp == "" || stamp == "-1" || age < 0 || age >= validity {
		return nil
	}
	var given consent.Set
	for _, c := range []consent.Category{consent.Preferences, consent.Statistics, consent.Marketing} {
		switch fields[string(c)] {
		case "true":
			given |= consent.SetOf(c)
		case "false":
		default:
			return nil
		}
	}
	return &given
}

// K12: hundreds of cookies, right, nearly right and garbage, are each read as the rules say, and none of them runs as code.
func TestImport_ReadsStrictly(t *testing.T) {
	now := time.Now()
	values := rapid.SampledFrom([]string{"true", "false", "'explicit'", "'implied'", "'-1'", "''", "1", "0", "", "null", "alert(1)", "'a'b'", "{}", "[]", "self.hit=1", "'dk'"})
	field := rapid.Custom(func(t *rapid.T) string {
		name := rapid.SampledFrom([]string{"stamp", "necessary", "preferences", "statistics", "marketing", "method", "utc", "ver", "region", "__proto__", "constructor", ""}).Draw(t, "name")
		return name + rapid.SampledFrom([]string{":", ":", ":", "", "::", "="}).Draw(t, "sign") + values.Draw(t, "value")
	})
	cookie := rapid.Custom(func(t *rapid.T) string {
		yes := rapid.Bool()
		hours := rapid.OneOf(rapid.IntRange(1, 500*24), rapid.IntRange(-9, -1)).Draw(t, "age")
		at := now.Add(-time.Duration(hours) * time.Hour)
		c := oldCookie(at, yes.Draw(t, "p"), yes.Draw(t, "s"), yes.Draw(t, "m"))
		switch rapid.IntRange(0, 4).Draw(t, "kind") {
		case 1: // one byte is another
			i := rapid.IntRange(0, len(c)-1).Draw(t, "at")
			c = c[:i] + rapid.StringMatching(`[ -:<-~]`).Draw(t, "byte") + c[i+1:]
		case 2: // cut off
			c = c[:rapid.IntRange(0, len(c)).Draw(t, "end")]
		case 3: // one field more
			c = strings.Replace(c, "ver:1", field.Draw(t, "field"), 1)
		case 4:
			c = "{" + strings.Join(rapid.SliceOfN(field, 0, 9).Draw(t, "fields"), "%2C") + "}"
		}
		return c
	})
	w, c := importing(t)
	w.page("/", `<!doctype html><html lang=da><head><title>Shop</title></head><body></body></html>`)
	w.tab.Go(shop + "/")
	cookies := []string{}
	for seed := range 400 {
		cookies = append(cookies, cookie.Example(seed))
	}
	// A frame each starts the script anew on the same cookies; what it takes over is told by its own cookie.
	list, _ := json.Marshal(cookies)
	var got []*string
	w.tab.Eval(fmt.Sprintf(`(async () => {
		window.fetch = undefined;
		const code = await new Promise(r => { const x = new XMLHttpRequest(); x.open("GET", "http://cmp.example/s/%s.js"); x.onload = () => r(x.responseText); x.send() });
		const out = [];
		for (const c of %s) {
			document.cookie = "samtykke=;max-age=0;path=/";
			document.cookie = "CookieConsent=;max-age=0;path=/";
			document.cookie = "CookieConsent=" + c + ";path=/";
			const f = document.createElement("iframe");
			document.body.append(f);
			f.contentWindow.fetch = () => new Promise(() => {});
			f.contentWindow.eval(code);
			const api = f.contentWindow.samtykke;
			out.push(f.contentWindow.hit ? "hit" : api.answered ? Object.values(api.consent).map(Number).join("") : null);
			f.remove();
		}
		return out;
	})()`, testSite, list), &got)
	taken := 0
	for i, cookie := range cookies {
		want, have := "none", "none"
		if given := expected(cookie, now, c.Banner.Validity()); given != nil {
			want = "1"
			for _, c := range []consent.Category{consent.Preferences, consent.Statistics, consent.Marketing} {
				want += map[bool]string{true: "1", false: "0"}[*given&consent.SetOf(c) != 0]
			}
			taken++
		}
		if got[i] != nil {
			have = *got[i]
		}
		if have != want {
			t.Errorf("%s is read as %s, want %s", cookie, have, want)
		}
	}
	if taken < 40 || taken > 300 {
		t.Errorf("%d of %d cookies hold an answer: the test says little", taken, len(cookies))
	}
}

package server_test

import (
	"database/sql"
	"net/http"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"

	"samtykke/consent"
	"samtykke/server/store"
	"samtykke/widget"
)

const (
	replays     = "/sites/" + siteID + "/notices/3/replay"
	firstShown  = `document.getElementById("samtykke")?.shadowRoot?.getElementById("banner")`
	secondShown = `document.getElementById("samtykke")?.shadowRoot?.querySelector("#dialog[open]")`
)

// R4, R5: a stored notice is shown again by its own script in each of its languages, both layers, and nothing that is
// pressed there is recorded.
func TestReplay_ShowsWhatVisitorsSawAndRecordsNothing(t *testing.T) {
	d := newDesk(t)
	d.enter(consent.Auditor)
	_, err := chromedp.Call(d.Ctx, page.AddScriptToEvaluateOnNewDocument, page.AddScriptToEvaluateOnNewDocumentParams{
		Source: `window.refused=[];document.addEventListener("securitypolicyviolation",(e)=>refused.push(e.effectiveDirective+" "+new URL(e.blockedURI).pathname))`,
	})
	d.check(err)
	for _, lang := range []string{"da", "en"} {
		shown := widget.Shown(&d.notice.Content, lang)
		d.Go("about:blank")
		d.Go("http://cmp.example" + replays + "?language=" + lang)
		d.Wait(firstShown + `?.querySelector("h2").textContent === ` + quoted(shown["title"]))
		d.Wait(firstShown + `.innerText.includes(` + quoted(shown["statistics_purpose"]) + `) && document.getElementById("samtykke").innerText.includes(` + quoted(shown["reject"]) + `)`)
		d.Wait(`getComputedStyle(document.getElementById("samtykke")).position === "fixed" && self.origin === "null" && navigator.doNotTrack === null`)

		d.Go("about:blank")
		d.Go("http://cmp.example" + replays + "?language=" + lang + "#samtykke=open")
		d.Wait(secondShown + `?.innerText.includes(` + quoted(shown["save"]) + `)`)
		d.Eval(secondShown+`.querySelectorAll("details").forEach((e)=>e.open=true)`, nil)
		d.Wait(secondShown + `.innerText.includes("_tl_id")`) // the frozen declaration
		d.Wait("refused.length === 0")
	}
	before := len(d.everything())
	d.ClickIn(secondShown + `.querySelector("#accept")`)
	d.Wait(`samtykke.answered && !` + secondShown)
	d.Wait(`refused.includes("connect-src /v1/sites/` + siteID + `/consents")`) // it tried, and the browser didn't let it
	if after := len(d.everything()); after != before {
		t.Errorf("%d records became %d", before, after)
	}
	// The next reload asks again: nothing was kept in the browser either.
	d.Go("about:blank")
	d.Go("http://cmp.example" + replays)
	d.Wait(firstShown)
}

func quoted(s string) string { return string(mustJSON(s)) }

// everything is all the site's records.
func (o *office) everything() (all []consent.Record) {
	o.t.Helper()
	for r, err := range o.db.All(o.t.Context(), store.Filter{Site: siteID}) {
		o.check(err)
		all = append(all, r)
	}
	return all
}

// H5: the policy lets the page load the notice's frozen files and its declaration, one by one, and nothing else.
func TestReplay_IsSandboxed(t *testing.T) {
	o := newOffice(t).furnish()
	a := o.get(consent.Auditor, replays+"?language=en").wants(t, http.StatusOK)
	policy := a.Header().Get("Content-Security-Policy")
	file := "http://cmp.example/s/" + siteID + "/" + o.notice.Hash.String() + "."
	for directive, want := range map[string][]string{
		"sandbox": {"allow-scripts"}, "default-src": {"'none'"}, "form-action": {"'none'"}, "base-uri": {"'none'"}, "frame-ancestors": {"'none'"},
		"connect-src": {"http://cmp.example/d/" + siteID + "/3/en.json", file + "en.json"},
	} {
		got := ""
		for part := range strings.SplitSeq(policy, "; ") {
			if name, rest, _ := strings.Cut(part, " "); name == directive {
				got = rest
			}
		}
		if got != strings.Join(want, " ") {
			t.Errorf("%s %q, want %q", directive, got, want)
		}
	}
	for _, part := range strings.Fields(policy) {
		if strings.HasPrefix(part, "http") && !strings.HasPrefix(strings.TrimSuffix(part, ";"), file) && !strings.HasPrefix(part, "http://cmp.example/d/"+siteID+"/3/") {
			t.Errorf("the page may load %s", part)
		}
	}
	if strings.Contains(policy, "unsafe") || a.Header().Get("Cross-Origin-Opener-Policy") != "" {
		t.Error(a.Header())
	}
	o.get(consent.Auditor, replays+"?language=de").wants(t, http.StatusNotFound)
	o.get(consent.Auditor, strings.Replace(replays, "/3/", "/9/", 1)).wants(t, http.StatusNotFound)
	o.get(consent.Auditor, strings.Replace(replays, siteID, otherID, 1)).wants(t, http.StatusNotFound)
}

// R4: the notice's page computes the hash anew and says in words where it isn't the stored one.
func TestNoticePage_ProvesTheStoredNotice(t *testing.T) {
	o := newOffice(t).furnish()
	raw, err := sql.Open("sqlite", filepath.Join(filepath.Dir(t.TempDir()), "001", "samtykke.db")+"?_busy_timeout=10000") // the office's own
	o.check(err)
	defer raw.Close()
	see := func() (seal string, good bool) {
		t.Helper()
		page := o.get(consent.Auditor, "/sites/"+siteID+"/notices/3").wants(t, http.StatusOK)
		balanced(t, page.Body.Bytes())
		return page.words("section", "aria-labelledby", "seal"), len(page.all("section", "class", "seal tip good")) == 1
	}
	hash := o.notice.Hash.String()
	if seal, good := see(); !good || strings.Count(seal, hash) != 2 || !strings.Contains(seal, "Uændret siden udgivelsen") {
		t.Errorf("%v %s", good, seal)
	}
	var content string
	o.check(raw.QueryRow("select content from notices where version = 3").Scan(&content))
	for name, changed := range map[string]string{
		"a word":     strings.Replace(content, "Accepter alle", "Accepter Alle", 1),
		"a case":     strings.Replace(content, `"site_name"`, `"Site_name"`, 1),
		"unreadable": strings.Replace(content, `{`, `[`, 1),
	} {
		if changed == content || len(changed) != len(content) {
			t.Fatal(name)
		}
		_, err = raw.Exec("update notices set content = $1 where version = 3", changed)
		o.check(err)
		if seal, good := see(); good || strings.Count(seal, hash) != 1 || !strings.Contains(seal, "Det gemte er ikke det, der blev udgivet") {
			t.Errorf("%s: %v %s", name, good, seal)
		}
		o.get(consent.Auditor, replays).wants(t, http.StatusConflict)
	}
	_, err = raw.Exec("update notices set content = $1 where version = 3", content)
	o.check(err)
	if _, good := see(); !good {
		t.Error("put back, it is still called changed")
	}
}

package server_test

import (
	"bytes"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/net/html"

	"samtykke/consent"
	"samtykke/scanner/report"
	"samtykke/server"
)

// values reads a page's form as a browser would send it.
func (a answer) values(action string) []string {
	var fields []string
	for _, form := range a.all("form", "action", action) {
		for n := range form.Descendants() {
			switch {
			case n.Type != html.ElementNode || attrOf(n, "name") == "" || n.Data == "button":
			case n.Data == "textarea":
				fields = append(fields, attrOf(n, "name"), strings.TrimPrefix(raw(n), "\n"))
			case n.Data == "select":
				for o := range n.Descendants() {
					if o.Data == "option" && has(o, "selected") {
						fields = append(fields, attrOf(n, "name"), attrOf(o, "value"))
					}
				}
			case attrOf(n, "type") != "checkbox" && attrOf(n, "type") != "radio" || has(n, "checked"):
				fields = append(fields, attrOf(n, "name"), attrOf(n, "value"))
			}
		}
	}
	return fields
}

func raw(n *html.Node) string {
	if n.FirstChild == nil {
		return ""
	}
	return n.FirstChild.Data
}

func has(n *html.Node, name string) bool {
	for _, a := range n.Attr {
		if a.Key == name {
			return true
		}
	}
	return false
}

// with replaces the values of a field.
func with(fields []string, name string, values ...string) []string {
	var out []string
	for i := 0; i < len(fields); i += 2 {
		if fields[i] != name {
			out = append(out, fields[i], fields[i+1])
		}
	}
	for _, v := range values {
		out = append(out, name, v)
	}
	return out
}

// entry is the form of one entry of the declaration, found by its name.
func (a answer) entry(name string) []string {
	for _, form := range a.find(func(n *html.Node) bool { return n.Data == "form" && attrOf(n, "class") == "entry" }) {
		one := answer{doc: form.Parent}
		if fields := one.values(attrOf(form, "action")); name != "" && fields[1] != "" && strings.Contains(fields[1], "&"+url.QueryEscape(name)+"&") || name == "" && fields[1] == "" {
			return fields
		}
	}
	return nil
}

func TestItems_AreEdited(t *testing.T) {
	o := newOffice(t).furnish()
	path := "/sites/" + siteID + "/declaration"
	items := func() []consent.Item {
		list, err := o.db.Items(t.Context(), siteID)
		o.check(err)
		return list
	}
	before := items()
	page := o.get(consent.Editor, path).wants(t, http.StatusOK)
	if groups := page.find(func(n *html.Node) bool { return strings.HasPrefix(attrOf(n, "class"), "group ") }); !strings.Contains(text(groups[0]), "Ikke klassificeret") { // D12: first, with an alarm
		t.Errorf("first group %q", text(groups[0]))
	}
	if page.words("div", "class", "tip alarm") == "" {
		t.Error("no alarm")
	}
	for _, it := range before { // as it is shown, every entry can be saved unchanged
		o.post(consent.Editor, path, append(page.entry(it.Name), "op", "save")...).leadsTo(t, path+"?done=item_saved")
	}
	if d := cmp.Diff(before, items()); d != "" {
		t.Errorf("saving changed (-want +got):\n%s", d)
	}

	fields := with(with(page.entry("xq7_*"), "category", "statistics"), "purpose.da", "Måler klik.")
	fields = with(with(fields, "lifetime", "13"), "lifetime_unit", "months")
	o.post(consent.Editor, path, fields...).leadsTo(t, path+"?done=item_saved")
	got := items()[4]
	if got.Category != consent.Statistics || got.Purpose["da"] != "Måler klik." || got.Lifetime != 390*24*time.Hour {
		t.Errorf("entry %+v", got)
	}

	added := with(with(with(page.entry(""), "name", "ny"), "host", "Fjordfletvaerk.example"), "category", "marketing")
	o.post(consent.Editor, path, append(added, "op", "save")...).leadsTo(t, path+"?done=item_added")
	if list := items(); len(list) != 6 || list[5].Name != "ny" || list[5].Host != "fjordfletvaerk.example" {
		t.Errorf("items %+v", list)
	}
	a := o.post(consent.Editor, path, added...).wants(t, http.StatusBadRequest)
	if got := a.words("p", "class", "why"); got != "Deklarationen har allerede en post med denne type, dette navn og dette domæne." {
		t.Errorf("the same entry again: %q", got)
	}
	for field, value := range map[string]string{"name": "*", "lifetime": "-4", "category": "nice", "country": "Danmark", "kind": "pixel"} {
		a := o.post(consent.Editor, path, with(with(page.entry("IDE"), "lifetime_unit", "days"), field, value)...).wants(t, http.StatusBadRequest)
		wrong := a.find(func(n *html.Node) bool { return attrOf(n, "aria-invalid") == "true" })
		if len(wrong) != 1 || attrOf(wrong[0], "name") != field {
			t.Errorf("%s=%s marks %v", field, value, wrong)
		}
		wellFormed(t, a, "da")
	}
	o.post(consent.Editor, path, append(page.entry("IDE"), "op", "delete")...).leadsTo(t, path+"?done=item_deleted")
	o.post(consent.Editor, path, append(page.entry("IDE"), "op", "save")...).wants(t, http.StatusNotFound)
	if list := items(); len(list) != 5 {
		t.Errorf("items %+v", list)
	}
}

// upload sends a file to the form of scans.
func (o *office) upload(t *testing.T, report []byte) answer {
	t.Helper()
	var body bytes.Buffer
	w := multipart.NewWriter(&body)
	part, err := w.CreateFormFile("report", "scan.json")
	o.check(err)
	_, err = part.Write(report)
	o.check(err)
	o.check(w.Close())
	r := httptest.NewRequest(http.MethodPost, "/sites/"+siteID+"/scan", &body)
	r.Header.Set("Content-Type", w.FormDataContentType())
	return o.send(consent.Editor, r)
}

func TestScan_FillsTheDeclaration(t *testing.T) {
	o := newOffice(t)
	o.check(o.db.EditItems(t.Context(), siteID, declare(officeItems(&o.site))))
	o.upload(t, mustJSON(officeScan())).leadsTo(t, "/sites/"+siteID+"/declaration?done=scan_imported")
	items, err := o.db.Items(t.Context(), siteID)
	o.check(err)
	if d := cmp.Diff(officeItems(&o.site), items[:5]); d != "" {
		t.Errorf("the owner's entries changed (-want +got):\n%s", d)
	}
	if len(items) != 6 || items[5].Name != "ny_maaler" || items[5].Category != consent.Unclassified {
		t.Errorf("items %+v", items)
	}
	scan, err := o.db.LastScan(t.Context(), siteID)
	if err != nil || !scan.At.Equal(officeScan().FinishedAt) {
		t.Errorf("scan %v, %v", scan.At, err)
	}

	foreign, broken := officeScan(), officeScan()
	foreign.URL, broken.Items[0].Kind = "https://evil.example/", "pixel"
	for name, c := range map[string]struct {
		report []byte
		why    string
	}{
		"of another site": {mustJSON(foreign), "Scanningen er af en anden hjemmeside. Tilføj først dens domæne under indstillinger."},
		"no JSON":         {[]byte("hello"), "Filen er ikke en rapport fra en scanning i JSON."},
		"malformed":       {mustJSON(broken), "Filen er ikke en rapport fra en scanning."},
		"empty":           {nil, "Filen er ikke en rapport fra en scanning i JSON."},
	} {
		a := o.upload(t, c.report).wants(t, http.StatusBadRequest)
		if got := a.words("p", "class", "why"); got != c.why {
			t.Errorf("%s: %q", name, got)
		}
		wellFormed(t, a, "da")
	}
	o.upload(t, make([]byte, report.MaxBytes+1<<20)).wants(t, http.StatusRequestEntityTooLarge)
	if after, err := o.db.LastScan(t.Context(), siteID); err != nil || !after.At.Equal(scan.At) {
		t.Error("a refused report was kept")
	}
}

func TestMerged_KeepsWhatTheOwnerWrote(t *testing.T) {
	own := []consent.Item{
		{Kind: consent.Cookie, Name: "a_*", Host: "x.example", Category: consent.Marketing, Provider: "Mig", Purpose: map[string]string{"da": "Mit"}},
		{Kind: consent.Cookie, Name: "b", Host: "x.example", Category: consent.Unclassified, Purpose: map[string]string{"da": "Mit"}},
	}
	found := []consent.Item{
		{Kind: consent.Cookie, Name: "a_1", Host: ".x.example", Category: consent.Statistics, Provider: "Dig", Purpose: map[string]string{"da": "Dit"}},
		{Kind: consent.Cookie, Name: "b", Host: "x.example", Category: consent.Statistics, Provider: "Dig", Purpose: map[string]string{"da": "Dit", "en": "Yours"}},
		{Kind: consent.LocalStorage, Name: "a_1", Host: "x.example", Category: consent.Unclassified},
		{Kind: consent.Cookie, Name: "a_1", Host: "y.example", Category: consent.Unclassified},
	}
	want := []consent.Item{
		own[0],
		{Kind: consent.Cookie, Name: "b", Host: "x.example", Category: consent.Statistics, Provider: "Dig", Purpose: map[string]string{"da": "Mit", "en": "Yours"}},
		found[2], found[3],
	}
	got := server.Merged(own, found)
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
	if d := cmp.Diff(got, server.Merged(got, found)); d != "" {
		t.Errorf("the same scan again changes (-want +got):\n%s", d)
	}
}

// D12, B19, B20: publishing wants a reason, a word on unclassified entries, and asks again unless told otherwise.
func TestPublish_FromTheForm(t *testing.T) {
	o := newOffice(t).furnish()
	path := "/sites/" + siteID + "/notices"
	current := func() consent.Notice {
		n, err := o.db.CurrentNotice(t.Context(), siteID)
		o.check(err)
		return n
	}
	a := o.post(consent.Editor, path, "reason", "Stavefejl", "material", "no").wants(t, http.StatusBadRequest)
	if got := a.words("p", "class", "why"); got != "Bekræft, at der er uklassificerede poster, eller klassificér dem først." {
		t.Errorf("unclassified: %q", got)
	}
	if raw(a.all("textarea", "name", "reason")[0]) != "Stavefejl" {
		t.Error("the reason is lost")
	}
	wellFormed(t, a, "da")
	a = o.post(consent.Editor, path, "confirm", "yes").wants(t, http.StatusBadRequest)
	if got := a.words("p", "class", "why"); got != "Skriv kort, hvorfor du udgiver (højst 500 tegn)." {
		t.Errorf("no reason: %q", got)
	}
	if current().Version != 3 {
		t.Fatal("a refused notice was published")
	}
	o.post(consent.Editor, path, "reason", "Stavefejl", "material", "no", "confirm", "yes").leadsTo(t, "/sites/"+siteID+"?done=published")
	if n := current(); n.Version != 4 || n.Content.Terms != 3 || n.Author != "editor@fjord.example" || n.Reason != "Stavefejl" {
		t.Errorf("notice %d, terms %d, by %s: %s", n.Version, n.Content.Terms, n.Author, n.Reason)
	}
	o.site.Banner.Categories = []consent.Category{consent.Statistics}
	o.check(o.db.UpdateSite(t.Context(), o.site))
	a = o.post(consent.Editor, path, "reason", "Færre", "material", "no", "confirm", "yes").wants(t, http.StatusBadRequest)
	if got := a.words("p", "class", "why"); got != "Kategorierne er ændret, så de besøgende skal spørges igen." {
		t.Errorf("other categories: %q", got)
	}
	o.post(consent.Editor, path, "reason", "Færre", "confirm", "yes").leadsTo(t, "/sites/"+siteID+"?done=published")
	if n := current(); n.Content.Terms != 5 {
		t.Errorf("terms %d", n.Content.Terms)
	}
	o.site.Controller.Name = ""
	o.check(o.db.UpdateSite(t.Context(), o.site))
	a = o.post(consent.Editor, path, "reason", "Uden navn", "confirm", "yes").wants(t, http.StatusBadRequest)
	if got := a.words("div", "class", "problem"); !strings.Contains(got, "Skriv, hvem der er dataansvarlig") {
		t.Errorf("no controller: %q", got)
	}
}

// R4, R5: a notice's page shows what was frozen, whatever the draft says now.
func TestNoticePage_ShowsWhatWasFrozen(t *testing.T) {
	o := newOffice(t).furnish()
	o.site.Name, o.site.Banner.Texts = "Nyt navn", map[string]map[string]string{"da": {"accept": "Ja tak til det hele"}}
	o.check(o.db.UpdateSite(t.Context(), o.site))
	o.publish("Nye ord")
	old := text(o.get(consent.Auditor, "/sites/"+siteID+"/notices/3").wants(t, http.StatusOK).all("main")[0])
	page := o.get(consent.Auditor, "/sites/"+siteID+"/notices/4").wants(t, http.StatusOK)
	now := text(page.all("main")[0])
	if strings.Contains(old, "Ja tak til det hele") || !strings.Contains(old, "Accepter alle") || strings.Contains(old, "I kraft Præcis") {
		t.Error("the old notice shows new words")
	}
	for _, want := range []string{"Ja tak til det hele", "Reject all", "Nye ord", o.notice.Hash.String(), "_tl_id", "13 måneder", "Tæller besøg.", "Ikke klassificeret"} {
		if !strings.Contains(now, want) {
			t.Errorf("the notice lacks %q", want)
		}
	}
	script := page.find(func(n *html.Node) bool { return strings.HasSuffix(attrOf(n, "href"), ".js") })
	if len(script) != 1 || o.get(stranger, attrOf(script[0], "href")).Body.String() != string(o.notice.Bundle.JS) {
		t.Error("the link leads to another script")
	}
	o.get(consent.Auditor, "/sites/"+siteID+"/notices/9").wants(t, http.StatusNotFound)
}

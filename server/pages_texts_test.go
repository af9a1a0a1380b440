package server_test

import (
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
	"github.com/google/go-cmp/cmp"
	"golang.org/x/net/html"

	"samtykke/consent"
	"samtykke/widget"
)

const textsPath = "/sites/" + siteID + "/editor?section=texts"

// Every text of the banner can be worded, in each of the banner's languages; the standard words stand beside, and the
// placeholders of each are explained.
func TestTexts_ShowEveryText(t *testing.T) {
	o := newOffice(t)
	o.site.Banner.Languages = []string{"sv", "da"}
	o.check(o.db.UpdateSite(t.Context(), o.site))
	for _, lang := range o.site.Banner.Languages {
		a := o.get(consent.Owner, textsPath+"&lang="+lang).wants(t, http.StatusOK)
		wellFormed(t, a, "da")
		standard, _ := widget.Texts(lang)
		var keys []string
		for _, in := range a.find(func(n *html.Node) bool { return strings.HasPrefix(attrOf(n, "name"), "texts.") }) {
			key, ok := strings.CutPrefix(attrOf(in, "name"), "texts."+lang+".")
			if keys = append(keys, key); !ok || attrOf(in, "lang") != lang {
				t.Errorf("field %v", in.Attr)
			}
			told := text(a.all("div", "id", attrOf(in, "aria-describedby"))[0])
			if words := strings.Join(strings.Fields(standard[key]), " "); !strings.Contains(told, words) {
				t.Errorf("%s lacks its standard words: %q", key, told)
			}
			for _, p := range widget.MustName(key) {
				if _, after, ok := strings.Cut(told, "Skal stå i teksten:"); !ok || !strings.Contains(after, p) {
					t.Errorf("%s doesn't say that %s must stand in it: %q", key, p, told)
				}
			}
		}
		slices.Sort(keys)
		if d := cmp.Diff(slices.Sorted(maps.Keys(standard)), keys); d != "" {
			t.Errorf("texts (-want +got):\n%s", d)
		}
	}
	if got := o.get(consent.Owner, textsPath).tongue(); got != "svenska" {
		t.Errorf("without a language: %q", got)
	}
	o.get(consent.Owner, textsPath+"&lang=de").wants(t, http.StatusNotFound)
	o.post(consent.Owner, textsPath+"&lang=de", "texts.de.title", "Kekse").wants(t, http.StatusNotFound)
}

// An owner's words are stored for their language; an empty field and the standard words mean the standard text. Other
// languages, and what the form doesn't hold, stay.
func TestTexts_AreStored(t *testing.T) {
	o := newOffice(t)
	o.site.Banner.Texts = map[string]map[string]string{"en": {"title": "Biscuits?"}, "da": {"saved": "Gemt!", "title": "Kager?"}}
	o.check(o.db.UpdateSite(t.Context(), o.site))
	path := textsPath + "&lang=da"
	fields := o.get(consent.Editor, path).values(path)
	o.post(consent.Editor, path, fields...).leadsTo(t, path+"&done=texts_saved")
	if d := cmp.Diff(o.site, o.stored()); d != "" {
		t.Errorf("saving changed (-want +got):\n%s", d)
	}
	standard, _ := widget.Texts("da")
	fields = with(with(fields, "texts.da.title", ""), "texts.da.embed_once", standard["embed_once"])
	fields = with(with(fields, "texts.da.statistics_purpose", "Tæller besøg.\r\nIntet andet."), "texts.da.nonsense", "x")
	o.post(consent.Editor, path, with(fields, "texts.da.saved")...).leadsTo(t, path+"&done=texts_saved")
	want := map[string]map[string]string{"en": {"title": "Biscuits?"}, "da": {"saved": "Gemt!", "statistics_purpose": "Tæller besøg.\nIntet andet."}}
	if d := cmp.Diff(want, o.stored().Banner.Texts); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
	if got := o.get(consent.Editor, textsPath+"&lang=da").tongue(); got != "dansk 2 egne" {
		t.Errorf("language %q", got)
	}
	o.post(consent.Editor, path, "texts.da.saved", "", "texts.da.statistics_purpose", "").leadsTo(t, path+"&done=texts_saved")
	o.post(consent.Editor, textsPath+"&lang=en", "texts.en.title", " ").leadsTo(t, textsPath+"&lang=en&done=texts_saved")
	if got := o.stored().Banner.Texts; got != nil {
		t.Errorf("texts %v", got)
	}
}

// B6, B8, B9, H13: what publishing would refuse is refused when it is written, beside the field; nothing typed is lost.
func TestTexts_RefuseWhatTheLawRefuses(t *testing.T) {
	o := newOffice(t)
	path := textsPath + "&lang=da"
	for name, c := range map[string]struct {
		key, words, why string
	}{
		"vague label":       {"accept", "OK", "Teksten skal sige, hvad knappen gør (ikke “OK”)."},
		"vague, saving":     {"save", "Fortsæt!", "Teksten skal sige, hvad knappen gør (ikke “Fortsæt!”)."},
		"same labels":       {"reject", "Ja tak", "Ja og nej skal have hver sin tekst."},
		"long label":        {"choose", "Vælg selv, hvad du vil sige ja til, i dag og i morgen", "Teksten på en knap har højst 40 tegn."},
		"no controller":     {"intro", "Vi bruger cookies, også fra {third_parties}.", "Teksten skal indeholde {controller}."},
		"no third parties":  {"intro", "{controller} bruger cookies.", "Teksten skal indeholde {third_parties}."},
		"no count":          {"third_parties_many", "flere", "Teksten skal indeholde {count}."},
		"misspelt":          {"embed_title", "Indhold fra {udbyder}", "Der bliver ikke udfyldt noget for {udbyder} i denne tekst."},
		"of another's text": {"title", "Må {controller} bruge cookies?", "Der bliver ikke udfyldt noget for {controller} i denne tekst."},
		"too long":          {"statistics_purpose", strings.Repeat("x", 1001), "Højst 1000 tegn."},
	} {
		t.Run(name, func(t *testing.T) {
			field := "texts.da." + c.key
			a := o.post(consent.Owner, path, with([]string{"texts.da.accept", "Ja tak"}, field, c.words)...)
			in := a.refuses(t, field, c.words, c.why)
			if link := a.all("a", "href", "#"+attrOf(in, "id")); len(link) != 1 || text(link[0]) != c.why {
				t.Error("the summary doesn't lead to it")
			}
		})
	}
	standard, _ := widget.Texts("da")
	a := o.post(consent.Owner, path, "texts.da.accept", strings.ToUpper(standard["reject"])).wants(t, http.StatusBadRequest)
	if got := a.words("p", "class", "why"); got != "Ja og nej skal have hver sin tekst." {
		t.Errorf("a yes that reads like the standard no: %q", got)
	}
	if got := o.stored().Banner.Texts; got != nil {
		t.Errorf("something was stored: %v", got)
	}
	for _, word := range []string{"Ja tak", "{controller} bruger cookies, og det gør {third_parties} også."} { // not everything is refused
		key := map[bool]string{true: "accept", false: "intro"}[word == "Ja tak"]
		o.post(consent.Owner, path, "texts.da."+key, word).leadsTo(t, path+"&done=texts_saved")
	}
	o.post(consent.Owner, "/sites/"+siteID+"/notices", "reason", "Egne ord", "confirm", "yes").leadsTo(t, "/sites/"+siteID+"?done=published")
}

// Words that are wrong in one language keep neither another language's texts nor the settings from being saved;
// publishing refuses them.
func TestTexts_KeepTheirErrorsToThemselves(t *testing.T) {
	o := newOffice(t).furnish()
	o.site.Banner.Texts = map[string]map[string]string{"en": {"accept": "OK", "intro": "We use cookies."}}
	o.check(o.db.UpdateSite(t.Context(), o.site))
	path := textsPath + "&lang=da"
	o.post(consent.Owner, path, "texts.da.title", "Cookies?").leadsTo(t, path+"&done=texts_saved")
	o.post(consent.Owner, settingsPath, o.get(consent.Owner, settingsPath).values(settingsPath)...).leadsTo(t, settingsPath+"?done=saved")
	if got := o.stored().Banner.Texts; got["da"]["title"] != "Cookies?" || got["en"]["accept"] != "OK" {
		t.Errorf("texts %v", got)
	}
	a := o.post(consent.Owner, "/sites/"+siteID+"/notices", "reason", "Egne ord", "confirm", "yes").wants(t, http.StatusBadRequest)
	if got := a.words("div", "class", "problem"); !strings.Contains(got, "Teksten skal sige, hvad knappen gør (ikke “OK”).") {
		t.Errorf("publishing says %q", got)
	}
}

// H12: the whole way by keyboard and without script: a language is added, made the default and worded.
func TestTexts_WorkWithoutScript(t *testing.T) {
	d := newDesk(t)
	_, err := chromedp.Call(d.Ctx, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true})
	d.check(err)
	d.enter(consent.Editor)
	shows := func(state string) {
		d.t.Helper()
		d.Wait(`document.readyState === "complete" && ` + state)
	}
	d.Go("http://cmp.example" + editorPath("languages"))
	d.Do(chromedp.SendKeys(chromedp.CSS(`#languages input[value="is"]`), " \r"))
	shows(`document.querySelector(".done") && document.querySelector("#default_language").options.length === 3`)
	d.Do(chromedp.SendKeys(chromedp.CSS("#default_language"), "í"), chromedp.SendKeys(chromedp.CSS(`#languages input[value="is"]`), "\r"))
	shows(`document.querySelector("#default_language").options[0].value === "is"`)
	d.Click(`.elsewhere a`)
	shows(`document.querySelector(".tongues")`)
	d.Click(`.tongues a[href*="lang=is"]`)
	shows(`document.querySelector(".tongues [aria-current]").textContent === "íslenska"`)
	d.Do(chromedp.SendKeys(chromedp.CSS("#texts-is-title"), "Kex?\r"))
	shows(`location.search.includes("section=texts") && document.querySelector(".done")`)
	want := consent.DefaultBanner().Languages
	if got := d.stored().Banner; !slices.Equal(got.Languages, append([]string{"is"}, want...)) || got.Texts["is"]["title"] != "Kex?" {
		t.Errorf("languages %v, texts %v", got.Languages, got.Texts)
	}
}

// tongue is the language whose texts are edited.
func (a answer) tongue() string {
	for n := range a.all("nav", "class", "tongues")[0].Descendants() {
		if attrOf(n, "aria-current") == "page" {
			return text(n)
		}
	}
	return ""
}

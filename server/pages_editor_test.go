package server_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"samtykke/consent"
	"samtykke/widget"
)

// B4 to B6, B17: words that push are refused by the tables that the scanner judges by.
func TestTexts_RefuseNudging(t *testing.T) {
	o := newOffice(t)
	path := editorPath("texts")
	other := "De besøgende kender ordene fra en anden slags knap. Skriv, hvad den her gør."
	for name, c := range map[string]struct{ key, words, why string }{
		"a refusal that accepts":   {"reject", "Accepter", other},
		"a yes that refuses":       {"accept", "Kun nødvendige", other},
		"a way out that accepts":   {"choose", "Tillad alle", other},
		"capitals":                 {"accept", "ACCEPTER ALLE", "Skriv begge knapper på samme måde: Store bogstaver får den ene til at skille sig ud."},
		"a green tick":             {"accept", "✅ Accepter alle", "En knap har kun ord: Et symbol får den til at skille sig ud fra de andre."},
		"a promise (B17)":          {"intro", "Vi bruger cookies for at give dig den bedst mulige oplevelse. {third_parties}", "Banneret må ikke overtale nogen: Udelad “bedst mulige oplevelse”."},
		"regret (B17)":             {"saved", "Desværre kan vi så ikke hjælpe dig.", "Banneret må ikke overtale nogen: Udelad “Desværre”."},
		"consent from browsing on": {"withdraw_hint", "Ved at fortsætte accepterer du cookies.", "At fortsætte er ikke et samtykke: Udelad “Ved at fortsætte accepterer du”."},
	} {
		t.Run(name, func(t *testing.T) {
			o.post(consent.Owner, path, "texts.da."+c.key, c.words).refuses(t, "texts.da."+c.key, c.words, c.why)
		})
	}
}

// The standard words of every language pass what is asked of an owner's.
func TestTexts_StandardWordsDontNudge(t *testing.T) {
	o := newOffice(t)
	o.site.Banner.Languages = widget.Languages()
	o.check(o.db.UpdateSite(t.Context(), o.site))
	for _, lang := range widget.Languages() {
		path := "/sites/" + siteID + "/editor?section=texts&lang=" + lang
		o.post(consent.Owner, path).leadsTo(t, path+"&done=texts_saved")
	}
}

// H5: what publishing would change is told in words, field by field, old and new.
func TestNotices_TellTheDifference(t *testing.T) {
	o := newOffice(t).furnish()
	path := "/sites/" + siteID + "/notices"
	if got := o.get(consent.Owner, path).words("section", "class", "changes"); got != "" {
		t.Errorf("nothing differs: %q", got)
	}
	o.site.Banner.Form, o.site.Banner.Accent, o.site.Banner.GPC = "bar", "#7a1f5c", false
	o.site.Banner.Texts = map[string]map[string]string{"da": {"title": "Kager?"}}
	o.check(o.db.UpdateSite(t.Context(), o.site))
	items := officeItems(&o.site)[1:]
	items[0].Category, items[0].JointController = consent.Preferences, true
	o.check(o.db.EditItems(t.Context(), siteID, declare(items)))
	got := o.get(consent.Owner, path).words("section", "class", "changes")
	for _, want := range []string{
		"Boks i hjørnet → I kladden: Bjælke forneden", "Farve Nyt I kladden: #7a1f5c", "Udgivet nu: ja → I kladden: nej", "Må vi bruge cookies? → I kladden: Kager?",
		"kurv (Local storage · fjordfletvaerk.example): Kategori", "nødvendige → I kladden: præferencer", "Fælles dataansvar Nyt I kladden: ja", "samtykke (Cookie · fjordfletvaerk.example) Fjernet",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("no %q in %q", want, got)
		}
	}
	if standing := o.get(consent.Owner, editorPath("look")).words("p", "class", "standing"); !strings.HasPrefix(standing, "7 ændringer er ikke udgivet.") {
		t.Errorf("the editor says %q", standing)
	}
}

// H5, R5: an older notice comes back as a draft that shows the same words, and then as a new notice.
func TestReturn_BringsAnOlderNoticeBack(t *testing.T) {
	o := newOffice(t).furnish()
	then := o.notice.Content
	was := o.site.Banner
	o.site.Banner.Form, o.site.Banner.Texts = "bar", map[string]map[string]string{"en": {"title": "Biscuits?"}}
	o.site.Controller.Phone = "87 65 43 21"
	o.check(o.db.UpdateSite(t.Context(), o.site))
	o.check(o.db.EditItems(t.Context(), siteID, declare(nil)))
	o.publish("Kager")
	back := "/sites/" + siteID + "/notices/3/return"
	o.post(consent.Editor, back).leadsTo(t, "/sites/"+siteID+"/notices?done=returned&reason="+url.QueryEscape("Tilbage til udgivelse nr. 3"))
	if d := cmp.Diff(was, o.stored().Banner); d != "" || o.stored().Controller.Phone != "87 65 43 21" {
		t.Errorf("(-want +got):\n%s", d)
	}
	items, err := o.db.Items(t.Context(), siteID)
	o.check(err)
	if len(items) != 0 {
		t.Error("the declaration went back without being asked to")
	}
	o.post(consent.Editor, back, "declaration", "yes").wants(t, http.StatusSeeOther)
	o.publish("Tilbage")
	if d := cmp.Diff(then.Items, o.notice.Content.Items); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff(then.Texts, o.notice.Content.Texts); d != "" || o.notice.Version != 5 {
		t.Errorf("version %d\n%s", o.notice.Version, d)
	}
	o.post(consent.Editor, "/sites/"+siteID+"/notices/99/return").wants(t, http.StatusNotFound)
}

// Many entries are sorted by one form; nothing ticked, and an entry that is gone, are told.
func TestItems_AreSortedTogether(t *testing.T) {
	o := newOffice(t).furnish()
	path := "/sites/" + siteID + "/declaration"
	keys := map[string]string{}
	for _, box := range o.get(consent.Editor, path).all("input", "name", "item") {
		keys[strings.Split(attrOf(box, "value"), "&")[1]] = attrOf(box, "value")
	}
	a := o.post(consent.Editor, path, "op", "classify", "category", "statistics").wants(t, http.StatusBadRequest)
	if got := a.words("p", "class", "why"); got != "Sæt kryds ved mindst én post." {
		t.Errorf("%q", got)
	}
	o.post(consent.Editor, path, "op", "classify", "category", "statistics", "item", "cookie&gone&x").wants(t, http.StatusNotFound)
	o.post(consent.Editor, path, "op", "classify", "category", "marketing", "provider", "Sort A/S", "item", keys["kurv"], "item", keys["IDE"], "as", "preferences "+keys["xq7_%2A"]).
		leadsTo(t, path+"?done=items_classified")
	items, err := o.db.Items(t.Context(), siteID)
	o.check(err)
	for _, i := range items {
		want := map[string]string{"kurv": "marketing Sort A/S", "IDE": "marketing Sort A/S", "xq7_*": "preferences "}[i.Name]
		if got := string(i.Category) + " " + i.Provider; want != "" && got != want {
			t.Errorf("%s is %q, want %q", i.Name, got, want)
		}
	}
}

// S9: many entries become necessary only with a reason in each of the site's languages. Those that have words of their own keep
// them; what was chosen is still there when something is wrong.
func TestItems_AreNecessaryForAReason(t *testing.T) {
	o := newOffice(t).furnish()
	path := "/sites/" + siteID + "/declaration"
	own := officeItems(&o.site)
	for i := range own {
		if own[i].Name == "kurv" {
			own[i].Reason = map[string]string{"da": "Kurven ville være tom."}
		}
	}
	o.check(o.db.EditItems(t.Context(), siteID, declare(own)))
	keys := map[string]string{}
	for _, box := range o.get(consent.Editor, path).all("input", "name", "item") {
		keys[strings.Split(attrOf(box, "value"), "&")[1]] = attrOf(box, "value")
	}
	chosen := []string{"op", "classify", "category", "necessary", "item", keys["_tl_id"], "item", keys["kurv"], "as", "necessary " + keys["IDE"]}
	for lang, want := range map[string]string{"da": "Skriv, hvorfor hjemmesiden ikke virker uden.", "en": "Say why the website doesn't work without it."} {
		o.speak(lang)
		a := o.post(consent.Editor, path, chosen...).wants(t, http.StatusBadRequest)
		var why []string
		for _, p := range a.all("p", "class", "why") {
			why = append(why, text(p))
		}
		if len(why) != len(o.site.Banner.Languages) || why[0] != want {
			t.Errorf("%s: %q", lang, why)
		}
		if as := a.all("input", "name", "as"); len(as) != 1 || attrOf(as[0], "value") != "necessary "+keys["IDE"] {
			t.Error("what was sorted by keys is lost")
		}
		wellFormed(t, a, lang)
	}
	o.post(consent.Editor, path, append(chosen, "reason.da", "Ellers virker butikken ikke.")...).wants(t, http.StatusBadRequest)
	items, err := o.db.Items(t.Context(), siteID)
	o.check(err)
	if d := cmp.Diff(own, items); d != "" {
		t.Errorf("refused, and yet changed:\n%s", d)
	}
	o.post(consent.Editor, path, append(chosen, "reason.da", "Ellers virker butikken ikke.", "reason.en", "The shop fails without.")...).
		leadsTo(t, path+"?done=items_classified")
	items, err = o.db.Items(t.Context(), siteID)
	o.check(err)
	for _, i := range items {
		want := map[string]string{"da": "Ellers virker butikken ikke.", "en": "The shop fails without."}
		if i.Name == "kurv" {
			want["da"] = "Kurven ville være tom."
		}
		if i.Name == "_tl_id" || i.Name == "kurv" || i.Name == "IDE" {
			if d := cmp.Diff(want, i.Reason); d != "" || i.Category != consent.Necessary {
				t.Errorf("%s is %s\n%s", i.Name, i.Category, d)
			}
		}
	}
	// Sorted elsewhere it needs none, and keeps none.
	o.post(consent.Editor, path, "op", "classify", "category", "statistics", "item", keys["_tl_id"]).leadsTo(t, path+"?done=items_classified")
}

// The draft's declaration can be seen before it is published, as page and as data; visitors have what is published.
func TestPreview_ShowsTheDraftsDeclaration(t *testing.T) {
	o := newOffice(t).furnish()
	items := officeItems(&o.site)
	items[3].JointController, items[3].Name = true, "nyt_navn"
	o.check(o.db.EditItems(t.Context(), siteID, declare(items)))
	page := o.get(consent.Auditor, "/sites/"+siteID+"/preview/da").wants(t, http.StatusOK).Body.String()
	if !strings.Contains(page, "nyt_navn") || !strings.Contains(page, "Fælles dataansvarlig med hjemmesiden") {
		t.Error("the draft isn't shown")
	}
	if data := o.get(consent.Auditor, "/sites/"+siteID+"/preview/da.json").wants(t, http.StatusOK).Body.String(); !strings.Contains(data, `"joint_controller": true`) {
		t.Error("nor as data")
	}
	if strings.Contains(o.get(stranger, "/d/"+siteID+"/da").Body.String(), "nyt_navn") {
		t.Error("visitors see the draft")
	}
}

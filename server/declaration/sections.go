package declaration

import (
	"slices"
	"strconv"
	"strings"

	"samtykke/consent"
)

func intro(d *Declaration, w *words) []string {
	until := w.text["valid_from"]
	if d.ValidUntil != nil {
		until = fill(w.text["valid_between"], "until", w.date(*d.ValidUntil))
	}
	scan := w.text["not_scanned"]
	if d.LastScan != nil {
		scan = fill(w.text["last_scan"], "date", w.date(*d.LastScan))
	}
	return []string{
		fill(w.text["intro"], "controller", d.Controller.Name, "site", d.SiteName),
		w.text["intro_choice"],
		fill(until, "version", strconv.Itoa(d.Version), "from", w.date(d.ValidFrom)) + " " + scan,
	}
}

// sections fills the standard sections in; those that depend on the notice get their facts here.
func sections(d *Declaration, w *words) []Section {
	facts := map[string]func(*Declaration, *words) []Fact{"controller": contact, "transfers": transfers, "rights": ownRights, "versions": history}
	values := []string{
		"controller", d.Controller.Name,
		"consent_months", w.count(d.Retention.Consent, "month"), "refusal_months", w.count(d.Retention.Refusal, "month"),
	}
	var out []Section
	for _, s := range w.sections {
		s.Paragraphs = slices.Clone(s.Paragraphs)
		for i := range s.Paragraphs {
			s.Paragraphs[i] = fill(s.Paragraphs[i], values...)
		}
		if f := facts[s.ID]; f != nil {
			s.Facts = f(d, w)
			if len(s.Facts) == 0 {
				continue
			}
		}
		out = append(out, s)
	}
	return out
}

// contact is who answers for the site (D6).
func contact(d *Declaration, w *words) []Fact {
	c := d.Controller
	var out []Fact
	add := func(key, value, scheme string) {
		f := Fact{Label: w.text[key], Text: value}
		if scheme != "" {
			f.Text, f.Links = "", []Link{{value, scheme + strings.ReplaceAll(value, " ", "")}}
		}
		if value != "" {
			out = append(out, f)
		}
	}
	add("controller_name", c.Name, "")
	add("controller_cvr", c.CVR, "")
	add("controller_address", c.Address, "")
	add("controller_email", c.Email, "mailto:")
	add("controller_phone", c.Phone, "tel:")
	add("controller_dpo", c.DPO, "")
	return out
}

// ownRights leads to where visitors use their rights themselves, by the consent id (B23).
func ownRights(d *Declaration, w *words) []Fact {
	return []Fact{{
		Label: strings.TrimRight(strings.TrimSuffix(w.text["state_id"], ":"), " \u00a0\u202f"),
		Links: []Link{{w.text["rights_link"], RightsPath(d.Site, d.Language)}},
	}}
}

// transfers names the providers outside the EEA, by country (GDPR art. 13(1)(f)).
func transfers(d *Declaration, _ *words) []Fact {
	var out []Fact
	for _, c := range d.Categories {
		for _, i := range c.Items {
			if !i.OutsideEEA {
				continue
			}
			at := slices.IndexFunc(out, func(f Fact) bool { return f.Label == i.CountryName })
			if at < 0 {
				at, out = len(out), append(out, Fact{Label: i.CountryName})
			}
			if !slices.Contains(strings.Split(out[at].Text, "; "), i.Provider) {
				out[at].Text = strings.TrimPrefix(out[at].Text+"; "+i.Provider, "; ")
			}
		}
	}
	return out
}

// history lists the versions and what changed in each (D5).
func history(d *Declaration, w *words) []Fact {
	var out []Fact
	for i, v := range d.Versions {
		number := strconv.Itoa(v.Version)
		text := []string{fill(w.text["version_from"], "date", w.date(v.ValidFrom))}
		if i+1 < len(d.Versions) {
			text = append(text, v.sentences(w)...)
		}
		out = append(out, Fact{
			Label: fill(w.text["version"], "version", number), Text: strings.Join(text, " "),
			Links: []Link{{fill(w.text["version_link"], "version", number), v.URL}},
		})
	}
	return out
}

// sentences tells what a version changed, and whether visitors were asked again.
func (v *Version) sentences(w *words) (out []string) {
	say := func(key string, names ...string) {
		if len(names) > 0 {
			out = append(out, fill(w.text[key], "names", strings.Join(names, ", ")))
		}
	}
	called := func(cs []consent.Category) (names []string) {
		for _, c := range cs {
			names = append(names, w.text[string(c)+"_name"])
		}
		return names
	}
	if v.Material {
		out = append(out, w.text["version_asked"])
	} else {
		out = append(out, w.text["version_kept"])
	}
	say("version_added", v.Added...)
	say("version_removed", v.Removed...)
	if len(v.Changed) > 0 {
		say("version_changed", sentence(v.Changed, w))
	}
	if len(v.Added)+len(v.Removed)+len(v.Changed) == 0 {
		out = append(out, w.text["version_same"])
	}
	say("version_categories_added", called(v.CategoriesAdded)...)
	say("version_categories_removed", called(v.CategoriesRemoved)...)
	var languages []string
	for _, l := range v.TextsChanged {
		if standard[l] != nil {
			l = Word(l, "language_name")
		}
		languages = append(languages, l)
	}
	say("version_texts", languages...)
	return out
}

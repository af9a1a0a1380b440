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
	facts := map[string]func(*Declaration, *words) []Fact{"controller": contact, "transfers": transfers, "versions": history}
	values := []string{
		"controller", d.Controller.Name,
		"consent_months", w.count(consent.KeepConsent, "month"), "refusal_months", w.count(consent.KeepRefusal, "month"),
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

// history lists the versions and what changed in the list (D5).
func history(d *Declaration, w *words) []Fact {
	var out []Fact
	for i, v := range d.Versions {
		changes := []string{fill(w.text["version_from"], "date", w.date(v.ValidFrom))}
		if len(v.Added) > 0 {
			changes = append(changes, fill(w.text["version_added"], "names", strings.Join(v.Added, ", ")))
		}
		if len(v.Removed) > 0 {
			changes = append(changes, fill(w.text["version_removed"], "names", strings.Join(v.Removed, ", ")))
		}
		if len(changes) == 1 && i+1 < len(d.Versions) {
			changes = append(changes, w.text["version_same"])
		}
		number := strconv.Itoa(v.Version)
		out = append(out, Fact{
			Label: fill(w.text["version"], "version", number), Text: strings.Join(changes, " "),
			Links: []Link{{fill(w.text["version_link"], "version", number), v.URL}},
		})
	}
	return out
}

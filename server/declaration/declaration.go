// Package declaration turns a published notice into the cookie declaration that visitors read: one Declaration in one
// language, which the hosted page, the JSON and the embed all show alike. Everything here is computed from the notice;
// nothing is looked up.
package declaration

import (
	"slices"
	"strconv"
	"time"

	"samtykke/consent"
)

// Declaration is the cookie declaration of a notice in one language. Its JSON is public and stable: fields are added,
// never renamed. Times are RFC 3339 in UTC; texts are plain, never HTML.
type Declaration struct {
	Site       string             `json:"site"`
	SiteName   string             `json:"site_name"`
	Homepage   string             `json:"homepage"`
	Language   string             `json:"language"`
	Languages  []string           `json:"languages"` // all that this version exists in, the default first
	Version    int                `json:"version"`
	Notice     consent.Hash       `json:"notice"` // the hash that records of consent name
	ValidFrom  time.Time          `json:"valid_from"`
	ValidUntil *time.Time         `json:"valid_until"` // null for the version that is in force
	LastScan   *time.Time         `json:"last_scan"`   // null: not scanned yet
	Controller consent.Controller `json:"controller"`
	Retention  consent.Retention  `json:"retention"`  // months
	Categories []Category         `json:"categories"` // necessary first, unclassified last and only where there is something
	Versions   []Version          `json:"versions"`   // newest first

	Title    string            `json:"title"`
	Intro    []string          `json:"intro"`
	Links    []Action          `json:"actions"`  // how to change and withdraw
	Sections []Section         `json:"sections"` // what else the law wants told
	Words    map[string]string `json:"words"`    // labels for whoever shows this: column headings and the like
}

// Category is one purpose and what is stored for it.
type Category struct {
	Category    consent.Category `json:"category"`
	Name        string           `json:"name"`
	Description string           `json:"description"`
	LegalBasis  string           `json:"legal_basis"` // empty for unclassified: nothing allows it
	Items       []Item           `json:"items"`
}

// Item is one thing that is stored, in words and as values. Words that nobody has given yet are said to be missing.
type Item struct {
	Name            string           `json:"name"` // * stands for any run of characters
	Kind            consent.ItemKind `json:"kind"`
	KindName        string           `json:"kind_name"`
	Provider        string           `json:"provider"`
	Party           string           `json:"party"` // first or third
	PartyName       string           `json:"party_name"`
	Host            string           `json:"host"`
	Purpose         string           `json:"purpose"`          // empty for unclassified
	PurposeLanguage string           `json:"purpose_language"` // differs from the declaration's where nobody translated it
	Reason          string           `json:"reason"`           // necessary only: why the site can't do without
	ReasonLanguage  string           `json:"reason_language"`
	LifetimeSeconds *int64           `json:"lifetime_seconds"` // 0: until the browser closes; null: until removed
	Lifetime        string           `json:"lifetime"`
	Country         string           `json:"country"` // ISO 3166 alpha-2; empty: not told
	CountryName     string           `json:"country_name"`
	OutsideEEA      bool             `json:"outside_eea"`
	JointController bool             `json:"joint_controller"` // site and provider decide together what the data are used for
}

// Version is one published declaration and how it differs from the one before.
type Version struct {
	Version   int       `json:"version"`
	ValidFrom time.Time `json:"valid_from"`
	URL       string    `json:"url"`
	Material  bool      `json:"material"` // every visitor was asked again
	Added     []string  `json:"added"`
	Removed   []string  `json:"removed"`
	Changed   []Change  `json:"changed"`
	// What the banner asks about, and the languages in which its words differ.
	CategoriesAdded   []consent.Category `json:"categories_added"`
	CategoriesRemoved []consent.Category `json:"categories_removed"`
	TextsChanged      []string           `json:"texts_changed"`
}

// Change is one thing that a version tells differently of an item, in words.
type Change struct {
	Name   string `json:"name"`
	Field  string `json:"field"`  // category, provider, country, lifetime or purpose
	Before string `json:"before"` // empty for a purpose, and where nothing was told
	After  string `json:"after"`
}

// Action is a link by which the visitor changes or withdraws. On pages that run the banner, an element with
// data-samtykke set to Act does it in place; anywhere else URL leads to the site, where the banner opens.
type Action struct {
	Act  string `json:"act"` // open or withdraw
	Text string `json:"text"`
	URL  string `json:"url"`
}

// Section is a part of the text: paragraphs and facts under a heading.
type Section struct {
	ID         string   `json:"id"` // stable, fit for an anchor
	Heading    string   `json:"heading"`
	Paragraphs []string `json:"paragraphs"`
	Facts      []Fact   `json:"facts,omitempty"`
}

// Fact is a labelled piece of a section: some text, some links, or both.
type Fact struct {
	Label string `json:"label"`
	Text  string `json:"text,omitempty"`
	Links []Link `json:"links,omitempty"`
}

// Link is a link's words and address: https, mailto or tel, or a path on this server.
type Link struct {
	Text string `json:"text"`
	URL  string `json:"url"`
}

// Of makes the declaration of one of a site's notices in one language. notices are all of the site's, the newest
// first, and at says which of them. lastScan is when the site was last scanned, nil where it never was. An unknown
// language is NotFound.
func Of(notices []consent.Notice, at int, lang string, lastScan *time.Time) (Declaration, error) {
	n := &notices[at]
	langs := Offered(&n.Content.Banner)
	if !slices.Contains(langs, lang) {
		return Declaration{}, consent.NotFound("no_language", "The declaration does not exist in this language.")
	}
	w := wordsFor(&n.Content, lang)
	d := Declaration{
		Site: n.Site, SiteName: n.Content.SiteName, Homepage: n.Content.Homepage, Language: lang, Languages: langs, Version: n.Version,
		Notice: n.Hash, ValidFrom: n.ValidFrom, LastScan: lastScan, Controller: n.Content.Controller,
		Retention:  n.Content.Retention.Months(),
		Categories: categories(&n.Content, w, lang), Versions: versions(notices, w, lang), Title: w.text["title"], Words: w.text,
	}
	if at > 0 {
		d.ValidUntil = &notices[at-1].ValidFrom
	}
	d.Intro = intro(&d, w)
	d.Links = []Action{
		{"open", w.text["change"], d.Homepage + "#samtykke=open"},
		{"withdraw", w.text["withdraw"], d.Homepage + "#samtykke=withdraw"},
	}
	d.Sections = sections(&d, w)
	return d, nil
}

// Offered lists the banner's languages that a declaration can be written in, the default first.
func Offered(b *consent.Banner) []string {
	var langs []string
	for _, l := range b.Languages {
		if _, ok := standard[l]; ok {
			langs = append(langs, l)
		}
	}
	return langs
}

func categories(c *consent.Content, w *words, lang string) []Category {
	items := withOwn(c, w, lang)
	all := append(consent.Categories(), consent.Unclassified)
	out := make([]Category, 0, len(all))
	for _, k := range all {
		name := string(k)
		group := Category{
			Category: k, Name: w.text[name+"_name"], Description: w.text[name+"_purpose"], LegalBasis: w.text[name+"_basis"], Items: []Item{},
		}
		for i := range items {
			if items[i].Category == k {
				group.Items = append(group.Items, show(&items[i], c, w, lang))
			}
		}
		if len(group.Items) > 0 || c.Banner.Asked().Has(k) {
			out = append(out, group)
		}
	}
	return out
}

// withOwn puts the banner's own storage first where the owner hasn't described it (B24).
func withOwn(c *consent.Content, w *words, lang string) []consent.Item {
	for i := range c.Items {
		if c.Items[i].Name == "samtykke" {
			return c.Items
		}
	}
	own := consent.Item{
		Kind: consent.Cookie, Name: "samtykke", Host: hostOf(c), Party: consent.FirstParty, Category: consent.Necessary,
		Lifetime: c.Banner.Validity(), Purpose: map[string]string{lang: w.text["own_purpose"]}, Reason: map[string]string{lang: w.text["own_reason"]},
	}
	return append([]consent.Item{own}, c.Items...)
}

func show(i *consent.Item, c *consent.Content, w *words, lang string) Item {
	langs := append([]string{lang}, c.Banner.Languages...)
	out := Item{
		Name: i.Name, Kind: i.Kind, KindName: w.text["kind_"+string(i.Kind)], Provider: i.Provider, Party: i.Party,
		PartyName: w.text["party_"+i.Party], Host: i.Host, Lifetime: w.itemLifetime(i), Country: i.Country,
		CountryName: countryName(i.Country, lang), OutsideEEA: outsideEEA(i.Country),
		JointController: i.JointController,
	}
	if i.Lifetime >= 0 {
		seconds := int64(i.Lifetime / time.Second)
		out.LifetimeSeconds = &seconds
	}
	if out.Provider == "" && i.Party == consent.FirstParty {
		out.Provider = c.Controller.Name
	}
	if out.Provider == "" {
		out.Provider = w.text["provider_missing"]
	}
	// What nobody has sorted has no purpose to show (D12).
	if i.Category != consent.Unclassified {
		out.Purpose, out.PurposeLanguage = pick(i.Purpose, langs, w.text["purpose_missing"])
	}
	if i.Category == consent.Necessary {
		out.Reason, out.ReasonLanguage = pick(i.Reason, langs, w.text["reason_missing"])
	}
	return out
}

// pick takes the first of the languages that there are words in. Words in another language tell more than none; the
// page marks them as such.
func pick(texts map[string]string, langs []string, missing string) (text, lang string) {
	for _, l := range langs {
		if texts[l] != "" {
			return texts[l], l
		}
	}
	return missing, langs[0]
}

// Path is where a version's page is found; version 0 stands for the one in force.
func Path(site string, version int, lang string) string {
	if version == 0 {
		return "/d/" + site + "/" + lang
	}
	return "/d/" + site + "/" + strconv.Itoa(version) + "/" + lang
}

// versions tells the history of the list (D5). What the owner wrote as the reason stays with the owner: it was not
// written for the public.
func versions(notices []consent.Notice, w *words, lang string) []Version {
	out := make([]Version, len(notices))
	for i := range notices {
		n := &notices[i]
		shown := lang
		if langs := Offered(&n.Content.Banner); len(langs) > 0 && !slices.Contains(langs, lang) {
			shown = langs[0]
		}
		// The first version changes nothing: it is compared with itself.
		before := &notices[min(i+1, len(notices)-1)].Content
		c := Compare(before, &n.Content)
		out[i] = Version{
			Version: n.Version, ValidFrom: n.ValidFrom, URL: Path(n.Site, n.Version, shown), Material: n.Content.Terms == n.Version,
			Added: c.Added, Removed: c.Removed, Changed: tell(c, before, &n.Content, w, lang),
			CategoriesAdded: c.CategoriesAdded, CategoriesRemoved: c.CategoriesRemoved, TextsChanged: append([]string{}, c.Texts...),
		}
	}
	return out
}

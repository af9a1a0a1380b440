package declaration

import (
	"embed"
	"encoding/json"
	"fmt"
	"html/template"
	"io"
	"strconv"
	"strings"
	"time"

	"samtykke/consent"
)

//go:embed rights
var rightsFiles embed.FS

// RightsStyle is the page's style beside the declaration's; RightsScript fills in an id that stands behind the #.
var (
	RightsStyle  = rightsFile("page.css")
	RightsScript = rightsFile("page.js")
)

var rightsPage = template.Must(template.Must(page.Clone()).Funcs(template.FuncMap{"fill": fill, "act": newRightsButton}).Parse(string(rightsFile("page.html"))))

func rightsFile(name string) []byte {
	b, err := rightsFiles.ReadFile("rights/" + name)
	if err != nil {
		panic(err) // it is part of the program
	}
	return b
}

// rightsWords are the page's words by language. Visitors of other languages get English.
var rightsWords = map[string]map[string]string{"da": readRights("da"), "en": readRights("en")}

func readRights(lang string) (words map[string]string) {
	if err := json.Unmarshal(rightsFile(lang+".json"), &words); err != nil {
		panic(fmt.Errorf("rights/%s.json: %w", lang, err))
	}
	return words
}

// RightsPath is where visitors of a site use their rights, in a language.
func RightsPath(site, lang string) string { return Path(site, 0, lang) + "/rights" }

// Rights is the page on which a visitor sees what is recorded and uses the rights of the GDPR, without a login.
type Rights struct {
	Site, SiteName, Homepage string
	Asked                    string // the language that was asked for
	Visitor                  string // the id as it was typed
	Told                     string // key of what has just happened; "" for nothing
	Acts                     []RightsAct
	Can                      struct{ Withdraw, Restrict, Release, Erase bool }
	Zone                     *time.Location
	Now                      time.Time

	Style, OwnStyle, Script string // addresses
}

// RightsAct is one act as the page tells it.
type RightsAct struct {
	consent.Record
	Content  *consent.Content // of the notice that was shown
	Lock     string           // key below lock_; "" where it is in use
	Provable bool             // there are receipts of it
}

// rightsView is what the template sees.
type rightsView struct {
	*Rights
	Language        string // da or en
	Words           map[string]string
	Skip, Languages string
	Offered         []rightsLanguage
	Formats         []receiptFormat
	Told            string
	Acts            []rightsRow
	Back            string
	Open, Withdraw  string // addresses on the website
}

type rightsLanguage struct {
	Lang, Name, Path string
	Here             bool
}

type receiptFormat struct{ Value, Name string }

var receiptFormats = []receiptFormat{{"jwt", "JWT"}, {"ts27560", "ISO/IEC TS 27560"}, {"kantara", "Kantara"}}

type rightsRow struct {
	ID, Time, When string
	Sentences      []string
	Lock           string
	Declaration    string
	Version        string
	Provable       bool
}

type rightsButton struct{ Visitor, Do, Label string }

func newRightsButton(visitor, do, label string) rightsButton { return rightsButton{visitor, do, label} }

// Write writes the page.
func (r *Rights) Write(w io.Writer) error {
	v := rightsView{Rights: r, Language: r.Asked, Words: rightsWords[r.Asked], Formats: receiptFormats}
	if v.Words == nil {
		v.Language, v.Words = "en", rightsWords["en"]
	}
	v.Skip, v.Languages = Word(v.Language, "skip"), Word(v.Language, "languages")
	for _, lang := range []string{"da", "en"} {
		v.Offered = append(v.Offered, rightsLanguage{lang, Word(lang, "language_name"), RightsPath(r.Site, lang), lang == v.Language})
	}
	v.Back, v.Open, v.Withdraw = Path(r.Site, 0, r.Asked), r.Homepage+"#samtykke=open", r.Homepage+"#samtykke=withdraw"
	v.Told = v.Words[r.Told]
	for i := range r.Acts {
		v.Acts = append(v.Acts, r.tell(&r.Acts[i], v.Words, v.Language))
	}
	return rightsPage.ExecuteTemplate(w, "rights", v)
}

// tell puts an act into words.
func (r *Rights) tell(a *RightsAct, text map[string]string, lang string) rightsRow {
	w := wordsFor(a.Content, lang)
	moment := func(t time.Time) string {
		t = t.In(r.Zone)
		clock := t.Format("15:04")
		if lang == "da" {
			clock = t.Format("15.04")
		}
		return fill(text["when"], "date", w.date(time.Date(t.Year(), t.Month(), t.Day(), 0, 0, 0, 0, time.UTC)), "time", clock)
	}
	row := rightsRow{
		ID: a.ID.String(), Time: a.At.UTC().Format(time.RFC3339), When: moment(a.At), Version: strconv.Itoa(a.Content.Version),
		Declaration: Path(r.Site, a.Content.Version, a.Language), Provable: a.Provable,
	}
	if a.Lock != "" {
		row.Lock = text["lock_"+a.Lock]
	}
	var names []string
	for _, c := range a.Categories.Given.List() {
		names = append(names, w.text[string(c)+"_name"])
	}
	key := string(a.Action)
	if a.Action == consent.Custom && len(names) == 0 {
		key = "custom_none"
	}
	row.Sentences = append(row.Sentences, fill(text[key], "names", strings.Join(names, ", "))+" "+text["by_"+string(a.Method)])
	say := func(key string, names []string) {
		if len(names) > 0 {
			row.Sentences = append(row.Sentences, fill(text[key], "names", strings.Join(names, ", ")))
		}
	}
	say("refused", a.Refused)
	say("cleared", a.Cleared)
	say("remaining", a.Remaining)
	if a.Path != "" {
		say("path", []string{a.Path})
	}
	if a.Address.IsValid() {
		say("network", []string{a.Address.String()})
	}
	until := "valid_until"
	if !r.Now.Before(a.ValidUntil) {
		until = "valid_ended"
	}
	row.Sentences = append(row.Sentences, fill(text[until], "date", w.date(a.ValidUntil)))
	return row
}

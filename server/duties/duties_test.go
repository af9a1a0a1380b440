package duties_test

import (
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/html"

	"samtykke/consent"
	"samtykke/server/duties"
)

var at = time.Date(2026, 11, 22, 14, 5, 0, 0, time.UTC)

// hosted is an installation that a bureau runs for a shop.
func hosted() duties.Data {
	banner := consent.DefaultBanner()
	banner.Signals = []string{"uet", "meta"}
	banner.Hosts = []consent.HostRule{{Host: "cdn.example.com", Category: consent.Necessary, Reason: "viser kortet"}}
	return duties.Data{
		Operator:   duties.Operator{Name: "Bureau Nord ApS", CVR: "11223344", Address: "Havnegade 1, 9000 Aalborg", Country: "DK", Email: "drift@bureaunord.example"},
		Controller: consent.Controller{Name: "Fjordfletværk A/S", CVR: "87654321", Address: "Kajen 2, 9400 Nørresundby", Email: "gdpr@fjord.example", Phone: "12 34 56 78", DPO: "dpo@fjord.example"},
		Sites: []duties.Site{
			{Name: "Butikken", Domains: []string{"fjord.example", "shop.example"}, Banner: &banner, Instructions: []string{"Særlig instruks."}},
			{Name: "Klubben", Domains: []string{"klub.example"}},
		},
		BackupDays: 30, From: at.AddDate(-1, 0, 0), At: at,
		Deletion: &duties.Deletion{At: at, By: "Kim Holm", Reason: "Aftalens ophør", Items: []duties.Deleted{{What: "Registreringer", Records: 1234}}},
	}
}

func alone() duties.Data {
	d := hosted()
	d.Operator = duties.Operator{SelfHosted: true}
	return d
}

// variants exercise each branch of the words.
func variants() map[string]duties.Data {
	all := map[string]duties.Data{"hosted": hosted(), "alone": alone()}
	for name, d := range map[string]duties.Data{"hosted": hosted(), "alone": alone()} {
		d.SubProcessors = []duties.SubProcessor{
			{Name: "Vært GmbH", CVR: "HRB 1", Country: "DE", Task: "Hosting", Since: at},
			{Name: "Copies Inc.", Country: "US", Task: "Backup", Transfer: "EU-US Data Privacy Framework"},
			{Name: "Help Ltd", Country: "IN", Task: "Support"},
		}
		d.Product = duties.Product{Ledger: true, AuditLog: true, SecureDelete: true, Restriction: true, SiteRights: true}
		d.Accepted = &duties.Acceptance{Name: "Ida Berg", Email: "ida@fjord.example", At: at, Version: 1}
		d.Location, d.BackupDays, d.To = "US", duties.NoBackups, at
		d.Deletion.Kept = []string{"Antal pr. dag."}
		all[name+", everything told"] = d
		all[name+", nothing told"] = duties.Data{
			Operator: duties.Operator{Name: d.Operator.Name, SelfHosted: d.Operator.SelfHosted}, Controller: consent.Controller{Name: "X"}, At: at,
			Deletion: &duties.Deletion{At: at, By: "Y", Items: []duties.Deleted{{What: "Z", Records: 0}}},
		}
	}
	return all
}

func paper(t *testing.T, k duties.Kind, d duties.Data, lang string) duties.Paper {
	t.Helper()
	p, err := k.Make(d, lang)
	if err != nil {
		t.Fatalf("%s in %s: %v", k.Name, lang, err)
	}
	return p
}

func find(t *testing.T, name string) duties.Kind {
	t.Helper()
	i := slices.IndexFunc(duties.All(), func(k duties.Kind) bool { return k.Name == name })
	if i < 0 {
		t.Fatal("there is no paper " + name)
	}
	return duties.All()[i]
}

// contains says which of the words are missing from a text, and which of those after "not" are there.
func contains(t *testing.T, what, text string, words ...string) {
	t.Helper()
	for _, w := range words {
		not, forbidden := strings.CutPrefix(w, "!")
		if strings.Contains(text, not) == forbidden {
			t.Errorf("%s: %q", what, w)
		}
	}
}

// shape is the elements of a document in their order.
func shape(t *testing.T, doc string) (tags []string) {
	t.Helper()
	root, err := html.Parse(strings.NewReader(doc))
	if err != nil {
		t.Fatal(err)
	}
	for n := range root.Descendants() {
		if n.Type == html.ElementNode {
			tag := n.Data
			for _, a := range n.Attr {
				if a.Key == "id" {
					tag += "#" + a.Val
				}
			}
			tags = append(tags, tag)
		}
	}
	return tags
}

// unfilled finds what a template or a person forgot: also a label, a list's line or a cell with nothing in it.
var unfilled = regexp.MustCompile(`(?m){|}|\[|<no value>|%!|(?i:todo|xxx|undefined)|<nil>|: $|^- .*:$|\| *\||\| *$`)

// P1, P5, P7, P8, P9, P10, P14: each paper is whole in Danish and in English, part by part.
func TestPapers_AreWholeInBothLanguages(t *testing.T) {
	for name, d := range variants() {
		for _, k := range duties.All() {
			what := name + ", " + k.Name
			da, en := paper(t, k, d, "da"), paper(t, k, d, "en")
			if a, b := shape(t, da.HTML), shape(t, en.HTML); !slices.Equal(a, b) {
				t.Errorf("%s: Danish and English differ in shape:\n%v\n%v", what, a, b)
			}
			if len(da.Sections) == 0 || da.Title == en.Title {
				t.Errorf("%s: %d sections, titles %q and %q", what, len(da.Sections), da.Title, en.Title)
			}
			for _, p := range []duties.Paper{da, en} {
				if p.Version != k.Version || !p.Date.Equal(k.Date) || p.Name != k.Name {
					t.Errorf("%s: version %d of %s", what, p.Version, p.Date)
				}
				if got := unfilled.FindString(p.Text); got != "" {
					t.Errorf("%s in %s: unfilled %q in\n%s", what, p.Language, got, p.Text)
				}
				for i, s := range p.Sections {
					if s.ID == "" || s.Heading == "" || s.Text == "" || s.Heading == en.Sections[i].Heading && p.Language == "da" {
						t.Errorf("%s in %s: section %+v", what, p.Language, s)
					}
				}
			}
			contains(t, what, da.Text, "Få en jurist til at læse det igennem", "1 af 22. november 2026", "22. november 2026 kl. 14.05 (UTC)")
			contains(t, what, en.Text, "Have a lawyer read it", "1 of 22 November 2026", "22 November 2026 at 14:05 (UTC)")
		}
	}
}

// Papers load nothing and run nothing, wherever they are shown.
func TestPapers_StandAlone(t *testing.T) {
	for _, k := range duties.All() {
		p := paper(t, k, hosted(), "da")
		doc := html.UnescapeString(p.HTML)
		contains(t, k.Name, doc, "!<script", "!<link", "!src=", "!href=", "!url(", "!@import", "!style=", "default-src 'none'; style-src '"+duties.StyleHash()+"'", `<html lang="da">`)
		_, rest, _ := strings.Cut(p.HTML, "<style>")
		style, _, _ := strings.Cut(rest, "</style>")
		sum := sha256.Sum256([]byte(style))
		if got := "sha256-" + base64.StdEncoding.EncodeToString(sum[:]); got != duties.StyleHash() {
			t.Errorf("%s: the style's hash is %s, browsers would refuse it by %s", k.Name, got, duties.StyleHash())
		}
	}
}

// P12: whoever runs it for itself has no processor; the papers say which it is.
func TestPapers_SayWhetherThereIsAProcessor(t *testing.T) {
	for _, k := range duties.All() {
		own := alone()
		own.Operator.Name, own.Operator.Country = "Somebody left over", "nowhere"
		contains(t, k.Name+" alone", paper(t, k, own, "da").Text, "Databehandler: Ingen\n", "Ingen databehandler: Fjordfletværk A/S driver selv installationen", "!Somebody left over")
		contains(t, k.Name+" alone", paper(t, k, own, "en").Text, "Processor: None\n", "No processor: Fjordfletværk A/S runs the installation itself")
		contains(t, k.Name+" hosted", paper(t, k, hosted(), "da").Text, "Databehandler: Bureau Nord ApS\n", "!Ingen databehandler")
		contains(t, k.Name+" hosted", paper(t, k, hosted(), "en").Text, "Processor: Bureau Nord ApS\n", "!No processor")
	}
	contains(t, "breach alone", paper(t, find(t, "breach"), alone(), "da").Text, "senest 72 timer", "!24 timer", "!Fra databehandleren")
	contains(t, "agreement alone", paper(t, find(t, "agreement"), alone(), "da").Text, "ikke en aftale", "!Bilag A")
}

func TestPapers_EscapeWhatTheyAreTold(t *testing.T) {
	const evil = `<script>alert("x")</script>`
	d := hosted()
	d.Operator.Name, d.Operator.Address, d.Controller.Name, d.Controller.DPO = evil, evil, evil, evil
	d.Sites = []duties.Site{{Name: evil, Domains: []string{evil}, Instructions: []string{evil}}}
	d.SubProcessors = []duties.SubProcessor{{Name: evil, CVR: evil, Country: "US", Task: evil, Transfer: evil}}
	d.Accepted = &duties.Acceptance{Name: evil, Email: evil, At: at, Version: 1}
	d.Deletion = &duties.Deletion{At: at, By: evil, Reason: evil, Items: []duties.Deleted{{What: evil}}, Kept: []string{evil}}
	for _, k := range duties.All() {
		p := paper(t, k, d, "en")
		if slices.Contains(shape(t, p.HTML), "script") {
			t.Errorf("%s holds a script", k.Name)
		}
		contains(t, k.Name, p.Text, evil)
	}
}

// P1: the structure of the authority's clauses, all annexes, and the person who accepted.
func TestAgreement(t *testing.T) {
	d := hosted()
	p := paper(t, find(t, "agreement"), d, "da")
	var ids []string
	for _, s := range p.Sections {
		ids = append(ids, s.ID)
	}
	want := "parties preamble controller instructions confidentiality security subprocessors transfers assistance breach end inspection other term contacts annex-a annex-b annex-c annex-d"
	if got := strings.Join(ids, " "); got != want {
		t.Errorf("sections %s", got)
	}
	contains(t, "agreement", p.Text, "dataansvarlig", "underdatabehandler", "instruks", "tilsyn", "de registrerede", "CVR-nr.: 11223344", "CVR-nr.: 87654321",
		"Den er ikke de standardkontraktsbestemmelser", "endnu ikke tiltrådt i kontrolpanelet")

	d.Accepted = &duties.Acceptance{Name: "Ida Berg", Email: "ida@fjord.example", At: at, Version: 1}
	contains(t, "accepted", paper(t, find(t, "agreement"), d, "da").Text,
		"Ida Berg", "ida@fjord.example", "Tidspunkt: 22. november 2026 kl. 14.05 (UTC)", "!endnu ikke tiltrådt")
	d.Accepted.Version = 2
	contains(t, "another version accepted", paper(t, find(t, "agreement"), d, "da").Text, "Tiltrædelsen gælder version 2", "er endnu ikke tiltrådt")
}

// P2: the settings in force are the instruction.
func TestAgreement_SettingsAreTheInstruction(t *testing.T) {
	for lang, words := range map[string][]string{
		"da": {
			"Domæner: fjord.example, shop.example", "Kategorier, der spørges om: præferencer, statistik, marketing", "Sprog: dansk, engelsk", "gælder i 365 dage",
			"Global Privacy Control regnes for en afvisning", "Do Not Track regnes ikke", "Microsoft Advertising (UET), Meta Pixel", "Domænet cdn.example.com behandles som kategorien nødvendige: viser kortet",
			"Særlig instruks.", "Der er endnu ikke udgivet et banner",
		},
		"en": {
			"Domains: fjord.example, shop.example", "Categories asked about: preferences, statistics, marketing", "Languages: Danish, English", "counts for 365 days",
			"Global Privacy Control counts as a refusal", "Do Not Track does not count", "cdn.example.com is treated as the category necessary: viser kortet", "No banner has been published yet",
		},
	} {
		contains(t, lang, paper(t, find(t, "agreement"), hosted(), lang).Text, words...)
	}
	all := hosted()
	b := all.Sites[0].Banner
	b.GPC, b.DNT, b.ConsentMode, b.AutoBlock, b.PerVendor, b.Import, b.FirstParty, b.Domain = false, true, false, true, true, true, true, "fjord.example"
	contains(t, "the other way", paper(t, find(t, "agreement"), all, "da").Text, "Global Privacy Control regnes ikke", "Do Not Track regnes for", "Consent Mode er slået fra",
		"også hvor det ikke er mærket", "fravælge enkelte udbydere", "overtages én gang", "egen adresse", "domænet fjord.example")
}

// Every signal that a banner can have is told by a name.
func TestAgreement_NamesEverySignal(t *testing.T) {
	d := hosted()
	for _, s := range consent.SignalNames {
		d.Sites[0].Banner.Signals = []string{s}
		p := paper(t, find(t, "agreement"), d, "en")
		if regexp.MustCompile(`told in the browser to: *\n`).MatchString(p.Text) {
			t.Errorf("%s has no name", s)
		}
	}
}

// T1: the periods that are in force stand in the papers.
func TestPapers_TellTheRetentionInForce(t *testing.T) {
	for _, name := range []string{"agreement", "controller-record"} {
		contains(t, name, paper(t, find(t, name), hosted(), "da").Text, "Samtykker slettes 24 måneder efter", "Afvisninger slettes 12 måneder efter")
		d := hosted()
		d.Retention = duties.Retention{Consents: 60, Refusals: 1}
		contains(t, name, paper(t, find(t, name), d, "da").Text, "Samtykker slettes 60 måneder efter", "Afvisninger slettes 1 måned efter", "!24 måneder")
		contains(t, name, paper(t, find(t, name), d, "en").Text, "deleted 60 months after", "deleted 1 month after")
	}
}

// P5, P11: none by default; what is outside the EU/EEA is told, and a missing basis is no blank.
func TestSubProcessors(t *testing.T) {
	k, d := find(t, "subprocessors"), hosted()
	contains(t, "none", paper(t, k, d, "da").Text, "Ingen.", "mindst 30 dage", "opbevares i: EU/EØS", "behandles ingen oplysninger uden for EU/EØS")
	d.SubProcessors = []duties.SubProcessor{{Name: "Vært GmbH", CVR: "HRB 1", Country: "DE", Task: "Hosting", Since: at}}
	contains(t, "one", paper(t, k, d, "da").Text, "Vært GmbH | HRB 1 | Tyskland | Hosting | 22. november 2026 | Ikke nødvendigt", "!Ingen.", "behandles ingen oplysninger uden for")
	d.SubProcessors = append(d.SubProcessors, duties.SubProcessor{Name: "Copies Inc.", Country: "US", Task: "Backup"})
	contains(t, "no basis", paper(t, k, d, "da").Text, "Copies Inc. | ikke oplyst | USA | Backup | ikke oplyst | Mangler", "Oplysninger behandles uden for EU/EØS")
	d.SubProcessors[1].Transfer = "SCC"
	contains(t, "basis", paper(t, k, d, "en").Text, "Copies Inc. | not stated | United States | Backup | not stated | SCC", "!Missing", "Data is processed outside")
	d.SubProcessors, d.Location = nil, "CH"
	contains(t, "place", paper(t, k, d, "en").Text, "kept in: Switzerland", "Data is processed outside")
	contains(t, "instruction", paper(t, find(t, "agreement"), hosted(), "da").Text, "ikke givet instruks om overførsel til tredjelande")
}

// P14: nothing is claimed of the product that it hasn't been said to do.
func TestMeasures_ClaimOnlyWhatIsThere(t *testing.T) {
	claims := map[string]func(*duties.Product){
		"a Merkle tree":                         func(p *duties.Product) { p.Ledger = true },
		"the log can only be added to":          func(p *duties.Product) { p.AuditLog = true },
		"what is deleted is overwritten":        func(p *duties.Product) { p.SecureDelete = true },
		"can be locked instead of deleted":      func(p *duties.Product) { p.Restriction = true },
		"reaches only the websites that it was": func(p *duties.Product) { p.SiteRights = true },
	}
	for words, switchOn := range claims {
		d := hosted()
		for _, k := range duties.All() {
			contains(t, k.Name+" without", paper(t, k, d, "en").Text, "!"+words)
		}
		switchOn(&d.Product)
		for _, name := range []string{"measures", "agreement"} {
			contains(t, name+" with", paper(t, find(t, name), d, "en").Text, words)
		}
	}
	contains(t, "the processor's part", paper(t, find(t, "measures"), hosted(), "da").Text, "Databehandleren skal sørge for det", "Kryptering af diske og af sikkerhedskopier")
	contains(t, "the controller's part", paper(t, find(t, "measures"), alone(), "da").Text, "Den dataansvarlige skal sørge for det")
}

// P9, T8, T10: what, when, how many, by whom, and when the backups are through.
func TestDeletionCertificate(t *testing.T) {
	k, d := find(t, "deletion"), hosted()
	contains(t, "certificate", paper(t, k, d, "da").Text, "Registreringer | 1234", "Slettet af: Kim Holm", "Slettet: 22. november 2026 kl. 14.05 (UTC)", "Anledning: Aftalens ophør",
		"senest 30 dage efter", "senest 22. december 2026", "Intet af det", "fjord.example")
	d.Deletion.Kept = []string{"Hashværdier i loggen."}
	d.BackupDays = duties.NoBackups
	contains(t, "kept", paper(t, k, d, "da").Text, "- Hashværdier i loggen.", "!Intet af det", "Der tages ikke sikkerhedskopier", "!Det vil sige")
	d.BackupDays = 0
	contains(t, "nobody said", paper(t, k, d, "da").Text, "Det er ikke oplyst, hvor længe sikkerhedskopier")
	for _, less := range []*duties.Deletion{nil, {By: "X", Items: d.Deletion.Items}, {At: at, Items: d.Deletion.Items}, {At: at, By: "X"}} {
		d.Deletion = less
		if _, err := duties.DeletionCertificate(d, "da"); consent.KindOf(err) != consent.KindInvalid {
			t.Errorf("%+v is certified: %v", less, err)
		}
	}
}

func TestPapers_RefuseWhatIsIncomplete(t *testing.T) {
	for field, spoil := range map[string]func(*duties.Data){
		"controller.name":  func(d *duties.Data) { d.Controller.Name = "" },
		"operator.name":    func(d *duties.Data) { d.Operator.Name = "" },
		"operator.country": func(d *duties.Data) { d.Operator.Country = "Danmark" },
		"at":               func(d *duties.Data) { d.At = time.Time{} },
		"to":               func(d *duties.Data) { d.To = d.From.Add(-time.Hour) },
		"retention":        func(d *duties.Data) { d.Retention.Consents = 61 },
		"backup_days":      func(d *duties.Data) { d.BackupDays = -2 },
		"location":         func(d *duties.Data) { d.Location = "150" },
		"sub_processors":   func(d *duties.Data) { d.SubProcessors = []duties.SubProcessor{{Name: "X", Task: "Y"}} },
		"accepted":         func(d *duties.Data) { d.Accepted = &duties.Acceptance{} },
	} {
		d := hosted()
		spoil(&d)
		_, err := duties.ProcessingAgreement(d, "da")
		e, ok := err.(*consent.Error)
		if !ok || e.Kind != consent.KindInvalid || len(e.Fields) != 1 || e.Fields[field] == "" {
			t.Errorf("%s: %v", field, err)
		}
	}
	for _, lang := range []string{"", "sv", "../da"} {
		if _, err := duties.Measures(hosted(), lang); consent.KindOf(err) != consent.KindNotFound {
			t.Errorf("%q: %v", lang, err)
		}
	}
}

// D14: words that are wrong or promise too much stand in no paper.
func TestPapers_AvoidWhatIsWrong(t *testing.T) {
	for name, d := range variants() {
		for _, k := range duties.All() {
			for _, lang := range duties.Languages() {
				text := strings.ToLower(paper(t, k, d, lang).Text)
				contains(t, fmt.Sprint(name, k.Name, lang), text, "!anonym", "!privacy shield", "!erhvervsstyrelsen", "!borgergade", "!harmless", "!uskadelig", "!100 %")
			}
		}
	}
}

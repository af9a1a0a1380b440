package report

import (
	"cmp"
	_ "embed"
	"encoding/base64"
	"fmt"
	"html/template"
	"io"
	"slices"
	"strings"
	"time"

	"samtykke/consent"
	"samtykke/scanner/evidence"
	"samtykke/scanner/judgement"
	"samtykke/scanner/spoken"
)

//go:embed report.html
var reportHTML string

//go:embed report.css
var reportCSS template.CSS

// htmlReports are the page in each language. It needs no script and nothing from elsewhere, so that it can be sent, kept
// and printed as one file.
var htmlReports = map[string]*template.Template{"da": htmlReport("da"), "en": htmlReport("en")}

func htmlReport(language string) *template.Template {
	in := func(w spoken.Words) string { return w.In(language) }
	return template.Must(template.New("report").Funcs(template.FuncMap{
		"say":    func(da, en string, values ...any) string { return in(spoken.Say(da, en, values...)) },
		"in":     in,
		"called": func(word any) string { return in(spoken.Called(fmt.Sprint(word))) },
		"head":   func(state string) string { return in(heads[state]) },
		"pick":   func(t map[string]string) string { return consent.Text(t).In(language) },
		"lasts":  func(it judgement.Item) string { return spoken.Lasting(it.Lifetime()).In(language) },
		"moment": func(t time.Time) string { return spoken.Moment(t).In(language) },
		"name":   func(s judgement.StateResult) string { return in(stateName(&s)) },
		"upper":  func(s string) string { return strings.ToUpper(s[:min(1, len(s))]) + s[min(1, len(s)):] },
		"host":   evidence.HostOf,
		"bare":   func(host string) string { return strings.TrimPrefix(host, ".") },
		"cell":   func(it judgement.Item, state string) string { return mark(&it, state) },
		"has":    func(list []string, s string) bool { return slices.Contains(list, s) },
		"states": func(list []string) string { return in(spoken.Joined(list)) },
		"image":  picture,
		"lines":  evidenceLines,
	}).Parse(reportHTML))
}

// picture gives a screenshot as an address that holds it; "" where it is none.
func picture(p evidence.Picture) template.URL {
	if !strings.HasPrefix(string(p.PNG), "\x89PNG\r\n\x1a\n") {
		return ""
	}
	return template.URL("data:image/png;base64," + base64.StdEncoding.EncodeToString(p.PNG))
}

// shownLines is how many lines of evidence are open at once on screens.
const shownLines = 8

// evidenceLines are the lines that are shown at once and those that are folded away; one alone isn't worth a fold.
func evidenceLines(all []consent.Text) (split [2][]consent.Text) {
	if len(all) <= shownLines+1 {
		split[0] = all
		return split
	}
	split[0], split[1] = all[:shownLines], all[shownLines:]
	return split
}

// htmlPage is what the template shows.
type htmlPage struct {
	*judgement.Report
	Language string
	CSS      template.CSS
	Counts   []severityCount
	Open     []consent.Finding
	Agreed   []agreedFinding
	Groups   []itemGroup
	Vendors  []vendorRow
	Columns  []string
	Reached  map[string]bool
	Rows     []pageRow
	Unread   []unreadPage
	Gaps     []spoken.Words
	News     []consent.Text
	Took     spoken.Words
}

// agreedFinding is a finding that somebody has accepted.
type agreedFinding struct {
	consent.Finding
	By *judgement.Acceptance
}

// HTML writes the report as one file to read and to print: da is Danish, everything else English.
func HTML(w io.Writer, r *judgement.Report, language string) error {
	if language != "da" {
		language = "en"
	}
	p := htmlPage{
		Report: r, Language: language, CSS: reportCSS, Counts: countsOf(r), Open: r.Open(), Groups: groupsOf(r), Vendors: vendorsOf(r),
		Columns: columnsOf(r), Reached: r.Reached(), Rows: pageRowsOf(r), Unread: unreadOf(r), Gaps: gapsOf(r), Took: took(r.FinishedAt.Sub(r.StartedAt)),
	}
	for i := range r.Findings {
		if a := r.Acceptance(&r.Findings[i]); a != nil {
			p.Agreed = append(p.Agreed, agreedFinding{r.Findings[i], a})
		}
	}
	if r.Changes != nil {
		p.News = r.Changes.Summary()
	}
	return htmlReports[language].Execute(w, p)
}

// took is how long a scan lasted.
func took(d time.Duration) spoken.Words {
	if d < 2*time.Minute {
		return spoken.Say("%d sekunder", "%d seconds", int(d.Round(time.Second)/time.Second))
	}
	return spoken.Say("%d minutter", "%d minutes", int(d.Round(time.Minute)/time.Minute))
}

// Label is the vendor, or the host where nobody knows it.
func (v vendorRow) Label() string { return cmp.Or(v.Vendor, v.Hosts[0]) }

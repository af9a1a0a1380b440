package inspection

import (
	"bytes"
	"embed"
	"encoding/json"
	"fmt"
	"html/template"
	"strings"
	"time"

	"samtykke/consent"
)

//go:embed index.html texts/*.json
var sources embed.FS

var page = template.Must(template.New("index.html").Funcs(template.FuncMap{
	"folder": noticeFolder,
	"day":    func(t time.Time) string { return t.UTC().Format(time.DateOnly) },
	"minute": func(t time.Time) string { return t.UTC().Format("2006-01-02 15:04 UTC") },
	"last":   func(t time.Time) time.Time { return t.Add(-time.Nanosecond) },
}).ParseFS(sources, "index.html"))

// view is what the index shows.
type view struct {
	*Pack
	Language string
	T        map[string]string
	Other    string // the other language's index
	Totals   []total
	Groups   []group
	Has      map[string]bool // folders that have anything
	PDF      bool
}

type total struct {
	Action string
	N      int64
}

// group is the technologies of a category.
type group struct {
	Category string
	Items    []consent.Item
}

func texts(language string) (map[string]string, error) {
	b, err := sources.ReadFile("texts/" + language + ".json")
	if err != nil {
		return nil, err
	}
	var t map[string]string
	return t, json.Unmarshal(b, &t)
}

// indexes writes the index in each language, as HTML and, where a browser is there, as PDF.
func (w *writer) indexes(p *Pack) error {
	has := map[string]bool{}
	for _, name := range w.names {
		folder, _, _ := strings.Cut(name, "/")
		has[folder] = true
	}
	for i, lang := range Languages {
		t, err := texts(lang)
		if err != nil {
			return err
		}
		v := view{Pack: p, Language: lang, T: t, Other: "index." + Languages[1-i] + ".html", Has: has, PDF: p.PDF != nil}
		sums := map[consent.Action]int64{}
		for _, d := range p.Days {
			for a, n := range d.Counts {
				sums[a] += n
			}
		}
		for _, a := range consent.Actions {
			v.Totals = append(v.Totals, total{t["action_"+string(a)], sums[a]})
		}
		for _, c := range consent.Categories() {
			g := group{Category: t["category_"+string(c)]}
			for _, item := range p.Items {
				if item.Category == c {
					g.Items = append(g.Items, item)
				}
			}
			if len(g.Items) > 0 {
				v.Groups = append(v.Groups, g)
			}
		}
		var b bytes.Buffer
		if err := page.Execute(&b, v); err != nil {
			return fmt.Errorf("index in %s: %w", lang, err)
		}
		if err := w.file("index."+lang+".html", b.Bytes()); err != nil {
			return err
		}
		if p.PDF == nil {
			continue
		}
		pdf, err := p.PDF(b.Bytes())
		if err != nil {
			return fmt.Errorf("print the index: %w", err)
		}
		if err := w.file("index."+lang+".pdf", pdf); err != nil {
			return err
		}
	}
	return nil
}

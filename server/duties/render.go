package duties

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/base64"
	"fmt"
	"html/template"
	"io/fs"
	"path"
	"slices"

	"samtykke/consent"
)

//go:embed texts/*.html shared/*.html
var texts embed.FS

//go:embed page.html
var pageHTML string

//go:embed page.css
var style string

// StyleHash is what a Content-Security-Policy allows the papers' style by: style-src 'sha256-…'.
func StyleHash() string {
	sum := sha256.Sum256([]byte(style))
	return "sha256-" + base64.StdEncoding.EncodeToString(sum[:])
}

// Languages lists the languages that papers are written in.
func Languages() []string { return []string{"da", "en"} }

// pages holds a template for each file in texts, read once, at start: the files are part of the program, so a broken
// one is a broken build.
var pages = load()

func load() map[string]*template.Template {
	all := map[string]*template.Template{}
	for _, lang := range Languages() {
		shared := template.Must(template.New("").Funcs(vocabularies[lang].funcs()).Parse(pageHTML))
		template.Must(shared.ParseFS(texts, "shared/*."+lang+".html"))
		files, err := fs.Glob(texts, "texts/*."+lang+".html")
		if err != nil {
			panic(err)
		}
		for _, file := range files {
			t := template.Must(shared.Clone())
			all[path.Base(file)] = template.Must(t.ParseFS(texts, file))
		}
	}
	return all
}

// view is what the templates see.
type view struct {
	Data
	Paper     Paper
	Agreement int // the version of the processing agreement in force
	Style     template.CSS
	StyleHash string
}

// write makes a paper.
func write(name string, d Data, lang string) (Paper, error) {
	if !slices.Contains(Languages(), lang) {
		return Paper{}, consent.NotFound("no_language", "The paper does not exist in this language.")
	}
	d, err := d.complete()
	if err != nil {
		return Paper{}, err
	}
	k := kind(name)
	p := Paper{Name: name, Language: lang, Version: k.Version, Date: k.Date}
	v := view{Data: d, Paper: p, Agreement: kind("agreement").Version, Style: template.CSS(style), StyleHash: StyleHash()}
	var b bytes.Buffer
	if err := pages[name+"."+lang+".html"].ExecuteTemplate(&b, "page", &v); err != nil {
		return Paper{}, fmt.Errorf("paper %s: %w", name, err)
	}
	p.HTML = b.String()
	return p, p.read()
}

func kind(name string) Kind {
	all := All()
	return all[slices.IndexFunc(all, func(k Kind) bool { return k.Name == name })]
}

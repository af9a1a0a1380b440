// Package dashboard is how the owner's pages look and read: templates, style, the words of each language, and how
// dates and numbers are written. It knows no request and no database, and every page works without script.
package dashboard

import (
	"bytes"
	"embed"
	"fmt"
	"html/template"
	"io"
	"io/fs"
	"net/url"
	"slices"
	"sync"

	"samtykke/consent"
)

//go:embed */page.html */page.css */page.ts layout/icon.svg texts/*.json
var files embed.FS

// View is what every page needs beside its own Data.
type View struct {
	Lang   string        // da or en
	User   *consent.User // nil before the login
	Site   *consent.Site // nil outside of a site's pages
	Tab    string        // which of the site's pages this is; "" for pages below them
	Admin  string        // which of the installation's pages this is; "" outside of them
	Deep   bool          // the page is below the one that Tab names
	Title  string        // of the browser's window, without the product's name
	Here   string        // local address that shows this page again
	Style  string        // address of the style sheet
	Script string        // address of the page's script; "" for none
	Done   string        // key below "done." of what has just been done; "" for nothing
	Form   *Form         // nil on pages without a form that can fail
	Data   any
}

// MayChange says whether to offer what only editors and owners may do.
func (v View) MayChange() bool { return v.User != nil && v.User.Role.Covers(consent.Editor) }

// Switch is the address of this page in the other language, for pages before the login.
func (v View) Switch() string {
	u, err := url.Parse(v.Here)
	if err != nil {
		return "?lang=" + other(v.Lang)
	}
	q := u.Query()
	q.Set("lang", other(v.Lang))
	u.RawQuery = q.Encode()
	return u.String()
}

// Render writes a page, or nothing where its template fails.
func Render(w io.Writer, page string, v View) error {
	t := pages()[v.Lang][page]
	if t == nil {
		return fmt.Errorf("no page %q in language %q", page, v.Lang)
	}
	var b bytes.Buffer
	if err := t.ExecuteTemplate(&b, "layout", v); err != nil {
		return err
	}
	_, err := b.WriteTo(w)
	return err
}

// pages parses every template once for each language, since the words are bound at parsing.
var pages = sync.OnceValue(func() map[string]map[string]*template.Template {
	all := map[string]map[string]*template.Template{}
	for _, lang := range Languages() {
		all[lang] = map[string]*template.Template{}
		layout := template.Must(template.New("layout").Funcs(For(lang).funcs()).Funcs(peopleFuncs).ParseFS(files, "layout/page.html"))
		for _, page := range Pages() {
			t := template.Must(template.Must(layout.Clone()).ParseFS(files, page+"/page.html"))
			all[lang][page] = t
		}
	}
	return all
})

// Pages lists the names of all pages.
func Pages() []string {
	found, _ := fs.Glob(files, "*/page.html") // the pattern is a constant
	var names []string
	for _, f := range found {
		if name := f[:len(f)-len("/page.html")]; name != "layout" {
			names = append(names, name)
		}
	}
	return names
}

// Style is the one style sheet of all pages: the layout's first, then each page's own.
func Style() []byte {
	found, _ := fs.Glob(files, "*/page.css")
	slices.SortStableFunc(found, func(a, b string) int { return rank(a) - rank(b) })
	var b bytes.Buffer
	for _, f := range found {
		css, _ := files.ReadFile(f) // it was found a moment ago
		b.Write(css)
	}
	return b.Bytes()
}

// Scripts are the pages' scripts in TypeScript, by page. Pages work without theirs.
func Scripts() map[string][]byte {
	found, _ := fs.Glob(files, "*/page.ts")
	all := map[string][]byte{}
	for _, f := range found {
		all[f[:len(f)-len("/page.ts")]], _ = files.ReadFile(f) // it was found a moment ago
	}
	return all
}

func rank(file string) int {
	if file == "layout/page.css" {
		return 0
	}
	return 1
}

// Icon is the product's mark.
func Icon() []byte {
	b, _ := files.ReadFile("layout/icon.svg")
	return b
}

package declaration

import (
	_ "embed"
	"html/template"
	"io"
	"strings"
)

// Style is the hosted page's style sheet.
//
//go:embed page.css
var Style []byte

// Embed is the script that shows the declaration on the site's own page.
//
//go:embed embed.js
var Embed []byte

//go:embed page.html
var pageHTML string

var page = template.Must(template.New("page").Funcs(template.FuncMap{"word": Word, "path": Path, "safe": safeURL}).Parse(pageHTML))

// safeURL lets the addresses of a declaration through, tel: among them, which html/template does not know to be safe.
func safeURL(address string) template.URL {
	for _, start := range []string{"https://", "http://", "mailto:", "tel:", "/"} {
		if strings.HasPrefix(address, start) {
			return template.URL(address)
		}
	}
	return "#"
}

// WritePage writes the declaration as a page that works without script; style is the address of Style.
func (d *Declaration) WritePage(w io.Writer, style string) error {
	return page.ExecuteTemplate(w, "declaration", struct {
		*Declaration
		Style string
	}{d, style})
}

// table is what the template needs to show one category's items.
type table struct {
	Category
	Words    map[string]string
	Language string
}

// Table gives a category to the template with the words around it.
func (d *Declaration) Table(c Category) any { return table{c, d.Words, d.Language} }

// WriteMissing writes the page for an address that has no declaration.
func WriteMissing(w io.Writer, lang, style string) error {
	return page.ExecuteTemplate(w, "missing", struct{ Language, Style string }{lang, style})
}

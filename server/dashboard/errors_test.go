package dashboard

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// Every sentence that an error can show to a person has a Danish translation (H12): the sources themselves are the
// list of sentences.
func TestErrors_AreTranslated(t *testing.T) {
	found := map[string]bool{}
	for _, sources := range []string{"../../consent/*.go", "../*.go", "../store/*.go", "../../scanner/report/read.go", "../../widget/*.go"} {
		files, err := filepath.Glob(sources)
		if err != nil || len(files) == 0 {
			t.Fatal(sources, err)
		}
		for _, f := range files {
			if !strings.HasSuffix(f, "_test.go") {
				sentences(t, f, found)
			}
		}
	}
	if len(found) < 60 {
		t.Errorf("found only %d sentences: the search is broken", len(found))
	}
	da := For("da")
	for s := range found {
		if got := da.Error(strings.ReplaceAll(s, "*", "X")); got == strings.ReplaceAll(s, "*", "X") {
			t.Errorf("no Danish for %q", s)
		}
	}
	for s := range da.errors {
		if !found[s] {
			t.Errorf("nothing says %q any more", s)
		}
	}
}

// sentences collects what a file passes on as words for people: consent.Invalid(code, …), NotFound(code, …),
// f.add(bad, field, …), wrongField(…), map entries of a filter, and Message: … of an Error.
func sentences(t *testing.T, file string, found map[string]bool) {
	tree, err := parser.ParseFile(token.NewFileSet(), file, nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	add := func(e ast.Expr) {
		if s, ok := literal(e); ok && s != "" && s != "*." { // the words of HTTP itself are replaced by their codes' texts
			found[s] = true
		}
	}
	ast.Inspect(tree, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.KeyValueExpr:
			if k, ok := n.Key.(*ast.Ident); ok && k.Name == "Message" {
				add(n.Value)
			}
		case *ast.AssignStmt:
			if ix, ok := n.Lhs[0].(*ast.IndexExpr); ok {
				if x, ok := ix.X.(*ast.Ident); ok && x.Name == "wrong" {
					add(n.Rhs[0])
				}
			}
		case *ast.CallExpr:
			for _, i := range spoken[name(n.Fun)] {
				if i < len(n.Args) {
					add(n.Args[i])
				}
			}
		case *ast.ValueSpec: // const noSite = "There is no such website."
			if len(n.Values) == 1 && (n.Names[0].Name == "noSite" || n.Names[0].Name == "noNotice") {
				add(n.Values[0])
			}
		}
		return true
	})
}

// spoken says which arguments of which functions are sentences for people.
var spoken = map[string][]int{"Invalid": {1}, "NotFound": {1}, "add": {2}, "err": {1}, "wrongField": {1, 3}, "one": {2}, "forbidden": {1}}

func name(e ast.Expr) string {
	switch e := e.(type) {
	case *ast.Ident:
		return e.Name
	case *ast.SelectorExpr:
		return e.Sel.Name
	}
	return ""
}

// literal reads a string, with a * for a part that only the running program knows.
func literal(e ast.Expr) (string, bool) {
	switch e := e.(type) {
	case *ast.BasicLit:
		s, err := strconv.Unquote(e.Value)
		return s, err == nil && e.Kind == token.STRING
	case *ast.BinaryExpr:
		a, ok := literal(e.X)
		b, ok2 := literal(e.Y)
		if !ok {
			a = "*"
		}
		if !ok2 {
			b = "*"
		}
		return a + b, ok || ok2
	}
	return "", false
}

package dashboard

import "html/template"

// peopleFuncs are what the pages about people may call beside what all may.
var peopleFuncs = template.FuncMap{"limits": func(f *Form, sites any) []any { return []any{f, sites} }}

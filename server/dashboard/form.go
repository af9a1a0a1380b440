package dashboard

import (
	"fmt"
	"net/url"
	"reflect"
	"slices"
	"strings"
)

// Form is what a person typed and what is wrong with it. A page shows both again, so that nothing is typed twice.
type Form struct {
	Values url.Values
	// Message says in English what is wrong with the whole, Errors with single fields; see Words.Error.
	Message string
	Errors  map[string]string
	// Prefix goes before the fields' ids where a page holds several forms.
	Prefix string
}

// Get is the value of a field.
func (f *Form) Get(name string) string { return f.Values.Get(name) }

// Has says whether a box of the name is ticked for the value.
func (f *Form) Has(name, value string) bool { return slices.Contains(f.Values[name], value) }

// Wrong says whether a field was refused.
func (f *Form) Wrong(name string) bool { return f.Errors[name] != "" }

// ID is the id of a field's element.
func (f *Form) ID(name string) string { return f.Prefix + strings.ReplaceAll(name, ".", "-") }

// Field is one labelled input, as the template "input" draws it.
type Field struct {
	Name, ID, Value, Error         string
	Label, Hint                    string // keys of texts
	Type, Autocomplete, Inputmode  string
	Placeholder, Lang, Rows, Width string
	In                             string // the language that the text is to be in, by its own name
	Required                       bool
}

// input makes a field of a form. Options are name=value, or required. The label is the text field.NAME unless
// label= names another; the hint is hint.NAME where there is one.
func input(f *Form, name string, options ...string) Field {
	in := Field{Name: name, ID: f.ID(name), Value: f.Get(name), Error: f.Errors[name], Label: "field." + name, Hint: "hint." + name, Type: "text"}
	for _, o := range options {
		k, v, _ := strings.Cut(o, "=")
		switch k {
		case "required":
			in.Required = true
		case "label":
			in.Label, in.Hint = "field."+v, "hint."+v
		case "type":
			in.Type = v
		case "autocomplete":
			in.Autocomplete = v
		case "inputmode":
			in.Inputmode = v
		case "placeholder":
			in.Placeholder = v
		case "lang":
			in.Lang = v
		case "rows":
			in.Rows = v
		case "width":
			in.Width = v
		default:
			panic("unknown option of a field: " + o)
		}
	}
	return in
}

// worded is the field for a text of an entry in one language.
func worded(f *Form, name, lang string) Field {
	in := input(f, name+"."+lang, "label="+name, "lang="+lang, "rows=2")
	in.In = LanguageName(lang)
	return in
}

// Choice is a choice between given values: boxes, radio buttons or a list.
type Choice struct {
	Field
	Options []Option
}

// Option is one of a Choice's values; Label is the key of its text.
type Option struct {
	Value, Label string
	On           bool
}

// boxes makes a choice between values, a slice of any kind of text, whose labels are the texts PREFIX.VALUE.
func boxes(f *Form, name, prefix string, values any) Choice {
	c := Choice{Field: input(f, name)}
	for list, i := reflect.ValueOf(values), 0; i < list.Len(); i++ {
		v := fmt.Sprint(list.Index(i))
		c.Options = append(c.Options, Option{v, prefix + "." + v, f.Has(name, v)})
	}
	return c
}

// Entry is an entry of the declaration's editor together with the page around it.
type Entry struct {
	Site       string
	Page, Item any
}

func entry(site string, page, item any) Entry { return Entry{site, page, item} }

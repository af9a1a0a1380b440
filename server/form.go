package server

import (
	"errors"
	"maps"
	"net/http"
	"strings"
	"unicode/utf8"

	"github.com/labstack/echo/v4"
	"golang.org/x/net/idna"

	"samtykke/consent"
	"samtykke/server/dashboard"
)

// maxForm is the most bytes that a form without a file may have.
const maxForm = 1 << 20

// readForm reads the fields that a page sent.
func readForm(c echo.Context) (*dashboard.Form, error) {
	r := c.Request()
	r.Body = http.MaxBytesReader(c.Response(), r.Body, maxForm)
	if err := r.ParseForm(); err != nil {
		var tooLarge *http.MaxBytesError
		if errors.As(err, &tooLarge) {
			return nil, err
		}
		return nil, consent.Invalid("unreadable", "The body could not be read.")
	}
	for name, values := range r.PostForm {
		for i := range values {
			// Browsers send line ends as CR LF, whatever was typed.
			values[i] = strings.TrimSpace(strings.ReplaceAll(values[i], "\r\n", "\n"))
			if !utf8.ValidString(values[i]) || strings.ContainsRune(values[i], 0) {
				return nil, consent.Invalid("unreadable", "The body could not be read.") // PostgreSQL can't store it
			}
		}
		r.PostForm[name] = values
	}
	return &dashboard.Form{Values: r.PostForm}, nil
}

// wrongField makes an error about a single field.
func wrongField(code, message, field, sentence string) *consent.Error {
	return &consent.Error{Kind: consent.KindInvalid, Code: code, Message: message, Fields: map[string]string{field: sentence}}
}

// again shows a page with what was typed and what is wrong with it. Errors that are not about the input go on.
func (s *Server) again(c echo.Context, page string, v dashboard.View, err error) error {
	return s.againAs(c, v, err, func(code int, v dashboard.View) error { return s.showAs(c, code, page, v) })
}

// againAs is again for a page that is shown in a way of its own.
func (s *Server) againAs(c echo.Context, v dashboard.View, err error, show func(int, dashboard.View) error) error {
	var e *consent.Error
	if !errors.As(err, &e) {
		return err
	}
	v.Form.Message, v.Form.Errors = e.Message, e.Fields
	code := status[e.Kind]
	if code == http.StatusTooManyRequests {
		c.Response().Header().Set("Retry-After", "10")
	}
	return show(code, v)
}

// together joins what several checks found, so that a form shows everything at once. An error that is not about
// the input wins.
func together(errs ...error) error {
	var all *consent.Error
	for _, err := range errs {
		var e *consent.Error
		switch {
		case err == nil:
		case !errors.As(err, &e):
			return err
		case all == nil:
			all = &consent.Error{Kind: e.Kind, Code: e.Code, Message: e.Message, Fields: maps.Clone(e.Fields)}
			if all.Fields == nil {
				all.Fields = map[string]string{}
			}
		default:
			maps.Copy(all.Fields, e.Fields)
		}
	}
	if all == nil {
		return nil
	}
	return all
}

// domains reads domain names one a line, also where somebody pasted whole addresses.
func domains(text string) []string {
	var list []string
	for _, d := range strings.FieldsFunc(strings.ToLower(text), func(r rune) bool { return strings.ContainsRune(" \t\n\r,;", r) }) {
		d = strings.TrimPrefix(strings.TrimPrefix(d, "https://"), "http://")
		d, _, _ = strings.Cut(d, "/")
		if ascii, err := idna.Lookup.ToASCII(d); err == nil {
			d = ascii // smørrebrød.dk is xn--smrrebrd-p1ai.dk to browsers
		}
		list = append(list, d)
	}
	return list
}

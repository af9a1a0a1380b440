package consent

import (
	"errors"
	"fmt"
)

// Kind says what sort of failure an Error is; the server maps each kind to one HTTP status.
type Kind string

// The kinds of error that this program distinguishes. Everything else is internal and answered in neutral words.
const (
	KindInvalid      Kind = "invalid"      // the input is wrong and will stay wrong
	KindNotFound     Kind = "not_found"    // there is no such thing, or it is none of the asker's business
	KindConflict     Kind = "conflict"     // it contradicts what is stored
	KindUnauthorized Kind = "unauthorized" // not logged in
	KindForbidden    Kind = "forbidden"    // logged in or not, this is not allowed
	KindTooLarge     Kind = "too_large"    // over a size limit
	KindTooMany      Kind = "too_many"     // over a rate limit: try again later
	KindStale        Kind = "stale"        // it was meant for what has changed meanwhile
	KindUnknowing    Kind = "unknowing"    // it doesn't say what it was meant for
	KindUnavailable  Kind = "unavailable"  // the server can't now: try again later
)

// Error is the only error that reaches a user. Code is for programs and never changes its meaning; Message is a
// sentence for people; Fields names what is wrong with which field of the input.
type Error struct {
	Kind    Kind              `json:"-"`
	Code    string            `json:"code"`
	Message string            `json:"message"`
	Fields  map[string]string `json:"fields,omitempty"`
}

// Error gives the code and the message, and the fields where there are any.
func (e *Error) Error() string {
	if len(e.Fields) > 0 {
		return fmt.Sprintf("%s: %s %v", e.Code, e.Message, e.Fields)
	}
	return e.Code + ": " + e.Message
}

// Invalid makes an error of KindInvalid.
func Invalid(code, message string) *Error {
	return &Error{Kind: KindInvalid, Code: code, Message: message}
}

// NotFound makes an error of KindNotFound.
func NotFound(code, message string) *Error {
	return &Error{Kind: KindNotFound, Code: code, Message: message}
}

// KindOf returns the kind of the Error in err's chain, or "" where there is none.
func KindOf(err error) Kind {
	var e *Error
	if errors.As(err, &e) {
		return e.Kind
	}
	return ""
}

// fields collects what is wrong with an input, so that a form shows everything at once.
type fields map[string]string

func (f *fields) add(bad bool, name, message string) {
	if !bad {
		return
	}
	if *f == nil {
		*f = fields{}
	}
	if _, ok := (*f)[name]; !ok {
		(*f)[name] = message
	}
}

func (f fields) err(code, message string) error {
	if len(f) == 0 {
		return nil
	}
	return &Error{Kind: KindInvalid, Code: code, Message: message, Fields: f}
}

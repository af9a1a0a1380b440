package server

import (
	"errors"
	"log/slog"
	"net/http"
	"strings"

	"github.com/labstack/echo/v4"

	"samtykke/consent"
)

// status is the one mapping from kinds of error to HTTP.
var status = map[consent.Kind]int{
	consent.KindInvalid: http.StatusBadRequest, consent.KindNotFound: http.StatusNotFound, consent.KindConflict: http.StatusConflict,
	consent.KindUnauthorized: http.StatusUnauthorized, consent.KindForbidden: http.StatusForbidden,
	consent.KindTooLarge: http.StatusRequestEntityTooLarge, consent.KindTooMany: http.StatusTooManyRequests,
	consent.KindUnavailable: http.StatusServiceUnavailable, consent.KindStale: http.StatusPreconditionFailed,
	consent.KindUnknowing: http.StatusPreconditionRequired,
}

// handleError answers every error: JSON for programs, a page for people.
func (s *Server) handleError(err error, c echo.Context) {
	if c.Response().Committed {
		return
	}
	e, code := asError(err)
	if code == http.StatusInternalServerError {
		// The route's pattern, not the path: a path can name a visitor.
		s.cfg.Log.Error("request failed", slog.String("route", c.Path()), slog.String("method", c.Request().Method), slog.Any("error", err))
	}
	if code == http.StatusServiceUnavailable || code == http.StatusTooManyRequests {
		c.Response().Header().Set("Retry-After", "10")
	}
	var failed error
	if wantsPage(c) {
		failed = s.errorPage(c, code, e)
	} else {
		failed = c.JSON(code, map[string]*consent.Error{"error": e})
	}
	if failed != nil {
		s.cfg.Log.Debug("answer not sent", slog.Any("error", failed))
	}
}

// asError finds what the user may be told; an unknown error is told in neutral words.
func asError(err error) (*consent.Error, int) {
	var e *consent.Error
	if errors.As(err, &e) {
		return e, status[e.Kind]
	}
	var tooLarge *http.MaxBytesError
	if errors.As(err, &tooLarge) {
		return &consent.Error{Code: "too_large", Message: "What was sent is too large."}, http.StatusRequestEntityTooLarge
	}
	var he *echo.HTTPError
	if errors.As(err, &he) && he.Code < 500 {
		code := strings.ReplaceAll(strings.ToLower(http.StatusText(he.Code)), " ", "_")
		return &consent.Error{Code: code, Message: http.StatusText(he.Code) + "."}, he.Code
	}
	return &consent.Error{Code: "internal", Message: "Something went wrong on the server. It has been logged."}, http.StatusInternalServerError
}

// wantsPage says whether a person is asking: not for the routes of programs, and only where HTML is accepted.
func wantsPage(c echo.Context) bool {
	path := c.Request().URL.Path
	for _, prefix := range []string{"/v1/", "/s/"} {
		if strings.HasPrefix(path, prefix) {
			return false
		}
	}
	return strings.Contains(c.Request().Header.Get("Accept"), "text/html")
}

// logPanic keeps a handler's panic from ending the program, and the request's address out of the log.
func (s *Server) logPanic(c echo.Context, err error, stack []byte) error {
	s.cfg.Log.Error("panic", slog.String("route", c.Path()), slog.Any("error", err), slog.String("stack", string(stack)))
	return err
}

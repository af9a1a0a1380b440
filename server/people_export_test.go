package server

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"time"

	"github.com/labstack/echo/v4"
)

// TOTPCode is what an app shows at a moment.
func TOTPCode(secret string, at time.Time) string {
	raw, _ := readTOTP(secret)
	return totpCode(raw, at.Unix()/30)
}

// AskWithToken asks a route that needs what others of a site need, and gives the status.
func AskWithToken(s *Server, method, path, secret string) int {
	e := echo.New()
	e.HTTPErrorHandler = s.handleError
	e.Any("/v1/sites/:site/anything", func(c echo.Context) error { return c.NoContent(http.StatusOK) }, s.withToken)
	r := httptest.NewRequest(method, path, strings.NewReader(""))
	if secret != "" {
		r.Header.Set("Authorization", "Bearer "+secret)
	}
	w := httptest.NewRecorder()
	e.ServeHTTP(w, r)
	return w.Code
}

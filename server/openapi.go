package server

import (
	"net/http"

	"github.com/labstack/echo/v4"

	"samtykke/docs"
)

// openAPI serves the description of everything that programs and visitors' browsers can ask (docs/openapi.yaml).
func (s *Server) openAPI(c echo.Context) error {
	openToAll(c)
	c.Response().Header().Set("Cache-Control", briefly)
	c.Response().Header().Set("X-Content-Type-Options", "nosniff")
	return c.Blob(http.StatusOK, "application/yaml", docs.OpenAPI)
}

// Package docs holds the documents that the program itself hands out.
package docs

import _ "embed"

// OpenAPI describes every address that programs and visitors' browsers use, as OpenAPI 3.1.
//
//go:embed openapi.yaml
var OpenAPI []byte

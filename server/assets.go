package server

import (
	"crypto/sha256"
	"encoding/hex"
	"sync"

	"github.com/evanw/esbuild/pkg/api"
	"github.com/labstack/echo/v4"

	"samtykke/server/dashboard"
)

// The dashboard's scripts: a few pages have one. None of them is needed for anything.

// script is a page's script under a name that changes with it.
type script struct {
	*asset
	name string
}

// scripts are all pages' scripts, compiled when the first is asked for.
var scripts = sync.OnceValue(func() map[string]script {
	all := map[string]script{}
	for page, source := range dashboard.Scripts() {
		code := compileScript(page, source)
		sum := sha256.Sum256(code)
		all[page] = script{newAsset(code, "text/javascript; charset=utf-8"), page + "." + hex.EncodeToString(sum[:6]) + ".js"}
	}
	return all
})

func compileScript(page string, source []byte) []byte {
	result := api.Transform(string(source), api.TransformOptions{
		Loader: api.LoaderTS, Format: api.FormatIIFE, Target: api.ES2022, Charset: api.CharsetUTF8, LegalComments: api.LegalCommentsNone,
		MinifyWhitespace: true, MinifyIdentifiers: true, MinifySyntax: true, TsconfigRaw: "{}",
	})
	for _, m := range result.Errors {
		panic("compile the script of " + page + ": " + m.Text) // the sources are ours and embedded; a test compiles them
	}
	return result.Code
}

// scriptPath is the address of a page's script.
func scriptPath(page string) string { return "/assets/" + scripts()[page].name }

// pagePolicy is what every page of the dashboard may load: its own style and pictures.
const pagePolicy = "default-src 'none'; style-src 'self'; img-src 'self' data:; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"

// allowScript lets a page load the dashboard's own scripts, and what more names.
func allowScript(c echo.Context, more string) {
	c.Response().Header().Set("Content-Security-Policy", pagePolicy+"; script-src 'self'"+more)
}

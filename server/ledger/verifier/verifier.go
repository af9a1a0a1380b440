// Package verifier is a page that verifies exports and receipts in the reader's own browser: one file without any request,
// which works saved to a disk and without the server. verify.ts follows the rules of server/ledger/verify.go.
package verifier

import (
	"crypto/sha256"
	"embed"
	"encoding/base64"
	"fmt"
	"strings"
	"sync"

	"github.com/evanw/esbuild/pkg/api"
)

//go:embed *.ts page.html page.css
var sources embed.FS

func source(name string) string {
	b, err := sources.ReadFile(name)
	if err != nil {
		panic(err) // every caller names a file of this package
	}
	return string(b)
}

// page is the finished page with what a server says of it.
type page struct {
	html         []byte
	hash, policy string
}

var finished = sync.OnceValue(func() page {
	script, style := "\n"+build("page.ts"), "\n"+source("page.css")
	p := page{hash: cspHash(script)}
	p.policy = fmt.Sprintf("default-src 'none'; script-src %s; style-src %s; img-src data:; base-uri 'none'; form-action 'none'; "+
		"require-trusted-types-for 'script'; trusted-types 'none'", p.hash, cspHash(style))
	p.html = []byte(strings.NewReplacer("{{policy}}", p.policy, "{{style}}", style, "{{script}}", script).Replace(source("page.html")))
	return p
})

// Page is the page: UTF-8 HTML with style and script inline. The slice is shared and not to be changed.
func Page() []byte { return finished().html }

// Record is the script that verifies the receipt on the dashboard's page of a record. The slice is shared and not to be changed.
func Record() []byte { return record() }

var record = sync.OnceValue(func() []byte { return []byte(build("record.ts")) })

// Hash is the inline script's source expression in a Content-Security-Policy, with its quotes.
func Hash() string { return finished().hash }

// Policy is the Content-Security-Policy that the page needs and holds itself to: it can't make a request.
func Policy() string { return finished().policy }

func cspHash(inline string) string {
	sum := sha256.Sum256([]byte(inline))
	return "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
}

// build bundles the script from the embedded files only: no disk, no network. It isn't minified, so that whoever doubts the
// page can read it.
func build(entry string) string {
	result := api.Build(api.BuildOptions{
		EntryPoints: []string{"./" + strings.TrimSuffix(entry, ".ts")}, Bundle: true, Write: false,
		Format: api.FormatIIFE, Target: api.ES2022, Charset: api.CharsetUTF8, LegalComments: api.LegalCommentsNone,
		Plugins: []api.Plugin{embedded}, TsconfigRaw: "{}",
	})
	for _, m := range result.Errors {
		panic("compile verifier: " + m.Text) // the sources are ours and embedded; a test compiles them
	}
	return string(result.OutputFiles[0].Contents)
}

// embedded resolves every import to a file of sources.
var embedded = api.Plugin{Name: "embedded", Setup: func(b api.PluginBuild) {
	b.OnResolve(api.OnResolveOptions{Filter: `^\./`}, func(a api.OnResolveArgs) (api.OnResolveResult, error) {
		return api.OnResolveResult{Path: strings.TrimPrefix(a.Path, "./") + ".ts", Namespace: "verifier"}, nil
	})
	b.OnLoad(api.OnLoadOptions{Filter: ".", Namespace: "verifier"}, func(a api.OnLoadArgs) (api.OnLoadResult, error) {
		code, err := sources.ReadFile(a.Path)
		text := string(code)
		return api.OnLoadResult{Contents: &text, Loader: api.LoaderTS}, err
	})
}}

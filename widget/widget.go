// Package widget makes the banner that runs on the customers' pages: one script for each notice, compiled from the
// embedded TypeScript for that notice's settings, so that what a site doesn't use costs it no byte.
package widget

import (
	"embed"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/evanw/esbuild/pkg/api"

	"samtykke/consent"
)

//go:embed src/*.ts src/*.css
var sources embed.FS

// source reads one embedded file.
func source(name string) string {
	b, err := sources.ReadFile("src/" + name)
	if err != nil {
		panic(err) // every caller names a file of this package
	}
	return string(b)
}

// Compile makes the script of a notice and the texts that it fetches for each language but the default, which is
// the first and is inlined. base is the server's public address without a slash at the end; the script uses it only
// where its own address doesn't tell. Equal contents give equal bytes.
//
// The notice's hash stands in the script once, as consent.NoHash: whoever seals the notice replaces it. The script
// is UTF-8 and must be served as such.
//
// Content that can't be shown is a consent.Error of KindInvalid: a banner that doesn't validate, a language that is
// unknown or misses a text (B21).
func Compile(c consent.Content, base string) (consent.Bundle, error) {
	if err := c.Banner.Validate(); err != nil {
		return consent.Bundle{}, err
	}
	if err := CheckTexts(&c); err != nil {
		return consent.Bundle{}, err
	}
	defines, err := definesOf(&c, base)
	if err != nil {
		return consent.Bundle{}, err
	}
	bundle := consent.Bundle{Files: map[string][]byte{}}
	if bundle.JS, err = build("main", defines); err != nil {
		return consent.Bundle{}, err
	}
	for _, name := range chunksOf(&c) {
		if bundle.Files[name+".js"], err = build(name, defines); err != nil {
			return consent.Bundle{}, err
		}
	}
	for _, lang := range c.Banner.Languages[1:] {
		if bundle.Files[lang+".json"], err = json.Marshal(textsOf(&c, lang)); err != nil {
			return consent.Bundle{}, fmt.Errorf("encode texts: %w", err)
		}
	}
	return bundle, nil
}

// chunksOf lists the modules that the script fetches when they are first needed.
func chunksOf(c *consent.Content) []string {
	names := []string{"panel", "embeds", "debug"}
	if clearable(c.Items, c.Banner.PerVendor) != nil {
		names = append(names, "clean")
	}
	if c.Banner.AutoBlock {
		names = append(names, "hosts")
	}
	return names
}

// definesOf gives each constant of src/settings.ts and src/switches.d.ts its value, as JSON.
func definesOf(c *consent.Content, base string) (map[string]string, error) {
	css, err := minifyCSS(styleOf(c.Banner))
	if err != nil {
		return nil, err
	}
	panelCSS, err := minifyCSS(panelStyleOf(c.Banner))
	if err != nil {
		return nil, err
	}
	embedCSS, err := minifyCSS(embedStyleOf(c.Banner))
	if err != nil {
		return nil, err
	}
	b, table := c.Banner, clearable(c.Items, c.Banner.PerVendor)
	words := textsOf(c, b.Languages[0])
	values := map[string]any{
		"SITE": c.Site, "BASE": base, "NOTICE": consent.NoHash, "VERSION": c.Version, "TERMS": strconv.Itoa(c.Terms),
		"DAYS": b.Days, "DOMAIN": b.Domain, "ASKED": b.Asked().List(), "LANGUAGES": b.Languages,
		"TEXTS": words.First, "PRIVACY": b.PrivacyURL, "DECLARATION": b.Declaration, "STYLE": css,
		"MODAL": b.Form == "dialog", "FLOATS": b.Corner != "none", "CONSENT_MODE": b.ConsentMode, "GPC": b.GPC,
		"CLEANS": len(table) > 0, "CLEAN": table, "SHARED": b.Domain != "", "TRANSLATED": len(b.Languages) > 1,
		"ADS_REDACTION": b.AdsRedaction, "URL_PASSTHROUGH": b.URLPassthrough, "DNT": b.DNT, "AUTO": b.AutoBlock,
		"COOKIEBOT": slices.Contains(b.Markup, "cookiebot"), "VANILLA": slices.Contains(b.Markup, "vanilla-cookieconsent"),
		"KLARO": slices.Contains(b.Markup, "klaro"), "IMPORT": b.Import, "FIRST_PARTY": b.FirstParty, "SERVICES": b.Services, "VENDORS": b.PerVendor,
		"PANEL_TEXTS": words.Later, "PANEL_STYLE": panelCSS,
		"PANEL_VENDORS": refusable(c), "PROVIDERS": providerHosts(c), "HOSTS": hostsOf(c), "KNOWN_HOSTS": knownHosts(c),
		"EMBED_TEXTS": pick(words.Later, "embed_title", "embed_text", "embed_once", "embed_always"), "EMBED_STYLE": embedCSS,
	}
	values["SIGNALS"] = b.ConsentMode || len(b.Signals) > 0
	for _, name := range consent.SignalNames {
		values[strings.ToUpper(name)] = slices.Contains(b.Signals, name)
	}
	for _, key := range []string{"privacy", "leave", "reopen"} {
		values["W."+key] = 0 // where a text isn't shown, the code that would show it is left out
	}
	for i, key := range shownFirst(c) {
		values["W."+key] = i
	}
	values["W.categories"] = slices.Index(shownFirst(c), "necessary_name")
	defines := map[string]string{}
	for name, v := range values {
		j, err := json.Marshal(v)
		if err != nil {
			return nil, fmt.Errorf("encode %s: %w", name, err)
		}
		defines["$"+name] = string(j)
	}
	return defines, nil
}

// callHint tells Chromium that nearly all functions run at once: it then compiles them while the script arrives, off the
// page's own thread. https://v8.dev/blog/explicit-compile-hints
const callHint = "//# allFunctionsCalledOnLoad\n"

// build bundles one entry of src: main and stub as classic scripts, all others as modules. It reads the embedded files only: no
// disk, no network.
func build(entry string, defines map[string]string) ([]byte, error) {
	format := api.FormatESModule
	if entry == "main" || entry == "stub" {
		format = api.FormatIIFE
	}
	result := api.Build(api.BuildOptions{
		EntryPoints: []string{"./" + entry}, Bundle: true, Write: false, Define: defines,
		Format: format, Target: api.ES2021, Charset: api.CharsetUTF8, LegalComments: api.LegalCommentsNone,
		MinifyWhitespace: true, MinifyIdentifiers: true, MinifySyntax: true,
		Plugins: []api.Plugin{embedded}, TsconfigRaw: "{}",
	})
	if err := failure(result.Errors); err != nil {
		return nil, err
	}
	code := result.OutputFiles[0].Contents
	if entry == "main" {
		return append([]byte(callHint), code...), nil
	}
	return code, nil
}

// embedded resolves every import to a file of sources.
var embedded = api.Plugin{Name: "embedded", Setup: func(b api.PluginBuild) {
	b.OnResolve(api.OnResolveOptions{Filter: `^\./`}, func(a api.OnResolveArgs) (api.OnResolveResult, error) {
		return api.OnResolveResult{Path: strings.TrimPrefix(a.Path, "./") + ".ts", Namespace: "src"}, nil
	})
	b.OnLoad(api.OnLoadOptions{Filter: ".", Namespace: "src"}, func(a api.OnLoadArgs) (api.OnLoadResult, error) {
		code, err := sources.ReadFile("src/" + a.Path)
		text := string(code)
		return api.OnLoadResult{Contents: &text, Loader: api.LoaderTS}, err
	})
}}

func minifyCSS(css string) (string, error) {
	r := api.Transform(css, api.TransformOptions{Loader: api.LoaderCSS, MinifyWhitespace: true, MinifySyntax: true, Charset: api.CharsetUTF8})
	return strings.TrimSpace(string(r.Code)), failure(r.Errors)
}

func failure(messages []api.Message) error {
	if len(messages) == 0 {
		return nil
	}
	m := messages[0]
	if m.Location != nil {
		return fmt.Errorf("compile banner: %s:%d: %s", m.Location.File, m.Location.Line, m.Text)
	}
	return fmt.Errorf("compile banner: %s", m.Text)
}

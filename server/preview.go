package server

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"html/template"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"

	"github.com/labstack/echo/v4"

	"samtykke/consent"
	"samtykke/server/dashboard"
	"samtykke/server/declaration"
)

// A preview is the real script of a draft, compiled as publishing would compile it, in a page that is sandboxed into an origin
// of its own and may fetch nothing: what the script would fetch is in the page. No press of a button can become a record, and
// nothing of it can reach the dashboard around it.

// previewLayers are what can be looked at: the first layer, the second, and what is left after an answer.
var previewLayers = []string{"1", "2", "link"}

// previewWidths are the screens on which it is looked at.
var previewWidths = []string{"desktop", "mobile"}

// previewed remembers the newest compiled drafts. Compiling takes tens of milliseconds, and looking at another layer or
// language changes nothing.
type previewed struct {
	mu      sync.Mutex
	notices map[[sha256.Size]byte]consent.Notice
}

// maxPreviewed is how many drafts are remembered.
const maxPreviewed = 16

// seal is the function of that name, with a memory.
func (p *previewed) seal(n consent.Notice, base string) (consent.Notice, error) {
	body, err := json.Marshal(n.Content)
	if err != nil {
		return n, err
	}
	key := sha256.Sum256(body)
	p.mu.Lock()
	known, ok := p.notices[key]
	p.mu.Unlock()
	if ok {
		return known, nil
	}
	if n, err = seal(n, base); err != nil {
		return n, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.notices == nil || len(p.notices) >= maxPreviewed {
		p.notices = map[[sha256.Size]byte]consent.Notice{}
	}
	p.notices[key] = n
	return n, nil
}

// preview shows the stored draft's banner: ?lang=da&layer=2.
func (s *Server) preview(c echo.Context) error {
	site, err := s.db.Site(c.Request().Context(), c.Param("site"))
	if err != nil {
		return err
	}
	return s.showPreview(c, &site)
}

// previewForm shows the draft as it would be with a section's form, of which nothing is stored.
func (s *Server) previewForm(c echo.Context) error {
	f, err := readForm(c)
	if err != nil {
		return err
	}
	site, err := s.db.Site(c.Request().Context(), c.Param("site"))
	if err != nil {
		return err
	}
	_, wrong := fillSection(&site, c.QueryParam("section"), c.QueryParam("lang"), f)
	if wrong != nil {
		return s.noPreview(c, wrong)
	}
	return s.showPreview(c, &site)
}

func (s *Server) showPreview(c echo.Context, site *consent.Site) error {
	ctx := c.Request().Context()
	n, err := s.draft(ctx, site)
	if err != nil {
		return err
	}
	if n, err = s.previews.seal(n, s.cfg.BaseURL); err != nil {
		return s.noPreview(c, err)
	}
	v := previewPage{Lang: c.QueryParam("lang"), Layer: c.QueryParam("layer"), Notice: &n, Words: dashboard.For(languageOf(c)), Nonce: rand.Text()}
	if !slices.Contains(n.Content.Banner.Languages, v.Lang) {
		v.Lang = n.Content.Banner.Languages[0]
	}
	v.First = newFirstLayer(&n.Content, v.Lang)
	if err := v.load(s.cfg.BaseURL); err != nil {
		return err
	}
	return v.answer(c, http.StatusOK)
}

// draft is the notice that publishing a site's draft would seal now.
func (s *Server) draft(ctx context.Context, site *consent.Site) (consent.Notice, error) {
	items, err := s.db.Items(ctx, site.ID)
	if err != nil {
		return consent.Notice{}, err
	}
	n := consent.Notice{Site: site.ID, Version: 1, Content: content(site, items)}
	current, err := s.currentNotice(ctx, site.ID)
	if err != nil {
		return n, err
	}
	if current != nil {
		n.Version += current.Version
	}
	n.Content.Version, n.Content.Terms = n.Version, n.Version
	return n, nil
}

// previewDeclaration shows the declaration as publishing the draft now would serve it: the page, or da.json its data.
func (s *Server) previewDeclaration(c echo.Context) error {
	site, err := s.db.Site(c.Request().Context(), c.Param("site"))
	if err != nil {
		return err
	}
	n, err := s.draft(c.Request().Context(), &site)
	if err != nil {
		return err
	}
	n.ValidFrom = s.cfg.Now()
	scanned, err := s.lastScan(c.Request().Context(), site.ID, nil)
	if err != nil {
		return err
	}
	lang, ext := cutJSON(c.Param("lang"))
	d, err := declaration.Of([]consent.Notice{n}, 0, lang, scanned)
	if err != nil {
		return err
	}
	h := c.Response().Header()
	if ext != "" {
		return c.JSONPretty(http.StatusOK, d, "  ")
	}
	var page bytes.Buffer
	if err := d.WritePage(&page, styleURL(c)); err != nil {
		return err
	}
	declarationHeaders(h)
	h.Set("Cache-Control", "no-store")
	return c.HTMLBlob(http.StatusOK, page.Bytes())
}

// noPreview says in the preview's place what keeps the draft from being shown.
func (s *Server) noPreview(c echo.Context, err error) error {
	var e *consent.Error
	if !errors.As(err, &e) {
		return err
	}
	v := previewPage{Lang: languageOf(c), Words: dashboard.For(languageOf(c)), Nonce: rand.Text(), Trouble: []string{}}
	for _, sentence := range slices.Sorted(maps.Values(e.Fields)) {
		v.Trouble = append(v.Trouble, v.Words.Error(sentence))
	}
	if len(v.Trouble) == 0 {
		v.Trouble = append(v.Trouble, v.Words.Error(e.Message))
	}
	v.Trouble = slices.Compact(v.Trouble)
	return v.answer(c, status[e.Kind])
}

// previewPage is the page of a preview. The words are the dashboard's; what the visitor sees is in Lang.
type previewPage struct {
	*consent.Notice
	Lang, Layer, Nonce string
	First              firstLayer
	Words              *dashboard.Words
	Trouble            []string // why the draft can't be shown; nil where it can
	Script             template.URL
	Files, Imports     any // what the script would fetch and import, by address
}

// load puts everything that the script would fetch into the page.
func (v *previewPage) load(base string) error {
	at := base + "/s/" + v.Site + "/" + v.Hash.String() + "."
	files, imports := map[string]string{}, map[string]string{}
	for name, body := range v.Bundle.Files {
		if strings.HasSuffix(name, ".json") {
			files[at+name] = string(body)
		} else {
			imports[at+name] = dataURL(body)
		}
	}
	d, err := declaration.Of([]consent.Notice{*v.Notice}, 0, v.Lang, nil)
	if consent.KindOf(err) != consent.KindNotFound { // there are more languages of banners than of declarations
		body, err2 := json.Marshal(d)
		if err := errors.Join(err, err2); err != nil {
			return err
		}
		files[base+declaration.Path(v.Site, v.Version, v.Lang)+".json"] = string(body)
	}
	v.Script, v.Files, v.Imports = template.URL(dataURL(v.Bundle.JS)), files, map[string]any{"imports": imports}
	return nil
}

func dataURL(script []byte) string {
	return "data:text/javascript;charset=utf-8;base64," + base64.StdEncoding.EncodeToString(script)
}

// ImportMap is written out here, since templates know no such script. JSON has no < of its own as Go writes it.
func (v *previewPage) ImportMap() (template.HTML, error) {
	body, err := json.Marshal(v.Imports)
	return template.HTML(`<script type="importmap" nonce="` + v.Nonce + `">` + string(body) + `</script>`), err
}

func (v *previewPage) answer(c echo.Context, code int) error {
	var b bytes.Buffer
	if err := previewTemplate.Execute(&b, v); err != nil {
		return err
	}
	nonce := "'nonce-" + v.Nonce + "'"
	replayHeaders(c.Response().Header(), "sandbox allow-scripts; default-src 'none'; script-src "+nonce+"; style-src "+nonce+
		"; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'self'")
	return c.HTMLBlob(code, b.Bytes())
}

// The page waits with the focus until somebody has pressed something in it: else it would take it from who types beside it.
var previewTemplate = template.Must(template.New("preview").Parse(`<!doctype html>
<html lang="{{.Lang}}">
<head>
<meta charset="utf-8">
<title>{{.Words.T "editor.preview"}}</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="robots" content="noindex">
<link rel="icon" href="data:,">
<style nonce="{{.Nonce}}">
body { margin: 0; font: 1rem/1.5 system-ui, sans-serif; color: CanvasText; background: Canvas; }
main { max-width: 60rem; margin: auto; padding: 2rem; }
.trouble { max-width: 40rem; }
.mock div { height: .8rem; border-radius: 4px; margin: 0 0 1rem; background: color-mix(in srgb, CanvasText 9%, Canvas); }
.mock div:nth-child(3n + 1) { width: 92%; }
.mock div:nth-child(4n) { width: 68%; margin-bottom: 2.5rem; }
.mock .top { height: 2.4rem; width: 45%; margin-bottom: 2rem; background: color-mix(in srgb, CanvasText 16%, Canvas); }
</style>
{{if not .Trouble}}<script nonce="{{.Nonce}}">
for (const name of ["globalPrivacyControl", "doNotTrack"]) Object.defineProperty(navigator, name, { value: null });
const files = {{.Files}}, focus = HTMLElement.prototype.focus;
window.fetch = async (address) => {
  if (!Object.hasOwn(files, address)) throw new TypeError("A preview fetches nothing.");
  return new Response(files[address], { headers: { "Content-Type": "application/json" } });
};
HTMLElement.prototype.focus = function (options) { if (navigator.userActivation.hasBeenActive) focus.call(this, options); };
</script>
{{.ImportMap}}{{end}}
</head>
<body>
{{if .Trouble}}<main class="trouble" lang="{{.Words.Lang}}"><h1>{{.Words.T "editor.no_preview"}}</h1>
<ul>{{range .Trouble}}<li>{{.}}</li>{{end}}</ul></main>
{{else}}<main><noscript><section lang="{{.Words.Lang}}"><p><strong>{{.Words.T "editor.noscript"}}</strong></p></section>
{{with .First}}<h1>{{.Title}}</h1><p>{{.Intro}}</p>
<dl>{{range .Purposes}}<dt>{{.Name}}</dt><dd>{{.Purpose}}</dd>{{end}}</dl><p>{{.Hint}}</p><p>[{{.Accept}}] [{{.Reject}}] [{{.Choose}}]</p>{{end}}</noscript>
<div class="mock" aria-hidden="true"><div class="top"></div><div></div><div></div><div></div><div></div><div></div><div></div><div></div><div></div><div></div><div></div></div></main>
<script nonce="{{.Nonce}}" src="{{.Script}}" data-lang="{{.Lang}}"></script>
{{if eq .Layer "2"}}<script nonce="{{.Nonce}}">samtykke.open();</script>{{else if eq .Layer "link"}}<script nonce="{{.Nonce}}">samtykke.rejectAll();</script>{{end}}{{end}}
</body>
</html>
`))

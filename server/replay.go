package server

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"html/template"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/labstack/echo/v4"

	"samtykke/consent"
	"samtykke/server/dashboard"
	"samtykke/server/declaration"
)

// replay is a notice's own script in a bare page: what visitors saw, with the very bytes that they got. The page is
// sandboxed and may fetch the notice's frozen files and its declaration, nothing else, so that no press of a button can ever
// become a record.
type replay struct {
	*consent.Notice
	Language   string
	Base       string // address under which the notice's files are served, as visitors' browsers know it
	Note       string // says what this is; empty for a picture
	NoteSpeaks string // the note's language
}

// Without these objections the script shows what it shows to most: a browser that objects is not asked (B29).
const replayScript = `for (const name of ["globalPrivacyControl", "doNotTrack"]) Object.defineProperty(navigator, name, { value: null });`

const replayStyle = `body { margin: 0; background: #fff; color: #1c2430; font: 1rem/1.5 system-ui, sans-serif; } main { max-width: 48rem; margin: auto; padding: 1.5rem; } h1 { font-size: 1.5rem; }`

var replayPage = template.Must(template.New("replay").Parse(`<!doctype html>
<html lang="{{.Language}}">
<head>
<meta charset="utf-8">
<title>{{.Content.SiteName}} – {{.Version}}</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<link rel="icon" href="data:,">
<style>` + replayStyle + `</style>
<script>` + replayScript + `</script>
<script async src="{{.File "js"}}" data-lang="{{.Language}}"></script>
</head>
<body><main><h1>{{.Content.SiteName}}</h1>{{with .Note}}<p lang="{{$.NoteSpeaks}}">{{.}}</p>{{end}}</main></body>
</html>
`))

// File is the address of one of the notice's files.
func (r *replay) File(name string) string {
	return r.Base + "/s/" + r.Site + "/" + r.Hash.String() + "." + name
}

// write gives the page and the policy that it must be served with. The policy names file by file what the page may load.
func (r *replay) write() (page []byte, policy string, err error) {
	scripts, fetches := []string{inlineHash(replayScript), r.File("js")}, []string{r.Base + declaration.Path(r.Site, r.Version, r.Language) + ".json"}
	for _, name := range slices.Sorted(maps.Keys(r.Bundle.Files)) {
		if strings.HasSuffix(name, ".json") {
			fetches = append(fetches, r.File(name))
		} else {
			scripts = append(scripts, r.File(name))
		}
	}
	var b bytes.Buffer
	err = replayPage.Execute(&b, r)
	return b.Bytes(), "sandbox allow-scripts; default-src 'none'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; style-src " + inlineHash(replayStyle) +
		"; script-src " + strings.Join(scripts, " ") + "; connect-src " + strings.Join(fetches, " "), err
}

// inlineHash allows one inline script or style.
func inlineHash(code string) string {
	sum := sha256.Sum256([]byte(code))
	return "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
}

// replayHeaders go with the page. A sandboxed page can't have an opener policy: browsers refuse to show it.
func replayHeaders(h http.Header, policy string) {
	h.Del("Cross-Origin-Opener-Policy")
	h.Set("Content-Security-Policy", policy)
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Cache-Control", "no-store")
}

// replayNotice shows a stored notice as its visitors saw it: ?language=da, with the second layer open at #samtykke=open.
func (s *Server) replayNotice(c echo.Context) error {
	hash, err := s.noticeHash(c)
	if err != nil {
		return err
	}
	ctx := c.Request().Context()
	switch _, intact, err := s.db.Reseal(ctx, hash); {
	case err != nil:
		return err
	case !intact:
		return errAltered()
	}
	n, err := s.db.Notice(ctx, hash)
	if err != nil {
		return err
	}
	lang := c.QueryParam("language")
	if lang == "" {
		lang = n.Content.Banner.Languages[0]
	}
	if !slices.Contains(n.Content.Banner.Languages, lang) {
		return consent.NotFound("no_language", "The notice does not exist in this language.")
	}
	speaks := languageOf(c)
	r := replay{Notice: &n, Language: lang, Base: s.cfg.BaseURL, Note: dashboard.For(speaks).T("notice.replayed", n.Version), NoteSpeaks: speaks}
	page, policy, err := r.write()
	if err != nil {
		return err
	}
	replayHeaders(c.Response().Header(), policy)
	return c.HTMLBlob(http.StatusOK, page)
}

// errAltered refuses to show as a notice what isn't any more.
func errAltered() error {
	return &consent.Error{Kind: consent.KindConflict, Code: "altered", Message: "What is stored is not what was published, so it is not shown again."}
}

// noticeHash finds the notice that an address names by site and version.
func (s *Server) noticeHash(c echo.Context) (consent.Hash, error) {
	heads, err := s.db.NoticeHeads(c.Request().Context(), c.Param("site"))
	if err != nil {
		return consent.Hash{}, err
	}
	hash, ok := readVersion(c.Param("version"), heads)
	if !ok {
		return hash, errNoNotice()
	}
	return hash, nil
}

func errNoNotice() error { return consent.NotFound("no_notice", "There is no such notice.") }

// replayPath is the address of a replay, with the first or the second layer open.
func replayPath(site string, version int, language string, layer int) string {
	path := "/sites/" + site + "/notices/" + strconv.Itoa(version) + "/replay?" + url.Values{"language": {language}}.Encode()
	if layer == 2 {
		path += "#samtykke=open"
	}
	return path
}

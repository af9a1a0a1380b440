package server

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/labstack/echo/v4"

	"samtykke/consent"
)

// The API does for programs what the dashboard does for people (docs/api.md). Who asks is said by a token, never by the cookie,
// so that no other website's page can ask in somebody's name; and no answer may be read by other origins.

// How often one token may ask, and one address with tokens that don't count.
const (
	callsPerSecond   = 20
	callBurst        = 200
	guessesPerSecond = 0.2
	guessBurst       = 20
)

// siteKey is where program keeps the site of the address for the handlers.
const siteKey = "site"

// siteOf is the site of the address, which the token may see.
func siteOf(c echo.Context) *consent.Site { return c.Get(siteKey).(*consent.Site) }

// whoOf names who asks, as deeds do: a person by the e-mail, a program by its token's name, else a visitor.
func whoOf(c echo.Context) string {
	if u := userOf(c); u != nil {
		return u.Email
	}
	if t, err := tokenOf(c); err == nil {
		return consent.ByToken + t.Name
	}
	return consent.ByVisitor
}

// program lets in programs with a token, as often as one may ask, and finds the site of the address.
func (s *Server) program(next echo.HandlerFunc) echo.HandlerFunc {
	admitted := s.withToken(func(c echo.Context) error {
		t, err := tokenOf(c)
		if err != nil {
			return err
		}
		if err := s.calls.allowKey(strconv.FormatInt(t.Num, 10)); err != nil {
			return err
		}
		if id := c.Param("site"); id != "" {
			site, err := s.db.Site(c.Request().Context(), id)
			if err != nil {
				return err
			}
			c.Set(siteKey, &site)
		}
		return next(c)
	})
	return func(c echo.Context) error {
		h := c.Response().Header()
		h.Set("Cache-Control", "no-store")
		h.Set("X-Content-Type-Options", "nosniff")
		err := admitted(c)
		if consent.KindOf(err) == consent.KindUnauthorized && c.Request().Header.Get(echo.HeaderAuthorization) != "" {
			if many := s.guesses.allow(c, "token"); many != nil {
				return many
			}
		}
		return err
	}
}

// noMethod answers for what no route of the API does: which methods an address has, to OPTIONS and where another one was used.
func (s *Server) noMethod(c echo.Context) error {
	allowed := []string{}
	for _, r := range s.echo.Routes() {
		if fits(r.Path, c.Request().URL.Path) && !slices.Contains(allowed, r.Method) {
			allowed = append(allowed, r.Method)
		}
	}
	allowed = slices.DeleteFunc(allowed, func(m string) bool { return m == echo.RouteNotFound })
	if len(allowed) == 0 {
		return echo.ErrNotFound
	}
	if slices.Contains(allowed, http.MethodGet) {
		allowed = append(allowed, http.MethodHead)
	}
	slices.Sort(allowed)
	c.Response().Header().Set("Allow", strings.Join(allowed, ", "))
	if c.Request().Method == http.MethodOptions {
		return c.NoContent(http.StatusNoContent)
	}
	return echo.ErrMethodNotAllowed
}

// fits says whether an address is one of a route's.
func fits(pattern, path string) bool {
	a, b := strings.Split(pattern, "/"), strings.Split(path, "/")
	return slices.EqualFunc(a, b, func(p, v string) bool { return p == v || strings.HasPrefix(p, ":") && v != "" })
}

// maxBody is the most bytes of JSON that a program may send: a declaration with thousands of entries.
const maxBody = 4 << 20

// readJSON reads a body that holds one JSON value with known fields and nothing else.
func readJSON(c echo.Context, into any) error {
	body, err := readBody(c, maxBody)
	if err != nil {
		return err
	}
	d := json.NewDecoder(bytes.NewReader(body))
	d.DisallowUnknownFields()
	err = d.Decode(into)
	switch {
	case err == nil && len(bytes.TrimSpace(body[d.InputOffset():])) > 0:
		err = errors.New("more than one value")
	case err == nil && bytes.Contains(body, []byte(`\u0000`)): // PostgreSQL can't store it
		err = errors.New("a zero character")
	}
	if err != nil {
		return &consent.Error{Kind: consent.KindInvalid, Code: "bad_json", Message: "The body is not the JSON that belongs here.", Fields: map[string]string{"body": short(err.Error())}}
	}
	return nil
}

// readBody reads a body of JSON, of at most so many bytes.
func readBody(c echo.Context, most int64) ([]byte, error) {
	r := c.Request()
	if kind, _, _ := strings.Cut(r.Header.Get("Content-Type"), ";"); strings.TrimSpace(kind) != "application/json" {
		return nil, consent.Invalid("bad_content_type", "Send JSON, as application/json.")
	}
	body, err := io.ReadAll(http.MaxBytesReader(c.Response(), r.Body, most))
	var tooLarge *http.MaxBytesError
	if err != nil && !errors.As(err, &tooLarge) {
		err = consent.Invalid("unreadable", "The body could not be read.")
	}
	return body, err
}

// etag names what a value is now: two values with the same name are the same.
func etag(v any) (string, error) {
	b, err := json.Marshal(v)
	sum := sha256.Sum256(b)
	return `"` + hex.EncodeToString(sum[:12]) + `"`, err
}

// withETag answers with a value and its name.
func withETag(c echo.Context, code int, named, v any) error {
	tag, err := etag(named)
	if err != nil {
		return err
	}
	c.Response().Header().Set("ETag", tag)
	if code == http.StatusOK && c.Request().Method == http.MethodGet && slices.Contains(tags(c, "If-None-Match"), tag) {
		return c.NoContent(http.StatusNotModified)
	}
	return c.JSON(code, v)
}

func tags(c echo.Context, header string) []string {
	list := strings.Split(c.Request().Header.Get(header), ",")
	for i := range list {
		list[i] = strings.TrimSpace(list[i])
	}
	return list
}

// ifMatch refuses to replace a value that isn't the one the program has read, so that nobody's change is lost.
func ifMatch(c echo.Context, was any) error {
	if c.Request().Header.Get("If-Match") == "" {
		return &consent.Error{Kind: consent.KindUnknowing, Code: "no_if_match", Message: "Send If-Match with the ETag of what you have read."}
	}
	tag, err := etag(was)
	if err != nil {
		return err
	}
	if list := tags(c, "If-Match"); !slices.Contains(list, tag) && !slices.Contains(list, "*") {
		return &consent.Error{Kind: consent.KindStale, Code: "changed_meanwhile", Message: "Somebody has changed it since you read it. Read it again."}
	}
	return nil
}

// listing is a page of a list. Next is the cursor of the following page, absent at the end.
type listing[T any] struct {
	Results []T    `json:"results"`
	Next    string `json:"next,omitempty"`
}

// The size of pages.
const (
	usualPage   = 50
	longestPage = 1000
)

// pageLimit reads how many results a page is to have.
func pageLimit(q url.Values) (int, error) {
	if q.Get("limit") == "" {
		return usualPage, nil
	}
	n, err := strconv.Atoi(q.Get("limit"))
	if err != nil || n < 1 || n > longestPage {
		return 0, wrongField("bad_limit", "The limit is not right.", "limit", "Give a number from 1 to 1000.")
	}
	return n, nil
}

// listPage answers with the page of a whole list that begins behind the cursor, which is the key of the last result before.
func listPage[T, R any](c echo.Context, all []T, key func(*T) string, as func(*T) (R, error)) error {
	l, err := pageOf(c, all, key, as)
	if err != nil {
		return err
	}
	return c.JSON(http.StatusOK, l)
}

func pageOf[T, R any](c echo.Context, all []T, key func(*T) string, as func(*T) (R, error)) (l listing[R], err error) {
	limit, err := pageLimit(c.QueryParams())
	if err != nil {
		return l, err
	}
	if after := c.QueryParam("after"); after != "" {
		k := slices.IndexFunc(all, func(v T) bool { return key(&v) == after })
		if k < 0 {
			return l, consent.Invalid("bad_cursor", "The cursor is not one that this list gave.")
		}
		all = all[k+1:]
	}
	l.Results = []R{}
	if len(all) > limit {
		all = all[:limit]
		l.Next = key(&all[limit-1])
	}
	for i := range all {
		r, err := as(&all[i])
		if err != nil {
			return l, err
		}
		l.Results = append(l.Results, r)
	}
	return l, nil
}

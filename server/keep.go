package server

import (
	"net/http"
	"regexp"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"samtykke/consent"
)

// keepHeader holds the stored choice as the script would write it, where the site serves the script itself.
const keepHeader = "Samtykke-Keep"

// kept is the form of a stored choice without waiting acts: docs/widget.md. The first group is the site, the second the visitor.
var kept = regexp.MustCompile(`^1:([a-z0-9]{1,64}):([0-9a-f-]{36}):[0-9a-z]{1,11}:[0-9]{1,9}:p?s?m?:p?s?m?:(?::[A-Za-z0-9%_.!~*'()-]{1,900})?$`)

// keepChoice sets the cookie that the script asks for, since browsers keep what an answer sets longer than what a script
// writes (Safari: seven days). Only for a page of the very address that the script came from: anywhere else the cookie
// would be ours, and a third party's.
func keepChoice(c echo.Context, r *consent.Record, domain string) {
	h := c.Request().Header
	m := kept.FindStringSubmatch(h.Get(keepHeader))
	if m == nil || m[1] != r.Site || m[2] != r.Visitor.String() || h.Get("Sec-Fetch-Site") != "same-origin" {
		return
	}
	cookie := &http.Cookie{
		Name: "samtykke", Value: m[0], Path: "/", SameSite: http.SameSiteLaxMode, MaxAge: int(r.ValidUntil.Sub(r.At) / time.Second),
		Secure: strings.HasPrefix(h.Get("Origin"), "https:"),
	}
	if host := strings.TrimPrefix(strings.TrimPrefix(h.Get("Origin"), "https://"), "http://"); domain != "" && strings.HasSuffix("."+host, "."+domain) {
		cookie.Domain = domain
	}
	c.SetCookie(cookie)
}
